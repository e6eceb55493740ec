/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata decide ID VERDICT`: shows what would run, asks, and sends the digest of what was shown.
 *
 * 1. Nobody decides what they have not been shown: on a terminal it is shown and asked for;
 * elsewhere
 *    --digest must name it.
 * 2. What is sent is the digest that was shown, never one that was read afterwards.
 */
#include "base/unicode.h"
#include "cli/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ARENA_BYTES_MAX (256 * MIB)
#define ARGUMENTS_MAX   (256 * KIB) /* as on the wire */
#define CHANGES_MAX     200

struct decide_command {
    struct remote_options remote; /* first */
    const char *reason, *reason_code, *arguments, *severity, *digest;
    struct str id, verdict;
};

#define OPTION(member) offsetof(struct decide_command, member)
static const struct cli_option decide_table[] = {
    REMOTE_OPTION_URL,
    {"--reason", CLI_VALUE, OPTION(reason), "TEXT",
     "required to reject and to return (the question to the agent)"},
    {"--reason-code", CLI_VALUE, OPTION(reason_code), "CODE", "one of the policy's reasons"},
    {"--arguments", CLI_VALUE, OPTION(arguments), "FILE",
     "for modify: the edited arguments as a JSON object; - reads stdin"},
    {"--severity", CLI_VALUE, OPTION(severity), "SEVERITY",
     "for modify: minor or material (material)"},
    {"--digest", CLI_VALUE, OPTION(digest), "DIGEST",
     "decide without being asked, if this is still what would run"},
};

static const struct cli_usage decide_usage = {
    .line = "decide ID approve|modify|reject|return [--reason TEXT] [--arguments FILE]",
    .about =
        "Decides a proposal as the person of FERMATA_TOKEN, where the policy says `decide_by: "
        "[page,\n"
        "token]`. Shows what would run first and asks; what is sent names exactly that. Without a\n"
        "terminal it does not ask: give --digest DIGEST of what `fermata show ID` has shown.",
    .options = decide_table,
    .option_count = COUNT_OF(decide_table),
    .common = CLI_TAKES_JSON,
    .words_min = 2,
    .words_max = 2,
};

/* What a decision is made of. */
struct decision {
    struct remote remote;
    const struct json *proposal;
    struct str path;              /* of the proposal */
    const struct json *arguments; /* edited; NULL */
    const struct json_change *changes;
    size_t change_count;
    bool claimed; /* by us, just now */
};

/* --- what was asked for ----------------------------------------------------------------------- */

static bool is_one_of(struct str word, const char *words)
{
    struct str rest = str_of(words);

    while (rest.p) {
        if (str_eq(str_split(&rest, ' '), word)) {
            return true;
        }
    }
    return false;
}

/* An exit code, or CLI_GO. */
static int check_usage(const struct decide_command *command)
{
    bool modifies = str_eq(command->verdict, S("modify"));
    struct id id;

    if (!id_parse(ID_PROPOSAL, command->id, &id)) {
        return cli_misused(&decide_usage, "%.*s is no proposal's id (prp_...)",
                           STR_ARG(command->id));
    }
    if (!is_one_of(command->verdict, "approve modify reject return")) {
        return cli_misused(&decide_usage, "the verdict is approve, modify, reject or return");
    }
    if (!str_is_utf8(str_of(command->reason)) || !str_is_utf8(str_of(command->reason_code))) {
        return cli_misused(&decide_usage, "the reason is not UTF-8");
    }
    if (is_one_of(command->verdict, "reject return") && text_is_blank(str_of(command->reason))) {
        return cli_misused(&decide_usage, "%.*s needs --reason TEXT", STR_ARG(command->verdict));
    }
    if (modifies != (command->arguments != NULL)) {
        return cli_misused(&decide_usage,
                           modifies ? "modify needs --arguments FILE: the edited arguments"
                                    : "only modify takes --arguments");
    }
    if (command->severity &&
        (!modifies || !is_one_of(str_of(command->severity), "minor material"))) {
        return cli_misused(&decide_usage, "--severity is minor or material, and goes with modify");
    }
    return CLI_GO;
}

