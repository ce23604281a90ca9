/* Who made what was lost, by the stack of its allocation. */
#include <stdio.h>
#include <string.h>

#include "driver/evidence/judge_base.h"
#include "driver/outcome/package.h"

/* Python code was running: what compiled code lies further out did not ask for it. */
static bool is_evaluation(const struct symbol_frame *frame, enum owner whose)
{
    static const char evaluation[] = "_PyEval_EvalFrame";
    return whose == OWNER_INTERPRETER && frame->function &&
           strncmp(frame->function, evaluation, sizeof evaluation - 1) == 0;
}

/* The innermost package, or who called it without the interpreter in between, as it is with arrays that NumPy's C API
 * makes for others. */
void judge_maker(const struct judge *judge, const struct symbol_stack *stack, char **ret_function,
                 char **ret_package)
{
    char name[128], owner[128] = "";
    const struct symbol_frame *found = NULL;
    for (size_t i = 0; stack->frames && i < stack->nframes; i++) {
        enum owner whose = package_frame_owner(judge->outcome, &stack->frames[i], name, sizeof name);
        if (whose == OWNER_PACKAGE && (!found || strcmp(name, owner) != 0)) {
            found = &stack->frames[i];
            snprintf(owner, sizeof owner, "%s", name);
        } else if ((found && whose != OWNER_PACKAGE) || is_evaluation(&stack->frames[i], whose)) {
            break;
        }
    }
    *ret_function = *ret_package = NULL;
    if (!found)
        return;
    *ret_function = found->function ? judge_plain_name(found->function) : strdup(owner);
    *ret_package = judge_name_package(judge, found->module, owner);
}
