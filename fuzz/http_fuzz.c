/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: bodies of every write of the HTTP interface, through the handlers that read them.
 * The first line of an input names the route as the table has it, the rest is the body. Whatever a
 * body holds, it is answered with a refusal that is a problem document with pointers into it, or it
 * reaches the committer; which takes nothing here (its queue is full), so that no input leaves a
 * trace.
 */
#include "api/api_internal.h"
#include "base/log.h"
#include "base/panic.h"
#include "net/net_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] = "version: 1\n"
                                  "actions:\n"
                                  "  refund.issue: {then: earn, effects: [money], card: {title: "
                                  "'Refund {amount}', critical: [/amount]},\n"
                                  "    brief: {require: [reasoning, evidence], evidence_min: 1}}\n"
                                  "  note.write: {then: allow}\n"
                                  "  never.do: {then: block}\n"
                                  "reasons: [other, tone]\n";
static const char base_request[] = "{\"action\":\"refund.issue\",\"arguments\":{\"amount\":1},"
                                   "\"brief\":{\"evidence\":[{\"text\":\"x\","
                                   "\"title\":\"t\"}],\"reasoning\":\"r\"}}";

static struct arena *arena, *lasting;
static struct http_server *server; /* all of it made by hand: nothing listens */
static struct connection connection;
static struct loop_part part;
static struct api *api;
static struct permit_issuer issuer;
static const struct policy *policy;
static const struct agent agent = {
    .row = 1, .name = STR("bot"), .hosts = STR("[\"agent.example\"]")};
static const struct person person = {.row = 1, .name = STR("ana"), .roles = ~0u};
static const struct credential of_agent = {.kind = CREDENTIAL_AGENT_KEY, .agent = &agent};
static const struct credential of_person = {.kind = CREDENTIAL_SESSION, .person = &person};

/* --- a committer that takes nothing ----------------------------------------------------------- */

static struct store_cmd waiting[COMMIT_QUEUE_MAX + 1];
static struct ctx waiting_ctx;
static int inside[2]; /* a pipe: the committer is in its first command, and stays there */

static enum fm_err wait_for_ever(struct store_cmd *cmd, struct store_conn *conn)
{
    (void)cmd;
    (void)conn;
    ASSERT(write(inside[1], "", 1) == 1);
    for (;;) {
        pause();
    }
    return FM_OK;
}

static void no_done(struct store_cmd *cmd)
{
    (void)cmd;
}

static void nothing(void *with)
{
    (void)with;
}

static enum fm_err no_commit(void *with, struct ctx *ctx, struct store_conn *conn)
{
    (void)with;
    (void)ctx;
    (void)conn;
    return FM_OK;
}

static void no_after(void *with, int64_t committed_at_us)
{
    (void)with;
    (void)committed_at_us;
}

static void submit(struct committer *committer, struct store_cmd *cmd)
{
    *cmd = (struct store_cmd){.run = wait_for_ever, .done = no_done, .ctx = &waiting_ctx};
    ASSERT(committer_submit(committer, cmd));
}

static void fill(struct committer *committer)
{
    char byte;

    ASSERT(pipe(inside) == 0);
    submit(committer, &waiting[0]);
    ASSERT(read(inside[0], &byte, 1) == 1);
    for (size_t i = 1; i < COUNT_OF(waiting); i++) {
        submit(committer, &waiting[i]);
    }
}

/* --- the scene -------------------------------------------------------------------------------- */

static char folder[512];

