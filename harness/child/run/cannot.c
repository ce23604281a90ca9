#include <stdarg.h>
#include <stdio.h>

#include "child/crash/crash.h"
#include "child/run/run.h"
#include "core/wire/record.h"

int run_cannot(const struct run *run, int status, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    crash_note_limits();
    RECORD_SEND(run->wire, RECORD_CANNOT, .values = {[CANNOT_STATUS] = status}, .texts = {sentence});
    return status;
}