static enum fm_err read_all(struct ctx *ctx, int fd, const char *name, struct str *out)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * ARGUMENTS_MAX);
    char bytes[4096];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
        buf_add(&text, (struct str){bytes, (size_t)n});
    }
    if (n < 0) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "cannot read %s: %s", name, strerror(errno));
    }
    *out = buf_ok(&text) ? arena_copy(ctx->arena, buf_str(&text)) : STR_NONE;
    return out->p ? FM_OK : fail(ctx, FM_E_TOO_LARGE, "%s is larger than arguments may be", name);
}

static enum fm_err read_arguments(struct ctx *ctx, const char *path, const struct json **out)
{
    bool from_stdin = strcmp(path, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const char *name = from_stdin ? "stdin" : path;
    struct str text = STR_NONE;
    enum fm_err err;

    if (fd < 0) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "cannot read %s: %s", path, strerror(errno));
    }
    err = read_all(ctx, fd, name, &text);
    if (!from_stdin) {
        close(fd);
    }
    TRY(err);
    if (json_parse(ctx, text, &JSON_LIMITS_WIRE, out) != FM_OK || (*out)->kind != JSON_OBJECT) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s is not one JSON object%s%s", name,
                    ctx->detail[0] ? ": " : "", ctx->detail);
    }
    return FM_OK;
}

/* --- what there is ---------------------------------------------------------------------------- */

static enum fm_err check_pending(struct ctx *ctx, const struct json *proposal)
{
    struct str status = json_text(json_get(proposal, S("status")));
    struct str phase = json_text(json_get(json_get(proposal, S("hold")), S("phase")));
    struct str by = json_text(json_at(proposal, S("/decision/by/name")));

    if (!str_eq(status, S("pending")) || str_eq(phase, S("undo"))) {
        return fail(ctx, FM_E_ALREADY_DECIDED, "it is %.*s%s%.*s; `fermata show ID` says more",
                    STR_ARG(str_eq(phase, S("undo")) ? S("decided, in its undo time") : status),
                    by.n ? ", decided by " : "", STR_ARG(by));
    }
    return FM_OK;
}

static enum fm_err check_may(struct ctx *ctx, const struct json *proposal)
{
    const struct json *can = json_get(proposal, S("can"));
    const struct json *decide = json_get(can, S("decide"));
    struct str why = json_text(json_get(can, S("reason")));

    if (decide && decide->kind == JSON_TRUE) {
        return FM_OK;
    }
    return fail(ctx, FM_E_FORBIDDEN, "%.*s",
                STR_ARG(why.n ? why : S("you may not decide this one")));
}

static enum fm_err find_changes(struct ctx *ctx, struct decision *decision, const char *path)
{
    const struct json *proposed = json_get(decision->proposal, S("arguments"));

    TRY(read_arguments(ctx, path, &decision->arguments));
    TRY(json_diff(ctx, proposed, decision->arguments, CHANGES_MAX, &decision->changes,
                  &decision->change_count));
    return decision->change_count
               ? FM_OK
               : fail(ctx, FM_E_INVALID_ARGUMENT,
                      "these are the arguments as proposed: approve them instead");
}

static enum fm_err load(struct ctx *ctx, const struct decide_command *command,
                        struct decision *decision)
{
    TRY(remote_open(ctx, &command->remote, &decision->remote));
    decision->path = arena_printf(ctx->arena, "/v1/proposals/%.*s", STR_ARG(command->id));
    TRY(remote_get(&decision->remote, ctx, decision->path, &decision->proposal));
    TRY(check_pending(ctx, decision->proposal));
    TRY(check_may(ctx, decision->proposal));
    return command->arguments ? find_changes(ctx, decision, command->arguments) : FM_OK;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void show_value(const char *label, const struct json *value)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * MIB);

    if (value) {
        json_write(&text, value);
    } else {
        buf_lit(&text, "(absent)");
    }
    show_block(label, buf_str(&text));
}

