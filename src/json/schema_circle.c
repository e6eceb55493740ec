/* SPDX-License-Identifier: Apache-2.0
 *
 * References that lead back to themselves on the same value: such a schema would never come to
 * an end, and one that leads through too many subschemas would need too much stack. Both are
 * refused before any value is seen. What $dynamicRef leads to depends on the value; there the
 * depth of the check decides.
 */
#include "json/schema_inner.h"

static enum fm_err measure_next(struct compile *compile, struct node *node, const struct rule *rule,
                                const struct node *next, unsigned level)
{
    struct node *below = next ? schema_node(compile->schema, next->source) : NULL;

    if (!below) {
        return FM_OK;
    }
    if (below->state == NODE_OPEN) {
        return schema_refuse(compile, node, str_of(rule->keyword->name),
                             "leads back to where it came from, and would go round for ever");
    }
    TRY(schema_measure(compile, below, level));
    node->depth = node->depth > below->depth + 1 ? node->depth : below->depth + 1;
    if (node->depth > JSON_SCHEMA_DEPTH_MAX) {
        return schema_refuse(compile, node, str_of(rule->keyword->name),
                             "leads through more than %d subschemas", JSON_SCHEMA_DEPTH_MAX);
    }
    return FM_OK;
}

/* Follows what is applied to the same value. Invariant 2 bounds the recursion. */
enum fm_err schema_measure(struct compile *compile, struct node *node, unsigned level)
{
    if (node->state == NODE_DONE) {
        return FM_OK;
    }
    if (level > JSON_SCHEMA_DEPTH_MAX) {
        return schema_refuse(compile, node, STR_NONE, "more than %d subschemas lead here",
                             JSON_SCHEMA_DEPTH_MAX);
    }
    node->state = NODE_OPEN;
    node->depth = 1;
    for (uint32_t i = 0; i < node->rule_count; i++) {
        const struct rule *rule = &node->rules[i];
        if (!rule->keyword->in_place) {
            continue;
        }
        TRY(measure_next(compile, node, rule, rule->node, level + 1));
        TRY(measure_next(compile, node, rule, rule->other, level + 1));
        TRY(measure_next(compile, node, rule, rule->otherwise, level + 1));
        for (uint32_t k = 0; k < rule->count; k++) {
            TRY(measure_next(compile, node, rule, rule->nodes[k], level + 1));
        }
    }
    node->state = NODE_DONE;
    return FM_OK;
}
