#include "child/run/run.h"
#include "core/wire/record.h"
#include "core/wire/status.h"

static void send_cannot(const struct run *run, int status, enum cannot_reason reason, const char *sentence)
{
    struct record record;
    record_begin(&record, RECORD_CANNOT, RECORD_MAIN);
    record.values[CANNOT_STATUS] = status;
    record.values[CANNOT_REASON] = reason;
    record_add_text(&record, sentence);
    record_send(&record, run->wire);
}

void run_cannot(const struct run *run, int status, const char *sentence)
{
    send_cannot(run, status, CANNOT_OTHER, sentence);
}

void run_cannot_gil(const struct run *run, const char *sentence)
{
    send_cannot(run, STATUS_UNTESTED, CANNOT_GIL, sentence);
}
