/* SPDX-License-Identifier: Apache-2.0
 *
 * Tickets: pending proposals that one run keeps and another decides, reads or parks on.
 */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ticket_keep(struct run *run, const struct ticket *ticket)
{
    if (run->ticket_count == run->ticket_size) {
        run->ticket_size = run->ticket_size == 0 ? 4096 : run->ticket_size * 2;
        run->tickets = realloc(run->tickets, run->ticket_size * sizeof *run->tickets);
        if (run->tickets == NULL) {
            die("out of memory");
        }
    }
    run->tickets[run->ticket_count++] = *ticket;
}

void tickets_load(struct run *run, const char *path)
{
    struct ticket ticket;
    char id[64], digest[128];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        die("%s: %s", path, strerror(errno));
    }
    while (fscanf(file, "%63s %127s %u", id, digest, &ticket.key) == 3) {
        bool sizes = strlen(id) == ID_SIZE && strlen(digest) == DIGEST_SIZE;
        if (!sizes || ticket.key >= run->key_count) {
            die("%s: not an id, a digest and the index of a key: %s", path, id);
        }
        memcpy(ticket.id, id, ID_SIZE);
        memcpy(ticket.digest, digest, DIGEST_SIZE);
        ticket_keep(run, &ticket);
    }
    fclose(file);
    if (run->ticket_count == 0) {
        die("%s holds no proposals", path);
    }
}

void tickets_save(const struct run *run, const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        die("%s: %s", path, strerror(errno));
    }
    for (size_t i = 0; i < run->ticket_count; i++) {
        const struct ticket *ticket = &run->tickets[i];
        fprintf(file, "%.*s %.*s %u\n", ID_SIZE, ticket->id, DIGEST_SIZE, ticket->digest,
                ticket->key);
    }
    if (fclose(file) != 0) {
        die("%s: %s", path, strerror(errno));
    }
}
