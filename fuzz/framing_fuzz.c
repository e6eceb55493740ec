/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: heads of requests. libmicrohttpd reads the bytes, framing.c judges what it has read,
 * and a second, strict reader of RFC 9112 stands beside them. Whatever passes is a head that the
 * strict reader takes too, with the same method, target, headers and length of the body: then no
 * proxy in front can have read it otherwise, and nothing can be smuggled. Left out is what
 * framing.c names as its limit.
 */
#include "base/panic.h"
#include "net/net_internal.h"

#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX  8192
#define ROUNDS_MAX 20 /* a head is read in two or three */

static struct MHD_Daemon *daemon_of_mhd;
static struct str input; /* what was sent */
static bool closed;      /* the connection is gone */
static unsigned passed;  /* heads that framing.c let through, of this input */
static struct http_request request;
static struct connection connection;

/* --- the strict reader ------------------------------------------------------------------------ */

struct strict {
    struct str method, target, version;
    struct str names[HEADERS_MAX], values[HEADERS_MAX];
    size_t count;
    uint64_t length;
    bool chunked;
};

static struct str cut(struct str *rest, size_t n, size_t skip)
{
    struct str part = {rest->p, n};

    *rest = str_skip(*rest, n + skip);
    return part;
}

/* One line up to CR LF, which must hold neither CR, LF nor NUL. */
static bool strict_line(struct str *rest, struct str *line)
{
    for (size_t i = 0; i < rest->n; i++) {
        char c = rest->p[i];
        if (c == '\r' && i + 1 < rest->n && rest->p[i + 1] == '\n') {
            *line = cut(rest, i, 2);
            return true;
        }
        if (c == '\r' || c == '\n' || c == '\0') {
            return false;
        }
    }
    return false;
}

static bool is_token(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c)) {
            return false;
        }
    }
    return text.n > 0;
}

static bool strict_request_line(struct str line, struct strict *out)
{
    size_t first = str_find(line, ' ');

    if (first >= line.n) {
        return false;
    }
    out->method = cut(&line, first, 1);
    out->target = cut(&line, str_find(line, ' '), 1);
    out->version = line;
    return is_token(out->method) && out->target.n > 0 && out->target.p[0] == '/' &&
           (str_eq(out->version, S("HTTP/1.1")) || str_eq(out->version, S("HTTP/1.0")));
}

static struct str trimmed(struct str text)
{
    while (text.n && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text = str_skip(text, 1);
    }
    while (text.n && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t')) {
        text.n--;
    }
    return text;
}

static bool strict_header(struct str line, struct strict *out)
{
    size_t colon = str_find(line, ':');

    if (colon >= line.n || out->count == HEADERS_MAX) {
        return false;
    }
    out->names[out->count] = cut(&line, colon, 1);
    out->values[out->count] = trimmed(line);
    return is_token(out->names[out->count++]);
}

static bool called(struct str name, const char *wanted)
{
    return name.n == strlen(wanted) && strncasecmp(name.p, wanted, name.n) == 0;
}

/* At most one length, in one form; exactly one host. */
static bool strict_framing(struct strict *out)
{
    unsigned hosts = 0, lengths = 0, codings = 0;

    for (size_t i = 0; i < out->count; i++) {
        hosts += called(out->names[i], "Host");
        if (called(out->names[i], "Content-Length")) {
            lengths++;
            if (!str_to_u64(out->values[i], &out->length)) {
                return false;
            }
        } else if (called(out->names[i], "Transfer-Encoding")) {
            codings++;
            out->chunked = called(out->values[i], "chunked");
            if (!out->chunked || str_eq(out->version, S("HTTP/1.0"))) {
                return false;
            }
        }
    }
    return lengths + codings <= 1 && hosts <= 1 &&
           (hosts == 1 || str_eq(out->version, S("HTTP/1.0")));
}

/* Empty lines before a request are passed over (RFC 9112 2.2). */
static struct str skip_empty(struct str bytes)
{
    while (str_starts(bytes, S("\r\n")) || str_starts(bytes, S("\n"))) {
        bytes = str_skip(bytes, str_find(bytes, '\n') + 1);
    }
    return bytes;
}

