#include "driver/finding/run.h"

#include <math.h>
#include <stdlib.h>

/* A failure with the rate p stays unseen in n calls with a chance of (1 - p)^n. The bound is the p where that is 5
 * %. */
double run_rate_bound(const struct run *run)
{
    uint64_t calls = run->calls + run->serial_calls;
    if (run->status != STATUS_CLEAN || run->findings.n > 0 || calls == 0)
        return 0;
    return -expm1(log(0.05) / (double)calls);
}

void run_clear(struct run *run)
{
    finding_list_clear(&run->findings);
    verification_free(run->verification);
    statement_list_clear(&run->statements);
    child_log_clear(&run->log);
    memcheck_clear(&run->memcheck);
    note_list_clear(&run->notes);
    note_list_clear(&run->in_place);
    for (size_t i = 0; i < run->nenvironment; i++)
        free(run->environment[i]);
    free(run->environment);
    free(run->facts.writes);
    free(run->reason);
    free(run->harness_fault);
    free(run->name);
    *run = (struct run){0};
}
