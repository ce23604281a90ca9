/* A run to report, with findings as a test adds them, its document, and the test's folder. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/finding/run.h"
#include "driver/report/reporter.h"

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char directory[] = "/tmp/ftstress-report-XXXXXX";

static inline int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    return folder_remove(directory);
}

static inline void add_frame(struct symbol_stack *stack, const char *function, const char *module,
                             const char *file)
{
    stack->frames = realloc(stack->frames, (stack->nframes + 1) * sizeof *stack->frames);
    assert_non_null(stack->frames);
    stack->frames[stack->nframes++] = (struct symbol_frame){
        .address = 0x7f0000001234,
        .offset = 0x1234,
        .function = function ? strdup(function) : NULL,
        .module = strdup(module),
        .file = file ? strdup(file) : NULL,
        .line = file ? 12 : 0,
    };
}

static inline struct finding *add_finding(struct run *run, const char *signature)
{
    struct finding *finding = calloc(1, sizeof *finding);
    struct symbol_stack stack = {0};
    finding->kind = FINDING_INPUT_MUTATED;
    finding->severity = SEVERITY_HIDDEN_MUTATION;
    finding->detector = DETECTOR_TRIPWIRE;
    finding->rung = RUNG_READONLY;
    finding->function = strdup("PyArray_Repeat");
    finding->package = strdup("numpy 2.2.2");
    finding->message = strdup("PyArray_Repeat (numpy 2.2.2) writes to the metadata of its input x");
    finding->statement = strdup("np.repeat(x, 2)");
    finding->input = strdup("x");
    finding->plan = strdup("name: repeat\n");
    finding->log_end = strdup("free(): invalid size\n");
    finding->signature = strdup(signature);
    finding->threads = 8;
    finding->count = 3;
    finding->of = 4;
    add_frame(&stack, "PyArray_Repeat", "/v/site-packages/numpy/_multiarray_umath.so", "item_selection.c");
    add_frame(&stack, NULL, "/v/lib/libpython3.13t.so.1.0", NULL);
    add_frame(&stack, "worker_main", "/build/bin/ftstress-child", "/src/harness/child/worker.c");
    add_frame(&stack, "hidden_below", "/lib/libc.so.6", NULL);
    assert_int_equal(finding_add_stack(finding, strdup("its shape became (40,)"), stack), 0);
    return finding_list_add(&run->findings, finding, 1);
}

static inline void add_environment(struct run *run, const char *entry)
{
    run->environment = realloc(run->environment, (run->nenvironment + 1) * sizeof *run->environment);
    assert_non_null(run->environment);
    run->environment[run->nenvironment++] = strdup(entry);
}

static inline void begin(struct run *run)
{
    *run = (struct run){
        .name = strdup("repeat"),
        .seed = INT64_MAX,
        .threads = 8,
        .share = RUNG_READONLY,
        .calls = 3900,
        .serial_calls = 100,
        .sampled = 200,
        .overlapped = 62,
        .seconds = 2.5,
        .children = 4,
    };
    add_environment(run, "python=3.13.5 experimental free-threading build");
    run->facts.gil = GIL_OFF;
    add_environment(run, "numpy=2.2.2");
    run->facts.writes = strdup("_hidden");
}

static inline char *render(const char *form, const struct report *report)
{
    char *text;
    assert_int_equal(reporter_render(reporter_find(form), report, &text), 0);
    return text;
}

/* The document as a later `ftstress report` reads it. */
static inline json_t *parse(const struct run *run)
{
    json_error_t error;
    json_t *document = report_document(run);
    cleanup_free char *text = render("json", &(struct report){.document = document});
    json_decref(document);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("line %d: %s", error.line, error.text);
    return json;
}
