/* SPDX-License-Identifier: Apache-2.0
 *
 * The digest that a decision names, against the vectors of docs/reference/digest.json, which another
 * implementation made (tools/digest_vectors).
 */
#include "../json/json_check.h"

#include "proposal/proposal.h"

#include <fcntl.h>
#include <unistd.h>

#define VECTORS "docs/reference/digest.json"

/* The file, from the root of the repository or from a folder below it. */
static struct str read_vectors(struct arena *arena)
{
    static const char *const roots[] = {"", "../", "../../", "../../../"};

    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        int fd = open(arena_printf(arena, "%s%s", roots[i], VECTORS).p, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            char *bytes = arena_alloc(arena, MIB);
            ssize_t n = read(fd, bytes, MIB);
            close(fd);
            return (struct str){bytes, n < 0 ? 0 : (size_t)n};
        }
    }
    return STR_NONE;
}

static const struct json *vectors(struct fixture *f)
{
    struct str text = read_vectors(f->arena);
    const struct json *list;

    EXPECT(text.n > 0, "%s is there", VECTORS);
    list = json_get(must_parse(f, VECTORS, text), S("vectors"));
    EXPECT(list && list->count >= 6, "six vectors");
    return list;
}

static struct hash stated(const struct json *vector, const char *member)
{
    struct str text = json_text(json_get(vector, str_of(member)));
    struct hash hash = {{0}};

    EXPECT(str_starts(text, S("sha256:")) && hex_decode(str_skip(text, 7), hash.bytes, SHA256_SIZE),
           "%s", member);
    return hash;
}

static struct hash digest_of(struct fixture *f, const struct json *vector,
                             const struct json *request)
{
    struct id id = {{0}}, agent = {{0}};
    struct hash digest;

    EXPECT(id_parse(ID_PROPOSAL, json_text(json_get(vector, S("id"))), &id) &&
               id_parse(ID_AGENT, json_text(json_get(vector, S("agent"))), &agent),
           "ids");
    EXPECT(proposal_digest(&f->ctx, request, id,
                           (int64_t)json_number(json_get(vector, S("revision"))), agent,
                           &digest) == FM_OK,
           "%s", f->ctx.detail);
    return digest;
}

static void test_vectors(void **state)
{
    struct fixture *f = *state;
    const struct json *list = vectors(f);

    for (uint32_t i = 0; i < list->count; i++) {
        const struct json *vector = &list->as.items[i], *request = json_get(vector, S("request"));
        struct str name = json_text(json_get(vector, S("name")));
        struct str form = json_text(json_get(vector, S("canonical")));
        struct hash digest = digest_of(f, vector, request), arguments;

        EXPECT(hash_eq(sha256(form), stated(vector, "digest")), "%.*s: the file is sound",
               STR_ARG(name));
        EXPECT(hash_eq(digest, stated(vector, "digest")), "%.*s", STR_ARG(name));
        arguments = sha256(canonical(f, json_get(request, S("arguments"))));
        EXPECT(hash_eq(arguments, stated(vector, "arguments_digest")), "%.*s: arguments",
               STR_ARG(name));
    }
}

/* Members of a request, each added to the least one: which change the digest? */
static const struct {
    const char *member;
    bool counts;
} members[] = {
    {"\"agent_version\":\"1\"", true},
    {"\"brief\":{}", true},
    {"\"on_behalf_of\":\"u\"", true},
    {"\"subject\":\"s\"", true},
    {"\"tool_digest\":\"t\"", true},
    {"\"session\":\"s\"", false},
    {"\"labels\":{\"a\":\"b\"}", false},
    {"\"deadline\":\"5m\"", false},
    {"\"domains\":[\"d\"]", false},
    {"\"reversible\":true", false},
    {"\"v\":2", false},
    {"\"id\":\"prp_x\"", false},
    {"\"revision\":9", false},
    {"\"agent\":\"agt_x\"", false},
};

static void test_members(void **state)
{
    struct fixture *f = *state;
    const struct json *vector = &vectors(f)->as.items[0];
    struct hash least =
        digest_of(f, vector, must_parse(f, "least", S("{\"action\":\"a\",\"arguments\":{}}")));

    for (size_t i = 0; i < COUNT_OF(members); i++) {
        struct str text =
            arena_printf(f->arena, "{\"action\":\"a\",\"arguments\":{},%s}", members[i].member);
        struct hash digest = digest_of(f, vector, must_parse(f, members[i].member, text));
        EXPECT(hash_eq(digest, least) != members[i].counts, "%s", members[i].member);
    }
}

static void test_binds(void **state)
{
    struct fixture *f = *state;
    const struct json *request =
        must_parse(f, "r", S("{\"action\":\"a\",\"arguments\":{\"n\":1}}"));
    const struct json *other = must_parse(f, "r", S("{\"action\":\"a\",\"arguments\":{\"n\":2}}"));
    struct id id = {{1}}, second = {{2}};
    struct hash first, digest;

    assert_int_equal(proposal_digest(&f->ctx, request, id, 1, id, &first), FM_OK);
    assert_int_equal(proposal_digest(&f->ctx, request, second, 1, id, &digest), FM_OK);
    EXPECT(!hash_eq(first, digest), "another proposal");
    assert_int_equal(proposal_digest(&f->ctx, request, id, 2, id, &digest), FM_OK);
    EXPECT(!hash_eq(first, digest), "another revision");
    assert_int_equal(proposal_digest(&f->ctx, request, id, 1, second, &digest), FM_OK);
    EXPECT(!hash_eq(first, digest), "another agent");
    assert_int_equal(proposal_digest(&f->ctx, other, id, 1, id, &digest), FM_OK);
    EXPECT(!hash_eq(first, digest), "other arguments");
    assert_int_equal(proposal_digest(&f->ctx, request, id, 1, id, &digest), FM_OK);
    EXPECT(hash_eq(first, digest), "the same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_vectors),
        FIXTURE_TEST(test_members),
        FIXTURE_TEST(test_binds),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
