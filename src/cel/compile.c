/* SPDX-License-Identifier: Apache-2.0
 *
 * From a text to a program: parse, check, prepare. What is found out on the way lives in the
 * program's own arena, findings in the caller's.
 */
#include "cel/inner.h"

static struct cel_program *program_new(const struct cel_env *env, struct str text,
                                       enum cel_want want)
{
    struct arena *arena = arena_new(CEL_PROGRAM_BYTES_MAX);
    struct cel_program *program = arena ? arena_zalloc(arena, 1, sizeof(*program)) : NULL;
    struct str copy = program ? arena_copy(arena, text.p ? text : S("")) : STR_NONE;

    if (!copy.p) {
        arena_free(arena);
        return NULL;
    }
    program->arena = arena;
    program->env = env;
    program->text = copy;
    program->want = want;
    return program;
}

void cel_program_free(struct cel_program *program)
{
    if (!program) {
        return;
    }
    for (struct resource *one = program->resources; one; one = one->next) {
        one->free(one->what);
    }
    arena_free(program->arena);
}

bool cel_compiler_keep(struct compiler *compiler, void *what, void (*free_fn)(void *what))
{
    struct resource *resource = arena_zalloc(compiler->arena, 1, sizeof(*resource));

    if (!resource) {
        free_fn(what);
        compiler->full = true;
        return false;
    }
    *resource = (struct resource){compiler->program->resources, free_fn, what};
    compiler->program->resources = resource;
    return true;
}

/* What can be said of the text before it is read; false after a finding. */
static bool check_text(struct compiler *compiler)
{
    if (compiler->text.n > CEL_TEXT_MAX) {
        cel_compiler_found(compiler, 0, "the expression is too long; at most %zu bytes are allowed",
                           CEL_TEXT_MAX);
        return false;
    }
    if (!str_is_utf8(compiler->text)) {
        cel_compiler_found(compiler, 0, "the expression is not UTF-8");
        return false;
    }
    return true;
}

static void compile(struct compiler *compiler)
{
    struct node *root = check_text(compiler) ? cel_parse(compiler) : NULL;

    if (!root || compiler->findings->count > 0 || compiler->full) {
        return;
    }
    cel_check_all(compiler, root);
    if (compiler->findings->count > 0 || compiler->full) {
        return;
    }
    cel_prepare(compiler, root, CEL_DEPTH_MAX + 1);
    compiler->program->root = root;
}

static enum fm_err fail_found(struct ctx *ctx, const struct cel_findings *findings)
{
    const struct cel_finding *first = &findings->items[0];

    if (findings->count == 0) {
        return fail_memory(ctx);
    }
    if (first->suggestion.p) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%u:%u: %.*s; did you mean %.*s?", first->line,
                    first->column, STR_ARG(first->message), STR_ARG(first->suggestion));
    }
    return fail(ctx, FM_E_INVALID_ARGUMENT, "%u:%u: %.*s", first->line, first->column,
                STR_ARG(first->message));
}

enum fm_err cel_compile(struct ctx *ctx, const struct cel_env *env, struct str text,
                        enum cel_want want, struct cel_findings *findings, struct cel_program **out)
{
    struct cel_findings own;
    struct cel_program *program = program_new(env, text, want);
    struct compiler compiler;

    findings = findings ? findings : &own;
    findings->count = 0;
    if (!program) {
        return fail_memory(ctx);
    }
    compiler = (struct compiler){.arena = program->arena,
                                 .env = env,
                                 .program = program,
                                 .text = program->text,
                                 .findings = findings,
                                 .finding_arena = ctx->arena};
    compile(&compiler);
    if (compiler.full || findings->count > 0 || !program->root) {
        cel_program_free(program);
        return compiler.full ? fail_memory(ctx) : fail_found(ctx, findings);
    }
    *out = program;
    return FM_OK;
}

/* What a program says of itself -----------------------------------------------------------------
 */

struct str cel_program_text(const struct cel_program *program)
{
    return program->text;
}

const struct cel_type *cel_program_type(const struct cel_program *program)
{
    return program->root->type;
}

bool cel_program_reads(const struct cel_program *program, struct str variable)
{
    int at = cel_env_find(program->env, variable);

    return at >= 0 && program->reads[at];
}

bool cel_program_calls(const struct cel_program *program, struct str function)
{
    for (size_t i = 0; i < program->function_count; i++) {
        if (str_eq(program->functions[i], function)) {
            return true;
        }
    }
    return false;
}

struct str cel_program_variable(const struct cel_program *program, size_t index)
{
    for (size_t i = 0; i < program->env->variable_count; i++) {
        if (program->reads[i] && index-- == 0) {
            return program->env->variables[i].name;
        }
    }
    return STR_NONE;
}

struct str cel_program_function(const struct cel_program *program, size_t index)
{
    return index < program->function_count ? program->functions[index] : STR_NONE;
}

static void write_node(struct buf *buf, const struct node *node, unsigned depth, unsigned indent)
{
    static const char *const names[] = {
        [NODE_CONST] = "constant",
        [NODE_IDENT] = "unknown",
        [NODE_VARIABLE] = "variable",
        [NODE_LOCAL] = "local",
        [NODE_SELECT] = "member",
        [NODE_HAS] = "has",
        [NODE_OPT_SELECT] = "optional member",
        [NODE_INDEX] = "index",
        [NODE_OPT_INDEX] = "optional index",
        [NODE_AND] = "&&",
        [NODE_OR] = "||",
        [NODE_NOT] = "!",
        [NODE_COND] = "?:",
        [NODE_EQUAL] = "equality",
        [NODE_ORDER] = "order",
        [NODE_IN] = "in",
        [NODE_CALL] = "call",
        [NODE_LIST] = "list",
        [NODE_MAP] = "map",
        [NODE_LOOP] = "loop",
        [NODE_BLOCK] = "block",
    };

    buf_printf(buf, "%*s%s", (int)indent * 2, "", names[node->kind]);
    if (node->name.p) {
        buf_printf(buf, " %.*s", STR_ARG(node->name));
    }
    if (node->kind == NODE_CONST) {
        buf_add_char(buf, ' ');
        cel_write_text(buf, node->as.value);
    }
    buf_lit(buf, " : ");
    cel_type_write(buf, node->type);
    buf_add_char(buf, '\n');
    for (uint32_t i = 0; i < node->count && depth > 0 && buf_ok(buf); i++) {
        write_node(buf, node->args[i], depth - 1, indent + 1);
    }
}

void cel_program_write(struct buf *buf, const struct cel_program *program)
{
    write_node(buf, program->root, CEL_DEPTH_MAX + 1, 0);
}
