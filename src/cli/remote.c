/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP through libcurl: one connection, no redirects, bounded times and bytes.
 */
#include "cli/remote.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#define DEFAULT_URL     "http://127.0.0.1:8600"
#define ANSWER_MAX      (32 * MIB) /* the largest single read of the interface is 24 */
#define CONNECT_WAIT_MS 10000L
#define ANSWER_WAIT_MS  60000L

static const struct json_limits answer_limits = {
    .bytes = ANSWER_MAX, .depth = 80, .values = 2000000};

/* --- address and token ------------------------------------------------------------------------ */

static bool is_this_machine(struct str host)
{
    static const struct str names[] = {STR("127.0.0.1"), STR("localhost"), STR("[::1]")};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct str rest = str_skip(host, names[i].n);
        if (str_starts(host, names[i]) && (rest.n == 0 || rest.p[0] == ':')) {
            return true;
        }
    }
    return false;
}

static enum fm_err read_url(struct ctx *ctx, const char *given, struct str *out)
{
    const char *from_environment = getenv("FERMATA_URL");
    struct str url = str_of(given ? given : from_environment ? from_environment : DEFAULT_URL);
    struct str rest, host;

    while (url.n > 0 && url.p[url.n - 1] == '/') {
        url.n--;
    }
    *out = url;
    if (str_starts(url, S("https://"))) {
        return FM_OK;
    }
    if (!str_starts(url, S("http://"))) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "%.*s is no address: write https://HOST, or http://127.0.0.1:PORT",
                    STR_ARG(url));
    }
    rest = str_skip(url, sizeof("http://") - 1);
    host = str_split(&rest, '/');
    if (str_find(host, '@') < host.n || !is_this_machine(host)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "%.*s would carry the token in clear: use https, or http on this machine alone",
                    STR_ARG(url));
    }
    return FM_OK;
}

static enum fm_err read_token(struct ctx *ctx, struct str *authorization)
{
    const char *text = getenv("FERMATA_TOKEN");
    struct str token = text ? str_of(text) : STR_NONE;

    if (token.n == 0) {
        return fail(
            ctx, FM_E_INVALID_ARGUMENT,
            "put your personal token into the environment as FERMATA_TOKEN; the operator makes"
            " one with `fermata token create --user NAME`");
    }
    if (str_starts(token, S("fka_"))) {
        return fail(
            ctx, FM_E_INVALID_ARGUMENT,
            "FERMATA_TOKEN holds an agent's key (fka_); people use a personal token (fkr_)");
    }
    for (size_t i = 0; i < token.n; i++) {
        if ((unsigned char)token.p[i] <= ' ' || (unsigned char)token.p[i] >= 0x7f) {
            return fail(ctx, FM_E_INVALID_ARGUMENT,
                        "FERMATA_TOKEN holds blanks or line ends: give it the token alone");
        }
    }
    *authorization = arena_printf(ctx->arena, "Authorization: Bearer %.*s", STR_ARG(token));
    return authorization->p ? FM_OK : fail_memory(ctx);
}

enum fm_err remote_open(struct ctx *ctx, const struct remote_options *options, struct remote *out)
{
    TRY(read_url(ctx, options->url, &out->url));
    TRY(read_token(ctx, &out->authorization));
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return fail(ctx, FM_E_INTERNAL, "libcurl cannot be used");
    }
    out->curl = curl_easy_init();
    return out->curl ? FM_OK : fail_memory(ctx);
}

void remote_close(struct remote *remote)
{
    if (remote->curl) {
        curl_easy_cleanup(remote->curl);
        curl_global_cleanup();
    }
    *remote = (struct remote){.curl = NULL};
}

/* --- one request ------------------------------------------------------------------------------ */

static size_t take_bytes(char *bytes, size_t size, size_t count, void *with)
{
    struct buf *buf = with;

    buf_add(buf, (struct str){bytes, size * count});
    return buf_ok(buf) ? size * count : 0; /* curl gives up */
}

