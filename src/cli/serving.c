/* SPDX-License-Identifier: Apache-2.0
 *
 * The three places where a server's options come from. Names follow from the table: `--public-url`
 * is FERMATA_PUBLIC_URL in the environment and `public-url` in the file.
 *
 * A file is read only when it is named, and nothing in it or in the environment is passed over.
 */
#include "cli/serving.h"

#include "policy/policy.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 64

#define OPTION(member) offsetof(struct serving, member)
const struct cli_option serving_options[SERVING_OPTIONS] = {
    {"--config", CLI_VALUE, OPTION(config), "FILE",
     "a YAML file of these options without their dashes, `listen: 127.0.0.1:8600`"},
    {"--listen", CLI_VALUE, OPTION(listen), "HOST:PORT",
     "where to listen (127.0.0.1:8600); port 0 lets the kernel pick"},
    {"--policy", CLI_VALUE, OPTION(policy), "FILE",
     "the policy; without one the store's rules on, and in a new store every action is reviewed"},
    {"--policy-alone", CLI_FLAG, OPTION(policy_alone), NULL,
     "the file may loosen the policy while there have never been two with the role policy"},
    {"--public-url", CLI_VALUE, OPTION(public_url), "URL",
     "what browsers see behind a proxy, https://fermata.example"},
    {"--loops", CLI_VALUE, OPTION(loops), "N", "event loops; default one per core"},
    {"--callback-allow", CLI_REPEAT, OPTION(allow), "CIDR",
     "callbacks may go to this private network too, also by plain http; repeatable"},
    {"--callback-retry", CLI_VALUE, OPTION(retry), "DURATION",
     "wait after a callback's first failure (5s); threefold each time, up to 12h"},
    {"--callback-timeout", CLI_VALUE, OPTION(timeout), "DURATION",
     "what one attempt at a callback may take (15s)"},
    {"--metrics-open", CLI_FLAG, OPTION(metrics_open), NULL,
     "answer /metrics without a credential: where only the monitoring reaches the port"},
};

/* The folder is every command's option; the file may name it too. */
static const struct cli_option data_option = {"--data", CLI_VALUE,
                                              offsetof(struct serving, common.dir), "DIR", ""};

/* --- one value ------------------------------------------------------------------- */

static bool is_set(const struct serving *in, const struct cli_option *option)
{
    const void *member = (const char *)in + option->offset;

    switch (option->kind) {
    case CLI_FLAG:
        return *(const bool *)member;
    case CLI_VALUE:
        return *(const char *const *)member != NULL;
    case CLI_REPEAT:
        return ((const struct cli_values *)member)->count > 0;
    }
    return false;
}

/* Puts a text where the row says; what is wrong with it, or NULL. */
static const char *put(struct serving *in, const struct cli_option *option, const char *text)
{
    void *member = (char *)in + option->offset;
    struct cli_values *values = member;
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;

    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)member = yes;
        return yes || strcmp(text, "false") == 0 || strcmp(text, "0") == 0 ? NULL
                                                                            : "is true or false";
    case CLI_VALUE:
        *(const char **)member = text;
        return NULL;
    case CLI_REPEAT:
        if (values->count == CLI_VALUES_MAX) {
            return "has too many values";
        }
        values->items[values->count++] = text;
        return NULL;
    }
    return NULL;
}

/* --- environment ------------------------------------------------------------------- */

/* "--public-url" -> "FERMATA_PUBLIC_URL" */
static void variable_of(const char *option, char out[NAME_MAX_BYTES])
{
    size_t n = (size_t)snprintf(out, NAME_MAX_BYTES, "FERMATA_%s", option + 2);

    for (size_t i = 0; i < n && i < NAME_MAX_BYTES; i++) {
        out[i] = out[i] == '-'                      ? '_'
                 : out[i] >= 'a' && out[i] <= 'z' ? (char)(out[i] - 'a' + 'A')
                                                  : out[i];
    }
}

/* A repeated option's values stand side by side: "10.0.0.0/8,fd00::/8". */
static const char *put_variable(struct ctx *ctx, struct serving *in,
                                const struct cli_option *option, const char *text)
{
    struct str rest = str_of(text);
    const char *wrong = NULL;

    if (option->kind != CLI_REPEAT) {
        return put(in, option, text);
    }
    while (!wrong && rest.n) {
        struct str part = arena_copy(ctx->arena, str_split(&rest, ','));
        wrong = part.p ? put(in, option, part.p) : "does not fit into memory";
    }
    return wrong;
}

static int read_environment(struct ctx *ctx, const struct cli_usage *usage, struct serving *in)
{
    char variable[NAME_MAX_BYTES];

    for (size_t i = 0; i < SERVING_OPTIONS; i++) {
        const char *text, *wrong;
        variable_of(serving_options[i].name, variable);
        text = getenv(variable);
        if (is_set(in, &serving_options[i])) {
            in->said |= 1u << i;
            continue;
        }
        if (!text || !text[0]) {
            continue;
        }
        in->said |= 1u << i;
        wrong = put_variable(ctx, in, &serving_options[i], text);
        if (wrong) {
            return cli_misused(usage, "%s %s", variable, wrong);
        }
    }
    return CLI_GO;
}

