#include "driver/judge/blame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "driver/finding/verification.h"

/* The reason */

#define SAY(verdict, ...) text_add((verdict)->reason, sizeof(verdict)->reason, "; ", __VA_ARGS__)

/* "numpy" of "numpy 2.2.2". */
static void name_suspect(const struct suspect *suspect, char *text, size_t size)
{
    if (suspect->blame == BLAME_INTERPRETER)
        snprintf(text, size, "the interpreter");
    else if (suspect->package)
        snprintf(text, size, "%.*s", (int)strcspn(suspect->package, " "), suspect->package);
    else
        snprintf(text, size, "the target");
}

/* What each kind of evidence shows: the suspect, stacks with it, and stacks; or why there is none. */
static const struct {
    const char *suspect, *unknown;
} ways[EVIDENCE_WAYS] = {
    [EVIDENCE_STACK] = {.suspect = "innermost frame of %s in %u of %u stacks"},
    [EVIDENCE_CAUGHT] = {.suspect = "caught in the act: innermost frame of %s in %u of %u stacks"},
    [EVIDENCE_BLOCK] = {.suspect =
                            "%s allocated or freed the block; no stack shows the code that damaged it"},
    [EVIDENCE_ALLOCATOR] =
        {.unknown =
             "the C library's allocator met memory that was damaged before: the call that it broke in is "
             "not the cause"},
    [EVIDENCE_LOSS] = {"%s allocated what is not freed",
                       "no package allocated it: Python code or the interpreter did"},
    [EVIDENCE_ACCESS] = {"innermost frame of %s in a racing access",
                         "both accesses are in the interpreter, which a package may have called wrongly"},
    [EVIDENCE_PYTHON] = {.suspect = "Python code of %s waits for a lock of Python code"},
    [EVIDENCE_STAY] = {.suspect = "Python code of %s blocks or loops, and waits for no lock"},
    [EVIDENCE_RAISED] = {"raised in Python code of %s, and never on one thread",
                         "raised in Python code of CPython's library, which its caller may have misused"},
    [EVIDENCE_ASSERTED] = {.unknown = "an assertion fails: the code that checks is not the cause"},
    [EVIDENCE_ABORT] = {.suspect = "Python code of %s aborts: the interpreter printed no reason"},
    [EVIDENCE_FOREIGN] =
        {.suspect = "Python code of %s called what broke through ctypes or cffi, which check no argument"},
    [EVIDENCE_LIMIT] = {.suspect = "%s lowered its own limit on memory"},
    [EVIDENCE_EXIT] = {"Python code of %s made the process exit: no package's code is loaded",
                       "Python code or a package made the process exit"},
    [EVIDENCE_SENT] = {.unknown = "a process sent the signal: this one, or another"},
    [EVIDENCE_STATEMENT] = {"the only statement calls %s",
                            "the statement calls no package with an extension module"},
    [EVIDENCE_NAME] = {.suspect = "a type or module of %s is named"},
    [EVIDENCE_ORDER] =
        {"each statement is one operation on what the roles share, and no order of them gives this",
         "a statement does more than one operation on what the roles share, or runs Python code of the setup or of "
         "CPython's library"},
    [EVIDENCE_SHARING] = {"the threads only read what they share, and one thread does not fail",
                          "at this sharing level a thread may change what the others read"},
};

static void say_evidence(struct blame_verdict *verdict, const struct evidence *evidence)
{
    char name[128];
    const char *suspect = ways[evidence->by].suspect, *unknown = ways[evidence->by].unknown;
    name_suspect(&verdict->suspect, name, sizeof name);
    if (verdict->suspect.blame == BLAME_UNKNOWN)
        SAY(verdict, "%s", unknown ? unknown : "no stack and no allocation site points to a package");
    else if (suspect)
        SAY(verdict, suspect, name, evidence->agree, evidence->stacks);
}

/* Before trials: the evidence, with what speaks against it. */
static void decide_by_evidence(const struct finding *finding, struct blame_verdict *verdict)
{
    const struct evidence *evidence = &finding->evidence;
    verdict->suspect = finding_suspect(finding);
    bool inside = evidence->blame == BLAME_INTERPRETER && evidence->call_package && !evidence->library;
    if (verdict->suspect.blame == BLAME_USER && evidence->by == EVIDENCE_ORDER)
        SAY(verdict,
            "a statement is several operations on what the roles share, and no lock holds them together");
    else if (verdict->suspect.blame == BLAME_USER)
        SAY(verdict, "the statements change arrays while other threads use them");
    else if (inside)
        SAY(verdict, "innermost frame of the interpreter, in a statement that calls %s%s",
            evidence->call_package,
            finding->serial ? "; calls from one thread are enough"
                            : ", which may have damaged what it meets");
    else if (evidence->alone && evidence->blame == BLAME_UNKNOWN)
        SAY(verdict, "no package's code is loaded, and the statements cannot damage memory");
    else
        say_evidence(verdict, evidence);
    if (evidence->library && evidence->by == EVIDENCE_STACK)
        SAY(verdict, "Python code of CPython's library called it");
    if (evidence->users && verdict->suspect.blame != BLAME_USER)
        SAY(verdict, "fails where no thread writes shared arrays, too");
}

/* Trials */

static bool is_verified(const struct finding *finding)
{
    return finding->verification && finding->verification->again.hit > 0 && !finding->serial;
}

/* Returns a variant without the call that it broke in, or without the package of its frames, that still failed: then
 * these are only where it broke. */
