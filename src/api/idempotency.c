/* SPDX-License-Identifier: Apache-2.0
 *
 * Repeated writes (draft-ietf-httpapi-idempotency-key-header): the first answer is kept in the same
 * transaction as what it answers, and given again for the same key and body. Commands run one after
 * another, so a repetition that overtakes its first attempt simply waits for it.
 */
#include "api/api_internal.h"

#define KEY_MAX 255

SQL(SQL_ANSWER, "SELECT body, status, answer FROM answers WHERE scope = $scope");
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

enum fm_err idempotency_begin(struct call *call, struct store_conn *conn, bool *replay)
{
    struct store_rows *rows;
    bool same;

    if (!call->idempotency_key.p) {
        return FM_OK;
    }
    call->ctx.err = FM_OK;
    TRY(store_query(&call->ctx, conn, &SQL_ANSWER, ARGS(A_BLOB("$scope", hash_str(&call->scope))),
                    &rows));
    if (!rows_next(&call->ctx, rows)) {
        return call->ctx.err;
    }
    same = str_eq(rows_bytes(rows, 0), hash_str(&call->body_hash));
    call->status = call->status == 201 ? 200 : (int)rows_int(rows, 1); /* 03: 200 for a replay */
    buf_add(&call->answer, rows_bytes(rows, 2));
    rows_done(rows);
    if (!same) {
        return fail(&call->ctx, FM_E_IDEMPOTENCY_MISMATCH,
                    "send the same body, or a new Idempotency-Key");
    }
    *replay = call->replayed = call->has_answer = true;
    return FM_OK;
}

enum fm_err idempotency_keep(struct call *call, struct store_conn *conn)
{
    if (!buf_ok(&call->answer)) {
        return fail_memory(&call->ctx);
    }
    return store_exec(&call->ctx, conn, &SQL_KEEP,
                      ARGS(A_BLOB("$scope", hash_str(&call->scope)),
                           A_BLOB("$body", hash_str(&call->body_hash)), A_INT("$status", call->status),
                           A_BLOB("$answer", buf_str(&call->answer)), A_INT("$at", clock_now_us())));
}
