/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema of an action's arguments: from YAML to a compiled JSON Schema, its errors back to the
 * lines that they stand on.
 *
 * 1. The schema is what its canonical form says, so that policies of one version check the same: a
 *    number in another spelling would be a text there, and is refused.
 */
#include "policy/inner.h"

#define SCHEMA_BYTES_MAX (MIB)

/* What looks like a number to somebody who reads the file. */
static bool looks_like_number(struct str text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9') {
            digits++;
        } else if (!strchr("+-.eE_", text.p[i])) {
            return false;
        }
    }
    return digits > 0 && (text.p[0] < 'A' || text.p[0] == '_');
}

/* Whether the values below can be JSON; reports those that cannot. Depth is that of the tree. */
static bool check_values(struct load *load, const struct node *node)
{
    bool good = node->kind != NODE_REFUSED;

    if (node->kind == NODE_TEXT && node->plain && looks_like_number(node->text) &&
        !canonical_is_number(load, node->text)) {
        finding_error(load, node->at,
                      "%s is not how JSON writes this number: write it like 0.5, 100 or -3, or in "
                      "quotes if it is a text",
                      quoted(load, node->text));
        return false;
    }
    for (const struct node *child = node->first; child; child = child->next) {
        good = check_values(load, child) && good;
    }
    return good;
}

static const struct node *child_at(const struct node *node, struct str token)
{
    uint64_t index = 0;

    if (node->kind != NODE_LIST) {
        return node_find(node, token);
    }
    if (!str_to_u64(token, &index)) {
        return NULL;
    }
    node = node->first;
    while (node && index-- > 0) {
        node = node->next;
    }
    return node;
}

/* The name that a token of a pointer stands for, in scratch. */
static struct str unescape(struct load *load, struct str token)
{
    char *name = arena_alloc(load->scratch, token.n + 1);
    size_t n = 0;

    for (size_t i = 0; name && i < token.n; i++) {
        bool escaped = token.p[i] == '~' && i + 1 < token.n;
        i += escaped;
        name[n++] = !escaped ? token.p[i] : token.p[i] == '1' ? '/' : '~';
    }
    return (struct str){name, name ? n : 0};
}

struct mark node_mark_at(struct load *load, const struct node *node, struct str pointer)
{
    struct str rest = str_skip(pointer, 1);

    while (pointer.n > 0 && rest.p) {
        const struct node *child = child_at(node, unescape(load, str_split(&rest, '/')));
        if (!child) {
            break;
        }
        node = child;
    }
    return node->key.p ? node->key_at : node->at;
}

/* The schema as JSON; NULL when reported. */
static const struct json *read_json(struct load *load, const struct node *value)
{
    static const struct json_limits limits = {
        .bytes = SCHEMA_BYTES_MAX, .depth = POLICY_DEPTH_MAX + 1, .values = POLICY_NODES_MAX};
    AUTO(buf_done) struct buf form = BUF_INIT(SCHEMA_BYTES_MAX);
    struct str text;
    const struct json *json;
    struct ctx ctx;

    ctx_init(&ctx, load->scratch);
    if (canonical_write(load, value, &form) != FM_OK) {
        finding_error(load, value->at, "schema is larger than %zu MiB", SCHEMA_BYTES_MAX / MIB);
        return NULL;
    }
    text = arena_copy(load->scratch, buf_str(&form));
    if (!text.p || json_parse(&ctx, text, &limits, &json) != FM_OK) {
        load->memory_short = true;
        return NULL;
    }
    return json;
}

void value_schema(struct load *load, const struct node *value, const struct key *key, void *into)
{
    static const struct json_schema_options options = {.strict = true, .assert_formats = true};
    struct json_schema **schema = (void *)((char *)into + key->offset);
    const struct json *json = check_values(load, value) ? read_json(load, value) : NULL;
    struct ctx ctx;

    if (!json) {
        return;
    }
    ctx_init(&ctx, load->scratch);
    if (json_schema_new(&ctx, json, &options, schema) == FM_OK) {
        return;
    }
    if (ctx.error_count == 0) {
        load->memory_short = true;
        return;
    }
    finding_error(load, node_mark_at(load, value, ctx.errors[0].pointer), "schema: %.*s",
                  STR_ARG(ctx.errors[0].message));
}
