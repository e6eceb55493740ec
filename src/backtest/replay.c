/* SPDX-License-Identifier: Apache-2.0
 *
 * One policy over the proposals of the past, in the steps of a submission (flow/weigh.c): but
 * what is counted is kept in memory, and nobody draws.
 *
 * It must never let pass what could not be evaluated: an error stays a reason for review, as it
 * is live.
 */
#include "backtest/inner.h"

#include "base/panic.h"
#include "intake/intake.h"

#define SESSION_DOMAINS_MAX 32 /* as flow/weigh.c reads them */
#define BUCKETS             60 /* of a budget's window, as flow/windows.c cuts it */

/* Known without being asked of the past: reasons that were drawn or learnt at the time. */
static const char *const kept_sources[] = {"novelty", "confidence", "provenance", "flood",
                                           "pause",   "warm_up",    "spot_check"};

enum fm_err replay_open(struct ctx *ctx, struct arena *arena, const struct policy *policy,
                        struct replay *out)
{
    *out = (struct replay){.policy = policy, .arena = arena};
    out->sessions = map_new();
    out->recipients = map_new();
    out->matched =
        arena_zalloc(arena, policy->rule_count + policy->budget_count + 1, sizeof(*out->matched));
    if (!out->sessions || !out->recipients || !out->matched) {
        return fail_memory(ctx);
    }
    return windows_open(ctx, arena, &out->windows);
}

void replay_done(struct replay *replay)
{
    map_free(replay->sessions);
    map_free(replay->recipients);
    windows_done(&replay->windows);
}

/* One proposal on its way. */
struct passage {
    struct ctx *ctx;
    struct replay *replay;
    const struct backtest_case *one;
    struct assessment *out;
    struct assess_input input;
};

static struct str member_text(const struct backtest_case *one, const char *name)
{
    struct str text = json_text(json_get(one->request, str_of(name)));

    return text.p ? text : S("");
}

/* Refusals
 * --------------------------------------------------------------------------------------- */

/* Why intake would refuse it, and what it falls short of; absent: it would not. */
static struct str refusal(struct passage *p, const char **source)
{
    static const struct json no_arguments = {.kind = JSON_OBJECT};
    const struct json *arguments = json_get(p->one->request, S("arguments"));
    struct ctx check;
    enum fm_err err;

    ctx_init(&check, p->ctx->arena);
    err = intake_check_schema(&check, p->replay->policy, p->one->action,
                              arguments ? arguments : &no_arguments);
    *source = "schema";
    if (err == FM_OK) {
        *source = "brief";
        err = intake_check_brief(&check, p->replay->policy, p->one->action,
                                 json_get(p->one->request, S("brief")));
    }
    return err == FM_OK ? STR_NONE : arena_copy(p->ctx->arena, str_of(check.detail));
}

static bool is_refused(struct passage *p)
{
    const char *source;
    struct str why = refusal(p, &source);

    if (!why.p) {
        return false;
    }
    *p->out = (struct assessment){.verdict = VERDICT_BLOCK, .category = p->one->action};
    assess_add(p->out,
               (struct assess_reason){.source = source, .verdict = VERDICT_BLOCK, .text = why});
    return true;
}

/* What conditions ask of the past
 * ------------------------------------------------------------------ */

static const int64_t window_us[] = {
#define X(name, text, us) us,
    POLICY_WINDOWS(X)
#undef X
};

static int64_t narrow(wide micros)
{
    return micros > INT64_MAX ? INT64_MAX : (int64_t)micros;
}

static enum fm_err history_window(struct passage *p, enum assess_whose whose, size_t i,
                                  struct str category, struct window **out)
{
    static const struct str kinds[] = {STR("agent"), STR("category"), STR("subject")};
    struct str key = whose == WHOSE_AGENT      ? p->one->agent_id
                     : whose == WHOSE_CATEGORY ? category
                                               : member_text(p->one, "subject");

    return windows_of(p->ctx, &p->replay->windows, S("history"), kinds[whose], key,
                      window_us[i] <= HOUR_US ? MINUTE_US : HOUR_US, window_us[i], out);
}

