/* The owner of a mapped file: the harness, the interpreter, a package, or the system. Driver. */
#pragma once

#include "driver/outcome/outcome.h"

enum owner { OWNER_UNKNOWN, OWNER_HARNESS, OWNER_INTERPRETER, OWNER_PACKAGE, OWNER_SYSTEM };

/* A file belongs to a package when it is below site-packages, or is an extension module that the child imported. On
 * OWNER_PACKAGE `name` is the import name (numpy, scipy); NULL and 0: it is not wanted. */
enum owner package_owner(const struct outcome *outcome, const char *module, char *name, size_t size);

/* The same for a file of Python code: CPython's library is the interpreter's, code of the user's is OWNER_SYSTEM. */
enum owner package_python_owner(const struct outcome *outcome, const char *file, char *name, size_t size);

/* The same for a frame. The child's own file may also contain a static libpython, and a sanitizer's runtime, which
 * counts as the system's. */
enum owner package_frame_owner(const struct outcome *outcome, const struct symbol_frame *frame, char *name,
                               size_t size);

/* Is it a function of the sanitizer's runtime (memcpy, free), which is linked into the child and has no debug
 * information? */
bool package_is_runtime(const struct symbol_frame *frame);

/* The distribution that owns the file, "numpy 2.2.2"; else that of another file of the package with this import name;
 * or NULL. Borrowed. */
const char *package_distribution(const struct outcome *outcome, const char *module, const char *name);

/* Is code of a package loaded, or ctypes, which can call any code? If not, a failure is the interpreter's. */
bool package_any_loaded(const struct outcome *outcome);

/* Code of a library that is compiled into a package, such as Py_DECREF or std::vector, counts as its caller's, inlined
 * or not; so does any header code that is inlined. False where the caller is not in the same file. */
bool package_is_of_caller(const struct symbol_stack *stack, size_t i);

/* The function of a package's frame; NULL where it has no symbol, or only code of a library is known there. */
const char *package_function(const struct symbol_frame *frame);

/* The innermost frame that belongs to a package, and is not of its caller; or NULL. */
const struct symbol_frame *package_frame(const struct outcome *outcome, const struct symbol_stack *stack,
                                         char *name, size_t size);

/* The innermost function of the interpreter that is not inlined, if no frame of a package is deeper; or NULL. */
const struct symbol_frame *package_interpreter_frame(const struct outcome *outcome,
                                                     const struct symbol_stack *stack);
