/* The reader of the wire: records arrive as they were sent, with many writers at once; a broken record is refused
 * without an over-read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/prng.h"
#include "core/wire/record_pipe.h"

#define HEAD offsetof(struct record, frames)
#define WRITERS 8
#define EACH 2000

static void partial_reads_make_whole_records(void **state)
{
    (void)state;
    struct record sent, got;
    char bytes[PIPE_BUF];
    make_exception(&sent);
    size_t n = wire_of(&sent, bytes);
    for (size_t cut = 1; cut < n; cut++) {
        struct record_reader reader = {0};
        int ends[2];
        open_pipe(ends);
        assert_int_equal(fd_write_all(ends[1], bytes, cut), 0);
        assert_int_equal(record_read(&reader, ends[0]), (int)cut);
        assert_int_equal(record_next(&reader, &got), 0);
        assert_int_equal(fd_write_all(ends[1], bytes + cut, n - cut), 0);
        assert_int_equal(record_read(&reader, ends[0]), (int)(n - cut));
        assert_int_equal(record_next(&reader, &got), 1);
        assert_same(&sent, &got);
        record_reader_clear(&reader);
        close_pipe(ends);
    }
}

static void end_of_file_and_no_data_are_distinct(void **state)
{
    (void)state;
    struct record_reader reader = {0};
    struct record record;
    int ends[2];
    open_pipe(ends);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(record_read(&reader, ends[0]), -EAGAIN);
    assert_int_equal(record_next(&reader, &record), 0);
    fd_close(&ends[1]);
    assert_int_equal(record_read(&reader, ends[0]), 0);
    fd_close(&ends[0]);
    assert_int_equal(record_read(&reader, -1), -EBADF);
    record_reader_clear(&reader);
    assert_null(reader.bytes);
}

static void a_reader_behind_keeps_everything(void **state)
{
    (void)state;
    struct record_reader reader = {0};
    struct record record;
    int ends[2], seen = 0;
    open_pipe(ends);
    for (int i = 0; i < 1000; i++) {
        record_begin(&record, RECORD_NOTE, 1);
        record.iteration = (uint32_t)i;
        record_add_text(&record, "a note of a child that its driver has no time to take");
        assert_int_equal(record_send(&record, ends[1]), 0);
        if (i % 50 == 49)
            assert_true(record_read(&reader, ends[0]) > 0);
    }
    for (; record_next(&reader, &record) == 1; seen++)
        assert_int_equal(record.iteration, seen);
    assert_int_equal(seen, 1000);
    record_reader_clear(&reader);
    close_pipe(ends);
}

/* Many writers: each record says by whom and which, and its text and frames repeat that. */

static void make_numbered(struct record *record, uint16_t worker, uint32_t i)
{
    struct prng prng = prng_stream(worker, i);
    char text[2600];
    size_t length = prng_next(&prng) % sizeof text;
    memset(text, 'a' + worker, length);
    text[length ? length - 1 : 0] = '\0';
    record_begin(record, RECORD_EXCEPTION, worker);
    record->iteration = i;
    record->values[0] = (int64_t)prng_next(&prng);
    record_add_text(record, text);
    uint64_t frames[RECORD_FRAMES];
    for (size_t k = 0; k < RECORD_FRAMES; k++)
        frames[k] = prng_next(&prng);
    record_add_frames(record, frames, prng_next(&prng) % (RECORD_FRAMES + 1));
}

struct writer {
    int fd;
    uint16_t number;
    int error;
};

static void *write_many(void *argument)
{
    struct writer *writer = argument;
    for (uint32_t i = 0; i < EACH && !writer->error; i++) {
        struct record record;
        make_numbered(&record, writer->number, i);
        writer->error = record_send(&record, writer->fd);
    }
    return NULL;
}

/* Takes what is whole; the order of each writer must hold. */
static void take_all(struct record_reader *reader, uint32_t next[static WRITERS])
{
    struct record got, want;
    int found;
    while ((found = record_next(reader, &got)) == 1) {
        assert_in_range(got.worker, 0, WRITERS - 1);
        make_numbered(&want, got.worker, next[got.worker]++);
        assert_same(&want, &got);
    }
    assert_int_equal(found, 0);
}

static void records_of_many_threads_never_mix(void **state)
{
    (void)state;
    struct record_reader reader = {0};
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    uint32_t next[WRITERS] = {0}, total = 0;
    int ends[2];
    open_pipe(ends);
    for (uint16_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.fd = ends[1], .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    while (total < WRITERS * EACH) {
        assert_true(record_read(&reader, ends[0]) > 0);
        take_all(&reader, next);
        total = 0;
        for (size_t i = 0; i < WRITERS; i++)
            total += next[i];
    }
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(writers[i].error, 0);
        assert_int_equal(next[i], EACH);
    }
    assert_int_equal(reader.size, 0);
    record_reader_clear(&reader);
    close_pipe(ends);
}

/* Broken streams. The reader's bytes lie in a block of their exact size, so that AddressSanitizer sees one too many. */

