/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be a name, a password, a host.
 */
#include "../check.h"

#include "people/people_internal.h"

static struct arena *arena;
static struct ctx ctx;

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

static const struct {
    const char *row;
    struct str name;
    bool good;
} names[] = {
    {"a plain name", STR("ana"), true},
    {"one character", STR("a"), true},
    {"all signs", STR("ana.b_c-d@bank.example"), true},
    {"begins with a digit", STR("7of9"), true},
    {"letters of another script", STR("анна"), true},
    {"a composed letter", STR("jos\u00e9"), true},
    {"scripts that are written together", STR("\u5c71\u7530\u306e\u30e1\u30e2"), true},
    {"letters without case", STR("\u05e9\u05e8\u05d4"), true},
    {"64 bytes", STR(SIXTY "1234"), true},
    {"empty", STR(""), false},
    {"absent", {NULL, 0}, false},
    {"65 bytes", STR(SIXTY "12345"), false},
    {"upper case", STR("Ana"), false},
    {"upper case beyond ASCII", STR("\u00c9mile"), false},
    {"a space", STR("ana maria"), false},
    {"a colon, as in role:lead", STR("role:lead"), false},
    {"a slash", STR("ana/ben"), false},
    {"a quote", STR("ana\""), false},
    {"looks like an option", STR("-rf"), false},
    {"a hidden file", STR(".ana"), false},
    {"begins with @", STR("@ana"), false},
    {"a line feed", STR("ana\nben"), false},
    {"escape", STR("ana\033[31m"), false},
    {"NUL inside", STR("ana\0b"), false},
    {"zero width space", STR("an\u200ba"), false},
    {"right-to-left override", STR("ana\u202e"), false},
    {"an emoji", STR("ana\U0001F600"), false},
    {"a decomposed letter", STR("jose\u0301"), false},
    {"a letter that has another form, of Greek", STR("\u1f71"), false},
    {"a letter that has another form, of Han", STR("\uf900"), false},
    {"a Cyrillic letter in a Latin name", STR("\u0430na"), false},
    {"a Greek letter in a Cyrillic name", STR("\u0430\u03b1"), false},
    {"full-width letters", STR("\uff21na"), false},
    {"not UTF-8", STR("an\xff"), false},
    {"a lone surrogate", STR("an\xed\xa0\x80"), false},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        ctx_clear(&ctx);
        enum fm_err err = people_check_name(&ctx, names[i].name);
        EXPECT(err == (names[i].good ? FM_OK : FM_E_INVALID_ARGUMENT), "%s: %s", names[i].row,
               ctx.detail);
        if (!names[i].good) {
            EXPECT_STR(names[i].row, ctx.errors[0].pointer, S("/name"));
        }
    }
}

#define HUNDRED "kx9." SIXTY "kx8.kx7.kx6.kx5.kx4.kx3.kx2.kx1.kx0."

static const struct {
    const char *row;
    struct str password, name;
    bool good;
} passwords[] = {
    {"four words", STR("lamp orbit cactus ferry"), STR("ana"), true},
    {"eight characters", STR("k3#vq9!z"), STR("ana"), true},
    {"eight characters of two bytes", STR("\u0436\u0451\u0437\u0434\u0445\u0444\u0449\u044a"), STR("ana"), true},
    {"256 bytes", STR(HUNDRED HUNDRED "12345678901234567890123456789012345678901234567890123456"), STR("ana"), true},
    {"a name of two letters inside", STR("galaxy-rodeo"), STR("al"), true},
    {"seven characters", STR("k3#vq9!"), STR("ana"), false},
    {"seven characters of two bytes", STR("\u0436\u0451\u0437\u0434\u0445\u0444\u0449"), STR("ana"), false},
    {"empty", STR(""), STR("ana"), false},
    {"257 bytes", STR(HUNDRED HUNDRED "123456789012345678901234567890123456789012345678901234567"), STR("ana"), false},
    {"not UTF-8", STR("k3#vq9!z\xff"), STR("ana"), false},
    {"the commonest", STR("password"), STR("ana"), false},
    {"the commonest in capitals", STR("PassWord"), STR("ana"), false},
    {"the last of the list", STR("reviewer1"), STR("ana"), false},
    {"a common one with more behind it is another one", STR("password-of-the-lamp"), STR("ana"), true},
    {"the keyboard", STR("1qaz2wsx"), STR("ana"), false},
    {"one letter", STR("aaaaaaaaaaaa"), STR("ana"), false},
    {"counting", STR("23456789"), STR("ana"), false},
    {"counting down", STR("hgfedcba"), STR("ana"), false},
    {"the name", STR("annabell"), STR("annabell"), false},
    {"the name inside", STR("xx-annabell-7"), STR("annabell"), false},
    {"the name in capitals", STR("xx-ANNABELL-7"), STR("annabell"), false},
    {"the name at the end", STR("7-xx-ana"), STR("ana"), false},
    {"the name before the @", STR("xx-annabell-7"), STR("annabell@bank.example"), false},
};

