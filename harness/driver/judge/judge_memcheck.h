/* What the two files of memcheck's judge share; nobody else's. */
#pragma once

#include "core/wire/counted.h"
#include "driver/judge/judge_inside.h"
#include "driver/log/memcheck_log.h"

/* Frames as the judge knows them, with names that the log owns: to be freed with free. */
struct symbol_stack judge_memcheck_frames(const struct memcheck_part *part);
/* The same for a report: with source lines and inlined functions where the files are still there. */
struct symbol_stack judge_memcheck_stack(struct judge *judge, const uint64_t *ips, size_t n);

/* judge_memcheck_leaks.c: adds a record of the run at hand. */
void judge_memcheck_leak(struct judge *judge, const struct memcheck_error *leak);
/* What the lengths so far say, once that is settled. */
void judge_memcheck_lengths(struct judge *judge);
