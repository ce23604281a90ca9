/* The report for a person. */
#include "driver/report/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "driver/outcome/package.h"
#include "driver/report/report_memcheck.h"
#include "driver/report/report_verified.h"

#define FRAMES_SHOWN 14
#define FRAMES_OF_CONSEQUENCE 8
#define STACKS_SHOWN 10
#define WHOLE_STACKS 2 /* so many with all of their frames, the others shorter */
#define NOTES_SHOWN 8

struct style {
    const char *strong, *bad, *dim, *off;
};

static const struct style plain = {"", "", "", ""};
static const struct style coloured = {"\e[1m", "\e[1;31m", "\e[2m", "\e[0m"};

/* The harness's own frames below the target are the same in every stack and tell nothing. */
static bool is_harness(const struct symbol_frame *frame)
{
    static const struct outcome nothing;
    char name[8];
    return package_frame_owner(&nothing, frame, name, sizeof name) == OWNER_HARNESS;
}

static void print_frame(const struct symbol_frame *frame, size_t number, const struct style *style, FILE *out)
{
    fprintf(out, "      #%-2zu %s%s%s", number, style->strong, frame->function ? frame->function : "??",
            style->off);
    if (frame->module)
        fprintf(out, "  %s%s+%#" PRIx64 "%s", style->dim, path_base(frame->module), frame->offset,
                style->off);
    if (frame->file)
        fprintf(out, "  %s%s:%d%s", style->dim, path_base(frame->file), frame->line, style->off);
    fprintf(out, "%s\n", frame->is_inline ? " (inline)" : "");
}

/* How many frames from the i-th on are one function that calls itself at one line. */
static size_t count_calls(const struct finding_stack *stack, size_t i)
{
    const struct finding_python *first = &stack->python[i];
    size_t n = 1;
    while (i + n < stack->npython && first->file && stack->python[i + n].file &&
           stack->python[i + n].line == first->line &&
           strcmp(stack->python[i + n].function, first->function) == 0)
        n++;
    return n;
}

/* The statement of a finding is told once, above its stacks. */
static void print_python(const struct finding_stack *stack, const struct finding *finding, FILE *out)
{
    for (size_t i = 0, calls; i < stack->npython; i += calls) {
        const struct finding_python *frame = &stack->python[i];
        bool known = finding->statement && strcmp(finding->statement, frame->function) == 0;
        calls = count_calls(stack, i);
        if (frame->file)
            fprintf(out, "      py  %s  %s:%d", frame->function, path_base(frame->file), frame->line);
        else if (!known)
            fprintf(out, "      in  %s", frame->function);
        else
            continue;
        if (calls > 1)
            fprintf(out, "  (%zu times)", calls);
        fputc('\n', out);
    }
    if (stack->more_python)
        fprintf(out, "      … and %" PRIu32 " more frames of Python\n", stack->more_python);
}

static size_t count_alike(const struct finding *finding, size_t at)
{
    size_t alike = 0;
    for (size_t i = at + 1; i < finding->nstacks; i++)
        alike += finding->stacks[i].same_as == at;
    return alike;
}

static void print_title(const struct finding *finding, size_t at, FILE *out)
{
    size_t alike = count_alike(finding, at);
    fprintf(out, "    %s", finding->stacks[at].title);
    if (alike > 0)
        fprintf(out, "; %zu more thread%s alike", alike, alike == 1 ? "" : "s");
    fputs(":\n", out);
}

static void print_stack(const struct finding *finding, size_t at, size_t most, const struct style *style,
                        FILE *out)
{
    const struct finding_stack *stack = &finding->stacks[at];
    size_t shown = 0;
    print_title(finding, at, out);
    for (size_t i = 0; i < stack->stack.nframes; i++) {
        const struct symbol_frame *frame = &stack->stack.frames[i];
        if (is_harness(frame))
            break;
        if (shown == most) {
            fprintf(out, "      … %zu more\n", stack->stack.nframes - i);
            break;
        }
        print_frame(frame, shown++, style, out);
    }
    if (shown == 0 && stack->tid)
        fputs("      (in ftstress itself, between two calls)\n", out);
    print_python(stack, finding, out);
}

/* What explains others is shown in full; its consequences, and threads alike, are in the JSON report. */
static void print_stacks(const struct finding *finding, const struct style *style, FILE *out)
{
    size_t shown = 0, idle = 0, left = 0;
    for (size_t i = 0; i < finding->nstacks && !(finding->cause && i > 0); i++) {
        size_t most = finding->cause || shown >= WHOLE_STACKS ? FRAMES_OF_CONSEQUENCE : FRAMES_SHOWN;
        if (finding_stack_is_idle(&finding->stacks[i]))
            idle++;
        else if (finding->stacks[i].same_as == i && shown++ < STACKS_SHOWN)
            print_stack(finding, i, most, style, out);
        else
            left += finding->stacks[i].same_as == i;
    }
    if (left > 0)
        fprintf(out, "    … %zu more stacks, all in the JSON report\n", left);
    if (idle > 0)
        fprintf(out, "    %zu thread%s waited for the next round\n", idle, idle == 1 ? "" : "s");
}

static void print_blame(const struct finding *finding, FILE *out)
{
    static const char *const sentences[] = {
        [BLAME_TARGET] = "the target's fault",
        [BLAME_INTERPRETER] = "the interpreter's fault",
        [BLAME_USER] =
            "user error: the statements change an array while others use it, which NumPy documents as unsafe",
        [BLAME_UNKNOWN] = "not known from this evidence alone",
    };
    if (finding->block && !finding->trapped && finding->blame == BLAME_TARGET && !finding->cause) {
        fprintf(out, "    blame: most likely the target's: the block is of %s in %s\n",
                finding->function ? finding->function : "a function without a name",
                finding->package ? finding->package : "an unknown package");
        return;
    }
    fprintf(out, "    blame: %s", sentences[finding->blame]);
    if (finding->function && finding->blame != BLAME_USER)
        fprintf(out, ": %s", finding->function);
    if (finding->package && finding->blame != BLAME_USER)
        fprintf(out, " in %s", finding->package);
    if (finding->cause)
        fprintf(out, " (a consequence of %s)", finding->cause);
    fputc('\n', out);
}

