/* SPDX-License-Identifier: Apache-2.0
 *
 * See answer.h. The searched texts include the quotes of a member's name, so that "digest" is not
 * found in "arguments_digest"; both servers answer JSON without spaces.
 */
#define _GNU_SOURCE 1
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char length_header[] = "content-length:";

/* The value of Content-Length among the header lines; -1 without one. */
static long head_length(const char *bytes, const char *head_end)
{
    size_t name_size = sizeof length_header - 1;
    const char *line = bytes;
    while ((line = memchr(line, '\n', (size_t)(head_end - line))) != NULL) {
        line++;
        bool fits = (size_t)(head_end - line) > name_size;
        if (fits && strncasecmp(line, length_header, name_size) == 0) {
            return strtol(line + name_size, NULL, 10);
        }
    }
    return -1;
}

long answer_parse(const char *bytes, size_t size, struct answer *answer)
{
    const char *head_end = memmem(bytes, size, "\r\n\r\n", 4);
    if (head_end == NULL) {
        return size < HEAD_MAX ? 0 : -1;
    }
    if (head_end - bytes < 12 || memcmp(bytes, "HTTP/1.1 ", 9) != 0) {
        return -1;
    }
    answer->status = (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + (bytes[11] - '0');
    long length = head_length(bytes, head_end);
    if (answer->status < 100 || answer->status >= STATUSES || length < 0 || length > ANSWER_MAX) {
        return -1;
    }
    answer->body = head_end + 4;
    answer->body_size = (size_t)length;
    size_t whole = (size_t)(answer->body - bytes) + answer->body_size;
    return size >= whole ? (long)whole : 0;
}

bool answer_has(const struct answer *answer, const char *text)
{
    return memmem(answer->body, answer->body_size, text, strlen(text)) != NULL;
}

bool answer_is_pending(const struct answer *answer)
{
    return answer_has(answer, "\"status\":\"pending\"");
}

bool answer_is_approved(const struct answer *answer)
{
    return answer_has(answer, "\"status\":\"approved\"");
}

bool answer_has_permit(const struct answer *answer)
{
    return answer_has(answer, "\"permit\":\"ey");  /* a JWS header in base64url begins so */
}

/* The value of a string member, which must have exactly `size` characters; NULL without one.
 * `text` is the member's beginning: `skip` characters up to the value, then the value's first. */
static const char *member_find(const struct answer *answer, const char *text, size_t skip,
                               size_t size)
{
    const char *at = memmem(answer->body, answer->body_size, text, strlen(text));
    if (at == NULL) {
        return NULL;
    }
    at += skip;
    size_t left = (size_t)(answer->body + answer->body_size - at);
    return left > size && at[size] == '"' ? at : NULL;
}

static const char *id_find(const struct answer *answer)
{
    return member_find(answer, "\"id\":\"prp_", sizeof "\"id\":\"" - 1, ID_SIZE);
}

bool answer_is_of(const struct answer *answer, const struct ticket *ticket)
{
    const char *id = id_find(answer);
    return id != NULL && memcmp(id, ticket->id, ID_SIZE) == 0;
}

bool answer_take_ticket(const struct answer *answer, struct ticket *ticket)
{
    const char *id = id_find(answer);
    const char *digest = member_find(answer, "\"digest\":\"sha256:", sizeof "\"digest\":\"" - 1,
                                     DIGEST_SIZE);
    if (id == NULL || digest == NULL) {
        return false;
    }
    memcpy(ticket->id, id, ID_SIZE);
    memcpy(ticket->digest, digest, DIGEST_SIZE);
    return true;
}
