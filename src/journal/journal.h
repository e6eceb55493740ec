/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log as Fermata uses it: kinds of events as a table, and the one function that appends to it
 * inside the caller's transaction (invariant 2). A leaf holds ids, kind, time and a commitment; what is
 * personal (payload, free text) lies in an erasable row beside it, bound by
 * HMAC-SHA256(salt, SHA-256(payload)).
 */
#ifndef FM_JOURNAL_H
#define FM_JOURNAL_H

#include "base/clock.h"
#include "store/store.h"
#include "tlog/tlog.h"
#include "json/json.h"

#define JOURNAL_KINDS(X) /* name, wire type, shown on the page's stream */                         \
    X(PROPOSAL_HELD, "proposal.held", 1)                                                           \
    X(PROPOSAL_BLOCKED, "proposal.blocked", 0)                                                     \
    X(PROPOSAL_CLAIMED, "proposal.claimed", 1)                                                     \
    X(PROPOSAL_UNCLAIMED, "proposal.unclaimed", 1)                                                 \
    X(PROPOSAL_DECIDED, "proposal.decided", 1)                                                     \
    X(PROPOSAL_UNDONE, "proposal.undone", 1)                                                       \
    X(PROPOSAL_RELEASED, "proposal.released", 1)                                                   \
    X(PROPOSAL_RETURNED, "proposal.returned", 1)                                                   \
    X(PROPOSAL_REVISED, "proposal.revised", 1)                                                     \
    X(PROPOSAL_ESCALATED, "proposal.escalated", 1)                                                 \
    X(PROPOSAL_TIGHTENED, "proposal.tightened", 1)                                                 \
    X(PROPOSAL_EXPIRED, "proposal.expired", 1)                                                     \
    X(PROPOSAL_WITHDRAWN, "proposal.withdrawn", 1)                                                 \
    X(PROPOSAL_OUTCOME, "proposal.outcome", 1)                                                     \
    X(PROPOSAL_COMMENTED, "proposal.commented", 1)                                                 \
    X(PERMIT_REDEEMED, "permit.redeemed", 1)                                                       \
    X(POLICY_PROPOSED, "policy.proposed", 0)                                                       \
    X(POLICY_ACTIVATED, "policy.activated", 0)                                                     \
    X(POLICY_SHADOWED, "policy.shadowed", 0)                                                       \
    X(PERSON_ADDED, "person.added", 0)                                                             \
    X(PERSON_CHANGED, "person.changed", 0)                                                         \
    X(PERSON_SIGNED_IN, "person.signed_in", 0)                                                     \
    X(PERSON_SIGNED_OUT, "person.signed_out", 0)                                                   \
    X(AGENT_ADDED, "agent.added", 0)                                                               \
    X(AGENT_SECRET_CHANGED, "agent.secret_changed", 0)                                             \
    X(AGENT_HOSTS_CHANGED, "agent.hosts_changed", 0)                                               \
    X(KEY_CREATED, "key.created", 0)                                                               \
    X(KEY_REVOKED, "key.revoked", 0)                                                               \
    X(LINK_CREATED, "link.created", 0)                                                             \
    X(PAUSE_STARTED, "pause.started", 1)                                                           \
    X(PAUSE_RESUME_ASKED, "pause.resume_asked", 1)                                                 \
    X(PAUSE_ENDED, "pause.ended", 1)                                                               \
    X(STORE_OPENED, "store.opened", 0)                                                             \
    X(EPOCH_OPENED, "epoch.opened", 0)                                                             \
    X(CLOCK_JUMPED, "clock.jumped", 0)

enum journal_kind {
#define X(name, wire, shown) JOURNAL_##name,
    JOURNAL_KINDS(X)
#undef X
    JOURNAL_KIND_COUNT
};

/* The type on the wire, "proposal.held"; whether the page's stream shows it. */
const char *journal_kind_name(enum journal_kind kind);
bool journal_kind_is_shown(enum journal_kind kind);

