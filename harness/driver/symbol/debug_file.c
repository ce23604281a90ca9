#include "driver/symbol/debug_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

static bool has_build_id(int fd, const unsigned char *id, int size)
{
    const void *found;
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    bool same = elf && dwelf_elf_gnu_build_id(elf, &found) == size && memcmp(found, id, (size_t)size) == 0;
    elf_end(elf);
    return same;
}

/* Opens the file that a module's .gnu_debuglink names, if it has the build ID. Returns its descriptor, or -1. */
static int open_link(const char *path, const char *link, const unsigned char *id, int size, char **ret_path)
{
    static const char *const places[][2] = {{"", ""}, {"", "/.debug"}, {"/usr/lib/debug", ""}};
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        char *file;
        if (asprintf(&file, "%s%.*s%s/%s", places[i][0], (int)(slash - path), path, places[i][1], link) < 0)
            return -1;
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && has_build_id(fd, id, size)) {
            *ret_path = file;
            return fd;
        }
        free(file);
        fd_close(&fd);
    }
    return -1;
}

/* With a link but no build ID there is nothing that a server could be queried for. libdw itself opens the file that
 * several files share (.gnu_debugaltlink), for which crc is 0. */
int debug_file_find(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base, const char *path,
                    const char *link, GElf_Word crc, char **ret_path)
{
    const unsigned char *id;
    GElf_Addr address;
    int size = dwfl_module_build_id(module, &id, &address);
    if (link && crc && size <= 0)
        return dwfl_standard_find_debuginfo(module, userdata, name, base, path, link, crc, ret_path);
    int fd = dwfl_build_id_find_debuginfo(module, userdata, name, base, path, link, crc, ret_path);
    return fd >= 0 || !link || !crc || !path ? fd : open_link(path, link, id, size, ret_path);
}
