/* SPDX-License-Identifier: Apache-2.0
 *
 * Places: members, RFC 6901 pointers, equality and differences.
 */
#include "json_check.h"

/* The document of RFC 6901 section 5, and a few members of ours. */
static const char document[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
    "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,\"deep\":{\"list\":[[1,{\"x\":\"y\"}]]},\"01\":10}";

static const struct {
    const char *name, *pointer, *found; /* canonical, or NULL */
} pointers[] = {
    {"an array", "/foo", "[\"bar\",\"baz\"]"},
    {"an item", "/foo/0", "\"bar\""},
    {"the empty name", "/", "0"},
    {"escaped slash", "/a~1b", "1"},
    {"percent", "/c%d", "2"},
    {"caret", "/e^f", "3"},
    {"bar", "/g|h", "4"},
    {"backslash", "/i\\j", "5"},
    {"quote", "/k\"l", "6"},
    {"space", "/ ", "7"},
    {"escaped tilde", "/m~0n", "8"},
    {"tilde and 1 that are no slash", "/~01", "9"},
    {"deep", "/deep/list/0/1/x", "\"y\""},
    {"digits as a name", "/01", "10"},
    {"unknown", "/nothing", NULL},
    {"a beginning of a name", "/fo", NULL},
    {"no slash in front", "foo", NULL},
    {"item beyond the end", "/foo/2", NULL},
    {"item with a leading zero", "/foo/00", NULL},
    {"item by a sign", "/foo/-1", NULL},
    {"item behind the last", "/foo/-", NULL},
    {"item by no digits", "/foo/", NULL},
    {"index over 64 bits", "/foo/18446744073709551616", NULL},
    {"index over 32 bits", "/foo/4294967296", NULL},
    {"through a string", "/foo/0/x", NULL},
    {"behind a number", "//0", NULL},
    {"lone tilde", "/m~n", NULL},
    {"tilde at the end", "/m~", NULL},
    {"tilde and 2", "/m~2n", NULL},
    {"escaped, too short", "/a~1", NULL},
    {"escaped, too long", "/a~1bc", NULL},
};

static void test_at(void **state)
{
    struct fixture *f = *state;
    const struct json *value = must_parse(f, "document", str_of(document));

    for (size_t i = 0; i < COUNT_OF(pointers); i++) {
        const struct json *found = json_at(value, str_of(pointers[i].pointer));
        EXPECT(!found == !pointers[i].found, "%s", pointers[i].name);
        if (found) {
            EXPECT_STR(pointers[i].name, canonical(f, found), str_of(pointers[i].found));
        }
    }
    EXPECT(json_at(value, S("")) == value, "the empty pointer is the whole");
    EXPECT(json_at(value, STR_NONE) == value, "so is the absent one");
    EXPECT(json_at(NULL, S("/foo")) == NULL, "nothing in nothing");
}

static void test_get(void **state)
{
    struct fixture *f = *state;
    const struct json *value = must_parse(f, "document", str_of(document));

    for (uint32_t i = 0; i < value->count; i++) {
        const struct json_member *member = &value->as.members[i];
        EXPECT(json_get(value, member->name) == &member->value, "member %u", i);
    }
    EXPECT(json_get(value, S("fo")) == NULL, "unknown");
    EXPECT(json_get(json_get(value, S("foo")), S("0")) == NULL, "not in an array");
    EXPECT(json_get(NULL, S("a")) == NULL, "not in nothing");
    EXPECT(json_text(json_get(value, S("foo"))).p == NULL, "an array is no text");
    EXPECT(json_text(NULL).p == NULL, "nothing is no text");
}

/* A pointer that is made leads back. */
static void test_make(void **state)
{
    struct fixture *f = *state;
    const struct json *value = must_parse(f, "document", str_of(document));
    struct str p;

    for (uint32_t i = 0; i < value->count; i++) {
        const struct json_member *member = &value->as.members[i];
        p = json_pointer_member(f->arena, S(""), member->name);
        EXPECT(json_at(value, p) == &member->value, "%.*s", STR_ARG(p));
    }
    p = json_pointer_member(f->arena, S("/a"), S("~/~1"));
    EXPECT_STR("escaped", p, S("/a/~0~1~01"));
    EXPECT_STR("index 0", json_pointer_index(f->arena, STR_NONE, 0), S("/0"));
    EXPECT_STR("index 1090", json_pointer_index(f->arena, p, 1090), S("/a/~0~1~01/1090"));
    EXPECT_STR("empty name", json_pointer_member(f->arena, S("/a"), S("")), S("/a/"));
}

static const struct {
    const char *name, *a, *b;
    bool equal;
} pairs[] = {
    {"order of members", "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
    {"form of numbers", "[1.0,0,10]", "[1,-0,1e1]", true},
    {"escapes", "\"\\u0041\"", "\"A\"", true},
    {"order of items", "[1,2]", "[2,1]", false},
    {"another name", "{\"a\":1}", "{\"b\":1}", false},
    {"another value", "{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":2}]}", false},
    {"more members", "{\"a\":1}", "{\"a\":1,\"b\":1}", false},
    {"more items", "[1]", "[1,1]", false},
    {"number and string", "1", "\"1\"", false},
    {"false and null", "false", "null", false},
    {"empty object and empty array", "{}", "[]", false},
    {"nulls", "null", "null", true},
};

