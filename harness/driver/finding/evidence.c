#include "driver/finding/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *const blame_names[] = {
    [BLAME_TARGET] = "target",
    [BLAME_INTERPRETER] = "interpreter",
    [BLAME_USER] = "user",
    [BLAME_UNKNOWN] = "unknown",
};

void evidence_set(struct evidence *evidence, enum evidence_by by, enum blame blame, char *function,
                  char *package)
{
    free(evidence->function);
    free(evidence->package);
    evidence->by = by;
    evidence->blame = blame;
    evidence->function = function;
    evidence->package = package;
}

void evidence_merge(struct evidence *evidence, const struct evidence *other)
{
    if (evidence->by != other->by)
        return;
    evidence->stacks += other->stacks;
    if (evidence->blame == other->blame && text_equal(evidence->package, other->package))
        evidence->agree += other->agree;
}

void evidence_clear(struct evidence *evidence)
{
    free(evidence->function);
    free(evidence->package);
    free(evidence->call);
    free(evidence->call_package);
    free(evidence->follows);
    *evidence = (struct evidence){0};
}
