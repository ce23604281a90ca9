/* Decides by the curves of the variants what grows with the calls, and makes one finding for each function. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/text.h"
#include "core/wire/counted.h"
#include "driver/leak/judge_loss.h"

#define STACKS_MAX 3

/* Returns the record that decides: for a retained loss that of the variant with the release step. */
static const struct record *deciding(const struct judge *judge, const struct record *record,
                                     enum growth_verdict verdict)
{
    if (verdict != GROWTH_RETAINED)
        return record;
    const struct record *kept = judge_find_series(judge, RECORD_SERIES, COUNTED_RELEASE,
                                                  record->values[SERIES_OF], record_text(record, 0));
    return kept ? kept : record;
}

/* Returns true where the variant that decides made objects immortal: one for two calls with a loss, at least. */
static bool makes_immortal(const struct judge *judge, const struct loss *loss)
{
    const struct record *arm = judge_find_series(
        judge, RECORD_ARM, loss->verdict == GROWTH_LEAK ? COUNTED_CALLS : COUNTED_NEW, -1, NULL);
    int64_t last = arm ? arm->values[ARM_NPOINTS] - 1 : -1, n = 0;
    int64_t calls = last >= 0 && last < RECORD_POINTS ? arm->values[ARM_POINTS + last] : 0;
    for (size_t i = 0; i < judge->outcome->nrecords; i++) {
        const struct record *record = judge->outcome->records[i];
        if (record->type == RECORD_SERIES && arm && record->values[SERIES_ARM] == arm->values[ARM_ARM] &&
            record->values[SERIES_OF] == SERIES_OBJECTS)
            n += record->values[SERIES_IMMORTAL];
    }
    return n >= JUDGE_IMMORTAL_LEAST && 2 * (double)n >= (double)calls * fmin(loss->rate, 1);
}

static void add_loss(struct losses *losses, const struct record *record, enum growth_verdict verdict,
                     double rate, double bytes)
{
    struct loss *loss = LIST_ADD(losses->items, losses->n);
    if (!loss)
        return;
    double times = verdict == GROWTH_LEAK ? judge_per_iteration(losses->judge) : 1;
    *loss = (struct loss){.of = (enum series_of)record->values[SERIES_OF],
                          .name = record_text(record, 0),
                          .holder = (enum holder)record->values[SERIES_HOLDER],
                          .path = record_text(record, 1),
                          .verdict = verdict,
                          .rate = rate * times,
                          .bytes = bytes * times,
                          .stack = judge_stack(losses->judge, record->frames, record->nframes, false)};
    judge_maker(losses->judge, &loss->stack, &loss->function, &loss->package);
    loss->is_immortal = loss->holder != HOLDER_NOBODY && makes_immortal(losses->judge, loss);
}

/* Decides by blocks and bytes: the number of blocks may stay while they become longer. */
static void judge_site(struct losses *losses, const struct record *record)
{
    const struct judge *judge = losses->judge;
    const char *name = record_text(record, 0);
    double blocks, bytes;
    enum growth_verdict by_blocks = judge_series(judge, SERIES_SITE_BLOCKS, name, 1, &blocks);
    enum growth_verdict by_bytes = judge_series(judge, SERIES_SITE_BYTES, name, JUDGE_BYTES_UNIT, &bytes);
    enum growth_verdict verdict = by_blocks > by_bytes ? by_blocks : by_bytes;
    if (verdict >= GROWTH_UNBOUNDED)
        add_loss(losses, deciding(judge, record, verdict), verdict, blocks, bytes);
}

static void judge_type(struct losses *losses, const struct record *record)
{
    double rate;
    enum growth_verdict verdict =
        judge_series(losses->judge, SERIES_OBJECTS, record_text(record, 0), 1, &rate);
    record = deciding(losses->judge, record, verdict);
    bool cached = record->values[SERIES_HOLDER] == HOLDER_INTERPRETER;
    if (verdict >= GROWTH_UNBOUNDED && cached)
        note_add(&losses->judge->run->notes,
                 "growth: caches of the interpreter's own still took up %.2f %s in each%s call", rate,
                 record_text(record, 0), verdict == GROWTH_LEAK ? "" : " new");
    else if (verdict >= GROWTH_UNBOUNDED)
        add_loss(losses, record, verdict, rate, 0);
}

/* Returns true for the first record of its name: an earlier variant decided already. */
static bool is_first(const struct judge *judge, const struct record *record)
{
    const struct record *first = NULL;
    for (int arm = 0; arm < COUNTED_ARMS && !first; arm++)
        first =
            judge_find_series(judge, RECORD_SERIES, arm, record->values[SERIES_OF], record_text(record, 0));
    return !first || first == record;
}

/* Moves a module's own types to the front: their maker is better evidence than the maker of an int. The rest stays in
 * the child's order, by growth. */
static void sort(struct losses *losses)
{
    size_t first = 0;
    for (size_t i = 0; i < losses->n; i++) {
        struct loss loss = losses->items[i];
        if (loss.of != SERIES_OBJECTS || !strchr(loss.name, '.') || !loss.function)
            continue;
        memmove(&losses->items[first + 1], &losses->items[first], (i - first) * sizeof loss);
        losses->items[first++] = loss;
    }
}