static void test_passwords(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(passwords); i++) {
        ctx_clear(&ctx);
        enum fm_err err = people_check_password(&ctx, passwords[i].password, passwords[i].name);
        EXPECT(err == (passwords[i].good ? FM_OK : FM_E_INVALID_ARGUMENT), "%s: %s", passwords[i].row,
               ctx.detail);
        if (!passwords[i].good) {
            EXPECT_STR(passwords[i].row, ctx.errors[0].pointer, S("/password"));
        }
    }
}

static const struct {
    const char *row;
    struct str host;
    bool good;
} hosts[] = {
    {"a name", STR("hooks.example.com"), true},
    {"one label", STR("localhost"), true},
    {"IPv4", STR("127.0.0.1"), true},
    {"IPv6", STR("2001:db8::1"), true},
    {"a hyphen inside", STR("a-b.example"), true},
    {"empty", STR(""), false},
    {"upper case", STR("Example.com"), false},
    {"a scheme", STR("https://example.com"), false},
    {"a port", STR("example.com:443"), false},
    {"a path", STR("example.com/hooks"), false},
    {"user info", STR("ana@example.com"), false},
    {"an empty label", STR("example..com"), false},
    {"a dot at the end", STR("example.com."), false},
    {"a hyphen at the end of a label", STR("a-.example"), false},
    {"a wildcard", STR("*.example.com"), false},
    {"a label of 64", STR(SIXTY "abcd.com"), false},
    {"NUL inside", STR("::1\0.com"), false},
    {"not ASCII", STR("b\u00fccher.example"), false},
};

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        ctx_clear(&ctx);
        enum fm_err err = people_check_hosts(&ctx, S("/hosts"), (struct policy_list){&hosts[i].host, 1});
        EXPECT(err == (hosts[i].good ? FM_OK : FM_E_INVALID_ARGUMENT), "%s: %s", hosts[i].row,
               ctx.detail);
    }
}

static void test_hosts_are_bounded(void **state)
{
    struct str many[HOSTS_PER_AGENT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = S("example.com");
    }
    ctx_clear(&ctx);
    EXPECT(people_check_hosts(&ctx, S("/hosts"), (struct policy_list){many, HOSTS_PER_AGENT_MAX}) == FM_OK, "16");
    EXPECT(people_check_hosts(&ctx, S("/hosts"), (struct policy_list){many, COUNT_OF(many)}) ==
               FM_E_INVALID_ARGUMENT, "17");
    many[3] = S("example.com:1");
    ctx_clear(&ctx);
    EXPECT(people_check_hosts(&ctx, S("/hosts"), (struct policy_list){many, 5}) == FM_E_INVALID_ARGUMENT, "bad");
    EXPECT_STR("the pointer names the bad one", ctx.errors[0].pointer, S("/hosts/3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_hosts_are_bounded),
    };
    int code;

    arena = arena_new(1 * MIB);
    ctx_init(&ctx, arena);
    code = CHECK_RUN(tests);
    arena_free(arena);
    return code;
}
