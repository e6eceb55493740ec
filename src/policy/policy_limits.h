/* SPDX-License-Identifier: Apache-2.0
 *
 * How large a policy may be. Every loop over the file ends at one of these; POLICY_BYTES_MAX and
 * POLICY_FINDINGS_MAX stand in policy.h, because callers need them.
 */
#ifndef FM_POLICY_LIMITS_H
#define FM_POLICY_LIMITS_H

#include "base/clock.h"

#define POLICY_DEPTH_MAX 32      /* nesting; this version's own keys need 5 */
#define POLICY_NODES_MAX 400000  /* keys and values; 10,000 actions with all keys have 370,000 */
#define POLICY_ACTIONS_MAX 10000
#define POLICY_QUEUES_MAX 1000
#define POLICY_INCLUDES_MAX 64 /* files */

#define POLICY_ACTION_NAME_MAX 128 /* bytes of [a-z0-9._/-], as on the wire */
#define POLICY_WORD_MAX 64         /* bytes: queues, domains, reasons, people, agents */
#define POLICY_MEMBERS_MAX 1000    /* of one queue */
#define POLICY_REASONS_MAX 100
#define POLICY_EVIDENCE_MAX 50 /* items of evidence that a brief can hold at all */

#define POLICY_TITLE_CHARACTERS_MAX 200
#define POLICY_HOLE_MAX 128 /* bytes of a member's name in a title */
#define POLICY_OVERSIGHT_CHARACTERS_MAX 2000
#define POLICY_CRITICAL_MAX 64 /* pointers of one action */
#define POLICY_POINTER_MAX 512 /* bytes of one */

#define POLICY_PENDING_MAX 1000000000 /* ceilings of what `limits` may say: far above any server */
#define POLICY_RATE_MAX 1000000000

#define POLICY_RULES_MAX              1000
#define POLICY_BUDGETS_MAX            100
#define POLICY_AGENTS_MAX             1000
#define POLICY_DOMAINS_MAX            256 /* of one agent */
#define POLICY_BECAUSE_CHARACTERS_MAX 300
#define POLICY_EXPRESSION_MAX         (8 * KIB) /* bytes of one condition */
#define POLICY_EXPRESSIONS_MAX                                                                     \
    (512 * KIB)                        /* bytes of all: a program takes some 50 times its text */
#define POLICY_TYPED_MAX         20000 /* pairs of a condition and an action with a schema */
#define POLICY_LEXICONS_MAX      100
#define POLICY_LEXICON_WORDS_MAX 10000     /* of one lexicon */
#define POLICY_LEXICON_WORD_MAX  200       /* bytes */
#define POLICY_LEXICON_BYTES_MAX (1 * MIB) /* of all lexicons, folded: 24 bytes of automaton each */
#define POLICY_RECIPIENTS_MAX    10000
#define POLICY_RECIPIENT_MAX     320 /* bytes: the longest e-mail address is 254 */
#define POLICY_RECIPIENTS_FOUND_MAX                                                                \
    64 /* of one proposal; beyond it there is one too many to look at */
#define POLICY_UNITS_MAX         9000000000000u /* of a sum: in millionths it fits 63 bits */
#define POLICY_WARM_UP_MAX       1000000
#define POLICY_BUDGET_WINDOW_MAX (90 * DAY_US) /* counters are kept as long */
#define POLICY_CATEGORIES_MAX    10000         /* that expressions of one store may make */

#define POLICY_TESTS_MAX      1000
#define POLICY_TEST_NAME_MAX  120 /* characters */
#define POLICY_TEST_KNOWN_MAX 100
#define POLICY_TEST_BYTES_MAX                                                                      \
    (256 * KIB) /* of what one test gives: as much as arguments may have */

/* Memory of a load: the tree and its canonical form (given back at the end), and the policy
 * itself. */
#define POLICY_SCRATCH_MAX (256 * MIB)
#define POLICY_ARENA_MAX   (96 * MIB)
#define POLICY_JSON_MAX (6 * POLICY_BYTES_MAX + MIB) /* a byte becomes at most \u00XX */

#endif
