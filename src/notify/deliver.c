/* SPDX-License-Identifier: Apache-2.0
 *
 * The delivery thread. It looks for rows that are due, host after host so that none waits behind
 * another's queue, begins as many as the two limits allow, and records what came of them as
 * commands of the committer, many in one.
 *
 * What it knows of a row under way is in memory alone: after a crash the row is due as before and
 * is sent again, with the same id. That is the "at least" of at least once.
 */
#include "notify/notify_internal.h"

#include "base/locks.h"
#include "base/log.h"
#include "people/people.h"

#include <stdatomic.h>
#include <stdlib.h>

#define TICK_US (200 * INT64_C(1000))
#define GAUGES_EVERY_US SECOND_US
#define PURGE_EVERY_US (10 * MINUTE_US)
#define UNWRITTEN_PAUSE_US SECOND_US /* before a result that could not be recorded is tried again */
#define ARENA_MAX (4 * MIB)
#define SIGNATURES_MAX (48 * (1 + PEOPLE_OLD_SECRETS_MAX)) /* each has 47 characters and a blank */

struct host {
    char text[254]; /* RFC 1035: at most 253 characters */
};

/* A request under way, or a result that is not recorded yet. */
struct flight {
    struct notifier *notifier;
    bool used, ended;
    struct host host;
    struct outcome outcome;
};

struct notifier {
    struct committer *committer;
    struct store_conn *reader;
    struct outgoing *outgoing;
    struct notify_options options;
    struct arena *arena;
    struct ctx ctx; /* of the thread, over `arena`; reset for each look */
    struct flight flights[NOTIFY_IN_FLIGHT_MAX];
    size_t running;          /* used and not ended */
    struct host last;        /* the next look begins behind it */
    bool free_slot;          /* something ended since the last look */
    int64_t looked_at_us, gauged_at_us, purged_at_us, unwritten_until_us; /* monotonic */
    pthread_t thread;
    bool has_thread;
    atomic_bool stopping, woken;
    struct lock lock; /* guards counters */
    struct notify_counters counters;
};

static struct host host_of(struct str name)
{
    struct host host = {""};

    for (size_t i = 0; i < name.n && i < sizeof(host.text) - 1; i++) {
        host.text[i] = name.p[i];
    }
    return host;
}

/* --- beginning -------------------------------------------------------------------------------- */

static size_t running_at(const struct notifier *notifier, struct str host)
{
    size_t count = 0;

    for (size_t i = 0; i < NOTIFY_IN_FLIGHT_MAX; i++) {
        const struct flight *flight = &notifier->flights[i];
        count += flight->used && str_eq(str_of(flight->host.text), host);
    }
    return count;
}

/* The row's own flight, or a free one; NULL when all are taken. */
static struct flight *flight_for(struct notifier *notifier, int64_t row, bool *is_there)
{
    struct flight *found = NULL;

    *is_there = false;
    for (size_t i = 0; i < NOTIFY_IN_FLIGHT_MAX; i++) {
        struct flight *flight = &notifier->flights[i];
        if (flight->used && flight->outcome.row == row) {
            *is_there = true;
            return flight;
        }
        if (!flight->used && !found) {
            found = flight;
        }
    }
    return found;
}

/* Ends a flight: what came of it is recorded with the next command. */
static void end_flight(struct flight *flight, enum notify_error error)
{
    flight->outcome.error = error;
    flight->ended = true;
    flight->notifier->running--;
    flight->notifier->free_slot = true;
}

static bool write_signatures(struct buf *out, const struct due *due, struct str id, int64_t seconds)
{
    struct str old = due->old_secrets;

    if (!notify_sign(out, due->secret, id, seconds, due->body)) {
        return false;
    }
    while (old.p) {
        struct str secret = str_split(&old, ' ');
        buf_add_char(out, ' ');
        if (!notify_sign(out, secret, id, seconds, due->body)) {
            return false;
        }
    }
    return buf_ok(out);
}

