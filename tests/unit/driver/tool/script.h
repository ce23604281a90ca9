/* Scripts in a folder of the test's own, for the tests of the probe. Included after cmocka.h. */
#pragma once

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "folder.h"

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

static char folder[64];
static struct launch launch;

/* A path in the test's own folder; good until the fourth call after it. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static inline const char *write_file(const char *name, mode_t mode, const char *text)
{
    const char *path = in_folder(name);
    assert_int_equal(fd_write_file(path, text, strlen(text)), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static inline const char *script(const char *name, const char *body)
{
    char text[2048];
    snprintf(text, sizeof text, "#!/bin/sh\n%s", body);
    return write_file(name, 0755, text);
}

static inline int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_probe.XXXXXX");
    launch.limit = 10 * CLOCK_SECOND;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    return chdir("/") < 0 ? -1 : folder_remove(folder);
}

static inline void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}
