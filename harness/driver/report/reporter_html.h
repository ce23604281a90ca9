/* The pictures on the page of a report. Driver. */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* Where the damage lies, and what is there now. Nothing for a finding without a block. */
void reporter_html_block(const json_t *finding, FILE *out);

/* reporter_html_time.c: the run's children along its time, with what they showed. */
void reporter_html_children(const json_t *report, FILE *out);
/* reporter_html_time.c: the threads of a crash or a hang by their calls, and what each was at. */
void reporter_html_threads(const json_t *finding, FILE *out);

/* reporter_html_verified.c: the rates of all arms with their intervals, and what follows. */
void reporter_html_verified(const json_t *report, FILE *out);
/* reporter_html_verified.c: which statements were in flight together. */
void reporter_html_pairs(const json_t *report, FILE *out);
