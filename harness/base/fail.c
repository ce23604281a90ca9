#include "base/fail.h"

#include <stdarg.h>
#include <stdio.h>

int fail(int code, char *error, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, size, format, arguments);
    va_end(arguments);
    return code;
}
