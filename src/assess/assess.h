/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 2: a proposal IS ASSESSED. Combines what catalogue, rules and defaults say into one
 * verdict with all its reasons and the obligations of a hold. Pure: the same policy, proposal and
 * counts give the same assessment. Monotone (invariant 7): a reason can only make the verdict
 * stricter.
 *
 * It goes in steps, because what counts is known to the committer alone: assess_begin any thread:
 * category, catalogue, rules, the amounts of budgets assess_counted committer: rules that read
 * history or the session's domains assess_add committer: budgets, domains never approved together,
 * ... assess_finish the defaults where nothing has spoken, and the obligations
 */
#ifndef FM_ASSESS_H
#define FM_ASSESS_H

#include "policy/policy.h"

#define ASSESS_REASONS_MAX 32
#define ASSESS_VALUES_MAX  6 /* of one reason */
#define ASSESS_VALUES_BYTES_MAX                                                                    \
    (16 * KIB)                      /* of all of them: an assessment is stored with its proposal */
#define ASSESS_JSON_MAX (160 * KIB) /* 32 reasons of 300 characters, escaped, and their values */
#define ASSESS_COST_MAX (2 * CEL_COST_MAX) /* steps of all conditions together: 100 ms at worst */

struct assess_reason {
    const char *source; /* "catalogue", "rule", ... as 03 lists them */
    enum verdict verdict;
    struct str rule;    /* id of the rule or budget; absent: none */
    struct str pointer; /* into the proposal; absent: none */
    struct str text;    /* a sentence for people */
    struct str values;  /* why it matched: a JSON array of {"expression", "value"}; absent: none */
    bool edited;        /* it is about a person's edit of the arguments, which agents do not see */
};

/* An amount that counts against a budget if the proposal is let go or held. */
struct assess_use {
    const struct policy_budget *budget;
    int64_t micros;
};

struct assessment {
    enum verdict verdict; /* the strictest of the reasons */
    struct assess_reason reasons[ASSESS_REASONS_MAX];
    size_t reason_count;
    const struct policy_action *action; /* NULL: not in the catalogue */
    struct str category;
    bool own_category; /* an expression made it */
    unsigned effects;
    struct policy_list domains; /* of this proposal: the catalogue's and the agent's claims */
    const struct assess_use *uses;
    size_t use_count;
    /* obligations of a hold */
    struct str queue;
    enum review_mode mode;
    int64_t undo_us, respond_within_us, valid_for_us;
    enum on_expiry on_expiry;
    /* while it is being made */
    bool spoken, begun, finished; /* a catalogue entry or rule has said something */
    int64_t rule_respond_us;      /* the shortest of the rules; 0: none */
    int64_t queue_respond_us;     /* of the rule that names the queue */
    struct str queue_rule;
    uint64_t cost;
    size_t values_bytes;
};

/* Counts and sums before this proposal, whose and over which window. */
enum assess_whose { WHOSE_AGENT, WHOSE_CATEGORY, WHOSE_SUBJECT, WHOSE_COUNT };
struct assess_history {
    int64_t count[WHOSE_COUNT][POLICY_WINDOW_COUNT];
    int64_t micros[WHOSE_COUNT][POLICY_WINDOW_COUNT];
};

/* What is assessed, and on whose behalf. Borrowed; an absent text is empty to conditions. */
struct assess_input {
    const struct policy *policy;
    struct str action;
    const struct json *request;   /* NULL when it was erased: conditions see empty members */
    const struct json *arguments; /* NULL: the request's */
    struct str agent_id, agent_name, owner;
    int64_t now_us;
    bool (*is_known)(void *with, struct str recipient); /* policy_scope; may be NULL */
    bool (*history)(void *with, struct str category,
                    struct assess_history *out); /* false: failed */
    void *with;
    /* for replays: */
    bool unexplained;  /* reasons come without the values that made them */
    uint64_t *matched; /* counts the matches of each rule of the policy; NULL: nobody counts */
    struct policy_list session_domains; /* of the session's proposals so far, for assess_counted */
};

/* The first step. Texts live in ctx->arena or in the policy. Any thread. */
enum fm_err assess_begin(struct ctx *ctx, const struct assess_input *input, struct assessment *out)
    MUST_CHECK;

/* Whether the second step has anything to do. */
bool assess_needs_counts(const struct policy *policy);
enum fm_err assess_counted(struct ctx *ctx, const struct assess_input *input,
                           struct assessment *assessment) MUST_CHECK;

/* The last step. */
enum fm_err assess_finish(struct ctx *ctx, const struct policy *policy,
                          struct assessment *assessment) MUST_CHECK;

/* The first and the last: what can be said without counting. */
enum fm_err assess(struct ctx *ctx, const struct assess_input *input, struct assessment *out)
    MUST_CHECK;

/* Adds warnings about rules that can never change anything to the findings of a load (room for
 * POLICY_FINDINGS_MAX). Any thread but a loop: up to a second. */
enum fm_err assess_lint(struct ctx *ctx, const struct policy *policy,
                        struct policy_finding *findings, size_t *count) MUST_CHECK;

/* Adds a reason; the verdict becomes the stricter of both. Beyond ASSESS_REASONS_MAX the verdict still
 * counts and the last reason says that more were left out. */
void assess_add(struct assessment *assessment, struct assess_reason reason);

/* The same for an assessment as it was stored (what assess_write gave): adds those of the reasons
 * that ask for something and are not there already, if need be in place of its last ones; the new
 * text is in the arena. */
enum fm_err assess_add_stored(struct ctx *ctx, struct str *json,
                              const struct assess_reason *reasons, size_t count) MUST_CHECK;

/* A stored assessment without the reasons that a person's edit gave: what agents read. */
bool assess_has_edited(struct str json);
enum fm_err assess_without_edited(struct ctx *ctx, struct str json, struct str *out) MUST_CHECK;

/* Writes {"reasons": [..], "verdict": ..} as 03 has it, members sorted, so that it can be hashed. */
void assess_write(struct json_out *out, const struct assessment *assessment);
void assess_write_reasons(struct json_out *out,
                          const struct assessment *assessment); /* the array alone */

#endif
