/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of metrics. One more is one row and, where no function fits, one function.
 *
 * 1. A family with a label has a bound on its values: routes, statuses and events are tables of
 * this
 *    program, queues are the policy's, actions end at FLOW_ACTIONS_COUNTED.
 * 2. Nothing here walks what grows with use: queues are counted in an index of what waits.
 */
#include "server/metrics.h"

#include "base/version.h"
#include "server/process.h"

_Static_assert(PROPOSAL_UNDO == 2, "the next says so");
SQL(SQL_QUEUES,
    "SELECT q.queue, q.pending, (SELECT created_at FROM proposals WHERE row = q.oldest) FROM"
    " (SELECT queue, count(*) AS pending, min(row) AS oldest FROM proposals"
    "  INDEXED BY proposals_open WHERE state < 2 GROUP BY queue) AS q");
SQL(SQL_UNKNOWN, "SELECT count(*) FROM proposals INDEXED BY proposals_redeemed"
                 " WHERE state = 5 AND redeemed_at < $due");
SQL(SQL_CHECKPOINT, "SELECT size, signed_at FROM log_checkpoints ORDER BY size DESC LIMIT 1");

#define QUEUES_MAX 500 /* shown; the rest of a larger policy counts as `other` */

struct queue_row {
    struct str name;
    int64_t pending, oldest_at_us;
};

/* What is read once for all families. */
struct scrape {
    const struct metrics_source *source;
    struct metric_out *out;
    struct committer_stats committer;
    struct process_usage process;
    struct notify_counters outbox;
    struct queue_row *queues;
    size_t queue_count;
    int64_t now_us, signed_size, signed_at_us, unknown_outcomes;
};

static void sample(struct scrape *scrape, const char *label, struct str value, int64_t number)
{
    const struct metric_label labels[] = {{label, value}};

    metric_sample(scrape->out, labels, COUNT_OF(labels), number, 1);
}

static void number(struct scrape *scrape, int64_t value)
{
    metric_sample(scrape->out, NULL, 0, value, 1);
}

static void seconds(struct scrape *scrape, int64_t us)
{
    metric_sample(scrape->out, NULL, 0, us, SECOND_US);
}

/* --- queues ----------------------------------------------------------------------------------- */

static struct queue_row *queue_of(struct scrape *scrape, struct str name)
{
    for (size_t i = 0; i + 1 < scrape->queue_count; i++) {
        if (str_eq(scrape->queues[i].name, name)) {
            return &scrape->queues[i];
        }
    }
    return &scrape->queues[scrape->queue_count - 1]; /* `other` */
}

static void add_queue(struct scrape *scrape, struct str name, int64_t pending, int64_t oldest_at_us)
{
    struct queue_row *row = queue_of(scrape, name);

    row->pending += pending;
    if (row->oldest_at_us == 0 || oldest_at_us < row->oldest_at_us) {
        row->oldest_at_us = oldest_at_us;
    }
}

/* The policy's queues first, so that an empty one says 0; the last one is `other`. */
static enum fm_err read_queues(struct scrape *scrape, struct ctx *ctx, struct store_conn *conn,
                               const struct policy *policy)
{
    size_t count = policy->queue_count < QUEUES_MAX ? policy->queue_count : QUEUES_MAX;
    struct store_rows *rows;

    scrape->queues = arena_zalloc(ctx->arena, count + 1, sizeof(*scrape->queues));
    if (!scrape->queues) {
        return fail_memory(ctx);
    }
    for (size_t i = 0; i < count; i++) {
        scrape->queues[i].name = arena_copy(ctx->arena, policy->queues[i].name);
    }
    scrape->queues[count].name = S("other");
    scrape->queue_count = count + 1;
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_QUEUES, NO_ARGS, &rows));
    while (rows_next(ctx, rows)) {
        add_queue(scrape, rows_bytes(rows, 0), rows_int(rows, 1), rows_int(rows, 2));
    }
    return ctx->err;
}

static void write_pending(struct scrape *scrape)
{
    for (size_t i = 0; i < scrape->queue_count; i++) {
        sample(scrape, "queue", scrape->queues[i].name, scrape->queues[i].pending);
    }
}

