/* What the files of the session share; nobody else's. */
#pragma once

#include "driver/session/session.h"

/* session_child.c: what one child adds, which ran `plan` and is called `member`, a name that outlives the report.
 * Returns false when the run is to end. */
bool session_take(struct session *session, const struct plan *plan, const char *member,
                  struct outcome *outcome);

/* session_verdict.c: why nothing could be tested, and the exit status for it. Takes the sentence over; the first one
 * stays. */
void session_set_reason(struct session *session, int status, char *reason);

/* session_verdict.c: counts the children that could have seen each finding. */
void session_count_chances(struct session *session);

/* session_verdict.c: the report's status, once all children have ended. */
void session_conclude(struct session *session);
