/* The plans of several corpora in one folder. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "driver/fuzz/fuzz_corpus.h"

/* A plan of one of the folders. */
struct candidate {
    struct plan *plan;
    const char *name; /* of its file */
    bool is_own;      /* its file is in the folder of the union */
    size_t signals;
};

struct pool {
    struct corpus *folders; /* the first one is that of the union */
    size_t nfolders;
    struct candidate *items;
    size_t n;
    json_t *seen; /* keys: signals of plans that stay */
};

static void clear(struct pool *pool)
{
    for (size_t i = 0; pool->folders && i < pool->nfolders; i++)
        corpus_clear(&pool->folders[i]);
    free(pool->folders);
    free(pool->items);
    json_decref(pool->seen);
}

static size_t count_signals(const struct plan *plan)
{
    size_t n = plan->about != NULL;
    for (const char *at = plan->about; at && (at = strstr(at, CORPUS_SEPARATOR)); at++)
        n++;
    return n;
}

static int add_folder(struct pool *pool, struct corpus *corpus, const char *dir, json_t *notes)
{
    corpus->dir = dir;
    int error = corpus_open(corpus);
    if (error)
        return error;
    corpus_read(corpus, notes);
    for (size_t i = 0; i < corpus->n; i++) {
        struct candidate *one = LIST_ADD(pool->items, pool->n);
        if (!one)
            return -ENOMEM;
        *one = (struct candidate){&corpus->plans[i], corpus->files[i], corpus == pool->folders,
                                  count_signals(&corpus->plans[i])};
    }
    return 0;
}

/* Plans with many signals come first, so that few plans have all; of those with the same number, those that are there,
 * and then by name. */
static int compare(const void *a, const void *b)
{
    const struct candidate *one = a, *other = b;
    if (one->signals != other->signals)
        return one->signals > other->signals ? -1 : 1;
    if (one->is_own != other->is_own)
        return one->is_own ? -1 : 1;
    return strcmp(one->name, other->name);
}

/* Has the plan a signal that no other one had? */
static bool add_signals(json_t *seen, const struct plan *plan)
{
    bool is_new = false;
    cleanup_free char *signals = strdup(plan->about);
    char *rest = signals, *signal;
    while ((signal = corpus_next_signal(&rest))) {
        is_new |= json_object_get(seen, signal) == NULL;
        json_object_set_new(seen, signal, json_true());
    }
    return is_new;
}

/* Writes or removes the file of a plan. */
static int place(struct pool *pool, const struct candidate *one, struct corpus_union *ret)
{
    struct corpus *own = pool->folders;
    unsigned kept = own->kept;
    bool stays = one->signals == 0 || add_signals(pool->seen, one->plan);
    ret->left_out += !stays;
    ret->plans += stays && one->is_own;
    if (one->is_own)
        return stays ? 0 : corpus_remove(own, one->name);
    int error = stays ? corpus_keep(own, one->plan, one->plan->about) : 0;
    ret->added += own->kept - kept;
    ret->plans += own->kept - kept;
    return error;
}

int corpus_unite(const char *dir, char *const *others, size_t n, json_t *notes, struct corpus_union *ret)
{
    struct pool pool = {
        .folders = calloc(n + 1, sizeof *pool.folders), .nfolders = n + 1, .seen = json_object()};
    int error = pool.folders && pool.seen ? 0 : -ENOMEM;
    *ret = (struct corpus_union){0};
    for (size_t i = 0; i <= n && !error; i++)
        error = add_folder(&pool, &pool.folders[i], i == 0 ? dir : others[i - 1], notes);
    if (!error && pool.n > 0)
        qsort(pool.items, pool.n, sizeof *pool.items, compare);
    for (size_t i = 0; i < pool.n && !error; i++)
        error = place(&pool, &pool.items[i], ret);
    clear(&pool);
    return error;
}
