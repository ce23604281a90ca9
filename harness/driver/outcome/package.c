#include "driver/outcome/package.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "core/wire/landmarks.h"

/* numpy.libs is numpy; a top-level module loses its ".cpython-313t-….so". */
static void cut_name(const char *text, char *name, size_t size)
{
    if (name)
        snprintf(name, size, "%.*s", (int)strcspn(text, "/."), text);
}

static const char *below(const char *path, const char *folder)
{
    const char *at = strstr(path, folder);
    return at ? at + strlen(folder) : NULL;
}

static bool has_any(const char *path, const char *const *parts)
{
    while (*parts && !strstr(path, *parts))
        parts++;
    return *parts;
}

/* An interpreter that is not installed has its extension modules in build/lib.linux-x86_64-3.13. Packages are built in
 * folders with another name, such as build/lib.linux-x86_64-cpython-313. */
static bool is_build_tree(const char *module)
{
    const char *platform = below(module, "/build/lib.linux-"), *end = platform ? strchr(platform, '/') : NULL;
    const char *version = platform ? strstr(platform, "-3.") : NULL;
    return version && version < end;
}

enum owner package_owner(const struct outcome *outcome, const char *module, char *name, size_t size)
{
    static const char *const interpreter[] = {"/lib-dynload/", "/libpython3", "/bin/python3", NULL};
    const char *rest, *base = module ? strrchr(module, '/') : NULL;
    if (!module)
        return OWNER_UNKNOWN;
    /* First, because pip installs it as a package, too. */
    if (base && strncmp(base, "/" CHILD_PROGRAM, sizeof CHILD_PROGRAM) == 0)
        return OWNER_HARNESS;
    if ((rest = below(module, "/site-packages/")) || (rest = below(module, "/dist-packages/"))) {
        cut_name(rest, name, size);
        return OWNER_PACKAGE;
    }
    if (has_any(module, interpreter) || is_build_tree(module))
        return OWNER_INTERPRETER;
    for (size_t i = 0; i + 1 < outcome->npackages; i += 2)
        if (strcmp(outcome->packages[i], module) == 0) {
            cut_name(outcome->packages[i + 1], name, size);
            return OWNER_PACKAGE;
        }
    return OWNER_SYSTEM;
}

enum owner package_python_owner(const struct outcome *outcome, const char *file, char *name, size_t size)
{
    enum owner owner = package_owner(outcome, file, name, size);
    bool is_library = strncmp(file, "<frozen ", strlen("<frozen ")) == 0 || strstr(file, "/lib/python3");
    return owner != OWNER_PACKAGE && is_library ? OWNER_INTERPRETER : owner;
}

const char *package_distribution(const struct outcome *outcome, const char *module, const char *name)
{
    char other[128];
    for (size_t i = 0; module && i + 1 < outcome->ndistributions; i += 2)
        if (strcmp(outcome->distributions[i], module) == 0)
            return outcome->distributions[i + 1];
    for (size_t i = 0; i + 1 < outcome->ndistributions; i += 2)
        if (package_owner(outcome, outcome->distributions[i], other, sizeof other) == OWNER_PACKAGE &&
            strcmp(other, name) == 0)
            return outcome->distributions[i + 1];
    return NULL;
}

bool package_any_loaded(const struct outcome *outcome)
{
    char name[128];
    if (outcome->statements.n == 0) /* it ended before it could report them */
        return true;
    for (size_t i = 0; i + 1 < outcome->npackages; i += 2)
        if (strstr(outcome->packages[i], ".so") &&
            package_owner(outcome, outcome->packages[i], name, sizeof name) == OWNER_PACKAGE)
            return true;
    return !outcome->maps || strstr(outcome->maps, "/_ctypes.");
}

bool package_is_runtime(const struct symbol_frame *frame)
{
    const char *base = path_base(frame->module);
    return base && !frame->file && strcmp(base, CHILD_PROGRAM_TSAN) == 0;
}

enum owner package_frame_owner(const struct outcome *outcome, const struct symbol_frame *frame, char *name,
                               size_t size)
{
    /* Whole paths: the interpreter may be built in a folder called harness, too. */
    static const char *const sources[] = {CHILD_SOURCES, NULL};
    enum owner owner = package_owner(outcome, frame->module, name, size);
    if (owner != OWNER_HARNESS)
        return owner;
    if (package_is_runtime(frame))
        return OWNER_SYSTEM;
    return !frame->file || has_any(frame->file, sources) ? OWNER_HARNESS : OWNER_INTERPRETER;
}

/* Returns true for names that C++ reserves for its library and Cython for its helpers. Without a source file also for
 * a template that any object file may define: most likely one of a library's header. */
static bool is_library(const struct symbol_frame *frame)
{
    const char *name = frame->function ? frame->function : "";
    bool is_reserved = strncmp(name, "std::", 5) == 0 || strncmp(name, "__Pyx_", 6) == 0 ||
                       (strncmp(name, "__", 2) == 0 && strstr(name, "::"));
    bool is_template = strchr(name, '<') && !strstr(name, "operator<");
    return is_reserved || (!frame->file && frame->is_weak && is_template);
}

/* Is it code of a library or of CPython's headers that is compiled into the package? */
static bool is_foreign(const struct symbol_frame *frame)
{
    static const char *const foreign[] = {
        "/include/python3", "/include/c++/", "/usr/include/", "/usr/local/include/",
        "/lib/gcc/",        "/lib/clang/",   "/rustc/",       NULL};
    bool is_header = frame->file && (has_any(frame->file, foreign) ||
                                     (frame->is_inline && strstr(frame->file, "/include/")));
    return is_header || is_library(frame);
}

bool package_is_of_caller(const struct symbol_stack *stack, size_t i)
{
    const struct symbol_frame *frame = &stack->frames[i], *caller = frame + 1;
    return i + 1 < stack->nframes && caller->module && strcmp(frame->module, caller->module) == 0 &&
           is_foreign(frame);
}

const char *package_function(const struct symbol_frame *frame)
{
    return is_foreign(frame) ? NULL : frame->function;
}

const struct symbol_frame *package_frame(const struct outcome *outcome, const struct symbol_stack *stack,
                                         char *name, size_t size)
{
    for (size_t i = 0; i < stack->nframes; i++)
        if (package_frame_owner(outcome, &stack->frames[i], name, size) == OWNER_PACKAGE &&
            !package_is_of_caller(stack, i))
            return &stack->frames[i];
    return NULL;
}

const struct symbol_frame *package_interpreter_frame(const struct outcome *outcome,
                                                     const struct symbol_stack *stack)
{
    char name[128];
    for (size_t i = 0; i < stack->nframes; i++) {
        enum owner owner = package_frame_owner(outcome, &stack->frames[i], name, sizeof name);
        if (owner == OWNER_PACKAGE)
            return NULL;
        if (owner == OWNER_INTERPRETER && stack->frames[i].function && !stack->frames[i].is_inline)
            return &stack->frames[i];
    }
    return NULL;
}
