/* SPDX-License-Identifier: Apache-2.0
 *
 * A proposal on the terminal: what would run first, exactly; then who wants it, why it waits, and
 * the brief. The same rule as on the page: what an agent wrote must not be able to look like
 * something else.
 *
 * 1. Everything from outside stands behind a bar, in lines that we broke ourselves: no text can
 * begin a
 *    line at the margin, where our labels stand.
 * 2. No control character reaches the terminal, and what hides is named.
 */
#include "base/clock.h"
#include "cli/remote.h"

#define BAR       "  | "
#define BLOCK_MAX (16 * MIB) /* an escape is ten times a byte; a text at most 1 MiB */

/* --- text of others --------------------------------------------------------------------------- */

/* One line of theirs in as many of ours as it needs. */
static void show_line(struct str line, int columns)
{
    int used = 0;

    fputs(BAR, stdout);
    while (line.n > 0) {
        size_t n = cli_next_character(line);
        int width = cli_columns((struct str){line.p, n});
        if (used + width > columns) {
            fputs("\n" BAR, stdout);
            used = 0;
        }
        (void)fwrite(line.p, 1, n, stdout);
        used += width;
        line = str_skip(line, n);
    }
    putchar('\n');
}

static void show_text(struct str text)
{
    int columns = cli_terminal_columns() - (int)sizeof(BAR) + 1;

    while (text.p) {
        AUTO(buf_done) struct buf safe = BUF_INIT(BLOCK_MAX);
        cli_escape_shown(&safe, str_split(&text, '\n'));
        show_line(buf_ok(&safe) ? buf_str(&safe) : S("(too long to be shown)"), columns);
    }
}

void show_block(const char *label, struct str text)
{
    if (text.n) {
        printf("%s\n", label);
        show_text(text);
    }
}

/* A member of an object, when it is a text that is not empty. */
static void show_member(const char *label, const struct json *object, struct str name)
{
    show_block(label, json_text(json_get(object, name)));
}

/* One line: a label of ours and a short text of theirs. */
static void show_row(struct ctx *ctx, const char *label, struct str text)
{
    AUTO(buf_done) struct buf safe = BUF_INIT(64 * KIB);

    if (text.n) {
        cli_escape_shown(&safe, text);
        printf("%-14s %.*s\n", label,
               STR_ARG(buf_ok(&safe) ? buf_str(&safe) : cli_safe(ctx, text)));
    }
}

/* --- times ------------------------------------------------------------------------------------ */

static void write_distance(struct buf *buf, int64_t us)
{
    static const struct {
        int64_t us;
        const char *name;
    } units[] = {{DAY_US, "d"}, {HOUR_US, "h"}, {MINUTE_US, "min"}, {SECOND_US, "s"}};
    int64_t size = us < 0 ? -us : us;
    size_t i = 0;

    while (i + 1 < COUNT_OF(units) && size < units[i].us) {
        i++;
    }
    buf_printf(buf, "%s%lld %s%s", us > 0 ? "in " : "", (long long)(size / units[i].us),
               units[i].name, us > 0 ? "" : " ago");
}

struct str show_time(struct ctx *ctx, struct str text)
{
    AUTO(buf_done) struct buf out = BUF_INIT(KIB);
    int64_t at_us;

    if (!clock_parse(text, &at_us)) {
        return STR_NONE;
    }
    buf_add(&out, (struct str){text.p, text.n < 19 ? text.n : 19}); /* to the second */
    buf_lit(&out, "Z, ");
    write_distance(&out, at_us - clock_now_us());
    return arena_copy(ctx->arena, buf_str(&out));
}

/* --- what would run --------------------------------------------------------------------------- */

/* As JSON with one member a line: what a machine will read, escapes and all. */
static void write_pretty(struct buf *buf, const struct json *value, unsigned depth)
{
    bool object = value->kind == JSON_OBJECT;

    if ((!object && value->kind != JSON_ARRAY) || value->count == 0 || depth > 20) {
        json_write(buf, value);
        return;
    }
    buf_add_char(buf, object ? '{' : '[');
    for (uint32_t i = 0; i < value->count; i++) {
        buf_printf(buf, "%s\n%*s", i ? "," : "", (int)(2 * (depth + 1)), "");
        if (object) {
            json_write_string(buf, value->as.members[i].name);
            buf_lit(buf, ": ");
        }
        write_pretty(buf, object ? &value->as.members[i].value : &value->as.items[i], depth + 1);
    }
    buf_printf(buf, "\n%*s", (int)(2 * depth), "");
    buf_add_char(buf, object ? '}' : ']');
}

