/* SPDX-License-Identifier: Apache-2.0
 *
 * The findings of a load, and the words around them. A message may quote the file, which may come
 * from anywhere: what is quoted is cut and freed of control characters first, for it ends in
 * terminals.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/inner.h"

#define MESSAGE_MAX 400
#define QUOTED_MAX 60    /* bytes of a quotation */
#define NEAREST_BYTES 32 /* longer names are not compared */

bool finding_full(const struct load *load)
{
    return load->error_count >= POLICY_FINDINGS_MAX;
}

/* Where the next finding goes: a free place, or for an error that of a warning. NULL: nowhere. */
static struct policy_finding *finding_place(struct load *load, bool warning)
{
    if (load->finding_count < POLICY_FINDINGS_MAX) {
        return &load->findings[load->finding_count++];
    }
    for (size_t i = POLICY_FINDINGS_MAX; !warning && i-- > 0;) {
        if (load->findings[i].warning) {
            return &load->findings[i];
        }
    }
    return NULL;
}

static void __attribute__((format(printf, 5, 0)))
finding_add(struct load *load, struct mark at, bool warning, struct str excerpt, const char *format,
            va_list args)
{
    struct policy_finding *row = finding_place(load, warning);
    char text[MESSAGE_MAX];

    if (!row) {
        return;
    }
    vsnprintf(text, sizeof(text), format, args);
    *row = (struct policy_finding){{STR_NONE, at.line, at.column}, warning,
                                   arena_copy(load->ctx->arena, str_of(text)),
                                   arena_copy(load->ctx->arena, excerpt)};
    load->error_count += !warning;
    load->memory_short |= row->message.p == NULL || (excerpt.p && !row->excerpt.p);
}

void finding_error(struct load *load, struct mark at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    finding_add(load, at, false, STR_NONE, format, args);
    va_end(args);
}

void finding_warning(struct load *load, struct mark at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    finding_add(load, at, true, STR_NONE, format, args);
    va_end(args);
}

void finding_in_expr(struct load *load, struct mark at, struct str excerpt, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    finding_add(load, at, false, excerpt, format, args);
    va_end(args);
}

static int finding_cmp(const void *left, const void *right)
{
    const struct policy_finding *a = left, *b = right;

    if (a->at.line != b->at.line) {
        return a->at.line < b->at.line ? -1 : 1;
    }
    if (a->at.column != b->at.column) {
        return a->at.column < b->at.column ? -1 : 1;
    }
    return str_cmp(a->message, b->message);
}

void finding_sort(struct load *load)
{
    qsort(load->findings, load->finding_count, sizeof(load->findings[0]), finding_cmp);
}

const char *quoted(struct load *load, struct str text)
{
    AUTO(buf_done) struct buf out = BUF_INIT(4 * KIB);
    struct str copy;
    size_t at = 0;

    buf_add_char(&out, '"');
    while (at < text.n && at < QUOTED_MAX) {
        size_t from = at;
        uint32_t code = str_next_code_point(text, &at);
        bool clean = code != '\t' && code != '\n' && !tree_refusal(code);
        buf_add(&out, clean ? (struct str){text.p + from, at - from} : S("?"));
    }
    buf_add(&out, at < text.n ? S("...\"") : S("\""));
    copy = arena_copy(load->scratch, buf_str(&out));
    return copy.p ? copy.p : "\"?\"";
}

/* Nearest names -------------------------------------------------------------------------------- */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* Edits from `a` to `b`, both at most NEAREST_BYTES: insert, delete, replace, swap two neighbours.
 * */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NEAREST_BYTES + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.n; j++) {
        above[j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t *free_row = before;
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, replaced);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1]) {
                row[j] = smallest(row[j], before[j - 2] + 1, row[j]);
            }
        }
        before = above;
        above = row;
        row = free_row;
    }
    return above[b.n];
}

/* How many edits still look like a slip: one in a short word, three in a long one. */
static size_t slip_max(size_t n)
{
    return n < 4 ? 1 : n < 8 ? 2 : 3;
}

void nearest_offer(const struct load *load, struct nearest *nearest, struct str candidate)
{
    struct str wanted = nearest->wanted;
    size_t edits, gap = wanted.n > candidate.n ? wanted.n - candidate.n : candidate.n - wanted.n;

    if (finding_full(load) || wanted.n > NEAREST_BYTES || candidate.n > NEAREST_BYTES ||
        gap > slip_max(wanted.n)) {
        return;
    }
    edits = distance(wanted, candidate);
    if (edits <= slip_max(wanted.n) && edits < wanted.n &&
        (!nearest->best.p || edits < nearest->distance)) {
        nearest->best = candidate;
        nearest->distance = edits;
    }
}

const char *nearest_hint(struct load *load, const struct nearest *nearest)
{
    struct str hint;

    if (!nearest->best.p) {
        return "";
    }
    hint = arena_printf(load->scratch, "; did you mean %s?", quoted(load, nearest->best));
    return hint.p ? hint.p : "";
}