static void judge_all(struct losses *losses)
{
    const struct outcome *outcome = losses->judge->outcome;
    for (size_t i = 0; i < outcome->nrecords; i++) {
        const struct record *record = outcome->records[i];
        if (record->type != RECORD_SERIES || !is_first(losses->judge, record))
            continue;
        if (record->values[SERIES_OF] == SERIES_OBJECTS)
            judge_type(losses, record);
        else if (record->values[SERIES_OF] == SERIES_SITE_BYTES)
            judge_site(losses, record);
    }
}

/* A cached key holds all that functions of the package made for it. */
static bool is_one_cause(const struct loss *one, const struct loss *other)
{
    bool by_package = one->verdict != GROWTH_LEAK && one->package;
    return by_package ? text_equal(one->package, other->package) : text_equal(one->function, other->function);
}

/* Returns the only cause of this verdict, or NULL. */
static const struct loss *only_owner(const struct losses *losses, enum growth_verdict verdict)
{
    const struct loss *owner = NULL;
    for (size_t i = 0; i < losses->n; i++) {
        const struct loss *loss = &losses->items[i];
        if (loss->verdict != verdict || !loss->function)
            continue;
        if (owner && !is_one_cause(owner, loss))
            return NULL;
        owner = owner ? owner : loss;
    }
    return owner;
}

/* Gives objects that Python code made, such as a key, the owner of the objects that a function made of them. */
static void join_owners(struct losses *losses)
{
    for (size_t i = 0; i < losses->n; i++) {
        struct loss *loss = &losses->items[i];
        const struct loss *owner = only_owner(losses, loss->verdict);
        if (!owner || owner == loss || text_equal(loss->function, owner->function))
            continue;
        free(loss->function);
        free(loss->package);
        loss->function = strdup(owner->function);
        loss->package = owner->package ? strdup(owner->package) : NULL;
    }
}

/* A table grows because the package holds the objects that are listed in it. */
static void join_tables(struct losses *losses)
{
    for (size_t i = 0; i < losses->n; i++)
        for (size_t k = 0; k < losses->n && loss_is_table(&losses->items[i]); k++) {
            struct loss *table = &losses->items[i], *held = &losses->items[k];
            if (k == i || held->of != SERIES_OBJECTS || held->verdict != table->verdict || !held->package ||
                held->holder == HOLDER_NOBODY || !text_equal(held->package, table->package))
                continue;
            free(table->function);
            table->function = held->function ? strdup(held->function) : NULL;
            break;
        }
}

static void say_holder(struct judge_list *list, const struct loss *loss)
{
    list->gap = "; ";
    if (loss->holder == HOLDER_NOBODY)
        judge_list_add(list, "nothing refers to %s objects: their references were lost", loss->name);
    else if (loss->holder == HOLDER_IMMORTAL)
        judge_list_add(list, "%s objects are made immortal: nothing frees them", loss->name);
    else
        judge_list_add(list, "held: %s <- %s", loss->name, loss->path);
}

/* Ranks holders as evidence: holders of a module's own types before those of an int, lost objects before held ones. */
static int tells(const struct loss *loss)
{
    return 1 + 2 * (strchr(loss->name, '.') != NULL) + (loss->holder == HOLDER_NOBODY);
}

static const struct loss *find_held(const struct losses *losses, const struct loss *like)
{
    const struct loss *best = NULL;
    for (size_t i = 0; i < losses->n; i++) {
        const struct loss *loss = &losses->items[i];
        if (loss_has_owner_of(loss, like) && loss->of == SERIES_OBJECTS && loss->holder != HOLDER_UNKNOWN &&
            (!best || tells(loss) > tells(best)))
            best = loss;
    }
    return best;
}

/* Returns " PyObject_Malloc", for example; "" for malloc and new. */
static const char *allocator_of(const struct loss *loss)
{
    return loss->name + strcspn(loss->name, " ");
}

/* Writes "2.00 slice, 1.00 tuple, 64.0 bytes of native memory in 1.00 blocks", and marks what it lists. */
static char *list_losses(struct losses *losses, const struct loss *like, bool *ret_objects, bool *ret_held)
{
    struct judge_list list = {.gap = ", ", .max = SIZE_MAX};
    double bytes = 0, blocks = 0;
    const char *allocator = NULL;
    *ret_objects = false;
    for (size_t i = 0; i < losses->n; i++) {
        struct loss *loss = &losses->items[i];
        if (!loss_has_owner_of(loss, like))
            continue;
        loss->is_listed = true;
        if (loss->of == SERIES_OBJECTS) {
            judge_list_add(&list, "%.2f %s", loss->rate, loss->name);
            *ret_objects = true;
        } else {
            bytes += loss->bytes;
            blocks += loss->rate;
            allocator = allocator && strcmp(allocator, allocator_of(loss)) != 0 ? "" : allocator_of(loss);
        }
    }
    bool table = bytes > 0 && blocks < TABLE_BLOCKS;
    if (table)
        judge_list_add(&list, "%.1f bytes of native memory, by which blocks become longer", bytes);
    else if (bytes > 0)
        judge_list_add(&list, "%.1f bytes of native memory in %.2f blocks%s%s", bytes, blocks,
                       allocator && *allocator ? " from" : "", allocator ? allocator : "");
    const struct loss *held = find_held(losses, like);
    *ret_held =
        held ? held->holder != HOLDER_NOBODY && held->holder != HOLDER_IMMORTAL : table && !*ret_objects;
    if (held)
        say_holder(&list, held);
    return judge_list_end(&list);
}

