/* SPDX-License-Identifier: Apache-2.0
 *
 * String and bytes literals: '...', "...", '''...''', with the prefixes r (no escapes) and b
 * (bytes). In a string \x41, \101, \u0041 and \U00000041 are code points; in bytes \x41 and \101
 * are bytes.
 */
#include "cel/lex.h"

#define LITERAL_MAX (2 * CEL_TEXT_MAX)

struct escape {
    unsigned digits, base;
};

static struct token lex_failed(const struct lexer *lexer, uint32_t start)
{
    return (struct token){.kind = TOKEN_BAD, .start = start, .end = lexer->at};
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* How a numeric escape goes on after its letter; digits 0 when there is none of that letter. */
static struct escape escape_of(char c, bool bytes)
{
    if (c >= '0' && c <= '3') {
        return (struct escape){3, 8};
    }
    if (c == 'x' || c == 'X') {
        return (struct escape){2, 16};
    }
    if (bytes) {
        return (struct escape){0, 0};
    }
    return (struct escape){c == 'u' ? 4 : c == 'U' ? 8 : 0, 16};
}

static bool read_code(struct str text, size_t at, struct escape escape, uint32_t *code)
{
    *code = 0;
    for (unsigned i = 0; i < escape.digits; i++) {
        int digit = at + i < text.n ? digit_of(text.p[at + i]) : 99;
        if (digit >= (int)escape.base) {
            return false;
        }
        *code = *code * escape.base + (uint32_t)digit;
    }
    return *code <= 0x10FFFF && !(*code >= 0xD800 && *code <= 0xDFFF);
}

/* Reads the escape at lexer->at (behind the backslash) into `out`. */
static bool read_escape(struct lexer *lexer, bool bytes, struct buf *out)
{
    static const char letters[] = "abfnrtv\\'\"`?";
    static const char values[] = "\a\b\f\n\r\t\v\\'\"`?";
    char c = lexer->at < lexer->text.n ? lexer->text.p[lexer->at] : '\0';
    const char *hit = c ? strchr(letters, c) : NULL;
    struct escape escape = escape_of(c, bytes);
    size_t at = lexer->at + (escape.digits != 3); /* an octal escape has no letter */
    uint32_t code;

    if (hit) {
        buf_add_char(out, values[hit - letters]);
        lexer->at++;
        return true;
    }
    if (escape.digits == 0 || !read_code(lexer->text, at, escape, &code)) {
        return false;
    }
    if (bytes) {
        buf_add_char(out, (char)code);
    } else {
        cel_text_add_code_point(out, code);
    }
    lexer->at = (uint32_t)at + escape.digits;
    return true;
}

/* Reads up to the closing quotes. */
static bool read_body(struct lexer *lexer, struct str quotes, bool raw, bool bytes, struct buf *out)
{
    while (lexer->at < lexer->text.n) {
        char c = lexer->text.p[lexer->at];
        if (str_starts(str_skip(lexer->text, lexer->at), quotes)) {
            lexer->at += (uint32_t)quotes.n;
            return true;
        }
        if (quotes.n == 1 && (c == '\n' || c == '\r')) {
            cel_compiler_found(lexer->compiler, lexer->at,
                               "the text ends with its line; write \\n, or quote it three times");
            return false;
        }
        lexer->at++;
        if (c != '\\' || raw) {
            buf_add_char(out, c);
        } else if (!read_escape(lexer, bytes, out)) {
            cel_compiler_found(
                lexer->compiler, lexer->at - 1,
                bytes ? "no escape of bytes: \\n, \\x41 and \\101 are some"
                      : "no escape: \\n, \\', \\x41, \\u0041 and \\U00000041 are some; "
                        "r'...' has none");
            return false;
        }
    }
    return false;
}

struct token cel_lex_text(struct lexer *lexer, uint32_t start, bool raw, bool bytes)
{
    AUTO(buf_done) struct buf out = BUF_INIT(LITERAL_MAX);
    size_t findings = lexer->compiler->findings->count;
    struct str rest = str_skip(lexer->text, lexer->at);
    bool triple = rest.n >= 3 && rest.p[1] == rest.p[0] && rest.p[2] == rest.p[0];
    struct str quotes = {rest.p, triple ? 3 : 1};
    struct str copy;

    lexer->at += (uint32_t)quotes.n;
    if (!read_body(lexer, quotes, raw, bytes, &out)) {
        if (lexer->compiler->findings->count == findings) {
            cel_compiler_found(lexer->compiler, start, "the text has no end: %.*s is missing",
                               STR_ARG(quotes));
        }
        lexer->at = (uint32_t)lexer->text.n;
        return lex_failed(lexer, start);
    }
    copy = arena_copy(lexer->compiler->arena, buf_str(&out));
    if (!copy.p) {
        lexer->compiler->full = true;
        return lex_failed(lexer, start);
    }
    return (struct token){.kind = TOKEN_VALUE,
                          .start = start,
                          .end = lexer->at,
                          .value = bytes ? cel_bytes(copy) : cel_string(copy)};
}
