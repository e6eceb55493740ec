/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 */
#ifndef FM_INSIGHTS_INTERNAL_H
#define FM_INSIGHTS_INTERNAL_H

#include "insights/insights.h"

/* The newest signed checkpoint, which must cover leaf `last`. FM_E_OVERLOADED until it does. */
enum fm_err insights_covering(struct ctx *ctx, struct store_conn *conn, uint64_t last,
                              struct str *note, uint64_t *size) MUST_CHECK;

#endif
