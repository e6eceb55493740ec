/* SPDX-License-Identifier: Apache-2.0
 *
 * The log's public face, keys, health, the interface's own description, and the histogram of the time
 * from COMMIT to the waiting agent; the life of the api itself.
 */
#include "api/api_internal.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>

void log_checkpoint(struct call *call)
{
    AUTO(buf_done) struct buf note = BUF_INIT(NOTE_TEXT_MAX);

    journal_checkpoint(call->api->config.journal, &note);
    if (note.n == 0) {
        call_fail(call, fail(&call->ctx, FM_E_NOT_FOUND, "nothing was signed yet: ask again in 1 s"));
        return;
    }
    call_answer_text(call, "text/plain; charset=utf-8", &note);
}

void log_vkey(struct call *call)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);

    journal_vkey(call->api->config.journal, &vkey);
    buf_add_char(&vkey, '\n');
    call_answer_text(call, "text/plain; charset=utf-8", &vkey);
}

static enum fm_err render_jwks(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct permit_issuer *issuer = flow_issuer(call->api->flow);

    (void)conn;
    jwks_write(body, &issuer->key, str_of(issuer->kid));
    return FM_OK;
}

void jwks_get(struct call *call)
{
    call_read(call, render_jwks, 200);
}

void health_get(struct call *call)
{
    AUTO(buf_done) struct buf body = BUF_INIT(KIB);

    buf_lit(&body, "{\"status\":\"ok\"}");
    call_answer(call, 200, &body);
}

/* What an operator should know of, though the server answers: a policy that waits. */
static enum fm_err write_notes(struct call *call, struct store_conn *conn, struct json_out *out)
{
    struct str note;

    TRY(flow_version_waiting(&call->ctx, conn, &note));
    if (note.p) {
        jo_key(out, "notes");
        jo_array(out);
        jo_str(out, note);
        jo_array_end(out);
    }
    return FM_OK;
}

/* Anybody may read it: names of checks and sentences without paths, names or numbers of people. */
void ready_get(struct call *call)
{
    AUTO(buf_done) struct buf checks = BUF_INIT(16 * KIB);
    AUTO(buf_done) struct buf body = BUF_INIT(20 * KIB);
    struct json_out out = JSON_OUT(&body), inner = JSON_OUT(&checks);
    bool draining = atomic_load(&call->api->draining);
    bool ready = call->api->config.ready(call->api->config.with, &call->ctx, call->part->reader,
                                         &inner) &&
                 !draining;

    jo_object(&out);
    jo_m_str(&out, "status", ready ? S("ok") : S("not ready"));
    if (draining) {
        jo_m_str(&out, "why", S("the server is stopping"));
    }
    jo_m_raw(&out, "checks", buf_str(&checks));
    if (write_notes(call, call->part->reader, &out) != FM_OK) {
        log_warn("ready.notes", F_TEXT("error", str_of(call->ctx.detail)));
    }
    jo_object_end(&out);
    call_answer(call, ready ? 200 : 503, &body);
}

/* --- metrics ---------------------------------------------------------------------------------- */

#define METRICS_MAX (4 * MIB)

/* Whether the reader asks for OpenMetrics; anything else gets the text that every reader takes. */
static bool wants_open_metrics(const struct call *call)
{
    struct str accept = http_header(call->request, "Accept"),
               wanted = S("application/openmetrics-text");

    return accept.p && memmem(accept.p, accept.n, wanted.p, wanted.n) != NULL;
}

void metrics_get(struct call *call)
{
    AUTO(buf_done) struct buf body = BUF_INIT(METRICS_MAX);
    struct metric_out out = {.buf = &body, .open_metrics = wants_open_metrics(call)};
    struct api_config *config = &call->api->config;
    struct store_conn *reader = call->part->reader;
    enum fm_err err = store_snapshot(&call->ctx, reader);

    if (err == FM_OK) {
        err = config->metrics(config->with, &call->ctx, reader, &out);
        store_snapshot_end(reader);
    }
    if (err == FM_OK && !buf_ok(&body)) {
        err = fail_memory(&call->ctx);
    }
    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    metric_end(&out);
    call_answer_text(call,
                     out.open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                      : "text/plain; version=0.0.4; charset=utf-8",
                     &body);
}

