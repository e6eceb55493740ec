/* SPDX-License-Identifier: Apache-2.0
 *
 * Repeated writes (draft-ietf-httpapi-idempotency-key-header): the first answer is kept in the same
 * transaction as what it answers, and given again for the same key and body. Commands run one after
 * another, so a repetition that overtakes its first attempt simply waits for it.
 *
 * It must never store an answer with a secret in it: of those only the id is stored; the answer
 * itself is in memory for ten minutes (fresh.c), and afterwards a repetition is told what was done
 * (409).
 */
#include "api/api_internal.h"

#define KEY_MAX 255

SQL(SQL_ANSWER, "SELECT body, status, answer, at FROM answers WHERE scope = $scope");
SQL(SQL_KEEP, "INSERT INTO answers(scope, body, status, answer, at)"
              " VALUES($scope, $body, $status, $answer, $at)");

static bool is_key(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < 0x21 || key.p[i] > 0x7E) {
            return false;
        }
    }
    return key.n > 0 && key.n <= KEY_MAX;
}

enum fm_err idempotency_set(struct call *call, struct str path, struct str key)
{
    AUTO(buf_done) struct buf body = BUF_INIT(API_ANSWER_MAX);
    AUTO(buf_done) struct buf scope = BUF_INIT(16 * KIB);
    struct id who = call_who(call);

    if (!is_key(key)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/Idempotency-Key"),
                       "1 to %d visible ASCII characters", KEY_MAX);
    }
    if (call->body) {
        json_write(&body, call->body);
    }
    buf_add(&scope, id_bytes(&who));
    buf_add_char(&scope, (char)http_method(call->request));
    buf_add(&scope, path);
    buf_add_char(&scope, '\0');
    buf_add(&scope, key);
    if (!buf_ok(&body) || !buf_ok(&scope)) {
        return fail_memory(&call->ctx);
    }
    call->idempotency_key = key;
    call->scope = sha256(buf_str(&scope));
    call->body_hash = sha256(buf_str(&body));
    return FM_OK;
}

enum fm_err idempotency_read(struct call *call)
{
    struct str key = http_header(call->request, "Idempotency-Key");

    if (!key.p || !call->credential) {
        return FM_OK;
    }
    return idempotency_set(call, http_path(call->request), key);
}

/* A row of `answers`. Of the same body, call->answer has its answer; or the id of what an answer
 * with a secret was about. */
struct kept {
    bool is_there, is_same;
    int status;
    int64_t at_us;
};

static enum fm_err find_kept(struct call *call, struct store_conn *conn, struct kept *out)
{
    struct store_rows *rows;

    *out = (struct kept){0};
    call->ctx.err = FM_OK;
    TRY(store_query(&call->ctx, conn, &SQL_ANSWER, ARGS(A_BLOB("$scope", hash_str(&call->scope))),
                    &rows));
    if (!rows_next(&call->ctx, rows)) {
        return call->ctx.err;
    }
    out->is_there = true;
    out->is_same = str_eq(rows_bytes(rows, 0), hash_str(&call->body_hash));
    out->status = (int)rows_int(rows, 1);
    if (out->is_same) {
        buf_add(&call->answer, rows_bytes(rows, 2));
    }
    out->at_us = rows_int(rows, 3);
    rows_done(rows);
    return FM_OK;
}

/* Its secret is gone for good: says of what, and what to do now. */
static enum fm_err already_done(struct call *call, const struct kept *kept)
{
    struct ctx *ctx = &call->ctx;
    char at[CLOCK_TEXT_SIZE];
    struct str id = arena_copy(ctx->arena, buf_str(&call->answer));

    clock_format(kept->at_us, at);
    ctx->members = arena_printf(ctx->arena, "\"done_at\":\"%s\",\"id\":\"%.*s\"", at, STR_ARG(id));
    return fail(ctx, FM_E_ALREADY_DONE, "at %s, for %.*s: %s", at, STR_ARG(id), call->once);
}

enum fm_err idempotency_begin(struct call *call, struct store_conn *conn, bool *replay)
{
    struct kept kept;

    if (!call->idempotency_key.p) {
        return FM_OK;
    }
    TRY(find_kept(call, conn, &kept));
    if (!kept.is_there) {
        return FM_OK;
    }
    if (!kept.is_same) {
        return fail(&call->ctx, FM_E_IDEMPOTENCY_MISMATCH,
                    "send the same body, or a new Idempotency-Key");
    }
    if (call->once) {
        struct str fresh = fresh_find(call->api->fresh, call->scope, clock_now_us());
        if (!fresh.p) {
            return already_done(call, &kept);
        }
        buf_reset(&call->answer);
        buf_add(&call->answer, fresh);
    }
    call->status = kept.status == 201 ? 200 : kept.status; /* 03: 200 for a replay */
    *replay = call->replayed = call->has_answer = true;
    return FM_OK;
}

/* The member `id` of the answer: all that is stored of one that holds a secret. */
static enum fm_err answer_id(struct call *call, struct str *out)
{
    const struct json *answer;

    TRY(json_parse(&call->ctx, buf_str(&call->answer), &JSON_LIMITS_WIRE, &answer));
    *out = json_text(json_get(answer, S("id")));
    return out->p ? FM_OK : fail(&call->ctx, FM_E_INTERNAL, "an answer with a secret has an id");
}

enum fm_err idempotency_keep(struct call *call, struct store_conn *conn)
{
    struct str answer = buf_str(&call->answer);
    int64_t now_us = clock_now_us();

    if (!buf_ok(&call->answer)) {
        return fail_memory(&call->ctx);
    }
    if (call->once) {
        fresh_keep(call->api->fresh, call->scope, answer, now_us);
        TRY(answer_id(call, &answer));
    }
    return store_exec(&call->ctx, conn, &SQL_KEEP,
                      ARGS(A_BLOB("$scope", hash_str(&call->scope)),
                           A_BLOB("$body", hash_str(&call->body_hash)), A_INT("$status", call->status),
                           A_BLOB("$answer", answer), A_INT("$at", now_us)));
}
