/* SPDX-License-Identifier: Apache-2.0
 *
 * Start, drain, stop. Order matters: the store first, then what works on it, HTTP last; backwards at the
 * end. A policy that cannot be loaded stops the start before anything listens; one
 * that loosens waits as a candidate, and the one that ruled before goes on.
 */
#include "server/server.h"

#include "api/api.h"
#include "base/log.h"
#include "server/admin.h"
#include "server/checks.h"
#include "server/issuer.h"
#include "server/metrics.h"
#include "server/notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARENA_MAX (48 * MIB)      /* of one request: its tree, canonical forms, and decoded attachments */
#define CONNECTIONS_MAX 30000     /* per loop */
#define IDLE_S 75
#define DRAIN_MS 20000 /* longer than a sick disk takes to sync: what waits for COMMIT lives in requests */
#define LOOPS_MAX 16

struct server {
    struct instance instance;
    struct admin *admin;
    struct permit_issuer issuer;
    struct store_conn *reader;
    struct flow *flow;
    struct clockwork *clockwork;
    struct notifier *notifier;
    struct backtests *backtests;
    struct api *api;
    struct http_server *http;
    const struct policy *policy; /* of the start */
    struct reload *reload;
    struct metrics_source metrics;
    struct str host, origin;
    uint16_t port;
    bool offers_setup;
    char setup_token[SECRET_TEXT_SIZE]; /* until it is printed */
};

/* --- options ------------------------------------------------------------------------------------------- */

bool server_read_listen(const char *listen, struct str *host, uint16_t *port)
{
    struct str text = str_of(listen);
    size_t colon = text.n;
    uint64_t number;

    while (colon > 0 && text.p[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2 || !str_to_u64(str_skip(text, colon), &number) || number > 65535) {
        return false;
    }
    *host = (struct str){text.p, colon - 1};
    if (host->p[0] == '[' && host->n > 2 && host->p[host->n - 1] == ']') {
        *host = (struct str){host->p + 1, host->n - 2};
    }
    *port = (uint16_t)number;
    return true;
}

/* --- start --------------------------------------------------------------------------------------------- */

struct activate_cmd {
    struct store_cmd cmd;
    struct server *server;
    struct policy_proposal proposal; /* no policy: what the store has stays */
    struct policy_version version;
};

static enum fm_err run_activate(struct store_cmd *cmd, struct store_conn *conn)
{
    struct activate_cmd *activate = (struct activate_cmd *)cmd;
    uint64_t leaf;

    TRY(journal_append(cmd->ctx, conn,
                       &(struct journal_event){.kind = JOURNAL_STORE_OPENED,
                                               .by = {.kind = ACTOR_OPERATOR},
                                               .previous = -1,
                                               .at_us = clock_now_us()},
                       &leaf));
    TRY(issuer_keep(cmd->ctx, conn, &activate->server->issuer));
    return activate->proposal.policy ? flow_propose_policy(activate->server->flow, cmd->ctx, conn,
                                                           &activate->proposal, &activate->version)
                                     : FM_OK;
}

static void no_done(struct store_cmd *cmd)
{
    (void)cmd;
}

static enum fm_err activate(struct ctx *ctx, const struct server_options *options,
                            struct server *server)
{
    struct activate_cmd activate = {
        .cmd = {.run = run_activate, .done = no_done, .ctx = ctx},
        .server = server,
        .proposal = {.policy = server->policy, .road = ROAD_FILE, .alone = options->policy_alone}};
    bool found;

    TRY(flow_load_active(server->flow, ctx, server->reader, &found));
    TRY(flow_load_shadow(server->flow, ctx, server->reader));
    if (!server->policy && !found) {
        activate.proposal.policy = policy_builtin();
    }
    TRY(committer_call(server->instance.committer, &activate.cmd));
    if (server->policy) {
        reload_tell(ctx, options->policy, &activate.version);
    }
    reload_tell_restored(ctx, server->flow, server->reader);
    return FM_OK;
}

/* It answers: the store is open and the committer runs. The rest is what the checks say. */
static bool is_ready(void *with, struct ctx *ctx, struct store_conn *conn, struct json_out *checks)
{
    struct server *server = with;
    const struct checks_live live = {.ctx = ctx,
                                     .reader = conn,
                                     .dir = store_dir(server->instance.store),
                                     .flow = server->flow,
                                     .committer = server->instance.committer,
                                     .reload = server->reload};
    struct check_result results[CHECKS_MAX];
    size_t count = checks_live(&live, results);
    bool ready = true;

    jo_array(checks);
    for (size_t i = 0; i < count; i++) {
        check_write(checks, &results[i], true);
        ready = ready && results[i].level != CHECK_FAILED;
    }
    jo_array_end(checks);
    return ready;
}

static enum fm_err write_metrics(void *with, struct ctx *ctx, struct store_conn *conn,
                                 struct metric_out *out)
{
    return metrics_write(&((struct server *)with)->metrics, ctx, conn, out);
}

static enum fm_err start_flow(struct ctx *ctx, const struct server_options *options,
                              struct server *server)
{
    struct api_config config = {.store = server->instance.store,
                                .journal = server->instance.journal,
                                .committer = server->instance.committer,
                                .callbacks = &options->callbacks.rules,
                                .with = server,
                                .ready = is_ready,
                                .metrics = write_metrics,
                                .metrics_open = options->metrics_open};

    TRY(store_reader(ctx, server->instance.store, &server->reader));
    TRY(issuer_load(ctx, options->dir, server->reader, &server->issuer));
    TRY(backtests_start(ctx, server->instance.store, &server->backtests));
    config.backtests = server->backtests;
    TRY(api_new(ctx, &config, &server->api));
    TRY(flow_new(ctx, server->reader, &server->issuer, api_announce, server->api, &server->flow));
    instance_set_flow(&server->instance, server->flow);
    server->metrics = (struct metrics_source){.instance = &server->instance,
                                              .flow = server->flow,
                                              .api = server->api,
                                              .reload = server->reload,
                                              .started_at_us = clock_now_us()};
    TRY(activate(ctx, options, server));
    return clockwork_start(ctx, server->flow, server->instance.store, server->instance.journal,
                           server->instance.committer, &server->clockwork);
}

static enum fm_err start_notifier(struct ctx *ctx, const struct server_options *options,
                                  struct server *server)
{
    TRY(notifier_start(ctx, server->instance.store, server->instance.committer,
                       &options->callbacks, &server->notifier));
    instance_set_notifier(&server->instance, server->notifier);
    return FM_OK;
}

static enum fm_err start_http(struct ctx *ctx, const struct server_options *options,
                              struct server *server)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct http_config config = {
        .host = server->host,
        .port = server->port,
        .loops = options->loops      ? options->loops
                 : cores > LOOPS_MAX ? LOOPS_MAX
                                     : (unsigned)cores,
        .body_max = API_BODY_MAX,
        .body_max_of = api_body_max,
        .arena_max = ARENA_MAX,
        .connections_max = CONNECTIONS_MAX,
        .idle_s = IDLE_S,
        .handler = api_handle,
        .problem = api_problem,
        .loop_started = api_loop_started,
        .loop_stopping = api_loop_stopping,
        .with = server->api,
    };

    return http_start(ctx, &config, &server->http);
}

