/* SPDX-License-Identifier: Apache-2.0
 *
 * The string extension (strings.proto of cel-go, version 4) but for format(), and the encoders.
 * Positions count code points.
 */
#include "cel/inner.h"
#include "crypto/crypto.h"

#define OUT_MAX MIB /* of a text that a function makes */

/* Positions ------------------------------------------------------------------------------------ */

/* An argument that is an int, or a whole number of JSON. */
static bool arg_int(struct cel_value value, int64_t *out)
{
    return (value.kind == CEL_INT || is_json_number(value)) && cel_value_to_int(value, out);
}

/* The byte at which code point `index` begins; false beyond the end. */
static bool byte_of(struct str text, int64_t index, size_t *out)
{
    size_t at = 0;

    for (; index > 0 && at < text.n; index--) {
        do {
            at++;
        } while (at < text.n && (text.p[at] & 0xC0) == 0x80);
    }
    *out = at;
    return index == 0;
}

static int64_t index_of_byte(struct str text, size_t at)
{
    return (int64_t)cel_size(cel_string((struct str){text.p, at}));
}

static struct cel_value out_of_range(struct cel_eval *eval, const struct node *node, int64_t index)
{
    return cel_eval_fail(eval, node, "index out of range: %lld", (long long)index);
}

static struct cel_value char_at(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text;
    int64_t index;
    size_t from, to;

    if (args[0].kind != CEL_STRING || !arg_int(args[1], &index)) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, text.n)) {
        return cel_eval_too_costly();
    }
    if (!byte_of(text, index, &from)) {
        return out_of_range(eval, node, index);
    }
    (void)byte_of(str_skip(text, from), 1, &to);
    return cel_string((struct str){text.p + from, from < text.n ? to : 0});
}

static struct cel_value substring(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text;
    int64_t first, last = 0;
    size_t from, to = text.n;

    if (args[0].kind != CEL_STRING || !arg_int(args[1], &first) ||
        (count == 3 && !arg_int(args[2], &last))) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, 2 * text.n)) {
        return cel_eval_too_costly();
    }
    if (!byte_of(text, first, &from)) {
        return out_of_range(eval, node, first);
    }
    if (count == 3 && !byte_of(text, last, &to)) {
        return out_of_range(eval, node, last);
    }
    if (to < from) {
        return cel_eval_fail(eval, node, "invalid substring range. start: %lld, end: %lld",
                             (long long)first, (long long)last);
    }
    return cel_string((struct str){text.p + from, to - from});
}

/* Searching ------------------------------------------------------------------------------------ */

/* Checks the arguments of indexOf and lastIndexOf and finds the byte of the offset; false with the
 * error in *error. */
static bool search_arguments(struct cel_eval *eval, const struct node *node,
                             const struct cel_value *args, size_t count, size_t *at,
                             struct cel_value *error)
{
    int64_t offset = 0;

    if (args[0].kind != CEL_STRING || args[1].kind != CEL_STRING ||
        (count == 3 && !arg_int(args[2], &offset))) {
        *error = cel_eval_no_overload(eval, node, args, count);
        return false;
    }
    if (!cel_pay_bytes(eval, SEARCH_FACTOR * args[0].as.text.n)) {
        *error = cel_eval_too_costly();
        return false;
    }
    if (!byte_of(args[0].as.text, offset, at)) {
        *error = out_of_range(eval, node, offset);
        return false;
    }
    return true;
}

static struct cel_value index_of(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text, part = args[1].as.text, rest;
    struct cel_value error;
    const char *hit;
    size_t at;

    if (!search_arguments(eval, node, args, count, &at, &error)) {
        return error;
    }
    rest = str_skip(text, at);
    hit = part.n ? memmem(rest.p, rest.n, part.p, part.n) : rest.p;
    return cel_int(hit ? index_of_byte(text, (size_t)(hit - text.p)) : -1);
}

static struct cel_value last_index_of(struct cel_eval *eval, const struct node *node,
                                      const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text, part = args[1].as.text;
    struct cel_value error;
    size_t at;

    if (!search_arguments(eval, node, args, count, &at, &error)) {
        return error;
    }
    at = count == 3 ? at : text.n;
    if (part.n > text.n) {
        return cel_int(-1);
    }
    at = at > text.n - part.n ? text.n - part.n : at;
    for (size_t i = at + 1; i > 0; i--) {
        if (part.n && text.p[i - 1] != part.p[0]) {
            continue;
        }
        if (!eval_pay(eval, 1 + part.n / 64)) {
            return cel_eval_too_costly();
        }
        if (str_starts(str_skip(text, i - 1), part)) {
            return cel_int(index_of_byte(text, i - 1));
        }
    }
    return cel_int(-1);
}

