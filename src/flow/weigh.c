/* SPDX-License-Identifier: Apache-2.0
 *
 * What only the committer can say of a proposal, because it counts, ranks or draws: rules that
 * read the history or the session's domains, domains never approved together, budgets, the first
 * uses of an allowed action, and the coin.
 *
 * It must never change what flow_prepare has made: a command may be run a second time, and then it
 * starts from there. So it works on a copy, and only where there is something to add.
 */
#include "flow/flow_internal.h"
#include "flow/windows.h"

#include "base/panic.h"

#include <stdio.h>

#define SPOT_CHECK_ONE_IN   100

SQL(SQL_USES, "SELECT approved FROM uses WHERE agent = $agent AND action = $action");
SQL(SQL_USE, "INSERT INTO uses(agent, action, approved) VALUES($agent, $action, 1)"
             " ON CONFLICT(agent, action) DO UPDATE SET approved = approved + 1");
SQL(SQL_KNOWN,
    "SELECT count(*) FROM recipients WHERE agent = $agent AND party IN ($requester, $subject)"
    " AND value = $value");
SQL(SQL_KNOW, "INSERT INTO recipients(agent, party, value, at) VALUES($agent, $party, $value, $at)"
              " ON CONFLICT(agent, party, value) DO NOTHING");
SQL(SQL_CATEGORY_KNOWN, "SELECT count(*) FROM categories WHERE name = $name");
SQL(SQL_CATEGORIES, "SELECT count(*) FROM categories");
SQL(SQL_CATEGORY, "INSERT INTO categories(name) VALUES($name) ON CONFLICT(name) DO NOTHING");

/* What is known outside the proposal, for conditions ----------------------------------------- */

/* The first 16 bytes of a text's hash: no row holds whose it is. */
struct id weigh_hash(struct str text)
{
    struct hash hash = sha256(text);

    return id_from((struct str){hash_str(&hash).p, sizeof(struct id)});
}

struct str weigh_text(const struct json *request, const char *name)
{
    struct str text = json_text(json_get(request, str_of(name)));

    return text.p ? text : S("");
}

/* For whom the agent acts. One that is absent stands for the other; without both, the agent acts
 * for itself. */
struct parties {
    struct str items[2];
};

static struct parties parties_of(const struct weighing *w)
{
    struct str requester = weigh_text(w->request, "on_behalf_of");
    struct str subject = weigh_text(w->request, "subject");

    return (struct parties){{requester.n ? requester : subject, subject.n ? subject : requester}};
}

/* A recipient of an action: whoever may be written to may not therefore be paid, and a page that
 * may be read is none to post on. */
static struct id recipient_hash(struct arena *arena, struct str action, struct str recipient)
{
    struct str both = arena_printf(arena, "%.*s %.*s", STR_ARG(action), STR_ARG(recipient));

    return both.p ? weigh_hash(both) : (struct id){{0}};
}

/* Whether people approved this recipient of this action before, for whom the agent acts now. A
 * failure knows nobody. */
static bool is_known(void *with, struct str recipient)
{
    struct weighing *w = with;
    struct parties parties = parties_of(w);
    struct id requester = weigh_hash(parties.items[0]);
    struct id subject = weigh_hash(parties.items[1]);
    struct id value = recipient_hash(w->ctx->arena, w->input.action, recipient);
    int64_t count = 0;
    struct ctx ctx;

    ctx_init(&ctx, w->ctx->arena);
    return store_int(&ctx, w->conn, &SQL_KNOWN,
                     ARGS(A_INT("$agent", w->agent), A_BLOB("$requester", id_bytes(&requester)),
                          A_BLOB("$subject", id_bytes(&subject)),
                          A_BLOB("$value", id_bytes(&value))),
                     0, &count) == FM_OK &&
           count > 0;
}

