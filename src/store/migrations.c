/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbered migrations: forward only, run at start under the store's lock, each in one transaction.
 * A released migration never changes; the next one is a new row.
 *
 * Times are UTC microseconds. Ids are their 16 bytes. `row` is the store's own key and never leaves it.
 */
#include "store/store_internal.h"

static const char migration_1[] =
    /* epoch, log origin, and other single values */
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"

    /* --- people ------------------------------------------------------------------------------- */
    "CREATE TABLE people(row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL "
    "UNIQUE,"
    "  roles INTEGER NOT NULL, password TEXT, created_at INTEGER NOT NULL, disabled_at INTEGER);"
    "CREATE TABLE agents(row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL "
    "UNIQUE,"
    "  owner INTEGER NOT NULL, hosts TEXT NOT NULL, webhook_secret TEXT, created_at INTEGER NOT "
    "NULL,"
    "  disabled_at INTEGER);"
    /* kind: 0 agent's key, 1 personal token, 2 session; hash: SHA-256 of the whole secret */
    "CREATE TABLE credentials(hash BLOB PRIMARY KEY, id BLOB NOT NULL, kind INTEGER NOT NULL,"
    "  agent INTEGER, person INTEGER, created_at INTEGER NOT NULL, expires_at INTEGER,"
    "  revoked_at INTEGER) WITHOUT ROWID;"

    /* --- policy ------------------------------------------------------------------------------- */
    "CREATE TABLE policies(row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, hash BLOB NOT NULL,"
    "  canonical TEXT NOT NULL, activated_at INTEGER NOT NULL);"

    /* --- the audit log ------------------------------------------------------------------------ */
    /* previous: the leaf of the same proposal before this one, so that a life is a chain */
    "CREATE TABLE log_entries(idx INTEGER PRIMARY KEY, previous INTEGER, entry BLOB NOT NULL);"
    /* tile: level << 48 | index; up to 256 hashes of 32 bytes */
    "CREATE TABLE log_tiles(tile INTEGER PRIMARY KEY, hashes BLOB NOT NULL);"
    "CREATE TABLE log_head(one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL,"
    "  root BLOB NOT NULL);"
    "CREATE TABLE log_checkpoints(size INTEGER PRIMARY KEY, note TEXT NOT NULL,"
    "  signed_at INTEGER NOT NULL);"
    /* what a leaf commits to; erasing clears salt and body */
    "CREATE TABLE payloads(idx INTEGER PRIMARY KEY, salt BLOB, body BLOB);"

    /* --- proposals ---------------------------------------------------------------------------- */
    "CREATE TABLE proposals("
    "  row INTEGER PRIMARY KEY, id BLOB NOT NULL, agent INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  revision INTEGER NOT NULL, action TEXT NOT NULL, category TEXT NOT NULL,"
    "  policy INTEGER NOT NULL, digest BLOB NOT NULL, arguments_digest BLOB NOT NULL,"
    "  payload INTEGER NOT NULL, last_leaf INTEGER NOT NULL, assessment TEXT NOT NULL,"
    "  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    /* the next moment at which the clock must look at it; NULL: never */
    "  next_at INTEGER,"
    /* the hold */
    "  queue TEXT, first_queue TEXT, mode INTEGER, undo INTEGER, respond_within INTEGER,"
    "  on_expiry INTEGER, due_at INTEGER, escalate_at INTEGER, escalations INTEGER,"
    "  deadline_at INTEGER, repeat_of BLOB, claimed_by INTEGER, claimed_at INTEGER,"
    "  claimed_until INTEGER, preferred INTEGER,"
    /* the decision */
    "  decision BLOB, verdict INTEGER, decided_by INTEGER, decided_at INTEGER, via INTEGER,"
    "  decision_leaf INTEGER, release_at INTEGER, ended_by BLOB,"
    /* the permit and what came of it */
    "  permit BLOB, approved_until INTEGER, redeemed_at INTEGER, outcome INTEGER, outcome_leaf "
    "INTEGER,"
    "  outcome_at INTEGER);"
    "CREATE UNIQUE INDEX proposals_id ON proposals(id);"
    "CREATE INDEX proposals_agent ON proposals(agent, row);"
    "CREATE INDEX proposals_next ON proposals(next_at) WHERE next_at IS NOT NULL;"
    /* open: states 0 and 1, waiting and claimed; pending: states 0 to 2 (proposal/states.c) */
    "CREATE INDEX proposals_open ON proposals(queue, due_at, row) WHERE state < 2;"
    "CREATE INDEX proposals_escalated ON proposals(first_queue, due_at, row)"
    "  WHERE state < 2 AND escalations > 0;"
    "CREATE INDEX proposals_claimed ON proposals(claimed_by) WHERE state = 1;"
    "CREATE INDEX proposals_repeat ON proposals(agent, arguments_digest) WHERE state < 3;"
    "CREATE INDEX proposals_decided_by ON proposals(decided_by, decided_at)"
    "  WHERE decided_by IS NOT NULL;"

    "CREATE TABLE comments(row INTEGER PRIMARY KEY, id BLOB NOT NULL, proposal INTEGER NOT NULL,"
    "  person INTEGER NOT NULL, at INTEGER NOT NULL, leaf INTEGER NOT NULL);"
    "CREATE INDEX comments_proposal ON comments(proposal, row);"
    "CREATE TABLE tallies(agent INTEGER NOT NULL, category TEXT NOT NULL,"
    "  approved INTEGER NOT NULL DEFAULT 0, modified INTEGER NOT NULL DEFAULT 0,"
    "  rejected INTEGER NOT NULL DEFAULT 0, returned INTEGER NOT NULL DEFAULT 0,"
    "  expired INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (agent, category)) WITHOUT ROWID;"

    /* --- answers kept for repeated requests ---------------------------------------------------- */
    "CREATE TABLE answers(row INTEGER PRIMARY KEY, scope BLOB NOT NULL UNIQUE, body BLOB NOT NULL,"
    "  status INTEGER NOT NULL, answer BLOB NOT NULL, at INTEGER NOT NULL);";

