/* Reads the document of a report (ftstress-report/1), live or kept. Driver.
 *
 * An older ftstress, a merge or an editor may have written it: a key that is missing, or that has another type, reads
 * as empty.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Never NULL. */
const char *document_text(const json_t *json, const char *key);
long long document_number(const json_t *json, const char *key);
double document_real(const json_t *json, const char *key);
bool document_is_true(const json_t *json, const char *key);

/* Has the list an equal value? */
bool document_has(const json_t *list, const json_t *value);

/* In the row of a callable of a sweep, the keys of the calls that came to an end, by how they ended. */
#define DOCUMENT_ENDS 6
extern const char *const document_ends[DOCUMENT_ENDS];
/* The sum of these. */
long long document_ended(const json_t *row);

/* Is it a finding that does not fail a run? */
bool document_is_known(const json_t *finding);

/* Copies the document without control characters, which could steer a terminal, and without characters that XML
 * forbids. NULL without memory. */
json_t *document_clean(const json_t *json);
/* Rounds each real to the digits that files have, so that a document that was kept equals the live one. */
void document_round(json_t *json);

/* Writes the file as a whole, or not at all. Returns 0 or -errno. */
int document_write(const char *path, const json_t *json);

/* False for the keys that the child sends to the driver only. */
bool document_environment_shows(const char *key);

/* Returns the first line of a statement, with " …" if there are more. The caller frees it; NULL without memory. */
char *document_line(const char *text);

/* Counts the frames inside the frames of the harness that are the same in every stack. Its functions that packages and
 * the interpreter call, such as malloc, count; 0: the thread was in the harness itself. */
size_t document_frames(const json_t *stack);
/* Returns the innermost frame of a package, borrowed, or NULL. */
const json_t *document_package_frame(const json_t *stack);
/* Return "_multiarray_umath.so+0x18bf90", "methodobject.c:540", or "". The caller frees it; NULL without memory. */
char *document_place(const json_t *frame);
char *document_source(const json_t *frame);
/* Returns "??" if the function has no name. */
const char *document_function(const json_t *frame);

/* Is it the stack of a thread that waited for the next round? */
bool document_stack_is_idle(const json_t *stack);
/* Is the i-th stack idle, or the same as an earlier one? */
bool document_stack_is_folded(const json_t *stacks, size_t i);
/* Returns the title of the i-th stack with the number of threads that have the same one. The caller frees it; NULL
 * without memory. */
char *document_stack_title(const json_t *stacks, size_t i);
/* Writes "14 threads waited for the next round", or "". */
void document_idle_stacks(const json_t *stacks, char *text, size_t size);
