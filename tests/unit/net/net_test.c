/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests and answers over raw sockets: what reaches the handler, what goes back, the limits. What
 * is refused for its framing is in framing_test.c, the waiting kinds in wait_test.c and
 * stream_test.c.
 */
#include "net_check.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

static _Atomic unsigned handled; /* requests that reached the handler */

static char *copy_of(struct str s)
{
    char *copy = malloc(s.n + 1);

    assert_non_null(copy);
    memcpy(copy, s.p, s.n);
    return copy;
}

static void answer_echo(struct http_request *request)
{
    struct str body = http_body(request);
    struct http_header_line line = {"Content-Type", http_header(request, "Content-Type")};

    http_answer(request, 200, &line, 1, copy_of(body), body.n);
}

static void describe_query(void *with, struct str name, struct str value)
{
    buf_printf(with, " %.*s=%.*s", STR_ARG(name), STR_ARG(value));
}

/* What the handler saw of the request, in one line. */
static void answer_seen(struct http_request *request)
{
    struct buf out = BUF_INIT(64 * KIB);
    size_t n;
    char *bytes;

    buf_printf(&out, "%d %.*s", (int)http_method(request), STR_ARG(http_path(request)));
    http_query_each(request, describe_query, &out);
    buf_printf(&out, " q=%.*s/%d", STR_ARG(http_query(request, "q")),
               http_query(request, "q").p != NULL);
    buf_printf(&out, " x=[%.*s]/%d", STR_ARG(http_header(request, "x-test")),
               http_repeated(request, "X-TEST"));
    buf_printf(&out, " peer=%.*s", STR_ARG(http_peer(request)));
    bytes = buf_take(&out, &n);
    http_answer(request, 200, NULL, 0, bytes, n);
}

/* Twelve headers of the size a page of the reviewers has. */
static void answer_headers(struct http_request *request)
{
    struct http_header_line lines[12] = {
        {"Content-Security-Policy", S("default-src 'none'; script-src 'self'; style-src 'self'; "
                                      "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
                                      "form-action 'self'; frame-ancestors 'none'")},
        {"Set-Cookie", S("__Host-fermata=0123456789abcdef0123456789abcdef0123456789abcdef; Path=/; "
                         "Secure; HttpOnly; SameSite=Strict; Max-Age=43200")},
        {"Cache-Control", S("no-store")},
        {"X-Content-Type-Options", S("nosniff")},
        {"Referrer-Policy", S("no-referrer")},
        {"Cross-Origin-Opener-Policy", S("same-origin")},
        {"Cross-Origin-Resource-Policy", S("same-origin")},
        {"Permissions-Policy", S("camera=(), microphone=(), geolocation=()")},
        {"Content-Type", S("text/html; charset=utf-8")},
        {"ETag", S("\"0123456789abcdef\"")},
        {"Vary", S("Accept-Encoding")},
        {"X-Empty", S("")},
    };

    http_answer_static(request, 200, lines, COUNT_OF(lines), S("page"));
}

static void answer_big(struct http_request *request)
{
    size_t n = 3 * MIB;
    char *bytes = malloc(n);

    assert_non_null(bytes);
    memset(bytes, 'b', n);
    http_answer(request, 200, NULL, 0, bytes, n);
}

static void answer_nothing(struct http_request *request)
{
    http_answer(request, 204, NULL, 0, NULL, 0);
}

static void answer_injected(struct http_request *request)
{
    struct http_header_line line = {"Location", S("/a\r\nSet-Cookie: b=c")};

    http_answer(request, 303, &line, 1, NULL, 0);
}

static void answer_too_many_headers(struct http_request *request)
{
    struct http_header_line lines[20];

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        lines[i] =
            (struct http_header_line){"X-Long", S("0123456789012345678901234567890123456789"
                                                  "0123456789012345678901234567890123456789")};
    }
    http_answer(request, 200, lines, COUNT_OF(lines), NULL, 0);
}

