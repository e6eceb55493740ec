/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin socket: its line protocol, its bounds, and what its commands do to people and agents.
 */
#include "../people/world.h"

#include "server/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

static struct admin *admin;
static char got[256 * KIB]; /* the last answer */

/* Begin and end -------------------------------------------------------------------------------- */

static void start(struct admin_limits limits)
{
    EXPECT(admin_start_limited(&world.ctx, &world.instance, limits, &admin) == FM_OK, "starting: %s",
           world.ctx.detail);
}

static void start_usual(void)
{
    start((struct admin_limits){ADMIN_CLIENTS_MAX, ADMIN_IDLE_MS});
}

static int teardown(void **state)
{
    admin_stop(admin);
    admin = NULL;
    return world_teardown(state);
}

/* A client ------------------------------------------------------------------------------------- */

static int dial(void)
{
    struct timeval patience = {.tv_sec = 60}; /* only a broken server is waited for so long */
    struct sockaddr_un address;
    int dir_fd, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    EXPECT(admin_address(&world.ctx, world.dir, &address, &dir_fd) == FM_OK, "%s", world.ctx.detail);
    EXPECT(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s", strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    return fd;
}

static void say(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t n = send(fd, text.p, text.n, MSG_NOSIGNAL);
        EXPECT(n > 0, "sending: %s", strerror(errno));
        text = str_skip(text, (size_t)n);
    }
}

/* Reads one line into `got`; false at the end of the stream. */
static bool hear(int fd)
{
    size_t n = 0;

    while (n + 1 < sizeof(got)) {
        ssize_t one = recv(fd, got + n, 1, 0);
        if (one == 0 || (one < 0 && errno == ECONNRESET)) {
            got[n] = '\0';
            return false;
        }
        EXPECT(one == 1, "receiving: %s", strerror(errno));
        if (got[n++] == '\n') {
            break;
        }
    }
    got[n] = '\0';
    return true;
}

static void ask(int fd, const char *line)
{
    say(fd, str_of(line));
    say(fd, S("\n"));
    EXPECT(hear(fd), "no answer to %s", line);
}

static bool heard(const char *part)
{
    return strstr(got, part) != NULL;
}

/* A string member of the last answer. */
static struct str member(const char *name)
{
    const struct json *answer;

    EXPECT(json_parse(&world.ctx, arena_copy(world.arena, str_of(got)), &JSON_LIMITS_WIRE, &answer) ==
               FM_OK, "not JSON: %s", got);
    return json_text(json_get(answer, str_of(name)));
}

/* The protocol --------------------------------------------------------------------------------- */

