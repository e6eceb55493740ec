/* SPDX-License-Identifier: Apache-2.0
 *
 * What a compiled schema says about members, for those who make types or forms of it:
 * `properties` and `required` of an object schema, with references followed and the parts of
 * `allOf` taken together. Conditions (`if`, `anyOf`, ...) say nothing here: what depends on the
 * value is for the check.
 */
#include "json/schema_inner.h"

#include <stdlib.h>

#define FOLLOWED_MAX 32 /* references and parts inside each other */

struct gathering {
    const struct json_schema *schema;
    struct json_schema_member *members;
    size_t count, max;
};

/* The subschema that a chain of plain references leads to: its own source where there is none. */
static const struct json *followed(const struct json_schema *schema, const struct json *source)
{
    const struct node *node = schema_node(schema, source);

    for (int i = 0; node && i < FOLLOWED_MAX; i++) {
        if (node->rule_count != 1 || node->rules[0].check != check_ref) {
            break;
        }
        node = node->rules[0].node;
    }
    return node ? node->source : source;
}

static struct json_schema_member *find_member(struct gathering *g, struct str name)
{
    for (size_t i = 0; i < g->count; i++) {
        if (str_eq(g->members[i].name, name)) {
            return &g->members[i];
        }
    }
    return NULL;
}

static struct json_schema_member *add_member(struct gathering *g, struct str name)
{
    struct json_schema_member *member = find_member(g, name);

    if (!member && g->count < g->max) {
        member = &g->members[g->count++];
        *member = (struct json_schema_member){.name = name};
    }
    return member;
}

static void gather_own(struct gathering *g, const struct node *node)
{
    const struct json *named = json_get(node->source, S("properties"));
    const struct json *required = json_get(node->source, S("required"));

    for (uint32_t i = 0; named && i < named->count; i++) {
        struct json_schema_member *member = add_member(g, named->as.members[i].name);
        if (member && !member->schema) {
            member->schema = followed(g->schema, &named->as.members[i].value);
        }
    }
    for (uint32_t i = 0; required && i < required->count; i++) {
        struct json_schema_member *member = add_member(g, required->as.items[i].as.text);
        if (member) {
            member->required = true;
        }
    }
}

static void gather(struct gathering *g, const struct node *node, unsigned depth)
{
    if (!node || depth == 0 || node->source->kind != JSON_OBJECT) {
        return;
    }
    gather_own(g, node);
    for (uint32_t i = 0; i < node->rule_count; i++) {
        const struct rule *rule = &node->rules[i];
        if (rule->check == check_ref) {
            gather(g, rule->node, depth - 1);
        }
        for (uint32_t k = 0; rule->check == check_all_of && k < rule->count && g->count < g->max;
             k++) {
            gather(g, rule->nodes[k], depth - 1);
        }
    }
}

static int member_cmp(const void *left, const void *right)
{
    const struct json_schema_member *a = left, *b = right;

    return json_name_cmp(a->name, b->name);
}

size_t json_schema_members(const struct json_schema *schema, const struct json *at,
                           struct json_schema_member *members, size_t max)
{
    struct gathering g = {schema, members, 0, max};

    gather(&g, at ? schema_node(schema, at) : schema->root, FOLLOWED_MAX);
    qsort(members, g.count, sizeof(*members), member_cmp);
    return g.count;
}