static bool read_history(void *with, struct str category, struct assess_history *out)
{
    struct passage *p = with;

    for (unsigned whose = 0; whose < WHOSE_COUNT; whose++) {
        for (size_t i = 0; i < POLICY_WINDOW_COUNT; i++) {
            struct window *window;
            if (history_window(p, (enum assess_whose)whose, i, category, &window) != FM_OK) {
                return false;
            }
            window_advance(window, p->one->at_us);
            out->count[whose][i] = window->count;
            out->micros[whose][i] = narrow(window->micros);
        }
    }
    return true;
}

/* The amount that `history` sums: the argument of that name, where it is one. */
static int64_t history_amount(const struct backtest_case *one)
{
    const struct json *amount = json_get(json_get(one->request, S("arguments")), S("amount"));
    bool is_text = amount && (amount->kind == JSON_NUMBER || amount->kind == JSON_STRING);
    int64_t micros;

    return is_text && policy_micros(amount->as.text, &micros) ? micros : 0;
}

static enum fm_err count_history(struct passage *p)
{
    int64_t micros = history_amount(p->one);

    for (unsigned whose = 0; whose < WHOSE_COUNT; whose++) {
        for (size_t i = 0; i < POLICY_WINDOW_COUNT; i++) {
            struct window *window;
            TRY(history_window(p, (enum assess_whose)whose, i, p->out->category, &window));
            window_advance(window, p->one->at_us);
            TRY(window_add(p->ctx, &p->replay->windows, window, micros, p->one->at_us));
        }
    }
    return FM_OK;
}

/* Of which action, and for whom the agent acts; one that is absent stands for the other. */
static struct hash recipient_key(const struct backtest_case *one, bool subject, struct str value)
{
    AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB);
    struct str names[] = {member_text(one, "on_behalf_of"), member_text(one, "subject")};
    struct str party = names[subject].n ? names[subject] : names[!subject];

    buf_printf(&text, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(one->agent_id), STR_ARG(party),
               STR_ARG(one->action), STR_ARG(value));
    return sha256(buf_str(&text));
}

static bool is_known(void *with, struct str recipient)
{
    struct passage *p = with;

    for (int subject = 0; subject < 2; subject++) {
        struct hash key = recipient_key(p->one, subject, recipient);
        const int64_t *since = map_find(p->replay->recipients, (struct str){hash_str(&key).p, 16});
        if (since && *since <= p->one->at_us) {
            return true;
        }
    }
    return false;
}

struct learning {
    struct passage *p;
    enum fm_err err;
};

static void learn(void *with, struct str pointer, struct str text, struct str normal)
{
    struct learning *learning = with;
    struct passage *p = learning->p;

    (void)pointer, (void)text;
    for (int subject = 0; subject < 2 && learning->err == FM_OK; subject++) {
        struct hash key = recipient_key(p->one, subject, normal);
        struct str bytes = {hash_str(&key).p, 16};
        int64_t *since = map_find(p->replay->recipients, bytes);
        if (since) {
            *since = *since < p->one->ended_at_us ? *since : p->one->ended_at_us;
            continue;
        }
        since = arena_zalloc(p->replay->arena, 1, sizeof(*since));
        if (!since || !map_put(p->replay->recipients, bytes, since)) {
            learning->err = fail_memory(p->ctx);
            return;
        }
        *since = p->one->ended_at_us;
    }
}

/* People approved it: whom it went to is known from then on. */
static enum fm_err learn_recipients(struct passage *p)
{
    const struct json *arguments = json_get(p->one->request, S("arguments"));
    struct learning learning = {.p = p};

    if (!arguments || !policy_recipients(p->ctx->arena, arguments, learn, &learning)) {
        return arguments ? fail_memory(p->ctx) : FM_OK;
    }
    return learning.err;
}

/* Domains of sessions
 * ------------------------------------------------------------------------------ */

static bool list_has(const struct str *items, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(items[i], text)) {
            return true;
        }
    }
    return false;
}

static struct str session_key(struct passage *p)
{
    struct str session = member_text(p->one, "session");

    return session.n ? arena_printf(p->ctx->arena, "%.*s\n%.*s", STR_ARG(p->one->agent_id),
                                    STR_ARG(session))
                     : STR_NONE;
}

