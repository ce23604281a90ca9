/* The two programs that a run consists of, the interpreter, and what they share. */
#include "driver/doctor/doctor_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/remedy.h"
#include "driver/mode/mode_valgrind.h"

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
    return doctor_say(doctor, DOCTOR_OK, NULL, "ftstress-child and the interpreter have the same ABI, %s",
                      doctor->child_abi);
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
