/* The table of checks, one row printed for each, and the verdict. */
#include "driver/doctor/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/doctor/doctor_inside.h"

#define WIDTH 110
#define INDENT 21

struct sheet {
    FILE *out;
    bool colour;
    unsigned seen[DOCTOR_LEVELS]; /* rows of each level */
};

#define FREE_THREADED (DOCTOR_INTERPRETER | DOCTOR_FREE_THREADED)
#define CANARY (DOCTOR_TSAN | DOCTOR_TSAN_STARTS | DOCTOR_TSAN_CANARY)

static const struct doctor_check {
    const char *name;
    doctor_look *look;
    unsigned needs; /* facts; a row below the rows that establish them */
} checks[] = {
    {"child", doctor_child, 0},
    {"interpreter", doctor_interpreter, 0},
    {"abi", doctor_abi, DOCTOR_CHILD | DOCTOR_INTERPRETER},
    {"assumptions", doctor_assumptions, DOCTOR_CHILD | DOCTOR_INTERPRETER | DOCTOR_ABI},
    {"gil", doctor_gil, DOCTOR_INTERPRETER},
    {"numpy", doctor_numpy, FREE_THREADED},
    {"packages", doctor_packages, FREE_THREADED},
    {"environment", doctor_environment, 0},
    {"symbols", doctor_symbols, 0},
    {"stepping", doctor_stepping, 0},
    {"arena", doctor_arena, 0},
    {"ptrace", doctor_ptrace, 0},
    {"perf", doctor_perf, 0},
    {"aslr", doctor_aslr, 0},
    {"processors", doctor_processors, 0},
    {"memory", doctor_memory, 0},
    {"limits", doctor_limits, 0},
    {"system", doctor_system, 0},
    {"valgrind", doctor_valgrind, DOCTOR_CHILD},
    {"tsan", doctor_tsan, 0},
    {"tsan layout", doctor_tsan_layout, DOCTOR_TSAN},
    {"tsan limit", doctor_tsan_limit, DOCTOR_TSAN},
    {"tsan canary", doctor_tsan_canary, DOCTOR_TSAN | DOCTOR_TSAN_STARTS},
    {"tsan gil", doctor_tsan_gil, FREE_THREADED | CANARY},
    {"tsan import", doctor_tsan_import, FREE_THREADED | CANARY | DOCTOR_TSAN_GIL_OFF},
    {"tsan files", doctor_tsan_files, FREE_THREADED | CANARY | DOCTOR_TSAN_GIL_OFF | DOCTOR_TSAN_IMPORT},
};

/* By the number of the bit. */
static const char *const fact_names[DOCTOR_FACTS] = {
    "ftstress-child-tsan",
    "what is named above",
    "ftstress-child",
    "an interpreter that works",
    "a free-threaded interpreter",
    "the report of the planted race",
    "the GIL off",
    "a child that imports all compiled packages",
    "the same ABI in both",
};

/* Wraps at blanks to WIDTH columns; later lines are indented. */
static void print_wrapped(FILE *out, const char *lead, const char *text)
{
    size_t column = INDENT + (size_t)fprintf(out, "%s", lead);
    for (const char *gap = ""; *text; text += *text != '\0') {
        size_t length = strcspn(text, " \n");
        if (*gap == '\n' || (*gap && column + 1 + length > WIDTH)) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT + (size_t)fprintf(out, "%*s", (int)strlen(lead), *gap == '\n' ? lead : "");
            gap = "";
        }
        column += (size_t)fprintf(out, "%s%.*s", gap, (int)length, text);
        text += length;
        gap = *text == '\n' ? "\n" : " ";
    }
    fputc('\n', out);
}

static void print_check(struct sheet *sheet, const char *name, enum doctor_level level, const char *text,
                        const char *remedy)
{
    static const struct {
        const char *word, *colour;
    } levels[] = {
        [DOCTOR_OK] = {"ok", "\033[32m"},
        [DOCTOR_SKIP] = {"skip", "\033[2m"},
        [DOCTOR_WARN] = {"warn", "\033[33m"},
        [DOCTOR_BROKEN] = {"BROKEN", "\033[1;31m"},
    };
    fprintf(sheet->out, "%s%-6s%s  %-11s  ", sheet->colour ? levels[level].colour : "", levels[level].word,
            sheet->colour ? "\033[0m" : "", name);
    print_wrapped(sheet->out, "", text);
    if (*remedy) {
        fprintf(sheet->out, "%*s", INDENT, "");
        print_wrapped(sheet->out, "-> ", remedy);
    }
    fflush(sheet->out);
    sheet->seen[level]++;
}

/* Returns 0 or -ENOMEM. */
static int run_check(const struct doctor_check *check, struct doctor *doctor, struct sheet *sheet)
{
    cleanup_free char *text = NULL, *remedy = NULL;
    size_t text_size, remedy_size;
    unsigned missing = check->needs & ~doctor->facts;
    enum doctor_level level = DOCTOR_BROKEN;
    doctor->text = open_memstream(&text, &text_size);
    doctor->remedy = open_memstream(&remedy, &remedy_size);
    bool open = doctor->text && doctor->remedy;
    if (open && missing)
        level = doctor_say(doctor, DOCTOR_SKIP, NULL, "needs %s", fact_names[__builtin_ctz(missing)]);
    else if (open)
        level = check->look(doctor);
    if (doctor->text)
        fclose(doctor->text);
    if (doctor->remedy)
        fclose(doctor->remedy);
    if (!open || !text || !remedy)
        return -ENOMEM;
    print_check(sheet, check->name, level, text, remedy);
    return 0;
}

int doctor_run(const char *python, const char *child_path, bool colour, FILE *out)
{
    int error = 0;
    struct sheet sheet = {.out = out, .colour = colour};
    struct doctor doctor = {.asked = python, .child_path = child_path, .facts = DOCTOR_TSAN_STARTS};
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !error; i++)
        if (!(checks[i].needs & ~doctor.facts & DOCTOR_TSAN))
            error = run_check(&checks[i], &doctor, &sheet);
    outcome_clear(&doctor.outcome);
    tsan_clear(&doctor.tsan);
    free(doctor.child_python);
    probe_clear(&doctor.probe);
    if (error)
        return STATUS_HARNESS;
    unsigned warnings = sheet.seen[DOCTOR_WARN], broken = sheet.seen[DOCTOR_BROKEN];
    if (broken)
        fprintf(out, "ftstress: runs cannot work here; %u check%s failed\n", broken, broken == 1 ? "" : "s");
    else
        fprintf(out, "ftstress: runs can work here; %u warning%s\n", warnings, warnings == 1 ? "" : "s");
    return broken ? STATUS_UNTESTED : STATUS_CLEAN;
}
