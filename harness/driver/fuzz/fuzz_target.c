/* Which callables are those of the targets. */
#include "driver/fuzz/fuzz.h"

#include <limits.h>
#include <string.h>

#include "core/wire/status.h"

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

int fuzz_why_no_entry(const struct fuzz *fuzz, struct sentence *error)
{
    const json_t *catalogue = fuzz->sweep->catalogue, *module, *entry;
    size_t i;
    json_array_foreach (json_object_get(catalogue, "modules"), i, module)
        for (size_t t = 0; t < fuzz->ntargets; t++) {
            const char *name = document_text(module, "name");
            size_t length = strlen(name);
            if (strncmp(fuzz->targets[t], name, length) == 0 && strchr(":", fuzz->targets[t][length]))
                return sentence_fail(STATUS_UNTESTED, error, "correct it, or name another module",
                                     "cannot import %s: %s", name, document_text(module, "why"));
        }
    json_array_foreach (json_object_get(catalogue, "callables"), i, entry)
        if (fuzz_depth(fuzz, document_text(entry, "name")) < UINT_MAX && *document_text(entry, "why"))
            return sentence_fail(STATUS_UNTESTED, error, "see `ftstress sweep` of the module for the others",
                                 "no callable of the targets is called; %s: %s", document_text(entry, "name"),
                                 document_text(entry, "why"));
    return sentence_fail(STATUS_UNTESTED, error, "see `ftstress sweep` of the module for the callables",
                         "the targets have no public callable that simple arguments fit");
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
