/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that could be read in two ways, or in none: each is refused, the connection closed, and
 * nothing of it reaches the handler, above all not the request hidden in it (/smuggled).
 */
#include "net_check.h"

#include <stdatomic.h>

static _Atomic unsigned handled; /* requests that reached the handler */
static struct http_server *server;

static void handler(void *with, struct http_request *request)
{
    (void)with;
    atomic_fetch_add(&handled, 1);
    http_answer_static(request, 200, NULL, 0, S("handled"));
}

#define GET_SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"

static const struct framing_row {
    const char *name;
    struct str bytes;
    int status; /* 0: any refusal of libmicrohttpd itself, or just closed */
} framing_rows[] = {
    {"Content-Length and Transfer-Encoding",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n" GET_SMUGGLED),
     400},
    {"Transfer-Encoding and Content-Length",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
         "0\r\n\r\n" GET_SMUGGLED),
     400},
    {"two Content-Lengths",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nabcde"),
     400},
    {"the same Content-Length twice",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
     400},
    {"a list of Content-Lengths",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 5, 5\r\n\r\nabcde"), 0},
    {"Content-Length with a sign",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: +5\r\n\r\nabcde"), 0},
    {"Content-Length in hex",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 0x5\r\n\r\nabcde"), 0},
    {"Content-Length with a blank inside",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 1 0\r\n\r\nabcde"), 0},
    {"empty Content-Length",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: \r\n\r\n" GET_SMUGGLED), 0},
    {"negative Content-Length",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n" GET_SMUGGLED), 0},
    {"Content-Length of 2^64",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 18446744073709551616\r\n\r\n"), 0},
    {"Content-Length of 2^64 - 1",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length: 18446744073709551615\r\n\r\n"), 0},
    {"Transfer-Encoding twice",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
         "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GET_SMUGGLED),
     400},
    {"Transfer-Encoding: gzip, chunked",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400},
    {"Transfer-Encoding: identity",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: identity\r\n\r\n" GET_SMUGGLED), 400},
    {"Transfer-Encoding: xchunked",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 400},
    {"Transfer-Encoding with a tab behind",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n"), 400},
    {"Transfer-Encoding with a vertical tab",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"), 400},
    {"Transfer-Encoding in HTTP/1.0",
     STR("POST /p HTTP/1.0\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
    {"blank before the colon",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nContent-Length : 5\r\n\r\n" GET_SMUGGLED), 400},
    {"tab before the colon",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding\t: chunked\r\n\r\n" GET_SMUGGLED), 400},
    {"header without a colon", STR("GET /p HTTP/1.1\r\nHost: t\r\nnonsense\r\n\r\n"), 0},
    {"header without a name", STR("GET /p HTTP/1.1\r\nHost: t\r\n: v\r\n\r\n"), 400},
    {"folded header", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\r\n b\r\n\r\n"), 400},
    {"folded last header", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\r\n\tb\r\nY: c\r\n\r\n"), 400},
    {"fold of nothing", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\r\n \r\n\r\n"), 400},
    {"first header folded", STR("GET /p HTTP/1.1\r\n Host: t\r\nHost: t\r\n\r\n"), 400},
    {"bare LF after the request line", STR("GET /p HTTP/1.1\nHost: t\r\n\r\n"), 400},
    {"bare LF after a header", STR("GET /p HTTP/1.1\r\nHost: t\nX: y\r\n\r\n"), 400},
    {"bare LF after the last header", STR("GET /p HTTP/1.1\r\nHost: t\n\r\n"), 400},
    {"bare LF as the empty line", STR("GET /p HTTP/1.1\r\nHost: t\r\n\n"), 400},
    {"all bare LF", STR("GET /p HTTP/1.1\nHost: t\n\n"), 400},
    {"bare CR in a value", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\rb\r\n\r\n"), 400},
    {"NUL in a value", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\0b\r\n\r\n"), 400},
    {"NUL in a name", STR("GET /p HTTP/1.1\r\nHost: t\r\nX\0Y: a\r\n\r\n"), 0},
    {"NUL in the last value", STR("GET /p HTTP/1.1\r\nHost: t\0\r\n\r\n"), 400},
    {"control character in a value", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\x01\r\n\r\n"), 400},
    {"DEL in a value", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\x7f\r\n\r\n"), 400},
    {"value not in UTF-8", STR("GET /p HTTP/1.1\r\nHost: t\r\nX: a\xff\r\n\r\n"), 400},
    {"no Host", STR("GET /p HTTP/1.1\r\nX: y\r\n\r\n"), 400},
    {"no header at all", STR("GET /p HTTP/1.1\r\n\r\n"), 400},
    {"two Hosts", STR("GET /p HTTP/1.1\r\nHost: t\r\nHost: t\r\n\r\n"), 400},
    {"HTTP/0.9", STR("GET /p\r\n"), 0},
    {"HTTP/0.9 in words", STR("GET /p HTTP/0.9\r\nHost: t\r\n\r\n"), 0},
    {"HTTP/1.2", STR("GET /p HTTP/1.2\r\nHost: t\r\n\r\n"), 400},
    {"HTTP/2.0", STR("GET /p HTTP/2.0\r\nHost: t\r\n\r\n"), 0},
    {"HTTP/2 preface", STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0},
    {"version in small letters", STR("GET /p http/1.1\r\nHost: t\r\n\r\n"), 0},
    {"two blanks before the target", STR("GET  /p HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"two blanks before the version", STR("GET /p  HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"blank behind the version", STR("GET /p HTTP/1.1 \r\nHost: t\r\n\r\n"), 0},
    {"blank in the target", STR("GET /p q HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"tab in the target", STR("GET /p\tq HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"NUL in the target", STR("GET /p\0q HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"target not in ASCII", STR("GET /\xc3\xa9 HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"fragment in the target", STR("GET /p#q HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"absolute form", STR("GET http://t/p HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"target without a slash", STR("GET p HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"no target", STR("GET HTTP/1.1\r\nHost: t\r\n\r\n"), 0},
    {"escaped NUL in the path", STR("GET /a%00b HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"escaped NUL in the query", STR("GET /p?q=a%00b HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"escaped slash in the path", STR("GET /a%2fb HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"escaped line end in the path", STR("GET /a%0d%0ab HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"escape cut short", STR("GET /a%2 HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"escape not in hex", STR("GET /a%zz HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"path not in UTF-8", STR("GET /a%ff HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"query not in UTF-8", STR("GET /p?q=%ff HTTP/1.1\r\nHost: t\r\n\r\n"), 422},
    {"method that is no token", STR("G(T /p HTTP/1.1\r\nHost: t\r\n\r\n"), 400},
    {"chunk size not in hex",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), 0},
    {"negative chunk size",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"), 0},
    {"chunk size with 0x",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
     0},
    {"chunk size over 2^64",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
         "10000000000000000\r\n"),
     0},
    {"chunk size near 2^64",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\nfffffffffffffffe\r\nabc"),
     -1},
    {"chunk longer than it says",
     STR("POST /p HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
     0},
    {"TLS", STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 0},
};

/* What the server says to the bytes, sent whole, then the end of our side. Our end matters where
 * the server may wait for more. */
static void send_framing(const struct framing_row *row)
{
    struct client client = client_open(server);
    unsigned before = atomic_load(&handled);
    struct answer answer = {0};
    bool answered;

    client_send(&client, row->bytes);
    if (row->status == -1) {
        shutdown(client.fd, SHUT_WR);
    }
    answered = client_answer(&client, &answer);
    if (row->status > 0) {
        EXPECT(answered && answer.status == row->status, "%s: %d", row->name, answer.status);
        EXPECT(str_starts(answer.body, S("{\"type\":\"/problems/")), "%s: %.*s", row->name,
               STR_ARG(answer.body));
    } else {
        EXPECT(!answered || answer.status >= 400, "%s: %d", row->name, answer.status);
        client.used = client.in.n; /* libmicrohttpd may send the head of its refusal twice */
    }
    EXPECT(client_at_end(&client), "%s: closed, nothing else answered", row->name);
    EXPECT(atomic_load(&handled) == before, "%s: reached the handler", row->name);
    client_close(&client);
}

static void test_framing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(framing_rows); i++) {
        send_framing(&framing_rows[i]);
    }
}

/* Lenient reading of chunks cannot smuggle: what follows a chunked body is never read as a request.
 */
static void test_nothing_after_chunks(void **state)
{
    static const char *const bodies[] = {
        "0\r\n\r\n" GET_SMUGGLED,
        "3;a\n\r\nabc\r\n0\r\n\r\n" GET_SMUGGLED,
        "3\nabc\n0\n\n" GET_SMUGGLED,
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct client client = client_open(server);
        unsigned before = atomic_load(&handled);
        struct answer answer;

        client_printf(&client,
                      "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                      bodies[i]);
        (void)client_answer(&client, &answer);
        EXPECT(client_at_end(&client), "%s", bodies[i]);
        EXPECT(atomic_load(&handled) - before <= 1, "%s", bodies[i]);
        client_close(&client);
    }
}

static void test_long_target(void **state)
{
    struct client client = client_open(server);
    AUTO(buf_done) struct buf head = BUF_INIT(64 * KIB);
    struct answer answer;

    (void)state;
    buf_printf(&head, "GET /%08000d HTTP/1.1\r\nHost: t\r\n\r\n", 1);
    client_send(&client, buf_str(&head));
    assert_true(client_answer(&client, &answer));
    EXPECT(answer.status == 414 || answer.status == 431, "%d", answer.status);
    EXPECT(client_at_end(&client), "closed");
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_nothing_after_chunks),
        cmocka_unit_test(test_long_target),
    };
    struct http_config config = test_config(handler);
    int result;

    server = test_start(&config);
    result = CHECK_RUN(tests);
    test_stop(server);
    return result;
}
