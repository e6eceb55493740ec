/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding what there is: the subschemas of each document, the resources that an `$id` begins,
 * the anchors, and where references lead. Documents beyond the schema itself are taken in when
 * something names them; they are the caller's or the draft's own, and nothing is ever fetched.
 *
 * 1. A subschema that the keywords of the draft reach has one node, found by the address of its
 *    source. One that only a pointer reaches (below an unknown keyword) gets its node then.
 */
#include "json/schema_inner.h"

#include <stdarg.h>
#include <stdio.h>

#define URI_BYTES_MAX (4 * KIB) /* of an `$id` or a reference: two of them fit a resolved one */
#define MESSAGE_MAX   320

/* Refusing ----------------------------------------------------------------------------------- */

enum fm_err schema_refuse(struct compile *compile, const struct node *node, struct str keyword,
                          const char *format, ...)
{
    struct ctx *ctx = compile->ctx;
    struct json_path step = {.up = node->at, .name = keyword};
    const struct json_path *at = keyword.p ? &step : node->at;
    struct str pointer = json_path_pointer(ctx->arena, at, JSON_ERROR_POINTER_MAX);
    struct str document = node->resource->document;
    char message[MESSAGE_MAX], name[80];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (!pointer.p) {
        return fail_memory(ctx);
    }
    (void)snprintf(name, sizeof(name), "%.*s%s", (int)(keyword.n > 70 ? 70 : keyword.n),
                   keyword.p ? keyword.p : "", keyword.p ? " " : "");
    (void)fail_at(ctx, FM_E_INVALID_ARGUMENT, pointer, "%s%s", name, message);
    return fail(ctx, FM_E_INVALID_ARGUMENT, "%.*s%s%.*s: %s%s", STR_ARG(document),
                document.n ? "#" : "", (int)(pointer.n > 120 ? 120 : pointer.n), pointer.p, name,
                message);
}

/* Copying ------------------------------------------------------------------------------------ */

static bool copy_value(struct arena *arena, const struct json *from, struct json *to);

static bool copy_items(struct arena *arena, const struct json *from, struct json *to)
{
    struct json *items = arena_zalloc(arena, from->count, sizeof(*items));

    to->as.items = items;
    for (uint32_t i = 0; items && i < from->count; i++) {
        if (!copy_value(arena, &from->as.items[i], &items[i])) {
            return false;
        }
    }
    return items != NULL;
}

static bool copy_members(struct arena *arena, const struct json *from, struct json *to)
{
    struct json_member *members = arena_zalloc(arena, from->count, sizeof(*members));

    to->as.members = members;
    for (uint32_t i = 0; members && i < from->count; i++) {
        members[i].name = arena_copy(arena, from->as.members[i].name);
        if (!members[i].name.p ||
            !copy_value(arena, &from->as.members[i].value, &members[i].value)) {
            return false;
        }
    }
    return members != NULL;
}

/* Depth is that of the trees: JSON_DEPTH_MAX. */
static bool copy_value(struct arena *arena, const struct json *from, struct json *to)
{
    *to = *from;
    switch (from->kind) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        return true;
    case JSON_NUMBER:
    case JSON_STRING:
        to->as.text = arena_copy(arena, from->as.text);
        return to->as.text.p != NULL;
    case JSON_ARRAY:
        return from->count == 0 || copy_items(arena, from, to);
    case JSON_OBJECT:
        return from->count == 0 || copy_members(arena, from, to);
    }
    return false;
}

/* Nodes -------------------------------------------------------------------------------------- */

static struct str address_of(const struct json *const *source)
{
    return (struct str){(const char *)source, sizeof(*source)};
}

struct node *schema_node(const struct json_schema *schema, const struct json *source)
{
    return map_find(schema->by_source, address_of(&source));
}

static bool is_schema(const struct json *value)
{
    return value &&
           (value->kind == JSON_OBJECT || value->kind == JSON_TRUE || value->kind == JSON_FALSE);
}

