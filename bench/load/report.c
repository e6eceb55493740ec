/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run prints at its end: a few lines for people, or one line of JSON for bench/run.mjs.
 */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const metric_names[METRICS] = {
    "auto", "submit", "decide", "notify", "cycle", "get",
};

/* How evenly the connections that asked at all were served: answers since the window opened, and
 * how many were never answered. */
struct fairness {
    uint64_t slowest, fastest, unserved;
};

static void fairness_add(struct fairness *fairness, const struct connection *connection)
{
    uint64_t count = connection->answer_count;
    if (connection->sent_count == 0) {
        return;
    }
    fairness->unserved += !connection->served;
    fairness->slowest = count < fairness->slowest ? count : fairness->slowest;
    fairness->fastest = count > fairness->fastest ? count : fairness->fastest;
}

static struct fairness fairness_of(const struct run *run)
{
    struct fairness fairness = { .slowest = UINT64_MAX };
    for (uint32_t i = 0; i < run->opened; i++) {
        fairness_add(&fairness, &run->agents[i].own);
        fairness_add(&fairness, &run->agents[i].reviewer);
    }
    return fairness;
}

static void print_latency_json(const char *name, const struct histogram *histogram)
{
    printf("\"%s\":{\"count\":%" PRIu64 ",\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}",
           name, histogram->count, histogram_share_us(histogram, 0.5),
           histogram_share_us(histogram, 0.9), histogram_share_us(histogram, 0.99),
           (double)histogram->max_ns / 1000);
}

static void print_latency_text(const char *name, const struct histogram *histogram)
{
    printf("  %-7s %9" PRIu64 "   p50 %7.0f us   p90 %7.0f us   p99 %7.0f us   max %7.0f us\n",
           name, histogram->count, histogram_share_us(histogram, 0.5),
           histogram_share_us(histogram, 0.9), histogram_share_us(histogram, 0.99),
           (double)histogram->max_ns / 1000);
}

static void print_json_maps(const struct run *run)
{
    const char *separator = "";
    printf(",\"statuses\":{");
    for (int status = 0; status < STATUSES; status++) {
        if (run->statuses[status] > 0) {
            printf("%s\"%d\":%" PRIu64, separator, status, run->statuses[status]);
            separator = ",";
        }
    }
    separator = "";
    printf("},\"latency_us\":{");
    for (int i = 0; i < METRICS; i++) {
        if (run->histograms[i].count > 0) {
            printf("%s", separator);
            print_latency_json(metric_names[i], &run->histograms[i]);
            separator = ",";
        }
    }
    printf("}}\n");
}

/* One counter in JSON; all of them but the first follow another member. */
static void print_count(const char *name, uint64_t value)
{
    printf(",\"%s\":%" PRIu64, name, value);
}

static void print_json(const struct run *run, double seconds, uint64_t count, double per_op)
{
    struct fairness fairness = fairness_of(run);
    printf("{\"mode\":\"%s\",\"agents\":%u,\"seconds\":%.4f,\"rate\":%.1f", run->mode->name,
           run->options.agents, seconds, (double)count / seconds);
    print_count("count", count);
    print_count("errors", run->faults + run->lost);
    print_count("wrong", run->wrong);
    print_count("lost", run->lost);
    print_count("unserved", fairness.unserved);
    print_count("unanswered", run->mode->parks ? 0 : run->in_flight);
    print_count("slowest", fairness.slowest);
    print_count("fastest", fairness.fastest);
    print_count("parked", run->parked);
    print_count("renewed", run->renewed);
    print_count("released", run->released);
    if (run->server_cpu_us >= 0) {
        printf(",\"server_cpu_us_per_op\":%.2f", run->server_cpu_us * per_op);
    }
    printf(",\"client_cpu_us_per_op\":%.2f", run->client_cpu_us * per_op);
    print_json_maps(run);
}

static void print_text(const struct run *run, double seconds, uint64_t count, double per_op)
{
    printf("%s, %u agents: %" PRIu64 " in %.2f s, %.0f per second; errors %" PRIu64 "\n",
           run->mode->name, run->options.agents, count, seconds, (double)count / seconds,
           run->faults + run->lost);
    for (int i = 0; i < METRICS; i++) {
        if (run->histograms[i].count > 0) {
            print_latency_text(metric_names[i], &run->histograms[i]);
        }
    }
    printf("  CPU per operation: load generator %.1f us", run->client_cpu_us * per_op);
    if (run->server_cpu_us >= 0) {
        printf(", server %.1f us", run->server_cpu_us * per_op);
    }
    printf("\n");
}

void report_print(const struct run *run)
{
    uint64_t count = run->histograms[run->mode->metric].count;
    double seconds = (double)(run->closed_ns - run->opened_ns) / 1e9;
    double per_op = count == 0 ? 0 : 1 / (double)count;
    if (run->options.json) {
        print_json(run, seconds, count, per_op);
    } else {
        print_text(run, seconds, count, per_op);
    }
}
