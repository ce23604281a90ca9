/* Shared by the files of the doctor only. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "driver/mode/mode_tsan.h"
#include "driver/outcome/outcome.h"
#include "driver/tool/probe.h"

/* Facts that checks establish and that later checks need. A check that cannot run names the first fact it lacks. */
enum doctor_fact {
    DOCTOR_TSAN = 1 << 0, /* ftstress-child-tsan is there; without it no other check of it is printed */
    DOCTOR_TSAN_STARTS = 1 << 1, /* nothing keeps ThreadSanitizer from starting */
    DOCTOR_CHILD = 1 << 2,       /* ftstress-child runs: child_abi, child_python */
    DOCTOR_INTERPRETER = 1 << 3, /* the interpreter runs: probe */
    DOCTOR_FREE_THREADED = 1 << 4,
    DOCTOR_TSAN_CANARY = 1 << 5,  /* it reports the planted race: tsan */
    DOCTOR_TSAN_GIL_OFF = 1 << 6, /* a child with all packages imported ran with the GIL off: outcome */
    DOCTOR_TSAN_IMPORT = 1 << 7,  /* that child came to its end */
    DOCTOR_ABI = 1 << 8,          /* the child is for this interpreter */
    DOCTOR_FACTS = 9
};

struct doctor {
    FILE *text;                     /* what the check at hand looked at, and the result */
    FILE *remedy;                   /* what the user can do; empty when ok */
    const char *asked, *child_path; /* either may be NULL */
    unsigned facts;                 /* bits of enum doctor_fact */
    char child_abi[PROBE_ABI_SIZE];
    char *child_python;
    struct probe probe;
    struct tsan tsan;
    struct outcome outcome; /* of the child under ThreadSanitizer that imports all packages */
};

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_SKIP, /* there is nothing to check */
    DOCTOR_WARN,
    DOCTOR_BROKEN, /* runs cannot work */
    DOCTOR_LEVELS
};

typedef enum doctor_level doctor_look(struct doctor *doctor);

/* Both print the result of a check and return `level`. */
__attribute__((format(printf, 4, 5))) enum doctor_level
doctor_say(struct doctor *doctor, enum doctor_level level, const char *remedy, const char *text, ...);
enum doctor_level doctor_say_sentence(struct doctor *doctor, enum doctor_level level,
                                      const struct sentence *sentence);

/* doctor_programs.c */
doctor_look doctor_child, doctor_interpreter, doctor_abi, doctor_assumptions, doctor_gil, doctor_environment,
    doctor_valgrind;

/* doctor_packages.c */
doctor_look doctor_numpy, doctor_packages;
/* Names of the compiled packages, separated by blanks. The caller's; NULL with a reason where they cannot be listed. */
char *doctor_package_names(const struct probe *probe, char *reason, size_t size);

/* doctor_symbols.c */
doctor_look doctor_symbols;
/* Does the ELF file have a symbol table beside the exported symbols? */
bool doctor_has_symbols(const char *path);

/* doctor_machine.c, doctor_limits.c */
doctor_look doctor_stepping, doctor_arena, doctor_ptrace, doctor_perf, doctor_aslr, doctor_system;
doctor_look doctor_processors, doctor_memory, doctor_limits;

/* doctor_tsan.c: what `run --tsan` needs. */
doctor_look doctor_tsan, doctor_tsan_layout, doctor_tsan_limit, doctor_tsan_canary, doctor_tsan_gil,
    doctor_tsan_import, doctor_tsan_files;
