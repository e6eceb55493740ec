/* SPDX-License-Identifier: Apache-2.0
 *
 * A text as it is searched for places: the ways to write a digit, a letter, a dot, an @, a hyphen
 * or a blank that programs take for the plain one are the plain one, and what is invisible is gone.
 * Every byte knows where it came from, so that what is found can be shown as it stands.
 *
 * What ends the host of a URL (/ ? # \ :) never comes out of folding: a look-alike of a slash is
 * none for a browser, and the host goes on behind it.
 */
#include <unictype.h>
#include <uninorm.h>

#include "policy/recipients.h"

#define VISIBLE_FIRST 0x21u
#define VISIBLE_LAST  0x7Eu

static bool is_plain(uint32_t code)
{
    return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z') ||
           (code >= VISIBLE_FIRST && code <= VISIBLE_LAST && strchr(".@-_+", (int)code));
}

/* The ASCII character that a code point beyond ASCII stands for; 0: it stands for itself. */
static char plain_of(uint32_t code)
{
    ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
    int tag, digit = uc_digit_value(code), count;

    if (digit >= 0) {
        return (char)('0' + digit);
    }
    if (code == 0x3002 || code == 0xFF61) { /* ideographic dots, which resolvers take for one */
        return '.';
    }
    if (code == 0x2212 || uc_is_general_category_withtable(code, UC_CATEGORY_MASK_Pd)) {
        return '-';
    }
    if (uc_is_general_category_withtable(code, UC_CATEGORY_MASK_Zs)) {
        return ' ';
    }
    count = uc_decomposition(code, &tag, parts);
    return count == 1 && is_plain(parts[0]) ? (char)parts[0] : 0;
}

static bool is_invisible(uint32_t code)
{
    return uc_is_property_default_ignorable_code_point(code) ||
           uc_is_general_category_withtable(code, UC_CATEGORY_MASK_Cf);
}

/* %40: the plain character that it encodes; 0: nothing of the kind stands at `at`. */
static char decoded_at(struct str text, size_t at)
{
    int high = at + 2 < text.n && text.p[at] == '%' ? hex_digit(text.p[at + 1]) : -1;
    int low = high >= 0 ? hex_digit(text.p[at + 2]) : -1;
    uint32_t code = low >= 0 ? (uint32_t)(high * 16 + low) : 0;

    return is_plain(code) ? (char)code : 0;
}

static bool needs_folding(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80 || text.p[i] == '%') {
            return true;
        }
    }
    return false;
}

struct writing {
    char *p;
    uint32_t *origin;
    size_t n;
};

static void put(struct writing *out, char c, size_t from)
{
    out->origin[out->n] = (uint32_t)from;
    out->p[out->n++] = c;
}

/* What stands at `at`, folded; behind it. */
static size_t fold_one(struct writing *out, struct str text, size_t at)
{
    size_t end = at;
    uint32_t code = str_next_code_point(text, &end);
    char plain = code < 0x80 ? decoded_at(text, at) : plain_of(code);

    if (plain) {
        put(out, plain, at);
        return code < 0x80 ? at + 3 : end;
    }
    for (size_t i = at; i < end && !(code >= 0x80 && is_invisible(code)); i++) {
        put(out, text.p[i], i);
    }
    return end;
}

bool folded_of(struct arena *arena, struct str text, struct folded *out)
{
    struct writing writing = {0};

    *out = (struct folded){.source = text, .text = text};
    if (!needs_folding(text)) {
        return true;
    }
    writing.p = arena_alloc(arena, text.n);
    writing.origin = arena_zalloc(arena, text.n + 1, sizeof(*writing.origin));
    if (!writing.p || !writing.origin) {
        return false;
    }
    for (size_t at = 0; at < text.n;) {
        at = fold_one(&writing, text, at);
    }
    writing.origin[writing.n] = (uint32_t)text.n;
    *out = (struct folded){
        .source = text, .text = {writing.p, writing.n}, .origin = writing.origin};
    return true;
}

struct str folded_source(const struct folded *folded, struct str piece)
{
    size_t from = (size_t)(piece.p - folded->text.p), to = from + piece.n;

    if (!folded->origin) {
        return piece;
    }
    from = folded->origin[from];
    return (struct str){folded->source.p + from, folded->origin[to] - from};
}
