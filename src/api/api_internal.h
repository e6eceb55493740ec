/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share: one request on its way (struct call), the table of routes, and the
 * helpers that answer.
 */
#ifndef FM_API_INTERNAL_H
#define FM_API_INTERNAL_H

#include "api/api.h"
#include "autonomy/autonomy.h"
#include "base/locks.h"
#include "base/map.h"
#include "insights/insights.h"

#include <stdatomic.h>

/* The largest single read: a card of 4 MiB and a line of 7 (hidden characters), 5 of notes, 2 of request. */
#define API_ANSWER_MAX (24 * MIB)
#define LIST_BYTES_MAX (4 * MIB) /* a page of a list ends early beyond this */
#define ITEM_ARENA_MAX (48 * MIB) /* for one item of a list: as much as a request may have */
#define LIST_LIMIT_DEFAULT 50
#define LIST_LIMIT_MAX 200
#define WAIT_MAX_US (120 * SECOND_US)

struct call;

/* Who may use a route. People's routes can ask for a role besides. */
enum api_who { WHO_PUBLIC, WHO_AGENT, WHO_PERSON, WHO_ANY };

struct route {
    enum http_method method;
    /* segments; {id} is a proposal's id, {person}, {key}, {pause}, {agent}, {event}, {policy} theirs, {n} a
     * number, {tile} all that is left */
    const char *path;
    enum api_who who;
    /* of people, any of these; 0: no role in particular. Of services: scopes, any */
    unsigned roles;
    void (*handle)(struct call *call);
};
#define SCOPE_BIT(scope) (1u << (16 + (scope))) /* above the bits of roles */
_Static_assert(ROLE_COUNT <= 16 && SCOPE_COUNT <= 16, "both in one set of bits");
extern const struct route api_routes[];
extern const size_t api_route_count;

/* The part of the api that belongs to one loop. */
struct loop_part {
    struct api *api;
    struct loop *loop;
    struct store_conn *reader;
    struct waiter **buckets; /* parked waits by the random half of the proposal's id */
    size_t bucket_count;
    struct waiter *newest;
    struct stream *streams;
    struct map *followers; /* streams of one proposal, by its id (events.c); NULL: none yet */
    size_t waiting;
};

/* Counters of one row of the table of routes. */
struct route_counts {
    struct histogram us;
    _Atomic uint64_t by_class[API_STATUS_CLASSES];
};

struct api {
    struct api_config config;
    struct route_counts *routes; /* in the order of api_routes */
    _Atomic int64_t waits, open_streams;
    struct flow *flow; /* from here on valid once serving */
    struct str origin, cookie_name;
    bool secure;
    _Atomic(struct http_server *) server; /* NULL: not serving yet */
    _Atomic bool draining;
    struct lock stream_lock;
    struct map *stream_counts; /* open streams by caller; guarded by the lock */
    struct fresh *fresh; /* answers with secrets, in memory; the committer's */
};

/* What a write does on the committer's thread; fills call->proposal and call->status. */
typedef enum fm_err call_run_fn(struct call *call, struct store_conn *conn);
/* Writes the answer's body. Reads through `conn`: the loop's, or the committer's for a kept answer. */
typedef enum fm_err call_render_fn(struct call *call, struct store_conn *conn, struct buf *body);

/* One request. Lives in the request's arena. */
struct call {
    struct store_cmd cmd; /* first: the committer hands back this */
    struct loop_message message;
    struct ctx ctx;
    struct api *api;
    struct loop_part *part;
    struct http_request *request;
    const struct route *route;
    const struct directory *directory; /* one reference */
    const struct policy *policy;       /* one reference */
    const struct credential *credential;
    struct flow_caller caller;
    struct id id;      /* {id} of the path, or {person}, {key}, {pause}, {agent}, {event} */
    uint64_t number;   /* {n} of the path */
    const struct json *body; /* NULL when there is none */
    bool woken;        /* a parked wait that comes back */
    bool wait_over;    /* and whose time is up */
    int64_t started_us;    /* monotonic */
    int64_t wait_until_us; /* monotonic; 0: not set yet */
    int64_t committed_at_us; /* of the batch that woke it */

