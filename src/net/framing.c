/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the head of a request can be read in one way only. libmicrohttpd is lenient: it takes a
 * bare LF, folded lines, spaces in the target, blanks before the colon, the first of two
 * Content-Lengths. A proxy in front may read those otherwise, and the difference smuggles requests.
 * What passes here has one reading; the rest is refused and the connection closed.
 *
 * How: libmicrohttpd parses in place. Each name and value it hands out points into the bytes that
 * came, with NULs where the separators were. So a strict head is a head in which each piece begins
 * exactly where the one before it and one separator ends; NUL bytes, bare LFs and folds all leave a
 * gap.
 *
 * The limit of it: NUL bytes of the client's own that stand where separators could (`Host: t` NUL
 * LF), and a line that begins with a colon, which libmicrohttpd takes for the empty line, can be
 * after parsing the same bytes as CR LF, where a bare LF is near. A proxy would have to let a NUL
 * or a header without a name through, and not to take a bare LF for the end of a line; none should
 * (RFC 9110 5.1, 5.5). fuzz/framing_fuzz.c holds everything else against a strict reader.
 */
#include "net/net_internal.h"

#include <strings.h>

struct head {
    struct http_request *request;
    struct framing framing;
    const char *expected; /* where the next header must begin */
    unsigned header_count, host_count, length_count, encoding_count;
    size_t pool_used;
    struct str length, encoding;
};

static void refuse_head(struct head *head, int status, const char *detail)
{
    if (head->framing.err == FM_OK) {
        head->framing.err = status == 400   ? FM_E_BAD_REQUEST
                            : status == 422 ? FM_E_INVALID_ARGUMENT
                                            : FM_E_TOO_LARGE;
        head->framing.status = status;
        head->framing.detail = detail;
    }
}

/* RFC 9110 5.6.2: token */
static bool is_token(struct str s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || !strchr(marks, c))) {
            return false;
        }
    }
    return s.n > 0;
}

/* RFC 9110 5.5: no control characters but the tab; we want UTF-8 besides. */
static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return str_is_utf8(s);
}

static bool name_is(struct str name, const char *wanted)
{
    return name.n == strlen(wanted) && strncasecmp(name.p, wanted, name.n) == 0;
}

static void look_at_header(struct head *head, struct str name, struct str value)
{
    if (!is_token(name)) {
        refuse_head(head, 400, "a header has a name with characters that are not allowed");
    } else if (!is_value(value)) {
        refuse_head(head, 400, "a header has a value with control characters or not in UTF-8");
    } else if (name.p != head->expected) {
        refuse_head(head, 400, "a header line is folded, ends in a bare LF or holds a NUL");
    } else if (++head->header_count > HEADERS_MAX) {
        refuse_head(head, 431, "too many headers");
    }
    head->expected = value.p + value.n + 2; /* CR LF */
    if (name_is(name, "Host")) {
        head->host_count++;
    } else if (name_is(name, "Content-Length")) {
        head->length_count++;
        head->length = value;
    } else if (name_is(name, "Transfer-Encoding")) {
        head->encoding_count++;
        head->encoding = value;
    } else if (name_is(name, "Cookie")) {
        head->pool_used += value.n; /* libmicrohttpd parses a copy */
    }
}

static enum MHD_Result look(void *with, enum MHD_ValueKind kind, const char *name, size_t name_n,
                            const char *value, size_t value_n)
{
    struct head *head = with;
    struct str text = {value, value ? value_n : 0};

    head->pool_used += POOL_PER_FIELD;
    if (kind == MHD_HEADER_KIND) {
        look_at_header(head, (struct str){name, name_n}, text);
    } else if (kind == MHD_GET_ARGUMENT_KIND &&
               (!str_is_utf8((struct str){name, name_n}) || !str_is_utf8(text))) {
        refuse_head(head, 422, "the query is not UTF-8");
    }
    return MHD_YES;
}

static const char *escape_fault(const char *escape, bool in_path)
{
    int high = hex_digit(escape[1]);
    int low = high < 0 ? -1 : hex_digit(escape[2]);
    int c = high * 16 + low;

    if (low < 0) {
        return "the request target holds an incomplete escape";
    }
    if (c == 0) {
        return "the request target holds an escaped NUL";
    }
    if (in_path && (c < 0x20 || c == 0x7f || c == '/')) {
        return "the request path holds an escaped slash or control character";
    }
    return NULL;
}

/* The target as it came (RFC 9112 3.2.1, origin form): visible ASCII; escapes are whole, and none
 * stands for a NUL, nor in the path for a slash, which would move the borders of its segments. */
const char *framing_target_fault(const char *target)
{
    bool in_path = true;

    if (!target || target[0] != '/') {
        return "the request target does not begin with a slash";
    }
    for (const char *at = target; *at; at++) {
        unsigned char c = (unsigned char)*at;
        const char *fault;

        if (c <= 0x20 || c >= 0x7f || c == '#') {
            return "the request target holds characters that are not allowed";
        }
        in_path = in_path && c != '?';
        fault = c == '%' ? escape_fault(at, in_path) : NULL;
        if (fault) {
            return fault;
        }
    }
    return NULL;
}

/* RFC 9112 6.1-6.3: one of Content-Length and Transfer-Encoding, once, in the plain form. */
static void look_at_length(struct head *head, bool is_1_0)
{
    if (head->encoding_count && head->length_count) {
        refuse_head(head, 400, "both Content-Length and Transfer-Encoding");
    } else if (head->length_count > 1) {
        refuse_head(head, 400, "more than one Content-Length");
    } else if (head->encoding_count > 1 ||
               (head->encoding_count == 1 && (!name_is(head->encoding, "chunked") || is_1_0))) {
        refuse_head(head, 400, "a Transfer-Encoding other than chunked");
    } else if (head->length_count == 1 &&
               !str_to_u64(head->length, &head->framing.content_length)) {
        refuse_head(head, 400, "the Content-Length is not a number");
    }
    head->request->chunked = head->encoding_count > 0;
    head->framing.has_body = head->encoding_count > 0 || head->framing.content_length > 0;
}

static size_t head_size(const struct http_request *request)
{
    return MHD_get_connection_info(request->connection->mhd,
                                   MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
        ->header_size;
}

struct framing framing_check(struct http_request *request, const char *method, const char *version)
{
    struct head head = {.request = request, .pool_used = head_size(request)};
    bool is_1_0 = strcmp(version, "HTTP/1.0") == 0;

    if (request->target_fault) {
        refuse_head(&head, 400, request->target_fault);
    }
    if (!is_1_0 && strcmp(version, "HTTP/1.1") != 0) {
        refuse_head(&head, 400, "the version is neither HTTP/1.0 nor HTTP/1.1");
    }
    if (!is_token(str_of(method)) || method + strlen(method) + 1 != request->target ||
        request->target + request->target_n + 1 != version) {
        refuse_head(&head, 400, "the request line is not method, target and version");
    }
    head.expected = version + strlen(version) + 2;
    MHD_get_connection_values_n(request->connection->mhd,
                                MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND | MHD_COOKIE_KIND, look,
                                &head);
    if (head.expected + 2 != method + head_size(request)) {
        refuse_head(&head, 400, "a header line is folded, ends in a bare LF or holds a NUL");
    }
    if (head.host_count > 1 || (head.host_count == 0 && !is_1_0)) {
        refuse_head(&head, 400, "the Host header is missing or repeated");
    }
    look_at_length(&head, is_1_0);
    if (head.pool_used + ANSWER_HEAD_MAX > POOL_SIZE) {
        refuse_head(&head, 431, "the head of the request is too large");
    }
    return head.framing;
}
