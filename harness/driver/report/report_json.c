/* The report for programs: ftstress-report/1. */
#include "driver/report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "driver/report/report_memcheck.h"
#include "driver/report/report_verified.h"

/* Text of a child may be anything; JSON wants UTF-8. */
static json_t *text_of(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    size_t n = strlen(text);
    char *clean = malloc(n + 1);
    for (size_t i = 0; clean && i <= n; i++)
        clean[i] = (char)((unsigned char)text[i] < 0x80 ? text[i] : '?');
    value = clean ? json_string(clean) : json_null();
    free(clean);
    return value;
}

static json_t *frame_of(const struct symbol_frame *frame)
{
    char address[24], offset[24];
    snprintf(address, sizeof address, "%#" PRIx64, frame->address);
    snprintf(offset, sizeof offset, "%#" PRIx64, frame->offset);
    json_t *json =
        json_pack("{s:o, s:o, s:s, s:s, s:b}", "function", text_of(frame->function), "module",
                  text_of(frame->module), "offset", offset, "address", address, "inline", frame->is_inline);
    if (json && frame->file) {
        json_object_set_new(json, "file", text_of(frame->file));
        json_object_set_new(json, "line", json_integer(frame->line));
    }
    return json;
}

static json_t *python_of(const struct finding_stack *stack)
{
    json_t *list = json_array();
    for (size_t i = 0; i < stack->npython; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:i}", "function",
                                              text_of(stack->python[i].function), "file",
                                              text_of(stack->python[i].file), "line", stack->python[i].line));
    return list;
}

/* What there is only for a thread at a crash or a hang. */
static void add_thread(json_t *json, const struct finding_stack *stack)
{
    if (stack->tid == 0)
        return;
    json_object_set_new(json, "thread", stack->worker < 0 ? json_null() : json_integer(stack->worker));
    json_object_set_new(json, "tid", json_integer(stack->tid));
    json_object_set_new(json, "python", python_of(stack));
    json_object_set_new(json, "cut", json_boolean(stack->more_native || stack->more_python));
    json_object_set_new(json, "same_as", json_integer((json_int_t)stack->same_as));
}

static json_t *lines_of(const struct finding *finding)
{
    json_t *list = json_array();
    for (size_t i = 0; i < finding->nlines; i++)
        json_array_append_new(list, text_of(finding->lines[i]));
    return list;
}

static json_t *registers_of(const struct finding *finding)
{
    char value[24];
    if (!finding->registers)
        return json_null();
    json_t *json = json_object();
    for (unsigned i = 0; i < SCENE_REGISTERS; i++) {
        snprintf(value, sizeof value, "%#" PRIx64, finding->registers[i]);
        json_object_set_new(json, scene_register_names[i], json_string(value));
    }
    return json;
}

/* The number of the worker whose stack has this id. */
static json_t *worker_with(const struct finding *finding, pid_t tid)
{
    for (size_t i = 0; tid && i < finding->nstacks; i++)
        if (finding->stacks[i].tid == tid && finding->stacks[i].worker >= 0)
            return json_integer(finding->stacks[i].worker);
    return json_null();
}

static json_t *waits_of(const struct finding *finding)
{
    json_t *list = json_array();
    for (size_t i = 0; i < finding->nwaits; i++) {
        const struct deadlock_wait *wait = &finding->waits[i];
        char lock[24];
        snprintf(lock, sizeof lock, "%#" PRIx64, wait->lock);
        json_t *json = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o}", "tid", (int)wait->tid, "lock", lock,
                                 "what", text_of(wait->what), "variable", text_of(wait->variable), "where",
                                 text_of(wait->where), "function", text_of(wait->function));
        json_object_set_new(json, "thread", wait->worker < 0 ? json_null() : json_integer(wait->worker));
        json_object_set_new(json, "holder", worker_with(finding, wait->holder));
        json_object_set_new(json, "holder_tid", wait->holder ? json_integer(wait->holder) : json_null());
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *stacks_of(const struct finding *finding)
{
    json_t *list = json_array();
    for (size_t i = 0; i < finding->nstacks; i++) {
        json_t *frames = json_array();
        for (size_t k = 0; k < finding->stacks[i].stack.nframes; k++)
            json_array_append_new(frames, frame_of(&finding->stacks[i].stack.frames[k]));
        json_t *stack = json_pack("{s:o, s:o}", "title", text_of(finding->stacks[i].title), "frames", frames);
        add_thread(stack, &finding->stacks[i]);
        json_array_append_new(list, stack);
    }
    return list;
}

