/* Judges the report that nanobind itself writes at exit. */
#include "base/fd.h"
#include "driver/judge/judge_inside.h"
#include "driver/log/nanobind_log.h"

struct finding *judge_nanobind(struct judge *judge)
{
    struct nanobind_report report;
    bool shutdown = judge->plan->detect & DETECTOR_BIT(DETECTOR_SHUTDOWN);
    bool on = shutdown || judge->plan->detect & DETECTOR_BIT(DETECTOR_LOG);
    if (!on || !nanobind_report_parse(judge->outcome->stderr_text, &report))
        return NULL;
    struct finding *finding = judge_new_finding(judge, FINDING_SHUTDOWN_LEAK, SEVERITY_LEAK,
                                                shutdown ? DETECTOR_SHUTDOWN : DETECTOR_LOG);
    cleanup_free char *sentence = nanobind_report_sentence(&report);
    if (finding) {
        finding->serial = true;
        finding->message = judge_format(
            "nanobind counts, after Python's end, %s; the report does not separate cached objects from lost ones",
            sentence ? sentence : "");
        finding->signature =
            judge_format("nanobind|%s", report.nnamed > 0 ? report.named[0].name : "no instance");
        finding->count = report.instances;
        if (report.module)
            evidence_set(&finding->evidence, EVIDENCE_NAME, BLAME_TARGET, NULL,
                         judge_name_package(judge, NULL, report.module));
        finding = finding_list_add(&judge->run->findings, finding, judge->child);
    }
    nanobind_report_clear(&report);
    return finding;
}
