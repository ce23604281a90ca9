/* Sentences about the findings of a document, the same in every form. Driver.
 *
 * The caller frees the texts; NULL without memory.
 */
#pragma once

#include <jansson.h>

char *sentence_blame(const json_t *finding);
/* "seen 3 times, in 1 of 4 children, 8 threads, sharing level readonly" */
char *sentence_seen(const json_t *finding);
/* "KNOWN: it writes to its input (https://…)", "NEW: …" or "REGRESSED: …" against a baseline; or "" */
char *sentence_state(const json_t *finding);
/* Of a clean run with findings: "nothing but known findings (F898e712): exit status 0" */
char *sentence_excused(const json_t *report);
/* "readonly", or "all, because the statements change what they share (--share readonly)" */
char *sentence_share(const json_t *report);
/* "heap corruption in PyArray_Repeat (numpy 2.2.2)" */
char *sentence_title(const json_t *finding);

/* Returns a sentence for each statement that was not looked at: "f(x): results not compared: it has no result". A new
 * array. */
json_t *sentence_list_compared(const json_t *report);
/* "guard, pyheap had no turn", or "" */
char *sentence_no_turn(const json_t *report);
/* "nothing found, but the results of 1 of 2 statements were not compared: 0 in 4000 calls, the rate of other failures
 * is below 0.075 % at 95 % confidence" */
char *sentence_silence(const json_t *report);

/* The rates of the verifications of one finding, or with NULL of all, and the sentences that follow from them, with an
 * empty line between two of them; "" without trials. */
char *sentence_verifications(const json_t *report, const json_t *finding);

/* "run again: fails in 3 of 4 fresh children (30 to 95 % at 95 % confidence)\n" */
char *sentence_again(const json_t *verification);

/* Returns the verifications of one finding, or with NULL of all: a new array. */
json_t *sentence_list_own(const json_t *report, const json_t *finding);
/* Returns all verifications of a report: a new reference to an array. */
json_t *sentence_list_verifications(const json_t *report);
/* Returns the rates of one: [{"name": "with the GIL on", "trials": {...}}, ...]. A new reference. */
json_t *sentence_rates(const json_t *verification);
