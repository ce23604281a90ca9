#include "driver/bisect/versions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/fd.h"
#include "base/list.h"
#include "driver/report/document.h"
#include "driver/tool/query.h"

EMBED(versions_source, FTSTRESS_VERSIONS);

/* Downloads and installs of large wheels. */
#define INSTALL_LIMIT (900 * CLOCK_SECOND)

static int take_texts(const json_t *list, char ***ret, size_t *n)
{
    size_t i;
    const json_t *item;
    int error = 0;
    json_array_foreach (list, i, item)
        if (!error)
            error = strings_add(ret, n, json_string_value(item));
    return error;
}

int versions_find(const struct mode_run *mode, const char *package, struct version_list *ret,
                  struct sentence *error)
{
    json_auto_t *facts = json_pack("{s:s}", "package", package);
    json_auto_t *answer =
        query_run(mode->probe.executable,
                  &(struct query){versions_source, "list", "versions", facts, INSTALL_LIMIT}, error);
    *ret = (struct version_list){0};
    if (!answer)
        return -EIO;
    if (*document_text(answer, "why"))
        return sentence_fail(-EIO, error, "", "the versions of %s cannot be listed: %s", package,
                             document_text(answer, "why"));
    int result = take_texts(json_object_get(answer, "versions"), &ret->items, &ret->n);
    return result ? result : take_texts(json_object_get(answer, "without"), &ret->without, &ret->nwithout);
}

void versions_clear(struct version_list *list)
{
    strings_free(list->items, list->n);
    strings_free(list->without, list->nwithout);
    *list = (struct version_list){0};
}

size_t versions_at(const struct version_list *list, const char *version)
{
    size_t i = 0;
    while (i < list->n && strcmp(list->items[i], version) != 0)
        i++;
    return i;
}

int versions_install(const struct mode_run *mode, const char *package, const char *version,
                     const json_t *environment, char **ret_python, struct sentence *error)
{
    json_auto_t *facts =
        json_pack("{s:s, s:s, s:O}", "package", package, "version", version, "environment", environment);
    json_auto_t *answer =
        query_run(mode->probe.executable,
                  &(struct query){versions_source, "install", "versions", facts, INSTALL_LIMIT}, error);
    *ret_python = NULL;
    if (!answer)
        return -EIO;
    if (*document_text(answer, "why"))
        return sentence_fail(-EIO, error, "", "%s", document_text(answer, "why"));
    *ret_python = strdup(document_text(answer, "python"));
    return *ret_python ? 0 : sentence_fail(-EIO, error, "", "no memory");
}
