/* A finding in the document of a report. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/perturb.h"
#include "driver/report/report.h"
#include "driver/report/report_json_inside.h"

json_t *report_json_text(const char *text)
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

json_t *report_json_texts(char *const *texts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, report_json_text(texts[i]));
    return list;
}

static json_t *frame_of(const struct symbol_frame *frame)
{
    char address[24], offset[24];
    snprintf(address, sizeof address, "%#" PRIx64, frame->address);
    snprintf(offset, sizeof offset, "%#" PRIx64, frame->offset);
    json_t *json = json_pack("{s:o, s:o, s:s, s:s, s:b}", "function", report_json_text(frame->function),
                             "module", report_json_text(frame->module), "offset", offset, "address", address,
                             "inline", frame->is_inline);
    if (json && frame->file) {
        json_object_set_new(json, "file", report_json_text(frame->file));
        json_object_set_new(json, "line", json_integer(frame->line));
    }
    return json;
}

static json_t *python_of(const struct finding_stack *stack)
{
    json_t *list = json_array();
    for (size_t i = 0; i < stack->npython; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:i}", "function", report_json_text(stack->python[i].function),
                            "file", report_json_text(stack->python[i].file), "line", stack->python[i].line));
    return list;
}

/* Adds the facts that only a thread at a crash or a hang has. */
static void add_thread(json_t *json, const struct finding_stack *stack)
{
    if (stack->npython > 0 || stack->tid)
        json_object_set_new(json, "python", python_of(stack));
    if (stack->tid == 0)
        return;
    json_object_set_new(json, "thread", stack->worker < 0 ? json_null() : json_integer(stack->worker));
    json_object_set_new(json, "tid", json_integer(stack->tid));
    json_object_set_new(json, "cut", json_boolean(stack->more_native || stack->more_python));
    json_object_set_new(json, "more_python", json_integer(stack->more_python));
    json_object_set_new(json, "same_as", json_integer((json_int_t)stack->same_as));
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

/* Returns the number of the worker with this thread id. */
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
        json_array_append_new(
            list,
            json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "tid", (int)wait->tid, "lock", lock,
                      "what", report_json_text(wait->what), "variable", report_json_text(wait->variable),
                      "where", report_json_text(wait->where), "function", report_json_text(wait->function),
                      "thread", wait->worker < 0 ? json_null() : json_integer(wait->worker), "holder",
                      worker_with(finding, wait->holder), "holder_tid",
                      wait->holder ? json_integer(wait->holder) : json_null()));
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
        json_t *stack =
            json_pack("{s:o, s:o}", "title", report_json_text(finding->stacks[i].title), "frames", frames);
        add_thread(stack, &finding->stacks[i]);
        json_array_append_new(list, stack);
    }
    return list;
}

static json_t *statements_of(const struct finding *finding)
{
    json_t *statements = json_array();
    for (size_t i = 0; i < finding->nalso_in; i++)
        json_array_append_new(statements, report_json_text(finding->also_in[i]));
    return statements;
}

/* Lists the statement of each thread when the process ended. */
static json_t *threads_of(const struct finding *finding)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < finding->nends; i++) {
        const struct finding_end *end = &finding->ends[i];
        json_array_append_new(list, json_pack("{s:i, s:I, s:o, s:b}", "thread", (int)i, "calls",
                                              (json_int_t)end->calls, "inside", report_json_text(end->inside),
                                              "crashed", end->crashed));
    }
    return list;
}

static json_t *worker_of(uint16_t worker)
{
    return worker >= BLOCK_SERIAL ? json_null() : json_integer(worker);
}

