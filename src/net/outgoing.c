/* SPDX-License-Identifier: Apache-2.0
 *
 * The client: libcurl's multi interface on one thread. libcurl resolves names in threads of its own
 * and asks us for a socket to each address it means to connect to; there the address is judged. So
 * what was judged is what is connected, and a name that answers differently the next time (DNS
 * rebinding) is judged again.
 */
#include "net/outgoing.h"

#include "base/log.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_CONNECTIONS_MAX 64L /* kept open for the next callback */
#define IDLE_CONNECTION_S 30L

struct outgoing {
    CURLM *multi;
    struct outgoing_config config;
    struct curl_slist *resolve;
    struct transfer *first;
};

/* One request under way. */
struct transfer {
    struct outgoing *outgoing;
    struct transfer *next, *previous;
    CURL *easy;
    struct curl_slist *headers;
    void *with;
    bool encrypted;
    bool refused, allowed; /* addresses that were met */
    size_t answer_bytes;
};

/* --- addresses -------------------------------------------------------------------------------- */

static bool address_of(const struct sockaddr *socket_address, struct address *out)
{
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)socket_address;
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)(const void *)socket_address;
    const uint8_t *bytes;

    *out = (struct address){.bytes = {[10] = 0xff, [11] = 0xff}};
    if (socket_address->sa_family == AF_INET) {
        bytes = (const uint8_t *)&ipv4->sin_addr;
        for (size_t i = 0; i < 4; i++) {
            out->bytes[12 + i] = bytes[i];
        }
        return true;
    }
    for (size_t i = 0; socket_address->sa_family == AF_INET6 && i < 16; i++) {
        out->bytes[i] = ipv6->sin6_addr.s6_addr[i];
    }
    return socket_address->sa_family == AF_INET6;
}

static curl_socket_t on_open(void *with, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *transfer = with;
    const struct outgoing_rules *rules = transfer->outgoing->config.rules;
    struct address address;

    if (purpose != CURLSOCKTYPE_IPCXN || !address_of(&to->addr, &address) ||
        !outgoing_may_connect(rules, &address, transfer->encrypted)) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    transfer->allowed = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* The connection stands, perhaps one that was kept from before: whose is it really? */
static int on_connected(void *with, char *peer, char *local, int peer_port, int local_port)
{
    struct transfer *transfer = with;

    (void)local, (void)peer_port, (void)local_port;
    switch (outgoing_judge_peer(transfer->outgoing->config.rules, str_of(peer),
                                transfer->encrypted)) {
    case OUTGOING_PEER_ALLOWED:
        transfer->allowed = true;
        return CURL_PREREQFUNC_OK;
    case OUTGOING_PEER_FORBIDDEN:
        transfer->refused = true;
        transfer->allowed = false;
        return CURL_PREREQFUNC_ABORT;
    case OUTGOING_PEER_GONE:
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_ABORT;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Takes head and body without keeping them; cuts off what is longer than anybody needs. */
static size_t on_bytes(char *bytes, size_t size, size_t count, void *with)
{
    struct transfer *transfer = with;

    (void)bytes;
    transfer->answer_bytes += size * count;
    return transfer->answer_bytes > OUTGOING_ANSWER_MAX ? 0 : size * count;
}

static enum outgoing_end end_of(const struct transfer *transfer, CURLcode code, long status)
{
    bool cut_off = code == CURLE_WRITE_ERROR && transfer->answer_bytes > OUTGOING_ANSWER_MAX;

    if (transfer->refused && !transfer->allowed) {
        return OUTGOING_FORBIDDEN;
    }
    if (code == CURLE_OK || (cut_off && status >= 200)) {
        return OUTGOING_ANSWERED;
    }
    switch ((int)code) { /* of libcurl's hundred */
    case CURLE_COULDNT_RESOLVE_HOST:
        return OUTGOING_NO_NAME;
    case CURLE_OPERATION_TIMEDOUT:
        return OUTGOING_TIMED_OUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return OUTGOING_NO_TLS;
    default:
        return OUTGOING_NO_CONNECT;
    }
}

static struct outgoing_result result_of(struct transfer *transfer, CURLcode code)
{
    long status = 0;
    curl_off_t retry_after_s = 0;
    struct outgoing_result result;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s < 0 || retry_after_s > OUTGOING_RETRY_AFTER_S_MAX) {
        retry_after_s = retry_after_s < 0 ? 0 : OUTGOING_RETRY_AFTER_S_MAX;
    }
    result = (struct outgoing_result){.end = end_of(transfer, code, status)};
    if (result.end == OUTGOING_ANSWERED) {
        result.status = (int)status;
        result.retry_after_us = (int64_t)retry_after_s * 1000000;
    }
    return result;
}

/* --- requests --------------------------------------------------------------------------------- */

static void transfer_free(struct transfer *transfer)
{
    struct outgoing *outgoing = transfer->outgoing;

    *(transfer->previous ? &transfer->previous->next : &outgoing->first) = transfer->next;
    if (transfer->next) {
        transfer->next->previous = transfer->previous;
    }
    if (transfer->easy) {
        (void)curl_multi_remove_handle(outgoing->multi, transfer->easy);
        curl_easy_cleanup(transfer->easy);
    }
    curl_slist_free_all(transfer->headers);
    free(transfer);
}

static struct transfer *transfer_new(struct outgoing *outgoing, const struct outgoing_post *post)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));

    if (!transfer) {
        return NULL;
    }
    transfer->outgoing = outgoing;
    transfer->with = post->with;
    transfer->encrypted = post->url->encrypted;
    transfer->next = outgoing->first;
    if (transfer->next) {
        transfer->next->previous = transfer;
    }
    outgoing->first = transfer;
    transfer->easy = curl_easy_init();
    return transfer;
}

