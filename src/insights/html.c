/* SPDX-License-Identifier: Apache-2.0
 *
 * Text and JSON as HTML. An agent's text must not become markup, nor read otherwise than its bytes
 * are.
 */
#include "insights/html.h"

#include "base/unicode.h"

static struct str escape_of(uint32_t code)
{
    switch (code) {
    case '<':
        return S("&lt;");
    case '>':
        return S("&gt;");
    case '&':
        return S("&amp;");
    case '"':
        return S("&quot;");
    case '\'':
        return S("&#39;");
    default: /* the rest needs none */
        return STR_NONE;
    }
}

void html_text(struct buf *buf, struct str text)
{
    for (size_t at = 0, from = 0; at < text.n; from = at) {
        uint32_t code = str_next_code_point(text, &at);
        struct str escape = escape_of(code);

        if (escape.p) {
            buf_add(buf, escape);
        } else if (code == '\n' || code == '\t' || code_point_is_visible(code)) {
            buf_add(buf, (struct str){text.p + from, at - from});
        } else {
            buf_printf(buf, "<mark title=\"a character that nobody sees\">U+%04X</mark>",
                       (unsigned)code);
        }
    }
}

static void indent(struct buf *buf, unsigned depth)
{
    buf_add_char(buf, '\n');
    for (unsigned i = 0; i < depth && i < JSON_DEPTH_MAX; i++) {
        buf_lit(buf, "  ");
    }
}

static void add_json(struct buf *buf, const struct json *value, unsigned depth);

static void add_items(struct buf *buf, const struct json *value, unsigned depth)
{
    bool is_object = value->kind == JSON_OBJECT;

    buf_add_char(buf, is_object ? '{' : '[');
    for (uint32_t i = 0; i < value->count; i++) {
        buf_add(buf, i ? S(",") : S(""));
        indent(buf, depth + 1);
        if (is_object) {
            const struct json_member *member = &value->as.members[i];
            struct json name = {.kind = JSON_STRING, .as.text = member->name};
            add_json(buf, &name, depth + 1);
            buf_lit(buf, ": ");
            add_json(buf, &member->value, depth + 1);
        } else {
            add_json(buf, &value->as.items[i], depth + 1);
        }
    }
    if (value->count > 0) {
        indent(buf, depth);
    }
    buf_add_char(buf, is_object ? '}' : ']');
}

/* No deeper than JSON_DEPTH_MAX: no tree is. */
static void add_json(struct buf *buf, const struct json *value, unsigned depth)
{
    AUTO(buf_done) struct buf text = BUF_INIT(buf->max);

    if (value->kind == JSON_OBJECT || value->kind == JSON_ARRAY) {
        add_items(buf, value, depth);
        return;
    }
    json_write(&text, value);
    html_text(buf, buf_str(&text));
}

void html_json(struct buf *buf, const struct json *value)
{
    if (value) {
        add_json(buf, value, 0);
    }
}

void html_element(struct buf *buf, const char *tag, struct str text)
{
    struct str rest = str_of(tag), name = str_split(&rest, ' ');

    if (text.n == 0) {
        return;
    }
    buf_printf(buf, "<%s>", tag);
    html_text(buf, text);
    buf_printf(buf, "</%.*s>\n", STR_ARG(name));
}

void html_row(struct buf *buf, const char *name, struct str text)
{
    html_element(buf, "dt", text.n ? str_of(name) : STR_NONE);
    html_element(buf, "dd", text);
}
