#include <stdio.h>
#include <string.h>

#include "driver/evidence/judge_base.h"
#include "driver/outcome/package.h"

/* Returns true where Python code was running: compiled code further out did not allocate. */
static bool is_evaluation(const struct symbol_frame *frame, enum owner whose)
{
    static const char evaluation[] = "_PyEval_EvalFrame";
    return whose == OWNER_INTERPRETER && frame->function &&
           strncmp(frame->function, evaluation, sizeof evaluation - 1) == 0;
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
