/* session_child.c, for session.c alone. */
#pragma once

#include "driver/session/session.h"

/* Adds the outcome of a child that ran `plan`. `member` is its name, and outlives the report. Returns false when the
 * run is to end. */
bool session_take(struct session *session, const struct plan *plan, const char *member,
                  struct outcome *outcome);

/* Stores why nothing could be tested, and the exit status for it; later reasons are dropped. Owns the sentence from
 * then on. */
void session_set_reason(struct session *session, int status, char *reason);
