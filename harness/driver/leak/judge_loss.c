#include "driver/leak/judge_loss.h"

#include <math.h>

#include "base/text.h"
#include "core/wire/counted.h"

/* More things than a cache has that keeps some of them by chance, by their addresses: it looks like a leak till
 * full. */
#define CACHE_MOST 5000
/* More entries than a container has that its library bounds: 128 (functools.lru_cache), 500 or 512, 1000, 1024. */
#define CONTAINER_MOST 1100.0
#define WHOLE 0.05 /* difference of a rate from a whole number at most, where each call loses the same */

bool loss_is_table(const struct loss *loss)
{
    return loss->of != SERIES_OBJECTS && loss->rate < TABLE_BLOCKS && loss->bytes > 0;
}

bool loss_has_owner_of(const struct loss *one, const struct loss *other)
{
    return one->verdict == other->verdict && one->is_immortal == other->is_immortal &&
           text_equal(one->function, other->function);
}

/* May this be in a cache that fills? Something holds it, and calls do not keep the same number each. */
static bool is_chance(const struct judge *judge, const struct loss *loss)
{
    enum series_of of = loss->of == SERIES_OBJECTS ? SERIES_OBJECTS : SERIES_SITE_BLOCKS;
    struct curve curve = judge_series_curve(judge, COUNTED_CALLS, of, loss->name);
    int64_t grown = curve.n > COUNTED_WARM_UP ? curve.values[curve.n - 1] - curve.values[COUNTED_WARM_UP] : 0;
    return loss->verdict == GROWTH_LEAK && loss->holder != HOLDER_NOBODY && !loss_is_table(loss) &&
           grown < CACHE_MOST && fabs(loss->rate - fmax(round(loss->rate), 1)) > WHOLE;
}

/* Were fewer calls made than entries fit in a container of a common bound? A library clears such a list when it is
 * full, or drops the oldest entry of such a cache. */
static bool is_early(const struct judge *judge, const struct loss *loss)
{
    struct curve curve = judge_series_curve(judge, COUNTED_CALLS, loss->of, loss->name);
    return loss->verdict == GROWTH_LEAK && loss->holder != HOLDER_NOBODY && loss->holder != HOLDER_HEAP &&
           curve.n > 0 && (double)curve.calls[curve.n - 1] < CONTAINER_MOST * judge_per_iteration(judge);
}

/* Does something hold it? A holder that each call loses is a loss of its own in the list. */
static bool is_kept(const struct loss *loss)
{
    return loss->holder == HOLDER_STATIC || loss->holder == HOLDER_MODULE || loss->holder == HOLDER_THREAD ||
           loss->holder == HOLDER_OBJECT;
}

/* A table of what is listed in it decides nothing by itself. */
bool losses_may_fill(const struct losses *losses, const struct loss *like)
{
    bool all_chance = true, any_chance = false, early = true, kept = false;
    for (size_t i = 0; i < losses->n; i++) {
        const struct loss *loss = &losses->items[i];
        if (!loss_has_owner_of(loss, like))
            continue;
        bool chance = is_chance(losses->judge, loss);
        any_chance |= chance;
        all_chance &= chance || loss_is_table(loss);
        early &= chance || is_early(losses->judge, loss);
        kept |= is_kept(loss);
    }
    return (any_chance && all_chance) || (early && kept);
}
