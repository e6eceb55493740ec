/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a JSON text into a tree. One pass over the bytes; recursion is bounded by limits->depth,
 * memory by the arena's ceiling and limits->values.
 *
 * It must never repair or guess: whatever two readers might understand differently is refused, so
 * that what is shown, hashed and run cannot differ (RFC 7493). It must never print what it read: an
 * error names the place and the rule, not the data.
 *
 * 1. A value is complete before its container sees it; unfinished containers keep their members in
 *    `pending`, the innermost on top, and move them into the arena when they close.
 * 2. Members of a closed object are sorted by UTF-16 code units, and no two names are equal.
 * 3. `at` stands, on an error, where the offence is (for a duplicate: behind its object).
 */
#include "base/panic.h"
#include "json/inner.h"

#include <stdlib.h>

#define ROOM_FIRST 48 /* members and items on the C stack, 3.5 KiB: enough for most requests */

const struct json_limits JSON_LIMITS_WIRE = {.bytes = MIB, .depth = 64, .values = 100000};

struct reader {
    struct ctx *ctx;
    const struct json_limits *limits;
    const char *start, *at, *end;
    size_t values;                              /* begun so far */
    struct json_member *pending, *pending_heap; /* items use only .value; heap: NULL or pending */
    size_t pending_count, pending_room;
    struct json_order *order, *order_heap; /* 2 * order_room of them; heap: NULL or order */
    size_t order_room;
};

static void reader_done(struct reader *r)
{
    free(r->pending_heap);
    free(r->order_heap);
}

/* Refuses the text at `r->at`, inside the value at `path`. */
static enum fm_err reject(struct reader *r, const struct json_path *path, const char *why)
{
    struct str pointer = json_path_pointer(r->ctx->arena, path, JSON_ERROR_POINTER_MAX);

    (void)fail_at(r->ctx, FM_E_INVALID_JSON, pointer, "%s", why);
    return fail(r->ctx, FM_E_INVALID_JSON, "%s (at byte %zu)", why, (size_t)(r->at - r->start));
}

/* Scanning ---------------------------------------------------------------------------------- */

/*= RFC 8259 2: ws is space, tab, line feed, carriage return */
static inline void skip_space(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')) {
        r->at++;
    }
}

/* The next byte that is not space, or NUL at the end (a NUL in the text is refused just so). */
static inline char peek(struct reader *r)
{
    if (r->at < r->end && (unsigned char)*r->at > ' ') {
        return *r->at;
    }
    skip_space(r);
    return r->at < r->end ? *r->at : '\0';
}

static inline bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte from `at` on that is a quote, a backslash, a control character or not ASCII. */
static inline const char *skip_plain(const char *at, const char *end)
{
    for (; (size_t)(end - at) >= JSON_WORD; at += JSON_WORD) {
        uint64_t word = json_word(at), hits = json_word_special(word) | (word & JSON_HIGHS);
        if (hits) {
            return at + json_word_first(hits);
        }
    }
    while (at < end && is_plain((unsigned char)*at)) {
        at++;
    }
    return at;
}

/* Behind the run of bytes that are not ASCII, or NULL if it is not UTF-8. */
static const char *skip_utf8(const char *at, const char *end)
{
    const char *start = at;

    while (at < end && (unsigned char)*at >= 0x80) {
        at++;
    }
    return str_is_utf8((struct str){start, (size_t)(at - start)}) ? at : NULL;
}

/* Strings ----------------------------------------------------------------------------------- */

