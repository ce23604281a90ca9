/* Shared by the files of the session only. */
#pragma once

#include "driver/session/session.h"

/* session_child.c: adds the outcome of a child that ran `plan`. `member` is its name, and outlives the report. Returns
 * false when the run is to end. */
bool session_take(struct session *session, const struct plan *plan, const char *member,
                  struct outcome *outcome);

/* session_verdict.c: stores why nothing could be tested, and the exit status for it; later reasons are dropped. Owns
 * the sentence from then on. */
void session_set_reason(struct session *session, int status, char *reason);

/* session_verdict.c: counts the children that could have seen each finding. */
void session_count_chances(struct session *session);

/* session_verdict.c: decides the status of the run, once all children have ended. */
void session_conclude(struct session *session);
