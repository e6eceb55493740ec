/* SPDX-License-Identifier: Apache-2.0
 *
 * The event stream of one proposal. What is sent comes from the log, never from the news of a
 * batch: news only says that there is more to read. So nothing is missed or told twice, however a
 * client comes and goes.
 *
 * 1. Agents see no decision before its release and nothing of what people do among themselves: a
 *    kind that the table below does not show them is hidden, also one that is added later.
 * 2. A reader that fell behind by more than EVENTS_AT_ONCE gets them, and the end of the stream;
 *    it goes on with its Last-Event-ID.
 */
#include "api/api_internal.h"

#include <stdlib.h>

#define EVENTS_AT_ONCE     2000  /* of at most 400 bytes: they fit into the buffer of a stream */
#define CHAIN_MAX          50000 /* leaves of one life that are followed back */
#define EVENTS_BUFFER_MAX  MIB
#define EVENTS_ARENA_MAX   (48 * MIB) /* a chain of CHAIN_MAX leaves of some 500 bytes */
#define EVENTS_HEARTBEAT_S 15

SQL(SQL_LEAF, "SELECT previous, entry FROM log_entries WHERE idx = $idx");

/* What an event means: as which type agents see it, and the status that they read afterwards. */
struct meaning {
    enum journal_kind kind;
    const char *to_agents; /* NULL: hidden from them */
    const char *status;    /* NULL: as before */
};

static const struct meaning meanings[] = {
    {JOURNAL_PROPOSAL_HELD, "proposal.held", "pending"},
    {JOURNAL_PROPOSAL_BLOCKED, "proposal.blocked", "blocked"},
    {JOURNAL_PROPOSAL_REVISED, "proposal.revised", "pending"},
    {JOURNAL_PROPOSAL_RELEASED, "proposal.released", "approved"},
    {JOURNAL_PROPOSAL_RETURNED, "proposal.returned", "returned"},
    {JOURNAL_PROPOSAL_EXPIRED, "proposal.expired", "expired"},
    {JOURNAL_PROPOSAL_WITHDRAWN, "proposal.withdrawn", "withdrawn"},
    {JOURNAL_PERMIT_REDEEMED, "permit.redeemed", "approved"},
    {JOURNAL_PROPOSAL_OUTCOME, "proposal.outcome", "approved"},
    {JOURNAL_PROPOSAL_UNDONE, NULL, "pending"},
};

/* A decision that was released in the same moment. One that waits is nothing to agents. */
static const struct {
    const char *verdict;
    struct meaning meaning;
} released_decisions[] = {
    {"approve", {JOURNAL_PROPOSAL_DECIDED, "proposal.released", "approved"}},
    {"modify", {JOURNAL_PROPOSAL_DECIDED, "proposal.released", "approved"}},
    {"reject", {JOURNAL_PROPOSAL_DECIDED, "proposal.released", "rejected"}},
    {"return", {JOURNAL_PROPOSAL_DECIDED, "proposal.returned", "returned"}},
};

/* A leaf of the proposal's chain, in the order of what happened. */
struct happening {
    struct happening *next;
    int64_t index;
    struct str entry;
};

/* A stream that is open on this loop. */
struct follower {
    struct follower *next; /* of the same proposal */
    struct loop_part *part;
    struct http_request *request;
    struct id proposal, who;
    struct hash credential; /* ends with it: signed out, revoked, expired */
    int64_t seen;           /* the newest leaf that was looked at */
    const char *status;     /* after it */
};

/* --- reading the log -------------------------------------------------------------------------- */

/* The leaves behind `seen`, the oldest first. */
static enum fm_err read_chain(struct ctx *ctx, struct store_conn *conn, int64_t last, int64_t seen,
                              struct happening **out)
{
    struct store_rows *rows;
    size_t count = 0;

