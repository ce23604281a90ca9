/* Exceptions that wait for calls on one thread, for the detector `exception`.
 *
 * Contract. Child main, attached, while no worker is inside a round. Where an opaque object is shared, a worker's
 * exception is held until calls on fresh objects have raised the same one, or not.
 */
#pragma once

#include "detectors/common/detector.h"

/* Exceptions that one thread raises. */
#define EXCEPTION_EXPECTED 64

/* Copies what one thread raised. Returns the number. exception_expect adds such a copy of another process. */
unsigned exception_expected(uint64_t ret[static EXCEPTION_EXPECTED]);
void exception_expect(const uint64_t *hashes, unsigned n);

/* Adds an exception of a call on one thread: it is no finding from now on. */
void exception_recall(PyObject *raised);
bool exception_is_held(void);
/* Sends the exceptions that are held, unless a call on one thread raised them; with `mutable` as no findings. */
void exception_settle(const struct detector_call *call, bool mutable);
