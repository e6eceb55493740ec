/* SPDX-License-Identifier: Apache-2.0
 *
 * From the texts of conditions to programs: what an expression of a policy may speak of, and what
 * is wrong with one, told at its place in the file.
 *
 * 1. The variables' numbers in the environment are those of enum policy_variable.
 * 2. Programs borrow the environment, and it the lexicons: all of them live as long as the policy.
 */
#include "base/panic.h"
#include "policy/inner.h"

#define FINDING_TEXT_MAX 240 /* bytes of what CEL says; the rest of a message fits beside it */

/* Types ---------------------------------------------------------------------------------------- */

struct member {
    const char *name;
    const struct cel_type *type;
    enum cel_member_flag flag;
};

/* An object with these members; NULL when memory is short. Ends in {0}. */
static struct cel_type *object(struct cel_env *env, const char *name, const struct member *members)
{
    struct cel_type *type = cel_type_object(env, str_of(name), false);

    for (; type && members->name; members++) {
        if (!members->type ||
            !cel_object_add(env, type, str_of(members->name), members->type, members->flag)) {
            return NULL;
        }
    }
    return type;
}

static const struct cel_type *action_type(struct cel_env *env)
{
    const struct cel_type *text = cel_type(CEL_T_STRING);
    const struct member members[] = {
        {"name", text, CEL_MEMBER_REQUIRED},
        {"effects", cel_type_list(env, text), CEL_MEMBER_REQUIRED},
        {"reversible", cel_type(CEL_T_BOOL), CEL_MEMBER_REQUIRED},
        {"domain", text, CEL_MEMBER_REQUIRED},
        {0},
    };

    return object(env, "action", members);
}

static const struct cel_type *brief_type(struct cel_env *env)
{
    const struct cel_type *text = cel_type(CEL_T_STRING);
    const struct cel_type *list = cel_type_list(env, cel_type(CEL_T_DYN));
    const struct member members[] = {
        {"summary", text, CEL_MEMBER_EMPTY},
        {"request", text, CEL_MEMBER_EMPTY},
        {"recommendation", text, CEL_MEMBER_EMPTY},
        {"reasoning", text, CEL_MEMBER_EMPTY},
        {"case_against", text, CEL_MEMBER_EMPTY},
        {"draft", text, CEL_MEMBER_EMPTY},
        {"evidence", list, CEL_MEMBER_EMPTY},
        {"options", list, CEL_MEMBER_EMPTY},
        {"confidence", cel_type(CEL_T_NUMBER), CEL_MEMBER_OPTIONAL},
        {0},
    };

    return object(env, "brief", members);
}

static const struct cel_type *agent_type(struct cel_env *env)
{
    const struct cel_type *text = cel_type(CEL_T_STRING);
    const struct member members[] = {
        {"id", text, CEL_MEMBER_REQUIRED},
        {"name", text, CEL_MEMBER_REQUIRED},
        {"owner", text, CEL_MEMBER_REQUIRED},
        {"version", text, CEL_MEMBER_REQUIRED},
        {0},
    };

    return object(env, "agent", members);
}

static const struct cel_type *history_type(struct cel_env *env)
{
    const struct cel_type *count = cel_type(CEL_T_INT), *sum = cel_type(CEL_T_NUMBER);
    const struct member of_one[] = {
#define X(name, text, us)                                                                          \
    {"count_" text, count, CEL_MEMBER_REQUIRED}, {"sum_" text, sum, CEL_MEMBER_REQUIRED},
        POLICY_WINDOWS(X)
#undef X
            {0},
    };
    const struct cel_type *one = object(env, "history", of_one);
    const struct member members[] = {
        {"agent", one, CEL_MEMBER_REQUIRED},
        {"category", one, CEL_MEMBER_REQUIRED},
        {"subject", one, CEL_MEMBER_REQUIRED},
        {0},
    };

    return object(env, "history", members);
}