static const struct {
    const char *path;
    void (*answer)(struct http_request *request);
} routes[] = {
    {"/echo", answer_echo},         {"/headers", answer_headers},
    {"/big", answer_big},           {"/nothing", answer_nothing},
    {"/injected", answer_injected}, {"/many", answer_too_many_headers},
};

static void handler(void *with, struct http_request *request)
{
    (void)with;
    atomic_fetch_add(&handled, 1);
    for (size_t i = 0; i < COUNT_OF(routes); i++) {
        if (str_eq(http_path(request), str_of(routes[i].path))) {
            routes[i].answer(request);
            return;
        }
    }
    answer_seen(request);
}

static struct http_server *server; /* of all tests that need no configuration of their own */

/* Answers ------------------------------------------------------------------------------------- */

static void test_keep_alive(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(client_get(&client, "/seen", &answer));
        assert_int_equal(answer.status, 200);
        EXPECT_STR("body", answer.body, S("0 /seen q=/0 x=[]/0 peer=127.0.0.1"));
        EXPECT(answer_header(&answer, "Date").n == 29, "%.*s", STR_ARG(answer.head));
        EXPECT(!answer_header(&answer, "Server").p, "%.*s", STR_ARG(answer.head));
        EXPECT(!answer.closes, "%.*s", STR_ARG(answer.head));
    }
    client_close(&client);
}

static void test_pipelining(void **state)
{
    struct client client = client_open(server);
    AUTO(buf_done) struct buf all = BUF_INIT(MIB);
    struct answer answer;
    char want[8];

    (void)state;
    for (int i = 0; i < 100; i++) {
        buf_printf(&all, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n%d",
                   snprintf(want, sizeof(want), "%d", i), i);
    }
    assert_true(client_send(&client, buf_str(&all)));
    for (int i = 0; i < 100; i++) {
        assert_true(client_answer(&client, &answer));
        snprintf(want, sizeof(want), "%d", i);
        EXPECT_STR("in order", answer.body, str_of(want));
    }
    client_close(&client);
}