    call_run_fn *run;
    call_render_fn *render;
    int wanted_status, status; /* of success; of the answer */
    struct proposal proposal;
    struct str request_bytes;      /* the proposal's request where the call has it in memory already */
    const struct json *request_tree;
    void *in; /* the handler's own input, in the arena */
    char set_cookie[256];
    char allow[48]; /* of a method that the path does not have: those that it has */
    struct batch *batch; /* of an item of a batch */

    struct str idempotency_key;
    struct hash scope, body_hash;
    const char *once; /* of an answer with a secret: what to do when it is lost (call_write_once) */
    struct buf answer; /* a kept answer: rendered before COMMIT, or read back */
    bool has_answer, replayed;
};

/* Answers. Each ends the call. */
void call_fail(struct call *call, enum fm_err err);
void call_answer(struct call *call, int status, struct buf *body); /* JSON; takes the bytes */
void call_answer_empty(struct call *call, int status);
void call_answer_text(struct call *call, const char *content_type, struct buf *body);
/* 200 with these header lines (at most 8), and Cache-Control: no-store unless they say
 * otherwise. */
void call_answer_as(struct call *call, const struct http_header_line *headers, size_t count,
                    struct buf *body);
/* Counts an answer for metrics: before whatever answers. */
void call_observe(struct call *call, int status);
/* Frees what a call holds besides its arena: after another way of answering. */
void call_release(struct call *call);

/* The command of a write: what call_write submits, for batches of them (batch.c). Committer. */
enum fm_err call_run_write(struct store_cmd *cmd, struct store_conn *conn);
bool call_is_json(struct str content_type);
/* Names of roles as bits. */
enum fm_err call_read_roles(struct call *call, const struct json *array, unsigned *out) MUST_CHECK;
/* Reads the body of one proposal or decision and says what is to be done: call->in, run, render and
 * wanted_status. */
enum fm_err proposals_prepare(struct call *call) MUST_CHECK;
enum fm_err review_prepare_decision(struct call *call) MUST_CHECK;

/* Runs `run` in the committer, then answers with what `render` writes. */
void call_write(struct call *call, call_run_fn *run, call_render_fn *render, int status);

/* The same for an answer that holds a secret beside the member `id` of what it is about. Only that
 * is stored: a repetition gets the whole answer while that is in memory, and afterwards 409
 * already-done with the id and `lost`, a sentence that says what to do. */
void call_write_once(struct call *call, call_run_fn *run, call_render_fn *render, int status,
                     const char *lost);

/* Renders with the loop's reader and answers. */
void call_read(struct call *call, call_render_fn *render, int status);

/* Renders with the loop's reader, in one snapshot, and leaves answering to the caller. False: it
 * failed, and the call has ended. */
bool call_render(struct call *call, call_render_fn *render, struct buf *body) MUST_CHECK;

/* The handler's input, cleared; NULL (and the call failed) when memory is short. */
void *call_input(struct call *call, size_t size);

/* Binds the body through a table; a missing body reads as {}. */
enum fm_err call_bind(struct call *call, const struct json_field *fields, size_t count, void *into)
    MUST_CHECK;

/* Problem document for the context's error; `status` is what the answer goes out with. */
void problem_write(struct buf *body, const struct ctx *ctx, enum fm_err err, int status);

/* Reads the proposal of the path into call->proposal: 404 unless the caller may see it. */
enum fm_err call_find_visible(struct call *call) MUST_CHECK;
/* Whom the credential makes the caller; the id by which a caller is counted. */
struct flow_caller credential_caller(const struct credential *credential);
struct id call_who(const struct call *call);

/* Authentication: fills credential and caller; checks the route's demands (who, roles, origin). */
enum fm_err auth_check(struct call *call) MUST_CHECK;

/* Idempotency: the committer's side. `*replay`: the kept answer stands in call->answer. */
enum fm_err idempotency_begin(struct call *call, struct store_conn *conn, bool *replay) MUST_CHECK;
enum fm_err idempotency_keep(struct call *call, struct store_conn *conn) MUST_CHECK;
enum fm_err idempotency_read(struct call *call) MUST_CHECK; /* the loop's side: header, scope, hash */
/* The same for one item of a batch: as if `key` had come with a request to `path` (which live
 * on). */
enum fm_err idempotency_set(struct call *call, struct str path, struct str key) MUST_CHECK;

/* Answers with secrets, in memory only, for FRESH_US: given again to whoever repeats the request
 * whose scope it is. One thread, the committer's. A transaction that is undone leaves its answer
 * here: whoever reads has found the scope in the store first. */
