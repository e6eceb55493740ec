/* SPDX-License-Identifier: Apache-2.0
 *
 * What values that are known ahead decide. A program may be made for one value of a variable alone
 * (cel_env_assume): then `action.name == "a" && args.x > 1` is false for another action, whatever
 * its arguments are, and args.x need not be there. The side that decides is evaluated; what reads
 * anything unknown is an error there and decides nothing, so that nothing is left out that could
 * count.
 *
 * 1. A part is taken for decided only if it is so whatever the unknown variables are.
 */
#include "cel/check.h"

#define KNOWN_STEPS  2000u   /* of one part; a larger one counts as unknown */
#define KNOWN_MEMORY (1 * MIB)

/* Whether a part may say something about what is known: it spells such a variable, outside of
 * macros, whose own variables could have the same name. */
static bool may_be_known(const struct checker *checker, struct str text)
{
    const struct cel_env *env = checker->compiler->env;

    for (size_t i = 0; checker->local_count == 0 && i < env->variable_count; i++) {
        struct str name = env->variables[i].name;
        if (env->assumed->values[i].kind != KIND_UNSET &&
            memmem(text.p, text.n, name.p, name.n) != NULL) {
            return true;
        }
    }
    return false;
}

/* The value of a part of the text by what is known alone. */
static struct cel_value value_of(const struct cel_env *env, struct str text, struct arena *arena)
{
    AUTO(cel_program_done) struct cel_program *program = NULL;
    struct cel_env plain = *env; /* parts of parts are not looked at: that would take 2^depth */
    struct ctx ctx;

    plain.assumed = NULL;
    ctx_init(&ctx, arena);
    return cel_compile(&ctx, &plain, text, CEL_WANT_BOOL, NULL, &program) == FM_OK
               ? cel_eval(program, env->assumed, arena, KNOWN_STEPS).value
               : cel_null();
}

bool cel_check_known(const struct checker *checker, const struct node *node, bool *truth)
{
    const struct compiler *compiler = checker->compiler;
    struct str text = {compiler->text.p + node->start, node->end - node->start};
    struct cel_value value = {.kind = CEL_NULL};

    if (!compiler->env->assumed || node->end <= node->start || !may_be_known(checker, text)) {
        return false;
    }
    AUTO(arena_done) struct arena *arena = arena_new(KNOWN_MEMORY);
    if (arena) {
        value = value_of(compiler->env, text, arena);
    }
    *truth = value.kind == CEL_BOOL && value.as.yes;
    return value.kind == CEL_BOOL;
}

/* Whether one side decides the whole `&&` or `||`, which then is a constant. */
bool cel_check_decided(struct checker *checker, struct node *node)
{
    bool absorbing = node->kind == NODE_OR, truth;

    for (uint32_t i = 0; i < node->count; i++) {
        if (cel_check_known(checker, node->args[i], &truth) && truth == absorbing) {
            node->kind = NODE_CONST;
            node->count = 0;
            node->as.value = cel_bool(absorbing);
            node->type = cel_type(CEL_T_BOOL);
            return true;
        }
    }
    return false;
}
