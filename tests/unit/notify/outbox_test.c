/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the outbox: whose turn it is, what an attempt leads to, sending again, and how long
 * they are kept. Time is virtual.
 */
#include "../people/world.h"

#include "notify/notify_internal.h"

#define START_US (1795343075 * SECOND_US)
#define URL      S("https://hooks.example/x?y=1")

static int64_t now_us;

static int setup(void **state)
{
    if (world_setup(state) != 0) {
        return -1;
    }
    now_us = START_US;
    clock_set_virtual_us(now_us);
    return 0;
}

/* What a command needs, and what came of it. */
struct work {
    int64_t proposal;
    const char *url;
    struct id event;
    struct outcome outcome;
    enum notify_status now;
};

static enum fm_err do_add(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return notify_add(ctx, conn,
                      &(struct notice){.event = work->event,
                                       .proposal_row = work->proposal,
                                       .agent_row = 1,
                                       .type = S("proposal.released"),
                                       .url = work->url ? str_of(work->url) : URL,
                                       .data = S("\"status\":\"approved\""),
                                       .at_us = now_us});
}

static enum fm_err do_record(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return outbox_record(ctx, conn, &work->outcome, NOTIFY_RETRY_US, now_us, &work->now);
}

static enum fm_err do_resend(struct ctx *ctx, struct store_conn *conn, void *with)
{
    return notify_resend(ctx, conn, ((struct work *)with)->event, now_us);
}

static enum fm_err do_purge(struct ctx *ctx, struct store_conn *conn, void *with)
{
    (void)with;
    return outbox_purge(ctx, conn, now_us);
}

static enum fm_err do_add_and_fail(struct ctx *ctx, struct store_conn *conn, void *with)
{
    TRY(do_add(ctx, conn, with));
    return fail(ctx, FM_E_FORBIDDEN, "the test wants it");
}

static struct id add(int64_t proposal)
{
    struct work work = {.proposal = proposal, .event = id_new()};

    EXPECT(world_do(do_add, &work) == FM_OK, "%s", world.ctx.detail);
    return work.event;
}

static enum notify_status record(int64_t row, enum notify_error error, int status)
{
    struct work work = {.outcome = {.row = row, .error = error, .status = status}};

    EXPECT(world_do(do_record, &work) == FM_OK, "%s", world.ctx.detail);
    return work.now;
}

static void resend(struct id event)
{
    struct work work = {.event = event};

    EXPECT(world_do(do_resend, &work) == FM_OK, "%s", world.ctx.detail);
}

/* The rows that are due, in their order: "1 3 ". */
struct seen {
    struct buf text;
};

static bool see(void *with, const struct due *due)
{
    struct seen *seen = with;

    buf_printf(&seen->text, "%lld ", (long long)due->row);
    return true;
}

static void expect_due(const char *host, const char *want)
{
    struct seen seen = {BUF_INIT(KIB)};
    struct store_conn *conn;

    EXPECT(store_reader(&world.ctx, world.instance.store, &conn) == FM_OK, "reader");
    EXPECT(outbox_due(&world.ctx, conn, str_of(host), now_us, 100, see, &seen) == FM_OK, "%s",
           world.ctx.detail);
    store_reader_close(conn);
    EXPECT_STR(host, buf_str(&seen.text), str_of(want));
    buf_done(&seen.text);
}

SQL(SQL_ROWS, "SELECT count(*) FROM outbox");
SQL(SQL_ATTEMPTS, "SELECT attempts FROM outbox WHERE row = 1");
SQL(SQL_NEXT, "SELECT next_at FROM outbox WHERE row = 1");

static void test_order(void **state)
{
    (void)state;
    (void)add(7);
    (void)add(8);
    (void)add(7);
    (void)add(7);
    expect_due("hooks.example", "1 2 ");
    EXPECT(record(1, NOTIFY_E_STATUS, 500) == NOTIFY_PENDING, "tried again");
    expect_due("hooks.example", "2 ");
    now_us += 6 * SECOND_US;
    expect_due("hooks.example", "2 1 ");
    EXPECT(record(1, NOTIFY_OK, 204) == NOTIFY_DELIVERED, "delivered");
    expect_due("hooks.example", "2 3 ");
    EXPECT(record(3, NOTIFY_E_GONE, 410) == NOTIFY_DEAD, "given up");
    expect_due("hooks.example", "2 4 ");
    expect_due("other.example", "");
}

static void test_hosts(void **state)
{
    static const char *const urls[] = {"https://b.example/", "https://a.example:8443/",
                                       "https://a.example/", "https://c.example/"};
    struct store_conn *conn;
    struct str host = S("");
    AUTO(buf_done) struct buf hosts = BUF_INIT(KIB);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct work work = {.proposal = (int64_t)i, .url = urls[i], .event = id_new()};
        EXPECT(world_do(do_add, &work) == FM_OK, "%s", world.ctx.detail);
    }
    (void)record(4, NOTIFY_OK, 200);
    EXPECT(store_reader(&world.ctx, world.instance.store, &conn) == FM_OK, "reader");
    while (outbox_next_host(&world.ctx, conn, host, &host)) {
        buf_printf(&hosts, "%.*s ", STR_ARG(host));
    }
    store_reader_close(conn);
    EXPECT_STR("those with something pending", buf_str(&hosts), S("a.example b.example "));
}