/* Describes the block of the guard; JSON null if another detector made the finding. */
static json_t *block_of(const struct finding *finding)
{
    static const char *const kinds[BLOCK_KINDS] = {"malloc", "new", "new[]", "raw", "array"};
    static const char *const ways[FOUND_WAYS] = {"free", "reuse", "heap-call", "scan", "crash", "trap"};
    const struct violation *block = finding->block;
    if (!block)
        return json_null();
    char text[128], bytes[2 * VIOLATION_BYTES + 1] = "";
    violation_say_block(block, text, sizeof text);
    for (unsigned i = 0; i < block->nbytes; i++)
        snprintf(bytes + (size_t)2 * i, 3, "%02x", block->bytes[i]);
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:o, s:I, s:o, s:s, s:I, s:o, s:b}", "what", text,
                     "kind", kinds[block->block], "size", (json_int_t)block->size, "offset",
                     (json_int_t)block->offset, "length", (json_int_t)block->length, "bytes", bytes, "thread",
                     worker_of(block->worker), "iteration", (json_int_t)block->iteration, "freed_by",
                     worker_of(block->free_worker), "found", ways[block->found], "round",
                     (json_int_t)block->round, "site", report_json_text(finding->site), "trapped",
                     finding->trapped);
}

static json_t *explain(const struct finding *finding)
{
    json_t *list = report_json_texts(finding->lines, finding->nlines);
    char does[1400], text[1500];
    if (!finding->perturb || finding->serial)
        return list;
    perturb_say(finding->perturb, finding->threads, does, sizeof does);
    snprintf(text, sizeof text, "in each child that showed it: %s", does);
    json_array_append_new(list, json_string(text));
    return list;
}

json_t *report_json_known(const struct known *known)
{
    json_t *json = known ? json_pack("{s:o}", "where", report_json_text(known->where)) : json_null();
    for (int key = 0; known && key < KNOWN_KEYS; key++)
        json_object_set_new(json, known_key_names[key], report_json_text(known->texts[key]));
    if (known)
        json_object_set_new(json, "in_baseline", json_boolean(known->in_baseline));
    return json;
}

json_t *report_json_finding(const struct finding *finding)
{
    json_t *json = json_object();
    json_object_set_new(json, "id", json_string(finding->id));
    json_object_set_new(json, "kind", json_string(finding_kind_names[finding->kind]));
    json_object_set_new(json, "severity", json_string(finding_severity_names[finding->severity]));
    json_object_set_new(json, "function", report_json_text(finding->function));
    json_object_set_new(json, "package", report_json_text(finding->package));
    json_object_set_new(json, "message", report_json_text(finding->message));
    json_object_set_new(json, "detector", json_string(detector_rows[finding->detector].name));
    json_object_set_new(json, "rung", json_string(rung_names[finding->rung]));
    json_object_set_new(json, "serial", json_boolean(finding->serial));
    json_object_set_new(json, "blame", json_string(blame_names[finding->blame]));
    json_object_set_new(json, "blame_reason", report_json_text(finding->reason));
    json_object_set_new(json, "cause", report_json_text(finding->cause));
    json_object_set_new(json, "known", report_json_known(finding->known));
    json_object_set_new(json, "behind", report_json_text(finding->behind));
    json_object_set_new(json, "count", json_integer((json_int_t)finding->count));
    json_object_set_new(json, "runs",
                        json_pack("{s:i, s:i}", "hit", (int)finding->hit, "of", (int)finding->of));
    json_object_set_new(json, "signature", report_json_text(finding->signature));
    json_object_set_new(json, "statement", report_json_text(finding->statement));
    if (finding->nalso_in > 0)
        json_object_set_new(json, "also_in", statements_of(finding));
    json_object_set_new(json, "stacks", stacks_of(finding));
    json_object_set_new(json, "explanation", explain(finding));
    json_object_set_new(json, "registers", registers_of(finding));
    json_object_set_new(json, "waits", waits_of(finding));
    json_object_set_new(json, "threads", threads_of(finding));
    json_object_set_new(json, "block", block_of(finding));
    json_object_set_new(json, "array",
                        finding->input ? json_pack("{s:o}", "name", report_json_text(finding->input))
                                       : json_null());
    json_object_set_new(json, "evidence", report_json_text(finding->log_end));
    json_object_set_new(
        json, "plan",
        json_pack("{s:o, s:i}", "yaml", report_json_text(finding->plan), "threads", (int)finding->threads));
    return json;
}
