/* See board.h for the contract. */
#include "core/wire/board.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

int board_open(int fd, struct board **ret_board)
{
    int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
    void *at = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    *ret_board = at;
    return 0;
}

int board_create(int *ret_fd, struct board **ret_board)
{
    int fd = memfd_create("ftstress-board", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = ftruncate(fd, sizeof(struct board)) < 0 ? -errno : board_open(fd, ret_board);
    if (error)
        close(fd);
    else
        *ret_fd = fd;
    return error;
}

void board_close(struct board *board)
{
    if (board)
        munmap(board, sizeof *board);
}

void board_sum(const struct board *board, struct board_totals *totals)
{
    *totals = (struct board_totals){0};
    for (unsigned i = 0; i <= BOARD_MAIN; i++) {
        const struct board_slot *slot = &board->slots[i];
        uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
        totals->progress += sequence;
        if (i == BOARD_MAIN) {
            totals->serial = sequence / 2;
            break;
        }
        totals->calls += sequence / 2;
        totals->sampled += atomic_load_explicit(&slot->sampled, memory_order_relaxed);
        totals->overlapped += atomic_load_explicit(&slot->overlapped, memory_order_relaxed);
    }
    totals->progress += atomic_load_explicit(&board->rounds, memory_order_relaxed);
    totals->progress += atomic_load_explicit(&board->phase, memory_order_relaxed);
}

bool board_others_inside(const struct board *board, unsigned threads, unsigned self)
{
    for (unsigned i = 1; i < threads; i++) {
        unsigned other = self + i < threads ? self + i : self + i - threads;
        if (atomic_load_explicit(&board->slots[other].sequence, memory_order_relaxed) & 1)
            return true;
    }
    return false;
}

void board_overlap(const struct board *board, struct board_overlap *overlap)
{
    for (unsigned i = 0; i < BOARD_STATEMENTS; i++) {
        overlap->looks[i] += atomic_load_explicit(&board->looks[i], memory_order_relaxed);
        for (unsigned k = 0; k < BOARD_STATEMENTS; k++)
            overlap->pairs[i][k] += atomic_load_explicit(&board->pairs[i][k], memory_order_relaxed);
    }
}

unsigned board_inside(const struct board *board, unsigned worker, uint64_t *ret_calls)
{
    const struct board_slot *slot = &board->slots[worker];
    uint64_t sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed);
    *ret_calls = sequence / 2;
    if (!(sequence & 1))
        return 0;
    return 1 + atomic_load_explicit(&slot->step, memory_order_relaxed);
}
