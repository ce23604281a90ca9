/* What the tests of records share: a pipe, a record with all that one can hold, and its bytes on the wire. Included
 * after cmocka.h. */
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/record.h"

static inline void open_pipe(int ends[static 2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

static inline void close_pipe(int ends[static 2])
{
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

static inline void make_exception(struct record *record)
{
    record_begin(record, RECORD_EXCEPTION, 3);
    record->iteration = 77;
    record->values[EXCEPTION_COUNT] = INT64_MIN;
    record->values[RECORD_VALUES - 1] = INT64_MAX;
    record_add_text(record, "ValueError: Rankings must be of equal length.");
    record_add_text(record, "");
    record_add_text(record, "somersd(a, b)");
    record_add_frames(record, (uint64_t[]){0x1000, UINT64_MAX, 0}, 3);
}

static inline void assert_same(const struct record *a, const struct record *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->worker, b->worker);
    assert_int_equal(a->iteration, b->iteration);
    assert_memory_equal(a->values, b->values, sizeof a->values);
    assert_int_equal(a->nframes, b->nframes);
    assert_memory_equal(a->frames, b->frames, a->nframes * sizeof *a->frames);
    assert_int_equal(a->ntexts, b->ntexts);
    assert_int_equal(a->text_size, b->text_size);
    assert_memory_equal(a->texts, b->texts, a->text_size);
}

/* The bytes of one record as they stand on the wire. */
static inline size_t wire_of(const struct record *record, char bytes[static PIPE_BUF])
{
    int ends[2];
    open_pipe(ends);
    assert_int_equal(record_send(record, ends[1]), 0);
    ssize_t n = read(ends[0], bytes, PIPE_BUF);
    assert_true(n > 0);
    close_pipe(ends);
    return (size_t)n;
}
