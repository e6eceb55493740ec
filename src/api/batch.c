/* SPDX-License-Identifier: Apache-2.0
 *
 * Many proposals, or many decisions, in one request: each item is a call of its own with an
 * answer of its own, and all of them go to the committer together.
 *
 * 1. Not atomic: an item that is refused leaves the others alone. But either all of them enter the
 *    committer's queue or none does (503).
 * 2. The batch's memory is touched by one thread at a time: by the loop, then by the committer
 *    until its last item is done, then by the loop again.
 */
#include "api/api_internal.h"

#define PROPOSALS_MAX 500
#define DECISIONS_MAX 100
#define BATCH_ARENA_MAX                                                                            \
    (192 * MIB) /* the tree of API_BATCH_MAX (eight times as much), and canonical forms */
#define BATCH_ANSWER_MAX (128 * MIB)

/* As a single request, eight times; an item is two levels further down. */
static const struct json_limits batch_limits = {
    .bytes = API_BATCH_MAX, .depth = 66, .values = 800000};

/* What the two kinds of batches differ in. */
struct batch_kind {
    size_t items_max;
    bool names_proposal; /* the member `proposal` says which one */
    enum fm_err (*prepare)(struct call *item);
};

static const struct batch_kind kind_proposals = {PROPOSALS_MAX, false, proposals_prepare};
static const struct batch_kind kind_decisions = {DECISIONS_MAX, true, review_prepare_decision};

struct batch {
    const struct batch_kind *kind;
    struct call *call;
    struct arena *arena; /* of all items */
    struct loop_message message;
    struct call **items;
    size_t count, under_way;
};

size_t api_body_max(void *with, struct str path)
{
    (void)with;
    return str_eq(path, S("/v1/proposals/batch")) ? API_BATCH_MAX : API_BODY_MAX;
}

/* --- items ------------------------------------------------------------------------------------ */

/* The members that belong to the batch; the rest of an item is what a single request would be. */
struct item_members {
    struct str key;
    struct str proposal;
};

static bool is_own_member(const struct batch *batch, struct str name)
{
    return str_eq(name, S("idempotency_key")) ||
           (batch->kind->names_proposal && str_eq(name, S("proposal")));
}

/* The item without the members of the batch. */
static enum fm_err strip(const struct batch *batch, struct call *item, const struct json *whole)
{
    struct json *rest = arena_zalloc(batch->arena, 1, sizeof(*rest));
    struct json_member *members =
        arena_zalloc(batch->arena, whole->count ? whole->count : 1, sizeof(*members));

    if (!rest || !members) {
        return fail_memory(&item->ctx);
    }
    *rest = (struct json){.kind = JSON_OBJECT, .as.members = members};
    for (uint32_t i = 0; i < whole->count; i++) {
        if (!is_own_member(batch, whole->as.members[i].name)) {
            members[rest->count++] = whole->as.members[i];
        }
    }
    item->body = rest;
    return FM_OK;
}

static enum fm_err read_own_members(const struct batch *batch, struct call *item,
                                    const struct json *whole, struct item_members *out)
{
    const struct json *key = json_get(whole, S("idempotency_key"));

    *out = (struct item_members){json_text(key), json_text(json_get(whole, S("proposal")))};
    if (key && !out->key.p) {
        return fail_at(&item->ctx, FM_E_INVALID_ARGUMENT, S("/idempotency_key"), "a string");
    }
    if (batch->kind->names_proposal && !id_parse(ID_PROPOSAL, out->proposal, &item->id)) {
        return fail_at(&item->ctx, FM_E_INVALID_ARGUMENT, S("/proposal"),
                       "the id of a proposal, prp_...");
    }
    return FM_OK;
}

/* An item's own key is what the header of a single request would be. Without one, the key of the
 * whole and the item's place make one, so that a batch can be sent again. */
static enum fm_err set_key(const struct batch *batch, struct call *item, size_t place,
                           const struct item_members *members)
{
    char id[ID_TEXT_MAX];
    struct str key = batch->call->idempotency_key;

    if (members->key.p) {
        return idempotency_set(item,
                               batch->kind->names_proposal
                                   ? arena_printf(batch->arena, "/v1/proposals/%s/decision",
                                                  id_format(ID_PROPOSAL, item->id, id).p)
                                   : S("/v1/proposals"),
                               members->key);
    }
    if (!key.p) {
        return FM_OK;
    }
    TRY(idempotency_set(item, http_path(batch->call->request), key));
    item->scope = sha256_3(hash_str(&item->scope),
                           (struct str){(const char *)&place, sizeof(place)}, S("item"));
    return FM_OK;
}

