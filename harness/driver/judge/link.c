#include "driver/judge/link.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "driver/finding/verification.h"
#include "driver/judge/judge_inside.h"

/* Findings that are no bugs of their own */

/* A function that changes inputs for good is an in-place API; that one of its writes left no trace is chance. */
static bool is_in_place(const struct run *run, const struct finding *finding)
{
    if (finding->detector != DETECTOR_TRIPWIRE || !finding->evidence.function)
        return false;
    for (size_t i = 0; i < run->in_place.n; i++)
        if (strcmp(run->in_place.items[i], finding->evidence.function) == 0)
            return true;
    return false;
}

static void drop_in_place(struct run *run)
{
    for (size_t i = run->findings.n; i-- > 0;)
        if (is_in_place(run, run->findings.items[i]))
            finding_list_remove(&run->findings, i);
}

static bool is_guards(const struct finding *finding)
{
    return finding->block && !finding->evidence.follows;
}

/* Returns the only write that was caught at its instruction, or NULL. */
static const struct finding *only_caught(const struct run *run)
{
    const struct finding *caught = NULL;
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        if (!is_guards(finding) || !finding->trapped || finding->block->kind > VIOLATION_STRAY)
            continue;
        if (caught)
            return NULL;
        caught = finding;
    }
    return caught;
}

static bool is_guess(const struct finding *finding)
{
    return finding->block && !finding->trapped && finding->block->kind <= VIOLATION_STRAY &&
           !finding_is_users(finding);
}

/* Returns true when a block of the caught function holds the bytes that this function was caught writing. */
static bool holds_the_same(const struct finding *finding, const struct finding *cause)
{
    const struct violation *block = finding->block, *caught = cause->block;
    const struct suspect one = finding_suspect(finding), other = finding_suspect(cause);
    return caught && cause->trapped && block->nbytes >= sizeof(uint64_t) &&
           caught->nbytes >= sizeof(uint64_t) && memcmp(block->bytes, caught->bytes, sizeof(uint64_t)) == 0 &&
           one.function && text_equal(one.function, other.function);
}

/* Returns true when the cause explains what the canaries show, for certain or most likely. */
static bool is_explained(const struct finding *finding, const struct finding *cause, bool far)
{
    return is_guess(finding) && (far || judge_heap_is_doubtful(finding) || finding->evidence.follows ||
                                 holds_the_same(finding, cause));
}

/* A function that was caught with a stale pointer, or with damage that touches no edge of its block, writes far from
 * its blocks: canaries elsewhere most likely show its damage, too. A function that was only seen to change its input
 * (caught: false) explains the guesses alone, and one of them stays where there is nothing better. */
static void drop_guesses(struct run *run, const struct finding *cause, bool caught)
{
    bool far = caught && cause->block->kind == VIOLATION_FREED_WRITE, kept = caught;
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        far |= caught && is_guess(finding) && judge_heap_is_doubtful(finding);
        kept |= finding->block && !is_explained(finding, cause, far);
    }
    for (size_t i = 0; i < run->findings.n;) {
        const struct finding *finding = run->findings.items[i];
        if (!is_explained(finding, cause, far) || !kept) {
            kept |= is_guess(finding);
            i++;
            continue;
        }
        note_add(&run->notes, "most likely the doing of %s, too: %s", cause->id, finding->message);
        finding_list_remove(&run->findings, i);
    }
}

/* Returns the first finding that was caught, at an instruction or in a release that must not be, and has a suspect. */
static const struct finding *first_caught(const struct run *run)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        bool met = finding->block && (finding->trapped || finding->block->kind >= VIOLATION_DOUBLE_FREE);
        struct suspect suspect = finding_suspect(finding);
        if (met && suspect.function && suspect.blame != BLAME_UNKNOWN)
            return finding;
    }
    return NULL;
}

/* Does a statement call the package, or use a module with its name? */
static bool is_called(const struct run *run, const char *package)
{
    size_t length = strcspn(package, " ");
    for (size_t i = 0; i < run->statements.n; i++) {
        const struct statement *statement = &run->statements.items[i];
        if (text_equal(statement->package, package))
            return true;
        for (const char *at = statement->modules; at && *at; at += strcspn(at, ","), at += *at == ',')
            if (strcspn(at, ",") == length && strncmp(at, package, length) == 0)
                return true;
    }
    return false;
}

