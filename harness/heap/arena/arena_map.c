/* The map of readable memory, from /proc, without allocating. */
#include "heap/arena/arena_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE 512 /* the name of the file may be cut */

/* Lines of a file in /proc, read piece by piece. */
struct lines {
    int fd;
    size_t used, at;
    char bytes[8192];
};

/* Cuts long lines. Returns false at the end of the file. */
static bool next_line(struct lines *lines, char line[static LINE])
{
    size_t length = 0;
    for (;;) {
        if (lines->at == lines->used) {
            ssize_t n = read(lines->fd, lines->bytes, sizeof lines->bytes);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return false;
            lines->used = (size_t)n;
            lines->at = 0;
        }
        char byte = lines->bytes[lines->at++];
        if (byte == '\n')
            break;
        if (length + 1 < LINE)
            line[length++] = byte;
    }
    line[length] = '\0';
    return true;
}

/* "low-high rw-p …". Joins neighbours. */
static int add_line(struct arena_walker *walker, const char *line)
{
    char *rest;
    uintptr_t low = strtoull(line, &rest, 16);
    uintptr_t high = *rest == '-' ? strtoull(rest + 1, &rest, 16) : 0;
    if (strncmp(rest, " rw", 3) != 0)
        return 0;
    struct arena_map *last = walker->nmaps ? &walker->maps[walker->nmaps - 1] : NULL;
    if (last && last->high == low) {
        last->high = high;
        return 0;
    }
    if (walker->nmaps == ARENA_MAPS)
        return -E2BIG;
    walker->maps[walker->nmaps++] = (struct arena_map){low, high};
    return 0;
}

int arena_map_read(struct arena_walker *walker)
{
    struct lines lines = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    char line[LINE];
    int error = 0;
    walker->nmaps = 0;
    if (lines.fd < 0)
        return -errno;
    while (error == 0 && next_line(&lines, line))
        error = add_line(walker, line);
    close(lines.fd);
    return error;
}

bool arena_is_mapped(const struct arena_walker *walker, uintptr_t address, size_t size)
{
    unsigned low = 0, high = walker->nmaps;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (walker->maps[middle].high <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < walker->nmaps && walker->maps[low].low <= address &&
           size <= walker->maps[low].high - address;
}

/* Field 47 of /proc/self/stat; field 2 is a name in parentheses that may contain blanks. */
uintptr_t arena_find_break(void)
{
    struct lines lines = {.fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC)};
    char line[2 * LINE];
    if (lines.fd < 0)
        return 0;
    bool has_line = next_line(&lines, line);
    close(lines.fd);
    char *at = has_line ? strrchr(line, ')') : NULL;
    for (int field = 2; at && field < 47; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}
