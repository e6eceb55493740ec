/* SPDX-License-Identifier: Apache-2.0
 *
 * Optional values: optional.of, optional.none and what they are asked. or() and orValue() evaluate
 * what they fall back to only where it is needed (call.c).
 */
#include "cel/inner.h"

static struct cel_value optional_of(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count)
{
    (void)node;
    (void)count;
    return cel_value_some(eval, args[0]);
}

static struct cel_value of_non_zero(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count)
{
    (void)node;
    (void)count;
    return cel_value_is_empty(args[0]) ? value_none() : cel_value_some(eval, args[0]);
}

static struct cel_value none(struct cel_eval *eval, const struct node *node,
                             const struct cel_value *args, size_t count)
{
    (void)eval;
    (void)node;
    (void)args;
    (void)count;
    return value_none();
}

static struct cel_value has_value(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    return args[0].kind == CEL_OPTIONAL ? cel_bool(args[0].as.some != NULL)
                                        : cel_eval_no_overload(eval, node, args, count);
}

static struct cel_value value_of(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    if (args[0].kind != CEL_OPTIONAL) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return args[0].as.some ? *args[0].as.some
                           : cel_eval_fail(eval, node, "the optional value is absent");
}

static struct cel_value or_else(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    if (args[0].kind != CEL_OPTIONAL || args[1].kind != CEL_OPTIONAL) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return args[0].as.some ? args[0] : args[1];
}

static struct cel_value or_value(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    if (args[0].kind != CEL_OPTIONAL) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return args[0].as.some ? *args[0].as.some : args[1];
}

const struct builtin cel_builtin_optionals[] = {
    {STR("optional.of"), "A:OA", optional_of, 0},
    {STR("optional.ofNonZeroValue"), "A:OA", of_non_zero, 0},
    {STR("optional.none"), ":OA", none, 0},
    {STR("hasValue"), ".OA:b", has_value, 0},
    {STR("value"), ".OA:A", value_of, 0},
    {STR("or"), ".OAOA:OA", or_else, 0},
    {STR("orValue"), ".OAA:A", or_value, 0},
    {.name = {NULL, 0}},
};