static void test_reading(void **state)
{
    static const struct {
        const char *name, *head, *seen;
    } rows[] = {
        {"decoded path", "GET /a%20b/%c3%a9 HTTP/1.1\r\nHost: t",
         "0 /a b/\xc3\xa9 q=/0 x=[]/0 peer=127.0.0.1"},
        {"plus stays in the path", "GET /a+b HTTP/1.1\r\nHost: t",
         "0 /a+b q=/0 x=[]/0 peer=127.0.0.1"},
        {"query", "GET /p?a=1&q=x%26y+z&b HTTP/1.1\r\nHost: t",
         "0 /p a=1 q=x&y z b= q=x&y z/1 x=[]/0 peer=127.0.0.1"},
        {"first of two parameters", "GET /p?q=1&q=2 HTTP/1.1\r\nHost: t",
         "0 /p q=1 q=2 q=1/1 x=[]/0 peer=127.0.0.1"},
        {"parameter names have a case", "GET /p?Q=1 HTTP/1.1\r\nHost: t",
         "0 /p Q=1 q=/0 x=[]/0 peer=127.0.0.1"},
        {"empty parameter", "GET /p?q= HTTP/1.1\r\nHost: t", "0 /p q= q=/1 x=[]/0 peer=127.0.0.1"},
        {"escaped slash in the query", "GET /p?q=a%2Fb HTTP/1.1\r\nHost: t",
         "0 /p q=a/b q=a/b/1 x=[]/0 peer=127.0.0.1"},
        {"header of any case, blanks around", "GET /p HTTP/1.1\r\nhOST:t\r\nX-TEST: \t v w \t",
         "0 /p q=/0 x=[v w]/0 peer=127.0.0.1"},
        {"repeated header", "GET /p HTTP/1.1\r\nHost: t\r\nX-Test: 1\r\nX-Test: 2",
         "0 /p q=/0 x=[1]/1 peer=127.0.0.1"},
        {"UTF-8 in a header", "GET /p HTTP/1.1\r\nHost: t\r\nX-Test: \xc3\xa9",
         "0 /p q=/0 x=[\xc3\xa9]/0 peer=127.0.0.1"},
        {"DELETE", "DELETE /p HTTP/1.1\r\nHost: t", "3 /p q=/0 x=[]/0 peer=127.0.0.1"},
        {"another method", "BREW /p HTTP/1.1\r\nHost: t", "6 /p q=/0 x=[]/0 peer=127.0.0.1"},
        {"methods have a case", "get /p HTTP/1.1\r\nHost: t", "6 /p q=/0 x=[]/0 peer=127.0.0.1"},
        {"blank line first", "\r\nGET /p HTTP/1.1\r\nHost: t", "0 /p q=/0 x=[]/0 peer=127.0.0.1"},
        {"HTTP/1.0 without Host", "GET /p HTTP/1.0", "0 /p q=/0 x=[]/0 peer=127.0.0.1"},
        {"Content-Length 0", "POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 0",
         "2 /p q=/0 x=[]/0 peer=127.0.0.1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct client client = client_open(server);
        struct answer answer = {0};

        client_printf(&client, "%s\r\n\r\n", rows[i].head);
        EXPECT(client_answer(&client, &answer), "%s", rows[i].name);
        EXPECT(answer.status == 200, "%s: %d", rows[i].name, answer.status);
        EXPECT_STR(rows[i].name, answer.body, str_of(rows[i].seen));
        client_close(&client);
    }
}

static void test_head_method(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "HEAD /headers HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(client_answer_to(&client, true, &answer));
    assert_int_equal(answer.status, 200);
    EXPECT_STR("length of what GET has", answer_header(&answer, "Content-Length"), S("4"));
    assert_true(client_get(&client, "/nothing", &answer)); /* no body bytes in between */
    assert_int_equal(answer.status, 204);
    client_printf(&client, "HEAD /a%%00 HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(client_answer_to(&client, true, &answer));
    assert_int_equal(answer.status, 400);
    EXPECT(client_at_end(&client), "a refusal of HEAD has no body");
    client_close(&client);
}

static void test_one_byte_at_a_time(void **state)
{
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc";
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        assert_true(client_send(&client, (struct str){request + i, 1}));
    }
    assert_true(client_answer(&client, &answer));
    EXPECT_STR("body", answer.body, S("abc"));
    client_close(&client);
}

static void test_big_answer(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    assert_true(client_get(&client, "/big", &answer));
    assert_int_equal(answer.body.n, 3 * MIB);
    assert_true(client_get(&client, "/nothing", &answer));
    client_close(&client);
}

/* Bodies -------------------------------------------------------------------------------------- */

static char *bytes_of(size_t n)
{
    char *bytes = malloc(n);

    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (char)(i * 31 + i / 977);
    }
    return bytes;
}

static void test_body_sizes(void **state)
{
    static const size_t sizes[] = {1, 2047, 2048, 65536, 65537, MIB, BODY_MAX};
    struct client client = client_open(server);
    char *bytes = bytes_of(BODY_MAX);
    struct answer answer;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        client_printf(&client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n",
                      sizes[i]);
        assert_true(client_send(&client, (struct str){bytes, sizes[i]}));
        EXPECT(client_answer(&client, &answer), "size %zu", sizes[i]);
        EXPECT(str_eq(answer.body, (struct str){bytes, sizes[i]}), "size %zu", sizes[i]);
    }
    free(bytes);
    client_close(&client);
}

