#include <stdarg.h>
#include <stdio.h>

#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "driver/evidence/judge_base.h"

char *judge_format(const char *text, ...)
{
    char *out;
    va_list arguments;
    va_start(arguments, text);
    int n = vasprintf(&out, text, arguments);
    va_end(arguments);
    return n < 0 ? NULL : out;
}

char *judge_name_package(const struct judge *judge, const char *module, const char *name)
{
    const char *owner = package_distribution(judge->outcome, module, name);
    if (owner)
        return strdup(owner);
    const char *version = text_value(judge->outcome->environment, judge->outcome->nenvironment, name);
    return version ? judge_format("%s %s", name, version) : strdup(name);
}

char *judge_package_of(const struct judge *judge, const char *path)
{
    size_t top = strcspn(path, ".");
    for (size_t i = 0; i + 1 < judge->outcome->npackages; i += 2) {
        const char *package = judge->outcome->packages[i + 1];
        if (strncmp(package, path, top) != 0 || (package[top] != '\0' && package[top] != '.') ||
            package_owner(judge->outcome, judge->outcome->packages[i], NULL, 0) != OWNER_PACKAGE)
            continue;
        cleanup_free char *name = strndup(path, top);
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
        return name ? judge_name_package(judge, judge->outcome->packages[i], name) : NULL;
    }
    return NULL;
}

char *judge_name_interpreter(const struct judge *judge)
{
    const char *version = text_value(judge->outcome->environment, judge->outcome->nenvironment, "python");
    return judge_format("CPython %.*s", (int)strcspn(version ? version : "", " "), version ? version : "");
}
