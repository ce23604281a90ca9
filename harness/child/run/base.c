/* The base space of a run, which is made again and again. */
#include "child/run/round.h"

#include <stdio.h>

#include "core/wire/record.h"
#include "core/wire/status.h"

bool run_make_base(struct run *run, bool tripwire)
{
    char error[640], text[800];
    struct space made;
    run->maker->tripwire = tripwire;
    if (space_make(run->maker, &made, error, sizeof error) == 0) {
        space_drop(&run->base);
        run->base = made;
        run->generation++;
        run->base_calls = run_calls_made(run);
        return true;
    }
    if (!run->base.names) {
        run_cannot(run, STATUS_UNTESTED, "%s", error);
        return false;
    }
    /* A setup that works only once (it makes a file, it starts a server) serves all rounds. */
    snprintf(text, sizeof text, "the setup cannot be run twice, so all rounds%s share its first objects: %s",
             tripwire ? ", without the tripwire," : "", error);
    RECORD_SEND(run->wire, RECORD_NOTE, .texts = {text});
    run->setup_once = true;
    return true;
}
