/* SPDX-License-Identifier: Apache-2.0
 *
 * Our reader beside jansson on 20,000 generated documents, half of them damaged: what we accept
 * means the same there, and what only jansson accepts we refuse for a rule of ours that jansson
 * does not have. Each document is made from its number: `json_jansson_test N` runs and prints that
 * one alone.
 */
#include "../unit/json/json_check.h"
#include "jansson_apart.h"

#define DOCUMENTS 20000
#define DEPTH_MAX 6

static uint64_t first_document = 0, last_document = DOCUMENTS - 1;

/* Making documents -------------------------------------------------------------------------- */

struct maker {
    struct buf *buf;
    uint64_t state;
};

/* A number from 0 to below - 1 (PCG's multiplier, high bits). */
static uint32_t draw(struct maker *m, uint32_t below)
{
    m->state = m->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(m->state >> 33) % below;
}

static void pick(struct maker *m, const struct str *from, uint32_t n)
{
    buf_add(m->buf, from[draw(m, n)]);
}

#define PICK(m, list) pick((m), (list), COUNT_OF(list))

static void make_space(struct maker *m)
{
    static const struct str spaces[] = {STR(""), STR(""), STR(""), STR(""), STR(" "), STR("\n\t")};

    PICK(m, spaces);
}

/* A string of parts; a `mark` of its own at its end, unless 0, keeps names apart. */
static void make_string(struct maker *m, uint32_t mark)
{
    static const struct str parts[] = {
        STR("a"), STR("Z"), STR("0"), STR("the quick brown fox "), STR("\\n"), STR("\\\""),
        STR("\\\\"), STR("\\/"), STR("/"), STR("~"), STR("\\u0041"), STR("\\u00e9"),
        STR("\\u20AC"), STR("\x7f"), STR("\\ud83d\\ude00"), STR("\\uFFFF"), STR("\xC3\xA9"),
        STR("\xE2\x82\xAC"), STR("\xEE\x80\x80"), STR("\xEF\xBF\xBD"), STR("\xF0\x9F\x98\x80"),
        STR("\xF4\x8F\xBF\xBF"), STR("\\b\\f\\r\\t"),
    };

    buf_lit(m->buf, "\"");
    for (uint32_t n = draw(m, 6); n > 0; n--) {
        PICK(m, parts);
    }
    if (mark > 0) {
        buf_add_u64(m->buf, mark);
    }
    buf_lit(m->buf, "\"");
}

static void make_digits(struct maker *m, uint32_t max)
{
    for (uint32_t n = 1 + draw(m, max); n > 0; n--) {
        buf_add_char(m->buf, (char)('0' + draw(m, 10)));
    }
}

static void make_number(struct maker *m)
{
    static const struct str odd[] = {
        STR("0"), STR("-0"), STR("-0.0"), STR("0e5"), STR("9007199254740991"),
        STR("9007199254740992"), STR("1e15"), STR("5e-324"), STR("1e-323"), STR("0.1"),
        STR("0.30000000000000004"), STR("2.2250738585072014e-308"), STR("1e-300"), STR("74.50"),
        STR("1E-2"), STR("-1.5e+3"), STR("4.35"), STR("0.000001"), STR("1e-7"),
    };
    static const struct str exponents[] = {STR("e"), STR("E"), STR("e-"), STR("E+")};

    if (draw(m, 4) == 0) {
        PICK(m, odd);
        return;
    }
    buf_add(m->buf, draw(m, 4) ? S("") : S("-"));
    buf_add_char(m->buf, (char)('1' + draw(m, 9)));
    if (draw(m, 2)) {
        make_digits(m, draw(m, 40) ? 7 : 16);
    }
    if (draw(m, 2)) {
        buf_lit(m->buf, ".");
        make_digits(m, draw(m, 40) ? 5 : 18);
    }
    if (draw(m, 30) == 0) {
        PICK(m, exponents);
        make_digits(m, 2);
    }
}

static void make_value(struct maker *m, unsigned depth);

static void make_container(struct maker *m, unsigned depth, bool object)
{
    uint32_t n = draw(m, depth == 0 ? 12 : 5);

    buf_add(m->buf, object ? S("{") : S("["));
    make_space(m);
    for (uint32_t i = 0; i < n; i++) {
        buf_add(m->buf, i > 0 ? S(",") : S(""));
        make_space(m);
        if (object) {
            make_string(m, draw(m, 50) ? i + 1 : 0);
            make_space(m);
            buf_lit(m->buf, ":");
        }
        make_value(m, depth + 1);
    }
    buf_add(m->buf, object ? S("}") : S("]"));
}

static void make_value(struct maker *m, unsigned depth)
{
    static const struct str words[] = {STR("true"), STR("false"), STR("null")};

    make_space(m);
    switch (draw(m, depth == 0 ? 4 : depth < DEPTH_MAX ? 8 : 4) + (depth == 0 ? 4 : 0)) {
    case 0:
    case 1:
        make_number(m);
        break;
    case 2:
        PICK(m, words);
        break;
    case 3:
        make_string(m, 0);
        break;
    case 4:
    case 5:
        make_container(m, depth, false);
        break;
    default:
        make_container(m, depth, true);
        break;
    }
    make_space(m);
}

/* Copies `from` with one to three damages: a byte changed, inserted, left out, a stretch doubled,
 * the end cut off. */
