/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop of one thread: waits for its inbox, for libmicrohttpd's descriptor, for the peers
 * of waiting requests and for its timers, and lets each do its work. libmicrohttpd never waits
 * itself: its own loop sleeps with work in hand whenever exactly 128 (256, ...) connections are
 * ready.
 *
 * Invariants
 * 1. Only `inbox` and `inbox_tail` are touched by other threads, under `lock`.
 * 2. A round runs in the order inbox, hang-ups, timers, libmicrohttpd: a connection is freed only
 * in the last step, so the pointers of this round's events hold.
 */
#include "net/net_internal.h"

#include "base/panic.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static _Thread_local struct loop *current;

bool loop_init(struct loop *loop, struct http_server *server, unsigned index)
{
    loop->server = server;
    loop->index = index;
    loop->watch_inbox = WATCH_INBOX;
    loop->watch_daemon = WATCH_DAEMON;
    loop->daemon_fd = -1;
    lock_init(&loop->lock, LOCK_LOOP);
    loop->now_us = clock_monotonic_us();
    wheel_init(&loop->wheel, loop->now_us);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return loop->epoll_fd >= 0 && loop->wake_fd >= 0 &&
           loop_watch(loop, loop->wake_fd, &loop->watch_inbox, EPOLLIN);
}

void loop_done(struct loop *loop)
{
    if (loop->daemon) {
        MHD_stop_daemon(loop->daemon);
    }
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    if (loop->wake_fd >= 0) {
        close(loop->wake_fd);
    }
    request_free_spares(loop);
    pthread_mutex_destroy(&loop->lock.mutex);
}

bool loop_watch(struct loop *loop, int fd, enum watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void loop_unwatch(struct loop *loop, int fd)
{
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* Inbox --------------------------------------------------------------------------------------- */

void loop_post(struct loop *loop, struct loop_message *message)
{
    struct loop_message *last = message;
    bool wake = false;

    while (last->next) {
        last = last->next;
    }
    LOCKED (&loop->lock) {
        wake = loop->inbox == NULL;
        if (wake) {
            loop->inbox = message;
        } else {
            loop->inbox_tail->next = message;
        }
        loop->inbox_tail = last;
    }
    if (wake && loop != current) { /* the loop itself looks before it waits */
        uint64_t one = 1;
        while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
        }
    }
}

/* Runs what was in the inbox at its begin; what a message posts is for the next round. */
static void run_inbox(struct loop *loop)
{
    struct loop_message *message = NULL;

    LOCKED (&loop->lock) {
        message = loop->inbox;
        loop->inbox = loop->inbox_tail = NULL;
    }
    while (message) {
        struct loop_message *next = message->next;

        message->next = NULL;
        message->run(message);
        message = next;
    }
}

static bool inbox_waits(struct loop *loop)
{
    bool waits = false;

    LOCKED (&loop->lock) {
        waits = loop->inbox != NULL;
    }
    return waits;
}

/* Timers and per-loop state ------------------------------------------------------------------- */

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_us,
                    void (*run)(struct loop_timer *timer))
{
    wheel_set(&loop->wheel, timer, at_us, run);
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
    wheel_clear(&loop->wheel, timer);
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

struct loop *loop_current(void)
{
    return current;
}

void loop_set_state(struct loop *loop, void *state)
{
    loop->state = state;
}

void *loop_state(const struct loop *loop)
{
    return loop->state;
}

/* Rounds -------------------------------------------------------------------------------------- */

static void take_event(struct loop *loop, const struct epoll_event *event)
{
    enum watch *watch = event->data.ptr;

    switch (*watch) {
    case WATCH_INBOX: {
        uint64_t count;
        ssize_t n = read(loop->wake_fd, &count, sizeof(count));
        (void)n; /* the inbox is looked at in each round */
        break;
    }
    case WATCH_DAEMON:
        loop->daemon_due = true;
        break;
    case WATCH_PEER:
        connection_peer_done((struct connection *)(void *)watch);
        break;
    case WATCH_LINGER:
        linger_readable((struct lingering *)(void *)watch);
        break;
    }
}

/* How long the next wait may last; decides too whether libmicrohttpd has work of its own. */
static int wait_ms(struct loop *loop)
{
    MHD_UNSIGNED_LONG_LONG daemon_ms;
    int ms = wheel_wait_ms(&loop->wheel, loop->now_us);

    if (loop->daemon_due || inbox_waits(loop)) {
        return 0;
    }
    if (MHD_get_timeout(loop->daemon, &daemon_ms) == MHD_YES) {
        loop->daemon_due = daemon_ms == 0;
        if (ms < 0 || daemon_ms < (MHD_UNSIGNED_LONG_LONG)ms) {
            ms = (int)daemon_ms;
        }
    }
    return ms;
}

static void run_round(struct loop *loop)
{
    struct epoll_event events[LOOP_EVENTS_MAX];
    int n = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS_MAX, wait_ms(loop));

    loop->now_us = clock_monotonic_us();
    run_inbox(loop);
    for (int i = 0; i < n; i++) {
        take_event(loop, &events[i]);
    }
    wheel_turn(&loop->wheel, loop->now_us);
    if (loop->daemon_due) {
        loop->daemon_due = false;
        MHD_run(loop->daemon);
    }
}

/* Tells the main thread once that nothing is under way any more. */
static void tell_drained(struct loop *loop)
{
    uint64_t one = 1;

    if (loop->draining && !loop->drained_told && loop->requests_open == 0) {
        loop->drained_told = true;
        while (write(loop->server->told_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
        }
    }
}

/* Ends what is still open: waiting requests without an answer, connections by cutting them. */
static void close_all(struct loop *loop)
{
    int64_t end_us = clock_monotonic_us() + STOP_US;

    for (struct connection *at = loop->connections; at; at = at->next) {
        connection_deadline(at, 0);
        if (at->request) {
            request_abandon(at->request);
        }
        connection_cut(at);
    }
    linger_end_all(loop);
    while (loop->connections && loop->now_us < end_us) {
        loop->now_us = clock_monotonic_us();
        MHD_run(loop->daemon);
    }
    MHD_stop_daemon(loop->daemon);
    loop->daemon = NULL;
}

void *loop_thread(void *with)
{
    struct loop *loop = with;
    const struct http_config *config = &loop->server->config;
    uint64_t one = 1;

    current = loop;
    if (config->loop_started) {
        config->loop_started(config->with, loop);
    }
    while (write(loop->server->told_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
    loop->daemon_due = true; /* its first run adds the listening socket */
    while (!loop->stopping) {
        run_round(loop);
        tell_drained(loop);
    }
    close_all(loop);
    run_inbox(
        loop); /* messages of threads that have ended by now: their structs want to be freed */
    if (config->loop_stopping) {
        config->loop_stopping(config->with, loop);
    }
    current = NULL;
    return NULL;
}