/* What each thread was at when it ended, where that was kept. */
static json_t *threads_of(const struct finding *finding)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < finding->nends; i++) {
        const struct finding_end *end = &finding->ends[i];
        json_array_append_new(list, json_pack("{s:i, s:I, s:o, s:b}", "thread", (int)i, "calls",
                                              (json_int_t)end->calls, "inside", text_of(end->inside),
                                              "crashed", end->crashed));
    }
    return list;
}

static json_t *array_of(const struct finding *finding)
{
    if (!finding->input)
        return json_null();
    return json_pack("{s:o}", "name", text_of(finding->input));
}

static json_t *worker_of(uint16_t worker)
{
    return worker >= BLOCK_SERIAL ? json_null() : json_integer(worker);
}

/* The guard's block; NULL where another detector found it. */
static json_t *block_of(const struct finding *finding)
{
    static const char *const kinds[BLOCK_KINDS] = {"malloc", "new", "new[]", "raw", "array"};
    static const char *const ways[FOUND_WAYS] = {"free", "reuse", "heap-call", "scan", "crash", "trap"};
    const struct violation *block = finding->block;
    if (!block)
        return json_null();
    json_t *json = json_object();
    char text[128], bytes[2 * VIOLATION_BYTES + 1] = "";
    violation_say_block(block, text, sizeof text);
    for (unsigned i = 0; i < block->nbytes; i++)
        snprintf(bytes + (size_t)2 * i, 3, "%02x", block->bytes[i]);
    json_object_set_new(json, "what", json_string(text));
    json_object_set_new(json, "kind", json_string(kinds[block->block]));
    json_object_set_new(json, "size", json_integer((json_int_t)block->size));
    json_object_set_new(json, "offset", json_integer(block->offset));
    json_object_set_new(json, "length", json_integer((json_int_t)block->length));
    json_object_set_new(json, "bytes", json_string(bytes));
    json_object_set_new(json, "thread", worker_of(block->worker));
    json_object_set_new(json, "iteration", json_integer(block->iteration));
    json_object_set_new(json, "freed_by", worker_of(block->free_worker));
    json_object_set_new(json, "found", json_string(ways[block->found]));
    json_object_set_new(json, "round", json_integer((json_int_t)block->round));
    json_object_set_new(json, "site", text_of(finding->site));
    json_object_set_new(json, "trapped", json_boolean(finding->trapped));
    return json;
}

static json_t *plan_of(const struct finding *finding)
{
    return json_pack("{s:o, s:i}", "yaml", text_of(finding->plan), "threads", (int)finding->threads);
}