/* --- file ------------------------------------------------------------------- */

static const struct cli_option *row_of(struct str name)
{
    for (size_t i = 1; i < SERVING_OPTIONS; i++) { /* 0: --config itself */
        if (str_eq(name, str_of(serving_options[i].name + 2))) {
            return &serving_options[i];
        }
    }
    return &data_option;
}

static const char *put_setting(struct serving *in, const struct cli_option *option,
                               const struct setting *setting)
{
    const char *wrong = NULL;

    if (setting->is_list && option->kind != CLI_REPEAT) {
        return "has one value, not a list";
    }
    for (size_t i = 0; !wrong && i < setting->count; i++) {
        wrong = strlen(setting->items[i].p) == setting->items[i].n
                    ? put(in, option, setting->items[i].p)
                    : "holds a NUL";
    }
    return wrong;
}

/* Everything in the file is looked at, also what an option or the environment has said. */
static int put_settings(const struct cli_usage *usage, struct serving *in,
                        const struct setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct cli_option *option = row_of(settings[i].name);
        bool said = option == &data_option ? !in->common.dir_by_default
                                           : in->said >> (option - serving_options) & 1;
        struct serving aside = {.config = NULL};
        const char *wrong = put_setting(said ? &aside : in, option, &settings[i]);
        if (wrong) {
            return cli_misused(usage, "%s:%u:%u: %.*s %s", in->config, settings[i].line,
                               settings[i].column, STR_ARG(settings[i].name), wrong);
        }
    }
    return CLI_GO;
}

static int read_file(struct ctx *ctx, const struct cli_usage *usage, struct serving *in)
{
    const char *names[SERVING_OPTIONS] = {data_option.name + 2}; /* in the place of --config */
    struct setting settings[SERVING_OPTIONS];
    size_t count;

    if (!in->config) {
        return CLI_GO;
    }
    for (size_t i = 1; i < SERVING_OPTIONS; i++) {
        names[i] = serving_options[i].name + 2;
    }
    if (settings_load(ctx, in->config, &(struct setting_names){names, SERVING_OPTIONS}, settings,
                      &count) != FM_OK) {
        return cli_misused(usage, "%s", ctx->detail);
    }
    return put_settings(usage, in, settings, count);
}

/* --- values ------------------------------------------------------------------- */

static int read_networks(const struct cli_usage *usage, const struct serving *in,
                         struct outgoing_rules *rules)
{
    for (size_t i = 0; i < in->allow.count; i++) {
        if (rules->allow_count == OUTGOING_ALLOW_MAX ||
            !cidr_parse(str_of(in->allow.items[i]), &rules->allow[rules->allow_count++])) {
            return cli_misused(usage, "--callback-allow wants networks such as 10.0.0.0/8 or"
                                      " fd00::/8, without bits behind the prefix");
        }
    }
    return CLI_GO;
}

static bool read_duration(const char *value, int64_t least_us, int64_t most_us, int64_t *out)
{
    return !value || (duration_parse(str_of(value), out) && *out >= least_us && *out <= most_us);
}

static int read_values(const struct cli_usage *usage, const struct serving *in,
                       struct server_options *out)
{
    uint64_t loops = 0;
    struct str host;
    uint16_t port;

    if (in->loops && (!str_to_u64(str_of(in->loops), &loops) || loops < 1 || loops > 64)) {
        return cli_misused(usage, "--loops is 1 to 64");
    }
    out->loops = (unsigned)loops;
    if (!read_duration(in->retry, SECOND_US, HOUR_US, &out->callbacks.retry_us)) {
        return cli_misused(usage, "--callback-retry is 1s to 1h");
    }
    if (!read_duration(in->timeout, SECOND_US, MINUTE_US, &out->callbacks.timeout_us)) {
        return cli_misused(usage, "--callback-timeout is 1s to 60s");
    }
    if (!server_read_listen(out->listen, &host, &port)) {
        return cli_misused(usage, "--listen wants HOST:PORT, such as 127.0.0.1:8600; a port is at"
                                  " most 65535");
    }
    return read_networks(usage, in, &out->callbacks.rules);
}

int serving_read(struct ctx *ctx, const struct cli_usage *usage, struct serving *in,
                 struct server_options *out)
{
    int code = read_environment(ctx, usage, in);

    code = code == CLI_GO ? read_file(ctx, usage, in) : code;
    if (code != CLI_GO) {
        return code;
    }
    *out = (struct server_options){
        .dir = in->common.dir,
        .listen = in->listen ? in->listen : "127.0.0.1:8600",
        .policy = in->policy,
        .policy_alone = in->policy_alone,
        .public_url = in->public_url,
        .metrics_open = in->metrics_open,
    };
    return read_values(usage, in, out);
}
