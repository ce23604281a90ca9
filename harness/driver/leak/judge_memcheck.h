/* Shared by the files of memcheck's judge alone. */
#pragma once

#define JUDGE_MEMCHECK_FRAMES 64 /* of a stack in a report */

#include "core/wire/counted.h"
#include "driver/leak/judge_leak.h"
#include "driver/log/memcheck_log.h"

/* Converts frames; the log owns their names. Free the frames with free. */
struct symbol_stack judge_memcheck_frames(const struct memcheck_part *part);
/* Symbolises frames again, with source lines and inlined functions, where the files still exist. */
struct symbol_stack judge_memcheck_stack(struct judge *judge, const uint64_t *ips, size_t n);

/* judge_memcheck_leaks.c: adds a leak to the run of this child. */
void judge_memcheck_leak(struct judge *judge, struct memcheck *run, const struct memcheck_error *leak);
/* Finds growth, once the lengths so far are enough. */
void judge_memcheck_lengths(struct judge *judge);