#define FRESH_US (10 * MINUTE_US)
struct fresh *fresh_new(void); /* NULL when memory is short */
void fresh_free(struct fresh *fresh); /* wipes; NULL is fine */
/* An answer that is too long, or one too many, is not kept: the oldest makes room. */
void fresh_keep(struct fresh *fresh, struct hash scope, struct str answer, int64_t now_us);
/* STR_NONE: not here, or no more. Borrowed until the next call. */
struct str fresh_find(struct fresh *fresh, struct hash scope, int64_t now_us);

/* Lists: ?limit= and ?cursor=. A cursor is two numbers; 0, 0 at the beginning. */
struct page {
    int64_t limit, first, second;
    bool has_cursor;
};
enum fm_err page_read(struct call *call, struct page *out) MUST_CHECK;
enum fm_err page_limit(struct call *call, int64_t *out) MUST_CHECK; /* ?limit= alone */
void page_write_cursor(struct json_out *out, bool more, int64_t first, int64_t second);
/* A list that is being written. Whoever gives the rows is asked for one more than the limit. */
struct listing {
    struct call *call;
    struct json_out out;
    int64_t limit, count, last; /* last: the place of the last item written */
    bool more;
};
/* Reads the query, with parameters of these names (space-separated, `limit` and `cursor` among
 * them), and begins. */
enum fm_err listing_begin(struct listing *list, struct call *call, struct buf *body,
                          const char *names) MUST_CHECK;
/* The place behind which a page begins; `start` without a cursor. */
enum fm_err listing_from(struct listing *list, int64_t start, int64_t *out) MUST_CHECK;
/* Whether the item at this place is to be written; false: the page is full. */
bool listing_takes(struct listing *list, int64_t place) MUST_CHECK;
/* Ends it, with a cursor where there is more: that of the last place, or of one's own making. */
void listing_end(struct listing *list);
void listing_end_at(struct listing *list, struct str cursor);
/* Refuses query parameters other than these (space-separated). */
enum fm_err query_allow(struct call *call, const char *names) MUST_CHECK;
/* Refuses a query parameter that comes twice: which of them counts would be a guess. */
enum fm_err query_once(struct call *call) MUST_CHECK;
/* A query parameter naming an id. False when present and malformed. */
enum fm_err query_id(struct call *call, const char *name, enum id_kind kind, struct id *out,
                     bool *present) MUST_CHECK;

/* Proposals as 03 has them. */
struct view {
    struct ctx *ctx;
    struct store_conn *conn;
    const struct directory *directory;
    const struct policy *policy;
    const struct flow_caller *caller;
    const struct permit_issuer *issuer;
    int64_t now_us;
    struct str request_bytes;          /* of the proposal to be shown, if known already */
    const struct json *request_tree;
    struct flow *flow;
    bool whole; /* people's single read: card, comments, counts, timeline, can */
};
void view_of_call(struct call *call, struct store_conn *conn, struct view *out);
enum fm_err view_proposal(const struct view *view, struct json_out *out, const struct proposal *proposal)
    MUST_CHECK;
enum fm_err view_inbox_item(const struct view *view, struct json_out *out,
                            const struct proposal *proposal) MUST_CHECK;
/* One item of a list, by one of the two above: in a memory of its own that ends with it, so that a page
 * of large items does not add up. */
enum fm_err view_list_item(const struct view *view, struct json_out *out, const struct proposal *proposal,
                           enum fm_err (*write)(const struct view *view, struct json_out *out,
                                                const struct proposal *proposal)) MUST_CHECK;
/* The body of 03; and for people's single read with all that the page shows besides. */
enum fm_err call_render_proposal(struct call *call, struct store_conn *conn, struct buf *body) MUST_CHECK;
enum fm_err call_render_whole(struct call *call, struct store_conn *conn, struct buf *body) MUST_CHECK;
/* Parts of a view. `request` is the canonical request as a tree; NULL when erased. */
void view_hold(const struct view *view, struct json_out *out, const struct proposal *p);
enum fm_err view_card(const struct view *view, struct json_out *out, const struct proposal *p,
                      const struct json *request) MUST_CHECK;
struct str view_title(const struct view *view, const struct proposal *p, const struct json *request);
enum fm_err view_timeline(const struct view *view, struct json_out *out, const struct proposal *p)
    MUST_CHECK;
