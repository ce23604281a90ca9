/* Links: a finding that explains another one. Driver. */
#pragma once

#include "driver/finding/run.h"

/* Removes findings that are no bugs of their own, such as guesses that a caught write explains. After the last child,
 * before verification. */
void link_prune(struct run *run);

/* Returns the finding that explains this one by the evidence so far, or NULL. *ret_inherits: its blame holds for both.
 */
struct finding *link_cause(const struct run *run, const struct finding *finding, bool *ret_inherits);

/* Sets the cause of each finding. After verification. */
void link_findings(struct run *run);
