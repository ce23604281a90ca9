/* Names the word at which threads stalled when a finding of another detector happened. */
#include "driver/judge/judge_inside.h"

#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"

/* Returns the last finding of this child in the statement, or NULL. */
static struct finding *find_finding(const struct judge *judge, const char *statement)
{
    const struct finding_list *list = &judge->run->findings;
    for (size_t i = list->n; i-- > 0;)
        if (list->items[i]->last_child == judge->child && list->items[i]->kind != FINDING_DATA_RACE &&
            text_equal(list->items[i]->statement, statement))
            return list->items[i];
    return NULL;
}

/* Returns "lost_update (narrow.so+0x2eca)"; the caller's. */
static char *name_instruction(struct judge *judge, const uint64_t *address)
{
    struct symbol_stack stack = judge_stack(judge, address, 1, true);
    const struct symbol_frame *frame = stack.nframes > 0 ? stack.frames : NULL;
    char *text = frame && frame->module
                     ? judge_format("%s (%s+%#" PRIx64 ")",
                                    frame->function ? frame->function : "a function without a name",
                                    path_base(frame->module), frame->offset)
                     : NULL;
    symbol_stack_free(&stack);
    return text;
}

static char *name_word(struct judge *judge, uint64_t word)
{
    char *name = NULL;
    if (judge_symbols(judge) && symbols_variable(judge->symbols, word, &name) == 0)
        return name;
    return strdup("a word of the heap");
}

/* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
/* One stall explains a finding; the first that was seen. */
void judge_stall(struct judge *judge, const struct record *record)
{
    struct finding *finding = find_finding(judge, record_text(record, 0));
    if (!finding || finding->stalls || record->nframes == 0)
        return;
    cleanup_free char *word = name_word(judge, (uint64_t)record->values[STALL_WORD]);
    cleanup_free char *stalled = name_instruction(judge, record->frames);
    cleanup_free char *other = record->nframes > 1 ? name_instruction(judge, record->frames + 1) : NULL;
    if (!word || !stalled)
        return;
    finding->stalls = true;
    finding_add_line(finding,
                     judge_format("seen while ftstress stalled %s at %s, after %s had touched it%s%s%s",
                                  record->values[STALL_OWN] ? "its thread" : "another thread", word, stalled,
                                  other ? "; meanwhile " : "", other ? other : "",
                                  other ? " touched it in another thread" : ""));
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */
