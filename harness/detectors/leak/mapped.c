#include "detectors/leak/mapped.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a whole file, without the heap. */
static const char *read_text(const char *path)
{
    static char text[1 << 20];
    size_t size = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && size + 1 < sizeof text && (n = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)n;
    if (fd >= 0)
        close(fd);
    text[size] = '\0';
    return text;
}

/* "from-to r-xp 00000000 00:00 0" and no path. */
int64_t mapped_code(bool writable)
{
    int64_t sum = 0;
    for (const char *line = read_text("/proc/self/maps"); *line;) {
        size_t length = strcspn(line, "\n");
        char *end;
        unsigned long long from = strtoull(line, &end, 16),
                           to = *end == '-' ? strtoull(end + 1, &end, 16) : 0;
        if (strncmp(end, " ", 1) == 0 && end[3] == 'x' && (writable || end[2] != 'w') &&
            !memchr(line, '/', length) && !memchr(line, '[', length))
            sum += (int64_t)(to - from);
        line += length + (line[length] == '\n');
    }
    return sum;
}
