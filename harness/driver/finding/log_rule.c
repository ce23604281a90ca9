#include "driver/finding/log_rule.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"

#define FATAL "Fatal Python error: "
/* CPython's debug hooks fill freed memory with 0xdd, the byte that names the allocator's API included. */
#define BLOCK "Debug memory block at address p="
#define FREED ": API '\xdd'"

/* The first that matches a line counts: some fatal errors are messages of CPython's debug hooks. */
static const struct log_rule rules[] = {
    {FREED, FINDING_DOUBLE_FREE, true},
    {BLOCK, FINDING_HEAP_CORRUPTION, true},
    {"Python memory allocator called without holding the GIL", FINDING_CRASH, true},
    {"double free detected", FINDING_DOUBLE_FREE, false},
    {"double free or corruption", FINDING_HEAP_CORRUPTION, false},
    {"free(): ", FINDING_HEAP_CORRUPTION, false},
    {"malloc(): ", FINDING_HEAP_CORRUPTION, false},
    {"malloc_consolidate(): ", FINDING_HEAP_CORRUPTION, false},
    {"realloc(): ", FINDING_HEAP_CORRUPTION, false},
    {"calloc(): ", FINDING_HEAP_CORRUPTION, false},
    {"munmap_chunk(): invalid pointer", FINDING_HEAP_CORRUPTION, false},
    {"mremap_chunk(): invalid pointer", FINDING_HEAP_CORRUPTION, false},
    {"corrupted size vs. prev_size", FINDING_HEAP_CORRUPTION, false},
    {"corrupted double-linked list", FINDING_HEAP_CORRUPTION, false},
    {"break adjusted to free malloc space", FINDING_HEAP_CORRUPTION, false},
    {"sysmalloc: Assertion", FINDING_HEAP_CORRUPTION, false},
    {"Fatal glibc error: malloc", FINDING_HEAP_CORRUPTION, false},
    {"mimalloc: error: ", FINDING_HEAP_CORRUPTION, false},
    {"*** stack smashing detected ***", FINDING_CRASH, false},
    {"*** buffer overflow detected ***", FINDING_CRASH, false},
    {"terminate called", FINDING_CRASH, false},
    {"pure virtual method called", FINDING_CRASH, false},
    {FATAL, FINDING_INTERPRETER_FAULT, false},
    {"negative ref count", FINDING_REFCOUNT_UNDERFLOW, false},
};

/* A handler that prints the stacks at a crash, such as faulthandler's, names the signal: no fault of the interpreter.
 * Several threads that crash together mix their texts, and leave a line without a name, too. */
static bool names_signal(const char *line, size_t length)
{
    static const char *const names[] = {"Segmentation fault", "Bus error", "Illegal instruction",
                                        "Floating-point exception", "Aborted"};
    const char *fatal = memmem(line, length, FATAL, sizeof FATAL - 1);
    const char *rest = fatal ? fatal + sizeof FATAL - 1 : NULL;
    bool named = fatal && rest == line + length;
    for (size_t i = 0; fatal && !named && i < sizeof names / sizeof *names; i++)
        named = memmem(rest, (size_t)(line + length - rest), names[i], strlen(names[i]));
    return named;
}

const struct log_rule *log_rule_find(const char *text, char **ret_line)
{
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
            if (memmem(text, length, rules[i].sentence, strlen(rules[i].sentence)) &&
                !names_signal(text, length)) {
                *ret_line = strndup(text, length);
                return &rules[i];
            }
        text += length + (text[length] == '\n');
    }
    return NULL;
}

/* Returns the rest of the line after `before`. The caller frees it. */
static char *rest_of_line(const char *text, const char *before)
{
    const char *at = strstr(text, before);
    at = at ? at + strlen(before) : "";
    return strndup(at, strcspn(at, "\n"));
}

/* Lists the wrong bytes as "tail+1 0x41, …", from lines like " at tail+1: 0x41 *** OUCH". */
static void list_wrong_bytes(const char *text, const char *end, FILE *out)
{
    static const char before[] = "        at ";
    const char *comma = ": ";
    for (const char *at = text; (at = strstr(at, before)) && at < end; at += sizeof before - 1) {
        char where[16], byte[8], ouch[4];
        if (sscanf(at, " at %15[^:]: %7s %3s", where, byte, ouch) != 3 || strcmp(ouch, "***") != 0)
            continue;
        fprintf(out, "%s%s %s", comma, where, byte);
        comma = ", ";
    }
}

/* The hooks read a wrong size from a freed block; most processes crash on it in the middle of the text. */
char *log_rule_hooks_sentence(const char *text)
{
    const char *begin = text ? strstr(text, BLOCK) : NULL;
    const char *fatal = begin ? strstr(begin, FATAL) : NULL;
    if (begin && memmem(begin, strcspn(begin, "\n"), FREED, strlen(FREED)))
        return strdup("CPython's debug hooks: a block was released that had been released before");
    char *sentence = NULL;
    size_t length;
    FILE *out = fatal ? open_memstream(&sentence, &length) : NULL;
    if (!out)
        return NULL;
    cleanup_free char *why = rest_of_line(fatal, FATAL), *size = rest_of_line(begin, "\n    ");
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    /* "function: what is wrong" */
    const char *wrong = why ? strstr(why, ": ") : NULL;
    fprintf(out, "CPython's debug hooks%s (%s)", wrong ? wrong : "", size ? size : "");
    list_wrong_bytes(begin, fatal, out);
    fclose(out);
    return sentence;
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

char *log_rule_gil_module(const char *text)
{
    static const char before[] = "to load module '";
    const char *at = text ? strstr(text, "global interpreter lock (GIL) has been enabled") : NULL;
    at = at ? strstr(at, before) : NULL;
    if (!at)
        return NULL;
    at += sizeof before - 1;
    return strndup(at, strcspn(at, "'\n"));
}
