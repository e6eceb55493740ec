/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 2: a proposal IS ASSESSED. Combines what the catalogue and the defaults say into one verdict
 * with all its reasons and the obligations of a hold. Pure: the same policy and proposal give the same
 * assessment. Monotone (invariant 7): a reason can only make the verdict stricter.
 */
#ifndef FM_ASSESS_H
#define FM_ASSESS_H

#include "policy/policy.h"

#define ASSESS_REASONS_MAX 32

struct assess_reason {
    const char *source; /* "catalogue", "pause", ... as 03 lists them */
    enum verdict verdict;
    struct str rule;    /* absent: none */
    struct str pointer; /* into the proposal; absent: none */
    struct str text;    /* a sentence for people */
};

struct assessment {
    enum verdict verdict; /* the strictest of the reasons */
    struct assess_reason reasons[ASSESS_REASONS_MAX];
    size_t reason_count;
    const struct policy_action *action; /* NULL: not in the catalogue */
    struct str category;
    unsigned effects;
    /* obligations of a hold */
    struct str queue;
    enum review_mode mode;
    int64_t undo_us, respond_within_us, valid_for_us;
    enum on_expiry on_expiry;
};

/* Assesses the use of `action`. Texts live in ctx->arena or in the policy. Any thread. */
enum fm_err assess(struct ctx *ctx, const struct policy *policy, struct str action,
                   struct assessment *out) MUST_CHECK;

/* Adds a reason; the verdict becomes the stricter of both. Beyond ASSESS_REASONS_MAX the verdict still
 * counts and the last reason says that more were left out. */
void assess_add(struct assessment *assessment, struct assess_reason reason);

/* The same for an assessment as it was stored (what assess_write gave); the new text is in the
 * arena. */
enum fm_err assess_add_stored(struct ctx *ctx, struct str *json, struct assess_reason reason)
    MUST_CHECK;

/* Writes {"reasons": [..], "verdict": ..} as 03 has it, members sorted, so that it can be hashed. */
void assess_write(struct json_out *out, const struct assessment *assessment);

#endif
