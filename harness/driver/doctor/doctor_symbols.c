/* Does symbolising find function names, in ftstress and in the interpreter? */
#include "driver/doctor/doctor_inside.h"

#include <fcntl.h>
#include <gelf.h>
#include <string.h>

#include "base/fd.h"
#include "driver/symbol/symbol.h"

bool doctor_has_symbols(const char *path)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    elf_version(EV_CURRENT);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    bool found = false;
    while (elf && !found && (section = elf_nextscn(elf, section)))
        found = gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB;
    elf_end(elf);
    return found;
}

static bool finds_own_function(void)
{
    cleanup_free char *maps = NULL;
    const uint64_t address = (uint64_t)(uintptr_t)doctor_symbols;
    struct symbols *symbols;
    struct symbol_stack stack;
    bool found = false;
    if (fd_read_file("/proc/self/maps", &maps, NULL) < 0 || symbols_open(maps, &symbols) < 0)
        return false;
    if (symbols_stack(symbols, &address, 1, true, &stack) == 0) {
        const char *function = stack.nframes ? stack.frames[stack.nframes - 1].function : NULL;
        found = function && strcmp(function, "doctor_symbols") == 0;
        symbol_stack_free(&stack);
    }
    symbols_close(symbols);
    return found;
}

enum doctor_level doctor_symbols(struct doctor *doctor)
{
    if (!finds_own_function())
        return doctor_say(doctor, DOCTOR_WARN, "do not strip ftstress; mount /proc",
                          "a function of ftstress itself is not found: stacks show addresses only");
    if (!(doctor->facts & DOCTOR_INTERPRETER))
        return doctor_say(doctor, DOCTOR_OK, NULL, "function names are found in ftstress");
    if (!doctor_has_symbols(doctor->probe.library))
        return doctor_say(doctor, DOCTOR_WARN,
                          "use a build of the interpreter that is not stripped, or install its -dbg package",
                          "%s is stripped: stacks name only exported functions", doctor->probe.library);
    return doctor_say(doctor, DOCTOR_OK, NULL, "function names are found in ftstress and in %s",
                      doctor->probe.library);
}
