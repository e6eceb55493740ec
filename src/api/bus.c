/* SPDX-License-Identifier: Apache-2.0
 *
 * The bus: news of a committed batch goes to every loop, which wakes its parked waits and feeds its
 * streams. A wait reads the store and parks on the same loop thread on which the news will be run, so
 * that news of anything committed after the read always finds the parked wait.
 */
#include "api/api_internal.h"

#include "base/log.h"
#include "base/panic.h"

#include <stdlib.h>

/* --- parked waits -------------------------------------------------------------------------------------- */

/* What remains of a parked request besides the connection; found by the proposal's id in the loop's
 * table of buckets. */
struct waiter {
    struct loop_timer timer; /* first */
    struct waiter *next;     /* in its bucket, or in a list of those to be woken */
    struct waiter *newer, *older; /* all of the loop's */
    struct loop_part *part;  /* NULL: not parked */
    struct http_request *request;
    struct id proposal;
    int64_t until_us;
};

#define BUCKETS_FIRST 64

/* The random half of an id is as good as a hash: outsiders do not choose it. */
static struct waiter **bucket_of(struct loop_part *part, struct id proposal)
{
    uint64_t random;

    memcpy(&random, proposal.bytes + 8, sizeof(random));
    return &part->buckets[random & (part->bucket_count - 1)];
}

static bool grow_buckets(struct loop_part *part)
{
    size_t count = part->bucket_count ? part->bucket_count * 2 : BUCKETS_FIRST;
    struct waiter **old = part->buckets;
    size_t old_count = part->bucket_count;

    part->buckets = calloc(count, sizeof(struct waiter *));
    if (!part->buckets) {
        part->buckets = old;
        return old != NULL; /* longer chains will do */
    }
    part->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct waiter *waiter = old[i], *next; waiter; waiter = next) {
            struct waiter **bucket = bucket_of(part, waiter->proposal);
            next = waiter->next;
            waiter->next = *bucket;
            *bucket = waiter;
        }
    }
    free(old);
    return true;
}

static bool link_waiter(struct loop_part *part, struct waiter *waiter)
{
    struct waiter **bucket;

    if (part->waiting >= part->bucket_count && !grow_buckets(part)) {
        return false;
    }
    bucket = bucket_of(part, waiter->proposal);
    waiter->part = part;
    waiter->next = *bucket;
    *bucket = waiter;
    waiter->older = part->newest;
    if (waiter->older) {
        waiter->older->newer = waiter;
    }
    part->newest = waiter;
    part->waiting++;
    atomic_fetch_add_explicit(&part->api->waits, 1, memory_order_relaxed);
    return true;
}

/* Takes a waiter out: it is parked no more. */
static void unlink_waiter(struct waiter *waiter)
{
    struct loop_part *part = waiter->part;
    struct waiter **at = bucket_of(part, waiter->proposal);

    loop_timer_clear(part->loop, &waiter->timer);
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    if (waiter->newer) {
        waiter->newer->older = waiter->older;
    } else {
        part->newest = waiter->older;
    }
    if (waiter->older) {
        waiter->older->newer = waiter->newer;
    }
    waiter->newer = waiter->older = waiter->next = NULL;
    waiter->part = NULL;
    part->waiting--;
    atomic_fetch_sub_explicit(&part->api->waits, 1, memory_order_relaxed);
}

/* The request ended: answered after a wake (then it is taken out already) or its connection was lost. */
static void waiter_done(void *state)
{
    struct waiter *waiter = state;

    if (waiter->part) {
        unlink_waiter(waiter);
    }
    free(waiter);
}

static void wake(struct waiter *waiter, bool over, int64_t committed_at_us)
{
    struct api *api = waiter->part->api;

    unlink_waiter(waiter);
    call_wake(api, waiter->request, waiter->until_us, over, committed_at_us);
}

static void on_timer(struct loop_timer *timer)
{
    wake((struct waiter *)timer, true, 0);
}

/* A request that waits again after a wake in vain keeps the struct that it has. */
static struct waiter *waiter_of(struct http_request *request)
{
    struct waiter *waiter = http_state(request);

