/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks by keywords that apply subschemas: to the value itself, to its members, to its items.
 * What they have evaluated is marked in the frame, for `unevaluatedItems` and
 * `unevaluatedProperties`.
 */
#include "json/schema_inner.h"

#include <stdio.h>

#define NEAREST_MAX 200 /* names that one misspelt name is compared with */

/* References --------------------------------------------------------------------------------- */

bool check_ref(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return schema_run(run, rule->node, frame);
}

/* The outermost resource on the way here that has the anchor, else the one where it was found. */
bool check_dynamic_ref(struct run *run, const struct rule *rule, const struct frame *frame)
{
    const struct node *target = rule->node;

    for (const struct scope *scope = frame->scope; scope && rule->anchor.p; scope = scope->up) {
        const struct anchor *anchor = schema_anchor(scope->resource, rule->anchor);
        if (!schema_spend(run, 1 + scope->resource->anchor_count / 8)) {
            return false;
        }
        if (anchor && anchor->dynamic) {
            target = anchor->node;
        }
    }
    return schema_run(run, target, frame);
}

/* Members ------------------------------------------------------------------------------------ */

static struct json_path member_step(const struct frame *frame, uint32_t index)
{
    return (struct json_path){.up = frame->path, .name = frame->value->as.members[index].name};
}

static bool run_member(struct run *run, const struct node *node, const struct frame *frame,
                       uint32_t index)
{
    schema_mark(frame, index);
    return schema_run_part(run, node, frame, &frame->value->as.members[index].value,
                           member_step(frame, index));
}

static bool pattern_matches(struct run *run, const struct regex *regex, struct str text)
{
    return schema_spend(run, 4 + text.n / 16) && regex_matches(regex, text);
}

/* What nobody expects here, with the name that was probably meant. */
static bool say_unknown(struct run *run, const struct rule *rule, const struct frame *frame,
                        uint32_t index)
{
    struct json_path step = member_step(frame, index);
    struct rule said = *rule;
    struct str best = STR_NONE;

    for (uint32_t i = 0; schema_collects(run) && i < rule->count && i < NEAREST_MAX; i++) {
        struct str name = rule->value->as.members[i].name;
        if (!json_get(frame->value, name)) {
            schema_nearest(step.name, name, &best);
        }
    }
    said.keyword = rule->other_keyword;
    return schema_say(run, &said, frame, &step, "is not known here%s%s%s",
                      best.p ? "; did you mean `" : "", best.p ? schema_show_text(run, best) : "",
                      best.p ? "`?" : "");
}

static bool run_additional(struct run *run, const struct rule *rule, const struct frame *frame,
                           uint32_t index)
{
    if (!rule->other) {
        return true;
    }
    if (rule->other->source->kind == JSON_FALSE) {
        return say_unknown(run, rule, frame, index);
    }
    return run_member(run, rule->other, frame, index);
}

/* One member by its name (`named` NULL: `properties` does not have it), by patterns, or as a
 * further one. */
static bool check_member(struct run *run, const struct rule *rule, const struct frame *frame,
                         uint32_t index, const struct node *named)
{
    struct str name = frame->value->as.members[index].name;
    bool matches = !named || run_member(run, named, frame, index), known = named != NULL;

    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        if (pattern_matches(run, rule->patterns[i], name)) {
            known = true;
            matches = run_member(run, rule->pattern_nodes[i], frame, index) && matches;
        }
    }
    return known ? matches : run_additional(run, rule, frame, index);
}

/* Names stand in the same order in the value and in `properties`: one walk along both. */
bool check_members(struct run *run, const struct rule *rule, const struct frame *frame)
{
    const struct json *value = frame->value;
    uint32_t at = 0;
    bool matches = true;

    if (value->kind != JSON_OBJECT) {
        return true;
    }
    for (uint32_t i = 0; i < value->count && (matches || schema_collects(run)); i++) {
        int order = 1;
        for (; at < rule->count; at++) {
            order = json_name_cmp(rule->value->as.members[at].name, value->as.members[i].name);
            if (order >= 0) {
                break;
            }
        }
        matches = schema_spend(run, 1) &&
                  check_member(run, rule, frame, i,
                               at < rule->count && order == 0 ? rule->nodes[at] : NULL) &&
                  matches;
    }
    return matches && schema_spend(run, rule->count / 4);
}

bool check_property_names(struct run *run, const struct rule *rule, const struct frame *frame)
{
    bool matches = true;

    for (uint32_t i = 0; frame->value->kind == JSON_OBJECT && i < frame->value->count; i++) {
        struct json_path step = member_step(frame, i);
        struct json name = {.kind = JSON_STRING, .as.text = step.name};
        matches = schema_run_part(run, rule->node, frame, &name, step) && matches;
    }
    return matches;
}

