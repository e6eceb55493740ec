/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks by keywords that look at the value itself. Each holds for values of its own kind and
 * lets the others pass, as the draft has it.
 */
#include "json/schema_inner.h"

#include <stdio.h>
#include <stdlib.h>

#define PATTERN_STEPS 20000 /* of compiling a pattern, for `format: regex` */

/* Types -------------------------------------------------------------------------------------- */

static const char *const WORDS[7] = {"null",     "true or false", "an object",     "a list",
                                     "a number", "a text",        "a whole number"};

static unsigned types_of(const struct json *value)
{
    struct schema_number number;

    switch (value->kind) {
    case JSON_NULL:
        return TYPE_NULL;
    case JSON_FALSE:
    case JSON_TRUE:
        return TYPE_BOOLEAN;
    case JSON_NUMBER:
        number = schema_number_of(value);
        return schema_number_is_integer(&number) ? TYPE_NUMBER | TYPE_INTEGER : TYPE_NUMBER;
    case JSON_STRING:
        return TYPE_STRING;
    case JSON_ARRAY:
        return TYPE_ARRAY;
    case JSON_OBJECT:
        return TYPE_OBJECT;
    }
    return 0;
}

/* "a text or null" */
static const char *type_words(unsigned types, char *out, size_t size)
{
    int n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < 7; i++) {
        if (types >> i & 1 && n >= 0 && (size_t)n < size) {
            n += snprintf(out + n, size - (size_t)n, "%s%s", n ? " or " : "", WORDS[i]);
        }
    }
    return out;
}

bool check_type(struct run *run, const struct rule *rule, const struct frame *frame)
{
    unsigned is = types_of(frame->value);
    char wanted[100], found[40];

    if (rule->types & is) {
        return true;
    }
    return schema_say(run, rule, frame, NULL, "must be %s, not %s",
                      type_words(rule->types, wanted, sizeof(wanted)),
                      type_words(is & ~(unsigned)TYPE_INTEGER, found, sizeof(found)));
}

/* Values ------------------------------------------------------------------------------------- */

bool check_const(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return schema_value_cmp(rule->value, frame->value, &run->steps) == 0 ||
           schema_say(run, rule, frame, NULL, "must be %s", schema_show(run, rule->value));
}

/* The values of an enum as far as a sentence has room. */
static const char *enum_words(struct run *run, const struct rule *rule, char *out, size_t size)
{
    const struct json *list = rule->value;
    int n = 0;

    out[0] = '\0';
    for (uint32_t i = 0; schema_collects(run) && i < list->count; i++) {
        const char *shown = schema_show(run, &list->as.items[i]);
        if (i == 12 || (size_t)n + strlen(shown) + 20 > size) {
            (void)snprintf(out + n, size - (size_t)n, " or %u more", list->count - i);
            break;
        }
        n += snprintf(out + n, size - (size_t)n, "%s%s", i ? ", " : "", shown);
    }
    return out;
}

bool check_enum(struct run *run, const struct rule *rule, const struct frame *frame)
{
    uint32_t low = 0, high = rule->count;
    char words[300];

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = schema_value_cmp(rule->sorted[middle], frame->value, &run->steps);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return schema_say(run, rule, frame, NULL, "must be one of %s",
                      enum_words(run, rule, words, sizeof(words)));
}

/* Numbers ------------------------------------------------------------------------------------ */

/* Order of the value and the rule's number; `fallback` where the value is no number. */
static int number_order(const struct rule *rule, const struct frame *frame, int fallback)
{
    struct schema_number number;

    if (frame->value->kind != JSON_NUMBER) {
        return fallback;
    }
    number = schema_number_of(frame->value);
    return schema_number_cmp(&number, &rule->number);
}

bool check_multiple_of(struct run *run, const struct rule *rule, const struct frame *frame)
{
    struct schema_number number;

    if (frame->value->kind != JSON_NUMBER) {
        return true;
    }
    number = schema_number_of(frame->value);
    return schema_number_divides(&number, &rule->number) ||
           schema_say(run, rule, frame, NULL, "must be a multiple of %s",
                      schema_show(run, rule->value));
}

bool check_maximum(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return number_order(rule, frame, 0) <= 0 ||
           schema_say(run, rule, frame, NULL, "must be at most %s", schema_show(run, rule->value));
}

bool check_minimum(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return number_order(rule, frame, 0) >= 0 ||
           schema_say(run, rule, frame, NULL, "must be at least %s", schema_show(run, rule->value));
}

bool check_exclusive_maximum(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return number_order(rule, frame, -1) < 0 ||
           schema_say(run, rule, frame, NULL, "must be below %s", schema_show(run, rule->value));
}

bool check_exclusive_minimum(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return number_order(rule, frame, 1) > 0 ||
           schema_say(run, rule, frame, NULL, "must be above %s", schema_show(run, rule->value));
}

/* Texts -------------------------------------------------------------------------------------- */

/* In code points, as the draft counts. */
static uint64_t length_of(struct run *run, struct str text)
{
    uint64_t count = 0;

    (void)schema_spend(run, text.n / 64);
    for (size_t i = 0; i < text.n; i++) {
        count += ((unsigned char)text.p[i] & 0xC0) != 0x80;
    }
    return count;
}

/* "must have at least 3 characters, not 2" */
static bool say_size(struct run *run, const struct rule *rule, const struct frame *frame,
                     const char *bound, const char *unit, uint64_t found)
{
    return schema_say(run, rule, frame, NULL, "must have %s %llu %s%s, not %llu", bound,
                      (unsigned long long)rule->limit, unit, rule->limit == 1 ? "" : "s",
                      (unsigned long long)found);
}

