/* Which callables are those of the targets. */
#include "driver/fuzz/fuzz.h"

#include <limits.h>
#include <string.h>

/* Is it the callable of a target "module:name", a method of it, or one of a target that is a module? */
static bool is_target(const char *target, const char *name)
{
    size_t module = strcspn(target, ":"), length = strlen(target);
    if (!target[module])
        return strncmp(name, target, module) == 0 && name[module] == '.';
    return strncmp(name, target, module) == 0 && name[module] == '.' &&
           strncmp(name + module + 1, target + module + 1, length - module - 1) == 0 &&
           (name[length] == '\0' || name[length] == '.');
}

bool fuzz_is_own(const struct fuzz *fuzz, const char *name)
{
    return json_object_get(fuzz->own, name);
}

unsigned fuzz_depth(const struct fuzz *fuzz, const char *name)
{
    unsigned least = UINT_MAX;
    for (size_t t = 0; t < fuzz->ntargets; t++) {
        unsigned depth = 0;
        if (!is_target(fuzz->targets[t], name))
            continue;
        for (const char *at = name + strcspn(fuzz->targets[t], ":"); (at = strchr(at, '.')); at++)
            depth++;
        least = depth < least ? depth : least;
    }
    return least;
}