static void damage(struct maker *m, struct str from)
{
    static const char bytes[] =
        "{}[]\",:\\/-+.eE0159abntu \n\t\0\x1f\x7f\x80\xbf\xc3\xe2\xed\xf4\xff";
    uint32_t n = (uint32_t)from.n, last = 0;

    for (uint32_t damages = 1 + draw(m, 3); damages > 0 && last < n; damages--) {
        uint32_t at = last + draw(m, n - last), kind = draw(m, 16);
        char byte = bytes[draw(m, sizeof(bytes) - 1)];
        buf_add(m->buf, (struct str){from.p + last, at - last});
        last = at;
        if (kind < 11) {
            buf_add_char(m->buf, byte);
            last += kind < 6;
        } else if (kind < 14) {
            last++;
        } else if (kind < 15) {
            buf_add(m->buf, (struct str){from.p + at, n - at < 8 ? n - at : 8});
        } else {
            return;
        }
    }
    buf_add(m->buf, str_skip(from, last));
}

static struct str make_document(struct fixture *f, uint64_t number)
{
    struct maker m = {&f->buf, number * UINT64_C(0x9E3779B97F4A7C15)};
    struct str whole;

    make_value(&m, 0);
    whole = arena_copy(f->arena, buf_str(&f->buf));
    if (number % 2 == 0) {
        return whole;
    }
    buf_reset(&f->buf);
    damage(&m, whole);
    return arena_copy(f->arena, buf_str(&f->buf));
}

/* Comparing --------------------------------------------------------------------------------- */

static bool same(const struct json *ours, const json_t *theirs);

static bool same_items(const struct json *ours, const json_t *theirs)
{
    bool all = json_array_size(theirs) == ours->count;

    for (uint32_t i = 0; i < ours->count && all; i++) {
        all = same(&ours->as.items[i], json_array_get(theirs, i));
    }
    return all;
}

static bool same_members(const struct json *ours, const json_t *theirs)
{
    bool all = json_object_size(theirs) == ours->count;

    for (uint32_t i = 0; i < ours->count && all; i++) {
        const struct json_member *member = &ours->as.members[i];
        all = same(&member->value, json_object_getn(theirs, member->name.p, member->name.n));
    }
    return all;
}

static bool same(const struct json *ours, const json_t *theirs)
{
    json_type type = theirs ? json_typeof(theirs) : JANSSON_NULL;

    switch (ours->kind) {
    case JSON_NULL:
        return theirs && type == JANSSON_NULL;
    case JSON_FALSE:
        return type == JANSSON_FALSE;
    case JSON_TRUE:
        return type == JANSSON_TRUE;
    case JSON_NUMBER:
        return (type == JANSSON_INTEGER || type == JANSSON_REAL) &&
               json_number(ours) == json_number_value(theirs);
    case JSON_STRING:
        return type == JANSSON_STRING &&
               str_eq(ours->as.text,
                      (struct str){json_string_value(theirs), json_string_length(theirs)});
    case JSON_ARRAY:
        return type == JANSSON_ARRAY && same_items(ours, theirs);
    case JSON_OBJECT:
        return type == JANSSON_OBJECT && same_members(ours, theirs);
    }
    return false;
}

/* Rules of ours that jansson does not have; all else must be refused by both. */
static const char *const own_rules[] = {"beyond 2^53", "a double does not keep"};

enum outcome { BOTH_ACCEPT, BOTH_REFUSE, OWN_RULE, OUTCOMES };

static enum outcome compare(struct fixture *f, uint64_t number, struct str text)
{
    const struct json *ours = NULL;
    json_t *theirs = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    bool accepted = json_parse(&f->ctx, text, &JSON_LIMITS_WIRE, &ours) == FM_OK;
    bool known = str_find(text, '\0') < text.n; /* jansson 2.14 skips a NUL right behind a number */

    for (size_t i = 0; i < COUNT_OF(own_rules); i++) {
        known = known || strstr(f->ctx.detail, own_rules[i]);
    }
    if (accepted) {
        EXPECT(theirs, "document %llu: only we accept %.*s", (unsigned long long)number,
               STR_ARG(text));
        EXPECT(same(ours, theirs), "document %llu: not the same: %.*s", (unsigned long long)number,
               STR_ARG(text));
    } else {
        EXPECT(!theirs || known, "document %llu: we refuse %.*s: %s", (unsigned long long)number,
               STR_ARG(text), f->ctx.detail);
    }
    json_decref(theirs);
    return accepted ? BOTH_ACCEPT : theirs ? OWN_RULE : BOTH_REFUSE;
}

static void test_documents(void **state)
{
    struct fixture *f = *state;
    int counts[OUTCOMES] = {0};

    for (uint64_t number = first_document; number <= last_document; number++) {
        fixture_reset(f);
        struct str text = make_document(f, number);
        if (first_document == last_document) {
            printf("%.*s\n", STR_ARG(text));
        }
        counts[compare(f, number, text)]++;
    }
    printf("%d accepted by both, %d refused by both, %d refused by a rule of ours\n",
           counts[BOTH_ACCEPT], counts[BOTH_REFUSE], counts[OWN_RULE]);
    if (first_document < last_document) {
        EXPECT(counts[BOTH_ACCEPT] > DOCUMENTS / 4 && counts[BOTH_REFUSE] > DOCUMENTS / 4,
               "the mixture is lopsided");
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {FIXTURE_TEST(test_documents)};

    if (argc == 2) {
        first_document = last_document = strtoull(argv[1], NULL, 10);
    }
    return CHECK_RUN(tests);
}