bool check_dependent_schemas(struct run *run, const struct rule *rule, const struct frame *frame)
{
    bool matches = true;

    for (uint32_t i = 0; frame->value->kind == JSON_OBJECT && i < rule->count; i++) {
        if (!schema_spend(run, 1)) {
            return false;
        }
        if (json_get(frame->value, rule->value->as.members[i].name)) {
            matches = schema_run(run, rule->nodes[i], frame) && matches;
        }
    }
    return matches;
}

bool check_unevaluated_properties(struct run *run, const struct rule *rule,
                                  const struct frame *frame)
{
    bool matches = true, refused = rule->node->source->kind == JSON_FALSE;

    (void)schema_spend(run, frame->value->kind == JSON_OBJECT ? frame->value->count / 16 : 0);
    for (uint32_t i = 0; frame->value->kind == JSON_OBJECT && i < frame->value->count; i++) {
        struct json_path step = member_step(frame, i);
        if (schema_marked(frame, i)) {
            continue;
        }
        matches = (refused ? schema_say(run, rule, frame, &step, "is not known here")
                           : run_member(run, rule->node, frame, i)) &&
                  matches;
    }
    return matches;
}

/* Items -------------------------------------------------------------------------------------- */

static bool run_item(struct run *run, const struct node *node, const struct frame *frame,
                     uint32_t index)
{
    schema_mark(frame, index);
    return schema_run_part(run, node, frame, &frame->value->as.items[index],
                           (struct json_path){.index = index});
}

bool check_items(struct run *run, const struct rule *rule, const struct frame *frame)
{
    const struct json *value = frame->value;
    bool matches = true, closed = rule->other && rule->other->source->kind == JSON_FALSE;
    uint32_t count = value->kind == JSON_ARRAY ? value->count : 0;

    if (closed && count > rule->count) {
        struct rule said = *rule;
        said.keyword = rule->other_keyword;
        return schema_say(run, &said, frame, NULL, "must have at most %u items, not %u",
                          rule->count, count);
    }
    if (!rule->other && count > rule->count) {
        count = rule->count; /* the rest may be anything */
    }
    for (uint32_t i = 0; i < count && (matches || schema_collects(run)); i++) {
        const struct node *node = i < rule->count ? rule->nodes[i] : rule->other;
        matches = (!node || run_item(run, node, frame, i)) && matches;
    }
    return matches;
}

bool check_contains(struct run *run, const struct rule *rule, const struct frame *frame)
{
    uint32_t count = frame->value->kind == JSON_ARRAY ? frame->value->count : 0;
    struct problems *problems = run->problems;
    uint64_t found = 0;

    if (frame->value->kind != JSON_ARRAY) {
        return true;
    }
    run->problems = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (schema_run_part(run, rule->node, frame, &frame->value->as.items[i],
                            (struct json_path){.index = i})) {
            schema_mark(frame, i);
            found++;
        }
    }
    run->problems = problems;
    if (found < rule->limit) {
        return schema_say(run, rule, frame, NULL,
                          "must contain at least %llu item%s of the kind asked for, not %llu",
                          (unsigned long long)rule->limit, rule->limit == 1 ? "" : "s",
                          (unsigned long long)found);
    }
    return found <= rule->limit_max ||
           schema_say(run, rule, frame, NULL,
                      "must contain at most %llu items of that kind, not %llu",
                      (unsigned long long)rule->limit_max, (unsigned long long)found);
}

bool check_unevaluated_items(struct run *run, const struct rule *rule, const struct frame *frame)
{
    bool matches = true, refused = rule->node->source->kind == JSON_FALSE;

    (void)schema_spend(run, frame->value->kind == JSON_ARRAY ? frame->value->count / 16 : 0);
    for (uint32_t i = 0; frame->value->kind == JSON_ARRAY && i < frame->value->count; i++) {
        struct json_path step = {.up = frame->path, .index = i};
        if (schema_marked(frame, i)) {
            continue;
        }
        matches = (refused ? schema_say(run, rule, frame, &step, "is an item too many")
                           : run_item(run, rule->node, frame, i)) &&
                  matches;
    }
    return matches;
}

/* Combinations ------------------------------------------------------------------------------- */

bool check_all_of(struct run *run, const struct rule *rule, const struct frame *frame)
{
    bool matches = true;

    for (uint32_t i = 0; i < rule->count && (matches || schema_collects(run)); i++) {
        matches = schema_run(run, rule->nodes[i], frame) && matches;
    }
    return matches;
}