/* The head at the beginning of the bytes. */
static bool strict_head(struct str bytes, struct strict *out)
{
    struct str line;

    *out = (struct strict){.count = 0};
    bytes = skip_empty(bytes);
    if (!strict_line(&bytes, &line) || !strict_request_line(line, out)) {
        return false;
    }
    while (strict_line(&bytes, &line)) {
        if (line.n == 0) {
            return strict_framing(out);
        }
        if (!strict_header(line, out)) {
            return false;
        }
    }
    return false;
}

/* --- the two against each other --------------------------------------------------------------- */

struct compared {
    const struct strict *strict;
    size_t at;
};

static enum MHD_Result compare_header(void *with, enum MHD_ValueKind kind, const char *name,
                                      size_t name_n, const char *value, size_t value_n)
{
    struct compared *compared = with;
    struct str text = {value, value ? value_n : 0};

    (void)kind;
    ASSERT(compared->at < compared->strict->count);
    ASSERT(str_eq((struct str){name, name_n}, compared->strict->names[compared->at]));
    ASSERT(str_eq(trimmed(text), compared->strict->values[compared->at]));
    compared->at++;
    return MHD_YES;
}

static void compare(struct MHD_Connection *mhd, const char *method, const char *version,
                    const struct framing *framing)
{
    struct strict strict;
    struct compared compared = {&strict, 0};

    if (memchr(input.p, '\0', input.n) || memmem(input.p, input.n, "\n:", 2)) {
        return; /* cannot be told from what libmicrohttpd writes: see framing.c */
    }
    ASSERT(strict_head(input, &strict));
    ASSERT(str_eq(str_of(method), strict.method) && str_eq(str_of(version), strict.version));
    ASSERT(request.target_n == strict.target.n);
    ASSERT(request.chunked == strict.chunked && framing->content_length == strict.length);
    ASSERT(framing->has_body == (strict.chunked || strict.length > 0));
    (void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, compare_header, &compared);
    ASSERT(compared.at == strict.count);
}

/* --- libmicrohttpd ---------------------------------------------------------------------------- */

static void *on_target(void *with, const char *target, struct MHD_Connection *mhd)
{
    (void)with;
    request = (struct http_request){.connection = &connection,
                                    .target = target,
                                    .target_n = target ? strlen(target) : 0,
                                    .target_fault = framing_target_fault(target)};
    connection.mhd = mhd;
    return &request;
}

/* Only the first head is looked at: what the strict reader has to know of a second one is where the
 * first body ends, which is the judged head's word. */
static enum MHD_Result on_head(void *with, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_n, void **context)
{
    struct framing framing;

    (void)with, (void)url, (void)upload, (void)upload_n, (void)context;
    framing = framing_check(&request, method, version);
    if (framing.err == FM_OK) {
        passed++;
        compare(mhd, method, version, &framing);
    } else {
        ASSERT(framing.status == 400 || framing.status == 431);
        ASSERT(framing.detail && framing.detail[0]);
    }
    return MHD_NO;
}

static void on_connection(void *with, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)with, (void)mhd, (void)socket_context;
    closed = code == MHD_CONNECTION_NOTIFY_CLOSED;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    daemon_of_mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
                                     on_head, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_SIZE,
                                     MHD_OPTION_CONNECTION_MEMORY_INCREMENT, POOL_INCREMENT,
                                     MHD_OPTION_NOTIFY_CONNECTION, on_connection, NULL,
                                     MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL, MHD_OPTION_END);
    ASSERT(daemon_of_mhd);
    return 0;
}

static void run_until_closed(void)
{
    for (int i = 0; i < ROUNDS_MAX && !closed; i++) {
        ASSERT(MHD_run(daemon_of_mhd) == MHD_YES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int ends[2];

    if (size > INPUT_MAX) {
        return 0;
    }
    input = (struct str){(const char *)data, size};
    closed = false;
    passed = 0;
    ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    ASSERT(write(ends[1], data, size) == (ssize_t)size && shutdown(ends[1], SHUT_WR) == 0);
    ASSERT(MHD_add_connection(daemon_of_mhd, ends[0], (const struct sockaddr *)&address,
                              sizeof(address)) == MHD_YES);
    run_until_closed();
    close(ends[1]); /* what is half there is waited for no longer */
    run_until_closed();
    ASSERT(closed && passed <= 1);
    return 0;
}
