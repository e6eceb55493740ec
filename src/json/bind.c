/* SPDX-License-Identifier: Apache-2.0
 *
 * Binds an object to a struct by a table of its members, and says everything that is wrong with it
 * at once: an agent's author mends a body in one round, not in ten.
 *
 * It must never guess: a member that the table does not know may be a misspelt safety measure, so
 * it is refused. It must never print a value, only names and rules.
 *
 * 1. On an error some members of the struct may be set; the caller throws it away.
 * 2. The error returned is the first in the order of the table, then unknown members in theirs.
 */
#include "base/clock.h"
#include "base/panic.h"
#include "base/unicode.h"
#include "json/inner.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX 200
#define DETAIL_POINTER_MAX 150 /* with a message it fits into a detail */
#define CHOICES_SHOWN_MAX 12

struct binding {
    struct ctx *ctx;
    struct str pointer; /* of the object */
    enum fm_err err;    /* the first, or FM_OK */
    unsigned count;     /* of bad members */
    struct str first_pointer;
    char first[MESSAGE_MAX];
};

/* A way of reading a member of one type into `at`; complains into the binding. */
typedef void bind_fn(struct binding *b, const struct json_field *field, const struct json *value,
                     void *at);

/* Complaining ------------------------------------------------------------------------------- */

static void complain_at(struct binding *b, enum fm_err err, struct str pointer, const char *message)
{
    (void)fail_at(b->ctx, err, pointer, "%s", message);
    if (b->count++ == 0) {
        b->err = err;
        b->first_pointer = pointer;
        (void)snprintf(b->first, sizeof(b->first), "%s", message);
    }
}

