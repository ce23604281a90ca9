#include "driver/sweep/sweep_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/report/document.h"

static char *path_of(const struct sweep *sweep, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", sweep->dir, name) < 0 ? NULL : path;
}

static char *unit_path(const struct sweep *sweep, unsigned unit)
{
    char name[32];
    snprintf(name, sizeof name, "unit-%05u.json", unit);
    return path_of(sweep, name);
}

void sweep_state_remove(const struct sweep *sweep)
{
    fd_empty_dir(sweep->dir);
    rmdir(sweep->dir);
}

/* Two sweeps must not share a folder. The lock ends with the last process of the sweep. */
static int lock_folder(const char *out)
{
    int error = fd_make_dirs(out), fd = error ? -1 : open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!error && (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0))
        error = errno == EWOULDBLOCK ? -EBUSY : -errno;
    return error; /* the descriptor stays open */
}

/* The report of an earlier sweep must not stand for this one. */
static int remove_report(const char *out)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/report.json", out) < 0)
        return -ENOMEM;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int sweep_state_open(struct sweep *sweep, const json_t *task)
{
    cleanup_free char *path = NULL;
    int locked = lock_folder(sweep->request->out);
    if (locked < 0)
        return locked;
    if (asprintf(&sweep->dir, "%s/sweep", sweep->request->out) < 0)
        return -ENOMEM;
    path = path_of(sweep, "task.json");
    json_auto_t *before = path ? json_load_file(path, 0, NULL) : NULL;
    sweep->resumed = before && json_equal(before, task);
    if (!sweep->resumed)
        sweep_state_remove(sweep);
    int error = fd_make_dirs(sweep->dir);
    if (!error)
        error = remove_report(sweep->request->out);
    return error || sweep->resumed ? error : document_write(path, task);
}

int sweep_state_write(const struct sweep *sweep, unsigned unit, const json_t *result)
{
    cleanup_free char *path = unit_path(sweep, unit);
    return path ? document_write(path, result) : -ENOMEM;
}

json_t *sweep_state_read(const struct sweep *sweep, unsigned unit)
{
    cleanup_free char *path = unit_path(sweep, unit);
    return path ? json_load_file(path, 0, NULL) : NULL;
}
