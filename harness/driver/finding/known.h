/* Known findings: each by its id or its signature. Driver, one thread.
 *
 * A list of --known gives a link and a reason for each; a baseline, which a run writes, has the other keys, too. A file
 * is YAML; other keys are refused, so that a later version can give them a meaning:
 *
 *   findings:
 *   - id: F898e712
 *     link: https://github.com/numpy/numpy/issues/28197
 *     reason: np.repeat writes to its input; repaired in NumPy 2.2.3
 *   - signature: crash|PyArray_Repeat|numpy
 *     link: …
 *     reason: …
 *
 * An entry with both is found by its signature; the id is for the reader. The keys of a baseline:
 *
 *   - id: F898e712
 *     signature: input-mutated|PyArray_Repeat|numpy
 *     state: known                    # or fixed: then it is REGRESSED where a run sees it
 *     what: PyArray_Repeat wrote …    # the message of the finding, for the reader
 *     detector: tripwire
 *     callable: numpy.repeat          # of a sweep
 *     statement: numpy.repeat(vec, 2)
 *     test: 1f0c6a2e                  # of a run: the plans without their seed (struct run)
 *     threads: one                    # one are enough to see it; or several
 *     seen: 6 of 6                    # children that saw it, and those that could, when it came into the baseline
 *     missed: 2                       # children that could see it since, and did not
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct finding_list;
struct note_list;

enum known_key {
    KNOWN_ID,
    KNOWN_SIGNATURE,
    KNOWN_STATE,
    KNOWN_WHAT,
    KNOWN_DETECTOR,
    KNOWN_CALLABLE,
    KNOWN_STATEMENT,
    KNOWN_TEST,
    KNOWN_THREADS,
    KNOWN_SEEN,
    KNOWN_MISSED,
    KNOWN_LINK,
    KNOWN_REASON,
    KNOWN_KEYS
};
extern const char *const known_key_names[KNOWN_KEYS];

struct known {
    char *texts[KNOWN_KEYS]; /* NULL: left out */
    char *where;             /* "known.yaml:3" */
    unsigned hits;           /* findings of the run that it matches */
    bool in_baseline;
    bool is_fixed; /* a run that sees it fails */
};

struct known_list {
    struct known *items;
    size_t n;
    bool has_baseline; /* findings that no entry matches are NEW */
};

/* Adds the entries of a list of --known, or of a baseline. On failure `error` is one sentence. Returns 0 or -errno; in
 * any case the caller clears the list. */
int known_load(const char *path, bool is_baseline, struct known_list *list, char *error, size_t error_size);
void known_list_clear(struct known_list *list);

/* Returns the first entry that matches, and counts a hit for each one that does; NULL: none does. */
const struct known *known_match(struct known_list *list, const char *id, const char *signature);

/* Marks the findings that the list has, and the consequences of those that it knows. */
void known_mark(struct known_list *list, const struct finding_list *findings);

/* Adds a note with the entries of --known that match nothing. Returns 0 or -ENOMEM. */
int known_note_unused(const struct known_list *list, struct note_list *notes);
