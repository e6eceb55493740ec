/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats that can be asserted: those of the draft whose grammars are closed. The
 * international ones (idn-email, idn-hostname, iri, iri-reference) and uri-template are never
 * asserted, as the draft allows.
 */
#include "json/schema_inner.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Whether `c` is one of `set`. */
static bool in(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* The number that `n` digits of `text` make; -1 when they are not all there. */
static int digits(struct str text, size_t at, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (at + i >= text.n || !is_digit(text.p[at + i])) {
            return -1;
        }
        value = value * 10 + (text.p[at + i] - '0');
    }
    return value;
}

static char byte(struct str text, size_t at)
{
    return at < text.n ? text.p[at] : '\0';
}

/* Dates and times: RFC 3339 ------------------------------------------------------------------ */

static bool is_date(struct str text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (text.n != 10 || text.p[4] != '-' || text.p[7] != '-' || year < 0 || month < 1 ||
        month > 12 || day < 1) {
        return false;
    }
    return day <= days[month - 1] + (month == 2 && leap);
}

/* Minutes east of UTC in `*east`; false when the offset is malformed. */
static bool read_offset(struct str text, int *east)
{
    int hours = digits(text, 1, 2), minutes = digits(text, 4, 2);

    *east = 0;
    if (text.n == 1) {
        return text.p[0] == 'Z' || text.p[0] == 'z';
    }
    if (text.n != 6 || !in("+-", text.p[0]) || text.p[3] != ':' || hours < 0 || hours > 23 ||
        minutes < 0 || minutes > 59) {
        return false;
    }
    *east = (hours * 60 + minutes) * (text.p[0] == '-' ? -1 : 1);
    return true;
}

static bool is_time(struct str text)
{
    int hour = digits(text, 0, 2), minute = digits(text, 3, 2), second = digits(text, 6, 2);
    size_t at = 8;
    int east;

    if (byte(text, 2) != ':' || byte(text, 5) != ':' || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60) {
        return false;
    }
    if (byte(text, at) == '.') {
        for (at++; is_digit(byte(text, at)); at++) {
        }
        if (at == 9) {
            return false;
        }
    }
    if (at >= text.n || !read_offset(str_skip(text, at), &east)) {
        return false;
    }
    /* a leap second is the last one of a day in UTC */
    return second < 60 || (hour * 60 + minute - east + 2880) % 1440 == 1439;
}

static bool is_date_time(struct str text)
{
    return text.n > 11 && in("Tt", text.p[10]) && is_date((struct str){text.p, 10}) &&
           is_time(str_skip(text, 11));
}

/* Units of a duration from `units`, each at most once and none left out in between; how many
 * bytes. */
static size_t duration_part(struct str text, const char *units)
{
    size_t at = 0;
    bool begun = false;

    while (is_digit(byte(text, at))) {
        size_t from = at;
        while (is_digit(byte(text, at))) {
            at++;
        }
        while (*units && *units != byte(text, at)) {
            if (begun) {
                return from; /* P1Y2D leaves out the months */
            }
            units++;
        }
        if (!*units) {
            return from;
        }
        begun = true;
        units++;
        at++;
    }
    return at;
}

/*= RFC 3339, appendix A */
static bool is_duration(struct str text)
{
    size_t n;

    if (byte(text, 0) != 'P') {
        return false;
    }
    text = str_skip(text, 1);
    n = duration_part(text, "W");
    if (n > 0) {
        return n == text.n;
    }
    n = duration_part(text, "YMD");
    if (n == text.n) {
        return n > 0;
    }
    text = str_skip(text, n);
    if (byte(text, 0) != 'T' || text.n < 2) {
        return false;
    }
    return duration_part(str_skip(text, 1), "HMS") == text.n - 1;
}

/* Hosts -------------------------------------------------------------------------------------- */

static bool is_a_label(struct str label)
{
    return label.n > 4 && (label.p[0] | 0x20) == 'x' && (label.p[1] | 0x20) == 'n';
}

/* = RFC 1123 2.1. A label with hyphens in the third and fourth place is one of IDNA: xn-- is taken
 * as it is, the rest is reserved. */
