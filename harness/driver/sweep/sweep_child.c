#include "driver/sweep/sweep_child.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "driver/report/document.h"

/* Bytes of a file that a child writes, and of memory that it uses unless --memory gives another limit. */
#define FILE_SIZE (UINT64_C(64) << 20)
#define MEMORY (UINT64_C(2) << 30)
/* The name of a private folder: this, the number of the worker's process, and six letters. */
#define SCRATCH "ftstress-sweep-"

/* Where children start. The files of the sweep lie above it, where a call that deletes all files here finds none. */
#define WORK "work"

static char folder[4096], temporary[sizeof folder + 16], home[sizeof folder + 16], python_path[16384];
static const char *const environment[] = {temporary, home, python_path, NULL};

/* Writes the folders of PYTHONPATH as seen from here: the child starts elsewhere. */
static void print_path(void)
{
    const char *folders = getenv("PYTHONPATH"); /* NOLINT(concurrency-mt-unsafe): one thread */
    cleanup_free char *here = getcwd(NULL, 0);
    snprintf(python_path, sizeof python_path, folders && *folders && here ? "PYTHONPATH=" : "PYTHONPATH");
    for (const char *at = folders; at && *at && here; at += strspn(at, ":")) {
        size_t length = strcspn(at, ":");
        text_add(python_path, sizeof python_path, python_path[strlen(python_path) - 1] == '=' ? "" : ":",
                 "%s%s%.*s", *at == '/' ? "" : here, *at == '/' ? "" : "/", (int)length, at);
        at += length;
    }
}

struct job_settings sweep_child_settings(const struct sweep *sweep)
{
    struct job_settings settings = sweep->settings;
    snprintf(folder, sizeof folder, "%s/" WORK, sweep->scratch);
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", folder);
    snprintf(home, sizeof home, "HOME=%s", folder);
    mkdir(folder, 0700); /* a call may have removed it */
    print_path();
    settings.launch.environment = environment;
    settings.launch.folder = folder;
    settings.launch.file_size = FILE_SIZE;
    if (!sweep->request->memory && settings.memory > MEMORY)
        settings.memory = MEMORY;
    settings.tick = sweep_draw;
    settings.context = (void *)(uintptr_t)sweep;
    return settings;
}

static int is_scratch(const struct dirent *entry)
{
    return strncmp(entry->d_name, SCRATCH, sizeof SCRATCH - 1) == 0;
}

/* Removes folders of workers that were killed: their names hold the number of the process. */
static void remove_stale(const char *parent)
{
    struct dirent **entries;
    int n = scandir(parent, &entries, is_scratch, alphasort);
    for (int i = 0; i < n; i++) {
        cleanup_free char *stale = NULL;
        long pid = strtol(entries[i]->d_name + sizeof SCRATCH - 1, NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH &&
            asprintf(&stale, "%s/%s", parent, entries[i]->d_name) >= 0) {
            fd_empty_dir(stale);
            rmdir(stale);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

int sweep_child_open(struct sweep *sweep)
{
    const char *parent = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    parent = parent && *parent ? parent : "/tmp";
    remove_stale(parent);
    if (asprintf(&sweep->scratch, "%s/" SCRATCH "%d-XXXXXX", parent, (int)getpid()) < 0)
        return -ENOMEM;
    return mkdtemp(sweep->scratch) ? 0 : -errno;
}

void sweep_child_close(struct sweep *sweep)
{
    if (!sweep->scratch)
        return;
    fd_empty_dir(sweep->scratch);
    rmdir(sweep->scratch);
    free(sweep->scratch);
    sweep->scratch = NULL;
}

int sweep_child_plan(const struct sweep *sweep, const char *setup, struct plan *plan)
{
    plan_init(plan);
    plan->name = strdup("sweep");
    plan->setup = strdup(setup);
    plan->threads = 1;
    plan->seed = sweep->request->plan.seed;
    return plan->name && plan->setup ? 0 : -ENOMEM;
}

static int write_task(const struct sweep *sweep, const json_t *task)
{
    cleanup_free char *path = NULL;
    return asprintf(&path, "%s/task.json", sweep->scratch) < 0 ? -ENOMEM : document_write(path, task);
}

int sweep_child_run(struct sweep *sweep, const struct plan *plan, const json_t *task, struct outcome *outcome)
{
    fd_empty_dir(sweep->scratch);
    struct job_settings settings = sweep_child_settings(sweep);
    *outcome = (struct outcome){0};
    int error = write_task(sweep, task);
    if (!error)
        error = job_run(plan, &settings, outcome);
    if (outcome->interrupted)
        atomic_store(&sweep->board->interrupted, true);
    return error;
}

int sweep_child_read(const struct sweep *sweep, const char *name, char **ret_text, size_t *ret_size)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/%s", sweep->scratch, name) < 0)
        return -ENOMEM;
    return fd_read_file(path, ret_text, ret_size);
}