/* The minute's counters serve the shortest window, the hour's the others. */
static const struct series {
    struct str name;
    int64_t width_us, window_us;
} series[] = {
    {STR("minutes"), MINUTE_US, HOUR_US},
    {STR("hours"), HOUR_US, 7 * DAY_US},
};

static const int64_t window_us[] = {
#define X(name, text, us) us,
    POLICY_WINDOWS(X)
#undef X
};

static struct id history_id(const struct weighing *w, enum assess_whose whose, struct str category,
                            const struct series *of)
{
    char agent[24];
    struct str key = category;

    if (whose == WHOSE_AGENT) {
        snprintf(agent, sizeof(agent), "%lld", (long long)w->agent);
        key = str_of(agent);
    } else if (whose == WHOSE_SUBJECT) {
        key = weigh_text(w->request, "subject");
    }
    return counter_id_of(S("history"),
                         whose == WHOSE_AGENT      ? S("agent")
                         : whose == WHOSE_CATEGORY ? S("category")
                                                   : S("subject"),
                         key, of->width_us);
}

/* Takes out what a proposal that is weighed again has counted for itself: history is what others
 * did. A sum that has reached its largest stays there. */
static void leave_out_own(const struct weighing *w, struct str category, enum assess_whose whose,
                          const struct series *of, int64_t since_us, struct counter_total *total)
{
    const struct proposal *own = w->again;

    if (!own || !own->in_history || own->created_at / of->width_us < since_us / of->width_us ||
        (whose == WHOSE_CATEGORY && !str_eq(category, own->category))) {
        return;
    }
    total->count -= total->count > 0;
    if (total->micros != INT64_MAX) {
        total->micros -= own->history_micros;
    }
}

static bool read_history(void *with, struct str category, struct assess_history *out)
{
    struct weighing *w = with;
    struct counter_total total;
    struct ctx ctx;

    ctx_init(&ctx, w->ctx->arena);
    for (unsigned whose = 0; whose < WHOSE_COUNT; whose++) {
        for (unsigned i = 0; i < POLICY_WINDOW_COUNT; i++) {
            const struct series *of = &series[window_us[i] <= series[0].window_us ? 0 : 1];
            struct id id = history_id(w, (enum assess_whose)whose, category, of);
            int64_t since_us = w->now_us - window_us[i];
            if (counter_read(&ctx, w->conn, id, of->width_us, since_us, w->now_us, &total) !=
                FM_OK) {
                return false;
            }
            leave_out_own(w, category, (enum assess_whose)whose, of, since_us, &total);
            out->count[whose][i] = total.count;
            out->micros[whose][i] = total.micros;
        }
    }
    return true;
}

/* The amount that `history` sums: the argument of that name, where it is one. */
static int64_t history_amount(const struct json *arguments)
{
    const struct json *amount = json_get(arguments, S("amount"));
    bool is_text = amount && (amount->kind == JSON_NUMBER || amount->kind == JSON_STRING);
    int64_t micros;

    return is_text && policy_micros(amount->as.text, &micros) ? micros : 0;
}

void weigh_note_history(const struct weighing *w, const struct assessment *a, struct proposal *p)
{
    p->in_history = (w->input.policy->uses & POLICY_USES_HISTORY) && a->verdict != VERDICT_BLOCK;
    p->history_micros =
        p->in_history ? history_amount(json_get(w->request, S("arguments"))) : 0;
}

static enum fm_err count_history(const struct weighing *w, struct str category, int64_t micros)
{
    for (unsigned whose = 0; whose < WHOSE_COUNT; whose++) {
        for (size_t i = 0; i < COUNT_OF(series); i++) {
            struct id id = history_id(w, (enum assess_whose)whose, category, &series[i]);
            TRY(counter_add(w->ctx, w->conn, id, series[i].width_us, series[i].window_us, micros,
                            w->now_us));
        }
    }
    return FM_OK;
}

enum fm_err weigh_history_again(const struct weighing *w, struct proposal *p)
{
    const struct json *proposed = json_get(w->request, S("arguments"));
    int64_t micros = history_amount(w->input.arguments ? w->input.arguments : proposed), by;

