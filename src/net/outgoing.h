/* SPDX-License-Identifier: Apache-2.0
 *
 * Outgoing HTTP over libcurl, for addresses that strangers name: where a request may go at all, and
 * a client that goes nowhere else.
 *
 * It must never connect to an address that outgoing_may_connect() refuses, whatever a name resolves
 * to and however often it changes its mind: the check is made on the socket address that is about
 * to be connected, and again on the peer of the connection, never on a name (A36 in the threat
 * model).
 *
 * 1. No redirect is followed, no proxy is used, no environment is asked, no answer is passed on.
 * 2. An answer costs at most OUTGOING_ANSWER_MAX bytes and the time-out; of it only status and
 *    Retry-After are read.
 * 3. What libcurl gets to parse is put together again from what our own parser has understood.
 */
#ifndef FM_NET_OUTGOING_H
#define FM_NET_OUTGOING_H

#include "base/buf.h"
#include "base/ctx.h"

#define OUTGOING_URL_MAX 2048
#define OUTGOING_ANSWER_MAX (64 * KIB)   /* of an answer's head and body; more is cut off unread */
#define OUTGOING_CONNECT_US INT64_C(10000000) /* 10 s: a SYN is repeated after 1, 3 and 7 */
#define OUTGOING_RETRY_AFTER_S_MAX 86400 /* nobody makes us wait longer than a day */
#define OUTGOING_HEADERS_MAX 8
#define OUTGOING_ALLOW_MAX 32

/* Addresses ----------------------------------------------------------------------------------- */

/* An IPv6 address, or an IPv4 address as ::ffff:a.b.c.d. */
struct address {
    uint8_t bytes[16];
};

/* A network: its first `bits` bits count (96 more than written for IPv4). */
struct cidr {
    struct address first;
    unsigned bits;
};

/* Where requests may go besides the public internet: `--callback-allow`. */
struct outgoing_rules {
    struct cidr allow[OUTGOING_ALLOW_MAX];
    size_t allow_count;
};

/* Reads "10.1.2.3" (four decimals without leading zeros) or "fd00::1". False on anything else. */
bool address_parse(struct str text, struct address *out);
/* Reads "10.0.0.0/8", "fd00::/8", or an address alone, which is a network of one. False on anything
 * else, also when bits behind the prefix are set. */
bool cidr_parse(struct str text, struct cidr *out);

/* Whether a connection to this address may be made: a public address when it is `encrypted`, and
 * any address of an allowed network. Private, link-local, loopback, multicast, documentation, and
 * translated addresses (6to4, NAT64, Teredo) are not public. */
bool outgoing_may_connect(const struct outgoing_rules *rules, const struct address *address,
                          bool encrypted);

/* The same for the peer of a connection that stands, by its address in text. A peer whose address
 * cannot be told is gone already: that is no connection, and no refusal of ours. */
enum outgoing_peer { OUTGOING_PEER_ALLOWED, OUTGOING_PEER_FORBIDDEN, OUTGOING_PEER_GONE };
enum outgoing_peer outgoing_judge_peer(const struct outgoing_rules *rules, struct str peer,
                                       bool encrypted);

/* URLs ---------------------------------------------------------------------------------------- */

/* An absolute http or https URL, taken apart. Borrows from the text. */
struct outgoing_url {
    bool encrypted;  /* https */
    bool is_address; /* the host is numeric: `address` */
    bool has_port;
    struct str host; /* lower case, without the brackets of an IPv6 address */
    struct address address;
    uint16_t port;
    struct str target; /* path and query, beginning with / or ?; may be empty */
};

/* Takes a URL apart, strictly: no user, no fragment, no control or non-ASCII character, no
 * backslash, a host in lower case (an IDN in its xn-- form), numeric hosts in the one usual
 * spelling, ports 443, 80 and from 1024 on. NULL, or what is wrong in words for the one who wrote
 * it. */
const char *outgoing_url_parse(struct str url, struct outgoing_url *out);

/* Whether `host` (a name in lower case or an address) is the URL's. */
bool outgoing_url_is_at(const struct outgoing_url *url, struct str host);

/* Whether the rules let this URL be tried, as far as that can be told without resolving a name.
 * NULL, or why not in words. */
const char *outgoing_url_refusal(const struct outgoing_rules *rules,
                                 const struct outgoing_url *url);

/* W3C Trace Context --------------------------------------------------------------------------- */

#define TRACE_SIZE 56 /* "00-", 32 digits, "-", 16 digits, "-", 2 digits, and NUL */

/* Reads a traceparent header. False (and no trace) unless it is well formed: lower-case
 * hexadecimal, neither id all zero, version not ff. Of a later version the part that we know is
 * kept as version 00. */
bool trace_parse(struct str header, char out[TRACE_SIZE]);

/* The client ---------------------------------------------------------------------------------- */

/* How a request ended. */
enum outgoing_end {
    OUTGOING_ANSWERED,   /* `status` says how */
    OUTGOING_FORBIDDEN,  /* every address of the host is one that we must not connect to */
    OUTGOING_NO_NAME,    /* the host's name does not resolve */
    OUTGOING_NO_CONNECT, /* nobody listens, or a connection that broke before the answer */
    OUTGOING_NO_TLS,     /* its certificate or its TLS is not acceptable */
    OUTGOING_TIMED_OUT
};

struct outgoing_result {
    enum outgoing_end end;
    int status;          /* of the answer; 0 without one */
    int64_t retry_after_us; /* what the answer asks for; 0: nothing */
};

/* Called from outgoing_run on its thread, once for every post that was begun. */
typedef void outgoing_done_fn(void *with, const struct outgoing_result *result);

struct outgoing_header {
    const char *name;
    struct str value; /* printable ASCII */
};

struct outgoing_post {
    const struct outgoing_url *url;
    struct str body; /* application/json */
    const struct outgoing_header *headers;
    size_t header_count; /* at most OUTGOING_HEADERS_MAX */
    void *with;
};

struct outgoing_config {
    const struct outgoing_rules *rules; /* outlives the client */
    int64_t timeout_us;                 /* of a whole exchange */
    outgoing_done_fn *done;
    /* Tests only: a name that resolves to an address, "name:port:address"; NULL: the system's. */
    const char *resolve;
};

/* A client, for one thread at a time. Errors: FM_E_INTERNAL, that of fail_memory. */
struct outgoing;
enum fm_err outgoing_new(struct ctx *ctx, const struct outgoing_config *config,
                         struct outgoing **out) MUST_CHECK;
/* Breaks off what is under way without calling `done`. NULL is allowed. */
void outgoing_free(struct outgoing *outgoing);

/* Begins a request; everything is copied. False when memory is short: `done` will not be called. */
bool outgoing_begin(struct outgoing *outgoing, const struct outgoing_post *post) MUST_CHECK;

/* Moves what is under way and waits at most `wait_ms` for more to do; returns early when something
 * ended or outgoing_wake was called. */
void outgoing_run(struct outgoing *outgoing, int wait_ms);

/* Ends a waiting outgoing_run early; one that has not begun yet ends at once. Any thread. */
void outgoing_wake(struct outgoing *outgoing);

#endif
