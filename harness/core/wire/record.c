#include "core/wire/record.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/landmarks.h"

#define HEAD offsetof(struct record, frames)
_Static_assert(HEAD + RECORD_FRAMES * sizeof(uint64_t) + RECORD_TEXT <= PIPE_BUF,
               "a record is one atomic write");

#define NO_HIT UINT64_MAX
#define EXCUSE(value) (UINT64_C(1) << (value))
#define PLAIN_ROW(id, type) [RECORD_##id] = {#type, NO_HIT},
#define FOUND_ROW(id, type, mask) [RECORD_##id] = {#type, mask},

static const struct {
    const char *name;
    uint64_t excuses; /* bits of values */
} types[RECORD_TYPES] = {RECORD_LIST(PLAIN_ROW, FOUND_ROW, FOUND_ROW)};

static struct guarded {
    int fd;
    dev_t device;
    ino_t inode;
    _Atomic uint32_t *lost;
} guarded = {.fd = -1};

const char *record_type_name(enum record_type type)
{
    return type < RECORD_TYPES ? types[type].name : "unknown";
}

bool record_is_hit(const struct record *record)
{
    uint64_t excuses = record->type < RECORD_TYPES ? types[record->type].excuses : NO_HIT;
    for (unsigned i = 0; i < RECORD_VALUES; i++)
        if (excuses & EXCUSE(i) && record->values[i])
            return false;
    return excuses != NO_HIT;
}

void record_begin(struct record *record, enum record_type type, uint16_t worker)
{
    memset(record, 0, HEAD);
    record->type = (uint16_t)type;
    record->worker = worker;
    record->text_size = 0;
}

void record_add_text(struct record *record, const char *text)
{
    size_t room = RECORD_TEXT - record->text_size;
    if (room == 0)
        return;
    size_t length = strlen(text);
    if (length >= room) {
        length = room - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(record->texts + record->text_size, text, length);
    record->texts[record->text_size + length] = '\0';
    record->text_size += (uint32_t)length + 1;
    record->ntexts++;
}

void record_add_frames(struct record *record, const uint64_t *frames, size_t n)
{
    if (n > RECORD_FRAMES)
        n = RECORD_FRAMES;
    memcpy(record->frames, frames, n * sizeof *frames);
    record->nframes = (uint16_t)n;
}

static void record_print(const struct record *record)
{
    if (record->type == RECORD_MAPS || record->type == RECORD_PACKAGE)
        return;
    fprintf(stderr, "%s", record_type_name(record->type));
    if (record->worker != RECORD_MAIN)
        fprintf(stderr, ", thread %u, iteration %u", record->worker, record->iteration);
    for (unsigned i = 0; i < record->ntexts; i++)
        fprintf(stderr, "%s%s", i ? " | " : ": ", record_text(record, i));
    if (record->type == RECORD_FINISHED)
        fprintf(stderr, ": %lld calls", (long long)record->values[FINISHED_CALLS]);
    bool counts = record->type >= RECORD_AUDIT && record->type <= RECORD_LEFT;
    for (unsigned i = 0; counts && i < RECORD_VALUES; i++)
        fprintf(stderr, " %lld", (long long)record->values[i]);
    for (unsigned i = 0; i < record->nframes; i++)
        fprintf(stderr, "\n    %#llx", (unsigned long long)record->frames[i]);
    fputc('\n', stderr);
}

void record_guard(int fd, _Atomic uint32_t *lost)
{
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0)
        guarded = (struct guarded){fd, info.st_dev, info.st_ino, lost};
}

bool record_lost(void)
{
    struct stat info;
    if (!guarded.lost)
        return false;
    if (fstat(guarded.fd, &info) < 0 || info.st_dev != guarded.device || info.st_ino != guarded.inode)
        atomic_store(guarded.lost, 1);
    return atomic_load(guarded.lost);
}

__attribute__((noinline)) void record_found(const struct record *record)
{
    __asm__ volatile("" : : "r"(record) : "memory");
}
LANDMARK_IS(record_found);

int record_send(const struct record *record, int fd)
{
    if (record_is_hit(record))
        record_found(record);
    if (fd < 0) {
        record_print(record);
        return 0;
    }
    if (fd == guarded.fd && record_lost())
        return -EBADF;
    char wire[PIPE_BUF];
    size_t frames = record->nframes * sizeof(uint64_t);
    struct record head;
    memcpy(&head, record, HEAD);
    head.size = (uint32_t)(HEAD + frames + record->text_size);
    memcpy(wire, &head, HEAD);
    memcpy(wire + HEAD, record->frames, frames);
    memcpy(wire + HEAD + frames, record->texts, record->text_size);
    return fd_write_all(fd, wire, head.size);
}

int record_send_content(int fd, enum record_type type, const struct record_content *content)
{
    struct record record;
    record_begin(&record, type, RECORD_MAIN);
    memcpy(record.values, content->values, sizeof record.values);
    for (const char *const *text = content->texts; *text; text++)
        record_add_text(&record, *text);
    return record_send(&record, fd);
}

const char *record_text(const struct record *record, unsigned i)
{
    const char *at = record->texts;
    if (i >= record->ntexts)
        return "";
    while (i-- > 0)
        at += strlen(at) + 1;
    return at;
}

int record_read(struct record_reader *reader, int fd)
{
    if (reader->room - reader->size < PIPE_BUF) {
        size_t room = reader->room ? 2 * reader->room : (size_t)16 * PIPE_BUF;
        char *grown = realloc(reader->bytes, room);
        if (!grown)
            return -ENOMEM;
        reader->bytes = grown;
        reader->room = room;
    }
    ssize_t n = read(fd, reader->bytes + reader->size, reader->room - reader->size);
    if (n < 0)
        return -errno;
    reader->size += (size_t)n;
    return (int)n;
}

/* Counts the texts that are there, because a corrupt child may have sent another number. */
static void record_count_texts(struct record *record)
{
    unsigned found = 0;
    if (record->text_size > 0)
        record->texts[record->text_size - 1] = '\0';
    for (uint32_t i = 0; i < record->text_size; i++)
        found += record->texts[i] == '\0';
    if (record->ntexts > found)
        record->ntexts = (uint16_t)found;
}

int record_next(struct record_reader *reader, struct record *record)
{
    if (reader->size < HEAD)
        return 0;
    memcpy(record, reader->bytes, HEAD);
    size_t frames = record->nframes * sizeof(uint64_t);
    if (record->type >= RECORD_TYPES || record->nframes > RECORD_FRAMES || record->size < HEAD + frames ||
        record->size - HEAD - frames > RECORD_TEXT)
        return -EPROTO;
    if (reader->size < record->size)
        return 0;
    record->text_size = (uint32_t)(record->size - HEAD - frames);
    memcpy(record->frames, reader->bytes + HEAD, frames);
    memcpy(record->texts, reader->bytes + HEAD + frames, record->text_size);
    record_count_texts(record);
    reader->size -= record->size;
    memmove(reader->bytes, reader->bytes + record->size, reader->size);
    return 1;
}

void record_reader_clear(struct record_reader *reader)
{
    free(reader->bytes);
    *reader = (struct record_reader){0};
}