    if (!p->in_history || !w->request || micros == p->history_micros) {
        return FM_OK;
    }
    if (__builtin_sub_overflow(micros, p->history_micros, &by)) {
        by = INT64_MAX;
    }
    for (unsigned whose = 0; whose < WHOSE_COUNT; whose++) {
        for (size_t i = 0; i < COUNT_OF(series); i++) {
            struct id id = history_id(w, (enum assess_whose)whose, p->category, &series[i]);
            TRY(counter_shift(w->ctx, w->conn, id, series[i].width_us, p->created_at, by));
        }
    }
    return proposal_set_history(w->ctx, w->conn, p, micros);
}

enum fm_err weighing_of(struct weighing *w, struct ctx *ctx, struct store_conn *conn,
                        const struct policy *policy, int64_t agent, int64_t now_us)
{
    const struct directory *directory;
    const struct agent *found;
    const struct person *owner;
    struct str owner_name, name;

    *w = (struct weighing){.ctx = ctx, .conn = conn, .agent = agent, .now_us = now_us};
    w->input = (struct assess_input){.policy = policy,
                                     .now_us = now_us,
                                     .is_known = is_known,
                                     .history = read_history,
                                     .with = w};
    if (!policy->env && !policy->agent_count) {
        return FM_OK; /* nothing asks for them */
    }
    directory = directory_keep();
    found = directory_agent_by_row(directory, agent);
    owner = found ? directory_person_by_row(directory, found->owner) : NULL;
    name = arena_copy(ctx->arena, found ? found->name : S(""));
    owner_name = arena_copy(ctx->arena, owner ? owner->name : S(""));
    id_format(ID_AGENT, found ? found->id : (struct id){{0}}, w->agent_id);
    directory_drop(directory);
    w->input.agent_id = str_of(w->agent_id);
    w->input.agent_name = name;
    w->input.owner = owner_name;
    return name.p && owner_name.p ? FM_OK : fail_memory(ctx);
}

/* Budgets ------------------------------------------------------------------------------------ */

static struct id budget_id(const struct weighing *w, const struct assessment *a,
                           const struct policy_budget *budget)
{
    char agent[24];
    struct str key = S("");

    switch (budget->per) {
    case PER_AGENT:
        snprintf(agent, sizeof(agent), "%lld", (long long)w->agent);
        key = str_of(agent);
        break;
    case PER_CATEGORY:
        key = a->category;
        break;
    case PER_SUBJECT:
        key = weigh_text(w->request, "subject");
        break;
    case PER_ACTION:
        key = w->input.action;
        break;
    case PER_ALL:
        break;
    }
    return counter_id_of(str_of(budget_per_name(budget->per)), budget->id, key,
                         counter_width(budget->window_us));
}

static void add_decimal(struct buf *buf, int64_t micros)
{
    int64_t rest = micros % 1000000;
    int digits = 6;

    buf_printf(buf, "%lld", (long long)(micros / 1000000));
    if (rest == 0) {
        return;
    }
    for (; rest % 10 == 0; rest /= 10) {
        digits--;
    }
    buf_printf(buf, ".%0*lld", digits, (long long)rest);
}

/* "used", "this" and "limit" as the reason's values. */
static struct str budget_values(struct ctx *ctx, int64_t used, int64_t own, int64_t limit)
{
    AUTO(buf_done) struct buf json = BUF_INIT(KIB);
    const int64_t amounts[] = {used, own, limit};
    static const char *const names[] = {"used", "this", "limit"};

    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        buf_printf(&json, "%s{\"expression\":\"%s\",\"value\":\"", i ? "," : "[", names[i]);
        add_decimal(&json, amounts[i]);
        buf_lit(&json, "\"}");
    }
    buf_add_char(&json, ']');
    return arena_copy(ctx->arena, buf_str(&json));
}

