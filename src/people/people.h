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
#include "json/json.h"

#include <stdatomic.h>

#define PEOPLE_NAME_MAX 64        /* bytes of a person's or agent's name: [a-z0-9._@-] and unicode letters */
#define PASSWORD_MIN 8
#define PASSWORD_MAX 256
#define SESSION_US (12 * HOUR_US)
#define LINK_US (10 * MINUTE_US)
#define CODE_US          DAY_US         /* life of a one-time code */
#define CODE_TEXT_SIZE   24             /* four groups of five, hyphens between, and NUL */
#define SETUP_US         HOUR_US        /* life of the link of the first start */
#define SERVICE_US       (365 * DAY_US) /* life of a service's token where nobody says otherwise */
#define SERVICE_UNSAID   (-1)           /* as a lifetime: nobody says */
#define SECRET_TEXT_SIZE 48       /* "fka_" + 43 base64url characters + NUL */

struct person {
    int64_t row;
    struct id id;
    struct str name;
    unsigned roles;
    const char *password; /* encoded Argon2id; NULL when none is set */
    bool deactivated;     /* found by row and id alone, for what they did; `roles` is 0 then */
    bool must_change;     /* a one-time code stands in for the password: it has to be set first */
    struct hash code;
    int64_t code_until_us, password_at_us;
    int64_t reset_at_us; /* 0: never */
    struct id reset_by;  /* zero: the operator */
};

struct agent {
    int64_t row;
    struct id id;
    struct str name;
    int64_t owner; /* person's row */
    struct str hosts; /* where callbacks may go: a JSON array of host names */
};

/* What a service's token may read. The last column is for people who choose one. */
#define SERVICE_SCOPES(X)                                                                          \
    X(READ, "read", "everything that the others read")                                             \
    X(METRICS, "metrics", "figures for monitoring")                                                \
    X(AUDIT, "audit:read", "the audit log")                                                        \
    X(PROPOSALS, "proposals:read", "proposals, queues and categories")                             \
    X(PEOPLE, "people:read", "people, agents and keys, and the access review")

enum service_scope {
#define X(name, wire, what) SCOPE_##name,
    SERVICE_SCOPES(X)
#undef X
        SCOPE_COUNT
};

/* As it is written, "audit:read". */
const char *scope_name(enum service_scope scope);
int scope_of_name(struct str name); /* -1: there is none */
/* "audit:read, metrics" and so on, for messages. */
const char *scope_names(void);

/* A sign-in link is no credential for calls: it is only exchanged, once, for a session. */
enum credential_kind {
    CREDENTIAL_AGENT_KEY,
    CREDENTIAL_TOKEN,
    CREDENTIAL_SESSION,
    CREDENTIAL_SERVICE,
    CREDENTIAL_LINK
};