static void write_oldest(struct scrape *scrape)
{
    for (size_t i = 0; i < scrape->queue_count; i++) {
        const struct metric_label labels[] = {{"queue", scrape->queues[i].name}};
        int64_t since_us = scrape->queues[i].oldest_at_us;
        int64_t age_us = since_us ? scrape->now_us - since_us : 0;
        metric_sample(scrape->out, labels, 1, age_us > 0 ? age_us : 0, SECOND_US);
    }
}

/* --- what became of proposals ----------------------------------------------------------------- */

typedef const _Atomic uint64_t *action_counters_fn(const struct flow_action_counts *action);

/* A sample for each action and word for which something was counted. `names`: by index; gaps
 * NULL. */
static void write_by_action(struct scrape *scrape, action_counters_fn *counters,
                            const char *const *names, int count)
{
    const struct flow_counts *counts = flow_counts(scrape->source->flow);
    unsigned actions = atomic_load_explicit(&counts->action_count, memory_order_acquire);

    for (unsigned i = 0; i < actions; i++) {
        const struct flow_action_counts *action = &counts->actions[i];
        for (int k = 0; k < count; k++) {
            const struct metric_label labels[] = {{"action", i ? str_of(action->name) : S("other")},
                                                  {"verdict", str_of(names[k])}};
            uint64_t n = count_read(&counters(action)[k]);
            if (n && names[k]) {
                metric_sample(scrape->out, labels, COUNT_OF(labels), (int64_t)n, 1);
            }
        }
    }
}

static const _Atomic uint64_t *assessed(const struct flow_action_counts *action)
{
    return action->assessed;
}

static const _Atomic uint64_t *decided(const struct flow_action_counts *action)
{
    return action->decided;
}

static void write_assessments(struct scrape *scrape)
{
    const char *names[VERDICT_BLOCK + 1];

    for (int i = 0; i <= VERDICT_BLOCK; i++) {
        names[i] = verdict_name((enum verdict)i);
    }
    write_by_action(scrape, assessed, names, COUNT_OF(names));
}

static void write_decisions(struct scrape *scrape)
{
    const char *names[DECISION_RETURN + 1] = {NULL};

    for (int i = DECISION_APPROVE; i <= DECISION_RETURN; i++) {
        names[i] = decision_verdict_name((enum decision_verdict)i);
    }
    write_by_action(scrape, decided, names, COUNT_OF(names));
}

static void write_decision_times(struct scrape *scrape)
{
    metric_histogram(scrape->out, NULL, 0, &flow_counts(scrape->source->flow)->decision_us);
}

static void write_events(struct scrape *scrape)
{
    const struct flow_counts *counts = flow_counts(scrape->source->flow);

    for (int i = 0; i < JOURNAL_KIND_COUNT; i++) {
        struct str name = str_of(journal_kind_name((enum journal_kind)i));
        if (str_starts(name, S("proposal.")) || str_starts(name, S("permit."))) {
            sample(scrape, "event", name, (int64_t)count_read(&counts->events[i]));
        }
    }
}

static void write_expired(struct scrape *scrape)
{
    const struct flow_counts *counts = flow_counts(scrape->source->flow);

    sample(scrape, "what", S("held"), (int64_t)count_read(&counts->expired_held));
    sample(scrape, "what", S("approval"), (int64_t)count_read(&counts->expired_approved));
}

static void write_outcomes(struct scrape *scrape)
{
    const struct flow_counts *counts = flow_counts(scrape->source->flow);

    for (int i = OUTCOME_SUCCEEDED; i <= OUTCOME_REVERTED; i++) {
        sample(scrape, "status", str_of(outcome_status_name((enum outcome_status)i)),
               (int64_t)count_read(&counts->outcomes[i]));
    }
}

static void write_unknown_outcomes(struct scrape *scrape)
{
    number(scrape, scrape->unknown_outcomes);
}

/* --- the store and the log -------------------------------------------------------------------- */

static void write_batches(struct scrape *scrape)
{
    number(scrape, (int64_t)scrape->committer.batches);
}

