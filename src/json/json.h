/* SPDX-License-Identifier: Apache-2.0
 *
 * Strict JSON: reads I-JSON (RFC 7493) into a tree in an arena, writes the canonical form (RFC 8785),
 * and binds request bodies to structs by tables of fields. What cannot be kept exactly is refused, with
 * a pointer or an offset: what is shown, hashed, approved and run must be one byte string.
 */
#ifndef FM_JSON_H
#define FM_JSON_H

#include "base/buf.h"
#include "base/ctx.h"
#include "base/id.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member;

/* A value. Immutable once read; lives in the arena (strings without escapes may point into the input,
 * which must therefore outlive the tree). */
struct json {
    enum json_kind kind;
    uint32_t count; /* of items or members */
    union {
        struct str text;             /* JSON_STRING: decoded UTF-8. JSON_NUMBER: its RFC 8785 form */
        const struct json *items;    /* JSON_ARRAY */
        const struct json_member *members; /* JSON_OBJECT: sorted as RFC 8785 wants (UTF-16 units) */
    } as;
};

struct json_member {
    struct str name;
    struct json value;
};

struct json_limits {
    size_t bytes;  /* of the whole text */
    unsigned depth; /* of nesting; [[]] has depth 2 */
    size_t values; /* in the whole tree */
};

/* No tree is deeper, whatever the limits: what walks a tree may rely on it. */
#define JSON_DEPTH_MAX 256u

/* 1 MiB, depth 64, 100,000 values: the limits of the wire. */
extern const struct json_limits JSON_LIMITS_WIRE;

/* Reads exactly one value from `text` into `ctx->arena`. Refused: duplicate members, U+0000, invalid
 * UTF-8, lone surrogates, a byte order mark, numbers beyond 2^53 (however written: 1e30 too) and
 * decimals whose canonical form is not numerically the token (advice: send a string); over a limit;
 * trailing bytes. -0 is accepted and is 0; noncharacters such as U+FFFF are accepted as they are.
 * The canonical form may be longer than `text` (1e15 has 16 digits): at most four times. Errors:
 * FM_E_INVALID_JSON with the RFC 6901 pointer (as a field error; of the nearest place above where it
 * would pass 512 bytes) and the byte offset (in the detail; of a duplicate, behind its object);
 * FM_E_TOO_LARGE beyond limits->bytes; that of fail_memory when the arena is full (a text at the limits
 * of the wire needs up to 8 MiB of it). `*out` is set on FM_OK only. RFC 8259, RFC 7493. */
enum fm_err json_parse(struct ctx *ctx, struct str text, const struct json_limits *limits,
                       const struct json **out) MUST_CHECK;

/* Appends the canonical form (RFC 8785). */
void json_write(struct buf *buf, const struct json *value);

/* The member's value, or NULL; `object` may be NULL or of another kind (then NULL). O(log n). */
const struct json *json_get(const struct json *object, struct str name);

/* The value at an RFC 6901 pointer, or NULL. "" is the value itself. */
const struct json *json_at(const struct json *value, struct str pointer);

/* The number as a double; 0 unless kind is JSON_NUMBER. */
double json_number(const struct json *value);

/* The string, or absent unless kind is JSON_STRING. */
struct str json_text(const struct json *value);

/* Whether both are the same value (equal canonical forms). */
bool json_eq(const struct json *a, const struct json *b);

/* ECMAScript Number::toString of a finite double, as RFC 8785 3.2.2.3 wants; at most 25 bytes, in `out`
 * or static. What is not finite is written "null". */
#define JSON_NUMBER_MAX 32
struct str json_format_double(double value, char out[JSON_NUMBER_MAX]);

/* Pointers ---------------------------------------------------------------------------------------- */

/* parent + "/" + name with ~ and / escaped, in the arena. `parent` "" is the root. */
struct str json_pointer_member(struct arena *arena, struct str parent, struct str name);
struct str json_pointer_index(struct arena *arena, struct str parent, size_t index);

/* One difference between two values: at `pointer` from `from` to `to` (NULL: absent). */
struct json_change {
    struct str pointer;
    const struct json *from, *to;
};

/* The differences between two values (NULL: absent) in canonical order, arrays compared by index; at
 * most `max`, which is above 0. If there are more, the last one returned is the change of the whole at
 * "", so that the list applied in order still gives `to`. Lives in the arena and borrows both values.
 * Error: that of fail_memory when the arena is full. */
enum fm_err json_diff(struct ctx *ctx, const struct json *from, const struct json *to, size_t max,
                      const struct json_change **out, size_t *count) MUST_CHECK;

/* Binding ------------------------------------------------------------------------------------------
 * A request body enters a struct through a table of its members. Unknown members are refused with
 * their pointer; all bad members of one object are reported together (up to CTX_FIELD_ERRORS_MAX). */

