/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata audit verify FILE` and `--complete`: what an auditor is told about a file, and about a
 * period.
 */
#include "cli/audit_internal.h"

#include <sys/stat.h>
#include <unistd.h>

/* --- files ------------------------------------------------------------------------------------ */

/* The key to check against: the one that was given, or that of the data folder. */
static enum fm_err find_key(struct ctx *ctx, const struct cli_common *common, const char *key,
                            struct note_verifier *out)
{
    struct str path = arena_printf(ctx->arena, "%s/fermata.db", common->dir);
    struct store_conn *conn;
    enum fm_err err;

    if (key) {
        return audit_key_of(ctx, key, out);
    }
    if (!path.p || access(path.p, R_OK) != 0) {
        return fail(
            ctx, FM_E_INVALID_ARGUMENT,
            "whose log should it be? give --key VKEY: the verifier key that you have kept, not one "
            "that came with the file");
    }
    TRY(store_open_readonly(ctx, common->dir, &conn));
    err = audit_folder_verifier(ctx, conn, common->dir, out);
    store_reader_close(conn);
    return err;
}

static bool is_folder(const char *path)
{
    struct stat seen;

    return stat(path, &seen) == 0 && S_ISDIR(seen.st_mode);
}

static enum fm_err check(struct ctx *ctx, const struct cli_common *common, const char *path,
                         const char *key, const char *against, struct check_report *out)
{
    struct note_verifier verifier;
    struct str text, note;

    TRY(find_key(ctx, common, key, &verifier));
    if (is_folder(path)) {
        return keep_check_export(ctx, path, &verifier, out);
    }
    TRY(audit_read_file(ctx, path, CHECK_FILE_MAX, &text));
    if (against) {
        TRY(audit_read_file(ctx, against, NOTE_MAX, &note));
        return keep_check_growth(ctx, text, note, &verifier, out);
    }
    return keep_check_file(ctx, text, &verifier, out);
}

static struct str words_of(struct ctx *ctx, const struct journal_leaf *leaf)
{
    AUTO(buf_done) struct buf words = BUF_INIT(2 * TLOG_ENTRY_MAX);

    evidence_words(&words, leaf);
    return arena_copy(ctx->arena, buf_str(&words));
}

static void print_leaf(struct ctx *ctx, const struct check_report *report)
{
    const struct journal_leaf *leaf = &report->leaf;
    char proposal[ID_TEXT_MAX];

    printf("entry        %" PRIu64 ", %.*s\n", leaf->index, STR_ARG(cli_safe(ctx, leaf->at)));
    printf("says         %.*s\n", STR_ARG(cli_safe(ctx, words_of(ctx, leaf))));
    if (!id_is_zero(leaf->proposal)) {
        printf("about        %.*s\n", STR_ARG(id_format(ID_PROPOSAL, leaf->proposal, proposal)));
    }
    if (report->payloads) {
        printf("payload      %.*s\n", STR_ARG(cli_safe(ctx, leaf->payload)));
    } else if (leaf->commitment.p) {
        puts("payload      not in the file; the entry commits to one");
    }
}

static struct str text_at(const struct json *value, const char *pointer)
{
    return json_text(json_at(value, str_of(pointer)));
}

static void print_decision(struct ctx *ctx, const struct json *decision)
{
    const struct json *roles = json_at(decision, S("/by/roles")),
                      *stands = json_get(decision, S("stands"));

    printf("decision     %.*s by %.*s (%.*s) at %.*s, via %.*s, roles then:",
           STR_ARG(cli_safe(ctx, text_at(decision, "/verdict"))),
           STR_ARG(cli_safe(ctx, text_at(decision, "/by/name"))),
           STR_ARG(cli_safe(ctx, text_at(decision, "/by/id"))),
           STR_ARG(cli_safe(ctx, text_at(decision, "/at"))),
           STR_ARG(cli_safe(ctx, text_at(decision, "/via"))));
    for (uint32_t i = 0; roles && roles->kind == JSON_ARRAY && i < roles->count; i++) {
        printf(" %.*s", STR_ARG(cli_safe(ctx, json_text(&roles->as.items[i]))));
    }
    puts(stands && stands->kind == JSON_TRUE ? "" : " (does not stand)");
}

static void print_summary(struct ctx *ctx, const struct check_report *report)
{
    const struct json *summary = report->summary, *decisions = json_get(summary, S("decisions"));
    const struct json *by_policy = json_get(summary, S("approved_by_policy"));

    printf("proposal     %.*s, %.*s: %.*s\n",
           STR_ARG(cli_safe(ctx, text_at(summary, "/proposal/id"))),
           STR_ARG(cli_safe(ctx, text_at(summary, "/proposal/action"))),
           STR_ARG(cli_safe(ctx, text_at(summary, "/proposal/status"))));
    for (uint32_t i = 0; decisions && decisions->kind == JSON_ARRAY && i < decisions->count; i++) {
        print_decision(ctx, &decisions->as.items[i]);
    }
    if (by_policy && by_policy->kind == JSON_TRUE) {
        puts("decision     by the policy: no person was asked");
    }
    printf("entries      %" PRIu64 " in the signed log, %" PRIu64 " payloads fit, %" PRIu64
           " erased\n",
           report->leaves, report->payloads, report->erased);
}

static void print_limits(const struct check_report *report)
{
    size_t count;
    const char *const *sentences = evidence_does_not_prove(&count);

    if (report->kind == CHECK_BUNDLE) {
        puts("\nIt does not prove:");
        for (size_t i = 0; i < count; i++) {
            printf("- %s\n", sentences[i]);
        }
    }
}

static void print_check(struct ctx *ctx, const struct check_report *report)
{
    static const char *const kinds[] = {
        [CHECK_PROOF] = "a proof of one entry",
        [CHECK_BUNDLE] = "an evidence bundle",
        [CHECK_EXPORT] = "an exported log",
        [CHECK_GROWTH] = "a proof that the log has only grown",
    };

    printf("file         %s\n", kinds[report->kind]);
    printf("log          %.*s, signed for %" PRIu64 " entries\n",
           STR_ARG(cli_safe(ctx, report->checkpoint.origin)), report->checkpoint.size);
    if (report->kind == CHECK_PROOF) {
        print_leaf(ctx, report);
    } else if (report->kind == CHECK_BUNDLE) {
        print_summary(ctx, report);
    } else if (report->kind == CHECK_GROWTH) {
        printf("continues    the log of %" PRIu64 " entries that was signed earlier\n",
               report->leaves);
    } else {
        printf("entries      %" PRIu64 "\n", report->leaves);
    }
    for (uint64_t i = 0; i < report->findings.count && i < EVIDENCE_FINDINGS_MAX; i++) {
        printf("WRONG        %.*s\n", STR_ARG(cli_safe(ctx, report->findings.items[i])));
    }
    puts(report->findings.count ? "this does not fit: do not rely on it" : "everything fits");
    print_limits(report);
}

static void print_check_json(const struct check_report *report)
{
    static const char *const kinds[] = {"proof", "bundle", "export", "growth"};
    AUTO(buf_done)
    struct buf text = BUF_INIT(2 * CHECK_FILE_MAX), words = BUF_INIT(2 * TLOG_ENTRY_MAX);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_m_bool(&out, "ok", report->findings.count == 0);
    jo_m_str(&out, "kind", str_of(kinds[report->kind]));
    jo_m_str(&out, "origin", report->checkpoint.origin);
    jo_m_int(&out, "size", (int64_t)report->checkpoint.size);
    jo_m_hex(&out, "root", hash_str(&report->checkpoint.root));
    jo_m_int(&out, "entries", (int64_t)report->leaves);
    jo_m_int(&out, "payloads", (int64_t)report->payloads);
    jo_m_int(&out, "erased", (int64_t)report->erased);
    if (report->kind == CHECK_PROOF) {
        evidence_words(&words, &report->leaf);
        jo_m_int(&out, "index", (int64_t)report->leaf.index);
        jo_m_raw(&out, "entry", report->leaf.entry);
        jo_m_str(&out, "says", buf_str(&words));
        jo_m_str(&out, "payload", report->leaf.payload);
    }
    if (report->kind == CHECK_BUNDLE) {
        jo_key(&out, "summary");
        jo_value(&out, report->summary);
    }
    jo_key(&out, "findings");
    jo_array(&out);
    for (uint64_t i = 0; i < report->findings.count && i < EVIDENCE_FINDINGS_MAX; i++) {
        jo_str(&out, report->findings.items[i]);
    }
    jo_array_end(&out);
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
}

int audit_check(struct ctx *ctx, const struct cli_common *common, const char *path, const char *key,
                const char *against)
{
    struct check_report *report = arena_zalloc(ctx->arena, 1, sizeof(*report));

    if (!report || check(ctx, common, path, key, against, report) != FM_OK) {
        return cli_failed(common, ctx);
    }
    if (common->json) {
        print_check_json(report);
    } else {
        print_check(ctx, report);
    }
    return report->findings.count ? CLI_FAILED : CLI_OK;
}

/* --- completeness ----------------------------------------------------------------------------- */

struct complete {
    struct ctx *ctx; /* of one line */
    bool json;
    int64_t demanded, decided, lacking, problems;
};

static void print_item_json(const struct complete *c, const struct completeness_item *item)
{
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    struct json_out out = JSON_OUT(&text);

    insights_completeness_write(&out, item);
    printf("%s%.*s", c->demanded > 1 ? "," : "", STR_ARG(buf_str(&text)));
}

static struct str roles_text(struct ctx *ctx, const struct role_record *record)
{
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);

    for (uint32_t i = 0;
         record && record->roles && record->roles->kind == JSON_ARRAY && i < record->roles->count;
         i++) {
        buf_add(&text, i ? S("+") : S(""));
        buf_add(&text, json_text(&record->roles->as.items[i]));
    }
    return buf_str(&text).n ? arena_copy(ctx->arena, buf_str(&text)) : S("no roles");
}

/* "approve by ana (reviewer) at ..." or why nobody did. */
static struct str who_text(struct ctx *ctx, const struct completeness_item *item)
{
    struct str name;

    if (!item->decision) {
        return item->why_none ? arena_printf(ctx->arena, "nobody: %s", item->why_none)
                              : S("nobody: let go by the policy");
    }
    name = item->record && item->record->name.p ? item->record->name : item->decision->by_id;
    return arena_printf(ctx->arena, "%s by %.*s (%.*s) at %.*s",
                        decision_verdict_name(life_verdict(item->decision)), STR_ARG(name),
                        STR_ARG(roles_text(ctx, item->record)), STR_ARG(item->decision->at));
}

static void print_item(const struct complete *c, const struct completeness_item *item)
{
    char id[ID_TEXT_MAX];

    printf("%-6s  %.*s  %.*s  %-9s  %-24.*s  %.*s\n", item->lacks_person ? "WRONG" : "",
           STR_ARG(cli_safe(c->ctx, item->at)), STR_ARG(id_format(ID_PROPOSAL, item->proposal, id)),
           item->status, STR_ARG(cli_safe(c->ctx, item->action)),
           STR_ARG(cli_safe(c->ctx, who_text(c->ctx, item))));
    if (item->problem.p) {
        printf("WRONG   %.*s\n", STR_ARG(cli_safe(c->ctx, item->problem)));
    }
}

static enum fm_err take_item(void *with, const struct completeness_item *item)
{
    struct complete *c = with;

    c->demanded++;
    c->decided += item->decision != NULL;
    c->lacking += item->lacks_person;
    c->problems += item->problem.p != NULL;
    arena_reset(c->ctx->arena);
    if (c->json) {
        print_item_json(c, item);
    } else {
        print_item(c, item);
    }
    return FM_OK;
}

/* All pages of the period, in one snapshot. */
static enum fm_err examine(struct ctx *ctx, const char *dir, struct completeness_query query,
                           struct complete *c)
{
    struct completeness_answer answer = {.is_last = false};
    struct store_conn *conn;
    enum fm_err err;

    TRY(store_open_readonly(ctx, dir, &conn));
    err = store_snapshot(ctx, conn);
    while (err == FM_OK && !answer.is_last) {
        err = insights_completeness(ctx, conn, &query, take_item, c, &answer);
        query.after = answer.last;
    }
    store_snapshot_end(conn);
    store_reader_close(conn);
    return err;
}

static void print_period(const struct completeness_query *query)
{
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];

    printf("\nProposed from %.*s to before %.*s, where the assessment demanded a person:\n",
           STR_ARG(clock_format(query->from_us, from)), STR_ARG(clock_format(query->to_us, to)));
}

int audit_complete(struct ctx *ctx, const struct cli_common *common,
                   const struct completeness_query *query)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct ctx line;
    struct complete c = {.ctx = &line, .json = common->json};
    enum fm_err err;

    ctx_init(&line, arena);
    if (common->json) {
        fputs("\"items\":[", stdout);
    } else {
        print_period(query);
    }
    err = arena ? examine(ctx, common->dir, *query, &c) : fail_memory(ctx);
    if (common->json) {
        printf("],\"demanded\":%" PRId64 ",\"decided\":%" PRId64
               ",\"released_without_person\":%" PRId64 ",\"problems\":%" PRId64 ",\"whole\":%s}\n",
               c.demanded, c.decided, c.lacking, c.problems, err == FM_OK ? "true" : "false");
    } else {
        printf("%" PRId64 " demanded a person, %" PRId64 " were decided by one, %" PRId64
               " released without one\n",
               c.demanded, c.decided, c.lacking);
    }
    if (err != FM_OK) {
        return cli_failed(common, ctx);
    }
    return c.lacking || c.problems ? CLI_FAILED : CLI_OK;
}
