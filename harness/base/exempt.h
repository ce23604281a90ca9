/* For functions that read memory while other threads may write it: the sanitizers ignore the read, and the value may be
 * half of a change. */
#pragma once

#define EXEMPT __attribute__((no_sanitize("thread"), no_sanitize("address")))
