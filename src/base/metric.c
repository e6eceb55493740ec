/* SPDX-License-Identifier: Apache-2.0
 *
 * Histograms, and samples as OpenMetrics and as Prometheus text. The two differ in the names on the
 * TYPE line, in the unit's line, and in the mark at the end.
 */
#include "base/metric.h"

#include "base/clock.h"

#define MS 1000

const struct histogram_scale SCALE_REQUEST = {SECOND_US,
                                              15,
                                              {100, 250, 500, MS, 2500, 5 * MS, 10 * MS, 25 * MS,
                                               50 * MS, 100 * MS, 250 * MS, SECOND_US,
                                               5 * SECOND_US, 10 * SECOND_US, 30 * SECOND_US}};

const struct histogram_scale SCALE_DECISION = {
    SECOND_US,
    16,
    {SECOND_US, 5 * SECOND_US, 15 * SECOND_US, 30 * SECOND_US, MINUTE_US, 2 * MINUTE_US,
     5 * MINUTE_US, 15 * MINUTE_US, 30 * MINUTE_US, HOUR_US, 2 * HOUR_US, 4 * HOUR_US, 8 * HOUR_US,
     DAY_US, 3 * DAY_US, 14 * DAY_US}};

const struct histogram_scale SCALE_THINGS = {1, 9, {1, 2, 4, 8, 16, 32, 64, 128, 256}};

void histogram_add(struct histogram *histogram, int64_t value)
{
    const struct histogram_scale *scale = histogram->scale;
    size_t i = 0;

    value = value < 0 ? 0 : value;
    while (i < scale->count && value > scale->ends[i]) {
        i++;
    }
    count_add(&histogram->buckets[i], 1);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

/* --- text ------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *old_name; /* of the type */
    const char *suffix;          /* of its samples */
} types[] = {
    [METRIC_COUNTER] = {"counter", "counter", "_total"},
    [METRIC_GAUGE] = {"gauge", "gauge", ""},
    [METRIC_HISTOGRAM] = {"histogram", "histogram", ""},
    [METRIC_INFO] = {"info", "gauge", "_info"},
};

/* In the old format a family is called like its samples. */
static void add_line(struct metric_out *out, const char *word, const char *text)
{
    const struct metric_family *family = out->family;

    buf_printf(out->buf, "# %s %s%s %s\n", word, family->name,
               out->open_metrics ? "" : types[family->type].suffix, text);
}

void metric_begin(struct metric_out *out, const struct metric_family *family)
{
    out->family = family;
    add_line(out, "HELP", family->help);
    add_line(out, "TYPE",
             out->open_metrics ? types[family->type].name : types[family->type].old_name);
    if (out->open_metrics && family->unit) {
        add_line(out, "UNIT", family->unit);
    }
}

/* A decimal without an exponent: "0.005", "300.0"; whole numbers of things without a point. */
static void add_number(struct buf *buf, int64_t value, int64_t unit, bool always_point)
{
    int64_t whole = value / unit, rest = value % unit;

    buf_printf(buf, "%s%lld", value < 0 && whole == 0 ? "-" : "", (long long)whole);
    rest = rest < 0 ? -rest : rest;
    if (rest == 0 && !always_point) {
        return;
    }
    buf_add_char(buf, '.');
    do {
        rest *= 10;
        buf_add_char(buf, (char)('0' + rest / unit));
        rest %= unit;
    } while (rest != 0);
}

static void add_escaped(struct buf *buf, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\n') {
            buf_lit(buf, "\\n");
        } else {
            if (value.p[i] == '"' || value.p[i] == '\\') {
                buf_add_char(buf, '\\');
            }
            buf_add_char(buf, value.p[i]);
        }
    }
}

/* The name and labels of a sample, up to its value. `end`: of a bucket; NULL for none. */
static void add_head(struct metric_out *out, const char *suffix, const struct metric_label *labels,
                     size_t count, const struct str *end)
{
    const char *before = "{";

    buf_printf(out->buf, "%s%s", out->family->name, suffix);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out->buf, "%s%s=\"", before, labels[i].name);
        add_escaped(out->buf, labels[i].value);
        buf_add_char(out->buf, '"');
        before = ",";
    }
    if (end) {
        buf_printf(out->buf, "%sle=\"%.*s\"", before, STR_ARG(*end));
    }
    buf_add(out->buf, count || end ? S("} ") : S(" "));
}

void metric_sample(struct metric_out *out, const struct metric_label *labels, size_t count,
                   int64_t value, int64_t unit)
{
    add_head(out, types[out->family->type].suffix, labels, count, NULL);
    add_number(out->buf, value, unit, false);
    buf_add_char(out->buf, '\n');
}

static void add_bucket(struct metric_out *out, const struct metric_label *labels, size_t count,
                       const struct histogram_scale *scale, size_t i, uint64_t seen)
{
    AUTO(buf_done) struct buf end = BUF_INIT(64);
    struct str text = S("+Inf");

    if (i < scale->count) {
        add_number(&end, scale->ends[i], scale->unit, true);
        text = buf_str(&end);
    }
    add_head(out, "_bucket", labels, count, &text);
    buf_printf(out->buf, "%llu\n", (unsigned long long)seen);
}

/* The count is that of the last bucket, whatever is added meanwhile: they must agree. */
void metric_histogram(struct metric_out *out, const struct metric_label *labels, size_t count,
                      const struct histogram *histogram)
{
    const struct histogram_scale *scale = histogram->scale;
    int64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    uint64_t seen = 0;

    if (!scale) {
        return;
    }
    for (size_t i = 0; i <= scale->count; i++) {
        seen += count_read(&histogram->buckets[i]);
        add_bucket(out, labels, count, scale, i, seen);
    }
    add_head(out, "_sum", labels, count, NULL);
    add_number(out->buf, sum, scale->unit, false);
    buf_add_char(out->buf, '\n');
    add_head(out, "_count", labels, count, NULL);
    buf_printf(out->buf, "%llu\n", (unsigned long long)seen);
}

void metric_end(struct metric_out *out)
{
    if (out->open_metrics) {
        buf_lit(out->buf, "# EOF\n");
    }
}
