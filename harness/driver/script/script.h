/* A finding as a Python program that shows it without ftstress. Driver, one thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "core/plan/plan.h"
#include "driver/minimize/reducer.h"

#define SCRIPT_RUNS 5
#define SCRIPT_SECONDS 5

struct script {
    char *text;       /* the caller's, to script_clear; NULL: there is none */
    char why[256];    /* why there is none */
    bool checked;     /* it turns glibc's checks of blocks on */
    unsigned hit, of; /* its own runs that showed the failure */
    char output[256]; /* the last line of a run that did neither fail nor end well, or "" */
};

/* Writes the program ("script", "test" or "c") for the plan of a finding, and runs it SCRIPT_RUNS times for the rate that it
 * states. Returns 0, or -EIO with *error. */
int script_write(const struct mode_run *mode, const char *form, const struct plan *plan,
                 const json_t *finding, struct script *ret, struct sentence *error);
/* Is it rarer than half of the trials of the finding? */
bool script_is_rare(const struct script *script, const json_t *finding);

/* Returns what maintainers ask for: the version and the build of the interpreter, the machine, and show_runtime() or
 * show_config() of the packages in the finding's environment that have one. The caller's; NULL: it cannot be made. */
char *script_runtime(const struct mode_run *mode, const json_t *finding);
void script_clear(struct script *script);
