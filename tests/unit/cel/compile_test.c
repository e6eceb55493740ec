/* SPDX-License-Identifier: Apache-2.0
 *
 * What is refused when an expression is compiled: where, in which words, with which suggestion.
 */
#include "cel_check.h"

static const struct {
    const char *text,
        *want; /* "line:column: message" of the first finding, "" where there is none */
    const char *suggestion;
} rows[] = {
    /* reading */
    {"", "1:1: the expression ends where a value, a name or ( is wanted", NULL},
    {"1 +", "1:4: the expression ends where a value, a name or ( is wanted", NULL},
    {"(1", "1:3: the expression ends where a closing ) is wanted", NULL},
    {"[1, 2", "1:6: the expression ends where , or ] is wanted", NULL},
    {"f(1", "1:4: the expression ends where , or ) is wanted", NULL},
    {"{'a' 1}", "1:6: 1 stands where a : and the value of this key is wanted", NULL},
    {"true and false", "1:6: and stands where an operator or the end is wanted", "&&"},
    {"true or false", "1:6: or stands where an operator or the end is wanted", "||"},
    {"args.amount = 5", "1:13: a single = is no operator", "=="},
    {"true & false", "1:6: a single & is no operator", "&&"},
    {"true | false", "1:6: a single | is no operator", "||"},
    {"1 # 2", "1:3: # has no meaning here", NULL},
    {"1 \xC2\xA0 2", "1:3: the character U+00A0 has no meaning here", NULL},
    {"if", "1:1: if is a reserved word and cannot be a name here", NULL},
    {"'abc", "1:1: the text has no end: ' is missing", NULL},
    {"'''abc'", "1:1: the text has no end: ''' is missing", NULL},
    {"'a\nb'", "1:3: the text ends with its line; write \\n, or quote it three times", NULL},
    {"'\\q'", "1:2: no escape: \\n, \\', \\x41, \\u0041 and \\U00000041 are some; r'...' has none",
     NULL},
    {"b'\\u0041'", "1:3: no escape of bytes: \\n, \\x41 and \\101 are some", NULL},
    {"'\\ud800'",
     "1:2: no escape: \\n, \\', \\x41, \\u0041 and \\U00000041 are some; r'...' has none", NULL},
    {"9223372036854775808",
     "1:1: the number is out of the range of int; a double is written with .0", NULL},
    {"-9223372036854775808 == 1", "", NULL},
    {"18446744073709551616u", "1:1: the number is out of the range of uint", NULL},
    {"1e999", "1:1: the number is out of the range of double", NULL},
    {"true ? 1", "1:9: the expression ends where a : and what holds otherwise is wanted", NULL},
    {"Msg{a: 1}",
     "1:4: messages of protocol buffers are not known here; a map is written {'name': value}",
     NULL},
    {"\xFF", "1:1: the expression is not UTF-8", NULL},
    /* macros */
    {"has(args)", "1:5: has() wants a member, such as has(args.note)", NULL},
    {"[1].all(1, true)", "1:9: a variable's name is wanted here", NULL},
    {"[1].all(i, i, true)", "1:12: both variables have the same name", NULL},
    {"[1].exists(i)", "1:5: exists is written list.exists(x, condition)", NULL},
    {"cel.bind(1, 2, 3)", "1:10: cel.bind() wants a variable's name first", NULL},
    /* names */
    {"arg.amount > 1", "1:1: there is no arg here", "args"},
    {"zzz", "1:1: there is no zzz here", NULL},
    {"args.amout > 50.0", "1:6: args has no member amout", "amount"},
    {"has(args.to) && args.to.town == ''", "1:25: args.to has no member town", NULL},
    {"has(args.nota)", "1:10: args has no member nota", "note"},
    {"args['amout'] > 1", "1:5: args has no member amout", "amount"},
    {"args.tags.exists(tag, tga == 'a')", "1:23: there is no tga here", "tag"},
    {"args.currency.contans('U')", "1:15: there is no function contans()", "contains"},
    {"math.greatst(1, 2)", "1:1: there is no function math.greatst()", "math.greatest"},
    {"halve(2)", "1:1: there is no function halve()", "half"},
    /* types */
    {"1 + 1.0",
     "1:3: + does not mix int and double; convert one side with int(), uint() or double(), or write "
     "a literal as 1, 1u or 1.0",
     NULL},
    {"args.currency + 1", "1:15: + does not take string and int", NULL},
    {"args.currency > 50", "1:15: > does not take string and int", NULL},
    {"args.amount == '50'", "1:13: == does not take number and string", NULL},
    {"args.currency.startsWith(1)", "1:15: startsWith() of string does not take (int)", NULL},
    {"size(1)", "1:1: size() does not take (int)", NULL},
    {"args.amount && true", "1:1: bool is wanted here, not number", NULL},
    {"!args.currency", "1:1: ! does not take string", NULL},
    {"true ? 1 : 'a'", "1:6: both results of ?: must be of one type, not int and string", NULL},
    {"args.tags[0].x", "1:14: string has no members", NULL},
    {"args.tags['a']", "1:11: int is wanted here, not string", NULL},
    {"args.amount.exists(a, true)", "1:1: a list or map is wanted here, not number", NULL},
    {"{1.5: 2}", "1:2: a key is a string, int, uint or bool, not double", NULL},
    {"{'a': 1}[1]", "1:10: the keys of this map are of type string, not int", NULL},
    {"[?1]", "1:3: an optional value is wanted behind ?, not int", NULL},
    /* guards */
    {"args.note == 'x'",
     "1:6: note may be absent: guard it with has(args.note) && ..., or read it with "
     "args.?note.orValue(...)",
     NULL},
    {"has(args.note) && args.note == 'x'", "", NULL},
    {"args.note == 'x' && has(args.note)", "", NULL},
    {"!has(args.note) || args.note == 'x'", "", NULL},
    {"has(args.note) ? args.note : ''", "", NULL},
    {"!has(args.note) ? '' : args.note", "", NULL},
    {"has(args.note) ? '' : args.note",
     "1:28: note may be absent: guard it with has(args.note) && ..., or "
     "read it with args.?note.orValue(...)",
     NULL},
    {"has(args.note) || args.note == 'x'",
     "1:24: note may be absent: guard it with has(args.note) && ..., or "
     "read it with args.?note.orValue(...)",
     NULL},
    {"'note' in args && args.note == 'x'", "", NULL},
    {"has(args.note) && args['note'] == 'x'", "", NULL},
    {"has(args.to.city)",
     "1:10: to may be absent: guard it with has(args.to) && ..., or read it with "
     "args.?to.orValue(...)",
     NULL},
    {"has(args.to) && has(args.to.city) && args.to.city == 'Ulm'", "", NULL},
    {"args.tags.exists(t, has(args.note) && args.note == t)", "", NULL},
    {"args.?note.hasValue()", "", NULL},
    {"args.comment == ''", "", NULL},
    /* what is computed ahead */
    {"args.currency.matches('(')", "1:23: not a regular expression in RE2 syntax: missing ): (",
     NULL},
    {"args.currency.matches('(?=a)')",
     "1:23: not a regular expression in "
     "RE2 syntax: invalid perl operator: (?=",
     NULL},
    {"now.getHours('Mars')",
     "1:14: there is no time zone of this name; \"Europe/Berlin\", \"UTC\" and "
     "\"+02:00\" are some",
     NULL},
    {"now > timestamp('tomorrow')", "1:7: timestamp() cannot read 'tomorrow'", NULL},
    {"now - now > duration('5 minutes')", "1:13: duration() cannot read '5 minutes'", NULL},
};

