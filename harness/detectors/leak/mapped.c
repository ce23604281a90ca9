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

struct mapping {
    uintptr_t from, to;
    const char *rights; /* "rwxp" */
    bool has_name;
};

/* Reads "from-to r-xp 00000000 00:00 0", and a name or none. Returns the next line. */
static const char *read_mapping(const char *line, struct mapping *ret)
{
    size_t length = strcspn(line, "\n");
    char *end;
    *ret = (struct mapping){.from = strtoull(line, &end, 16), .rights = "----"};
    if (*end == '-')
        ret->to = strtoull(end + 1, &end, 16);
    if (strncmp(end, " ", 1) == 0)
        ret->rights = end + 1;
    ret->has_name = memchr(line, '/', length) || memchr(line, '[', length);
    return line + length + (line[length] == '\n');
}

int64_t mapped_code(bool writable)
{
    struct mapping mapping;
    int64_t sum = 0;
    for (const char *line = read_text("/proc/self/maps"); *line;) {
        line = read_mapping(line, &mapping);
        if (mapping.rights[2] == 'x' && (writable || mapping.rights[1] != 'w') && !mapping.has_name)
            sum += (int64_t)(mapping.to - mapping.from);
    }
    return sum;
}

void mapped_writable(void (*visit)(void *context, uintptr_t from, uintptr_t to), void *context)
{
    struct mapping mapping;
    for (const char *line = read_text("/proc/self/maps"); *line;) {
        line = read_mapping(line, &mapping);
        if (strncmp(mapping.rights, "rw", 2) == 0 && mapping.rights[3] == 'p')
            visit(context, mapping.from, mapping.to);
    }
}
