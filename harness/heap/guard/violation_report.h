/* From damage to a violation that is told: once a bug, with what the block knows of itself.
 *
 * Contract. Any thread, signal handlers too; lock-free. A block's `reported` flag and a table of sites keep one bug
 * from being told again and again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "heap/guard/check.h"

void violation_report_to(void (*report)(const struct violation *violation));

/* Rounds that the checker has finished. */
extern _Atomic uint64_t violation_report_round;

/* Damage found at a block: names the culprit and marks what else the run of bytes has hit. */
void violation_report_damage(const struct span *span, struct block *block, struct damage damage,
                             enum violation_found found);

/* A misuse of one block: double free and the like. offset: as violation.h says. */
void violation_report_misuse(const struct span *span, struct block *block, enum violation_kind kind,
                             int64_t offset, uint64_t caller);
void violation_report_foreign(const void *at, uint64_t caller);

/* A trap at an address of a span with inaccessible pages; each instruction is told once. */
void violation_report_trap(const struct span *span, struct block *block, uintptr_t address, bool write,
                           const uint64_t *frames, size_t nframes);

/* See guard_look. */
bool violation_report_describe(const struct span *span, const struct block *block, uint64_t address,
                               struct violation *ret_violation);