struct credential {
    enum credential_kind kind;
    struct id id;
    struct hash hash;            /* SHA-256 of the whole secret */
    const struct agent *agent;   /* of an agent's key */
    const struct person *person; /* of a token or session */
    struct str service;          /* name of the service whose token it is */
    unsigned scopes;             /* its bits, 1u << SCOPE_X */
    int64_t expires_at_us;       /* 0: never */
    _Atomic int64_t *used_us;    /* when it was used last; NULL: not kept (sessions) */
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
/* By name only those who are active. */
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
/* Gives an agent another secret for its callbacks; the old one signs besides it until then. At most
 * PEOPLE_OLD_SECRETS_MAX of them do: FM_E_ROTATED_TOO_OFTEN. */
#define PEOPLE_OLD_SECRETS_MAX 4 /* with the newest, five signatures of 47 characters: 240 */
enum fm_err people_new_webhook_secret(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                      struct str agent, int64_t old_until_us,
                                      char webhook_secret[SECRET_TEXT_SIZE]) MUST_CHECK;
/* Where an agent's callbacks may go from now on: `add` and `remove` are applied to what is there,
 * `*hosts` is what came of it, in the arena. Adding one that is there changes nothing; with nothing
 * changed nothing is recorded. Errors: FM_E_NOT_FOUND, FM_E_INVALID_ARGUMENT at /add/N or /remove/N
 * (one that is not there). */
enum fm_err people_change_hosts(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                struct str agent, struct policy_list add, struct policy_list remove,
                                struct policy_list *hosts) MUST_CHECK;
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
/* When a service's token of that lifetime ends: SERVICE_UNSAID is SERVICE_US from now.
 * FM_E_INVALID_ARGUMENT at /expires_in for one that is over at once or lives more than ten years. */
enum fm_err people_service_until(struct ctx *ctx, int64_t lifetime_us, int64_t *until_us)
    MUST_CHECK;
/* A token for a machine that is no agent; `scopes` are bits of SERVICE_SCOPES. */
enum fm_err people_add_service(struct ctx *ctx, struct store_conn *conn, struct actor by,
                               struct str service, unsigned scopes, int64_t expires_at_us,
                               struct id *id, char token[SECRET_TEXT_SIZE]) MUST_CHECK;
/* Ends a key or token for good. FM_E_NOT_FOUND for one that is not there (any more), or is not
 * the own one of `of` where that is given. */
enum fm_err people_revoke(struct ctx *ctx, struct store_conn *conn, struct actor by, struct id key,
                          const struct person *of) MUST_CHECK;

/* Accounts (account.c): inside a command of the committer, with their journal entries
 * ------------- */

/* The id behind a name, also of somebody who was deactivated. FM_E_NOT_FOUND. */
enum fm_err people_id_of(struct ctx *ctx, struct store_conn *conn, struct str name, struct id *out)
    MUST_CHECK;
/* What they may do from now on. FM_E_FORBIDDEN: for oneself while there is another admin; for the
 * last admin. */
enum fm_err people_set_roles(struct ctx *ctx, struct store_conn *conn, struct actor by,
                             struct id person, unsigned roles) MUST_CHECK;
/* Ends all sessions and tokens, and the account until it is given back; the name stays taken. */
enum fm_err people_deactivate(struct ctx *ctx, struct store_conn *conn, struct actor by,
                              struct id person) MUST_CHECK;
enum fm_err people_reactivate(struct ctx *ctx, struct store_conn *conn, struct actor by,
                              struct id person) MUST_CHECK;
/* Password, sessions and tokens end at once; `code` opens one way: signing in and setting a new
 * password. Until then the person does nothing else. For others only: FM_E_FORBIDDEN. */
enum fm_err people_reset(struct ctx *ctx, struct store_conn *conn, struct actor by,
                         struct id person, char code[CODE_TEXT_SIZE], int64_t *until_us) MUST_CHECK;
/* Adds somebody who sets the first password with such a code. */
enum fm_err people_invite(struct ctx *ctx, struct store_conn *conn, struct actor by,
                          struct str name, unsigned roles, struct id *id, char code[CODE_TEXT_SIZE],
                          int64_t *until_us) MUST_CHECK;
/* Sets the password of somebody whose old one (or code) has just been checked against `person`;
 * ends all sessions but `kept`. FM_E_UNAUTHENTICATED if the person has been changed since. */
enum fm_err people_set_password(struct ctx *ctx, struct store_conn *conn,
                                const struct person *person, const struct credential *kept,
                                const char *encoded) MUST_CHECK;
/* Whether this is the one-time code of a person, and its time is not over. Any thread. */
bool people_is_code(const struct person *person, struct str code);

/* The first start (setup.c)
 * ----------------------------------------------------------------------- */

/* Makes the token of the setup link if there is nobody yet; false: there is somebody. Before the
 * server serves. */
bool setup_open(char token[SECRET_TEXT_SIZE]);
/* Whether this is it and still good. FM_E_FORBIDDEN. Any thread. */
enum fm_err setup_check(struct ctx *ctx, struct str token) MUST_CHECK;
/* Adds the first person; FM_E_FORBIDDEN as soon as there is one. */
enum fm_err people_add_first(struct ctx *ctx, struct store_conn *conn, struct str name,
                             unsigned roles, const char *password_encoded, struct id *out)
    MUST_CHECK;

/* Who has access (access.c): rows as they are stored; texts live for the visit. Any connection.
 * ---- */

struct person_row {
    int64_t row;
    struct id id, created_by, reset_by; /* created_by, reset_by: zero for the operator */
    struct str name;
    unsigned roles;
    bool has_password, has_code;
    int64_t created_at_us, signed_in_at_us, deactivated_at_us, reset_at_us; /* 0: never */
};

struct agent_row {
    struct id id, created_by;
    struct str name, hosts; /* hosts: a JSON array of host names */
    int64_t owner, created_at_us; /* owner: person's row */
};

struct key_row {
    enum credential_kind kind;
    struct id id, created_by;
    int64_t agent, person; /* rows; 0: not of one */
    struct str service;
    unsigned scopes;
    int64_t created_at_us, used_at_us, expires_at_us, revoked_at_us; /* 0: never */
};

/* A part of a list: what stands behind a row (of keys: an id), at most so many. */
struct row_part {
    int64_t after;
    struct id after_id;
    int64_t max;
    bool ended; /* also who was deactivated, what was revoked or has expired */
};
#define ROWS_ALL ((struct row_part){.max = INT64_MAX, .ended = true})

/* Calls `visit` for each, in the order in which they were added. */
enum fm_err people_rows(struct ctx *ctx, struct store_conn *conn, struct row_part part,
                        void (*visit)(void *with, const struct person_row *row), void *with)
    MUST_CHECK;
/* The same for active agents. */
enum fm_err agent_rows(struct ctx *ctx, struct store_conn *conn,
                       void (*visit)(void *with, const struct agent_row *row), void *with)
    MUST_CHECK;
/* Keys and tokens, not sessions. */
enum fm_err key_rows(struct ctx *ctx, struct store_conn *conn, struct row_part part,
                     void (*visit)(void *with, const struct key_row *row), void *with) MUST_CHECK;
const char *
credential_kind_name(enum credential_kind kind); /* "agent_key", "personal_token", ... */

/* The access review: everybody and everything that can get in, as one JSON object's members or as
 * CSV whose cells no spreadsheet takes for a formula. */
enum fm_err access_review_json(struct ctx *ctx, struct store_conn *conn, struct json_out *out)
    MUST_CHECK;
/* The same of keys and tokens alone. */
enum fm_err access_keys_json(struct ctx *ctx, struct store_conn *conn, struct json_out *out)
    MUST_CHECK;
enum fm_err access_review_csv(struct ctx *ctx, struct store_conn *conn, struct buf *out) MUST_CHECK;

/* Last uses (uses.c): noted by the loops, written by the clock. credential_used is for any
 * thread. */
void credential_used(const struct credential *credential);
bool people_has_uses(void); /* whether there is something to write */
enum fm_err people_write_uses(struct ctx *ctx, struct store_conn *conn) MUST_CHECK;

/* Whether two people at a time could ever do this: loosen the policy, end a pause. From then on it
 * takes two, also when only one of them is left. */
enum people_two { TWO_POLICY, TWO_RESUME };
enum fm_err people_have_been_two(struct ctx *ctx, struct store_conn *conn, enum people_two what,
                                 bool *out) MUST_CHECK;

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
