/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the load generator: its options, its agents with their connections, and what it has
 * counted. Everything belongs to the one thread; nothing is freed before the process ends.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "histogram.h"
#include "request.h"

enum { KEYS_MAX = 4096, AGENTS_MAX = 60000 };

enum metric {
    METRIC_AUTO,    /* proposal sent -> approved with a permit */
    METRIC_SUBMIT,  /* proposal sent -> pending */
    METRIC_DECIDE,  /* decision sent -> the reviewer has the answer */
    METRIC_NOTIFY,  /* decision sent -> the waiting agent has the permit */
    METRIC_CYCLE,   /* proposal sent -> the agent has the permit */
    METRIC_GET,     /* read sent -> answered */
    METRICS
};
enum phase { PHASE_WARMUP, PHASE_WINDOW, PHASE_DRAIN };
enum step { STEP_IDLE, STEP_FIRST, STEP_WAITING };

struct agent;
struct connection {
    int fd;
    bool in_flight, served;           /* served: answered at least once in the whole run */
    struct agent *agent;
    char *partial;                    /* ours: the beginning of an answer that came in pieces */
    size_t partial_size;
    uint64_t sent_ns, sent_count, answer_count;
};

struct agent {
    uint32_t index;
    enum step step;
    uint32_t open_parts;              /* cycle: answers missing after the decision was sent */
    uint64_t begun_ns;
    struct ticket ticket;
    struct connection own, reviewer;
};

struct run;
struct mode {
    const char *name, *action;
    enum metric metric;               /* what counts as one operation */
    bool own, reviewer, loads;        /* the connections it uses; whether it needs --load */
    bool parks;                       /* ends by a signal, not by time */
    bool (*begin)(struct run *, struct agent *);  /* false: nothing left to do */
    void (*answer)(struct run *, struct agent *, struct connection *, const struct answer *);
};

struct options {
    const char *token, *cookie, *save, *load;
    uint32_t agents;
    double seconds, warmup;
    uint64_t count;                   /* exactly so many operations; 0: what the time allows */
    int server_pid;                   /* 0: unknown */
    bool json;
};

struct run {
    const struct mode *mode;
    struct options options;
    struct sockaddr_in address;
    char host[32];
    char (*keys)[CREDENTIAL_MAX];
    uint32_t key_count;
    struct request *submit, *wait, *read;  /* one each per key */
    struct request decide;
    struct agent *agents;
    uint32_t opened, parked;
    int epoll_fd;
    enum phase phase;
    uint64_t now_ns, opened_ns, closed_ns, sequence, begun_count, in_flight;
    struct ticket *tickets;
    size_t ticket_count, ticket_size, ticket_next;
    struct histogram histograms[METRICS];
    uint64_t statuses[STATUSES], faults, wrong, lost, renewed, released;
    double server_cpu_us, client_cpu_us;   /* during the window; server -1 if unknown */
    char scratch[ANSWER_MAX];
};

/* Set by the handler of SIGTERM and SIGINT: close the window now. */
extern volatile sig_atomic_t run_stopping;

/* run.c: memory and time. `die` prints one line and ends the process with status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
void *allocate(size_t count, size_t size);
uint64_t clock_ns(void);

/* Run all phases: warm-up, window, drain. Signals arrive only while `mask` is in force. */
void run_phases(struct run *run, const sigset_t *mask);

/* Close the window: nothing begins any more, and nothing enters a histogram. */
void run_window_close(struct run *run);

/* Count a latency that ends now, if the window is open. */
void run_record(struct run *run, enum metric metric, uint64_t since_ns);

/* Open the next agent's connection to the server; it stays until the run ends. */
struct agent *run_open_agent(struct run *run);

/* Send a request whole, as the one in flight. A failure shows as a lost connection when read. */
void connection_send(struct run *run, struct connection *connection, const struct request *request);

/* Replace a connection; what was in flight on it is forgotten. */
void connection_reopen(struct run *run, struct connection *connection);

/* mode.c: the modes by name; NULL if there is none. */
const struct mode *mode_find(const char *name);

/* Begin the agent's next operation, unless the run has had enough. */
void agent_begin(struct run *run, struct agent *agent);

/* ticket.c: proposals kept in memory and in files, one a line: id, digest, index of the key. */
void ticket_keep(struct run *run, const struct ticket *ticket);
void tickets_load(struct run *run, const char *path);
void tickets_save(const struct run *run, const char *path);

/* report.c: print what was measured, as a text or as one line of JSON. */
void report_print(const struct run *run);

#endif
