/* Target files: the loaded files under test, with their code and their writable data.
 *
 * Contract. A file is the target's unless it was loaded before Python started (the harness, its libraries, libc), or is
 * a part of the interpreter (lib-dynload, libpython) or of the system (below the folder of libc, without site-packages;
 * libstdc++ and libgcc_s in any folder). Child main calls target_files_start once, before Python starts. Then one
 * thread at a time reads the loaded files, outside of signal handlers. Ranges are only added, so every other function
 * runs on any thread at any time, signal handlers included. A range of an unloaded file stays.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct prng;

struct target_range {
    uintptr_t start, end;
};

void target_files_start(void);

/* Adds the target files that are loaded since the last reading. */
void target_files_read(void);

/* Is a file with this path a part of the interpreter or of the system? */
bool target_files_is_foreign(const char *path);
bool target_files_has_code(uintptr_t pc);

/* The end of the code that contains pc; 0: no target file has it. */
uintptr_t target_files_code_end(uintptr_t pc);

/* The range of code or of data with this number, from 0 on. Returns false behind the last one. */
bool target_files_code(unsigned number, struct target_range *ret);
bool target_files_data(unsigned number, struct target_range *ret);

/* Writable data that the loader does not write: no relocations that become read-only, no procedure linkage table. */
bool target_files_has_data(uintptr_t address);

/* A random aligned word of these data; 0: there are none. */
uintptr_t target_files_random_word(struct prng *prng);
