/* Tools that a child can run under: the values of a plan's key `under`. Plain data. */
#pragma once

struct tool {
    const char *name;    /* in plans, and of the program */
    const char *package; /* of Debian: for the sentence when it is missing */
    unsigned patience;   /* factor of the time that a child may take without progress */
};

extern const struct tool tools[];

/* NULL: there is no tool of that name. */
const struct tool *tool_find(const char *name);
