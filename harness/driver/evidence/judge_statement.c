/* Finds the statement of a stack: the child runs each in a function of its own. */
#include "driver/evidence/judge_base.h"

#include <stdio.h>

#include "core/wire/counted.h"
#include "core/wire/landmarks.h"
#include "driver/outcome/package.h"

int judge_statement_number(const struct judge *judge, const struct symbol_stack *stack)
{
    char name[128];
    unsigned number;
    for (size_t i = 0; i < stack->nframes; i++) {
        const struct symbol_frame *frame = &stack->frames[i];
        if (frame->function && sscanf(frame->function, LANDMARK_STATEMENT_FORMAT, &number) == 1 &&
            package_owner(judge->outcome, frame->module, name, sizeof name) == OWNER_HARNESS)
            return (int)number;
    }
    return -1;
}

const char *judge_statement_text(const struct judge *judge, int number)
{
    const struct statement_list *told = &judge->outcome->statements;
    if (number == STATEMENT_NEW)
        return judge->plan->fresh;
    for (size_t i = 0; number >= 0 && i < told->n; i++)
        if (told->items[i].number == number)
            return told->items[i].source;
    return NULL;
}
