/* Exceptions that wait for calls on one thread, for the detector `exception`.
 *
 * Contract. Child main, attached, while no worker is inside a round. Where an opaque object is shared, or the
 * iteration decides what a call raises, a worker's exception is held until calls on one thread have raised the same
 * one, or not.
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
/* One thread raised it in the iteration of a held exception: one of its type in this statement is no finding. */
void exception_excuse(PyObject *raised, const char *statement);
/* Finds the held exceptions from *at on, which begins at 0. Returns false after the last. */
bool exception_next_held(unsigned *at, uint16_t *ret_worker, uint64_t *ret_iteration);
/* Sends the exceptions that are held, unless a call on one thread raised them; with `mutable` as no findings. */
void exception_settle(const struct detector_call *call, bool mutable);
