/* Resident memory of a process. Any thread; allocates nothing. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* pid: 0 for the caller's own. In bytes; 0 when it cannot be told. */
uint64_t resident_bytes(pid_t pid);
