/* See tester.h for the contract. */
#include "driver/minimize/tester.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

/* A process that does not end its child in this time after a signal gets another one, which kills the child. */
#define STOP_MS 1500

/* Runs one child in the forked process. */
static void test(const struct tester *tester, const struct plan *plan, const struct likeness *like,
                 bool others, int fd)
{
    struct request request = *tester->mode->request;
    struct session session = {.request = &request, .mode = tester->mode, .settings = tester->settings};
    struct repeat repeat = {.like = like,
                            .hits = 1,
                            .brief = true,
                            .others = others,
                            .deadline = clock_now() + 3600 * CLOCK_SECOND};
    request.quiet = true; /* one progress line is that of the caller */
    session.run.start = tester->start;
    uint64_t began = clock_now();
    int fails = repeat_once(&repeat, &session, plan);
    const struct tester_result result = {.ran = fails >= 0,
                                         .fails = fails > 0,
                                         .others = repeat.others,
                                         .interrupted = session.interrupted,
                                         .seconds = clock_seconds(clock_now() - began),
                                         .start = session.run.start,
                                         .seconds_to_hit =
                                             repeat.found.nfirst ? repeat.found.first[0].seconds : 0};
    fd_write_all(fd, &result, sizeof result);
}

static struct tester_slot *find_free(struct tester *tester)
{
    for (unsigned i = 0; i < tester->jobs; i++)
        if (tester->slots[i].pid == 0)
            return &tester->slots[i];
    return NULL;
}

int tester_start(struct tester *tester, const struct plan *plan, const struct likeness *like, bool others,
                 size_t tag)
{
    struct tester_slot *slot = find_free(tester);
    pid_t parent = getpid();
    cleanup_fd int end = -1;
    int error = slot ? fd_pipe(&slot->fd, &end) : -EBUSY;
    if (error)
        return error;
    slot->pid = fork();
    if (slot->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            test(tester, plan, like, others, end);
        _exit(0);
    }
    if (slot->pid < 0) {
        error = -errno;
        slot->pid = 0;
        fd_close(&slot->fd);
        return error;
    }
    slot->tag = tag;
    tester->running++;
    return 0;
}

static void clear_slot(struct tester *tester, struct tester_slot *slot)
{
    waitpid(slot->pid, NULL, 0);
    fd_close(&slot->fd);
    *slot = (struct tester_slot){0};
    tester->running--;
}

/* Reads the result of a process that ended: one without a result could not run the plan. */
static void take(struct tester *tester, struct tester_slot *slot, struct tester_result *ret, size_t *ret_tag)
{
    *ret_tag = slot->tag;
    if (read(slot->fd, ret, sizeof *ret) != sizeof *ret)
        *ret = (struct tester_result){0};
    if (ret->start > 0 && (tester->start == 0 || ret->start < tester->start))
        tester->start = ret->start;
    clear_slot(tester, slot);
}

int tester_wait(struct tester *tester, uint64_t deadline, struct tester_result *ret, size_t *ret_tag)
{
    struct pollfd fds[TESTER_SLOTS_MAX + 1];
    uint64_t now = clock_now();
    if (tester->running == 0 || now >= deadline)
        return 0;
    for (unsigned i = 0; i < tester->jobs; i++)
        fds[i] = (struct pollfd){.fd = tester->slots[i].pid ? tester->slots[i].fd : -1, .events = POLLIN};
    fds[tester->jobs] = (struct pollfd){.fd = tester->settings.signals, .events = POLLIN};
    poll(fds, tester->jobs + 1, (int)((deadline - now) / 1000000) + 1);
    for (unsigned i = 0; i < tester->jobs; i++)
        if (fds[i].revents) {
            take(tester, &tester->slots[i], ret, ret_tag);
            tester->interrupted |= ret->interrupted;
            return 1;
        }
    struct signalfd_siginfo info;
    if (fds[tester->jobs].revents && read(tester->settings.signals, &info, sizeof info) == sizeof info)
        tester->interrupted = true;
    return 0;
}

/* Waits for the end of one process. Returns false when it takes longer. */
static bool wait_for_end(const struct tester_slot *slot)
{
    struct pollfd fd = {.fd = slot->fd, .events = 0};
    return poll(&fd, 1, STOP_MS) > 0;
}

void tester_stop(struct tester *tester, size_t tag)
{
    for (int turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < tester->jobs; i++) {
            struct tester_slot *slot = &tester->slots[i];
            if (slot->pid == 0 || (tag != TESTER_ALL && slot->tag != tag))
                continue;
            if (turn == 0) {
                kill(slot->pid, SIGTERM);
                continue;
            }
            if (!wait_for_end(slot))
                kill(slot->pid, SIGTERM);
            if (!wait_for_end(slot))
                kill(slot->pid, SIGKILL);
            clear_slot(tester, slot);
        }
}
