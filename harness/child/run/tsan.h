/* Sets up ThreadSanitizer's runtime, and runs a race that it must report.
 *
 * Contract. Child main, before Python starts and before any other thread. In a child that is not instrumented there are
 * no reports: the driver notices that the canary is missing.
 */
#pragma once

/* Sends reports to this descriptor (< 0: leaves them on standard error), and races two threads named CANARY_THREAD on
 * the same words. */
void tsan_canary(int fd);
