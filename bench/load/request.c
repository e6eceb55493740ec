/* SPDX-License-Identifier: Apache-2.0
 *
 * See request.h. The proposal is a realistic refund of about 1 KB with a full brief: summary,
 * request, reasoning, recommendation, confidence, one piece of evidence and two options.
 */
#define _GNU_SOURCE 1
#include "request.h"

#include <stdio.h>
#include <string.h>

#include "run.h"

#define BLANK_ID "prp_IIIIIIIIIIIIIIIIIIIIIIIIII"
#define BLANK_DIGEST "sha256:DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD"
#define BLANK_ORDER "W00000000"
#define BLANK_AMOUNT "100.05"
_Static_assert(sizeof BLANK_ID == ID_SIZE + 1, "a blank has the size of what replaces it");
_Static_assert(sizeof BLANK_DIGEST == DIGEST_SIZE + 1, "a blank has the size of what replaces it");

static const char proposal_body[] =
    "{\"action\":\"%s\",\"arguments\":{\"order_id\":\"" BLANK_ORDER "\","
    "\"amount\":" BLANK_AMOUNT ",\"currency\":\"USD\","
    "\"message\":\"We are sorry that the lamp arrived broken. The refund is on its way.\"},"
    "\"agent_version\":\"2026-11-20\",\"on_behalf_of\":\"user:77\",\"subject\":\"customer:C771\","
    "\"brief\":{\"summary\":\"Refund a lamp that arrived broken\","
    "\"request\":\"Hello, my lamp arrived in pieces. I would like my money back, please.\","
    "\"reasoning\":\"The photo shows a broken foot and a cracked shade; the parcel was delivered "
    "two days ago; policy 4.2 allows a refund without a return below 500 within 30 days of "
    "delivery.\","
    "\"recommendation\":\"Refund in full\",\"confidence\":0.93,"
    "\"evidence\":[{\"title\":\"Order\",\"text\":\"delivered 2026-11-20, paid by card\","
    "\"source\":\"crm://orders/7712\"}],"
    "\"options\":[{\"title\":\"Refund\",\"pros\":[\"closes the case\"],\"cons\":[\"cost\"],"
    "\"recommended\":true},"
    "{\"title\":\"Replace\",\"pros\":[\"keeps the sale\"],\"cons\":[\"out of stock\"]}]},"
    "\"session\":\"conv-8812\",\"labels\":{\"region\":\"eu\"}}";

static size_t offset_of(const struct request *request, const char *text)
{
    const char *at = memmem(request->bytes, request->size, text, strlen(text));
    return at == NULL ? 0 : (size_t)(at - request->bytes);
}

/* Put the parts together; `body` may be NULL. */
static void request_build(struct request *request, const char *line, const char *host,
                          const char *credential, const char *body)
{
    char content[96] = "";
    if (body != NULL) {
        snprintf(content, sizeof content,
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    }
    int size = snprintf(request->bytes, sizeof request->bytes,
                        "%s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s\r\n%s", line, host, credential,
                        content, body == NULL ? "" : body);
    if (size < 0 || (size_t)size >= sizeof request->bytes) {
        die("the request is too long");
    }
    request->size = (size_t)size;
    request->id_at = offset_of(request, BLANK_ID);
    request->digest_at = offset_of(request, BLANK_DIGEST);
    request->order_at = offset_of(request, BLANK_ORDER);
    request->amount_at = offset_of(request, BLANK_AMOUNT);
}

static void request_build_for_key(struct request *request, const char *line, const char *host,
                                  const char *key, const char *body)
{
    char credential[CREDENTIAL_MAX + 64];
    snprintf(credential, sizeof credential, "Authorization: Bearer %s", key);
    request_build(request, line, host, credential, body);
}

void request_build_submit(struct request *request, const char *host, const char *key,
                          const char *action)
{
    char body[REQUEST_MAX];
    snprintf(body, sizeof body, proposal_body, action);
    request_build_for_key(request, "POST /v1/proposals", host, key, body);
}

void request_build_read(struct request *request, const char *host, const char *key)
{
    request_build_for_key(request, "GET /v1/proposals/" BLANK_ID, host, key, NULL);
}

void request_build_wait(struct request *request, const char *host, const char *key)
{
    request_build_for_key(request, "GET /v1/proposals/" BLANK_ID "?wait=120s", host, key, NULL);
}

void request_build_decide(struct request *request, const char *host, const char *token,
                          const char *cookie)
{
    static const char line[] = "POST /v1/proposals/" BLANK_ID "/decision";
    static const char body[] = "{\"verdict\":\"approve\",\"digest\":\"" BLANK_DIGEST "\"}";
    char credential[CREDENTIAL_MAX + 128];
    if (cookie == NULL) {
        request_build_for_key(request, line, host, token == NULL ? "" : token, body);
        return;
    }
    snprintf(credential, sizeof credential, "Cookie: %s\r\nOrigin: http://%s", cookie, host);
    request_build(request, line, host, credential, body);
}

void request_set_number(struct request *request, uint64_t number)
{
    char *order = request->bytes + request->order_at + 1;  /* after the W */
    char *amount = request->bytes + request->amount_at;    /* D D 0 . D 5 keeps the JSON valid */
    amount[0] = (char)('1' + number % 9);
    amount[1] = (char)('0' + number / 9 % 10);
    amount[4] = (char)('0' + number / 90 % 10);
    for (int i = ORDER_SIZE - 1; i >= 0; i--, number /= 10) {
        order[i] = (char)('0' + number % 10);
    }
}

void request_set_ticket(struct request *request, const struct ticket *ticket)
{
    memcpy(request->bytes + request->id_at, ticket->id, ID_SIZE);
    if (request->digest_at != 0) {
        memcpy(request->bytes + request->digest_at, ticket->digest, DIGEST_SIZE);
    }
}
