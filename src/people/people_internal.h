/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 */
#ifndef FM_PEOPLE_INTERNAL_H
#define FM_PEOPLE_INTERNAL_H

#include "people/people.h"

#define SESSIONS_PER_PERSON_MAX 32 /* one more sign-in ends the oldest */
#define HOSTS_PER_AGENT_MAX 16
#define HOST_TEXT_MAX 253          /* RFC 1035 2.3.4, without the final dot */
#define ROLES_KNOWN (ROLE_BIT(ROLE_COUNT) - 1)

/* Says that rows of people, agents or credentials have changed: people_after_commit will read them. A
 * command that is rolled back afterwards costs one reading in vain and leaves no trace. */
void directory_outdated(void);

/* What change.c shares with account.c. A leaf about people or keys: `data` are its members,
 * `payload` (may be NULL) what can be erased. */
enum fm_err people_record(struct ctx *ctx, struct store_conn *conn, enum journal_kind kind,
                          struct actor by, const struct buf *data, const struct buf *payload)
    MUST_CHECK;
/* prefix + random bytes as text, NUL-ended. */
enum fm_err people_make_secret(struct ctx *ctx, struct str prefix, size_t bytes,
                               void (*encode)(struct buf *buf, struct str bytes),
                               char out[SECRET_TEXT_SIZE]) MUST_CHECK;
/* `created_by` of a row: a person's id, or NULL for the operator. */
#define A_BY(name, by) ((by).kind == ACTOR_REVIEWER ? A_ID(name, &(by).id) : A_NULL(name))

/* The cell in which the last use of a key is kept as long as the process lives; `stored_us` is
 * what its row says. NULL when memory is short. Committer's thread, or before it starts. */
_Atomic int64_t *use_cell(struct hash key, int64_t stored_us);

/* Whether these may be the hosts of an agent's callbacks: host names in lower case or numeric addresses,
 * without scheme, port and path. Errors: FM_E_INVALID_ARGUMENT at or below `pointer`. */
enum fm_err people_check_hosts(struct ctx *ctx, struct str pointer, struct policy_list hosts)
    MUST_CHECK;

#endif