static void remove_folder(void)
{
    static const char *const names[] = {"fermata.db", "fermata.db-wal", "fermata.db-shm", "lock"};
    char path[1024];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void make_api(struct ctx *ctx)
{
    static const struct store_hooks hooks = {.mark = nothing,
                                             .rollback = nothing,
                                             .abandon = nothing,
                                             .before_commit = no_commit,
                                             .after_commit = no_after};
    static const struct outgoing_rules nowhere;
    struct api_config config = {.callbacks = &nowhere};
    struct flow *flow;

    (void)snprintf(folder, sizeof(folder), "%s/fermata-fuzz-XXXXXX", P_tmpdir);
    ASSERT(mkdtemp(folder));
    ASSERT(store_open(ctx, folder, &config.store) == FM_OK);
    ASSERT(store_reader(ctx, config.store, &part.reader) == FM_OK);
    ASSERT(committer_start(ctx, config.store, &hooks, &config.committer) == FM_OK);
    ASSERT(people_load(ctx, part.reader) == FM_OK);
    ASSERT(flow_new(ctx, part.reader, &issuer, NULL, NULL, &flow) == FM_OK);
    fill(config.committer);
    ASSERT(api_new(ctx, &config, &api) == FM_OK);
    api_serve(api, flow, server, S("https://fermata.example"));
    part.api = api;
}

/* A connection of libmicrohttpd's that never says anything: it has an address and no headers. */
static void take_connection(void *with, struct MHD_Connection *mhd, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    (void)with;
    (void)socket_context;
    connection.mhd = code == MHD_CONNECTION_NOTIFY_STARTED ? mhd : connection.mhd;
}

static enum MHD_Result answer_nothing(void *with, struct MHD_Connection *mhd, const char *url,
                                      const char *method, const char *version, const char *upload,
                                      size_t *upload_n, void **context)
{
    (void)with, (void)mhd, (void)url, (void)method, (void)version, (void)upload, (void)upload_n;
    (void)context;
    return MHD_NO;
}

static void make_connection(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int ends[2];
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, answer_nothing,
                         NULL, MHD_OPTION_NOTIFY_CONNECTION, take_connection, NULL, MHD_OPTION_END);

    ASSERT(daemon && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    ASSERT(MHD_add_connection(daemon, ends[0], (const struct sockaddr *)&address,
                              sizeof(address)) == MHD_YES);
    ASSERT(connection.mhd);
}

static void make_loop(void)
{
    server = calloc(1, sizeof(*server) + sizeof(struct loop));
    ASSERT(server);
    server->config = (struct http_config){.loops = 1, .arena_max = 64 * MIB, .idle_s = 1};
    server->loop_count = 1;
    server->loops[0].server = server;
    server->loops[0].state = &part;
    part.loop = &server->loops[0];
    connection = (struct connection){.fd = -1, .loop = &server->loops[0]};
    make_connection();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t seed[ED25519_SEED] = {1};
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct ctx ctx;
    size_t count;

    (void)argc, (void)argv;
    crypto_init();
    log_set_level(LOG_ERROR + 1);
    arena = arena_new(64 * MIB);
    lasting = arena_new(64 * MIB);
    ASSERT(arena && lasting);
    ctx_init(&ctx, lasting);
    sign_key_from_seed(seed, &issuer.key);
    jwk_thumbprint(&issuer.key, issuer.kid);
    issuer.issuer = S("https://fermata.example");
    ASSERT(policy_parse(&ctx, S("p"), str_of(policy_text), findings, &count, &policy) == FM_OK);
    make_loop();
    make_api(&ctx);
    remove_folder(); /* however this ends: what is open stays open */
    return 0;
}

/* --- one input -------------------------------------------------------------------------------- */

static const struct route *route_named(struct str line)
{
    struct str method = str_split(&line, ' ');

    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *route = &api_routes[i];
        bool post = route->method == HTTP_POST && str_eq(method, S("POST"));
        if ((post || (route->method == HTTP_DELETE && str_eq(method, S("DELETE")))) &&
            str_eq(line, str_of(route->path))) {
            return route;
        }
    }
    return NULL;
}

static void make_call(struct call *call, struct http_request *request, const struct route *route)
{
    bool by_agent = route->who == WHO_AGENT;

    *call = (struct call){.api = api, .part = &part, .request = request, .route = route};
    ctx_init(&call->ctx, arena);
    call->cmd.ctx = &call->ctx;
    call->answer = (struct buf)BUF_INIT(API_ANSWER_MAX);
    call->directory = directory_keep();
    call->policy = policy_keep(policy);
    call->credential = by_agent ? &of_agent : &of_person;
    call->caller = (struct flow_caller){
        .agent = call->credential->agent, .person = call->credential->person, .via = VIA_PAGE};
    call->id.bytes[0] = 1;
}

/* Of a batch each item is refused for itself. */
static bool may_succeed(const struct route *route)
{
    return route->handle == proposals_batch || route->handle == decisions_batch;
}

/* A refusal names a place that is in the body, or where a member should be. */
static void check_answer(const struct http_request *request, const struct route *route)
{
    static const unsigned known[] = {400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 503};
    bool good = request->status == 200 && may_succeed(route);

    ASSERT(request->response != NULL); /* exactly one answer: a second one panics */
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        good = good || request->status == known[i];
    }
    ASSERT(good);
    MHD_destroy_response(request->response);
}

static void check_errors(const struct ctx *ctx)
{
    for (unsigned i = 0; i < ctx->error_count; i++) {
        ASSERT(ctx->errors[i].message.n > 0 && str_is_utf8(ctx->errors[i].message));
        ASSERT(!ctx->errors[i].pointer.n || ctx->errors[i].pointer.p[0] == '/');
    }
    ASSERT(str_is_utf8(str_of(ctx->detail)));
}

/* What the committer would do first with a revision. */
static void try_revision(const struct json *body)
{
    struct submission out;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    if (intake_revise(&ctx, policy, str_of(base_request), body, &out) != FM_OK) {
        check_errors(&ctx);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size}, line = str_split(&input, '\n');
    const struct route *route = route_named(line);
    struct http_request request = {
        .phase = PHASE_HANDLING, .connection = &connection, .arena = arena};
    struct call *call;

    arena_reset(arena);
    call = route ? arena_zalloc(arena, 1, sizeof(*call)) : NULL;
    if (!call) {
        return 0;
    }
    make_call(call, &request, route);
    if (input.n && json_parse(&call->ctx, input, &JSON_LIMITS_WIRE, &call->body) != FM_OK) {
        call_release(call);
        return 0; /* the target json has these */
    }
    if (route->handle == proposals_revise && call->body) {
        try_revision(call->body);
    }
    route->handle(call);
    check_answer(&request, route);
    check_errors(&call->ctx);
    return 0;
}
