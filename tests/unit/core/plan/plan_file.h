/* A plan file in a folder of its own. Included after cmocka.h. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/plan/plan.h"

static char directory[] = "/tmp/ftstress-plan-XXXXXX";
static char path[64];

static inline int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/somersd.yaml", directory);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static inline int load(const char *yaml, struct plan *plan, char error[static 1024])
{
    error[0] = '\0';
    assert_int_equal(fd_write_file(path, yaml, strlen(yaml)), 0);
    return plan_load(path, plan, error, 1024);
}
