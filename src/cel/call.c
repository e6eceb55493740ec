/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls of functions, and the way in: activations and cel_eval.
 */
#include "cel/inner.h"

#define NEAR_MEMBERS_MAX 200u /* that are compared with one that is not there */

/* Functions of ours ---------------------------------------------------------------------------- */

/* Whether a value may be passed where that type was declared; a whole number of JSON becomes an
 * int. */
static bool fits(struct cel_value *value, const struct cel_type *type)
{
    static const uint8_t kinds[] = {
        [CEL_T_NULL] = CEL_NULL,
        [CEL_T_BOOL] = CEL_BOOL,
        [CEL_T_INT] = CEL_INT,
        [CEL_T_UINT] = CEL_UINT,
        [CEL_T_DOUBLE] = CEL_DOUBLE,
        [CEL_T_NUMBER] = CEL_DOUBLE,
        [CEL_T_STRING] = CEL_STRING,
        [CEL_T_BYTES] = CEL_BYTES,
        [CEL_T_TIMESTAMP] = CEL_TIMESTAMP,
        [CEL_T_DURATION] = CEL_DURATION,
        [CEL_T_LIST] = CEL_LIST,
        [CEL_T_MAP] = CEL_MAP,
        [CEL_T_TYPE] = CEL_TYPE,
        [CEL_T_OPTIONAL] = CEL_OPTIONAL,
        [CEL_T_OBJECT] = CEL_MAP,
    };
    int64_t number;

    if (type->kind == CEL_T_DYN || type->kind == CEL_T_VAR || type->kind == CEL_T_OPAQUE) {
        return true;
    }
    if (type->kind == CEL_T_INT && is_json_number(*value) && cel_value_to_int(*value, &number)) {
        *value = cel_int(number);
        return true;
    }
    if (type->kind == CEL_T_NUMBER) {
        return value->kind == CEL_INT || value->kind == CEL_UINT || value->kind == CEL_DOUBLE;
    }
    return value->kind == kinds[type->kind];
}

static bool takes(const struct cel_function *function, const struct node *node,
                  struct cel_value *args)
{
    size_t count = 0;

    if (function->receiver != ((node->flags & NODE_F_RECEIVER) != 0)) {
        return false;
    }
    while (count < CEL_ARGUMENTS_MAX && function->args[count]) {
        count++;
    }
    if (count != node->count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!fits(&args[i], function->args[i])) {
            return false;
        }
    }
    return true;
}

static struct cel_value call_ours(struct cel_eval *eval, const struct node *node,
                                  struct cel_value *args)
{
    const struct callee *callee = node->as.callee;

    for (size_t i = 0; i < callee->function_count; i++) {
        const struct cel_function *function = callee->functions[i];
        struct cel_call call = {eval->arena,
                                eval->activation ? eval->activation->of_activation : NULL, eval};
        struct cel_value value;
        if (!takes(function, node, args)) {
            continue;
        }
        if (!eval_pay(eval, function->cost)) {
            return cel_eval_too_costly();
        }
        eval->node = node;
        value = function->call(&call, function->with, args, node->count);
        return eval->broke ? cel_eval_too_costly() : value;
    }
    return cel_eval_no_overload(eval, node, args, node->count);
}

struct cel_value cel_eval_call(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    const struct callee *callee = node->as.callee;
    struct cel_value args[CALL_ARGS_MAX], value;

    for (uint32_t i = 0; i < node->count && i < CALL_ARGS_MAX; i++) {
        args[i] = cel_eval_node(eval, node->args[i], depth - 1);
        if (is_error(args[i])) {
            return args[i];
        }
        if (node->op == CALL_LAZY && i == 0 && args[0].kind == CEL_OPTIONAL && args[0].as.some) {
            args[1] = value_none(); /* what it would fall back to is not looked at */
            break;
        }
    }
    if (!callee) {
        return cel_eval_fail(eval, node, "there is no function %.*s()", STR_ARG(node->name));
    }
    if (!callee->builtin) {
        return call_ours(eval, node, args);
    }
    if (!eval_pay(eval, callee->builtin->steps)) {
        return cel_eval_too_costly();
    }
    value = callee->builtin->call(eval, node, args, node->count);
    return eval->broke ? cel_eval_too_costly() : value;
}

/* Activations ---------------------------------------------------------------------------------- */

