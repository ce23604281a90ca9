/* For functions that look at memory which others may be writing to: the look is no race of ours, and what it gives may
 * be half of a change. */
#pragma once

#define EXEMPT __attribute__((no_sanitize("thread"), no_sanitize("address")))