/* Four hex digits at `at`, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;

    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xE0 | code >> 12);
        } else {
            *out++ = (char)(0xF0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
    }
    *out++ = (char)(0x80 | (code & 0x3F));
    return out;
}

/* Decodes \uXXXX, or a pair of them, with *at behind the u. Returns what is wrong, or NULL. */
static const char *decode_unicode(const char **at, const char *end, char **out)
{
    int32_t first = hex4(*at, end), second;

    if (first < 0) {
        return "\\u wants four hex digits";
    }
    if (first == 0) {
        return "U+0000 is not accepted";
    }
    *at += 4;
    if (first < 0xD800 || first > 0xDFFF) {
        *out = put_utf8(*out, (uint32_t)first);
        return NULL;
    }
    second = end - *at >= 2 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex4(*at + 2, end) : -1;
    if (first > 0xDBFF || second < 0xDC00 || second > 0xDFFF) {
        return "half of a surrogate pair stands alone"; /*= RFC 7493 2.1 */
    }
    *at += 6;
    *out = put_utf8(*out, (uint32_t)(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)));
    return NULL;
}

/* Decodes one escape with *at behind the backslash. Returns what is wrong, or NULL. */
static const char *decode_escape(const char **at, const char *end, char **out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    char c = *(*at)++;
    const char *hit;

    if (c == 'u') {
        return decode_unicode(at, end, out);
    }
    hit = c ? strchr(names, c) : NULL;
    if (!hit) {
        return "an escape that JSON does not know";
    }
    *(*out)++ = bytes[hit - names];
    return NULL;
}

/* Decodes `raw`, which holds at least one escape; a backslash is never its last byte. */
static enum fm_err decode_string(struct reader *r, const struct json_path *path, struct str raw,
                                 struct str *out)
{
    const char *at = raw.p, *end = raw.p + raw.n, *why;
    char *p = arena_alloc(r->ctx->arena, raw.n); /* it never grows: \u0800, 6 bytes, becomes 3 */

    if (!p) {
        return fail_memory(r->ctx);
    }
    out->p = p;
    while (at < end) {
        if (*at != '\\') {
            *p++ = *at++;
            continue;
        }
        r->at = at++;
        why = decode_escape(&at, end, &p);
        if (why) {
            return reject(r, path, why);
        }
    }
    out->n = (size_t)(p - out->p);
    return FM_OK;
}

/* What is wrong where a run of plain bytes ended, which is not a quote: at a backslash, that it is
 * the last byte. */
static const char *string_fault(const char *at, const char *end)
{
    if (at == end || *at == '\\') {
        return "a string does not end";
    }
    if ((unsigned char)*at >= 0x80) {
        return "not UTF-8";
    }
    return "a control character in a string must be escaped";
}

/* Reads the string whose opening quote is at `r->at`. */
static enum fm_err read_string(struct reader *r, const struct json_path *path, struct str *out)
{
    const char *start = r->at + 1, *at = start;
    bool escaped = false;

    for (;;) {
        const char *stop = skip_plain(at, r->end);
        if (stop < r->end && *stop == '"') {
            at = stop;
            break;
        }
        at = NULL;
        if (r->end - stop >= 2 && *stop == '\\') {
            escaped = true;
            at = stop + 2; /* what follows is judged when decoded */
        } else if (stop < r->end && (unsigned char)*stop >= 0x80) {
            at = skip_utf8(stop, r->end);
        }
        if (!at) {
            r->at = stop;
            return reject(r, path, string_fault(stop, r->end));
        }
    }
    *out = (struct str){start, (size_t)(at - start)};
    if (escaped) {
        TRY(decode_string(r, path, *out, out));
    }
    r->at = at + 1;
    return FM_OK;
}

/* Containers -------------------------------------------------------------------------------- */

static enum fm_err pending_grow(struct reader *r)
{
    size_t room = r->pending_room * 2;
    struct json_member *grown = realloc(r->pending_heap, room * sizeof(*grown));

    if (!grown) {
        return fail_memory(r->ctx);
    }
    for (size_t i = 0; !r->pending_heap && i < r->pending_count; i++) {
        grown[i] = r->pending[i];
    }
    r->pending = r->pending_heap = grown;
    r->pending_room = room;
    return FM_OK;
}

static inline enum fm_err pending_push(struct reader *r, const struct json_member *member)
{
    if (r->pending_count == r->pending_room) {
        TRY(pending_grow(r));
    }
    r->pending[r->pending_count++] = *member;
    return FM_OK;
}

