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
 * 1. Linear in the text: every byte is looked at a bounded number of times.
 */
#include "policy/recipients.h"

#include "base/panic.h"

#define NUMBER_DIGITS_MIN                                                                          \
    8 /* dates without separators have 8, and are told apart where they can be */
#define PHONE_DIGITS_MIN 7  /* with a + before */
#define NUMBER_MAX       40 /* characters of a normal form; an IBAN has at most 34 */
#define IBAN_MIN         15
#define NORMAL_MAX       400

/* Characters ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
    return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

/* What can be part of a name in an address: also letters beyond ASCII. */
static bool is_name(char c)
{
    return is_alnum(c) || (unsigned char)c >= 0x80 || c == '-' || c == '_';
}

static char lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

/* The bytes of a dot in a host name at `at`: also those of other scripts, which resolvers take
 * for one (U+3002, U+FF0E, U+FF61); 0: none. */
static size_t dot_length(struct str text, size_t at)
{
    struct str rest = str_skip(text, at);

    if (rest.n && rest.p[0] == '.') {
        return 1;
    }
    return str_starts(rest, S("\xE3\x80\x82")) || str_starts(rest, S("\xEF\xBC\x8E")) ||
                   str_starts(rest, S("\xEF\xBD\xA1"))
               ? 3
               : 0;
}

/* The kind, ':' and the bytes in lower case, with plain dots. */
static bool normal_form(struct finder *f, char kind, struct str text, struct str *out)
{
    char *p = text.n <= NORMAL_MAX ? arena_alloc(f->arena, text.n + 2) : NULL;
    size_t n = 0;

    if (!p) {
        f->failed = f->failed || text.n <= NORMAL_MAX;
        return false;
    }
    p[n++] = kind;
    p[n++] = ':';
    for (size_t i = 0; i < text.n;) {
        size_t dot = dot_length(text, i);
        p[n++] = dot ? '.' : lower(text.p[i]);
        i += dot ? dot : 1;
    }
    *out = (struct str){p, n};
    return true;
}