static int feed(const void *bytes, size_t n, struct record *record)
{
    struct record_reader reader = {.bytes = malloc(n ? n : 1), .size = n, .room = n};
    assert_non_null(reader.bytes);
    memcpy(reader.bytes, bytes, n);
    int found = record_next(&reader, record);
    if (found == 1)
        assert_int_equal(reader.size, n - record->size);
    else
        assert_int_equal(reader.size, n);
    record_reader_clear(&reader);
    return found;
}

/* Every text of a record that was taken for good ends inside it. */
static void assert_texts_inside(const struct record *record)
{
    assert_true(record->text_size <= RECORD_TEXT);
    assert_true(record->nframes <= RECORD_FRAMES);
    for (unsigned i = 0; i < record->ntexts; i++) {
        const char *text = record_text(record, i);
        assert_true(text + strlen(text) < record->texts + record->text_size);
    }
    assert_string_equal(record_text(record, record->ntexts), "");
}

static void a_head_that_lies_is_refused(void **state)
{
    (void)state;
    char bytes[PIPE_BUF];
    struct record good, head, got;
    make_exception(&good);
    size_t n = wire_of(&good, bytes);
    const struct {
        uint32_t size;
        uint16_t type, nframes;
    } lies[] = {
        {0, RECORD_NOTE, 0},
        {HEAD - 1, RECORD_NOTE, 0},
        {PIPE_BUF + 1, RECORD_NOTE, 0},
        {UINT32_MAX, RECORD_NOTE, 0},
        {HEAD, RECORD_NOTE, 1},
        {(uint32_t)n, RECORD_NOTE, RECORD_FRAMES + 1},
        {(uint32_t)n, RECORD_NOTE, UINT16_MAX},
        {(uint32_t)n, RECORD_TYPES, 3},
        {HEAD + RECORD_TEXT + 1, RECORD_NOTE, 0},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        memcpy(&head, bytes, HEAD);
        head.size = lies[i].size;
        head.type = lies[i].type;
        head.nframes = lies[i].nframes;
        memcpy(bytes, &head, HEAD);
        assert_int_equal(feed(bytes, n, &got), -EPROTO);
    }
}

static void texts_without_an_end_get_one(void **state)
{
    (void)state;
    char bytes[PIPE_BUF];
    struct record good, head, got;
    record_begin(&good, RECORD_NOTE, 0);
    record_add_text(&good, "abc");
    size_t n = wire_of(&good, bytes);
    memcpy(&head, bytes, HEAD);
    head.ntexts = 9;
    memcpy(bytes, &head, HEAD);
    bytes[n - 1] = 'd';
    assert_int_equal(feed(bytes, n, &got), 1);
    assert_int_equal(got.ntexts, 1);
    assert_string_equal(record_text(&got, 0), "abc");
    assert_texts_inside(&got);
}

static void random_bytes_are_never_read_too_far(void **state)
{
    (void)state;
    struct prng prng = prng_stream(1, 0);
    uint64_t bytes[2 * PIPE_BUF / sizeof(uint64_t)];
    struct record got;
    for (int round = 0; round < 20000; round++) {
        size_t n = prng_next(&prng) % (round % 2 ? 256 : sizeof bytes);
        for (size_t i = 0; i <= n / sizeof *bytes && i < sizeof bytes / sizeof *bytes; i++)
            bytes[i] = prng_next(&prng);
        if (feed(bytes, n, &got) == 1)
            assert_texts_inside(&got);
    }
}

/* Random heads are nearly all refused at once; good ones with a few bytes changed go further in. */
static void good_bytes_made_bad_are_never_read_too_far(void **state)
{
    (void)state;
    struct prng prng = prng_stream(2, 0);
    char good[PIPE_BUF], bytes[PIPE_BUF];
    struct record record, got;
    unsigned taken = 0, refused = 0;
    for (uint32_t round = 0; round < 20000; round++) {
        make_numbered(&record, (uint16_t)(round % WRITERS), round % 500);
        size_t n = wire_of(&record, good), short_by = prng_next(&prng) % 4 ? 0 : prng_next(&prng) % n;
        memcpy(bytes, good, n);
        for (uint64_t k = 1 + prng_next(&prng) % 3; k > 0; k--) {
            size_t where = prng_next(&prng) % (prng_next(&prng) % 2 ? 16 : n);
            bytes[where] = (char)(prng_next(&prng) % 2 ? prng_next(&prng) : prng_next(&prng) % 8);
        }
        int found = feed(bytes, n - short_by, &got);
        taken += found == 1;
        refused += found == -EPROTO;
        if (found == 1)
            assert_texts_inside(&got);
    }
    assert_true(taken > 1000 && refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partial_reads_make_whole_records),
        cmocka_unit_test(end_of_file_and_no_data_are_distinct),
        cmocka_unit_test(a_reader_behind_keeps_everything),
        cmocka_unit_test(records_of_many_threads_never_mix),
        cmocka_unit_test(a_head_that_lies_is_refused),
        cmocka_unit_test(texts_without_an_end_get_one),
        cmocka_unit_test(random_bytes_are_never_read_too_far),
        cmocka_unit_test(good_bytes_made_bad_are_never_read_too_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
