/* SPDX-License-Identifier: Apache-2.0
 *
 * The client for outgoing requests, against a server of the test on loopback: what is sent, how each
 * end is told, and that a name which resolves inside leads nowhere (DNS rebinding: the name is one
 * that a stranger's name server answers, here the client's own seam for it).
 */
#include "net_check.h"

#include "net/outgoing.h"

#include <fcntl.h>

struct peer {
    int listener;
    uint16_t port;
    pthread_t thread;
    const char *answer; /* NULL: reads, and closes */
    char got[8 * KIB];
    unsigned connections;
    bool stays; /* does not close before the client does */
};

static struct {
    struct arena *arena;
    struct ctx ctx;
    struct outgoing_rules rules;
    struct outgoing_result result;
    unsigned ended;
} scene;

static void listen_here(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(address);

    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(peer->listener, 16), 0);
    assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &n), 0);
    peer->port = ntohs(address.sin_port);
}

/* Takes one connection, reads one request, answers. */
static void *serve(void *with)
{
    struct peer *peer = with;
    int fd = accept(peer->listener, NULL, NULL);
    ssize_t n, at = 0;

    if (fd < 0) {
        return NULL;
    }
    peer->connections++;
    while ((n = recv(fd, peer->got + at, sizeof(peer->got) - 1 - (size_t)at, 0)) > 0) {
        at += n;
        peer->got[at] = '\0';
        if (strstr(peer->got, "{\"a\":1}")) {
            break;
        }
    }
    if (peer->answer) {
        (void)send(fd, peer->answer, strlen(peer->answer), MSG_NOSIGNAL);
    }
    while (peer->stays && recv(fd, peer->got + at, 1, 0) > 0) {
    }
    close(fd);
    return NULL;
}

static void peer_start(struct peer *peer, const char *answer, bool stays)
{
    *peer = (struct peer){.answer = answer, .stays = stays};
    listen_here(peer);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void peer_end(struct peer *peer)
{
    (void)shutdown(peer->listener, SHUT_RDWR); /* ends an accept() that waits */
    pthread_join(peer->thread, NULL);
    close(peer->listener);
}

static void on_done(void *with, const struct outgoing_result *result)
{
    (void)with;
    scene.result = *result;
    scene.ended++;
}

static void allow(const char *network)
{
    scene.rules = (struct outgoing_rules){.allow_count = 0};
    if (network) {
        assert_true(cidr_parse(str_of(network), &scene.rules.allow[scene.rules.allow_count++]));
    }
}

/* One request to its end. */
static struct outgoing_result post(const char *text, const char *resolve, int64_t timeout_us)
{
    const struct outgoing_config config = {
        .rules = &scene.rules, .timeout_us = timeout_us, .done = on_done, .resolve = resolve};
    const struct outgoing_header headers[] = {{"webhook-id", S("evt_1")}};
    struct outgoing *outgoing;
    struct outgoing_url url;

    EXPECT(!outgoing_url_parse(str_of(text), &url), "%s", text);
    EXPECT(outgoing_new(&scene.ctx, &config, &outgoing) == FM_OK, "%s", scene.ctx.detail);
    scene.ended = 0;
    assert_true(outgoing_begin(outgoing, &(struct outgoing_post){.url = &url,
                                                                 .body = S("{\"a\":1}"),
                                                                 .headers = headers,
                                                                 .header_count = 1}));
    for (int64_t until = clock_monotonic_us() + PATIENCE_MS * 1000;
         scene.ended == 0 && clock_monotonic_us() < until;) {
        outgoing_run(outgoing, 100);
    }
    EXPECT(scene.ended == 1, "%s: ended %u times", text, scene.ended);
    outgoing_free(outgoing);
    return scene.result;
}

static const char *url_at(const char *scheme, const char *host, uint16_t port)
{
    return arena_printf(scene.arena, "%s://%s:%u/hook?x=%%20", scheme, host, port).p;
}

#define SECONDS(n) ((n) * INT64_C(1000000))

static void test_request(void **state)
{
    struct peer peer;
    struct outgoing_result result;

    (void)state;
    allow("127.0.0.0/8");
    peer_start(&peer, "HTTP/1.1 204 No Content\r\n\r\n", false);
    result = post(url_at("http", "127.0.0.1", peer.port), NULL, SECONDS(5));
    peer_end(&peer);
    EXPECT(result.end == OUTGOING_ANSWERED && result.status == 204, "%d %d", result.end,
           result.status);
    EXPECT(strstr(peer.got, "POST /hook?x=%20 HTTP/1.1\r\n") == peer.got, "%s", peer.got);
    EXPECT(strstr(peer.got, "\r\nwebhook-id: evt_1\r\n") != NULL, "%s", peer.got);
    EXPECT(strstr(peer.got, "\r\nContent-Type: application/json\r\n") != NULL, "%s", peer.got);
    EXPECT(strstr(peer.got, "\r\nContent-Length: 7\r\n") != NULL, "%s", peer.got);
    EXPECT(strcasestr(peer.got, "expect:") == NULL, "%s", peer.got);
}

static const struct {
    const char *answer;
    bool stays;
    enum outgoing_end end;
    int status;
    int64_t retry_after_us;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, OUTGOING_ANSWERED, 200, 0},
    {"HTTP/1.0 200 OK\r\n\r\nok", false, OUTGOING_ANSWERED, 200, 0},
    {"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", false, OUTGOING_ANSWERED, 410, 0},
    {"HTTP/1.1 503 No\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", false,
     OUTGOING_ANSWERED, 503, SECONDS(120)},
    {"HTTP/1.1 503 No\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n", false,
     OUTGOING_ANSWERED, 503, SECONDS(86400)},
    {"HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", false,
     OUTGOING_ANSWERED, 503, 0},
    {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", false,
     OUTGOING_ANSWERED, 302, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false, OUTGOING_NO_CONNECT, 0, 0},
    {"SSH-2.0-OpenSSH\r\n", false, OUTGOING_NO_CONNECT, 0, 0},
    {NULL, false, OUTGOING_NO_CONNECT, 0, 0},
    {NULL, true, OUTGOING_TIMED_OUT, 0, 0},
    {"HTTP/1.1 200 OK\r\n", true, OUTGOING_TIMED_OUT, 0, 0},
};

