/* Series of counting runs for the tests of the judge. */
#pragma once

#include "driver/judge/judge_trial.h"

/* Calls at each point: two windows of 100, three of 100, three of 200. */
static const int64_t series_calls[RECORD_POINTS] = {0, 100, 200, 300, 400, 500, 700, 900, 1100};

static inline void add_calls(struct trial *trial, enum counted_arm arm)
{
    struct record record;
    record_begin(&record, RECORD_ARM, RECORD_MAIN);
    record.values[ARM_ARM] = arm;
    record.values[ARM_NPOINTS] = RECORD_POINTS;
    memcpy(&record.values[ARM_POINTS], series_calls, sizeof series_calls);
    add_record(trial, &record);
}

/* Values from `at` on that grow by `rate` in each call. */
static inline void grow_points(struct record *record, int at, int64_t rate)
{
    for (int i = 0; i < RECORD_POINTS; i++)
        record->values[at + i] = rate * series_calls[i];
}

/* What grows by `rate` in each call of the variant, its holder, and the function that makes it, or NULL. */
struct series {
    enum counted_arm arm;
    enum series_of of;
    const char *name;
    int64_t rate;
    enum holder holder;
    const char *path;
    int64_t immortal;
    int (*maker)(int);
    int64_t each; /* calls in which it grows by `rate`; 0: one */
};

static inline void add_series(struct trial *trial, const struct series *series)
{
    struct record record;
    record_begin(&record, RECORD_SERIES, RECORD_MAIN);
    record.values[SERIES_ARM] = series->arm;
    record.values[SERIES_OF] = series->of;
    record.values[SERIES_NPOINTS] = RECORD_POINTS;
    record.values[SERIES_HOLDER] = series->holder;
    record.values[SERIES_IMMORTAL] = series->immortal;
    grow_points(&record, SERIES_POINTS, series->rate);
    for (int i = 0; series->each && i < RECORD_POINTS; i++)
        record.values[SERIES_POINTS + i] /= series->each;
    record_add_text(&record, series->name);
    record_add_text(&record, series->path ? series->path : "");
    if (series->maker)
        record_add_frames(&record, (uint64_t[]){(uint64_t)series->maker + 1}, 1);
    add_record(trial, &record);
}