static void write_commands(struct scrape *scrape)
{
    sample(scrape, "result", S("done"),
           (int64_t)(scrape->committer.commands - scrape->committer.rolled_back));
    sample(scrape, "result", S("refused"), (int64_t)scrape->committer.rolled_back);
    sample(scrape, "result", S("queue_full"), (int64_t)scrape->committer.queue_full);
}

static void write_commands_waiting(struct scrape *scrape)
{
    number(scrape, (int64_t)scrape->committer.waiting);
}

static void write_batch_sizes(struct scrape *scrape)
{
    metric_histogram(scrape->out, NULL, 0,
                     committer_batch_sizes(scrape->source->instance->committer));
}

static void write_commit_times(struct scrape *scrape)
{
    metric_histogram(scrape->out, NULL, 0,
                     committer_commit_times(scrape->source->instance->committer));
}

static void write_store_bytes(struct scrape *scrape)
{
    const char *dir = store_dir(scrape->source->instance->store);

    sample(scrape, "file", S("fermata.db"), process_file_bytes(dir, "fermata.db"));
    sample(scrape, "file", S("fermata.db-wal"), process_file_bytes(dir, "fermata.db-wal"));
}

static void write_store_free(struct scrape *scrape)
{
    number(scrape, process_free_bytes(store_dir(scrape->source->instance->store)));
}

static void write_log_entries(struct scrape *scrape)
{
    number(scrape, (int64_t)journal_size(scrape->source->instance->journal));
}

static void write_log_unsigned(struct scrape *scrape)
{
    int64_t size = (int64_t)journal_size(scrape->source->instance->journal);

    number(scrape, size > scrape->signed_size ? size - scrape->signed_size : 0);
}

static void write_checkpoint_time(struct scrape *scrape)
{
    seconds(scrape, scrape->signed_at_us);
}

static void write_checkpoint_age(struct scrape *scrape)
{
    int64_t age_us = scrape->signed_at_us ? scrape->now_us - scrape->signed_at_us : 0;

    seconds(scrape, age_us > 0 ? age_us : 0);
}

/* --- the outbox ------------------------------------------------------------------------------- */

static void write_callbacks(struct scrape *scrape)
{
    sample(scrape, "result", S("delivered"), (int64_t)scrape->outbox.delivered);
    sample(scrape, "result", S("failed"), (int64_t)scrape->outbox.failed_attempts);
    sample(scrape, "result", S("given_up"), (int64_t)scrape->outbox.given_up);
}

static void write_callbacks_pending(struct scrape *scrape)
{
    number(scrape, scrape->outbox.pending);
}

static void write_callbacks_dead(struct scrape *scrape)
{
    number(scrape, scrape->outbox.dead);
}

static void write_callbacks_oldest(struct scrape *scrape)
{
    int64_t since_us = scrape->outbox.oldest_at_us;

    seconds(scrape, since_us && scrape->now_us > since_us ? scrape->now_us - since_us : 0);
}

/* --- requests --------------------------------------------------------------------------------- */

static void write_requests(struct scrape *scrape)
{
    static const char *const classes[API_STATUS_CLASSES] = {NULL, NULL, "2xx", "3xx", "4xx", "5xx"};
    struct api_route_counts route;

    for (size_t i = 0; api_route_counts(scrape->source->api, i, &route); i++) {
        for (int k = 0; k < API_STATUS_CLASSES; k++) {
            const struct metric_label labels[] = {{"method", str_of(route.method)},
                                                  {"route", str_of(route.path)},
                                                  {"status", str_of(classes[k])}};
            uint64_t n = count_read(&route.by_class[k]);
            if (n && classes[k]) {
                metric_sample(scrape->out, labels, COUNT_OF(labels), (int64_t)n, 1);
            }
        }
    }
}

static void write_request_times(struct scrape *scrape)
{
    struct api_route_counts route;

    for (size_t i = 0; api_route_counts(scrape->source->api, i, &route); i++) {
        const struct metric_label labels[] = {{"method", str_of(route.method)},
                                              {"route", str_of(route.path)}};
        bool used = false;
        for (int k = 0; k < API_STATUS_CLASSES; k++) {
            used = used || count_read(&route.by_class[k]) > 0;
        }
        if (used) {
            metric_histogram(scrape->out, labels, COUNT_OF(labels), route.us);
        }
    }
}

