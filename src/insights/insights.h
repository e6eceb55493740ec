/* SPDX-License-Identifier: Apache-2.0
 *
 * Read only: evidence for outsiders. The bundle of one proposal, as JSON and as a page, and the
 * report of who decided what demanded a person.
 */
#ifndef FM_INSIGHTS_H
#define FM_INSIGHTS_H

#include "evidence/evidence.h"

/* Evidence bundles ----------------------------------------------------------------------------- */

/* Leaves of people, agents and policies in one bundle: a person changes some ten times. */
#define BUNDLE_CONTEXT_MAX 2000

/* Appends the bundle of a proposal as JSON: every leaf about it with payload, salt and inclusion
 * proof against the newest signed checkpoint, the leaves that say who its people were, and the
 * account of them all. `vkey` is the log's verifier key. Call inside a snapshot. Errors:
 * FM_E_NOT_FOUND, FM_E_TOO_LARGE, FM_E_OVERLOADED when its newest leaf is not signed yet (it is
 * a second later). */
enum fm_err insights_bundle(struct ctx *ctx, struct store_conn *conn, struct id proposal,
                            struct str vkey, struct buf *out) MUST_CHECK;

/* Appends a bundle as a page of its own: no script, nothing loaded from anywhere, what agents wrote
 * escaped and hidden characters shown by number. `bundle` is what insights_bundle wrote. */
enum fm_err insights_bundle_page(struct ctx *ctx, struct str bundle, struct buf *out) MUST_CHECK;

/* What may stand in a bundle; larger ones are refused. */
extern const struct json_limits INSIGHTS_BUNDLE_LIMITS;

/* Proofs of one leaf --------------------------------------------------------------------------- */

/* What the extra data of a proof file holds besides the entry. */
enum proof_extra { PROOF_ENTRY, PROOF_ENTRY_AND_PAYLOAD };

/* Appends a C2SP tlog-proof of leaf `index` against the newest signed checkpoint. Its extra data
 * is {"entry", "says", "v"}, with "payload" and "salt" where they are wanted and not erased.
 * Call inside a snapshot. Errors: FM_E_NOT_FOUND; FM_E_OVERLOADED as above. */
enum fm_err insights_proof(struct ctx *ctx, struct store_conn *conn, uint64_t index,
                           enum proof_extra extra, struct buf *out) MUST_CHECK;

/* Appends the proof that the newest signed checkpoint continues the log of `old_size` entries
 * (tlog_growth_file). Call inside a snapshot. Errors: FM_E_INVALID_ARGUMENT unless 0 < old_size
 * <= its size. */
enum fm_err insights_growth(struct ctx *ctx, struct store_conn *conn, uint64_t old_size,
                            struct buf *out) MUST_CHECK;

/* Completeness --------------------------------------------------------------------------------- */

#define COMPLETENESS_EXAMINED_MAX 500 /* proposals of one call: some 20 ms */

/* A proposal whose assessment demanded a person. Texts live until the visit returns. */
struct completeness_item {
    struct id proposal;
    struct str at, action, category, demanded; /* demanded: "earn" or "review" */
    const char *status;
    const struct journal_leaf *decision; /* by a person, that stands; NULL: why_none says why */
    const struct role_record *record; /* of the decider at that time; NULL: the log knows nobody */
    const char *why_none;             /* "pending", "expired", "withdrawn", "superseded"; NULL */
    const struct journal_leaf *released; /* NULL: it was not */
    bool lacks_person;  /* released, but no person with a role to decide had approved it */
    struct str problem; /* what else does not fit; absent */
};
typedef enum fm_err completeness_visit_fn(void *with, const struct completeness_item *item);

struct completeness_query {
    int64_t from_us, to_us; /* of the first leaf: from, and before */
    struct id after;        /* continue behind this proposal; zero: from the start */
    size_t items_max;       /* visits of this call */
};
struct completeness_answer {
    struct id last; /* examined last; for `after` of the next call */
    bool is_last;   /* nothing is left */
};

/* Examines proposals of a period in the order of their ids, at most COMPLETENESS_EXAMINED_MAX,
 * and visits those that demanded a person. Roles are those of the log at that time. Call inside
 * a snapshot. */
enum fm_err insights_completeness(struct ctx *ctx, struct store_conn *conn,
                                  const struct completeness_query *query,
                                  completeness_visit_fn *visit, void *with,
                                  struct completeness_answer *out) MUST_CHECK;

/* One item as JSON. */
void insights_completeness_write(struct json_out *out, const struct completeness_item *item);

/* Reads an end of a period: RFC 3339, or a date, which is its first moment, or with `is_end` the
 * first moment of the next day. False on anything else. */
bool insights_period_parse(struct str text, bool is_end, int64_t *out_us) MUST_CHECK;

/* Coverage of the catalogue -------------------------------------------------------------------- */

/* An action that an agent has proposed. */
struct coverage_row {
    int64_t agent; /* row */
    struct str action;
    int64_t proposals; /* since the store was made */
    int64_t silent;    /* of which neither a rule nor an entry of the catalogue spoke at the time */
    int64_t first_at, last_at;
};
typedef void coverage_visit_fn(void *with, const struct coverage_row *row);

/* Visits at most `max` rows in the order of agents and actions, behind (agent, action); the first
 * time behind (0, ""). Any connection. */
enum fm_err insights_coverage(struct ctx *ctx, struct store_conn *conn, int64_t agent,
                              struct str action, size_t max, coverage_visit_fn *visit, void *with)
    MUST_CHECK;

/* Edge cases ----------------------------------------------------------------------------------- */

#define EDGE_CASES_EXAMINED_MAX 500 /* corrections of one call, the newest: some 20 ms */
#define EDGE_CASE_GROUPS_MAX    200
#define EDGE_CASE_EXAMPLES_MAX  5

/* Proposals that people rejected, modified or returned for the same reason: in one category, with
 * one reason code, and where they changed something, at one member of the arguments. */
struct edge_case {
    struct str category, reason_code, pointer; /* absent: none given; nothing changed */
    int64_t rejected, modified, returned;
    struct edge_case_example {
        struct id id;
        int64_t agent, payload; /* rows; the request's leaf */
        struct str action;
        int64_t created_at;
    } examples[EDGE_CASE_EXAMPLES_MAX]; /* the newest */
    size_t example_count;
};
struct edge_cases {
    struct edge_case *groups; /* the largest first; in the arena */
    size_t count, examined;
    bool left_out; /* there are more than were examined, or more groups than fit */
};
/* Writes a group as JSON, without the end of its object: for more members. */
void insights_edge_case_write(struct json_out *out, const struct edge_case *group);
/* Groups what people corrected since a time. Any connection. */
enum fm_err insights_edge_cases(struct ctx *ctx, struct store_conn *conn, int64_t since_us,
                                struct edge_cases *out) MUST_CHECK;

#endif