    *out = NULL;
    for (int64_t index = last; index > seen && count < CHAIN_MAX; count++) {
        struct happening *leaf = arena_zalloc(ctx->arena, 1, sizeof(*leaf));
        ctx->err = FM_OK;
        TRY(store_query(ctx, conn, &SQL_LEAF, ARGS(A_INT("$idx", index)), &rows));
        if (!leaf || !rows_next(ctx, rows)) {
            return leaf ? ctx->err : fail_memory(ctx);
        }
        *leaf = (struct happening){*out, index, arena_copy(ctx->arena, rows_bytes(rows, 1))};
        *out = leaf;
        index = rows_is_null(rows, 0) ? -1 : rows_int(rows, 0);
        rows_done(rows);
    }
    return FM_OK;
}

static const struct meaning *released_decision(const struct json *entry)
{
    const struct json *released = json_at(entry, S("/data/released"));
    struct str verdict = json_text(json_at(entry, S("/data/verdict")));

    for (size_t i = 0; i < COUNT_OF(released_decisions); i++) {
        if (released && released->kind == JSON_TRUE &&
            str_eq(verdict, str_of(released_decisions[i].verdict))) {
            return &released_decisions[i].meaning;
        }
    }
    return NULL;
}

static struct meaning meaning_of(const struct json *entry)
{
    struct str kind = json_text(json_get(entry, S("kind")));
    const struct meaning *decision = NULL;

    if (str_eq(kind, str_of(journal_kind_name(JOURNAL_PROPOSAL_DECIDED)))) {
        decision = released_decision(entry);
        return decision ? *decision : (struct meaning){JOURNAL_PROPOSAL_DECIDED, NULL, "pending"};
    }
    for (size_t i = 0; i < COUNT_OF(meanings); i++) {
        if (str_eq(kind, str_of(journal_kind_name(meanings[i].kind)))) {
            return meanings[i];
        }
    }
    return (struct meaning){JOURNAL_KIND_COUNT, NULL, NULL};
}

/* --- writing events --------------------------------------------------------------------------- */

/* One batch of events under way to one reader. */
struct telling {
    struct ctx *ctx;
    const struct directory *directory;
    const struct proposal *proposal;
    bool to_person;
    const char *status;
    struct buf *text;
    size_t count;
};

