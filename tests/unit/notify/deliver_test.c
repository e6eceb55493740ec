/* SPDX-License-Identifier: Apache-2.0
 *
 * The delivery thread with a virtual clock: three days of trying pass in a moment; nobody's slowness
 * is another's; the counters for metrics.
 */
#include "../people/world.h"

#include "notify/notify_internal.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#define START_US    (1795343075 * SECOND_US)
#define PATIENCE_US (20 * SECOND_US)

static struct notifier *notifier;
static int64_t now_us;

static enum fm_err add_people(struct ctx *ctx, struct store_conn *conn, void *with)
{
    char key[SECRET_TEXT_SIZE], secret[SECRET_TEXT_SIZE];
    struct id id;

    (void)with;
    TRY(people_add_person(ctx, conn, world_operator, S("ana"), ROLE_BIT(ROLE_LEAD), NULL, &id));
    return people_add_agent(ctx, conn, world_operator, S("bot"), S("ana"),
                            (struct policy_list){NULL, 0}, &id, key, secret);
}

static int setup(void **state)
{
    struct notify_options options = {.retry_us = 0};

    if (world_setup(state) != 0) {
        return -1;
    }
    now_us = START_US;
    clock_set_virtual_us(now_us);
    log_set_level(LOG_ERROR);
    assert_true(cidr_parse(S("127.0.0.0/8"), &options.rules.allow[options.rules.allow_count++]));
    EXPECT(world_do(add_people, NULL) == FM_OK, "%s", world.ctx.detail);
    EXPECT(notifier_start(&world.ctx, world.instance.store, world.instance.committer, &options,
                          &notifier) == FM_OK,
           "%s", world.ctx.detail);
    instance_set_notifier(&world.instance, notifier);
    return 0;
}

static int teardown(void **state)
{
    int result;

    notifier_stop(notifier);
    instance_set_notifier(&world.instance, NULL);
    result = world_teardown(state);
    notifier_free(notifier);
    return result;
}

struct work {
    int64_t proposal, agent;
    struct str url;
};

static enum fm_err do_add(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return notify_add(ctx, conn,
                      &(struct notice){.event = id_new(),
                                       .proposal_row = work->proposal,
                                       .agent_row = work->agent,
                                       .type = S("proposal.released"),
                                       .url = work->url,
                                       .data = S("\"status\":\"approved\""),
                                       .at_us = now_us});
}

static void add(int64_t proposal, int64_t agent, const char *host, uint16_t port)
{
    struct work work = {proposal, agent,
                        arena_printf(world.arena, "http://%s:%u/", host, (unsigned)port)};

    EXPECT(world_do(do_add, &work) == FM_OK, "%s", world.ctx.detail);
}

/* Until `holds` says so; what is waited for is another thread's work. */
static void wait_for(const char *what, bool (*holds)(const struct notify_counters *counters))
{
    int64_t until = clock_monotonic_us() + PATIENCE_US;

    for (;;) {
        struct notify_counters counters = notifier_counters(notifier);
        if (holds(&counters)) {
            return;
        }
        EXPECT(clock_monotonic_us() < until, "%s: %llu delivered, %llu failed, %llu given up",
               what, (unsigned long long)counters.delivered,
               (unsigned long long)counters.failed_attempts,
               (unsigned long long)counters.given_up);
        (void)poll(NULL, 0, 1);
    }
}

/* A listener that accepts and says nothing (the kernel's queue), or a port where nobody listens. */
static int listen_at(uint32_t address, uint16_t *port)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr = {htonl(address)}};
    socklen_t n = sizeof(local);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof(local)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&local, &n), 0);
    *port = ntohs(local.sin_port);
    return fd;
}

static uint64_t wanted;

static bool has_failed(const struct notify_counters *counters)
{
    return counters->failed_attempts >= wanted;
}

static bool has_given_up(const struct notify_counters *counters)
{
    return counters->given_up >= wanted;
}

static bool has_delivered(const struct notify_counters *counters)
{
    return counters->delivered >= wanted;
}

static bool gauges_tell(const struct notify_counters *counters)
{
    return counters->pending == 0 && counters->dead == 1 && counters->oldest_at_us == 0;
}

SQL(SQL_NEXT, "SELECT next_at FROM outbox WHERE row = 1");
SQL(SQL_ATTEMPTS, "SELECT attempts FROM outbox WHERE row = 1");
SQL(SQL_DEAD_BY_AGENT, "SELECT count(*) FROM outbox WHERE status = 2 AND last_error = 'agent'");

