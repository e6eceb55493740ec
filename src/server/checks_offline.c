/* SPDX-License-Identifier: Apache-2.0
 *
 * A data folder and what it would be served with, looked at from outside: reading only, whether a
 * server works on it or not. It must never migrate, lock or make anything.
 */
#include "server/checks_internal.h"

#include "keep/keep.h"
#include "server/issuer.h"
#include "server/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS 077

SQL(SQL_LAST_ENTRY,
    "SELECT json_extract(entry, '$.at') FROM log_entries ORDER BY idx DESC LIMIT 1");
SQL(SQL_LAST_SIGNED, "SELECT size FROM log_checkpoints ORDER BY size DESC LIMIT 1");
SQL(SQL_LOG_SIZE, "SELECT size FROM log_head WHERE one = 1");

struct offline {
    struct ctx *ctx;
    const struct checks_options *options;
    struct store_conn *conn;     /* NULL: there is none that can be read */
    const struct policy *policy; /* NULL: it cannot be loaded */
};

/* --- the folder ------------------------------------------------------------------------------- */

static void look_at_folder(struct offline *offline, struct check_result *out)
{
    const char *dir = offline->options->dir;
    struct stat found;

    if (stat(dir, &found) != 0) {
        check_fails(out, "`fermata serve --data DIR` makes one; or name another with --data",
                    "%s: %s", dir, strerror(errno));
    } else if (!S_ISDIR(found.st_mode)) {
        check_fails(out, "name a folder with --data", "%s is no folder", dir);
    } else if (found.st_uid != geteuid() && geteuid() != 0) {
        check_fails(out, "run this as the server's user", "%s belongs to another user", dir);
    } else if (found.st_mode & OTHERS) {
        check_warns(out, "chmod 700 on it", "%s: others may look into it (mode %04o)", dir,
                    (unsigned)(found.st_mode & 07777));
    } else if (access(dir, W_OK) != 0) {
        check_fails(out, "make it writable for the server's user", "%s: %s", dir, strerror(errno));
    } else {
        check_ok(out, "%s, for its owner alone", dir);
    }
}

static bool look_at_key(const char *dir, const char *name, struct check_result *out)
{
    char path[4096];
    struct stat found;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (stat(path, &found) != 0) {
        check_fails(out, "restore it from a backup: without it, what it signed cannot be continued",
                    "%s: %s", path, strerror(errno));
    } else if (found.st_mode & OTHERS) {
        check_fails(out, "chmod 600 on it, and think of the key as known to others",
                    "%s: others can read it (mode %04o)", path, (unsigned)(found.st_mode & 07777));
    } else if (found.st_size != 32) {
        check_fails(out, "restore it from a backup", "%s is no key: it has %lld bytes", path,
                    (long long)found.st_size);
    } else {
        return true;
    }
    return false;
}

static void look_at_keys(struct offline *offline, struct check_result *out)
{
    const char *dir = offline->options->dir;

    if (!offline->conn) {
        check_ok(out, "made at the first start");
    } else if (!look_at_key(dir, "log.key", out) || !look_at_key(dir, "permit.key", out)) {
        return; /* said */
    } else if (journal_check_key(offline->ctx, offline->conn, dir) != FM_OK ||
               issuer_check(offline->ctx, dir, offline->conn) != FM_OK) {
        check_fails(out, "the server does not start with it: see \"What is in the folder\" in the "
                         "operators' guide",
                    "%s", offline->ctx->detail);
    } else {
        check_ok(out, "log.key and permit.key, for their owner alone");
    }
}

/* --- the store -------------------------------------------------------------------------------- */