void show_json(const char *label, const struct json *value)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * MIB);

    if (value) {
        write_pretty(&text, value, 0);
        show_block(label, buf_ok(&text) ? buf_str(&text) : S("(too large to be shown)"));
    }
}

/* --- the brief -------------------------------------------------------------------------------- */

static void show_evidence(struct ctx *ctx, const struct json *evidence)
{
    for (uint32_t i = 0; evidence && i < evidence->count; i++) {
        const struct json *item = &evidence->as.items[i], *file = json_get(item, S("attachment"));
        printf("Evidence %u\n", i + 1);
        show_text(json_text(json_get(item, S("title"))));
        show_member(" source", item, S("source"));
        show_member(" text", item, S("text"));
        show_json(" data", json_get(item, S("data")));
        if (file) {
            show_block(" file", arena_printf(ctx->arena, "%.*s, SHA-256 %.*s; see it on the page",
                                             STR_ARG(json_text(json_get(item, S("content_type")))),
                                             STR_ARG(json_text(json_get(file, S("sha256"))))));
        }
    }
}

static void show_list(const char *label, const struct json *texts)
{
    for (uint32_t i = 0; texts && i < texts->count; i++) {
        show_block(label, json_text(&texts->as.items[i]));
    }
}

static void show_options(const struct json *options)
{
    for (uint32_t i = 0; options && i < options->count; i++) {
        const struct json *option = &options->as.items[i];
        const struct json *recommended = json_get(option, S("recommended"));
        printf("Option %u%s\n", i + 1,
               recommended && recommended->kind == JSON_TRUE ? " (recommended by the agent)" : "");
        show_text(json_text(json_get(option, S("title"))));
        show_list(" for it", json_get(option, S("pros")));
        show_list(" against it", json_get(option, S("cons")));
        show_json(" with these arguments", json_get(option, S("arguments")));
    }
}

/* The draft as people read it: its text alone, with its line ends. */
static void show_draft(const struct json *proposal, const struct json *brief)
{
    struct str pointer = json_text(json_get(json_get(brief, S("draft")), S("pointer")));
    const struct json *arguments = json_get(proposal, S("arguments"));

    if (pointer.p && arguments) {
        show_block("Draft", json_text(json_at(arguments, pointer)));
    }
}

static void show_brief(struct ctx *ctx, const struct json *proposal)
{
    static const struct {
        const char *label;
        struct str name;
    } texts[] = {
        {"Summary", STR("summary")},
        {"Request", STR("request")},
        {"Recommendation", STR("recommendation")},
        {"Reasoning", STR("reasoning")},
        {"The case against", STR("case_against")},
    };
    const struct json *brief = json_get(proposal, S("brief"));
    const struct json *confidence = json_get(brief, S("confidence"));

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        show_member(texts[i].label, brief, texts[i].name);
    }
    show_json("Confidence, as the agent says", confidence);
    show_draft(proposal, brief);
    show_evidence(ctx, json_get(brief, S("evidence")));
    show_options(json_get(brief, S("options")));
}

/* --- the rest --------------------------------------------------------------------------------- */

static void show_deadline(struct ctx *ctx, struct str time)
{
    if (time.n) {
        show_row(ctx, "deadline",
                 arena_printf(ctx->arena, "%.*s (the agent's own)", STR_ARG(time)));
    }
}

