/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds in a folded text the numbers that say where money or a call goes: IBANs and other accounts,
 * telephone numbers, wallets. Their normal form is `n:` and their letters and digits, without what
 * groups them, however many there are: what is too long to be an account is found all the same.
 *
 * 1. Linear in the text: every byte is looked at a bounded number of times.
 */
#include "base/panic.h"
#include "policy/recipients.h"

#define NUMBER_DIGITS_MIN                                                                          \
    8 /* dates without separators have 8, and are told apart where they can be */
#define PHONE_DIGITS_MIN 7 /* with a + before */
#define IBAN_MIN         15
#define IBAN_MAX         34
#define GLUED_MIN        10 /* digits beside a word that only letters make up: acct12345678901 */
#define GAP_MAX          2 /* characters between two digits of one number */

/* The letters and digits of a piece. */
static void found_number(struct finder *f, struct str piece, bool international)
{
    char *p = arena_alloc(f->arena, piece.n + 1);
    struct str bare = {p, 0};

    if (!p) {
        f->failed = true;
        return;
    }
    for (size_t i = 0; i < piece.n; i++) {
        if (is_alnum(piece.p[i])) {
            p[bare.n++] = piece.p[i];
        }
    }
    finder_found(f, 'n', piece, international ? str_skip(bare, 2) : bare);
}

/* The group of letters and digits at `at`: its end. */
static size_t group_end(struct str text, size_t at)
{
    while (at < text.n && is_alnum(text.p[at])) {
        at++;
    }
    return at;
}

struct letters {
    size_t digits, capitals, small, other; /* other: not of base58 */
};

static struct letters letters_of(struct str group)
{
    struct letters out = {0};

    for (size_t i = 0; i < group.n; i++) {
        char c = group.p[i];
        out.digits += is_digit(c);
        out.capitals += is_upper(c);
        out.small += c >= 'a' && c <= 'z';
        out.other += !is_alnum(c) || strchr("0OIl", c) != NULL;
    }
    return out;
}

/* IBANs ---------------------------------------------------------------------------------------- */

/* Whether a group goes on with an account number: digits, or a bank's four capitals. */
static bool is_account_group(struct str group)
{
    struct letters l = letters_of(group);

    return l.digits > 0 || (group.n == 4 && l.capitals == 4);
}

static bool starts_iban(struct str group)
{
    return group.n >= 4 && !is_digit(group.p[0]) && !is_digit(group.p[1]) && is_digit(group.p[2]) &&
           is_digit(group.p[3]);
}

/* An IBAN at `at`: behind it, or `at` when there is none. */
static size_t take_iban(struct finder *f, struct str text, size_t at)
{
    size_t end = group_end(text, at), n = end - at, digits;
    struct str group = {text.p + at, n};

    if (!starts_iban(group)) {
        return at;
    }
    digits = letters_of(group).digits;
    while (n < IBAN_MAX && end + 1 < text.n && strchr(" -_.", text.p[end]) && text.p[end]) {
        size_t next_end = group_end(text, end + 1);
        struct str next = {text.p + end + 1, next_end - end - 1};
        if (!is_account_group(next) || n + next.n > IBAN_MAX) {
            break;
        }
        digits += letters_of(next).digits;
        n += next.n;
        end = next_end;
    }
    if (n < IBAN_MIN || n > IBAN_MAX || digits < 8) {
        return at;
    }
    found_number(f, (struct str){text.p + at, end - at}, false);
    return end;
}

/* Wallets -------------------------------------------------------------------------------------- */

static bool is_hex(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.p[i]) && !strchr("abcdef", lower(text.p[i]))) {
            return false;
        }
    }
    return true;
}

static bool is_hex_wallet(struct str group)
{
    return group.n >= 42 && lower(group.p[1]) == 'x' && group.p[0] == '0' &&
           is_hex(str_skip(group, 2));
}

/* bc1..., and those that write alike. */
static bool is_bech32_wallet(struct str group)
{
    static const struct str heads[] = {
        STR("bc1"),   STR("tb1"),     STR("ltc1"), STR("addr1"), STR("cosmos1"),
        STR("osmo1"), STR("celestia1"), STR("bnb1"), STR("zs1"),   STR("u1"),
    };

    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        size_t n = 0;
        while (n < heads[i].n && n < group.n && lower(group.p[n]) == heads[i].p[n]) {
            n++;
        }
        if (n == heads[i].n && group.n >= n + 20) {
            return true;
        }
    }
    return false;
}

/* Letters of either case and digits, without those that look alike. A record's number of such a
 * length is rarely so by chance. */
static bool is_base58_wallet(struct str group)
{
    struct letters l = letters_of(group);

    if (l.other || !l.digits || !l.capitals || !l.small) {
        return false;
    }
    return (group.n >= 26 && group.n <= 35 && strchr("123TrLMDXA", group.p[0])) || group.n == 43 ||
           group.n == 44 || (group.n >= 95 && group.n <= 106 && strchr("48", group.p[0]));
}

