#include "driver/mode/mode_tsan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/remedy.h"

#define BARE_SHOWN 4

/* A canary that is reported all the same proves nothing: the next process has another layout. */
bool tsan_way_layout(struct sentence *ret)
{
    cleanup_free char *text = NULL;
    bool fixed = fd_read_file("/proc/sys/kernel/randomize_va_space", &text, NULL) == 0 && atoi(text) == 0;
    if (fixed || process_can_fix_layout())
        return false;
    return sentence_fail(
        true, ret,
        "run it below setarch -R, allow personality(2) in the sandbox, or sysctl kernel.randomize_va_space=0",
        "addresses are randomised, which moves memory to where ThreadSanitizer cannot follow, and turning that "
        "off is forbidden here");
}

const char tsan_way_unlimited[] = "run ftstress where ulimit -Hv is unlimited";

bool tsan_way_limit(struct sentence *ret)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_max == RLIM_INFINITY)
        return false;
    return sentence_fail(
        true, ret, tsan_way_unlimited,
        "the address space is limited to %llu MB, and ThreadSanitizer's shadow memory needs terabytes of it",
        (unsigned long long)limit.rlim_max >> 20);
}

bool tsan_way_gil(bool is_on, struct sentence *ret)
{
    return is_on && sentence_fail(true, ret, "leave out --allow-gil",
                                  "the GIL is on, and what it orders is no race for ThreadSanitizer");
}

bool tsan_way_bare(char *const *paths, size_t n, struct sentence *ret)
{
    FILE *out = n ? fmemopen(ret->what, sizeof ret->what, "w") : NULL;
    if (!out)
        return false;
    fputs("not instrumented, so that no race in it would be seen: ", out);
    for (size_t i = 0; i < n && i < BARE_SHOWN; i++)
        fprintf(out, "%s%s", i ? ", " : "", path_base(paths[i]));
    if (n > BARE_SHOWN)
        fprintf(out, " and %zu more", n - BARE_SHOWN);
    fclose(out);
    sentence_set_remedy(ret, REMEDY_BARE);
    return true;
}
