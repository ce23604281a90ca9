/* For functions that read memory while other threads may write it: the sanitizers ignore the read, and the value may be
 * half of a change. */
#pragma once

#define EXEMPT __attribute__((no_sanitize("thread"), no_sanitize("address")))

#if defined(__SANITIZE_THREAD__)
#define EXEMPT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EXEMPT_SANITIZED 1
#endif
#endif
