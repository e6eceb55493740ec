/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading the key of permits. Executors hold on to its public half, and a permit of a lost key
 * cannot be redeemed: so a new key is never made in silence.
 *
 * `permit_kid` in the store: the key's thumbprint; empty since an epoch was opened, in which no
 * permit of the one before holds; no row in a store of before this was kept.
 */
#include "server/issuer.h"

SQL(SQL_KID, "SELECT value FROM meta WHERE name = 'permit_kid'");
SQL(SQL_HAS_PERMITS, "SELECT EXISTS(SELECT 1 FROM proposals WHERE permit IS NOT NULL)");
SQL(SQL_KEEP_KID, "INSERT INTO meta(name, value) VALUES('permit_kid', $kid)"
                  " ON CONFLICT(name) DO UPDATE SET value = excluded.value"
                  " WHERE value IS NOT excluded.value");

#define NEXT_STEP                                                                                  \
    "put it back from a backup. Where there is none: `fermata backup` this folder, take "          \
    "permit.key "                                                                                  \
    "out of the copy and `fermata restore` it, which voids all permits and makes a new key"

/* What the store remembers; `*may_make` says that a missing key may be made anew. */
static enum fm_err read_kid(struct ctx *ctx, struct store_conn *conn, struct str *kid,
                            bool *may_make)
{
    struct store_rows *rows;
    int64_t has_permits;

    *kid = STR_NONE;
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_KID, NO_ARGS, &rows));
    if (rows_next(ctx, rows)) {
        *kid = arena_copy(ctx->arena, rows_bytes(rows, 0));
        rows_done(rows);
        *may_make = kid->n == 0;
        return FM_OK;
    }
    TRY(ctx->err);
    TRY(store_int(ctx, conn, &SQL_HAS_PERMITS, NO_ARGS, 0, &has_permits));
    *may_make = !has_permits;
    return FM_OK;
}

static enum fm_err load_key(struct ctx *ctx, const char *path, bool may_make, struct sign_key *out)
{
    bool found;

    if (may_make) {
        return sign_key_load(ctx, path, out);
    }
    TRY(sign_key_find(ctx, path, out, &found));
    return found ? FM_OK : fail(ctx, FM_E_INTERNAL, "%s is missing: " NEXT_STEP, path);
}

static enum fm_err check_kid(struct ctx *ctx, const char *path, struct str kid,
                             const struct permit_issuer *issuer)
{
    return !kid.n || str_eq(kid, str_of(issuer->kid))
               ? FM_OK
               : fail(ctx, FM_E_INTERNAL, "%s is not the key of this store's permits: " NEXT_STEP,
                      path);
}

enum fm_err issuer_check(struct ctx *ctx, const char *dir, struct store_conn *conn)
{
    struct str path = arena_printf(ctx->arena, "%s/permit.key", dir), kid;
    struct permit_issuer issuer;
    bool may_make;

    TRY(path.p ? read_kid(ctx, conn, &kid, &may_make) : fail_memory(ctx));
    TRY(load_key(ctx, path.p, false, &issuer.key));
    jwk_thumbprint(&issuer.key, issuer.kid);
    crypto_wipe(&issuer.key, sizeof(issuer.key));
    return check_kid(ctx, path.p, kid, &issuer);
}

enum fm_err issuer_load(struct ctx *ctx, const char *dir, struct store_conn *conn,
                        struct permit_issuer *out)
{
    struct str path = arena_printf(ctx->arena, "%s/permit.key", dir), kid;
    bool may_make;

    if (!path.p) {
        return fail_memory(ctx);
    }
    TRY(read_kid(ctx, conn, &kid, &may_make));
    TRY(load_key(ctx, path.p, may_make, &out->key));
    jwk_thumbprint(&out->key, out->kid);
    TRY(check_kid(ctx, path.p, kid, out));
    return resume_epoch(ctx, conn, &out->epoch);
}

enum fm_err issuer_keep(struct ctx *ctx, struct store_conn *conn,
                        const struct permit_issuer *issuer)
{
    return store_exec(ctx, conn, &SQL_KEEP_KID, ARGS(A_TEXT("$kid", str_of(issuer->kid))));
}
