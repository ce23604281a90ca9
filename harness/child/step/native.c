#include "child/step/native.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const struct ft_scenario *native_load(const char *path, char *error, size_t size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *why = library ? NULL : dlerror(); /* NOLINT(concurrency-mt-unsafe): no thread runs yet */
    const char *build = library ? dlsym(library, "ft_scenario_build") : NULL;
    const struct ft_scenario *scenario = library ? dlsym(library, "ft_scenario") : NULL;
    if (!library)
        snprintf(error, size, "the scenario cannot be loaded: %s", why);
    else if (!build || !scenario)
        snprintf(error, size, "%s has no scenario: define one with FT_SCENARIO", path);
    else if (strcmp(build, FT_SCENARIO_BUILD) != 0)
        snprintf(
            error, size,
            "%s is built for the interface and CPython %s, and this child is for %s: build it again with the "
            "headers of both",
            path, build, FT_SCENARIO_BUILD);
    else
        return scenario; /* cppcheck-suppress resourceLeak ; the library stays for the whole run */
    return NULL;         /* cppcheck-suppress resourceLeak ; the process ends with the sentence */
}
