/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds in a text what says where something goes: e-mail addresses, URLs and domains, account
 * numbers (IBAN and others), telephone numbers; each with a normal form, so that spelling does not
 * tell two of the same apart. What unsourced() compares.
 *
 * Normal forms: `e:` and the address in lower case; `u:` host and path without scheme and `www.`;
 * `d:` a domain as the policy lists it; `n:` the letters and digits of a number, without what
 * groups them.
 *
 * A URL is read the way browsers read it and the way libraries do. Where the two disagree about the
 * host, both hosts are found: neither may be one that nobody named.
 *
 * 1. Linear in the text: every byte is looked at a bounded number of times.
 * 2. Nothing is too long to be found.
 */
#include "policy/recipients.h"

#include "base/panic.h"

#define AUTHORITY_MAX 512 /* bytes of a URL before its path; if longer, they are its normal form */
#define LITERAL_MAX   64  /* bytes of an IP address in brackets */

/* Characters ----------------------------------------------------------------------------------- */

/* What can be part of a name in an address: also letters beyond ASCII. */
static bool is_name(char c)
{
    return is_alnum(c) || (unsigned char)c >= 0x80 || c == '-' || c == '_';
}

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

/* Whether `c` is one of `set`; NUL never is. */
static bool is_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* The kind, ':' and the bytes in lower case. */
static bool normal_form(struct finder *f, char kind, struct str text, struct str *out)
{
    char *p = arena_alloc(f->arena, text.n + 2);

    if (!p) {
        f->failed = true;
        return false;
    }
    p[0] = kind;
    p[1] = ':';
    for (size_t i = 0; i < text.n; i++) {
        p[2 + i] = lower(text.p[i]);
    }
    *out = (struct str){p, text.n + 2};
    return true;
}

void finder_found(struct finder *f, char kind, struct str piece, struct str bare)
{
    struct str normal;

    if (f->count < f->max && normal_form(f, kind, bare, &normal)) {
        f->visit(f->with, folded_source(&f->folded, piece), normal);
    }
    f->count++;
}

/* Addresses and URLs ------------------------------------------------------------------------- */

/* In running text: endings that are no words a sentence could begin with after a forgotten blank.
 */
static const struct str endings[] = {
    STR("com"),     STR("net"),   STR("org"),  STR("io"),    STR("ai"),      STR("app"),
    STR("dev"),     STR("info"),  STR("biz"),  STR("edu"),   STR("gov"),     STR("int"),
    STR("xyz"),     STR("top"),   STR("site"), STR("shop"),  STR("online"),  STR("club"),
    STR("link"),    STR("eu"),    STR("uk"),   STR("us"),    STR("de"),      STR("fr"),
    STR("ch"),      STR("at"),    STR("nl"),   STR("it"),    STR("es"),      STR("pl"),
    STR("se"),      STR("ru"),    STR("cn"),   STR("jp"),    STR("in"),      STR("br"),
    STR("ca"),      STR("au"),    STR("co"),   STR("me"),    STR("ly"),      STR("to"),
    STR("tv"),      STR("cc"),    STR("gg"),   STR("ws"),    STR("tk"),      STR("ml"),
    STR("gq"),      STR("cf"),    STR("su"),   STR("pw"),    STR("icu"),     STR("tech"),
    STR("store"),   STR("cloud"), STR("blog"), STR("click"), STR("website"), STR("email"),
    STR("support"), STR("live"),  STR("world"), STR("zip"),  STR("mov"),     STR("one"),
    STR("vip"),     STR("fun"),   STR("pro"),   STR("mobi"), STR("asia"),    STR("digital"),
    STR("agency"),  STR("space"), STR("win"),   STR("bid"),  STR("loan"),    STR("download"),
    STR("stream"),  STR("host"),  STR("press"), STR("wtf"),  STR("onion"),   STR("i2p"),
    STR("network"), STR("ink"),   STR("wiki"),  STR("gmbh"), STR("example"), STR("ir"),
    STR("kr"),      STR("tr"),    STR("ua"),    STR("cz"),   STR("hu"),      STR("ro"),
    STR("gr"),      STR("pt"),    STR("dk"),    STR("fi"),   STR("hk"),      STR("tw"),
    STR("sg"),      STR("th"),    STR("vn"),    STR("ph"),   STR("mx"),      STR("ar"),
    STR("cl"),      STR("za"),    STR("ng"),    STR("ae"),   STR("il"),      STR("nz"),
    STR("lu"),      STR("sk"),    STR("lt"),    STR("lv"),   STR("kz"),      STR("vc"),
    STR("fm"),      STR("li"),    STR("nu"),    STR("st"),   STR("sx"),      STR("gl"),
};