bool check_if(struct run *run, const struct rule *rule, const struct frame *frame)
{
    const struct node *next = schema_try(run, rule->node, frame) ? rule->other : rule->otherwise;

    return !next || schema_run(run, next, frame);
}

bool check_not(struct run *run, const struct rule *rule, const struct frame *frame)
{
    struct frame apart = *frame;

    apart.seen = NULL;
    return !schema_try(run, rule->node, &apart) ||
           schema_say(run, rule, frame, NULL, "must not match what `not` describes");
}

/* Alternatives ------------------------------------------------------------------------------- */

/* How little an alternative looks like the one that was meant: problems, and a thousand for each
 * that says that the value is of another kind altogether. */
static size_t distance(const struct problems *problems, size_t own_bytes)
{
    size_t sum = problems->seen;

    for (size_t i = 0; i < problems->count; i++) {
        const struct json_schema_error *error = &problems->rows[i].error;
        struct str below = str_skip(error->pointer, own_bytes + 1);
        bool own = error->pointer.n <= own_bytes;
        bool near = own || str_find(below, '/') == below.n;
        bool kind = strcmp(error->keyword, "const") == 0 || strcmp(error->keyword, "enum") == 0;
        sum += (own && strcmp(error->keyword, "type") == 0) || (near && kind) ? 1000 : 0;
    }
    return sum;
}

/* What is wrong with the value as an alternative. NULL when memory or steps are short. */
static struct problems *problems_of(struct run *run, const struct node *node,
                                    const struct frame *frame)
{
    struct problems *outer = run->problems;
    struct problems *inner = schema_spend(run, 64) ? schema_scratch(run, sizeof(*inner)) : NULL;
    struct frame apart = *frame;

    if (inner) {
        apart.seen = NULL;
        run->problems = inner;
        (void)schema_run(run, node, &apart);
        run->problems = outer;
    }
    return inner;
}

static size_t pointer_bytes(struct run *run, const struct frame *frame)
{
    return json_path_pointer(run->arena, frame->path, JSON_ERROR_POINTER_MAX).n;
}

static void add_problems(struct problems *into, const struct problems *from)
{
    for (size_t i = 0; i < from->count && into->count < PROBLEMS_MAX; i++) {
        into->rows[into->count++] = from->rows[i];
    }
    into->seen += from->seen;
}

/* Nothing matches: tells what is wrong with the alternative that was probably meant, if one stands
 * out, and what the first of them wanted. */
static bool say_alternatives(struct run *run, const struct rule *rule, const struct frame *frame)
{
    struct problems *best = NULL;
    size_t least = SIZE_MAX, own_bytes;
    char wanted[240] = "";
    int n = 0;

    if (!schema_collects(run)) {
        return false;
    }
    own_bytes = pointer_bytes(run, frame);
    for (uint32_t i = 0; i < rule->count; i++) {
        struct problems *problems = problems_of(run, rule->nodes[i], frame);
        size_t far = problems ? distance(problems, own_bytes) : SIZE_MAX;
        if (!problems) {
            return false;
        }
        best = far < least ? problems : far == least ? NULL : best;
        least = far < least ? far : least;
        if (i < 3 && problems->count > 0 && n >= 0 && n < (int)sizeof(wanted) - 80) {
            n += snprintf(wanted + n, sizeof(wanted) - (size_t)n, "%s%.70s", i ? "; or " : ": ",
                          schema_show_text(run, problems->rows[0].error.message));
        }
    }
    if (best) {
        add_problems(run->problems, best);
    }
    return schema_say(run, rule, frame, NULL, "matches none of the %u alternatives%s", rule->count,
                      best && least < 1000 ? "" : wanted);
}

bool check_any_of(struct run *run, const struct rule *rule, const struct frame *frame)
{
    bool matches = false;

    for (uint32_t i = 0; i < rule->count && (!matches || frame->seen); i++) {
        matches = schema_try(run, rule->nodes[i], frame) || matches;
    }
    return matches || say_alternatives(run, rule, frame);
}

bool check_one_of(struct run *run, const struct rule *rule, const struct frame *frame)
{
    uint32_t first = 0, count = 0;

    for (uint32_t i = 0; i < rule->count; i++) {
        if (!schema_try(run, rule->nodes[i], frame)) {
            continue;
        }
        if (count++ > 0) {
            return schema_say(
                run, rule, frame, NULL,
                "matches two alternatives, the %u. and the %u., but must match only one", first + 1,
                i + 1);
        }
        first = i;
    }
    return count == 1 || say_alternatives(run, rule, frame);
}
