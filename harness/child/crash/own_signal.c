/* Puts a signal that the target sends to this process on the board, so that the driver can tell it from one that came
 * from outside, which the kernel does not show: kill and raise of the target are these.
 *
 * Contract. Any thread, and a process that the target forks, stores one number with relaxed order; the driver reads it
 * after the end of the child. Nothing waits.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/crash/crash.h"

static struct board *the_board;
static pid_t self;

void own_signal_watch(struct board *board)
{
    the_board = board;
    self = getpid();
}

static void note(int number)
{
    if (the_board)
        atomic_store_explicit(&the_board->own_signal, (uint32_t)number, memory_order_relaxed);
}

__attribute__((visibility("default"))) int kill(pid_t pid, int number)
{
    if (pid == self || pid == 0 || pid == -1 || pid == -self)
        note(number);
    return (int)syscall(SYS_kill, pid, number);
}

__attribute__((visibility("default"))) int raise(int number)
{
    if (getpid() == self)
        note(number);
    return (int)syscall(SYS_tgkill, getpid(), gettid(), number);
}
