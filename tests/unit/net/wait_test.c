/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that wait: answered from another thread, parked; timers; many clients in lock-step;
 * stopping. Each test checks that the owner's `done` was called once for each request, however it
 * ended.
 */
#include "wait_check.h"

#include <stdatomic.h>

static struct gate observed = GATE_INIT;
static _Atomic int64_t worst_late_us, worst_early_us;

/* A worker thread, as the committer is one ---------------------------------------------------- */

static pthread_mutex_t work_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work_more = PTHREAD_COND_INITIALIZER;
static struct waiter *work; /* chained by message.next */
static bool work_over;

static void finish_work(struct loop_message *message)
{
    struct waiter *waiter = (struct waiter *)(void *)message;

    waiter->posted = false;
    if (waiter->request) {
        assert_ptr_equal(loop_current(), http_request_loop(waiter->request));
        answer_text(waiter->request, "worked");
    } else {
        free(waiter);
    }
}

static void *run_worker(void *with)
{
    (void)with;
    for (;;) {
        struct waiter *batch;

        pthread_mutex_lock(&work_mutex);
        while (!work && !work_over) {
            pthread_cond_wait(&work_more, &work_mutex);
        }
        batch = work;
        work = NULL;
        pthread_mutex_unlock(&work_mutex);
        if (!batch) {
            return NULL;
        }
        loop_post(http_loop(server, 0), &batch->message); /* the chain at once */
    }
}

static void hand_to_worker(struct http_request *request)
{
    struct waiter *waiter = waiter_new(request);

    waiter->message.run = finish_work;
    waiter->posted = true;
    pthread_mutex_lock(&work_mutex);
    waiter->message.next = work ? &work->message : NULL;
    work = waiter;
    pthread_cond_signal(&work_more);
    pthread_mutex_unlock(&work_mutex);
}

/* Handlers ------------------------------------------------------------------------------------ */

static void park(struct http_request *request)
{
    char *scratch = arena_alloc(http_arena(request), 100);

    assert_non_null(scratch);
    assert_true(http_body(request).n < 10);
    keep(waiter_new(request));
    http_park(request);
    assert_int_equal(arena_used(http_arena(request)), 0); /* a fresh one */
}

/* Answers all that are parked: with what their head says, which is still there. */
static void wake_parked(void)
{
    while (kept) {
        struct waiter *waiter = kept;
        char text[64];

        kept = waiter->next;
        snprintf(text, sizeof(text), "%.*s %.*s", STR_ARG(http_query(waiter->request, "id")),
                 STR_ARG(http_header(waiter->request, "X-Test")));
        answer_text(waiter->request, text);
    }
}

static void timer_due(struct loop_timer *timer)
{
    struct waiter *waiter =
        (struct waiter *)(void *)((char *)timer - offsetof(struct waiter, timer));
    int64_t late_us = clock_monotonic_us() - waiter->due_us;

    if (late_us > atomic_load(&worst_late_us)) {
        atomic_store(&worst_late_us, late_us);
    }
    if (late_us < atomic_load(&worst_early_us)) {
        atomic_store(&worst_early_us, late_us);
    }
    answer_text(waiter->request, "rang");
}

/* Sets a timer far away, moves it near; another is set and cleared. */
static void ring(struct http_request *request)
{
    struct waiter *waiter = waiter_new(request);
    struct loop *loop = http_request_loop(request);
    uint64_t ms = 0;
    struct loop_timer other = {0};

    str_to_u64(http_query(request, "ms"), &ms);
    loop_timer_clear(loop, &other); /* harmless when not set */
    loop_timer_set(loop, &other, clock_monotonic_us(), timer_due);
    loop_timer_clear(loop, &other);
    waiter->due_us = clock_monotonic_us() + (int64_t)ms * 1000;
    loop_timer_set(loop, &waiter->timer, waiter->due_us + HOUR_US, timer_due);
    loop_timer_set(loop, &waiter->timer, waiter->due_us, timer_due);
}

