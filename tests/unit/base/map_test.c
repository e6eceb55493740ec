/* SPDX-License-Identifier: Apache-2.0
 *
 * The hash map against the simplest model of one: an array. Deletion shifts slots back, so that is
 * where it could lose an entry.
 */
#include "base_check.h"

#include "base/map.h"

#define KEYS 600

static int values[KEYS];

static struct str key_of(size_t i, char out[24])
{
    /* the empty key, binary keys with NULs, and prefixes of one another */
    size_t n = i == 0 ? 0 : 1 + i % 20;

    memset(out, 0, 24);
    memcpy(out, &i, sizeof(uint16_t));
    return (struct str){out, i < 300 ? n < 2 && i ? 2 : n : 2 + i % 3};
}

/* Keys of the model are told apart by their bytes; two numbers may have the same key. */
static size_t canonical(size_t i)
{
    char a[24], b[24];
    struct str key = key_of(i, a);

    for (size_t k = 0; k < i; k++) {
        if (str_eq(key_of(k, b), key)) {
            return k;
        }
    }
    return i;
}

static void test_against_model(void **state)
{
    static void *model[KEYS];
    static size_t same[KEYS];

    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        same[i] = canonical(i);
    }
    for (uint64_t run = 1; run <= 20; run++) {
        struct map *map = map_new();
        uint64_t seed = run;
        size_t count = 0;

        memset(model, 0, sizeof(model));
        for (int step = 0; step < 5000; step++) {
            size_t i = same[draw(&seed) % KEYS];
            char bytes[24];
            struct str key = key_of(i, bytes);
            bool grows = step / 1000 % 2 == 0; /* phases of filling and of emptying */

            if (draw(&seed) % 4 < (grows ? 3u : 1u)) {
                void *value = &values[draw(&seed) % KEYS];
                EXPECT(map_put(map, key, value), "seed %llu step %d", (unsigned long long)run,
                       step);
                count += model[i] == NULL;
                model[i] = value;
            } else {
                EXPECT(map_remove(map, key) == model[i], "seed %llu step %d",
                       (unsigned long long)run, step);
                count -= model[i] != NULL;
                model[i] = NULL;
            }
            EXPECT(map_count(map) == count, "seed %llu step %d", (unsigned long long)run, step);
            i = same[draw(&seed) % KEYS];
            EXPECT(map_find(map, key_of(i, bytes)) == model[i], "seed %llu step %d",
                   (unsigned long long)run, step);
        }
        for (size_t i = 0; i < KEYS; i++) {
            char bytes[24];
            EXPECT(map_find(map, key_of(same[i], bytes)) == model[same[i]], "seed %llu key %zu",
                   (unsigned long long)run, i);
        }
        map_free(map);
    }
}

/* Fills to just under the load at which it grows, so that runs are long, and deletes in every order. */
static void test_deletion_runs(void **state)
{
    (void)state;
    for (uint64_t run = 1; run <= 200; run++) {
        struct map *map = map_new();
        size_t order[48];
        uint64_t seed = run;

        for (size_t i = 0; i < COUNT_OF(order); i++) {
            size_t other = draw(&seed) % (i + 1);
            order[i] = order[other];
            order[other] = i;
        }
        for (size_t i = 0; i < COUNT_OF(order); i++) {
            EXPECT(map_put(map, (struct str){(const char *)&i, sizeof(i)}, &values[i]), "put");
        }
        for (size_t gone = 0; gone < COUNT_OF(order); gone++) {
            size_t key = order[gone];
            EXPECT(map_remove(map, (struct str){(const char *)&key, sizeof(key)}) == &values[key],
                   "seed %llu", (unsigned long long)run);
            for (size_t i = 0; i < COUNT_OF(order); i++) {
                void *want = i > gone ? (void *)&values[order[i]] : NULL;
                key = order[i];
                EXPECT(map_find(map, (struct str){(const char *)&key, sizeof(key)}) == want,
                       "seed %llu: key %zu after %zu deletions", (unsigned long long)run, key,
                       gone + 1);
            }
        }
        map_free(map);
    }
}

static void test_small(void **state)
{
    struct map *map = map_new();
    char key[] = "key";

    (void)state;
    EXPECT(map_find(map, S("x")) == NULL && map_remove(map, S("x")) == NULL, "in an empty map");
    EXPECT(map_put(map, (struct str){key, 3}, &values[1]), "put");
    key[0] = 'K';
    EXPECT(map_find(map, S("key")) == &values[1], "keys are copied");
    EXPECT(map_put(map, S("key"), &values[2]) && map_count(map) == 1, "replaced");
    EXPECT(map_find(map, S("key")) == &values[2], "by the new value");
    EXPECT(map_find(map, S("ke")) == NULL && map_find(map, S("key\0")) == NULL, "lengths count");
    map_free(map);
    map_free(NULL);
}

static void add_one(void *with, struct str key, void *value)
{
    size_t *seen = with;
    size_t i;

    memcpy(&i, key.p, sizeof(i));
    EXPECT(key.n == sizeof(i) && value == &values[i], "key %zu", i);
    seen[i]++;
}

static void test_each(void **state)
{
    struct map *map = map_new();
    size_t seen[KEYS] = {0};

    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        EXPECT(map_put(map, (struct str){(const char *)&i, sizeof(i)}, &values[i]), "put %zu", i);
    }
    map_each(map, add_one, seen);
    for (size_t i = 0; i < KEYS; i++) {
        EXPECT(seen[i] == 1, "key %zu seen %zu times", i, seen[i]);
    }
    map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_deletion_runs),
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_each),
    };

    return CHECK_RUN(tests);
}
