#include "driver/outcome/file_id.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/prng.h"

static uint64_t hash_bytes(const unsigned char *bytes, size_t size)
{
    uint64_t hash = prng_mix(size), word;
    for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = prng_mix(hash ^ word);
    }
    word = 0;
    memcpy(&word, bytes, size);
    return prng_mix(hash ^ word);
}

static uint64_t id_of(int fd)
{
    struct stat info;
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size == 0)
        return 0;
    void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return 0;
    uint64_t hash = hash_bytes(bytes, (size_t)info.st_size);
    munmap(bytes, (size_t)info.st_size);
    return hash;
}

uint64_t file_id(const char *path)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? 0 : id_of(fd);
}
