/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share: the loop, the connection, the request. One loop owns
 * everything here and touches it on its own thread; the only exception is the inbox, which has the
 * lock.
 *
 *   request:  HEAD -> BODY -> HANDLING -+-> SENDING            answered inside the handler
 *                                       +-> WAITING -> WOKEN -> SENDING   suspended in between
 *
 * Invariants
 * 1. A request is suspended in libmicrohttpd exactly in WAITING and, for a stream, while `asleep`.
 * 2. request_end() is called once for each request, by libmicrohttpd's completion callback alone.
 * 3. A connection outlives its request; a loop outlives its connections.
 */
#ifndef FM_NET_INTERNAL_H
#define FM_NET_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>

#include "base/locks.h"
#include "net/net.h"
#include "net/net_limits.h"

/* What an event of the loop's epoll set is about: the first member of whatever its pointer names.
 */
enum watch { WATCH_INBOX, WATCH_DAEMON, WATCH_PEER, WATCH_LINGER };

/* A hashed wheel of timers: slot = time / TIMER_SLOT_US % TIMER_SLOTS. */
struct wheel {
    struct loop_timer slots[TIMER_SLOTS]; /* heads of rings */
    uint64_t used[TIMER_SLOTS / 64];      /* a bit for each slot that is not empty */
    int64_t next_slot;                    /* time / TIMER_SLOT_US of the first that has not run */
};

struct connection {
    enum watch watch; /* WATCH_PEER */
    bool peer_done;   /* the peer sends nothing any more, or is gone */
    int fd;
    struct loop *loop;
    struct MHD_Connection *mhd;
    struct http_request *request; /* under way, or NULL */
    struct connection *next, *previous;
    struct loop_timer timer; /* fires at `deadline_us` or earlier, then looks */
    int64_t deadline_us;     /* 0: may take as long as it likes */
};

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_HANDLING, PHASE_WAITING, PHASE_WOKEN, PHASE_SENDING };

struct stream {
    struct http_request *request;
    struct buf buffer; /* bytes `sent` onwards still have to go */
    size_t sent;
    int64_t heartbeat_us, quiet_since_us;
    struct loop_timer timer;
    bool asleep, ended, broken;
};

struct http_request {
    enum phase phase;
    enum http_method method;
    bool gone;    /* the peer hung up, or the server stops: nothing can be answered any more */
    bool chunked; /* came with Transfer-Encoding: the connection is not used again */
    bool parked;  /* waits long: not for a peer that hung up */
    struct connection *connection;
    const char *target; /* in libmicrohttpd's buffer; decoded in place after request_begin() */
    size_t target_n;    /* as it came */
    const char *target_fault; /* or NULL: judged before it was decoded */
    const char *path;
    struct arena *arena;
    struct buf body;
    void *state;
    void (*done)(void *state);
    struct MHD_Response *response; /* made, not yet given to libmicrohttpd */
    unsigned status;
    int64_t send_max_us; /* what the answer may take */
    struct stream *stream;
    int64_t committed_at_us;
    void (*observe)(int64_t elapsed_us);
    struct http_request *next; /* in the loop's spare list */
};

/* A refused connection that is read until its peer has seen the answer: closing with unread bytes
 * would send a reset, which may destroy the answer on its way. */
struct lingering {
    enum watch watch; /* WATCH_LINGER */
    int fd;
    struct loop *loop;
    size_t read;
    struct loop_timer timer;
    struct lingering *next, *previous;
};

struct loop {
    struct http_server *server;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    unsigned index;
    int epoll_fd, wake_fd, daemon_fd;
    enum watch watch_inbox, watch_daemon;
    void *state;

    struct lock lock; /* guards: inbox, inbox_tail */
    struct loop_message *inbox, *inbox_tail;

    struct wheel wheel;
    int64_t now_us;  /* monotonic, of this round */
    bool daemon_due; /* something was resumed or became ready */
    bool draining, stopping, drained_told;
    unsigned requests_open, lingering_count;
    struct connection *connections;
    struct lingering *lingering;