static void test_attempts(void **state)
{
    int64_t began_us = now_us, attempts = 0;

    (void)state;
    (void)add(1);
    do {
        int64_t next_us = world_count(&SQL_NEXT);
        EXPECT(next_us >= now_us, "not in the past");
        now_us = next_us;
        expect_due("hooks.example", "1 ");
        attempts++;
    } while (record(1, NOTIFY_E_TIMEOUT, 0) == NOTIFY_PENDING);
    EXPECT(attempts == NOTIFY_ATTEMPTS_MAX, "%lld attempts", (long long)attempts);
    EXPECT(now_us - began_us > 2 * DAY_US && now_us - began_us < 5 * DAY_US, "about three days");
    now_us += 30 * DAY_US;
    expect_due("hooks.example", "");
}

static const struct {
    enum notify_error error;
    int status;
    enum notify_status now;
} ends[] = {
    {NOTIFY_OK, 200, NOTIFY_DELIVERED},        {NOTIFY_E_STATUS, 500, NOTIFY_PENDING},
    {NOTIFY_E_REDIRECT, 302, NOTIFY_PENDING},  {NOTIFY_E_GONE, 410, NOTIFY_DEAD},
    {NOTIFY_E_TIMEOUT, 0, NOTIFY_PENDING},     {NOTIFY_E_CONNECTION, 0, NOTIFY_PENDING},
    {NOTIFY_E_NAME, 0, NOTIFY_PENDING},        {NOTIFY_E_TLS, 0, NOTIFY_PENDING},
    {NOTIFY_E_ADDRESS, 0, NOTIFY_DEAD},        {NOTIFY_E_NO_AGENT, 0, NOTIFY_DEAD},
    {NOTIFY_E_ERASED, 0, NOTIFY_DEAD},
};

static void test_ends(void **state)
{
    (void)state;
    EXPECT(COUNT_OF(ends) == NOTIFY_ERROR_COUNT, "each");
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        (void)add((int64_t)i);
        EXPECT(record((int64_t)i + 1, ends[i].error, ends[i].status) == ends[i].now, "%s",
               notify_error_name(ends[i].error));
    }
}

static void test_late_result(void **state)
{
    (void)state;
    (void)add(1);
    EXPECT(record(1, NOTIFY_OK, 200) == NOTIFY_DELIVERED, "delivered");
    EXPECT(record(1, NOTIFY_E_STATUS, 500) == NOTIFY_STATUS_COUNT, "a second result is none");
    EXPECT(record(99, NOTIFY_OK, 200) == NOTIFY_STATUS_COUNT, "a row that is gone");
    EXPECT(world_count(&SQL_ATTEMPTS) == 1, "counted once");
}

static void test_resend(void **state)
{
    struct id first = add(1), second = add(1);
    struct work none = {.event = id_new()};

    (void)state;
    (void)record(1, NOTIFY_E_GONE, 410);
    expect_due("hooks.example", "2 ");
    resend(first); /* earlier than the one that waits: it goes first again */
    EXPECT(world_count(&SQL_ATTEMPTS) == 0, "attempts begin again");
    expect_due("hooks.example", "1 ");
    (void)record(1, NOTIFY_OK, 200);
    expect_due("hooks.example", "2 ");
    (void)record(2, NOTIFY_OK, 200);
    resend(second);
    expect_due("hooks.example", "2 ");
    EXPECT(world_do(do_resend, &none) == FM_E_NOT_FOUND, "no such callback");
}

static void test_undone(void **state)
{
    struct work work = {.proposal = 1, .event = id_new()};

    (void)state;
    EXPECT(world_do(do_add_and_fail, &work) == FM_E_FORBIDDEN, "the command fails");
    EXPECT(world_count(&SQL_ROWS) == 0, "and its row is not there");
    EXPECT(world_do(do_add, &work) == FM_OK, "the same again");
    EXPECT(world_count(&SQL_ROWS) == 1, "%s", "is");
}

static void test_kept(void **state)
{
    (void)state;
    (void)add(1);
    (void)add(2);
    (void)add(3);
    (void)record(1, NOTIFY_OK, 200);
    (void)record(2, NOTIFY_E_GONE, 410);
    now_us += NOTIFY_DELIVERED_KEPT_US;
    EXPECT(world_do(do_purge, NULL) == FM_OK && world_count(&SQL_ROWS) == 3, "not yet");
    now_us += 1;
    EXPECT(world_do(do_purge, NULL) == FM_OK && world_count(&SQL_ROWS) == 2, "delivered");
    now_us = START_US + NOTIFY_DEAD_KEPT_US + 1;
    EXPECT(world_do(do_purge, NULL) == FM_OK && world_count(&SQL_ROWS) == 1, "dead");
    expect_due("hooks.example", "3 ");
}

#define OUTBOX_TEST(function) cmocka_unit_test_setup_teardown(function, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(test_order), OUTBOX_TEST(test_hosts),       OUTBOX_TEST(test_attempts),
        OUTBOX_TEST(test_ends),  OUTBOX_TEST(test_late_result), OUTBOX_TEST(test_resend),
        OUTBOX_TEST(test_undone), OUTBOX_TEST(test_kept),
    };

    return CHECK_RUN(tests);
}
