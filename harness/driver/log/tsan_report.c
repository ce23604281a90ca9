#include "driver/log/tsan_report.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "core/wire/landmarks.h"

static const char warning[] = "WARNING: ThreadSanitizer: ", error_head[] = "ERROR: ThreadSanitizer: ";

/* Reports */

const struct tsan_part *tsan_report_part(const struct tsan_report *report, enum tsan_role role, unsigned i)
{
    for (size_t k = 0; k < report->nparts; k++)
        if (report->parts[k].role == role && i-- == 0)
            return &report->parts[k];
    return NULL;
}

const struct tsan_part *tsan_report_thread(const struct tsan_report *report, int number)
{
    for (size_t k = 0; k < report->nparts; k++)
        if (report->parts[k].role == TSAN_THREAD && report->parts[k].thread == number)
            return &report->parts[k];
    return NULL;
}

static bool same_place(const struct tsan_part *one, const struct tsan_part *other)
{
    if (!one || !other || one->stack.nframes == 0 || other->stack.nframes == 0)
        return one == other || (one && other && one->stack.nframes == other->stack.nframes);
    const struct symbol_frame *a = &one->stack.frames[0], *b = &other->stack.frames[0];
    return one->write == other->write && a->address == b->address;
}

bool tsan_report_same(const struct tsan_report *one, const struct tsan_report *other)
{
    const struct tsan_part *a = tsan_report_part(one, TSAN_ACCESS, 0),
                           *b = tsan_report_part(one, TSAN_ACCESS, 1);
    const struct tsan_part *c = tsan_report_part(other, TSAN_ACCESS, 0),
                           *d = tsan_report_part(other, TSAN_ACCESS, 1);
    return strcmp(one->kind, other->kind) == 0 &&
           ((same_place(a, c) && same_place(b, d)) || (same_place(a, d) && same_place(b, c)));
}

void tsan_report_free(struct tsan_report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->nparts; i++) {
        struct tsan_part *part = &report->parts[i];
        free(part->title);
        free(part->mutexes);
        free(part->name);
        symbol_stack_free(&part->stack);
    }
    free(report->parts);
    free(report->kind);
    free(report);
}

/* "    #0 0x7f12ab" */
static int add_frame(struct symbol_stack *stack, const char *line)
{
    const char *address = strstr(line, " 0x");
    if (!address || stack->nframes == TSAN_FRAMES_MAX)
        return 0;
    struct symbol_frame *frame = LIST_ADD(stack->frames, stack->nframes);
    if (!frame)
        return -ENOMEM;
    frame->address = strtoull(address, NULL, 16);
    return 0;
}

/* Head lines */

/* The number behind `before`, or of "main thread"; -1: neither. */
static int thread_after(const char *line, const char *before)
{
    const char *at = strstr(line, before);
    at = at ? at + strlen(before) : NULL;
    if (at && strncmp(at, "main thread", 11) == 0)
        return 0;
    if (at && strncmp(at, "thread T", 8) == 0)
        return atoi(at + 8);
    return -1;
}

/* "Previous atomic write of size 8 at 0x… by thread T3 (mutexes: write M0):" */
static bool read_access(const char *line, struct tsan_part *part)
{
    const char *at = line;
    part->previous = strncasecmp(at, "previous ", 9) == 0;
    at += part->previous ? 9 : 0;
    part->atomic = strncasecmp(at, "atomic ", 7) == 0;
    at += part->atomic ? 7 : 0;
    part->write = strncasecmp(at, "write ", 6) == 0;
    if (!part->write && strncasecmp(at, "read ", 5) != 0)
        return false;
    const char *size = strstr(at, "of size "), *address = strstr(at, " at 0x");
    const char *mutexes = strstr(at, "(mutexes: ");
    part->size = size ? (unsigned)strtoul(size + 8, NULL, 10) : 0;
    part->address = address ? strtoull(address + 4, NULL, 16) : 0;
    part->thread = thread_after(at, " by ");
    part->mutexes = mutexes ? strndup(mutexes + 10, strcspn(mutexes + 10, ")")) : NULL;
    part->role = TSAN_ACCESS;
    return part->thread >= 0;
}