/* Who did it. `id` is a person's or an agent's; zero for the rest. */
enum actor_kind { ACTOR_AGENT, ACTOR_REVIEWER, ACTOR_POLICY, ACTOR_CLOCK, ACTOR_OPERATOR };

struct actor {
    enum actor_kind kind;
    struct id id;
};

const char *actor_kind_name(enum actor_kind kind); /* "agent", "reviewer", "policy", "clock", "operator" */

struct journal_event {
    enum journal_kind kind;
    struct actor by;
    struct id proposal;       /* zero when it is about none */
    int64_t previous;         /* leaf index of the proposal's event before, -1 when there is none */
    int64_t at_us;
    struct str data;          /* raw canonical JSON members (sorted) that are not personal, or empty */
    struct str payload;       /* personal or large: kept beside the log; absent when there is none */
};

/* Appends one leaf (and its payload row) inside the running command. `*index` is its place in the log,
 * which is also the key of its payload row. Committer's thread (or before it starts). Errors: the
 * store's. */
enum fm_err journal_append(struct ctx *ctx, struct store_conn *conn, const struct journal_event *event,
                           uint64_t *index) MUST_CHECK;

/* The same, and tells the event's own id (evt_). */
enum fm_err journal_append_event(struct ctx *ctx, struct store_conn *conn,
                                 const struct journal_event *event, uint64_t *index, struct id *id)
    MUST_CHECK;

/* The payload of a leaf, copied into the arena; absent when erased. FM_E_NOT_FOUND when there is none. */
enum fm_err journal_payload(struct ctx *ctx, struct store_conn *conn, uint64_t index, struct str *out)
    MUST_CHECK;

/* How a leaf is bound to its payload: HMAC-SHA256(salt, SHA-256(payload)). */
struct hash journal_commitment(struct str salt, struct str payload);

/* The state behind the log: the frontier, what the running batch adds, the signing key. One per store. */
struct journal;

/* Reads the log's head and frontier and loads the signing key `log.key` in the store's folder; an
 * empty log gets a new key, one with entries never. `origin` names a new log (an existing one
 * keeps its own). Errors: FM_E_INTERNAL when the key is gone or did not sign the newest
 * checkpoint, or the head does not fit. */
enum fm_err journal_open(struct ctx *ctx, struct store *store, struct str origin, struct journal **out)
    MUST_CHECK;
void journal_close(struct journal *journal);

/* Whether `log.key` in the folder signed the newest checkpoint, where there is one. Never makes a
 * key. Errors: FM_E_INTERNAL with the reason. Any connection. */
enum fm_err journal_check_key(struct ctx *ctx, struct store_conn *conn, const char *dir) MUST_CHECK;

/* The committer's hooks (store.h): mark, rollback, tiles and head before COMMIT, the new frontier after. */
void journal_mark(struct journal *journal);
void journal_rollback(struct journal *journal);
void journal_abandon(struct journal *journal);
enum fm_err journal_before_commit(struct journal *journal, struct ctx *ctx, struct store_conn *conn)
    MUST_CHECK;
void journal_after_commit(struct journal *journal);

/* Signs what is durable, as a command of the clock (committer's thread); a no-op when nothing is new. */
enum fm_err journal_sign(struct journal *journal, struct ctx *ctx, struct store_conn *conn) MUST_CHECK;

/* The newest signed log checkpoint (a signed note), copied into `out`; the verifier key. Any thread. */
void journal_checkpoint(struct journal *journal, struct buf *out);
void journal_vkey(struct journal *journal, struct buf *out);
uint64_t journal_size(struct journal *journal); /* durable leaves; any thread */

/* Where stored hashes come from, for proofs and verification (tlog_read_fn over `struct store_conn`).
 * Reads tiles, and entries for the last partial tile. */
bool journal_read_hash(void *conn, unsigned level, uint64_t index, struct hash *out);

