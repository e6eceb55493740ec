/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as JSON for display, and as text of the language.
 */
#include "cel/inner.h"
#include "crypto/crypto.h"

#include <math.h>

#define JSON_INT_MAX (INT64_C(1) << 53)

/* JSON ----------------------------------------------------------------------------------------- */

static void write_json(struct json_out *out, struct cel_value value, unsigned depth);

static void json_quoted(struct json_out *out, struct cel_value value)
{
    jo_text(out);
    switch (value.kind) {
    case CEL_INT:
        buf_printf(out->buf, "%lld", (long long)value.as.number);
        break;
    case CEL_UINT:
        buf_add_u64(out->buf, value.as.natural);
        break;
    case CEL_DOUBLE:
        cel_text_of_double(out->buf, value.as.real);
        break;
    case CEL_BYTES:
        buf_add_base64(out->buf, value.as.text);
        break;
    case CEL_TIMESTAMP:
        cel_text_of_timestamp(out->buf, value.as.moment);
        break;
    case CEL_DURATION:
        cel_text_of_duration(out->buf, value.as.number);
        break;
    case CEL_BOOL:
        buf_add(out->buf, value.as.yes ? S("true") : S("false"));
        break;
    default:
        break;
    }
    jo_text_end(out);
}

static void json_key(struct json_out *out, struct cel_value key)
{
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);

    if (key.kind == CEL_STRING) {
        jo_key_str(out, key.as.text);
        return;
    }
    if (key.kind == CEL_BOOL) {
        buf_add(&text, key.as.yes ? S("true") : S("false"));
    } else if (key.kind == CEL_UINT) {
        buf_add_u64(&text, key.as.natural);
    } else {
        buf_printf(&text, "%lld", (long long)key.as.number);
    }
    jo_key_str(out, buf_str(&text));
}

static void json_items(struct json_out *out, struct cel_value value, unsigned depth)
{
    size_t count = cel_size(value);
    bool is_map = value.kind == CEL_MAP;

    if (is_map) {
        jo_object(out);
    } else {
        jo_array(out);
    }
    for (size_t i = 0; i < count && buf_ok(out->buf); i++) {
        if (is_map) {
            json_key(out, cel_key_at(value, i));
        }
        write_json(out, is_map ? cel_value_at(value, i) : cel_item(value, i), depth);
    }
    if (is_map) {
        jo_object_end(out);
    } else {
        jo_array_end(out);
    }
}

static void json_error(struct json_out *out, struct cel_value value)
{
    jo_object(out);
    jo_m_str(out, "error", value.as.error->message);
    jo_object_end(out);
}

static void write_json(struct json_out *out, struct cel_value value, unsigned depth)
{
    bool exact = value.kind == CEL_INT
                     ? value.as.number >= -JSON_INT_MAX && value.as.number <= JSON_INT_MAX
                     : value.as.natural <= (uint64_t)JSON_INT_MAX;

    switch (value.kind) {
    case CEL_NULL:
        jo_null(out);
        return;
    case CEL_BOOL:
        jo_bool(out, value.as.yes);
        return;
    case CEL_INT:
    case CEL_UINT:
        if (exact) {
            jo_int(out, value.as.number);
            return;
        }
        break;
    case CEL_DOUBLE:
        if (isfinite(value.as.real)) {
            jo_double(out, value.as.real);
            return;
        }
        break;
    case CEL_STRING:
    case CEL_TYPE:
        jo_str(out, value.as.text);
        return;
    case CEL_LIST:
    case CEL_MAP:
        if (depth == 0) {
            jo_null(out);
            return;
        }
        json_items(out, value, depth - 1);
        return;
    case CEL_OPTIONAL:
        write_json(out, value.as.some && depth > 0 ? *value.as.some : cel_null(),
                   depth ? depth - 1 : 0);
        return;
    case CEL_ERROR:
        json_error(out, value);
        return;
    default:
        break;
    }
    json_quoted(out, value);
}

void cel_write_json_value(struct json_out *out, struct cel_value value)
{
    write_json(out, value, VALUE_DEPTH_MAX);
}

