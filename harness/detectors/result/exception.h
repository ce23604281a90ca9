/* Exceptions that wait for calls on one thread, for the detector `exception`.
 *
 * Contract. Child main, attached, while no worker is inside a round. Where an opaque object is shared, a worker's
 * exception is held until calls on fresh objects have raised the same one, or not.
 */
#pragma once

#include "detectors/common/detector.h"

/* Adds an exception of a call on one thread: it is no finding from now on. */
void exception_recall(PyObject *raised);
bool exception_is_held(void);
/* Sends the exceptions that are held, unless a call on one thread raised them; with `mutable` as no findings. */
void exception_settle(const struct detector_call *call, bool mutable);
