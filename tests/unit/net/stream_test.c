/* SPDX-License-Identifier: Apache-2.0
 *
 * Event streams: what arrives, the heartbeat, peers that read slowly or not at all, the end by
 * either side and by the server's.
 */
#include "wait_check.h"

static struct gate stream_closed = GATE_INIT; /* http_stream_send that said so */

static void stream(struct http_request *request)
{
    struct http_header_line line = {"Content-Type", S("text/event-stream")};

    keep(waiter_new(request));
    http_stream(request, &line, 1, 64 * KIB, 1);
    assert_int_equal(http_stream_send(request, S("data: first\n\n")),
                     http_method(request) != HTTP_HEAD);
}

static void handler(void *with, struct http_request *request)
{
    static const struct route routes[] = {{"/stream", stream}, {"/now", answer_at_once}};

    (void)with;
    handle_by(routes, COUNT_OF(routes), request);
}

static int begin(void **state)
{
    (void)state;
    wait_begin(handler);
    return 0;
}

static void send_event(void)
{
    assert_true(http_stream_send(kept->request, S("data: second\n\n")));
}

static void end_stream(void)
{
    http_stream_end(kept->request);
    assert_false(http_stream_send(kept->request, S("data: too late\n\n")));
}

/* Reads until the stream shows `text`. */
static bool stream_shows(struct client *client, const char *text)
{
    while (!memmem(client_unread(client).p, client_unread(client).n, text, strlen(text))) {
        if (!client_more(client)) {
            return false;
        }
    }
    return true;
}

static void test_stream(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(stream_shows(&client, "data: first\n\n"));
    assert_true(stream_shows(&client, ":\n\n")); /* a second of silence */
    on_loop(send_event);
    assert_true(stream_shows(&client, "data: second\n\n"));
    on_loop(end_stream);
    assert_true(client_answer(&client, &answer));
    EXPECT_STR("type", answer_header(&answer, "Content-Type"), S("text/event-stream"));
    EXPECT(str_starts(answer.body, S("data: first\n\n:\n\n")), "%.*s", STR_ARG(answer.body));
    assert_true(gate_wait(&finished, 1));
    assert_true(client_get(&client, "/now", &answer)); /* the connection lives on */
    client_close(&client);
}

static void flood_stream(void)
{
    static char kilobyte[1024];
    struct str bytes = {kilobyte, sizeof(kilobyte)};

    memset(kilobyte, 'x', sizeof(kilobyte));
    for (int i = 0; i < 64 && kept; i++) {
        if (!http_stream_send(kept->request, bytes)) {
            assert_false(http_stream_send(kept->request, bytes)); /* and stays so */
            gate_pass(&stream_closed);
            return;
        }
    }
}

/* A peer that does not read loses its stream; we never hold more than the buffer for it. */
static void test_stream_slow_reader(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    gate_reset(&stream_closed);
    client_printf(&client, "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(gate_wait(&waiting, 1));
    for (int i = 0; i < 1000 && gate_count(&stream_closed) == 0; i++) {
        on_loop(flood_stream);
    }
    EXPECT(gate_count(&stream_closed) == 1, "the kernel cannot take 64 MB");
    assert_true(gate_wait(&finished, 1));
    assert_false(client_answer(&client, &answer)); /* cut short, and to be seen as such */
    client_close(&client);
}

/* A message larger than the buffer closes an idle stream too. */
static void send_too_much(void)
{
    size_t n = 65 * KIB;
    char *bytes = calloc(1, n);

    assert_non_null(bytes);
    assert_false(http_stream_send(kept->request, (struct str){bytes, n}));
    free(bytes);
}

static void test_stream_message_too_large(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(stream_shows(&client, "data: first\n\n"));
    on_loop(send_too_much);
    assert_true(gate_wait(&finished, 1));
    assert_false(client_answer(&client, &answer));
    client_close(&client);
}

static void test_stream_disconnect(void **state)
{
    struct client client = client_open(server);

    (void)state;
    client_printf(&client, "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(stream_shows(&client, "data: first\n\n"));
    client_close(&client);
    assert_true(gate_wait(&finished, 1));
}

static void test_stream_head(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "HEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(client_answer_to(&client, true, &answer));
    assert_true(gate_wait(&finished, 1));
    assert_true(client_get(&client, "/now", &answer));
    EXPECT_STR("body", answer.body, S("now"));
    client_close(&client);
}

/* The server stops under a stream that nobody ends. */
static void test_stream_stopped(void **state)
{
    struct client client;
    struct answer answer;

    (void)state;
    wait_begin(handler);
    client = client_open(server);
    client_printf(&client, "GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(stream_shows(&client, "data: first\n\n"));
    http_stop(server, 20, NULL);
    assert_int_equal(gate_count(&finished), 1);
    assert_null(kept);
    assert_false(client_answer(&client, &answer)); /* cut short, and to be seen as such */
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stream, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_stream_slow_reader, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_stream_message_too_large, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_stream_disconnect, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_stream_head, begin, wait_end),
        cmocka_unit_test(test_stream_stopped),
    };

    return CHECK_RUN(tests);
}
