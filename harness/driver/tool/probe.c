#include "driver/tool/probe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sentence.h"

#define SLOTS 4
#define OUTPUT_MAX (1 << 20)
#define TICK_MS 5
#define EXEC_FAILED 126

uint64_t probe_limit = 20 * CLOCK_SECOND;

/* -I leaves out what the environment says, but a child will hear it: hence PYTHON_GIL. */
static const char question[] =
    "import os, sys, sysconfig\n"
    "def say(key, value):\n"
    "    sys.stdout.buffer.write(os.fsencode('ftstress\\t%s\\t%s\\n' % (key, value)))\n"
    "free = bool(sysconfig.get_config_var('Py_GIL_DISABLED'))\n"
    "gil = getattr(sys, '_is_gil_enabled', lambda: True)() or os.environ.get('PYTHON_GIL') == '1'\n"
    "loaded = [line.split(None, 5)[5].strip() for line in open('/proc/self/maps') if '/libpython' in line]\n"
    "say('implementation', sys.implementation.name)\n"
    "say('executable', sys.executable or '')\n"
    "say('prefix', sys.prefix)\n"
    "say('library', (loaded + [os.path.realpath(sys.executable or '')])[0])\n"
    "say('version', sys.version.split()[0])\n"
    "say('abi', '%d.%d%s' % (sys.version_info[0], sys.version_info[1], 't' if free else ''))\n"
    "say('free', int(free))\n"
    "say('gil', int(gil))\n";

/* A job that runs. */
struct slot {
    struct probe_job *job; /* NULL: the slot is free */
    pid_t pid;
    uint64_t deadline;
    int fds[2];
    FILE *texts[2];
    size_t sizes[2];
};

/* In a process group of its own, so that what it starts can be killed with it; and it does not outlive us. */
static _Noreturn void become(char *const argv[], int out, int err)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(err, STDERR_FILENO) >= 0)
        execv(argv[0], argv);
    dprintf(err, "%s\n", strerror(errno));
    _exit(EXEC_FAILED);
}

static void slot_close(struct slot *slot)
{
    for (int i = 0; i < 2; i++) {
        fd_close(&slot->fds[i]);
        if (slot->texts[i])
            fclose(slot->texts[i]);
    }
    slot->job = NULL;
}

/* On success far[] are the ends for the program. */
static int slot_open(struct slot *slot, struct probe_job *job, int far[2])
{
    char **texts[] = {&job->out, &job->err};
    *slot = (struct slot){.job = job, .fds = {-1, -1}};
    for (int i = 0; i < 2; i++) {
        int ends[2];
        slot->texts[i] = open_memstream(texts[i], &slot->sizes[i]);
        if (!slot->texts[i])
            return -ENOMEM;
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -errno;
        slot->fds[i] = ends[0];
        far[i] = ends[1];
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static int slot_start(struct slot *slot, struct probe_job *job)
{
    int far[2] = {-1, -1};
    int error = slot_open(slot, job, far);
    slot->deadline = clock_now() + job->limit;
    if (!error) {
        slot->pid = fork();
        error = slot->pid < 0 ? -errno : 0;
    }
    if (!error && slot->pid == 0)
        become(job->argv, far[0], far[1]);
    if (!error)
        setpgid(slot->pid, slot->pid);
    fd_close(&far[0]);
    fd_close(&far[1]);
    if (error)
        slot_close(slot);
    return error;
}

/* Who writes more than anybody will read finds the pipe closed. */
static void slot_read_one(struct slot *slot, int i)
{
    char bytes[4096];
    ssize_t n;
    while (slot->fds[i] >= 0) {
        n = read(slot->fds[i], bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0 || ftell(slot->texts[i]) + n > OUTPUT_MAX)
            fd_close(&slot->fds[i]);
        else
            fwrite(bytes, 1, (size_t)n, slot->texts[i]);
    }
}

static void slot_read(struct slot *slot)
{
    slot_read_one(slot, 0);
    slot_read_one(slot, 1);
}

/* The process is left to be reaped, so that its process group cannot be another's yet. */
static bool slot_ended(const struct slot *slot)
{
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)slot->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return result == 0 ? info.si_pid == slot->pid : errno != EINTR;
}

static void slot_finish(struct slot *slot, int error)
{
    kill(-slot->pid, SIGKILL);
    while (waitpid(slot->pid, &slot->job->status, 0) < 0 && errno == EINTR)
        continue;
    slot_read(slot);
    slot->job->error = error;
    slot_close(slot);
}

/* A process that has closed its pipes is not an event: hence the tick. */
static void wait_some(const struct slot *slots)
{
    struct pollfd polled[2 * SLOTS];
    for (size_t i = 0; i < SLOTS; i++)
        for (size_t j = 0; j < 2; j++)
            polled[2 * i + j] = (struct pollfd){.fd = slots[i].job ? slots[i].fds[j] : -1, .events = POLLIN};
    poll(polled, sizeof polled / sizeof *polled, TICK_MS);
}

/* Returns true when its job has ended. */
static bool slot_step(struct slot *slot)
{
    bool ended = slot_ended(slot), late = clock_now() >= slot->deadline;
    if (ended || late) {
        slot_finish(slot, ended ? 0 : -ETIMEDOUT);
        return true;
    }
    slot_read(slot);
    return false;
}

void probe_run(struct probe_job *jobs, size_t n)
{
    struct slot slots[SLOTS] = {0};
    size_t next = 0, running = 0;
    while (next < n || running > 0) {
        for (size_t i = 0; i < SLOTS && next < n; i++) {
            if (slots[i].job)
                continue;
            jobs[next].error = slot_start(&slots[i], &jobs[next]);
            running += jobs[next++].error == 0;
        }
        wait_some(slots);
        for (size_t i = 0; i < SLOTS; i++)
            if (slots[i].job && slot_step(&slots[i]))
                running--;
    }
}

void probe_job_clear(struct probe_job *job)
{
    free(job->out);
    free(job->err);
    job->out = job->err = NULL;
}

char *probe_value(const char *text, const char *key)
{
    char prefix[64];
    int length = snprintf(prefix, sizeof prefix, "ftstress\t%s\t", key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, prefix, (size_t)length) == 0)
            return strndup(line + length, strcspn(line + length, "\n"));
    }
    return NULL;
}