/* A client that sends all before it reads still gets its answer, and not a reset. */
static void test_body_too_large(void **state)
{
    size_t sent = BODY_MAX + MIB;
    char *bytes = bytes_of(sent);
    unsigned before = atomic_load(&handled);

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct client client = client_open(server);
        struct answer answer;

        client_printf(&client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n",
                      sent);
        EXPECT(client_send(&client, (struct str){bytes, sent}), "the server reads what comes late");
        assert_true(client_answer(&client, &answer));
        assert_int_equal(answer.status, 413);
        EXPECT(answer.closes && answer_header(&answer, "Date").n == 29, "%.*s",
               STR_ARG(answer.head));
        EXPECT_STR("type", answer_header(&answer, "Content-Type"), S("application/problem+json"));
        EXPECT(str_starts(answer.body, S("{\"type\":\"/problems/too-large\"")), "%.*s",
               STR_ARG(answer.body));
        EXPECT(client_at_end(&client), "closed");
        client_close(&client);
    }
    assert_int_equal(atomic_load(&handled), before);
    free(bytes);
}

static void test_body_one_too_large(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n\r\n",
                  (size_t)BODY_MAX + 1);
    assert_true(client_answer(&client, &answer)); /* at once: no byte of the body was sent */
    assert_int_equal(answer.status, 413);
    client_close(&client);
}

static void test_chunked(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: Chunked\r\n\r\n"
                           "3\r\nabc\r\n");
    client_printf(&client, "A;ext=1\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n");
    assert_true(client_answer(&client, &answer));
    EXPECT_STR("body", answer.body, S("abc0123456789"));
    EXPECT(answer.closes, "libmicrohttpd reads chunks leniently: nothing may follow them");
    EXPECT(client_at_end(&client), "closed");
    client_close(&client);
}

static void test_chunked_too_large(void **state)
{
    struct client client = client_open(server);
    char *chunk = bytes_of(64 * KIB);
    struct answer answer;
    unsigned before = atomic_load(&handled);

    (void)state;
    client_printf(&client, "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t sent = 0; sent <= BODY_MAX; sent += 64 * KIB) {
        client_printf(&client, "10000\r\n");
        client_send(&client, (struct str){chunk, 64 * KIB});
        client_printf(&client, "\r\n");
    }
    assert_true(client_answer(&client, &answer));
    assert_int_equal(answer.status, 413);
    EXPECT(client_at_end(&client), "closed");
    assert_int_equal(atomic_load(&handled), before);
    free(chunk);
    client_close(&client);
}

static void test_expect_continue(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n"
                           "Expect: 100-continue\r\n\r\n");
    assert_true(client_answer(&client, &answer));
    assert_int_equal(answer.status, 100);
    client_printf(&client, "abc");
    assert_true(client_answer(&client, &answer));
    EXPECT_STR("body", answer.body, S("abc"));
    client_printf(&client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\n"
                           "Expect: 100-continue\r\n\r\n");
    assert_true(client_answer(&client, &answer));
    assert_int_equal(answer.status, 413);
    client_close(&client);
}

/* Sizes of heads ------------------------------------------------------------------------------ */

static void test_usual_head(void **state)
{
    struct client client = client_open(server);
    AUTO(buf_done) struct buf head = BUF_INIT(64 * KIB);
    struct answer answer;

    (void)state;
    buf_printf(&head,
               "GET /headers?a=1&b=2 HTTP/1.1\r\nHost: fermata.example\r\n"
               "Cookie: __Host-fermata=%0200d; theme=dark\r\nAuthorization: Bearer %0800d\r\n",
               1, 2);
    for (int i = 0; i < 7; i++) {
        buf_printf(&head, "X-Header-Number-%02d: %0185d\r\n", i, i);
    }
    buf_lit(&head, "\r\n");
    EXPECT(head.n >= 2560, "%zu bytes", head.n);
    for (int i = 0; i < 2; i++) {
        assert_true(client_send(&client, buf_str(&head)));
        assert_true(client_answer(&client, &answer));
        assert_int_equal(answer.status, 200);
        EXPECT_STR("body", answer.body, S("page"));
        EXPECT(!answer_header(&answer, "X-Empty").p, "%.*s", STR_ARG(answer.head));
    }
    client_close(&client);
}

