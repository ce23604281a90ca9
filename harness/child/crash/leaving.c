/* See leaving.h for the contract. */
#include "child/crash/leaving.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/crash/crash.h"

static struct board *the_board;
static pid_t own;
static atomic_flag noted = ATOMIC_FLAG_INIT;

void leaving_start(struct board *board)
{
    own = getpid();
    the_board = board;
}

/* Does this process make the calls? */
static bool is_caller(void)
{
    return the_board && (getpid() == own || getpid() == atomic_load(&the_board->fork));
}

static void note(void)
{
    const char *statement = crash_statement();
    if (statement && is_caller() && !atomic_flag_test_and_set(&noted))
        memccpy(the_board->leaving, statement, '\0', sizeof the_board->leaving - 1);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc names them __status */
__attribute__((visibility("default"), noreturn)) void _exit(int status)
{
    note();
    for (;;)
        syscall(SYS_exit_group, status);
}

__attribute__((visibility("default"), noreturn)) void exit(int status)
{
    void (*real_exit)(int);
    note();
    *(void **)&real_exit = dlsym(RTLD_NEXT, "exit");
    real_exit(status);
    _exit(status);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
