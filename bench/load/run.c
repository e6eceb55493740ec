/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop: connections in an epoll set, answers handed to the mode, and the three phases. It must
 * never send a second request on a connection that still owes an answer, and never count what is
 * answered outside the window.
 *
 * Invariants:
 * 1. At most one request is in flight on a connection (closed loop, no pipelining).
 * 2. Only what is answered while the phase is PHASE_WINDOW enters a histogram.
 * 3. In PHASE_DRAIN nothing new begins; what is unanswered DRAIN_MS later is reported as such.
 *
 *   PHASE_WARMUP --time--> PHASE_WINDOW --time, count, signal, nothing left--> PHASE_DRAIN
 */
#define _GNU_SOURCE 1
#include "run.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 512,
    OPENING_MAX = 64,  /* parked agents not yet served once: fewer than any listen backlog */
    DRAIN_MS = 5000,
};

volatile sig_atomic_t run_stopping;

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        die("out of memory");
    }
    return memory;
}

uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- CPU time and the window ---- */

/* User and system time of the server and of the children it has waited for; -1 if it is gone. */
static double server_cpu_us(int pid)
{
    char path[64], line[1024];
    unsigned long long ticks[4];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -1;
    }
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    const char *rest = strrchr(line, ')');  /* the process name may contain anything */
    if (rest == NULL ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
               &ticks[0], &ticks[1], &ticks[2], &ticks[3]) != 4) {
        return -1;
    }
    double sum = (double)(ticks[0] + ticks[1] + ticks[2] + ticks[3]);
    return sum * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static double client_cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void window_open(struct run *run)
{
    memset(run->histograms, 0, sizeof run->histograms);
    memset(run->statuses, 0, sizeof run->statuses);
    for (uint32_t i = 0; i < run->opened; i++) {
        run->agents[i].own.answer_count = 0;
        run->agents[i].reviewer.answer_count = 0;
    }
    run->phase = PHASE_WINDOW;
    run->opened_ns = clock_ns();
    run->server_cpu_us = server_cpu_us(run->options.server_pid);
    run->client_cpu_us = client_cpu_us();
}

void run_window_close(struct run *run)
{
    double server_us = server_cpu_us(run->options.server_pid);
    run->server_cpu_us = server_us < 0 ? -1 : server_us - run->server_cpu_us;
    run->client_cpu_us = client_cpu_us() - run->client_cpu_us;
    run->closed_ns = clock_ns();
    run->phase = PHASE_DRAIN;
}

void run_record(struct run *run, enum metric metric, uint64_t since_ns)
{
    if (run->phase == PHASE_WINDOW) {
        histogram_add(&run->histograms[metric], run->now_ns - since_ns);
    }
}

/* ---- connections ---- */

static void connection_open(struct run *run, struct agent *agent, struct connection *connection)
{
    int on = 1;
    connection->agent = agent;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (const struct sockaddr *)&run->address,
                                      sizeof run->address) != 0) {
        die("cannot connect to %s: %s", run->host, strerror(errno));
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = connection } };
    if (epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        die("epoll_ctl: %s", strerror(errno));
    }
}

struct agent *run_open_agent(struct run *run)
{
    struct agent *agent = &run->agents[run->opened];
    agent->index = run->opened++;
    if (run->mode->own) {
        connection_open(run, agent, &agent->own);
    }
    if (run->mode->reviewer) {
        connection_open(run, agent, &agent->reviewer);
    }
    return agent;
}

void connection_reopen(struct run *run, struct connection *connection)
{
    close(connection->fd);
    free(connection->partial);
    connection->partial = NULL;
    connection->partial_size = 0;
    run->in_flight -= connection->in_flight;
    connection->in_flight = false;
    connection_open(run, connection->agent, connection);
}

/* The few kilobytes of a request always fit the buffer of a socket that owes nothing. */
void connection_send(struct run *run, struct connection *connection, const struct request *request)
{
    connection->sent_ns = clock_ns();
    connection->sent_count++;
    connection->in_flight = true;
    run->in_flight++;
    ssize_t sent = send(connection->fd, request->bytes, request->size, MSG_NOSIGNAL);
    if (sent != (ssize_t)request->size) {
        shutdown(connection->fd, SHUT_RDWR);
    }
}

/* The server has closed: its other half waits for nothing now, so the agent begins anew. */
static void connection_lost(struct run *run, struct connection *connection)
{
    struct agent *agent = connection->agent;
    run->lost += connection->in_flight;
    connection_reopen(run, connection);
    if (agent->step == STEP_WAITING && run->mode->own && run->mode->reviewer) {
        connection_reopen(run, connection == &agent->own ? &agent->reviewer : &agent->own);
    }
    agent_begin(run, agent);
}

