#include "driver/doctor/doctor_inside.h"

#include <stdarg.h>

enum doctor_level doctor_say(struct doctor *doctor, enum doctor_level level, const char *remedy,
                             const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    vfprintf(doctor->text, text, arguments);
    va_end(arguments);
    if (remedy)
        fputs(remedy, doctor->remedy);
    return level;
}

enum doctor_level doctor_say_sentence(struct doctor *doctor, enum doctor_level level,
                                      const struct sentence *sentence)
{
    return doctor_say(doctor, level, sentence->remedy, "%s", sentence->what);
}