static void found(struct finder *f, char kind, struct str text, struct str bare)
{
    struct str normal;

    if (f->count < f->max && normal_form(f, kind, bare, &normal)) {
        f->visit(f->with, text, normal);
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
    STR("support"),
};

/* A value that is nothing but a name with one of these is a file's, though some are countries'
 * too. */
static const struct str file_endings[] = {
    STR("py"), STR("js"), STR("ts"), STR("md"), STR("sh"), STR("rs"),
    STR("go"), STR("pl"), STR("ps"), STR("so"), STR("gz"), STR("xz"),
    STR("db"), STR("cs"), STR("hs"), STR("kt"), STR("rb"), STR("vb"),
};

/* How far a host name reaches from `text`'s start: labels with dots between; 0 when it has no
 * dot. */
static size_t host_length(struct str text)
{
    size_t n = 0, dots = 0;

    while (n < text.n) {
        size_t dot = dot_length(text, n);
        if (dot && (n == 0 || n + dot >= text.n || !is_name(text.p[n + dot]))) {
            break;
        }
        if (!dot && !is_name(text.p[n])) {
            break;
        }
        dots += dot > 0;
        n += dot ? dot : 1;
    }
    return dots ? n : 0;
}

static struct str last_label(struct str host)
{
    size_t from = 0;

    for (size_t i = 0; i < host.n; i++) {
        size_t dot = dot_length(host, i);
        from = dot ? i + dot : from;
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

/* A host whose last label is one that addresses end in; where it is all there is, any two
 * letters. */
static bool ends_as_domain(struct str host, bool alone)
{
    struct str label = last_label(host);
    char text[8];

    if (label.n == 0 || label.n >= sizeof(text)) {
        return false;
    }
    for (size_t i = 0; i < label.n; i++) {
        text[i] = lower(label.p[i]);
    }
    label.p = text;
    if (alone && label.n == 2 && !is_digit(text[0]) && !is_digit(text[1])) {
        return !is_among(label, file_endings, COUNT_OF(file_endings));
    }
    return is_among(label, endings, COUNT_OF(endings));
}

/* The address around the `@` at `at`; how far it reaches, 0 when it is none. */
static size_t take_email(struct finder *f, struct str token, size_t at)
{
    size_t from = at, host = host_length(str_skip(token, at + 1));

    while (from > 0 && (is_name(token.p[from - 1]) || strchr(".+%", token.p[from - 1]))) {
        from--;
    }
    while (from < at && strchr("'.", token.p[from])) { /* a quotation mark in front is none of it */
        from++;
    }
    if (from == at || host == 0) {
        return 0;
    }
    struct str text = {token.p + from, at + 1 + host - from};
    found(f, 'e', text, text);
    return at + 1 + host;
}

static struct str without_www(struct str url)
{
    bool www =
        url.n > 4 && lower(url.p[0]) == 'w' && lower(url.p[1]) == 'w' && lower(url.p[2]) == 'w';
    size_t dot = www ? dot_length(url, 3) : 0;

    return dot && url.n > 3 + dot ? str_skip(url, 3 + dot) : url;
}

/* `text` from its scheme on, `bare` from its host on. What is before an `@` in it is no host. */
static void take_url(struct finder *f, struct str text, struct str bare)
{
    size_t host_end = 0;

    while (host_end < bare.n && !strchr("/?#", bare.p[host_end])) {
        if (bare.p[host_end] == '@') {
            bare = str_skip(bare, host_end + 1);
            host_end = 0;
            continue;
        }
        host_end++;
    }
    bare = without_www(bare);
    while (bare.n && bare.p[bare.n - 1] == '/') {
        bare.n--;
    }
    if (bare.n) {
        found(f, 'u', text, bare);
    }
}

/* Where "://" is, or the length. */
static size_t scheme_end(struct str token)
{
    size_t at = str_find(token, ':');

    return at > 0 && at + 2 < token.n && token.p[at + 1] == '/' && token.p[at + 2] == '/' ? at
                                                                                          : token.n;
}

/* Without the punctuation and the emphasis around it: **www.example.com**, */
static struct str trimmed(struct str token)
{
    while (token.n && strchr(".,:;!?*_~'", token.p[token.n - 1])) {
        token.n--;
    }
    while (token.n && strchr("*_~'", token.p[0])) {
        token = str_skip(token, 1);
    }
    return token;
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

/* A piece of text without white space; `alone` when there is nothing else. Whatever follows a
 * host (a path, a port, a query) does not make it less of one. */
static void take_token(struct finder *f, struct str token, bool alone)
{
    size_t scheme, host;

    token = trimmed(token);
    scheme = scheme_end(token);
    host = host_length(token);
    if (scheme < token.n) {
        take_url(f, token, str_skip(token, scheme + 3));
    } else if (str_starts(token, S("//")) && host_length(str_skip(token, 2))) {
        take_url(f, token, str_skip(token, 2));
    } else if (str_find(token, '@') < token.n && !(host && strchr("/?#", token.p[host]))) {
        take_emails(f, token);
    } else if (host && (without_www(token).n < token.n ||
                        ends_as_domain((struct str){token.p, host}, alone))) {
        take_url(f, token, token);
    }
}

static bool splits(char c)
{
    return (unsigned char)c <= ' ' || strchr("<>()[]{}\"`|,;\\", c);
}

static void take_tokens(struct finder *f, struct str text)
{
    for (size_t from = 0; from < text.n;) {
        size_t end = from;
        while (end < text.n && !splits(text.p[end])) {
            end++;
        }
        if (end > from) {
            take_token(f, (struct str){text.p + from, end - from}, end - from == text.n);
        }
        from = end + 1;
    }
}

/* Numbers ------------------------------------------------------------------------------------ */

/* A run of letters and digits with single blanks or hyphens between its groups. */
struct run {
    char bare[NUMBER_MAX + 1];
    size_t n, digits;
    size_t end; /* behind it in the text */
};

/* The group of letters and digits at `at`: its end. */
static size_t group_end(struct str text, size_t at)
{
    while (at < text.n && is_alnum(text.p[at])) {
        at++;
    }
    return at;
}

/* Whether a group goes on with an account number: digits, or a bank's four capitals. */
static bool is_account_group(struct str group)
{
    size_t digits = 0, capitals = 0;

    for (size_t i = 0; i < group.n; i++) {
        digits += is_digit(group.p[i]);
        capitals += is_upper(group.p[i]);
    }
    return digits > 0 || (group.n == 4 && capitals == 4);
}

static void run_add(struct run *run, struct str group)
{
    for (size_t i = 0; i < group.n && run->n <= NUMBER_MAX; i++) {
        run->digits += is_digit(group.p[i]);
        if (run->n < NUMBER_MAX) {
            run->bare[run->n] = group.p[i];
        }
        run->n++;
    }
}

static bool starts_iban(struct str group)
{
    return group.n >= 4 && !is_digit(group.p[0]) && !is_digit(group.p[1]) && is_digit(group.p[2]) &&
           is_digit(group.p[3]);
}

/* An IBAN at `at`: behind it, or `at` when there is none. */
static size_t take_iban(struct finder *f, struct str text, size_t at)
{
    struct run run = {.end = group_end(text, at)};
    struct str group = {text.p + at, run.end - at};

    if (!starts_iban(group)) {
        return at;
    }
    run_add(&run, group);
    while (run.n < 34 && run.end + 1 < text.n && strchr(" -", text.p[run.end])) {
        size_t end = group_end(text, run.end + 1);
        struct str next = {text.p + run.end + 1, end - run.end - 1};
        if (!is_account_group(next) || run.n + next.n > 34) {
            break;
        }
        run_add(&run, next);
        run.end = end;
    }
    if (run.n < IBAN_MIN || run.n > 34 || run.digits < 8) {
        return at;
    }
    found(f, 'n', (struct str){text.p + at, run.end - at}, (struct str){run.bare, run.n});
    return run.end;
}

/* Dates and amounts are numbers too, but lead nowhere. */
static bool is_date_or_amount(struct str text, size_t digits)
{
    size_t points = 0, hyphens = 0, slashes = 0, last = text.n;

    for (size_t i = 0; i < text.n; i++) {
        points += text.p[i] == '.';
        hyphens += text.p[i] == '-';
        slashes += text.p[i] == '/';
        last = is_digit(text.p[i]) ? last : i;
    }
    if (digits <= 14 && text.n >= 10 && (hyphens == 2 || slashes == 2 || points == 2) &&
        (text.p[4] == text.p[7] || text.p[2] == text.p[5]) &&
        !is_digit(text.p[text.p[4] == text.p[7] ? 4 : 2])) {
        return true; /* 2026-11-22, 22.11.2026, 11/22/2026 */
    }
    return points == 1 && hyphens == 0 && slashes == 0 && last < text.n && text.p[last] == '.' &&
           text.n - last <= 3; /* 12345678.90 */
}

/* A number at the digit or + at `at`: behind it. */
static size_t take_number(struct finder *f, struct str text, size_t at)
{
    struct run run = {.end = at};
    bool plus = text.p[at] == '+';
    size_t i = at + plus;

    while (i < text.n) {
        bool gap = strchr(" -./()", text.p[i]) != NULL && text.p[i] != '\0';
        if (is_digit(text.p[i])) {
            run_add(&run, (struct str){text.p + i, 1});
            run.end = i + 1;
        } else if (!gap || i + 1 - run.end > 2) {
            break;
        }
        i++;
    }
    struct str whole = {text.p + at, run.end - at};
    struct str bare = {run.bare, run.n};
    bool glued = run.end < text.n && (is_alnum(text.p[run.end]) || text.p[run.end] == '@');
    if (str_starts(bare, S("00"))) { /* the other way to write + */
        bare = str_skip(bare, 2);
        plus = true;
    }
    if (!glued && run.n <= NUMBER_MAX &&
        run.digits >= (plus ? PHONE_DIGITS_MIN : NUMBER_DIGITS_MIN) &&
        (plus || !is_date_or_amount(whole, run.digits))) {
        found(f, 'n', whole, bare);
    }
    return run.end > at ? run.end : at + 1;
}

static void take_numbers(struct finder *f, struct str text)
{
    bool inside = false; /* of a word: what follows begins nothing */

    for (size_t at = 0; at < text.n;) {
        char c = text.p[at];
        size_t end = at;
        if (!inside && !is_digit(c) && is_alnum(c)) {
            end = take_iban(f, text, at);
        } else if (!inside &&
                   (is_digit(c) || (c == '+' && at + 1 < text.n && is_digit(text.p[at + 1])))) {
            end = take_number(f, text, at);
        }
        inside = end > at ? false : is_alnum(c) || c == '_' || c == '@' || c == '.' || c == '/';
        at = end > at ? end : at + 1;
    }
}

void finder_text(struct finder *f, struct str text)
{
    take_tokens(f, text);
    if (!f->no_numbers) {
        take_numbers(f, text);
    }
}

void finder_number(struct finder *f, struct str digits)
{
    bool whole = digits.n > NUMBER_DIGITS_MIN && digits.n <= NUMBER_MAX;

    for (size_t i = 0; i < digits.n; i++) {
        whole = whole && is_digit(digits.p[i]);
    }
    if (whole && !f->no_numbers) {
        found(f, 'n', digits, digits);
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
    struct str domain = str_starts(text, S("@")) ? str_skip(text, 1) : text, normal;

    if (host_length(domain) == domain.n && domain.n > 0 && !is_digit(last_label(domain).p[0])) {
        return normal_form(&f, 'd', without_www(domain), &normal) ? normal : STR_NONE;
    }
    finder_text(&f, text);
    return first.text.n == text.n ? first.normal : STR_NONE; /* nothing beside it */
}