static const struct knock_out *find_innocent(const struct run *run, const struct finding *finding,
                                             const struct suspect *suspect, const struct knock_out *guilty)
{
    const struct verification *found = finding->verification;
    const struct statement *statement = statement_find(&run->statements, finding->statement);
    bool elsewhere = suspect->package && strcmp(suspect->package, guilty->package) != 0;
    for (unsigned i = 0; i < found->nknock_outs; i++) {
        const struct knock_out *out = &found->knock_outs[i];
        bool in_call = statement && out->sources && strstr(out->sources, statement->source);
        bool in_package = elsewhere && out->package && strcmp(out->package, suspect->package) == 0;
        if (out->trials.hit > 0 && (in_call || in_package))
            return out;
    }
    return NULL;
}

static void suspect_interpreter(const struct run *run, struct blame_verdict *verdict)
{
    const char *version = text_value(run->environment, run->nenvironment, "python");
    size_t length = version ? strcspn(version, " ") : 0;
    snprintf(verdict->interpreter, sizeof verdict->interpreter, "CPython%s%.*s", length ? " " : "",
             (int)length, length ? version : "");
    if (verdict->suspect.blame != BLAME_INTERPRETER)
        verdict->suspect.function = NULL;
    verdict->suspect.blame = BLAME_INTERPRETER;
    verdict->suspect.package = verdict->interpreter;
}

static void say_knock_out(struct blame_verdict *verdict, const struct knock_out *guilty)
{
    SAY(verdict, "fails in 0 of %u trials without %s", guilty->trials.of, guilty->call);
}

/* Python code can raise, and stop or end a process, without a bug of the interpreter: only its own frames show one. */
static bool may_be_the_interpreters(const struct finding *finding)
{
    const struct evidence *evidence = &finding->evidence;
    bool by_code = (evidence->by >= EVIDENCE_PYTHON && evidence->by <= EVIDENCE_LIMIT) ||
                   finding->kind == FINDING_HANG || finding->kind == FINDING_EXCEPTION;
    return evidence->blame == BLAME_INTERPRETER || !by_code;
}

/* The innermost frame of a package decides, unless the knock-outs show that this package is not needed. */
static void decide_by_trials(const struct run *run, const struct finding *finding,
                             struct blame_verdict *verdict)
{
    const struct verification *found = finding->verification;
    const struct knock_out *guilty = verification_guilty(found), *innocent = NULL;
    struct suspect *suspect = &verdict->suspect;
    bool is_open = !finding->evidence.function || suspect->blame != BLAME_TARGET;
    /* Who called the library is no matter. */
    if (finding->evidence.library && suspect->blame == BLAME_INTERPRETER)
        return;
    if (guilty && guilty->package && !is_open)
        innocent = find_innocent(run, finding, suspect, guilty);
    if (innocent)
        SAY(verdict, "still fails without %s", innocent->call);
    if (guilty && guilty->package && (is_open || innocent)) {
        *suspect = (struct suspect){BLAME_TARGET, guilty->call, guilty->package};
        say_knock_out(verdict, guilty);
    } else if (!may_be_the_interpreters(finding)) {
        return;
    } else if (found->plain.hit > 0) {
        suspect_interpreter(run, verdict);
        SAY(verdict, "fails with the interpreter's own statements alone");
    } else if (is_open && found->all_plain) {
        suspect_interpreter(run, verdict);
        SAY(verdict, "all statements are the interpreter's own");
    } else if (is_open && guilty && guilty->plain) {
        suspect_interpreter(run, verdict);
        say_knock_out(verdict, guilty);
    }
}

static void say_controls(struct blame_verdict *verdict, const struct verification *found)
{
    const char *other = found->without ? found->without : "", *without = *other ? " without " : "";
    if (found->again.hit == 0) {
        SAY(verdict, "seen in 0 of %u trials%s%s", found->again.of, without, other);
        return;
    }
    if (found->gil.of > 0)
        SAY(verdict, "control run with the GIL on%s%s %u of %u", without, other, found->gil.hit,
            found->gil.of);
    if (found->alone.of > 0)
        SAY(verdict, "with one thread%s%s %u of %u", without, other, found->alone.hit, found->alone.of);
}

/* Decisions */

void blame_decide(const struct run *run, const struct finding *finding, struct blame_verdict *verdict)
{
    const struct finding *cause =
        finding->inherits ? finding_list_find(&run->findings, finding->cause) : NULL;
    const struct finding *by = cause ? cause : finding;
    *verdict = (struct blame_verdict){0};
    if (finding->cause)
        SAY(verdict, "a consequence of %s", finding->cause);
    decide_by_evidence(by, verdict);
    if (is_verified(by) && verdict->suspect.blame != BLAME_USER && !by->cause)
        decide_by_trials(run, by, verdict);
    if (verdict->suspect.blame == BLAME_INTERPRETER && !verdict->suspect.package)
        suspect_interpreter(run, verdict);
    if (finding->verification && finding->verification->again.of > 0 && !finding->serial)
        say_controls(verdict, finding->verification);
}

static void set_text(char **text, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    free(*text);
    *text = copy;
}

void blame_findings(struct run *run)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        struct blame_verdict verdict;
        blame_decide(run, finding, &verdict);
        finding->blame = verdict.suspect.blame;
        set_text(&finding->function, verdict.suspect.function);
        set_text(&finding->package, verdict.suspect.package);
        set_text(&finding->reason, verdict.reason);
        if (finding->blame == BLAME_USER)
            finding->severity = SEVERITY_USER_ERROR;
        if (is_verified(finding) && verification_rung(finding->verification) < finding->verification->share)
            finding->rung = verification_rung(finding->verification);
    }
    finding_list_sort(&run->findings);
}
