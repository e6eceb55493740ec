/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs, addresses and trace headers that strangers write. There is one spelling for everything;
 * what other programs would understand in their own ways (0x7f.1, 127.1, user@host, a\b) is
 * refused.
 */
#include "net/outgoing.h"

#include <arpa/inet.h>

#define HOST_MAX 253 /* RFC 1035 2.3.4 */
#define IPV4_BITS 96 /* in front of an IPv4 address in its 16 bytes */

/* --- addresses -------------------------------------------------------------------------------- */

static const struct address mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};

/* IANA's special-purpose registries: not reachable from everywhere, or reaching somewhere else. */
static const struct cidr special_ipv4[] = {
#define NET(a, b, c, d, n) {{{[10] = 0xff, [11] = 0xff, a, b, c, d}}, IPV4_BITS + (n)}
    NET(0, 0, 0, 0, 8),       /* this network */
    NET(10, 0, 0, 0, 8),      /* private */
    NET(100, 64, 0, 0, 10),   /* carriers' own */
    NET(127, 0, 0, 0, 8),     /* loopback */
    NET(169, 254, 0, 0, 16),  /* link-local, clouds' metadata */
    NET(172, 16, 0, 0, 12),   /* private */
    NET(192, 0, 0, 0, 24),    /* protocol assignments */
    NET(192, 0, 2, 0, 24),    /* documentation */
    NET(192, 31, 196, 0, 24), /* AS112 */
    NET(192, 52, 193, 0, 24), /* AMT */
    NET(192, 88, 99, 0, 24),  /* 6to4 relays */
    NET(192, 168, 0, 0, 16),  /* private */
    NET(192, 175, 48, 0, 24), /* AS112 */
    NET(198, 18, 0, 0, 15),   /* benchmarks */
    NET(198, 51, 100, 0, 24), /* documentation */
    NET(203, 0, 113, 0, 24),  /* documentation */
    NET(224, 0, 0, 0, 4),     /* multicast */
    NET(240, 0, 0, 0, 4),     /* reserved, broadcast */
#undef NET
};

/* Of IPv6 only global unicast is public, and of that not these. */
static const struct cidr global_unicast = {{{0x20}}, 3};
static const struct cidr special_ipv6[] = {
    {{{0x20, 0x01, 0x00}}, 23},             /* protocol assignments, Teredo */
    {{{0x20, 0x01, 0x0d, 0xb8}}, 32},       /* documentation */
    {{{0x20, 0x02}}, 16},                   /* 6to4: an IPv4 address inside */
    {{{0x26, 0x20, 0x00, 0x4f, 0x80}}, 48}, /* AS112 */
    {{{0x3f, 0xff}}, 20},                   /* documentation */
};

static bool contains(const struct cidr *net, const struct address *address)
{
    unsigned whole = net->bits / 8, rest = net->bits % 8;
    unsigned mask = (0xff00u >> rest) & 0xff;

    return memcmp(net->first.bytes, address->bytes, whole) == 0 &&
           (rest == 0 || ((net->first.bytes[whole] ^ address->bytes[whole]) & mask) == 0);
}

static bool any_contains(const struct cidr *nets, size_t count, const struct address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (contains(&nets[i], address)) {
            return true;
        }
    }
    return false;
}

static bool is_ipv4(const struct address *address)
{
    return memcmp(address->bytes, mapped.bytes, IPV4_BITS / 8) == 0;
}

static bool is_public(const struct address *address)
{
    if (is_ipv4(address)) {
        return !any_contains(special_ipv4, COUNT_OF(special_ipv4), address);
    }
    return contains(&global_unicast, address) &&
           !any_contains(special_ipv6, COUNT_OF(special_ipv6), address);
}

bool outgoing_may_connect(const struct outgoing_rules *rules, const struct address *address,
                          bool encrypted)
{
    return any_contains(rules->allow, rules->allow_count, address) ||
           (encrypted && is_public(address));
}