static const struct {
    const char *row, *line, *want;
} lines[] = {
    {"an empty list", "{\"command\":\"person.list\"}", "{\"ok\":true,\"items\":[]}\n"},
    {"white space around it", " \t{ \"command\" : \"person.list\" }\r", "\"ok\":true"},
    {"empty arguments", "{\"command\":\"agent.list\",\"arguments\":{}}", "\"ok\":true"},
    {"an empty line", "", "\"status\":400,\"name\":\"invalid-json\""},
    {"half an object", "{\"command\":", "\"status\":400"},
    {"two objects", "{\"command\":\"person.list\"}{}", "\"status\":400"},
    {"no JSON", "person list", "\"status\":400"},
    {"NUL", "{\"command\":\"person\\u0000list\"}", "\"status\":400"},
    {"not UTF-8", "{\"command\":\"\xff\"}", "\"status\":400"},
    {"too deep", "{\"arguments\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}", "\"status\":400"},
    {"an array", "[\"person.list\"]", "\"ok\":false,\"status\":422"},
    {"no command", "{}", "\"ok\":false,\"status\":422"},
    {"a number as command", "{\"command\":7}", "\"ok\":false,\"status\":422"},
    {"an unknown command", "{\"command\":\"person.remove\"}", "\"name\":\"invalid-argument\""},
    {"an unknown member", "{\"command\":\"person.list\",\"arg\":{}}", "\"name\":\"unknown-member\""},
    {"arguments that are none", "{\"command\":\"person.list\",\"arguments\":[]}", "\"status\":422"},
    {"an unknown argument", "{\"command\":\"person.list\",\"arguments\":{\"all\":true}}",
     "\"name\":\"unknown-member\""},
    {"no name", "{\"command\":\"person.add\",\"arguments\":{\"roles\":[\"reviewer\"]}}", "/name"},
    {"no roles", "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\"}}", "/roles"},
    {"empty roles", "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"roles\":[]}}",
     "at least one role"},
    {"a role that does not exist",
     "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"roles\":[\"lead\",\"boss\"]}}",
     "/roles/1: a role is"},
    {"a role that is no text",
     "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"roles\":[1]}}", "/roles/0"},
    {"a bad name", "{\"command\":\"person.add\",\"arguments\":{\"name\":\"A\",\"roles\":[\"lead\"]}}",
     "lower case"},
    {"a bad password",
     "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"roles\":[\"lead\"],"
     "\"password\":\"password\"}}",
     "among the first"},
    {"a host that is no text",
     "{\"command\":\"agent.add\",\"arguments\":{\"name\":\"bot\",\"owner\":\"ana\",\"hosts\":[null]}}",
     "/hosts/0"},
    {"an unknown owner",
     "{\"command\":\"agent.add\",\"arguments\":{\"name\":\"bot\",\"owner\":\"ana\"}}",
     "\"status\":404,\"name\":\"not-found\",\"detail\":\"there is no person named ana\""},
    {"an unknown agent", "{\"command\":\"key.create\",\"arguments\":{\"agent\":\"bot\"}}",
     "\"status\":404"},
    {"an unknown person", "{\"command\":\"token.create\",\"arguments\":{\"person\":\"ana\"}}",
     "\"status\":404"},
    {"and the connection still works", "{\"command\":\"person.list\"}", "\"items\":[]"},
};

static void test_lines(void **state)
{
    int fd;

    (void)state;
    start_usual();
    fd = dial();
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        ask(fd, lines[i].line);
        EXPECT(heard(lines[i].want), "%s: %s", lines[i].row, got);
        EXPECT(heard("\"ok\":true") != heard("\"detail\":"), "%s: %s", lines[i].row, got);
    }
    close(fd);
}

#define LIST "{\"command\":\"person.list\"}"

static void test_lines_need_not_come_one_by_one(void **state)
{
    int fd;

    (void)state;
    start_usual();
    fd = dial();
    say(fd, S(LIST "\n" LIST "\n{\"command\":\"agent"));
    EXPECT(hear(fd) && heard("items"), "the first: %s", got);
    EXPECT(hear(fd) && heard("items"), "the second: %s", got);
    say(fd, S(".list\"}\n"));
    EXPECT(hear(fd) && heard("items"), "the third, which came in two parts: %s", got);
    say(fd, S(LIST "\n"));
    (void)shutdown(fd, SHUT_WR);
    EXPECT(hear(fd) && heard("items"), "an answer after the client has said all: %s", got);
    EXPECT(!hear(fd), "then the end");
    close(fd);
}

/* A line of `n` bytes with its newline: a list with blanks behind it. A server that has heard enough may
 * close before all of it is sent. */
static void say_padded(int fd, size_t n)
{
    char *line = malloc(n);
    ssize_t sent = 1;

    memset(line, ' ', n);
    memcpy(line, LIST, strlen(LIST));
    line[n - 1] = '\n';
    for (size_t at = 0; at < n && sent > 0; at += (size_t)sent) {
        sent = send(fd, line + at, n - at, MSG_NOSIGNAL);
    }
    free(line);
}

