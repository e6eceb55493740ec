/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids: they rise, their text is Crockford's base32, and nothing else is read.
 */
#include "base_check.h"

#include "base/clock.h"
#include "base/id.h"

#include <pthread.h>

static const struct {
    const char *name;
    uint8_t bytes[16];
    const char *text;
} vectors[] = {
    {"zero", {0}, "prp_00000000000000000000000000"},
    {"the largest",
     {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
     "prp_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
    {"the last bit", {[15] = 1}, "prp_00000000000000000000000001"},
    {"the first bit", {[0] = 0x80}, "prp_40000000000000000000000000"},
    /* int.from_bytes(bytes(range(1, 17))) in base 32, by a program of its own */
    {"counting",
     {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
     "prp_01081G81860W40J2GB1G6GW3RG"},
};

static void test_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        char text[ID_TEXT_MAX];
        struct id id, again;

        memcpy(id.bytes, vectors[i].bytes, sizeof(id.bytes));
        EXPECT_STR(vectors[i].name, id_format(ID_PROPOSAL, id, text), str_of(vectors[i].text));
        EXPECT(text[30] == '\0', "%s: ends in NUL", vectors[i].name);
        EXPECT(id_parse(ID_PROPOSAL, str_of(vectors[i].text), &again), "%s", vectors[i].name);
        EXPECT(id_eq(id, again), "%s: read back", vectors[i].name);
    }
}

static const struct {
    const char *name;
    struct str text;
} bad[] = {
    {"nothing", STR("")},
    {"absent", {NULL, 0}},
    {"only a prefix", STR("prp_")},
    {"another prefix", STR("agt_00000000000000000000000001")},
    {"no prefix", STR("00000000000000000000000001")},
    {"upper-case prefix", STR("PRP_00000000000000000000000001")},
    {"25 digits", STR("prp_0000000000000000000000001")},
    {"27 digits", STR("prp_000000000000000000000000001")},
    {"over 128 bits", STR("prp_80000000000000000000000000")},
    {"lower case", STR("prp_0000000000000000000000000a")},
    {"I, which is no digit", STR("prp_0000000000000000000000000I")},
    {"L", STR("prp_0000000000000000000000000L")},
    {"O", STR("prp_0000000000000000000000000O")},
    {"U", STR("prp_0000000000000000000000000U")},
    {"a NUL", STR("prp_0000000000000000000000000\0")},
    {"a space", STR("prp_0000000000000000000000000 ")},
    {"a byte beyond ASCII", STR("prp_0000000000000000000000000\xC3")},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct id id = {{7}};
        EXPECT(!id_parse(ID_PROPOSAL, bad[i].text, &id), "%s", bad[i].name);
        EXPECT(id.bytes[0] == 7, "%s: untouched", bad[i].name);
    }
    EXPECT(id_is_zero(id_from(S("short"))), "stored bytes of another length read as zero");
}

static void test_round_trip(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        enum id_kind kind = (enum id_kind)(i % ID_KIND_COUNT);
        char text[ID_TEXT_MAX];
        struct id id, again;

        for (size_t k = 0; k < sizeof(id.bytes); k++) {
            id.bytes[k] = (uint8_t)draw(&seed);
        }
        EXPECT(id_parse(kind, id_format(kind, id, text), &again) && id_eq(id, again), "%s", text);
    }
}

/* The texts rise as the ids do, though the clock stands still and then goes back. */
static void test_rising(void **state)
{
    char last[ID_TEXT_MAX] = "", text[ID_TEXT_MAX];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        clock_set_virtual_us(i < 150000 ? 2000000000 * SECOND_US : 1000000000 * SECOND_US);
        id_format(ID_EVENT, id_new(), text);
        EXPECT(strcmp(text, last) > 0, "number %d: %s after %s", i, text, last);
        memcpy(last, text, sizeof(last));
    }
    clock_set_virtual_us(0);
}

#define EACH 20000

static void *make_ids(void *arg)
{
    struct id *ids = arg;

    for (int i = 0; i < EACH; i++) {
        ids[i] = id_new();
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id));
}

static void test_threads(void **state)
{
    static struct id ids[4][EACH];
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        for (int k = 1; k < EACH; k++) {
            EXPECT(compare(&ids[i][k - 1], &ids[i][k]) < 0, "thread %d, id %d", i, k);
        }
    }
    qsort(ids, (size_t)4 * EACH, sizeof(ids[0][0]), compare);
    for (int k = 1; k < 4 * EACH; k++) {
        EXPECT(memcmp(&ids[0][0] + k - 1, &ids[0][0] + k, 8) != 0, "the first half alone tells %d",
               k);
    }
}

static void test_prefixes(void **state)
{
    (void)state;
    for (int a = 0; a < ID_KIND_COUNT; a++) {
        for (int b = 0; b < ID_KIND_COUNT; b++) {
            char text[ID_TEXT_MAX];
            struct id id = id_new(), again;
            id_format((enum id_kind)a, id, text);
            EXPECT(id_parse((enum id_kind)b, str_of(text), &again) == (a == b), "%s as kind %d",
                   text, b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_rising),
        cmocka_unit_test(test_threads),    cmocka_unit_test(test_prefixes),
    };

    return CHECK_RUN(tests);
}
