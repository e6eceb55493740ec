/* SPDX-License-Identifier: Apache-2.0
 *
 * Who: people with roles, agents with owners, and the credentials of both. Rows live in the store; for
 * requests there is a directory in memory, an immutable picture that is replaced after each commit that
 * changed somebody. Only hashes of keys, tokens and session cookies are stored.
 */
#ifndef FM_PEOPLE_H
#define FM_PEOPLE_H

#include "journal/journal.h"
#include "policy/policy.h"

#define PEOPLE_NAME_MAX 64        /* bytes of a person's or agent's name: [a-z0-9._@-] and unicode letters */
#define PASSWORD_MIN 8
#define PASSWORD_MAX 256
#define SESSION_US (12 * HOUR_US)
#define LINK_US (10 * MINUTE_US)
#define SECRET_TEXT_SIZE 48       /* "fka_" + 43 base64url characters + NUL */

struct person {
    int64_t row;
    struct id id;
    struct str name;
    unsigned roles;
    const char *password; /* encoded Argon2id; NULL when none is set */
};

struct agent {
    int64_t row;
    struct id id;
    struct str name;
    int64_t owner; /* person's row */
    struct str hosts; /* where callbacks may go: a JSON array of host names */
};

/* A sign-in link is no credential for calls: it is only exchanged, once, for a session. */
enum credential_kind {
    CREDENTIAL_AGENT_KEY, CREDENTIAL_TOKEN, CREDENTIAL_SESSION, CREDENTIAL_LINK
};

struct credential {
    enum credential_kind kind;
    struct id id;
    struct hash hash;            /* SHA-256 of the whole secret */
    const struct agent *agent;   /* of an agent's key */
    const struct person *person; /* of a token or session */
    int64_t expires_at_us;       /* 0: never */
};

/* The directory: an immutable picture. Keep it as long as anything from it is used. */
struct directory;
const struct directory *directory_keep(void);             /* the current one, one reference; any thread */
void directory_drop(const struct directory *directory);

/* Lookups; NULL when there is none. Disabled people and agents and revoked or expired credentials are
 * not found. `secret` is the whole text of a key, token or cookie: it is hashed and looked up. */
const struct credential *directory_credential(const struct directory *directory, struct str secret);
const struct credential *directory_credential_by_hash(const struct directory *directory,
                                                      struct hash hash);
const struct person *directory_person(const struct directory *directory, struct str name);
const struct person *directory_person_by_row(const struct directory *directory, int64_t row);
const struct person *directory_person_by_id(const struct directory *directory, struct id id);
const struct agent *directory_agent(const struct directory *directory, struct str name);
const struct agent *directory_agent_by_row(const struct directory *directory, int64_t row);
const struct agent *directory_agent_by_id(const struct directory *directory, struct id id);
void directory_each_person(const struct directory *directory,
                           void (*visit)(void *with, const struct person *person), void *with);
void directory_each_agent(const struct directory *directory,
                          void (*visit)(void *with, const struct agent *agent), void *with);

/* Reads the directory from the store: at start, and by people_after_commit when something changed. */
enum fm_err people_load(struct ctx *ctx, struct store_conn *conn) MUST_CHECK;
/* Committer's hook: replaces the directory if this batch changed it. `conn` is the write connection. */
void people_after_commit(struct store_conn *conn);

/* Changes: inside a command of the committer, each with its journal entry. Errors: FM_E_EXISTS for a
 * taken name, FM_E_NOT_FOUND for an unknown owner, agent or person, FM_E_INVALID_ARGUMENT for a bad name,
 * no role, or a password that is too short, too long, or among the commonest. The password is hashed
 * before, outside the committer: `password_encoded` is the Argon2id text or NULL. Hosts: at most 16
 * names in lower case or addresses, without scheme and port. Secrets are NUL-ended texts that the
 * caller wipes. */
enum fm_err people_add_person(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str name,
                              unsigned roles, const char *password_encoded, struct id *out) MUST_CHECK;
enum fm_err people_add_agent(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str name,
                             struct str owner, struct policy_list hosts, struct id *id,
                             char key[SECRET_TEXT_SIZE], char webhook_secret[SECRET_TEXT_SIZE]) MUST_CHECK;
/* Gives an agent another secret for its callbacks; the old one signs besides it until then. */
enum fm_err people_new_webhook_secret(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                      struct str agent, int64_t old_until_us,
                                      char webhook_secret[SECRET_TEXT_SIZE]) MUST_CHECK;
enum fm_err people_add_key(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str agent,
                           struct id *id, char key[SECRET_TEXT_SIZE]) MUST_CHECK;
enum fm_err people_add_token(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str person,
                             struct id *id, char token[SECRET_TEXT_SIZE]) MUST_CHECK;
/* A session of SESSION_US for somebody whose password has just been checked against `person`: refused
 * with FM_E_UNAUTHENTICATED if the person has been changed since. The cookie's value begins with
 * "fkc_". Signing out twice is no error; FM_E_FORBIDDEN for a credential that is no session. */
enum fm_err people_sign_in(struct ctx *ctx, struct store_conn *conn, const struct person *person,
                           struct id *id, char cookie[SECRET_TEXT_SIZE]) MUST_CHECK;
enum fm_err people_sign_out(struct ctx *ctx, struct store_conn *conn, const struct credential *session)
    MUST_CHECK;

/* A one-time sign-in link for somebody, valid for LINK_US; `code` is what stands behind the # of
 * its URL and begins with "fkl_". Recorded as link.created. FM_E_NOT_FOUND for who is not there. */
enum fm_err people_add_link(struct ctx *ctx, struct store_conn *conn, struct actor by,
                            struct str person, struct id *id,
                            char code[SECRET_TEXT_SIZE]) MUST_CHECK;
/* Whose link this code is, a person's row; any connection. FM_E_UNAUTHENTICATED for one that was
 * used, is too old, or never was. */
enum fm_err people_find_link(struct ctx *ctx, struct store_conn *conn, struct str code,
                             int64_t *person_row) MUST_CHECK;
/* Uses the link up and signs `person` in, as people_sign_in. Errors: those of both. */
enum fm_err people_sign_in_by_link(struct ctx *ctx, struct store_conn *conn,
                                   const struct person *person, struct str code, struct id *id,
                                   char cookie[SECRET_TEXT_SIZE]) MUST_CHECK;

/* Whether a name and a password may be used: the rules above, before anything is hashed. */
enum fm_err people_check_name(struct ctx *ctx, struct str name) MUST_CHECK;
enum fm_err people_check_password(struct ctx *ctx, struct str password, struct str name) MUST_CHECK;

/* Throttling of sign-ins, per name and per address, the same for unknown names. Any thread.
 * throttle_check returns 0 when the attempt may go on, else the seconds to wait. An attempt that went on
 * counts as failed until throttle_succeeded, so each needs one of the two calls at its end. A success
 * forgets the name's failures. `address` is numeric; behind a proxy it must be the client's, not the
 * proxy's, or all clients wait for each other. */
unsigned throttle_check(struct str name, struct str address);
void throttle_failed(struct str name, struct str address);
void throttle_succeeded(struct str name);

/* Slow work (Argon2id) off the loops: one thread, a bounded queue. `work` runs there and
 * posts its result back to a loop itself. False: the queue is full (503). */
struct slow_job {
    struct slow_job *next;
    void (*work)(struct slow_job *job);
};
void slow_start(void);
bool slow_submit(struct slow_job *job) MUST_CHECK;
void slow_stop(void);

#endif