void cel_write_json(struct buf *buf, struct cel_value value)
{
    struct json_out out = JSON_OUT(buf);

    cel_write_json_value(&out, value);
}

/* Text ----------------------------------------------------------------------------------------- */

static void write_text(struct buf *buf, struct cel_value value, unsigned depth);

static void text_bytes(struct buf *buf, struct str bytes)
{
    buf_lit(buf, "b'");
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        if (c >= 0x20 && c < 0x7F && c != '\'' && c != '\\') {
            buf_add_char(buf, (char)c);
        } else {
            buf_printf(buf, "\\x%02x", c);
        }
    }
    buf_add_char(buf, '\'');
}

/* A double is told from an int by its point or exponent. */
static void text_double(struct buf *buf, struct cel_value value)
{
    size_t from = buf->n;

    if (!isfinite(value.as.real)) {
        buf_lit(buf, "double('");
        cel_text_of_double(buf, value.as.real);
        buf_lit(buf, "')");
        return;
    }
    cel_text_of_double(buf, value.as.real);
    for (size_t i = from; i < buf->n; i++) {
        if (buf->p[i] == '.' || buf->p[i] == 'e') {
            return;
        }
    }
    buf_add(buf, value.form == FORM_JSON ? S("") : S(".0"));
}

static void text_items(struct buf *buf, struct cel_value value, unsigned depth)
{
    size_t count = cel_size(value);
    bool is_map = value.kind == CEL_MAP;

    buf_add_char(buf, is_map ? '{' : '[');
    for (size_t i = 0; i < count && buf_ok(buf); i++) {
        buf_add(buf, i ? S(", ") : S(""));
        if (is_map) {
            write_text(buf, cel_key_at(value, i), depth);
            buf_lit(buf, ": ");
        }
        write_text(buf, is_map ? cel_value_at(value, i) : cel_item(value, i), depth);
    }
    buf_add_char(buf, is_map ? '}' : ']');
}

static void text_optional(struct buf *buf, struct cel_value value, unsigned depth)
{
    if (!value.as.some || depth == 0) {
        buf_lit(buf, "optional.none()");
        return;
    }
    buf_lit(buf, "optional.of(");
    write_text(buf, *value.as.some, depth);
    buf_add_char(buf, ')');
}

static void text_time(struct buf *buf, struct cel_value value)
{
    buf_add(buf, value.kind == CEL_TIMESTAMP ? S("timestamp('") : S("duration('"));
    if (value.kind == CEL_TIMESTAMP) {
        cel_text_of_timestamp(buf, value.as.moment);
    } else {
        cel_text_of_duration(buf, value.as.number);
    }
    buf_lit(buf, "')");
}

static void write_text(struct buf *buf, struct cel_value value, unsigned depth)
{
    switch (value.kind) {
    case CEL_NULL:
        buf_lit(buf, "null");
        return;
    case CEL_BOOL:
        buf_add(buf, value.as.yes ? S("true") : S("false"));
        return;
    case CEL_INT:
        buf_printf(buf, "%lld", (long long)value.as.number);
        return;
    case CEL_UINT:
        buf_add_u64(buf, value.as.natural);
        buf_add_char(buf, 'u');
        return;
    case CEL_DOUBLE:
        text_double(buf, value);
        return;
    case CEL_STRING:
        cel_text_quote(buf, value.as.text, '\'');
        return;
    case CEL_BYTES:
        text_bytes(buf, value.as.text);
        return;
    case CEL_TYPE:
        buf_add(buf, value.as.text);
        return;
    case CEL_LIST:
    case CEL_MAP:
        if (depth > 0) {
            text_items(buf, value, depth - 1);
        }
        return;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        text_time(buf, value);
        return;
    case CEL_OPTIONAL:
        text_optional(buf, value, depth ? depth - 1 : 0);
        return;
    case CEL_ERROR:
        buf_lit(buf, "error: ");
        buf_add(buf, value.as.error->message);
        return;
    default:
        return;
    }
}

void cel_write_text(struct buf *buf, struct cel_value value)
{
    write_text(buf, value, VALUE_DEPTH_MAX);
}
