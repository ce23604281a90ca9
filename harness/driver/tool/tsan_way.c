#include "driver/tool/tsan_way.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/path.h"

#define ASK 0xffffffffUL
#define BARE_SHOWN 4

static bool read_number(const char *path, const char *format, unsigned *ret_number)
{
    cleanup_free char *text = NULL;
    return fd_read_file(path, &text, NULL) == 0 && sscanf(text, format, ret_number) == 1;
}

/* A sandbox may refuse the question as well as the wish. */
static unsigned persona(void)
{
    unsigned known = 0;
    int now = personality(ASK);
    if (now >= 0)
        return (unsigned)now;
    read_number("/proc/self/personality", "%x", &known);
    return known;
}

/* A canary that is seen all the same proves nothing: the next process has another layout. */
char *tsan_way_layout(void)
{
    unsigned random = 2, now = persona();
    read_number("/proc/sys/kernel/randomize_va_space", "%u", &random);
    if (random == 0 || now & ADDR_NO_RANDOMIZE ||
        (personality(now | ADDR_NO_RANDOMIZE) >= 0 && persona() & ADDR_NO_RANDOMIZE))
        return NULL;
    return strdup(
        "addresses are randomised, which moves memory to where ThreadSanitizer cannot follow, and turning that off is "
        "forbidden here; run it below setarch -R, allow personality(2) in the sandbox, or sysctl "
        "kernel.randomize_va_space=0");
}

char *tsan_way_limit(void)
{
    struct rlimit limit;
    char *sentence;
    if (getrlimit(RLIMIT_AS, &limit) < 0 || limit.rlim_max == RLIM_INFINITY) {
        setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
        return NULL;
    }
    if (asprintf(
            &sentence,
            "the address space is limited to %llu MB, and ThreadSanitizer's shadow memory needs terabytes of it; run "
            "ftstress where ulimit -Hv is unlimited",
            (unsigned long long)limit.rlim_max >> 20) < 0)
        return NULL;
    return sentence;
}

char *tsan_way_server(const char *urls)
{
    if (!urls || !*urls)
        return NULL;
    return strdup(
        "DEBUGINFOD_URLS is set, so that ThreadSanitizer's symboliser asks a server about each file and "
        "reports come too late or never; unset DEBUGINFOD_URLS");
}

char *tsan_way_gil(bool is_on)
{
    if (!is_on)
        return NULL;
    return strdup("the GIL is on, and what it orders is no race for ThreadSanitizer; leave out --allow-gil");
}

char *tsan_way_bare(char *const *paths, size_t n)
{
    char *text;
    size_t size;
    FILE *out = n ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    fputs("not instrumented, so that no race in it would be seen: ", out);
    for (size_t i = 0; i < n && i < BARE_SHOWN; i++)
        fprintf(out, "%s%s", i ? ", " : "", path_base(paths[i]));
    if (n > BARE_SHOWN)
        fprintf(out, " and %zu more", n - BARE_SHOWN);
    fputs("; build it with clang -fsanitize=thread, as scripts/setup/tsan.sh builds NumPy", out);
    return fclose(out) == 0 ? text : NULL;
}
