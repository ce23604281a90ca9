/* Shared by the files of the judge alone. */
#pragma once

#include "driver/evidence/judge_base.h"
#include "driver/judge/judge.h"

/* The judge of each FOUND record, in a file named after what it judges. */
#define JUDGE_NONE(...)
#define JUDGE_DECLARE(id, name, excuses) void judge_##name(struct judge *judge, const struct record *record);
RECORD_LIST(JUDGE_NONE, JUDGE_DECLARE, JUDGE_NONE)

/* judge_exception.c: sets the suspect by the sharing level, for what one thread does not have. */
void judge_suspect_level(const struct judge *judge, struct finding *finding);
/* judge_end.c: judges the end of the child, and the report that nanobind writes then. */
void judge_end(struct judge *judge);

/* judge_heap_merge.c: adds a finding that has a signature, or merges it into an earlier one of the same bug. Takes it
 * over. */
void judge_heap_add(struct judge *judge, struct finding *finding);
/* Returns true for bytes that do not touch the block that they are charged to, and for bytes in freed memory: another
 * block's overrun may have jumped the canaries. */
bool judge_heap_is_doubtful(const struct finding *finding);

/* judge_threads.c: adds the stacks of workers and of threads in a package, first that of the thread that crashed.
 * `crashed`: its id, or 0; `stack`: the one that it sent, taken over. */
void judge_threads(struct judge *judge, struct finding *finding, pid_t crashed, struct symbol_stack stack);
/* Returns true where one of the innermost frames is this function. */
bool judge_has_function(const struct symbol_stack *stack, size_t most, const char *function);
/* Returns true for a worker, by its page or by its stack. */
bool judge_is_worker(const struct judge *judge, const struct symbol_thread *thread);
/* Returns true for a worker that waits between two rounds. */
bool judge_is_between(const struct symbol_thread *thread);
/* Writes "16 bytes into a freed block of 64 bytes; the block is of f". */
void judge_say_block(struct judge *judge, const struct violation *block, char *text, size_t size);
/* Adds the registers, and the faulting address in words. */
void judge_explain_crash(struct judge *judge, struct finding *finding, const struct record *crash);

/* judge_deadlock.c: adds the waits of threads, first those of a cycle. Returns "a deadlock: …", the caller's, or NULL
 * where no cycle is known. */
char *judge_waits(struct judge *judge, struct finding *finding);
/* Suspects the innermost function of Python code that is not CPython's library, or the statement. page: or NULL. */
void judge_suspect_code(struct judge *judge, struct finding *finding, const struct scene_page *page,
                        enum evidence_by by);
/* Suspects the innermost function of Python code, or the statement, where the thread waits for a lock that Python code
 * took, or waits for no lock and blocks or loops. Returns false for any other thread. */
bool judge_suspect_python(struct judge *judge, struct finding *finding, const struct symbol_thread *thread);
/* judge_tsan.c: judges the races that ThreadSanitizer reported. */
void judge_tsan(struct judge *judge);
/* judge_tsan.c: judges a crash that only its runtime reported. Returns false for none. */
bool judge_tsan_crash(struct judge *judge);