static void show_changes(const struct decision *decision)
{
    for (size_t i = 0; i < decision->change_count; i++) {
        const struct json_change *change = &decision->changes[i];
        printf("\nYour change %zu of %zu\n", i + 1, decision->change_count);
        show_block(" at", change->pointer.n ? change->pointer : S("(the whole)"));
        show_value(" from", change->from);
        show_value(" to", change->to);
    }
}

/* One line from the terminal itself: stdin may be the arguments. */
static bool answered(const char *wanted)
{
    FILE *terminal = fopen("/dev/tty", "r+e");
    char line[64] = "";

    if (!terminal) {
        return false;
    }
    fprintf(terminal, "Type `%s` to do it, anything else to leave it: ", wanted);
    fflush(terminal);
    if (!fgets(line, sizeof(line), terminal)) {
        line[0] = '\0';
    }
    fclose(terminal);
    line[strcspn(line, "\r\n")] = '\0';
    return strcmp(line, wanted) == 0;
}

/* The last thing above the question: the rest may have scrolled away. */
static void show_end(const struct decide_command *command, const struct decision *decision)
{
    puts("");
    show_block("What it is about", json_text(json_get(decision->proposal, S("title"))));
    if (is_one_of(command->verdict, "approve modify")) {
        show_json("What will run", decision->arguments
                                       ? decision->arguments
                                       : json_get(decision->proposal, S("arguments")));
    } else {
        puts("It will not run.");
    }
}

static enum fm_err confirm(struct ctx *ctx, const struct decide_command *command,
                           const struct decision *decision)
{
    char verdict[16];

    show_proposal(ctx, decision->proposal);
    show_changes(decision);
    if (command->reason) {
        show_block("Your reason", str_of(command->reason));
    }
    (void)snprintf(verdict, sizeof(verdict), "%.*s", STR_ARG(command->verdict));
    show_end(command, decision);
    fflush(stdout);
    return answered(verdict)
               ? FM_OK
               : fail(ctx, FM_E_FORBIDDEN, "nothing was decided; the proposal waits as before");
}

/* The digest that the caller names, or one that was shown and agreed to. */
static enum fm_err agree(struct ctx *ctx, const struct decide_command *command,
                         const struct decision *decision)
{
    struct str digest = json_text(json_get(decision->proposal, S("digest")));

    if (command->digest) {
        return str_eq(digest, str_of(command->digest))
                   ? FM_OK
                   : fail(ctx, FM_E_DIGEST_MISMATCH,
                          "it is no longer what --digest names: look again with `fermata show ID`");
    }
    if (command->remote.common.json || !isatty(STDOUT_FILENO)) {
        return fail(
            ctx, FM_E_INVALID_ARGUMENT,
            "nobody can be asked here: look with `fermata show ID`, then give --digest DIGEST");
    }
    return confirm(ctx, command, decision);
}

/* --- deciding --------------------------------------------------------------------------------- */

/* In the mode `read` a claim comes before a decision, and nobody else works on it while one
 * reads. */
static enum fm_err claim(struct ctx *ctx, struct decision *decision)
{
    const struct json *hold = json_get(decision->proposal, S("hold"));
    const struct json *holder = json_get(hold, S("claimed_by")), *answer;
    struct str path = arena_printf(ctx->arena, "%.*s/claim", STR_ARG(decision->path));

    if (!str_eq(json_text(json_get(hold, S("mode"))), S("read"))) {
        return FM_OK;
    }
    TRY(remote_post(&decision->remote, ctx, path, S("{}"), &answer));
    decision->claimed = !holder || holder->kind == JSON_NULL;
    return FM_OK;
}

/* Best effort: a claim that stays ends by itself. */
static void give_back(struct ctx *ctx, struct decision *decision)
{
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct str path = arena_printf(ctx->arena, "%.*s/unclaim", STR_ARG(decision->path));
    const struct json *answer;
    struct ctx own;

    if (decision->claimed && arena && path.p) {
        ctx_init(&own, arena);
        (void)!remote_post(&decision->remote, &own, path, S("{}"), &answer);
    }
}