static json_t *finding_of(const struct finding *finding)
{
    json_t *json = json_object();
    json_object_set_new(json, "id", json_string(finding->id));
    json_object_set_new(json, "kind", json_string(finding_kind_names[finding->kind]));
    json_object_set_new(json, "severity", json_string(finding_severity_names[finding->severity]));
    json_object_set_new(json, "function", text_of(finding->function));
    json_object_set_new(json, "package", text_of(finding->package));
    json_object_set_new(json, "message", text_of(finding->message));
    json_object_set_new(json, "detector", json_string(detector_rows[finding->detector].name));
    json_object_set_new(json, "rung", json_string(rung_names[finding->rung]));
    json_object_set_new(json, "serial", json_boolean(finding->serial));
    json_object_set_new(json, "blame", json_string(blame_names[finding->blame]));
    json_object_set_new(json, "blame_reason", text_of(finding->reason));
    json_object_set_new(json, "cause", text_of(finding->cause));
    json_object_set_new(json, "behind", text_of(finding->behind));
    json_object_set_new(json, "count", json_integer((json_int_t)finding->count));
    json_object_set_new(json, "runs",
                        json_pack("{s:i, s:i}", "hit", (int)finding->hit, "of", (int)finding->of));
    json_object_set_new(json, "signature", text_of(finding->signature));
    json_object_set_new(json, "statement", text_of(finding->statement));
    json_object_set_new(json, "stacks", stacks_of(finding));
    json_object_set_new(json, "explanation", lines_of(finding));
    json_object_set_new(json, "registers", registers_of(finding));
    json_object_set_new(json, "waits", waits_of(finding));
    json_object_set_new(json, "threads", threads_of(finding));
    json_object_set_new(json, "block", block_of(finding));
    json_object_set_new(json, "array", array_of(finding));
    json_object_set_new(json, "evidence", text_of(finding->evidence));
    json_object_set_new(json, "plan", plan_of(finding));
    return json;
}

static json_t *environment_of(const struct run *run)
{
    json_t *json = json_object();
    for (size_t i = 0; i < run->nenvironment; i++) {
        size_t key = strcspn(run->environment[i], "=");
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)key, run->environment[i]);
        json_object_set_new(json, name, text_of(run->environment[i] + key + 1));
    }
    if (run->facts.gil != GIL_UNKNOWN)
        json_object_set_new(json, "gil", text_of(run->facts.gil == GIL_ON ? "on" : "off"));
    if (run->facts.changes != CHANGES_NONE)
        json_object_set_new(json, "mutates", text_of(run->facts.changes == CHANGES_SEEN ? "yes" : "maybe"));
    if (run->facts.writes)
        json_object_set_new(json, "_writes", text_of(run->facts.writes));
    return json;
}

static const char *verdict_of(const struct run *run)
{
    return run->status == STATUS_FINDING ? "finding" : run->status == STATUS_CLEAN ? "clean" : "untested";
}

static json_t *walks_of(const struct walks *walks)
{
    if (walks->rounds == 0)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:f}", "rounds", (json_int_t)walks->rounds, "blocks",
                     (json_int_t)walks->present, "walked", (json_int_t)walks->blocks, "seconds",
                     (double)walks->nanoseconds / 1e9);
}

/* UTC, when the report was made: what archives and CI servers sort by. */
static json_t *date_now(void)
{
    char text[32] = "";
    struct tm broken;
    time_t now = time(NULL);
    if (gmtime_r(&now, &broken))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken);
    return json_string(text);
}

/* One for each bug that was told apart. */
static json_t *verifications_of(const struct run *run)
{
    json_t *list = json_array();
    for (const struct verification *found = run->verification; found; found = found->next)
        json_array_append_new(list, report_json_verification(found));
    return list;
}

/* What silence is worth: the rate is below this at 95 % confidence. */
static json_t *bound_of(const struct run *run)
{
    double bound = run_rate_bound(run);
    return bound > 0 ? json_real(bound) : json_null();
}

/* Of a run under ThreadSanitizer: races that are known, used and unused. */
static json_t *suppressions_of(const struct run *run)
{
    const struct suppression_list *list = run->suppressions;
    json_t *json = list && list->n ? json_array() : json_null();
    for (size_t i = 0; list && i < list->n; i++) {
        const struct suppression *rule = &list->items[i];
        json_array_append_new(json,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "type", rule->type, "pattern",
                                        rule->pattern, "where", rule->where, "link", rule->link, "version",
                                        rule->version, "why", rule->why, "used", (int)rule->hits));
    }
    return json;
}

