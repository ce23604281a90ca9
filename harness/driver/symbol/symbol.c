/* See symbol.h. libdwfl opens a module's symbols and debug information at the first address in it. */
#include "driver/symbol/symbol.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/path.h"
#include "driver/symbol/debug_file.h"
#include "driver/symbol/demangle.h"

#define VDSO "[vdso]"
#define MAX_SCOPES 64
#define BASE_FRAMES 2 /* at most, that start a thread */
#define BSS_PAGES 256 /* at most, of variables without initial values */

/* A look-up reads the whole symbol table of a module, and stacks share most of their addresses: hence a cache. */
#define NAMES 4096

struct symbols {
    Dwfl *dwfl;
    struct {
        uint64_t pc;
        const char *name; /* libdw's, or NULL */
        bool is_weak;
    } names[NAMES];
};

/* An address and its module. */
struct spot {
    Dwfl_Module *module;
    const char *path;
    uint64_t address;
    uint64_t pc; /* address to look up: of a return address, the byte before it */
    uint64_t offset;
};

/* Names of one frame, borrowed from libdw. */
struct view {
    const char *function;
    const char *file;
    int line;
    bool is_inline, is_weak;
};

/* Outermost first. */
struct scopes {
    size_t n;
    Dwarf_Die dies[MAX_SCOPES];
};

static size_t vdso_size(const char *maps, uint64_t *ret_start)
{
    const char *line = strstr(maps, VDSO "\n");
    while (line && line > maps && line[-1] != '\n')
        line--;
    unsigned long long start, end;
    if (!line || sscanf(line, "%llx-%llx", &start, &end) != 2 || end <= start)
        return 0;
    *ret_start = start;
    return end - start;
}

/* The kernel gives every process the same vdso, so ours serves for a process that is gone. */
static int find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base, char **ret_path,
                    Elf **ret_elf)
{
    if (strcmp(name, VDSO) != 0)
        return dwfl_linux_proc_find_elf(module, userdata, name, base, ret_path, ret_elf);
    ElfW(Ehdr) *image = (void *)getauxval(AT_SYSINFO_EHDR);
    if (image)
        *ret_elf = elf_memory((char *)image, image->e_shoff + (size_t)image->e_shnum * image->e_shentsize);
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = find_elf,
    .find_debuginfo = debug_file_find,
};

/* The maps of a dying process may be cut short: the incomplete last line is left out. */
static int report_maps(Dwfl *dwfl, const char *maps)
{
    const char *end = strrchr(maps, '\n');
    FILE *stream = fmemopen((void *)maps, end ? (size_t)(end + 1 - maps) : 0, "r");
    if (!stream)
        return -errno;
    dwfl_report_begin(dwfl);
    int error = dwfl_linux_proc_maps_report(dwfl, stream);
    uint64_t start;
    size_t size = vdso_size(maps, &start);
    if (size > 0)
        dwfl_report_module(dwfl, VDSO, start, start + size);
    dwfl_report_end(dwfl, NULL, NULL);
    fclose(stream);
    return error < 0 ? -EINVAL : -error;
}

int symbols_open(const char *maps, struct symbols **ret_symbols)
{
    struct symbols *symbols = calloc(1, sizeof *symbols);
    if (!symbols)
        return -ENOMEM;
    symbols->dwfl = dwfl_begin(&callbacks);
    int error = symbols->dwfl ? report_maps(symbols->dwfl, maps) : -ENOMEM;
    if (error)
        symbols_close(symbols);
    else
        *ret_symbols = symbols;
    return error;
}

void symbols_close(struct symbols *symbols)
{
    if (symbols)
        dwfl_end(symbols->dwfl);
    free(symbols);
}

static int copy(char **ret_copy, const char *text)
{
    if (!text)
        return 0;
    return (*ret_copy = strdup(text)) ? 0 : -ENOMEM;
}

static int push(struct symbol_stack *stack, const struct spot *spot, const struct view *view)
{
    struct symbol_frame *frame = LIST_ADD(stack->frames, stack->nframes);
    if (!frame)
        return -ENOMEM;
    *frame = (struct symbol_frame){.address = spot->address,
                                   .offset = spot->offset,
                                   .line = view->line,
                                   .is_inline = view->is_inline,
                                   .is_weak = view->is_weak};
    if (copy(&frame->module, spot->path) < 0 || copy(&frame->file, view->file) < 0)
        return -ENOMEM;
    if (!view->function)
        return 0;
    /* Without the version of malloc@@GLIBC_2.2.5, signatures do not depend on the C library. */
    cleanup_free char *plain = strndup(view->function, strcspn(view->function, "@"));
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return plain ? demangle(plain, &frame->function) : -ENOMEM;
}

/* .debug_aranges may give the addresses of units that clang compiled to a neighbour. */
static Dwarf_Die *find_unit(const struct spot *spot, Dwarf_Addr *ret_bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(spot->module, spot->pc, ret_bias);
    if (unit && dwarf_haspc(unit, spot->pc - *ret_bias) > 0)
        return unit;
    unit = NULL;
    while ((unit = dwfl_module_nextcu(spot->module, unit, ret_bias)))
        if (dwarf_haspc(unit, spot->pc - *ret_bias) > 0)
            break;
    return unit;
}