static enum fm_err node_new(struct compile *compile, const struct json *source,
                            struct resource *resource, const struct json_path *at,
                            struct node **out)
{
    struct json_schema *schema = compile->schema;
    struct node *node = arena_zalloc(schema->arena, 1, sizeof(*node));

    if (!node) {
        return fail_memory(compile->ctx);
    }
    *node = (struct node){.source = source, .resource = resource, .at = at};
    if (++schema->node_count > JSON_SCHEMA_NODES_MAX) {
        return schema_refuse(compile, node, STR_NONE, "the schema has more than %d subschemas",
                             JSON_SCHEMA_NODES_MAX);
    }
    if (!map_put(schema->by_source, address_of(&source), node)) {
        return fail_memory(compile->ctx);
    }
    *(schema->last ? &schema->last->next : &schema->first) = node;
    schema->last = node;
    *out = node;
    return FM_OK;
}

static const struct json_path *step_new(struct compile *compile, const struct json_path *up,
                                        struct str name, size_t index)
{
    struct json_path *step = arena_alloc(compile->schema->arena, sizeof(*step));

    if (step) {
        *step = (struct json_path){.up = up, .name = name, .index = index};
    }
    return step;
}

/* Resources ---------------------------------------------------------------------------------- */

static enum fm_err put_resource(struct compile *compile, struct str uri, struct resource *resource)
{
    return map_put(compile->schema->resources, uri, resource) ? FM_OK : fail_memory(compile->ctx);
}

static struct resource *resource_new(struct compile *compile, struct str uri, struct str document)
{
    struct resource *resource = arena_zalloc(compile->schema->arena, 1, sizeof(*resource));

    if (resource) {
        *resource =
            (struct resource){.uri = uri, .document = document, .vocabularies = VOCABULARY_DRAFT};
    }
    return resource;
}

/* An `$id` makes the node the root of a resource of its own. */
static enum fm_err begin_resource(struct compile *compile, struct node *node)
{
    const struct json *id = json_get(node->source, S("$id"));
    struct resource *outer = node->resource;
    struct str uri, fragment;

    if (!id) {
        return FM_OK;
    }
    if (id->kind != JSON_STRING || id->as.text.n > URI_BYTES_MAX) {
        return schema_refuse(compile, node, S("$id"),
                             "must be a URI, as a string of at most %zu bytes", URI_BYTES_MAX);
    }
    uri = schema_uri_resolve(compile->schema->arena, outer->uri, id->as.text, &fragment);
    if (fragment.n > 0) {
        return schema_refuse(compile, node, S("$id"), "must not have a fragment: use $anchor");
    }
    node->resource = uri.p ? resource_new(compile, uri, outer->document) : NULL;
    if (!node->resource) {
        return fail_memory(compile->ctx);
    }
    if (map_find(compile->schema->resources, uri) &&
        !(node->at == NULL && str_eq(uri, outer->uri))) {
        return schema_refuse(compile, node, S("$id"), "names a schema that there is already");
    }
    node->resource->vocabularies = outer->vocabularies;
    node->resource->root = node;
    return put_resource(compile, uri, node->resource);
}

static bool is_anchor_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.'))) {
            return false;
        }
    }
    return name.n > 0;
}

const struct anchor *schema_anchor(const struct resource *resource, struct str name)
{
    const struct anchor *anchor = resource->anchors;

    while (anchor && !str_eq(anchor->name, name)) {
        anchor = anchor->next;
    }
    return anchor;
}

static enum fm_err add_anchor(struct compile *compile, struct node *node, struct str keyword)
{
    const struct json *name = json_get(node->source, keyword);
    const struct anchor *before;
    struct anchor *anchor;

