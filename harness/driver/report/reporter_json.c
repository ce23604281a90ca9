#include "driver/report/reporter.h"

#include <errno.h>

int reporter_json(const struct report *report, FILE *out)
{
    if (json_dumpf(report->document, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0)
        return -ENOMEM;
    fputc('\n', out);
    return 0;
}
