/* Probabilistic concurrency testing (Burckhardt and others, ASPLOS 2010) over the points of the workers: threads have
 * random priorities, and at a point a thread waits while one of a higher priority works. After each PCT_POINTS points
 * of all threads the priorities are drawn again; at PCT_CHANGES of them the thread that comes there gets the lowest
 * one.
 *
 * Contract. pct_draw is called on the main thread while no worker is inside a round; the others on any worker. A wait
 * lasts at most POINT_MOST, because its thread may be attached: the bound holds for a window in which none runs out.
 */
#pragma once

#include <stdint.h>

void pct_draw(uint64_t seed, unsigned threads);

/* Around the work of one round. */
void pct_enter(unsigned worker);
void pct_leave(unsigned worker);

/* A point of this worker. */
void pct_pass(unsigned worker);