/* Whatever the size of the head and of its fields: a request that reached the handler gets its
 * answer, never a closed connection because the answer found no room. The rest is refused, some by
 * libmicrohttpd, which only closes the connection where it has no room for its copy of the cookies.
 */
static void test_any_head_is_answered(void **state)
{
    static const struct {
        const char *separator; /* in front of each field */
        int size;              /* of a field */
    } rows[] = {{"\r\nX: ", 1}, {"\r\nX: ", 20}, {"\r\nX: ", 1000}, {"; b=", 1},
                {"; b=", 20},   {"; b=", 1000},  {"", 6000}};
    unsigned answered = 0, refused = 0;

    (void)state;
    for (size_t size = 0; size < 6000; size += 37) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            struct client client = client_open(server);
            AUTO(buf_done) struct buf head = BUF_INIT(64 * KIB);
            unsigned before = atomic_load(&handled);
            struct answer answer = {0};

            buf_lit(&head, "GET /headers HTTP/1.1\r\nHost: t\r\nCookie: a=");
            while (head.n < size) {
                size_t left = size - head.n;
                int n = left < (size_t)rows[i].size ? (int)left : rows[i].size;
                buf_printf(&head, "%s%0*d", rows[i].separator, n, 1);
            }
            buf_lit(&head, "\r\n\r\n");
            client_send(&client, buf_str(&head));
            client_answer(&client, &answer);
            EXPECT(atomic_load(&handled) > before
                       ? answer.status == 200
                       : answer.status == 431 || answer.status == 0, /* closed */
                   "head of %zu, row %zu: %d", head.n, i, answer.status);
            answered += answer.status == 200;
            refused += answer.status == 431;
            client_close(&client);
        }
    }
    EXPECT(answered > 100 && refused > 100, "%u answered, %u refused", answered, refused);
}

static void test_many_answer_headers(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    EXPECT(!client_get(&client, "/many", &answer), "over the limit, whatever the request left");
    client_close(&client);
}

/* Limits of the server ------------------------------------------------------------------------ */