static const struct cel_type *variable_type(struct cel_env *env, enum policy_variable variable)
{
    const struct cel_type *text = cel_type(CEL_T_STRING);

    switch (variable) {
    case POLICY_V_ACTION:
        return action_type(env);
    case POLICY_V_ARGS:
        return cel_type(CEL_T_DYN);
    case POLICY_V_BRIEF:
        return brief_type(env);
    case POLICY_V_AGENT:
        return agent_type(env);
    case POLICY_V_REQUESTER:
    case POLICY_V_SUBJECT:
    case POLICY_V_CATEGORY:
    case POLICY_V_SESSION:
        return text;
    case POLICY_V_DOMAINS:
        return cel_type_list(env, text);
    case POLICY_V_LABELS:
        return cel_type_map(env, text, text);
    case POLICY_V_NOW:
        return cel_type(CEL_T_TIMESTAMP);
    case POLICY_V_HISTORY:
        return history_type(env);
    case POLICY_VARIABLE_COUNT:
        break;
    }
    PANIC("a variable without a type");
}

/* The environment ---------------------------------------------------------------------------- */

static const char *const variable_names[] = {
#define X(name, text) text,
    POLICY_VARIABLES(X)
#undef X
};

static bool add_variables(struct cel_env *env)
{
    for (unsigned i = 0; i < POLICY_VARIABLE_COUNT; i++) {
        const struct cel_type *type = variable_type(env, (enum policy_variable)i);
        int number = type ? cel_env_add(env, str_of(variable_names[i]), type) : -1;
        if (number < 0) {
            return false;
        }
        ASSERT(number == (int)i);
    }
    return true;
}

static bool add_functions(struct cel_env *env, struct policy *policy)
{
    const struct cel_type *text = cel_type(CEL_T_STRING), *yes = cel_type(CEL_T_BOOL);
    const struct cel_function functions[] = {
        {.name = S("mentions"),
         .args = {text, text},
         .result = yes,
         .call = call_mentions,
         .varies = true,
         .with = policy,
         .cost = 20},
        {.name = S("unsourced"),
         .args = {cel_type(CEL_T_DYN), text},
         .result = yes,
         .call = call_unsourced,
         .varies = true,
         .with = policy,
         .cost = 100},
    };

    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (!cel_env_add_function(env, &functions[i])) {
            return false;
        }
    }
    return true;
}

/* What the language of conditions will have, and what serves until then. */
static const struct cel_reserved later[] = {
    {STR("params"),
     STR("this version does not know \"params\" yet: it comes with the MCP gateway, which sees the "
         "calls themselves; what the agent proposes stands in args")},
    {STR("token"),
     STR("this version does not know \"token\" yet: it comes with the MCP gateway, which sees the "
         "caller's; who asked stands in requester, the agent in agent.id")},
    {STR("agent.labels"),
     STR("this version does not know \"agent.labels\" yet: it comes with labels that admins "
         "give to agents; what an agent claims of a proposal stands in labels")},
    {{0}, {0}},
};

static struct cel_env *make_env(struct policy *policy)
{
    struct cel_env *env = cel_env_new();

    if (env) {
        cel_env_reserve(env, later);
    }

    if (env && add_variables(env) && add_functions(env, policy)) {
        return env;
    }
    cel_env_free(env);
    return NULL;
}

/* Findings ----------------------------------------------------------------------------------- */

/* Cut where a character ends. */
static struct str cut(struct str text, size_t max)
{
    size_t n = text.n < max ? text.n : max;

    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80) {
        n--;
    }
    return (struct str){text.p, n};
}

/* The line of the expression and the caret below. */
static struct str excerpt_of(struct load *load, struct str text, const struct cel_finding *finding)
{
    AUTO(buf_done) struct buf all = BUF_INIT(16 * KIB);
    struct str rest;

    cel_finding_write(&all, text, finding);
    rest = buf_str(&all);
    (void)str_split(&rest, '\n');
    while (rest.n && rest.p[rest.n - 1] == '\n') {
        rest.n--;
    }
    return rest.n ? arena_copy(load->scratch, rest) : STR_NONE;
}

