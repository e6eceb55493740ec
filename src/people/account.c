/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: roles, leaving and coming back, and how a password is set by its person alone.
 *
 * An admin never knows a password. Whoever is added or reset gets a one-time code that opens one
 * way: signing in and setting a password. Until then the account decides nothing (auth, flow),
 * and the person reads who asked for it.
 *
 * 1. There is always an active admin, if there ever was one.
 * 2. A reset ends the password, the sessions and the tokens in the same command.
 */
#include "people/people_internal.h"

#define DATA_BYTES_MAX  (1 * KIB)
#define CODE_CHARACTERS 20 /* of 5 bits: 100 bits cannot be guessed within a day */
#define CODE_GROUP      5

SQL(SQL_ID_OF, "SELECT id FROM people WHERE name = $name");
SQL(SQL_FIND, "SELECT row, roles, disabled_at FROM people WHERE id = $id");
SQL(SQL_OTHER_ADMINS, "SELECT count(*) FROM people WHERE row <> $row AND disabled_at IS NULL"
                      " AND (roles & $admin) <> 0");
SQL(SQL_SET_ROLES, "UPDATE people SET roles = $roles WHERE row = $row");
SQL(SQL_DEACTIVATE, "UPDATE people SET disabled_at = $now WHERE row = $row");
SQL(SQL_REACTIVATE, "UPDATE people SET disabled_at = NULL WHERE row = $row");
SQL(SQL_END_SESSIONS,
    "DELETE FROM credentials WHERE kind IN (2, 4) AND person = $row AND hash IS NOT $kept");
SQL(SQL_END_TOKENS, "UPDATE credentials SET revoked_at = $now WHERE kind = 1 AND person = $row"
                    " AND revoked_at IS NULL");
SQL(SQL_RESET,
    "UPDATE people SET password = NULL, code = $code, code_until = $until, reset_at = $now,"
    " reset_by = $by WHERE row = $row");
SQL(SQL_SET_PASSWORD, "UPDATE people SET password = $fresh, password_at = $now, code = NULL,"
                      " code_until = NULL WHERE row = $row AND disabled_at IS NULL"
                      " AND password IS $password AND code IS $code");
SQL(SQL_COUNT, "SELECT count(*) FROM people");

_Static_assert(CREDENTIAL_SESSION == 2 && CREDENTIAL_TOKEN == 1 && CREDENTIAL_LINK == 4,
               "the statements above say so");

struct account {
    int64_t row;
    struct id id;
    unsigned roles;
    bool active;
};

static enum fm_err find(struct ctx *ctx, struct store_conn *conn, struct id id, struct account *out)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_FIND, ARGS(A_ID("$id", &id)), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err ? ctx->err : fail(ctx, FM_E_NOT_FOUND, "there is no such person");
    }
    *out =
        (struct account){rows_int(rows, 0), id, (unsigned)rows_int(rows, 1), rows_is_null(rows, 2)};
    rows_done(rows);
    return FM_OK;
}

enum fm_err people_id_of(struct ctx *ctx, struct store_conn *conn, struct str name, struct id *out)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_ID_OF, ARGS(A_TEXT("$name", name)), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err ? ctx->err
                        : fail(ctx, FM_E_NOT_FOUND, "there is no person named %.*s", STR_ARG(name));
    }
    *out = rows_id(rows, 0);
    rows_done(rows);
    return FM_OK;
}

/* One leaf: what has become of the account. `roles` are named where they changed. */
static enum fm_err record(struct ctx *ctx, struct store_conn *conn, struct actor by,
                          struct id person, const char *change, unsigned roles)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    struct json_out leaf = JSON_OUT(&data);

    jo_m_str(&leaf, "change", str_of(change));
    if (strcmp(change, "deactivated") ==
        0) { /* who proves from the log who could decide reads this */
        jo_m_bool(&leaf, "disabled", true);
    }
    jo_m_id(&leaf, "person", ID_PERSON, person);
    if (roles) {
        jo_key(&leaf, "roles");
        jo_array(&leaf);
        for (int role = 0; role < ROLE_COUNT; role++) {
            if (roles & ROLE_BIT(role)) {
                jo_str(&leaf, str_of(role_name((enum role)role)));
            }
        }
        jo_array_end(&leaf);
    }
    directory_outdated();
    return people_record(ctx, conn, JOURNAL_PERSON_CHANGED, by, &data, NULL);
}

