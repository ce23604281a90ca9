/* What the two files of memcheck's judge share; nobody else's. */
#pragma once

#define JUDGE_MEMCHECK_FRAMES 64 /* of a stack in a report */

#include "core/wire/counted.h"
#include "driver/leak/judge_leak.h"
#include "driver/log/memcheck_log.h"

/* Frames as the judge knows them, with names that the log owns: to be freed with free. */
struct symbol_stack judge_memcheck_frames(const struct memcheck_part *part);
/* The same for a report: with source lines and inlined functions where the files are still there. */
struct symbol_stack judge_memcheck_stack(struct judge *judge, const uint64_t *ips, size_t n);

/* judge_memcheck_leaks.c: adds a leak to the run of this child. */
void judge_memcheck_leak(struct judge *judge, struct memcheck *run, const struct memcheck_error *leak);
/* What the lengths so far say, once that is settled. */
void judge_memcheck_lengths(struct judge *judge);
