/* Files in the program: EMBED(page, PATH) defines the characters of the file as the text `page`. */
#pragma once

#define EMBED(name, path)                                                                                    \
    extern const char name[] __attribute__((visibility("hidden")));                                          \
    __asm__(".pushsection .rodata\n" #name ": .incbin \"" path "\"\n.byte 0\n.popsection")