static enum notify_error send_one(struct flight *flight, const struct due *due)
{
    AUTO(buf_done) struct buf signatures = BUF_INIT(SIGNATURES_MAX);
    AUTO(buf_done) struct buf timestamp = BUF_INIT(32);
    char text[ID_TEXT_MAX];
    struct str id = id_format(ID_EVENT, due->event, text);
    int64_t seconds = clock_now_us() / SECOND_US;
    struct outgoing_url url;

    if (!due->url.p || !due->body.p) {
        return NOTIFY_E_ERASED;
    }
    if (outgoing_url_parse(due->url, &url) != NULL) {
        return NOTIFY_E_ADDRESS;
    }
    if (!due->secret.p || !write_signatures(&signatures, due, id, seconds)) {
        return NOTIFY_E_NO_AGENT;
    }
    buf_add_u64(&timestamp, (uint64_t)seconds);
    struct outgoing_header headers[] = {{"webhook-id", id},
                                        {"webhook-timestamp", buf_str(&timestamp)},
                                        {"webhook-signature", buf_str(&signatures)},
                                        {"traceparent", due->trace}};
    struct outgoing_post post = {.url = &url,
                                 .body = due->body,
                                 .headers = headers,
                                 .header_count = due->trace.p ? 4 : 3,
                                 .with = flight};
    return outgoing_begin(flight->notifier->outgoing, &post) ? NOTIFY_OK : NOTIFY_E_CONNECTION;
}

struct look {
    struct notifier *notifier;
    struct str host;
    size_t slots;
};

/* Begins one row; false when the host (or all) has enough. */
static bool begin_one(void *with, const struct due *due)
{
    struct look *look = with;
    struct notifier *notifier = look->notifier;
    bool is_there;
    struct flight *flight = flight_for(notifier, due->row, &is_there);
    enum notify_error error;

    if (is_there) {
        return true;
    }
    if (!flight) {
        return false;
    }
    *flight = (struct flight){.notifier = notifier, .used = true, .outcome = {.row = due->row}};
    flight->host = host_of(look->host);
    notifier->running++;
    look->slots--;
    error = send_one(flight, due);
    if (error != NOTIFY_OK) {
        end_flight(flight, error);
    }
    return look->slots > 0;
}

static void begin_at(struct notifier *notifier, struct str host)
{
    size_t running = running_at(notifier, host);
    struct look look = {notifier, host, NOTIFY_PER_HOST_MAX - running};

    if (running >= NOTIFY_PER_HOST_MAX) {
        return;
    }
    if (outbox_due(&notifier->ctx, notifier->reader, host, clock_now_us(),
                   running + NOTIFY_PER_HOST_MAX, begin_one, &look) != FM_OK) {
        log_warn("callback.look_failed", F_TEXT("error", str_of(notifier->ctx.detail)));
    }
}

/* One turn over all hosts with something pending, beginning behind the one that was last. */
static void look(struct notifier *notifier)
{
    const struct host first = notifier->last;
    bool wrapped = false;
    struct str host;

    while (notifier->running < NOTIFY_IN_FLIGHT_MAX) {
        arena_reset(notifier->arena);
        ctx_init(&notifier->ctx, notifier->arena);
        if (!outbox_next_host(&notifier->ctx, notifier->reader, str_of(notifier->last.text),
                              &host)) {
            if (wrapped || !first.text[0]) {
                break;
            }
            wrapped = true;
            notifier->last = (struct host){""};
            continue;
        }
        if (wrapped && str_cmp(host, str_of(first.text)) > 0) {
            break;
        }
        begin_at(notifier, host);
        notifier->last = host_of(host);
    }
    notifier->looked_at_us = clock_monotonic_us();
    notifier->free_slot = false;
}

/* --- ending ----------------------------------------------------------------------------------- */

static enum notify_error error_of(const struct outgoing_result *result)
{
    switch (result->end) {
    case OUTGOING_ANSWERED:
        break;
    case OUTGOING_FORBIDDEN:
        return NOTIFY_E_ADDRESS;
    case OUTGOING_NO_NAME:
        return NOTIFY_E_NAME;
    case OUTGOING_NO_CONNECT:
        return NOTIFY_E_CONNECTION;
    case OUTGOING_NO_TLS:
        return NOTIFY_E_TLS;
    case OUTGOING_TIMED_OUT:
        return NOTIFY_E_TIMEOUT;
    }
    if (result->status >= 200 && result->status < 300) {
        return NOTIFY_OK;
    }
    if (result->status >= 300 && result->status < 400) {
        return NOTIFY_E_REDIRECT;
    }
    return result->status == 410 ? NOTIFY_E_GONE : NOTIFY_E_STATUS;
}

