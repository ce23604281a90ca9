/* Resident memory of a process. Any thread; allocates nothing. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* pid 0 is the calling process. In bytes; 0: not known. */
uint64_t resident_bytes(pid_t pid);