static void show_line(struct view *view, Dwarf_Die *unit, Dwarf_Addr pc)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, pc);
    if (!line)
        return;
    view->file = dwarf_linesrc(line, NULL, NULL);
    dwarf_lineno(line, &view->line);
}

/* Namespaces and types have no addresses of their own; C++ and Rust put functions in them. */
static bool is_container(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
           tag == DW_TAG_class_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

/* Finds the function around pc and those inlined into it there. dwarf_getscopes does not find an inlined function that
 * is defined in another unit, as link-time optimisation makes them. */
static void find_scopes(Dwarf_Die *parent, Dwarf_Addr pc, struct scopes *scopes)
{
    Dwarf_Die child;
    size_t before = scopes->n;
    for (int end = dwarf_child(parent, &child); end == 0; end = dwarf_siblingof(&child, &child)) {
        int tag = dwarf_tag(&child);
        bool has_pc = dwarf_haspc(&child, pc) > 0;
        if (!has_pc && !is_container(tag))
            continue;
        if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) && scopes->n < MAX_SCOPES)
            scopes->dies[scopes->n++] = child;
        find_scopes(&child, pc, scopes);
        if (has_pc || scopes->n > before)
            return;
    }
}

/* The linkage name where there is one, as in a symbol table. */
static const char *scope_name(Dwarf_Die *scope)
{
    Dwarf_Attribute attribute;
    const char *name = dwarf_formstring(dwarf_attr_integrate(scope, DW_AT_linkage_name, &attribute));
    return name ? name : dwarf_diename(scope);
}

static Dwarf_Word scope_number(Dwarf_Die *scope, unsigned int name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word number = 0;
    dwarf_formudata(dwarf_attr(scope, name, &attribute), &number);
    return number;
}

static void show_call(struct view *view, Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files;
    size_t nfiles, file = scope_number(inlined, DW_AT_call_file);
    view->line = (int)scope_number(inlined, DW_AT_call_line);
    bool is_known = dwarf_getsrcfiles(unit, &files, &nfiles) == 0 && file < nfiles;
    view->file = is_known ? dwarf_filesrc(files, file, NULL, NULL) : NULL;
}

/* Pushes the inlined functions; *view is then the function that contains them. */
static int push_inlined(struct symbol_stack *stack, const struct spot *spot, Dwarf_Die *unit, Dwarf_Addr pc,
                        struct view *view)
{
    struct scopes scopes = {0};
    find_scopes(unit, pc, &scopes);
    for (size_t i = scopes.n; i-- > 0;) {
        Dwarf_Die *scope = &scopes.dies[i];
        view->function = scope_name(scope);
        view->is_inline = dwarf_tag(scope) == DW_TAG_inlined_subroutine;
        if (!view->is_inline)
            return 0;
        if (push(stack, spot, view) < 0)
            return -ENOMEM;
        show_call(view, unit, scope);
    }
    return 0;
}

/* Sets the name of the symbol there, if there is one. */
static void show_symbol(struct view *view, struct symbols *symbols, const struct spot *spot)
{
    GElf_Off distance;
    GElf_Sym symbol = {0};
    unsigned slot = (unsigned)(spot->pc * UINT64_C(0x9e3779b97f4a7c15) >> 52);
    if (symbols->names[slot].pc != spot->pc) {
        symbols->names[slot].name =
            dwfl_module_addrinfo(spot->module, spot->pc, &distance, &symbol, NULL, NULL, NULL);
        symbols->names[slot].pc = spot->pc;
        symbols->names[slot].is_weak = GELF_ST_BIND(symbol.st_info) == STB_WEAK;
    }
    if (symbols->names[slot].name)
        view->function = symbols->names[slot].name;
    view->is_weak = symbols->names[slot].name && symbols->names[slot].is_weak;
}

/* Pushes a frame, with its source line and the functions inlined there if asked. */
static int push_spot(struct symbols *symbols, struct symbol_stack *stack, const struct spot *spot, bool lines)
{
    struct view view = {0};
    if (!spot->module)
        return push(stack, spot, &view);
    Dwarf_Addr bias;
    Dwarf_Die *unit = lines ? find_unit(spot, &bias) : NULL;
    if (unit) {
        show_line(&view, unit, spot->pc - bias);
        if (push_inlined(stack, spot, unit, spot->pc - bias, &view) < 0)
            return -ENOMEM;
    }
    show_symbol(&view, symbols, spot);
    return push(stack, spot, &view);
}

static bool is_trampoline(Dwfl_Module *module, uint64_t pc)
{
    Dwarf_Addr bias;
    Dwarf_Frame *frame;
    bool is_signal = false;
    Dwarf_CFI *cfi = dwfl_module_eh_cfi(module, &bias);
    if (!cfi || dwarf_cfi_addrframe(cfi, pc - bias, &frame) != 0)
        return false;
    dwarf_frame_info(frame, NULL, NULL, &is_signal);
    free(frame);
    return is_signal;
}

