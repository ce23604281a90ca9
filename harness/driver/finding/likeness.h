/* Is a finding of a changed plan the failure of the first plan? Signatures name statements of their plan, which a
 * smaller plan has not: they are compared without these. Plain data. */
#pragma once

#include <stdbool.h>

#include "driver/finding/finding.h"

struct likeness {
    char *key;             /* the signature without statements; NULL: nothing is alike */
    const char *statement; /* the statement that fails, as the changed plan has it; borrowed */
    bool needs_statement; /* the signature has it: the same failure of another statement is another finding */
};

/* Fills *like from the signature and the statement ("" for none) of a finding and from its plan. The texts outlive
 * *like, and a caller that changes the statement in the plan sets it. Returns 0 or -ENOMEM. */
int likeness_init(struct likeness *like, const char *signature, const char *statement,
                  const struct plan *plan);
void likeness_clear(struct likeness *like);

/* Returns true where the finding of this plan is the failure. */
bool likeness_holds(const struct likeness *like, const struct finding *finding, const struct plan *plan);
