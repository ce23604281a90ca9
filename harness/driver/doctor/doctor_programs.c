/* What runs are made of: the two programs, and what they share. */
#include "driver/doctor/doctor_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "driver/tool/valgrind.h"

enum doctor_level doctor_child(struct doctor *doctor, struct doctor_answer *answer)
{
    char error[1024];
    if (!doctor->child_path)
        return doctor_say(answer, DOCTOR_BROKEN, "build it with scripts/setup.sh",
                          "there is no ftstress-child");
    if (probe_child(doctor->child_path, doctor->child_abi, &doctor->child_python, error, sizeof error) < 0)
        return doctor_say_sentence(answer, DOCTOR_BROKEN, error);
    doctor->has_child = true;
    return doctor_say(answer, DOCTOR_OK, NULL, "%s, embeds %s", doctor->child_path, doctor->child_abi);
}

enum doctor_level doctor_interpreter(struct doctor *doctor, struct doctor_answer *answer)
{
    char error[1024];
    const char *python = probe_choose(doctor->asked, doctor->child_python);
    if (!python)
        return doctor_say(answer, DOCTOR_BROKEN, "name one with -p",
                          "no interpreter is named, and there is no child to ask");
    if (probe_interpreter(python, &doctor->probe, error, sizeof error) < 0)
        return doctor_say_sentence(answer, DOCTOR_BROKEN, error);
    doctor->has_probe = true;
    return doctor_say(answer, DOCTOR_OK, NULL, "%s, CPython %s", doctor->probe.executable,
                      doctor->probe.version);
}

enum doctor_level doctor_abi(struct doctor *doctor, struct doctor_answer *answer)
{
    char error[1024];
    if (!doctor->has_probe || !doctor->has_child)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "needs the child and the interpreter");
    if (probe_check_abi(&doctor->probe, doctor->child_abi, error, sizeof error) < 0)
        return doctor_say_sentence(answer, DOCTOR_BROKEN, error);
    return doctor_say(answer, DOCTOR_OK, NULL, "%s on both sides", doctor->child_abi);
}

enum doctor_level doctor_gil(struct doctor *doctor, struct doctor_answer *answer)
{
    const char *wish = getenv("PYTHON_GIL");
    if (wish && !*wish)
        wish = NULL;
    if (wish && strcmp(wish, "0") != 0 && strcmp(wish, "1") != 0)
        return doctor_say(answer, DOCTOR_BROKEN, "unset PYTHON_GIL",
                          "PYTHON_GIL is '%s', and Python does not start", wish);
    if (!doctor->has_probe)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "needs the interpreter");
    if (!doctor->probe.free_threaded)
        return doctor_say(answer, DOCTOR_BROKEN, "name a free-threaded interpreter with -p, e.g. python3.13t",
                          "this interpreter is built with the GIL");
    if (wish && *wish == '1')
        return doctor_say(answer, DOCTOR_BROKEN, "unset PYTHON_GIL", "PYTHON_GIL=1 turns it on at start");
    if (doctor->probe.gil_now)
        return doctor_say(answer, DOCTOR_BROKEN,
                          "see which .pth file or sitecustomize imports a compiled module",
                          "on as soon as the interpreter starts");
    if (wish)
        return doctor_say(answer, DOCTOR_WARN, "unset PYTHON_GIL to have runs tell you",
                          "off at start; PYTHON_GIL=0 keeps it off for packages that are not made for that");
    return doctor_say(answer, DOCTOR_OK, NULL, "off at start");
}

/* What children inherit and are better without. */
enum doctor_level doctor_environment(struct doctor *doctor, struct doctor_answer *answer)
{
    static const struct {
        const char *name, *effect;
    } rows[] = {
        {"DEBUGINFOD_URLS", "symbolisers wait for the network"},
        {"LD_PRELOAD", "its libraries are in every child"},
        {"PYTHONHOME", "the child looks for its standard library there"},
        {"TSAN_OPTIONS", "run --tsan does without"},
        {"PYTHONMALLOC", "the interpreter's memory is laid out otherwise"},
    };
    unsigned n = 0;
    (void)doctor;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = getenv(rows[i].name);
        if (!value || !*value)
            continue;
        fprintf(answer->text, "%s%s is set: %s", n ? "; " : "", rows[i].name, rows[i].effect);
        fprintf(answer->advice, "%s%s", n++ ? " " : "unset ", rows[i].name);
    }
    return n ? DOCTOR_WARN : doctor_say(answer, DOCTOR_OK, NULL, "nothing that changes what is tested");
}

enum doctor_level doctor_valgrind(struct doctor *doctor, struct doctor_answer *answer)
{
    struct valgrind valgrind;
    char error[1024];
    if (!doctor->has_child)
        return doctor_say(answer, DOCTOR_SKIP, NULL, "there is no child to run under it");
    int result = valgrind_prepare(&valgrind, doctor->child_path, NULL, error, sizeof error);
    if (result == -ENOENT)
        return doctor_say(
            answer, DOCTOR_SKIP, NULL,
            "not installed; scripts/setup/packages.sh valgrind installs what run --under valgrind needs");
    if (result)
        return doctor_say_sentence(answer, DOCTOR_WARN, error);
    doctor_say(answer, DOCTOR_OK, NULL, "Valgrind %s runs ftstress-child", valgrind.version);
    valgrind_clear(&valgrind);
    return DOCTOR_OK;
}
