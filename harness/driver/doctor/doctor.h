/* `ftstress doctor`: can runs work here, and what would make them work better? Driver, one thread. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Prints one row for each check. `python` as for -p, or NULL; `child_path` is ftstress-child, or NULL. Returns
 * STATUS_CLEAN when runs can work, STATUS_UNTESTED when not, or STATUS_HARNESS. */
int doctor_run(const char *python, const char *child_path, bool colour, FILE *out);