/* `count` hashes of the tile `level`, `index` (C2SP tlog-tiles) into `out`: one read where the
 * tile is full. False when the log lacks one of them. Any connection. */
bool journal_read_tile(struct store_conn *conn, unsigned level, uint64_t index, size_t count,
                       struct hash *out);

/* The newest signed checkpoint that is stored, in the arena, and the size that it covers; absent
 * and 0 when nothing was signed yet. Any connection. */
enum fm_err journal_last_checkpoint(struct ctx *ctx, struct store_conn *conn, struct str *note,
                                    uint64_t *size) MUST_CHECK;

/* Reading leaves back -------------------------------------------------------------------------- */

#define JOURNAL_CHAIN_MAX 10000 /* leaves of one proposal that are read at once: 5 are usual */

/* A leaf, and what lies beside it. Everything borrows from the entry's bytes or the arena. */
struct journal_leaf {
    uint64_t index;
    int64_t previous;       /* the proposal's leaf before; -1: none, or not known */
    struct str entry;       /* the bytes that were hashed */
    enum journal_kind kind; /* JOURNAL_KIND_COUNT: one that this program does not know */
    struct str kind_name, at, event, by_kind, by_id,
        commitment;           /* absent where the leaf has none */
    struct id proposal;       /* zero: about none */
    const struct json *data;  /* NULL: none */
    struct str salt, payload; /* absent: erased, not read, or there never was one */
};

/* Reads an entry. Nothing is assumed of the bytes but that somebody claims they are a leaf. Errors:
 * FM_E_INVALID_ARGUMENT unless it is a canonical entry of version 1. */
enum fm_err journal_leaf_parse(struct ctx *ctx, uint64_t index, struct str entry,
                               struct journal_leaf *out) MUST_CHECK;

/* Reads one leaf of the store into the arena, with salt and payload. FM_E_NOT_FOUND when the log is
 * shorter. Any connection. */
enum fm_err journal_read_leaf(struct ctx *ctx, struct store_conn *conn, uint64_t index,
                              struct journal_leaf *out) MUST_CHECK;

/* All leaves of a proposal, the first one first, by following the chain back from `newest`; bare
 * ones come without salt and payload. Errors: FM_E_TOO_LARGE beyond JOURNAL_CHAIN_MAX,
 * FM_E_INTERNAL for a chain that does not hold together. */
enum journal_read { JOURNAL_BARE, JOURNAL_WITH_PAYLOADS };
enum fm_err journal_read_chain(struct ctx *ctx, struct store_conn *conn, struct id proposal,
                               int64_t newest, enum journal_read how, struct journal_leaf **out,
                               size_t *count) MUST_CHECK;

/* Calls `visit` for every leaf, in the order of the log, that makes or changes somebody or a policy
 * (no proposal's leaves, no sign-ins), up to and with leaf `last`. `visit` copies what it keeps; an
 * error of its own ends the walk. Any connection. */
typedef enum fm_err journal_visit_fn(void *with, struct ctx *ctx, const struct journal_leaf *leaf);
enum fm_err journal_each_standing(struct ctx *ctx, struct store_conn *conn, int64_t last,
                                  journal_visit_fn *visit, void *with) MUST_CHECK;

/* Calls `visit` for `count` entries from `first` on. FM_E_NOT_FOUND when the log lacks one of
 * them. */
typedef enum fm_err journal_entry_fn(void *with, uint64_t index, struct str entry);
enum fm_err journal_each_entry(struct ctx *ctx, struct store_conn *conn, uint64_t first,
                               size_t count, journal_entry_fn *visit, void *with) MUST_CHECK;

/* A copy of a leaf that borrows from `arena` alone. False when memory is short. */
bool journal_leaf_copy(struct ctx *ctx, const struct journal_leaf *leaf, struct journal_leaf *out)
    MUST_CHECK;

#endif
