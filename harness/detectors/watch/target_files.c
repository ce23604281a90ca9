/* See target_files.h for the contract. */
#include "detectors/watch/target_files.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"

#define FILES_MAX 2048
#define RANGES_MAX 1024
#define WORD sizeof(uint64_t)

/* Only grows. One thread writes an entry before it counts it. */
struct ranges {
    _Atomic unsigned n;
    struct target_range ranges[RANGES_MAX];
};

static struct ranges code, data;

/* Load addresses of the files that have been read. */
static uintptr_t seen[FILES_MAX];
static unsigned nseen;
static char libc_folder[256];

static const struct target_range *find(const struct ranges *all, uintptr_t address)
{
    unsigned n = atomic_load_explicit(&all->n, memory_order_acquire);
    for (unsigned i = 0; i < n; i++)
        if (address - all->ranges[i].start < all->ranges[i].end - all->ranges[i].start)
            return &all->ranges[i];
    return NULL;
}

static void add(struct ranges *all, uintptr_t start, uintptr_t end)
{
    unsigned n = atomic_load_explicit(&all->n, memory_order_relaxed);
    if (n == RANGES_MAX || start >= end)
        return;
    all->ranges[n] = (struct target_range){start, end};
    atomic_store_explicit(&all->n, n + 1, memory_order_release);
}

static bool is_new(uintptr_t base)
{
    for (unsigned i = 0; i < nseen; i++)
        if (seen[i] == base)
            return false;
    if (nseen == FILES_MAX)
        return false;
    seen[nseen++] = base;
    return true;
}

static bool is_named(const char *path, const char *start)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, start, strlen(start)) == 0;
}

bool target_files_is_foreign(const char *path)
{
    if (!*path || path[0] != '/' || is_named(path, "libpython3.") || is_named(path, "libstdc++.so") ||
        is_named(path, "libgcc_s.so"))
        return true;
    if (strstr(path, "/site-packages/") || strstr(path, "/dist-packages/"))
        return false;
    return strstr(path, "/lib-dynload/") ||
           (*libc_folder && strncmp(path, libc_folder, strlen(libc_folder)) == 0);
}

/* What the loader uses of a file, which lies in writable segments of files that patchelf changed. */
struct loader_parts {
    struct target_range relro, linkage; /* read-only after relocation; pointers to functions */
    uintptr_t tables[8];
    unsigned ntables;
};

static uintptr_t address_in(const struct dl_phdr_info *file, uintptr_t value)
{
    return value < file->dlpi_addr ? file->dlpi_addr + value : value;
}

static void read_dynamic(const struct dl_phdr_info *file, const ElfW(Dyn) * entry, struct loader_parts *parts)
{
    uintptr_t start = 0, bytes = 0;
    for (; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_PLTGOT)
            start = address_in(file, entry->d_un.d_ptr);
        if (entry->d_tag == DT_PLTRELSZ)
            bytes = entry->d_un.d_val;
        if ((entry->d_tag == DT_STRTAB || entry->d_tag == DT_SYMTAB || entry->d_tag == DT_GNU_HASH ||
             entry->d_tag == DT_RELA || entry->d_tag == DT_JMPREL) &&
            parts->ntables < sizeof parts->tables / sizeof *parts->tables)
            parts->tables[parts->ntables++] = address_in(file, entry->d_un.d_ptr);
    }
    if (start)
        parts->linkage = (struct target_range){start, start + (3 + bytes / sizeof(ElfW(Rela))) * WORD};
}

static bool has_table(const struct loader_parts *parts, uintptr_t start, uintptr_t end)
{
    for (unsigned i = 0; i < parts->ntables; i++)
        if (parts->tables[i] >= start && parts->tables[i] < end)
            return true;
    return false;
}