static bool is_own(const struct run *run, const struct finding *finding)
{
    const struct evidence *evidence = &finding->evidence;
    return is_guess(finding) && evidence->by == EVIDENCE_BLOCK && evidence->package &&
           is_called(run, evidence->package);
}

/* Damage of a block that no package has made, or a package that no statement calls. */
static bool is_strangers(const struct run *run, const struct finding *finding)
{
    bool is_named = finding_suspect(finding).blame != BLAME_UNKNOWN;
    return is_guess(finding) && (!is_named || (finding->evidence.by == EVIDENCE_BLOCK &&
                                               run->statements.n > 0 && !is_own(run, finding)));
}

static const struct finding *first_own(const struct run *run)
{
    for (size_t i = 0; i < run->findings.n; i++)
        if (is_own(run, run->findings.items[i]))
            return run->findings.items[i];
    return NULL;
}

/* One stray pointer can damage any number of blocks of the interpreter and of libraries: where a function was caught,
 * or a block of a package that the statements call is damaged, they are one note. */
static void drop_strangers(struct run *run)
{
    const struct finding *caught = first_caught(run);
    unsigned n = 0;
    if (!caught)
        caught = first_own(run);
    for (size_t i = caught ? run->findings.n : 0; i-- > 0;) {
        const struct finding *finding = run->findings.items[i];
        if (is_strangers(run, finding)) {
            finding_list_remove(&run->findings, i);
            n++;
        }
    }
    if (n > 0)
        note_add(
            &run->notes,
            "%u more places were damaged, in blocks of the interpreter or of libraries: most likely the doing of "
            "%s, too",
            n, caught->id);
}

static bool same_root(const char *one, const char *other)
{
    size_t length = one ? strcspn(one, ".[") : 0;
    return one && other && strcspn(other, ".[") == length && memcmp(one, other, length) == 0;
}

/* Returns true if the detector refcount counted what this child only noticed, at the same object or a part of it. */
static bool is_counted(const struct run *run, const struct finding *finding)
{
    if (finding->kind != FINDING_REFCOUNT_UNDERFLOW || finding->detector != DETECTOR_CRASH)
        return false;
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *other = run->findings.items[i];
        if (other->kind == FINDING_REFCOUNT_UNDERFLOW && other->detector == DETECTOR_REFCOUNT &&
            same_root(finding->input, other->input))
            return true;
    }
    return false;
}

static void drop_counted(struct run *run)
{
    for (size_t i = run->findings.n; i-- > 0;)
        if (is_counted(run, run->findings.items[i]))
            finding_list_remove(&run->findings, i);
}

void link_prune(struct run *run)
{
    size_t n;
    drop_in_place(run);
    drop_counted(run);
    const struct finding *caught = only_caught(run),
                         *mutation = finding_list_only(&run->findings, SEVERITY_HIDDEN_MUTATION, &n);
    if (caught || mutation)
        drop_guesses(run, caught ? caught : mutation, caught != NULL);
    drop_strangers(run);
    finding_list_sort(&run->findings);
}

/* Causes */

/* Returns the race of the only function that has one, or NULL. */
static struct finding *only_race(const struct run *run)
{
    struct finding *cause = NULL;
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        if (finding->detector != DETECTOR_TSAN || finding_suspect(finding).blame != BLAME_TARGET)
            continue;
        if (cause &&
            (!cause->evidence.function || !text_equal(cause->evidence.function, finding->evidence.function)))
            return NULL;
        cause = cause ? cause : finding;
    }
    return cause;
}

/* A function that writes to a shared input explains a corrupt heap, a crash, a changed input and a late exception of
 * the same run; so does the only one with a data race. With two such functions the cause is unknown. */