static bool is_label(struct str label)
{
    for (size_t i = 0; i < label.n; i++) {
        if (!is_alnum(label.p[i]) && label.p[i] != '-') {
            return false;
        }
    }
    return label.n > 0 && label.n <= 63 && label.p[0] != '-' && label.p[label.n - 1] != '-' &&
           (label.n < 4 || label.p[2] != '-' || label.p[3] != '-' || is_a_label(label));
}

static bool is_hostname(struct str text)
{
    struct str rest = text;

    while (rest.p) {
        if (!is_label(str_split(&rest, '.'))) {
            return false;
        }
    }
    return text.n > 0 && text.n <= 253;
}

static bool is_ipv4(struct str text)
{
    struct str rest = text;
    int parts = 0;

    for (; rest.p; parts++) {
        struct str part = str_split(&rest, '.');
        int value = part.n <= 3 ? digits(part, 0, part.n) : -1;
        if (part.n == 0 || value < 0 || value > 255 || (part.n > 1 && part.p[0] == '0')) {
            return false;
        }
    }
    return parts == 4;
}

/* Groups of hexadecimal digits between colons, the last one perhaps an IPv4 address; -1:
 * malformed. */
static int ipv6_groups(struct str text, bool last)
{
    struct str rest = text;
    int groups = 0;

    while (text.n > 0 && rest.p) {
        struct str group = str_split(&rest, ':');
        if (last && !rest.p && str_find(group, '.') < group.n) {
            return is_ipv4(group) ? groups + 2 : -1;
        }
        for (size_t i = 0; i < group.n; i++) {
            if (!is_hex(group.p[i])) {
                return -1;
            }
        }
        if (group.n == 0 || group.n > 4) {
            return -1;
        }
        groups++;
    }
    return groups;
}

static bool is_ipv6(struct str text)
{
    const char *gap = text.n ? memmem(text.p, text.n, "::", 2) : NULL;
    size_t at = gap ? (size_t)(gap - text.p) : 0;
    int before, after;

    if (!gap) {
        return ipv6_groups(text, true) == 8;
    }
    before = ipv6_groups((struct str){text.p, at}, false);
    after = ipv6_groups(str_skip(text, at + 2), true);
    return before >= 0 && after >= 0 && before + after <= 7;
}

/*= RFC 5321 4.1.2: a dot-string or a quoted one, then a host or an address in brackets */
static bool is_local_part(struct str text)
{
    struct str rest = text;

    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"') {
        for (size_t i = 1; i + 1 < text.n; i++) {
            if (text.p[i] == '\\' && i + 2 < text.n) {
                i++;
            } else if (in("\"\\", text.p[i]) || (unsigned char)text.p[i] - 0x20u >= 0x5F) {
                return false;
            }
        }
        return true;
    }
    while (rest.p) {
        struct str atom = str_split(&rest, '.');
        for (size_t i = 0; i < atom.n; i++) {
            if (!is_alnum(atom.p[i]) && !in("!#$%&'*+-/=?^_`{|}~", atom.p[i])) {
                return false;
            }
        }
        if (atom.n == 0) {
            return false;
        }
    }
    return true;
}

static bool is_email(struct str text)
{
    size_t at = text.n;
    struct str domain;

    while (at > 0 && text.p[at - 1] != '@') {
        at--;
    }
    if (at < 2 || !is_local_part((struct str){text.p, at - 1})) {
        return false;
    }
    domain = str_skip(text, at);
    if (domain.n > 2 && domain.p[0] == '[' && domain.p[domain.n - 1] == ']') {
        domain = (struct str){domain.p + 1, domain.n - 2};
        return str_starts(domain, S("IPv6:")) ? is_ipv6(str_skip(domain, 5)) : is_ipv4(domain);
    }
    return is_hostname(domain);
}

/* URIs: RFC 3986 ----------------------------------------------------------------------------- */

#define UNRESERVED "-._~"
#define SUB_DELIMS "!$&'()*+,;="