static enum fm_err read_domains(struct passage *p)
{
    const struct policy_list *own = &p->out->domains;
    struct str *items =
        arena_zalloc(p->ctx->arena, SESSION_DOMAINS_MAX + own->count, sizeof(*items));
    struct str key = session_key(p);
    size_t count = 0;

    if (!items) {
        return fail_memory(p->ctx);
    }
    for (size_t i = 0; i < own->count; i++) {
        items[count++] = own->items[i];
    }
    const struct domains_seen *seen = key.p ? map_find(p->replay->sessions, key) : NULL;
    for (size_t n = 0; seen && n < SESSION_DOMAINS_MAX; seen = seen->next, n++) {
        if (!list_has(items, count, seen->domain)) {
            items[count++] = seen->domain;
        }
    }
    p->input.session_domains = (struct policy_list){items, count};
    return FM_OK;
}

static enum fm_err keep_domains(struct passage *p)
{
    struct str key = session_key(p);

    for (size_t i = 0; key.p && i < p->out->domains.count; i++) {
        struct domains_seen *first = map_find(p->replay->sessions, key);
        struct domains_seen *row = arena_zalloc(p->replay->arena, 1, sizeof(*row));
        bool seen = false;
        for (const struct domains_seen *old = first; old; old = old->next) {
            seen |= str_eq(old->domain, p->out->domains.items[i]);
        }
        if (seen) {
            continue;
        }
        if (!row) {
            return fail_memory(p->ctx);
        }
        *row = (struct domains_seen){first, arena_copy(p->replay->arena, p->out->domains.items[i])};
        if (!row->domain.p || !map_put(p->replay->sessions, key, row)) {
            return fail_memory(p->ctx);
        }
    }
    return FM_OK;
}

/* Budgets
 * ---------------------------------------------------------------------------------------- */

static enum fm_err budget_window(struct passage *p, const struct policy_budget *budget,
                                 struct window **out)
{
    int64_t width_us =
        budget->window_us / BUCKETS > SECOND_US ? budget->window_us / BUCKETS : SECOND_US;
    struct str key = S("");

    switch (budget->per) {
    case PER_AGENT:
        key = p->one->agent_id;
        break;
    case PER_CATEGORY:
        key = p->out->category;
        break;
    case PER_SUBJECT:
        key = member_text(p->one, "subject");
        break;
    case PER_ACTION:
        key = p->one->action;
        break;
    case PER_ALL:
        break;
    }
    return windows_of(p->ctx, &p->replay->windows, str_of(budget_per_name(budget->per)), budget->id,
                      key, width_us, budget->window_us, out);
}

static enum fm_err weigh_uses(struct passage *p)
{
    const struct policy *policy = p->replay->policy;

    for (size_t i = 0; i < p->out->use_count; i++) {
        const struct assess_use *use = &p->out->uses[i];
        struct window *window;
        TRY(budget_window(p, use->budget, &window));
        window_advance(window, p->one->at_us);
        if (window->micros + use->micros <= use->budget->limit_micros) {
            continue;
        }
        p->replay->matched[policy->rule_count + (size_t)(use->budget - policy->budgets)]++;
        assess_add(p->out, (struct assess_reason){.source = "budget",
                                                  .verdict = use->budget->then,
                                                  .rule = use->budget->id,
                                                  .text = use->budget->because.p
                                                              ? use->budget->because
                                                              : S("The budget would be exceeded")});
    }
    return FM_OK;
}

static enum fm_err charge(struct passage *p)
{
    bool waits = p->out->verdict != VERDICT_ALLOW && p->one->ended;

    for (size_t i = 0; i < p->out->use_count; i++) {
        struct window *window;
        TRY(budget_window(p, p->out->uses[i].budget, &window));
        TRY(window_add(p->ctx, &p->replay->windows, window, p->out->uses[i].micros, p->one->at_us));
        if (waits) {
            TRY(windows_give_back(p->ctx, &p->replay->windows,
                                  (struct giveback){.at_us = p->one->ended_at_us,
                                                    .bucket = window->slots[window->end - 1].bucket,
                                                    .micros = p->out->uses[i].micros,
                                                    .window = window}));
        }
    }
    return FM_OK;
}

/* What was drawn or learnt
 * -------------------------------------------------------------------------- */