static json_t *report_object(const struct run *run)
{
    json_t *json = json_object(), *findings = json_array(), *notes = json_array();
    for (size_t i = 0; i < run->findings.n; i++)
        json_array_append_new(findings, finding_of(run->findings.items[i]));
    for (size_t i = 0; i < run->notes.n; i++)
        json_array_append_new(notes, text_of(run->notes.items[i]));
    json_object_set_new(json, "schema", json_string("ftstress-report/1"));
    json_object_set_new(json, "name", text_of(run->name));
    json_object_set_new(json, "date", date_now());
    json_object_set_new(json, "seed", json_integer((json_int_t)run->seed));
    json_object_set_new(json, "verdict", json_string(verdict_of(run)));
    json_object_set_new(json, "reason", text_of(run->reason));
    json_object_set_new(json, "threads", json_integer(run->threads));
    json_object_set_new(json, "calls", json_integer((json_int_t)run->calls));
    json_object_set_new(json, "serial_calls", json_integer((json_int_t)run->serial_calls));
    json_object_set_new(json, "seconds", json_real(run->seconds));
    json_object_set_new(
        json, "rate",
        json_real(run->rated_time ? (double)run->rated_calls * 1e9 / (double)run->rated_time : 0));
    json_object_set_new(json, "overlap",
                        json_real(run->sampled ? (double)run->overlapped / (double)run->sampled : 0));
    json_object_set_new(json, "children", child_log_json(&run->log));
    json_object_set_new(json, "pairs", report_json_pairs(run));
    json_object_set_new(json, "rate_below", bound_of(run));
    json_object_set_new(json, "checker", walks_of(&run->walks));
    json_object_set_new(json, "memcheck", report_json_memcheck(&run->memcheck));
    json_object_set_new(json, "environment", environment_of(run));
    json_object_set_new(json, "findings", findings);
    json_object_set_new(json, "verification", report_json_verification(run->verification));
    json_object_set_new(json, "verifications", verifications_of(run));
    json_object_set_new(json, "suppressions", suppressions_of(run));
    json_object_set_new(json, "notes", notes);
    return json;
}

static int dump(json_t *json, char **ret_text)
{
    *ret_text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(json);
    return *ret_text ? 0 : -ENOMEM;
}

int report_json(const struct run *run, char **ret_text)
{
    return dump(report_object(run), ret_text);
}

static int write_text(const char *dir, const char *name, const char *text)
{
    cleanup_free char *path = NULL;
    if (!text)
        return 0;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return -ENOMEM;
    return fd_write_file(path, text, strlen(text));
}

/* The next run writes a report over that of this one: what it says of the finding's run is kept with it. */
static json_t *finding_with_run(const struct run *run, const struct finding *finding)
{
    json_t *json = finding_of(finding);
    json_object_set_new(json, "environment", environment_of(run));
    json_object_set_new(
        json, "verification",
        report_json_verification(finding->verification ? finding->verification : run->verification));
    return json;
}

static int keep_finding(const struct run *run, const struct finding *finding, const char *out)
{
    cleanup_free char *dir = NULL, *text = NULL;
    if (asprintf(&dir, "%s/%s", out, finding->id) < 0)
        return -ENOMEM;
    int error = fd_make_dirs(dir);
    if (!error)
        error = dump(finding_with_run(run, finding), &text);
    if (!error)
        error = write_text(dir, "finding.json", text);
    if (!error)
        error = write_text(dir, "plan.yaml", finding->plan);
    if (!error)
        error = write_text(dir, "stderr.txt", finding->evidence);
    return error;
}

/* A run that found nothing loses nothing where it may not write: there, that is no failure. */
static int keep_run(const struct run *run, const char *out)
{
    cleanup_free char *text = NULL;
    int error = report_json(run, &text);
    if (!error)
        error = fd_make_dirs(out);
    if (!error)
        error = write_text(out, "report.json", text);
    return run->findings.n > 0 ? error : 0;
}

int report_keep(const struct run *run, const char *out)
{
    int error = 0;
    for (size_t i = 0; i < run->findings.n && !error; i++)
        error = keep_finding(run, run->findings.items[i], out);
    return error ? error : keep_run(run, out);
}