static void note_elapsed(int64_t elapsed_us)
{
    if (elapsed_us >= 5000 && elapsed_us < PATIENCE_MS * 1000) {
        gate_pass(&observed);
    }
}

static void observe(struct http_request *request)
{
    http_observe_send(request, clock_monotonic_us() - 5000, note_elapsed);
    answer_text(request, "observed");
}

static void answer_parked_and_self(struct http_request *request)
{
    wake_parked();
    answer_text(request, "woke them");
}

static void keep_only(struct http_request *request)
{
    keep(waiter_new(request));
}

static void handler(void *with, struct http_request *request)
{
    static const struct route routes[] = {
        {"/work", hand_to_worker}, {"/park", park},       {"/wake", answer_parked_and_self},
        {"/ring", ring},           {"/observe", observe}, {"/keep", keep_only},
        {"/now", answer_at_once},
    };

    (void)with;
    handle_by(routes, COUNT_OF(routes), request);
}

static int begin(void **state)
{
    (void)state;
    wait_begin(handler);
    return 0;
}

/* Waiting for another thread ------------------------------------------------------------------ */

static void test_work(void **state)
{
    enum { CLIENTS = 20, ROUNDS = 50 };
    struct client clients[CLIENTS];
    struct answer answer;
    pthread_t worker;

    (void)state;
    work_over = false;
    assert_int_equal(pthread_create(&worker, NULL, run_worker, NULL), 0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(server);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            client_printf(&clients[i],
                          "POST /work HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx");
        }
        for (int i = 0; i < CLIENTS; i++) {
            EXPECT(client_answer(&clients[i], &answer), "client %d, round %d", i, round);
            EXPECT_STR("body", answer.body, S("worked"));
        }
    }
    assert_true(gate_wait(&finished, CLIENTS * ROUNDS));
    pthread_mutex_lock(&work_mutex);
    work_over = true;
    pthread_cond_signal(&work_more);
    pthread_mutex_unlock(&work_mutex);
    pthread_join(worker, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        client_close(&clients[i]);
    }
}

static struct loop_message chain[100];
static unsigned chain_ran;

static void run_link(struct loop_message *message)
{
    EXPECT(message == &chain[chain_ran], "link %u in order", chain_ran);
    EXPECT(message->next == NULL, "link %u free for the next post", chain_ran);
    chain_ran++;
    if (chain_ran == COUNT_OF(chain)) {
        gate_pass(&waiting);
    }
}

static void test_chain(void **state)
{
    (void)state;
    chain_ran = 0;
    for (size_t i = 0; i < COUNT_OF(chain); i++) {
        chain[i] = (struct loop_message){i + 1 < COUNT_OF(chain) ? &chain[i + 1] : NULL, run_link};
    }
    loop_post(http_loop(server, 0), &chain[0]);
    assert_true(gate_wait(&waiting, 1));
}

static void post_to_self(struct loop_message *message)
{
    chain_ran++;
    if (chain_ran < 1000) {
        loop_post(loop_current(), message);
    } else {
        gate_pass(&waiting);
    }
}

/* A message that posts itself again neither starves the rest nor waits for an event. */
static void test_post_from_the_loop(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    chain_ran = 0;
    chain[0] = (struct loop_message){NULL, post_to_self};
    loop_post(http_loop(server, 0), &chain[0]);
    assert_true(client_get(&client, "/now", &answer));
    assert_true(gate_wait(&waiting, 1));
    client_close(&client);
}

static void test_timers(void **state)
{
    static const char *const paths[] = {"/ring?ms=0", "/ring?ms=1", "/ring?ms=30", "/ring?ms=90"};
    struct client clients[COUNT_OF(paths)];
    struct answer answer;

    (void)state;
    atomic_store(&worst_late_us, 0);
    atomic_store(&worst_early_us, 0);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        clients[i] = client_open(server);
        client_printf(&clients[i], "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", paths[i]);
    }
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        assert_true(client_answer(&clients[i], &answer));
        EXPECT_STR(paths[i], answer.body, S("rang"));
        client_close(&clients[i]);
    }
    EXPECT(atomic_load(&worst_early_us) == 0, "%lld us early",
           (long long)-atomic_load(&worst_early_us));
    printf("timers at most %lld us late\n", (long long)atomic_load(&worst_late_us));
}

