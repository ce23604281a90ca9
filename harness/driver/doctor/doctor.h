/* `ftstress doctor`: will runs work here, and what would make them work better? Driver, one thread. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Looks at everything and says one line for each check. `python` as for -p, or NULL; `child_path` is
 * ftstress-child. Returns STATUS_CLEAN when runs will work, STATUS_UNTESTED when they cannot, or
 * STATUS_HARNESS. */
int doctor_run(const char *python, const char *child_path, bool colour, FILE *out);
