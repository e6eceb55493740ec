/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks that a server makes of itself, and those that both sides share.
 */
#include "server/checks_internal.h"

#include "server/process.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

const char *check_level_name(enum check_level level)
{
    static const char *const names[] = {"ok", "warning", "failed"};

    return names[level];
}

void check_write(struct json_out *out, const struct check_result *result, bool brief)
{
    bool silent = brief && result->level == CHECK_OK;

    jo_object(out);
    jo_m_str(out, "name", str_of(result->name));
    jo_m_str(out, "status", str_of(check_level_name(result->level)));
    if (!silent) {
        jo_m_str(out, "detail", str_of(result->detail));
        jo_m_str(out, "next", result->next[0] ? str_of(result->next) : STR_NONE);
    }
    jo_object_end(out);
}

#define SAY(format)                                                                                \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        (void)vsnprintf(out->detail, sizeof(out->detail), format, args);                           \
        va_end(args);                                                                              \
    } while (0)

static void set_level(struct check_result *out, enum check_level level, const char *next)
{
    out->level = level;
    (void)snprintf(out->next, sizeof(out->next), "%s", next);
}

void check_ok(struct check_result *out, const char *format, ...)
{
    SAY(format);
    set_level(out, CHECK_OK, "");
}

void check_warns(struct check_result *out, const char *next, const char *format, ...)
{
    SAY(format);
    set_level(out, CHECK_WARNING, next);
}

void check_fails(struct check_result *out, const char *next, const char *format, ...)
{
    SAY(format);
    set_level(out, CHECK_FAILED, next);
}

/* --- shared ----------------------------------------------------------------------------------- */

void check_disk(const char *dir, struct check_result *out)
{
    int64_t bytes = process_free_bytes(dir), mib = bytes / (int64_t)MIB;

    if (bytes < 0) {
        check_warns(out, "look with df", "the free space is not known");
    } else if (bytes < DISK_FREE_FAILED) {
        check_fails(out, "make room: at less, writes are refused", "%lld MiB are free",
                    (long long)mib);
    } else if (bytes < DISK_FREE_WARNING) {
        check_warns(out, "make room soon, or move the folder to a larger disk", "%lld MiB are free",
                    (long long)mib);
    } else {
        check_ok(out, "%lld MiB are free", (long long)mib);
    }
}

void check_files(int64_t in_use, struct check_result *out)
{
    struct rlimit limit = {0};
    long long most;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    most = (long long)(in_use < 0 ? limit.rlim_max : limit.rlim_cur);
    if (most >= 0 && most < FILES_WANTED) {
        check_warns(out, "raise it: LimitNOFILE=65536 in the unit, or ulimit -Hn 65536",
                    "%lld files may be open; each connection and each parked wait is one", most);
    } else if (in_use >= 0 && in_use + FILES_SPARE_WARNING > most) {
        check_warns(out, "raise the limit, or find out who holds so many connections",
                    "%lld of %lld files are open", (long long)in_use, most);
    } else {
        check_ok(out, "%lld files may be open", most);
    }
}

struct queue_search {
    const struct policy_queue *queue;
    bool found;
};

static void look_at_person(void *with, const struct person *person)
{
    struct queue_search *search = with;
    bool decides = person->roles & (ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD));

    search->found =
        search->found || (decides && policy_queue_has(search->queue, person->name, person->roles));
}

void check_queues(const struct policy *policy, struct check_result *out)
{
    const struct directory *directory = directory_keep();
    size_t empty = 0;
    struct str first = S("");

    for (size_t i = 0; i < policy->queue_count; i++) {
        struct queue_search search = {&policy->queues[i], false};
        directory_each_person(directory, look_at_person, &search);
        first = !search.found && empty == 0 ? policy->queues[i].name : first;
        empty += !search.found;
    }
    directory_drop(directory);
    if (empty == 0) {
        check_ok(out, "each of %zu queues has somebody who may decide", policy->queue_count);
        return;
    }
    check_warns(out,
                "add people with the role that it names (`fermata user add`), or other members",
                "nobody can decide in %zu of %zu queues, among them %.*s", empty,
                policy->queue_count, STR_ARG(first));
}

/* --- the server about itself ------------------------------------------------------------------ */

static void live_policy(const struct checks_live *live, struct check_result *out)
{
    char why[CHECK_TEXT_MAX];
    struct str note;

    if (flow_version_waiting(live->ctx, live->reader, &note) != FM_OK) {
        check_warns(out, "look at the server's log", "its versions cannot be read: %s",
                    live->ctx->detail);
    } else if (reload_failed(live->reload)) {
        reload_why(live->reload, why, sizeof(why));
        check_warns(out, "mend the file (`fermata policy check FILE`), then send SIGHUP again",
                    "%s", why);
    } else if (flow_is_restored(live->flow)) {
        check_warns(out, "two people with the role policy look at it, and activate what waits",
                    "it comes from a backup and is not confirmed: everything is held for review");
    } else if (note.p) {
        check_warns(out,
                    "a second person with the role policy looks at it (`fermata policy list`) and "
                    "puts it in force (`fermata policy activate ID`); or take the change back",
                    "%.*s", STR_ARG(note));
    } else {
        check_ok(out, "the policy that was read last is in force");
    }
}

static void live_queues(const struct checks_live *live, struct check_result *out)
{
    const struct policy *policy = flow_policy(live->flow);

    check_queues(policy, out);
    policy_drop(policy);
}

static void live_disk(const struct checks_live *live, struct check_result *out)
{
    check_disk(live->dir, out);
}

static void live_files(const struct checks_live *live, struct check_result *out)
{
    struct process_usage usage;

    (void)live;
    process_usage(&usage);
    check_files(usage.open_files, out);
}

static void live_clock(const struct checks_live *live, struct check_result *out)
{
    int64_t ahead_us = clock_ahead_us();

    (void)live;
    if (ahead_us > CLOCK_FOLLOW_US || ahead_us < -CLOCK_FOLLOW_US) {
        check_warns(out, "set the clock right; restart the server to adopt the new time",
                    "the wall clock was set by %lld s and is not followed",
                    (long long)(ahead_us / SECOND_US));
    } else {
        check_ok(out, "the server's time is the wall clock's");
    }
}

static void live_writes(const struct checks_live *live, struct check_result *out)
{
    struct committer_stats stats = committer_stats(live->committer);

    if (stats.waiting >= COMMIT_QUEUE_MAX) {
        check_fails(out, "look at the disk; clients are told to come again",
                    "%zu writes wait, which is as many as may", stats.waiting);
    } else {
        check_ok(out, "%zu writes wait", stats.waiting);
    }
}

static const struct {
    const char *name;
    void (*run)(const struct checks_live *live, struct check_result *out);
} live_table[] = {
    {"writes", live_writes}, {"disk", live_disk},   {"policy", live_policy},
    {"queues", live_queues}, {"files", live_files}, {"clock", live_clock},
};
_Static_assert(COUNT_OF(live_table) <= CHECKS_MAX, "room for all");

size_t checks_live(const struct checks_live *live, struct check_result out[CHECKS_MAX])
{
    for (size_t i = 0; i < COUNT_OF(live_table); i++) {
        out[i].name = live_table[i].name;
        live_table[i].run(live, &out[i]);
    }
    return COUNT_OF(live_table);
}
