#include "base/peek.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096

bool peek(pid_t pid, uint64_t from, void *to, size_t size)
{
    struct iovec local = {to, size};
    struct iovec remote = {(void *)(uintptr_t)from, size}; /* NOLINT(performance-no-int-to-ptr) */
    return process_vm_readv(pid ? pid : getpid(), &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* Reads page by page, because the string may end on the last page that is there. */
bool peek_text(uint64_t from, char *to, size_t size)
{
    size_t n = 0;
    while (n + 1 < size) {
        size_t piece = PAGE - (from + n) % PAGE;
        if (piece > size - 1 - n)
            piece = size - 1 - n;
        if (!peek(0, from + n, to + n, piece))
            break;
        n += piece;
        if (memchr(to + n - piece, '\0', piece))
            break;
    }
    to[n] = '\0';
    return n > 0;
}
