#include "driver/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/option.h"
#include "core/status.h"

static const char run_more[] =
    "A TARGET is a scenario (see `ftstress list`), a callable with argument recipes, a whole module, or a plan file:\n"
    "  ftstress run somersd\n"
    "  ftstress run 'numpy:repeat(f8[20], 2)' 'numpy:linalg.norm(f8[3,3].T)'\n"
    "  ftstress run 'numpy:*'                              every public callable, on one thread\n"
    "  ftstress run plan.yaml\n"
    "Statements read as with `python -m timeit`:\n"
    "  ftstress run -s 'import numpy as np; x = np.arange(20.)' 'np.repeat(x, 2)'\n"
    "  ftstress run -i x=f8[20] -s 'import numpy as np' --role 'np.sort(x)' --role 'x.sum()'\n"
    "Statements see thread_index and iteration_index; `raise SystemExit` ends the run early. They\n"
    "must not wait for one another: the threads stop at different times.\n"
    "\n"
    "A recipe is one array: dtype, [shape], then [slices] and .T, then +offset, ~bcast(shape), @ro, @out:\n"
    "  f8[20]  i4[3,4].T  f8[40][::2]  >c16[5,1]+8  f8[20][::-1]@ro  f4[0]  f8[]  f8[8]~bcast(4,8)  f8[20]@out\n"
    "\n"
    "Exit status: 0 clean, 1 finding, 2 usage, 3 could not test (and why), 125 the harness itself failed.\n";

const struct command commands[] = {
    {"run", "TARGET... | [-s SETUP]... [-i NAME=RECIPE]... [--role STMT]... STMT...",
     "stress something and report what breaks", run_more, command_run},
    {"list", "[scenarios|detectors|findings]", "what there is to run, what looks at it, what was found", NULL,
     command_list},
    {"show", "FINDING", "one kept finding, by its id or folder", NULL, command_show},
    {"doctor", "[-p PATH]", "can this machine and this interpreter be tested, and by which detectors", NULL,
     command_doctor},
};
const size_t command_count = sizeof commands / sizeof *commands;

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int command_fail(int status, const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fputs("ftstress: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

void command_help(const struct command *self)
{
    cleanup_free char *options = NULL;
    printf("usage: ftstress %s %s\n%s\n\n", self->name, self->usage, self->about);
    if (self->more)
        printf("%s\n", self->more);
    if (self->run == command_run && option_help(&options) == 0)
        printf("options:\n%s", options);
}

void command_help_all(void)
{
    printf("usage: ftstress COMMAND ...\n"
           "Finds races, heap corruption, hidden writes and deadlocks of compiled Python packages on "
           "free-threaded CPython,\n"
           "and says whose fault they are.\n\n");
    for (size_t i = 0; i < command_count; i++)
        printf("  ftstress %-8s %s\n           %s\n", commands[i].name, commands[i].usage, commands[i].about);
    printf(
        "\n`ftstress COMMAND --help` tells more. To begin: ftstress doctor; ftstress list; ftstress run somersd\n");
}

int command_child_path(char **ret_path)
{
    cleanup_free char *dir = NULL;
    int error = fd_program_dir(&dir);
    if (error)
        return error;
    if (asprintf(ret_path, "%s/ftstress-child", dir) < 0)
        return -ENOMEM;
    if (access(*ret_path, X_OK) == 0)
        return 0;
    free(*ret_path);
    *ret_path = NULL;
    return -ENOENT;
}
