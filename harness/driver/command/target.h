/* Command lines to plans: of a scenario, a plan file, a callable with recipes, a whole module, or statements. Driver.
 *
 *   somersd                     a scenario
 *   case.yaml                   a plan file
 *   F898e712                    a kept finding; its folder or finding.json
 *   numpy:repeat(f8[20], 2)     a callable; arguments are recipes or Python constants
 */
#pragma once

#include <stddef.h>

#include "core/plan/option.h"

struct target_list {
    struct plan *plans;
    size_t n;
};

/* Makes one plan for each target, or one for all statements; applies the options and checks the plans. On failure
 * `error` is one sentence. Returns 0, -EINVAL or -EOVERFLOW for a wrong request, or -errno. */
int target_resolve(const struct request *request, struct target_list *list, char *error, size_t error_size);
void target_list_clear(struct target_list *list);
