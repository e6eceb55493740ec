/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas: the ceiling, overflow, alignment, reuse.
 */
#include "base_check.h"

#include "base/arena.h"
#include "base/buf.h"

#include <stdalign.h>

static const struct {
    const char *name;
    size_t ceiling, first, second;
    bool first_fits, second_fits;
} ceilings[] = {
    {"exactly full", 64, 32, 32, true, true},
    {"one byte over takes a whole step", 64, 33, 32, true, false},
    {"at once", 64, 64, 1, true, false},
    {"too large at once, later small is fine", 64, 65, 64, false, true},
    {"larger than any block", 4 * MIB, 3 * MIB, 1 * MIB, true, true},
    {"nothing allowed", 0, 1, 1, false, false},
    {"SIZE_MAX", 1 * MIB, SIZE_MAX, 16, false, true},
    {"SIZE_MAX less alignment", 1 * MIB, SIZE_MAX - 15, 16, false, true},
};

static void test_ceiling(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ceilings); i++) {
        AUTO(arena_done) struct arena *arena = arena_new(ceilings[i].ceiling);
        EXPECT(!!arena_alloc(arena, ceilings[i].first) == ceilings[i].first_fits, "%s: first",
               ceilings[i].name);
        EXPECT(!!arena_alloc(arena, ceilings[i].second) == ceilings[i].second_fits, "%s: second",
               ceilings[i].name);
        EXPECT(arena_used(arena) <= ceilings[i].ceiling, "%s", ceilings[i].name);
    }
}

static const struct {
    const char *name;
    size_t count, size;
    bool fits;
} products[] = {
    {"fits", 10, 10, true},
    {"nothing of something", 0, 10, true},
    {"overflows to 0", SIZE_MAX / 2 + 1, 2, false},
    {"overflows to a little", SIZE_MAX / 16 + 2, 16, false},
    {"too many", 1 * MIB, 2, false},
};

static void test_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(products); i++) {
        AUTO(arena_done) struct arena *arena = arena_new(1 * MIB);
        const char *p = arena_zalloc(arena, products[i].count, products[i].size);
        EXPECT(!!p == products[i].fits, "%s", products[i].name);
        for (size_t k = 0; p && k < products[i].count * products[i].size; k++) {
            EXPECT(p[k] == 0, "%s: cleared", products[i].name);
        }
    }
}

/* Pieces of random sizes do not touch each other and are aligned for anything. */
static void test_pieces(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(8 * MIB);
    struct {
        unsigned char *p;
        size_t n;
    } pieces[500];
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT_OF(pieces); i++) {
            pieces[i].n = draw(&seed) % (i % 50 == 0 ? 300 * KIB : 700);
            pieces[i].p = arena_alloc(arena, pieces[i].n);
            EXPECT(pieces[i].p != NULL, "piece %zu of round %d", i, round);
            EXPECT((uintptr_t)pieces[i].p % alignof(max_align_t) == 0, "piece %zu", i);
            memset(pieces[i].p, (int)(i & 0xFF), pieces[i].n);
        }
        for (size_t i = 0; i < COUNT_OF(pieces); i++) {
            for (size_t k = 0; k < pieces[i].n; k++) {
                EXPECT(pieces[i].p[k] == (i & 0xFF), "byte %zu of piece %zu", k, i);
            }
        }
        arena_reset(arena);
        EXPECT(arena_used(arena) == 0, "round %d", round);
    }
}

static void test_texts(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(64);
    struct str copy = arena_copy(arena, S("abc"));

    (void)state;
    EXPECT_STR("copy", copy, S("abc"));
    EXPECT(copy.p[3] == '\0', "a NUL behind it");
    EXPECT(arena_copy(arena, STR_NONE).p == NULL, "absent stays absent");
    EXPECT(arena_copy(arena, S("")).p != NULL, "empty stays present");
    EXPECT_STR("printf", arena_printf(arena, "%d-%s", 12, "x"), S("12-x"));
    EXPECT(arena_printf(arena, "%100d", 1).p == NULL, "no room for a hundred characters");
    EXPECT(arena_copy(arena, S("0123456789abcdef")).p == NULL,
           "nor for a copy: 16 and NUL, 16 left");
    arena_reset(arena);
    EXPECT(arena_printf(arena, "%31d", 1).n == 31, "after a reset there is");
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_texts),
    };

    return CHECK_RUN(tests);
}