static void write_commit_to_send(struct scrape *scrape)
{
    metric_histogram(scrape->out, NULL, 0, api_commit_to_send());
}

static void write_waits(struct scrape *scrape)
{
    number(scrape, api_parked_waits(scrape->source->api));
}

static void write_streams(struct scrape *scrape)
{
    number(scrape, api_open_streams(scrape->source->api));
}

/* --- the process ------------------------------------------------------------------------------ */

static void write_build(struct scrape *scrape)
{
    sample(scrape, "version", S(FERMATA_VERSION), 1);
}

static void write_reload_ok(struct scrape *scrape)
{
    number(scrape, reload_failed(scrape->source->reload) ? 0 : 1);
}

static void write_rss(struct scrape *scrape)
{
    number(scrape, scrape->process.resident_bytes);
}

static void write_cpu(struct scrape *scrape)
{
    seconds(scrape, scrape->process.cpu_us);
}

static void write_fds(struct scrape *scrape)
{
    number(scrape, scrape->process.open_files);
}

static void write_max_fds(struct scrape *scrape)
{
    number(scrape, scrape->process.open_files_max);
}

static void write_started(struct scrape *scrape)
{
    seconds(scrape, scrape->source->started_at_us);
}

/* --- the table -------------------------------------------------------------------------------- */

#define SECONDS "seconds"
#define BYTES   "bytes"

/* clang-format off */
static const struct {
    struct metric_family family;
    void (*write)(struct scrape *scrape);
} families[] = {
    {{"fermata_queue_pending", METRIC_GAUGE, NULL,
      "Proposals that wait for people, by queue."},
     write_pending},
    {{"fermata_queue_oldest_seconds", METRIC_GAUGE, SECONDS,
      "Age of the oldest proposal that waits in a queue, 0 when it is empty."},
     write_oldest},
    {{"fermata_assessments", METRIC_COUNTER, NULL,
      "Proposals taken in, by action and verdict of the assessment."},
     write_assessments},
    {{"fermata_decisions", METRIC_COUNTER, NULL,
      "Decisions by people, by action and verdict; one that was undone counts."},
     write_decisions},
    {{"fermata_decision_time_seconds", METRIC_HISTOGRAM, SECONDS,
      "From the begin of a hold to a person's decision."},
     write_decision_times},
    {{"fermata_events", METRIC_COUNTER, NULL,
      "What happened to proposals, by event of the audit log."},
     write_events},
    {{"fermata_expired", METRIC_COUNTER, NULL,
      "Proposals that nobody decided in time, and approvals that were not used in time."},
     write_expired},
    {{"fermata_outcomes", METRIC_COUNTER, NULL,
      "Outcomes that agents reported."},
     write_outcomes},
    {{"fermata_outcomes_unknown", METRIC_GAUGE, NULL,
      "Executed proposals whose outcome was due and was not reported."},
     write_unknown_outcomes},
    {{"fermata_commit_batches", METRIC_COUNTER, NULL,
      "Transactions of the committer."},
     write_batches},
    {{"fermata_commands", METRIC_COUNTER, NULL,
      "Writes, by result; queue_full ones were told to come again."},
     write_commands},
    {{"fermata_commands_waiting", METRIC_GAUGE, NULL,
      "Writes that wait for the committer."},
     write_commands_waiting},
    {{"fermata_commit_batch_commands", METRIC_HISTOGRAM, NULL,
      "Writes in one transaction."},
     write_batch_sizes},
    {{"fermata_commit_seconds", METRIC_HISTOGRAM, SECONDS,
      "Time of COMMIT, the sync of the disk included."},
     write_commit_times},
    {{"fermata_store_size_bytes", METRIC_GAUGE, BYTES,
      "Size of the store's files."},
     write_store_bytes},
    {{"fermata_store_free_bytes", METRIC_GAUGE, BYTES,
      "Free space of the store's file system."},
     write_store_free},
    {{"fermata_log_entries", METRIC_GAUGE, NULL,
      "Entries of the audit log."},
     write_log_entries},
    {{"fermata_log_unsigned_entries", METRIC_GAUGE, NULL,
      "Entries that no log checkpoint covers yet."},
     write_log_unsigned},
    {{"fermata_log_checkpoint_timestamp_seconds", METRIC_GAUGE, SECONDS,
      "When the newest log checkpoint was signed."},
     write_checkpoint_time},
    {{"fermata_log_checkpoint_age_seconds", METRIC_GAUGE, SECONDS,
      "Age of the newest log checkpoint; it grows while nothing is logged."},
     write_checkpoint_age},
    {{"fermata_http_requests", METRIC_COUNTER, NULL,
      "Requests by route and class of status."},
     write_requests},
    {{"fermata_http_request_duration_seconds", METRIC_HISTOGRAM, SECONDS,
      "From the whole request to its answer, by route; parked waits left out."},
     write_request_times},
    {{"fermata_commit_to_send_seconds", METRIC_HISTOGRAM, SECONDS,
      "From COMMIT to the answer of a parked wait."},
     write_commit_to_send},
    {{"fermata_parked_waits", METRIC_GAUGE, NULL,
      "Requests that wait for a decision."},
     write_waits},
    {{"fermata_open_streams", METRIC_GAUGE, NULL,
      "Open event streams."},
     write_streams},
    {{"fermata_callbacks", METRIC_COUNTER, NULL,
      "Attempts at callbacks, by what came of them; given_up: dead letters made."},
     write_callbacks},
    {{"fermata_callbacks_pending", METRIC_GAUGE, NULL,
      "Callbacks in the outbox that are still to be delivered."},
     write_callbacks_pending},
    {{"fermata_callbacks_dead", METRIC_GAUGE, NULL,
      "Callbacks that were given up and wait for somebody to send them again."},
     write_callbacks_dead},
    {{"fermata_callbacks_oldest_seconds", METRIC_GAUGE, SECONDS,
      "How long the oldest pending callback has been waiting."},
     write_callbacks_oldest},
    {{"fermata_policy_reload_successful", METRIC_GAUGE, NULL,
      "1 unless the last reload of the policy was refused."},
     write_reload_ok},
    {{"fermata_build", METRIC_INFO, NULL,
      "Which program this is."},
     write_build},
    {{"process_resident_memory_bytes", METRIC_GAUGE, BYTES,
      "Resident memory."},
     write_rss},
    {{"process_cpu_seconds", METRIC_COUNTER, SECONDS,
      "Time on processors."},
     write_cpu},
    {{"process_open_fds", METRIC_GAUGE, NULL,
      "Open files."},
     write_fds},
    {{"process_max_fds", METRIC_GAUGE, NULL,
      "How many files may be open."},
     write_max_fds},
    {{"process_start_time_seconds", METRIC_GAUGE, SECONDS,
      "When the server started."},
     write_started},
};
/* clang-format on */

