/* SPDX-License-Identifier: Apache-2.0
 *
 * What only shows in the whole policy: queues that are named but do not exist, backups that go
 * round in a circle, an approval that would lapse before it is released.
 *
 * It must never look anything up outside the file: who exists is known only to a running server.
 */
#include "base/panic.h"
#include "policy/inner.h"

/* Queues that are named ------------------------------------------------------------------------ */

static void report_missing(struct load *load, struct mark at, struct str name)
{
    struct nearest nearest = {.wanted = name};

    for (size_t i = 0; i < load->policy->queue_count; i++) {
        nearest_offer(load, &nearest, load->policy->queues[i].name);
    }
    finding_error(load, at, "there is no queue %s%s", quoted(load, name),
                  nearest_hint(load, &nearest));
}

static void check_references(struct load *load)
{
    for (const struct reference *row = load->references; row && !finding_full(load);
         row = row->next) {
        if (!policy_queue(load->policy, row->name)) {
            report_missing(load, row->at, row->name);
        }
    }
}

/* The file names queues but not the one that holds go to when nothing says otherwise. */
static void check_default_queue(struct load *load, const struct node *root)
{
    const struct node *queues = node_find(root, S("queues"));

    if (node_find(node_find(root, S("defaults")), S("queue")) || !queues) {
        return; /* it is among the references, or all queues are the silent ones */
    }
    if (!policy_queue(load->policy, load->policy->queue)) {
        finding_error(
            load, queues->key_at,
            "there is no queue %s, where reviews go: add it, or set `queue` in `defaults`",
            quoted(load, load->policy->queue));
    }
}

/* Backups -------------------------------------------------------------------------------------- */

enum visit { VISIT_NEVER, VISIT_NOW, VISIT_BEFORE };

static void report_circle(struct load *load, const struct policy_queue *queue)
{
    const struct reference *row = load->references;

    while (row &&
           row->name.p != queue->backup.p) { /* the very text that this backup was read into */
        row = row->next;
    }
    ASSERT(row);
    finding_error(load, row->at, "the backups go round in a circle: %s leads back to %s",
                  quoted(load, queue->name), quoted(load, queue->backup));
}

/* Follows the backups from `queue`; every queue is entered once, whatever the chains look like. */
static void check_chain(struct load *load, enum visit *visits, const struct policy_queue *queue)
{
    const struct policy *policy = load->policy;

    while (queue && visits[queue - policy->queues] == VISIT_NEVER) {
        const struct policy_queue *backup =
            queue->backup.p ? policy_queue(policy, queue->backup) : NULL;
        visits[queue - policy->queues] = VISIT_NOW;
        if (backup && visits[backup - policy->queues] == VISIT_NOW) {
            report_circle(load, queue);
        }
        queue = backup;
    }
    for (size_t i = 0; i < policy->queue_count; i++) {
        visits[i] = visits[i] == VISIT_NOW ? VISIT_BEFORE : visits[i];
    }
}

static void check_backups(struct load *load)
{
    const struct policy *policy = load->policy;
    enum visit *visits = arena_zalloc(load->scratch, policy->queue_count, sizeof(*visits));

    if (!visits) {
        load->memory_short = true;
        return;
    }
    for (size_t i = 0; i < policy->queue_count; i++) { /* POLICY_QUEUES_MAX squared at most */
        check_chain(load, visits, &policy->queues[i]);
    }
}

/* Times ---------------------------------------------------------------------------------------- */

static void check_times(struct load *load, const struct node *root)
{
    const struct node *defaults = node_find(root, S("defaults"));
    const struct node *undo = node_find(defaults, S("undo"));

    if (load->policy->undo_us < load->policy->valid_for_us) {
        return;
    }
    undo = undo ? undo : node_find(defaults, S("valid_for"));
    ASSERT(undo); /* the silent times are in order: the file has set one of them */
    finding_error(load, undo->at,
                  "undo must be shorter than valid_for: an approval would lapse before "
                  "it is released");
}

void check_whole(struct load *load, const struct node *root)
{
    check_references(load);
    check_default_queue(load, root);
    check_backups(load);
    check_times(load, root);
}
