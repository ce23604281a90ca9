/* Spare references to a watched array: an array that calls release too often stays alive and becomes a finding.
 *
 * Contract. As watched.h for a comparison, but on the thread that made the array. The interval between two checks must
 * not consume all spares.
 */
#pragma once

#include "detectors/watch/watched.h"

/* The descriptor for records. Child main, before any other thread. */
void spares_start(int wire);

void spares_take(struct watched *watched);

/* Reports once if fewer references are left than the harness alone holds, and renews the spares. statement: or "". */
void spares_check(struct watched *watched, const char *statement);

/* Returns false for an array with lost references: it must never be freed. */
bool spares_release(struct watched *watched);