static struct str budget_text(struct ctx *ctx, const struct policy_budget *budget)
{
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);

    if (budget->because.p) {
        return budget->because;
    }
    buf_lit(&text, "The budget ");
    buf_add(&text, budget->id);
    buf_lit(&text, " of ");
    add_decimal(&text, budget->limit_micros);
    buf_add(&text, budget->counts ? S(" uses in ") : S(" in "));
    buf_add_duration(&text, budget->window_us);
    buf_lit(&text, " would be exceeded");
    return arena_copy(ctx->arena, buf_str(&text));
}

/* What others have used up of a budget: what a proposal that is weighed again was charged itself is
 * out. */
static enum fm_err read_used(const struct weighing *w, struct id id,
                             const struct policy_budget *budget, int64_t *used)
{
    int64_t width_us = counter_width(budget->window_us), own = 0;
    int64_t since_us = w->now_us - budget->window_us;
    struct counter_total total;

    TRY(counter_read(w->ctx, w->conn, id, width_us, since_us, w->now_us, &total));
    if (w->again) {
        TRY(counter_charged(w->ctx, w->conn, w->again->row, id, width_us, since_us, &own));
    }
    *used = total.micros == INT64_MAX || own > total.micros ? total.micros : total.micros - own;
    return FM_OK;
}

static enum fm_err weigh_budget(const struct weighing *w, struct assessment *out,
                                const struct assess_use *use)
{
    const struct policy_budget *budget = use->budget;
    struct id id = budget_id(w, out, budget);
    struct assess_reason reason = {.source = "budget", .verdict = budget->then, .rule = budget->id};
    int64_t used, after;

    TRY(read_used(w, id, budget, &used));
    if (!__builtin_add_overflow(used, use->micros, &after) && after <= budget->limit_micros) {
        return FM_OK;
    }
    reason.text = budget_text(w->ctx, budget);
    reason.values = budget_values(w->ctx, used, use->micros, budget->limit_micros);
    if (!reason.text.p || !reason.values.p) {
        return fail_memory(w->ctx);
    }
    assess_add(out, reason);
    return FM_OK;
}

enum fm_err weigh_charge(struct flow *flow, const struct weighing *w, const struct assessment *a,
                         int64_t proposal, bool final)
{
    for (size_t i = 0; i < a->use_count; i++) {
        const struct policy_budget *budget = a->uses[i].budget;
        struct id id = budget_id(w, a, budget);
        int64_t width_us = counter_width(budget->window_us);
        if (final) {
            TRY(counter_add(w->ctx, w->conn, id, width_us, budget->window_us, a->uses[i].micros,
                            w->now_us));
        } else {
            flow->charged = true;
            TRY(counter_charge(w->ctx, w->conn, proposal, id, width_us, budget->window_us,
                               a->uses[i].micros, w->now_us));
        }
    }
    return FM_OK;
}

/* Category ----------------------------------------------------------------------------------- */

/* A category of an expression that nobody has seen is one more of POLICY_CATEGORIES_MAX. */
static enum fm_err weigh_category(const struct weighing *w, struct assessment *out)
{
    int64_t known, count;

    TRY(store_int(w->ctx, w->conn, &SQL_CATEGORY_KNOWN, ARGS(A_TEXT("$name", out->category)), 0,
                  &known));
    if (known) {
        return FM_OK;
    }
    TRY(store_int(w->ctx, w->conn, &SQL_CATEGORIES, NO_ARGS, 0, &count));
    if (count < WEIGH_CATEGORIES_MAX) {
        return store_exec(w->ctx, w->conn, &SQL_CATEGORY, ARGS(A_TEXT("$name", out->category)));
    }
    out->category = w->input.action;
    assess_add(out, (struct assess_reason){
                        .source = "catalogue",
                        .verdict = VERDICT_REVIEW,
                        .text = STR("There are 10000 categories already: this one was not added")});
    return FM_OK;
}