enum json_type {
    JSON_T_STR,      /* struct str, at most `max` bytes; refused when empty unless JSON_F_EMPTY, and
                        with JSON_F_WORDS when blank */
    JSON_T_BOOL,     /* enum json_bool */
    JSON_T_NUMBER,   /* double, between min and max_number */
    JSON_T_INT,      /* int64_t, between min and max_number */
    JSON_T_OBJECT,   /* const struct json *, an object of at most `max` members */
    JSON_T_ARRAY,    /* const struct json *, an array of at most `max` items */
    JSON_T_ANY,      /* const struct json * */
    JSON_T_DURATION, /* int64_t microseconds, from a string like "30m" */
    JSON_T_ID,       /* struct id, from a prefixed string; `id_kind` says which */
    JSON_T_CHOICE    /* int: index into `choices` (NULL-ended), -1 when absent */
};

enum json_bool { JSON_UNSET = 0, JSON_NO, JSON_YES };

/* With both REQUIRED and NULL, null is the absence of what is required: an error. */
enum {
    JSON_F_REQUIRED = 1,
    JSON_F_EMPTY = 2,
    JSON_F_NULL = 4, /* null reads as absent */
    JSON_F_WORDS = 8 /* for people to read: white space and hidden characters alone say nothing */
};

struct json_field {
    const char *name;
    enum json_type type;
    unsigned flags;
    size_t offset; /* offsetof the struct's member */
    size_t max;    /* bytes, members or items; 0 = no limit of its own */
    double min, max_number; /* inclusive; both 0 = no range of its own */
    enum id_kind id_kind;
    const char *const *choices;
};

/* Reads `object` (any kind, or NULL; not an object is an error) into `*into`, which the caller has
 * cleared to zero (CHOICE members to -1 by this function). What is bound borrows from the tree.
 * `pointer` is where the object stands in the body, for errors. Errors: FM_E_UNKNOWN_MEMBER,
 * FM_E_INVALID_ARGUMENT, FM_E_TOO_LARGE (a string over `max`). Of several, the first in the order of
 * the table is returned, unknown members last; the detail names it and counts the rest. */
enum fm_err json_bind(struct ctx *ctx, const struct json *object, struct str pointer,
                      const struct json_field *fields, size_t count, void *into) MUST_CHECK;

/* Writing ------------------------------------------------------------------------------------------
 * For answers and log leaves: puts commas where they belong. Members are written in the order of the
 * calls; callers that hash keep them sorted, and their tests read what was written and write it again
 * with json_write to see that it stays the same. Failure shows in the buffer (buf_ok). */

struct json_out {
    struct buf *buf;
    bool comma;
};

#define JSON_OUT(buffer) {(buffer), false}

/* Structure. A member is jo_key and a value; commas come by themselves. */
void jo_object(struct json_out *out);
void jo_object_end(struct json_out *out);
void jo_array(struct json_out *out);
void jo_array_end(struct json_out *out);
void jo_key(struct json_out *out, const char *name);
void jo_key_str(struct json_out *out, struct str name); /* escapes */
void jo_str(struct json_out *out, struct str text);     /* escapes; absent writes null */
void jo_int(struct json_out *out, int64_t value);       /* caller keeps it within 2^53 */
void jo_double(struct json_out *out, double value);     /* finite */
void jo_bool(struct json_out *out, bool value);
void jo_null(struct json_out *out);
void jo_value(struct json_out *out, const struct json *value); /* canonical; NULL writes null */
void jo_raw(struct json_out *out, struct str json);     /* bytes that are one JSON value already */
void jo_members(struct json_out *out, struct str members); /* raw `"a":1,"b":2`; empty is nothing */

/* key and value in one call */
void jo_m_str(struct json_out *out, const char *name, struct str text);
void jo_m_int(struct json_out *out, const char *name, int64_t value);
void jo_m_bool(struct json_out *out, const char *name, bool value);
void jo_m_null(struct json_out *out, const char *name);
void jo_m_time(struct json_out *out, const char *name, int64_t at_us); /* 0 writes null */
void jo_m_id(struct json_out *out, const char *name, enum id_kind kind, struct id id); /* zero: null */
void jo_m_raw(struct json_out *out, const char *name, struct str json); /* absent writes null */

void jo_m_hex(struct json_out *out, const char *name, struct str bytes);    /* "2cf2..." */
void jo_m_digest(struct json_out *out, const char *name, struct str bytes); /* "sha256:2cf2..." */

/* A string whose content is appended to the buffer between the two calls, safe as it is. */
void jo_text(struct json_out *out);
void jo_text_end(struct json_out *out);

/* Appends `text` as a JSON string with quotes, escaped as RFC 8785 3.2.2.2 wants. */
void json_write_string(struct buf *buf, struct str text);

#endif
