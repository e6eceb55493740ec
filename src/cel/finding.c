/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with an expression: where, and what was probably meant.
 */
#include "cel/inner.h"

#include <stdarg.h>
#include <stdio.h>

#define SHOWN_MAX   100 /* columns of a line that are shown around the place */
#define NEAREST_MAX 48  /* bytes of names that are compared */

/* Places --------------------------------------------------------------------------------------- */

void cel_place_of(struct str text, uint32_t at, uint32_t *line, uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at && i < text.n; i++) {
        if (text.p[i] == '\n') {
            ++*line;
            *column = 1;
        } else {
            *column += (text.p[i] & 0xC0) != 0x80;
        }
    }
}

void cel_finding_place(struct str text, struct cel_finding *finding)
{
    cel_place_of(text, finding->offset, &finding->line, &finding->column);
}

/* The line around a byte. */
static struct str line_around(struct str text, uint32_t at, size_t *inside)
{
    size_t start = at < text.n ? at : text.n, end = start;

    while (start > 0 && text.p[start - 1] != '\n') {
        start--;
    }
    while (end < text.n && text.p[end] != '\n') {
        end++;
    }
    *inside = (at < end ? at : end) - start;
    return (struct str){text.p + start, end - start};
}

/* Moves `at` to the start of a code point. */
static size_t whole(struct str text, size_t at)
{
    while (at > 0 && at < text.n && (text.p[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

void cel_finding_write(struct buf *buf, struct str text, const struct cel_finding *finding)
{
    size_t inside, from, to;
    struct str line = line_around(text, finding->offset, &inside);

    buf_printf(buf, "%u:%u: %.*s", finding->line, finding->column, STR_ARG(finding->message));
    if (finding->suggestion.p) {
        buf_printf(buf, "; did you mean %.*s?", STR_ARG(finding->suggestion));
    }
    from = whole(line, inside > SHOWN_MAX / 2 ? inside - SHOWN_MAX / 2 : 0);
    to = whole(line, line.n - from > SHOWN_MAX ? from + SHOWN_MAX : line.n);
    buf_lit(buf, "\n | ");
    for (size_t i = from; i < to; i++) {
        buf_add_char(buf, line.p[i] == '\t' || line.p[i] == '\r' ? ' ' : line.p[i]);
    }
    buf_lit(buf, "\n | ");
    for (size_t i = from; i < inside; i++) {
        if ((line.p[i] & 0xC0) != 0x80) {
            buf_add_char(buf, ' ');
        }
    }
    buf_lit(buf, "^\n");
}

/* Findings ------------------------------------------------------------------------------------- */

static bool told_already(const struct cel_findings *findings, uint32_t at, struct str message)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].offset == at && str_eq(findings->items[i].message, message)) {
            return true;
        }
    }
    return false;
}

static void add(struct compiler *compiler, uint32_t at, struct str suggestion, struct str message)
{
    struct cel_findings *findings = compiler->findings;
    struct cel_finding *finding = &findings->items[findings->count];

    if (findings->count == CEL_FINDINGS_MAX || told_already(findings, at, message)) {
        return;
    }
    *finding = (struct cel_finding){.offset = at};
    cel_place_of(compiler->text, at, &finding->line, &finding->column);
    finding->message = arena_copy(compiler->finding_arena, message);
    finding->suggestion = arena_copy(compiler->finding_arena, suggestion);
    findings->count++;
    compiler->full |= !finding->message.p || (suggestion.p && !finding->suggestion.p);
}

void cel_compiler_found(struct compiler *compiler, uint32_t at, const char *format, ...)
{
    char text[CTX_DETAIL_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(compiler, at, STR_NONE, str_of(text));
}

void cel_compiler_found_near(struct compiler *compiler, uint32_t at, struct str suggestion,
                             const char *format, ...)
{
    char text[CTX_DETAIL_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(compiler, at, suggestion, str_of(text));
}

/* Near misses ---------------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NEAREST_MAX + 1];

    for (size_t k = 0; k <= b.n; k++) {
        rows[0][k] = k;
        rows[2][k] = 0;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t k = 1; k <= b.n; k++) {
            size_t other = lower(a.p[i - 1]) != lower(b.p[k - 1]);
            now[k] = least(least(now[k - 1], before[k]) + 1, before[k - 1] + other);
            if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1]) {
                now[k] = least(now[k], earlier[k - 2] + 1);
            }
        }
    }
    return rows[a.n % 3][b.n];
}

/* Letters at the start that both have, up to 3: of two names that are as near, the one that begins
 * the same is meant. */
static size_t common_start(struct str a, struct str b)
{
    size_t n = 0;

    while (n < 3 && n < a.n && n < b.n && a.p[n] == b.p[n]) {
        n++;
    }
    return n;
}

void cel_nearest_offer(struct nearest *nearest, struct str name)
{
    size_t far, score, most = nearest->wanted.n < 4 ? 1 : nearest->wanted.n < 8 ? 2 : 3;

    if (name.n > NEAREST_MAX || nearest->wanted.n > NEAREST_MAX || name.n == 0 ||
        name.p[0] == '@') {
        return;
    }
    far = distance(nearest->wanted, name);
    score = 4 * far + 3 - common_start(nearest->wanted, name);
    if (far <= most && far < name.n && (!nearest->best.p || score < nearest->score)) {
        nearest->best = name;
        nearest->score = score;
    }
}