/* In a segment, the loader's words come first; the linkage table is among the read-only ones or behind them. */
static void add_data(const struct loader_parts *parts, uintptr_t start, uintptr_t end)
{
    const struct target_range *relro = &parts->relro, *linkage = &parts->linkage;
    uintptr_t from = start;
    if (has_table(parts, start, end))
        return;
    if (relro->start < end && relro->end > from) {
        add(&data, from, relro->start);
        from = relro->end;
    }
    if (linkage->start < end && linkage->end > from) {
        add(&data, from, linkage->start);
        from = linkage->end;
    }
    add(&data, from, end);
}

static void add_file(const struct dl_phdr_info *file)
{
    struct loader_parts parts = {0};
    for (int i = 0; i < file->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &file->dlpi_phdr[i];
        uintptr_t start = file->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_GNU_RELRO)
            parts.relro = (struct target_range){start, start + part->p_memsz};
        if (part->p_type == PT_DYNAMIC)
            read_dynamic(file, (const void *)start, &parts); /* NOLINT(performance-no-int-to-ptr) */
        if (part->p_type == PT_LOAD && part->p_flags & PF_X && !(part->p_flags & PF_W))
            add(&code, start, start + part->p_memsz);
    }
    for (int i = 0; i < file->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &file->dlpi_phdr[i];
        uintptr_t start = file->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_LOAD && part->p_flags & PF_W)
            add_data(&parts, start, start + part->p_memsz);
    }
}

static int remember(struct dl_phdr_info *file, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    is_new(file->dlpi_addr);
    return 0;
}

static int read_file(struct dl_phdr_info *file, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    if (is_new(file->dlpi_addr) && !target_files_is_foreign(file->dlpi_name))
        add_file(file);
    return 0;
}

static int find_libc(struct dl_phdr_info *file, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    if (!is_named(file->dlpi_name, "libc.so"))
        return 0;
    char *real = realpath(file->dlpi_name, NULL), *slash = real ? strrchr(real, '/') : NULL;
    if (slash && (size_t)(slash + 1 - real) < sizeof libc_folder)
        memcpy(libc_folder, real, (size_t)(slash + 1 - real));
    free(real);
    return 1;
}

void target_files_start(void)
{
    dl_iterate_phdr(find_libc, NULL);
    dl_iterate_phdr(remember, NULL);
}

void target_files_read(void)
{
    dl_iterate_phdr(read_file, NULL);
}

bool target_files_has_code(uintptr_t pc)
{
    return find(&code, pc);
}

uintptr_t target_files_code_end(uintptr_t pc)
{
    const struct target_range *range = find(&code, pc);
    return range ? range->end : 0;
}

static bool read_range(const struct ranges *all, unsigned number, struct target_range *ret)
{
    if (number >= atomic_load_explicit(&all->n, memory_order_acquire))
        return false;
    *ret = all->ranges[number];
    return true;
}

bool target_files_code(unsigned number, struct target_range *ret)
{
    return read_range(&code, number, ret);
}

bool target_files_data(unsigned number, struct target_range *ret)
{
    return read_range(&data, number, ret);
}

bool target_files_has_data(uintptr_t address)
{
    return find(&data, address);
}

static uint64_t count_words(const struct target_range *range)
{
    uintptr_t first = (range->start + WORD - 1) & ~(WORD - 1);
    return range->end > first ? (range->end - first) / WORD : 0;
}

uintptr_t target_files_random_word(struct prng *prng)
{
    uint64_t total = 0;
    unsigned n = atomic_load_explicit(&data.n, memory_order_acquire);
    for (unsigned i = 0; i < n; i++)
        total += count_words(&data.ranges[i]);
    if (!total)
        return 0;
    uint64_t at = prng_next(prng) % total;
    for (unsigned i = 0; i < n; at -= count_words(&data.ranges[i]), i++)
        if (at < count_words(&data.ranges[i]))
            return ((data.ranges[i].start + WORD - 1) & ~(WORD - 1)) + at * WORD;
    return 0;
}