static void report(struct load *load, const struct pending_expr *pending,
                   const struct cel_finding *finding, struct str action)
{
    struct str message = cut(finding->message, FINDING_TEXT_MAX);
    struct str near = cut(finding->suggestion, 60);

    finding_in_expr(load, node_place(load, pending->node, finding->offset),
                    excerpt_of(load, pending->expr->text, finding), "%s%s%.*s: %.*s%s%.*s%s",
                    pending->key, action.p ? " for " : "", STR_ARG(action), STR_ARG(message),
                    near.p ? "; did you mean " : "", STR_ARG(near), near.p ? "?" : "");
}

static void report_all(struct load *load, const struct pending_expr *pending,
                       const struct cel_findings *findings, struct str action)
{
    for (size_t i = 0; i < findings->count && !finding_full(load); i++) {
        report(load, pending, &findings->items[i], action);
    }
    if (findings->count == 0) {
        finding_error(load, pending->node->at, "%s: the expression cannot be used", pending->key);
    }
}

/* What a condition reads that is not known when it is needed. */
static void check_early(struct load *load, const struct pending_expr *pending)
{
    static const struct str late[] = {STR("history"), STR("domains"), STR("category")};

    for (size_t i = 0; pending->early && i < COUNT_OF(late); i++) {
        bool for_budget = !str_eq(str_of(pending->key), S("category")) && i == 2;
        if (!for_budget && cel_program_reads(pending->expr->program, late[i])) {
            finding_error(load, pending->node->at, "%s cannot depend on `%.*s`", pending->key,
                          STR_ARG(late[i]));
        }
    }
}

/* Lexicons that are named -------------------------------------------------------------------- */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Behind the string literal that begins at `at`. */
static size_t skip_string(struct str text, size_t at)
{
    char quote = text.p[at++];

    while (at < text.n && text.p[at] != quote) {
        at += text.p[at] == '\\' ? 2 : 1;
    }
    return at < text.n ? at + 1 : text.n;
}

/* The last argument of the call whose `(` stands at `at`, if it is a plain string literal; absent
 * when not. */
static struct str last_literal(struct str text, size_t at)
{
    size_t depth = 0, from = at + 1;

    for (; at < text.n; at++) {
        char c = text.p[at];
        if (c == '\'' || c == '"') {
            at = skip_string(text, at) - 1;
        } else if (strchr("([{", c)) {
            depth++;
        } else if (strchr(")]}", c) && --depth == 0) {
            break;
        } else if (c == ',' && depth == 1) {
            from = at + 1;
        }
    }
    while (from < at && strchr(" \t\n", text.p[from])) {
        from++;
    }
    if (at - from < 2 || (text.p[from] != '\'' && text.p[from] != '"') ||
        skip_string(text, from) > at) {
        return STR_NONE;
    }
    return (struct str){text.p + from + 1, skip_string(text, from) - from - 2};
}

static void report_lexicon(struct load *load, const struct pending_expr *pending, struct str name)
{
    struct nearest nearest = {.wanted = name};
    const struct policy *policy = load->policy;
    size_t offset = (size_t)(name.p - pending->expr->text.p);

    for (size_t i = 0; i < policy->lexicon_count; i++) {
        nearest_offer(load, &nearest, policy->lexicons[i].name);
    }
    finding_error(load, node_place(load, pending->node, offset), "%s: there is no lexicon %s%s",
                  pending->key, quoted(load, name), nearest_hint(load, &nearest));
}

/* A program does not tell its constants; so the text is looked at, which compiles by now. What is
 * not found here (a name that is computed) fails when it is evaluated. */