/* --- roles, leaving, coming back -------------------------------------------------------------- */

static enum fm_err other_admins(struct ctx *ctx, struct store_conn *conn,
                                const struct account *account, int64_t *out)
{
    return store_int(ctx, conn, &SQL_OTHER_ADMINS,
                     ARGS(A_INT("$row", account->row), A_INT("$admin", ROLE_BIT(ROLE_ADMIN))), 0,
                     out);
}

/* Invariant 1; `keeps` says that the account stays an active admin. */
static enum fm_err check_last_admin(struct ctx *ctx, struct store_conn *conn,
                                    const struct account *account, bool keeps)
{
    int64_t others;

    if (keeps || !account->active || !(account->roles & ROLE_BIT(ROLE_ADMIN))) {
        return FM_OK;
    }
    TRY(other_admins(ctx, conn, account, &others));
    return others ? FM_OK
                  : fail(ctx, FM_E_FORBIDDEN,
                         "this is the last admin: give the role to somebody else first");
}

static bool is_self(struct actor by, struct id person)
{
    return by.kind == ACTOR_REVIEWER && id_eq(by.id, person);
}

enum fm_err people_set_roles(struct ctx *ctx, struct store_conn *conn, struct actor by,
                             struct id person, unsigned roles)
{
    struct account account;
    int64_t others = 0;

    if (roles == 0 || (roles & ~ROLES_KNOWN) != 0) {
        return fail_at(
            ctx, FM_E_INVALID_ARGUMENT, S("/roles"),
            "a person needs at least one role: reviewer, lead, policy, auditor or admin");
    }
    TRY(find(ctx, conn, person, &account));
    TRY(check_last_admin(ctx, conn, &account, roles & ROLE_BIT(ROLE_ADMIN)));
    if (is_self(by, person)) {
        TRY(other_admins(ctx, conn, &account, &others));
    }
    if (others) {
        return fail(ctx, FM_E_FORBIDDEN, "another admin changes your roles");
    }
    TRY(store_exec(ctx, conn, &SQL_SET_ROLES,
                   ARGS(A_INT("$roles", roles), A_INT("$row", account.row))));
    return record(ctx, conn, by, person, "roles", roles);
}

/* `kept` may be absent. */
static enum fm_err end_sessions(struct ctx *ctx, struct store_conn *conn, int64_t row,
                                struct str kept)
{
    return store_exec(ctx, conn, &SQL_END_SESSIONS,
                      ARGS(A_INT("$row", row), A_BLOB("$kept", kept)));
}

static enum fm_err end_credentials(struct ctx *ctx, struct store_conn *conn, int64_t row)
{
    TRY(end_sessions(ctx, conn, row, STR_NONE));
    return store_exec(ctx, conn, &SQL_END_TOKENS,
                      ARGS(A_INT("$now", clock_now_us()), A_INT("$row", row)));
}

enum fm_err people_deactivate(struct ctx *ctx, struct store_conn *conn, struct actor by,
                              struct id person)
{
    struct account account;

    TRY(find(ctx, conn, person, &account));
    TRY(check_last_admin(ctx, conn, &account, false));
    if (!account.active) {
        return FM_OK; /* the wish is fulfilled */
    }
    TRY(end_credentials(ctx, conn, account.row));
    TRY(store_exec(ctx, conn, &SQL_DEACTIVATE,
                   ARGS(A_INT("$now", clock_now_us()), A_INT("$row", account.row))));
    return record(ctx, conn, by, person, "deactivated", 0);
}

enum fm_err people_reactivate(struct ctx *ctx, struct store_conn *conn, struct actor by,
                              struct id person)
{
    struct account account;

    TRY(find(ctx, conn, person, &account));
    if (account.active) {
        return FM_OK;
    }
    TRY(store_exec(ctx, conn, &SQL_REACTIVATE, ARGS(A_INT("$row", account.row))));
    return record(ctx, conn, by, person, "reactivated", account.roles);
}

/* --- passwords -------------------------------------------------------------------------------- */

/* Crockford's base32: no I, L, O and U, which are read for something else. */
static void make_code(char out[CODE_TEXT_SIZE])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t random[CODE_CHARACTERS];
    size_t n = 0;

    random_bytes(random, sizeof(random));
    for (size_t i = 0; i < CODE_CHARACTERS; i++) {
        if (i > 0 && i % CODE_GROUP == 0) {
            out[n++] = '-';
        }
        out[n++] = alphabet[random[i] & 31];
    }
    out[n] = '\0';
    crypto_wipe(random, sizeof(random));
}