/* Changing ------------------------------------------------------------------------------------- */

static struct cel_value with_case(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, char first, int by)
{
    struct str text = args[0].as.text;
    char *p;

    if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, 1);
    }
    if (!cel_pay_bytes(eval, text.n)) {
        return cel_eval_too_costly();
    }
    p = arena_alloc(eval->arena, text.n + 1);
    if (!p) {
        return cel_eval_no_memory();
    }
    for (size_t i = 0; i < text.n; i++) {
        bool letter = text.p[i] >= first && text.p[i] < first + 26;
        p[i] = (char)(letter ? text.p[i] + by : text.p[i]);
    }
    return cel_string((struct str){p, text.n});
}

static struct cel_value lower_ascii(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count)
{
    (void)count;
    return with_case(eval, node, args, 'A', 'a' - 'A');
}

static struct cel_value upper_ascii(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count)
{
    (void)count;
    return with_case(eval, node, args, 'a', 'A' - 'a');
}

/* Bytes up to the end of the first code point. */
static size_t first_size(struct str text)
{
    size_t n = 0;

    (void)byte_of(text, 1, &n);
    return n;
}

/* The next place of `part` in `rest`, in bytes; an empty part stands behind every code point. */
static bool next_place(struct str rest, struct str part, bool at_start, size_t *at)
{
    const char *hit;

    if (part.n == 0) {
        *at = at_start ? 0 : first_size(rest);
        return at_start || rest.n > 0;
    }
    hit = memmem(rest.p, rest.n, part.p, part.n);
    *at = hit ? (size_t)(hit - rest.p) : rest.n;
    return hit != NULL;
}

static struct cel_value replace(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    AUTO(buf_done) struct buf out = BUF_INIT(OUT_MAX);
    struct str rest = args[0].as.text, old = args[1].as.text;
    int64_t left = -1;
    size_t at;

    if (args[0].kind != CEL_STRING || args[1].kind != CEL_STRING || args[2].kind != CEL_STRING ||
        (count == 4 && !arg_int(args[3], &left))) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    for (bool start = true; left != 0 && next_place(rest, old, start, &at); start = false, left--) {
        if (!eval_pay(eval, 1 + (SEARCH_FACTOR * at + args[2].as.text.n) / 64)) {
            return cel_eval_too_costly();
        }
        buf_add(&out, (struct str){rest.p, at});
        buf_add(&out, args[2].as.text);
        rest = str_skip(rest, at + old.n);
    }
    buf_add(&out, rest);
    return cel_pay_bytes(eval, out.n + rest.n) ? cel_value_text_of(eval, &out)
                                               : cel_eval_too_costly();
}

/* Splits into `items`, which has room for `room`; returns how many. */
static size_t split_into(struct str text, struct str by, struct cel_value *items, size_t room)
{
    size_t count = 0, at;

    while (count + 1 < room && next_place(text, by, false, &at) && !(by.n == 0 && at == text.n)) {
        items[count++] = cel_string((struct str){text.p, at});
        text = str_skip(text, at + by.n);
    }
    if (room > 0 && !(by.n == 0 && text.n == 0)) {
        items[count++] = cel_string(text);
    }
    return count;
}

static struct cel_value split(struct cel_eval *eval, const struct node *node,
                              const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text;
    int64_t limit = -1;
    size_t room = text.n + 1;
    struct cel_value *items;

    if (args[0].kind != CEL_STRING || args[1].kind != CEL_STRING ||
        (count == 3 && !arg_int(args[2], &limit))) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (limit >= 0 && (uint64_t)limit < room) {
        room = (size_t)limit;
    }
    if (!eval_pay(eval, room / 4)) {
        return cel_eval_too_costly();
    }
    items = arena_alloc(eval->arena, (room + 1) * sizeof(*items));
    return items ? cel_value_new_list(eval, items, split_into(text, args[1].as.text, items, room))
                 : cel_eval_no_memory();
}

static struct cel_value join(struct cel_eval *eval, const struct node *node,
                             const struct cel_value *args, size_t count)
{
    AUTO(buf_done) struct buf out = BUF_INIT(OUT_MAX);
    size_t items = cel_size(args[0]);

    if (args[0].kind != CEL_LIST || (count == 2 && args[1].kind != CEL_STRING)) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    for (size_t i = 0; i < items; i++) {
        struct cel_value item = cel_item(args[0], i);
        if (item.kind != CEL_STRING) {
            return cel_eval_no_overload(eval, node, &item, 1);
        }
        if (!eval_pay(eval, 1 + item.as.text.n / 64)) {
            return cel_eval_too_costly();
        }
        if (i > 0 && count == 2) {
            buf_add(&out, args[1].as.text);
        }
        buf_add(&out, item.as.text);
    }
    return cel_pay_bytes(eval, out.n) ? cel_value_text_of(eval, &out) : cel_eval_too_costly();
}