static void on_done(void *with, const struct outgoing_result *result)
{
    struct flight *flight = with;

    flight->outcome.status = result->status;
    flight->outcome.retry_after_us = result->retry_after_us;
    end_flight(flight, error_of(result));
}

/* What ended since the last time, as one command. */
struct record_cmd {
    struct store_cmd cmd; /* first */
    struct notifier *notifier;
    int64_t now_us;
    bool purge;
    enum notify_status now[NOTIFY_IN_FLIGHT_MAX]; /* of the flight of that place */
};

static enum fm_err run_record(struct store_cmd *cmd, struct store_conn *conn)
{
    struct record_cmd *record = (struct record_cmd *)cmd;
    struct notifier *notifier = record->notifier;

    for (size_t i = 0; i < NOTIFY_IN_FLIGHT_MAX; i++) {
        const struct flight *flight = &notifier->flights[i];
        if (flight->used && flight->ended) {
            TRY(outbox_record(cmd->ctx, conn, &flight->outcome, notifier->options.retry_us,
                              record->now_us, &record->now[i]));
        }
    }
    return record->purge ? outbox_purge(cmd->ctx, conn, record->now_us) : FM_OK;
}

static void count_one(struct notifier *notifier, const struct flight *flight,
                      enum notify_status now)
{
    LOCKED (&notifier->lock) {
        notifier->counters.delivered += now == NOTIFY_DELIVERED;
        notifier->counters.failed_attempts += flight->outcome.error != NOTIFY_OK;
        notifier->counters.given_up += now == NOTIFY_DEAD;
    }
    if (now == NOTIFY_DEAD) {
        log_warn("callback.given_up", F_TEXT("host", str_of(flight->host.text)),
                 F_TEXT("error", str_of(notify_error_name(flight->outcome.error))),
                 F_INT("status", flight->outcome.status));
    }
}

static void forget_ended(struct notifier *notifier, const struct record_cmd *record)
{
    for (size_t i = 0; i < NOTIFY_IN_FLIGHT_MAX; i++) {
        struct flight *flight = &notifier->flights[i];
        if (flight->used && flight->ended) {
            count_one(notifier, flight, record->now[i]);
            flight->used = flight->ended = false;
        }
    }
}

static bool has_ended(const struct notifier *notifier)
{
    for (size_t i = 0; i < NOTIFY_IN_FLIGHT_MAX; i++) {
        if (notifier->flights[i].used && notifier->flights[i].ended) {
            return true;
        }
    }
    return false;
}

/* Records what ended; what cannot be written now (a full disk, a full queue) waits in its flight.
 * */
static void record(struct notifier *notifier, bool purge)
{
    struct record_cmd record = {.notifier = notifier, .now_us = clock_now_us(), .purge = purge};
    int64_t now_us = clock_monotonic_us();

    if ((!purge && !has_ended(notifier)) || now_us < notifier->unwritten_until_us) {
        return;
    }
    arena_reset(notifier->arena);
    ctx_init(&notifier->ctx, notifier->arena);
    record.cmd = (struct store_cmd){.run = run_record, .ctx = &notifier->ctx};
    if (committer_call(notifier->committer, &record.cmd) != FM_OK) {
        log_warn("callback.unrecorded", F_TEXT("error", str_of(notifier->ctx.detail)));
        notifier->unwritten_until_us = now_us + UNWRITTEN_PAUSE_US;
        return;
    }
    forget_ended(notifier, &record);
}

/* --- the thread ------------------------------------------------------------------------------- */

