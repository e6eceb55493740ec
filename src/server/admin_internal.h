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
admin_command_fn admin_agent_hosts;
admin_command_fn admin_key_create;
admin_command_fn admin_token_create;
admin_command_fn admin_link_create;

/* admin_access.c */
admin_command_fn admin_person_reset;
admin_command_fn admin_person_deactivate;
admin_command_fn admin_person_reactivate;
admin_command_fn admin_person_roles;
admin_command_fn admin_service_create;
admin_command_fn admin_key_revoke;
admin_command_fn admin_key_list;
admin_command_fn admin_access_review;
admin_command_fn admin_access_csv;

/* admin_pause.c */
admin_command_fn admin_pause_start;
admin_command_fn admin_pause_list;
admin_command_fn admin_pause_resume;

/* Names of roles (NULL: none) as bits. Errors: FM_E_INVALID_ARGUMENT. */
enum fm_err admin_read_roles(struct ctx *ctx, const struct json *array, unsigned *out) MUST_CHECK;
/* admin_webhooks.c */
admin_command_fn admin_webhook_list;
admin_command_fn admin_webhook_resend;
admin_command_fn admin_webhook_secret;

/* admin_checks.c */
admin_command_fn admin_check;

/* admin_policy.c */
admin_command_fn admin_policy_list;
admin_command_fn admin_policy_propose;
admin_command_fn admin_policy_activate;

#endif
