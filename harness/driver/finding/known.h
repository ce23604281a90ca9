/* Known findings: each by its id or its signature, with a link and a reason. Driver, one thread.
 *
 * A file is YAML; other keys are refused, so that a later version can give them a meaning:
 *
 *   findings:
 *   - id: F898e712
 *     link: https://github.com/numpy/numpy/issues/28197
 *     reason: np.repeat writes to its input; repaired in NumPy 2.2.3
 *   - signature: crash|PyArray_Repeat|numpy
 *     link: …
 *     reason: …
 *
 * An entry with both is found by its signature; the id is for the reader.
 */
#pragma once

#include <stddef.h>

struct finding_list;
struct note_list;

enum known_key { KNOWN_ID, KNOWN_SIGNATURE, KNOWN_LINK, KNOWN_REASON, KNOWN_KEYS };
extern const char *const known_key_names[KNOWN_KEYS];

struct known {
    char *texts[KNOWN_KEYS]; /* NULL: left out */
    char *where;             /* "known.yaml:3" */
    unsigned hits;           /* findings of the run that it matches */
};

struct known_list {
    struct known *items;
    size_t n;
};

/* Reads a file. On failure `error` is one sentence. Returns 0 or -errno; in any case the caller clears the list. */
int known_load(const char *path, struct known_list *list, char *error, size_t error_size);
void known_list_clear(struct known_list *list);

/* Marks the findings that the list knows, and the consequences of these. */
void known_mark(struct known_list *list, const struct finding_list *findings);

/* Adds a note with the entries that match nothing. Returns 0 or -ENOMEM. */
int known_note_unused(const struct known_list *list, struct note_list *notes);
