/* Reports damage and misuse as violations, with the data of the block; each bug a few times at most.
 *
 * Contract. Any thread, signal handlers too; lock-free. A block's `reported` flag and a table of sites limit the
 * reports of one bug. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "heap/guard/check.h"
#include "heap/memory/thread.h"

void violation_report_to(void (*report)(const struct violation *violation));

/* The number of rounds that the checker has finished. */
extern _Atomic uint64_t violation_report_round;

/* Reports damage found at a block: finds the culprit, and marks the other blocks that the damaged run touches. */
void violation_report_damage(const struct span *span, struct block *block, struct damage damage,
                             enum violation_found found);

/* Reports the damaged ones of the blocks that the thread allocated last (recent.h); removes all of them. */
void violation_report_recent(struct heap_thread *thread);

/* Reports the misuse of one block, such as a double free. offset: see violation.h. */
void violation_report_misuse(const struct span *span, struct block *block, enum violation_kind kind,
                             int64_t offset, uint64_t caller);
/* Reports the free of a pointer that is neither the guard's nor the C library's. */
void violation_report_foreign(const void *at, uint64_t caller);

/* Reports a trap at an inaccessible page of a span; each instruction once. */
void violation_report_trap(const struct span *span, struct block *block, uintptr_t address, bool write,
                           const uint64_t *frames, size_t nframes);

/* Fills a violation for guard_look; reports nothing. Returns false if no block is known there. */
bool violation_report_describe(const struct span *span, const struct block *block, uint64_t address,
                               struct violation *ret_violation);
