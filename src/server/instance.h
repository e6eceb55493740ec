/* SPDX-License-Identifier: Apache-2.0
 *
 * A store brought to life: journal, people and committer wired together. The server has one, and so
 * has a command line that works without a server.
 */
#ifndef FM_SERVER_INSTANCE_H
#define FM_SERVER_INSTANCE_H

#include "flow/flow.h"
#include "journal/journal.h"
#include "notify/notify.h"
#include "people/people.h"
#include "server/reload.h"

#include <stdatomic.h>

struct instance {
    struct store *store;
    struct journal *journal;
    struct committer *committer;
    _Atomic(struct flow *) flow; /* of a server; NULL for a command line */
    _Atomic(struct notifier *) notifier; /* the same */
    struct str origin; /* what browsers see; set before the admin socket listens; else empty */
    struct reload *reload;       /* the same */
};

/* Opens the folder (made if missing), migrates, loads journal and people, starts the committer.
 * `*out` must not move afterwards. Errors: as store_open. Close with instance_close, which is
 * harmless on a cleared struct. */
enum fm_err instance_open(struct ctx *ctx, const char *dir, struct instance *out) MUST_CHECK;
void instance_close(struct instance *instance);

/* From now on the committer brackets its commands with the flow's hooks too. Before any of its
 * commands. */
void instance_set_flow(struct instance *instance, struct flow *flow);

/* From now on the notifier is woken when a batch has put something into the outbox. It must outlive
 * the committer. */
void instance_set_notifier(struct instance *instance, struct notifier *notifier);

#endif
