/* `ftstress doctor`: will runs work here, and what would make them work better? Driver, one thread. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "driver/probe.h"

/* Looks at everything and says one line for each check. `python` as for -p, or NULL; `child_path` is
 * ftstress-child. Returns STATUS_CLEAN when runs will work, STATUS_UNTESTED when they cannot, or
 * STATUS_HARNESS. */
int doctor_run(const char *python, const char *child_path, bool colour, FILE *out);

/* For its own files. */

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_SKIP, /* what it looks at is not there */
    DOCTOR_WARN,
    DOCTOR_BROKEN /* runs cannot work */
};

struct doctor_answer {
    FILE *text;   /* what was seen */
    FILE *advice; /* what to do about it; empty when ok */
};

/* Writes both. Returns `level`. */
__attribute__((format(printf, 4, 5))) enum doctor_level
doctor_say(struct doctor_answer *answer, enum doctor_level level, const char *advice, const char *text, ...);

enum doctor_level doctor_numpy(const struct probe *probe, struct doctor_answer *answer);
enum doctor_level doctor_packages(const struct probe *probe, struct doctor_answer *answer);
/* Names of the compiled packages, separated by blanks: the caller's, or NULL where they cannot be listed. */
char *doctor_package_names(const struct probe *probe);

/* Has the ELF file a symbol table, beyond what it exports? */
bool doctor_has_symbols(const char *path);
