/* Files in the program: EMBED(page, PATH) defines the characters of the file as the text `page`, and `page_end` as the
 * zero behind it. */
#pragma once

/* NOLINTBEGIN(bugprone-macro-parentheses): a name that is defined */
#define EMBED(name, path)                                                                                    \
    extern const char name[] __attribute__((visibility("hidden")));                                          \
    extern const char name##_end[] __attribute__((visibility("hidden")));                                    \
    __asm__(".pushsection .rodata\n" #name ": .incbin \"" path "\"\n" #name "_end: .byte 0\n.popsection")
/* NOLINTEND(bugprone-macro-parentheses) */