static void test_findings(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cel_program *program = fixture_compile(f, str_of(rows[i].text));
        const struct cel_finding *first = &f->findings.items[0];
        EXPECT((program != NULL) == (rows[i].want[0] == '\0'), "%s: %s", rows[i].text,
               f->ctx.detail);
        buf_reset(&f->buf);
        if (!program) {
            EXPECT(f->findings.count > 0 && f->ctx.err == FM_E_INVALID_ARGUMENT, "%s",
                   rows[i].text);
            buf_printf(&f->buf, "%u:%u: %.*s", first->line, first->column, STR_ARG(first->message));
            EXPECT_STR(rows[i].text, first->suggestion, str_of(rows[i].suggestion));
        }
        EXPECT_STR(rows[i].text, buf_str(&f->buf), str_of(rows[i].want));
        cel_program_free(program);
    }
}

static void test_places(void **state)
{
    struct fixture *f = *state;
    struct str text = S("args.amount > 50 &&\n  '\xC3\xBC' == args.curency");

    EXPECT(!fixture_compile(f, text), "accepted");
    EXPECT(f->findings.count == 1, "%zu", f->findings.count);
    buf_reset(&f->buf);
    cel_finding_write(&f->buf, text, &f->findings.items[0]);
    EXPECT_STR("the caret is below the name", buf_str(&f->buf),
               S("2:15: args has no member curency; did you mean currency?\n"
                 " |   '\xC3\xBC' == args.curency\n"
                 " |               ^\n"));
    EXPECT_STR("the detail", str_of(f->ctx.detail),
               S("2:15: args has no member curency; did you mean currency?"));
}

