/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of the admin socket. One more command is one row in admin.c and one function here.
 */
#ifndef FM_SERVER_ADMIN_INTERNAL_H
#define FM_SERVER_ADMIN_INTERNAL_H

#include "server/admin.h"

/* Binds `arguments` (an object; `{}` when the request has none), does the work, writes the members of
 * the answer behind "ok". On an error what it wrote is thrown away and ctx says what went wrong. */
typedef enum fm_err admin_command_fn(struct ctx *ctx, struct instance *instance,
                                     const struct json *arguments, struct json_out *answer);

/* admin_people.c */
admin_command_fn admin_person_add;
admin_command_fn admin_person_list;
admin_command_fn admin_agent_add;
admin_command_fn admin_agent_list;
admin_command_fn admin_key_create;
admin_command_fn admin_token_create;

/* admin_checks.c */
admin_command_fn admin_check;

#endif