/* A value that is nothing but a name with one of these is a file's, though some are countries'
 * too; so is what a line number follows. */
static const struct str file_endings[] = {
    STR("py"), STR("js"), STR("ts"), STR("md"), STR("sh"), STR("rs"),
    STR("go"), STR("ps"), STR("so"), STR("gz"), STR("xz"),
    STR("db"), STR("cs"), STR("hs"), STR("kt"), STR("rb"), STR("vb"),
    STR("txt"), STR("html"), STR("css"), STR("json"), STR("yaml"),
    STR("yml"), STR("csv"), STR("java"), STR("cpp"), STR("log"), STR("xml"),
    STR("toml"), STR("ini"), STR("conf"), STR("tsx"), STR("jsx"), STR("mjs"),
    STR("php"), STR("sql"), STR("lock"), STR("hpp"), STR("swift"),
};

/* How far a host name reaches from `text`'s start: labels with dots between; 0 when it has no
 * dot. */
static size_t host_length(struct str text)
{
    size_t n = 0, dots = 0;

    while (n < text.n) {
        bool dot = text.p[n] == '.';
        if ((dot && (n == 0 || n + 1 >= text.n || !is_name(text.p[n + 1]))) ||
            (!dot && !is_name(text.p[n]))) {
            break;
        }
        dots += dot;
        n++;
    }
    return dots ? n : 0;
}

static struct str last_label(struct str host)
{
    size_t from = host.n;

    while (from > 0 && host.p[from - 1] != '.') {
        from--;
    }
    return str_skip(host, from);
}

static bool is_among(struct str text, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, words[i])) {
            return true;
        }
    }
    return false;
}

/* What a host ends in. */
struct ending {
    char text[16];
    struct str label; /* in lower case; absent: too long to be one */
    bool letters;     /* two or more, and nothing else */
    bool foreign;     /* of another script, in either spelling */
};

static void ending_of(struct str host, struct ending *out)
{
    struct str label = last_label(host);

    *out = (struct ending){.letters = label.n >= 2, .foreign = false};
    for (size_t i = 0; i < label.n; i++) {
        char c = lower(label.p[i]);
        out->foreign = out->foreign || (unsigned char)c >= 0x80;
        out->letters = out->letters && !is_digit(c) && is_alnum(c);
        if (i < sizeof(out->text)) {
            out->text[i] = c;
        }
    }
    out->foreign = out->foreign || (label.n > 4 && memcmp(out->text, "xn--", 4) == 0);
    out->label = (struct str){out->text, label.n <= sizeof(out->text) ? label.n : 0};
}

/* A host whose last label is one that addresses end in; where it is all there is, any two
 * letters, and what is no ASCII. */
static bool ends_as_domain(struct str host, bool alone)
{
    struct ending end;

    ending_of(host, &end);
    if (alone && (end.foreign || (end.letters && end.label.n == 2))) {
        return !is_among(end.label, file_endings, COUNT_OF(file_endings));
    }
    return is_among(end.label, endings, COUNT_OF(endings));
}

/* What follows a host: how many bytes of it are a port. */
static size_t port_length(struct str rest)
{
    size_t n = 1;

    while (n < rest.n && is_digit(rest.p[n])) {
        n++;
    }
    return rest.n > 0 && rest.p[0] == ':' && n > 2 && n <= 6 ? n : 0;
}

