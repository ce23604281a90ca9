/* Symbolises stacks of a child; finds the allocating package and the statement of a stack. */
#include "driver/evidence/judge_base.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "core/wire/landmarks.h"

struct symbols *judge_symbols(struct judge *judge)
{
    if (!judge->symbols && judge->outcome->maps)
        symbols_open(judge->outcome->maps, &judge->symbols);
    return judge->symbols;
}

struct symbol_stack judge_stack(struct judge *judge, const uint64_t *frames, size_t n, bool exact)
{
    struct symbol_stack stack = {0};
    if (judge_symbols(judge))
        symbols_stack(judge->symbols, frames, n, exact, &stack);
    return stack;
}

bool judge_runs_python(const struct symbol_frame *frame, enum owner owner)
{
    static const char evaluation[] = "_PyEval_EvalFrame";
    return owner == OWNER_INTERPRETER && frame->function &&
           strncmp(frame->function, evaluation, sizeof evaluation - 1) == 0;
}

const struct symbol_frame *judge_direct_frame(const struct judge *judge, const struct symbol_stack *stack,
                                              char *name, size_t size)
{
    const struct symbol_frame *found = package_frame(judge->outcome, stack, name, size);
    for (const struct symbol_frame *frame = stack->frames; found && frame < found; frame++)
        if (judge_runs_python(frame, package_frame_owner(judge->outcome, frame, NULL, 0))) {
            found = NULL;
            if (size > 0)
                name[0] = '\0';
        }
    return found;
}

/* Is it code of libffi, which ctypes and cffi call C functions with? */
static bool is_foreign_call(const struct symbol_frame *frame)
{
    static const char library[] = "libffi", call[] = "ffi_call";
    const char *base = path_base(frame->module);
    return (base && strncmp(base, library, sizeof library - 1) == 0) ||
           (frame->function && strncmp(frame->function, call, sizeof call - 1) == 0);
}

bool judge_is_in_foreign_call(const struct judge *judge, const struct symbol_stack *stack)
{
    for (size_t i = 0; i < stack->nframes; i++) {
        enum owner owner = package_frame_owner(judge->outcome, &stack->frames[i], NULL, 0);
        if (is_foreign_call(&stack->frames[i]))
            return i > 0;
        if (owner == OWNER_PACKAGE || judge_runs_python(&stack->frames[i], owner))
            return false;
    }
    return false;
}

/* Takes the innermost package, or its caller where the interpreter does not lie between: NumPy's C API makes arrays
 * for other packages. */
void judge_maker(const struct judge *judge, const struct symbol_stack *stack, char **ret_function,
                 char **ret_package)
{
    char name[128], owner[128] = "";
    const struct symbol_frame *found = NULL;
    for (size_t i = 0; stack->frames && i < stack->nframes; i++) {
        enum owner whose = package_frame_owner(judge->outcome, &stack->frames[i], name, sizeof name);
        if (whose == OWNER_PACKAGE && package_is_of_caller(stack, i))
            continue;
        if (whose == OWNER_PACKAGE && (!found || strcmp(name, owner) != 0)) {
            found = &stack->frames[i];
            snprintf(owner, sizeof owner, "%s", name);
        } else if ((found && whose != OWNER_PACKAGE) || judge_runs_python(&stack->frames[i], whose)) {
            /* Python code was running: compiled code further out did not allocate. */
            break;
        }
    }
    *ret_function = *ret_package = NULL;
    if (!found)
        return;
    const char *function = package_function(found);
    *ret_function = strdup(function ? function : owner);
    *ret_package = judge_name_package(judge, found->module, owner);
}

int judge_statement_number(const struct judge *judge, const struct symbol_stack *stack)
{
    unsigned number;
    for (size_t i = 0; i < stack->nframes; i++) {
        const struct symbol_frame *frame = &stack->frames[i];
        if (frame->function && sscanf(frame->function, LANDMARK_STATEMENT_FORMAT, &number) == 1 &&
            package_owner(judge->outcome, frame->module, NULL, 0) == OWNER_HARNESS)
            return (int)number;
    }
    return -1;
}

const char *judge_statement_text(const struct judge *judge, int number)
{
    const struct statement_list *list = &judge->outcome->statements;
    if (number == STATEMENT_NEW)
        return judge->plan->fresh;
    for (size_t i = 0; number >= 0 && i < list->n; i++)
        if (list->items[i].number == number)
            return list->items[i].source;
    return NULL;
}