static void print_finding(const struct finding *finding, const struct style *style, FILE *out)
{
    fprintf(out, "\n%s%s  %s%s  %s%s%s\n", style->bad, finding->id, finding_kind_names[finding->kind],
            style->off, style->strong, finding->message, style->off);
    print_blame(finding, out);
    if (finding->serial)
        fprintf(out, "    seen %" PRIu64 " time%s, in %u of %u children; one thread is enough to see it\n",
                finding->count, finding->count == 1 ? "" : "s", finding->hit, finding->of);
    else
        fprintf(out, "    seen %" PRIu64 " time%s, in %u of %u children, %u threads, inputs shared: %s\n",
                finding->count, finding->count == 1 ? "" : "s", finding->hit, finding->of, finding->threads,
                rung_names[finding->rung]);
    if (finding->behind)
        fprintf(out, "    seen only when the statement of %s was left out\n", finding->behind);
    if (finding->statement && !finding->cause)
        fprintf(out, "    in: %s\n", finding->statement);
    for (size_t i = 0; i < finding->nlines && !finding->cause; i++)
        fprintf(out, "    %s\n", finding->lines[i]);
    print_stacks(finding, style, out);
}

static const char *environment(const struct run *run, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < run->nenvironment; i++)
        if (strncmp(run->environment[i], key, length) == 0 && run->environment[i][length] == '=')
            return run->environment[i] + length + 1;
    return NULL;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_walks(const struct walks *walks, FILE *out)
{
    if (walks->rounds == 0)
        return;
    fprintf(out,
            "  heap checker: %" PRIu64 " rounds over up to %" PRIu64
            " blocks, %.0f million blocks a second\n",
            walks->rounds, walks->present,
            walks->nanoseconds ? 1e3 * (double)walks->blocks / (double)walks->nanoseconds : 0);
}

static void print_head(const struct run *run, const struct style *style, FILE *out)
{
    const char *python = environment(run, "python");
    static const char *const gil[] = {[GIL_UNKNOWN] = "?", [GIL_OFF] = "off", [GIL_ON] = "on"};
    fprintf(out, "%s%s%s: %u thread%s, inputs shared: %s, seed %" PRIu64 "\n", style->strong, run->name,
            style->off, run->threads, run->threads == 1 ? "" : "s", rung_names[run->share], run->seed);
    if (python)
        fprintf(out, "  CPython %.*s, GIL %s", (int)strcspn(python, " "), python, gil[run->facts.gil]);
    for (size_t i = 0; i < run->nenvironment; i++) {
        const char *entry = run->environment[i];
        if (strncmp(entry, "python=", 7) != 0 && strncmp(entry, "abi=", 4) != 0)
            fprintf(out, ", %.*s %s", (int)strcspn(entry, "="), entry, entry + strcspn(entry, "=") + 1);
    }
    if (python)
        fputc('\n', out);
    if (run->calls + run->serial_calls == 0)
        return;
    fprintf(out, "  %" PRIu64 " calls in %.1f s, %u children, and %" PRIu64 " serial ones", run->calls,
            run->seconds, run->children, run->serial_calls);
    if (run->threads > 1)
        fprintf(out, "; overlap %.0f %%", percent(run->overlapped, run->sampled));
    fputc('\n', out);
    report_print_pairs(run, out);
    print_walks(&run->walks, out);
}

static void print_silence(const struct run *run, FILE *out)
{
    double bound = run_rate_bound(run);
    if (run->status == STATUS_CLEAN && run->findings.n > 0)
        fputs("  nothing but documented user errors: exit status 0 (--strict: 1)\n", out);
    else if (bound > 0 && run->threads > 1)
        fprintf(out,
                "  nothing found: 0 in %" PRIu64
                " calls, overlap %.0f %%, the rate is below %.2g %% at 95 %% "
                "confidence\n",
                run->calls + run->serial_calls, percent(run->overlapped, run->sampled), 100 * bound);
    else if (bound > 0)
        fprintf(out,
                "  nothing found: 0 in %" PRIu64 " calls, the rate is below %.2g %% at 95 %% confidence\n",
                run->calls + run->serial_calls, 100 * bound);
    if (run->reason)
        fprintf(out, "  could not test: %s\n", run->reason);
}

static void print_notes(const struct note_list *notes, FILE *out)
{
    for (size_t i = 0; i < notes->n && i < NOTES_SHOWN; i++)
        fprintf(out, "%s  note: %s\n", i ? "" : "\n", notes->items[i]);
    if (notes->n > NOTES_SHOWN)
        fprintf(out, "  … and %zu more notes, all in the JSON report\n", notes->n - NOTES_SHOWN);
}

void report_text(const struct run *run, FILE *out, bool colour, bool quiet)
{
    const struct style *style = colour ? &coloured : &plain;
    if (!quiet || run->findings.n > 0)
        print_head(run, style, out);
    for (size_t i = 0; i < run->findings.n; i++)
        print_finding(run->findings.items[i], style, out);
    report_print_verification(run, out);
    report_print_memcheck(&run->memcheck, out);
    if (!quiet) {
        print_notes(&run->notes, out);
        print_silence(run, out);
    }
    fflush(out);
}