static void check_lexicons(struct load *load, const struct pending_expr *pending)
{
    static const struct str call = STR("mentions(");
    struct str text = pending->expr->text, name;

    for (size_t at = 0; at < text.n; at++) {
        if (text.p[at] == '\'' || text.p[at] == '"') {
            at = skip_string(text, at) - 1;
        } else if (str_starts(str_skip(text, at), call) &&
                   (at == 0 || !is_word_char(text.p[at - 1]))) {
            name = last_literal(text, at + call.n - 1);
            if (name.p && !policy_lexicon(load->policy, name)) {
                report_lexicon(load, pending, name);
            }
        }
    }
}

static unsigned uses_of(const struct cel_program *program)
{
    return (cel_program_reads(program, S("history")) ? POLICY_USES_HISTORY : 0) |
           (cel_program_reads(program, S("domains")) ? POLICY_USES_DOMAINS : 0) |
           (cel_program_calls(program, S("unsourced")) ? POLICY_USES_RECIPIENTS : 0);
}

static void compile(struct load *load, const struct pending_expr *pending)
{
    struct cel_findings findings = {0};
    struct ctx ctx;
    enum fm_err err;

    ctx_init(&ctx, load->scratch);
    err = cel_compile(&ctx, load->policy->env, pending->expr->text, pending->want, &findings,
                      &pending->expr->program);
    if (err != FM_OK) {
        pending->expr->program = NULL;
        if (err != FM_E_INVALID_ARGUMENT) {
            load->memory_short = true;
            return;
        }
        report_all(load, pending, &findings, STR_NONE);
        return;
    }
    pending->expr->uses = uses_of(pending->expr->program);
    load->policy->uses |= pending->expr->uses;
    check_early(load, pending);
    if (cel_program_calls(pending->expr->program, S("mentions"))) {
        check_lexicons(load, pending);
    }
}

/* Against schemas ---------------------------------------------------------------------------- */

/* The condition that says whether an expression matters for an action: of a budget's sum its
 * `when`; of a category nothing but its own action. NULL: it always does. */
static const struct policy_expr *guard_of(const struct policy *policy,
                                          const struct policy_expr *expr)
{
    for (size_t i = 0; i < policy->budget_count; i++) {
        if (expr == &policy->budgets[i].sum) {
            return policy->budgets[i].when.program ? &policy->budgets[i].when : NULL;
        }
    }
    return expr;
}

static bool concerns(struct load *load, const struct pending_expr *pending,
                     const struct policy_action *action)
{
    const struct policy_expr *guard = guard_of(load->policy, pending->expr);

    if (pending->want == CEL_WANT_STRING) { /* a category */
        return pending->expr == &action->category;
    }
    return !guard || types_concern(load, guard->program, action);
}

/* One more program, for one action; false when it was refused. The parts of it that are about other
 * actions only are not held against this one's arguments. */
static bool compile_for(struct load *load, const struct pending_expr *pending,
                        const struct policy_action *action, struct policy_typed *out)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct cel_findings findings = {0};
    struct policy_scope scope;
    struct ctx ctx;
    enum fm_err err;

    ctx_init(&ctx, load->scratch);
    cel_env_assume(load->policy->env, types_known(load, arena, &scope, action));
    err = cel_compile(&ctx, load->policy->env, pending->expr->text, pending->want, &findings,
                      &out->program);
    cel_env_assume(load->policy->env, NULL);
    if (err == FM_OK) {
        return true;
    }
    out->program = NULL;
    if (err == FM_E_INVALID_ARGUMENT) {
        report_all(load, pending, &findings, action->name);
    } else {
        load->memory_short = true;
    }
    return false;
}

/* An expression against all actions with a schema. Of several that it does not fit, the first is
 * told. */