/* Leaves that make or change somebody or a policy: few among many, looked up for proofs of who
 * had which roles. The words are those of journal/leaf.c: the planner compares them. */
static const char migration_2[] =
    "CREATE INDEX log_standing ON log_entries(idx) WHERE previous IS NULL"
    "  AND instr(entry, CAST('\"proposal\":' AS BLOB)) = 0"
    "  AND instr(entry, CAST('\"kind\":\"person.signed' AS BLOB)) = 0;";

static const char migration_people[] =
    /* who made whom, and when they were last there; by: a person's id, NULL for the operator */
    "ALTER TABLE people ADD COLUMN created_by BLOB;"
    "ALTER TABLE people ADD COLUMN signed_in_at INTEGER;"
    "ALTER TABLE agents ADD COLUMN created_by BLOB;"
    "ALTER TABLE credentials ADD COLUMN created_by BLOB;"
    "ALTER TABLE credentials ADD COLUMN used_at INTEGER;"
    /* kind 3 of credentials, a service's token: its name and what it may do (4: sign-in link) */
    "ALTER TABLE credentials ADD COLUMN service TEXT;"
    "ALTER TABLE credentials ADD COLUMN scopes INTEGER;"
    /* a password that has to be set first: SHA-256 of the one-time code, and who asked for it */
    "ALTER TABLE people ADD COLUMN password_at INTEGER;"
    "ALTER TABLE people ADD COLUMN code BLOB;"
    "ALTER TABLE people ADD COLUMN code_until INTEGER;"
    "ALTER TABLE people ADD COLUMN reset_at INTEGER;"
    "ALTER TABLE people ADD COLUMN reset_by BLOB;"
    /* covers: 0 everything, 1 an agent (its name), 2 an action, 3 a category */
    "CREATE TABLE pauses(row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, covers INTEGER NOT NULL,"
    "  name TEXT, reason TEXT, by BLOB, at INTEGER NOT NULL, resume_by BLOB, resume_at INTEGER,"
    "  ended_by BLOB, ended_at INTEGER);"
    "CREATE INDEX pauses_open ON pauses(row) WHERE ended_at IS NULL;";

