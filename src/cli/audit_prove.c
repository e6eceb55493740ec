/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata audit prove`, `bundle` and `export`: what is handed to somebody without the store. Reads
 * only: a server may be at work on the folder.
 */
#include "cli/audit_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct prove_command {
    struct cli_common common;
    const char *out, *index, *event, *since;
    bool payload;
};

static const struct cli_option prove_table[] = {
    {"--index", CLI_VALUE, offsetof(struct prove_command, index), "N",
     "the entry of the log with this number, among those of the proposal"},
    {"--event", CLI_VALUE, offsetof(struct prove_command, event), "EVENT",
     "the proposal's newest entry of this kind (proposal.held), or with this id (evt_...)"},
    {"--payload", CLI_FLAG, offsetof(struct prove_command, payload), NULL,
     "put what the entry commits to into the file too: it can be personal"},
    {"--since", CLI_VALUE, offsetof(struct prove_command, since), "NOTE",
     "instead of ID: prove that the log has only grown since this checkpoint"},
    {"-o", CLI_VALUE, offsetof(struct prove_command, out), "FILE",
     "write into FILE, not to stdout"},
};

static const struct cli_usage prove_usage = {
    .line = "audit prove ID | --since NOTE [--index N | --event EVENT] [--payload] [-o FILE]",
    .about =
        "Writes a C2SP tlog-proof: that an entry stands in the signed log, checkable by "
        "anybody with\n"
        "the log's key (`fermata audit verify FILE --key VKEY`, or other software for "
        "tlog-proof).\n"
        "ID is a proposal (prp_...), an event (evt_...) or the number of an entry. Of a "
        "proposal, the\n"
        "newest decision is proven, or its newest entry where nobody has decided. What the "
        "file says\n"
        "in words goes to stderr.\n\n"
        "With --since, a log checkpoint saved earlier: that today's log begins with that one, as "
        "the\n"
        "request that C2SP witnesses take. It is checked with `audit verify FILE --against NOTE`.",
    .options = prove_table,
    .option_count = COUNT_OF(prove_table),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_max = 1,
};

SQL(SQL_FIND_EVENT, "SELECT idx FROM log_entries WHERE instr(entry, $words) > 0 ORDER BY idx DESC");

/* The entry that is meant, and the others of its proposal. */
struct target {
    uint64_t index;
    struct journal_leaf *leaves;
    size_t count;
};

/* Writes a file that only its owner can read, or to stdout. */
static enum fm_err save(struct ctx *ctx, const char *path, struct str bytes)
{
    FILE *file = stdout;
    bool is_written;

    if (path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        file = fd < 0 ? NULL : fdopen(fd, "w");
    }
    if (!file) {
        return fail(ctx, FM_E_INTERNAL, "cannot write %s: %s", path, strerror(errno));
    }
    is_written = fwrite(bytes.p, 1, bytes.n, file) == bytes.n && fflush(file) == 0;
    if (path) {
        is_written = fclose(file) == 0 && is_written;
    }
    return is_written ? FM_OK
                      : fail(ctx, FM_E_INTERNAL, "cannot write %s", path ? path : "to stdout");
}

/* --- which entry ------------------------------------------------------------------------------ */

/* By its event's id: the whole log is looked through, the newest entries first. */
static enum fm_err find_event(struct ctx *ctx, struct store_conn *conn, const char *event,
                              uint64_t *out)
{
    struct str words = arena_printf(ctx->arena, "\"id\":\"%s\"", event);
    int64_t index;

    TRY(words.p ? FM_OK : fail_memory(ctx));
    TRY(store_int(ctx, conn, &SQL_FIND_EVENT, ARGS(A_BLOB("$words", words)), -1, &index));
    if (index < 0) {
        return fail(ctx, FM_E_NOT_FOUND, "the log has no event %s", event);
    }
    *out = (uint64_t)index;
    return FM_OK;
}

/* The newest of the proposal's that `fits`; NULL when none does. */
static const struct journal_leaf *newest(const struct target *target, const char *event,
                                         enum journal_kind kind)
{
    for (size_t i = target->count; i-- > 0;) {
        const struct journal_leaf *leaf = &target->leaves[i];
        if (event ? str_eq(leaf->event, str_of(event)) || str_eq(leaf->kind_name, str_of(event))
                  : leaf->kind == kind) {
            return leaf;
        }
    }
    return NULL;
}

static enum fm_err choose_index(struct ctx *ctx, const char *text, struct target *target)
{
    if (!str_to_u64(str_of(text), &target->index)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "--index is the number of an entry");
    }
    for (size_t i = 0; i < target->count; i++) {
        if (target->leaves[i].index == target->index) {
            return FM_OK;
        }
    }
    return fail(ctx, FM_E_NOT_FOUND, "entry %" PRIu64 " is not about the proposal", target->index);
}

static enum fm_err choose(struct ctx *ctx, const struct prove_command *command,
                          struct target *target)
{
    const struct journal_leaf *leaf = newest(target, command->event, JOURNAL_PROPOSAL_DECIDED);

    if (command->index) {
        return choose_index(ctx, command->index, target);
    }
    if (command->event && !leaf) {
        return fail(ctx, FM_E_NOT_FOUND, "the proposal has no event %s", command->event);
    }
    target->index = leaf ? leaf->index : target->leaves[target->count - 1].index;
    return FM_OK;
}

static enum fm_err find_target(struct ctx *ctx, struct store_conn *conn,
                               const struct prove_command *command, const char *what,
                               struct target *out)
{
    struct id id;
    struct proposal p;

    *out = (struct target){.count = 0};
    if (id_parse(ID_PROPOSAL, str_of(what), &id)) {
        TRY(proposal_find(ctx, conn, id, &p));
        TRY(journal_read_chain(ctx, conn, id, p.last_leaf, JOURNAL_BARE, &out->leaves,
                               &out->count));
        return choose(ctx, command, out);
    }
    if (command->index || command->event) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "--index and --event choose among the entries of a proposal");
    }
    if (id_parse(ID_EVENT, str_of(what), &id)) {
        return find_event(ctx, conn, what, &out->index);
    }
    return str_to_u64(str_of(what), &out->index)
               ? FM_OK
               : fail(ctx, FM_E_INVALID_ARGUMENT,
                      "%s is no proposal (prp_...), event (evt_...) or number of an entry", what);
}

/* --- prove ------------------------------------------------------------------------------------ */

static void tell(struct ctx *ctx, const struct journal_leaf *leaf, const struct target *target)
{
    AUTO(buf_done) struct buf words = BUF_INIT(2 * TLOG_ENTRY_MAX);

    evidence_words(&words, leaf);
    fprintf(stderr, "Entry %" PRIu64 " of the log, %.*s: %.*s.\n", leaf->index, STR_ARG(leaf->at),
            STR_ARG(cli_safe(ctx, buf_str(&words))));
    fputs("The file proves that the log's key has signed a log in which this entry stands at this "
          "place.\n",
          stderr);
    if (leaf->commitment.p) {
        fputs("The entry commits to a payload; whoever is shown the payload and its salt can check "
              "that.\n",
              stderr);
    }
    fputs(target->count > 1 ? "Other entries of the proposal (--index N):\n" : "", stderr);
    for (size_t i = 0; i < target->count; i++) {
        if (target->leaves[i].index != leaf->index) {
            fprintf(stderr, "  %" PRIu64 "  %.*s\n", target->leaves[i].index,
                    STR_ARG(cli_safe(ctx, target->leaves[i].kind_name)));
        }
    }
}

static void write_answer(struct buf *buf, const struct journal_leaf *leaf,
                         const struct target *target, struct str proof)
{
    AUTO(buf_done) struct buf words = BUF_INIT(2 * TLOG_ENTRY_MAX);
    struct json_out out = JSON_OUT(buf);

    evidence_words(&words, leaf);
    jo_object(&out);
    jo_m_int(&out, "index", (int64_t)leaf->index);
    jo_m_raw(&out, "entry", leaf->entry);
    jo_m_str(&out, "says", buf_str(&words));
    jo_m_str(&out, "proof", proof);
    jo_key(&out, "entries_of_proposal");
    jo_array(&out);
    for (size_t i = 0; i < target->count; i++) {
        jo_object(&out);
        jo_m_int(&out, "index", (int64_t)target->leaves[i].index);
        jo_m_str(&out, "kind", target->leaves[i].kind_name);
        jo_m_str(&out, "id", target->leaves[i].event);
        jo_object_end(&out);
    }
    jo_array_end(&out);
    jo_object_end(&out);
    buf_add_char(buf, '\n');
}

static enum fm_err prove(struct ctx *ctx, struct store_conn *conn,
                         const struct prove_command *command, const char *what)
{
    AUTO(buf_done) struct buf proof = BUF_INIT(TLOG_PROOF_FILE_MAX);
    AUTO(buf_done) struct buf answer = BUF_INIT(3 * TLOG_PROOF_FILE_MAX);
    struct target target;
    struct journal_leaf leaf;

    TRY(find_target(ctx, conn, command, what, &target));
    TRY(insights_proof(ctx, conn, target.index,
                       command->payload ? PROOF_ENTRY_AND_PAYLOAD : PROOF_ENTRY, &proof));
    TRY(journal_read_leaf(ctx, conn, target.index, &leaf));
    if (!command->common.json) {
        tell(ctx, &leaf, &target);
        return save(ctx, command->out, buf_str(&proof));
    }
    write_answer(&answer, &leaf, &target, buf_str(&proof));
    if (command->out) {
        TRY(save(ctx, command->out, buf_str(&proof)));
    }
    return save(ctx, NULL, buf_str(&answer));
}

/* Runs `work` on a reading connection, in one snapshot. */
static int on_store(const struct cli_common *common, const void *command, const char *word,
                    enum fm_err (*work)(struct ctx *ctx, struct store_conn *conn,
                                        const void *command, const char *word))
{
    AUTO(arena_done) struct arena *arena = arena_new(AUDIT_ARENA_MAX);
    struct store_conn *conn;
    struct ctx ctx;
    enum fm_err err;

    crypto_init();
    ctx_init(&ctx, arena);
    err = store_open_readonly(&ctx, common->dir, &conn);
    if (err == FM_OK) {
        err = work(&ctx, conn, command, word);
        store_reader_close(conn);
    }
    return err == FM_OK ? CLI_OK : cli_failed(common, &ctx);
}

static enum fm_err prove_in_snapshot(struct ctx *ctx, struct store_conn *conn, const void *command,
                                     const char *word)
{
    enum fm_err err;

    TRY(store_snapshot(ctx, conn));
    err = prove(ctx, conn, command, word);
    store_snapshot_end(conn);
    return err;
}

static enum fm_err prove_growth(struct ctx *ctx, struct store_conn *conn,
                                const struct prove_command *command)
{
    AUTO(buf_done) struct buf proof = BUF_INIT(TLOG_PROOF_FILE_MAX);
    struct note_verifier verifier;
    struct tlog_checkpoint old;
    struct str note;

    TRY(audit_read_file(ctx, command->since, NOTE_MAX, &note));
    TRY(audit_folder_verifier(ctx, conn, command->common.dir, &verifier));
    TRY(tlog_checkpoint_open(ctx, note, &verifier, &old));
    TRY(insights_growth(ctx, conn, old.size, &proof));
    return save(ctx, command->out, buf_str(&proof));
}

static enum fm_err prove_since(struct ctx *ctx, struct store_conn *conn, const void *command,
                               const char *word)
{
    enum fm_err err;

    (void)word;
    TRY(store_snapshot(ctx, conn));
    err = prove_growth(ctx, conn, command);
    store_snapshot_end(conn);
    return err;
}

int audit_run_prove(int argc, char **argv)
{
    struct prove_command command = {0};
    int words, code = cli_parse(&prove_usage, argc, argv, &command, &words);
    bool chooses = command.index || command.event || command.payload;

    if (code != CLI_GO) {
        return code;
    }
    if ((words == 1) == (command.since != NULL) || (command.since && chooses) ||
        (command.index && command.event)) {
        return cli_misused(&prove_usage,
                           "one of ID and --since; of an ID one of --index and --event");
    }
    return on_store(&command.common, &command, argv[1],
                    command.since ? prove_since : prove_in_snapshot);
}

/* --- bundle ----------------------------------------------------------------------------------- */

struct bundle_command {
    struct cli_common common;
    const char *out;
    bool html;
};

static const struct cli_option bundle_table[] = {
    {"--html", CLI_FLAG, offsetof(struct bundle_command, html), NULL,
     "a page for people; without it JSON, which `audit verify` checks"},
    {"-o", CLI_VALUE, offsetof(struct bundle_command, out), "FILE",
     "write into FILE, not to stdout"},
};

static const struct cli_usage bundle_usage = {
    .line = "audit bundle ID [--html] [-o FILE]",
    .about = "Writes the evidence about one proposal (prp_...): the request, who decided in which "
             "roles,\n"
             "permit and outcome, with every entry of the log about it and its proof against one "
             "signed\n"
             "checkpoint. It holds what the agent and the people wrote: personal data.",
    .options = bundle_table,
    .option_count = COUNT_OF(bundle_table),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static enum fm_err make_bundle(struct ctx *ctx, struct store_conn *conn, const char *dir,
                               const char *word, struct buf *out)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
    struct note_verifier verifier;
    struct id id;
    enum fm_err err;

    if (!id_parse(ID_PROPOSAL, str_of(word), &id)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s is no proposal's id (prp_...)", word);
    }
    if (audit_folder_verifier(ctx, conn, dir, &verifier) == FM_OK) { /* a copy may lack the key */
        note_verifier_write(&vkey, &verifier);
    }
    ctx_clear(ctx);
    TRY(store_snapshot(ctx, conn));
    err = insights_bundle(ctx, conn, id, vkey.n ? buf_str(&vkey) : STR_NONE, out);
    store_snapshot_end(conn);
    return err;
}

static enum fm_err write_bundle(struct ctx *ctx, struct store_conn *conn, const void *with,
                                const char *word)
{
    const struct bundle_command *command = with;
    AUTO(buf_done)
    struct buf bundle = BUF_INIT(CHECK_FILE_MAX), page = BUF_INIT(2 * CHECK_FILE_MAX);

    TRY(make_bundle(ctx, conn, command->common.dir, word, &bundle));
    if (!command->html) {
        buf_add_char(&bundle, '\n');
        return save(ctx, command->out, buf_str(&bundle));
    }
    TRY(insights_bundle_page(ctx, buf_str(&bundle), &page));
    return save(ctx, command->out, buf_str(&page));
}

int audit_run_bundle(int argc, char **argv)
{
    struct bundle_command command = {0};
    int words, code = cli_parse(&bundle_usage, argc, argv, &command, &words);

    if (code == CLI_GO && command.html && command.common.json) {
        return cli_misused(&bundle_usage, "--html or --json, not both");
    }
    return code == CLI_GO ? on_store(&command.common, &command, argv[1], write_bundle) : code;
}

/* --- export ----------------------------------------------------------------------------------- */

struct export_command {
    struct cli_common common;
    bool tiles;
};

static const struct cli_option export_table[] = {
    {"--tiles", CLI_FLAG, offsetof(struct export_command, tiles), NULL,
     "the files of C2SP tlog-tiles, for other software; without it one file of lines"},
};

static const struct cli_usage export_usage = {
    .line = "audit export DIR [--tiles]",
    .about =
        "Writes all signed entries of the log into the folder DIR, with the checkpoint that covers "
        "them\n"
        "and the log's key: entries.jsonl has a line {\"entry\":...,\"index\":N} for each. Once "
        "more into\n"
        "the same folder adds what is new, also after it was broken off. No payloads are written.\n"
        "Check it anywhere with `fermata audit verify DIR --key VKEY`, with or without --tiles.",
    .options = export_table,
    .option_count = COUNT_OF(export_table),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static enum fm_err export_log(struct ctx *ctx, struct store_conn *conn, const void *with,
                              const char *word)
{
    const struct export_command *command = with;
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
    struct note_verifier verifier;
    struct export_options options = {
        .as_tiles = command->tiles, .progress = command->common.json ? NULL : audit_print_progress};
    struct export_report report;

    TRY(audit_folder_verifier(ctx, conn, command->common.dir, &verifier));
    note_verifier_write(&vkey, &verifier);
    options.vkey = buf_str(&vkey);
    TRY(keep_export(ctx, conn, word, &options, &report));
    if (command->common.json) {
        printf("{\"entries\":%" PRIu64 ",\"ok\":true,\"was_there\":%" PRIu64 "}\n", report.size,
               report.was_there);
    } else {
        printf("%" PRIu64 " entries in %.*s, %" PRIu64 " %s were there already\n", report.size,
               STR_ARG(cli_safe(ctx, str_of(word))), report.was_there,
               command->tiles ? "files" : "of them");
    }
    return FM_OK;
}

int audit_run_export(int argc, char **argv)
{
    struct export_command command = {0};
    int words, code = cli_parse(&export_usage, argc, argv, &command, &words);

    return code == CLI_GO ? on_store(&command.common, &command, argv[1], export_log) : code;
}