static bool add_header(struct transfer *transfer, const char *name, struct str value)
{
    AUTO(buf_done) struct buf line = BUF_INIT(4 * KIB);
    struct curl_slist *longer;

    buf_printf(&line, "%s: %.*s", name, STR_ARG(value));
    buf_add_char(&line, '\0');
    longer = buf_ok(&line) ? curl_slist_append(transfer->headers, line.p) : NULL;
    if (longer) {
        transfer->headers = longer;
    }
    return longer != NULL;
}

static bool add_headers(struct transfer *transfer, const struct outgoing_post *post)
{
    bool ok = add_header(transfer, "Content-Type", S("application/json")) &&
              add_header(transfer, "Expect", S(""));

    for (size_t i = 0; ok && i < post->header_count; i++) {
        ok = add_header(transfer, post->headers[i].name, post->headers[i].value);
    }
    return ok;
}

/* Put together from its parts: libcurl reads what we have understood. */
static void write_url(struct buf *out, const struct outgoing_url *url)
{
    bool bracket = str_find(url->host, ':') < url->host.n;

    buf_printf(out, "%s://%s%.*s%s:%u", url->encrypted ? "https" : "http", bracket ? "[" : "",
               STR_ARG(url->host), bracket ? "]" : "", url->port);
    if (!url->target.n || url->target.p[0] != '/') {
        buf_add_char(out, '/');
    }
    buf_add(out, url->target);
    buf_add_char(out, '\0');
}

#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

/* Where it goes, and that it goes nowhere else. */
static bool set_way(struct transfer *transfer, const char *url)
{
    CURL *easy = transfer->easy;

    return SET(CURLOPT_URL, url) &&
           SET(CURLOPT_PROTOCOLS_STR, transfer->encrypted ? "https" : "http") &&
           SET(CURLOPT_REDIR_PROTOCOLS_STR, "https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_PROXY, "") && SET(CURLOPT_NOPROXY, "*") && SET(CURLOPT_NETRC, 0L) &&
           SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) && SET(CURLOPT_PATH_AS_IS, 1L) &&
           SET(CURLOPT_RESOLVE, transfer->outgoing->resolve) &&
           SET(CURLOPT_OPENSOCKETFUNCTION, on_open) && SET(CURLOPT_OPENSOCKETDATA, transfer) &&
           SET(CURLOPT_PREREQFUNCTION, on_connected) && SET(CURLOPT_PREREQDATA, transfer) &&
           SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

/* What is sent, how long it may take, and what becomes of the answer. */
static bool set_exchange(struct transfer *transfer, struct str body)
{
    CURL *easy = transfer->easy;
    int64_t timeout_us = transfer->outgoing->config.timeout_us;
    int64_t connect_us = timeout_us < OUTGOING_CONNECT_US ? timeout_us : OUTGOING_CONNECT_US;

    return SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) &&
           SET(CURLOPT_COPYPOSTFIELDS, body.p) && SET(CURLOPT_HTTPHEADER, transfer->headers) &&
           SET(CURLOPT_USERAGENT, "fermata-callback/1") && SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_QUICK_EXIT, 1L) && /* never wait for a name server that was given up */
           SET(CURLOPT_TIMEOUT_MS, (long)(timeout_us / 1000)) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_us / 1000)) &&
           SET(CURLOPT_WRITEFUNCTION, on_bytes) && SET(CURLOPT_WRITEDATA, transfer) &&
           SET(CURLOPT_HEADERFUNCTION, on_bytes) && SET(CURLOPT_HEADERDATA, transfer) &&
           SET(CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_S) && SET(CURLOPT_PRIVATE, (void *)transfer);
}