static void compile_typed(struct load *load, const struct pending_expr *pending,
                          const struct cel_type *const *types, size_t *left)
{
    struct policy *policy = load->policy;
    struct policy_expr *expr = pending->expr;
    struct policy_typed *typed;
    bool good = true;

    if (!expr->program || !cel_program_reads(expr->program, S("args"))) {
        return;
    }
    typed = arena_zalloc(load->arena, policy->action_count, sizeof(*typed));
    load->memory_short |= !typed;
    expr->typed = typed;
    for (size_t i = 0; i < policy->action_count && good && !load->memory_short; i++) {
        struct policy_typed *row = &typed[expr->typed_count];
        if (!types[i]) {
            continue;
        }
        row->action = &policy->actions[i];
        expr->typed_count++;
        if (!concerns(load, pending, row->action)) {
            continue;
        }
        if ((*left)-- == 0) {
            finding_error(
                load, pending->node->at,
                "conditions on arguments, times the actions with a schema that they concern, "
                "are more than %d: name the actions they are about",
                POLICY_TYPED_MAX);
            return;
        }
        good = cel_env_add(policy->env, S("args"), types[i]) >= 0 &&
               compile_for(load, pending, row->action, row);
    }
}

/* Which members of arguments conditions name, and some schema knows; NULL when memory is short. */
static struct arguments_named *find_named(struct load *load)
{
    struct arguments_named *named = arena_zalloc(load->scratch, 1, sizeof(*named));

    load->memory_short |= !named;
    for (const struct pending_expr *p = load->exprs; named && p; p = p->next) {
        types_name(named, p->expr->text);
    }
    for (size_t i = 0; named && i < load->policy->action_count; i++) {
        const struct policy_action *action = &load->policy->actions[i];
        load->memory_short |= action->schema && !types_mark_known(load, action, named);
    }
    return named;
}

/* The types of all actions with a schema, by their place; NULL when there is none. */
static const struct cel_type **make_types(struct load *load)
{
    const struct policy *policy = load->policy;
    const struct cel_type **types =
        arena_zalloc(load->scratch, policy->action_count + 1, sizeof(*types));
    const struct arguments_named *named = find_named(load);
    bool any = false;

    load->memory_short |= !types;
    for (size_t i = 0; !load->memory_short && i < policy->action_count; i++) {
        if (policy->actions[i].schema) {
            types[i] = types_arguments(load, &policy->actions[i], named);
            load->memory_short |= !types[i];
            any = true;
        }
    }
    return any ? types : NULL;
}

static void compile_all_typed(struct load *load)
{
    const struct cel_type **types = make_types(load);
    size_t left = POLICY_TYPED_MAX;

    for (const struct pending_expr *pending = load->exprs;
         types && pending && !load->memory_short && !finding_full(load); pending = pending->next) {
        compile_typed(load, pending, types, &left);
    }
    load->memory_short |= cel_env_add(load->policy->env, S("args"), cel_type(CEL_T_DYN)) < 0;
}

void conditions_compile(struct load *load)
{
    if (!load->exprs) {
        return;
    }
    load->policy->env = make_env(load->policy);
    if (!load->policy->env) {
        load->memory_short = true;
        return;
    }
    for (const struct pending_expr *pending = load->exprs; pending && !load->memory_short;
         pending = pending->next) {
        compile(load, pending);
    }
    if (!load->memory_short) {
        compile_all_typed(load);
    }
}

/* The end ------------------------------------------------------------------------------------ */

static void expr_free(const struct policy_expr *expr)
{
    cel_program_free(expr->program);
    for (size_t i = 0; i < expr->typed_count; i++) {
        cel_program_free(expr->typed[i].program);
    }
}

void conditions_free(struct policy *policy)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        expr_free(&policy->rules[i].when);
    }
    for (size_t i = 0; i < policy->budget_count; i++) {
        expr_free(&policy->budgets[i].when);
        expr_free(&policy->budgets[i].sum);
    }
    for (size_t i = 0; i < policy->action_count; i++) {
        expr_free(&policy->actions[i].category);
    }
    cel_env_free(policy->env);
}

const struct cel_program *policy_program(const struct policy_expr *expr,
                                         const struct policy_action *action)
{
    size_t low = 0, high = expr->typed_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (expr->typed[middle].action == action) {
            return expr->typed[middle].program;
        }
        if (expr->typed[middle].action < action) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return expr->program;
}