/* A client that sends byte after byte is cut all the same. */
static void test_slow_head(void **state)
{
    struct http_config config = test_config(handler);
    struct http_server *slow;
    struct client client;
    int64_t begun_us = clock_monotonic_us();
    struct pollfd poll_fd = {.events = POLLIN};
    int ready = 0;

    (void)state;
    config.idle_s = 1;
    slow = test_start(&config);
    client = client_open(slow);
    poll_fd.fd = client.fd;
    client_printf(&client, "GET /p HTTP/1.1\r\nHost: t\r\nX: ");
    while (ready == 0 && clock_monotonic_us() - begun_us < PATIENCE_MS * 1000) {
        client_send(&client, S("a"));
        ready = poll(&poll_fd, 1, 100);
    }
    EXPECT(ready == 1 && client_at_end(&client), "cut");
    EXPECT(clock_monotonic_us() - begun_us >= 900000, "not before its time");
    client_close(&client);
    client = client_open(slow); /* nor may a connection idle */
    EXPECT(client_at_end(&client), "cut");
    client_close(&client);
    client = client_open(slow); /* nor a body rest */
    client_printf(&client, "POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nab");
    EXPECT(client_at_end(&client), "cut");
    client_close(&client);
    client = client_open(slow); /* nor an answer lie unread */
    client_printf(&client, "GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(client_more(&client));
    EXPECT(client_at_end(&client) || !client_more(&client), "cut");
    client_close(&client);
    test_stop(slow);
}

static void test_connection_limit(void **state)
{
    struct http_config config = test_config(handler);
    struct http_server *small;
    struct client clients[5];
    struct answer answer;
    struct pollfd poll_fd = {.events = POLLIN};

    (void)state;
    config.connections_max = 4;
    small = test_start(&config);
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open(small);
        assert_true(client_get(&clients[i], "/nothing", &answer));
    }
    clients[4] = client_open(small);
    client_printf(&clients[4], "GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(client_get(&clients[0], "/nothing", &answer)); /* the others are served */
    poll_fd.fd = clients[4].fd;
    EXPECT(poll(&poll_fd, 1, 0) == 0, "the fifth waits");
    client_close(&clients[0]);
    assert_true(client_answer(&clients[4], &answer)); /* and comes in when there is room */
    for (int i = 1; i < 5; i++) {
        client_close(&clients[i]);
    }
    test_stop(small);
}

static void expect_start_fails(struct http_config config, const char *reason)
{
    struct arena *arena = arena_new(64 * KIB);
    struct http_server *other = NULL;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    EXPECT(http_start(&ctx, &config, &other) == FM_E_INTERNAL, "%s", reason);
    EXPECT(strstr(ctx.detail, reason), "%s: %s", reason, ctx.detail);
    arena_free(arena);
}

static void test_start_errors(void **state)
{
    struct http_config config = test_config(handler);

    (void)state;
    config.port = http_port(server);
    expect_start_fails(config, "in use"); /* although both would share by SO_REUSEPORT */
    config = test_config(handler);
    config.host = S("localhost");
    expect_start_fails(config, "localhost");
    config.host = S("192.0.2.1"); /* documentation: nobody has it */
    expect_start_fails(config, "192.0.2.1");
}

static void test_ipv6(void **state)
{
    struct http_config config = test_config(handler);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct http_server *six;
    struct client client = {.fd = socket(AF_INET6, SOCK_STREAM, 0), .in = BUF_INIT(MIB)};
    struct answer answer;

    (void)state;
    if (client.fd < 0 || bind(client.fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        client_close(&client);
        CHECK_SKIP("no IPv6 on this machine");
    }
    config.host = S("::1");
    six = test_start(&config);
    to.sin6_port = htons(http_port(six));
    assert_int_equal(connect(client.fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_true(client_get(&client, "/seen", &answer));
    EXPECT_STR("peer", answer.body, S("0 /seen q=/0 x=[]/0 peer=::1"));
    client_close(&client);
    test_stop(six);
}

/* A line end in an answer's header is our own bug and ends the process before it is sent. */
static void test_header_injection_panics(void **state)
{
    struct rlimit no_core = {0, 0};
    pid_t child = fork();
    int status;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        struct http_config config = test_config(handler);
        struct http_server *own;
        struct client client;
        struct answer answer;

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr)) {
            _exit(1);
        }
        own = test_start(&config);
        client = client_open(own);
        client_get(&client, "/injected", &answer);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x", (unsigned)status);
}

static int start_server(void **state)
{
    struct http_config config = test_config(handler);

    (void)state;
    server = test_start(&config);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_injection_panics), /* forks: before there are threads */
        cmocka_unit_test_setup(test_keep_alive, start_server),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_head_method),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_big_answer),
        cmocka_unit_test(test_body_sizes),
        cmocka_unit_test(test_body_too_large),
        cmocka_unit_test(test_body_one_too_large),
        cmocka_unit_test(test_chunked),
        cmocka_unit_test(test_chunked_too_large),
        cmocka_unit_test(test_expect_continue),
        cmocka_unit_test(test_usual_head),
        cmocka_unit_test(test_any_head_is_answered),
        cmocka_unit_test(test_many_answer_headers),
        cmocka_unit_test(test_slow_head),
        cmocka_unit_test(test_connection_limit),
        cmocka_unit_test(test_start_errors),
        cmocka_unit_test(test_ipv6),
    };
    int result;

    net_raise_file_limit();
    result = CHECK_RUN(tests);
    test_stop(server);
    return result;
}