static const char migration_callbacks[] =
    /* where the agent wants to be called back, and the W3C traceparent that it sent */
    "ALTER TABLE proposals ADD COLUMN callback TEXT;"
    "ALTER TABLE proposals ADD COLUMN trace TEXT;"
    /* a secret that was replaced signs besides the new one for a while */
    "ALTER TABLE agents ADD COLUMN old_webhook_secret TEXT;"
    "ALTER TABLE agents ADD COLUMN old_webhook_secret_until INTEGER;"
    /* status: 0 pending, 1 delivered, 2 dead; next_at: NULL while an earlier event of the proposal
     * is pending; id: the event's; erasing clears url and body */
    "CREATE TABLE outbox(row INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    "  proposal INTEGER NOT NULL, agent INTEGER NOT NULL, type TEXT NOT NULL, host TEXT NOT NULL,"
    "  url TEXT, body TEXT, trace TEXT, status INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    "  created_at INTEGER NOT NULL, next_at INTEGER, last_at INTEGER, ended_at INTEGER,"
    "  last_error TEXT, last_status INTEGER);"
    "CREATE INDEX outbox_host ON outbox(host, next_at) WHERE status = 0;"
    "CREATE INDEX outbox_proposal ON outbox(proposal, row) WHERE status = 0;"
    "CREATE INDEX outbox_status ON outbox(status, row);"
    "CREATE INDEX outbox_ended ON outbox(ended_at) WHERE status > 0;";

/* What was executed and has no outcome: state 5 is REDEEMED (proposal/proposal.h). */
static const char migration_outcomes[] =
    "CREATE INDEX proposals_redeemed ON proposals(redeemed_at, row) WHERE state = 5;";

/* What a policy counts, and the versions that wait for a second person. */
static const char migration_policy[] =
    /* sliding windows: bucket is time divided by its width; ends_at: when no window reaches it any
     * more */
    "CREATE TABLE counters(counter BLOB NOT NULL, bucket INTEGER NOT NULL, count INTEGER NOT NULL,"
    "  micros INTEGER NOT NULL, ends_at INTEGER NOT NULL, PRIMARY KEY(counter, bucket)) WITHOUT "
    "ROWID;"
    "CREATE INDEX counters_end ON counters(ends_at);"
    /* what a pending proposal has reserved and may give back */
    "CREATE TABLE charges(proposal INTEGER NOT NULL, counter BLOB NOT NULL, bucket INTEGER NOT "
    "NULL,"
    "  micros INTEGER NOT NULL, ends_at INTEGER NOT NULL, PRIMARY KEY(proposal, counter))"
    "  WITHOUT ROWID;"
    "CREATE INDEX charges_end ON charges(ends_at);"
    /* approved uses of allowed actions; an agent that was at work before needs no warm-up */
    "CREATE TABLE uses(agent INTEGER NOT NULL, action TEXT NOT NULL, approved INTEGER NOT NULL,"
    "  PRIMARY KEY(agent, action)) WITHOUT ROWID;"
    "INSERT INTO uses(agent, action, approved)"
    "  SELECT agent, action, count(*) FROM proposals WHERE verdict IN (1, 2) AND state >= 3"
    "  GROUP BY agent, action;"
    /* whom people have approved, by hashes: for whom the agent acted, and where to */
    "CREATE TABLE recipients(agent INTEGER NOT NULL, party BLOB NOT NULL, value BLOB NOT NULL,"
    "  at INTEGER NOT NULL, PRIMARY KEY(agent, party, value)) WITHOUT ROWID;"
    "CREATE TABLE session_domains(agent INTEGER NOT NULL, session BLOB NOT NULL, domain TEXT NOT "
    "NULL,"
    "  at INTEGER NOT NULL, PRIMARY KEY(agent, session, domain)) WITHOUT ROWID;"
    "CREATE INDEX session_domains_at ON session_domains(at);"
    "CREATE TABLE domain_pairs(agent INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL,"
    "  PRIMARY KEY(agent, first, second)) WITHOUT ROWID;"
    "CREATE TABLE categories(name TEXT PRIMARY KEY) WITHOUT ROWID;"
    /* state: 0 candidate, 1 active, 2 retired; by whom: a person's row, NULL the operator */
    "ALTER TABLE policies ADD COLUMN state INTEGER NOT NULL DEFAULT 2;"
    "ALTER TABLE policies ADD COLUMN source TEXT;"
    "ALTER TABLE policies ADD COLUMN road INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE policies ADD COLUMN proposed_at INTEGER;"
    "ALTER TABLE policies ADD COLUMN proposed_by INTEGER;"
    "ALTER TABLE policies ADD COLUMN activated_by INTEGER;"
    "ALTER TABLE policies ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE policies ADD COLUMN loosened TEXT;"
    "UPDATE policies SET state = 1 WHERE row = (SELECT max(row) FROM policies);"
    "CREATE UNIQUE INDEX policies_active ON policies(state) WHERE state = 1;";