/* Each mistake is told once, and the check goes on behind it. */
static void test_several(void **state)
{
    struct fixture *f = *state;

    EXPECT(!fixture_compile(f, S("args.amout > 1 && args.amout < 5 || arg.x == '' && size(1) > 0")),
           "accepted");
    EXPECT(f->findings.count == 4, "%zu findings", f->findings.count);
}

static void test_long_line(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);

    for (int i = 0; i < 40; i++) {
        buf_lit(&text, "true && ");
    }
    buf_lit(&text, "bad");
    EXPECT(!fixture_compile(f, buf_str(&text)), "accepted");
    buf_reset(&f->buf);
    cel_finding_write(&f->buf, buf_str(&text), &f->findings.items[0]);
    EXPECT(f->buf.n < 300, "%zu bytes", f->buf.n);
}

static void test_limits(void **state)
{
    static const struct {
        const char *row;
        struct str before, again, behind;
        int count;
        bool good;
    } limits[] = {
        {"parentheses", STR(""), STR("("), STR("1"), 200, false},
        {"nots", STR(""), STR("!"), STR("true"), 200, false},
        {"sums", STR("1"), STR(" + args.count"), STR(""), 200, false},
        {"members", STR("anything"), STR(".a"), STR(""), 200, false},
        {"many &&", STR("true"), STR(" && args.amount > 1"), STR(""), 500, true},
        {"a long list", STR("["), STR("1, "), STR("1]"), 5000, true},
        {"a longer list", STR("["), STR("1,"), STR("1]"), 9000, false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        AUTO(buf_done) struct buf text = BUF_INIT(MIB);
        struct cel_program *program;
        buf_add(&text, limits[i].before);
        for (int k = 0; k < limits[i].count; k++) {
            buf_add(&text, limits[i].again);
        }
        buf_add(&text, limits[i].behind);
        program = fixture_compile(f, buf_str(&text));
        EXPECT((program != NULL) == limits[i].good, "%s: %s", limits[i].row, f->ctx.detail);
        EXPECT(program || f->ctx.err == FM_E_INVALID_ARGUMENT, "%s: %s", limits[i].row,
               f->ctx.detail);
        cel_program_free(program);
    }
}

static void test_uses(void **state)
{
    struct fixture *f = *state;
    struct cel_program *program = fixture_compile(
        f, S("args.tags.exists(now, now.contains('x')) && lazy > 1 && math.abs(half(2)) == 1"));

    EXPECT(program, "%s", f->ctx.detail);
    EXPECT(cel_program_reads(program, S("args")) && cel_program_reads(program, S("lazy")), "reads");
    EXPECT(!cel_program_reads(program, S("now")), "a macro's variable is none of the environment");
    EXPECT(!cel_program_reads(program, S("nowhere")), "undeclared");
    EXPECT(cel_program_calls(program, S("half")) && cel_program_calls(program, S("contains")),
           "calls");
    EXPECT(cel_program_calls(program, S("math.abs")) && !cel_program_calls(program, S("size")),
           "calls");
    EXPECT_STR("first variable", cel_program_variable(program, 0), S("args"));
    EXPECT_STR("second variable", cel_program_variable(program, 1), S("lazy"));
    EXPECT(!cel_program_variable(program, 2).p, "a third variable");
    EXPECT(cel_program_function(program, 2).p && !cel_program_function(program, 3).p, "functions");
    cel_program_free(program);
}

static void test_types(void **state)
{
    static const struct eval_row types[] = {
        {"args.amount", "number"},
        {"args.amount * 2", "number"},
        {"args.count * 2", "int"},
        {"anything.count * 2", "dyn"},
        {"args.tags.map(t, t.size())", "list(int)"},
        {"args.?note", "optional_type(string)"},
        {"args.to.?city", "optional_type(string)"},
        {"{'a': args.count}", "map(string, int)"},
        {"now - now", "google.protobuf.Duration"},
        {"type(1)", "type(int)"},
        {"[args.amount, 1]", "list(number)"},
        {"[]", "list(dyn)"},
    };
    struct fixture *f = *state;

    cel_env_set_check(f->env, true);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct cel_program *program;
        cel_env_set_check(f->env, i != 6);
        program = fixture_compile(f, str_of(types[i].text));
        EXPECT(program, "%s: %s", types[i].text, f->ctx.detail);
        buf_reset(&f->buf);
        cel_type_write(&f->buf, cel_program_type(program));
        EXPECT_STR(types[i].text, buf_str(&f->buf), str_of(types[i].want));
        cel_program_free(program);
    }
}

