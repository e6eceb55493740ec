/* SPDX-License-Identifier: Apache-2.0
 *
 * Where callbacks may go: addresses, networks, URLs as strangers write them, and trace headers.
 */
#include "../check.h"

#include "net/outgoing.h"

static struct outgoing_rules rules_of(const char *networks)
{
    struct outgoing_rules rules = {.allow_count = 0};
    struct str rest = str_of(networks);

    while (rest.n) {
        struct str network = str_split(&rest, ' ');
        EXPECT(cidr_parse(network, &rules.allow[rules.allow_count++]), "%.*s", STR_ARG(network));
    }
    return rules;
}

/* An address, what is allowed besides, and whether https and http may go there. */
static const struct {
    const char *address, *allow;
    bool https, http;
} addresses[] = {
    {"8.8.8.8", "", true, false},
    {"1.1.1.1", "", true, false},
    {"9.255.255.255", "", true, false},
    {"0.0.0.0", "", false, false},
    {"0.255.255.255", "", false, false},
    {"10.0.0.0", "", false, false},
    {"10.255.255.255", "", false, false},
    {"11.0.0.0", "", true, false},
    {"100.63.255.255", "", true, false},
    {"100.64.0.0", "", false, false},
    {"100.127.255.255", "", false, false},
    {"100.128.0.0", "", true, false},
    {"127.0.0.1", "", false, false},
    {"127.255.255.255", "", false, false},
    {"169.254.169.254", "", false, false},
    {"172.15.255.255", "", true, false},
    {"172.16.0.0", "", false, false},
    {"172.31.255.255", "", false, false},
    {"172.32.0.0", "", true, false},
    {"192.0.0.170", "", false, false},
    {"192.0.2.1", "", false, false},
    {"192.88.99.1", "", false, false},
    {"192.168.255.255", "", false, false},
    {"192.169.0.0", "", true, false},
    {"198.17.255.255", "", true, false},
    {"198.18.0.0", "", false, false},
    {"198.19.255.255", "", false, false},
    {"198.51.100.1", "", false, false},
    {"203.0.113.1", "", false, false},
    {"223.255.255.255", "", true, false},
    {"224.0.0.1", "", false, false},
    {"255.255.255.255", "", false, false},
    {"::", "", false, false},
    {"::1", "", false, false},
    {"::ffff:127.0.0.1", "", false, false},
    {"::ffff:8.8.8.8", "", true, false},
    {"::127.0.0.1", "", false, false},
    {"64:ff9b::7f00:1", "", false, false},
    {"100::1", "", false, false},
    {"2000::1", "", true, false},
    {"2001:0:7f00:1::", "", false, false},
    {"2001:1ff:ffff::1", "", false, false},
    {"2001:200::1", "", true, false},
    {"2001:db8::1", "", false, false},
    {"2002:7f00:1::", "", false, false},
    {"2a00:1450::1", "", true, false},
    {"3ffe::1", "", true, false},
    {"3fff:fff::1", "", false, false},
    {"3fff:1000::1", "", true, false},
    {"4000::1", "", false, false},
    {"fc00::1", "", false, false},
    {"fe80::1", "", false, false},
    {"fec0::1", "", false, false},
    {"ff02::1", "", false, false},
    /* allowed networks, also by plain http, and only they */
    {"127.0.0.1", "127.0.0.0/8", true, true},
    {"::ffff:127.0.0.1", "127.0.0.0/8", true, true},
    {"::1", "127.0.0.0/8", false, false},
    {"::1", "::1", true, true},
    {"10.1.2.3", "10.1.2.3", true, true},
    {"10.1.2.4", "10.1.2.3/32", false, false},
    {"10.1.2.4", "192.168.0.0/16 10.1.0.0/16", true, true},
    {"10.1.129.1", "10.1.128.0/17", true, true},
    {"10.1.127.1", "10.1.128.0/17", false, false},
    {"fd12::1", "fd00::/8", true, true},
    {"8.8.8.8", "10.0.0.0/8", true, false},
    {"8.8.8.8", "0.0.0.0/0", true, true},
    {"::1", "0.0.0.0/0", false, false},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct outgoing_rules rules = rules_of(addresses[i].allow);
        struct address address;

        EXPECT(address_parse(str_of(addresses[i].address), &address), "%s", addresses[i].address);
        EXPECT(outgoing_may_connect(&rules, &address, true) == addresses[i].https,
               "https to %s, allowed %s", addresses[i].address, addresses[i].allow);
        EXPECT(outgoing_may_connect(&rules, &address, false) == addresses[i].http,
               "http to %s, allowed %s", addresses[i].address, addresses[i].allow);
    }
}

