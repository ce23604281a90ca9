/* What the files of the judge share; nobody else's. */
#pragma once

#include "driver/evidence/judge_base.h"
#include "driver/judge/judge.h"

/* The judge of each FOUND record, in a file named after what it judges. */
#define JUDGE_NONE(...)
#define JUDGE_DECLARE(id, name, excuses) void judge_##name(struct judge *judge, const struct record *record);
RECORD_LIST(JUDGE_NONE, JUDGE_DECLARE, JUDGE_NONE)

/* judge_end.c: how the child ended. After all else that it left behind: `leak` may be the cause. */
void judge_end(struct judge *judge);

/* judge_nanobind.c: the finding of nanobind's own report, or NULL. */
struct finding *judge_nanobind(struct judge *judge);

/* judge_heap_say.c: the statement that made the block, which is the plan's; NULL where none did. */
const char *judge_heap_statement(const struct plan *plan, const struct violation *violation);
/* The violation in one sentence. The caller's; NULL without memory. */
char *judge_heap_message(const struct judge *judge, const struct violation *violation);
/* judge_heap_merge.c: adds a finding that has a signature, or completes the one that it is another sight of. Takes it
 * over. */
void judge_heap_add(struct judge *judge, struct finding *finding);
/* Returns true for bytes that do not touch the block that they are charged to, and for bytes in freed memory: another
 * block's overrun may have jumped the canaries. */
bool judge_heap_is_doubtful(const struct finding *finding);

/* judge_threads.c: a stack for each thread that a person may ask for, the one that crashed first. `crashed`: its id, or
 * 0; `stack`, taken over: its own, as it was sent. */
void judge_threads(struct judge *judge, struct finding *finding, pid_t crashed, struct symbol_stack stack);
/* Is it a worker, by what it wrote of itself or by its stack? */
bool judge_is_worker(const struct judge *judge, const struct symbol_thread *thread);
/* "16 bytes into a freed block of 64 bytes; the block is of f". */
void judge_say_block(struct judge *judge, const struct violation *block, char *text, size_t size);
/* Registers, and the faulting address in words. */
void judge_explain_crash(struct judge *judge, struct finding *finding, const struct record *crash);

/* judge_deadlock.c: who waits for what; those of a cycle come first. Returns "a deadlock: …", the
 * caller's, or NULL where no cycle is known. */
char *judge_waits(struct judge *judge, struct finding *finding);
/* Locks that Python code takes are that code's: its innermost function is the suspect, where the thread waits for one
 * and no native code of a package took it. */
bool judge_suspect_python(const struct judge *judge, struct finding *finding,
                          const struct symbol_thread *thread);
/* judge_tsan.c: the races that ThreadSanitizer reported. */
void judge_tsan(struct judge *judge);
/* judge_tsan.c: a crash that only the runtime reported. Returns false when there is none. */
bool judge_tsan_crash(struct judge *judge);