    struct http_request *spare_requests;
    unsigned spare_request_count;
    struct arena *spare_arenas[ARENAS_SPARE_MAX];
    unsigned spare_arena_count;

    struct loop_message drain, stop; /* posted by the main thread */
};

struct http_server {
    struct http_config config;
    uint16_t port;
    void (*draining)(void *with, struct loop *);
    int told_fd; /* eventfd: counts loops that started, drained */
    unsigned loop_count;
    struct loop loops[];
};

/* wheel.c */
void wheel_init(struct wheel *wheel, int64_t now_us);
void wheel_set(struct wheel *wheel, struct loop_timer *timer, int64_t at_us,
               void (*run)(struct loop_timer *timer));
void wheel_clear(struct wheel *wheel, struct loop_timer *timer);
/* Runs what is due; a timer may set or clear any timer, itself included. */
void wheel_turn(struct wheel *wheel, int64_t now_us);
/* Milliseconds until wheel_turn has something to look at; -1 when no timer is set. */
int wheel_wait_ms(const struct wheel *wheel, int64_t now_us);

/* loop.c */
bool loop_init(struct loop *loop, struct http_server *server,
               unsigned index); /* false: no descriptors */
void loop_done(struct loop *loop);
void *loop_thread(void *loop); /* the body of the thread */
bool loop_watch(struct loop *loop, int fd, enum watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, int fd);

/* connection.c */
void connection_notify(void *loop, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code);
/* The connection is cut at this time unless it is moved; 0 lifts it. */
void connection_deadline(struct connection *connection, int64_t at_us);
/* Starts the time in which the peer has to send its next request, or the rest of this one. */
void connection_await_request(struct connection *connection);
void connection_peer_done(struct connection *connection);
void connection_cut(
    struct connection *connection); /* both directions; libmicrohttpd then closes it */
/* What has arrived is still read and answered, then the connection closes. */
void connection_read_no_more(struct connection *connection);

/* request.c */
void *request_begin(void *loop, const char *target, struct MHD_Connection *mhd);
enum MHD_Result request_call(void *loop, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_n, void **context);
void request_end(void *loop, struct MHD_Connection *mhd, void **context,
                 enum MHD_RequestTerminationCode code);
/* Takes a suspended request back into libmicrohttpd; request_call continues it. */
void request_wake(struct http_request *request);
/* The peer is gone or the server stops: ends the request without an answer. */
void request_abandon(struct http_request *request);
void request_free_spares(struct loop *loop);

/* framing.c */
struct framing {
    enum fm_err err; /* FM_OK: goes on */
    int status;
    const char *detail;
    uint64_t content_length;
    bool has_body;
};
/* What is wrong with a request target, as it came; NULL when nothing. */
const char *framing_target_fault(const char *target);
/* Whether the head is unambiguous; fills `chunked` of the request. */
struct framing framing_check(struct http_request *request, const char *method, const char *version);

/* answer.c */
/* Gives the finished response to libmicrohttpd; MHD_NO closes the connection. */
enum MHD_Result answer_queue(struct http_request *request);
/* Whether the request can still be answered; that it was answered already is a bug and panics. */
bool answer_is_open(const struct http_request *request);
/* Adds the header lines to the response that is being made; false when they are too large (which is
 * logged, as it is our fault) or memory is short. */
bool answer_headers(struct MHD_Response *response, const struct http_header_line *headers,
                    size_t header_count);
/* Takes over the response, or gives the request up where it is NULL because memory is short. */
void answer_ready(struct http_request *request, struct MHD_Response *response, int status,
                  size_t body_n);

/* refuse.c: answers past libmicrohttpd and ends the connection; returns MHD_NO for its callback. */
enum MHD_Result refuse(struct http_request *request, enum fm_err err, int status,
                       const char *detail);
void linger_readable(struct lingering *linger);
void linger_end_all(struct loop *loop);

/* stream.c */
void stream_end(struct stream *stream); /* frees it, with the request */
void stream_break(struct stream *stream);

#endif