static void test_the_longest_line(void **state)
{
    int fd;

    (void)state;
    start_usual();
    fd = dial();
    say_padded(fd, ADMIN_LINE_MAX);
    EXPECT(hear(fd) && heard("\"ok\":true"), "64 KiB with the newline: %s", got);
    say_padded(fd, ADMIN_LINE_MAX + 1);
    EXPECT(hear(fd) && heard("\"status\":413,\"name\":\"too-large\""), "one more: %s", got);
    EXPECT(!hear(fd), "and the connection is closed");
    close(fd);
    fd = dial();
    ask(fd, LIST);
    EXPECT(heard("\"ok\":true"), "others are served: %s", got);
    close(fd);
}

/* Bounds --------------------------------------------------------------------------------------- */

static void test_one_client_too_many(void **state)
{
    int first, second, third;

    (void)state;
    start((struct admin_limits){2, ADMIN_IDLE_MS});
    first = dial();
    ask(first, LIST);
    second = dial();
    ask(second, LIST);
    third = dial();
    EXPECT(hear(third) && heard("\"status\":503,\"name\":\"overloaded\""), "the third: %s", got);
    EXPECT(!hear(third), "is closed");
    close(third);
    close(first);
    ask(second, LIST); /* behind it the place of the first is free */
    third = dial();
    ask(third, LIST);
    EXPECT(heard("\"ok\":true"), "a place is used again: %s", got);
    close(second);
    close(third);
}

static void test_a_silent_client_is_closed(void **state)
{
    int silent, halting;

    (void)state;
    start((struct admin_limits){ADMIN_CLIENTS_MAX, 20});
    silent = dial();
    EXPECT(!hear(silent), "one that says nothing: %s", got);
    halting = dial();
    say(halting, S("{\"command\":"));
    EXPECT(!hear(halting), "one that stops in the middle: %s", got);
    close(silent);
    close(halting);
}