static void list_done(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static enum fm_err add_header(struct ctx *ctx, struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (!longer) {
        return fail_memory(ctx);
    }
    *list = longer;
    return FM_OK;
}

static void set_limits(CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_WAIT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ANSWER_WAIT_MS);
}

static void set_body(CURL *curl, struct str body)
{
    if (body.p) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.p);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    } else {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
}

/* Sends and receives; `*status` is that of the answer. */
static enum fm_err exchange(struct remote *remote, struct ctx *ctx, const char *url,
                            struct str body, struct buf *text, long *status)
{
    AUTO(list_done) struct curl_slist *headers = NULL;
    CURLcode code;

    TRY(add_header(ctx, &headers, remote->authorization.p));
    TRY(add_header(ctx, &headers, "Accept: application/json"));
    if (body.p) {
        TRY(add_header(ctx, &headers, "Content-Type: application/json"));
    }
    curl_easy_reset(remote->curl);
    set_limits(remote->curl);
    set_body(remote->curl, body);
    curl_easy_setopt(remote->curl, CURLOPT_URL, url);
    curl_easy_setopt(remote->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(remote->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(remote->curl, CURLOPT_WRITEDATA, text);
    code = curl_easy_perform(remote->curl);
    if (code != CURLE_OK) {
        return fail(
            ctx, FM_E_INTERNAL,
            "%.*s does not answer (%s): does the server run? --url or FERMATA_URL names another",
            STR_ARG(remote->url), curl_easy_strerror(code));
    }
    curl_easy_getinfo(remote->curl, CURLINFO_RESPONSE_CODE, status);
    return FM_OK;
}

/* "/problems/already-decided" */
static enum fm_err error_of(const struct json *problem)
{
    struct str type = json_text(json_get(problem, S("type")));

    return cli_error_named(str_skip(type, sizeof("/problems/") - 1));
}

/* The server's words, and behind them what to do where it cannot know that we are a command
 * line. */
static enum fm_err refused(struct ctx *ctx, long status, const struct json *problem)
{
    struct str detail = json_text(json_get(problem, S("detail")));
    struct str title = json_text(json_get(problem, S("title")));
    struct str said = detail.n ? detail : title;
    enum fm_err err = error_of(problem);

    if (!title.n) {
        return fail(ctx, FM_E_INTERNAL, "this is no Fermata server: it answered %ld; see --url",
                    status);
    }
    if (err == FM_E_UNAUTHENTICATED) {
        return fail(ctx, err, "%.*s: `fermata token create --user NAME` makes a new FERMATA_TOKEN",
                    STR_ARG(said));
    }
    return fail(ctx, err, "%.*s", STR_ARG(said));
}

static enum fm_err call(struct remote *remote, struct ctx *ctx, struct str path, struct str body,
                        const struct json **answer)
{
    AUTO(buf_done) struct buf text = BUF_INIT(ANSWER_MAX);
    struct str url = arena_printf(ctx->arena, "%.*s%.*s", STR_ARG(remote->url), STR_ARG(path)),
               copy;
    long status = 0;

    *answer = NULL;
    if (!url.p) {
        return fail_memory(ctx);
    }
    TRY(exchange(remote, ctx, url.p, body, &text, &status));
    copy = arena_copy(ctx->arena, buf_str(&text));
    if (!copy.p) {
        return fail_memory(ctx);
    }
    if (copy.n > 0 && json_parse(ctx, copy, &answer_limits, answer) != FM_OK) {
        return fail(ctx, FM_E_INTERNAL,
                    "this is no Fermata server: it answered %ld without JSON; see --url", status);
    }
    return status / 100 == 2 ? FM_OK : refused(ctx, status, *answer);
}

enum fm_err remote_get(struct remote *remote, struct ctx *ctx, struct str path,
                       const struct json **answer)
{
    return call(remote, ctx, path, STR_NONE, answer);
}

enum fm_err remote_post(struct remote *remote, struct ctx *ctx, struct str path, struct str body,
                        const struct json **answer)
{
    return call(remote, ctx, path, body, answer);
}