    if (!name) {
        return FM_OK;
    }
    if (name->kind != JSON_STRING || !is_anchor_name(name->as.text)) {
        return schema_refuse(compile, node, keyword,
                             "must be a name: a letter or _, then letters, digits, -, _ and .");
    }
    before = schema_anchor(node->resource, name->as.text);
    if (before && before->node != node) {
        return schema_refuse(compile, node, keyword, "names an anchor that there is already");
    }
    if (++node->resource->anchor_count > JSON_SCHEMA_ANCHORS_MAX) {
        return schema_refuse(compile, node, keyword, "is one anchor too many: at most %d",
                             JSON_SCHEMA_ANCHORS_MAX);
    }
    anchor = arena_zalloc(compile->schema->arena, 1, sizeof(*anchor));
    if (!anchor) {
        return fail_memory(compile->ctx);
    }
    *anchor = (struct anchor){.next = node->resource->anchors,
                              .name = name->as.text,
                              .node = node,
                              .dynamic = str_eq(keyword, S("$dynamicAnchor"))};
    node->resource->anchors = anchor;
    return FM_OK;
}

/* Vocabularies ------------------------------------------------------------------------------- */

static unsigned vocabulary_of(struct str uri)
{
    static const struct {
        struct str name;
        unsigned bit;
    } rows[] = {
        {STR("core"), VOCABULARY_CORE},
        {STR("applicator"), VOCABULARY_APPLICATOR},
        {STR("unevaluated"), VOCABULARY_UNEVALUATED},
        {STR("validation"), VOCABULARY_VALIDATION},
        {STR("meta-data"), VOCABULARY_META},
        {STR("format-annotation"), VOCABULARY_FORMAT},
        {STR("content"), VOCABULARY_CONTENT},
        {STR("format-assertion"), VOCABULARY_FORMAT | VOCABULARY_FORMAT_ASSERTION},
    };
    struct str name = str_skip(uri, sizeof(SCHEMA_DRAFT_VOCAB) - 1);

    for (size_t i = 0; str_starts(uri, S(SCHEMA_DRAFT_VOCAB)) && i < COUNT_OF(rows); i++) {
        if (str_eq(name, rows[i].name)) {
            return rows[i].bit;
        }
    }
    return 0;
}

static const struct json *find_document(struct compile *compile, struct str uri)
{
    const struct json_schema_options *options = compile->options;

    for (size_t i = 0; i < options->document_count; i++) {
        if (str_eq(options->documents[i].uri, uri)) {
            return options->documents[i].schema;
        }
    }
    return NULL;
}

/* What the metaschema of another dialect switches on. */
static enum fm_err read_vocabularies(struct compile *compile, struct node *node,
                                     const struct json *metaschema)
{
    const struct json *list = json_get(metaschema, S("$vocabulary"));
    unsigned vocabularies = VOCABULARY_CORE;

    for (uint32_t i = 0; list && list->kind == JSON_OBJECT && i < list->count; i++) {
        const struct json_member *member = &list->as.members[i];
        unsigned bit = vocabulary_of(member->name);
        if (!bit && member->value.kind == JSON_TRUE) {
            return schema_refuse(
                compile, node, S("$schema"), "requires a vocabulary that is not known here: %.*s",
                (int)(member->name.n > 100 ? 100 : member->name.n), member->name.p);
        }
        vocabularies |= bit;
    }
    node->resource->vocabularies = list ? vocabularies : VOCABULARY_DRAFT;
    return FM_OK;
}

static enum fm_err begin_dialect(struct compile *compile, struct node *node)
{
    const struct json *dialect = json_get(node->source, S("$schema")), *metaschema;
    struct str uri;

