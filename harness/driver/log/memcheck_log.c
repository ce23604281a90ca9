#include "driver/log/memcheck_log.h"

#include <errno.h>
#include <limits.h>
#include <libxml/xmlreader.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"

/* The error that is being read. */
struct builder {
    struct memcheck_error error;
    xmlDictPtr strings;
    bool failed; /* no memory */
};

static bool is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, (const xmlChar *)name);
}

static const xmlNode *find(const xmlNode *node, const char *name)
{
    for (const xmlNode *child = node->children; child; child = child->next)
        if (is_named(child, name))
            return child;
    return NULL;
}

/* Returns the one copy of the text; NULL for NULL. */
static const char *intern(struct builder *builder, const char *text)
{
    const xmlChar *copy = text ? xmlDictLookup(builder->strings, (const xmlChar *)text, -1) : NULL;
    builder->failed |= text && !copy;
    return (const char *)copy;
}

/* The text of an element; NULL for NULL. */
static const char *text_of(struct builder *builder, const xmlNode *node)
{
    xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
    const char *copy = intern(builder, (const char *)text);
    xmlFree(text);
    return copy;
}

static const char *path_of(struct builder *builder, const xmlNode *frame)
{
    cleanup_free char *path = NULL;
    const char *dir = text_of(builder, find(frame, "dir")), *file = text_of(builder, find(frame, "file"));
    if (!dir || !file || asprintf(&path, "%s/%s", dir, file) < 0)
        return file;
    return intern(builder, path);
}

static uint64_t number_of(const xmlNode *node)
{
    xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
    uint64_t number = text ? strtoull((const char *)text, NULL, 0) : 0;
    xmlFree(text);
    return number;
}

/* Adds the stack to the text before it. */
static void take_stack(struct builder *builder, const xmlNode *stack)
{
    struct memcheck_error *error = &builder->error;
    struct memcheck_part *part = error->nparts ? &error->parts[error->nparts - 1] : NULL;
    if (!part || part->frames)
        return;
    part->frames = calloc(xmlChildElementCount((xmlNode *)stack) + 1, sizeof *part->frames);
    builder->failed |= !part->frames;
    for (const xmlNode *frame = stack->children; frame && part->frames; frame = frame->next)
        if (is_named(frame, "frame"))
            part->frames[part->nframes++] =
                (struct memcheck_frame){.ip = number_of(find(frame, "ip")),
                                        .function = text_of(builder, find(frame, "fn")),
                                        .module = text_of(builder, find(frame, "obj")),
                                        .file = path_of(builder, frame),
                                        .line = (int)number_of(find(frame, "line"))};
}

/* "1,288 (88 direct, 1,200 indirect) bytes in 1 blocks are definitely lost" gives 88: indirect blocks have records of
 * their own. */
static uint64_t direct_bytes(const char *text, uint64_t bytes)
{
    const char *at = text ? strchr(text, '(') : NULL;
    uint64_t direct = 0;
    if (!at || !strstr(at, " direct, "))
        return bytes;
    for (at++; *at == ',' || (*at >= '0' && *at <= '9'); at++)
        if (*at != ',')
            direct = 10 * direct + (uint64_t)(*at - '0');
    return direct;
}

/* "xwhat" has elements for its text and its numbers. */
static void take_text(struct builder *builder, const xmlNode *node)
{
    const xmlNode *text = node->name[0] == 'x' ? find(node, "text") : node;
    const xmlNode *bytes = find(node, "leakedbytes");
    const char *sentence = text_of(builder, text);
    struct memcheck_error *error = &builder->error;
    if (error->nparts < MEMCHECK_PARTS)
        error->parts[error->nparts++].text = sentence;
    if (!bytes)
        return;
    error->bytes = direct_bytes(sentence, number_of(bytes));
    error->blocks = number_of(find(node, "leakedblocks"));
}

static void take_child(struct builder *builder, const xmlNode *node)
{
    if (is_named(node, "unique"))
        builder->error.unique = number_of(node);
    else if (is_named(node, "kind"))
        builder->error.kind = text_of(builder, node);
    else if (is_named(node, "stack"))
        take_stack(builder, node);
    else if (is_named(node, "what") || is_named(node, "xwhat") || is_named(node, "auxwhat") ||
             is_named(node, "xauxwhat"))
        take_text(builder, node);
}

static void error_clear(struct memcheck_error *error)
{
    for (size_t i = 0; i < error->nparts; i++)
        free(error->parts[i].frames);
}

static int take_error(struct memcheck_log *log, const xmlNode *node)
{
    struct builder builder = {.strings = log->strings, .error.count = 1};
    for (const xmlNode *child = node->children; child; child = child->next)
        take_child(&builder, child);
    bool useful = builder.error.kind && builder.error.nparts > 0;
    if (useful && !builder.failed && list_grow(&log->errors, log->n, sizeof builder.error) == 0) {
        log->errors[log->n++] = builder.error;
        return 0;
    }
    error_clear(&builder.error);
    return useful ? -ENOMEM : 0;
}

/* The end of the document counts how often each error was seen. */
static void take_counts(struct memcheck_log *log, const xmlNode *node)
{
    for (const xmlNode *pair = node->children; pair; pair = pair->next) {
        uint64_t unique = is_named(pair, "pair") ? number_of(find(pair, "unique")) : UINT64_MAX;
        for (size_t i = 0; i < log->n; i++)
            if (log->errors[i].unique == unique)
                log->errors[i].count = (unsigned)number_of(find(pair, "count"));
    }
}

/* Reads one element of the document at a time: the whole may be large. */
static int read_all(xmlTextReaderPtr reader, struct memcheck_log *log)
{
    int result = 0;
    bool any = false;
    while (result == 0 && xmlTextReaderRead(reader) == 1) {
        const xmlNode *node = xmlTextReaderCurrentNode(reader);
        bool begins = xmlTextReaderNodeType(reader) == XML_READER_TYPE_ELEMENT,
             error = is_named(node, "error");
        if (xmlTextReaderDepth(reader) == 0 && is_named(node, "valgrindoutput")) {
            any = true;
            log->whole = !begins;
        }
        if (!begins || xmlTextReaderDepth(reader) != 1 || !(error || is_named(node, "errorcounts")))
            continue;
        if (!xmlTextReaderExpand(reader))
            break;
        if (error)
            result = take_error(log, node);
        else
            take_counts(log, node);
    }
    return result ? result : any ? 0 : -EPROTO;
}

int memcheck_log_read(const char *text, size_t size, struct memcheck_log *log)
{
    const int options = XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NONET | XML_PARSE_HUGE;
    struct memcheck_log made = {.strings = xmlDictCreate()};
    if (size > INT_MAX)
        size = INT_MAX;
    xmlTextReaderPtr reader =
        made.strings ? xmlReaderForMemory(text, (int)size, "valgrind.xml", NULL, options) : NULL;
    int result = reader ? read_all(reader, &made) : -ENOMEM;
    xmlFreeTextReader(reader);
    if (result) {
        memcheck_log_clear(&made);
        return result;
    }
    *log = made;
    return 0;
}

void memcheck_log_clear(struct memcheck_log *log)
{
    for (size_t i = 0; i < log->n; i++)
        error_clear(&log->errors[i]);
    free(log->errors);
    if (log->strings)
        xmlDictFree(log->strings);
    *log = (struct memcheck_log){0};
}