    if (!waiter) {
        waiter = calloc(1, sizeof(*waiter));
        if (waiter) {
            http_set_state(request, waiter, waiter_done);
        }
    }
    return waiter;
}

bool bus_park(struct call *call)
{
    struct waiter *waiter = waiter_of(call->request);
    struct loop_part *part = call->part;
    struct http_request *request = call->request;

    if (waiter) {
        *waiter = (struct waiter){.request = request,
                                  .proposal = call->id,
                                  .until_us = call->wait_until_us};
    }
    if (!waiter || !link_waiter(part, waiter)) {
        call_fail(call, fail_memory(&call->ctx));
        return false;
    }
    loop_timer_set(part->loop, &waiter->timer, waiter->until_us, on_timer);
    call_release(call);
    http_park(request);
    return true;
}

/* First all of them are taken out, then woken: a wake may park its request again, if the proposal is
 * pending again by now. */
static void wake_all(struct loop_part *part, struct id proposal, int64_t committed_at_us)
{
    struct waiter *woken = NULL;

    for (struct waiter *waiter = *bucket_of(part, proposal), *next; waiter; waiter = next) {
        next = waiter->next;
        if (id_eq(waiter->proposal, proposal)) {
            unlink_waiter(waiter);
            waiter->next = woken;
            woken = waiter;
        }
    }
    for (struct waiter *next; woken; woken = next) {
        next = woken->next;
        call_wake(part->api, woken->request, woken->until_us, false, committed_at_us);
    }
}

/* --- the page's streams -------------------------------------------------------------------------------- */

/* One number for each caller who has streams open: in the pointer itself. */
static bool count_stream(struct map *counts, struct id who, int by)
{
    struct str key = id_bytes(&who);
    uintptr_t count = (uintptr_t)map_find(counts, key) + (uintptr_t)by;

    if (count == 0) {
        map_remove(counts, key);
        return true;
    }
    return count <= STREAMS_PER_CALLER_MAX && map_put(counts, key, (void *)count);
}

bool stream_take(struct api *api, struct id who)
{
    bool taken = false;

    LOCKED (&api->stream_lock) {
        taken = count_stream(api->stream_counts, who, 1);
    }
    return taken;
}

void stream_give(struct api *api, struct id who)
{
    LOCKED (&api->stream_lock) {
        (void)count_stream(api->stream_counts, who, -1);
    }
}

const struct http_header_line stream_headers[STREAM_HEADER_COUNT] = {
    {"Content-Type", STR("text/event-stream")},
    {"Cache-Control", STR("no-store")},
    {"X-Accel-Buffering", STR("no")},
    {"X-Content-Type-Options", STR("nosniff")},
};

#define STREAM_BUFFER_MAX (256 * KIB)
#define STREAM_HEARTBEAT_S 15

struct stream {
    struct stream *next, *previous;
    struct loop_part *part;
    struct http_request *request;
    struct id who;
    struct hash credential; /* ends with it: signed out, revoked, expired */
};

static void stream_done(void *state)
{
    struct stream *stream = state;

    if (stream->previous) {
        stream->previous->next = stream->next;
    } else {
        stream->part->streams = stream->next;
    }
    if (stream->next) {
        stream->next->previous = stream->previous;
    }
    stream_give(stream->part->api, stream->who);
    atomic_fetch_sub_explicit(&stream->part->api->open_streams, 1, memory_order_relaxed);
    free(stream);
}

void bus_open_stream(struct call *call)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    struct http_request *request = call->request;

    if (!stream || !stream_take(call->api, call_who(call))) {
        free(stream);
        call->ctx.retry_after_s = 10;
        call_fail(call, fail(&call->ctx, FM_E_RATE_LIMITED, "at most %d streams for one caller",
                             STREAMS_PER_CALLER_MAX));
        return;
    }
    *stream = (struct stream){.next = call->part->streams,
                              .part = call->part,
                              .request = request,
                              .who = call_who(call),
                              .credential = call->credential->hash};
    if (stream->next) {
        stream->next->previous = stream;
    }
    call->part->streams = stream;
    atomic_fetch_add_explicit(&call->api->open_streams, 1, memory_order_relaxed);
    call_observe(call, 200);
    http_set_state(request, stream, stream_done);
    call_release(call);
    http_stream(request, stream_headers, STREAM_HEADER_COUNT, STREAM_BUFFER_MAX,
                STREAM_HEARTBEAT_S);
    (void)http_stream_send(request, S("retry: 2000\nevent: hello\ndata: {}\n\n"));
}

