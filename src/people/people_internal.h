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

/* Whether these may be the hosts of an agent's callbacks: host names in lower case or numeric addresses,
 * without scheme, port and path. Errors: FM_E_INVALID_ARGUMENT. */
enum fm_err people_check_hosts(struct ctx *ctx, struct policy_list hosts) MUST_CHECK;

#endif
