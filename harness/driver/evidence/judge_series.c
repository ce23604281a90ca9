#include <string.h>

#include "driver/evidence/judge_base.h"

const struct record *judge_find_series(const struct judge *judge, enum record_type type, int64_t arm,
                                       int64_t of, const char *name)
{
    for (size_t i = 0; i < judge->outcome->nrecords; i++) {
        const struct record *record = judge->outcome->records[i];
        if (record->type == type && record->values[ARM_ARM] == arm &&
            (of < 0 || record->values[SERIES_OF] == of) &&
            (!name || strcmp(record_text(record, 0), name) == 0))
            return record;
    }
    return NULL;
}

struct curve judge_curve(const struct judge *judge, int arm, const int64_t *points, int64_t npoints)
{
    const struct record *calls = judge_find_series(judge, RECORD_ARM, arm, -1, NULL);
    int64_t n = calls ? calls->values[ARM_NPOINTS] : 0;
    struct curve curve = {.n = (unsigned)(n < 0 ? 0 : n > RECORD_POINTS ? RECORD_POINTS : n)};
    for (unsigned i = 0; i < curve.n; i++) {
        curve.calls[i] = calls->values[ARM_POINTS + i];
        curve.values[i] = points && (int64_t)i < npoints ? points[i] : 0;
    }
    return curve;
}

struct curve judge_series_curve(const struct judge *judge, int arm, enum series_of of, const char *name)
{
    const struct record *series = judge_find_series(judge, RECORD_SERIES, arm, of, name);
    return judge_curve(judge, arm, series ? &series->values[SERIES_POINTS] : NULL,
                       series ? series->values[SERIES_NPOINTS] : 0);
}

enum growth_verdict judge_series(const struct judge *judge, enum series_of of, const char *name, int64_t unit,
                                 double *ret_rate)
{
    const struct growth_arms arms = {.calls = judge_series_curve(judge, COUNTED_CALLS, of, name),
                                     .fresh = judge_series_curve(judge, COUNTED_NEW, of, name),
                                     .released = judge_series_curve(judge, COUNTED_RELEASE, of, name),
                                     .code = judge_series_curve(judge, COUNTED_NEW, SERIES_CODE_BYTES, NULL),
                                     .code_released =
                                         judge_series_curve(judge, COUNTED_RELEASE, SERIES_CODE_BYTES, NULL)};
    return growth_judge(&arms, unit, ret_rate);
}
