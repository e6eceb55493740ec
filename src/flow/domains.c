/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of the business that an agent brings together: the domains of a session so far, and the pairs
 * that people have approved.
 */
#include "flow/flow_internal.h"

#define SESSION_DOMAINS_MAX 32

SQL(SQL_DOMAINS, "SELECT domain FROM session_domains WHERE agent = $agent AND session = $session"
                 " AND at <= $at ORDER BY domain LIMIT $max");
SQL(SQL_DOMAIN,
    "INSERT INTO session_domains(agent, session, domain, at)"
    " VALUES($agent, $session, $domain, $at) ON CONFLICT(agent, session, domain) DO NOTHING");
SQL(SQL_PAIR_KNOWN, "SELECT count(*) FROM domain_pairs WHERE agent = $agent AND first = $first"
                    " AND second = $second");
SQL(SQL_PAIR, "INSERT INTO domain_pairs(agent, first, second) VALUES($agent, $first, $second)"
              " ON CONFLICT(agent, first, second) DO NOTHING");

bool domains_are_watched(const struct weighing *w)
{
    const struct policy *policy = w->input.policy;

    return (policy->uses & POLICY_USES_DOMAINS) ||
           policy_agent(policy, w->input.agent_name) != NULL;
}

static bool list_has(const struct policy_list *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq(list->items[i], text)) {
            return true;
        }
    }
    return false;
}

/* The domains of the session up to `at_us`, and the proposal's own. */
static enum fm_err read_domains(const struct weighing *w, const struct policy_list *own,
                                int64_t at_us, struct policy_list *out)
{
    struct str session = weigh_text(w->request, "session");
    struct id hash = weigh_hash(session);
    struct str *items =
        arena_zalloc(w->ctx->arena, SESSION_DOMAINS_MAX + own->count, sizeof(*items));
    struct store_rows *rows;

    if (!items) {
        return fail_memory(w->ctx);
    }
    *out = (struct policy_list){items, 0};
    for (size_t i = 0; i < own->count; i++) {
        items[out->count++] = own->items[i];
    }
    if (session.n == 0) {
        return FM_OK;
    }
    w->ctx->err = FM_OK;
    TRY(store_query(w->ctx, w->conn, &SQL_DOMAINS,
                    ARGS(A_INT("$agent", w->agent), A_BLOB("$session", id_bytes(&hash)),
                         A_INT("$at", at_us), A_INT("$max", SESSION_DOMAINS_MAX)),
                    &rows));
    while (rows_next(w->ctx, rows)) {
        struct str domain = arena_copy(w->ctx->arena, rows_bytes(rows, 0));
        if (!list_has(out, domain)) {
            items[out->count++] = domain;
        }
    }
    return w->ctx->err;
}

/* Remembers the proposal's domains for the rest of its session. */
enum fm_err domains_keep(const struct weighing *w, const struct policy_list *own)
{
    struct str session = weigh_text(w->request, "session");
    struct id hash = weigh_hash(session);

    for (size_t i = 0; session.n && i < own->count; i++) {
        TRY(store_exec(w->ctx, w->conn, &SQL_DOMAIN,
                       ARGS(A_INT("$agent", w->agent), A_BLOB("$session", id_bytes(&hash)),
                            A_TEXT("$domain", own->items[i]), A_INT("$at", w->now_us))));
    }
    return FM_OK;
}

/* Calls `visit` for each pair of a domain of its own with another one, the lesser first. */
static enum fm_err each_pair(const struct weighing *w, const struct policy_list *own,
                             const struct policy_list *all,
                             enum fm_err (*visit)(const struct weighing *w, struct str first,
                                                  struct str second, void *with),
                             void *with)
{
    for (size_t i = 0; i < own->count; i++) {
        for (size_t k = 0; k < all->count; k++) {
            int order = str_cmp(own->items[i], all->items[k]);
            bool again = k < own->count && k < i; /* seen the other way round */
            if (order != 0 && !again) {
                TRY(visit(w, order < 0 ? own->items[i] : all->items[k],
                          order < 0 ? all->items[k] : own->items[i], with));
            }
        }
    }
    return FM_OK;
}

/* The first pair that was never approved adds a reason. */
static enum fm_err judge_pair(const struct weighing *w, struct str first, struct str second,
                              void *with)
{
    struct assessment *out = with;
    int64_t known;
    struct assess_reason reason = {.source = "novelty", .verdict = VERDICT_REVIEW};

    TRY(store_int(
        w->ctx, w->conn, &SQL_PAIR_KNOWN,
        ARGS(A_INT("$agent", w->agent), A_TEXT("$first", first), A_TEXT("$second", second)), 0,
        &known));
    if (known) {
        return FM_OK;
    }
    reason.text = arena_printf(w->ctx->arena,
                               "People have never approved %.*s together with %.*s for this agent",
                               STR_ARG(first), STR_ARG(second));
    if (!reason.text.p) {
        return fail_memory(w->ctx);
    }
    assess_add(out, reason);
    return FM_OK;
}

static enum fm_err record_pair(const struct weighing *w, struct str first, struct str second,
                               void *with)
{
    (void)with;
    return store_exec(
        w->ctx, w->conn, &SQL_PAIR,
        ARGS(A_INT("$agent", w->agent), A_TEXT("$first", first), A_TEXT("$second", second)));
}

enum fm_err domains_weigh(struct weighing *w, struct assessment *out)
{
    TRY(read_domains(w, &out->domains, w->now_us, &w->input.session_domains));
    if (!policy_agent(w->input.policy, w->input.agent_name)) {
        return FM_OK;
    }
    return each_pair(w, &out->domains, &w->input.session_domains, judge_pair, out);
}

enum fm_err domains_learn(const struct weighing *w, const struct proposal *p)
{
    struct assessment assessment;
    struct policy_list all;

    TRY(assess(w->ctx, &w->input, &assessment));
    TRY(read_domains(w, &assessment.domains, p->created_at, &all));
    return each_pair(w, &assessment.domains, &all, record_pair, NULL);
}
