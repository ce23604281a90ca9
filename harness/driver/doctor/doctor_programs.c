/* The two programs that a run consists of, the interpreter, and what they share. */
#include "driver/doctor/doctor_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/remedy.h"
#include "driver/mode/mode_valgrind.h"
#include "driver/tool/probe_run.h"

enum doctor_level doctor_child(struct doctor *doctor)
{
    struct sentence error;
    if (!doctor->child_path)
        return doctor_say(doctor, DOCTOR_BROKEN, REMEDY_BUILD, "there is no ftstress-child");
    if (probe_child(doctor->child_path, NULL, doctor->child_abi, &doctor->child_python, &error) < 0)
        return doctor_say_sentence(doctor, DOCTOR_BROKEN, &error);
    doctor->facts |= DOCTOR_CHILD;
    return doctor_say(doctor, DOCTOR_OK, NULL, "%s runs; it embeds CPython %s", doctor->child_path,
                      doctor->child_abi);
}

enum doctor_level doctor_interpreter(struct doctor *doctor)
{
    struct sentence error;
    const char *python = probe_choose(doctor->asked, doctor->child_python);
    if (!python)
        return doctor_say(doctor, DOCTOR_BROKEN, "name one with -p",
                          "no interpreter is named, and without ftstress-child there is no default");
    if (probe_interpreter(python, NULL, &doctor->probe, &error) < 0)
        return doctor_say_sentence(doctor, DOCTOR_BROKEN, &error);
    doctor->facts |= DOCTOR_INTERPRETER | (doctor->probe.free_threaded ? DOCTOR_FREE_THREADED : 0);
    return doctor_say(doctor, DOCTOR_OK, NULL, "%s runs; it is CPython %s", doctor->probe.executable,
                      doctor->probe.version);
}

enum doctor_level doctor_abi(struct doctor *doctor)
{
    struct sentence error;
    if (probe_check_abi(&doctor->probe, doctor->child_abi, &error) < 0)
        return doctor_say_sentence(doctor, DOCTOR_BROKEN, &error);
    doctor->facts |= DOCTOR_ABI;
    return doctor_say(doctor, DOCTOR_OK, NULL, "ftstress-child and the interpreter have the same ABI, %s",
                      doctor->child_abi);
}

#define FALSE_LINE "FALSE "

/* A line of `ftstress-child --check`: the state, the name, and a text. */
static unsigned count_lines(const char *text, const char *state)
{
    unsigned n = 0;
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        n += strncmp(text, state, strlen(state)) == 0;
    return n;
}

static void say_false(struct doctor *doctor, const char *text)
{
    const char *separator = "";
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
        if (strncmp(text, FALSE_LINE, strlen(FALSE_LINE)) == 0) {
            const char *name = text + strlen(FALSE_LINE), *fault = name + strcspn(name, " ");
            fault += strspn(fault, " ");
            fprintf(doctor->text, "%s%.*s: %.*s", separator, (int)strcspn(name, " "), name,
                    (int)strcspn(fault, "\n"), fault);
            separator = "\n";
        }
}

enum doctor_level doctor_assumptions(struct doctor *doctor)
{
    char reason[320];
    char *const argv[] = {(char *)doctor->child_path, "--check", "--python", doctor->probe.executable, NULL};
    struct probe_job job = {.argv = argv};
    probe_run(&job, 1);
    enum doctor_level level = DOCTOR_BROKEN;
    if (!job.error && job.out && count_lines(job.out, FALSE_LINE) > 0) {
        say_false(doctor, job.out);
        fprintf(doctor->remedy, "use a CPython that README names, or report this");
    } else if (job.error || job.status || !job.out || count_lines(job.out, "ok ") == 0) {
        probe_reason(&job, reason, sizeof reason);
        doctor_say(doctor, level, REMEDY_REBUILD, "%s --check does not work (%s)", doctor->child_path,
                   reason);
    } else {
        level =
            doctor_say(doctor, DOCTOR_OK, NULL, "the %u assumptions of ftstress-child about CPython %s hold",
                       count_lines(job.out, "ok "), doctor->probe.version);
    }
    probe_job_clear(&job);
    return level;
}

enum doctor_level doctor_gil(struct doctor *doctor)
{
    const char *wish = getenv("PYTHON_GIL");
    if (wish && !*wish)
        wish = NULL;
    if (wish && strcmp(wish, "0") != 0 && strcmp(wish, "1") != 0)
        return doctor_say(doctor, DOCTOR_BROKEN, "unset PYTHON_GIL",
                          "Python does not start with PYTHON_GIL='%s'", wish);
    if (!doctor->probe.free_threaded)
        return doctor_say(doctor, DOCTOR_BROKEN, "name a free-threaded interpreter with -p, e.g. python3.13t",
                          "the interpreter is built with the GIL");
    if (wish && *wish == '1')
        return doctor_say(doctor, DOCTOR_BROKEN, "unset PYTHON_GIL", "PYTHON_GIL=1 turns the GIL on");
    if (doctor->probe.gil_now)
        return doctor_say(doctor, DOCTOR_BROKEN,
                          "see which .pth file or sitecustomize imports a compiled module",
                          "the GIL is on as soon as the interpreter starts");
    if (wish)
        return doctor_say(
            doctor, DOCTOR_WARN, "unset PYTHON_GIL, so that runs report such packages",
            "the GIL is off at start; PYTHON_GIL=0 keeps it off for packages that do not support it");
    return doctor_say(doctor, DOCTOR_OK, NULL, "the GIL is off at start");
}

enum doctor_level doctor_environment(struct doctor *doctor)
{
    static const struct {
        const char *name, *effect;
    } rows[] = {
        {"DEBUGINFOD_URLS", "run --under valgrind may wait for the network"},
        {"LD_PRELOAD", "every child loads its libraries"},
        {"PYTHONHOME", "children look for the standard library there"},
        {"TSAN_OPTIONS", "run --tsan ignores it"},
        {"PYTHONMALLOC", "the interpreter's memory has another layout"},
    };
    unsigned n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = getenv(rows[i].name);
        if (!value || !*value)
            continue;
        fprintf(doctor->text, "%s%s is set: %s", n ? "; " : "", rows[i].name, rows[i].effect);
        fprintf(doctor->remedy, "%s%s", n++ ? " " : "unset ", rows[i].name);
    }
    return n ? DOCTOR_WARN : doctor_say(doctor, DOCTOR_OK, NULL, "no variable changes what is tested");
}

enum doctor_level doctor_valgrind(struct doctor *doctor)
{
    struct valgrind valgrind;
    struct sentence error;
    int result = valgrind_prepare(&valgrind, doctor->child_path, NULL, &error);
    if (result)
        return doctor_say_sentence(doctor, result == -ENOENT ? DOCTOR_SKIP : DOCTOR_WARN, &error);
    return doctor_say(doctor, DOCTOR_OK, NULL, "Valgrind %s runs ftstress-child", valgrind.version);
}