static void test_wanted(void **state)
{
    static const struct {
        const char *text;
        enum cel_want want;
        bool good;
    } wants[] = {
        {"args.amount > 1", CEL_WANT_BOOL, true},   {"args.amount", CEL_WANT_BOOL, false},
        {"args.amount", CEL_WANT_NUMBER, true},     {"args.count", CEL_WANT_NUMBER, true},
        {"args.currency", CEL_WANT_STRING, true},   {"args.currency", CEL_WANT_NUMBER, false},
        {"anything.whatever", CEL_WANT_BOOL, true}, {"[1]", CEL_WANT_STRING, false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        struct cel_program *program = NULL;
        enum fm_err err =
            cel_compile(&f->ctx, f->env, str_of(wants[i].text), wants[i].want, NULL, &program);
        EXPECT((err == FM_OK) == wants[i].good, "%s: %s", wants[i].text, f->ctx.detail);
        cel_program_free(program);
    }
}

static void test_declarations(void **state)
{
    struct fixture *f = *state;
    const struct cel_function size = {
        .name = STR("size"), .result = cel_type(CEL_T_INT), .call = fixture_half};
    char name[20];

    EXPECT(!cel_env_add_function(f->env, &size), "a standard function was replaced");
    EXPECT(cel_env_add(f->env, S("args"), cel_type(CEL_T_DYN)) == 0, "another number");
    EXPECT(cel_env_find(f->env, S("nothing")) == -1, "found");
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "v%d", i);
        (void)!cel_env_add(f->env, str_of(name), cel_type(CEL_T_DYN));
    }
    EXPECT(cel_env_add(f->env, S("more"), cel_type(CEL_T_DYN)) == -1, "beyond CEL_VARIABLES_MAX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_findings),  FIXTURE_TEST(test_places), FIXTURE_TEST(test_several),
        FIXTURE_TEST(test_long_line), FIXTURE_TEST(test_limits), FIXTURE_TEST(test_uses),
        FIXTURE_TEST(test_types),     FIXTURE_TEST(test_wanted), FIXTURE_TEST(test_declarations),
    };

    return CHECK_RUN(tests);
}