static void test_a_client_that_does_not_listen(void **state)
{
    int deaf, other;

    (void)state;
    start_usual();
    deaf = dial();
    for (int i = 0; i < 100000; i++) { /* until neither side takes more */
        if (send(deaf, "{}\n", 3, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            break;
        }
    }
    EXPECT(errno == EAGAIN, "the server stopped reading: %s", strerror(errno));
    other = dial();
    ask(other, LIST);
    EXPECT(heard("\"ok\":true"), "another one is served: %s", got);
    close(other);
    close(deaf);
}

static void test_clients_that_leave(void **state)
{
    int fd;

    (void)state;
    start_usual();
    for (int i = 0; i < 50; i++) {
        fd = dial();
        say(fd, S(LIST "\n" LIST "\n{\"comm"));
        close(fd);
    }
    fd = dial();
    ask(fd, LIST);
    EXPECT(heard("\"ok\":true"), "the server is well: %s", got);
    close(fd);
}

/* The socket's file ---------------------------------------------------------------------------- */

static const char *socket_path(void)
{
    static char path[600];

    (void)snprintf(path, sizeof(path), "%s/admin.sock", world.dir);
    return path;
}

static void test_the_file_is_ours_alone(void **state)
{
    mode_t mask = umask(0);
    struct stat found;

    (void)state;
    start_usual();
    (void)umask(mask);
    EXPECT(stat(socket_path(), &found) == 0, "%s", strerror(errno));
    EXPECT(S_ISSOCK(found.st_mode) && (found.st_mode & 0777) == 0600, "mode %o", found.st_mode);
    admin_stop(admin);
    admin = NULL;
    EXPECT(stat(socket_path(), &found) != 0 && errno == ENOENT, "a stop removes it");
}

static void test_a_socket_left_behind_is_replaced(void **state)
{
    struct sockaddr_un address;
    int dir_fd, fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    EXPECT(admin_address(&world.ctx, world.dir, &address, &dir_fd) == FM_OK, "%s", world.ctx.detail);
    EXPECT(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "%s", strerror(errno));
    close(fd);
    start_usual();
    fd = dial();
    ask(fd, LIST);
    EXPECT(heard("\"ok\":true"), "%s", got);
    close(fd);
}

static void test_a_file_in_the_way_is_not_removed(void **state)
{
    struct admin *none = NULL;
    struct stat found;
    int fd = open(socket_path(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    (void)state;
    close(fd);
    EXPECT(admin_start(&world.ctx, &world.instance, &none) == FM_E_INTERNAL && !none, "it must refuse");
    EXPECT(strstr(world.ctx.detail, "not a socket"), "%s", world.ctx.detail);
    EXPECT(stat(socket_path(), &found) == 0 && S_ISREG(found.st_mode), "the file is still there");
}

/* A folder whose path does not fit into a socket's address. */
static void test_a_long_path(void **state)
{
    char parent[512], longer[64];
    int fd;

    (void)state;
    (void)snprintf(parent, sizeof(parent), "%s", world.dir);
    world_close();
    memset(longer, 'd', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    (void)snprintf(world.dir, sizeof(world.dir), "%.200s/%s", parent, longer);
    EXPECT(mkdir(world.dir, 0700) == 0, "%s", strerror(errno));
    (void)snprintf(world.dir, sizeof(world.dir), "%.200s/%s/%s", parent, longer, longer);
    EXPECT(mkdir(world.dir, 0700) == 0, "%s", strerror(errno));
    world_open();
    start_usual();
    fd = dial();
    ask(fd, LIST);
    EXPECT(heard("\"ok\":true"), "%s", got);
    close(fd);
    admin_stop(admin);
    admin = NULL;
    EXPECT(access(socket_path(), F_OK) != 0, "a stop removes it there too");
    world_close();
    (void)snprintf(world.dir, sizeof(world.dir), "%s", parent);
    world_open();
}

/* The commands --------------------------------------------------------------------------------- */

static void test_people(void **state)
{
    const struct directory *directory;
    const struct person *ana;
    int fd;

    (void)state;
    start_usual();
    fd = dial();
    ask(fd, "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"password\":\"lamp-orbit-cactus\","
            "\"roles\":[\"lead\",\"reviewer\",\"lead\"]}}");
    EXPECT(heard("\"ok\":true") && heard("\"roles\":[\"reviewer\",\"lead\"]"), "%s", got);
    directory = directory_keep();
    ana = directory_person(directory, S("ana"));
    EXPECT(ana && str_starts(member("id"), S("rev_")), "the answer comes after the commit: %s", got);
    EXPECT(password_verify(ana->password, S("lamp-orbit-cactus")), "the password fits");
    EXPECT(!password_verify(ana->password, S("lamp-orbit-cactuS")), "another does not");
    directory_drop(directory);
    ask(fd, "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"roles\":[\"admin\"]}}");
    EXPECT(heard("\"status\":409,\"name\":\"already-exists\""), "%s", got);
    ask(fd, "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ben\",\"roles\":[\"admin\"]}}");
    EXPECT(heard("\"ok\":true"), "%s", got);
    ask(fd, LIST);
    EXPECT(heard("\"name\":\"ana\",\"roles\":[\"reviewer\",\"lead\"],\"password\":true}"), "%s", got);
    EXPECT(heard("\"name\":\"ben\",\"roles\":[\"admin\"],\"password\":false}"), "%s", got);
    EXPECT(!heard("argon2"), "no hash leaves the store: %s", got);
    close(fd);
}

static void add_ana_and_bot(int fd)
{
    ask(fd, "{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"roles\":[\"reviewer\"]}}");
    ask(fd, "{\"command\":\"agent.add\",\"arguments\":{\"name\":\"bot\",\"owner\":\"ana\","
            "\"hosts\":[\"hooks.example\"]}}");
    EXPECT(heard("\"ok\":true"), "%s", got);
}

static void test_agents_and_keys(void **state)
{
    const struct directory *directory;
    struct str key, token;
    int fd;

    (void)state;
    start_usual();
    fd = dial();
    add_ana_and_bot(fd);
    EXPECT(str_starts(member("webhook_secret"), S("whsec_")), "%s", got);
    key = member("key");
    ask(fd, "{\"command\":\"key.create\",\"arguments\":{\"agent\":\"bot\"}}");
    EXPECT(str_starts(member("id"), S("key_")) && !str_eq(member("key"), key), "%s", got);
    ask(fd, "{\"command\":\"token.create\",\"arguments\":{\"person\":\"ana\"}}");
    token = member("token");
    directory = directory_keep();
    EXPECT(directory_credential(directory, key)->kind == CREDENTIAL_AGENT_KEY, "the key");
    EXPECT(directory_credential(directory, token)->kind == CREDENTIAL_TOKEN, "the token");
    directory_drop(directory);
    ask(fd, "{\"command\":\"agent.list\"}");
    EXPECT(heard("\"name\":\"bot\",\"owner\":\"ana\",\"hosts\":["), "%s", got);
    EXPECT(!heard("fka_") && !heard("whsec_"), "no secret is shown twice: %s", got);
    close(fd);
}

static void test_without_a_socket(void **state)
{
    AUTO(buf_done) struct buf answer = BUF_INIT(ADMIN_ANSWER_MAX);
    const struct json *request;

    (void)state;
    EXPECT(json_parse(&world.ctx,
                      S("{\"command\":\"person.add\",\"arguments\":{\"name\":\"ana\",\"roles\":[\"lead\"]}}"),
                      &JSON_LIMITS_WIRE, &request) == FM_OK, "%s", world.ctx.detail);
    EXPECT(admin_run(&world.ctx, &world.instance, request, &answer) == FM_OK, "%s", world.ctx.detail);
    EXPECT(str_starts(buf_str(&answer), S("{\"ok\":true,\"id\":\"rev_")), "%.*s",
           STR_ARG(buf_str(&answer)));
    buf_reset(&answer);
    EXPECT(admin_run(&world.ctx, &world.instance, request, &answer) == FM_E_EXISTS, "again");
    EXPECT_STR("the problem", buf_str(&answer),
               S("{\"ok\":false,\"status\":409,\"name\":\"already-exists\","
                 "\"detail\":\"there is a person named ana already\"}"));
}

static void test_an_answer_too_long_is_a_problem(void **state)
{
    AUTO(buf_done) struct buf answer = BUF_INIT(200);
    const struct json *request;
    int fd;

    (void)state;
    start_usual();
    fd = dial();
    add_ana_and_bot(fd);
    ask(fd, "{\"command\":\"person.add\",\"arguments\":{\"name\":\"another-name\",\"roles\":[\"lead\","
            "\"policy\",\"auditor\",\"admin\"]}}");
    close(fd);
    EXPECT(json_parse(&world.ctx, S(LIST), &JSON_LIMITS_WIRE, &request) == FM_OK, "parse");
    EXPECT(admin_run(&world.ctx, &world.instance, request, &answer) == FM_E_TOO_LARGE, "%.*s",
           STR_ARG(buf_str(&answer)));
    EXPECT(str_starts(buf_str(&answer), S("{\"ok\":false,\"status\":413")), "%.*s",
           STR_ARG(buf_str(&answer)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines),
        TEST(test_lines_need_not_come_one_by_one),
        TEST(test_the_longest_line),
        TEST(test_one_client_too_many),
        TEST(test_a_silent_client_is_closed),
        TEST(test_a_client_that_does_not_listen),
        TEST(test_clients_that_leave),
        TEST(test_the_file_is_ours_alone),
        TEST(test_a_socket_left_behind_is_replaced),
        TEST(test_a_file_in_the_way_is_not_removed),
        TEST(test_a_long_path),
        TEST(test_people),
        TEST(test_agents_and_keys),
        TEST(test_without_a_socket),
        TEST(test_an_answer_too_long_is_a_problem),
    };

    return CHECK_RUN(tests);
}
