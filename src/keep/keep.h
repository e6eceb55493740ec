/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping: verifying the whole store, backups, and restores that open a new epoch.
 */
#ifndef FM_KEEP_H
#define FM_KEEP_H

#include "evidence/evidence.h"

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

/* Files for outsiders -------------------------------------------------------------------------- */

#define CHECK_FILE_MAX (64 * MIB) /* of a proof or a bundle */

enum check_kind { CHECK_PROOF, CHECK_BUNDLE, CHECK_EXPORT, CHECK_GROWTH };

struct check_report {
    enum check_kind kind;
    struct tlog_checkpoint checkpoint; /* that the log signed */
    uint64_t leaves, payloads, erased; /* how many fit it; payloads that fit; that were erased */
    struct journal_leaf leaf;          /* of a proof */
    const struct json *summary;        /* of a bundle: the account, made again here */
    struct evidence_findings findings; /* what does not fit; none: it is what it says */
};

/* Checks a proof file or an evidence bundle against the log's key alone: no store, no network.
 * FM_OK means that it was read to the end; see `findings`. Errors: FM_E_INVALID_ARGUMENT or
 * FM_E_INVALID_JSON for what is neither, or not signed by that key; FM_E_TOO_LARGE. */
enum fm_err keep_check_file(struct ctx *ctx, struct str text, const struct note_verifier *verifier,
                            struct check_report *out) MUST_CHECK;

/* Checks that a log continues the one of an earlier checkpoint, the signed note `against`, by a
 * file of `fermata audit prove --since`. As keep_check_file. */
enum fm_err keep_check_growth(struct ctx *ctx, struct str text, struct str against,
                              const struct note_verifier *verifier, struct check_report *out)
    MUST_CHECK;

/* What an export does, and how it tells of it. */
struct export_options {
    struct str vkey; /* of the log, for the file of that name */
    bool as_tiles;   /* the files of C2SP tlog-tiles; else one file of lines */
    void (*progress)(void *with, uint64_t done, uint64_t total); /* may be NULL */
    void *with;
};

struct export_report {
    uint64_t size;      /* entries that the folder holds now, and its checkpoint covers */
    uint64_t was_there; /* entries that an earlier export had left (files, for tiles) */
};

/* Writes the signed log into the folder `dir` (made if missing): entries.jsonl with a line
 * {"entry":...,"index":N} for each, or the tiles and entry bundles of C2SP tlog-tiles; last of
 * all `checkpoint` and `vkey`. Continues where an earlier export ended or was broken off, after
 * checking that it is of this log. Errors: FM_E_NOT_FOUND when nothing was signed yet,
 * FM_E_EXISTS for a folder with something else, FM_E_INTERNAL. */
enum fm_err keep_export(struct ctx *ctx, struct store_conn *conn, const char *dir,
                        const struct export_options *options, struct export_report *out) MUST_CHECK;

/* Checks an exported folder, of lines or of tiles, against its checkpoint and the log's key. As
 * keep_check_file. */
enum fm_err keep_check_export(struct ctx *ctx, const char *dir,
                              const struct note_verifier *verifier, struct check_report *out)
    MUST_CHECK;

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