/* 192.0.2.1 */
static bool is_ip(struct str host)
{
    size_t dots = 0, digits = 0;

    for (size_t i = 0; i < host.n; i++) {
        bool dot = host.p[i] == '.';
        dots += dot;
        digits = dot ? 0 : digits + 1;
        if ((!dot && !is_digit(host.p[i])) || digits > 3) {
            return false;
        }
    }
    return dots == 3;
}

/* A host by what stands behind it, whatever it ends in: a path, or a port where it is no line of a
 * file. */
static bool goes_on_as_url(struct str host, struct str rest)
{
    struct ending end;
    size_t port = port_length(rest);

    ending_of(host, &end);
    if (!end.letters && !end.foreign && !is_ip(host)) {
        return false;
    }
    if (port && is_among(end.label, file_endings, COUNT_OF(file_endings))) {
        return false;
    }
    return rest.n > port ? rest.p[port] == '/' : port > 0;
}

/* E-mail addresses ----------------------------------------------------------------------------- */

/* Whether what stands before `p` belongs to it: "eve"@evil.org has its name in quotation marks. */
static bool is_glued(const struct finder *f, const char *p)
{
    return p > f->folded.text.p && !is_blank(p[-1]) && !is_of(p[-1], "([{<,;|:'");
}

/* How far the host of an address reaches that may name several, as in a@b.org@c.org. */
static size_t hosts_length(struct str text)
{
    size_t n = host_length(text), next = n;

    while (next && n < text.n && text.p[n] == '@') {
        next = host_length(str_skip(text, n + 1));
        n += next ? 1 + next : 0;
    }
    return n;
}

/* The address around the `@` at `at`; how far it reaches, 0 when it is none. */
static size_t take_email(struct finder *f, struct str token, size_t at)
{
    size_t from = at, host = hosts_length(str_skip(token, at + 1));

    while (from > 0 && (is_name(token.p[from - 1]) || is_of(token.p[from - 1], ".+%"))) {
        from--;
    }
    while (from < at && is_of(token.p[from], "'.")) { /* a quotation mark in front is none of it */
        from++;
    }
    if (host == 0 || (from == at && !is_glued(f, token.p + at))) {
        return 0;
    }
    struct str text = {token.p + from, at + 1 + host - from};
    finder_found(f, 'e', text, text);
    return at + 1 + host;
}

/* All of a,b lists without blanks. */
static void take_emails(struct finder *f, struct str token)
{
    size_t at = str_find(token, '@');

    for (size_t done = 0; at < token.n;) {
        size_t end = take_email(f, str_skip(token, done), at - done);
        done = end ? done + end : at + 1;
        at = done + str_find(str_skip(token, done), '@');
    }
}

/* The address of an IP in brackets, as [::1], at the start; 0: none is there. */
static size_t literal_length(struct str text)
{
    size_t n = 1;

    while (n < text.n && n < LITERAL_MAX &&
           (is_alnum(text.p[n]) || is_of(text.p[n], ".:%-_"))) {
        n++;
    }
    return n > 2 && n < text.n && text.p[0] == '[' && text.p[n] == ']' ? n + 1 : 0;
}

/* eve@[192.0.2.1]: the token ends at the bracket. */
static void take_literal_email(struct finder *f, struct str token)
{
    struct str text = f->folded.text;
    struct str rest = str_skip(text, (size_t)(token.p - text.p) + token.n);
    size_t n = token.n && token.p[token.n - 1] == '@' ? literal_length(rest) : 0;

    if (n) {
        finder_found(f, 'e', (struct str){token.p, token.n + n},
                     (struct str){token.p, token.n + n});
    }
}

/* URLs ----------------------------------------------------------------------------------------- */

static struct str without_www(struct str url)
{
    bool www = url.n > 4 && lower(url.p[0]) == 'w' && lower(url.p[1]) == 'w' &&
               lower(url.p[2]) == 'w' && url.p[3] == '.';

    return www ? str_skip(url, 4) : url;
}