/* Warm-up and coin --------------------------------------------------------------------------- */

static enum fm_err draw(const struct weighing *w, struct assessment *out)
{
    int64_t warm_up = w->input.policy->warm_up, approved;
    uint32_t coin;

    TRY(store_int(w->ctx, w->conn, &SQL_USES,
                  ARGS(A_INT("$agent", w->agent), A_TEXT("$action", w->input.action)), 0,
                  &approved));
    if (approved < warm_up) {
        struct str text =
            arena_printf(w->ctx->arena,
                         "One of this agent's first %lld uses of %.*s: people have "
                         "approved %lld so far",
                         (long long)warm_up, STR_ARG(w->input.action), (long long)approved);
        if (!text.p) {
            return fail_memory(w->ctx);
        }
        assess_add(out, (struct assess_reason){
                            .source = "warm_up", .verdict = VERDICT_REVIEW, .text = text});
        return FM_OK;
    }
    random_bytes(&coin, sizeof(coin));
    if (coin % SPOT_CHECK_ONE_IN == 0) {
        assess_add(out, (struct assess_reason){.source = "spot_check",
                                               .verdict = VERDICT_REVIEW,
                                               .text = STR(FLOW_SPOT_CHECK_TEXT)});
    }
    return FM_OK;
}

/* All of it ---------------------------------------------------------------------------------- */

bool weigh_is_needed(const struct weighing *w, const struct assessment *begun)
{
    return assess_needs_counts(w->input.policy) || begun->use_count > 0 || begun->own_category ||
           domains_are_watched(w);
}

/* `live`: the policy that counts, where it is another one that is asked; NULL: its own. */
static enum fm_err weigh_counts(struct weighing *w, const struct policy *live,
                                struct assessment *out)
{
    if (domains_are_watched(w)) {
        TRY(domains_weigh(w, out));
    }
    if (out->own_category && !live) {
        TRY(weigh_category(w, out));
    }
    if (assess_needs_counts(w->input.policy)) {
        TRY(assess_counted(w->ctx, &w->input, out));
    }
    for (size_t i = 0; i < out->use_count; i++) {
        if (!live || weigh_counts_for(live, out->uses[i].budget)) {
            TRY(weigh_budget(w, out, &out->uses[i]));
        }
    }
    return assess_finish(w->ctx, w->input.policy, out);
}

enum fm_err weigh_again(struct weighing *w, struct assessment *out)
{
    TRY(assess_begin(w->ctx, &w->input, out));
    return weigh_counts(w, NULL, out);
}

enum fm_err weigh_shadow(struct weighing *w, const struct policy *live, struct assessment *out)
{
    TRY(assess_begin(w->ctx, &w->input, out));
    return weigh_counts(w, live, out);
}

enum fm_err weigh_write(struct ctx *ctx, const struct assessment *assessment, struct str *out)
{
    AUTO(buf_done) struct buf json = BUF_INIT(ASSESS_JSON_MAX);
    struct json_out writer = JSON_OUT(&json);

    assess_write(&writer, assessment);
    *out = arena_copy(ctx->arena, buf_str(&json));
    return out->p ? FM_OK : fail_memory(ctx);
}

/* Whether what flow_prepare has made is all there is to say. */
static bool is_final(struct flow *flow, const struct weighing *w, const struct flow_submission *s,
                     struct assess_reason *pause, bool *paused)
{
    const struct proposal p = {.agent = w->agent,
                               .action = s->submission.action,
                               .category = s->assessment.category};

    *paused = pause_holds(flow, w->ctx, &p, pause);
    return s->assessment.finished && !*paused &&
           (s->assessment.verdict != VERDICT_ALLOW || !w->input.policy->warm_up);
}

enum fm_err weigh(struct flow *flow, struct weighing *w, struct flow_submission *s, bool may_draw)
{
    size_t reasons = s->assessment.reason_count;
    struct assess_reason pause;
    bool paused;