/* A candidate that is evaluated beside the policy in force, what it said; what insights read. */
static const char migration_tools[] =
    /* silent: neither a catalogue entry nor a rule spoke of them */
    "CREATE TABLE seen_actions(agent INTEGER NOT NULL, action TEXT NOT NULL,"
    "  proposals INTEGER NOT NULL, silent INTEGER NOT NULL, first_at INTEGER NOT NULL,"
    "  last_at INTEGER NOT NULL, PRIMARY KEY(agent, action)) WITHOUT ROWID;"
    "INSERT INTO seen_actions(agent, action, proposals, silent, first_at, last_at)"
    "  SELECT agent, action, count(*), 0, min(created_at), max(created_at) FROM proposals"
    "  GROUP BY agent, action;"
    "CREATE INDEX proposals_corrected ON proposals(decided_at)"
    "  WHERE verdict > 1 AND decided_by IS NOT NULL;"
    "ALTER TABLE policies ADD COLUMN shadow_since INTEGER;"
    "ALTER TABLE policies ADD COLUMN shadow_by INTEGER;"
    "CREATE UNIQUE INDEX policies_shadow ON policies(shadow_since IS NOT NULL)"
    "  WHERE shadow_since IS NOT NULL;"
    /* live, verdict: 0 allow, 1 earn, 2 review, 3 block */
    "CREATE TABLE shadow_results(policy INTEGER NOT NULL, proposal INTEGER NOT NULL,"
    "  live INTEGER NOT NULL, verdict INTEGER NOT NULL, rules TEXT NOT NULL, at INTEGER NOT NULL,"
    "  PRIMARY KEY(policy, proposal)) WITHOUT ROWID;"
    "CREATE INDEX shadow_results_differ ON shadow_results(policy, proposal) WHERE live <> verdict;"
    "CREATE INDEX shadow_results_at ON shadow_results(at);";

/* Secrets of callbacks that were replaced lately; those columns of agents are read no more. */
static const char migration_secrets[] =
    "CREATE TABLE old_webhook_secrets(agent INTEGER NOT NULL, secret TEXT NOT NULL,"
    "  until INTEGER NOT NULL);"
    "CREATE INDEX old_webhook_secrets_agent ON old_webhook_secrets(agent, until);"
    "INSERT INTO old_webhook_secrets(agent, secret, until)"
    "  SELECT row, old_webhook_secret, old_webhook_secret_until FROM agents"
    "  WHERE old_webhook_secret IS NOT NULL AND old_webhook_secret_until IS NOT NULL;"
    "UPDATE agents SET old_webhook_secret = NULL, old_webhook_secret_until = NULL;";

