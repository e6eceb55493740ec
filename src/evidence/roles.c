/* SPDX-License-Identifier: Apache-2.0
 *
 * Who had which roles when, from the leaves that made and changed people: the rows of the store say
 * only what holds today, and an insider can write them.
 */
#include "evidence/evidence.h"

#include "base/map.h"

bool roles_begin(struct roles_book *book)
{
    book->people = map_new();
    return book->people != NULL;
}

void roles_done(struct roles_book *book)
{
    map_free(book->people);
}

static bool holds(const struct json *roles, enum role role)
{
    for (uint32_t i = 0; roles && roles->kind == JSON_ARRAY && i < roles->count; i++) {
        if (str_eq(json_text(&roles->as.items[i]), str_of(role_name(role)))) {
            return true;
        }
    }
    return false;
}

/* The name, which lies in the payload; absent when it was erased. */
static struct str name_of(struct ctx *ctx, const struct journal_leaf *leaf)
{
    const struct json *payload;
    struct ctx own;

    ctx_init(&own, ctx->arena); /* a payload that cannot be read is an erased one */
    if (!leaf->payload.p || json_parse(&own, leaf->payload, &JSON_LIMITS_WIRE, &payload) != FM_OK) {
        return STR_NONE;
    }
    return json_text(json_get(payload, S("name")));
}

static void fill(struct ctx *ctx, const struct journal_leaf *leaf, struct role_record *record)
{
    const struct json *roles = json_get(leaf->data, S("roles"));
    const struct json *disabled = json_get(leaf->data, S("disabled"));
    struct role_record *older = record->older;

    record->index = leaf->index;
    record->roles = roles || !older ? roles : older->roles;
    record->name = name_of(ctx, leaf);
    record->name = record->name.p || !older ? record->name : older->name;
    record->may_decide = (holds(record->roles, ROLE_REVIEWER) || holds(record->roles, ROLE_LEAD)) &&
                         !(disabled && disabled->kind == JSON_TRUE);
}

enum fm_err roles_take(void *with, struct ctx *ctx, const struct journal_leaf *leaf)
{
    struct roles_book *book = with;
    struct str person = json_text(json_get(leaf->data, S("person")));
    struct journal_leaf kept;
    struct role_record *record;

    if ((leaf->kind != JOURNAL_PERSON_ADDED && leaf->kind != JOURNAL_PERSON_CHANGED) || !person.n) {
        return FM_OK;
    }
    record = arena_zalloc(ctx->arena, 1, sizeof(*record));
    if (!record || !journal_leaf_copy(ctx, leaf, &kept)) {
        return fail_memory(ctx);
    }
    record->older = map_find(book->people, person);
    fill(ctx, &kept, record);
    return map_put(book->people, person, record) ? FM_OK : fail_memory(ctx);
}

const struct role_record *roles_at(const struct roles_book *book, struct str person, uint64_t index)
{
    const struct role_record *record = map_find(book->people, person);

    while (record && record->index >= index) {
        record = record->older;
    }
    return record;
}