static void look_at_store(struct offline *offline, struct check_result *out)
{
    struct ctx *ctx = offline->ctx;
    const char *dir = offline->options->dir;
    char path[4096];
    int64_t format;

    (void)snprintf(path, sizeof(path), "%s/fermata.db", dir);
    if (access(path, F_OK) != 0) {
        check_warns(out, "`fermata serve` or `fermata user add` makes one",
                    "there is no store in %s", dir);
    } else if (keep_refuse_backup(ctx, dir) != FM_OK) {
        check_fails(out, "`fermata restore` makes a data folder of a backup", "%s", ctx->detail);
    } else if (store_open_readonly(ctx, dir, &offline->conn) != FM_OK) {
        check_fails(out,
                    "see \"Upgrades\" in the operators' guide; `fermata audit verify` reads it all",
                    "%s", ctx->detail);
    } else if (store_format(ctx, offline->conn, &format) != FM_OK) {
        check_fails(out, "restore a backup, or ask for help with the log lines", "%s", ctx->detail);
    } else if (format < store_format_known()) {
        check_ok(out, "format %lld; the next start brings it to %lld", (long long)format,
                 (long long)store_format_known());
    } else {
        check_ok(out, "format %lld", (long long)format);
    }
}

static void look_at_log(struct offline *offline, struct check_result *out)
{
    struct ctx *ctx = offline->ctx;
    int64_t size = 0, covered = 0;

    if (!offline->conn) {
        check_ok(out, "begins with the first start");
    } else if (store_int(ctx, offline->conn, &SQL_LOG_SIZE, NO_ARGS, 0, &size) != FM_OK ||
               store_int(ctx, offline->conn, &SQL_LAST_SIGNED, NO_ARGS, 0, &covered) != FM_OK) {
        check_fails(out, "`fermata audit verify` names what is wrong", "%s", ctx->detail);
    } else if (covered > size) {
        check_fails(out, "`fermata audit verify`; the store may be an older copy",
                    "a log checkpoint covers %lld entries, the log has %lld", (long long)covered,
                    (long long)size);
    } else {
        check_ok(out, "%lld entries, %lld of them under a signed checkpoint", (long long)size,
                 (long long)covered);
    }
}

/* --- the clock -------------------------------------------------------------------------------- */

static int64_t last_entry_us(struct offline *offline)
{
    struct store_rows *rows;
    int64_t at_us = 0;

    if (!offline->conn ||
        store_query(offline->ctx, offline->conn, &SQL_LAST_ENTRY, NO_ARGS, &rows) != FM_OK) {
        return 0;
    }
    if (rows_next(offline->ctx, rows) && !clock_parse(rows_bytes(rows, 0), &at_us)) {
        at_us = 0;
    }
    rows_done(rows);
    return at_us;
}

static void look_at_clock(struct offline *offline, struct check_result *out)
{
    int64_t behind_us = last_entry_us(offline) - clock_now_us();

    if (behind_us > CLOCK_BEHIND_US) {
        check_fails(out, "set the clock right before the server starts",
                    "the clock is %lld s behind the newest entry of the log",
                    (long long)(behind_us / SECOND_US));
    } else if (!process_clock_synchronised()) {
        check_warns(out, "switch time synchronisation on (timedatectl set-ntp true)",
                    "the kernel does not know the clock to be synchronised");
    } else {
        check_ok(out, "synchronised, and not behind the log");
    }
}

/* --- what it would be served with ------------------------------------------------------------- */

#define RESTORED      "the store was restored: everything is held until its policy is confirmed"
#define RESTORED_NEXT "start the server; two people with the role policy activate what waits"

/* Whether the store's policy comes from a backup and waits for two people. */
static bool waits_after_restore(struct offline *offline)
{
    bool waits = false;

    return offline->conn && flow_read_restored(offline->ctx, offline->conn, &waits) == FM_OK &&
           waits;
}

static void look_at_policy(struct offline *offline, struct check_result *out)
{
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    const char *path = offline->options->policy;
    size_t count = 0;

    if (!path) {
        offline->policy = policy_builtin();
        check_warns(out, "give --policy FILE or FERMATA_POLICY", "none: every action is reviewed");
        if (waits_after_restore(offline)) {
            check_warns(out, RESTORED_NEXT, RESTORED);
        }
    } else if (policy_load(offline->ctx, path, findings, &count, &offline->policy) != FM_OK) {
        check_fails(out, "`fermata policy check FILE` says every mistake", "%s",
                    offline->ctx->detail);
    } else if (count > 0) {
        struct str file = policy_file_of(findings[0].at, str_of(path));
        check_warns(out, "`fermata policy check FILE` says all of them", "%.*s:%u:%u: %.*s",
                    STR_ARG(file), findings[0].at.line, findings[0].at.column,
                    STR_ARG(findings[0].message));
    } else if (waits_after_restore(offline)) {
        check_warns(out, RESTORED_NEXT, RESTORED);
    } else {
        check_ok(out, "%s: %zu actions, %zu queues", path, offline->policy->action_count,
                 offline->policy->queue_count);
    }
}

