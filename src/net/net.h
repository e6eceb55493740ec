/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP/1.1 server: libmicrohttpd driven by our own epoll loops, one loop thread per core, each
 * with its own daemon on its own SO_REUSEPORT socket. A request is answered at once, or stays
 * suspended at the cost of a socket and a small struct until somebody posts a message to its loop.
 *
 * Threads: everything that takes a `struct http_request *` runs on that request's loop thread only.
 * loop_post() is the one way in from other threads.
 */
#ifndef FM_NET_H
#define FM_NET_H

#include "base/buf.h"
#include "base/ctx.h"

struct http_server;
struct http_request;
struct loop;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_PUT, HTTP_PATCH, HTTP_OTHER };

/* Called on the loop thread when a request is complete, body included. It either answers
 * (http_answer, http_stream) or keeps `request` and answers later from a message or timer of the
 * same loop. */
typedef void http_handler_fn(void *with, struct http_request *request);

struct http_config {
    struct str host;          /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;            /* 0: the kernel picks one */
    unsigned loops;           /* 1 to 64 */
    size_t body_max;          /* bytes; beyond: 413 at once */
    /* The same for a path of its own; NULL: `body_max` holds for all. On the loop thread, before
     * the body has come. */
    size_t (*body_max_of)(void *with, struct str path);
    size_t arena_max;         /* bytes of the arena of one request */
    unsigned connections_max; /* per loop */
    /* At least 1: a connection that idles, sends its request or takes its answer too slowly is
     * closed after this time, plus a second per 16 KiB of body. A request that waits for us has no
     * limit. */
    unsigned idle_s;
    http_handler_fn *handler;
    /* Writes the answer to a request that cannot reach the handler: fills `body` with a problem
     * document. FM_E_TOO_LARGE goes out with 413 (body) or 431 (head), FM_E_INVALID_ARGUMENT (the
     * head is ambiguous) with 400, FM_E_OVERLOADED with 503. On the loop thread. */
    void (*problem)(void *with, enum fm_err err, const char *detail, struct buf *body);
    void (*loop_started)(void *with, struct loop *loop);  /* before it serves; may be NULL */
    void (*loop_stopping)(void *with, struct loop *loop); /* after its last request; may be NULL */
    void *with;                                           /* of all of these, on the loop thread */
};

/* Binds, starts the loops, returns when each has run `loop_started`. Errors: FM_E_INTERNAL with the
 * address and the reason, which may be that somebody else listens there. The server is freed by
 * http_stop. */
enum fm_err http_start(struct ctx *ctx, const struct http_config *config,
                       struct http_server **out) MUST_CHECK;

/* The bound port (the kernel's choice for 0), and the loops. Any thread. */
uint16_t http_port(const struct http_server *server);
unsigned http_loop_count(const struct http_server *server);
struct loop *http_loop(const struct http_server *server, unsigned index);

/* Stops accepting and drains: waits up to `grace_ms` for requests under way; then closes.
 * `draining` (may be NULL) is posted to every loop first so that parked requests can be answered.
 * Requests that still wait are ended without an answer: other threads that work for one learn it
 * from its `done` and must not post to a loop once http_stop has returned. Called from the main
 * thread. */
void http_stop(struct http_server *server, unsigned grace_ms,
               void (*draining)(void *with, struct loop *));

/* Loops --------------------------------------------------------------------------------------- */

/* An intrusive message: embedded in the sender's struct, which stays alive until `run` is called.
 */
struct loop_message {
    struct loop_message *next;
    void (*run)(struct loop_message *message); /* on the loop thread; may free the message */
};

/* Hands a message (or a chain of them, linked by `next`; the last one's is NULL) to the loop and
 * wakes it. Any thread; messages of one thread run in their order. A chain costs one wake-up: post
 * a batch of finished work as one. */
void loop_post(struct loop *loop, struct loop_message *message);

/* A timer of the loop, embedded in its owner; zeroed = not set. Coarse: fires up to 50 ms late. */
struct loop_timer {
    struct loop_timer *next, *previous;
    int64_t at_us; /* clock_monotonic_us */
    void (*run)(struct loop_timer *timer);
};

/* On the loop's own thread. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t at_us,
                    void (*run)(struct loop_timer *timer));         /* sets or moves it; O(1) */