struct cel_activation *cel_activation_new(const struct cel_env *env, struct arena *arena,
                                          void *of_activation)
{
    struct cel_activation *activation = arena_zalloc(arena, 1, sizeof(*activation));
    size_t count = env->variable_count ? env->variable_count : 1;
    struct cel_value *values = arena_zalloc(arena, count, sizeof(*values));
    struct lazy *lazies = arena_zalloc(arena, count, sizeof(*lazies));

    if (!activation || !values || !lazies) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        values[i].kind = KIND_UNSET;
    }
    *activation = (struct cel_activation){env, arena, of_activation, values, lazies};
    return activation;
}

void cel_set(struct cel_activation *activation, int variable, struct cel_value value)
{
    if (variable >= 0 && (size_t)variable < activation->env->variable_count) {
        activation->values[variable] = value;
    }
}

void cel_set_lazy(struct cel_activation *activation, int variable, cel_lazy_fn *compute, void *with)
{
    if (variable >= 0 && (size_t)variable < activation->env->variable_count) {
        activation->lazies[variable] = (struct lazy){compute, with};
        activation->values[variable] = (struct cel_value){.kind = KIND_LAZY, .as.number = variable};
    }
}

/* Evaluation ----------------------------------------------------------------------------------- */

struct str cel_eval_message(const struct cel_program *program, struct arena *arena,
                            const struct cel_error *error)
{
    uint32_t line, column;
    struct str text;

    cel_place_of(program->text, error->offset, &line, &column);
    text = arena_printf(arena, "%u:%u: %.*s", line, column, STR_ARG(error->message));
    return text.p ? text : error->message;
}

/* The member that was perhaps meant; absent: none is near. */
static struct str near_member(const struct missed *missed)
{
    struct nearest nearest = {.wanted = missed->name};
    size_t count = missed->in.kind == CEL_MAP ? cel_size(missed->in) : 0;

    for (size_t i = 0; i < count && i < NEAR_MEMBERS_MAX; i++) {
        struct cel_value key = cel_key_at(missed->in, i);
        if (key.kind == CEL_STRING) {
            cel_nearest_offer(&nearest, key.as.text);
        }
    }
    return nearest.best;
}

/* The error as it is told: where the budget ended, what member there is instead. The same when
 * memory is short. */
static struct cel_value told(const struct cel_eval *eval, struct cel_value value)
{
    const struct cel_error *error = value.as.error;
    struct cel_error *out = arena_alloc(eval->arena, sizeof(*out));
    bool missed = eval->missed.node && error->offset == eval->missed.node->at &&
                  str_starts(error->message, S("no such key: "));
    struct str near = missed ? near_member(&eval->missed) : STR_NONE, text = STR_NONE;

    if (!out) {
        return value;
    }
    *out = *error;
    if (error->kind != CEL_FAILED) {
        out->offset = eval->here->at;
    }
    if (near.p) {
        text = arena_printf(eval->arena, "%.*s; did you mean %.*s?", STR_ARG(error->message),
                            STR_ARG(near));
    }
    out->message = text.p ? text : error->message;
    return (struct cel_value){.kind = CEL_ERROR, .as.error = out};
}

/* What was only known at run time: whether the result is of the wanted kind. */
static struct cel_value check_want(struct cel_eval *eval, struct cel_value value)
{
    static const char *const names[] = {"any", "bool", "string", "a number"};
    enum cel_want want = eval->program->want;
    bool good = want == CEL_WANT_ANY || is_error(value);

    good |= want == CEL_WANT_BOOL && value.kind == CEL_BOOL;
    good |= want == CEL_WANT_STRING && value.kind == CEL_STRING;
    good |= want == CEL_WANT_NUMBER &&
            (value.kind == CEL_INT || value.kind == CEL_UINT || value.kind == CEL_DOUBLE);
    return good ? value
                : cel_eval_fail(eval, eval->program->root,
                                "the result is of type %.*s, and %s is wanted",
                                STR_ARG(cel_value_type_name(value)), names[want]);
}

struct cel_result cel_eval(const struct cel_program *program, struct cel_activation *activation,
                           struct arena *arena, uint64_t budget)
{
    struct cel_value locals[LOCALS_MAX];
    uint64_t allowed = budget ? budget : CEL_COST_MAX;
    struct cel_eval eval = {.left = allowed,
                            .program = program,
                            .activation = activation,
                            .arena = arena,
                            .locals = locals};
    struct cel_result result = {.message = STR_NONE};

    result.value = check_want(&eval, cel_eval_node(&eval, program->root, CEL_DEPTH_MAX + 1));
    result.cost = allowed - eval.left;
    if (is_error(result.value)) {
        result.value = told(&eval, result.value);
        result.error = result.value.as.error->kind;
        result.message = cel_eval_message(program, arena, result.value.as.error);
    }
    return result;
}