/* `text` from its scheme on, `bare` from its host on. */
static void found_url(struct finder *f, struct str text, struct str bare)
{
    bare = without_www(bare);
    while (bare.n && bare.p[bare.n - 1] == '/') {
        bare.n--;
    }
    if (bare.n) {
        finder_found(f, 'u', text, bare);
    }
}

/* How far the part of a URL before one of `ends` reaches, at most AUTHORITY_MAX; what of it is
 * before its host: it ends in an `@`. */
static size_t authority_length(struct str url, const char *ends, size_t *user)
{
    size_t n = 0;

    *user = 0;
    while (n < url.n && n < AUTHORITY_MAX && !is_of(url.p[n], ends)) {
        n++;
        *user = url.p[n - 1] == '@' ? n : *user;
    }
    return n;
}

static bool splits(char c)
{
    return is_blank(c) || is_of(c, "<>()[]{}\"`|,;\\");
}

static size_t token_end(struct str text, size_t from)
{
    while (from < text.n && !splits(text.p[from])) {
        from++;
    }
    return from;
}

/* Without the punctuation and the emphasis around it: **www.example.com**, */
static struct str trimmed(struct str token)
{
    while (token.n && is_of(token.p[token.n - 1], ".,:;!?*_~'")) {
        token.n--;
    }
    while (token.n && is_of(token.p[0], "*_~'.")) {
        token = str_skip(token, 1);
    }
    return token;
}

/* From a host to the end of a token; also over the brackets of an IP address. */
static struct str url_from(struct str text, size_t host)
{
    size_t end = token_end(text, host + literal_length(str_skip(text, host)));

    return trimmed((struct str){text.p + host, end - host});
}

/* What one reader takes for a part of the name before an `@`, such as the ; of https://a;@b/, is
 * the end of the host for another: the host behind the last `@` before the path is found as well,
 * and what is too long to look for it. */
static void take_other_host(struct finder *f, size_t from, size_t host, size_t known)
{
    struct str text = f->folded.text, rest = str_skip(text, host), bare;
    size_t user, n = authority_length(rest, "/ \t\r\n\"<>", &user);

    bare = n == AUTHORITY_MAX ? (struct str){rest.p, n} : url_from(text, host + user);
    bare.n = bare.n > AUTHORITY_MAX ? AUTHORITY_MAX : bare.n;
    if (n == AUTHORITY_MAX || (user != known && user > 0)) {
        found_url(f, (struct str){text.p + from, (size_t)(bare.p + bare.n - text.p) - from}, bare);
    }
}

/* The URL that begins at `from` and whose host is at `host`; behind it. */
static size_t take_url(struct finder *f, size_t from, size_t host)
{
    struct str text = f->folded.text, bare = url_from(text, host);
    size_t user, end = (size_t)(bare.p + bare.n - text.p);

    (void)authority_length(bare, "/?#", &user);
    if (bare.n) {
        found_url(f, (struct str){text.p + from, end - from}, str_skip(bare, user));
    }
    take_other_host(f, from, host, user);
    return end;
}

/* Where the host is behind the colon of a scheme; 0: it is none. Browsers take any number of
 * slashes, and of backslashes, after the schemes that they know. */
static size_t behind_scheme(struct str text, size_t word, size_t colon)
{
    static const struct str known[] = {STR("http"), STR("https"), STR("ws"), STR("wss"),
                                       STR("ftp")};
    struct ending scheme;
    size_t host = colon + 1;
    bool exact = str_starts(str_skip(text, host), S("//"));

    ending_of((struct str){text.p + word, colon - word}, &scheme);
    while (host < text.n && is_of(text.p[host], exact ? "/\\" : "/\\\t\r\n")) {
        host++;
    }
    if (exact) {
        return host < text.n && !is_blank(text.p[host]) ? host : 0;
    }
    return is_among(scheme.label, known, COUNT_OF(known)) &&
                   (host_length(str_skip(text, host)) || literal_length(str_skip(text, host)))
               ? host
               : 0;
}

