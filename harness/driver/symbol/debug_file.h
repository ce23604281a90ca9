/* Separate files of debug information, found on this machine only. Driver, one thread. */
#pragma once

#include <elfutils/libdwfl.h>

/* A callback of libdwfl's. The standard one ends with a query to the servers of DEBUGINFOD_URLS, and waits for them. */
int debug_file_find(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base, const char *path,
                    const char *link, GElf_Word crc, char **ret_path);