static void write_body(struct buf *body, const struct decide_command *command,
                       const struct decision *decision)
{
    struct json_out out = JSON_OUT(body);

    jo_object(&out);
    jo_m_str(&out, "verdict", command->verdict);
    jo_m_str(&out, "digest", json_text(json_get(decision->proposal, S("digest"))));
    if (command->reason) {
        jo_m_str(&out, "reason", str_of(command->reason));
    }
    if (command->reason_code) {
        jo_m_str(&out, "reason_code", str_of(command->reason_code));
    }
    if (command->severity) {
        jo_m_str(&out, "severity", str_of(command->severity));
    }
    if (decision->arguments) {
        jo_key(&out, "arguments");
        jo_value(&out, decision->arguments);
    }
    jo_object_end(&out);
}

/* What a decision has come to; one that takes others, or more reading, was not made. */
static enum fm_err print_decided(struct ctx *ctx, const struct json *proposal)
{
    struct str status = json_text(json_get(proposal, S("status")));
    struct str release = show_time(ctx, json_text(json_at(proposal, S("/hold/release_at"))));
    struct str queue = cli_safe(ctx, json_text(json_at(proposal, S("/hold/queue"))));
    struct str mode = cli_safe(ctx, json_text(json_at(proposal, S("/hold/mode"))));

    if (release.n) {
        printf("Decided. The agent is told at %.*s; until then it can be undone on the page.\n",
               STR_ARG(release));
    } else if (str_eq(status, S("pending"))) {
        return fail(ctx, FM_E_NOT_QUALIFIED,
                    "not approved: the policy wants it decided in the queue %.*s, mode %.*s; it "
                    "waits there",
                    STR_ARG(queue), STR_ARG(mode));
    } else {
        printf("Decided: %.*s.\n", STR_ARG(cli_safe(ctx, status)));
    }
    return FM_OK;
}

static enum fm_err send_decision(struct ctx *ctx, const struct decide_command *command,
                                 struct decision *decision)
{
    AUTO(buf_done) struct buf body = BUF_INIT(8 * MIB);
    struct str path = arena_printf(ctx->arena, "%.*s/decision", STR_ARG(decision->path));
    const struct json *answer;

    write_body(&body, command, decision);
    if (!path.p || !buf_ok(&body)) {
        return fail_memory(ctx);
    }
    TRY(remote_post(&decision->remote, ctx, path, buf_str(&body), &answer));
    if (command->remote.common.json) {
        cli_print_answer(answer);
        return FM_OK;
    }
    return print_decided(ctx, answer);
}

static enum fm_err decide(struct ctx *ctx, const struct decide_command *command,
                          struct decision *decision)
{
    enum fm_err err;

    TRY(load(ctx, command, decision));
    TRY(claim(ctx, decision));
    err = agree(ctx, command, decision);
    err = err == FM_OK ? send_decision(ctx, command, decision) : err;
    if (err == FM_E_TOO_FAST) { /* the claim has just begun: it must be there the next time */
        return fail(ctx, err, "%s; it is claimed for you: run this again", ctx->detail);
    }
    if (err != FM_OK) {
        give_back(ctx, decision);
    }
    return err;
}

int cli_decide(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct decide_command command = {.reason = NULL};
    struct decision decision = {.proposal = NULL};
    struct ctx ctx;
    int words, code = cli_parse(&decide_usage, argc, argv, &command, &words);

    if (code != CLI_GO) {
        return code;
    }
    command.id = str_of(argv[1]);
    command.verdict = str_of(argv[2]);
    code = check_usage(&command);
    if (code != CLI_GO) {
        return code;
    }
    ctx_init(&ctx, arena);
    code = decide(&ctx, &command, &decision) == FM_OK ? CLI_OK
                                                      : cli_failed(&command.remote.common, &ctx);
    remote_close(&decision.remote);
    return code;
}
