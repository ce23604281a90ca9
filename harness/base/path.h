/* Paths as text. Any thread; async-signal-safe. */
#pragma once

#include <stddef.h>
#include <string.h>

/* The part after the last slash, within the text; NULL for NULL. */
static inline const char *path_base(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}
