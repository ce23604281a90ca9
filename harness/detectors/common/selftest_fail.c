#include "detectors/common/selftest.h"

#include <stdarg.h>

bool selftest_fail(struct selftest *test, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(test->fault, sizeof test->fault, format, arguments);
    va_end(arguments);
    return false;
}
