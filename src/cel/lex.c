/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts an expression into tokens: names, signs and numbers here, texts in lex_text.c.
 */
#include "cel/lex.h"

#include <stdlib.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(char c)
{
    return is_name_start(c) || is_digit(c);
}

/* The byte `ahead` of the cursor, or NUL. */
static char peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->text.n ? lexer->text.p[lexer->at + ahead] : '\0';
}

static void skip_blanks(struct lexer *lexer)
{
    while (lexer->at < lexer->text.n) {
        char c = peek(lexer, 0);
        if (c == '/' && peek(lexer, 1) == '/') {
            while (lexer->at < lexer->text.n && peek(lexer, 0) != '\n') {
                lexer->at++;
            }
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            lexer->at++;
        } else {
            return;
        }
    }
}

static struct token token_of(const struct lexer *lexer, enum token_kind kind, uint32_t start)
{
    return (struct token){.kind = kind,
                          .start = start,
                          .end = lexer->at,
                          .text = {lexer->text.p + start, lexer->at - start}};
}

/* Numbers -------------------------------------------------------------------------------------- */

/* Moves over a fraction and an exponent; whether there was one of them. */
static bool skip_fraction(struct lexer *lexer)
{
    bool found = false;
    size_t sign;

    if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
        found = true;
        lexer->at++;
        while (is_digit(peek(lexer, 0))) {
            lexer->at++;
        }
    }
    sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-' ? 2 : 1;
    if ((peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') && is_digit(peek(lexer, sign))) {
        found = true;
        lexer->at += (uint32_t)sign;
        while (is_digit(peek(lexer, 0))) {
            lexer->at++;
        }
    }
    return found;
}

