/* What the judge of growth notes: memory that grows, and is no finding by itself. */
#include "core/wire/counted.h"
#include "driver/finding/curve.h"
#include "driver/leak/judge_leak.h"

#define PAGE 4096
#define KIB 1024.0
#define UNEXPLAINED_LEAST (1 << 20)

static struct curve_look look_at(const struct judge *judge, int arm, enum series_of of, int64_t unit)
{
    struct curve curve = judge_series_curve(judge, arm, of, NULL);
    return curve_look(&curve, unit);
}

static void note_code(struct judge *judge)
{
    struct curve_look code = look_at(judge, COUNTED_NEW, SERIES_CODE_BYTES, 1);
    struct curve_look native = look_at(judge, COUNTED_NEW, SERIES_NATIVE_BYTES, JUDGE_BYTES_UNIT);
    if (code.shape == CURVE_STEADY && code.rate > 0)
        judge_say_code(judge, code.rate, native.rate, DETECTOR_GROWTH);
}

/* Resident memory that no counted allocator explains, and more of it than allocators leave between blocks. */
static void note_unexplained(struct judge *judge)
{
    struct curve curve = judge_series_curve(judge, COUNTED_CALLS, SERIES_RESIDENT_BYTES, NULL);
    struct curve_look look = curve_look(&curve, PAGE);
    if (look.shape == CURVE_STEADY && look.rate > PAGE / 8.0 &&
        look.rate * (double)curve.calls[curve.n - 1] >= UNEXPLAINED_LEAST &&
        look_at(judge, COUNTED_CALLS, SERIES_NATIVE_BYTES, JUDGE_BYTES_UNIT).shape != CURVE_STEADY &&
        look_at(judge, COUNTED_CALLS, SERIES_PYTHON_BLOCKS, 1).shape != CURVE_STEADY)
        note_add(
            &judge->run->notes,
            "resident memory grows by about %.1f KiB in each call, and blocks of malloc and of Python do not: it may "
            "be mmap",
            look.rate / KIB);
}

/* CPython 3.13t makes functions and types immortal once a thread was started. */
static void note_immortal(struct judge *judge)
{
    for (size_t i = 0; i < judge->outcome->nrecords; i++) {
        const struct record *record = judge->outcome->records[i];
        if (record->type == RECORD_SERIES && record->values[SERIES_OF] == SERIES_OBJECTS &&
            record->values[SERIES_IMMORTAL] > JUDGE_IMMORTAL_LEAST)
            note_add(
                &judge->run->notes,
                "the interpreter made %s objects immortal while the statements ran, and keeps what they hold: "
                "not the target's leak",
                record_text(record, 0));
    }
}

void judge_growth_notes(struct judge *judge)
{
    note_code(judge);
    note_immortal(judge);
    note_unexplained(judge);
}