/* A wallet at `at`: behind it, or `at` when there is none. */
static size_t take_wallet(struct finder *f, struct str text, size_t at)
{
    size_t end = group_end(text, at);
    struct str group = {text.p + at, end - at};

    if (group.n < 23 ||
        (!is_hex_wallet(group) && !is_bech32_wallet(group) && !is_base58_wallet(group))) {
        return at;
    }
    found_number(f, group, false);
    return end;
}

/* Numbers -------------------------------------------------------------------------------------- */

/* Dates and amounts are numbers too, but lead nowhere. */
static bool is_date_or_amount(struct str text, size_t digits)
{
    size_t points = 0, joints = 0, slashes = 0, last = text.n;

    for (size_t i = 0; i < text.n; i++) {
        points += text.p[i] == '.';
        joints += text.p[i] == '-' || text.p[i] == '_';
        slashes += text.p[i] == '/';
        last = is_digit(text.p[i]) ? last : i;
    }
    if (digits <= 14 && text.n >= 10 && (joints == 2 || slashes == 2 || points == 2) &&
        (text.p[4] == text.p[7] || text.p[2] == text.p[5]) &&
        !is_digit(text.p[text.p[4] == text.p[7] ? 4 : 2])) {
        return true; /* 2026-11-22, 22.11.2026, 11/22/2026 */
    }
    return points == 1 && joints == 0 && slashes == 0 && last < text.n && text.p[last] == '.' &&
           text.n - last <= 3; /* 12345678.90 */
}

/* How far the digits go on from `at`, and how many they are. */
static size_t digits_end(struct str text, size_t at, size_t *digits)
{
    size_t end = at;

    for (size_t i = at; i < text.n && i - end <= GAP_MAX; i++) {
        if (is_digit(text.p[i])) {
            ++*digits;
            end = i + 1;
        } else if (text.p[i] == '\0' || !strchr(" -./()_'", text.p[i])) {
            break;
        }
    }
    return end;
}

/* A number at the digit or + at `at`: behind it. */
static size_t take_number(struct finder *f, struct str text, size_t at)
{
    size_t digits = 0, end = digits_end(text, at + (text.p[at] == '+'), &digits);
    struct str whole = {text.p + at, end - at};
    bool zeros = str_starts(whole, S("00")); /* the other way to write + */
    bool plus = text.p[at] == '+' || zeros;
    struct str behind = {text.p + end, group_end(text, end) - end};
    bool glued = (behind.n > 0 && (digits < GLUED_MIN || letters_of(behind).digits > 0)) ||
                 (end + behind.n < text.n && text.p[end + behind.n] == '@');

    if (!glued && digits >= (plus ? PHONE_DIGITS_MIN : NUMBER_DIGITS_MIN) &&
        (plus || !is_date_or_amount(whole, digits))) {
        found_number(f, whole, zeros);
    }
    return end > at ? end : at + 1;
}

/* Digits behind a word at `at`, which end it: behind them, or `at` when there are none. */
static size_t take_glued(struct finder *f, struct str text, size_t at)
{
    size_t end = group_end(text, at), from = at;

    while (from < end && !is_digit(text.p[from])) {
        from++;
    }
    struct str number = {text.p + from, end - from};
    if (number.n < GLUED_MIN || letters_of(number).digits < number.n) {
        return at;
    }
    found_number(f, number, false);
    return end;
}

static bool starts_number(struct str text, size_t at)
{
    return is_digit(text.p[at]) ||
           (text.p[at] == '+' && at + 1 < text.n && is_digit(text.p[at + 1]));
}

void finder_accounts(struct finder *f)
{
    struct str text = f->folded.text;
    bool inside = false; /* of a word: what follows begins nothing */

    for (size_t at = 0; at < text.n;) {
        char c = text.p[at];
        size_t end = inside || !is_alnum(c) ? at : take_wallet(f, text, at);
        if (end == at && !inside && starts_number(text, at)) {
            end = take_number(f, text, at);
        } else if (end == at && !inside && is_alnum(c)) {
            end = take_iban(f, text, at);
            end = end > at ? end : take_glued(f, text, at);
        }
        inside = end > at ? false : is_alnum(c) || c == '_' || c == '@' || c == '.' || c == '/';
        at = end > at ? end : at + 1;
    }
}

void finder_number(struct finder *f, struct str digits)
{
    bool whole = digits.n > NUMBER_DIGITS_MIN;

    for (size_t i = 0; i < digits.n; i++) {
        whole = whole && is_digit(digits.p[i]);
    }
    f->folded = (struct folded){.source = digits, .text = digits};
    if (whole && !f->no_numbers) {
        finder_found(f, 'n', digits, digits);
    }
}
