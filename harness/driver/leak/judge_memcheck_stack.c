/* Names functions in stacks of Valgrind's report. */
#include <stdlib.h>
#include <string.h>

#include "driver/leak/judge_leak.h"
#include "driver/symbol/demangle.h"

void judge_memcheck_demangle(char **function)
{
    char *plain = NULL;
    if (!*function || demangle(*function, &plain) < 0)
        return;
    free(*function);
    *function = plain;
}

/* Valgrind replaces malloc and others: in "_vgr10010ZU_VgSoSynsomalloc_malloc" the name follows that of the library,
 * which has no underscore. */
static void name_replaced(struct symbol_frame *frame)
{
    const char *library =
        frame->function && strncmp(frame->function, "_vgr", 4) == 0 ? strchr(frame->function + 4, '_') : NULL;
    const char *name = library ? strchr(library + 1, '_') : NULL;
    char *plain = NULL;
    if (!name || !name[1] || demangle(name + 1, &plain) < 0)
        return;
    free(frame->function);
    frame->function = plain;
}

/* Makes return addresses of all frames but the first, as symbolising needs them. Inlined functions share an address. */
struct symbol_stack judge_memcheck_stack(struct judge *judge, const uint64_t *ips, size_t n)
{
    uint64_t frames[JUDGE_MEMCHECK_FRAMES];
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < JUDGE_MEMCHECK_FRAMES; i++)
        if (i == 0 || ips[i] != ips[i - 1]) {
            frames[kept] = ips[i] + (kept > 0);
            kept++;
        }
    struct symbol_stack stack = judge_stack(judge, frames, kept, true);
    for (size_t i = 0; i < stack.nframes; i++)
        name_replaced(&stack.frames[i]);
    return stack;
}
