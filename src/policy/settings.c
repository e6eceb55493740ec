/* SPDX-License-Identifier: Apache-2.0
 *
 * A file of settings: one mapping of known names to texts or lists of texts, in the YAML that
 * policies are written in, with the same places in its complaints.
 *
 * It must never pass over a name that it does not know: a misspelt setting is a setting that is
 * missing.
 */
#include "policy/inner.h"

static bool is_known(const struct setting_names *names, struct str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (str_eq(str_of(names->items[i]), name)) {
            return true;
        }
    }
    return false;
}

static void refuse_name(struct load *load, const struct setting_names *names,
                        const struct node *node)
{
    struct nearest nearest = {.wanted = node->key};

    for (size_t i = 0; i < names->count; i++) {
        nearest_offer(load, &nearest, str_of(names->items[i]));
    }
    finding_error(load, node->key_at, "there is no setting %s%s", quoted(load, node->key),
                  nearest_hint(load, &nearest));
}

/* A text that says something: NULL when it is not, which is a finding. */
static struct str text_of(struct load *load, const struct node *node)
{
    struct str copy = STR_NONE;

    if (node->kind == NODE_REFUSED) {
        return STR_NONE;
    }
    if (node->kind != NODE_TEXT || node_is_nothing(node) || node->text.n == 0) {
        finding_error(load, node->at, "a setting is a text, a number, true or false");
        return STR_NONE;
    }
    copy = arena_copy(load->ctx->arena, node->text);
    load->memory_short |= !copy.p;
    return copy;
}

static void read_setting(struct load *load, const struct node *node, struct setting *out)
{
    const struct node *item = node->kind == NODE_LIST ? node->first : node;
    struct str *items;

    *out = (struct setting){.name = arena_copy(load->ctx->arena, node->key),
                            .line = node->key_at.line,
                            .column = node->key_at.column,
                            .is_list = node->kind == NODE_LIST};
    out->count = out->is_list ? node->count : 1;
    items = arena_zalloc(load->ctx->arena, out->count + 1, sizeof(*items));
    if (!items || !out->name.p) {
        load->memory_short = true;
        return;
    }
    for (size_t i = 0; i < out->count; i++) {
        items[i] = text_of(load, item);
        item = item->next;
    }
    out->items = items;
}

static void read_all(struct load *load, const struct setting_names *names, const struct node *root,
                     struct setting *out, size_t *count)
{
    if (root->kind == NODE_REFUSED || node_is_empty(root)) {
        return; /* a file of comments is one without settings */
    }
    if (root->kind != NODE_MAP) {
        finding_error(load, root->at, "the file is a mapping of settings, such as `listen: ...`");
        return;
    }
    for (const struct node *node = root->first; node; node = node->next) {
        if (!is_known(names, node->key)) {
            refuse_name(load, names, node);
        } else if (*count < names->count) { /* a name that comes twice is a finding already */
            read_setting(load, node, &out[(*count)++]);
        }
    }
}

static void scratch_end(struct arena **arena)
{
    arena_free(*arena);
}

enum fm_err settings_load(struct ctx *ctx, const char *path, const struct setting_names *names,
                          struct setting *out, size_t *count)
{
    AUTO(buf_done) struct buf yaml = BUF_INIT(POLICY_BYTES_MAX + 32 * KIB);
    AUTO(scratch_end) struct arena *scratch = arena_new(POLICY_SCRATCH_MAX);
    struct load load = {.ctx = ctx, .scratch = scratch};
    const struct node *root;

    *count = 0;
    if (!scratch) {
        return fail_memory(ctx);
    }
    TRY(policy_file_read(ctx, path, &yaml));
    root = tree_read(&load, buf_str(&yaml));
    if (root) {
        read_all(&load, names, root, out, count);
    }
    finding_sort(&load);
    if (load.memory_short) {
        return fail_memory(ctx);
    }
    if (load.finding_count) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s:%u:%u: %.*s", path, load.findings[0].at.line,
                    load.findings[0].at.column, STR_ARG(load.findings[0].message));
    }
    return FM_OK;
}