    if (!dialect || node->resource->root != node) {
        return FM_OK;
    }
    uri = json_text(dialect);
    if (uri.n > 0 && uri.p[uri.n - 1] == '#') {
        uri.n--;
    }
    if (str_eq(uri, S(SCHEMA_DRAFT))) {
        node->resource->vocabularies = VOCABULARY_DRAFT;
        return FM_OK;
    }
    metaschema = uri.n ? find_document(compile, uri) : NULL;
    if (!metaschema) {
        return schema_refuse(compile, node, S("$schema"),
                             "must be \"" SCHEMA_DRAFT "\", not %.*s: "
                             "write the schema in this draft",
                             (int)(uri.n > 100 ? 100 : uri.n), uri.p ? uri.p : "");
    }
    return read_vocabularies(compile, node, metaschema);
}

/* Walking ------------------------------------------------------------------------------------ */

static enum fm_err walk(struct compile *compile, struct node *node);

static enum fm_err walk_child(struct compile *compile, struct node *node, struct str keyword,
                              const struct json *source, const struct json_path *at)
{
    struct node *child;

    if (!at) {
        return fail_memory(compile->ctx);
    }
    if (!is_schema(source)) {
        return schema_refuse(compile, node, keyword,
                             "wants a schema here: an object, true or false");
    }
    TRY(node_new(compile, source, node->resource, at, &child));
    return walk(compile, child);
}

static enum fm_err walk_list(struct compile *compile, struct node *node, struct str name,
                             const struct json *list, const struct json_path *at)
{
    if (list->kind != JSON_ARRAY || list->count == 0) {
        return schema_refuse(compile, node, name, "must be a list of schemas");
    }
    for (uint32_t i = 0; i < list->count; i++) {
        TRY(walk_child(compile, node, name, &list->as.items[i],
                       step_new(compile, at, STR_NONE, i)));
    }
    return FM_OK;
}

static enum fm_err walk_map(struct compile *compile, struct node *node, struct str name,
                            const struct json *map, const struct json_path *at)
{
    if (map->kind != JSON_OBJECT) {
        return schema_refuse(compile, node, name, "must be an object whose members are schemas");
    }
    for (uint32_t i = 0; i < map->count; i++) {
        const struct json_member *member = &map->as.members[i];
        TRY(walk_child(compile, node, name, &member->value,
                       step_new(compile, at, member->name, 0)));
    }
    return FM_OK;
}

static enum fm_err walk_keyword(struct compile *compile, struct node *node,
                                const struct keyword *keyword, const struct json *value)
{
    struct str name = str_of(keyword->name);
    const struct json_path *at;

    if (keyword->subschemas == SUB_NONE) {
        return FM_OK;
    }
    at = step_new(compile, node->at, name, 0);
    switch (keyword->subschemas) {
    case SUB_NONE:
    case SUB_ONE:
        return walk_child(compile, node, name, value, at);
    case SUB_LIST:
        return walk_list(compile, node, name, value, at);
    case SUB_MAP:
        return walk_map(compile, node, name, value, at);
    }
    return FM_OK;
}

/* Takes in what is below a node. Depth is that of the tree. */
static enum fm_err walk(struct compile *compile, struct node *node)
{
    if (node->source->kind != JSON_OBJECT) {
        return FM_OK;
    }
    TRY(begin_resource(compile, node));
    TRY(begin_dialect(compile, node));
    TRY(add_anchor(compile, node, S("$anchor")));
    TRY(add_anchor(compile, node, S("$dynamicAnchor")));
    for (uint32_t i = 0; i < node->source->count; i++) {
        const struct json_member *member = &node->source->as.members[i];
        const struct keyword *keyword = schema_keyword(member->name);
        if (keyword) {
            TRY(walk_keyword(compile, node, keyword, &member->value));
        }
    }
    return FM_OK;
}

