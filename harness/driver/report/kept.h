/* A report that was kept as JSON (ftstress-report/1), read back. Driver.
 *
 * It may come from an older ftstress, from a merge or from a person's editor: what is missing, or of another type,
 * reads as empty, and nothing here or in the reporters depends on it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* `what` is NULL (the last run under the folder `out`), the id of a finding kept there, a finding's folder, a folder of
 * findings, or a JSON file of either. A finding comes as a report of it alone. On success *ret_report is the caller's;
 * else `error` is one sentence. Returns 0 or -errno. */
int kept_load(const char *out, const char *what, json_t **ret_report, char *error, size_t error_size);

/* Never NULL. */
const char *kept_text(const json_t *json, const char *key);
json_int_t kept_number(const json_t *json, const char *key);
double kept_real(const json_t *json, const char *key);

/* Is it for people: not the child's own words to the driver? */
bool kept_environment_shows(const char *key);

/* How many of a stack's frames tell something: the harness's own below the target are the same in every stack. */
size_t kept_frames(const json_t *stack);
/* "_multiarray_umath.so+0x18bf90", "methodobject.c:540", or "". The base names alone; what does not fit is cut. */
void kept_say_place(const json_t *frame, char *text, size_t size);
void kept_say_source(const json_t *frame, char *text, size_t size);
/* "??" where the function has no name. */
const char *kept_function(const json_t *frame);

/* kept_stack.c. Is the i-th stack one that needs no place: as an earlier one, or of a thread that only waited for the
 * next round? */
bool kept_stack_is_folded(const json_t *stacks, size_t i);
/* Its title, and how many others are as it is. The caller's to free; NULL without memory. */
char *kept_stack_title(const json_t *stacks, size_t i);
/* Its frames of Python, one a line: "py  spin  x.py:6", and "in  np.repeat(x, 2)" for a worker's statement. */
void kept_stack_write_python(const json_t *stack, const char *before, FILE *out);
/* "14 threads waited for the next round", or "". */
void kept_stack_say_idle(const json_t *stacks, char *text, size_t size);

/* One line each, the caller's to free; NULL without memory. */
char *kept_say_blame(const json_t *finding);
char *kept_say_seen(const json_t *finding);
/* What verification found out: a line for each fact, "" for a run that was not verified. */
char *kept_say_verification(const json_t *report);
/* "heap corruption in PyArray_Repeat (numpy 2.2.2)". */
char *kept_say_title(const json_t *finding);
