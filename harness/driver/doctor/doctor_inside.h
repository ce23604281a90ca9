/* What the files of the doctor share; nobody else's. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "driver/outcome/outcome.h"
#include "driver/tool/probe.h"
#include "driver/tool/tsan.h"

/* What the checks of ThreadSanitizer tell one another. */
struct doctor_tsan {
    const char *urls;  /* DEBUGINFOD_URLS as it was when the program started, or NULL */
    const char *lacks; /* what the checks that follow need, and there is not; NULL: nothing is missing */
    struct tsan tsan;
    struct outcome outcome; /* of the child that imports the packages */
    char *distrust;         /* why it cannot be trusted, or NULL */
};

/* What checks leave to those after them. */
struct doctor {
    const char *asked, *child_path; /* either may be NULL */
    bool has_child, has_probe;      /* whether what follows is known */
    char child_abi[PROBE_ABI_SIZE];
    char *child_python;
    struct probe probe;
    struct doctor_tsan tsan;
};

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_SKIP, /* what it looks at is not there */
    DOCTOR_WARN,
    DOCTOR_BROKEN, /* runs cannot work */
    DOCTOR_LEVELS
};

struct doctor_answer {
    FILE *text;   /* what was seen */
    FILE *advice; /* what to do about it; empty when ok */
};

typedef enum doctor_level doctor_look(struct doctor *doctor, struct doctor_answer *answer);

/* A line of the output. */
struct doctor_check {
    const char *name;
    doctor_look *look;
};

/* Writes both. Returns `level`. */
__attribute__((format(printf, 4, 5))) enum doctor_level
doctor_say(struct doctor_answer *answer, enum doctor_level level, const char *advice, const char *text, ...);
/* The same with a sentence of others: what is wrong; what to do. */
enum doctor_level doctor_say_sentence(struct doctor_answer *answer, enum doctor_level level,
                                      const char *sentence);

/* doctor_programs.c: what runs are made of. The child and the interpreter come first: the others ask for them. */
doctor_look doctor_child, doctor_interpreter, doctor_abi, doctor_gil, doctor_environment, doctor_valgrind;

/* doctor_packages.c: does what is compiled import? */
doctor_look doctor_numpy, doctor_packages;
/* Names of the compiled packages, separated by blanks: the caller's, or NULL where they cannot be listed. */
char *doctor_package_names(const struct probe *probe);

/* doctor_symbols.c: are functions found? From here on DEBUGINFOD_URLS is not set in this process. */
doctor_look doctor_symbols;
/* Has the ELF file a symbol table, beyond what it exports? */
bool doctor_has_symbols(const char *path);

/* doctor_machine.c: what the machine allows. doctor_limits.c: how much it has. */
doctor_look doctor_stepping, doctor_arena, doctor_ptrace, doctor_perf, doctor_aslr, doctor_system;
doctor_look doctor_processors, doctor_memory, doctor_limits;

/* doctor_tsan.c: the checks of what `run --tsan` needs, in order. They change this process as tsan_prepare does, and
 * so are the last to look. */
const struct doctor_check *doctor_tsan_checks(size_t *ret_n);
void doctor_tsan_clear(struct doctor_tsan *tsan);
