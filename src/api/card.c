/* SPDX-License-Identifier: Apache-2.0
 *
 * What will run: the server's rendering of the stored arguments (A1, A3). Every leaf of the arguments is
 * a line; a character that a reader could not see is a part of its own with its code point and name.
 */
#include "api/api_internal.h"
#include "base/unicode.h"

#include <stdio.h>
#include <string.h>
#include <uniname.h>

#define CARD_LINES_MAX 2000 /* leaves shown one by one; the rest is one line that says so */
#define CARD_BYTES_MAX (4 * MIB) /* likewise: long names stand in each line below them */
#define CARD_DEPTH_MAX 64

/* What security.md A3 lists, and what is blank. LF and TAB too: in an argument they are part of
 * what will run. */
static bool is_hidden(uint32_t code)
{
    return (code < 0x20 || code >= 0x7F) && !code_point_is_visible(code);
}

static void write_hidden(struct json_out *out, uint32_t code)
{
    char name[UNINAME_MAX];
    char label[16];

    snprintf(label, sizeof(label), "U+%04X", code);
    jo_object(out);
    jo_m_str(out, "hidden", str_of(label));
    jo_m_str(out, "name", str_of(unicode_character_name(code, name) ? name : "no name"));
    jo_object_end(out);
}

static void write_text_part(struct json_out *out, struct str text)
{
    if (text.n) {
        jo_object(out);
        jo_m_str(out, "text", text);
        jo_object_end(out);
    }
}

/* The part of a text between the white space at its ends. Spaces outside of it are marked: where
 * nothing follows, or nothing went before, nobody sees them. */
struct inner {
    size_t from, to;
};

static struct inner inner_of(struct str text)
{
    struct inner inner = {0, text.n};

    while (inner.from < inner.to && strchr(" \n\t", text.p[inner.from])) {
        inner.from++;
    }
    while (inner.to > inner.from && strchr(" \n\t", text.p[inner.to - 1])) {
        inner.to--;
    }
    return inner;
}

/* Whether the character at `start` is one that a reader could not see. */
static bool hides(struct inner inner, size_t start, uint32_t code)
{
    return is_hidden(code) || (code == ' ' && (start < inner.from || start >= inner.to));
}

static size_t count_hidden(struct str text)
{
    struct inner inner = inner_of(text);
    size_t hidden = 0;

    for (size_t at = 0; at < text.n;) {
        size_t start = at;
        hidden += hides(inner, start, str_next_code_point(text, &at));
    }
    return hidden;
}

/* The parts of a text; returns how many hidden characters it has. */
static size_t write_parts(struct json_out *out, struct str text)
{
    struct inner inner = inner_of(text);
    size_t from = 0, hidden = 0;

    jo_key(out, "parts");
    jo_array(out);
    for (size_t at = 0; at < text.n;) {
        size_t start = at;
        uint32_t code = str_next_code_point(text, &at);
        if (hides(inner, start, code)) {
            write_text_part(out, (struct str){text.p + from, start - from});
            write_hidden(out, code);
            from = at;
            hidden++;
        }
    }
    write_text_part(out, (struct str){text.p + from, text.n - from});
    jo_array_end(out);
    return hidden;
}

struct card {
    const struct view *view;
    struct json_out *out;
    struct policy_list critical;
    bool want_critical; /* this pass writes the critical lines, or the others */
    struct buf pointer; /* of the value that is being written */
    size_t start;       /* of the card in the answer */
    size_t lines, hidden;
    bool cut; /* a line of this pass was left out */
};

static bool is_critical(const struct card *card, struct str pointer)
{
    for (size_t i = 0; i < card->critical.count; i++) {
        struct str rest = str_skip(pointer, card->critical.items[i].n);
        if (str_starts(pointer, card->critical.items[i]) && (rest.n == 0 || rest.p[0] == '/')) {
            return true;
        }
    }
    return false;
}

static const char *kind_name(const struct json *value)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_FALSE] = "boolean", [JSON_TRUE] = "boolean",
        [JSON_NUMBER] = "number", [JSON_STRING] = "string", [JSON_ARRAY] = "empty",
        [JSON_OBJECT] = "empty"};

    return names[value->kind];
}

static struct str leaf_text(const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL:
        return S("null");
    case JSON_FALSE:
        return S("false");
    case JSON_TRUE:
        return S("true");
    case JSON_NUMBER:
    case JSON_STRING:
        return value->as.text;
    case JSON_ARRAY: /* in a title, or deeper than any line goes: never as if it were empty */
        return value->count ? S("[...]") : S("[]");
    case JSON_OBJECT:
        return value->count ? S("{...}") : S("{}");
    }
    return STR_NONE;
}

