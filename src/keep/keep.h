/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping: verifying the whole store, backups, and restores that open a new epoch.
 */
#ifndef FM_KEEP_H
#define FM_KEEP_H

#include "proposal/proposal.h"

#define FINDINGS_MAX 100 /* kept in words; more are only counted */

struct verify_options {
    const struct note_verifier *verifier; /* of the log's key */
    struct str against; /* a signed checkpoint from before; absent: none */
    void (*progress)(void *with, uint64_t done, uint64_t total); /* may be NULL */
    void *with;
};

struct verify_report {
    uint64_t leaves, payloads, erased, checkpoints, proposals;
    struct hash root;
    uint64_t finding_count;
    struct str findings[FINDINGS_MAX]; /* sentences, in the arena */
    struct str origin;
};

/* Verifies everything: leaves, tree, head, stored log checkpoints, payload commitments, proposals against
 * their leaves, and an earlier checkpoint. Findings are no error: FM_OK means that it was read to the end.
 * `conn` is a reading connection; all is read in one snapshot. */
enum fm_err keep_verify(struct ctx *ctx, struct store_conn *conn, const struct verify_options *options,
                        struct verify_report *out) MUST_CHECK;

/* Copies store and keys of the folder `from` into the folder `to` while a server may be at work. */
enum fm_err keep_backup(struct ctx *ctx, const char *from, const char *to,
                        void (*progress)(void *with, int done, int total), void *with) MUST_CHECK;

/* Refuses a folder that is a backup, or a restore that was broken off: in its epoch, permits that
 * were redeemed since would be good once more. FM_OK for a store to work on. */
enum fm_err keep_refuse_backup(struct ctx *ctx, const char *dir) MUST_CHECK;

/* Makes the data folder `to` (must hold no store) from a backup: a new epoch, in which every unredeemed
 * permit of the old one is void, recorded in the log. `*epoch` is the new one. */
enum fm_err keep_restore(struct ctx *ctx, const char *from, const char *to, int64_t *epoch) MUST_CHECK;

/* Opens the next epoch inside a command: the row and its leaf. */
enum fm_err keep_open_epoch(struct ctx *ctx, struct store_conn *conn, int64_t *epoch) MUST_CHECK;

#endif