static void connection_answered(struct run *run, struct connection *connection,
                                const struct answer *answer)
{
    connection->partial_size = 0;
    connection->in_flight = false;
    connection->served = true;
    connection->answer_count++;
    run->in_flight--;
    run->statuses[answer->status]++;
    run->mode->answer(run, connection->agent, connection, answer);
}

static void partial_keep(struct connection *connection, const char *bytes, size_t size)
{
    free(connection->partial);
    connection->partial = allocate(1, size);
    memcpy(connection->partial, bytes, size);
    connection->partial_size = size;
}

static void connection_take(struct run *run, struct connection *connection, size_t size)
{
    struct answer answer;
    long whole = answer_parse(run->scratch, size, &answer);
    bool overlong = whole > 0 ? (size_t)whole != size : size == ANSWER_MAX;
    if (whole < 0 || overlong || !connection->in_flight) {
        die("not an answer: %.*s", size < 600 ? (int)size : 600, run->scratch);
    }
    if (whole == 0) {
        partial_keep(connection, run->scratch, size);
        return;
    }
    connection_answered(run, connection, &answer);
}

static void connection_read(struct run *run, struct connection *connection)
{
    size_t held = connection->partial_size;
    if (held > 0) {
        memcpy(run->scratch, connection->partial, held);
    }
    ssize_t got = recv(connection->fd, run->scratch + held, ANSWER_MAX - held, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    run->now_ns = clock_ns();
    if (got <= 0) {
        connection_lost(run, connection);
        return;
    }
    connection_take(run, connection, held + (size_t)got);
}

/* ---- phases ---- */

static void poll_once(struct run *run, int timeout_ms, const sigset_t *mask)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_pwait(run->epoll_fd, events, EVENTS_MAX, timeout_ms, mask);
    for (int i = 0; i < count; i++) {
        connection_read(run, events[i].data.ptr);
    }
}

/* Milliseconds until the time given; -1 (for epoll: for ever) if that is never. */
static int left_ms(uint64_t until_ns)
{
    uint64_t now = clock_ns();
    if (until_ns == UINT64_MAX) {
        return -1;
    }
    return now >= until_ns ? 0 : (int)((until_ns - now) / 1000000 + 1);
}

static void warm_up(struct run *run, const sigset_t *mask)
{
    uint64_t until_ns = clock_ns() + (uint64_t)(run->options.warmup * 1e9);
    int left;
    while ((left = left_ms(until_ns)) > 0 && !run_stopping && run->phase == PHASE_WARMUP) {
        poll_once(run, left, mask);
    }
}

static void measure(struct run *run, const sigset_t *mask)
{
    bool bounded = run->options.count != 0;
    uint64_t until_ns = UINT64_MAX;
    if (!bounded && !run->mode->parks) {
        until_ns = clock_ns() + (uint64_t)(run->options.seconds * 1e9);
    }
    while (run->phase == PHASE_WINDOW) {
        int left = left_ms(until_ns);
        if (left == 0 || run_stopping || (bounded && run->in_flight == 0)) {
            run_window_close(run);
        } else {
            poll_once(run, left, mask);
        }
    }
}

static void drain(struct run *run, const sigset_t *mask)
{
    uint64_t until_ns = run->closed_ns + DRAIN_MS * 1000000ull;
    int left;
    while (!run->mode->parks && run->in_flight > 0 && (left = left_ms(until_ns)) > 0) {
        poll_once(run, left, mask);
    }
}

/* Parked agents come one after the other (mode.c opens the next when one has been served); all
 * others connect first and begin together. */
static void agents_open(struct run *run)
{
    uint32_t count = run->options.agents;
    if (run->mode->parks) {
        while (run->opened < count && run->opened < OPENING_MAX) {
            agent_begin(run, run_open_agent(run));
        }
        return;
    }
    while (run->opened < count) {
        run_open_agent(run);
    }
    for (uint32_t i = 0; i < count; i++) {
        agent_begin(run, &run->agents[i]);
    }
}

void run_phases(struct run *run, const sigset_t *mask)
{
    if (run->options.warmup == 0) {
        window_open(run);
        agents_open(run);
    } else {
        agents_open(run);
        warm_up(run, mask);
        if (run->phase == PHASE_WARMUP) {
            window_open(run);
        }
    }
    measure(run, mask);
    drain(run, mask);
}