static void write_line(struct card *card, const struct json *value)
{
    struct str pointer = buf_str(&card->pointer);
    bool critical = is_critical(card, pointer);
    struct str text = leaf_text(value);

    if (critical != card->want_critical) {
        return;
    }
    if (card->lines >= CARD_LINES_MAX || card->out->buf->n - card->start > CARD_BYTES_MAX) {
        card->cut = true;
        return;
    }
    card->lines++;
    jo_object(card->out);
    jo_m_str(card->out, "pointer", pointer);
    jo_m_str(card->out, "kind", str_of(kind_name(value)));
    jo_m_bool(card->out, "critical", critical);
    jo_m_int(card->out, "bytes", (int64_t)text.n);
    card->hidden += write_parts(card->out, text);
    jo_object_end(card->out);
}

/* Appends one step of a pointer (RFC 6901 section 4). */
static void push_member(struct buf *pointer, struct str name)
{
    buf_add_char(pointer, '/');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '~' || name.p[i] == '/') {
            buf_add(pointer, name.p[i] == '~' ? S("~0") : S("~1"));
        } else {
            buf_add_char(pointer, name.p[i]);
        }
    }
}

/* One pointer grows and shrinks with the way: as many as there are leaves would add up. */
static void write_lines(struct card *card, const struct json *value, int depth)
{
    size_t here = card->pointer.n;

    if ((value->kind != JSON_ARRAY && value->kind != JSON_OBJECT) || value->count == 0 ||
        depth >= CARD_DEPTH_MAX) {
        write_line(card, value);
        return;
    }
    for (uint32_t i = 0; i < value->count && !card->cut; i++) {
        if (value->kind == JSON_ARRAY) {
            buf_add_char(&card->pointer, '/');
            buf_add_u64(&card->pointer, i);
            write_lines(card, &value->as.items[i], depth + 1);
        } else {
            const struct json_member *member = &value->as.members[i];
            card->hidden += card->want_critical ? count_hidden(member->name) : 0; /* in one pass of two */
            push_member(&card->pointer, member->name);
            write_lines(card, &member->value, depth + 1);
        }
        card->pointer.n = here;
    }
}

/* "Refund {amount} {currency}": holes are filled from top-level arguments, as text. */
static void fill_title(struct buf *buf, struct str template, const struct json *arguments)
{
    while (template.n) {
        size_t open = str_find(template, '{');
        buf_add(buf, (struct str){template.p, open});
        template = str_skip(template, open);
        if (template.n) {
            struct str rest = str_skip(template, 1), name = str_split(&rest, '}');
            const struct json *value = json_get(arguments, name);
            buf_add(buf, value ? leaf_text(value) : S("?"));
            template = rest.p ? rest : STR_NONE;
        }
    }
}

struct str view_title(const struct view *view, const struct proposal *p, const struct json *request)
{
    const struct policy_action *action = policy_action(view->policy, p->action);
    AUTO(buf_done) struct buf title = BUF_INIT(8 * KIB);

    if (!action || !action->card_title.p || !request) {
        return p->action;
    }
    fill_title(&title, action->card_title, json_get(request, S("arguments")));
    return buf_ok(&title) ? arena_copy(view->ctx->arena, buf_str(&title)) : p->action;
}

static void write_facts(struct json_out *out, const struct policy_action *action)
{
    jo_m_str(out, "executor", action ? action->executor : STR_NONE);
    jo_key(out, "effects");
    jo_array(out);
    for (unsigned i = 0; action && i < EFFECT_COUNT; i++) {
        if (action->effects >> i & 1) {
            jo_str(out, str_of(effect_name((enum effect)i)));
        }
    }
    jo_array_end(out);
    jo_m_str(out, "domain", action ? action->domain : STR_NONE);
    jo_key(out, "reversible");
    if (action && action->reversible != JSON_UNSET) {
        jo_bool(out, action->reversible == JSON_YES);
    } else {
        jo_null(out);
    }
    jo_m_str(out, "oversight", action ? action->oversight : STR_NONE);
}

enum fm_err view_card(const struct view *view, struct json_out *out, const struct proposal *p,
                      const struct json *request)
{
    const struct policy_action *action = policy_action(view->policy, p->action);
    const struct json *arguments = json_get(request, S("arguments"));
    struct card card = {.view = view,
                        .out = out,
                        .want_critical = true,
                        .pointer = BUF_INIT(MIB),
                        .start = out->buf->n};
    bool cut, whole;

    if (!arguments) { /* erased */
        jo_null(out);
        return FM_OK;
    }
    if (action) {
        card.critical = action->critical;
    }
    jo_object(out);
    jo_m_str(out, "title", view_title(view, p, request));
    jo_m_str(out, "action", p->action);
    write_facts(out, action);
    jo_key(out, "lines");
    jo_array(out);
    write_lines(&card, arguments, 0);
    cut = card.cut;
    card.want_critical = card.cut = false;
    card.lines = 0;
    write_lines(&card, arguments, 0);
    jo_array_end(out);
    jo_m_bool(out, "cut", cut || card.cut);
    jo_m_int(out, "hidden", (int64_t)card.hidden);
    jo_object_end(out);
    whole = buf_ok(&card.pointer);
    buf_done(&card.pointer);
    return whole ? FM_OK : fail_memory(view->ctx);
}