static void item_done(struct store_cmd *cmd)
{
    struct batch *batch = ((struct call *)cmd)->batch;

    if (--batch->under_way == 0) {
        loop_post(batch->call->part->loop, &batch->message);
    }
}

/* Values of a tree; it is at most as deep as batch_limits. */
static size_t count_values(const struct json *value)
{
    size_t count = 1;

    for (uint32_t i = 0; value->kind == JSON_ARRAY && i < value->count; i++) {
        count += count_values(&value->as.items[i]);
    }
    for (uint32_t i = 0; value->kind == JSON_OBJECT && i < value->count; i++) {
        count += count_values(&value->as.members[i].value);
    }
    return count;
}

/* What is stored is read again by the limits of a single request. */
static enum fm_err check_size(struct call *item, const struct json *whole)
{
    if (item->request_bytes.n > JSON_LIMITS_WIRE.bytes ||
        count_values(whole) > JSON_LIMITS_WIRE.values) {
        return fail(&item->ctx, FM_E_TOO_LARGE, "an item is at most 1 MiB and 100,000 values");
    }
    return FM_OK;
}

static enum fm_err prepare_item(struct batch *batch, struct call *item, size_t place,
                                const struct json *whole)
{
    struct item_members members;

    if (whole->kind != JSON_OBJECT) {
        return fail(&item->ctx, FM_E_INVALID_ARGUMENT, "an item is an object");
    }
    TRY(read_own_members(batch, item, whole, &members));
    TRY(strip(batch, item, whole));
    TRY(batch->kind->prepare(item));
    TRY(check_size(item, whole));
    return set_key(batch, item, place, &members);
}

static enum fm_err add_item(struct batch *batch, size_t place, const struct json *whole)
{
    const struct call *call = batch->call;
    struct call *item = arena_zalloc(batch->arena, 1, sizeof(*item));

    if (!item) {
        return fail_memory(&batch->call->ctx);
    }
    *item = (struct call){.api = call->api,
                          .part = call->part,
                          .request = call->request,
                          .route = call->route,
                          .directory = call->directory,
                          .policy = call->policy,
                          .credential = call->credential,
                          .caller = call->caller,
                          .answer = BUF_INIT(API_ANSWER_MAX),
                          .batch = batch};
    ctx_init(&item->ctx, batch->arena);
    item->cmd = (struct store_cmd){.run = call_run_write, .done = item_done, .ctx = &item->ctx};
    item->cmd.err = prepare_item(batch, item, place, whole);
    batch->items[batch->count++] = item;
    return FM_OK;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* In a memory of its own: large answers must not add up. */
static enum fm_err render_item(struct call *item, struct buf *body)
{
    AUTO(arena_done) struct arena *arena = arena_new(ITEM_ARENA_MAX);
    struct arena *shared = item->ctx.arena;
    enum fm_err err;

    if (item->cmd.err != FM_OK) {
        return item->cmd.err;
    }
    if (item->has_answer) {
        buf_add(body, buf_str(&item->answer));
        return FM_OK;
    }
    if (!arena) {
        return fail_memory(&item->ctx);
    }
    item->ctx.arena = arena;
    err = item->render(item, item->part->reader, body);
    if (err != FM_OK) { /* its words may lie in the memory that ends here */
        problem_write(body, &item->ctx, err, err_status(err));
    }
    item->ctx.arena = shared;
    return FM_OK;
}

static void write_item(struct call *item, struct json_out *out)
{
    AUTO(buf_done) struct buf body = BUF_INIT(API_ANSWER_MAX);
    enum fm_err err = render_item(item, &body);
    int status = err == FM_OK ? item->status : err_status(err);

    if (err != FM_OK) {
        problem_write(&body, &item->ctx, err, status);
    }
    jo_object(out);
    jo_m_int(out, "status", status);
    if (item->ctx.retry_after_s) {
        jo_m_int(out, "retry_after", item->ctx.retry_after_s);
    }
    jo_m_raw(out, "body", buf_str(&body));
    jo_object_end(out);
    buf_done(&item->answer);
}

static void batch_free(struct batch *batch)
{
    struct arena *arena = batch->arena;

    for (size_t i = 0; i < batch->count; i++) {
        buf_done(&batch->items[i]->answer);
    }
    arena_free(arena); /* and the batch with it */
}

static void finish(struct batch *batch)
{
    AUTO(buf_done) struct buf body = BUF_INIT(BATCH_ANSWER_MAX);
    struct json_out out = JSON_OUT(&body);
    struct call *call = batch->call;
    enum fm_err err = store_snapshot(&call->ctx, call->part->reader);

    if (err != FM_OK) {
        call_fail(call, err);
        batch_free(batch);
        return;
    }
    jo_object(&out);
    jo_key(&out, "items");
    jo_array(&out);
    for (size_t i = 0; i < batch->count; i++) {
        write_item(batch->items[i], &out);
    }
    jo_array_end(&out);
    jo_object_end(&out);
    store_snapshot_end(call->part->reader);
    call_answer(call, 200, &body);
    batch_free(batch);
}

static void on_finished(struct loop_message *message)
{
    finish((struct batch *)(void *)((char *)message - offsetof(struct batch, message)));
}

/* --- the request ------------------------------------------------------------------------------ */

struct batch_body {
    const struct json *items;
};

static enum fm_err read_items(struct batch *batch, const struct json *body)
{
    const struct json_field field = {.name = "items",
                                     .type = JSON_T_ARRAY,
                                     .flags = JSON_F_REQUIRED,
                                     .offset = offsetof(struct batch_body, items),
                                     .max = batch->kind->items_max};
    struct batch_body in = {NULL};
    struct ctx *ctx = &batch->call->ctx;