/* Returns true where no pointer leads to these objects and blocks: what the statements change does not hold them. */
static bool is_lost(const struct losses *losses, const struct loss *like)
{
    unsigned lost = 0, held = 0;
    for (size_t i = 0; i < losses->n; i++) {
        const struct loss *loss = &losses->items[i];
        if (loss_has_owner_of(loss, like) && loss->holder != HOLDER_UNKNOWN)
            (*(loss->holder == HOLDER_NOBODY ? &lost : &held))++;
    }
    return lost > 0 && held == 0;
}

/* Returns why a loss is no finding, or NULL: compiled code and a cache that the release step empties are wanted. */
static const char *excuse(const struct losses *losses, const struct loss *loss)
{
    const struct judge *judge = losses->judge;
    if (loss->verdict == GROWTH_JIT || (loss->verdict == GROWTH_UNBOUNDED && judge->plan->release))
        return "";
    if (loss->is_immortal)
        return "; no finding, because the interpreter made objects immortal meanwhile, and keeps what they hold";
    if (losses_may_fill(losses, loss))
        return "; no finding, because a cache that fills, or a list that is trimmed later, looks the same over few "
               "calls; give it more --time";
    return judge->outcome->facts.changes == CHANGES_SEEN && !is_lost(losses, loss)
               ? "; no finding, because the statements change what they share"
               : NULL;
}

static void add_finding(struct losses *losses, struct loss *like, const char *message, bool objects)
{
    struct judge *judge = losses->judge;
    struct finding *finding = judge_new_finding(
        judge, objects ? FINDING_REFERENCE_LEAK : FINDING_MEMORY_GROWTH, SEVERITY_LEAK, DETECTOR_GROWTH);
    if (!finding)
        return;
    finding->message = strdup(message);
    evidence_set(&finding->evidence, EVIDENCE_LOSS, like->function ? BLAME_TARGET : BLAME_UNKNOWN,
                 like->function ? strdup(like->function) : NULL,
                 like->package ? strdup(like->package) : NULL);
    finding->statement = strdup(judge_growth_statement(judge, like->verdict));
    finding->signature = judge_format("growth|%s|%s", growth_verdict_names[like->verdict],
                                      like->function ? like->function : "");
    finding = finding_list_add(&judge->run->findings, finding, judge->child);
    if (finding && judge->outcome->facts.changes && !is_lost(losses, like))
        finding_add_line(
            finding, strdup("the statements share objects that cannot be looked into: where one of them is "
                            "meant to keep this, it is no leak"));
    for (size_t i = 0; finding && i < losses->n; i++) {
        struct loss *loss = &losses->items[i];
        if (!loss_has_owner_of(loss, like) || loss->stack.nframes == 0 || finding->nstacks >= STACKS_MAX)
            continue;
        char *title = loss->of == SERIES_OBJECTS ? judge_format("memory of %s is allocated here", loss->name)
                                                 : judge_format("%.1f bytes are allocated here", loss->bytes);
        finding_add_stack(finding, title, loss->stack);
        loss->stack = (struct symbol_stack){0};
    }
}

static void tell(struct losses *losses, struct loss *like)
{
    struct judge *judge = losses->judge;
    bool objects, held;
    cleanup_free char *list = list_losses(losses, like, &objects, &held);
    cleanup_free char *message =
        judge_say_growth(judge, like->verdict, like->function, like->package, list ? list : "", held);
    const char *because = excuse(losses, like);
    if (message && !because)
        add_finding(losses, like, message, objects);
    else if (message && like->verdict != GROWTH_JIT)
        note_add(&judge->run->notes, "growth: %s%s", message, because);
}

void judge_growth(struct judge *judge)
{
    struct losses losses = {.judge = judge};
    if (!(judge->plan->detect & DETECTOR_BIT(DETECTOR_GROWTH)))
        return;
    judge_all(&losses);
    sort(&losses);
    join_owners(&losses);
    join_tables(&losses);
    for (size_t i = 0; i < losses.n; i++)
        if (!losses.items[i].is_listed)
            tell(&losses, &losses.items[i]);
    judge_growth_notes(judge);
    for (size_t i = 0; i < losses.n; i++) {
        symbol_stack_free(&losses.items[i].stack);
        free(losses.items[i].function);
        free(losses.items[i].package);
    }
    free(losses.items);
}
