/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata demo`: finds what was installed for it (or lies in the checkout) and becomes the script
 * that runs it all: server, sample people, an agent at work, a link that signs in. See
 * docs/decisions/017.
 *
 * It must never touch a folder that the demo did not make; the script sees to that.
 */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRIPT "demo.sh"

struct demo_options {
    struct cli_common common;
    const char *port, *model_url, *model;
};

#define OPTION(member) offsetof(struct demo_options, member)
static const struct cli_option demo_table[] = {
    {"--port", CLI_VALUE, OPTION(port), "N",
     "on 127.0.0.1 (8600, or the next free one); 0 lets the kernel pick"},
    {"--model-url", CLI_VALUE, OPTION(model_url), "URL",
     "a chat completions endpoint that thinks for the agent; key in MODEL_KEY"},
    {"--model", CLI_VALUE, OPTION(model), "NAME", "which model to ask for"},
};

static const struct cli_usage demo_usage = {
    .line = "demo [--port N] [--model-url URL --model NAME]",
    .about = "A first look: a server with a sample policy, sample people and a support agent at\n"
             "work, and a link that signs you in. Ctrl-C stops it, the same command goes on.\n"
             "It makes the data folder; one that is there already is served as it is.\n"
             "Needs bash and curl, and python3 for the agent.",
    .options = demo_table,
    .option_count = COUNT_OF(demo_table),
    .common = CLI_TAKES_DATA,
};

/* Where the demo's files may be, seen from the folder of the binary: installed, in a checkout's
 * build/, in build/NAME/. */
static const char *const places[] = {"../share/fermata", "../examples", "../../examples"};

/* The folder of this binary; false when /proc does not say. `binary` is the whole path. */
static bool own_folder(char binary[PATH_MAX], char folder[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", binary, PATH_MAX - 1);
    char *slash;

    if (n <= 0) {
        return false;
    }
    binary[n] = '\0';
    (void)snprintf(folder, PATH_MAX, "%s", binary);
    slash = strrchr(folder, '/');
    if (!slash) {
        return false;
    }
    *slash = '\0';
    return true;
}

static bool found(const char *folder, const char *place, char script[PATH_MAX])
{
    int n = snprintf(script, PATH_MAX, "%s/%s/" SCRIPT, folder, place);

    return n > 0 && n < PATH_MAX && access(script, R_OK) == 0;
}

static bool find_script(const char *folder, char script[PATH_MAX])
{
    const char *named = getenv("FERMATA_SHARE");

    if (named) {
        return found(named, ".", script);
    }
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        if (found(folder, places[i], script)) {
            return true;
        }
    }
    return false;
}

static void tell(const char *name, const char *value)
{
    if (value) {
        (void)setenv(name, value, 1); /* without memory the script's default holds */
    }
}

static bool is_port(const char *text)
{
    uint64_t port;

    return str_to_u64(str_of(text), &port) && port <= UINT16_MAX;
}

int cli_demo(int argc, char **argv)
{
    struct demo_options options = {0};
    char binary[PATH_MAX], folder[PATH_MAX], script[PATH_MAX];
    int words, code = cli_parse(&demo_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (options.port && !is_port(options.port)) {
        return cli_misused(&demo_usage, "--port is 0 to 65535");
    }
    if (!own_folder(binary, folder) || !find_script(folder, script)) {
        fputs("fermata: the demo's files are not there; `make install` puts them into\n"
              "PREFIX/share/fermata, and FERMATA_SHARE names another folder with " SCRIPT "\n",
              stderr);
        return CLI_FAILED;
    }
    tell("FERMATA_BIN", binary);
    tell("FERMATA_DATA", options.common.dir);
    tell("PORT", options.port);
    tell("MODEL_URL", options.model_url);
    tell("MODEL_NAME", options.model);
    execlp("bash", "bash", script, (char *)NULL);
    fprintf(stderr, "fermata: bash cannot be run: %s\n", strerror(errno));
    return CLI_FAILED;
}