/* The last line with a word in it: of a traceback, the exception; of Valgrind's lines, none that is but a margin. */
static void last_line(const char *text, char *line, size_t size)
{
    const char *start = text + strlen(text);
    while (start > text && !isalpha((unsigned char)start[-1]))
        start--;
    const char *end = start + strcspn(start, "\r\n");
    while (start > text && start[-1] != '\n')
        start--;
    snprintf(line, size, "%.*s", (int)(end - start), start);
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}

static void describe_exit(int status, const char *said, char *text, size_t size)
{
    int code = WEXITSTATUS(status);
    if (code == EXEC_FAILED && said[0])
        snprintf(text, size, "%s", said);
    else if (code != 0)
        snprintf(text, size, "it exits with status %d%s%s", code, said[0] ? " and says: " : "", said);
    else
        snprintf(text, size, "it says%s %s", said[0] ? ":" : "", said[0] ? said : "nothing");
}

void probe_reason(const struct probe_job *job, char *text, size_t size)
{
    char said[256] = "";
    if (job->err)
        last_line(job->err, said, sizeof said);
    if (!said[0] && job->out)
        last_line(job->out, said, sizeof said);
    if (job->error == -ETIMEDOUT)
        snprintf(text, size, "it does not end within %g s", clock_seconds(job->limit));
    else if (job->error)
        snprintf(text, size, "it cannot be started: %s", strerror(-job->error));
    else if (WIFSIGNALED(job->status))
        snprintf(text, size, "it is killed by signal %d (%s)", WTERMSIG(job->status),
                 strsignal(WTERMSIG(job->status)));
    else
        describe_exit(job->status, said, text, size);
}

static bool is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* As a shell would: the first program of that name. */
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
        return sentence_fail(-ENOENT, error, "name an interpreter with -p", "%s cannot be reached: %s", path,
                             strerror(errno));
    return sentence_fail(-ENOENT, error, "name one with -p, or make a venv with `python3.13t -m venv DIR`",
                         "there is no interpreter at %s", path);
}

/* What the user wrote to a path: a venv's python, a name on PATH, or the path itself. A venv comes first,
 * because many are called `env`, and that is a program too. */
static int resolve(const char *python, char path[PATH_MAX], struct sentence *error)
{
    bool bare = !strchr(python, '/');
    if (find_in_venv(python, path) || (bare && probe_find_program(python, path)))
        return 0;
    if (is_directory(python))
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

static bool yes(const char *text, const char *key)
{
    cleanup_free char *value = probe_value(text, key);
    return value && strcmp(value, "1") == 0; /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */
}

static void copy_value(const char *text, const char *key, char *field, size_t size)
{
    cleanup_free char *value = probe_value(text, key);
    snprintf(field, size, "%s", value ? value : "");
} /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */

/* Returns -EINVAL when the text is not an answer. */
static int read_answer(const char *text, struct probe *probe)
{
    *probe = (struct probe){
        .executable = probe_value(text, "executable"),
        .prefix = probe_value(text, "prefix"),
        .library = probe_value(text, "library"),
        .free_threaded = yes(text, "free"),
        .gil_now = yes(text, "gil"),
    };
    copy_value(text, "version", probe->version, sizeof probe->version);
    copy_value(text, "abi", probe->abi, sizeof probe->abi);
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
    return sentence_fail(job->error ? job->error : -ENOEXEC, error, "name another with -p",
                         "%s does not answer as a working Python 3 does (%s)", path, reason);
}

int probe_interpreter(const char *python, struct probe *ret_probe, struct sentence *error)
{
    char path[PATH_MAX];
    int result = locate(python, path, error);
    if (result)
        return result;
    char *const argv[] = {path, "-I", "-c", (char *)question, NULL};
    struct probe_job job = {.argv = argv, .limit = probe_limit};
    probe_run(&job, 1);
    result = judge_answer(path, &job, ret_probe, error);
    probe_job_clear(&job);
    return result;
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

int probe_child(const char *child, char ret_abi[PROBE_ABI_SIZE], char **ret_python, struct sentence *error)
{
    char reason[320];
    char *const argv[] = {(char *)child, "--abi", NULL};
    struct probe_job job = {.argv = argv, .limit = probe_limit};
    if (!is_program(child))
        return sentence_fail(-ENOENT, error, "build one with scripts/setup.sh",
                             "there is no ftstress-child at %s", child);
    probe_run(&job, 1);
    int result = job.error;
    if (!result)
        result = read_child(job.out, ret_abi, ret_python) < 0 ? -ENOEXEC : 0;
    if (result) {
        probe_reason(&job, reason, sizeof reason);
        sentence_fail(0, error, "build it anew with scripts/setup.sh", "%s does not work (%s)", child,
                      reason);
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
    sentence_set_remedy(error, "build a child for it with: FTSTRESS_PYTHON=%s scripts/setup.sh",
                        probe->executable);
    return -ENOEXEC;
}
