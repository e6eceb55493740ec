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

/* What remains of a parked request besides the connection. */
struct waiter {
    struct loop_timer timer; /* first */
    struct waiter *next;     /* of the same proposal */
    struct waiter *newer, *older; /* all of the loop's */
    struct loop_part *part;
    struct http_request *request;
    struct id proposal;
    int64_t until_us;
};

static void unlink_waiter(struct waiter *waiter)
{
    struct str key = id_bytes(&waiter->proposal);
    struct waiter *first = map_find(waiter->part->waiters, key);

    if (first == waiter) {
        if (!waiter->next) {
            map_remove(waiter->part->waiters, key);
        } else if (!map_put(waiter->part->waiters, key, waiter->next)) {
            PANIC("replacing a value needs no memory");
        }
    } else {
        while (first->next != waiter) {
            first = first->next;
        }
        first->next = waiter->next;
    }
    if (waiter->newer) {
        waiter->newer->older = waiter->older;
    } else {
        waiter->part->newest = waiter->older;
    }
    if (waiter->older) {
        waiter->older->newer = waiter->newer;
    }
    waiter->part->waiting--;
}

/* The request ended: answered after a wake (then it is unlinked already) or its connection was lost. */
static void waiter_done(void *state)
{
    struct waiter *waiter = state;

    if (waiter->part) {
        loop_timer_clear(waiter->part->loop, &waiter->timer);
        unlink_waiter(waiter);
    }
    free(waiter);
}

static void wake(struct waiter *waiter, bool over, int64_t committed_at_us)
{
    struct api *api = waiter->part->api;
    struct http_request *request = waiter->request;
    int64_t until_us = waiter->until_us;

    loop_timer_clear(waiter->part->loop, &waiter->timer);
    unlink_waiter(waiter);
    waiter->part = NULL;
    call_wake(api, request, until_us, over, committed_at_us);
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
    struct str key = id_bytes(&call->id);

    if (!waiter) {
        call_fail(call, fail_memory(&call->ctx));
        return false;
    }
    *waiter = (struct waiter){.next = map_find(part->waiters, key),
                              .request = request,
                              .proposal = call->id,
                              .until_us = call->wait_until_us};
    if (!map_put(part->waiters, key, waiter)) {
        call_fail(call, fail_memory(&call->ctx));
        return false;
    }
    waiter->part = part;
    waiter->older = part->newest;
    if (waiter->older) {
        waiter->older->newer = waiter;
    }
    part->newest = waiter;
    part->waiting++;
    loop_timer_set(part->loop, &waiter->timer, waiter->until_us, on_timer);
    call_release(call);
    http_park(request);
    return true;
}

static void wake_all(struct loop_part *part, struct id proposal, int64_t committed_at_us)
{
    struct waiter *waiter;

    while ((waiter = map_find(part->waiters, id_bytes(&proposal))) != NULL) {
        wake(waiter, false, committed_at_us);
    }
}

/* --- the page's streams -------------------------------------------------------------------------------- */

#define STREAM_BUFFER_MAX (256 * KIB)
#define STREAM_HEARTBEAT_S 15

struct stream {
    struct stream *next, *previous;
    struct loop_part *part;
    struct http_request *request;
    int64_t person; /* row */
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
    free(stream);
}

void bus_open_stream(struct call *call)
{
    static const struct http_header_line headers[] = {
        {"Content-Type", STR("text/event-stream")},
        {"Cache-Control", STR("no-store")},
        {"X-Accel-Buffering", STR("no")},
        {"X-Content-Type-Options", STR("nosniff")},
    };
    struct stream *stream = calloc(1, sizeof(*stream));
    struct http_request *request = call->request;

    if (!stream) {
        call_fail(call, fail_memory(&call->ctx));
        return;
    }
    *stream = (struct stream){.next = call->part->streams,
                              .part = call->part,
                              .request = request,
                              .person = call->caller.person->row};
    if (stream->next) {
        stream->next->previous = stream;
    }
    call->part->streams = stream;
    http_set_state(request, stream, stream_done);
    call_release(call);
    http_stream(request, headers, COUNT_OF(headers), STREAM_BUFFER_MAX, STREAM_HEARTBEAT_S);
    (void)http_stream_send(request, S("retry: 2000\nevent: hello\ndata: {}\n\n"));
}

static void write_news(struct buf *buf, const struct announcement *news)
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
    jo_m_int(&out, "index", news->leaf);
    jo_object_end(&out);
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
    const struct person *person = directory_person_by_row(directory, stream->person);

    if (!person) { /* removed meanwhile */
        http_stream_end(stream->request);
        return;
    }
    if (journal_kind_is_shown(news->kind) && may_see(policy, person, news)) {
        write_news(&event, news);
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
    batch_drop(batch);
}

void api_announce(void *with, const struct announcement *news, size_t count, int64_t committed_at_us)
{
    struct api *api = with;
    struct http_server *server = atomic_load_explicit(&api->server, memory_order_acquire);
    unsigned loops = server ? http_loop_count(server) : 0;
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
    part->waiters = map_new();
    if (!part->waiters || store_reader(&ctx, part->api->config.store, &part->reader) != FM_OK) {
        PANIC("a loop cannot read the store: %s", ctx.detail);
    }
    loop_set_state(loop, part);
}

void api_loop_stopping(void *with, struct loop *loop)
{
    struct loop_part *part = loop_state(loop);

    (void)with;
    store_reader_close(part->reader);
    map_free(part->waiters);
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
}
