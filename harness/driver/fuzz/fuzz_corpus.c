#include "driver/fuzz/fuzz_corpus.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/prng.h"

#define SUFFIX ".yaml"

int corpus_open(struct corpus *corpus)
{
    corpus->names = json_object();
    return corpus->names ? fd_make_dirs(corpus->dir) : -ENOMEM;
}

void corpus_clear(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->n; i++)
        plan_clear(&corpus->plans[i]);
    free(corpus->plans);
    json_decref(corpus->names);
}

static int is_plan(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name), suffix = sizeof SUFFIX - 1;
    return entry->d_name[0] != '.' && length > suffix && strcmp(entry->d_name + length - suffix, SUFFIX) == 0;
}

/* Reads one file. A fuzzer that shares the folder may have removed it. */
static void read_plan(struct corpus *corpus, const char *name, json_t *notes)
{
    cleanup_free char *path = NULL;
    char error[640];
    struct plan plan;
    json_object_set_new(corpus->names, name, json_true());
    if (asprintf(&path, "%s/%s", corpus->dir, name) < 0)
        return;
    plan_init(&plan);
    int failed = plan_load(path, &plan, error, sizeof error);
    struct plan *place = failed || plan.native ? NULL : LIST_ADD(corpus->plans, corpus->n);
    if (place) {
        *place = plan;
        return;
    }
    plan_clear(&plan);
    if (!failed || failed == -ENOENT)
        return;
    corpus->unread++;
    json_array_append_new(notes, json_sprintf("%s; this file of the corpus was left out", error));
}

void corpus_read(struct corpus *corpus, json_t *notes)
{
    struct dirent **entries;
    int n = scandir(corpus->dir, &entries, is_plan, alphasort);
    for (int i = 0; i < n; i++) {
        if (!json_object_get(corpus->names, entries[i]->d_name))
            read_plan(corpus, entries[i]->d_name, notes);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0;
    for (; *text; text++)
        hash = prng_mix(hash ^ (unsigned char)*text);
    return hash;
}

int corpus_keep(struct corpus *corpus, const struct plan *plan)
{
    cleanup_free char *text = NULL, *path = NULL;
    int error = plan_print(plan, &text);
    if (error)
        return error;
    if (asprintf(&path, "%s/%016" PRIx64 SUFFIX, corpus->dir, hash_of(text)) < 0)
        return -ENOMEM;
    if (access(path, F_OK) == 0)
        return 0;
    corpus->kept++;
    return fd_write_file(path, text, strlen(text));
}
