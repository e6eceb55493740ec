/* SPDX-License-Identifier: Apache-2.0
 *
 * What all lists have in common: `?limit=`, `?cursor=`, other query parameters, and the frame
 * `{"items": [...], "next_cursor": ...}`.
 */
#include "api/api_internal.h"

/* --- query ------------------------------------------------------------------------------------ */

enum fm_err page_limit(struct call *call, int64_t *out)
{
    struct str limit = http_query(call->request, "limit");
    uint64_t number;

    *out = LIST_LIMIT_DEFAULT;
    if (!limit.p) {
        return FM_OK;
    }
    if (!str_to_u64(limit, &number) || number < 1 || number > LIST_LIMIT_MAX) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/limit"), "limit is 1 to %d",
                       LIST_LIMIT_MAX);
    }
    *out = (int64_t)number;
    return FM_OK;
}

enum fm_err page_read(struct call *call, struct page *out)
{
    struct str cursor = http_query(call->request, "cursor");
    uint64_t number;
    int64_t parts[2] = {0, 0};

    *out = (struct page){.limit = LIST_LIMIT_DEFAULT};
    TRY(page_limit(call, &out->limit));
    if (!cursor.n) {
        return FM_OK;
    }
    for (size_t i = 0; i < 2; i++) {
        struct str part = str_split(&cursor, '-');
        if (!str_to_u64(part, &number) || number > INT64_MAX) {
            return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/cursor"),
                           "use next_cursor of the page before");
        }
        parts[i] = (int64_t)number;
    }
    *out = (struct page){out->limit, parts[0], parts[1], true};
    return cursor.p ? fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/cursor"),
                              "use next_cursor of the page before")
                    : FM_OK;
}

void page_write_cursor(struct json_out *out, bool more, int64_t first, int64_t second)
{
    jo_key(out, "next_cursor");
    if (!more) {
        jo_null(out);
        return;
    }
    jo_text(out);
    buf_printf(out->buf, "%lld-%lld", (long long)first, (long long)second);
    jo_text_end(out);
}

struct allowed_query {
    struct call *call;
    const char *names;
    enum fm_err err;
};

static void check_query(void *with, struct str name, struct str value)
{
    struct allowed_query *allowed = with;
    struct str rest = str_of(allowed->names);

    (void)value;
    while (rest.p) {
        if (str_eq(str_split(&rest, ' '), name)) {
            return;
        }
    }
    allowed->err = fail_at(&allowed->call->ctx, FM_E_UNKNOWN_MEMBER,
                           json_pointer_member(allowed->call->ctx.arena, S(""), name),
                           "unknown query parameter; known here: %s", allowed->names);
}

enum fm_err query_allow(struct call *call, const char *names)
{
    struct allowed_query allowed = {call, names, FM_OK};

    http_query_each(call->request, check_query, &allowed);
    return allowed.err;
}

/* The first name that comes twice; quadratic in what the head of a request has room for. */
struct repeated_query {
    struct call *call;
    struct str name;
    unsigned count;
    enum fm_err err;
};

static void count_query(void *with, struct str name, struct str value)
{
    struct repeated_query *repeated = with;

    (void)value;
    repeated->count += str_eq(name, repeated->name);
}

static void check_repeated(void *with, struct str name, struct str value)
{
    struct repeated_query *repeated = with;

    (void)value;
    if (repeated->err != FM_OK) {
        return;
    }
    repeated->name = name;
    repeated->count = 0;
    http_query_each(repeated->call->request, count_query, repeated);
    if (repeated->count > 1) {
        repeated->err = fail_at(&repeated->call->ctx, FM_E_INVALID_ARGUMENT,
                                json_pointer_member(repeated->call->ctx.arena, S(""), name),
                                "%.*s is given more than once", STR_ARG(name));
    }
}

enum fm_err query_once(struct call *call)
{
    struct repeated_query repeated = {.call = call, .err = FM_OK};

    http_query_each(call->request, check_repeated, &repeated);
    return repeated.err;
}

enum fm_err query_id(struct call *call, const char *name, enum id_kind kind, struct id *out,
                     bool *present)
{
    struct str text = http_query(call->request, name);

    *present = text.n > 0;
    if (*present && !id_parse(kind, text, out)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT,
                       json_pointer_member(call->ctx.arena, S(""), str_of(name)), "is not such an id");
    }
    return FM_OK;
}

/* --- frame ------------------------------------------------------------------------------------ */

enum fm_err listing_begin(struct listing *list, struct call *call, struct buf *body,
                          const char *names)
{
    *list = (struct listing){.call = call, .out = JSON_OUT(body)};
    TRY(query_allow(call, names));
    TRY(page_limit(call, &list->limit));
    jo_object(&list->out);
    jo_key(&list->out, "items");
    jo_array(&list->out);
    return FM_OK;
}

enum fm_err listing_from(struct listing *list, int64_t start, int64_t *out)
{
    struct page page;

    TRY(page_read(list->call, &page));
    *out = page.has_cursor ? page.first : start;
    return FM_OK;
}

bool listing_takes(struct listing *list, int64_t place)
{
    if (list->count == list->limit) {
        list->more = true;
        return false;
    }
    list->count++;
    list->last = place;
    return true;
}

void listing_end(struct listing *list)
{
    jo_array_end(&list->out);
    page_write_cursor(&list->out, list->more, list->last, 0);
    jo_object_end(&list->out);
}

void listing_end_at(struct listing *list, struct str cursor)
{
    jo_array_end(&list->out);
    jo_m_str(&list->out, "next_cursor", list->more ? cursor : STR_NONE);
    jo_object_end(&list->out);
}
