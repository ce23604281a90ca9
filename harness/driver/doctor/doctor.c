/* The checks in their order, a line for each, and the verdict. */
#include "driver/doctor/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/doctor/doctor_inside.h"

#define WIDTH 110
#define INDENT 21

/* Where the lines go, and how many there are of each level. */
struct sheet {
    FILE *out;
    bool colour;
    unsigned seen[DOCTOR_LEVELS];
};

/* The environment comes before the symbols: the symboliser unsets DEBUGINFOD_URLS in this process. */
static const struct doctor_check checks[] = {
    {"child", doctor_child},
    {"interpreter", doctor_interpreter},
    {"abi", doctor_abi},
    {"gil", doctor_gil},
    {"numpy", doctor_numpy},
    {"packages", doctor_packages},
    {"environment", doctor_environment},
    {"symbols", doctor_symbols},
    {"stepping", doctor_stepping},
    {"arena", doctor_arena},
    {"ptrace", doctor_ptrace},
    {"perf", doctor_perf},
    {"aslr", doctor_aslr},
    {"processors", doctor_processors},
    {"memory", doctor_memory},
    {"limits", doctor_limits},
    {"system", doctor_system},
    {"valgrind", doctor_valgrind},
};

enum doctor_level doctor_say(struct doctor_answer *answer, enum doctor_level level, const char *advice,
                             const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    vfprintf(answer->text, text, arguments);
    va_end(arguments);
    if (advice)
        fputs(advice, answer->advice);
    return level;
}

/* What follows the last semicolon of a sentence, or NULL. */
static const char *advice_of(const char *sentence)
{
    const char *advice = NULL;
    for (const char *next = sentence; (next = strstr(next, "; ")); next++)
        advice = next + 2;
    return advice;
}

enum doctor_level doctor_say_sentence(struct doctor_answer *answer, enum doctor_level level,
                                      const char *sentence)
{
    const char *advice = advice_of(sentence);
    fprintf(answer->text, "%.*s", (int)(advice ? advice - 2 - sentence : (ptrdiff_t)strlen(sentence)),
            sentence);
    fputs(advice ? advice : "", answer->advice);
    return level;
}

/* A line, at most WIDTH wide where blanks allow; further ones and those after a newline are indented. */
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
                        const char *advice)
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
    if (*advice) {
        fprintf(sheet->out, "%*s", INDENT, "");
        print_wrapped(sheet->out, "-> ", advice);
    }
    fflush(sheet->out);
    sheet->seen[level]++;
}

/* Returns 0 or -ENOMEM. */
static int look(const struct doctor_check *check, struct doctor *doctor, struct sheet *sheet)
{
    cleanup_free char *text = NULL, *advice = NULL;
    size_t text_size, advice_size;
    struct doctor_answer answer = {open_memstream(&text, &text_size), open_memstream(&advice, &advice_size)};
    bool open = answer.text && answer.advice;
    enum doctor_level level = open ? check->look(doctor, &answer) : DOCTOR_BROKEN;
    if (answer.text)
        fclose(answer.text);
    if (answer.advice)
        fclose(answer.advice);
    if (!open || !text || !advice)
        return -ENOMEM;
    print_check(sheet, check->name, level, text, advice);
    return 0;
}

static int look_at_all(const struct doctor_check *rows, size_t n, struct doctor *doctor, struct sheet *sheet)
{
    int error = 0;
    for (size_t i = 0; i < n && !error; i++)
        error = look(&rows[i], doctor, sheet);
    return error;
}

static void print_verdict(FILE *out, const unsigned seen[static DOCTOR_LEVELS])
{
    unsigned warnings = seen[DOCTOR_WARN], broken = seen[DOCTOR_BROKEN];
    if (broken)
        fprintf(out, "ftstress: runs cannot work here; %u check%s broken\n", broken,
                broken == 1 ? " is" : "s are");
    else
        fprintf(out, "ftstress: runs will work here; %u warning%s\n", warnings, warnings == 1 ? "" : "s");
}

int doctor_run(const char *python, const char *child_path, bool colour, FILE *out)
{
    size_t ntsan;
    const struct doctor_check *tsan = doctor_tsan_checks(&ntsan);
    struct sheet sheet = {.out = out, .colour = colour};
    /* The text of the variable outlives that it is unset. */
    struct doctor doctor = {
        .asked = python, .child_path = child_path, .tsan.urls = getenv("DEBUGINFOD_URLS")};
    int error = look_at_all(checks, sizeof checks / sizeof *checks, &doctor, &sheet);
    if (!error)
        error = look_at_all(tsan, ntsan, &doctor, &sheet);
    doctor_tsan_clear(&doctor.tsan);
    free(doctor.child_python);
    probe_clear(&doctor.probe);
    if (error)
        return STATUS_HARNESS;
    print_verdict(out, sheet.seen);
    return sheet.seen[DOCTOR_BROKEN] ? STATUS_UNTESTED : STATUS_CLEAN;
}