_Static_assert(CODE_TEXT_SIZE == CODE_CHARACTERS + CODE_CHARACTERS / CODE_GROUP, "room for NUL");

/* As it may be typed: hyphens and blanks anywhere, letters of any case. */
static struct hash code_hash(struct str code)
{
    char plain[CODE_CHARACTERS + 1];
    size_t n = 0;

    for (size_t i = 0; i < code.n && n < sizeof(plain); i++) {
        char c = code.p[i];
        if (c != '-' && c != ' ') {
            plain[n++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
    }
    return sha256((struct str){plain, n});
}

bool people_is_code(const struct person *person, struct str code)
{
    return person->must_change && !person->deactivated && person->code_until_us > clock_now_us() &&
           hash_eq(code_hash(code), person->code);
}

static enum fm_err set_code(struct ctx *ctx, struct store_conn *conn, struct actor by, int64_t row,
                            char code[CODE_TEXT_SIZE], int64_t *until_us)
{
    int64_t now = clock_now_us();
    struct hash hash;

    make_code(code);
    hash = code_hash(str_of(code));
    *until_us = now + CODE_US;
    return store_exec(ctx, conn, &SQL_RESET,
                      ARGS(A_BLOB("$code", hash_str(&hash)), A_INT("$until", *until_us),
                           A_INT("$now", now), A_BY("$by", by), A_INT("$row", row)));
}

enum fm_err people_reset(struct ctx *ctx, struct store_conn *conn, struct actor by,
                         struct id person, char code[CODE_TEXT_SIZE], int64_t *until_us)
{
    struct account account;

    TRY(find(ctx, conn, person, &account));
    if (is_self(by, person)) {
        return fail(ctx, FM_E_FORBIDDEN, "set your own password with the present one");
    }
    if (!account.active) {
        return fail(ctx, FM_E_NOT_FOUND, "this person was deactivated: reactivate first");
    }
    TRY(set_code(ctx, conn, by, account.row, code, until_us));
    TRY(end_credentials(ctx, conn, account.row));
    return record(ctx, conn, by, person, "password_reset", 0);
}

enum fm_err people_invite(struct ctx *ctx, struct store_conn *conn, struct actor by,
                          struct str name, unsigned roles, struct id *id, char code[CODE_TEXT_SIZE],
                          int64_t *until_us)
{
    struct account account;

    TRY(people_add_person(ctx, conn, by, name, roles, NULL, id));
    TRY(find(ctx, conn, *id, &account));
    return set_code(ctx, conn, by, account.row, code, until_us);
}

enum fm_err people_set_password(struct ctx *ctx, struct store_conn *conn,
                                const struct person *person, const struct credential *kept,
                                const char *encoded)
{
    struct str code = person->must_change ? hash_str(&person->code) : STR_NONE;

    TRY(store_exec(ctx, conn, &SQL_SET_PASSWORD,
                   ARGS(A_TEXT("$fresh", str_of(encoded)), A_INT("$now", clock_now_us()),
                        A_INT("$row", person->row), A_TEXT("$password", str_of(person->password)),
                        A_BLOB("$code", code))));
    if (store_changed(conn) == 0) {
        return fail(ctx, FM_E_UNAUTHENTICATED, "sign in again");
    }
    TRY(end_sessions(ctx, conn, person->row, kept ? hash_str(&kept->hash) : STR_NONE));
    return record(ctx, conn, (struct actor){ACTOR_REVIEWER, person->id}, person->id, "password", 0);
}

/* --- the first person ------------------------------------------------------------------------- */

enum fm_err people_add_first(struct ctx *ctx, struct store_conn *conn, struct str name,
                             unsigned roles, const char *password_encoded, struct id *out)
{
    int64_t count;

    TRY(store_int(ctx, conn, &SQL_COUNT, NO_ARGS, 0, &count));
    if (count) {
        return fail(ctx, FM_E_FORBIDDEN, "the setup link is void: there is somebody already");
    }
    return people_add_person(ctx, conn, (struct actor){.kind = ACTOR_OPERATOR}, name, roles,
                             password_encoded, out);
}
