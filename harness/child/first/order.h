/* A pass: workers that run one at a time, in a given order of their statements. The order of the calls is then known,
 * and no two of them meet.
 *
 * Contract. Child main, attached, while no worker runs. Each worker is a native thread of its own, because the
 * properties of a thread must be as in workers. A thread waits for its turn detached. No hook of a detector but that
 * for exceptions judges the calls: they count as serial ones.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "child/run/run.h"

/* Sees each result, NULL where the statement raised. */
typedef void order_take(struct worker *worker, unsigned step, PyObject *result);

/* Forward: thread by thread; backward; in turn: statement by statement. A greater number seeds a random order of all
 * statements of all threads. */
enum order { ORDER_FORWARD, ORDER_BACKWARD, ORDER_IN_TURN };

/* Runs `calls` iterations of each worker. Returns false if a thread could not start or prepare. */
bool order_run(struct run *run, uint64_t order, unsigned calls, order_take *take);