static struct finding *find_writer(const struct run *run, const struct finding *finding)
{
    size_t mutations;
    struct finding *cause = finding_list_only(&run->findings, SEVERITY_HIDDEN_MUTATION, &mutations);
    if (mutations == 0)
        cause = only_race(run);
    bool counted = finding->kind >= FINDING_REFCOUNT_UNDERFLOW && finding->kind <= FINDING_SHUTDOWN_LEAK;
    bool foreign = !cause || finding == cause || counted || finding->kind == FINDING_HANG ||
                   finding_is_users(finding) || finding->detector == cause->detector;
    return foreign ? NULL : cause;
}

/* What each call loses is also left at the end. */
static struct finding *find_loss(const struct run *run, const struct finding *left)
{
    for (size_t i = 0; left->kind == FINDING_SHUTDOWN_LEAK && i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        if (finding->detector == DETECTOR_GROWTH && left->evidence.function &&
            text_equal(finding->evidence.function, left->evidence.function))
            return finding;
    }
    return NULL;
}

/* Returns true for a hang that neither locks nor Python code explain: broken memory makes compiled code loop. */
static bool is_lost(const struct finding *finding)
{
    return finding->kind == FINDING_HANG && finding->is_endless && finding->evidence.by != EVIDENCE_STAY;
}

/* Corrupt memory explains a crash, and such a hang even where only the allocator reported it. */
static struct finding *find_damage(const struct run *run, const struct finding *finding)
{
    const struct finding *caught = only_caught(run);
    if (finding->block || (finding->kind > FINDING_CRASH && !is_lost(finding)) || finding_is_users(finding) ||
        finding->detector == DETECTOR_PYHEAP)
        return NULL;
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *other = run->findings.items[i];
        bool is_broken = is_guards(other) || (is_lost(finding) && other->kind <= FINDING_DOUBLE_FREE);
        if (caught ? other == caught : is_broken)
            return other;
    }
    return NULL;
}

/* References that are released too often explain what breaks memory. */
static struct finding *find_underflow(const struct run *run, const struct finding *finding)
{
    bool breaks = finding->kind == FINDING_CRASH || finding->kind == FINDING_HEAP_CORRUPTION ||
                  finding->kind == FINDING_USE_AFTER_FREE || finding->kind == FINDING_DOUBLE_FREE ||
                  finding->kind == FINDING_INTERPRETER_FAULT || is_lost(finding);
    for (size_t i = 0; breaks && !finding_is_users(finding) && i < run->findings.n; i++)
        if (run->findings.items[i]->kind == FINDING_REFCOUNT_UNDERFLOW &&
            run->findings.items[i]->detector != DETECTOR_LOG)
            return run->findings.items[i];
    return NULL;
}

/* A finding that was seen often, but in no trial without the statement of another finding, is that one's
 * consequence. */
static struct finding *find_root(const struct run *run, const struct finding *finding)
{
    const struct verification *found = finding->verification, *first = run->verification;
    const struct verification seen = {.again = {finding->hit, finding->of}};
    if (found && found->apart && found != first)
        found = found->apart;
    if (!found || finding->serial || !found->without || found->again.hit > 0 || finding->of == 0 ||
        !verification_is_telling(&seen, &found->again) || first->again.hit == 0)
        return NULL;
    struct finding *root = finding_list_find(&run->findings, first->root);
    return root == finding ? NULL : root;
}

/* The interpreter is where broken memory shows: its frames are no evidence against it then. */
static bool is_met(const struct finding *finding)
{
    return is_lost(finding) || finding_suspect(finding).blame == BLAME_INTERPRETER;
}

struct finding *link_cause(const struct run *run, const struct finding *finding, bool *ret_inherits)
{
    struct finding *cause = find_writer(run, finding);
    *ret_inherits = true;
    if (!cause)
        cause = find_loss(run, finding);
    if (cause)
        return cause;
    cause = finding_list_find(&run->findings, finding->evidence.follows);
    if (!cause)
        cause = find_damage(run, finding);
    *ret_inherits = !cause || is_met(finding);
    if (!cause)
        cause = find_underflow(run, finding);
    return cause ? cause : find_root(run, finding);
}

void link_findings(struct run *run)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        const struct finding *cause = link_cause(run, finding, &finding->inherits);
        free(finding->cause);
        finding->cause = cause ? strdup(cause->id) : NULL;
    }
}