/* Unicode's White_Space. */
static bool is_blank(uint32_t code)
{
    return (code >= 9 && code <= 13) || code == 0x20 || code == 0x85 || code == 0xA0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
           code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

static struct cel_value trim(struct cel_eval *eval, const struct node *node,
                             const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text;
    size_t from = 0, to = 0;
    bool seen = false;

    if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, 4 * text.n)) {
        return cel_eval_too_costly();
    }
    for (size_t at = 0; at < text.n;) {
        size_t before = at;
        if (!is_blank(str_next_code_point(text, &at))) {
            from = seen ? from : before;
            seen = true;
            to = at;
        }
    }
    return cel_string((struct str){text.p + from, to - from});
}

static struct cel_value reverse(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    AUTO(buf_done) struct buf out = BUF_INIT(OUT_MAX);
    struct str text = args[0].as.text;

    if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, 8 * text.n)) {
        return cel_eval_too_costly();
    }
    for (size_t end = text.n; end > 0;) {
        size_t from = end - 1;
        while (from > 0 && (text.p[from] & 0xC0) == 0x80) {
            from--;
        }
        buf_add(&out, (struct str){text.p + from, end - from});
        end = from;
    }
    return cel_value_text_of(eval, &out);
}

static struct cel_value quote(struct cel_eval *eval, const struct node *node,
                              const struct cel_value *args, size_t count)
{
    AUTO(buf_done) struct buf out = BUF_INIT(OUT_MAX);

    if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, 4 * args[0].as.text.n)) {
        return cel_eval_too_costly();
    }
    cel_text_quote(&out, args[0].as.text, '"');
    return cel_value_text_of(eval, &out);
}

/* Encoders ------------------------------------------------------------------------------------- */

static struct cel_value encode(struct cel_eval *eval, const struct node *node,
                               const struct cel_value *args, size_t count)
{
    AUTO(buf_done) struct buf out = BUF_INIT(OUT_MAX);

    if (args[0].kind != CEL_BYTES) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, 4 * args[0].as.text.n)) {
        return cel_eval_too_costly();
    }
    buf_add_base64(&out, args[0].as.text);
    return cel_value_text_of(eval, &out);
}

/* With its padding or without. */
static struct cel_value decode(struct cel_eval *eval, const struct node *node,
                               const struct cel_value *args, size_t count)
{
    AUTO(buf_done) struct buf padded = BUF_INIT(OUT_MAX);
    struct str bytes;

    if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, 4 * args[0].as.text.n)) {
        return cel_eval_too_costly();
    }
    buf_add(&padded, args[0].as.text);
    while (padded.n % 4 != 0 && buf_ok(&padded)) {
        buf_add_char(&padded, '=');
    }
    if (!buf_ok(&padded)) {
        return cel_eval_no_memory();
    }
    return base64_decode(eval->arena, buf_str(&padded), &bytes)
               ? cel_bytes(bytes)
               : cel_eval_fail(eval, node, "the text is no base64");
}

const struct builtin cel_builtin_texts[] = {
    {STR("charAt"), ".si:s", char_at, 0},
    {STR("indexOf"), ".ss:i .ssi:i", index_of, 0},
    {STR("lastIndexOf"), ".ss:i .ssi:i", last_index_of, 0},
    {STR("lowerAscii"), ".s:s", lower_ascii, 0},
    {STR("upperAscii"), ".s:s", upper_ascii, 0},
    {STR("replace"), ".sss:s .sssi:s", replace, 1},
    {STR("split"), ".ss:Ls .ssi:Ls", split, 1},
    {STR("substring"), ".si:s .sii:s", substring, 0},
    {STR("trim"), ".s:s", trim, 0},
    {STR("reverse"), ".s:s", reverse, 1},
    {STR("join"), ".Ls:s .Lss:s", join, 1},
    {STR("format"), ".sL*:s", cel_text_format, 2},
    {STR("strings.quote"), "s:s", quote, 1},
    {STR("base64.encode"), "y:s", encode, 1},
    {STR("base64.decode"), "s:y", decode, 1},
    {.name = {NULL, 0}},
};
