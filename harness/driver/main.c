/* ftstress: the driver. No Python, no stress threads: it cannot be confused by what it tests. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/wire/status.h"
#include "driver/command/command.h"
#include "driver/manual/manual.h"

static int start(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (argc < 2 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        command_help_all();
        return argc < 2 ? STATUS_USAGE : STATUS_CLEAN;
    }
    if (strcmp(name, "--version") == 0) {
        puts("ftstress " FTSTRESS_VERSION);
        return STATUS_CLEAN;
    }
    if (strcmp(name, "--print") == 0)
        return manual_print(argc > 2 ? argv[2] : "");
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(option_command_names[commands[i].id], name) == 0)
            return command_start(&commands[i], argc - 2, argv + 2);
    return command_fail(STATUS_USAGE, "there is no command '%s'; see ftstress --help", name);
}

/* Has the reader of a pipe, such as `head`, ended? It has what it wanted. */
static bool is_reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* findings are kept though nobody reads of them */
    int status = start(argc, argv);
    errno = 0;
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost || status == STATUS_HARNESS || is_reader_gone())
        return status;
    return command_fail(STATUS_HARNESS, "cannot write all of standard output%s%s", errno ? ": " : "",
                        errno ? strerror(errno) : "");
}