static void look_at_queues(struct offline *offline, struct check_result *out)
{
    if (!offline->policy || !offline->conn) {
        check_ok(out, "not known before there are a policy and a store");
    } else if (people_load(offline->ctx, offline->conn) != FM_OK) {
        check_fails(out, "start the server once: it brings the store to its format", "%s",
                    offline->ctx->detail);
    } else {
        check_queues(offline->policy, out);
    }
}

static bool is_loopback(struct str listen)
{
    return str_starts(listen, S("127.")) || str_starts(listen, S("[::1]")) ||
           str_starts(listen, S("localhost:"));
}

static void look_at_address(struct offline *offline, struct check_result *out)
{
    const char *listen = offline->options->listen, *url = offline->options->public_url;
    bool https = url && str_starts(str_of(url), S("https://"));

    if (url && !https && !str_starts(str_of(url), S("http://"))) {
        check_fails(out, "write --public-url as browsers show it: https://fermata.example",
                    "the public URL is no http or https address: %s", url);
    } else if (!is_loopback(str_of(listen)) && !https) {
        check_warns(
            out, "listen on 127.0.0.1 behind a proxy with TLS, and name it with --public-url",
            "%s is reached from outside, without TLS: keys and cookies pass in clear", listen);
    } else {
        check_ok(out, "%s%s%s", listen, url ? ", seen as " : "", url ? url : "");
    }
}

static void look_at_disk(struct offline *offline, struct check_result *out)
{
    check_disk(offline->options->dir, out);
}

static void look_at_files(struct offline *offline, struct check_result *out)
{
    (void)offline;
    check_files(-1, out);
}

/* Whether there is one is found out by asking it, which is the command line's work. */
static void look_at_socket(struct offline *offline, struct check_result *out)
{
    char path[4096];
    struct stat found;

    (void)snprintf(path, sizeof(path), "%s/admin.sock", offline->options->dir);
    if (stat(path, &found) != 0) {
        check_ok(out, "no admin.sock: none works on this folder");
    } else if (!S_ISSOCK(found.st_mode)) {
        check_fails(out, "remove it; the server makes its own", "%s is no socket", path);
    } else if (found.st_mode & OTHERS) {
        check_fails(out, "chmod 600 on it", "others may connect to %s", path);
    } else {
        check_ok(out, "admin.sock, for its owner alone");
    }
}

/* In this order: store and policy are read where they are checked, for those behind. */
static const struct {
    const char *name;
    void (*run)(struct offline *offline, struct check_result *out);
} offline_table[] = {
    {"folder", look_at_folder},   {"store", look_at_store},   {"keys", look_at_keys},
    {"log", look_at_log},         {"clock", look_at_clock},   {"disk", look_at_disk},
    {"files", look_at_files},     {"policy", look_at_policy}, {"queues", look_at_queues},
    {"address", look_at_address}, {"socket", look_at_socket},
};
_Static_assert(COUNT_OF(offline_table) <= CHECKS_MAX, "room for all");

size_t checks_offline(struct ctx *ctx, const struct checks_options *options,
                      struct check_result out[CHECKS_MAX])
{
    struct offline offline = {.ctx = ctx, .options = options};

    for (size_t i = 0; i < COUNT_OF(offline_table); i++) {
        ctx_clear(ctx);
        out[i].name = offline_table[i].name;
        offline_table[i].run(&offline, &out[i]);
    }
    store_reader_close(offline.conn);
    policy_drop(offline.policy);
    return COUNT_OF(offline_table);
}