bool api_route_counts(const struct api *api, size_t at, struct api_route_counts *out)
{
    static const char *const methods[] = {
        [HTTP_GET] = "GET",       [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST",
        [HTTP_DELETE] = "DELETE", [HTTP_PUT] = "PUT",   [HTTP_PATCH] = "PATCH"};

    if (at >= api_route_count) {
        return false;
    }
    *out = (struct api_route_counts){.method = methods[api_routes[at].method],
                                     .path = api_routes[at].path,
                                     .us = &api->routes[at].us,
                                     .by_class = api->routes[at].by_class};
    return true;
}

int64_t api_parked_waits(const struct api *api)
{
    return atomic_load_explicit(&api->waits, memory_order_relaxed);
}

int64_t api_open_streams(const struct api *api)
{
    return atomic_load_explicit(&api->open_streams, memory_order_relaxed);
}

void openapi_get(struct call *call)
{
    AUTO(buf_done) struct buf body = BUF_INIT(API_ANSWER_MAX);

    buf_add(&body, asset_openapi());
    call_answer(call, 200, &body);
}

/* --- from the return of COMMIT to the return of send() ------------------------------------------------- */

/* Buckets of 2^(1/4) from 1 us: fine enough for a median, and counting is one atomic add. */
#define BUCKETS 96

static _Atomic uint64_t buckets[BUCKETS];

static double bucket_end_us(size_t i)
{
    double end = 1;

    for (size_t k = 0; k <= i; k++) {
        end *= 1.189207115002721; /* 2^(1/4) */
    }
    return end;
}

static double ends[BUCKETS];
static pthread_once_t ends_known = PTHREAD_ONCE_INIT;

static void fill_ends(void)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        ends[i] = bucket_end_us(i);
    }
}

static struct histogram commit_to_send = {.scale =
                                              &SCALE_REQUEST}; /* the same, coarser, for metrics */

const struct histogram *api_commit_to_send(void)
{
    return &commit_to_send;
}

void commit_to_send_observe(int64_t elapsed_us)
{
    size_t i = 0;

    histogram_add(&commit_to_send, elapsed_us);

    pthread_once(&ends_known, fill_ends);
    while (i < BUCKETS - 1 && (double)elapsed_us > ends[i]) {
        i++;
    }
    atomic_fetch_add(&buckets[i], 1);
}

static double quantile(const uint64_t *counts, uint64_t total, double share)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        seen += counts[i];
        if (total && (double)seen >= share * (double)total) {
            return bucket_end_us(i);
        }
    }
    return 0;
}

static void write_histogram(struct json_out *out, const uint64_t *counts, uint64_t total)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}};

    jo_object(out);
    jo_m_int(out, "count", (int64_t)total);
    for (size_t i = 0; i < COUNT_OF(quantiles); i++) {
        jo_m_int(out, quantiles[i].name, (int64_t)quantile(counts, total, quantiles[i].share));
    }
    jo_key(out, "buckets");
    jo_array(out);
    for (size_t i = 0; i < BUCKETS; i++) {
        if (counts[i]) {
            jo_array(out);
            jo_int(out, (int64_t)bucket_end_us(i));
            jo_int(out, (int64_t)counts[i]);
            jo_array_end(out);
        }
    }
    jo_array_end(out);
    jo_object_end(out);
}

void commit_to_send_get(struct call *call)
{
    AUTO(buf_done) struct buf body = BUF_INIT(64 * KIB);
    struct json_out out = JSON_OUT(&body);
    bool reset = str_eq(http_query(call->request, "reset"), S("1"));
    uint64_t counts[BUCKETS], total = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        counts[i] = reset ? atomic_exchange(&buckets[i], 0) : atomic_load(&buckets[i]);
        total += counts[i];
    }
    write_histogram(&out, counts, total);
    call_answer(call, 200, &body);
}

/* --- life ---------------------------------------------------------------------------------------------- */

enum fm_err api_new(struct ctx *ctx, const struct api_config *config, struct api **out)
{
    struct api *api = calloc(1, sizeof(*api));

    if (!api) {
        return fail_memory(ctx);
    }
    api->routes = calloc(api_route_count, sizeof(*api->routes));
    if (!api->routes) {
        api_free(api);
        return fail_memory(ctx);
    }
    for (size_t i = 0; i < api_route_count; i++) {
        api->routes[i].us.scale = &SCALE_REQUEST;
    }
    api->config = *config;
    lock_init(&api->stream_lock, LOCK_STREAMS);
    api->stream_counts = map_new();
    api->fresh = fresh_new();
    if (!api->stream_counts || !api->fresh) {
        api_free(api);
        return fail_memory(ctx);
    }
    *out = api;
    return FM_OK;
}

void api_free(struct api *api)
{
    if (api) {
        map_free(api->stream_counts);
        fresh_free(api->fresh);
        free(api->routes);
    }
    free(api);
}

void api_serve(struct api *api, struct flow *flow, struct http_server *server, struct str origin)
{
    api->flow = flow;
    api->origin = origin;
    api->secure = str_starts(origin, S("https://"));
    api->cookie_name = api->secure ? S("__Host-fermata") : S("fermata");
    atomic_store_explicit(&api->server, server, memory_order_release);
}

void api_quiet(struct api *api)
{
    atomic_store(&api->draining, true);
}

void api_problem(void *with, enum fm_err err, const char *detail, struct buf *body)
{
    struct ctx ctx = {.err = err};

    (void)with;
    (void)fail(&ctx, err, "%s", detail);
    problem_write(body, &ctx, err, err_status(err));
}