static void test_peers(void **state)
{
    struct outgoing_rules rules = rules_of("10.0.0.0/8");

    (void)state;
    EXPECT(outgoing_judge_peer(&rules, S("10.0.0.1"), false) == OUTGOING_PEER_ALLOWED, "allowed");
    EXPECT(outgoing_judge_peer(&rules, S("8.8.8.8"), true) == OUTGOING_PEER_ALLOWED, "public");
    EXPECT(outgoing_judge_peer(&rules, S("::1"), true) == OUTGOING_PEER_FORBIDDEN, "inside");
    EXPECT(outgoing_judge_peer(&rules, S(""), true) == OUTGOING_PEER_GONE &&
               outgoing_judge_peer(&rules, STR_NONE, true) == OUTGOING_PEER_GONE,
           "a connection that broke is not given up for good");
}

static const char *const no_addresses[] = {
    "",        "1",         "1.2.3",      "1.2.3.4.5", "1.2.3.",     ".1.2.3",    "01.2.3.4",
    "1.2.3.256", "0x7f.0.0.1", "1.2.3.4 ", "1.2.3.-1",  "1.2.3.4/8",  "::1%lo",    ":::1",
    "[::1]",   "fe80::1::", "12345::",    "localhost", "1:2:3:4:5:6:7:8:9"};
static const char *const no_networks[] = {
    "", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/8", "10.0.0.0/8/8",
    "10/8", "::/129", "fd00::1/8", "localhost/8", "/8", "10.0.0.0/0008"};

static void test_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_addresses); i++) {
        struct address address;
        EXPECT(!address_parse(str_of(no_addresses[i]), &address), "%s", no_addresses[i]);
    }
    for (size_t i = 0; i < COUNT_OF(no_networks); i++) {
        struct cidr cidr;
        EXPECT(!cidr_parse(str_of(no_networks[i]), &cidr), "%s", no_networks[i]);
    }
}

static const struct {
    const char *url, *host, *target;
    uint16_t port;
    bool encrypted, is_address;
} urls[] = {
    {"https://a.example", "a.example", "", 443, true, false},
    {"https://a.example/", "a.example", "/", 443, true, false},
    {"https://a.example/h/x?y=1&z=%20", "a.example", "/h/x?y=1&z=%20", 443, true, false},
    {"https://a.example?x", "a.example", "?x", 443, true, false},
    {"https://a.example:443/", "a.example", "/", 443, true, false},
    {"https://a.example:8443/h", "a.example", "/h", 8443, true, false},
    {"https://a.example:65535", "a.example", "", 65535, true, false},
    {"https://a.example/@b:1/", "a.example", "/@b:1/", 443, true, false},
    {"https://xn--bcher-kva.example/", "xn--bcher-kva.example", "/", 443, true, false},
    {"https://a-1.b2.example/../x", "a-1.b2.example", "/../x", 443, true, false},
    {"https://localhost/", "localhost", "/", 443, true, false},
    {"https://8.8.8.8/", "8.8.8.8", "/", 443, true, true},
    {"https://[2a00:1450::1]:8443/", "2a00:1450::1", "/", 8443, true, true},
    {"https://[::1]", "::1", "", 443, true, true},
    {"http://a.example/", "a.example", "/", 80, false, false},
    {"http://10.0.0.1:8080/h", "10.0.0.1", "/h", 8080, false, true},
};

static void test_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        struct outgoing_url url;
        const char *wrong = outgoing_url_parse(str_of(urls[i].url), &url);

        EXPECT(!wrong, "%s: %s", urls[i].url, wrong ? wrong : "");
        EXPECT_STR(urls[i].url, url.host, str_of(urls[i].host));
        EXPECT_STR(urls[i].url, url.target, str_of(urls[i].target));
        EXPECT(url.port == urls[i].port && url.encrypted == urls[i].encrypted &&
                   url.is_address == urls[i].is_address,
               "%s", urls[i].url);
    }
}

static const char *const no_urls[] = {
    "",
    "a.example",
    "//a.example/",
    "HTTPS://a.example/",
    "https:a.example",
    "https:/a.example/",
    "https://",
    "https:///x",
    "https://:443/",
    "ftp://a.example/",
    "file:///etc/passwd",
    " https://a.example/",
    "https://a.example/ x",
    "https://a.example/\n",
    "https://a.example/\x7f",
    "https://a.example/\xc3\xa4",
    "https://A.example/",
    "https://a.example./",
    "https://.a.example/",
    "https://a..example/",
    "https://-a.example/",
    "https://a_b.example/",
    "https://a.example%2f/",
    "https://a.example\\x",
    "https://user@a.example/",
    "https://user:x@a.example/",
    "https://a.example/#x",
    "https://a.example#x",
    "https://a.example:/",
    "https://a.example:0/",
    "https://a.example:22/",
    "https://a.example:80/",
    "http://a.example:443/",
    "https://a.example:0443/",
    "https://a.example:65536/",
    "https://a.example:99999999999999999999/",
    "https://a.example:-1/",
    "https://a.example:443x/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://1.2.3.4.5/",
    "https://a.example.1/",
    "https://127.0.0.1./",
    "https://[::1/",
    "https://::1/",
    "https://[::1]x/",
    "https://[::1]]/",
    "https://[127.0.0.1]/",
    "https://[fe80::1%25lo]/",
    "https://[v1.x]/",
};