/* What browsers send as Origin and permits name as issuer. */
static enum fm_err set_origin(struct ctx *ctx, const struct server_options *options,
                              struct server *server)
{
    bool v6 = str_find(server->host, ':') < server->host.n;

    server->origin = options->public_url
                         ? arena_copy(ctx->arena, str_of(options->public_url))
                         : arena_printf(ctx->arena, "http://%s%.*s%s:%u", v6 ? "[" : "",
                                        STR_ARG(server->host), v6 ? "]" : "",
                                        http_port(server->http));
    while (server->origin.n && server->origin.p[server->origin.n - 1] == '/') {
        server->origin.n--;
    }
    server->issuer.issuer = server->origin;
    return server->origin.p ? FM_OK : fail_memory(ctx);
}

static enum fm_err start(struct ctx *ctx, const struct server_options *options, struct server *server)
{
    if (!server_read_listen(options->listen, &server->host, &server->port)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "--listen wants HOST:PORT, such as 127.0.0.1:8600");
    }
    TRY(reload_new(ctx, options->policy, options->policy_alone, &server->reload));
    TRY(reload_read(server->reload, ctx, &server->policy));
    TRY(instance_open(ctx, options->dir, &server->instance));
    server->instance.reload = server->reload;
    TRY(start_flow(ctx, options, server));
    TRY(start_notifier(ctx, options, server));
    slow_start();
    /* before there are loops that check it */
    server->offers_setup = setup_open(server->setup_token);
    TRY(start_http(ctx, options, server));
    TRY(set_origin(ctx, options, server));
    server->instance.origin = server->origin;
    TRY(admin_start(ctx, &server->instance, &server->admin));
    api_serve(server->api, server->flow, server->http, server->origin);
    return FM_OK;
}

