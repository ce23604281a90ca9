/* Decides the status of a session: findings, none, or nothing tested and why. */
#include "driver/session/session_inside.h"

#include <stdlib.h>
#include <string.h>

#include "core/plan/detector_list.h"
#include "driver/judge/judge.h"

void session_set_reason(struct session *session, int status, char *reason)
{
    if (session->run.reason) {
        free(reason);
        return;
    }
    session->run.reason = reason;
    session->cannot = status;
}

void session_count_chances(struct session *session)
{
    struct run *run = &session->run;
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        for (unsigned k = 0; session->sightings && k < run->children; k++)
            if ((session->sightings[k].detect & DETECTOR_BIT(finding->detector)) &&
                (finding->serial || !session->sightings[k].serial) &&
                (finding->out_from == 0 || finding->last_child >= finding->out_from ||
                 k + 1 < finding->out_from))
                finding->of++;
    }
}

static bool counts(const struct session *session)
{
    const struct finding_list *findings = &session->run.findings;
    for (size_t i = 0; i < findings->n; i++)
        if (session->request->strict || findings->items[i]->blame != BLAME_USER)
            return true;
    return false;
}

/* Do all detectors count over many calls? They need no two calls in flight together. */
static bool only_counted(const struct session *session)
{
    bool only = session->sightings != NULL;
    for (unsigned i = 0; only && i < session->run.children; i++)
        only = session->sightings[i].detect & (DETECTOR_COUNTERS | DETECTOR_BIT(DETECTOR_MEMCHECK));
    return only;
}

/* A run is clean only if target calls were in flight together. */
void session_conclude(struct session *session)
{
    struct run *run = &session->run;
    const struct mode *mode = session->mode->row;
    struct sentence why;
    if (mode->conclude)
        mode->conclude(session->mode, run);
    if (counts(session)) {
        run->status = STATUS_FINDING;
        return;
    }
    if (run->harness_fault)
        session_set_reason(session, STATUS_HARNESS, strdup(run->harness_fault));
    else if (session->unjudged)
        session_set_reason(
            session, STATUS_UNTESTED,
            strdup("children died or hung, and --detect leaves out the detector for it; leave --detect out"));
    else if (session->interrupted)
        session_set_reason(session, STATUS_UNTESTED, strdup("interrupted before its end"));
    else if (session->request->plan.detect == 0 && REQUEST_GAVE(session->request, plan.detect))
        session_set_reason(session, STATUS_UNTESTED, strdup("no detector is on; leave --detect out"));
    else if (run->threads > 1 && run->calls == 0)
        session_set_reason(session, STATUS_UNTESTED,
                           strdup("no call was made by two threads; give it more --time"));
    else if (run->threads > 1 && run->overlapped == 0 && !only_counted(session))
        session_set_reason(
            session, STATUS_UNTESTED,
            strdup("no two calls were ever in flight together; give it more --time, or threads with -t"));
    else if (run->calls + run->serial_calls == 0)
        session_set_reason(session, STATUS_UNTESTED, strdup("no call was made; give it more --time"));
    else if (mode->why_not_clean && mode->why_not_clean(session->mode, run, &why))
        session_set_reason(session, STATUS_UNTESTED, sentence_text(&why));
    run->status = run->reason ? (enum status)session->cannot : STATUS_CLEAN;
}
