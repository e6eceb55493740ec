/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata cel eval`: exit codes, what stands on stdout, and complaints with their caret on stderr.
 */
#include "../check.h"

#include "cli/cli.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARGS_MAX 10

/* One of the standard streams, in a file while the command runs. */
struct stream {
    int fd, file, kept;
};

static struct stream redirect(int fd)
{
    struct stream stream = {fd, memfd_create("stream", 0), dup(fd)};

    assert_true(stream.file >= 0 && stream.kept >= 0);
    dup2(stream.file, fd);
    return stream;
}

static void restore(struct stream stream, char *out, size_t size)
{
    ssize_t n;

    dup2(stream.kept, stream.fd);
    n = pread(stream.file, out, size - 1, 0);
    out[n > 0 ? n : 0] = '\0';
    close(stream.file);
    close(stream.kept);
}

/* Runs the command; `in` is its stdin, `out` and `err` are what it said. */
static int run(char **argv, const char *in, char out[2048], char err[2048])
{
    struct stream streams[3];
    char ignored[2048];
    int argc = 0, code;

    while (argv[argc]) {
        argc++;
    }
    fflush(stdout);
    for (int fd = 0; fd < 3; fd++) {
        streams[fd] = redirect(fd);
    }
    assert_true(write(streams[0].file, in, strlen(in)) == (ssize_t)strlen(in));
    assert_true(lseek(streams[0].file, 0, SEEK_SET) == 0);
    clearerr(stdin);
    code = cli_cel(argc, argv);
    fflush(stdout);
    fflush(stderr);
    restore(streams[0], ignored, sizeof(ignored));
    restore(streams[1], out, 2048);
    restore(streams[2], err, 2048);
    return code;
}

#define ARGS_VAR "args={\"amount\":74.5,\"name\":\"L\\u001b[31m\"}"

static const struct {
    const char *name, *argv[5], *in;
    int code;
    const char *out, *err;
} rows[] = {
    {"a value", {"1 + 2"}, "", CLI_OK, "3\n", ""},
    {"false is an answer, too", {"1 > 2"}, "", CLI_OK, "false\n", ""},
    {"a variable", {"args.amount > 50", "--var", ARGS_VAR}, "", CLI_OK, "true\n", ""},
    {"from stdin", {"amount * 2", "--vars", "-"}, "{\"amount\":2}", CLI_OK, "4\n", ""},
    {"why", {"args.amount > 50", "--var", ARGS_VAR, "--why"}, "", CLI_OK,
     "true\n  args.amount = 74.5\n", ""},
    {"for machines", {"args.amount > 50", "--var", ARGS_VAR, "--json", "--why"}, "", CLI_OK,
     "{\"value\":true,\"text\":\"true\",\"cost\":4,\"facts\":[{\"text\":\"args.amount\",\"value\":74.5}]}\n",
     ""},
    {"nothing acts on the terminal", {"args.name", "--var", ARGS_VAR}, "", CLI_OK,
     "'L\\u{1B}[31m'\n", ""},
    {"a type", {"[1, 2].map(x, x * 2)", "--type-check"}, "", CLI_OK, "list(int)\n", ""},
    {"a tree", {"a + 1", "--ast", "--var", "a=1"}, "", CLI_OK,
     "call _+_ : dyn\n  variable a : dyn\n  constant 1 : int\n", ""},
    {"now is a time", {"type(now) == google.protobuf.Timestamp"}, "", CLI_OK, "true\n", ""},
    {"now is what is given", {"now", "--var", "now=5"}, "", CLI_OK, "5\n", ""},
    {"a slip", {"arg.amount > 50", "--var", ARGS_VAR}, "", CLI_FAILED, "",
     "1:1: there is no arg here; did you mean args?\n | arg.amount > 50\n | ^\n"},
    {"a slip, for machines", {"arg.amount", "--var", ARGS_VAR, "--json"}, "", CLI_FAILED,
     "{\"findings\":[{\"line\":1,\"column\":1,\"message\":\"there is no arg here\",\"suggestion\":\"args\"}]}\n",
     ""},
    {"it fails", {"args.other > 1", "--var", ARGS_VAR}, "", CLI_FAILED, "",
     "1:6: no such key: other\n | args.other > 1\n |      ^\n"},
    {"a slip in what is there", {"args.amuont > 1", "--var", ARGS_VAR}, "", CLI_FAILED, "",
     "1:6: no such key: amuont; did you mean amount?\n | args.amuont > 1\n |      ^\n"},
    {"it takes too long", {"x.all(a, x.all(b, x.all(c, x.all(d, a + b >= 0))))", "--vars", "-"},
     "{\"x\":[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9]}", CLI_FAILED, "",
     "1:46: the evaluation takes more steps than it may: put what is cheap and decides first, or look at fewer "
     "items\n | x.all(a, x.all(b, x.all(c, x.all(d, a + b >= 0))))\n"
     " |                                              ^\n"},
    {"a minus in front", {"--", "-7 / 2"}, "", CLI_OK, "-3\n", ""},
    {"a function of policies", {"mentions('a', 'b')"}, "", CLI_FAILED, "",
     "1:1: mentions() is a function of policies, which needs their lexicons: try it in a policy file's tests with "
     "`fermata policy test FILE`\n | mentions('a', 'b')\n | ^\n"},
    {"a number that is not kept", {"a", "--var", "a=9007199254740993"}, "", CLI_FAILED, "",
     "fermata: --var a: its value cannot be read: a number beyond 2^53 is not kept exactly; send it as a string "
     "(at byte 0)\n"},
    {"it fails, for machines", {"1 / 0", "--json"}, "", CLI_FAILED,
     "{\"error\":\"1:3: division by zero\",\"kind\":\"failed\",\"cost\":7}\n", ""},
    {"lines", {"--lines"}, "1 + 1\n1 +\n1 / 0", CLI_OK,
     "{\"value\":2,\"text\":\"2\",\"cost\":1}\n"
     "{\"findings\":[{\"line\":1,\"column\":4,\"message\":\"the expression ends where a value, a name or ( is "
     "wanted\",\"suggestion\":null}]}\n"
     "{\"error\":\"1:3: division by zero\",\"kind\":\"failed\",\"cost\":7}\n", ""},
    {"no JSON", {"a", "--var", "a=b"}, "", CLI_FAILED, "",
     "fermata: --var a: its value cannot be read: not a JSON value (at byte 0); a text needs its quotes: "
     "a='\"...\"'\n"},
    {"no object", {"a", "--vars", "-"}, "[1]", CLI_FAILED, "", "fermata: - is not a JSON object\n"},
    {"no file", {"a", "--vars", "/nowhere"}, "", CLI_FAILED, "", "fermata: /nowhere cannot be read\n"},
};

static void test_eval(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *argv[ARGS_MAX] = {(char *)(uintptr_t) "cel", (char *)(uintptr_t) "eval"};
        char out[2048], err[2048];
        int code;
        for (size_t k = 0; k < COUNT_OF(rows[i].argv) && rows[i].argv[k]; k++) {
            argv[2 + k] = (char *)(uintptr_t)rows[i].argv[k];
        }
        code = run(argv, rows[i].in, out, err);
        EXPECT_STR(rows[i].name, str_of(err), str_of(rows[i].err));
        EXPECT_STR(rows[i].name, str_of(out), str_of(rows[i].out));
        EXPECT(code == rows[i].code, "%s: %d", rows[i].name, code);
    }
}

static void test_usage(void **state)
{
    static const char *const wrong[][4] = {
        {NULL}, {"1", "2", NULL}, {"1", "--vr", NULL}, {"-7 / 2", NULL}, {"--lines", "1", NULL}, {"1", "--var", NULL}};
    char out[2048], err[2048];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char *argv[ARGS_MAX] = {(char *)(uintptr_t) "cel", (char *)(uintptr_t) "eval"};
        for (size_t k = 0; wrong[i][k]; k++) {
            argv[2 + k] = (char *)(uintptr_t)wrong[i][k];
        }
        EXPECT(run(argv, "", out, err) == CLI_USAGE, "%zu: %s%s", i, out, err);
        EXPECT(strstr(err, "usage: fermata cel eval"), "%s", err);
        EXPECT(!wrong[i][0] || wrong[i][0][0] != '-' || wrong[i][0][1] == '-' ||
                   strstr(err, "what begins with - and is no option stands behind --"),
               "%s", err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval),
        cmocka_unit_test(test_usage),
    };

    return CHECK_RUN(tests);
}
