/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes JSON: the canonical form of a tree (RFC 8785), and answers built call by call (jo_*). Both
 * use one way of escaping, so that a tree of canonical parts is canonical.
 *
 * It must never write a byte that is not JSON: text comes in as checked UTF-8, raw JSON only from
 * here.
 */
#include "base/clock.h"
#include "base/panic.h"
#include "json/inner.h"

/* Strings ----------------------------------------------------------------------------------- */

/* How many bytes from `at` on go out as they are: all but quote, backslash and control characters.
 */
static inline size_t plain_run(const char *at, size_t n)
{
    size_t i = 0;

    for (; n - i >= JSON_WORD; i += JSON_WORD) {
        uint64_t hits = json_word_special(json_word(at + i));
        if (hits) {
            return i + json_word_first(hits);
        }
    }
    while (i < n && (unsigned char)at[i] >= 0x20 && at[i] != '"' && at[i] != '\\') {
        i++;
    }
    return i;
}

/*= RFC 8785 3.2.2.2: the short escapes where there is one, else \u00xx in lower case */
static void write_escape(struct buf *buf, char c)
{
    static const char names[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";
    const char *hit = c ? strchr(bytes, c) : NULL;

    if (hit) {
        buf_add_char(buf, '\\');
        buf_add_char(buf, names[hit - bytes]);
        return;
    }
    buf_lit(buf, "\\u00");
    buf_add_hex(buf, (struct str){&c, 1});
}

void json_write_string(struct buf *buf, struct str text)
{
    size_t at = 0, plain = plain_run(text.p, text.n);

    if (plain == text.n && buf_reserve(buf, plain + 2)) { /* almost every string */
        buf->p[buf->n++] = '"';
        if (plain) {
            memcpy(buf->p + buf->n, text.p, plain);
        }
        buf->n += plain;
        buf->p[buf->n++] = '"';
        return;
    }
    buf_add_char(buf, '"');
    while (at < text.n) {
        size_t run = plain_run(text.p + at, text.n - at);
        buf_add(buf, (struct str){text.p + at, run});
        at += run;
        if (at < text.n) {
            write_escape(buf, text.p[at++]);
        }
    }
    buf_add_char(buf, '"');
}

/* Trees ------------------------------------------------------------------------------------- */

static void write_value(struct buf *buf, const struct json *value, unsigned depth);

static void write_array(struct buf *buf, const struct json *array, unsigned depth)
{
    buf_add_char(buf, '[');
    for (uint32_t i = 0; i < array->count; i++) {
        if (i > 0) {
            buf_add_char(buf, ',');
        }
        write_value(buf, &array->as.items[i], depth);
    }
    buf_add_char(buf, ']');
}

/* The reader has sorted the members. */
static void write_object(struct buf *buf, const struct json *object, unsigned depth)
{
    buf_add_char(buf, '{');
    for (uint32_t i = 0; i < object->count; i++) {
        if (i > 0) {
            buf_add_char(buf, ',');
        }
        json_write_string(buf, object->as.members[i].name);
        buf_add_char(buf, ':');
        write_value(buf, &object->as.members[i].value, depth);
    }
    buf_add_char(buf, '}');
}

static void write_value(struct buf *buf, const struct json *value, unsigned depth)
{
    ASSERT(depth <= JSON_DEPTH_MAX); /* json_parse makes no deeper tree */
    switch (value->kind) {
    case JSON_NULL:
        buf_lit(buf, "null");
        break;
    case JSON_FALSE:
        buf_lit(buf, "false");
        break;
    case JSON_TRUE:
        buf_lit(buf, "true");
        break;
    case JSON_NUMBER:
        buf_add(buf, value->as.text);
        break;
    case JSON_STRING:
        json_write_string(buf, value->as.text);
        break;
    case JSON_ARRAY:
        write_array(buf, value, depth + 1);
        break;
    case JSON_OBJECT:
        write_object(buf, value, depth + 1);
        break;
    }
}

void json_write(struct buf *buf, const struct json *value)
{
    write_value(buf, value, 0);
}

/* Call by call ------------------------------------------------------------------------------ */

/* Before a value or a key: the comma, if something stands before it in its container. */
static void begin(struct json_out *out)
{
    if (out->comma) {
        buf_add_char(out->buf, ',');
    }
    out->comma = true;
}

static void literal(struct json_out *out, struct str text)
{
    begin(out);
    buf_add(out->buf, text);
}

static void begin_container(struct json_out *out, char bracket)
{
    begin(out);
    buf_add_char(out->buf, bracket);
    out->comma = false;
}

static void end_container(struct json_out *out, char bracket)
{
    buf_add_char(out->buf, bracket);
    out->comma = true;
}

void jo_object(struct json_out *out)
{
    begin_container(out, '{');
}

void jo_object_end(struct json_out *out)
{
    end_container(out, '}');
}

void jo_array(struct json_out *out)
{
    begin_container(out, '[');
}

void jo_array_end(struct json_out *out)
{
    end_container(out, ']');
}

void jo_key(struct json_out *out, const char *name)
{
    jo_key_str(out, str_of(name));
}

void jo_key_str(struct json_out *out, struct str name)
{
    begin(out);
    json_write_string(out->buf, name);
    buf_add_char(out->buf, ':');
    out->comma = false;
}

void jo_str(struct json_out *out, struct str text)
{
    if (!text.p) {
        jo_null(out);
        return;
    }
    begin(out);
    json_write_string(out->buf, text);
}

void jo_int(struct json_out *out, int64_t value)
{
    begin(out);
    if (value < 0) {
        buf_add_char(out->buf, '-');
    }
    buf_add_u64(out->buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void jo_double(struct json_out *out, double value)
{
    char form[JSON_NUMBER_MAX];

    literal(out, json_format_double(value, form));
}

void jo_bool(struct json_out *out, bool value)
{
    literal(out, value ? S("true") : S("false"));
}

void jo_null(struct json_out *out)
{
    literal(out, S("null"));
}

void jo_value(struct json_out *out, const struct json *value)
{
    if (!value) {
        jo_null(out);
        return;
    }
    begin(out);
    json_write(out->buf, value);
}

void jo_raw(struct json_out *out, struct str json)
{
    literal(out, json);
}

void jo_members(struct json_out *out, struct str members)
{
    if (members.n > 0) {
        literal(out, members);
    }
}

void jo_m_str(struct json_out *out, const char *name, struct str text)
{
    jo_key(out, name);
    jo_str(out, text);
}

void jo_m_int(struct json_out *out, const char *name, int64_t value)
{
    jo_key(out, name);
    jo_int(out, value);
}

void jo_m_bool(struct json_out *out, const char *name, bool value)
{
    jo_key(out, name);
    jo_bool(out, value);
}

void jo_m_null(struct json_out *out, const char *name)
{
    jo_key(out, name);
    jo_null(out);
}

void jo_m_time(struct json_out *out, const char *name, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];

    jo_m_str(out, name, at_us == 0 ? STR_NONE : clock_format(at_us, text));
}

void jo_m_id(struct json_out *out, const char *name, enum id_kind kind, struct id id)
{
    char text[ID_TEXT_MAX];

    jo_m_str(out, name, id_is_zero(id) ? STR_NONE : id_format(kind, id, text));
}

void jo_m_raw(struct json_out *out, const char *name, struct str json)
{
    jo_key(out, name);
    jo_raw(out, json.p ? json : S("null"));
}

void jo_text(struct json_out *out)
{
    begin(out);
    buf_add_char(out->buf, '"');
}

void jo_text_end(struct json_out *out)
{
    buf_add_char(out->buf, '"');
}

void jo_m_hex(struct json_out *out, const char *name, struct str bytes)
{
    jo_key(out, name);
    jo_text(out);
    buf_add_hex(out->buf, bytes);
    jo_text_end(out);
}

void jo_m_digest(struct json_out *out, const char *name, struct str bytes)
{
    jo_key(out, name);
    jo_text(out);
    buf_lit(out->buf, "sha256:");
    buf_add_hex(out->buf, bytes);
    jo_text_end(out);
}