static void gauge(struct notifier *notifier)
{
    struct notify_counters gauges = {0};

    notifier->gauged_at_us = clock_monotonic_us();
    arena_reset(notifier->arena);
    ctx_init(&notifier->ctx, notifier->arena);
    if (outbox_gauges(&notifier->ctx, notifier->reader, &gauges) != FM_OK) {
        log_warn("callback.gauge_failed", F_TEXT("error", str_of(notifier->ctx.detail)));
        return;
    }
    LOCKED (&notifier->lock) {
        notifier->counters.pending = gauges.pending;
        notifier->counters.dead = gauges.dead;
        notifier->counters.oldest_at_us = gauges.oldest_at_us;
    }
}

static void turn(struct notifier *notifier)
{
    int64_t now_us = clock_monotonic_us();
    bool purge = now_us - notifier->purged_at_us >= PURGE_EVERY_US;

    if (purge) {
        notifier->purged_at_us = now_us;
    }
    record(notifier, purge);
    if (atomic_exchange(&notifier->woken, false) || notifier->free_slot ||
        now_us - notifier->looked_at_us >= TICK_US) {
        look(notifier);
    }
    if (now_us - notifier->gauged_at_us >= GAUGES_EVERY_US) {
        gauge(notifier);
    }
}

static void *notifier_main(void *arg)
{
    struct notifier *notifier = arg;

    while (!atomic_load(&notifier->stopping)) {
        turn(notifier);
        outgoing_run(notifier->outgoing, has_ended(notifier) ? 0 : (int)(TICK_US / 1000));
    }
    notifier->unwritten_until_us = 0;
    record(notifier, false); /* what is known is not to be sent again after the next start */
    return NULL;
}

static enum fm_err load(struct ctx *ctx, struct store *store, struct notifier *notifier)
{
    const struct outgoing_config config = {.rules = &notifier->options.rules,
                                           .timeout_us = notifier->options.timeout_us,
                                           .done = on_done};

    notifier->arena = arena_new(ARENA_MAX);
    if (!notifier->arena) {
        return fail_memory(ctx);
    }
    TRY(store_reader(ctx, store, &notifier->reader));
    TRY(outgoing_new(ctx, &config, &notifier->outgoing));
    gauge(notifier);
    notifier->has_thread =
        pthread_create(&notifier->thread, NULL, notifier_main, notifier) == 0;
    return notifier->has_thread ? FM_OK : fail(ctx, FM_E_INTERNAL, "cannot start a thread");
}

enum fm_err notifier_start(struct ctx *ctx, struct store *store, struct committer *committer,
                           const struct notify_options *options, struct notifier **out)
{
    struct notifier *notifier = calloc(1, sizeof(*notifier));
    enum fm_err err;

    if (!notifier) {
        return fail_memory(ctx);
    }
    lock_init(&notifier->lock, LOCK_METRICS);
    notifier->committer = committer;
    notifier->options = *options;
    notifier->options.retry_us = options->retry_us ? options->retry_us : NOTIFY_RETRY_US;
    notifier->options.timeout_us = options->timeout_us ? options->timeout_us : NOTIFY_TIMEOUT_US;
    err = load(ctx, store, notifier);
    if (err != FM_OK) {
        notifier_free(notifier);
        return err;
    }
    *out = notifier;
    return FM_OK;
}

void notifier_stop(struct notifier *notifier)
{
    if (!notifier || !notifier->has_thread) {
        return;
    }
    atomic_store(&notifier->stopping, true);
    outgoing_wake(notifier->outgoing);
    pthread_join(notifier->thread, NULL);
    notifier->has_thread = false;
}

void notifier_free(struct notifier *notifier)
{
    if (!notifier) {
        return;
    }
    outgoing_free(notifier->outgoing);
    store_reader_close(notifier->reader);
    arena_free(notifier->arena);
    free(notifier);
}

void notify_after_commit(struct notifier *notifier)
{
    if (outbox_was_filled() && notifier) {
        atomic_store(&notifier->woken, true);
        outgoing_wake(notifier->outgoing);
    }
}

struct notify_counters notifier_counters(struct notifier *notifier)
{
    struct notify_counters counters = {0};

    LOCKED (&notifier->lock) {
        counters = notifier->counters;
    }
    return counters;
}