static void write_person(struct json_out *out, const struct directory *directory, int64_t row)
{
    const struct person *person = directory_person_by_row(directory, row);

    if (!person) {
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    jo_object_end(out);
}

static void write_news(struct buf *buf, const struct directory *directory,
                       const struct announcement *news)
{
    struct json_out out = JSON_OUT(buf);
    char event[ID_TEXT_MAX];

    buf_printf(buf, "id: %s\nevent: %s\ndata: ", id_format(ID_EVENT, news->event, event).p,
               journal_kind_name(news->kind));
    jo_object(&out);
    jo_m_id(&out, "id", ID_EVENT, news->event);
    jo_m_str(&out, "type", str_of(journal_kind_name(news->kind)));
    jo_m_time(&out, "at", news->at_us);
    jo_m_id(&out, "proposal", ID_PROPOSAL, news->proposal);
    jo_key(&out, "data");
    jo_object(&out);
    jo_m_str(&out, "queue", news->queue[0] ? str_of(news->queue) : STR_NONE);
    jo_m_str(&out, "status", str_of(proposal_status(news->state)));
    jo_key(&out, "by");
    write_person(&out, directory, news->person);
    jo_m_int(&out, "index", news->leaf);
    jo_object_end(&out);
    jo_object_end(&out);
    buf_lit(buf, "\n\n");
}

static bool is_pause(const struct announcement *news)
{
    return news->kind == JOURNAL_PAUSE_STARTED || news->kind == JOURNAL_PAUSE_RESUME_ASKED ||
           news->kind == JOURNAL_PAUSE_ENDED;
}

/* That it happened; what is paused is read from /v1/pauses. */
static void write_pause(struct buf *buf, const struct announcement *news)
{
    struct json_out out = JSON_OUT(buf);
    char event[ID_TEXT_MAX];

    buf_printf(buf, "id: %s\nevent: %s\ndata: ", id_format(ID_EVENT, news->event, event).p,
               journal_kind_name(news->kind));
    jo_object(&out);
    jo_m_id(&out, "id", ID_EVENT, news->event);
    jo_m_str(&out, "type", str_of(journal_kind_name(news->kind)));
    jo_m_time(&out, "at", news->at_us);
    jo_object_end(&out);
    buf_lit(buf, "\n\n");
}

static bool may_see(const struct policy *policy, const struct person *person,
                    const struct announcement *news)
{
    struct proposal shown = {.queue = str_of(news->queue[0] ? news->queue : NULL),
                             .first_queue = str_of(news->first_queue[0] ? news->first_queue : NULL)};

    return review_may_see(policy, person, &shown);
}

static void feed(struct stream *stream, const struct directory *directory, const struct policy *policy,
                 const struct announcement *news)
{
    AUTO(buf_done) struct buf event = BUF_INIT(8 * KIB);
    const struct credential *own = directory_credential_by_hash(directory, stream->credential);
    const struct person *person = own ? own->person : NULL;

    if (!person) {
        http_stream_end(stream->request);
        return;
    }
    if (is_pause(news)) { /* everybody is told: the page has a banner */
        write_pause(&event, news);
        (void)http_stream_send(stream->request, buf_str(&event));
    } else if (journal_kind_is_shown(news->kind) && may_see(policy, person, news)) {
        write_news(&event, directory, news);
        (void)http_stream_send(stream->request, buf_str(&event)); /* a slow reader is closed by net */
    }
}

/* --- news ---------------------------------------------------------------------------------------------- */

/* One batch's news, shared by the messages to all loops; the last one frees it. */
struct news_batch {
    _Atomic unsigned users;
    int64_t committed_at_us;
    size_t count;
    struct announcement *news;
    struct news_message {
        struct loop_message message; /* first */
        struct news_batch *batch;
        struct loop *loop;
    } messages[];
};

static void batch_drop(struct news_batch *batch)
{
    if (atomic_fetch_sub(&batch->users, 1) == 1) {
        free(batch->news);
        free(batch);
    }
}

static void feed_streams(struct loop_part *part, const struct news_batch *batch)
{
    const struct directory *directory = directory_keep();
    const struct policy *policy = flow_policy(part->api->flow);

    for (size_t i = 0; i < batch->count; i++) {
        for (struct stream *stream = part->streams, *next; stream; stream = next) {
            next = stream->next; /* feeding may end it */
            feed(stream, directory, policy, &batch->news[i]);
        }
    }
    directory_drop(directory);
    policy_drop(policy);
}

static void on_news(struct loop_message *message)
{
    struct news_message *own = (struct news_message *)message;
    struct news_batch *batch = own->batch;
    struct loop_part *part = loop_state(own->loop);

    for (size_t i = 0; i < batch->count && part->waiting; i++) {
        if (batch->news[i].state >= PROPOSAL_PENDING_END) {
            wake_all(part, batch->news[i].proposal, batch->committed_at_us);
        }
    }
    if (part->streams) {
        feed_streams(part, batch);
    }
    for (size_t i = 0; i < batch->count && part->followers; i++) {
        events_feed(part, batch->news[i].proposal);
    }
    batch_drop(batch);
}

void api_announce(void *with, const struct announcement *news, size_t count, int64_t committed_at_us)
{
    struct api *api = with;
    struct http_server *server = atomic_load_explicit(&api->server, memory_order_acquire);
    unsigned loops = server && !atomic_load(&api->draining) ? http_loop_count(server) : 0;
    struct news_batch *batch;

    if (loops == 0) {
        return;
    }
    batch = calloc(1, sizeof(*batch) + loops * sizeof(batch->messages[0]));
    if (batch) {
        batch->news = malloc(count * sizeof(*news));
    }
    if (!batch || !batch->news) { /* waits still end by their own time and read the store then */
        log_error("bus.no_memory", F_INT("news", count));
        free(batch);
        return;
    }
    memcpy(batch->news, news, count * sizeof(*news));
    batch->count = count;
    batch->committed_at_us = committed_at_us;
    atomic_store(&batch->users, loops);
    for (unsigned i = 0; i < loops; i++) {
        struct news_message *own = &batch->messages[i];
        *own = (struct news_message){{.run = on_news}, batch, http_loop(server, i)};
        loop_post(own->loop, &own->message);
    }
}

/* --- loops --------------------------------------------------------------------------------------------- */

void api_loop_started(void *with, struct loop *loop)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct loop_part *part = calloc(1, sizeof(*part));
    struct ctx ctx;

    ASSERT(part != NULL && arena != NULL);
    ctx_init(&ctx, arena);
    part->api = with;
    part->loop = loop;
    if (store_reader(&ctx, part->api->config.store, &part->reader) != FM_OK) {
        PANIC("a loop cannot read the store: %s", ctx.detail);
    }
    loop_set_state(loop, part);
}

void api_loop_stopping(void *with, struct loop *loop)
{
    struct loop_part *part = loop_state(loop);

    (void)with;
    store_reader_close(part->reader);
    free(part->buckets);
    map_free(part->followers);
    free(part);
}

/* The server stops: parked waits are answered as they stand, streams end; clients come again. */
void api_draining(void *with, struct loop *loop)
{
    struct loop_part *part = loop_state(loop);

    atomic_store(&((struct api *)with)->draining, true);
    while (part->newest) {
        wake(part->newest, true, 0);
    }
    for (struct stream *stream = part->streams, *next; stream; stream = next) {
        next = stream->next;
        http_stream_end(stream->request);
    }
    events_drain(part);
}