static void test_observe(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    assert_true(client_get(&client, "/observe", &answer));
    assert_true(gate_wait(&observed, 1));
    client_close(&client);
}

/* Parking ------------------------------------------------------------------------------------- */

static void test_park_and_wake(void **state)
{
    enum { CLIENTS = 30 };
    struct client clients[CLIENTS], waker = client_open(server);
    struct answer answer;
    char want[64];

    (void)state;
    for (int round = 0; round < 3; round++) { /* on the same connections */
        for (int i = 0; i < CLIENTS; i++) {
            if (round == 0) {
                clients[i] = client_open(server);
            }
            client_printf(&clients[i],
                          "POST /park?id=%d HTTP/1.1\r\nHost: t\r\nX-Test: v%d\r\n"
                          "Content-Length: 3\r\n\r\nabc",
                          i, i);
        }
        assert_true(gate_wait(&waiting, (unsigned)(CLIENTS * (round + 1))));
        assert_true(client_get(&waker, "/wake", &answer));
        for (int i = 0; i < CLIENTS; i++) {
            assert_true(client_answer(&clients[i], &answer));
            snprintf(want, sizeof(want), "%d v%d", i, i);
            EXPECT_STR("head after parking", answer.body, str_of(want));
        }
    }
    assert_true(gate_wait(&finished, 3 * CLIENTS));
    for (int i = 0; i < CLIENTS; i++) {
        client_close(&clients[i]);
    }
    client_close(&waker);
}

/* The peer of a parked request hangs up: its state is freed at once, without anybody waking it. */
static void test_disconnect_parked(void **state)
{
    static const struct {
        const char *name;
        bool reset, half;
    } rows[] = {{"close", false, false}, {"reset", true, false}, {"half-closed", false, true}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct client client = client_open(server);

        client_printf(&client, "GET /park HTTP/1.1\r\nHost: t\r\n\r\n");
        assert_true(gate_wait(&waiting, (unsigned)i + 1));
        if (rows[i].reset) {
            setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &LINGER_RESET, sizeof(struct linger));
        }
        if (rows[i].half) {
            shutdown(client.fd, SHUT_WR);
            EXPECT(client_at_end(&client), "%s", rows[i].name);
        }
        client_close(&client);
        EXPECT(gate_wait(&finished, (unsigned)i + 1), "%s", rows[i].name);
    }
}

/* The end of the peer's bytes comes together with its request, or between parks. */
static void test_hung_up_before_parking(void **state)
{
    struct client client = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client,
                  "GET /now HTTP/1.1\r\nHost: t\r\n\r\nGET /park HTTP/1.1\r\nHost: t\r\n\r\n");
    shutdown(client.fd, SHUT_WR);
    assert_true(client_answer(&client, &answer)); /* a half-closed peer gets its answers */
    assert_true(gate_wait(&finished, 2));
    EXPECT(client_at_end(&client), "closed");
    client_close(&client);
}

static void answer_kept(void)
{
    while (kept) {
        struct waiter *waiter = kept;

        kept = waiter->next;
        answer_text(waiter->request, "late");
    }
}

/* The same without parking: seen at the latest when the answer comes. */
static void test_disconnect_waiting(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct client client = client_open(server);

        client_printf(&client, "GET /keep HTTP/1.1\r\nHost: t\r\n\r\n");
        assert_true(gate_wait(&waiting, i + 1));
        if (i) {
            setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &LINGER_RESET, sizeof(struct linger));
        }
        client_close(&client);
        on_loop(answer_kept);
        assert_true(gate_wait(&finished, i + 1));
    }
}