/* --- stop ---------------------------------------------------------------------------------------------- */

static enum fm_err run_nothing(struct store_cmd *cmd, struct store_conn *conn)
{
    (void)cmd;
    (void)conn;
    return FM_OK;
}

/* The clock goes on while HTTP stops: its news must find no loop that is gone. Behind a command of
 * ours no news from before is under way. */
static void quiet(struct ctx *ctx, struct server *server)
{
    struct store_cmd behind = {.run = run_nothing, .done = no_done, .ctx = ctx};

    api_quiet(server->api);
    if (committer_call(server->instance.committer, &behind) != FM_OK) {
        log_warn("server.stop_slow", F_TEXT("error", str_of(ctx->detail)));
    }
}

static void stop(struct ctx *ctx, struct server *server)
{
    if (server->http) {
        quiet(ctx, server);
        http_stop(server->http, DRAIN_MS, api_draining);
    }
    admin_stop(server->admin);
    slow_stop();
    clockwork_stop(server->clockwork);
    notifier_stop(server->notifier);
    committer_stop(server->instance.committer);
    server->instance.committer = NULL;
    instance_set_notifier(&server->instance, NULL);
    notifier_free(server->notifier);
    instance_set_flow(&server->instance, NULL);
    flow_free(server->flow);
    backtests_stop(server->backtests);
    api_free(server->api);
    store_reader_close(server->reader);
    policy_drop(server->policy);
    instance_close(&server->instance);
    reload_free(server->reload);
}

/* --- while it runs ---------------------------------------------------------------------------- */

/* The service manager is told that we live only when a write comes back: a server that hangs is not
 * alive, whatever its main thread does. */
static void prove_life(struct server *server)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct ctx ctx;
    struct store_cmd nothing = {.run = run_nothing, .done = no_done, .ctx = &ctx};
    enum fm_err err;

    ctx_init(&ctx, arena);
    err = committer_call(server->instance.committer, &nothing);
    if (err == FM_OK || err == FM_E_OVERLOADED) { /* overloaded is alive */
        notify_send("WATCHDOG=1");
    }
}

static void reload_now(struct server *server)
{
    notify_reloading();
    reload_run(server->reload, server->flow, server->instance.committer);
    notify_send("READY=1");
}

/* Until a signal that ends us. */
static void serve(struct server *server, const sigset_t *signals)
{
    struct timespec pause = notify_watchdog_pause();
    bool watched = pause.tv_sec > 0 || pause.tv_nsec > 0;

    notify_send("READY=1");
    for (;;) {
        int got = watched ? sigtimedwait(signals, NULL, &pause) : sigwaitinfo(signals, NULL);
        if (got == SIGHUP) {
            reload_now(server);
        } else if (got > 0) {
            log_info("server.stopping", F_INT("signal", got));
            break;
        } else if (watched) {
            prove_life(server);
        }
    }
    notify_send("STOPPING=1");
}

/* On the first start, once: the token stands behind the #, which no browser sends anywhere. */
static void offer_setup(struct server *server)
{
    if (!server->offers_setup) {
        return;
    }
    printf("fermata: nobody is here yet. To make the first admin, open within an hour\n"
           "    %.*s/setup#%s\n"
           "or use `fermata user add NAME --role admin --password-stdin`, which voids this link.\n",
           STR_ARG(server->origin), server->setup_token);
    log_info("setup.offered", F_TEXT("origin", server->origin));
    crypto_wipe(server->setup_token, sizeof(server->setup_token));
}

enum fm_err server_run(struct ctx *ctx, const struct server_options *options)
{
    struct server *server = arena_zalloc(ctx->arena, 1, sizeof(*server));
    sigset_t signals;
    int64_t stopping_at_us;
    enum fm_err err;

    if (!server) {
        return fail_memory(ctx);
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before threads, so that all inherit it */
    net_raise_file_limit();
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a core would hold the signing keys */
    err = start(ctx, options, server);
    if (err == FM_OK) {
        printf("fermata: listening on %.*s\n", STR_ARG(server->origin));
        offer_setup(server);
        fflush(stdout);
        log_info("server.started", F_TEXT("origin", server->origin), F_INT("port", http_port(server->http)));
        serve(server, &signals);
    }
    stopping_at_us = clock_monotonic_us();
    stop(ctx, server);
    if (err == FM_OK) {
        log_info("server.stopped", F_INT("ms", (clock_monotonic_us() - stopping_at_us) / 1000));
    }
    return err;
}