    TRY(json_bind(ctx, body, S(""), &field, 1, &in));
    if (in.items->count == 0) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/items"), "1 to %zu items",
                       batch->kind->items_max);
    }
    batch->items = arena_zalloc(batch->arena, in.items->count, sizeof(struct call *));
    if (!batch->items) {
        return fail_memory(ctx);
    }
    for (uint32_t i = 0; i < in.items->count; i++) {
        TRY(add_item(batch, i, &in.items->as.items[i]));
    }
    return FM_OK;
}

/* Hands what is in order to the committer, in the order of the items. */
static enum fm_err submit(struct batch *batch)
{
    struct store_cmd *first = NULL, **end = &first;

    for (size_t i = 0; i < batch->count; i++) {
        struct call *item = batch->items[i];
        if (item->cmd.err == FM_OK) {
            *end = &item->cmd;
            end = &item->cmd.next;
            batch->under_way++;
        }
    }
    if (!first) {
        finish(batch);
        return FM_OK;
    }
    batch->message.run = on_finished;
    if (committer_submit_all(batch->call->api->config.committer, first, batch->under_way)) {
        return FM_OK;
    }
    return fail(&batch->call->ctx, FM_E_OVERLOADED, "too much is waiting to be written");
}

/* The body of a batch of proposals was not read yet: it has limits of its own. */
static enum fm_err read_body(struct call *call, const struct json **out)
{
    struct str body = http_body(call->request);

    *out = call->body;
    if (*out || !body.n) {
        return *out ? FM_OK : fail(&call->ctx, FM_E_INVALID_ARGUMENT, "send {\"items\": [...]}");
    }
    if (!call_is_json(http_header(call->request, "Content-Type"))) {
        return fail(&call->ctx, FM_E_UNSUPPORTED_MEDIA_TYPE,
                    "send the header Content-Type: application/json");
    }
    return json_parse(&call->ctx, body, &batch_limits, out);
}

static enum fm_err run_batch(struct batch *batch)
{
    const struct json *body;

    TRY(read_body(batch->call, &body));
    TRY(read_items(batch, body));
    return submit(batch);
}

static void start(struct call *call, const struct batch_kind *kind)
{
    struct arena *own = call->ctx.arena, *arena = arena_new(BATCH_ARENA_MAX);
    struct batch *batch = arena ? arena_zalloc(arena, 1, sizeof(*batch)) : NULL;
    enum fm_err err;

    if (!batch) {
        arena_free(arena);
        call_fail(call, fail_memory(&call->ctx));
        return;
    }
    *batch = (struct batch){.kind = kind, .call = call, .arena = arena};
    call->ctx.arena = arena; /* what is too large for the request's own */
    err = run_batch(batch);
    if (err != FM_OK) {
        call_fail(call, err);
        ctx_init(&call->ctx, own); /* nothing of the refusal outlives the batch's arena */
        batch_free(batch);
    }
}

void proposals_batch(struct call *call)
{
    start(call, &kind_proposals);
}

void decisions_batch(struct call *call)
{
    start(call, &kind_decisions);
}
