/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON against what others published: the documents and numbers of RFC 8785's author (jcs), the
 * cases of JSONTestSuite (json_parsing), and node, whose numbers RFC 8785 names as the rule.
 */
#include "../unit/json/json_check.h"
#include "data.h"

/* RFC 8785 ---------------------------------------------------------------------------------- */

/* One document holds numbers that we refuse, because a double changes one and the other is beyond
 * 2^53. The document is read with tame ones in their place; their canonical forms are tested as
 * numbers. */
static const struct {
    const char *name;
    struct str given, canonical, tame;
    double value;
} untamed[] = {
    {"a double changes it", STR("333333333.33333329"), STR("333333333.3333333"),
     STR("333333333.25"), 333333333.33333329},
    {"beyond 2^53", STR("1E30"), STR("1e+30"), STR("1000"), 1E30},
};

static void replace(struct buf *out, struct str text, struct str what, struct str with)
{
    const char *hit = memmem(text.p, text.n, what.p, what.n);
    size_t at = hit ? (size_t)(hit - text.p) : text.n;

    buf_reset(out);
    buf_add(out, (struct str){text.p, at});
    if (hit) {
        buf_add(out, with);
        buf_add(out, str_skip(text, at + what.n));
    }
}

/* `text` with the untamed numbers (`given` or canonical) replaced, in the arena. */
static struct str tamed(struct fixture *f, struct str text, bool given)
{
    for (size_t i = 0; i < COUNT_OF(untamed); i++) {
        replace(&f->buf, text, given ? untamed[i].given : untamed[i].canonical, untamed[i].tame);
        text = arena_copy(f->arena, buf_str(&f->buf));
    }
    return text;
}

static struct str decoded(struct fixture *f, const struct json *row, struct str name)
{
    buf_reset(&f->buf);
    EXPECT(data_base64(&f->buf, json_text(json_get(row, name))), "no base64");
    return arena_copy(f->arena, buf_str(&f->buf));
}

static void check_document(struct fixture *f, struct str line)
{
    const struct json *row = must_parse(f, "a line of vectors.jsonl", line), *value = NULL;
    struct str input = decoded(f, row, S("input_b64")), output = decoded(f, row, S("output_b64"));
    char name[80];

    (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(json_text(json_get(row, S("name")))));
    if (strcmp(name, "values.json") == 0) {
        EXPECT(json_parse(&f->ctx, input, &JSON_LIMITS_WIRE, &value) == FM_E_INVALID_JSON, "%s",
               name);
        EXPECT_STR(name, f->ctx.errors[0].pointer, S("/numbers/0"));
        input = tamed(f, input, true);
        output = tamed(f, output, false);
    }
    value = must_parse(f, name, input);
    EXPECT_STR(name, canonical(f, value), output);
    EXPECT_STR(name, canonical(f, must_parse(f, name, output)), output);
}

static void test_jcs_documents(void **state)
{
    struct fixture *f = *state;
    struct data data;
    struct str line;
    int count = 0;

    DATA_OPEN(&data, "jcs/vectors.jsonl");
    for (line = data_line(&data); line.p; line = data_line(&data), count++) {
        fixture_reset(f);
        check_document(f, line);
    }
    data_close(&data);
    EXPECT(count == 6, "%d documents", count);
    for (size_t i = 0; i < COUNT_OF(untamed); i++) {
        char form[JSON_NUMBER_MAX];
        EXPECT_STR(untamed[i].name, json_format_double(untamed[i].value, form),
                   untamed[i].canonical);
    }
}

/* `line` is the bits of a double in hex, a comma, and its form. */
static void check_number(struct fixture *f, struct str line)
{
    char form[JSON_NUMBER_MAX], hex[20];
    struct str bits = str_split(&line, ',');
    uint64_t pattern;
    double value;
    const struct json *read;

    (void)snprintf(hex, sizeof(hex), "%.*s", STR_ARG(bits));
    pattern = strtoull(hex, NULL, 16);
    memcpy(&value, &pattern, sizeof(value));
    EXPECT_STR(hex, json_format_double(value, form), line);
    fixture_reset(f);
    if (json_parse(&f->ctx, line, &JSON_LIMITS_WIRE, &read) == FM_OK) {
        EXPECT_STR(hex, read->as.text, line);
        EXPECT(json_number(read) == value, "%s", hex);
    } else {
        EXPECT(strstr(f->ctx.detail, "beyond 2^53"), "%s: %s", hex, f->ctx.detail);
        EXPECT(value > 9007199254740992.0 || value < -9007199254740992.0, "%s", hex);
    }
}

static void test_jcs_numbers(void **state)
{
    struct fixture *f = *state;
    struct data data;
    struct str line;
    int count = 0;

    DATA_OPEN(&data, "jcs/es6_numbers_100k.csv.gz");
    for (line = data_line(&data); line.p; line = data_line(&data), count++) {
        check_number(f, line);
    }
    data_close(&data);
    EXPECT(count == 100000, "%d numbers", count);
}

