/* Blame: who is at fault for a finding, and why. Decided once, from the evidence of the judges, the trials and the
 * links. Driver. */
#pragma once

#include "driver/finding/run.h"

struct blame_verdict {
    struct suspect suspect; /* borrows from the finding, its trials or `interpreter` */
    char interpreter[64];   /* "CPython 3.13.5" */
    char reason[768];
};

/* Decides for one finding; for a consequence, by the evidence of its cause where that holds for both. */
void blame_decide(const struct run *run, const struct finding *finding, struct blame_verdict *verdict);

/* Sets blame, function, package, reason, severity and sharing level of each finding, and sorts them. After
 * link_findings. */
void blame_findings(struct run *run);
