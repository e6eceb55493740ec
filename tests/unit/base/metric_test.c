/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics: what goes into which bucket, and both texts to the byte.
 */
#include "../check.h"

#include "base/metric.h"

static const struct histogram_scale halves = {1000, 2, {500, 1000}};

static const struct metric_family family_of[] = {
    [METRIC_COUNTER] = {"t_things", METRIC_COUNTER, NULL, "Things."},
    [METRIC_GAUGE] = {"t_age_seconds", METRIC_GAUGE, "seconds", "Age."},
    [METRIC_HISTOGRAM] = {"t_time_seconds", METRIC_HISTOGRAM, "seconds", "Time."},
    [METRIC_INFO] = {"t_build", METRIC_INFO, NULL, "Build."},
};

static void test_buckets(void **state)
{
    static const struct {
        int64_t value;
        size_t bucket;
        int64_t sum;
    } rows[] = {{0, 0, 0},     {-5, 0, 0},      {500, 0, 500},
                {501, 1, 501}, {1000, 1, 1000}, {1001, 2, 1001}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct histogram histogram = {.scale = &halves};
        histogram_add(&histogram, rows[i].value);
        for (size_t k = 0; k <= halves.count; k++) {
            EXPECT(histogram.buckets[k] == (k == rows[i].bucket), "%lld in %zu",
                   (long long)rows[i].value, k);
        }
        EXPECT(histogram.sum == rows[i].sum, "%lld", (long long)rows[i].value);
    }
}

static void test_scales(void **state)
{
    const struct histogram_scale *const scales[] = {&SCALE_REQUEST, &SCALE_DECISION, &SCALE_THINGS};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(scales); i++) {
        EXPECT(scales[i]->count > 0 && scales[i]->count <= HISTOGRAM_BUCKETS_MAX, "scale %zu", i);
        for (size_t k = 1; k < scales[i]->count; k++) {
            EXPECT(scales[i]->ends[k] > scales[i]->ends[k - 1], "scale %zu, end %zu", i, k);
        }
    }
}

static const struct {
    const char *name;
    int64_t value, unit;
    const char *want;
} numbers[] = {
    {"a count", 3, 1, "3"},
    {"nothing", 0, 1000000, "0"},
    {"half a second", 500000, 1000000, "0.5"},
    {"a microsecond", 1, 1000000, "0.000001"},
    {"a minute", 60000000, 1000000, "60"},
    {"before", -1500000, 1000000, "-1.5"},
    {"just before", -500000, 1000000, "-0.5"},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        AUTO(buf_done) struct buf got = BUF_INIT(KIB);
        char want[64];
        struct metric_out out = {.buf = &got, .family = &family_of[METRIC_GAUGE]};
        metric_sample(&out, NULL, 0, numbers[i].value, numbers[i].unit);
        snprintf(want, sizeof(want), "t_age_seconds %s\n", numbers[i].want);
        EXPECT_STR(numbers[i].name, buf_str(&got), str_of(want));
    }
}

static void test_labels(void **state)
{
    AUTO(buf_done) struct buf got = BUF_INIT(KIB);
    struct metric_out out = {.buf = &got, .family = &family_of[METRIC_COUNTER]};
    const struct metric_label labels[] = {{"a", S("x\"y\\z\nw")}, {"b", S("")}};

    (void)state;
    metric_sample(&out, labels, 2, 1, 1);
    EXPECT_STR("escaped", buf_str(&got), S("t_things_total{a=\"x\\\"y\\\\z\\nw\",b=\"\"} 1\n"));
}

static const struct {
    const char *name;
    enum metric_type type;
    struct str open, old;
} heads[] = {
    {"counter", METRIC_COUNTER, STR("# HELP t_things Things.\n# TYPE t_things counter\n"),
     STR("# HELP t_things_total Things.\n# TYPE t_things_total counter\n")},
    {"gauge", METRIC_GAUGE,
     STR("# HELP t_age_seconds Age.\n# TYPE t_age_seconds gauge\n# UNIT t_age_seconds seconds\n"),
     STR("# HELP t_age_seconds Age.\n# TYPE t_age_seconds gauge\n")},
    {"info", METRIC_INFO, STR("# HELP t_build Build.\n# TYPE t_build info\n"),
     STR("# HELP t_build_info Build.\n# TYPE t_build_info gauge\n")},
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        AUTO(buf_done) struct buf open = BUF_INIT(KIB);
        AUTO(buf_done) struct buf old = BUF_INIT(KIB);
        struct metric_out to_open = {.buf = &open, .open_metrics = true}, to_old = {.buf = &old};
        metric_begin(&to_open, &family_of[heads[i].type]);
        metric_begin(&to_old, &family_of[heads[i].type]);
        EXPECT_STR(heads[i].name, buf_str(&open), heads[i].open);
        EXPECT_STR(heads[i].name, buf_str(&old), heads[i].old);
    }
}

static void test_histogram(void **state)
{
    AUTO(buf_done) struct buf got = BUF_INIT(KIB);
    struct metric_out out = {
        .buf = &got, .open_metrics = true, .family = &family_of[METRIC_HISTOGRAM]};
    const struct metric_label labels[] = {{"a", S("b")}};
    struct histogram histogram = {.scale = &halves}, none = {.scale = NULL};

    (void)state;
    histogram_add(&histogram, 100);
    histogram_add(&histogram, 900);
    histogram_add(&histogram, 5000);
    metric_histogram(&out, labels, 1, &histogram);
    metric_histogram(&out, labels, 1, &none);
    metric_end(&out);
    EXPECT_STR("text", buf_str(&got),
               S("t_time_seconds_bucket{a=\"b\",le=\"0.5\"} 1\n"
                 "t_time_seconds_bucket{a=\"b\",le=\"1.0\"} 2\n"
                 "t_time_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"
                 "t_time_seconds_sum{a=\"b\"} 6\n"
                 "t_time_seconds_count{a=\"b\"} 3\n"
                 "# EOF\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets), cmocka_unit_test(test_scales),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_heads),   cmocka_unit_test(test_histogram),
    };

    return CHECK_RUN(tests);
}
