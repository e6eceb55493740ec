/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share: one assessment under way.
 */
#ifndef FM_ASSESS_INTERNAL_H
#define FM_ASSESS_INTERNAL_H

#include "assess/assess.h"

struct assess_run {
    struct ctx *ctx;
    const struct assess_input *input;
    struct assessment *out;
    const struct json *arguments;
    struct cel_activation *activation; /* NULL: the policy has no conditions */
    struct policy_scope scope;
    bool starved; /* the last evaluation ended because others had used up its steps */
};

/* Binds the variables of conditions to the proposal: most of them when they are first read.
 * Errors: that of fail_memory. */
enum fm_err facts_bind(struct assess_run *run) MUST_CHECK;
/* Binds the action alone, where there is one: what else is read has no value. */
enum fm_err facts_bind_action(struct assess_run *run) MUST_CHECK;
/* Binds `domains` and `history`, which only the committer knows. */
void facts_bind_counts(struct assess_run *run);

/* Evaluates a program within what is left of ASSESS_COST_MAX. */
struct cel_result conditions_eval(struct assess_run *run, const struct cel_program *program);

/* The values that made a program true, as JSON for a reason; absent when there are none or no
 * room. */
struct str conditions_values(struct assess_run *run, const struct cel_program *program);

/* Evaluates the rules that read counts (or those that do not), and adds what matches. */
enum fm_err rules_apply(struct assess_run *run, bool counted) MUST_CHECK;

/* Sets the category by the catalogue's expression. */
enum fm_err category_apply(struct assess_run *run) MUST_CHECK;

/* Computes what counts against which budgets. */
enum fm_err budgets_apply(struct assess_run *run) MUST_CHECK;

#endif
