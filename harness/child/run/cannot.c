#include <stdarg.h>
#include <stdio.h>

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

int run_cannot(const struct run *run, int status, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    send_cannot(run, status, CANNOT_OTHER, sentence);
    return status;
}

void run_cannot_gil(const struct run *run, const char *when)
{
    char sentence[256];
    snprintf(
        sentence, sizeof sentence,
        "the GIL is on %s, so no two threads would run Python code together; leave out the module that turns it "
        "on, use a version that declares free threading, or set PYTHON_GIL=0",
        when);
    send_cannot(run, STATUS_UNTESTED, CANNOT_GIL, sentence);
}