enum fm_err schema_index(struct compile *compile, struct str uri, struct str document,
                         const struct json *source, struct resource **out)
{
    struct arena *arena = compile->schema->arena;
    struct json *copy = arena_zalloc(arena, 1, sizeof(*copy));
    struct resource *resource;
    struct node *node;

    uri = arena_copy(arena, uri);
    document = arena_copy(arena, document);
    resource = resource_new(compile, uri, document);
    if (!copy || !uri.p || !document.p || !resource || !copy_value(arena, source, copy)) {
        return fail_memory(compile->ctx);
    }
    TRY(node_new(compile, copy, resource, NULL, &node));
    resource->root = node;
    if (!is_schema(copy)) {
        return schema_refuse(compile, node, STR_NONE, "a schema is an object, true or false");
    }
    TRY(put_resource(compile, uri, resource));
    TRY(walk(compile, node));
    *out = node->resource;
    return put_resource(compile, uri, node->resource);
}

/* References --------------------------------------------------------------------------------- */

/* One of the draft's own documents. */
static enum fm_err index_meta(struct compile *compile, struct str uri, struct str text,
                              struct resource **out)
{
    struct arena *scratch = arena_new(MIB);
    const struct json *source;
    struct ctx ctx;
    enum fm_err err;

    if (!scratch) {
        return fail_memory(compile->ctx);
    }
    ctx_init(&ctx, scratch);
    err = json_parse(&ctx, text, &JSON_LIMITS_WIRE, &source);
    err = err == FM_OK ? schema_index(compile, uri, uri, source, out) : fail_memory(compile->ctx);
    arena_free(scratch);
    return err;
}

static enum fm_err find_resource(struct compile *compile, const struct node *node,
                                 struct str keyword, struct str uri, struct resource **out)
{
    const struct json *document;
    struct str text;

    *out = map_find(compile->schema->resources, uri);
    if (*out) {
        return FM_OK;
    }
    document = find_document(compile, uri);
    if (document) {
        return schema_index(compile, uri, uri, document, out);
    }
    text = schema_meta_find(uri);
    if (text.p) {
        return index_meta(compile, uri, text, out);
    }
    return schema_refuse(compile, node, keyword,
                         "leads to %.*s, which is not here; nothing is fetched",
                         (int)(uri.n > 150 ? 150 : uri.n), uri.p);
}

/* The subschema at a pointer into a resource; one that no keyword reaches becomes a node now. */
static enum fm_err node_at(struct compile *compile, struct resource *resource, struct str pointer,
                           struct node **out)
{
    const struct json *source = json_at(resource->root->source, pointer);
    const struct json_path *at;

    *out = source ? schema_node(compile->schema, source) : NULL;
    if (*out || !is_schema(source)) {
        return FM_OK;
    }
    /* its pointer as one step: good enough to be found by people */
    at = step_new(compile, resource->root->at, str_skip(pointer, 1), 0);
    if (!at) {
        return fail_memory(compile->ctx);
    }
    TRY(node_new(compile, source, resource, at, out));
    return walk(compile, *out);
}

enum fm_err schema_resolve(struct compile *compile, const struct node *node, struct str keyword,
                           struct str reference, struct str *fragment, struct node **out)
{
    struct resource *resource;
    const struct anchor *anchor;
    struct str uri;

    if (reference.n > URI_BYTES_MAX) {
        return schema_refuse(compile, node, keyword, "has more than %zu bytes", URI_BYTES_MAX);
    }
    uri = schema_uri_resolve(compile->schema->arena, node->resource->uri, reference, fragment);
    if (!uri.p) {
        return fail_memory(compile->ctx);
    }
    TRY(find_resource(compile, node, keyword, uri, &resource));
    *out = NULL;
    if (fragment->n == 0) {
        *out = resource->root;
    } else if (fragment->p[0] == '/') {
        TRY(node_at(compile, resource, *fragment, out));
    } else {
        anchor = schema_anchor(resource, *fragment);
        *out = anchor ? anchor->node : NULL;
    }
    if (!*out) {
        return schema_refuse(compile, node, keyword, "leads to %.*s, where there is no schema",
                             (int)(reference.n > 150 ? 150 : reference.n), reference.p);
    }
    return FM_OK;
}