static enum fm_err read_checkpoint(struct scrape *scrape, struct ctx *ctx, struct store_conn *conn)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_CHECKPOINT, NO_ARGS, &rows));
    if (rows_next(ctx, rows)) {
        scrape->signed_size = rows_int(rows, 0);
        scrape->signed_at_us = rows_int(rows, 1);
    }
    rows_done(rows);
    return ctx->err;
}

enum fm_err metrics_write(const struct metrics_source *source, struct ctx *ctx,
                          struct store_conn *conn, struct metric_out *out)
{
    struct scrape scrape = {.source = source,
                            .out = out,
                            .now_us = clock_now_us(),
                            .committer = committer_stats(source->instance->committer)};
    struct notifier *notifier = source->instance->notifier;
    const struct policy *policy = flow_policy(source->flow);
    int64_t overdue = scrape.now_us - policy->outcome_within_us;
    enum fm_err err = read_queues(&scrape, ctx, conn, policy);

    policy_drop(policy);
    TRY(err);
    TRY(read_checkpoint(&scrape, ctx, conn));
    TRY(store_int(ctx, conn, &SQL_UNKNOWN, ARGS(A_INT("$due", overdue)), 0,
                  &scrape.unknown_outcomes));
    process_usage(&scrape.process);
    if (notifier) { /* it starts a moment later than the rest */
        scrape.outbox = notifier_counters(notifier);
    }
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        metric_begin(out, &families[i].family);
        families[i].write(&scrape);
    }
    return FM_OK;
}