/* "Thread T3 'worker 2' (tid=12, running) created by main thread at:" */
static bool read_thread(const char *line, struct tsan_part *part)
{
    int end = 0;
    if (sscanf(line, "Thread T%d%n", &part->thread, &end) != 1 || end == 0)
        return false;
    part->role = TSAN_THREAD;
    if (strncmp(line + end, " '", 2) == 0)
        part->name = strndup(line + end + 2, strcspn(line + end + 2, "'"));
    return true;
}

static void read_head(const char *line, struct tsan_part *part)
{
    size_t length = strlen(line);
    part->role = TSAN_OTHER;
    part->title = strndup(line, length - (length > 0 && line[length - 1] == ':'));
    if (read_access(line, part) || read_thread(line, part))
        return;
    if (strncmp(line, "Location is ", 12) == 0)
        part->role = TSAN_LOCATION;
    else if (line[0] == 'M' && strncmp(line, "Mutex M", 7) == 0)
        part->role = TSAN_MUTEX;
}

static int add_part(struct tsan_report *report, const char *line)
{
    if (report->nparts == TSAN_PARTS_MAX)
        return 0;
    struct tsan_part *part = LIST_ADD(report->parts, report->nparts);
    if (!part)
        return -ENOMEM;
    read_head(line, part);
    return 0;
}

/* Lines */

static void hand_over(struct tsan_log *log)
{
    struct tsan_report *report = log->report;
    log->report = NULL;
    if (report && report->nparts > 0)
        log->take(log->context, report);
    else
        tsan_report_free(report);
}

/* Drops the number of "data race (pid=123)". A fatal report has one stack, without a head line. */
static int begin(struct tsan_log *log, const char *kind, bool fatal)
{
    hand_over(log);
    struct tsan_report *report = calloc(1, sizeof *report);
    if (!report)
        return -ENOMEM;
    const char *pid = strstr(kind, " (pid=");
    report->kind = strndup(kind, pid && !fatal ? (size_t)(pid - kind) : strlen(kind));
    report->fatal = fatal;
    report->count = 1;
    log->report = report;
    return report->kind ? fatal ? add_part(report, kind) : 0 : -ENOMEM;
}

static int take_line(struct tsan_log *log, const char *line)
{
    const char *head = strstr(line, warning);
    if (head)
        return begin(log, head + sizeof warning - 1, false);
    head = strstr(line, error_head);
    if (head)
        return begin(log, head + sizeof error_head - 1, true);
    if (!log->report)
        return 0;
    if (strncmp(line, "SUMMARY: ", 9) == 0 || strncmp(line, "====", 4) == 0) {
        hand_over(log);
        return 0;
    }
    const char *text = line + strspn(line, " ");
    if (text[0] == '#' && isdigit((unsigned char)text[1])) {
        struct tsan_report *report = log->report;
        int error = report->nparts ? 0 : add_part(report, report->kind);
        return error ? error : add_frame(&report->parts[report->nparts - 1].stack, line);
    }
    /* Heads of parts are indented by two blanks. Other lines are remarks, or not the runtime's. */
    bool is_head = strncmp(line, "  ", 2) == 0 && isalpha((unsigned char)line[2]) && !log->report->fatal;
    return is_head ? add_part(log->report, line + 2) : 0;
}

int tsan_log_feed(struct tsan_log *log, const char *bytes, size_t n)
{
    int error = 0;
    while (n > 0 && !error) {
        const char *end = memchr(bytes, '\n', n);
        size_t length = end ? (size_t)(end - bytes) : n, room = TSAN_LINE_MAX - log->length;
        size_t kept = length < room ? length : room;
        memcpy(log->line + log->length, bytes, kept);
        log->length += kept;
        log->line[log->length] = '\0';
        if (end) {
            error = take_line(log, log->line);
            log->length = 0;
            length++;
        }
        bytes += length;
        n -= length;
    }
    return error;
}

void tsan_log_finish(struct tsan_log *log)
{
    if (log->length > 0)
        take_line(log, log->line);
    log->length = 0;
    hand_over(log);
}

bool tsan_report_is_canary(const struct tsan_report *report)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct tsan_part *access = tsan_report_part(report, TSAN_ACCESS, i);
        const struct tsan_part *thread = access ? tsan_report_thread(report, access->thread) : NULL;
        if (!thread || !thread->name || strcmp(thread->name, CANARY_THREAD) != 0)
            return false;
    }
    return true;
}
