/* Running programs to their end, for what they print. Driver, one thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/process.h"

/* A program to run, with nothing on its standard input. */
struct probe_job {
    char *const *argv;           /* argv[0] is a path */
    const struct launch *launch; /* or NULL */
    uint64_t limit;              /* ns; 0: the launch's, or else 20 s, for a program that answers at once */
    int error;                   /* 0 when it ended, -ETIMEDOUT, -errno when it could not be started */
    int status;                  /* as from waitpid */
    char *out, *err; /* its output, the caller's, to probe_job_clear; NULL when it was not started */
};

/* Runs the programs, a few at a time, until all have ended. Kills what is left of their process groups. */
void probe_run(struct probe_job *jobs, size_t n);
void probe_job_clear(struct probe_job *job);

/* Returns a copy of what follows "ftstress<TAB>KEY<TAB>" at the start of a line, so that other output does not
 * disturb; or NULL. The copy is the caller's. */
char *probe_value(const char *text, const char *key);

/* Writes why a program gave no answer, as a clause: "it exits with status 2 and says: …". */
void probe_reason(const struct probe_job *job, char *text, size_t size);