/* "1 of 4 alike", and the ids of the others: each is decided on its own. */
static void show_alike(struct ctx *ctx, const struct json *alike)
{
    const struct json *others = json_get(alike, S("others"));
    const struct json *count = json_get(alike, S("count")), *place = json_get(alike, S("place"));

    if (!others || others->count == 0 || !count || !place) {
        return;
    }
    show_row(ctx, "alike",
             json_number(place) > 0
                 ? arena_printf(ctx->arena, "%.0f of %.0f", json_number(place), json_number(count))
                 : arena_printf(ctx->arena, "%.0f, waiting", json_number(count)));
    for (uint32_t i = 0; i < others->count; i++) {
        show_row(ctx, i ? "" : "the others", json_text(json_get(&others->as.items[i], S("id"))));
    }
}

static void show_hold(struct ctx *ctx, const struct json *proposal)
{
    const struct json *hold = json_get(proposal, S("hold"));
    const struct json *holder = json_get(hold, S("claimed_by"));

    show_row(ctx, "status", json_text(json_get(proposal, S("status"))));
    show_row(ctx, "queue", json_text(json_get(hold, S("queue"))));
    show_row(ctx, "phase", json_text(json_get(hold, S("phase"))));
    show_row(ctx, "due", show_time(ctx, json_text(json_get(hold, S("due_at")))));
    show_deadline(ctx, show_time(ctx, json_text(json_get(hold, S("deadline_at")))));
    show_row(ctx, "released", show_time(ctx, json_text(json_get(hold, S("release_at")))));
    show_row(ctx, "claimed by", json_text(json_get(holder, S("name"))));
    show_alike(ctx, json_get(proposal, S("alike")));
}

static void show_reasons(const struct json *proposal)
{
    const struct json *reasons = json_get(json_get(proposal, S("assessment")), S("reasons"));

    for (uint32_t i = 0; reasons && i < reasons->count; i++) {
        show_block(i ? "and because" : "It is held because",
                   json_text(json_get(&reasons->as.items[i], S("text"))));
    }
}

static void show_decision(struct ctx *ctx, const struct json *proposal)
{
    const struct json *decision = json_get(proposal, S("decision"));
    const struct json *outcome = json_get(proposal, S("outcome"));

    show_row(ctx, "decision", json_text(json_get(decision, S("verdict"))));
    show_row(ctx, "decided by", json_text(json_get(json_get(decision, S("by")), S("name"))));
    show_row(ctx, "redeemed", show_time(ctx, json_text(json_get(proposal, S("redeemed_at")))));
    show_row(ctx, "outcome", json_text(json_get(outcome, S("status"))));
    show_member("Reason of the decision", decision, S("reason"));
    show_member("Outcome, as the agent says", outcome, S("detail"));
}

/* "account, money" */
static void show_effects(struct ctx *ctx, const struct json *effects)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * KIB);

    for (uint32_t i = 0; effects && i < effects->count; i++) {
        buf_add(&text, i ? S(", ") : S(""));
        buf_add(&text, json_text(&effects->as.items[i]));
    }
    show_row(ctx, "effects", buf_str(&text));
}

void show_proposal(struct ctx *ctx, const struct json *proposal)
{
    const struct json *card = json_get(proposal, S("card"));
    const struct json *reversible = json_get(card, S("reversible"));

    show_row(ctx, "proposal", json_text(json_get(proposal, S("id"))));
    show_member("Title", proposal, S("title"));
    show_row(ctx, "action", json_text(json_get(proposal, S("action"))));
    show_json("Arguments, as they would run", json_get(proposal, S("arguments")));
    show_effects(ctx, json_get(card, S("effects")));
    if (reversible && reversible->kind == JSON_FALSE) {
        puts("This cannot be taken back once it has run.");
    }
    show_member("Oversight", card, S("oversight"));
    show_row(ctx, "agent", json_text(json_get(json_get(proposal, S("agent")), S("name"))));
    show_row(ctx, "version", json_text(json_get(proposal, S("agent_version"))));
    show_row(ctx, "on behalf of", json_text(json_get(proposal, S("on_behalf_of"))));
    show_row(ctx, "subject", json_text(json_get(proposal, S("subject"))));
    show_row(ctx, "category", json_text(json_get(proposal, S("category"))));
    show_reasons(proposal);
    show_brief(ctx, proposal);
    show_hold(ctx, proposal);
    show_decision(ctx, proposal);
    show_row(ctx, "digest", json_text(json_get(proposal, S("digest"))));
}
