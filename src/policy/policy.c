/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking things up in a loaded policy, and the names of its words. Nothing here changes anything.
 */
#include "policy/policy.h"
#include "policy/policy_limits.h"

#include "base/panic.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"allow", "earn", "review", "block"};

    ASSERT((size_t)verdict < COUNT_OF(names));
    return names[verdict];
}

const char *effect_name(enum effect effect)
{
    static const char *const names[] = {
#define X(name, text) text,
        EFFECTS(X)
#undef X
    };

    ASSERT((size_t)effect < COUNT_OF(names));
    return names[effect];
}

const char *brief_part_name(enum brief_part part)
{
    static const char *const names[] = {
#define X(name, text) text,
        BRIEF_PARTS(X)
#undef X
    };

    ASSERT((size_t)part < COUNT_OF(names));
    return names[part];
}

const char *review_mode_name(enum review_mode mode)
{
    static const char *const names[] = {"glance", "read", "decide_first"};

    ASSERT((size_t)mode < COUNT_OF(names));
    return names[mode];
}

static const char *const ROLE_NAMES[] = {
#define X(name, text) text,
    ROLES(X)
#undef X
};

const char *role_name(enum role role)
{
    ASSERT((size_t)role < COUNT_OF(ROLE_NAMES));
    return ROLE_NAMES[role];
}

int role_of_name(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(ROLE_NAMES); i++) {
        if (str_eq(name, str_of(ROLE_NAMES[i]))) {
            return (int)i;
        }
    }
    return -1;
}

/* Lookups -------------------------------------------------------------------------------------- */

/* Index of the row whose first member is the str `name`, in an array sorted by it; `count` if
 * none. */
static size_t row_find(const void *rows, size_t count, size_t size, struct str name)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(*(const struct str *)((const char *)rows + middle * size), name);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return count;
}

_Static_assert(offsetof(struct policy_action, name) == 0, "row_find reads the name there");
_Static_assert(offsetof(struct policy_queue, name) == 0, "row_find reads the name there");

const struct policy_action *policy_action(const struct policy *policy, struct str name)
{
    size_t i = row_find(policy->actions, policy->action_count, sizeof(struct policy_action), name);

    return i < policy->action_count ? &policy->actions[i] : NULL;
}

const struct policy_queue *policy_queue(const struct policy *policy, struct str name)
{
    size_t i = row_find(policy->queues, policy->queue_count, sizeof(struct policy_queue), name);

    return i < policy->queue_count ? &policy->queues[i] : NULL;
}

const struct policy_rule *policy_rule(const struct policy *policy, struct str id)
{
    for (size_t i = 0; i < policy->rule_count; i++) {
        if (str_eq(policy->rules[i].id, id)) {
            return &policy->rules[i];
        }
    }
    return NULL;
}

void policy_list_write(struct json_out *out, struct policy_list list)
{
    jo_array(out);
    for (size_t i = 0; i < list.count; i++) {
        jo_str(out, list.items[i]);
    }
    jo_array_end(out);
}

_Static_assert(offsetof(struct policy_agent, name) == 0, "row_find reads the name there");
_Static_assert(offsetof(struct policy_lexicon, name) == 0, "row_find reads the name there");

const struct policy_agent *policy_agent(const struct policy *policy, struct str name)
{
    size_t i = row_find(policy->agents, policy->agent_count, sizeof(struct policy_agent), name);

    return i < policy->agent_count ? &policy->agents[i] : NULL;
}

const struct policy_lexicon *policy_lexicon(const struct policy *policy, struct str name)
{
    size_t i =
        row_find(policy->lexicons, policy->lexicon_count, sizeof(struct policy_lexicon), name);

    return i < policy->lexicon_count ? &policy->lexicons[i] : NULL;
}

bool policy_agent_has(const struct policy_agent *agent, struct str domain)
{
    const struct policy_list *domains = &agent->domains; /* sorted at load */

    return row_find(domains->items, domains->count, sizeof(struct str), domain) < domains->count;
}

/* Decimals in millionths: exact, where a double would not be. */
bool policy_micros(struct str decimal, int64_t *out)
{
    struct str rest = decimal, whole = str_split(&rest, '.');
    uint64_t units = 0, micros = 0, scale = 100000;
    bool more = false;

    if (whole.n > 13 || !str_to_u64(whole, &units) || (rest.p && rest.n == 0)) {
        return false;
    }
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] < '0' || rest.p[i] > '9') {
            return false;
        }
        micros += (uint64_t)(rest.p[i] - '0') * scale;
        more = more || (scale == 0 && rest.p[i] != '0');
        scale /= 10;
    }
    if (units >= POLICY_UNITS_MAX) {
        return false;
    }
    *out = (int64_t)(units * 1000000 + micros + more);
    return true;
}

bool policy_queue_has(const struct policy_queue *queue, struct str person, unsigned roles)
{
    const struct policy_list *people = &queue->people; /* sorted at load */

    return (queue->roles & roles) != 0 ||
           row_find(people->items, people->count, sizeof(struct str), person) < people->count;
}

bool policy_has_reason(const struct policy *policy, struct str reason_code)
{
    for (size_t i = 0; i < policy->reasons.count; i++) {
        if (str_eq(policy->reasons.items[i], reason_code)) {
            return true;
        }
    }
    return false;
}