/* The first URL with a scheme between `from` and `end`: where it begins; its host. False: none. */
static bool find_scheme(struct str text, size_t from, size_t end, size_t *begins, size_t *host)
{
    size_t word = from;

    for (size_t i = from; i < end; i++) {
        if (text.p[i] == ':' && (*host = behind_scheme(text, word, i)) > 0) {
            *begins = word;
            return true;
        }
        if (!is_alnum(text.p[i]) && !is_of(text.p[i], "+-")) {
            word = i + 1;
        }
    }
    return false;
}

/* Whether a URL without a scheme begins at the start of `text`. Whatever follows a host (a path, a
 * port, a query) does not make it less of one; but in an e-mail address only a path does. */
static bool starts_url(struct str text, bool in_email, bool alone)
{
    size_t host = host_length(text);
    struct str name = {text.p, host}, rest = str_skip(text, host);

    if (host == 0 || (rest.n && in_email && !is_of(rest.p[0], "/?#:"))) {
        return false;
    }
    return without_www(text).n < text.n || goes_on_as_url(name, rest) ||
           ends_as_domain(name, alone);
}

/* A piece of text without white space and without a scheme; `alone` when there is nothing else. */
static void take_plain(struct finder *f, struct str token, bool alone)
{
    size_t start = (size_t)(token.p - f->folded.text.p);
    bool in_email = str_find(token, '@') < token.n;
    size_t i = 0;

    if (str_starts(token, S("//")) && host_length(str_skip(token, 2))) {
        (void)take_url(f, start, start + 2);
        return;
    }
    while (i < token.n && !((i == 0 || is_of(token.p[i - 1], "=:&!*~'")) &&
                            starts_url(str_skip(token, i), in_email, alone && i == 0))) {
        i++;
    }
    if (i < token.n) {
        (void)take_url(f, start + i, start + i);
    }
    take_emails(f, (struct str){token.p, i});
}

/* What stands between two separators; behind it. */
static size_t take_token(struct finder *f, size_t from, size_t end)
{
    struct str text = f->folded.text;
    size_t begins, host;
    bool alone = end - from == text.n;

    while (find_scheme(text, from, end, &begins, &host)) {
        take_plain(f, trimmed((struct str){text.p + from, begins - from}), false);
        size_t behind = take_url(f, begins, host);
        from = behind > begins ? behind : host;
        end = token_end(text, from);
    }
    take_plain(f, trimmed((struct str){text.p + from, end - from}), alone);
    take_literal_email(f, (struct str){text.p + from, end - from});
    return end;
}

static void take_tokens(struct finder *f)
{
    struct str text = f->folded.text;

    for (size_t from = 0; from < text.n;) {
        size_t end = token_end(text, from);
        from = (end > from ? take_token(f, from, end) : end) + 1;
    }
}

void finder_text(struct finder *f, struct str text)
{
    if (!folded_of(f->arena, text, &f->folded)) {
        f->failed = true;
        return;
    }
    take_tokens(f);
    if (!f->no_numbers) {
        finder_accounts(f);
    }
}

/* What the policy lists ---------------------------------------------------------------------- */

struct first {
    struct str text, normal;
};

static void keep_first(void *with, struct str text, struct str normal)
{
    struct first *first = with;

    if (!first->normal.p) {
        *first = (struct first){text, normal};
    }
}

struct str recipient_normal(struct arena *arena, struct str text)
{
    struct first first = {STR_NONE, STR_NONE};
    struct finder f = {.arena = arena, .visit = keep_first, .with = &first, .max = 1};
    struct str domain, normal;

    if (!folded_of(arena, str_starts(text, S("@")) ? str_skip(text, 1) : text, &f.folded)) {
        return STR_NONE;
    }
    domain = f.folded.text;
    if (domain.n > 0 && host_length(domain) == domain.n && !is_digit(last_label(domain).p[0])) {
        return normal_form(&f, 'd', without_www(domain), &normal) ? normal : STR_NONE;
    }
    finder_text(&f, text);
    return first.text.n == text.n ? first.normal : STR_NONE; /* nothing beside it */
}