/* A handler returns to the first instruction of a signal trampoline, so that address is exact, and so is the address
 * of the interrupted frame. */
static void find_spot(Dwfl *dwfl, uint64_t address, bool *exact, struct spot *ret_spot)
{
    struct spot spot = {.address = address, .pc = *exact ? address : address - 1, .offset = address};
    spot.module = dwfl_addrmodule(dwfl, spot.pc);
    *exact = spot.module && is_trampoline(spot.module, spot.pc);
    if (*exact)
        spot.pc = address;
    if (spot.module) {
        Dwarf_Addr bias;
        spot.path = dwfl_module_info(spot.module, NULL, &bias, NULL, NULL, NULL, NULL, NULL);
        dwfl_module_getelf(spot.module, &bias);
        spot.offset = address - bias;
    }
    *ret_spot = spot;
}

/* Did this function of another module start the thread? Its line is of no use, and takes long in a compressed file. */
static bool is_base(const struct symbols *symbols, const uint64_t *addresses, size_t n, size_t i)
{
    const Dwfl_Module *base = dwfl_addrmodule(symbols->dwfl, addresses[n - 1] - 1);
    return i + BASE_FRAMES >= n && base != dwfl_addrmodule(symbols->dwfl, addresses[0]) &&
           base == dwfl_addrmodule(symbols->dwfl, addresses[i] - 1);
}

int symbols_stack(struct symbols *symbols, const uint64_t *addresses, size_t n, bool exact_first,
                  struct symbol_stack *ret_stack)
{
    struct symbol_stack stack = {0};
    bool exact = exact_first;
    for (size_t i = 0; i < n; i++) {
        struct spot spot;
        find_spot(symbols->dwfl, addresses[i], &exact, &spot);
        if (push_spot(symbols, &stack, &spot, !is_base(symbols, addresses, n, i)) < 0) {
            symbol_stack_free(&stack);
            return -ENOMEM;
        }
    }
    *ret_stack = stack;
    return 0;
}

void symbol_stack_free(struct symbol_stack *stack)
{
    for (size_t i = 0; i < stack->nframes; i++) {
        free(stack->frames[i].function);
        free(stack->frames[i].module);
        free(stack->frames[i].file);
    }
    free(stack->frames);
    *stack = (struct symbol_stack){0};
}

bool symbols_is_call(struct symbols *symbols, uint64_t address)
{
    static const unsigned char instruction[] = {0x0f, 0x05};
    Dwfl_Module *module = dwfl_addrmodule(symbols->dwfl, address);
    Dwarf_Addr bias, at = address;
    Elf_Scn *section = module ? dwfl_module_address_section(module, &at, &bias) : NULL;
    const Elf_Data *code = section ? elf_rawdata(section, NULL) : NULL;
    for (size_t back = 0; code && code->d_buf && back <= 2; back += 2)
        if (at >= back && at - back + 2 <= code->d_size &&
            memcmp((const char *)code->d_buf + at - back, instruction, 2) == 0)
            return true;
    return false;
}

/* Variables without initial values (.bss) are mapped without the file, right behind the module. */
static Dwfl_Module *find_module(struct symbols *symbols, uint64_t address)
{
    Dwfl_Module *module = dwfl_addrmodule(symbols->dwfl, address);
    for (unsigned page = 1; !module && page <= BSS_PAGES; page++)
        module = dwfl_addrmodule(symbols->dwfl, address - (uint64_t)page * 4096);
    return module;
}

/* libdw rounds the ends of a module up, so that memory of a neighbour may count as its own. */
static bool is_inside(Dwfl_Module *module, uint64_t address)
{
    Dwarf_Addr start, end;
    dwfl_module_info(module, NULL, &start, &end, NULL, NULL, NULL, NULL);
    return address >= start && address < end;
}

int symbols_variable(struct symbols *symbols, uint64_t address, char **ret_text)
{
    Dwfl_Module *module = find_module(symbols, address);
    Dwarf_Addr bias = 0;
    GElf_Off distance = 0;
    GElf_Sym symbol;
    if (!module || !dwfl_module_getelf(module, &bias)) /* any file can be mapped */
        return -ENOENT;
    const char *path = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    const char *file = path_base(path),
               *name = dwfl_module_addrinfo(module, address, &distance, &symbol, NULL, NULL, NULL);
    bool named = name && distance < symbol.st_size;
    if (!named && !is_inside(module, address))
        return -ENOENT;
    cleanup_free char *plain = NULL;
    if (named && demangle(name, &plain) == 0)
        name = plain;
    int n = !named ? asprintf(ret_text, "%s+%#llx", file ? file : "??", (unsigned long long)(address - bias))
            : distance > 0 ? asprintf(ret_text, "%s+%#llx in %s", name, (unsigned long long)distance, file)
                           : asprintf(ret_text, "%s in %s", name, file);
    return n < 0 ? -ENOMEM : 0;
}
