#include "driver/log_rule.h"

#include <stdlib.h>
#include <string.h>

static const struct log_rule rules[] = {
    {"double free detected", FINDING_DOUBLE_FREE},
    {"double free or corruption", FINDING_HEAP_CORRUPTION},
    {"free(): ", FINDING_HEAP_CORRUPTION},
    {"malloc(): ", FINDING_HEAP_CORRUPTION},
    {"malloc_consolidate(): ", FINDING_HEAP_CORRUPTION},
    {"realloc(): ", FINDING_HEAP_CORRUPTION},
    {"calloc(): ", FINDING_HEAP_CORRUPTION},
    {"munmap_chunk(): invalid pointer", FINDING_HEAP_CORRUPTION},
    {"mremap_chunk(): invalid pointer", FINDING_HEAP_CORRUPTION},
    {"corrupted size vs. prev_size", FINDING_HEAP_CORRUPTION},
    {"corrupted double-linked list", FINDING_HEAP_CORRUPTION},
    {"break adjusted to free malloc space", FINDING_HEAP_CORRUPTION},
    {"sysmalloc: Assertion", FINDING_HEAP_CORRUPTION},
    {"Fatal glibc error: malloc", FINDING_HEAP_CORRUPTION},
    {"mimalloc: error: ", FINDING_HEAP_CORRUPTION},
    {"Debug memory block at address", FINDING_HEAP_CORRUPTION},
    {"*** stack smashing detected ***", FINDING_CRASH},
    {"*** buffer overflow detected ***", FINDING_CRASH},
    {"terminate called", FINDING_CRASH},
    {"pure virtual method called", FINDING_CRASH},
    {"Fatal Python error: ", FINDING_INTERPRETER_FAULT},
    {"negative ref count", FINDING_REFCOUNT_UNDERFLOW},
};

static const struct log_rule *rule_of(const char *line, size_t length)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (memmem(line, length, rules[i].sentence, strlen(rules[i].sentence)))
            return &rules[i];
    return NULL;
}

const struct log_rule *log_rule_find(const char *text, char **ret_line)
{
    while (text && *text) {
        size_t length = strcspn(text, "\n");
        const struct log_rule *rule = rule_of(text, length);
        if (rule) {
            *ret_line = strndup(text, length);
            return rule;
        }
        text += length + (text[length] == '\n');
    }
    return NULL;
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
