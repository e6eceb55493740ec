/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata audit`: verify the whole store, or against an earlier checkpoint; print the log's key.
 * Reads only: a server may be at work on the folder.
 */
#include "cli/audit_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

struct verify_command {
    struct cli_common common;
    const char *against, *key, *from;
};

static const struct cli_option verify_table[] = {
    {"--against", CLI_VALUE, offsetof(struct verify_command, against), "NOTE",
     "a log checkpoint saved earlier (from /log/checkpoint): finds a cut tail or another history"},
    {"--key", CLI_VALUE, offsetof(struct verify_command, key), "VKEY",
     "the verifier key to trust; without it the key in the data folder"},
    {"--complete", CLI_VALUE, offsetof(struct verify_command, from), "FROM TO",
     "and report who decided what demanded a person, proposed in that period"},
};

static const struct cli_usage verify_usage = {
    .line = "audit verify [FILE] [--key VKEY] [--against NOTE] [--complete FROM TO]",
    .about =
        "Without FILE: builds the log's tree again from its entries and compares it with "
        "everything\n"
        "stored about it, every payload with its commitment, and proposals, comments, people, "
        "agents, keys,\n"
        "policies and pauses with what their entries tell.\n"
        "Keep checkpoints outside this machine: an insider who holds the folder and its key could\n"
        "otherwise write another history.\n\n"
        "With FILE: checks a proof (`audit prove`), an evidence bundle (`audit bundle`) or a "
        "folder\n"
        "(`audit export`, also with --tiles) with the log's key alone, on any machine; with "
        "--against the proof that "
        "the log\n"
        "has only grown since (`audit prove --since`).\n\n"
        "With --complete: FROM and TO are dates (the day of TO counts) or times. Fails when one "
        "was\n"
        "released without a person who had a role to decide it.\n\n"
        "Exit code 1 when something does not fit.",
    .options = verify_table,
    .option_count = COUNT_OF(verify_table),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_max = 1,
};

static const struct cli_usage key_usage = {
    .line = "audit key",
    .about = "Prints the verifier key of the log (C2SP signed-note), for auditors to keep.",
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
};

SQL(SQL_ORIGIN, "SELECT value FROM meta WHERE name = 'log_origin'");

enum fm_err audit_read_file(struct ctx *ctx, const char *path, size_t max, struct str *out)
{
    AUTO(buf_done) struct buf text = BUF_INIT(max);
    char bytes[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return fail(ctx, FM_E_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    }
    while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
        buf_add(&text, (struct str){bytes, (size_t)n});
    }
    close(fd);
    *out = buf_ok(&text) ? arena_copy(ctx->arena, buf_str(&text)) : STR_NONE;
    return n < 0 || !out->p ? fail(ctx, FM_E_TOO_LARGE, "%s cannot be read", path) : FM_OK;
}

enum fm_err audit_folder_verifier(struct ctx *ctx, struct store_conn *conn, const char *dir,
                                  struct note_verifier *out)
{
    struct str path = arena_printf(ctx->arena, "%s/log.key", dir), origin = STR_NONE;
    struct store_rows *rows;
    struct sign_key key;
    bool found;

    TRY(store_query(ctx, conn, &SQL_ORIGIN, NO_ARGS, &rows));
    if (rows_next(ctx, rows)) {
        origin = arena_copy(ctx->arena, rows_bytes(rows, 0));
    }
    rows_done(rows);
    TRY(path.p ? sign_key_find(ctx, path.p, &key, &found) : fail_memory(ctx));
    if (!found) {
        return fail(ctx, FM_E_NOT_FOUND, "%s/log.key is not there: give --key VKEY", dir);
    }
    if (!note_verifier_of(origin, &key, out)) {
        return fail(ctx, FM_E_INTERNAL, "the log has no name");
    }
    crypto_wipe(&key, sizeof(key));
    return FM_OK;
}

enum fm_err audit_key_of(struct ctx *ctx, const char *key, struct note_verifier *out)
{
    if (!note_verifier_parse(str_of(key), out)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "--key is no verifier key (see `fermata audit key`)");
    }
    return FM_OK;
}

static enum fm_err trusted_key(struct ctx *ctx, struct store_conn *conn,
                               const struct verify_command *command, struct note_verifier *out)
{
    return command->key ? audit_key_of(ctx, command->key, out)
                        : audit_folder_verifier(ctx, conn, command->common.dir, out);
}

void audit_print_progress(void *with, uint64_t done, uint64_t total)
{
    (void)with;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries", done, total);
        fputs(done >= total ? "\n" : "", stderr);
    }
}

static void print_report(struct ctx *ctx, const struct verify_report *report)
{
    AUTO(buf_done) struct buf root = BUF_INIT(KIB);

    buf_add_hex(&root, hash_str(&report->root));
    printf("log          %.*s\n", STR_ARG(cli_safe(ctx, report->origin)));
    printf("entries      %" PRIu64 ", root %.*s\n", report->leaves, STR_ARG(buf_str(&root)));
    printf("payloads     %" PRIu64 " fit their commitments, %" PRIu64 " erased\n", report->payloads,
           report->erased);
    printf("checkpoints  %" PRIu64 "\n", report->checkpoints);
    printf("proposals    %" PRIu64 "\n", report->proposals);
    for (uint64_t i = 0; i < report->finding_count && i < FINDINGS_MAX; i++) {
        printf("WRONG        %.*s\n", STR_ARG(cli_safe(ctx, report->findings[i])));
    }
    if (report->finding_count) {
        printf("%" PRIu64 " findings: this store was changed outside Fermata, or is damaged\n",
               report->finding_count);
    } else {
        puts("everything fits");
    }
}

static void print_json(const struct verify_report *report)
{
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_m_bool(&out, "ok", report->finding_count == 0);
    jo_m_str(&out, "origin", report->origin);
    jo_m_int(&out, "entries", (int64_t)report->leaves);
    jo_m_hex(&out, "root", hash_str(&report->root));
    jo_m_int(&out, "payloads", (int64_t)report->payloads);
    jo_m_int(&out, "erased", (int64_t)report->erased);
    jo_m_int(&out, "checkpoints", (int64_t)report->checkpoints);
    jo_m_int(&out, "proposals", (int64_t)report->proposals);
    jo_m_int(&out, "finding_count", (int64_t)report->finding_count);
    jo_key(&out, "findings");
    jo_array(&out);
    for (uint64_t i = 0; i < report->finding_count && i < FINDINGS_MAX; i++) {
        jo_str(&out, report->findings[i]);
    }
    jo_array_end(&out);
    jo_object_end(&out);
    printf("%.*s", STR_ARG(buf_str(&text)));
}

static enum fm_err verify(struct ctx *ctx, const struct verify_command *command,
                          struct verify_report *report)
{
    struct store_conn *conn;
    struct note_verifier verifier;
    struct verify_options options = {
        .verifier = &verifier, .progress = command->common.json ? NULL : audit_print_progress};
    enum fm_err err;

    TRY(store_open_readonly(ctx, command->common.dir, &conn));
    err = trusted_key(ctx, conn, command, &verifier);
    if (err == FM_OK && command->against) {
        err = audit_read_file(ctx, command->against, MIB, &options.against);
    }
    err = err == FM_OK ? keep_verify(ctx, conn, &options, report) : err;
    report->origin = err == FM_OK ? arena_copy(ctx->arena, report->origin) : STR_NONE;
    store_reader_close(conn);
    return err;
}

/* The whole store. */
static int verify_store(struct ctx *ctx, const struct verify_command *command)
{
    struct verify_report *report = arena_zalloc(ctx->arena, 1, sizeof(*report));

    if (!report || verify(ctx, command, report) != FM_OK) {
        return cli_failed(&command->common, ctx);
    }
    if (command->common.json) {
        print_json(report);
        putchar('\n');
    } else {
        print_report(ctx, report);
    }
    return report->finding_count ? CLI_FAILED : CLI_OK;
}

static int read_period(const char *from, const char *to, struct completeness_query *out)
{
    bool has_from = insights_period_parse(str_of(from), false, &out->from_us);

    if (!has_from || !insights_period_parse(str_of(to), true, &out->to_us)) {
        return cli_misused(
            &verify_usage,
            "%s is no date or time: --complete wants two of them, such as 2026-11-01 "
            "2026-11-30",
            has_from ? to : from);
    }
    return out->to_us > out->from_us
               ? CLI_GO
               : cli_misused(&verify_usage, "--complete: FROM (%s) is %s TO (%s)", from,
                             strcmp(from, to) == 0 ? "the same as" : "after", to);
}

/* The whole store, and then who decided. With --json one object holds both. */
static int verify_complete(struct ctx *ctx, const struct verify_command *command, const char *to)
{
    struct verify_report *report = arena_zalloc(ctx->arena, 1, sizeof(*report));
    struct completeness_query query = {.items_max = SIZE_MAX};
    int code = read_period(command->from, to, &query);

    if (code != CLI_GO) {
        return code;
    }
    if (!report || verify(ctx, command, report) != FM_OK) {
        return cli_failed(&command->common, ctx);
    }
    if (command->common.json) {
        fputs("{\"verify\":", stdout);
        print_json(report);
        putchar(',');
    } else {
        print_report(ctx, report);
    }
    code = audit_complete(ctx, &command->common, &query);
    return report->finding_count ? CLI_FAILED : code;
}

static int run_verify(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(AUDIT_ARENA_MAX);
    struct verify_command command = {0};
    struct ctx ctx;
    int words, code = cli_parse(&verify_usage, argc, argv, &command, &words);

    if (code != CLI_GO) {
        return code;
    }
    crypto_init();
    ctx_init(&ctx, arena);
    if (command.from) {
        return words == 1 ? verify_complete(&ctx, &command, argv[1])
                          : cli_misused(&verify_usage, "--complete wants FROM and TO");
    }
    if (words == 1) {
        return audit_check(&ctx, &command.common, argv[1], command.key, command.against);
    }
    return verify_store(&ctx, &command);
}

static int run_key(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);
    struct cli_common common = {0};
    struct note_verifier verifier;
    struct store_conn *conn;
    struct ctx ctx;
    int words, code = cli_parse(&key_usage, argc, argv, &common, &words);
    enum fm_err err;

    if (code != CLI_GO) {
        return code;
    }
    crypto_init();
    ctx_init(&ctx, arena);
    err = store_open_readonly(&ctx, common.dir, &conn);
    if (err == FM_OK) {
        err = audit_folder_verifier(&ctx, conn, common.dir, &verifier);
        store_reader_close(conn);
    }
    if (err != FM_OK) {
        return cli_failed(&common, &ctx);
    }
    note_verifier_write(&text, &verifier);
    if (common.json) {
        printf("{\"vkey\":\"%.*s\"}\n", STR_ARG(buf_str(&text)));
    } else {
        printf("%.*s\n", STR_ARG(buf_str(&text)));
    }
    return CLI_OK;
}

int cli_audit(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"verify", run_verify, "check the whole log, or a proof, bundle or export on its own"},
        {"prove", audit_run_prove, "write a proof of one entry into a file"},
        {"bundle", audit_run_bundle, "write the evidence bundle of a proposal"},
        {"export", audit_run_export, "write the log's entries into a folder"},
        {"key", run_key, "print the verifier key of the log"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
