/* See watchpoint.h for the contract. */
#include "detectors/watch/watchpoint.h"

#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#define PERF_TRAP 6 /* TRAP_PERF, which older headers lack */

/* 1 + the descriptor; 0: not open. */
static __thread int open_files[WATCHPOINTS] __attribute__((tls_model("initial-exec")));

static struct perf_event_attr event_of(uintptr_t address, unsigned size)
{
    return (struct perf_event_attr){
        .type = PERF_TYPE_BREAKPOINT,
        .size = sizeof(struct perf_event_attr),
        .sample_period = 1,
        .bp_type = HW_BREAKPOINT_RW,
        .bp_addr = address,
        .bp_len = size,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .remove_on_exec = 1,
        .sigtrap = 1,
    };
}

static int open_event(struct perf_event_attr *event)
{
    int fd = (int)syscall(SYS_perf_event_open, event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : fd_move_high(fd);
}

static void close_slot(unsigned slot)
{
    if (open_files[slot])
        close(open_files[slot] - 1);
    open_files[slot] = 0;
}

static struct {
    pthread_t thread;
    bool runs;
    int error;
} trial;

static void *try_main(void *unused)
{
    static uint64_t word;
    struct perf_event_attr event = event_of((uintptr_t)&word, sizeof word);
    int fd = open_event(&event);
    if (fd >= 0)
        close(fd);
    trial.error = fd < 0 ? fd : 0;
    return unused;
}

void watchpoint_begin_try(void)
{
    trial.runs = pthread_create(&trial.thread, NULL, try_main, NULL) == 0;
}

int watchpoint_try(void)
{
    if (!trial.runs)
        try_main(NULL);
    else
        pthread_join(trial.thread, NULL);
    trial.runs = false;
    return trial.error;
}

int watchpoint_set(unsigned slot, uintptr_t address, unsigned size)
{
    struct perf_event_attr event = event_of(address, size);
    if (open_files[slot] && ioctl(open_files[slot] - 1, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &event) == 0)
        return 0; /* the kernel has resumed it, too */
    close_slot(slot);
    int fd = open_event(&event);
    if (fd >= 0)
        open_files[slot] = fd + 1;
    return fd < 0 ? fd : 0;
}

void watchpoint_pause(unsigned slot)
{
    if (open_files[slot])
        ioctl(open_files[slot] - 1, PERF_EVENT_IOC_DISABLE, 0);
}

void watchpoint_resume(unsigned slot)
{
    if (open_files[slot])
        ioctl(open_files[slot] - 1, PERF_EVENT_IOC_ENABLE, 0);
}

void watchpoint_close(void)
{
    for (unsigned slot = 0; slot < WATCHPOINTS; slot++)
        close_slot(slot);
}

uintptr_t watchpoint_address(const siginfo_t *info)
{
    return info->si_code == PERF_TRAP ? (uintptr_t)info->si_addr : 0;
}