enum fm_err view_comments(const struct view *view, struct json_out *out, const struct proposal *p)
    MUST_CHECK;
void write_agent_ref(struct json_out *out, const struct directory *directory, int64_t row);

/* Waiting and streams (bus.c). */
bool bus_park(struct call *call); /* false: memory is short; the call has failed */
void bus_open_stream(struct call *call);

/* How many streams one caller has open, on all loops together. False: one too many, or memory is
 * short. */
#define STREAMS_PER_CALLER_MAX 256
bool stream_take(struct api *api, struct id who) MUST_CHECK;
void stream_give(struct api *api, struct id who);
#define STREAM_HEADER_COUNT 4
extern const struct http_header_line stream_headers[STREAM_HEADER_COUNT];

/* The streams of single proposals (events.c): there is more to tell of this one; the server
 * stops. */
void events_feed(struct loop_part *part, struct id proposal);
void events_drain(struct loop_part *part);

/* Handles a parked request again (call.c). */
void call_wake(struct api *api, struct http_request *request, int64_t wait_until_us, bool wait_over,
               int64_t committed_at_us);

/* Reading a policy's text, on the slow thread: longer than a loop may stand still. */
struct policy_reading {
    struct slow_job job; /* first: the reading is found from it */
    struct call *call;
    struct str yaml; /* to be set by the caller */
    /* To be set by the caller, may be NULL: what else is done there, with call->policy being the
     * one that was read (its tests not run). */
    enum fm_err (*also)(struct call *call, struct policy_reading *reading);
    enum fm_err err;
    struct policy_finding *findings;
    size_t finding_count;
    void (*done)(struct call *call); /* on the loop */
};
/* Reads reading->yaml; then `done` finds the policy in call->policy (reading->err FM_OK), or the
 * error in call->ctx, with field errors below /yaml. Errors: FM_E_OVERLOADED. */
enum fm_err policy_reading_start(struct call *call, struct policy_reading *reading,
                                 void (*done)(struct call *call)) MUST_CHECK;

/* Static files embedded in the binary. */
bool assets_serve(struct api *api, struct http_request *request);
bool assets_has(struct str path); /* whether GET of it gives one */
struct str asset_openapi(void);

/* Handlers, one file per resource. */
/* clang-format off */
#define HANDLERS(X)                                                                                \
    X(proposals_create) X(proposals_list) X(proposals_get) X(proposals_attachment)                 \
    X(proposals_revise) X(proposals_withdraw) X(proposals_outcome) X(permits_redeem)               \
    X(proposals_events) X(proposals_batch) X(decisions_batch)                                      \
    X(setup_create) X(me_password) X(people_create) X(people_roles) X(people_deactivate_call)      \
    X(people_reactivate_call) X(people_reset_call) X(access_review)                                \
    X(keys_list) X(keys_create) X(keys_delete) X(pauses_list) X(pauses_create) X(pauses_delete)    \
    X(review_inbox) X(review_claim_call) X(review_unclaim_call) X(review_decision)                 \
    X(review_undo_call) X(review_comment_call) X(stream_open)                                      \
    X(session_create) X(session_link) X(session_delete) X(me_get) X(categories_list)               \
    X(queues_list) X(agents_list) X(agents_create) X(people_list) X(log_checkpoint) X(log_vkey)    \
    X(jwks_get) X(health_get) X(ready_get) X(metrics_get) X(openapi_get) X(commit_to_send_get)     \
    X(log_tile) X(log_entries_tile) X(audit_entries) X(audit_proof) X(audit_bundle)                \
    X(audit_completeness)                                                                          \
    X(webhooks_list) X(webhooks_resend) X(agents_webhook_secret) X(agents_hosts)           \
    X(policies_list) X(policies_create) X(policies_get) X(policies_activate)               \
    X(policies_check) X(policies_backtest) X(backtests_get) X(backtest_end)        \
    X(shadow_get) X(shadow_set) X(shadow_delete) X(insights_coverage_get)                          \
    X(insights_edge_cases_get)
/* clang-format on */
#define X(name) void name(struct call *call);
HANDLERS(X)
#undef X

/* Answers a sign-in: the session's cookie, and who it is for. */
void session_answer(struct call *call, const struct person *person, const char *cookie,
                    struct buf *body);

void commit_to_send_observe(int64_t elapsed_us);

#endif