void loop_timer_clear(struct loop *loop, struct loop_timer *timer); /* harmless when not set */

/* From 0, in the order of http_loop. */
unsigned loop_index(const struct loop *loop);
struct loop *loop_current(void); /* of this thread, or NULL on other threads */

/* A slot for the owner of the server: per-loop state such as read connections and waiters. */
void loop_set_state(struct loop *loop, void *state);
void *loop_state(const struct loop *loop);

/* Reading a request --------------------------------------------------------------------------- */

/* As the client wrote it; borrowed for the life of the request. */
enum http_method http_method(const struct http_request *request);
/* Decoded, in UTF-8, without the query, without control characters. */
struct str http_path(const struct http_request *request);
/* Empty when there is none; not judged in any way. Until it is answered or parked. */
struct str http_body(const struct http_request *request);
/* Numeric address of the connection, in the arena; absent when memory is short. */
struct str http_peer(const struct http_request *request);
struct loop *http_request_loop(const struct http_request *request);
/* Header or query parameter by name (headers: any case), decoded, in UTF-8; absent when missing.
 * Valid until the request is answered. A header or parameter that occurs twice reads as the first;
 * see http_repeated. A header holds no control character but the tab. */
struct str http_header(const struct http_request *request, const char *name);
struct str http_query(const struct http_request *request, const char *name);
/* Whether the header occurs more than once. */
bool http_repeated(const struct http_request *request, const char *name);
/* Calls `visit` for each query parameter: for refusing unknown ones. */
void http_query_each(const struct http_request *request,
                     void (*visit)(void *with, struct str name, struct str value), void *with);

/* The request's arena: dies when the request is answered (not before the handler, message or timer
 * that answered returns), or at http_park. NULL when memory is short. */
struct arena *http_arena(struct http_request *request);

/* The owner's state of this request, freed by `done` when the request ends in any way: the answer
 * went out, or the connection was lost. `request` is void from then on. Called later than
 * http_answer, so the state must not live in the arena. Set at most once per request. */
void http_set_state(struct http_request *request, void *state, void (*done)(void *state));
void *http_state(const struct http_request *request);

/* Frees arena and body of a request that will wait long: what remains is the connection and at most
 * 512 bytes. Afterwards http_arena gives a fresh arena; headers and query stay readable. A parked
 * request whose peer hangs up ends at once; one that is not parked ends at the latest when it is
 * answered. */
void http_park(struct http_request *request);

/* Answering ----------------------------------------------------------------------------------- */

struct http_header_line {
    const char *name;
    struct str value; /* copied; panics on a control character: never pass outside text unchecked */
};

/* Answers and ends the request. `body_give` was malloc'ed and becomes the server's; NULL with n 0
 * for none. HEAD gets the headers alone. Not after http_answer or http_stream. The header lines,
 * four bytes of separators each included, are at most 832 bytes together; beyond that the
 * connection is closed and the fault logged. An empty value is left out. Content-Length, Date and
 * Connection are set here. */
void http_answer(struct http_request *request, int status, const struct http_header_line *headers,
                 size_t header_count, char *body_give, size_t body_n);

/* The same with bytes that live as long as the process (embedded assets). */
void http_answer_static(struct http_request *request, int status,
                        const struct http_header_line *headers, size_t header_count,
                        struct str body);

/* For the histogram of commit-to-send: the monotonic time at which COMMIT returned; when the last
 * byte of the answer has been handed to the kernel, `observe(us)` is called on the loop thread. */
void http_observe_send(struct http_request *request, int64_t committed_at_us,
                       void (*observe)(int64_t elapsed_us));

/* Event streams: answers 200 with an open body. http_stream_send appends bytes (copied); false when
 * the client reads too slowly (over `buffer_max` unsent) or is gone: then the stream is closed and
 * the request ends soon. http_stream_end closes it after what was sent. A heartbeat comment line is
 * sent every `heartbeat_s` (at least 1) seconds of silence. */
void http_stream(struct http_request *request, const struct http_header_line *headers,
                 size_t header_count, size_t buffer_max, unsigned heartbeat_s);
bool http_stream_send(struct http_request *request, struct str bytes);
void http_stream_end(struct http_request *request);

/* Raises RLIMIT_NOFILE to its hard limit. Call once at start. */
void net_raise_file_limit(void);

#endif
