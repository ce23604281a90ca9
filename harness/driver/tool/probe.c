#include "driver/tool/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/remedy.h"
#include "driver/tool/probe_run.h"

/* -I ignores the environment, but a child does not: hence PYTHON_GIL. */
static const char question[] =
    "import os, sys\n"
    "def say(key, value):\n"
    "    sys.stdout.buffer.write(os.fsencode('ftstress\\t%s\\t%s\\n' % (key, value)))\n"
    "free = 't' in getattr(sys, 'abiflags', '')\n"
    "gil = getattr(sys, '_is_gil_enabled', lambda: True)() or os.environ.get('PYTHON_GIL') == '1'\n"
    "loaded = [line.split(None, 5)[5].strip() for line in open('/proc/self/maps') if '/libpython' in line]\n"
    "say('implementation', sys.implementation.name)\n"
    "say('executable', sys.executable or '')\n"
    "say('prefix', sys.prefix)\n"
    "say('library', (loaded + [os.path.realpath(sys.executable or '')])[0])\n"
    "say('version', sys.version.split()[0])\n"
    "say('abi', '%d.%d%s' % (sys.version_info[0], sys.version_info[1], 't' if free else ''))\n"
    "say('gil', int(gil))\n";

static bool is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

bool probe_find_program(const char *name, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");
    for (const char *at = folders ? folders : ""; *at; at += strspn(at, ":")) {
        int length = (int)strcspn(at, ":");
        if (snprintf(path, PATH_MAX, "%.*s/%s", length, at, name) < PATH_MAX && is_program(path))
            return true;
        at += length;
    }
    return false;
}

static bool find_in_venv(const char *venv, char path[PATH_MAX])
{
    static const char *const names[] = {"python", "python3"};
    for (size_t i = 0; *venv && i < sizeof names / sizeof *names; i++) {
        struct stat info;
        if (snprintf(path, PATH_MAX, "%s/bin/%s", venv, names[i]) < PATH_MAX && lstat(path, &info) == 0)
            return true;
    }
    return false;
}

static int explain_closed(const char *path, struct sentence *error)
{
    return sentence_fail(-ENOENT, error, "name an interpreter with -p", "%s cannot be reached: %s", path,
                         strerror(errno));
}

static int explain_missing(const char *path, struct sentence *error)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length >= 0) {
        target[length] = '\0';
        return sentence_fail(-ENOENT, error, "make the venv anew, or name another with -p",
                             "%s is a link to %s, which is not there (the interpreter that a venv was made "
                             "with may be gone)",
                             path, target);
    }
    if (errno != ENOENT && errno != ENOTDIR && errno != EINVAL)
        return explain_closed(path, error);
    return sentence_fail(-ENOENT, error, "name one with -p, or make a venv with `python3.13t -m venv DIR`",
                         "there is no interpreter at %s", path);
}

/* Finds the file: a venv's python, a name on PATH, or the path itself. A venv comes first, because many are called
 * `env`, and that is a program, too. */
static int resolve(const char *python, char path[PATH_MAX], struct sentence *error)
{
    struct stat info;
    bool bare = !strchr(python, '/');
    if (find_in_venv(python, path) || (bare && probe_find_program(python, path)))
        return 0;
    if (!bare && errno == EACCES)
        return explain_closed(python, error);
    if (errno != EACCES && stat(python, &info) == 0 && S_ISDIR(info.st_mode))
        return sentence_fail(-ENOENT, error,
                             "make one with `python3.13t -m venv DIR`, or name an interpreter with -p",
                             "the directory %s has no bin/python, so it is no venv", python);
    if (bare && access(python, F_OK) < 0)
        return sentence_fail(
            -ENOENT, error,
            "name an interpreter or a venv with -p, or make a venv with `python3.13t -m venv DIR`",
            "there is no program '%s' on PATH", python);
    snprintf(path, PATH_MAX, "%s%s", bare ? "./" : "", python);
    return 0;
}

static int locate(const char *python, char path[PATH_MAX], struct sentence *error)
{
    int result = resolve(python, path, error);
    if (result)
        return result;
    if (access(path, F_OK) < 0)
        return explain_missing(path, error);
    if (!is_program(path))
        return sentence_fail(-ENOEXEC, error, "name an interpreter or a venv with -p",
                             "%s is not an executable file", path);
    return 0;
}

static void copy_value(const char *text, const char *key, char *field, size_t size)
{
    cleanup_free char *value = probe_value(text, key);
    snprintf(field, size, "%s", value ? value : "");
} /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */

/* Returns -EINVAL when the text is not an answer. */
static int read_answer(const char *text, struct probe *probe)
{
    char gil[2];
    *probe = (struct probe){
        .executable = probe_value(text, "executable"),
        .prefix = probe_value(text, "prefix"),
        .library = probe_value(text, "library"),
    };
    copy_value(text, "version", probe->version, sizeof probe->version);
    copy_value(text, "abi", probe->abi, sizeof probe->abi);
    copy_value(text, "gil", gil, sizeof gil);
    probe->free_threaded = strchr(probe->abi, 't');
    probe->gil_now = gil[0] == '1';
    if (probe->executable && probe->executable[0] && probe->prefix && probe->library && probe->abi[0])
        return 0;
    probe_clear(probe);
    return -EINVAL;
}

