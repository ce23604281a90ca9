#include "driver/fuzz/fuzz_corpus.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/prng.h"

#define SUFFIX ".yaml"
#define UNFINISHED ".new"
/* Plans of one call that a callable has in the corpus. */
#define KINDS_MOST 6

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return name[0] != '.' && length > tail && strcmp(name + length - tail, end) == 0;
}

static int is_plan(const struct dirent *entry)
{
    return ends_in(entry->d_name, SUFFIX);
}

/* Does a killed process leave it? (fd_write_file) */
static int is_unfinished(const struct dirent *entry)
{
    return ends_in(entry->d_name, SUFFIX UNFINISHED);
}

/* One process writes to the folder at a time. Returns a descriptor that holds the lock until it is closed, or
 * -errno. */
static int lock_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = 0;
    if (fd < 0)
        return -errno;
    while ((failed = flock(fd, LOCK_EX)) < 0 && errno == EINTR)
        ;
    if (failed == 0 || errno == ENOLCK || errno == EOPNOTSUPP) /* of a file system without locks */
        return fd;
    failed = -errno;
    close(fd);
    return failed;
}

static void remove_unfinished(const char *dir)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_unfinished, alphasort);
    for (int i = 0; i < n; i++) {
        cleanup_free char *path = NULL;
        if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) >= 0)
            unlink(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

int corpus_open(struct corpus *corpus)
{
    corpus->names = json_object();
    corpus->seen = json_object();
    corpus->counts = json_object();
    int error = corpus->names && corpus->seen && corpus->counts ? fd_make_dirs(corpus->dir) : -ENOMEM;
    cleanup_fd int lock = error ? -1 : lock_folder(corpus->dir);
    if (error || lock < 0)
        return error ? error : lock;
    remove_unfinished(corpus->dir);
    return 0;
}

void corpus_clear(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->n; i++)
        plan_clear(&corpus->plans[i]);
    free(corpus->plans);
    strings_free(corpus->files, corpus->nfiles);
    json_decref(corpus->names);
    json_decref(corpus->seen);
    json_decref(corpus->counts);
}

bool corpus_has_room(struct corpus *corpus, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(corpus->counts, name));
    if (n < KINDS_MOST)
        json_object_set_new(corpus->counts, name, json_integer(n + 1));
    return n < KINDS_MOST;
}

bool corpus_is_new(struct corpus *corpus, const char *name, const char *kind)
{
    cleanup_free char *key = NULL;
    if (asprintf(&key, "%s %s", name, kind) < 0 || json_object_get(corpus->seen, key))
        return false;
    json_object_set_new(corpus->seen, key, json_true());
    return true;
}

char *corpus_next_signal(char **rest)
{
    char *signal = *rest, *end = signal ? strstr(signal, CORPUS_SEPARATOR) : NULL;
    if (end)
        *end = '\0';
    *rest = end ? end + sizeof CORPUS_SEPARATOR - 1 : NULL;
    return signal;
}

/* Adds the signals of a plan. */
static void learn_signals(struct corpus *corpus, const struct plan *plan)
{
    cleanup_free char *signals = strdup(plan->about ? plan->about : "");
    char *rest = signals, *name;
    while ((name = corpus_next_signal(&rest))) {
        char *kind = strchr(name, ' ');
        if (!kind)
            continue;
        *kind++ = '\0';
        if (corpus_is_new(corpus, name, kind) && strncmp(kind, "returns", strlen("returns")) == 0)
            corpus_has_room(corpus, name);
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
}

/* Loads a plan as plan_load does. To open a pipe would wait for its writer. A link without its file is no file that
 * another fuzzer has removed meanwhile. */
static int load(const char *path, struct plan *plan, char *error, size_t size)
{
    struct stat status;
    if (stat(path, &status) < 0 && errno == ENOENT && lstat(path, &status) == 0) {
        snprintf(error, size, "%s: it is a link to a file that does not exist", path);
        return -EINVAL;
    }
    if (stat(path, &status) < 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        return plan_load(path, plan, error, size);
    snprintf(error, size, "%s: it is no regular file", path);
    return -EINVAL;
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
    int failed = load(path, &plan, error, sizeof error);
    bool is_plan_of_calls = !failed && !plan.native;
    if (is_plan_of_calls && strings_add(&corpus->files, &corpus->nfiles, name) < 0)
        is_plan_of_calls = false;
    struct plan *place = is_plan_of_calls ? LIST_ADD(corpus->plans, corpus->n) : NULL;
    if (place) {
        *place = plan;
        learn_signals(corpus, place);
        return;
    }
    plan_clear(&plan);
    if (!failed || failed == -ENOENT)
        return;
    corpus->unread++;
    json_array_append_new(notes, json_sprintf("%s; this file of the corpus was left out", error));
}

void corpus_drop(struct corpus *corpus, size_t index)
{
    plan_clear(&corpus->plans[index]);
    free(corpus->files[index]);
    corpus->n--;
    corpus->nfiles--;
    corpus->unread++;
    memmove(&corpus->plans[index], &corpus->plans[index + 1], (corpus->n - index) * sizeof *corpus->plans);
    memmove(&corpus->files[index], &corpus->files[index + 1],
            (corpus->nfiles - index) * sizeof *corpus->files);
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

/* The path of a plan in a folder. The caller's, or NULL. */
static char *path_of(const char *dir, const char *signals)
{
    char *path;
    return asprintf(&path, "%s/%016" PRIx64 SUFFIX, dir, prng_text(signals)) < 0 ? NULL : path;
}

int corpus_keep(struct corpus *corpus, struct plan *plan, const char *signals)
{
    cleanup_free char *text = NULL, *path = NULL, *about = signals ? strdup(signals) : NULL;
    free(plan->about);
    plan->about = about ? strdup(about) : NULL;
    int error = !signals || plan->about ? plan_print(plan, &text) : -ENOMEM;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    path = error ? NULL : path_of(corpus->dir, about ? about : text);
    cleanup_fd int lock = path ? lock_folder(corpus->dir) : -1;
    if (error || !path || lock < 0)
        return error ? error : !path ? -ENOMEM : lock;
    if (access(path, F_OK) == 0)
        return 0;
    error = fd_write_file(path, text, strlen(text));
    corpus->kept += error == 0;
    return error;
}

int corpus_remove(const struct corpus *corpus, const char *name)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/%s", corpus->dir, name) < 0)
        return -ENOMEM;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

bool corpus_is_folder(const char *dir)
{
    struct dirent **entries;
    int plans = 0, others = 0, n = scandir(dir, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        plans += is_plan(entries[i]);
        others += entries[i]->d_name[0] != '.' && !is_plan(entries[i]) && !is_unfinished(entries[i]);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return plans > 0 && others == 0;
}
