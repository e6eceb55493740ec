/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata user`, `agent`, `key`, `token`: with a server that holds the folder, and without one.
 */
#include "../people/world.h"

#include "cli/cli.h"
#include "server/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ARGS_MAX 12

static struct admin *admin;
static char out_text[64 * KIB], err_text[64 * KIB]; /* what the last command printed */

static int setup(void **state)
{
    if (world_setup(state) != 0) {
        return -1;
    }
    EXPECT(admin_start(&world.ctx, &world.instance, &admin) == FM_OK, "%s", world.ctx.detail);
    (void)setenv("FERMATA_DATA", world.dir, 1);
    return 0;
}

static int teardown(void **state)
{
    admin_stop(admin);
    admin = NULL;
    return world_teardown(state);
}

/* From now on nobody holds the folder: the command line opens it itself. */
static void stop_server(void)
{
    admin_stop(admin);
    admin = NULL;
    world_close();
}

static void start_server(void)
{
    world_open();
    EXPECT(admin_start(&world.ctx, &world.instance, &admin) == FM_OK, "%s", world.ctx.detail);
}

/* Running a command ---------------------------------------------------------------------------- */

struct redirected {
    int fd, saved;
    FILE *file;
};

static struct redirected redirect(int fd)
{
    struct redirected to = {.fd = fd, .saved = dup(fd), .file = tmpfile()};

    (void)fflush(NULL);
    EXPECT(to.saved >= 0 && to.file && dup2(fileno(to.file), fd) == fd, "%s", strerror(errno));
    return to;
}

static void restore(struct redirected *from, char *text, size_t room)
{
    size_t n;

    (void)fflush(NULL);
    (void)dup2(from->saved, from->fd);
    close(from->saved);
    rewind(from->file);
    n = fread(text, 1, room - 1, from->file);
    text[n] = '\0';
    (void)fclose(from->file);
}

/* stdin of the next command; NULL for an empty one. Returns the descriptor to restore. */
static int feed(const char *input)
{
    int saved = dup(STDIN_FILENO), ends[2];
    size_t n = input ? strlen(input) : 0;

    EXPECT(pipe2(ends, O_CLOEXEC) == 0, "%s", strerror(errno));
    EXPECT(write(ends[1], input ? input : "", n) == (ssize_t)n, "%s", strerror(errno));
    close(ends[1]);
    (void)dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    return saved;
}

/* Runs a subcommand with words split at blanks. */
static int run(int (*subcommand)(int, char **), const char *line, const char *input)
{
    char copy[512], *argv[ARGS_MAX + 1], *rest = copy;
    struct redirected out, err;
    int argc = 0, code, saved;

    (void)snprintf(copy, sizeof(copy), "%s", line);
    while (argc < ARGS_MAX && (argv[argc] = strsep(&rest, " ")) != NULL) {
        argc++;
    }
    argv[argc] = NULL;
    saved = feed(input);
    out = redirect(STDOUT_FILENO);
    err = redirect(STDERR_FILENO);
    code = subcommand(argc, argv);
    restore(&err, err_text, sizeof(err_text));
    restore(&out, out_text, sizeof(out_text));
    (void)dup2(saved, STDIN_FILENO);
    close(saved);
    return code;
}

static void run_ok(int (*subcommand)(int, char **), const char *line, const char *input)
{
    int code = run(subcommand, line, input);

    EXPECT(code == CLI_OK, "%s: %d %s", line, code, err_text);
    EXPECT(err_text[0] == '\0', "%s: on stderr: %s", line, err_text);
}

static bool printed(const char *part)
{
    return strstr(out_text, part) != NULL;
}

/* A member of the JSON that was printed. */
static struct str member(const char *name)
{
    const struct json *answer;

    EXPECT(json_parse(&world.ctx, arena_copy(world.arena, str_of(out_text)), &JSON_LIMITS_WIRE,
                      &answer) == FM_OK, "not JSON: %s", out_text);
    return json_text(json_get(answer, str_of(name)));
}

/* The tests ------------------------------------------------------------------------------------ */

#define ADD_ANA "user add ana --role reviewer --role lead --password-stdin"
#define PASSWORD "lamp-orbit-cactus"

static void test_user_add(void **state)
{
    const struct directory *directory;
    const struct person *ana;

    (void)state;
    run_ok(cli_user, ADD_ANA, PASSWORD "\n");
    EXPECT(printed("Added ana (rev_") && printed("reviewer, lead"), "%s", out_text);
    EXPECT(printed("can sign in"), "it says what is next: %s", out_text);
    EXPECT(!printed(PASSWORD), "it does not repeat the password");
    directory = directory_keep();
    ana = directory_person(directory, S("ana"));
    EXPECT(ana && ana->roles == (ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD)), "the roles");
    EXPECT(password_verify(ana->password, S(PASSWORD)), "the password, without the line end");
    directory_drop(directory);
    run_ok(cli_user, "user add ben --role admin", NULL);
    EXPECT(printed("fermata token create --user ben"), "%s", out_text);
    run_ok(cli_user, "user list", NULL);
    EXPECT(printed("NAME  ROLES           PASSWORD  ID\n"), "%s", out_text);
    EXPECT(printed("ana   reviewer, lead  yes       rev_"), "%s", out_text);
    EXPECT(printed("ben   admin           no        rev_"), "%s", out_text);
}

static void test_json(void **state)
{
    (void)state;
    run_ok(cli_user, ADD_ANA " --json", PASSWORD);
    EXPECT(str_starts(member("id"), S("rev_")) && !printed("\"ok\""), "%s", out_text);
    run_ok(cli_agent, "agent add bot --owner ana --host hooks.example --json", NULL);
    EXPECT(str_starts(member("id"), S("agt_")) && str_starts(member("key"), S("fka_")) &&
               str_starts(member("webhook_secret"), S("whsec_")), "%s", out_text);
    run_ok(cli_key, "key create --agent bot --json", NULL);
    EXPECT(str_starts(member("id"), S("key_")) && str_starts(member("key"), S("fka_")), "%s", out_text);
    run_ok(cli_token, "token create --user ana --json", NULL);
    EXPECT(str_starts(member("id"), S("key_")) && str_starts(member("token"), S("fkr_")) &&
               str_eq(member("key"), member("token")), "%s", out_text);
    run_ok(cli_token, "token create --service sky --scope read --json", NULL);
    EXPECT(str_starts(member("key"), S("fks_")) && str_eq(member("key"), member("token")), "%s",
           out_text);
    run_ok(cli_agent, "agent list --json", NULL);
    EXPECT(printed("\"hosts\":[\"hooks.example\"]") &&
               strchr(out_text, '\n') == out_text + strlen(out_text) - 1,
           "one line: %s", out_text);
    EXPECT(run(cli_agent, "agent add bot --owner ana --json", NULL) == CLI_FAILED, "again");
    EXPECT(out_text[0] == '\0' && strstr(err_text, "\"name\":\"already-exists\",\"status\":409}\n"),
           "%s%s", out_text, err_text);
}

static void test_agents_for_people(void **state)
{
    (void)state;
    run_ok(cli_user, ADD_ANA, PASSWORD "\r\n");
    run_ok(cli_agent, "agent list", NULL);
    EXPECT(printed("There is no agent yet"), "%s", out_text);
    run_ok(cli_agent, "agent add bot --owner ana", NULL);
    EXPECT(printed("  key             fka_") && printed("  webhook secret  whsec_") && printed("shown once"),
           "%s", out_text);
    run_ok(cli_key, "key create --agent bot", NULL);
    EXPECT(printed("Made a key for bot (key_") && printed("shown once"), "%s", out_text);
    run_ok(cli_token, "token create --user ana", NULL);
    EXPECT(printed("Made a token for ana (key_") && printed("shown once"), "%s", out_text);
    run_ok(cli_agent, "agent list", NULL);
    EXPECT(printed("NAME  OWNER  ID  ") && printed("HOSTS\nbot   ana    agt_") &&
               printed("  -\n"),
           "%s", out_text);
}

static void test_the_same_without_a_server(void **state)
{
    const struct directory *directory;
    struct str key;

    (void)state;
    stop_server();
    run_ok(cli_user, ADD_ANA " --json", PASSWORD);
    run_ok(cli_agent, "agent add bot --owner ana --json", NULL);
    key = member("key");
    run_ok(cli_user, "user list", NULL);
    EXPECT(printed("ana   reviewer, lead  yes"), "%s", out_text);
    start_server();
    directory = directory_keep();
    EXPECT(directory_credential(directory, key) != NULL, "the server finds what was made without it");
    directory_drop(directory);
}

static void test_a_folder_that_does_not_exist(void **state)
{
    char line[600], path[600];
    struct stat found;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/new", world.dir);
    (void)snprintf(line, sizeof(line), "user list --data %.500s", path);
    EXPECT(run(cli_user, line, NULL) == CLI_FAILED && strstr(err_text, "there is no data folder"), "%s",
           err_text);
    EXPECT(stat(path, &found) != 0, "looking makes nothing");
    (void)snprintf(line, sizeof(line), "user add ana --role lead --data %.500s", path);
    run_ok(cli_user, line, NULL);
    EXPECT(stat(path, &found) == 0 && S_ISDIR(found.st_mode), "the first user makes it");
}

static const struct {
    const char *row;
    int (*subcommand)(int, char **);
    const char *line, *input;
    int code;
    const char *want; /* on stderr */
} refusals[] = {
    {"no verb", cli_user, "user", NULL, CLI_USAGE, "usage: fermata user VERB"},
    {"an unknown verb", cli_user, "user remove", NULL, CLI_USAGE, "no verb remove"},
    {"no name", cli_user, "user add --role lead", NULL, CLI_USAGE, "fermata user add --help"},
    {"no role", cli_user, "user add ana", NULL, CLI_USAGE, "at least one --role"},
    {"an unknown role", cli_user, "user add ana --role boss", NULL, CLI_USAGE, "boss is no role"},
    {"a password in the open", cli_user, "user add ana --role lead --password x", NULL, CLI_USAGE,
     "no option --password"},
    {"no owner", cli_agent, "agent add bot", NULL, CLI_USAGE, "--owner"},
    {"no agent", cli_key, "key create", NULL, CLI_USAGE, "--agent"},
    {"no user", cli_token, "token create", NULL, CLI_USAGE, "--user"},
    {"a name that is not UTF-8", cli_user, "user add a\xff --role lead", NULL, CLI_USAGE, "UTF-8"},
    {"a bad name", cli_user, "user add Ana --role lead", NULL, CLI_FAILED, "lower case"},
    {"an empty password", cli_user, ADD_ANA, "\n", CLI_FAILED, "a password is one line"},
    {"no password at all", cli_user, ADD_ANA, "", CLI_FAILED, "a password is one line"},
    {"two lines", cli_user, ADD_ANA, PASSWORD "\nmore\n", CLI_FAILED, "a password is one line"},
    {"a common password", cli_user, ADD_ANA, "password", CLI_FAILED, "among the first"},
    {"an unknown owner", cli_agent, "agent add bot --owner zoe", NULL, CLI_FAILED,
     "there is no person named zoe"},
    {"a host with a port", cli_agent, "agent add bot --owner zoe --host a:1", NULL, CLI_FAILED, "a host is"},
    {"an unknown agent", cli_key, "key create --agent zoe", NULL, CLI_FAILED, "no agent named zoe"},
    {"an escape sequence", cli_key, "key create --agent \033[2J", NULL, CLI_FAILED,
     "no agent named \\u{1B}[2J"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        int code = run(refusals[i].subcommand, refusals[i].line, refusals[i].input);
        EXPECT(code == refusals[i].code, "%s: %d %s", refusals[i].row, code, err_text);
        EXPECT(strstr(err_text, refusals[i].want), "%s: %s", refusals[i].row, err_text);
        EXPECT(out_text[0] == '\0', "%s: on stdout: %s", refusals[i].row, out_text);
        EXPECT(!strchr(err_text, '\033'), "%s: escape on the terminal", refusals[i].row);
    }
}

static void test_a_password_of_256_bytes(void **state)
{
    char password[260];

    (void)state;
    for (size_t i = 0; i < sizeof(password); i++) {
        password[i] = (char)('a' + i * 7 % 26);
    }
    password[257] = '\0';
    EXPECT(run(cli_user, ADD_ANA, password) == CLI_FAILED, "257 bytes: %s", out_text);
    password[256] = '\0';
    run_ok(cli_user, ADD_ANA, password);
}

/* A server that ends in the middle is not an answer. */
static void test_a_server_that_hangs_up(void **state)
{
    struct sockaddr_un address;
    int dir_fd, fd, client;
    pid_t child;

    (void)state;
    stop_server();
    EXPECT(admin_address(&world.ctx, world.dir, &address, &dir_fd) == FM_OK, "%s", world.ctx.detail);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0, "%s",
           strerror(errno));
    child = fork();
    if (child == 0) { /* takes one client and ends */
        client = accept(fd, NULL, NULL);
        (void)recv(client, out_text, sizeof(out_text), 0);
        (void)recv(client, out_text, 1, MSG_DONTWAIT); /* the newline, which may come by itself */
        (void)send(client, "{\"ok\":", 6, MSG_NOSIGNAL);
        _exit(0);
    }
    close(fd);
    EXPECT(run(cli_user, "user list", NULL) == CLI_FAILED, "%s", out_text);
    EXPECT(strstr(err_text, "without an answer"), "%s", err_text);
    (void)waitpid(child, NULL, 0);
    (void)unlink(address.sun_path);
    start_server();
}

static void test_help(void **state)
{
    static const struct {
        int (*subcommand)(int, char **);
        const char *line, *want;
    } helps[] = {
        {cli_user, "user --help", "add a person"},
        {cli_user, "user add --help", "--password-stdin"},
        {cli_user, "user list --help", "--json"},
        {cli_agent, "agent add -h", "--owner USER"},
        {cli_agent, "agent list --help", "--data DIR"},
        {cli_key, "key create --help", "--agent NAME"},
        {cli_token, "token create --help", "--user NAME"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(helps); i++) {
        run_ok(helps[i].subcommand, helps[i].line, NULL);
        EXPECT(printed("usage: fermata ") && printed(helps[i].want), "%s: %s", helps[i].line, out_text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_user_add),
        TEST(test_json),
        TEST(test_agents_for_people),
        TEST(test_the_same_without_a_server),
        TEST(test_a_folder_that_does_not_exist),
        TEST(test_refusals),
        TEST(test_a_password_of_256_bytes),
        TEST(test_a_server_that_hangs_up),
        TEST(test_help),
    };

    return CHECK_RUN(tests);
}
