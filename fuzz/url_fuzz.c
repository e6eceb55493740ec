/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: URLs of callbacks, addresses, networks and trace headers as strangers write them. What
 * is accepted must have one reading: put together from its parts it is read the same again, and
 * libcurl's own parser finds the same host and port in it.
 */
#include <curl/curl.h>

#include "base/panic.h"
#include "net/outgoing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_url(struct buf *out, const struct outgoing_url *url)
{
    bool bracket = str_find(url->host, ':') < url->host.n;

    buf_printf(out, "%s://%s%.*s%s:%u", url->encrypted ? "https" : "http", bracket ? "[" : "",
               STR_ARG(url->host), bracket ? "]" : "", url->port);
    buf_add(out, url->target);
}

/* Another reader of the same text: no host of its own may come out. */
static void check_with_curl(const struct buf *text, const struct outgoing_url *url)
{
    CURLU *handle = curl_url();
    char *host = NULL, *port = NULL;
    struct str bare;

    ASSERT(handle);
    ASSERT(curl_url_set(handle, CURLUPART_URL, text->p, CURLU_PATH_AS_IS) == CURLUE_OK);
    ASSERT(curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK);
    ASSERT(curl_url_get(handle, CURLUPART_PORT, &port, 0) == CURLUE_OK);
    bare = str_of(host);
    if (bare.p[0] == '[') {
        struct address address;
        ASSERT(address_parse((struct str){bare.p + 1, bare.n - 2}, &address));
        ASSERT(memcmp(&address, &url->address, sizeof(address)) == 0);
    } else {
        ASSERT(str_eq(bare, url->host));
    }
    ASSERT(strtoul(port, NULL, 10) == url->port);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(handle);
}

static void try_url(struct str input)
{
    AUTO(buf_done) struct buf text = BUF_INIT(8 * KIB);
    struct outgoing_url url, again;

    if (outgoing_url_parse(input, &url) != NULL) {
        return;
    }
    write_url(&text, &url);
    ASSERT(outgoing_url_parse(buf_str(&text), &again) == NULL || text.n > OUTGOING_URL_MAX);
    if (text.n > OUTGOING_URL_MAX) {
        return;
    }
    ASSERT(str_eq(url.host, again.host) && url.port == again.port &&
           url.encrypted == again.encrypted && str_eq(url.target, again.target));
    buf_add_char(&text, '\0');
    check_with_curl(&text, &url);
}

/* What is no public address is refused as a URL too, however it is written. */
static void try_address(struct str input)
{
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);
    static const struct outgoing_rules none;
    bool bracket = str_find(input, ':') < input.n;
    struct address address;
    struct outgoing_url url;

    if (!address_parse(input, &address)) {
        return;
    }
    buf_printf(&text, "https://%s%.*s%s/", bracket ? "[" : "", STR_ARG(input), bracket ? "]" : "");
    if (outgoing_url_parse(buf_str(&text), &url) == NULL) {
        ASSERT(outgoing_url_is_at(&url, input));
        ASSERT((outgoing_url_refusal(&none, &url) == NULL) ==
               outgoing_may_connect(&none, &address, true));
    }
    ASSERT(!outgoing_may_connect(&none, &address, false));
}

static void try_network(struct str input)
{
    struct outgoing_rules rules = {.allow_count = 1};

    if (cidr_parse(input, &rules.allow[0])) {
        ASSERT(rules.allow[0].bits <= 128);
        ASSERT(outgoing_may_connect(&rules, &rules.allow[0].first, false));
    }
}

static void try_trace(struct str input)
{
    char trace[TRACE_SIZE], again[TRACE_SIZE];

    if (trace_parse(input, trace)) {
        ASSERT(strlen(trace) == TRACE_SIZE - 1 && trace_parse(str_of(trace), again));
        ASSERT(strcmp(trace, again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    if (size > 4 * KIB) {
        return 0;
    }
    try_url(input);
    try_address(input);
    try_network(input);
    try_trace(input);
    return 0;
}