static void test_no_urls(void **state)
{
    struct outgoing_url url;
    char text[OUTGOING_URL_MAX + 2];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_urls); i++) {
        EXPECT(outgoing_url_parse(str_of(no_urls[i]), &url) != NULL, "%s", no_urls[i]);
    }
    memset(text, 'a', sizeof(text));
    memcpy(text, "https://a.example/", 18);
    EXPECT(!outgoing_url_parse((struct str){text, OUTGOING_URL_MAX}, &url), "at the limit");
    EXPECT(outgoing_url_parse((struct str){text, OUTGOING_URL_MAX + 1}, &url), "over it");
    memset(text + 8, 'a', 300);
    EXPECT(outgoing_url_parse((struct str){text, 400}, &url), "a host of 253 at most");
}

static void test_at(void **state)
{
    struct outgoing_url url;

    (void)state;
    EXPECT(!outgoing_url_parse(S("https://a.example/"), &url), "name");
    EXPECT(outgoing_url_is_at(&url, S("a.example")) && !outgoing_url_is_at(&url, S("b.example")) &&
               !outgoing_url_is_at(&url, S("example")) && !outgoing_url_is_at(&url, S("")),
           "a name is its own alone");
    EXPECT(!outgoing_url_parse(S("https://[2a00::0:1]/"), &url), "address");
    EXPECT(outgoing_url_is_at(&url, S("2a00::1")) && !outgoing_url_is_at(&url, S("2a00::2")),
           "an address in another spelling");
}

static const struct {
    const char *url, *allow;
    bool refused;
} refusals[] = {
    {"https://a.example/", "", false},         {"http://a.example/", "", true},
    {"http://a.example/", "10.0.0.0/8", false}, /* when it is resolved, its address will tell */
    {"https://10.0.0.1/", "", true},           {"https://10.0.0.1/", "10.0.0.0/8", false},
    {"http://10.0.0.1/", "10.0.0.0/8", false}, {"http://8.8.8.8/", "10.0.0.0/8", true},
    {"https://8.8.8.8/", "", false},           {"https://[::ffff:10.0.0.1]/", "", true},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct outgoing_rules rules = rules_of(refusals[i].allow);
        struct outgoing_url url;

        EXPECT(!outgoing_url_parse(str_of(refusals[i].url), &url), "%s", refusals[i].url);
        EXPECT((outgoing_url_refusal(&rules, &url) != NULL) == refusals[i].refused,
               "%s, allowed %s", refusals[i].url, refusals[i].allow);
    }
}

#define TRACE_ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT   "00f067aa0ba902b7"
static const struct {
    const char *header, *trace; /* NULL: none */
} traces[] = {
    {"00-" TRACE_ID "-" PARENT "-01", "00-" TRACE_ID "-" PARENT "-01"},
    {"00-" TRACE_ID "-" PARENT "-00", "00-" TRACE_ID "-" PARENT "-00"},
    {"cc-" TRACE_ID "-" PARENT "-01", "00-" TRACE_ID "-" PARENT "-01"},
    {"cc-" TRACE_ID "-" PARENT "-01-what.ever", "00-" TRACE_ID "-" PARENT "-01"},
    {"cc-" TRACE_ID "-" PARENT "-01x", NULL},
    {"00-" TRACE_ID "-" PARENT "-01-x", NULL},
    {"00-" TRACE_ID "-" PARENT "-0", NULL},
    {"00-" TRACE_ID "-" PARENT "-0G", NULL},
    {"ff-" TRACE_ID "-" PARENT "-01", NULL},
    {"0x-" TRACE_ID "-" PARENT "-01", NULL},
    {"00-00000000000000000000000000000000-" PARENT "-01", NULL},
    {"00-" TRACE_ID "-0000000000000000-01", NULL},
    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", NULL},
    {"00_" TRACE_ID "-" PARENT "-01", NULL},
    {"00-" TRACE_ID "_" PARENT "-01", NULL},
    {"00-" TRACE_ID "-" PARENT "_01", NULL},
    {" 00-" TRACE_ID "-" PARENT "-01", NULL},
    {"", NULL},
    {"00", NULL},
};

static void test_traces(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(traces); i++) {
        char out[TRACE_SIZE] = "";
        bool is_one = trace_parse(str_of(traces[i].header), out);

        EXPECT(is_one == (traces[i].trace != NULL), "%s", traces[i].header);
        EXPECT(!is_one || strcmp(out, traces[i].trace) == 0, "%s: %s", traces[i].header, out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers),     cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_urls),      cmocka_unit_test(test_no_urls),
        cmocka_unit_test(test_at),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_traces),
    };

    return CHECK_RUN(tests);
}