static bool check_most(struct run *run, const struct rule *rule, const struct frame *frame,
                       const char *unit, uint64_t found)
{
    return found <= rule->limit || say_size(run, rule, frame, "at most", unit, found);
}

static bool check_least(struct run *run, const struct rule *rule, const struct frame *frame,
                        const char *unit, uint64_t found)
{
    if (found == 0 && rule->limit > 0 && frame->value->kind == JSON_STRING) {
        return schema_say(run, rule, frame, NULL, "must not be empty");
    }
    return found >= rule->limit || say_size(run, rule, frame, "at least", unit, found);
}

bool check_max_length(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return frame->value->kind != JSON_STRING ||
           check_most(run, rule, frame, "character", length_of(run, frame->value->as.text));
}

bool check_min_length(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return frame->value->kind != JSON_STRING ||
           check_least(run, rule, frame, "character", length_of(run, frame->value->as.text));
}

bool check_pattern(struct run *run, const struct rule *rule, const struct frame *frame)
{
    const struct json *value = frame->value;

    if (value->kind != JSON_STRING) {
        return true;
    }
    return (schema_spend(run, 4 + value->as.text.n / 16) &&
            regex_matches(rule->patterns[0], value->as.text)) ||
           schema_say(run, rule, frame, NULL, "must match the pattern %s",
                      schema_show_text(run, rule->value->as.text));
}

bool check_format(struct run *run, const struct rule *rule, const struct frame *frame)
{
    const struct json *value = frame->value;

    if (value->kind != JSON_STRING) {
        return true;
    }
    (void)schema_spend(run, rule->format == schema_pattern_is_valid ? PATTERN_STEPS : 4);
    return (schema_spend(run, value->as.text.n / 16) && rule->format(value->as.text)) ||
           schema_say(run, rule, frame, NULL, "must be of the format %s",
                      schema_show_text(run, rule->value->as.text));
}

/* Lists -------------------------------------------------------------------------------------- */

bool check_max_items(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return frame->value->kind != JSON_ARRAY ||
           check_most(run, rule, frame, "item", frame->value->count);
}

bool check_min_items(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return frame->value->kind != JSON_ARRAY ||
           check_least(run, rule, frame, "item", frame->value->count);
}

static int item_cmp(const void *left, const void *right, void *steps)
{
    return schema_value_cmp(*(const struct json *const *)left, *(const struct json *const *)right,
                            steps);
}

/* Sorted by glibc's merge: n log n comparisons, whoever chose the items. */
bool check_unique_items(struct run *run, const struct rule *rule, const struct frame *frame)
{
    const struct json *value = frame->value, **items;

    if (value->kind != JSON_ARRAY || value->count < 2) {
        return true;
    }
    items =
        schema_spend(run, value->count) ? schema_scratch(run, value->count * sizeof(*items)) : NULL;
    for (uint32_t i = 0; items && i < value->count; i++) {
        items[i] = &value->as.items[i];
    }
    if (!items) {
        return false;
    }
    qsort_r(items, value->count, sizeof(*items), item_cmp, &run->steps);
    for (uint32_t i = 1; i < value->count && run->steps > 0; i++) {
        if (schema_value_cmp(items[i - 1], items[i], &run->steps) == 0) {
            struct json_path step = {.up = frame->path};
            step.index =
                (size_t)((items[i - 1] > items[i] ? items[i - 1] : items[i]) - value->as.items);
            return schema_say(run, rule, frame, &step, "stands in the list twice");
        }
    }
    return run->steps > 0;
}

/* Objects ------------------------------------------------------------------------------------ */

bool check_max_properties(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return frame->value->kind != JSON_OBJECT ||
           check_most(run, rule, frame, "member", frame->value->count);
}

bool check_min_properties(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return frame->value->kind != JSON_OBJECT ||
           check_least(run, rule, frame, "member", frame->value->count);
}

/* The names of `list` that the object lacks; `because` is the member that asks for them, or
 * absent. */
static bool check_names(struct run *run, const struct rule *rule, const struct frame *frame,
                        const struct json *list, struct str because)
{
    bool matches = true;

    for (uint32_t i = 0; i < list->count && (matches || schema_collects(run)); i++) {
        struct json_path step = {.up = frame->path, .name = list->as.items[i].as.text};
        if (!schema_spend(run, 1)) {
            return false;
        }
        if (json_get(frame->value, step.name)) {
            continue;
        }
        matches = schema_say(run, rule, frame, &step, "is required%s%s%s",
                             because.p ? " where there is `" : "",
                             because.p ? schema_show_text(run, because) : "", because.p ? "`" : "");
    }
    return matches;
}

bool check_required(struct run *run, const struct rule *rule, const struct frame *frame)
{
    return frame->value->kind != JSON_OBJECT ||
           check_names(run, rule, frame, rule->value, STR_NONE);
}

bool check_dependent_required(struct run *run, const struct rule *rule, const struct frame *frame)
{
    bool matches = true;

    for (uint32_t i = 0; frame->value->kind == JSON_OBJECT && i < rule->value->count; i++) {
        const struct json_member *member = &rule->value->as.members[i];
        if (schema_spend(run, 1) && json_get(frame->value, member->name)) {
            matches = check_names(run, rule, frame, &member->value, member->name) && matches;
        }
    }
    return matches && run->steps > 0;
}