/* Makes room for sorting `n` members twice over, kept for the next object. */
static enum fm_err order_reserve(struct reader *r, size_t n)
{
    if (n <= r->order_room) {
        return FM_OK;
    }
    free(r->order_heap);
    r->order = r->order_heap = malloc(2 * n * sizeof(*r->order_heap));
    r->order_room = r->order_heap ? n : 0;
    return r->order_heap ? FM_OK : fail_memory(r->ctx);
}

/* Moves the pending members from `base` on, sorted, into the arena. */
static enum fm_err close_object(struct reader *r, const struct json_path *path, size_t base,
                                struct json *out)
{
    const struct json_member *from = r->pending + base;
    size_t n = r->pending_count - base;
    struct json_order *order;
    struct json_member *members = arena_alloc(r->ctx->arena, n * sizeof(*members));

    if (!members) {
        return fail_memory(r->ctx);
    }
    TRY(order_reserve(r, n));
    order = json_order_members(from, n, r->order, r->order + n);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && json_order_cmp(from, &order[i - 1], &order[i]) == 0) {
            struct json_path twice = {path, from[order[i].index].name, 0};
            return reject(r, &twice, "a member stands twice in its object"); /*= RFC 7493 2.3 */
        }
        members[i] = from[order[i].index];
    }
    r->pending_count = base;
    *out = (struct json){.kind = JSON_OBJECT, .count = (uint32_t)n, .as.members = members};
    return FM_OK;
}

/* Moves the pending items from `base` on into the arena. */
static enum fm_err close_array(struct reader *r, size_t base, struct json *out)
{
    size_t n = r->pending_count - base;
    struct json *items = arena_alloc(r->ctx->arena, n * sizeof(*items));

    if (!items) {
        return fail_memory(r->ctx);
    }
    for (size_t i = 0; i < n; i++) {
        items[i] = r->pending[base + i].value;
    }
    r->pending_count = base;
    *out = (struct json){.kind = JSON_ARRAY, .count = (uint32_t)n, .as.items = items};
    return FM_OK;
}

/* Values ------------------------------------------------------------------------------------ */

static enum fm_err read_value(struct reader *r, const struct json_path *path, unsigned depth,
                              struct json *out);

/* Reads `"name": value`. */
static enum fm_err read_member(struct reader *r, const struct json_path *up, unsigned depth,
                               struct json_member *out)
{
    struct json_path path = {.up = up};

    if (peek(r) != '"') {
        return reject(r, up, "a member's name in quotes is missing");
    }
    TRY(read_string(r, up, &out->name));
    path.name = out->name;
    if (peek(r) != ':') {
        return reject(r, &path, "the colon behind a member's name is missing");
    }
    r->at++;
    return read_value(r, &path, depth, &out->value);
}

static enum fm_err read_object(struct reader *r, const struct json_path *path, unsigned depth,
                               struct json *out)
{
    size_t base = r->pending_count;
    struct json_member member;
    char next;

    r->at++;
    if (peek(r) == '}') {
        r->at++;
        *out = (struct json){.kind = JSON_OBJECT};
        return FM_OK;
    }
    do {
        TRY(read_member(r, path, depth, &member));
        TRY(pending_push(r, &member));
        next = peek(r);
        if (next != ',' && next != '}') {
            return reject(r, path, "a comma or the end of the object is missing");
        }
        r->at++;
    } while (next == ',');
    return close_object(r, path, base, out);
}

static enum fm_err read_array(struct reader *r, const struct json_path *up, unsigned depth,
                              struct json *out)
{
    size_t base = r->pending_count;
    struct json_member item = {.name = STR_NONE};
    struct json_path path = {.up = up};
    char next;

    r->at++;
    if (peek(r) == ']') {
        r->at++;
        *out = (struct json){.kind = JSON_ARRAY};
        return FM_OK;
    }
    do {
        TRY(read_value(r, &path, depth, &item.value));
        TRY(pending_push(r, &item));
        path.index++;
        next = peek(r);
        if (next != ',' && next != ']') {
            return reject(r, up, "a comma or the end of the array is missing");
        }
        r->at++;
    } while (next == ',');
    return close_array(r, base, out);
}

