/* SPDX-License-Identifier: Apache-2.0
 *
 * What a parked request costs: user memory, measured as growth of the resident set with 10,000 of
 * them, and what 10,000 of them cost the others. The memory is a limit; the times are only printed,
 * as they belong to the machine. The clients live in a process of their own, as both ends need a
 * descriptor.
 */
#include "net_check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PARKED_MAX 10000u
#define PARKED_BYTES_MAX (6 * KIB)
#define REQUESTS 2000

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static struct gate parked = GATE_INIT;
static struct gate ended = GATE_INIT;

static void parked_done(void *state)
{
    (void)state;
    gate_pass(&ended);
}

struct soon {
    struct loop_message message;
    struct http_request *request;
};

static void answer_soon(struct loop_message *message)
{
    struct soon *soon = (struct soon *)(void *)message;

    http_answer_static(soon->request, 200, NULL, 0, S("soon"));
    free(soon);
}

static void handler(void *with, struct http_request *request)
{
    (void)with;
    if (str_eq(http_path(request), S("/park"))) {
        memset(arena_alloc(http_arena(request), 4096), 1, 4096);
        http_set_state(request, &parked, parked_done);
        http_park(request);
        gate_pass(&parked);
    } else if (str_eq(http_path(request), S("/soon"))) {
        struct soon *soon = malloc(sizeof(*soon));
        assert_non_null(soon);
        *soon = (struct soon){{NULL, answer_soon}, request};
        loop_post(http_request_loop(request), &soon->message);
    } else {
        http_answer_static(request, 200, NULL, 0, S("now"));
    }
}

static size_t resident(void)
{
    unsigned long pages = 0, pages_resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &pages, &pages_resident), 2);
    fclose(file);
    return pages_resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* The other process: opens connections that park, until its input ends. */
static _Noreturn void run_clients(int in, int out, unsigned count)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char head[2048], byte;
    int n = snprintf(head, sizeof(head),
                     "GET /park?wait=60s HTTP/1.1\r\nHost: fermata.example\r\n"
                     "User-Agent: client/1.0\r\nAccept: application/json\r\n"
                     "Authorization: Bearer %0600d\r\nCookie: fermata=%0400d\r\n\r\n",
                     1, 2);

    if (read(in, &to.sin_port, sizeof(to.sin_port)) != sizeof(to.sin_port)) {
        _exit(1);
    }
    for (unsigned i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
            send(fd, head, (size_t)n, MSG_NOSIGNAL) != n) {
            _exit(2);
        }
    }
    if (write(out, "+", 1) != 1 || read(in, &byte, 1) != 0) {
        _exit(3);
    }
    _exit(0);
}

static void print_rate(struct http_server *server, const char *path, unsigned count)
{
    struct client client = client_open(server);
    int64_t begun_us = clock_monotonic_us();
    struct answer answer;

    for (int i = 0; i < REQUESTS; i++) {
        assert_true(client_get(&client, path, &answer));
    }
    printf("GET %s with %u parked: %.1f us each, one client\n", path, count,
           (double)(clock_monotonic_us() - begun_us) / REQUESTS);
    client_close(&client);
}

static unsigned affordable(void)
{
    struct rlimit limit;

    net_raise_file_limit();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur > PARKED_MAX + 100 ? PARKED_MAX : (unsigned)limit.rlim_cur / 2;
}

static void test_parked(void **state)
{
    struct http_config config = test_config(handler);
    unsigned count = affordable();
    struct http_server *server;
    int to_child[2], from_child[2], status;
    size_t before, each;
    uint16_t port;
    char byte;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(from_child), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(to_child[1]);
        close(from_child[0]);
        run_clients(to_child[0], from_child[1], count);
    }
    close(to_child[0]);
    close(from_child[1]);
    config.connections_max = PARKED_MAX + 100;
    server = test_start(&config);
    print_rate(server, "/now", 0);
    print_rate(server, "/soon", 0);
    before = resident();
    port = htons(http_port(server));
    assert_int_equal(write(to_child[1], &port, sizeof(port)), sizeof(port));
    EXPECT(read(from_child[0], &byte, 1) == 1, "the clients came through");
    assert_true(gate_wait(&parked, count));
    each = (resident() - before) / count;
    printf("%u parked: %zu bytes each\n", count, each);
    if (!SANITIZED) {
        EXPECT(each <= PARKED_BYTES_MAX, "%zu bytes", each);
    }
    print_rate(server, "/now", count);
    print_rate(server, "/soon", count);
    close(to_child[1]); /* the clients end: all of them hang up */
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(gate_wait(&ended, count));
    print_rate(server, "/soon", 0);
    close(from_child[0]);
    test_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parked)};

    return CHECK_RUN(tests);
}