/* Characters of one part: unreserved, sub-delims, those of `more`, and percent-encoded. */
static bool is_part(struct str text, const char *more)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '%') {
            if (!is_hex(byte(text, i + 1)) || !is_hex(byte(text, i + 2))) {
                return false;
            }
            i += 2;
        } else if (!is_alnum(text.p[i]) && !in(UNRESERVED SUB_DELIMS, text.p[i]) &&
                   !in(more, text.p[i])) {
            return false;
        }
    }
    return true;
}

static bool is_authority(struct str text)
{
    size_t at = str_find(text, '@'), end;
    struct str port;

    if (at < text.n) {
        if (!is_part((struct str){text.p, at}, ":")) {
            return false;
        }
        text = str_skip(text, at + 1);
    }
    if (byte(text, 0) == '[') {
        end = str_find(text, ']');
        if (end == text.n || !is_ipv6((struct str){text.p + 1, end - 1})) {
            return false;
        }
        port = str_skip(text, end + 1);
    } else {
        end = str_find(text, ':');
        if (!is_part((struct str){text.p, end}, "")) {
            return false;
        }
        port = str_skip(text, end);
    }
    return port.n == 0 || (port.p[0] == ':' && digits(port, 1, port.n - 1) >= 0);
}

/* The part up to the first of `stops`, which `*rest` begins with afterwards. */
static struct str take(struct str *rest, const char *stops)
{
    struct str part = *rest;
    size_t n = 0;

    while (n < rest->n && !in(stops, rest->p[n])) {
        n++;
    }
    part.n = n;
    *rest = str_skip(*rest, n);
    return part;
}

static bool is_after_scheme(struct str rest)
{
    struct str path;

    if (str_starts(rest, S("//"))) {
        rest = str_skip(rest, 2);
        if (!is_authority(take(&rest, "/?#"))) {
            return false;
        }
    }
    path = take(&rest, "?#");
    if (!is_part(path, ":@/")) {
        return false;
    }
    if (byte(rest, 0) == '?') {
        rest = str_skip(rest, 1);
        if (!is_part(take(&rest, "#"), ":@/?")) {
            return false;
        }
    }
    return rest.n == 0 || is_part(str_skip(rest, 1), ":@/?");
}

static bool is_uri(struct str text)
{
    size_t n = 0;

    while (n < text.n && (is_alnum(text.p[n]) || in("+-.", text.p[n]))) {
        n++;
    }
    return n > 0 && !is_digit(text.p[0]) && is_alnum(text.p[0]) && byte(text, n) == ':' &&
           is_after_scheme(str_skip(text, n + 1));
}

static bool is_uri_reference(struct str text)
{
    struct str rest = text, first = take(&rest, "/?#");

    return is_uri(text) || (str_find(first, ':') == first.n && is_after_scheme(text));
}

/* Pointers and the rest ---------------------------------------------------------------------- */

static bool is_json_pointer(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '~' && !in("01", byte(text, i + 1))) {
            return false;
        }
    }
    return text.n == 0 || text.p[0] == '/';
}

static bool is_relative_json_pointer(struct str text)
{
    size_t n = 0;

    while (is_digit(byte(text, n))) {
        n++;
    }
    if (n == 0 || (n > 1 && text.p[0] == '0')) {
        return false;
    }
    text = str_skip(text, n);
    return str_eq(text, S("#")) || is_json_pointer(text);
}

static bool is_uuid(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? text.p[i] != '-' : !is_hex(text.p[i])) {
            return false;
        }
    }
    return text.n == 36;
}

static const struct {
    const char *name;
    schema_format_fn *test;
} FORMATS[] = {
    {"date-time", is_date_time},
    {"date", is_date},
    {"time", is_time},
    {"duration", is_duration},
    {"email", is_email},
    {"hostname", is_hostname},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"uri", is_uri},
    {"uri-reference", is_uri_reference},
    {"uuid", is_uuid},
    {"json-pointer", is_json_pointer},
    {"relative-json-pointer", is_relative_json_pointer},
    {"regex", schema_pattern_is_valid},
};

schema_format_fn *schema_format_find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(FORMATS); i++) {
        if (str_eq(name, str_of(FORMATS[i].name))) {
            return FORMATS[i].test;
        }
    }
    return NULL;
}
