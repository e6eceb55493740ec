/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of waiting requests share: the owner's state of a request, a list of those that
 * are kept, errands to the loop thread, and a server per test.
 */
#ifndef FM_WAIT_CHECK_H
#define FM_WAIT_CHECK_H

#include "net_check.h"

#define LINGER_RESET ((struct linger){1, 0}) /* close() sends a reset */

/* The owner's state of a request that waits. */
struct waiter {
    struct loop_message message;
    struct loop_timer timer;
    struct http_request *request; /* NULL once it has ended */
    struct waiter *next;
    int64_t due_us;
    bool posted;
};

static struct gate waiting = GATE_INIT;  /* requests that were kept */
static struct gate finished = GATE_INIT; /* `done` calls */
static struct waiter *kept;              /* of the loop thread; one loop in these tests */
static struct http_server *server;

static inline void waiter_done(void *with)
{
    struct waiter *waiter = with;

    for (struct waiter **at = &kept; *at; at = &(*at)->next) {
        if (*at == waiter) {
            *at = waiter->next;
            break;
        }
    }
    waiter->request = NULL;
    if (!waiter->posted) { /* else the message frees it */
        free(waiter);
    }
    gate_pass(&finished);
}

static inline struct waiter *waiter_new(struct http_request *request)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));

    assert_non_null(waiter);
    waiter->request = request;
    http_set_state(request, waiter, waiter_done);
    return waiter;
}

static inline void keep(struct waiter *waiter)
{
    waiter->next = kept;
    kept = waiter;
    gate_pass(&waiting);
}

static inline void answer_text(struct http_request *request, const char *text)
{
    size_t n = strlen(text);
    char *copy = malloc(n + 1);

    assert_non_null(copy);
    memcpy(copy, text, n + 1);
    http_answer(request, 200, NULL, 0, copy, n);
}

/* Runs `run` on the loop thread and waits for it. */
struct errand {
    struct loop_message message;
    void (*run)(void);
    struct gate done;
};

static inline void run_errand(struct loop_message *message)
{
    struct errand *errand = (struct errand *)(void *)message;

    errand->run();
    gate_pass(&errand->done);
}

static inline void on_loop(void (*run)(void))
{
    struct errand errand = {{NULL, run_errand}, run, GATE_INIT};

    loop_post(http_loop(server, 0), &errand.message);
    assert_true(gate_wait(&errand.done, 1));
}

/* Handlers by path; each test program has its table. */
struct route {
    const char *path;
    void (*handle)(struct http_request *request);
};

static inline void handle_by(const struct route *routes, size_t n, struct http_request *request)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(http_path(request), str_of(routes[i].path))) {
            routes[i].handle(request);
            return;
        }
    }
    http_answer(request, 404, NULL, 0, NULL, 0);
}

static inline void answer_at_once(struct http_request *request)
{
    waiter_new(request);
    answer_text(request, "now");
}

static inline void wait_begin(http_handler_fn *handler)
{
    struct http_config config = test_config(handler);

    gate_reset(&waiting);
    gate_reset(&finished);
    server = test_start(&config);
}

static inline int wait_end(void **state)
{
    (void)state;
    test_stop(server);
    server = NULL;
    return kept ? 1 : 0; /* the end of a server ends every request */
}

#endif
