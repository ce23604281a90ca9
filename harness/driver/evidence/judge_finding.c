#include "driver/evidence/judge_base.h"

#include <stdlib.h>
#include <string.h>

#include "core/plan/perturb.h"

void judge_suspect_stack(const struct judge *judge, struct finding *finding, enum evidence_by by,
                         const struct symbol_stack *stack)
{
    struct evidence *evidence = &finding->evidence;
    char name[128];
    const struct symbol_frame *frame = package_frame(judge->outcome, stack, name, sizeof name);
    const struct symbol_frame *inner = package_interpreter_frame(judge->outcome, stack);
    if (frame)
        evidence_set(evidence, by, BLAME_TARGET, frame->function ? strdup(frame->function) : strdup(name),
                     judge_name_package(judge, frame->module, name));
    else if (inner)
        evidence_set(evidence, by, BLAME_INTERPRETER, strdup(inner->function), judge_name_interpreter(judge));
    evidence->stacks = stack->nframes > 0;
    evidence->agree = frame || inner;
}

void judge_suspect_crash(const struct judge *judge, struct finding *finding, const struct scene_page *page,
                         const struct symbol_stack *stack)
{
    const struct symbol_frame *inner = package_interpreter_frame(judge->outcome, stack);
    bool is_library =
        page && page->npython > 0 &&
        package_python_owner(judge->outcome, page->python[0].file, NULL, 0) == OWNER_INTERPRETER;
    judge_suspect_stack(judge, finding, EVIDENCE_STACK, stack);
    if (!inner || !is_library || judge_direct_frame(judge, stack, NULL, 0))
        return;
    evidence_set(&finding->evidence, EVIDENCE_STACK, BLAME_INTERPRETER, strdup(inner->function),
                 judge_name_interpreter(judge));
    finding->evidence.library = true;
}

void judge_suspect_maker(const struct judge *judge, struct finding *finding, enum evidence_by by,
                         const struct symbol_stack *stack)
{
    char *function, *package;
    judge_maker(judge, stack, &function, &package);
    evidence_set(&finding->evidence, by, function ? BLAME_TARGET : BLAME_UNKNOWN, function, package);
    finding->evidence.stacks = stack->nframes > 0;
    finding->evidence.agree = function != NULL;
}

bool judge_suspect_only(const struct judge *judge, struct finding *finding)
{
    const struct plan *plan = judge->plan;
    bool is_only = judge->run->threads == 1 && plan->nsteps == 1 && plan->nroles == 0 && !plan->native;
    const struct statement *statement =
        is_only ? statement_find(&judge->run->statements, plan->steps[0]) : NULL;
    if (!statement || statement->plain || !statement->package)
        return false;
    evidence_set(&finding->evidence, EVIDENCE_STATEMENT, BLAME_TARGET,
                 statement_callable(&judge->run->statements, statement->source, plan->setup),
                 strdup(statement->package));
    return true;
}

struct finding *judge_new_finding(const struct judge *judge, enum finding_kind kind, enum severity severity,
                                  enum detector_id detector)
{
    struct finding *finding = calloc(1, sizeof *finding);
    if (!finding)
        return NULL;
    finding->kind = kind;
    finding->severity = severity;
    finding->detector = detector;
    finding->evidence.blame = BLAME_UNKNOWN;
    finding->rung = judge->plan->share;
    if (judge->outcome->facts.changes && finding->rung > RUNG_PRIVATE)
        finding->rung = RUNG_ALL;
    finding->threads = judge->plan->threads;
    finding->perturb = judge->plan->perturb & ~PERTURB_OFF;
    finding->serial = judge->plan->threads == 1;
    finding->count = 1;
    if (plan_print(judge->plan, &finding->plan) < 0)
        finding->plan = NULL;
    return finding;
}

void judge_mark_users(const struct judge *judge, struct finding *finding)
{
    finding->evidence.users = true;
    if (!judge->writes_arrays)
        finding->rung = RUNG_ALL;
}

void judge_note_changes(const struct judge *judge, struct finding *finding)
{
    if (judge->plan->share == RUNG_PRIVATE || finding->serial)
        return;
    finding->evidence.shares = true;
    if (judge->mutates_arrays)
        judge_mark_users(judge, finding);
}

/* Signs a finding that nothing else identifies by the statements of its plan. */
static void sign_by_plan(const struct plan *plan, struct finding *finding)
{
    for (unsigned i = 0; i < plan->nsteps; i++)
        finding_sign_by(finding, plan->steps[i], strlen(plan->steps[i]));
    for (unsigned i = 0; i < plan->nroles; i++)
        finding_sign_by(finding, plan->roles[i], strlen(plan->roles[i]));
    if (plan->native)
        finding_sign_by(finding, plan->native, strlen(plan->native));
}

/* A process that lowers its own limit on memory fails where memory ends, whatever code is there. */
static void suspect_limit(const struct judge *judge, struct finding *finding)
{
    const struct evidence *evidence = &finding->evidence;
    bool ends = finding->kind == FINDING_CRASH || finding->kind == FINDING_INTERPRETER_FAULT ||
                (finding->signature && strncmp(finding->signature, "exception|MemoryError|", 22) == 0);
    if (judge->outcome->limited && ends && !(evidence->blame == BLAME_TARGET && evidence->package))
        evidence_set(&finding->evidence, EVIDENCE_LIMIT, BLAME_TARGET, NULL, NULL);
}

struct finding *judge_add(struct judge *judge, struct finding *finding)
{
    const struct statement *statement = statement_find(&judge->run->statements, finding->statement);
    suspect_limit(judge, finding);
    /* Wrong values and exceptions damage no memory; Python code can hang or end the process by itself. */
    bool breakage = finding->kind != FINDING_EXCEPTION && finding->kind != FINDING_WRONG_RESULT &&
                    finding->kind != FINDING_INPUT_MUTATED && finding->kind != FINDING_HANG &&
                    (finding->evidence.by < EVIDENCE_ABORT || finding->evidence.by > EVIDENCE_LIMIT);
    bool is_unnamed = finding->evidence.by <= EVIDENCE_STACK || finding->evidence.by == EVIDENCE_ALLOCATOR;
    if (breakage && is_unnamed && finding->evidence.blame == BLAME_UNKNOWN)
        judge_suspect_only(judge, finding);
    if (statement && !statement->plain && statement->package) {
        finding->evidence.call =
            statement_callable(&judge->run->statements, statement->source, judge->plan->setup);
        finding->evidence.call_package = strdup(statement->package);
    }
    finding->evidence.alone = breakage && !judge->plan->native && !package_any_loaded(judge->outcome);
    if (finding->signature && !finding->is_signed && !finding_sign(finding))
        sign_by_plan(judge->plan, finding);
    return finding_list_add(&judge->run->findings, finding, judge->child);
}

double judge_per_iteration(const struct judge *judge)
{
    size_t bodies = judge->plan->nroles ? judge->plan->nroles : 1,
           told = judge->outcome->statements.n / bodies;
    size_t n = told ? told : judge->plan->nsteps;
    return n > 1 ? (double)n : 1;
}
