/* ThreadSanitizer's runtime as the child sees it: where reports go, and a race that must be among them.
 *
 * Contract. Child main, before Python starts and before any other thread. All of it works in a child that is not
 * instrumented too, where nothing is ever reported: that the canary is missing is how the driver learns of it.
 */
#pragma once

/* Reports go to this descriptor from now on; < 0: they stay on standard error. */
void tsan_report_to(int fd);

/* Two threads of the name CANARY_THREAD write and read words without order. */
void tsan_canary(void);
