/* The memory map: the block, what lies around it, and the damaged bytes, in order of address. */
#include "driver/report/reporter_html.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "driver/report/kept.h"
#include "driver/report/markup.h"

#define AROUND 16 /* bytes shown on either side, where a canary may lie */
#define BYTES_A_LINE 16

/* From the block's start. */
struct extent {
    json_int_t begin, end;
};

struct picture {
    json_int_t size;
    struct extent damage; /* empty: none, as in a double free */
    bool freed, trapped;
};

static json_int_t clamp(json_int_t value, json_int_t low, json_int_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* A trapped access has an address and no length: it is drawn as one byte. */
static void read_picture(const json_t *finding, const json_t *block, struct picture *picture)
{
    const json_int_t most = (json_int_t)1 << 48;
    json_int_t offset = clamp(kept_number(block, "offset"), -most, most);
    json_int_t length = clamp(kept_number(block, "length"), 0, most);
    const char *kind = kept_text(finding, "kind");
    picture->trapped = strcmp(kept_text(block, "found"), "trap") == 0;
    picture->size = clamp(kept_number(block, "size"), 0, most);
    picture->freed = strcmp(kind, "use-after-free") == 0 || strcmp(kind, "double-free") == 0;
    picture->damage.begin = offset;
    picture->damage.end =
        offset + (length == 0 && picture->trapped && strcmp(kind, "double-free") != 0 ? 1 : length);
}

static size_t add_cut(json_int_t *cuts, size_t n, json_int_t cut)
{
    size_t at = n;
    while (at > 0 && cuts[at - 1] > cut) {
        cuts[at] = cuts[at - 1];
        at--;
    }
    cuts[at] = cut;
    return n + 1;
}

/* What lies right before and behind a block is a canary; where the instruction was caught, it may be no memory. */
static const char *label(const struct picture *picture, const struct extent *part)
{
    if (part->begin >= 0 && part->end <= picture->size)
        return picture->freed ? "freed block" : "block";
    if (part->end == 0 || part->begin == picture->size)
        return picture->trapped ? "" : "canary";
    return "";
}

static void write_segment(const struct picture *picture, const struct extent *part, FILE *out)
{
    bool is_hit = part->begin >= picture->damage.begin && part->end <= picture->damage.end;
    bool is_in = part->begin >= 0 && part->end <= picture->size;
    const char *words = is_hit ? "!" : label(picture, part);
    const char *class = is_hit                    ? "hit"
                        : is_in && picture->freed ? "freed"
                        : is_in                   ? "in"
                        : *words                  ? "edge"
                                                  : "";
    fprintf(out, "<span class=\"%s\" style=\"flex:%lld 1 0\" title=\"%+lld to %+lld\">%s</span>", class,
            (long long)(part->end - part->begin), (long long)part->begin, (long long)part->end, words);
}

static void write_map(const struct picture *picture, FILE *out)
{
    json_int_t cuts[6];
    size_t n = 0;
    json_int_t low = picture->damage.begin < 0 ? picture->damage.begin : 0;
    json_int_t high = picture->damage.end > picture->size ? picture->damage.end : picture->size;
    n = add_cut(cuts, n, low - AROUND);
    n = add_cut(cuts, n, high + AROUND);
    n = add_cut(cuts, n, 0);
    n = add_cut(cuts, n, picture->size);
    n = add_cut(cuts, n, picture->damage.begin);
    n = add_cut(cuts, n, picture->damage.end);
    fputs("<div class=\"map\" role=\"img\" aria-label=\"the block and the damaged bytes\">", out);
    for (size_t i = 0; i + 1 < n; i++)
        if (cuts[i] < cuts[i + 1])
            write_segment(picture, &(struct extent){cuts[i], cuts[i + 1]}, out);
    fputs("</div>\n", out);
}

static void write_where(const struct picture *picture, FILE *out)
{
    json_int_t begin = picture->damage.begin, end = picture->damage.end;
    if (begin >= end)
        return;
    fprintf(out, "; touched: offset %+lld, length %lld", (long long)begin, (long long)(end - begin));
    if (begin == picture->size)
        fputs(", right behind its end", out);
    else if (begin > picture->size)
        fprintf(out, ", %lld bytes behind its end", (long long)(begin - picture->size));
    else if (begin < 0)
        fprintf(out, ", from %lld bytes before its start on", (long long)-begin);
}

static void write_caption(const struct picture *picture, const json_t *block, FILE *out)
{
    const char *what = kept_text(block, "what");
    fputs("<p class=\"soft\">", out);
    markup_text(what, out);
    if (!strstr(what, "bytes"))
        fprintf(out, ", %lld bytes", (long long)picture->size);
    write_where(picture, out);
    fputs("</p>\n", out);
}

static unsigned byte_at(const char *hex)
{
    unsigned value = 0;
    for (int i = 0; i < 2; i++) {
        unsigned char c = (unsigned char)hex[i];
        value = 16 * value + (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
    }
    return value;
}

static void write_line(const char *hex, size_t n, size_t width, json_int_t offset, FILE *out)
{
    char letters[BYTES_A_LINE + 1] = "";
    fprintf(out, "%+7lld ", (long long)offset);
    for (size_t i = 0; i < n; i++) {
        unsigned byte = byte_at(hex + 2 * i);
        fprintf(out, " %02x", byte);
        letters[i] = (char)(byte >= ' ' && byte < 0x7f ? byte : '.');
    }
    fprintf(out, "%*s  ", (int)(3 * (width - n)), "");
    markup_text(letters, out);
    fputc('\n', out);
}

static void write_bytes(const json_t *block, json_int_t offset, FILE *out)
{
    const char *hex = kept_text(block, "bytes");
    size_t n = strspn(hex, "0123456789abcdefABCDEF") / 2;
    if (n == 0)
        return;
    size_t width = n < BYTES_A_LINE ? n : BYTES_A_LINE;
    fputs("<pre>", out);
    for (size_t i = 0; i < n; i += width)
        write_line(hex + 2 * i, n - i < width ? n - i : width, width, offset + (json_int_t)i, out);
    fputs("</pre>\n", out);
}

void reporter_html_block(const json_t *finding, FILE *out)
{
    const json_t *block = json_object_get(finding, "block");
    struct picture picture;
    if (!json_is_object(block))
        return;
    read_picture(finding, block, &picture);
    fputs("<h3>The block</h3>\n", out);
    write_map(&picture, out);
    write_caption(&picture, block, out);
    write_bytes(block, picture.damage.begin, out);
}
