/* Whose code is it? A mapped file to its owner: the harness, the interpreter, a package, or the system. Driver. */
#pragma once

#include "driver/outcome/outcome.h"

enum owner { OWNER_UNKNOWN, OWNER_HARNESS, OWNER_INTERPRETER, OWNER_PACKAGE, OWNER_SYSTEM };

/* A package is what lies below site-packages, or what the child imported as an extension module from elsewhere. On
 * OWNER_PACKAGE its import name (numpy, scipy) is put into name. */
enum owner package_owner(const struct outcome *outcome, const char *module, char *name, size_t size);

/* The same for a frame: with a static libpython, the interpreter's functions lie in the child's own file, as a
 * sanitizer's runtime does, which is the system's. */
enum owner package_frame_owner(const struct outcome *outcome, const struct symbol_frame *frame, char *name,
                               size_t size);

/* A sanitizer's runtime is part of the child's own file, and comes without sources: memcpy and free there are none of
 * ours. */
bool package_is_runtime(const struct symbol_frame *frame);

/* The distribution that owns the file, "numpy 2.2.2"; where nobody knows, that of another file of the package with this
 * import name, or NULL. Borrowed. */
const char *package_distribution(const struct outcome *outcome, const char *module, const char *name);

/* Is code of a package loaded, or code that can call any code (ctypes)? If not, what breaks is the interpreter. */
bool package_any_loaded(const struct outcome *outcome);

/* The innermost frame that belongs to a package, but for what its files have from the headers of others; or NULL. */
const struct symbol_frame *package_frame(const struct outcome *outcome, const struct symbol_stack *stack,
                                         char *name, size_t size);

/* The innermost function of the interpreter (what is inlined into it aside), when no package's frame is inside
 * it; or NULL. */
const struct symbol_frame *package_interpreter_frame(const struct outcome *outcome,
                                                     const struct symbol_stack *stack);