static int judge_answer(const char *path, const struct probe_job *job, struct probe *ret_probe,
                        struct sentence *error)
{
    char reason[320];
    cleanup_free char *implementation = probe_value(job->out, "implementation");
    if (implementation && strcmp(implementation, "cpython") != 0)
        return sentence_fail(-ENOEXEC, error, "name a CPython with -p",
                             "%s is %s, and ftstress embeds CPython", path, implementation);
    if (!job->error && implementation && read_answer(job->out, ret_probe) == 0)
        return 0;
    probe_reason(job, reason, sizeof reason); /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */
    if (job->error == -ETIMEDOUT)
        return sentence_fail(
            -ETIMEDOUT, error,
            "check that it is a Python and that its disk can be reached, or name another with -p",
            "%s gives no answer (%s)", path, reason);
    return sentence_fail(-ENOEXEC, error, "name another with -p",
                         "%s does not answer as a working Python 3 does (%s)", path, reason);
}

int probe_interpreter(const char *python, const struct launch *launch, struct probe *ret_probe,
                      struct sentence *error)
{
    char path[PATH_MAX];
    int result = locate(python, path, error);
    if (result)
        return result;
    char *const argv[] = {path, "-I", "-c", (char *)question, NULL};
    struct probe_job job = {.argv = argv, .launch = launch};
    probe_run(&job, 1);
    result = judge_answer(path, &job, ret_probe, error);
    probe_job_clear(&job);
    return result;
}

/* Writes the path as Python writes its own: absolute, without "." and "..". Returns false where that takes more than to
 * add the working directory. */
static bool make_plain(const char *path, char plain[PATH_MAX])
{
    char folder[PATH_MAX] = "";
    const char *rest = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    if (*path != '/' && !getcwd(folder, sizeof folder))
        return false;
    int length = snprintf(plain, PATH_MAX, "%s%s%s", folder, *path == '/' ? "" : "/", rest);
    return length < PATH_MAX && !strstr(plain, "//") && !strstr(plain, "/./") && !strstr(plain, "/../");
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

bool probe_own(const char *python, const char *child_python, const char *child_abi, struct probe *ret_probe)
{
    char path[PATH_MAX] = "", plain[PATH_MAX];
    struct sentence ignored;
    if (!strchr(child_abi, 't') || resolve(python, path, &ignored) < 0 || !make_plain(path, plain) ||
        !is_program(plain) || !is_same_file(plain, child_python))
        return false;
    *ret_probe = (struct probe){.executable = strdup(plain), .free_threaded = true};
    snprintf(ret_probe->abi, sizeof ret_probe->abi, "%s", child_abi);
    return ret_probe->executable;
}

void probe_clear(struct probe *probe)
{
    free(probe->executable);
    free(probe->prefix);
    free(probe->library);
    *probe = (struct probe){0};
}

/* "3.13t /path/python" */
static int read_child(const char *text, char ret_abi[PROBE_ABI_SIZE], char **ret_python)
{
    char abi[PROBE_ABI_SIZE];
    int length = 0;
    if (!text || sscanf(text, "%15s %n", abi, &length) != 1 || length == 0 || text[length] != '/')
        return -EINVAL;
    char *python = strndup(text + length, strcspn(text + length, "\n"));
    if (!python)
        return -ENOMEM;
    memcpy(ret_abi, abi, sizeof abi);
    *ret_python = python;
    return 0;
}

int probe_child(const char *child, const struct launch *launch, char ret_abi[PROBE_ABI_SIZE],
                char **ret_python, struct sentence *error)
{
    char reason[320];
    char *const argv[] = {(char *)child, "--abi", NULL};
    struct probe_job job = {.argv = argv, .launch = launch};
    if (!is_program(child))
        return sentence_fail(-ENOENT, error, REMEDY_BUILD, "there is no ftstress-child at %s", child);
    probe_run(&job, 1);
    int result = job.error;
    if (!result)
        result = read_child(job.out, ret_abi, ret_python) < 0 ? -ENOEXEC : 0;
    if (result) {
        probe_reason(&job, reason, sizeof reason);
        sentence_fail(0, error, REMEDY_REBUILD, "%s does not work (%s)", child, reason);
    }
    probe_job_clear(&job);
    return result;
}

const char *probe_choose(const char *python, const char *child_python)
{
    const char *venv = getenv("VIRTUAL_ENV");
    if (python)
        return python;
    return venv && venv[0] ? venv : child_python;
}

int probe_check_abi(const struct probe *probe, const char *child_abi, struct sentence *error)
{
    if (strcmp(probe->abi, child_abi) == 0)
        return 0;
    if (!probe->free_threaded)
        return sentence_fail(-ENOEXEC, error,
                             "ftstress needs a free-threaded interpreter: name one with -p, e.g. python3.13t",
                             "%s is a CPython %s with the GIL, and ftstress-child was built for %s",
                             probe->executable, probe->abi, child_abi);
    sentence_fail(0, error, "", "%s is a CPython %s, and ftstress-child was built for %s", probe->executable,
                  probe->abi, child_abi);
    sentence_set_remedy(error, REMEDY_ABI, probe->executable);
    return -ENOEXEC;
}

int probe_find_beside(const char *name, char **ret_path)
{
    int error = fd_beside(name, ret_path);
    if (error || access(*ret_path, X_OK) == 0)
        return error;
    free(*ret_path);
    *ret_path = NULL;
    return -ENOENT;
}

void probe_child_of_abi(const char *abi, char **path)
{
    char *other;
    if (asprintf(&other, "%s-%s", *path, abi) < 0)
        return;
    bool found = access(other, X_OK) == 0;
    free(found ? *path : other);
    *path = found ? other : *path;
}
