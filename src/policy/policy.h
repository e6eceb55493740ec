/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy: where the line between people and machine runs. One YAML file, versioned as a whole,
 * loaded all or nothing with file:line:column in every refusal. A loaded policy never changes; it is
 * shared by counting references.
 */
#ifndef FM_POLICY_H
#define FM_POLICY_H

#include "base/clock.h"
#include "crypto/crypto.h"
#include "json/json.h"
#include "json/json_schema.h"

/* Ordered: the strictest wins (invariant 7). */
enum verdict { VERDICT_ALLOW, VERDICT_EARN, VERDICT_REVIEW, VERDICT_BLOCK };
const char *verdict_name(enum verdict verdict);

#define EFFECTS(X)                                                                                 \
    X(NONE, "none") X(READ, "read") X(RECORD, "record") X(ACCOUNT, "account") X(MONEY, "money")    \
    X(MESSAGE, "message") X(PUBLISH, "publish") X(LEGAL, "legal") X(AUTH, "auth")                  \
    X(FETCH, "fetch") X(HANDOFF, "handoff")

enum effect {
#define X(name, text) EFFECT_##name,
    EFFECTS(X)
#undef X
    EFFECT_COUNT
};
/* As written in the file, "money". */
const char *effect_name(enum effect effect);

/* What a brief can be required to hold. */
#define BRIEF_PARTS(X)                                                                             \
    X(SUMMARY, "summary") X(REQUEST, "request") X(RECOMMENDATION, "recommendation")                \
    X(REASONING, "reasoning") X(CASE_AGAINST, "case_against") X(CONFIDENCE, "confidence")          \
    X(EVIDENCE, "evidence") X(OPTIONS, "options") X(DRAFT, "draft")

enum brief_part {
#define X(name, text) BRIEF_##name,
    BRIEF_PARTS(X)
#undef X
    BRIEF_PART_COUNT
};
/* As written in the file, "case_against". */
const char *brief_part_name(enum brief_part part);

enum review_mode { MODE_GLANCE, MODE_READ, MODE_DECIDE_FIRST };
/* As written in the file, "glance". */
const char *review_mode_name(enum review_mode mode);
enum on_expiry { ON_EXPIRY_EXPIRE, ON_EXPIRY_KEEP };
enum decide_via { VIA_PAGE = 1, VIA_TOKEN = 2, VIA_CHAT = 4 }; /* a set */

struct policy_list {
    const struct str *items;
    size_t count;
};

struct policy_action {
    struct str name;
    enum verdict then;
    bool has_then;              /* else defaults.then */
    unsigned effects;           /* bit set of 1u << enum effect */
    struct str domain;          /* absent: none */
    struct str executor;        /* agent's name; absent: the proposing agent */
    enum json_bool reversible;
    struct str queue;           /* absent: defaults.queue */
    unsigned brief_required;    /* bit set of 1u << enum brief_part */
    int64_t evidence_min;
    struct str card_title;      /* "Refund {amount} {currency} for order {order_id}"; absent: the name */
    struct policy_list critical; /* RFC 6901 pointers into the arguments, shown first */
    struct str oversight;       /* absent: none */
    struct json_schema *schema; /* of the arguments; NULL: any object. Formats are checked */
};

struct policy_queue {
    struct str name;
    struct policy_list people;  /* by name, sorted */
    unsigned roles;             /* bit set of 1u << enum role (people.h's order: role_of_name) */
    struct str backup;          /* queue; absent: none */
};

struct policy {
    struct hash version;        /* SHA-256 of `canonical` */
    struct str canonical;       /* RFC 8785 form of the file */
    enum verdict then, unknown_actions;
    struct str queue;           /* defaults.queue */
    enum review_mode mode;
    int64_t undo_us, respond_within_us, valid_for_us;
    int64_t outcome_within_us; /* after a redemption: later, its outcome is unknown */
    enum on_expiry on_expiry;
    unsigned decide_by;         /* set of enum decide_via */
    const struct policy_action *actions; /* sorted by name */
    size_t action_count;
    const struct policy_queue *queues;   /* sorted by name */
    size_t queue_count;
    struct policy_list reasons;
    int64_t pending_per_agent, proposals_per_minute;
};

/* One finding of the loader: file:line:column: message. */
struct policy_finding {
    unsigned line, column; /* from 1 */
    bool warning;          /* a warning does not refuse */
    struct str message;
};

#define POLICY_BYTES_MAX (4 * MIB)
#define POLICY_FINDINGS_MAX 64

/* Loads a policy from YAML text. All findings are put into `findings` (POLICY_FINDINGS_MAX of them), in
 * the order of the file; their texts live in ctx->arena. `file` is only for messages. On success the
 * caller owns one reference; else *out is NULL. Errors: FM_E_INVALID_ARGUMENT with
 * "FILE:LINE:COLUMN: message" of the first error in the detail; FM_E_OVERLOADED when memory is short. */
enum fm_err policy_parse(struct ctx *ctx, struct str file, struct str yaml,
                         struct policy_finding *findings, size_t *finding_count,
                         const struct policy **out) MUST_CHECK;

/* Reads the file and parses it. A file that cannot be read: FM_E_INVALID_ARGUMENT with "FILE: reason",
 * and no findings. */
enum fm_err policy_load(struct ctx *ctx, const char *path, struct policy_finding *findings,
                        size_t *finding_count, const struct policy **out) MUST_CHECK;

/* The policy that holds when no file is given: everything is reviewed by role:reviewer, backup leads.
 * Lives for ever: keeping and dropping it changes nothing. Any thread. */
const struct policy *policy_builtin(void);

const struct policy *policy_keep(const struct policy *policy); /* one more reference; any thread */
void policy_drop(const struct policy *policy);                 /* one less; NULL allowed */

/* By name; NULL when the file does not have it. O(log n). */
const struct policy_action *policy_action(const struct policy *policy, struct str name);
const struct policy_queue *policy_queue(const struct policy *policy, struct str name);

/* Whether a person of this name and these roles is a member. */
bool policy_queue_has(const struct policy_queue *queue, struct str person, unsigned roles);
bool policy_has_reason(const struct policy *policy, struct str reason_code);

/* Roles: the bit numbers in role sets. */
#define ROLES(X)                                                                                   \
    X(REVIEWER, "reviewer") X(LEAD, "lead") X(POLICY, "policy") X(AUDITOR, "auditor")              \
    X(ADMIN, "admin")

enum role {
#define X(name, text) ROLE_##name,
    ROLES(X)
#undef X
    ROLE_COUNT
};
/* As written in the file and on the wire, "reviewer". */
const char *role_name(enum role role);
int role_of_name(struct str name); /* -1 when there is none */
#define ROLE_BIT(role) (1u << (role))

#endif
