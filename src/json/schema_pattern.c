/* SPDX-License-Identifier: Apache-2.0
 *
 * From the regular expressions of ECMA-262, which JSON Schema has, to those of RE2, which run in
 * linear time. Most of a pattern is the same in both; what means something else is written anew,
 * and what only one of them has is refused by name, so that no pattern ever checks less than it
 * says.
 */
#include "json/schema_inner.h"

#define SPACES                                                                                     \
    "\\t\\n\\x0B\\f\\r \\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}"    \
    "\\x{3000}\\x{FEFF}"
#define NOT_SPACES                                                                                 \
    "\\x00-\\x08\\x0E-\\x1F!-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}"       \
    "\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{FEFE}"                 \
    "\\x{FF00}-\\x{10FFFF}"

struct translation {
    struct str pattern;
    size_t at;
    struct buf *out;
    bool in_class;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte `ahead` of where the translation stands; NUL behind the end. */
static char peek(const struct translation *t, size_t ahead)
{
    return t->at + ahead < t->pattern.n ? t->pattern.p[t->at + ahead] : '\0';
}

static struct str rest_of(const struct translation *t)
{
    return str_skip(t->pattern, t->at);
}

static void put_code(struct translation *t, uint32_t code)
{
    buf_printf(t->out, "\\x{%X}", (unsigned)code);
}

/* Reads `n` hexadecimal digits `ahead`; UINT32_MAX if they are not there. */
static uint32_t read_hex(const struct translation *t, size_t ahead, size_t n)
{
    uint32_t code = 0;

    for (size_t i = 0; i < n; i++) {
        char c = peek(t, ahead + i);
        if (is_digit(c)) {
            code = code * 16 + (uint32_t)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            code = code * 16 + (uint32_t)((c | 0x20) - 'a' + 10);
        } else {
            return UINT32_MAX;
        }
    }
    return code;
}

/* Properties --------------------------------------------------------------------------------- */

/* Long names of general categories. RE2 knows the short ones, and scripts by their names. */
static const struct {
    const char *name, *category;
} CATEGORIES[] = {
    {"Letter", "L"},
    {"Cased_Letter", NULL},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
};

static struct str short_category(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(CATEGORIES); i++) {
        if (str_eq(name, str_of(CATEGORIES[i].name))) {
            return str_of(CATEGORIES[i].category);
        }
    }
    return name;
}

/* \p{...} and \P{...}, standing at the letter. A name that RE2 does not know is refused by it. */
static const char *put_property(struct translation *t)
{
    struct str rest = str_skip(rest_of(t), 2), name = rest, value;
    size_t end = str_find(rest, '}');
    bool negated = peek(t, 0) == 'P';

    if (peek(t, 1) != '{' || end == rest.n || end == 0) {
        return "\\p and \\P want a property in braces, such as \\p{Letter}";
    }
    t->at += 2 + end + 1;
    name.n = end;
    value = name;
    name = str_split(&value, '=');
    name = value.p ? value : name;
    name = short_category(name);
    if (!name.p) {
        return "RE2 does not know this Unicode property";
    }
    if (str_eq(name, S("ASCII"))) {
        buf_add(t->out, t->in_class ? (negated ? S("\\x{80}-\\x{10FFFF}") : S("\\x00-\\x7F"))
                        : negated   ? S("[^\\x00-\\x7F]")
                                    : S("[\\x00-\\x7F]"));
        return NULL;
    }
    buf_printf(t->out, "\\%c{%.*s}", negated ? 'P' : 'p', STR_ARG(name));
    return NULL;
}

/* Escapes ------------------------------------------------------------------------------------ */