static bool is_kept(const struct passage *p, struct str source)
{
    const struct policy *policy = p->replay->policy;
    bool drawn = str_eq(source, S("warm_up")) || str_eq(source, S("spot_check"));

    if (drawn) {
        return policy->warm_up > 0 && p->out->verdict == VERDICT_ALLOW;
    }
    if (str_eq(source, S("novelty"))) { /* domains never approved together, where the policy asks */
        return policy_agent(policy, p->one->agent_name) != NULL;
    }
    for (size_t i = 0; i < COUNT_OF(kept_sources); i++) {
        if (str_eq(source, str_of(kept_sources[i]))) {
            return true;
        }
    }
    return false;
}

/* The table's own text of a source: reasons outlive the request. */
static const char *source_text(struct str source)
{
    for (size_t i = 0; i < COUNT_OF(kept_sources); i++) {
        if (str_eq(source, str_of(kept_sources[i]))) {
            return kept_sources[i];
        }
    }
    return "recorded";
}

static enum verdict verdict_of(struct str name)
{
    for (unsigned verdict = VERDICT_ALLOW; verdict < VERDICT_BLOCK; verdict++) {
        if (str_eq(name, str_of(verdict_name((enum verdict)verdict)))) {
            return (enum verdict)verdict;
        }
    }
    return VERDICT_BLOCK;
}

static void keep_recorded(struct passage *p)
{
    const struct json *reasons = p->one->reasons;

    for (uint32_t i = 0; reasons && i < reasons->count; i++) {
        const struct json *reason = &reasons->as.items[i];
        struct str source = json_text(json_get(reason, S("source")));
        if (is_kept(p, source)) {
            assess_add(p->out, (struct assess_reason){
                                   .source = source_text(source),
                                   .verdict = verdict_of(json_text(json_get(reason, S("verdict")))),
                                   .text = json_text(json_get(reason, S("text")))});
        }
    }
}

/* All of it
 * ---------------------------------------------------------------------------------------- */

static bool watches_domains(const struct passage *p)
{
    const struct policy *policy = p->replay->policy;

    return (policy->uses & POLICY_USES_DOMAINS) || policy_agent(policy, p->one->agent_name) != NULL;
}

/* What an accepted proposal leaves behind. */
static enum fm_err settle(struct passage *p)
{
    const struct policy *policy = p->replay->policy;

    if (p->out->verdict == VERDICT_BLOCK) {
        return FM_OK;
    }
    TRY(charge(p));
    if (policy->uses & POLICY_USES_HISTORY) {
        TRY(count_history(p));
    }
    if (watches_domains(p)) {
        TRY(keep_domains(p));
    }
    if ((policy->uses & POLICY_USES_RECIPIENTS) && p->one->decision == BACKTEST_APPROVED) {
        TRY(learn_recipients(p));
    }
    return FM_OK;
}

static enum fm_err assess_case(struct passage *p)
{
    const struct policy *policy = p->replay->policy;

    TRY(assess_begin(p->ctx, &p->input, p->out));
    if (watches_domains(p)) {
        TRY(read_domains(p));
    }
    if (assess_needs_counts(policy)) {
        TRY(assess_counted(p->ctx, &p->input, p->out));
    }
    TRY(weigh_uses(p));
    TRY(assess_finish(p->ctx, policy, p->out));
    keep_recorded(p);
    return FM_OK;
}

enum fm_err replay_case(struct ctx *ctx, struct replay *replay, const struct backtest_case *one,
                        struct assessment *assessment, unsigned *outcome)
{
    struct passage p = {.ctx = ctx, .replay = replay, .one = one, .out = assessment};

    p.input = (struct assess_input){
        .policy = replay->policy,
        .action = one->action,
        .request = one->request,
        .agent_id = one->agent_id,
        .agent_name = one->agent_name,
        .owner = one->owner,
        .now_us = one->at_us,
        .is_known = is_known,
        .history = read_history,
        .with = &p,
        .unexplained = true,
        .matched = replay->matched,
    };
    windows_settle(&replay->windows, one->at_us);
    if (is_refused(&p)) {
        *outcome = OUTCOME_REFUSED;
        return FM_OK;
    }
    TRY(assess_case(&p));
    *outcome = assessment->verdict;
    return settle(&p);
}
