/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests as bytes: built once, then only their changing parts are overwritten before a send.
 * All changing parts have a fixed size, so that the Content-Length never changes.
 */
#ifndef BENCH_REQUEST_H
#define BENCH_REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum {
    ID_SIZE = 30,      /* prp_ and the 26 characters of a ULID */
    DIGEST_SIZE = 71,  /* sha256: and 64 hex digits */
    ORDER_SIZE = 8,    /* digits of the order number, different in each proposal */
    REQUEST_MAX = 4096,
    CREDENTIAL_MAX = 512,
};

struct request {       /* offset 0: the request has no such part */
    char bytes[REQUEST_MAX];
    size_t size, id_at, digest_at, order_at, amount_at;
};

struct ticket {        /* a pending proposal that can be read and decided */
    char id[ID_SIZE], digest[DIGEST_SIZE];
    uint32_t key;      /* index of the agent's key that submitted it */
};

/* The requests of an agent: its key is the credential; `action` is proposed by the first. */
void request_build_submit(struct request *request, const char *host, const char *key,
                          const char *action);
void request_build_read(struct request *request, const char *host, const char *key);
void request_build_wait(struct request *request, const char *host, const char *key);

/* The request of a reviewer, who has a token or else a session's cookie (NAME=VALUE). */
void request_build_decide(struct request *request, const char *host, const char *token,
                          const char *cookie);

/* Make the proposal differ from all with another number: order id and amount change with it. */
void request_set_number(struct request *request, uint64_t number);

/* Aim the request at a proposal: its id, and its digest where the request carries one. */
void request_set_ticket(struct request *request, const struct ticket *ticket);

#endif
