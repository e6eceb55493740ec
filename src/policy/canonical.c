/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical form of a policy file (RFC 8785), whose SHA-256 is the policy's version. Comments,
 * order of keys, quotes and white space do not change it.
 *
 * 1. Files of one form mean the same. So a number stays a number only in its canonical spelling:
 *    1e2 and 100 are different names where a name is wanted, and become the string "1e2" and the
 *    number 100.
 */
#include "base/panic.h"
#include "policy/inner.h"

bool canonical_is_number(struct load *load, struct str text)
{
    static const struct json_limits limits = {.bytes = JSON_NUMBER_MAX, .depth = 1, .values = 1};
    struct ctx ctx;
    const struct json *number;

    if (text.n == 0 || text.n > JSON_NUMBER_MAX ||
        (text.p[0] != '-' && (text.p[0] < '0' || text.p[0] > '9'))) {
        return false;
    }
    ctx_init(&ctx, load->scratch);
    return json_parse(&ctx, text, &limits, &number) == FM_OK && number->kind == JSON_NUMBER &&
           str_eq(number->as.text, text);
}

static void write_text(struct load *load, const struct node *node, struct json_out *out)
{
    struct str text = node->text;
    bool word = str_eq(text, S("true")) || str_eq(text, S("false"));

    if (node_is_nothing(node)) {
        jo_null(out);
    } else if (node->plain && (word || canonical_is_number(load, text))) {
        jo_raw(out, text);
    } else {
        jo_str(out, text);
    }
}

/* `depth` is bounded by tree_read. */
static void write_node(struct load *load, const struct node *node, struct json_out *out,
                       unsigned depth)
{
    ASSERT(depth <= POLICY_DEPTH_MAX && node->kind != NODE_REFUSED);
    if (node->kind == NODE_TEXT) {
        write_text(load, node, out);
        return;
    }
    if (node->kind == NODE_LIST) {
        jo_array(out);
    } else {
        jo_object(out);
    }
    for (const struct node *child = node->first; child; child = child->next) {
        if (node->kind == NODE_MAP) {
            jo_key_str(out, child->key);
        }
        write_node(load, child, out, depth + 1);
    }
    if (node->kind == NODE_LIST) {
        jo_array_end(out);
    } else {
        jo_object_end(out);
    }
}

enum fm_err canonical_write(struct load *load, const struct node *root, struct buf *out)
{
    static const struct json_limits limits = {
        .bytes = POLICY_JSON_MAX, .depth = POLICY_DEPTH_MAX + 1, .values = POLICY_NODES_MAX + 1};
    AUTO(buf_done) struct buf text = BUF_INIT(POLICY_JSON_MAX);
    struct json_out writer = JSON_OUT(&text);
    struct ctx ctx;
    const struct json *json;

    write_node(load, root, &writer, 0);
    if (!buf_ok(&text)) {
        return fail_memory(load->ctx);
    }
    ctx_init(&ctx, load->scratch);
    if (json_parse(&ctx, buf_str(&text), &limits, &json) != FM_OK) {
        return fail(load->ctx, FM_E_INTERNAL, "the policy has no canonical form: %s", ctx.detail);
    }
    json_write(out, json);
    return buf_ok(out) ? FM_OK : fail_memory(load->ctx);
}
