/* See point.h for the contract. */
#include "heap/point/point.h"

#include <link.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prng.h"
#include "heap/point/pct.h"

#define POINTS (PERTURB_DELAY | PERTURB_ALLOC | PERTURB_LOCKS)
#define MICROSECOND UINT64_C(1000)
#define STREAM 0x901e7
/* Waits take at most one part in this number of a worker's time. */
#define SHARE 16
/* ns, of the shortest wait; and the wait from which on a worker without a core of its own yields */
#define LEAST 64
#define YIELD_FROM 500
/* Points between two readings of the clock, at most. */
#define STEP_MOST 64
/* One round in this number runs without delays; one in this number of the others is on one core. */
#define CALM 4
#define PINNED 2
/* ns and points until the first wait of a worker */
#define FIRST_MOST (200 * MICROSECOND)
#define UNTIL_FIRST 4
/* ns of a sleep, and of the time between two of one worker */
#define SLEEP_LEAST (500 * MICROSECOND)
#define SLEEP_MOST (4000 * MICROSECOND)
#define AWAKE_MOST (100000 * MICROSECOND)

__thread struct point_here point_here __attribute__((tls_model("initial-exec")));

/* The worker's own. */
static __thread struct {
    struct prng prng;
    uint64_t due, sleep_due; /* clock_now() */
    uint32_t step;
    unsigned worker;
    int core; /* as in `drawn` */
} here __attribute__((tls_model("initial-exec")));

struct point_loader point_loader;
uint32_t points_open;

/* Of the round. Workers read it after the barrier that begins the round. */
static struct {
    uint32_t perturb;
    uint64_t seed, most;
    bool crowded;
    int core; /* 1 + the one that all workers run on; 0: each that the process may use */
    cpu_set_t cores;
} drawn;

static void find_loader(void)
{
    const char *base = (const char *)getauxval(AT_BASE); /* NOLINT(performance-no-int-to-ptr) */
    const ElfW(Ehdr) *header = (const void *)base;
    point_loader.start = (uintptr_t)base;
    for (unsigned i = 0; base && i < header->e_phnum; i++) {
        const ElfW(Phdr) *part = (const ElfW(Phdr) *)(base + header->e_phoff) + i;
        if (part->p_type == PT_LOAD && part->p_vaddr + part->p_memsz > point_loader.size)
            point_loader.size = part->p_vaddr + part->p_memsz;
    }
}

/* Returns one of the cores that the process may use. */
static int draw_core(struct prng *prng)
{
    if (CPU_COUNT(&drawn.cores) == 0 && sched_getaffinity(0, sizeof drawn.cores, &drawn.cores) < 0)
        return 0;
    int core = 0, skip = (int)(prng_next(prng) % (uint64_t)CPU_COUNT(&drawn.cores));
    while (!CPU_ISSET(core, &drawn.cores) || skip-- > 0)
        core++;
    return core + 1;
}

void points_draw(uint32_t perturb, uint64_t seed, uint64_t round, unsigned threads)
{
    static const uint64_t most[] = {1 * MICROSECOND, 10 * MICROSECOND, POINT_MOST};
    struct prng prng = prng_stream(seed, STREAM + round);
    if (!point_loader.start)
        find_loader();
    drawn.perturb = prng_next(&prng) % CALM == 0 ? 0 : perturb;
    points_open = drawn.perturb & PERTURB_PCT ? POINTS : drawn.perturb & POINTS;
    drawn.most = most[prng_next(&prng) % (sizeof most / sizeof *most)];
    drawn.seed = prng_next(&prng);
    if (drawn.perturb & PERTURB_PCT)
        pct_draw(drawn.seed, threads);
    bool pins = drawn.perturb & PERTURB_PIN && prng_next(&prng) % PINNED == 0;
    drawn.core = pins ? draw_core(&prng) : 0;
    drawn.crowded = drawn.core || (long)threads > sysconf(_SC_NPROCESSORS_ONLN);
}

/* Spins, or lets others run. */
static void wait_for(uint64_t time)
{
    uint64_t end = clock_now() + time;
    bool yields = drawn.crowded && time >= YIELD_FROM;
    do {
        if (yields)
            sched_yield();
        else
            __builtin_ia32_pause();
    } while (clock_now() < end);
}

/* Each length from least to most, and so short and long ones, is drawn as often as its double. */
static uint64_t draw_length(uint64_t least, uint64_t most)
{
    unsigned doublings = 0;
    while (least << (doublings + 1) <= most)
        doublings++;
    uint64_t base = least << prng_next(&here.prng) % (doublings + 1);
    uint64_t length = base + prng_next(&here.prng) % base;
    return length < most ? length : most;
}

void point_skew(void)
{
    if (drawn.perturb & PERTURB_SKEW && prng_next(&here.prng) % 2)
        wait_for(draw_length(LEAST, drawn.most));
}

static void move_to_core(void)
{
    cpu_set_t cores = drawn.cores;
    if (here.core == drawn.core)
        return;
    if (drawn.core) {
        CPU_ZERO(&cores);
        CPU_SET((size_t)drawn.core - 1, &cores);
    }
    sched_setaffinity(0, sizeof cores, &cores);
    here.core = drawn.core;
}

void point_begin(unsigned worker)
{
    move_to_core();
    here.prng = prng_stream(drawn.seed, worker);
    here.worker = worker;
    if (drawn.perturb & PERTURB_PCT)
        pct_enter(worker);
    here.step = 1;
    point_here.until = 1 + (uint32_t)(prng_next(&here.prng) % UNTIL_FIRST);
    /* Rounds may be short: what was drawn in an earlier one stays. A worker may have few calls, too: half of them wait
     * in the first ones. */
    if (!here.sleep_due)
        here.sleep_due = clock_now() + prng_next(&here.prng) % AWAKE_MOST;
    if (!here.due)
        here.due = prng_next(&here.prng) % 2 ? 1 : clock_now() + prng_next(&here.prng) % FIRST_MOST;
    point_skew();
}

void point_end(void)
{
    if (drawn.perturb & PERTURB_PCT)
        pct_leave(here.worker);
}

/* Counts on so that the clock is read a few times between two waits, however many points a call has. */
void point_wait(void)
{
    if (drawn.perturb & PERTURB_PCT) {
        point_here.until = 1;
        pct_pass(here.worker);
        return;
    }
    uint64_t now = clock_now();
    if (now < here.due) {
        here.step = here.step < STEP_MOST ? here.step * 2 : STEP_MOST;
    } else {
        here.step = here.step > 1 ? here.step / 2 : 1;
        uint64_t length = draw_length(LEAST, drawn.most);
        wait_for(length);
        here.due = now + length + prng_next(&here.prng) % (UINT64_C(2) * SHARE * length);
    }
    point_here.until = 1 + (uint32_t)(prng_next(&here.prng) % (UINT64_C(2) * here.step));
}

void point_starve(void)
{
    if (!(drawn.perturb & PERTURB_STARVE) || clock_now() < here.sleep_due)
        return;
    uint64_t time = draw_length(SLEEP_LEAST, SLEEP_MOST);
    nanosleep(&(struct timespec){.tv_nsec = (long)time}, NULL);
    here.sleep_due = clock_now() + prng_next(&here.prng) % AWAKE_MOST;
}
