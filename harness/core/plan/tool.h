/* Tools that a child can run under: what a plan's `under` may say. Plain data. */
#pragma once

struct tool {
    const char *name;    /* of the option, and of the program */
    const char *package; /* of Debian, for who does not have it */
    unsigned patience;   /* so many times as long as without it may a child go without progress */
};

extern const struct tool tools[];

/* NULL: there is none of that name. */
const struct tool *tool_find(const char *name);