static enum fm_err read_number(struct reader *r, const struct json_path *path, struct json *out)
{
    char form[JSON_NUMBER_MAX];
    size_t length;
    struct str canonical, text = {r->at, (size_t)(r->end - r->at)};
    const char *why = json_number_read(text, form, &canonical, &length);

    if (why) {
        r->at += length;
        return reject(r, path, why);
    }
    if (canonical.p != r->at) {
        canonical = arena_copy(r->ctx->arena, canonical);
        if (!canonical.p) {
            return fail_memory(r->ctx);
        }
    }
    r->at += length;
    *out = (struct json){.kind = JSON_NUMBER, .as.text = canonical};
    return FM_OK;
}

static enum fm_err read_word(struct reader *r, const struct json_path *path, struct str word,
                             enum json_kind kind, struct json *out)
{
    if (!str_starts((struct str){r->at, (size_t)(r->end - r->at)}, word)) {
        return reject(r, path, "not a JSON value");
    }
    r->at += word.n;
    *out = (struct json){.kind = kind};
    return FM_OK;
}

/* Reads the value that begins at `r->at` or behind white space; `depth` counts the containers
 * around it. */
static enum fm_err read_value(struct reader *r, const struct json_path *path, unsigned depth,
                              struct json *out)
{
    char first = peek(r);

    if (++r->values > r->limits->values) {
        return reject(r, path, "more values than the limit");
    }
    switch (first) {
    case '"':
        *out = (struct json){.kind = JSON_STRING};
        return read_string(r, path, &out->as.text);
    case '{':
    case '[':
        if (depth >= r->limits->depth) {
            return reject(r, path, "nested deeper than the limit");
        }
        return first == '{' ? read_object(r, path, depth + 1, out)
                            : read_array(r, path, depth + 1, out);
    case 't':
        return read_word(r, path, S("true"), JSON_TRUE, out);
    case 'f':
        return read_word(r, path, S("false"), JSON_FALSE, out);
    case 'n':
        return read_word(r, path, S("null"), JSON_NULL, out);
    default:
        if (first == '-' || (first >= '0' && first <= '9')) {
            return read_number(r, path, out);
        }
        return reject(r, path, r->at < r->end ? "not a JSON value" : "a value is missing");
    }
}

static enum fm_err read_text(struct reader *r, struct json *out)
{
    if (str_starts((struct str){r->at, (size_t)(r->end - r->at)}, S("\xEF\xBB\xBF"))) {
        return reject(r, NULL, "begins with a byte order mark"); /*= RFC 8259 8.1 */
    }
    TRY(read_value(r, NULL, 0, out));
    (void)peek(r);
    if (r->at < r->end) {
        return reject(r, NULL, "something follows the value");
    }
    return FM_OK;
}

enum fm_err json_parse(struct ctx *ctx, struct str text, const struct json_limits *limits,
                       const struct json **out)
{
    struct json_member pending[ROOM_FIRST];
    struct json_order order[2 * ROOM_FIRST];
    AUTO(reader_done) struct reader r = {
        .ctx = ctx,
        .limits = limits,
        .start = text.p ? text.p : "",
        .pending = pending,
        .pending_room = ROOM_FIRST,
        .order = order,
        .order_room = ROOM_FIRST,
    };
    struct json *root;

    ASSERT(limits->depth <= JSON_DEPTH_MAX && limits->values <= UINT32_MAX);
    if (text.n > limits->bytes) {
        return fail(ctx, FM_E_TOO_LARGE, "a JSON text of %zu bytes; the limit is %zu", text.n,
                    limits->bytes);
    }
    r.at = r.start;
    r.end = r.start + text.n;
    root = arena_alloc(ctx->arena, sizeof(*root));
    if (!root) {
        return fail_memory(ctx);
    }
    TRY(read_text(&r, root));
    *out = root;
    return FM_OK;
}
