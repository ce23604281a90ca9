/* `ftstress merge`: the reports of several runs as one. */
#include "driver/command/command_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/baseline/baseline.h"
#include "driver/finding/run.h"
#include "driver/fuzz/fuzz_corpus.h"
#include "driver/merge/merge.h"
#include "driver/report/document.h"
#include "driver/report/report.h"

/* The report under a folder, or what a sweep left there that was killed. */
static json_t *load(const char *dir, char *error, size_t error_size)
{
    json_t *report = NULL;
    if (report_load(dir, NULL, &report, error, error_size) < 0)
        report = merge_rest(dir);
    return report;
}

/* Returns 0, or an exit status after an error message. */
static int add_folder(json_t *all, const char *dir, const char *out)
{
    char error[640];
    json_auto_t *report = load(dir, error, sizeof error);
    if (!report)
        return command_fail(STATUS_UNTESTED, "%s", error);
    merge_add(all, report);
    int failed = merge_copy_findings(report, dir, out);
    return failed ? command_fail(STATUS_HARNESS,
                                 "cannot copy findings to %s: %s; name another folder with --out", out,
                                 strerror(-failed))
                  : 0;
}

static bool has_finding(const json_t *all, bool strict)
{
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(all, "findings"), i, finding)
        if (!document_is_known(finding) && (strict || strcmp(document_text(finding, "blame"), "user") != 0))
            return true;
    return false;
}

static void decide(json_t *all, bool is_whole, const struct request *request, struct run *run)
{
    bool tested = is_whole && json_array_size(json_object_get(all, "untested")) == 0;
    run->status = has_finding(all, request->strict) ? STATUS_FINDING
                  : tested                          ? STATUS_CLEAN
                                                    : STATUS_UNTESTED;
    if (run->status == STATUS_UNTESTED)
        run->reason = strdup("a report is missing, or could not test; see the notes");
    run->calls = (uint64_t)document_number(all, "calls");
    run->serial_calls = (uint64_t)document_number(all, "serial_calls");
    run->seconds = document_real(all, "seconds");
    json_object_set_new(all, "verdict",
                        json_string(run->status == STATUS_FINDING ? "finding"
                                    : run->status == STATUS_CLEAN ? "clean"
                                                                  : "untested"));
    json_object_set_new(all, "reason", run->reason ? json_string(run->reason) : json_null());
    json_object_del(all, "untested");
}

static void mark(json_t *all, const struct request *request, struct known_list *known)
{
    if (!request->known && !request->baseline)
        return;
    baseline_mark(json_object_get(all, "findings"), known);
    json_object_set_new(all, "known", report_json_known_list(known));
}

/* Is it the corpus of a fuzzer, and no folder of a run? */
static bool is_corpus(const char *dir)
{
    char error[640];
    json_auto_t *report = load(dir, error, sizeof error);
    return !report && corpus_is_folder(dir);
}

/* Unites the corpora among the folders, and leaves the others in the list. Returns 0, or an exit status after an error
 * message. */
static int unite_corpora(const struct request *request, char **folders, unsigned *n, bool *ret_some)
{
    cleanup_free char **corpora = calloc(*n + 1, sizeof *corpora);
    json_auto_t *notes = json_array();
    struct corpus_union result;
    unsigned ncorpora = 0, left = 0;
    size_t i;
    const json_t *note;
    for (unsigned k = 0; corpora && k < *n; k++)
        if (is_corpus(folders[k]))
            corpora[ncorpora++] = folders[k];
        else
            folders[left++] = folders[k];
    *n = left;
    *ret_some = ncorpora > 0;
    if (ncorpora == 0)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
        return 0;
    int failed = corpus_unite(request->corpus, corpora, ncorpora, notes, &result);
    json_array_foreach (notes, i, note)
        fprintf(stderr, "ftstress: note: %s\n", json_string_value(note));
    if (failed)
        return command_fail(STATUS_HARNESS, "cannot write to %s: %s; name another folder with --corpus",
                            request->corpus, strerror(-failed));
    fprintf(stderr,
            "ftstress: corpus: %zu plans in %s; %zu are new there, and %zu show nothing that others do not "
            "show\n",
            result.plans, request->corpus, result.added, result.left_out);
    return 0;
}

static int merge_reports(const struct request *request, char **folders, unsigned n)
{
    struct known_list known = {0};
    struct run run = {.out = request->out};
    json_auto_t *all = json_object();
    bool is_whole = true;
    int status = command_load_known(request, &known);
    for (unsigned i = 0; !status && i < n; i++) {
        int failed = add_folder(all, folders[i], request->out);
        is_whole &= failed == 0;
        status = failed == STATUS_UNTESTED ? 0 : failed;
    }
    if (!status && json_object_size(all) == 0)
        status = STATUS_UNTESTED;
    if (!status) {
        merge_finish(all);
        mark(all, request, &known);
        decide(all, is_whole, request, &run);
        status = command_tell_document(&run, all, request);
    }
    run_clear(&run);
    known_list_clear(&known);
    return status;
}

int command_merge(const struct request *request)
{
    unsigned n = request->npositionals;
    bool has_corpora = false;
    if (n == 0)
        return command_fail(STATUS_USAGE, "name folders of runs; see `ftstress merge --help`");
    cleanup_free char **folders = calloc(n, sizeof *folders);
    if (!folders)
        return command_fail(STATUS_HARNESS, "no memory");
    memcpy(folders, request->positionals, n * sizeof *folders);
    int status = unite_corpora(request, folders, &n, &has_corpora);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return status || (n == 0 && has_corpora) ? status : merge_reports(request, folders, n);
}
