/* The picture of a broken block on the page of a report. Driver. */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* Where the damage lies, and what is there now. Nothing for a finding without a block. */
void reporter_html_block(const json_t *finding, FILE *out);