static void test_answers(void **state)
{
    (void)state;
    allow("127.0.0.0/8");
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct peer peer;
        struct outgoing_result result;

        peer_start(&peer, answers[i].answer, answers[i].stays);
        result = post(url_at("http", "127.0.0.1", peer.port), NULL,
                      answers[i].stays ? SECONDS(1) / 4 : SECONDS(10));
        peer_end(&peer);
        EXPECT(result.end == answers[i].end && result.status == answers[i].status &&
                   result.retry_after_us == answers[i].retry_after_us,
               "%zu: end %d, status %d, retry after %lld", i, result.end, result.status,
               (long long)result.retry_after_us);
    }
}

static void test_endless(void **state)
{
    AUTO(buf_done) struct buf answer = BUF_INIT(MIB);
    struct peer peer;
    struct outgoing_result result;

    (void)state;
    allow("127.0.0.0/8");
    buf_lit(&answer, "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n");
    for (size_t i = 0; i < 200000; i++) {
        buf_add_char(&answer, 'x');
    }
    buf_add_char(&answer, '\0');
    peer_start(&peer, answer.p, true);
    result = post(url_at("http", "127.0.0.1", peer.port), NULL, SECONDS(10));
    peer_end(&peer);
    EXPECT(result.end == OUTGOING_ANSWERED && result.status == 200, "cut off, by its status: %d %d",
           result.end, result.status);
}

static void test_nobody(void **state)
{
    struct peer peer = {.listener = -1};

    (void)state;
    allow("127.0.0.0/8");
    listen_here(&peer);
    close(peer.listener);
    EXPECT(post(url_at("http", "127.0.0.1", peer.port), NULL, SECONDS(5)).end ==
               OUTGOING_NO_CONNECT,
           "a closed port");
    EXPECT(post("https://no-such-host.invalid/", NULL, SECONDS(20)).end == OUTGOING_NO_NAME,
           "RFC 6761: .invalid never resolves");
}

#define RESETS 50

/* Takes connections and resets them at once, before the other side has looked who it is. */
static void *reset_all(void *with)
{
    struct peer *peer = with;
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    for (int fd; (fd = accept(peer->listener, NULL, NULL)) >= 0; close(fd)) {
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    return NULL;
}

/* A peer that is gone before it was asked is no address that was refused: that would be final. */
static void test_reset(void **state)
{
    struct peer peer = {.listener = -1};

    (void)state;
    allow("127.0.0.0/8");
    listen_here(&peer);
    assert_int_equal(pthread_create(&peer.thread, NULL, reset_all, &peer), 0);
    for (unsigned i = 0; i < RESETS; i++) {
        enum outgoing_end end =
            post(url_at("http", "127.0.0.1", peer.port), NULL, SECONDS(5)).end;
        EXPECT(end == OUTGOING_NO_CONNECT, "%u: %d", i, end);
    }
    peer_end(&peer);
}

static void test_tls(void **state)
{
    struct peer peer;

    (void)state;
    allow("127.0.0.0/8");
    peer_start(&peer, "HTTP/1.1 204 No Content\r\n\r\n", false);
    peer.got[0] = '\0';
    EXPECT(post(url_at("https", "127.0.0.1", peer.port), NULL, SECONDS(2)).end !=
               OUTGOING_ANSWERED,
           "https to somebody who speaks plain http");
    peer_end(&peer);
    EXPECT(strstr(peer.got, "webhook-id") == NULL, "nothing went out in the clear");
}

/* What a name resolves to, what is allowed, and whether the peer may be reached. */
static const struct {
    const char *scheme, *to, *allow;
    bool reached;
} rebound[] = {
    {"https", "127.0.0.1", NULL, false},
    {"http", "127.0.0.1", NULL, false},
    {"https", "::ffff:127.0.0.1", NULL, false},
    {"https", "[::ffff:127.0.0.1]", NULL, false},
    {"http", "127.0.0.1", "10.0.0.0/8", false},
    {"http", "127.0.0.1", "127.0.0.2/32", false},
    {"http", "10.255.255.1,127.0.0.1", "10.0.0.0/32", false},
    {"http", "127.0.0.1", "127.0.0.1/32", true},
};

static void test_rebinding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rebound); i++) {
        struct peer peer;
        struct outgoing_result result;
        const char *resolve;

        allow(rebound[i].allow);
        peer_start(&peer, "HTTP/1.1 204 No Content\r\n\r\n", false);
        resolve = arena_printf(scene.arena, "hooks.example:%u:%s", peer.port, rebound[i].to).p;
        result = post(url_at(rebound[i].scheme, "hooks.example", peer.port), resolve, SECONDS(5));
        peer_end(&peer);
        EXPECT(peer.connections == (rebound[i].reached ? 1 : 0), "%zu: %u connections", i,
               peer.connections);
        EXPECT(result.end == (rebound[i].reached ? OUTGOING_ANSWERED : OUTGOING_FORBIDDEN),
               "%zu: %d", i, result.end);
    }
}

static int setup(void **state)
{
    (void)state;
    scene.arena = arena_new(MIB);
    ctx_init(&scene.ctx, scene.arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(scene.arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rebinding, setup, teardown),
    };

    return CHECK_RUN(tests);
}