static unsigned digit_of(char c)
{
    return is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

static bool read_natural(struct str digits, unsigned base, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits.n; i++) {
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit_of(digits.p[i]), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

static struct token lex_double(struct lexer *lexer, uint32_t start, bool negative)
{
    struct token token = token_of(lexer, TOKEN_VALUE, start);
    double value;

    if (!cel_text_to_double(token.text, &value)) {
        cel_compiler_found(lexer->compiler, start, "the number is out of the range of double");
        token.kind = TOKEN_BAD;
        return token;
    }
    token.number = true;
    token.value = cel_double(negative ? -value : value);
    return token;
}

/* An int of digits, whose sign has been read. */
static struct cel_value int_of(uint64_t natural, bool negative)
{
    return cel_int(negative ? (int64_t)(0 - natural) : (int64_t)natural);
}

static struct token lex_integer(struct lexer *lexer, uint32_t start, struct str digits,
                                unsigned base, bool negative)
{
    bool is_uint = peek(lexer, 0) == 'u' || peek(lexer, 0) == 'U';
    uint64_t natural = 0, most = (uint64_t)INT64_MAX + negative;
    struct token token;
    bool fits = read_natural(digits, base, &natural) && (is_uint || natural <= most);

    lexer->at += is_uint;
    token = token_of(lexer, TOKEN_VALUE, start);
    token.number = !is_uint;
    token.value = is_uint ? cel_uint(natural) : int_of(natural, negative);
    if (!fits) {
        cel_compiler_found(lexer->compiler, start, "the number is out of the range of %s",
                           is_uint ? "uint" : "int; a double is written with .0");
        token.kind = TOKEN_BAD;
    }
    return token;
}

static struct token lex_number(struct lexer *lexer, bool negative)
{
    uint32_t start = lexer->at;
    unsigned base = 10;
    struct str digits;

    if (peek(lexer, 0) == '0' && (peek(lexer, 1) | 0x20) == 'x' && is_hex(peek(lexer, 2))) {
        lexer->at += 2;
        base = 16;
    }
    digits.p = lexer->text.p + lexer->at;
    while (base == 16 ? is_hex(peek(lexer, 0)) : is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
    digits.n = lexer->at - (size_t)(digits.p - lexer->text.p);
    if (base == 10 && skip_fraction(lexer)) {
        return lex_double(lexer, start, negative);
    }
    return lex_integer(lexer, start, digits, base, negative);
}

/* Names and signs ------------------------------------------------------------------------------ */

static struct token lex_name(struct lexer *lexer)
{
    uint32_t start = lexer->at;

    while (is_name(peek(lexer, 0))) {
        lexer->at++;
    }
    return token_of(lexer, TOKEN_NAME, start);
}

static struct token lex_quoted(struct lexer *lexer)
{
    uint32_t start = lexer->at++;
    struct token token;

    while (is_name(peek(lexer, 0)) || (peek(lexer, 0) && strchr(".-/ ", peek(lexer, 0)))) {
        lexer->at++;
    }
    if (peek(lexer, 0) != '`' || lexer->at == start + 1) {
        cel_compiler_found(
            lexer->compiler, start,
            "a name in backticks holds letters, digits, and any of _ . - / and blank");
        return token_of(lexer, TOKEN_BAD, start);
    }
    lexer->at++;
    token = token_of(lexer, TOKEN_QUOTED, start);
    token.text = (struct str){token.text.p + 1, token.text.n - 2};
    return token;
}

static struct token lex_bad(struct lexer *lexer)
{
    static const struct {
        char c;
        const char *instead;
    } rows[] = {{'=', "=="}, {'&', "&&"}, {'|', "||"}};
    uint32_t start = lexer->at;
    size_t at = start;
    uint32_t code = str_next_code_point(lexer->text, &at);

    lexer->at = (uint32_t)at;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (code == (unsigned char)rows[i].c) {
            cel_compiler_found_near(lexer->compiler, start, str_of(rows[i].instead),
                                    "a single %c is no operator", rows[i].c);
            return token_of(lexer, TOKEN_BAD, start);
        }
    }
    if (code > 0x20 && code < 0x7F) {
        cel_compiler_found(lexer->compiler, start, "%c has no meaning here", (char)code);
    } else {
        cel_compiler_found(lexer->compiler, start, "the character U+%04X has no meaning here",
                           code);
    }
    return token_of(lexer, TOKEN_BAD, start);
}

static struct token lex_sign(struct lexer *lexer)
{
    static const struct str signs[] = {
        STR("=="), STR("!="), STR("<="), STR(">="), STR("&&"), STR("||"), STR("<"), STR(">"),
        STR("!"),  STR("?"),  STR(":"),  STR("."),  STR(","),  STR("("),  STR(")"), STR("["),
        STR("]"),  STR("{"),  STR("}"),  STR("+"),  STR("-"),  STR("*"),  STR("/"), STR("%"),
    };
    uint32_t start = lexer->at;

    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        if (str_starts(str_skip(lexer->text, lexer->at), signs[i])) {
            lexer->at += (uint32_t)signs[i].n;
            return token_of(lexer, TOKEN_SIGN, start);
        }
    }
    return lex_bad(lexer);
}

/* How many letters of a text's prefix (r, b, rb, br in either case) stand before a quote; -1: no
 * text. */
static int text_prefix(const struct lexer *lexer, bool *raw, bool *bytes)
{
    *raw = *bytes = false;
    for (int n = 0; n < 3; n++) {
        char c = peek(lexer, (size_t)n);
        if (c == '"' || c == '\'') {
            return n;
        }
        if ((c | 0x20) == 'r' && !*raw) {
            *raw = true;
        } else if ((c | 0x20) == 'b' && !*bytes) {
            *bytes = true;
        } else {
            return -1;
        }
    }
    return -1;
}

struct token cel_lex_next(struct lexer *lexer, bool negative)
{
    uint32_t start;
    bool raw, bytes;
    int prefix;
    char c;

    skip_blanks(lexer);
    start = lexer->at;
    c = peek(lexer, 0);
    if (start >= lexer->text.n) {
        return token_of(lexer, TOKEN_END, start);
    }
    prefix = text_prefix(lexer, &raw, &bytes);
    if (prefix >= 0) {
        lexer->at += (uint32_t)prefix;
        return cel_lex_text(lexer, start, raw, bytes);
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        return lex_number(lexer, negative);
    }
    if (is_name_start(c)) {
        return lex_name(lexer);
    }
    return c == '`' ? lex_quoted(lexer) : lex_sign(lexer);
}
