/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Schema against the official suite of draft 2020-12, with its remote documents registered: every
 * required test must give the suite's answer. The optional ones are counted per file, and those that
 * differ are named; what is expected of each file stands in a table, so that nothing gets worse.
 *
 * A few tests hold values that our reader refuses (a NUL in a text, numbers beyond 2^53). They are read
 * with tame values in their place, which are then put back into the tree: the check sees what the suite
 * says.
 */
#include "../unit/json/json_check.h"
#include "data.h"

#include "json/json_schema.h"

#define REMOTES_MAX 100
#define FILES_MAX   100
#define NUL_TAMED   "\\u0001"
#define NUMBERS_MAX 8

static const struct json_limits LIMITS = {.bytes = 4 * MIB, .depth = 200, .values = 100000};

/* Reading what our reader refuses ------------------------------------------------------------ */

/* Numbers of a line that were replaced by 90000001 and so on, in their order. */
struct tamed {
    struct str forms[NUMBERS_MAX];
    size_t count;
    bool nul;
};

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || strchr("+-.eE", c);
}

/* Appends the number at the beginning of `text`, or what stands in its place; its length. */
static size_t add_number(struct fixture *f, struct buf *out, struct str text, struct tamed *tamed)
{
    const struct json *value;
    char copy[400], form[JSON_NUMBER_MAX];
    struct ctx ctx;
    size_t n = 0;

    while (n < text.n && n < sizeof(copy) - 1 && text.p[n] && is_number_byte(text.p[n])) {
        copy[n] = text.p[n];
        n++;
    }
    copy[n] = '\0';
    ctx_init(&ctx, f->arena);
    if (json_parse(&ctx, (struct str){text.p, n}, &LIMITS, &value) == FM_OK) {
        buf_add(out, (struct str){text.p, n});
        return n;
    }
    assert_true(tamed->count < NUMBERS_MAX);
    tamed->forms[tamed->count++] =
        arena_copy(f->arena, json_format_double(strtod(copy, NULL), form));
    buf_printf(out, "9000000%zu", tamed->count);
    return n;
}

/* The line with tame values, in the arena. */
static struct str tame(struct fixture *f, struct str line, struct tamed *tamed)
{
    AUTO(buf_done) struct buf out = BUF_INIT(4 * MIB);
    bool quoted = false;

    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (quoted && c == '\\' && str_starts(str_skip(line, i), S("\\u0000"))) {
            buf_lit(&out, NUL_TAMED);
            tamed->nul = true;
            i += 5;
        } else if (quoted && c == '\\') {
            buf_add(&out, (struct str){line.p + i, 2});
            i++;
        } else if (!quoted && (c == '-' || (c >= '0' && c <= '9'))) {
            i += add_number(f, &out, str_skip(line, i), tamed) - 1;
        } else {
            quoted ^= c == '"';
            buf_add_char(&out, c);
        }
    }
    return arena_copy(f->arena, buf_str(&out));
}

static void untame_text(struct json *value, const struct tamed *tamed)
{
    struct str text = value->as.text;
    char *bytes = (char *)(uintptr_t)text.p;

    for (size_t i = 0; value->kind == JSON_STRING && tamed->nul && i < text.n; i++) {
        bytes[i] = bytes[i] == 1 ? '\0' : bytes[i];
    }
    if (value->kind == JSON_NUMBER && text.n == 8 && str_starts(text, S("9000000")) &&
        (size_t)(text.p[7] - '1') < tamed->count) {
        value->as.text = tamed->forms[text.p[7] - '1'];
    }
}

/* Puts the values back. */
static void untame(const struct json *value, const struct tamed *tamed)
{
    for (uint32_t i = 0; value->kind == JSON_ARRAY && i < value->count; i++) {
        untame(&value->as.items[i], tamed);
    }
    for (uint32_t i = 0; value->kind == JSON_OBJECT && i < value->count; i++) {
        untame(&value->as.members[i].value, tamed);
    }
    untame_text((struct json *)(uintptr_t)value, tamed);
}

static const struct json *read_row(struct fixture *f, struct str line, bool *was_tamed)
{
    struct tamed tamed = {.count = 0};
    struct str text = tame(f, line, &tamed);
    const struct json *row = NULL;

    EXPECT(json_parse(&f->ctx, text, &LIMITS, &row) == FM_OK, "%s: %.*s", f->ctx.detail,
           STR_ARG(text));
    *was_tamed = tamed.nul || tamed.count > 0;
    if (*was_tamed) {
        untame(row, &tamed);
    }
    return row;
}

/* The suite ---------------------------------------------------------------------------------- */

struct suite {
    struct fixture *f;
    struct arena *arena; /* of the remotes */
    struct json_schema_document remotes[REMOTES_MAX];
    size_t remote_count;
    struct {
        char name[80];
        bool optional;
        int passed, failed;
    } files[FILES_MAX];
    size_t file_count;
    int tamed;
};

static void read_remotes(struct suite *suite)
{
    struct data data;
    struct ctx ctx;

    DATA_OPEN(&data, "json_schema/remotes.jsonl.gz");
    ctx_init(&ctx, suite->arena);
    for (struct str line = data_line(&data); line.p; line = data_line(&data)) {
        const struct json *row;
        struct str text = arena_copy(suite->arena, line);
        assert_int_equal(json_parse(&ctx, text, &LIMITS, &row), FM_OK);
        assert_true(suite->remote_count < REMOTES_MAX);
        suite->remotes[suite->remote_count++] = (struct json_schema_document){
            json_text(json_get(row, S("uri"))), json_get(row, S("schema"))};
    }
    data_close(&data);
}

