/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking an exported folder in the form of C2SP tlog-tiles.
 */
#ifndef FM_KEEP_TILES_H
#define FM_KEEP_TILES_H

#include "keep/keep.h"

/* Builds the tree of the checkpoint in `out` again from the bundles of entries in `dir`, and
 * compares its root and every tile of hashes. What the checkpoint does not cover is not read. */
enum fm_err tiles_check(struct ctx *ctx, const char *dir, struct check_report *out) MUST_CHECK;

#endif
