/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy file, read at start and again on SIGHUP: all or nothing. A file that is refused
 * changes nothing; that it was refused stays visible (log, /readyz, metrics) until one is taken.
 */
#ifndef FM_SERVER_RELOAD_H
#define FM_SERVER_RELOAD_H

#include "flow/flow.h"

struct reload;

/* `path` NULL: what the store has, and nothing to reload. Borrowed until reload_free. `alone`: the
 * file may loosen the policy while there are not two people with the role for it. */
enum fm_err reload_new(struct ctx *ctx, const char *path, bool alone, struct reload **out)
    MUST_CHECK;
void reload_free(struct reload *reload); /* NULL allowed */

/* Reads the file; findings go to stderr as FILE:LINE:COLUMN: message. The caller owns one
 * reference; NULL without a file. */
enum fm_err reload_read(struct reload *reload, struct ctx *ctx, const struct policy **out)
    MUST_CHECK;

/* Reads the file again and proposes it by a command of the committer. Any failure leaves the
 * policy in force as it is, and is remembered and logged. Main thread. */
void reload_run(struct reload *reload, struct flow *flow, struct committer *committer);

/* Whether the last reload was refused, and a sentence about it that names no path. Any thread. */
bool reload_failed(struct reload *reload);
void reload_why(struct reload *reload, char *out, size_t size);

/* Says on stderr and in the log that the file of a version does not rule: it waits for a second
 * person, or another version has replaced it. Silent where it does rule. */
void reload_tell(struct ctx *ctx, const char *path, const struct policy_version *version);

/* Says likewise that the policy comes from a backup and has to be confirmed, where that is so. */
void reload_tell_restored(struct ctx *ctx, struct flow *flow, struct store_conn *reader);

#endif