bool outgoing_begin(struct outgoing *outgoing, const struct outgoing_post *post)
{
    AUTO(buf_done) struct buf url = BUF_INIT(OUTGOING_URL_MAX + 64);
    struct transfer *transfer = transfer_new(outgoing, post);

    if (!transfer) {
        return false;
    }
    write_url(&url, post->url);
    if (!transfer->easy || !buf_ok(&url) || !add_headers(transfer, post) ||
        !set_way(transfer, url.p) || !set_exchange(transfer, post->body) ||
        curl_multi_add_handle(outgoing->multi, transfer->easy) != CURLM_OK) {
        log_error("outgoing.not_begun", F_TEXT("effect", S("counts as a failed attempt")));
        transfer_free(transfer);
        return false;
    }
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

static bool prepare(struct outgoing *outgoing)
{
    const char *resolve = outgoing->config.resolve;

    outgoing->multi = curl_multi_init();
    outgoing->resolve = resolve ? curl_slist_append(NULL, resolve) : NULL;
    return outgoing->multi && !resolve == !outgoing->resolve &&
           curl_multi_setopt(outgoing->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX) ==
               CURLM_OK &&
           curl_multi_setopt(outgoing->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) ==
               CURLM_OK;
}

enum fm_err outgoing_new(struct ctx *ctx, const struct outgoing_config *config,
                         struct outgoing **out)
{
    struct outgoing *outgoing;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        return fail(ctx, FM_E_INTERNAL, "libcurl does not start");
    }
    outgoing = calloc(1, sizeof(*outgoing));
    if (!outgoing) {
        return fail_memory(ctx);
    }
    outgoing->config = *config;
    if (!prepare(outgoing)) {
        outgoing_free(outgoing);
        return fail_memory(ctx);
    }
    *out = outgoing;
    return FM_OK;
}

void outgoing_free(struct outgoing *outgoing)
{
    if (!outgoing) {
        return;
    }
    while (outgoing->first) {
        transfer_free(outgoing->first);
    }
    (void)curl_multi_cleanup(outgoing->multi);
    curl_slist_free_all(outgoing->resolve);
    free(outgoing);
}

static void finish(struct outgoing *outgoing, CURL *easy, CURLcode code)
{
    struct transfer *transfer = NULL;
    struct outgoing_result result;
    void *with;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)(void *)&transfer);
    result = result_of(transfer, code);
    with = transfer->with;
    transfer_free(transfer);
    outgoing->config.done(with, &result);
}

void outgoing_run(struct outgoing *outgoing, int wait_ms)
{
    CURLMsg *message;
    int running, left;

    if (curl_multi_poll(outgoing->multi, NULL, 0, wait_ms, NULL) != CURLM_OK ||
        curl_multi_perform(outgoing->multi, &running) != CURLM_OK) {
        log_error("outgoing.failed", F_TEXT("while", S("waiting for answers")));
    }
    while ((message = curl_multi_info_read(outgoing->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            finish(outgoing, message->easy_handle, message->data.result);
        }
    }
}

void outgoing_wake(struct outgoing *outgoing)
{
    (void)curl_multi_wakeup(outgoing->multi);
}