/* \uXXXX, a pair of them, or \u{...}, standing at the u. */
static const char *put_unicode(struct translation *t)
{
    size_t digits = 0;
    uint32_t code, low;

    if (peek(t, 1) == '{') {
        while (read_hex(t, 2 + digits, 1) != UINT32_MAX && digits < 7) {
            digits++;
        }
        code = read_hex(t, 2, digits);
        if (digits == 0 || peek(t, 2 + digits) != '}' || code > 0x10FFFF) {
            return "\\u{...} wants a code point in hexadecimal digits";
        }
        t->at += digits + 3;
        put_code(t, code);
        return NULL;
    }
    code = read_hex(t, 1, 4);
    if (code == UINT32_MAX) {
        return "\\u wants four hexadecimal digits";
    }
    t->at += 5;
    if (code >= 0xD800 && code <= 0xDFFF) {
        low = peek(t, 0) == '\\' && peek(t, 1) == 'u' ? read_hex(t, 2, 4) : UINT32_MAX;
        if (code >= 0xDC00 || low < 0xDC00 || low > 0xDFFF) {
            return "half of a surrogate pair matches nothing: texts are UTF-8";
        }
        t->at += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    put_code(t, code);
    return NULL;
}

static const char *put_control(struct translation *t)
{
    if (!is_letter(peek(t, 1))) {
        return "\\c wants a letter";
    }
    put_code(t, (uint32_t)peek(t, 1) % 32);
    t->at += 2;
    return NULL;
}

static void put_space_class(struct translation *t, bool negated)
{
    if (t->in_class) {
        buf_add(t->out, negated ? S(NOT_SPACES) : S(SPACES));
    } else {
        buf_add(t->out, negated ? S("[^" SPACES "]") : S("[" SPACES "]"));
    }
    t->at++;
}

/* A letter or digit behind a backslash. */
static const char *put_named_escape(struct translation *t, char c)
{
    if (strchr("dDwWtnrfv", c) || (strchr("bB", c) && !t->in_class)) {
        buf_printf(t->out, "\\%c", c);
        t->at++;
        return NULL;
    }
    switch (c) {
    case 's':
    case 'S':
        put_space_class(t, c == 'S');
        return NULL;
    case 'b':
        buf_lit(t->out, "\\x08");
        t->at++;
        return NULL;
    case 'c':
        return put_control(t);
    case 'u':
        return put_unicode(t);
    case 'x':
        if (read_hex(t, 1, 2) == UINT32_MAX) {
            return "\\x wants two hexadecimal digits";
        }
        put_code(t, read_hex(t, 1, 2));
        t->at += 3;
        return NULL;
    case 'p':
    case 'P':
        return put_property(t);
    case 'k':
        return "a back reference (\\k) cannot be matched in linear time";
    default:
        return "an escape that ECMA-262 does not have";
    }
}

/* Standing behind a backslash. */
static const char *put_escape(struct translation *t)
{
    char c = peek(t, 0);

    if (t->at >= t->pattern.n) {
        return "a backslash at the end";
    }
    if (c == '0' && !is_digit(peek(t, 1))) {
        buf_lit(t->out, "\\x00");
        t->at++;
        return NULL;
    }
    if (is_digit(c)) {
        return t->in_class || c == '0'
                   ? "an octal escape is not part of ECMA-262 patterns for Unicode"
                   : "a back reference cannot be matched in linear time";
    }
    if (is_letter(c)) {
        return put_named_escape(t, c);
    }
    if (c == '_' || (unsigned char)c >= 0x80) {
        return "an escape that ECMA-262 does not have";
    }
    buf_printf(t->out, "\\%c", c); /* punctuation stands for itself in both */
    t->at++;
    return NULL;
}

/* Groups and classes ------------------------------------------------------------------------- */

/* Standing at a (. */
static const char *put_group(struct translation *t)
{
    struct str rest = rest_of(t);

    if (str_starts(rest, S("(?=")) || str_starts(rest, S("(?!"))) {
        return "look-ahead cannot be matched in linear time";
    }
    if (str_starts(rest, S("(?<=")) || str_starts(rest, S("(?<!"))) {
        return "look-behind cannot be matched in linear time";
    }
    if (str_starts(rest, S("(?<"))) {
        buf_lit(t->out, "(?P<");
        t->at += 3;
        return NULL;
    }
    if (str_starts(rest, S("(?")) && !str_starts(rest, S("(?:"))) {
        return "a group that ECMA-262 does not have";
    }
    buf_lit(t->out, "(");
    t->at++;
    return NULL;
}

/* The inside of a class, behind [ and ^ up to and with the ]. */
static const char *put_class_rest(struct translation *t)
{
    while (t->at < t->pattern.n) {
        char c = peek(t, 0);
        if (c == ']') {
            buf_lit(t->out, "]");
            t->at++;
            return NULL;
        }
        if (c == '\\') {
            const char *why;
            t->at++;
            why = put_escape(t);
            if (why) {
                return why;
            }
            continue;
        }
        if (c == '[') {
            buf_lit(t->out, "\\"); /* RE2 would look for a [:class:] */
        }
        buf_add_char(t->out, c);
        t->at++;
    }
    return "a [ without its ]";
}

/* Standing at a [. */
static const char *put_class(struct translation *t)
{
    struct str rest = rest_of(t);
    const char *why;

    if (str_starts(rest, S("[]")) || str_starts(rest, S("[^]"))) { /* nothing, everything */
        bool negated = peek(t, 1) == '^';
        buf_add(t->out, negated ? S("[\\x00-\\x{10FFFF}]") : S("[^\\x00-\\x{10FFFF}]"));
        t->at += negated ? 3 : 2;
        return NULL;
    }
    buf_lit(t->out, "[");
    t->at++;
    if (peek(t, 0) == '^') {
        buf_lit(t->out, "^");
        t->at++;
    }
    t->in_class = true;
    why = put_class_rest(t);
    t->in_class = false;
    return why;
}

static const char *put_next(struct translation *t)
{
    char c = peek(t, 0);

    switch (c) {
    case '\\':
        t->at++;
        return put_escape(t);
    case '(':
        return put_group(t);
    case '[':
        return put_class(t);
    case '.':
        buf_lit(t->out, "[^\\n\\r\\x{2028}\\x{2029}]");
        t->at++;
        return NULL;
    default:
        buf_add_char(t->out, c);
        t->at++;
        return NULL;
    }
}

const char *schema_pattern_translate(struct str pattern, struct buf *out, size_t *at)
{
    struct translation t = {.pattern = pattern, .out = out};

    while (t.at < pattern.n) {
        const char *why;
        *at = t.at;
        why = put_next(&t);
        if (why) {
            return why;
        }
    }
    return buf_ok(out) ? NULL : "too long";
}

bool schema_pattern_is_valid(struct str pattern)
{
    AUTO(buf_done) struct buf out = BUF_INIT(REGEX_PATTERN_MAX);
    struct arena *arena = arena_new(4 * KIB);
    struct regex *regex = NULL;
    struct ctx ctx;
    size_t at;
    bool valid;

    if (!arena) {
        return false;
    }
    ctx_init(&ctx, arena);
    valid = !schema_pattern_translate(pattern, &out, &at) &&
            regex_new(&ctx, buf_str(&out), &regex) == FM_OK;
    if (valid) {
        regex_free(regex);
    }
    arena_free(arena);
    return valid;
}
