/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata schema check`: exit codes and what stands on stdout, for people and for machines.
 */
#include "../check.h"

#include "cli/cli.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH_MAX_BYTES 40

/* Makes a file of that text, by a path that can be opened while the descriptor is. */
static int file_of(const char *text, char path[PATH_MAX_BYTES])
{
    int fd = memfd_create("file", 0);

    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)snprintf(path, PATH_MAX_BYTES, "/proc/self/fd/%d", fd);
    return fd;
}

/* Runs the command with stdout in a file; its text is in `out`. */
static int run(char **argv, char *out, size_t size)
{
    int argc = 0, code, fd = memfd_create("stdout", 0), kept = dup(STDOUT_FILENO);
    ssize_t n;

    while (argv[argc]) {
        argc++;
    }
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    code = cli_schema(argc, argv);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    n = pread(fd, out, size - 1, 0);
    out[n > 0 ? n : 0] = '\0';
    close(fd);
    close(kept);
    return code;
}

static const struct {
    const char *name, *schema, *value, *flag;
    int code;
    const char *out;
} rows[] = {
    {"a good schema", "{\"type\":\"object\"}", NULL, NULL, CLI_OK, "the schema is good\n"},
    {"a value that matches", "{\"type\":\"object\"}", "{}", NULL, CLI_OK, "the value matches\n"},
    {"one that does not", "{\"required\":[\"a\"],\"type\":\"object\"}", "{}", NULL, CLI_FAILED,
     "value /a: is required\n"},
    {"the whole", "{\"type\":\"object\"}", "5", NULL, CLI_FAILED,
     "value (all): must be an object, not a number\n"},
    {"nothing acts on the terminal", "{\"properties\":{},\"additionalProperties\":false}",
     "{\"\\u202e\":1}", NULL, CLI_FAILED, "value /\\u{202E}: is not known here\n"},
    {"for machines", "{\"minimum\":5}", "4", "--json", CLI_FAILED,
     "{\"valid\":false,\"checked\":\"value\",\"errors\":[{\"pointer\":\"\",\"keyword\":\"minimum\","
     "\"schema_pointer\":\"/minimum\",\"message\":\"must be at least 5\"}]}\n"},
    {"a slip", "{\"minimun\":5}", NULL, NULL, CLI_FAILED,
     "schema /minimun: minimun is not a keyword of JSON Schema 2020-12; did you mean \"minimum\"?; "
     "notes of your own begin with x-\n"},
    {"a slip, let pass", "{\"minimun\":5}", "4", "--lenient", CLI_OK, "the value matches\n"},
    {"no JSON", "{", NULL, NULL, CLI_FAILED, ""},
};

static void test_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char schema[PATH_MAX_BYTES], value[PATH_MAX_BYTES], out[1024];
        char *argv[7] = {"schema", "check", schema};
        int argc = 3, schema_fd = file_of(rows[i].schema, schema);
        int value_fd = file_of(rows[i].value ? rows[i].value : "", value);
        if (rows[i].value) {
            argv[argc++] = value;
        }
        if (rows[i].flag) {
            argv[argc++] = (char *)(uintptr_t)rows[i].flag;
        }
        EXPECT(run(argv, out, sizeof(out)) == rows[i].code, "%s: %s", rows[i].name, out);
        close(schema_fd);
        close(value_fd);
        EXPECT_STR(rows[i].name, str_of(out), str_of(rows[i].out));
    }
}

static void test_usage(void **state)
{
    char *none[] = {"schema", "check", NULL}, *missing[] = {"schema", "check", "/nowhere", NULL};
    char out[1024];

    (void)state;
    assert_int_equal(run(none, out, sizeof(out)), CLI_USAGE);
    assert_int_equal(run(missing, out, sizeof(out)), CLI_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_usage),
    };

    return CHECK_RUN(tests);
}