static void complain(struct binding *b, enum fm_err err, struct str name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void complain(struct binding *b, enum fm_err err, struct str name, const char *format, ...)
{
    char message[MESSAGE_MAX];
    struct str pointer = b->pointer; /* of a name too long to be meant: where it stands */
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (name.n <= JSON_ERROR_POINTER_MAX) {
        pointer = json_pointer_member(b->ctx->arena, b->pointer, name);
    }
    complain_at(b, err, pointer, message);
}

static void complain_field(struct binding *b, const struct json_field *field, const char *message)
{
    complain(b, FM_E_INVALID_ARGUMENT, str_of(field->name), "%s", message);
}

/* One sentence for the whole, in the detail. */
static enum fm_err conclude(const struct binding *b)
{
    struct str pointer = b->first_pointer;
    char more[40] = "";

    if (b->count == 0) {
        return FM_OK;
    }
    if (b->count > 1) {
        (void)snprintf(more, sizeof(more), " (and %u more)", b->count - 1);
    }
    if (pointer.n > DETAIL_POINTER_MAX) {
        pointer = S("a member");
    } else if (pointer.n == 0) {
        pointer = S("the body");
    }
    return fail(b->ctx, b->err, "%.*s: %s%s", STR_ARG(pointer), b->first, more);
}

/* One function per type --------------------------------------------------------------------- */

static void bind_str(struct binding *b, const struct json_field *field, const struct json *value,
                     void *at)
{
    struct str *text = at;

    if (value->kind != JSON_STRING) {
        complain_field(b, field, "must be a string");
    } else if (field->max > 0 && value->as.text.n > field->max) {
        complain(b, FM_E_TOO_LARGE, str_of(field->name), "has %zu bytes; the limit is %zu",
                 value->as.text.n, field->max);
    } else if (value->as.text.n == 0 && !(field->flags & JSON_F_EMPTY)) {
        complain_field(b, field, "must not be empty");
    } else if ((field->flags & JSON_F_WORDS) && text_is_blank(value->as.text)) {
        complain_field(b, field, "must not be blank");
    } else {
        *text = value->as.text;
    }
}

static void bind_bool(struct binding *b, const struct json_field *field, const struct json *value,
                      void *at)
{
    enum json_bool *flag = at;

    if (value->kind != JSON_TRUE && value->kind != JSON_FALSE) {
        complain_field(b, field, "must be true or false");
    } else {
        *flag = value->kind == JSON_TRUE ? JSON_YES : JSON_NO;
    }
}

static bool has_range(const struct json_field *field)
{
    return field->min < field->max_number;
}

/* Whether the number is of the field's kind and within its range; else a complaint. */
static bool number_fits(struct binding *b, const struct json_field *field, const struct json *value,
                        bool whole)
{
    const char *kind = whole ? "a whole number" : "a number";
    char low[JSON_NUMBER_MAX], high[JSON_NUMBER_MAX];
    double number = json_number(value);

    /* within 2^53 the canonical form of a whole number has neither point nor exponent */
    if (value->kind == JSON_NUMBER &&
        !(whole && str_find(value->as.text, '.') < value->as.text.n) &&
        !(whole && str_find(value->as.text, 'e') < value->as.text.n) &&
        (!has_range(field) || (number >= field->min && number <= field->max_number))) {
        return true;
    }
    if (has_range(field)) {
        complain(b, FM_E_INVALID_ARGUMENT, str_of(field->name), "must be %s from %.*s to %.*s",
                 kind, STR_ARG(json_format_double(field->min, low)),
                 STR_ARG(json_format_double(field->max_number, high)));
    } else {
        complain(b, FM_E_INVALID_ARGUMENT, str_of(field->name), "must be %s", kind);
    }
    return false;
}

static void bind_number(struct binding *b, const struct json_field *field, const struct json *value,
                        void *at)
{
    double *number = at;

    if (number_fits(b, field, value, false)) {
        *number = json_number(value);
    }
}

static void bind_int(struct binding *b, const struct json_field *field, const struct json *value,
                     void *at)
{
    int64_t *number = at;

    if (number_fits(b, field, value, true)) {
        *number = (int64_t)json_number(value); /* the reader keeps it within 2^53 */
    }
}

static void bind_tree(struct binding *b, const struct json_field *field, const struct json *value,
                      enum json_kind kind, void *at)
{
    const char *what = kind == JSON_OBJECT ? "an object" : "an array";
    const char *parts = kind == JSON_OBJECT ? "members" : "items";
    const struct json **tree = at;

    if (value->kind != kind) {
        complain(b, FM_E_INVALID_ARGUMENT, str_of(field->name), "must be %s", what);
    } else if (field->max > 0 && value->count > field->max) {
        complain(b, FM_E_INVALID_ARGUMENT, str_of(field->name), "has %u %s; the limit is %zu",
                 value->count, parts, field->max);
    } else {
        *tree = value;
    }
}

static void bind_object(struct binding *b, const struct json_field *field, const struct json *value,
                        void *at)
{
    bind_tree(b, field, value, JSON_OBJECT, at);
}

static void bind_array(struct binding *b, const struct json_field *field, const struct json *value,
                       void *at)
{
    bind_tree(b, field, value, JSON_ARRAY, at);
}

static void bind_any(struct binding *b, const struct json_field *field, const struct json *value,
                     void *at)
{
    const struct json **any = at;

    (void)b;
    (void)field;
    *any = value;
}

static void bind_duration(struct binding *b, const struct json_field *field,
                          const struct json *value, void *at)
{
    int64_t *duration_us = at, read_us;

    if (!duration_parse(json_text(value), &read_us)) {
        complain(b, FM_E_INVALID_ARGUMENT, str_of(field->name),
                 "must be a duration such as \"90s\", \"30m\", \"4h\" or \"2d\", at most %dd",
                 (int)(DURATION_MAX_US / DAY_US));
    } else {
        *duration_us = read_us;
    }
}

static void bind_id(struct binding *b, const struct json_field *field, const struct json *value,
                    void *at)
{
    static const struct id zero;
    struct id *id = at;
    char example[ID_TEXT_MAX];

    if (!id_parse(field->id_kind, json_text(value), id)) {
        complain(b, FM_E_INVALID_ARGUMENT, str_of(field->name), "must be an id of the form %.*s",
                 STR_ARG(id_format(field->id_kind, zero, example)));
    }
}

/* "must be one of a, b, c": cut after CHOICES_SHOWN_MAX, a table's own words need no escaping. */
static void complain_choice(struct binding *b, const struct json_field *field)
{
    char text[MESSAGE_MAX] = "must be one of ";
    size_t n = strlen(text);

    for (int i = 0; field->choices[i] && i < CHOICES_SHOWN_MAX && n < sizeof(text); i++) {
        int added =
            snprintf(text + n, sizeof(text) - n, "%s%s", i > 0 ? ", " : "", field->choices[i]);
        n += added > 0 ? (size_t)added : 0;
    }
    complain_field(b, field, text);
}

static void bind_choice(struct binding *b, const struct json_field *field, const struct json *value,
                        void *at)
{
    int *choice = at;

    for (int i = 0; field->choices[i]; i++) {
        if (value->kind == JSON_STRING && str_eq(value->as.text, str_of(field->choices[i]))) {
            *choice = i;
            return;
        }
    }
    complain_choice(b, field);
}

static bind_fn *const binders[] = {
    [JSON_T_STR] = bind_str,       [JSON_T_BOOL] = bind_bool,         [JSON_T_NUMBER] = bind_number,
    [JSON_T_INT] = bind_int,       [JSON_T_OBJECT] = bind_object,     [JSON_T_ARRAY] = bind_array,
    [JSON_T_ANY] = bind_any,       [JSON_T_DURATION] = bind_duration, [JSON_T_ID] = bind_id,
    [JSON_T_CHOICE] = bind_choice,
};

/* The object -------------------------------------------------------------------------------- */

/* Binds one member of the table; whether the object has it. */
static bool bind_field(struct binding *b, const struct json *object, const struct json_field *field,
                       char *into)
{
    const struct json *value = json_get(object, str_of(field->name));
    bool absent = !value || (value->kind == JSON_NULL && (field->flags & JSON_F_NULL));

    if (field->type == JSON_T_CHOICE) {
        *(int *)(void *)(into + field->offset) = -1;
    }
    if (!absent) {
        binders[field->type](b, field, value, into + field->offset);
    } else if (field->flags & JSON_F_REQUIRED) {
        complain_field(b, field, "is required");
    }
    return value != NULL;
}

static bool is_known(const struct json_field *fields, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(str_of(fields[i].name), name)) {
            return true;
        }
    }
    return false;
}

/* Complains about members that the table does not know, as far as there is room to say so. */
static void refuse_unknown(struct binding *b, const struct json *object,
                           const struct json_field *fields, size_t count)
{
    for (uint32_t i = 0; i < object->count && b->count < CTX_FIELD_ERRORS_MAX; i++) {
        struct str name = object->as.members[i].name;
        if (!is_known(fields, count, name)) {
            complain(b, FM_E_UNKNOWN_MEMBER, name, "is not known here");
        }
    }
}

enum fm_err json_bind(struct ctx *ctx, const struct json *object, struct str pointer,
                      const struct json_field *fields, size_t count, void *into)
{
    struct binding b = {.ctx = ctx, .pointer = pointer};
    size_t found = 0;

    if (!object || object->kind != JSON_OBJECT) {
        complain_at(&b, FM_E_INVALID_ARGUMENT, pointer, "must be an object");
        return conclude(&b);
    }
    for (size_t i = 0; i < count; i++) {
        found += bind_field(&b, object, &fields[i], into);
    }
    if (found < object->count) {
        refuse_unknown(&b, object, fields, count);
    }
    return conclude(&b);
}
