/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs of `fermata audit` share.
 */
#ifndef FM_CLI_AUDIT_INTERNAL_H
#define FM_CLI_AUDIT_INTERNAL_H

#include "cli/cli.h"
#include "insights/insights.h"
#include "keep/keep.h"

#include <inttypes.h>

#define AUDIT_ARENA_MAX (1024 * MIB) /* a ceiling: a bundle of 64 MiB as a tree, twice */

/* The file's bytes in the arena. FM_E_NOT_FOUND, FM_E_TOO_LARGE beyond `max`. */
enum fm_err audit_read_file(struct ctx *ctx, const char *path, size_t max, struct str *out)
    MUST_CHECK;

/* The key of the folder's own log: made of its name in the store and the key file. */
enum fm_err audit_folder_verifier(struct ctx *ctx, struct store_conn *conn, const char *dir,
                                  struct note_verifier *out) MUST_CHECK;

/* A key that was given by hand. */
enum fm_err audit_key_of(struct ctx *ctx, const char *key, struct note_verifier *out) MUST_CHECK;

/* "12 of 345 entries" on a terminal's stderr. */
void audit_print_progress(void *with, uint64_t done, uint64_t total);

/* Checks a proof, a bundle or an export, prints what it is worth, and returns the exit code.
 * `against` is the file of an earlier checkpoint, for a proof of growth alone; else NULL. `key` may
 * be NULL: then the key of the data folder counts, if there is one. */
int audit_check(struct ctx *ctx, const struct cli_common *common, const char *path, const char *key,
                const char *against);

/* Prints the completeness report and returns the exit code. With --json it continues an object
 * that the caller has begun, and ends it. */
int audit_complete(struct ctx *ctx, const struct cli_common *common,
                   const struct completeness_query *query);

int audit_run_prove(int argc, char **argv);
int audit_run_bundle(int argc, char **argv);
int audit_run_export(int argc, char **argv);

#endif