static void count(struct suite *suite, struct str file, bool optional, bool passed)
{
    size_t i = 0;

    while (i < suite->file_count && !str_eq(str_of(suite->files[i].name), file)) {
        i++;
    }
    assert_true(i < FILES_MAX && file.n < sizeof(suite->files[i].name));
    if (i == suite->file_count) {
        (void)snprintf(suite->files[i].name, sizeof(suite->files[i].name), "%.*s", STR_ARG(file));
        suite->files[suite->file_count++].optional = optional;
    }
    *(passed ? &suite->files[i].passed : &suite->files[i].failed) += 1;
}

/* 1: matches, 0: does not, -1: the schema is refused. */
static int outcome(struct suite *suite, const struct json *row, bool formats)
{
    struct json_schema_options options = {.documents = suite->remotes,
                                          .document_count = suite->remote_count,
                                          .assert_formats = formats};
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    struct json_schema *schema;
    struct ctx *ctx = &suite->f->ctx;
    enum fm_err err;
    size_t n;

    if (json_schema_new(ctx, json_get(row, S("schema")), &options, &schema) != FM_OK) {
        return -1;
    }
    err = json_schema_check(ctx, schema, json_get(row, S("data")), errors, &n);
    EXPECT((err == FM_OK) == (n == 0), "%d with %zu errors", (int)err, n);
    for (size_t i = 0; i < n; i++) {
        EXPECT(errors[i].message.n > 0 && errors[i].keyword[0], "a silent error");
    }
    json_schema_free(schema);
    return err == FM_OK;
}

static void check_row(struct suite *suite, struct str line)
{
    bool was_tamed;
    const struct json *row;
    struct str file;
    bool optional, passed;
    int got;

    fixture_reset(suite->f);
    row = read_row(suite->f, line, &was_tamed);
    file = json_text(json_get(row, S("file")));
    optional = json_get(row, S("optional"))->kind == JSON_TRUE;
    got = outcome(suite, row, str_starts(file, S("optional/format/")));
    passed = got == (json_get(row, S("valid"))->kind == JSON_TRUE);
    count(suite, file, optional, passed);
    suite->tamed += !optional && was_tamed;
    if (!passed) {
        printf("%s: %.*s: %.*s: %.*s: %s %s\n", optional ? "differs" : "FAILED", STR_ARG(file),
               STR_ARG(json_text(json_get(row, S("group")))),
               STR_ARG(json_text(json_get(row, S("test")))),
               got < 0 ? "refused"
               : got   ? "matches"
                       : "does not match",
               suite->f->ctx.detail);
    }
}

static int suite_run(struct suite *suite, int totals[2][2])
{
    struct data data;
    int rows = 0;

    DATA_OPEN(&data, "json_schema/tests.jsonl.gz");
    for (struct str line = data_line(&data); line.p; line = data_line(&data)) {
        if (str_starts(line, S("{\"draft\":\"draft2020-12\""))) {
            check_row(suite, line);
            rows++;
        }
    }
    data_close(&data);
    for (size_t i = 0; i < suite->file_count; i++) {
        totals[suite->files[i].optional][0] += suite->files[i].passed;
        totals[suite->files[i].optional][1] += suite->files[i].failed;
        if (suite->files[i].optional) {
            printf("%-50s %4d of %4d\n", suite->files[i].name, suite->files[i].passed,
                   suite->files[i].passed + suite->files[i].failed);
        }
    }
    return rows;
}

/* Optional tests whose answer differs, by file, and why. */
static const struct {
    const char *file;
    int differ;
} DIFFER[] = {
    {"optional/cross-draft.json", 1},                 /* a document of an older draft */
    {"optional/dependencies-compatibility.json", 14}, /* a keyword of older drafts */
    {"optional/format/ecmascript-regex.json",
     2},                                       /* look-behind and \k, which no linear engine has */
    {"optional/format/hostname.json", 23},     /* labels of IDNA are taken as they are */
    {"optional/format/idn-email.json", 2},     /* not asserted */
    {"optional/format/idn-hostname.json", 54}, /* not asserted */
    {"optional/format/iri-reference.json", 2}, /* not asserted */
    {"optional/format/iri.json", 6},           /* not asserted */
    {"optional/format/uri-template.json", 13}, /* not asserted */
};

static void check_optional(const struct suite *suite)
{
    for (size_t i = 0; i < suite->file_count; i++) {
        int differ = 0;
        for (size_t k = 0; k < COUNT_OF(DIFFER); k++) {
            differ += strcmp(DIFFER[k].file, suite->files[i].name) ? 0 : DIFFER[k].differ;
        }
        EXPECT(!suite->files[i].optional || suite->files[i].failed == differ,
               "%s: %d differ, the table has %d", suite->files[i].name, suite->files[i].failed,
               differ);
    }
}

static void test_draft_2020_12(void **state)
{
    struct fixture *f = *state;
    int totals[2][2] = {{0}};
    struct suite *suite;
    struct data data;

    DATA_OPEN(&data, "json_schema/remotes.jsonl.gz"); /* skips before there is something to free */
    data_close(&data);
    suite = calloc(1, sizeof(*suite));
    assert_non_null(suite);
    suite->f = f;
    suite->arena = arena_new(16 * MIB);
    read_remotes(suite);
    (void)suite_run(suite, totals);
    printf("required: %d of %d (%d of them with values that the reader itself refuses)\n",
           totals[0][0], totals[0][0] + totals[0][1], suite->tamed);
    printf("optional: %d of %d\n", totals[1][0], totals[1][0] + totals[1][1]);
    assert_int_equal(totals[0][0], 1299);
    assert_int_equal(totals[0][1], 0);
    check_optional(suite);
    arena_free(suite->arena);
    free(suite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_draft_2020_12),
    };

    return CHECK_RUN(tests);
}