/* What `history` counted of a proposal (NULL: nothing), so that it can be weighed again without
 * itself; an edit that waits for somebody else's decision. */
static const char migration_again[] = "ALTER TABLE proposals ADD COLUMN history_micros INTEGER;"
                                      "ALTER TABLE proposals ADD COLUMN edit_by INTEGER;"
                                      "ALTER TABLE proposals ADD COLUMN edit_leaf INTEGER;";

/* The order of the inbox is when something ends, by the queue's time or by the agent's; and what is
 * the same again follows the first of its kind (proposal/alike.c). */
static const char migration_inbox[] =
    "ALTER TABLE proposals ADD COLUMN urgent_at INTEGER"
    "  GENERATED ALWAYS AS (min(due_at, ifnull(deadline_at, due_at))) VIRTUAL;"
    "ALTER TABLE proposals ADD COLUMN follows INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX proposals_repeat;"
    "CREATE INDEX proposals_repeat ON proposals(agent, arguments_digest, action, queue,"
    "  first_queue, urgent_at, row, state) WHERE state < 3;"
    "UPDATE proposals SET follows = 1 WHERE state < 2 AND EXISTS (SELECT 1 FROM proposals AS other"
    "  INDEXED BY proposals_repeat WHERE other.agent = proposals.agent"
    "  AND other.arguments_digest = proposals.arguments_digest AND other.state < 3"
    "  AND other.action = proposals.action AND other.queue = proposals.queue"
    "  AND other.first_queue = proposals.first_queue AND other.state < 2"
    "  AND (other.urgent_at, other.row) < (proposals.urgent_at, proposals.row));"
    "DROP INDEX proposals_open;"
    "CREATE INDEX proposals_open ON proposals(queue, follows, urgent_at, row) WHERE state < 2;"
    "DROP INDEX proposals_escalated;"
    "CREATE INDEX proposals_escalated ON proposals(first_queue, follows, urgent_at, row)"
    "  WHERE state < 2 AND escalations > 0;";

/* That there have been two who can loosen the policy (roles & 4), or end a pause (roles & 6): rows
 * of meta that nothing takes away, whatever becomes of the people. */
#define TWO_OF(name, roles, also)                                                                  \
    "INSERT INTO meta(name, value) SELECT '" name                                                  \
    "', 1 WHERE (SELECT count(*) FROM people WHERE " also " roles & " roles                        \
    ") > 1 ON CONFLICT(name) DO NOTHING;"
#define TWO_NOW                                                                                    \
    TWO_OF("two_policy", "4", "disabled_at IS NULL AND")                                           \
    TWO_OF("two_resume", "6", "disabled_at IS NULL AND")

static const char migration_two[] =
    /* before, nobody counted: whoever had the role may have had it at one time with another */
    TWO_OF("two_policy", "4", "")
        TWO_OF("two_resume", "6",
               "") "CREATE TRIGGER people_two_added AFTER INSERT ON people BEGIN " TWO_NOW " END;"
                   "CREATE TRIGGER people_two_changed AFTER UPDATE OF roles, disabled_at ON people "
                   "BEGIN " TWO_NOW " END;";

const struct migration store_migrations[] = {
    {1, "people, policy, audit log, proposals", migration_1},
    {2, "index of leaves about people, agents and policies", migration_2},
    {3, "accounts, service tokens, pauses", migration_people},
    {4, "callbacks", migration_callbacks},
    {5, "an index of what has no outcome yet", migration_outcomes},
    {6, "what a policy counts, versions of policies", migration_policy},
    {7, "shadows of policies, actions seen, corrections", migration_tools},
    {8, "every secret of callbacks that was replaced lately", migration_secrets},
    {9, "what is weighed again after a person has decided", migration_again},
    {10, "the order of the inbox, repeats", migration_inbox},
    {11, "whether there have been two", migration_two},
};
const size_t store_migration_count = COUNT_OF(store_migrations);
