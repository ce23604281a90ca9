#include "driver/command/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/plan/option.h"
#include "core/wire/status.h"

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
    "--as junit -o FILE (or sarif, html, github) writes the report in another form too; see `ftstress report --help`.\n"
    "\n"
    "Exit status: 0 clean, 1 finding, 2 usage, 3 could not test (and why), 125 the harness itself failed.\n";

static const char report_more[] =
    "Without a name it is the last run that was kept under --out. FINDING is an id of `ftstress list findings`:\n"
    "  ftstress report                                     what the last run said\n"
    "  ftstress report --as junit -o junit.xml             the test page of a CI server\n"
    "  ftstress report --as sarif -o ftstress.sarif        code scanners, editors\n"
    "  ftstress report --as html -o report.html            one page to look at or to send\n"
    "  ftstress report F480d206 --as github                a bug report, to be pasted into a tracker\n"
    "  ftstress report old/report.json --as html -o old.html\n"
    "\n"
    "FORM is one of text (the default), json, junit, sarif, html, github. --output - is standard output, as is\n"
    "leaving it out. A finding that no longer belongs to the last run is told with what was kept beside it.\n"
    "\n"
    "Exit status: 0 written, 2 usage, 3 there is nothing to report, 125 it could not be written.\n";

const struct command commands[] = {
    {"run", "TARGET... | [-s SETUP]... [-i NAME=RECIPE]... [--role STMT]... STMT...",
     "stress something and report what breaks", run_more, command_run},
    {"list", "[scenarios|detectors|findings]", "what there is to run, what looks at it, what was found", NULL,
     command_list},
    {"show", "FINDING", "all that is known of one kept finding, by its id or folder", NULL, command_show},
    {"report", "[FINDING|DIR|FILE.json] [--as FORM] [--output FILE] [--out DIR]",
     "the last run, or one finding, for a person, a CI server or a tracker", report_more, command_report},
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

int command_fail_sentence(int status, const struct sentence *sentence)
{
    cleanup_free char *text = sentence_text(sentence);
    return command_fail(status, "%s", text ? text : sentence->what);
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

void command_child_of_abi(const char *abi, char **path)
{
    char *other;
    if (asprintf(&other, "%s-%s", *path, abi) < 0)
        return;
    if (access(other, X_OK) == 0) {
        char *own = *path;
        *path = other;
        other = own;
    }
    free(other);
}
