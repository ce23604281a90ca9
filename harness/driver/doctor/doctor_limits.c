/* How many processors and how much memory may be used, and the limits of the process. */
#include "driver/doctor/doctor_inside.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "base/fd.h"

#define MIB (UINT64_C(1) << 20)

/* Reads a file of this process's control group. False without one. */
static bool cgroup_read(const char *file, char **ret_text)
{
    cleanup_free char *groups = NULL;
    char path[512];
    if (fd_read_file("/proc/self/cgroup", &groups, NULL) < 0)
        return false;
    const char *line = strncmp(groups, "0::", 3) == 0 ? groups : strstr(groups, "\n0::");
    if (!line)
        return false;
    line = strchr(line, '/');
    snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/%s", line ? (int)strcspn(line, "\n") : 0,
             line ? line : "", file);
    return fd_read_file(path, ret_text, NULL) == 0;
}

enum doctor_level doctor_processors(struct doctor *doctor)
{
    cpu_set_t set;
    double usable, quota, period;
    cleanup_free char *limit = NULL;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : get_nprocs();
    usable = n;
    if (cgroup_read("cpu.max", &limit) && sscanf(limit, "%lf %lf", &quota, &period) == 2 &&
        quota / period < n)
        usable = quota / period;
    fprintf(doctor->text, "%g processors are usable", usable);
    if (usable < n)
        fprintf(doctor->text, " of %d (limit of the control group)", n);
    if (usable >= 2)
        return DOCTOR_OK;
    return doctor_say(doctor, DOCTOR_WARN, "run where two or more are usable",
                      ": threads rarely run at the same time, so little is found");
}

static uint64_t available_memory(void)
{
    unsigned long long kib = 0;
    double max, used;
    cleanup_free char *info = NULL, *max_text = NULL, *used_text = NULL;
    const char *line = fd_read_file("/proc/meminfo", &info, NULL) < 0 ? NULL : strstr(info, "MemAvailable:");
    if (line)
        sscanf(line, "MemAvailable: %llu", &kib);
    uint64_t bytes = (uint64_t)kib * 1024;
    if (!cgroup_read("memory.max", &max_text) || !cgroup_read("memory.current", &used_text))
        return bytes;
    if (sscanf(max_text, "%lf", &max) != 1 || sscanf(used_text, "%lf", &used) != 1 ||
        max - used >= (double)bytes)
        return bytes;
    return max > used ? (uint64_t)(max - used) : 0;
}

enum doctor_level doctor_memory(struct doctor *doctor)
{
    uint64_t bytes = available_memory();
    if (bytes >= 1024 * MIB)
        return doctor_say(doctor, DOCTOR_OK, NULL, "%.1f GiB are available",
                          (double)bytes / (1024.0 * (double)MIB));
    return doctor_say(doctor, DOCTOR_WARN, "free memory, or run fewer programs beside ftstress",
                      "only %" PRIu64 " MiB are available: the kernel may kill children", bytes / MIB);
}

static void print_limit(FILE *out, rlim_t value, uint64_t unit)
{
    if (value == RLIM_INFINITY)
        fputs("unlimited", out);
    else if (value == 0)
        fputs("0", out);
    else if (unit == MIB)
        fprintf(out, "%" PRIu64 " MiB", (uint64_t)value / MIB);
    else
        fprintf(out, "%" PRIu64, (uint64_t)value);
}

enum doctor_level doctor_limits(struct doctor *doctor)
{
    static const struct {
        const char *name;
        int resource;
        rlim_t least;
        uint64_t unit;
        const char *remedy;
    } rows[] = {
        {"address space", RLIMIT_AS, RLIM_INFINITY, MIB, "ulimit -v unlimited"},
        {"processes", RLIMIT_NPROC, 256, 1, "ulimit -u 4096"},
        {"open files", RLIMIT_NOFILE, 256, 1, "ulimit -n 1024"},
        {"stack", RLIMIT_STACK, MIB, MIB, "ulimit -s 8192"},
        {"core files", RLIMIT_CORE, 0, MIB, NULL},
    };
    unsigned low = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit((__rlimit_resource_t)rows[i].resource, &limit);
        fprintf(doctor->text, "%s%s ", i ? ", " : "", rows[i].name);
        print_limit(doctor->text, limit.rlim_cur, rows[i].unit);
        if (limit.rlim_cur >= rows[i].least)
            continue;
        fputs(" (too low)", doctor->text);
        fprintf(doctor->remedy, "%s%s", low++ ? "; " : "", rows[i].remedy);
    }
    return low ? DOCTOR_WARN : DOCTOR_OK;
}