enum outgoing_peer outgoing_judge_peer(const struct outgoing_rules *rules, struct str peer,
                                       bool encrypted)
{
    struct address address;

    if (!address_parse(peer, &address)) {
        return OUTGOING_PEER_GONE;
    }
    return outgoing_may_connect(rules, &address, encrypted) ? OUTGOING_PEER_ALLOWED
                                                            : OUTGOING_PEER_FORBIDDEN;
}

static bool is_decimal_byte(struct str part, uint8_t *out)
{
    uint64_t value;

    if (part.n > 3 || (part.n > 1 && part.p[0] == '0') || !str_to_u64(part, &value) ||
        value > 255) {
        return false;
    }
    *out = (uint8_t)value;
    return true;
}

static bool parse_ipv4(struct str text, struct address *out)
{
    struct str rest = text;

    *out = mapped;
    for (size_t i = 0; i < 4; i++) {
        if (!rest.p || !is_decimal_byte(str_split(&rest, '.'), &out->bytes[12 + i])) {
            return false;
        }
    }
    return !rest.p;
}

static bool parse_ipv6(struct str text, struct address *out)
{
    char copy[INET6_ADDRSTRLEN];
    size_t n = 0;

    for (; n < text.n && n < sizeof(copy) - 1; n++) {
        copy[n] = text.p[n];
    }
    copy[n] = '\0';
    return n == text.n && strlen(copy) == n && inet_pton(AF_INET6, copy, out->bytes) == 1;
}

bool address_parse(struct str text, struct address *out)
{
    return text.n > 0 && (str_find(text, ':') < text.n ? parse_ipv6(text, out)
                                                       : parse_ipv4(text, out));
}

bool cidr_parse(struct str text, struct cidr *out)
{
    struct str bits = text, host = str_split(&bits, '/');
    bool written_ipv6 = str_find(host, ':') < host.n;
    uint64_t number = written_ipv6 ? 128 : 32;
    struct cidr net = {.bits = 128};

    if (!address_parse(host, &net.first) ||
        (bits.p && (bits.n > 3 || !str_to_u64(bits, &number)))) {
        return false;
    }
    if (number > (written_ipv6 ? 128 : 32)) {
        return false;
    }
    net.bits = (unsigned)number + (written_ipv6 ? 0 : IPV4_BITS);
    for (unsigned bit = net.bits; bit < 128; bit++) {
        if (net.first.bytes[bit / 8] >> (7 - bit % 8) & 1) {
            return false;
        }
    }
    *out = net;
    return true;
}

/* --- URLs ------------------------------------------------------------------------------------- */

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static bool is_label(struct str label)
{
    return label.n > 0 && label.n <= 63 && label.p[0] != '-' && label.p[label.n - 1] != '-';
}

/* A name whose last label is a number is an IPv4 address to somebody (WHATWG URL, "ends in a
 * number"). */
static bool ends_in_number(struct str last)
{
    return last.p[0] >= '0' && last.p[0] <= '9';
}

static const char *check_name(struct str host)
{
    struct str rest = host, last = STR_NONE;

    for (size_t i = 0; i < host.n; i++) {
        if (!is_host_char(host.p[i])) {
            return "the host is a name in lower case (an international one in its xn-- form)";
        }
    }
    while (rest.p) {
        last = str_split(&rest, '.');
        if (!is_label(last)) {
            return "the host is not a name";
        }
    }
    return ends_in_number(last)
               ? "a numeric host is written as four decimals, or as IPv6 in brackets"
               : NULL;
}

static const char *read_host(struct str host, struct outgoing_url *out)
{
    if (host.n == 0 || host.n > HOST_MAX) {
        return "the host has 1 to 253 characters";
    }
    out->host = host;
    out->is_address = str_find(host, ':') == host.n && address_parse(host, &out->address);
    return out->is_address ? NULL : check_name(host);
}

static const char *read_bracketed(struct str host, struct outgoing_url *out)
{
    out->host = host;
    out->is_address = str_find(host, ':') < host.n && address_parse(host, &out->address);
    return out->is_address ? NULL : "what stands in brackets is not an IPv6 address";
}

