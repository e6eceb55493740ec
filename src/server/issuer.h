/* SPDX-License-Identifier: Apache-2.0
 *
 * The key that signs permits, from its file to the issuer. The store remembers which key it was: a
 * lost or exchanged one stops the start.
 */
#ifndef FM_SERVER_ISSUER_H
#define FM_SERVER_ISSUER_H

#include "resume/resume.h"

/* Loads `permit.key` in the folder and the epoch. A key is made only where no permit can be out
 * that another key signed: in a store that never gave one, and in the new epoch of a restore.
 * Errors: FM_E_INTERNAL for a key that is gone or another than the store's. Any connection. */
enum fm_err issuer_load(struct ctx *ctx, const char *dir, struct store_conn *conn,
                        struct permit_issuer *out) MUST_CHECK;

/* The same for looking only: makes and loads nothing. */
enum fm_err issuer_check(struct ctx *ctx, const char *dir, struct store_conn *conn) MUST_CHECK;

/* Remembers the key in the store, for the next start. Committer's thread. */
enum fm_err issuer_keep(struct ctx *ctx, struct store_conn *conn,
                        const struct permit_issuer *issuer) MUST_CHECK;

#endif
