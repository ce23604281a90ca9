/* What follows from what was run again. */
#include "driver/session/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_text(char **text, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    free(*text);
    *text = copy;
}

static void blame_interpreter(const struct run *run, struct finding *finding)
{
    char package[64] = "CPython";
    for (size_t i = 0; i < run->nenvironment; i++)
        if (strncmp(run->environment[i], "python=", 7) == 0)
            snprintf(package, sizeof package, "CPython %.*s", (int)strcspn(run->environment[i] + 7, " "),
                     run->environment[i] + 7);
    if (finding->blame != BLAME_INTERPRETER)
        set_text(&finding->function, NULL);
    finding->blame = BLAME_INTERPRETER;
    set_text(&finding->package, package);
}

/* Does it still fail without the call that it broke in, or without all calls into the package whose frames were there?
 * Then these are only where it broke. */
static bool is_innocent(const struct run *run, const struct verification *found,
                        const struct knock_out *guilty, const struct finding *finding)
{
    const struct statement *statement = statement_find(&run->statements, finding->statement);
    bool elsewhere = finding->package && strcmp(finding->package, guilty->package) != 0;
    for (unsigned i = 0; i < found->nknock_outs; i++) {
        const struct knock_out *out = &found->knock_outs[i];
        bool in_call = statement && out->sources && strstr(out->sources, statement->source);
        bool in_package = elsewhere && out->package && strcmp(out->package, finding->package) == 0;
        if (out->trials.hit > 0 && (in_call || in_package))
            return true;
    }
    return false;
}

/* The innermost frame of a package says who, unless the knock-out says that this package is not needed. */
static void blame_by_knock_out(const struct run *run, const struct verification *found,
                               struct finding *finding)
{
    const struct knock_out *guilty = verification_guilty(found);
    bool is_open = !finding->function || finding->blame != BLAME_TARGET;
    if (guilty && guilty->package && (is_open || is_innocent(run, found, guilty, finding))) {
        finding->blame = BLAME_TARGET;
        set_text(&finding->function, guilty->call);
        set_text(&finding->package, guilty->package);
    } else if (found->plain.hit > 0 || (is_open && (found->all_plain || (guilty && guilty->plain)))) {
        blame_interpreter(run, finding);
    }
}

/* What was seen often, and never without the statement of another finding, is that one's doing. */
static bool is_explained(const struct finding *finding)
{
    const struct verification *found = finding->verification;
    const struct verification run = {.again = {finding->hit, finding->of}};
    return found->without && found->again.hit == 0 && finding->of > 0 &&
           verification_is_telling(&run, &found->again);
}

static const struct finding *first_root(const struct run *run)
{
    return finding_list_find(&run->findings, run->verification->root);
}

static void explain(const struct run *run, struct finding *finding)
{
    const struct finding *cause = first_root(run);
    if (!cause || cause == finding || finding->cause || run->verification->again.hit == 0)
        return;
    set_text(&finding->cause, cause->id);
    finding->blame = cause->blame;
    set_text(&finding->function, cause->function);
    set_text(&finding->package, cause->package);
}

/* The user's label holds only where the rung that it is for is needed. */
static void take_label_back(struct finding *finding)
{
    finding->severity = finding->kind == FINDING_HANG        ? SEVERITY_HANG
                        : finding->kind == FINDING_EXCEPTION ? SEVERITY_EXCEPTION
                        : finding->kind == FINDING_WRONG_RESULT || finding->kind == FINDING_INPUT_MUTATED
                            ? SEVERITY_WRONG_RESULT
                            : SEVERITY_CRASH;
    finding->blame = finding->package && strncmp(finding->package, "CPython ", 8) == 0 ? BLAME_INTERPRETER
                     : finding->package                                                ? BLAME_TARGET
                                                                                       : BLAME_UNKNOWN;
}

bool verify_apply(struct run *run)
{
    bool taken_back = false;
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        const struct verification *found = finding->verification;
        if (found && !finding->serial && is_explained(finding))
            explain(run, finding);
        if (!found || found->again.hit == 0 || finding->serial)
            continue;
        enum rung rung = verification_rung(found);
        if (rung < found->share)
            finding->rung = rung;
        if (finding->blame == BLAME_USER && rung <= RUNG_READONLY) {
            take_label_back(finding);
            taken_back = true;
        }
        if (finding->blame != BLAME_USER && !finding->cause)
            blame_by_knock_out(run, found, finding);
    }
    return taken_back;
}
