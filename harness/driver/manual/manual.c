#include "driver/manual/manual.h"

#include <string.h>

#include "core/wire/status.h"

static const struct {
    const char *name;
    void (*write)(FILE *out);
} forms[] = {{"man", manual_man},   {"bash", manual_bash},       {"zsh", manual_zsh},
             {"fish", manual_fish}, {"options", manual_options}, {"detectors", manual_detectors}};

int manual_print(const char *form)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].name, form) == 0) {
            forms[i].write(stdout);
            return STATUS_CLEAN;
        }
    return command_fail(STATUS_USAGE, "--print needs man, bash, zsh, fish, options or detectors");
}
