#include "driver/tool/query.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/tool/probe_run.h"

json_t *query_run(const char *python, const struct query *query, struct sentence *error)
{
    cleanup_free char *text = query->facts ? json_dumps(query->facts, JSON_COMPACT) : NULL, *found = NULL;
    char *argv[] = {(char *)python,      (char *)"-I", (char *)"-c", (char *)query->source,
                    (char *)query->what, text,         NULL};
    struct probe_job job = {.argv = argv, .limit = query->limit ? query->limit : 60 * CLOCK_SECOND};
    if (!text)
        return sentence_fail(0, error, "", "no memory"), NULL;
    probe_run(&job, 1);
    found = job.out ? probe_value(job.out, query->key) : NULL;
    json_t *answer = found ? json_loads(found, 0, NULL) : NULL;
    if (!answer) {
        char why[256];
        probe_reason(&job, why, sizeof why);
        sentence_fail(0, error, "", "a program of ftstress gives no answer in %s: %s", python, why);
    }
    probe_job_clear(&job);
    return answer;
}