static void write_by(struct json_out *out, const struct directory *directory, struct str by)
{
    struct id id;
    const struct person *person =
        id_parse(ID_PERSON, by, &id) ? directory_person_by_id(directory, id) : NULL;

    jo_key(out, "by");
    if (!person) {
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    jo_object_end(out);
}

static void write_event(struct telling *telling, const struct json *entry, struct str type,
                        int64_t index)
{
    struct json_out out = JSON_OUT(telling->text);
    struct str id = json_text(json_get(entry, S("id")));

    buf_printf(telling->text, "id: %.*s\nevent: %.*s\ndata: ", STR_ARG(id), STR_ARG(type));
    jo_object(&out);
    jo_m_str(&out, "id", id);
    jo_m_str(&out, "type", type);
    jo_m_str(&out, "at", json_text(json_get(entry, S("at"))));
    jo_m_id(&out, "proposal", ID_PROPOSAL, telling->proposal->id);
    jo_key(&out, "data");
    jo_object(&out);
    jo_m_str(&out, "status", str_of(telling->status));
    if (telling->to_person) {
        jo_m_str(&out, "queue", telling->proposal->queue);
        write_by(&out, telling->directory, json_text(json_at(entry, S("/by/id"))));
        jo_m_int(&out, "index", index);
    }
    jo_object_end(&out);
    jo_object_end(&out);
    buf_lit(telling->text, "\n\n");
    telling->count++;
}

/* Tells one leaf, or only what it changes where the reader must not see it. */
static enum fm_err tell(struct telling *telling, const struct happening *leaf, bool silently,
                        struct str *id)
{
    const struct json *entry;
    struct meaning meaning;
    struct str type;

    TRY(json_parse(telling->ctx, leaf->entry, &JSON_LIMITS_WIRE, &entry));
    meaning = meaning_of(entry);
    telling->status = meaning.status ? meaning.status : telling->status;
    type = telling->to_person  ? json_text(json_get(entry, S("kind")))
           : meaning.to_agents ? str_of(meaning.to_agents)
                               : STR_NONE;
    *id = json_text(json_get(entry, S("id")));
    if (type.p && !silently) {
        write_event(telling, entry, type, leaf->index);
    }
    return FM_OK;
}

/* Whether the chain holds the event that the client has seen last. */
static bool holds_event(struct ctx *ctx, const struct happening *first, struct str id)
{
    for (const struct happening *leaf = first; id.n && leaf; leaf = leaf->next) {
        const struct json *entry;
        if (json_parse(ctx, leaf->entry, &JSON_LIMITS_WIRE, &entry) == FM_OK &&
            str_eq(json_text(json_get(entry, S("id"))), id)) {
            return true;
        }
    }
    return false;
}

/* Tells the leaves from `first` on, those up to the event `after` silently. `*seen` is the newest
 * one told; `*whole`: all of them were. */
static enum fm_err tell_all(struct telling *telling, const struct happening *first,
                            struct str after, int64_t *seen, bool *whole)
{
    bool silently = holds_event(telling->ctx, first, after);

    *whole = true;
    for (const struct happening *leaf = first; leaf; leaf = leaf->next) {
        struct str id;
        if (telling->count == EVENTS_AT_ONCE) {
            *whole = false;
            return FM_OK;
        }
        TRY(tell(telling, leaf, silently, &id));
        silently = silently && !str_eq(id, after);
        *seen = leaf->index;
    }
    return buf_ok(telling->text) ? FM_OK : fail_memory(telling->ctx);
}

/* Nothing ever follows: the client need not come again. */
static bool is_over(const struct proposal *proposal)
{
    for (int state = 0; state < PROPOSAL_STATE_COUNT; state++) {
        if (proposal_may_become(proposal->state, (enum proposal_state)state)) {
            return false;
        }
    }
    return true;
}

/* --- who follows ------------------------------------------------------------------------------ */

static bool link_follower(struct follower *follower)
{
    struct loop_part *part = follower->part;
    struct str key = id_bytes(&follower->proposal);

    if (!part->followers) {
        part->followers = map_new();
    }
    follower->next = part->followers ? map_find(part->followers, key) : NULL;
    return part->followers && map_put(part->followers, key, follower);
}

static void unlink_follower(struct follower *follower)
{
    struct map *followers = follower->part->followers;
    struct str key = id_bytes(&follower->proposal);
    struct follower *at = map_find(followers, key);

    if (at != follower) {
        while (at->next != follower) {
            at = at->next;
        }
        at->next = follower->next;
    } else if (!follower->next || !map_put(followers, key, follower->next)) {
        map_remove(followers, key);
    }
}

static void follower_done(void *state)
{
    struct follower *follower = state;

    unlink_follower(follower);
    stream_give(follower->part->api, follower->who);
    free(follower);
}

/* Registers the stream; from here on news of its proposal finds it. */
static enum fm_err add_follower(struct call *call, const struct telling *telling, int64_t seen)
{
    struct follower *follower = calloc(1, sizeof(*follower));
    struct id who = call_who(call);

    if (!follower || !stream_take(call->api, who)) {
        free(follower);
        call->ctx.retry_after_s = 10;
        return fail(&call->ctx, FM_E_RATE_LIMITED, "at most %d streams for one caller",
                    STREAMS_PER_CALLER_MAX);
    }
    *follower = (struct follower){.part = call->part,
                                  .request = call->request,
                                  .proposal = call->id,
                                  .who = who,
                                  .credential = call->credential->hash,
                                  .seen = seen,
                                  .status = telling->status};
    if (!link_follower(follower)) {
        stream_give(call->api, who);
        free(follower);
        return fail_memory(&call->ctx);
    }
    http_set_state(call->request, follower, follower_done);
    return FM_OK;
}

/* --- open and feed ---------------------------------------------------------------------------- */

static enum fm_err read_past(struct call *call, struct telling *telling, int64_t *seen, bool *whole)
{
    struct happening *first;

    TRY(call_find_visible(call));
    TRY(read_chain(&call->ctx, call->part->reader, call->proposal.last_leaf, -1, &first));
    return tell_all(telling, first, http_header(call->request, "Last-Event-ID"), seen, whole);
}

static void open_stream(struct call *call, struct buf *text, bool ends)
{
    struct http_request *request = call->request;

    call_release(call);
    http_stream(request, stream_headers, STREAM_HEADER_COUNT, EVENTS_BUFFER_MAX,
                EVENTS_HEARTBEAT_S);
    (void)http_stream_send(request, S("retry: 2000\n\n"));
    (void)http_stream_send(request, buf_str(text));
    if (ends) {
        http_stream_end(request);
    }
}

void proposals_events(struct call *call)
{
    AUTO(buf_done) struct buf text = BUF_INIT(EVENTS_BUFFER_MAX);
    struct telling telling = {.ctx = &call->ctx,
                              .directory = call->directory,
                              .proposal = &call->proposal,
                              .to_person = call->caller.person != NULL,
                              .status = "pending",
                              .text = &text};
    int64_t seen = -1;
    bool whole = true, over;
    enum fm_err err = query_allow(call, "");

    err = err == FM_OK ? read_past(call, &telling, &seen, &whole) : err;
    over = err == FM_OK && whole && is_over(&call->proposal);
    if (over && telling.count == 0) {
        call_answer_empty(call, 204); /* an EventSource does not come again after this */
        return;
    }
    err = err == FM_OK ? add_follower(call, &telling, seen) : err;
    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    open_stream(call, &text, over || !whole || atomic_load(&call->api->draining));
}

static enum fm_err feed(struct ctx *ctx, struct follower *follower,
                        const struct directory *directory, const struct policy *policy)
{
    AUTO(buf_done) struct buf text = BUF_INIT(EVENTS_BUFFER_MAX);
    const struct credential *own = directory_credential_by_hash(directory, follower->credential);
    struct flow_caller caller = own ? credential_caller(own) : (struct flow_caller){0};
    struct proposal proposal;
    struct telling telling = {.ctx = ctx,
                              .directory = directory,
                              .proposal = &proposal,
                              .to_person = caller.person != NULL,
                              .status = follower->status,
                              .text = &text};
    struct happening *first;
    bool whole;

    TRY(proposal_find(ctx, follower->part->reader, follower->proposal, &proposal));
    if (!own || !flow_may_see(policy, &caller, &proposal)) {
        return fail(ctx, FM_E_NOT_FOUND, "no longer theirs to see");
    }
    TRY(read_chain(ctx, follower->part->reader, proposal.last_leaf, follower->seen, &first));
    TRY(tell_all(&telling, first, STR_NONE, &follower->seen, &whole));
    follower->status = telling.status;
    if (text.n && http_stream_send(follower->request, buf_str(&text)) &&
        (is_over(&proposal) || !whole)) {
        http_stream_end(follower->request);
    }
    return FM_OK;
}

void events_feed(struct loop_part *part, struct id proposal)
{
    struct follower *follower =
        part->followers ? map_find(part->followers, id_bytes(&proposal)) : NULL;
    AUTO(arena_done) struct arena *arena = follower ? arena_new(EVENTS_ARENA_MAX) : NULL;
    const struct directory *directory = follower ? directory_keep() : NULL;
    const struct policy *policy = follower ? flow_policy(part->api->flow) : NULL;
    struct ctx ctx;

    for (struct follower *next; follower; follower = next) {
        next = follower->next; /* feeding may end it */
        ctx_init(&ctx, arena);
        if (!arena || feed(&ctx, follower, directory, policy) != FM_OK) {
            http_stream_end(follower->request); /* the client comes again, and is told why not */
        }
    }
    directory_drop(directory);
    policy_drop(policy);
}

static void end_chain(void *with, struct str key, void *value)
{
    (void)with;
    (void)key;
    for (struct follower *follower = value; follower; follower = follower->next) {
        http_stream_end(follower->request);
    }
}

void events_drain(struct loop_part *part)
{
    if (part->followers) {
        map_each(part->followers, end_chain, NULL);
    }
}