    s->weighed_json = s->assessment_json;
    w->request = s->submission.request;
    w->input.action = s->submission.action;
    w->input.request = s->submission.request;
    s->weighed = &s->assessment;
    if (is_final(flow, w, s, &pause, &paused)) {
        return FM_OK;
    }
    s->copy = s->assessment;
    s->weighed = &s->copy;
    if (!s->copy.finished) {
        TRY(weigh_counts(w, NULL, &s->copy));
    }
    if (paused) { /* held, whatever else was said */
        assess_add(&s->copy, pause);
    }
    if (s->copy.verdict == VERDICT_ALLOW && w->input.policy->warm_up && may_draw) {
        TRY(draw(w, &s->copy));
    }
    if (s->assessment.finished && s->copy.reason_count == reasons) {
        return FM_OK; /* the text of flow_prepare stands */
    }
    return weigh_write(w->ctx, &s->copy, &s->weighed_json);
}

enum fm_err weigh_accepted(struct flow *flow, const struct weighing *w,
                           const struct flow_submission *s, const struct proposal *p)
{
    const struct assessment *a = s->weighed;

    if (a->verdict == VERDICT_BLOCK) {
        return FM_OK;
    }
    if (a->use_count) {
        TRY(weigh_charge(flow, w, a, p->row, a->verdict == VERDICT_ALLOW));
    }
    if (w->input.policy->uses & POLICY_USES_HISTORY) {
        TRY(count_history(w, a->category, p->history_micros));
    }
    return a->domains.count && domains_are_watched(w) ? domains_keep(w, &a->domains) : FM_OK;
}

/* When people have approved ------------------------------------------------------------------ */

struct learning {
    const struct weighing *w;
    struct parties parties;
    enum fm_err err;
};

static void learn_recipient(void *with, struct str pointer, struct str text, struct str normal)
{
    struct learning *learning = with;
    const struct weighing *w = learning->w;
    struct id value = recipient_hash(w->ctx->arena, w->input.action, normal);

    (void)pointer, (void)text;
    for (size_t i = 0; i < COUNT_OF(learning->parties.items) && learning->err == FM_OK; i++) {
        struct id party = weigh_hash(learning->parties.items[i]);
        learning->err =
            store_exec(w->ctx, w->conn, &SQL_KNOW,
                       ARGS(A_INT("$agent", w->agent), A_BLOB("$party", id_bytes(&party)),
                            A_BLOB("$value", id_bytes(&value)), A_INT("$at", w->now_us)));
    }
}

static enum fm_err learn_recipients(const struct weighing *w, const struct json *arguments)
{
    struct learning learning = {.w = w, .parties = parties_of(w)};

    if (!policy_recipients(w->ctx->arena, arguments, learn_recipient, &learning)) {
        return fail_memory(w->ctx);
    }
    return learning.err;
}

/* Whether the catalogue, or where it is silent the defaults, allow the action. */
static bool is_allowed(const struct policy *policy, struct str name)
{
    const struct policy_action *action = policy_action(policy, name);

    return action && (action->has_then ? action->then : policy->then) == VERDICT_ALLOW;
}

enum fm_err weigh_learn(struct weighing *w, const struct proposal *p, const struct json *arguments,
                        const struct assessment *now)
{
    const struct policy *policy = w->input.policy;

    bool was_allowed = now && now->verdict == VERDICT_ALLOW; /* by a rule, for example */

    if (policy->warm_up && (was_allowed || is_allowed(policy, p->action))) {
        TRY(store_exec(w->ctx, w->conn, &SQL_USE,
                       ARGS(A_INT("$agent", p->agent), A_TEXT("$action", p->action))));
    }
    if (arguments && (policy->uses & POLICY_USES_RECIPIENTS)) {
        TRY(learn_recipients(w, arguments));
    }
    return w->request && policy_agent(policy, w->input.agent_name) ? domains_learn(w, p) : FM_OK;
}