static void test_eq(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        const struct json *a = must_parse(f, pairs[i].name, str_of(pairs[i].a));
        const struct json *b = must_parse(f, pairs[i].name, str_of(pairs[i].b));
        EXPECT(json_eq(a, b) == pairs[i].equal && json_eq(b, a) == pairs[i].equal, "%s",
               pairs[i].name);
    }
}

/* Differences as lines `pointer from>to`, - for absent. */
static const struct {
    const char *name, *from, *to;
    size_t max;
    const char *changes;
} diffs[] = {
    {"none", "{\"a\":[1,{\"b\":1.0}]}", "{\"a\":[1,{\"b\":1}]}", 9, ""},
    {"the whole", "1", "[1]", 9, " 1>[1]\n"},
    {"from nothing", NULL, "1", 9, " ->1\n"},
    {"to nothing", "1", NULL, 9, " 1>-\n"},
    {"from nothing to nothing", NULL, NULL, 9, ""},
    {"a member", "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}", 9, "/b 2>3\n"},
    {"added and removed", "{\"b\":1,\"c\":2}", "{\"a\":0,\"c\":2,\"d\":3}", 9,
     "/a ->0\n/b 1>-\n/d ->3\n"},
    {"in canonical order", "{\"b\":{\"y\":1,\"x\":1},\"a\":1}", "{\"a\":2,\"b\":{\"x\":2,\"y\":2}}",
     9, "/a 1>2\n/b/x 1>2\n/b/y 1>2\n"},
    {"items by index", "[1,2,3]", "[1,3]", 9, "/1 2>3\n/2 3>-\n"},
    {"items added", "[]", "[{\"a\":1},2]", 9, "/0 ->{\"a\":1}\n/1 ->2\n"},
    {"another kind is one change", "{\"a\":{\"b\":1}}", "{\"a\":[1]}", 9, "/a {\"b\":1}>[1]\n"},
    {"null is not absent", "{\"a\":null}", "{}", 9, "/a null>-\n"},
    {"escaped pointer", "{\"a/b\":{\"~\":1}}", "{\"a/b\":{\"~\":2}}", 9, "/a~1b/~0 1>2\n"},
    {"as many as allowed", "[1,2,3]", "[4,5,6]", 3, "/0 1>4\n/1 2>5\n/2 3>6\n"},
    {"one too many: the last is the whole", "[1,2,3]", "[4,5,6]", 2, "/0 1>4\n [1,2,3]>[4,5,6]\n"},
    {"far too many, one allowed", "{\"a\":[1,2,3],\"b\":1}", "{\"a\":[4,5,6],\"b\":2}", 1,
     " {\"a\":[1,2,3],\"b\":1}>{\"a\":[4,5,6],\"b\":2}\n"},
};

static void write_side(struct buf *buf, const struct json *value)
{
    if (value) {
        json_write(buf, value);
    } else {
        buf_add_char(buf, '-');
    }
}

static void test_diff(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(diffs); i++) {
        const struct json_change *changes;
        size_t count;
        fixture_reset(f);
        const struct json *from =
            diffs[i].from ? must_parse(f, diffs[i].name, str_of(diffs[i].from)) : NULL;
        const struct json *to =
            diffs[i].to ? must_parse(f, diffs[i].name, str_of(diffs[i].to)) : NULL;
        EXPECT(json_diff(&f->ctx, from, to, diffs[i].max, &changes, &count) == FM_OK, "%s",
               diffs[i].name);
        for (size_t k = 0; k < count; k++) {
            buf_add(&f->buf, changes[k].pointer);
            buf_add_char(&f->buf, ' ');
            write_side(&f->buf, changes[k].from);
            buf_add_char(&f->buf, '>');
            write_side(&f->buf, changes[k].to);
            buf_add_char(&f->buf, '\n');
        }
        EXPECT_STR(diffs[i].name, buf_str(&f->buf), str_of(diffs[i].changes));
    }
}

/* A full arena is an error, not a shorter list. */
static void test_diff_memory(void **state)
{
    struct fixture *f = *state;
    const struct json *from = must_parse(f, "from", S("[1,2,3,4,5,6,7,8]"));
    const struct json *to = must_parse(f, "to", S("[]"));
    size_t failed = 0;

    for (size_t max = 0; max < 1024; max += 16) {
        const struct json_change *changes;
        size_t count = 0;
        struct arena *arena = arena_new(max);
        struct ctx ctx;
        assert_non_null(arena);
        ctx_init(&ctx, arena);
        enum fm_err err = json_diff(&ctx, from, to, 8, &changes, &count);
        EXPECT(err == FM_OK ? count == 8 : count == 0, "%zu bytes", max);
        failed += err != FM_OK;
        arena_free(arena);
    }
    EXPECT(failed > 5 && failed < 64, "%zu arenas were too small", failed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_at), FIXTURE_TEST(test_get),  FIXTURE_TEST(test_make),
        FIXTURE_TEST(test_eq), FIXTURE_TEST(test_diff), FIXTURE_TEST(test_diff_memory),
    };

    return CHECK_RUN(tests);
}