static void park_kept(void)
{
    http_park(kept->request);
}

/* A request is parked when its peer has hung up already. */
static void test_parked_too_late(void **state)
{
    struct client client = client_open(server), other = client_open(server);
    struct answer answer;

    (void)state;
    client_printf(&client, "GET /keep HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(gate_wait(&waiting, 1));
    shutdown(client.fd, SHUT_WR);
    assert_true(client_get(&other, "/now", &answer)); /* the loop has seen the end by now */
    assert_true(gate_wait(&finished, 1));
    on_loop(park_kept);
    assert_true(gate_wait(&finished, 2));
    EXPECT(client_at_end(&client), "closed");
    client_close(&client);
    client_close(&other);
}

/* Many at once -------------------------------------------------------------------------------- */

/* libmicrohttpd's own loop stalls when exactly 128, 256 or 384 connections are ready; ours must
 * not. */
static void test_lock_step(void **state)
{
    static const unsigned counts[] = {127, 128, 129, 256, 384};
    static const char *const paths[] = {"/now", "/work"};
    struct client *clients = calloc(384, sizeof(*clients));
    struct answer answer;
    pthread_t worker;

    (void)state;
    assert_non_null(clients);
    work_over = false;
    assert_int_equal(pthread_create(&worker, NULL, run_worker, NULL), 0);
    for (unsigned i = 0; i < 384; i++) {
        clients[i] = client_open(server);
    }
    for (size_t c = 0; c < COUNT_OF(counts) * 2; c++) {
        unsigned count = counts[c / 2];
        int64_t begun_us = clock_monotonic_us();

        for (int round = 0; round < 10; round++) {
            for (unsigned i = 0; i < count; i++) {
                client_printf(&clients[i], "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", paths[c % 2]);
            }
            for (unsigned i = 0; i < count; i++) {
                EXPECT(client_answer(&clients[i], &answer), "%u clients, round %d", count, round);
            }
        }
        printf("%u clients in lock-step, %s: %lld us per request\n", count, paths[c % 2],
               (long long)(clock_monotonic_us() - begun_us) / (10 * count));
    }
    pthread_mutex_lock(&work_mutex);
    work_over = true;
    pthread_cond_signal(&work_more);
    pthread_mutex_unlock(&work_mutex);
    pthread_join(worker, NULL);
    for (unsigned i = 0; i < 384; i++) {
        client_close(&clients[i]);
    }
    free(clients);
}

/* Several loops ------------------------------------------------------------------------------- */

static _Atomic unsigned loops_started, loops_stopping;

static void loop_starts(void *with, struct loop *loop)
{
    assert_ptr_equal(loop_current(), loop);
    loop_set_state(loop, with);
    atomic_fetch_add(&loops_started, 1);
}

static void loop_stops(void *with, struct loop *loop)
{
    assert_ptr_equal(loop_state(loop), with);
    atomic_fetch_add(&loops_stopping, 1);
}

static void test_loops(void **state)
{
    struct http_config config = test_config(handler);
    struct http_server *many;
    struct client clients[40];
    struct answer answer;
    int mark;

    (void)state;
    config.loops = 4;
    config.loop_started = loop_starts;
    config.loop_stopping = loop_stops;
    config.with = &mark;
    many = test_start(&config);
    assert_int_equal(atomic_load(&loops_started), 4);
    assert_int_equal(http_loop_count(many), 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(loop_index(http_loop(many, i)), i);
        assert_ptr_equal(loop_state(http_loop(many, i)), &mark);
    }
    assert_null(loop_current());
    for (int i = 0; i < 40; i++) {
        clients[i] = client_open(many);
        assert_true(client_get(&clients[i], "/now", &answer));
    }
    test_stop(many);
    assert_int_equal(atomic_load(&loops_stopping), 4);
    for (int i = 0; i < 40; i++) {
        EXPECT(client_at_end(&clients[i]), "client %d", i);
        client_close(&clients[i]);
    }
}

/* Stopping ------------------------------------------------------------------------------------ */

static void drain_parked(void *with, struct loop *loop)
{
    (void)with;
    assert_ptr_equal(loop_current(), loop);
    wake_parked();
}

/* What is parked is answered, idle connections close, nothing more is accepted. */
static void test_drain(void **state)
{
    struct client parked, idle, late;
    struct answer answer;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int64_t begun_us;

    (void)state;
    wait_begin(handler);
    to.sin_port = htons(http_port(server));
    parked = client_open(server);
    idle = client_open(server);
    assert_true(client_get(&idle, "/now", &answer));
    client_printf(&parked, "GET /park?id=7 HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(gate_wait(&waiting, 1));
    begun_us = clock_monotonic_us();
    http_stop(server, PATIENCE_MS, drain_parked);
    EXPECT(clock_monotonic_us() - begun_us < PATIENCE_MS * 500, "drained long before the grace");
    assert_true(client_answer(&parked, &answer));
    EXPECT_STR("answered", answer.body, S("7 "));
    EXPECT(answer.closes, "%.*s", STR_ARG(answer.head));
    EXPECT(client_at_end(&parked) && client_at_end(&idle), "closed");
    assert_int_equal(gate_count(&finished), 2);
    late = (struct client){.fd = socket(AF_INET, SOCK_STREAM, 0), .in = BUF_INIT(MIB)};
    EXPECT(connect(late.fd, (struct sockaddr *)&to, sizeof(to)) != 0, "no new connections");
    client_close(&parked);
    client_close(&idle);
    client_close(&late);
}

static void *run_stop(void *with)
{
    http_stop(with, PATIENCE_MS, NULL);
    return NULL;
}

/* While a request is still under way, idle connections are closed and the request gets its answer.
 */
static void test_drain_waits(void **state)
{
    struct client busy, idle;
    struct answer answer;
    pthread_t stopper;

    (void)state;
    wait_begin(handler);
    busy = client_open(server);
    idle = client_open(server);
    assert_true(client_get(&idle, "/now", &answer));
    client_printf(&busy, "GET /keep HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_true(gate_wait(&waiting, 1));
    assert_int_equal(pthread_create(&stopper, NULL, run_stop, server), 0);
    EXPECT(client_at_end(&idle), "closed");
    assert_int_equal(gate_count(&finished), 1);
    on_loop(answer_kept);
    assert_true(client_answer(&busy, &answer));
    EXPECT(str_eq(answer.body, S("late")) && answer.closes, "%.*s", STR_ARG(answer.head));
    pthread_join(stopper, NULL);
    assert_int_equal(gate_count(&finished), 2);
    client_close(&busy);
    client_close(&idle);
}

/* Beyond the grace what still waits is ended, each state freed. */
static void test_stop_hard(void **state)
{
    struct client clients[3];
    static const char *const heads[] = {"GET /park HTTP/1.1\r\nHost: t\r\n\r\n",
                                        "GET /keep HTTP/1.1\r\nHost: t\r\n\r\n",
                                        "POST /now HTTP/1.1\r\nHost: t\r\nContent-Le"};

    (void)state;
    wait_begin(handler);
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        clients[i] = client_open(server);
        client_printf(&clients[i], "%s", heads[i]);
    }
    assert_true(gate_wait(&waiting, 2));
    http_stop(server, 50, NULL);
    assert_int_equal(gate_count(&finished), 2);
    assert_null(kept);
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        client_close(&clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_chain, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_post_from_the_loop, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_timers, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_observe, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_park_and_wake, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_disconnect_parked, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_hung_up_before_parking, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_disconnect_waiting, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_parked_too_late, begin, wait_end),
        cmocka_unit_test_setup_teardown(test_lock_step, begin, wait_end),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_waits),
        cmocka_unit_test(test_stop_hard),
    };

    net_raise_file_limit();
    return CHECK_RUN(tests);
}