static void test_three_days(void **state)
{
    uint16_t port;
    int fd = listen_at(INADDR_LOOPBACK, &port);

    (void)state;
    close(fd);
    add(1, 1, "127.0.0.1", port);
    for (wanted = 1; wanted < NOTIFY_ATTEMPTS_MAX; wanted++) {
        wait_for("an attempt", has_failed);
        EXPECT(world_count(&SQL_ATTEMPTS) == (int64_t)wanted, "none before its time");
        now_us = world_count(&SQL_NEXT);
        clock_set_virtual_us(now_us);
    }
    wanted = 1;
    wait_for("the end", has_given_up);
    EXPECT(now_us - START_US > 2 * DAY_US && now_us - START_US < 5 * DAY_US, "about three days");
    wait_for("the gauges", gauges_tell);
}

/* Answers one request with 204. */
static void answer_one(int listener)
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    char bytes[4 * KIB];
    int fd;

    EXPECT(poll(&ready, 1, (int)(PATIENCE_US / 1000)) == 1, "somebody connects");
    fd = accept(listener, NULL, NULL);
    EXPECT(recv(fd, bytes, sizeof(bytes), 0) > 0, "and asks");
    (void)send(fd, "HTTP/1.1 204 No Content\r\n\r\n", 27, MSG_NOSIGNAL);
    close(fd);
}

/* How many connections wait in the listener's queue. */
static unsigned waiting_at(int listener)
{
    unsigned count = 0;
    struct pollfd ready = {.fd = listener, .events = POLLIN};

    while (poll(&ready, 1, 0) == 1) {
        int fd = accept(listener, NULL, NULL);
        count += fd >= 0;
    } /* they stay open: a closed one would be tried again */
    return count;
}

static void test_slow_host(void **state)
{
    uint16_t slow_port, port;
    int slow = listen_at(INADDR_LOOPBACK, &slow_port), fast = listen_at(INADDR_LOOPBACK + 1, &port);

    (void)state;
    for (int64_t i = 0; i < 40; i++) {
        add(i, 1, "127.0.0.1", slow_port);
    }
    add(100, 1, "127.0.0.2", port);
    answer_one(fast); /* by then the slow host had its turn too */
    wanted = 1;
    wait_for("the other host", has_delivered);
    EXPECT(notifier_counters(notifier).failed_attempts == 0, "while the first keeps all waiting");
    EXPECT(waiting_at(slow) == NOTIFY_PER_HOST_MAX, "its share at once, and no more");
    close(fast);
    close(slow);
}

static void test_no_agent(void **state)
{
    (void)state;
    add(1, 99, "127.0.0.1", 8443);
    wanted = 1;
    wait_for("an agent that is not there", has_given_up);
    EXPECT(world_count(&SQL_DEAD_BY_AGENT) == 1, "says so");
}

SQL(SQL_DEAD_BY_ADDRESS, "SELECT count(*) FROM outbox WHERE status = 2"
                         " AND last_error = 'address'");

/* A URL that an older version took, and one that leads inside: neither holds anything up. */
static void test_no_way(void **state)
{
    struct work work = {1, 1, S("https://OLD.example/")};

    (void)state;
    EXPECT(world_do(do_add, &work) == FM_OK, "%s", world.ctx.detail);
    add(2, 1, "10.255.255.1", 8443);
    wanted = 2;
    wait_for("both", has_given_up);
    EXPECT(world_count(&SQL_DEAD_BY_ADDRESS) == 2, "say so");
}

static void test_stop_under_way(void **state)
{
    uint16_t port;
    int slow = listen_at(INADDR_LOOPBACK, &port);
    struct pollfd ready = {.fd = slow, .events = POLLIN};

    (void)state;
    add(1, 1, "127.0.0.1", port);
    EXPECT(poll(&ready, 1, (int)(PATIENCE_US / 1000)) == 1, "it is under way");
    notifier_stop(notifier);
    EXPECT(world_count(&SQL_ATTEMPTS) == 0, "not counted: it will be sent again");
    close(slow);
}

#define DELIVER_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DELIVER_TEST(test_three_days),
        DELIVER_TEST(test_slow_host),
        DELIVER_TEST(test_no_agent),
        DELIVER_TEST(test_no_way),
        DELIVER_TEST(test_stop_under_way),
    };

    return CHECK_RUN(tests);
}
