#include "core/plan/tool.h"

#include <stddef.h>
#include <string.h>

const struct tool tools[] = {
    {.name = "valgrind", .package = "valgrind", .patience = 30},
    {.name = NULL},
};

const struct tool *tool_find(const char *name)
{
    for (const struct tool *tool = tools; tool->name; tool++)
        if (strcmp(tool->name, name) == 0)
            return tool;
    return NULL;
}
