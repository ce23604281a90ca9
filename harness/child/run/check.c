/* See round.h for the contract. */
#include "child/crash/crash.h"
#include "child/run/replay.h"
#include "child/run/round.h"
#include "detectors/table/detectors.h"

void run_check_round(struct run *run)
{
    struct detector_call call = run_main_call(run);
    if (run->plan->share != RUNG_PRIVATE) { /* there the workers do not use the base's arrays */
        call.watched = run->base.watched;
        call.nwatched = run->base.nwatched;
    }
    crash_restore();
    space_check(&run->base);
    detectors_end_round(&call);
    replay_settle(run, &call);
    atomic_fetch_add(&run->board->rounds, 1);
}