/* All powers of two and their neighbours, and 30,000 doubles of random bits, as lines like those
 * above. */
static const char node_numbers[] =
    "node -e '"
    "const view = new DataView(new ArrayBuffer(8)), lines = [];"
    "let seed = 20260101;"
    "const random = () => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return seed; };"
    "const put = (bits) => { view.setBigUint64(0, bits); const value = view.getFloat64(0);"
    "  if (isFinite(value)) lines.push(bits.toString(16) + \",\" + value); };"
    "for (let e = -1074; e < 1024; e++) {"
    "  view.setFloat64(0, 2 ** e); const bits = view.getBigUint64(0);"
    "  for (const near of [-1n, 0n, 1n]) put(bits + near); }"
    "for (let i = 0; i < 30000; i++) put(BigInt(random()) << 32n | BigInt(random()));"
    "console.log(lines.join(\"\\n\"));'";

static void test_node_numbers(void **state)
{
    struct fixture *f = *state;
    struct data data = {.pipe = true};
    struct str line;
    int count = 0;

    if (system("command -v node >/dev/null") != 0) {
        CHECK_SKIP("node is not installed");
    }
    data.file = popen(node_numbers, "re");
    assert_non_null(data.file);
    for (line = data_line(&data); line.p; line = data_line(&data), count++) {
        check_number(f, line);
    }
    data_close(&data);
    EXPECT(count > 3 * 2098 + 29000, "%d numbers from node", count);
}

/* JSONTestSuite ----------------------------------------------------------------------------- */

/* For which of our own rules a text that JSON allows may be refused. */
static const char *const stated_limits[] = {
    "beyond 2^53",
    "a double does not keep",
    "stands twice",
    "U+0000",
};

static bool is_stated(const char *detail)
{
    for (size_t i = 0; i < COUNT_OF(stated_limits); i++) {
        if (strstr(detail, stated_limits[i])) {
            return true;
        }
    }
    return false;
}

struct tally {
    int accepted, refused_by_limit, refused, either;
};

/* What is accepted must also be written, and read back as the same bytes. */
static void check_rewrite(struct fixture *f, const char *name, const struct json *value)
{
    struct str once = arena_copy(f->arena, canonical(f, value));

    EXPECT_STR(name, canonical(f, must_parse(f, name, once)), once);
}

static void check_case(struct fixture *f, struct str line, struct tally *tally)
{
    const struct json *row = must_parse(f, "a line of cases.jsonl", line), *value = NULL;
    struct str text = decoded(f, row, S("b64"));
    struct str expect = json_text(json_get(row, S("expect")));
    char name[120];
    bool accepted;

    (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(json_text(json_get(row, S("name")))));
    accepted = json_parse(&f->ctx, text, &JSON_LIMITS_WIRE, &value) == FM_OK;
    if (accepted) {
        check_rewrite(f, name, value);
    }
    if (str_eq(expect, S("reject"))) {
        EXPECT(!accepted, "%s: accepted", name);
        tally->refused++;
    } else if (str_eq(expect, S("accept"))) {
        EXPECT(accepted || is_stated(f->ctx.detail), "%s: %s", name, f->ctx.detail);
        tally->accepted += accepted;
        tally->refused_by_limit += !accepted;
        if (!accepted) {
            printf("valid JSON refused by a limit of ours: %s: %s\n", name, f->ctx.detail);
        }
    } else {
        tally->either++;
        printf("either way: %s: %s\n", name, accepted ? "accepted" : f->ctx.detail);
    }
}

static void test_suite(void **state)
{
    struct fixture *f = *state;
    struct tally tally = {.accepted = 0};
    struct data data;
    struct str line;

    DATA_OPEN(&data, "json_parsing/cases.jsonl.gz");
    for (line = data_line(&data); line.p; line = data_line(&data)) {
        fixture_reset(f);
        check_case(f, line, &tally);
    }
    data_close(&data);
    printf("JSONTestSuite: %d accepted, %d valid ones refused by a limit of ours, %d refused, "
           "%d either way\n",
           tally.accepted, tally.refused_by_limit, tally.refused, tally.either);
    EXPECT(tally.accepted == 86 && tally.refused_by_limit == 9, "%d and %d", tally.accepted,
           tally.refused_by_limit);
    EXPECT(tally.refused == 188 && tally.either == 57, "%d and %d", tally.refused, tally.either);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_jcs_documents),
        FIXTURE_TEST(test_jcs_numbers),
        FIXTURE_TEST(test_node_numbers),
        FIXTURE_TEST(test_suite),
    };

    return CHECK_RUN(tests);
}