static const char *read_port(struct str port, struct outgoing_url *out)
{
    uint64_t number;

    if (port.n > 5 || !str_to_u64(port, &number) || port.p[0] == '0' || number > 65535) {
        return "the port is a number up to 65535";
    }
    if (number < 1024 && number != (out->encrypted ? 443 : 80)) {
        return "a port below 1024 other than 443 (80 for http) belongs to another service";
    }
    out->has_port = true;
    out->port = (uint16_t)number;
    return NULL;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static const char *read_authority(struct str text, struct outgoing_url *out)
{
    struct str rest = text, host;
    const char *wrong;

    if (str_find(text, '@') < text.n) {
        return "a URL with a user or password in it";
    }
    if (text.n && text.p[0] == '[') {
        rest = str_skip(text, 1);
        host = str_split(&rest, ']');
        if (!rest.p || (rest.n && rest.p[0] != ':')) {
            return "a bracket without its other half";
        }
        wrong = read_bracketed(host, out);
        rest = rest.n ? str_skip(rest, 1) : STR_NONE;
    } else {
        host = str_split(&rest, ':');
        wrong = read_host(host, out);
    }
    return wrong ? wrong : rest.p ? read_port(rest, out) : NULL;
}

static bool is_url_char(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\\\"<>^`{|}#", c);
}

const char *outgoing_url_parse(struct str url, struct outgoing_url *out)
{
    struct str rest;
    size_t end;

    *out = (struct outgoing_url){.encrypted = str_starts(url, S("https://"))};
    if (!out->encrypted && !str_starts(url, S("http://"))) {
        return "must be an https URL";
    }
    if (url.n > OUTGOING_URL_MAX) {
        return "at most 2048 bytes";
    }
    for (size_t i = 0; i < url.n; i++) {
        if (!is_url_char(url.p[i])) {
            return url.p[i] == '#' ? "a URL without a fragment" : "a character that no URL has";
        }
    }
    rest = str_skip(url, out->encrypted ? 8 : 7);
    for (end = 0; end < rest.n && rest.p[end] != '/' && rest.p[end] != '?'; end++) {
    }
    out->port = out->encrypted ? 443 : 80;
    out->target = str_skip(rest, end);
    return read_authority((struct str){rest.p, end}, out);
}

bool outgoing_url_is_at(const struct outgoing_url *url, struct str host)
{
    struct address address;

    if (!url->is_address) {
        return str_eq(url->host, host);
    }
    return address_parse(host, &address) &&
           memcmp(address.bytes, url->address.bytes, sizeof(address.bytes)) == 0;
}

const char *outgoing_url_refusal(const struct outgoing_rules *rules, const struct outgoing_url *url)
{
    if (!url->encrypted && rules->allow_count == 0) {
        return "must be an https URL";
    }
    if (url->is_address && !outgoing_may_connect(rules, &url->address, url->encrypted)) {
        return "callbacks do not go to this address unless the server is started with"
               " --callback-allow for its network";
    }
    return NULL;
}

/* --- trace context ---------------------------------------------------------------------------- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Whether the digits from `at` are lower-case hexadecimal, and not all zero if they `count`. */
static bool are_digits(struct str text, size_t at, size_t n, bool count)
{
    bool zero = true;

    for (size_t i = at; i < at + n; i++) {
        if (!is_hex(text.p[i])) {
            return false;
        }
        zero = zero && text.p[i] == '0';
    }
    return !count || !zero;
}

bool trace_parse(struct str header, char out[TRACE_SIZE])
{
    const size_t n = TRACE_SIZE - 1;
    bool first = str_starts(header, S("00-"));

    if (header.n < n || (first && header.n != n) || (header.n > n && header.p[n] != '-') ||
        header.p[2] != '-' || header.p[35] != '-' || header.p[52] != '-') {
        return false;
    }
    if (!are_digits(header, 0, 2, false) || str_starts(header, S("ff")) ||
        !are_digits(header, 3, 32, true) || !are_digits(header, 36, 16, true) ||
        !are_digits(header, 53, 2, false)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = i < 2 ? '0' : header.p[i];
    }
    out[n] = '\0';
    return true;
}
