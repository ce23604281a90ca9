/* Exit statuses of both programs. */
#pragma once

enum status {
    STATUS_CLEAN = 0, /* no finding, and the target was called */
    STATUS_FINDING = 1,
    STATUS_USAGE = 2,    /* the request was wrong */
    STATUS_UNTESTED = 3, /* the request was right, but it could not be tested here */
    STATUS_HARNESS = 125 /* the harness itself failed */
};
