/* SPDX-License-Identifier: Apache-2.0
 *
 * The standard functions of strings, bytes and sizes.
 */
#include "cel/inner.h"
#include "regex/regex.h"

#define PATTERN_STEPS                                                                              \
    10000u /* compiling a pattern at run time: the worst that fits takes about 2 ms */

bool cel_pay_bytes(struct cel_eval *eval, size_t n)
{
    return eval_pay(eval, n / 128);
}

static struct cel_value size(struct cel_eval *eval, const struct node *node,
                             const struct cel_value *args, size_t count)
{
    struct cel_value value = args[0];

    if (value.kind != CEL_STRING && value.kind != CEL_BYTES && value.kind != CEL_LIST &&
        value.kind != CEL_MAP) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (value.kind == CEL_STRING && !cel_pay_bytes(eval, value.as.text.n)) {
        return cel_eval_too_costly();
    }
    return cel_int((int64_t)cel_size(value));
}

static bool both_strings(const struct cel_value *args)
{
    return args[0].kind == CEL_STRING && args[1].kind == CEL_STRING;
}

static struct cel_value contains(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text, part = args[1].as.text;

    if (!both_strings(args)) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, SEARCH_FACTOR * text.n)) {
        return cel_eval_too_costly();
    }
    return cel_bool(part.n == 0 || memmem(text.p, text.n, part.p, part.n) != NULL);
}

static struct cel_value starts_with(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count)
{
    return both_strings(args) ? cel_bool(str_starts(args[0].as.text, args[1].as.text))
                              : cel_eval_no_overload(eval, node, args, count);
}

static struct cel_value ends_with(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    struct str text = args[0].as.text, end = args[1].as.text;

    if (!both_strings(args)) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return cel_bool(text.n >= end.n && str_eq(str_skip(text, text.n - end.n), end));
}

/* matches ---------------------------------------------------------------------------------------
 */

static struct cel_value match(struct cel_eval *eval, const struct regex *regex, struct str text)
{
    if (!eval_pay(eval, 2 + text.n * regex_size(regex) / 16)) {
        return cel_eval_too_costly();
    }
    return cel_bool(regex_matches(regex, text));
}

static struct cel_value match_new(struct cel_eval *eval, const struct node *node, struct str text,
                                  struct str pattern)
{
    struct regex *regex;
    struct cel_value value;
    struct ctx ctx;

    if (pattern.n > PATTERN_MAX) {
        return cel_eval_fail(eval, node, "a pattern that is not written out has at most %u bytes",
                             PATTERN_MAX);
    }
    if (!eval_pay(eval, PATTERN_STEPS)) {
        return cel_eval_too_costly();
    }
    ctx_init(&ctx, eval->arena);
    if (regex_new(&ctx, pattern, &regex) != FM_OK) {
        return cel_eval_fail(eval, node, "%s", ctx.detail);
    }
    value = match(eval, regex, text);
    regex_free(regex);
    return value;
}

static struct cel_value matches(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    if (!both_strings(args)) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (node->as.callee->ready) {
        return match(eval, node->as.callee->ready, args[0].as.text);
    }
    return match_new(eval, node, args[0].as.text, args[1].as.text);
}

const struct builtin cel_builtin_strings[] = {
    {STR("size"), "s:i y:i LA:i MAB:i .s:i .y:i .LA:i .MAB:i", size, 0},
    {STR("contains"), ".ss:b", contains, 1},
    {STR("startsWith"), ".ss:b", starts_with, 0},
    {STR("endsWith"), ".ss:b", ends_with, 0},
    {STR("matches"), "ss:b .ss:b", matches, 1},
    {.name = {NULL, 0}},
};
