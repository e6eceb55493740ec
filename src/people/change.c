/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of people, agents and credentials: rows and journal entry in one command of the committer.
 *
 * It must never store a secret in the clear that it only has to recognise (keys, tokens, cookies);
 * the secret of callbacks has to sign, and is stored as it is. Nor must it put a name into a leaf of
 * the log: names go into the payload, which can be erased.
 *
 * 1. Every change of who may do what has its journal entry in the same command (invariant 1).
 * 2. Names are looked up in the store, not in the directory: a command sees those before it in its batch.
 */
#include "people/people_internal.h"

#define SECRET_BYTES 32
#define WEBHOOK_SECRET_BYTES 24 /* 192 bits, what Standard Webhooks recommends at least */
#define DATA_BYTES_MAX (1 * KIB)
#define PAYLOAD_BYTES_MAX (8 * KIB) /* a name of 64 bytes and 16 hosts of 253 */

SQL(SQL_ADD_PERSON, "INSERT INTO people(id, name, roles, password, created_at, created_by,"
                    " password_at) VALUES($id, $name, $roles, $password, $now, $by,"
                    " CASE WHEN $password IS NULL THEN NULL ELSE $now END)");
SQL(SQL_ADD_AGENT, "INSERT INTO agents(id, name, owner, hosts, webhook_secret, created_at,"
                   " created_by) VALUES($id, $name, $owner, $hosts, $secret, $now, $by)");
SQL(SQL_ADD_CREDENTIAL,
    "INSERT INTO credentials(hash, id, kind, agent, person, created_at, expires_at, created_by,"
    " service, scopes) VALUES($hash, $id, $kind, $agent, $person, $now, $expires, $by, $service,"
    " $scopes)");
SQL(SQL_FIND_KEY, "SELECT agent, person FROM credentials WHERE id = $id AND kind <> 2"
                  " AND revoked_at IS NULL AND ($person = 0 OR person = $person)");
SQL(SQL_REVOKE, "UPDATE credentials SET revoked_at = $now WHERE id = $id AND kind <> 2");
SQL(SQL_SIGNED_IN, "UPDATE people SET signed_in_at = $now WHERE row = $row");
SQL(SQL_OLD_SECRETS_OVER, "DELETE FROM old_webhook_secrets WHERE until <= $now");
SQL(SQL_OLD_SECRETS, "SELECT count(*) FROM old_webhook_secrets WHERE agent = $row");
SQL(SQL_FIRST_OVER, "SELECT min(until) FROM old_webhook_secrets WHERE agent = $row");
SQL(SQL_OLD_SECRET, "INSERT INTO old_webhook_secrets(agent, secret, until)"
                    " SELECT row, webhook_secret, $until FROM agents WHERE row = $row");
SQL(SQL_NEW_SECRET, "UPDATE agents SET webhook_secret = $secret WHERE row = $row");
SQL(SQL_HOSTS, "SELECT hosts FROM agents WHERE row = $row");
SQL(SQL_SET_HOSTS, "UPDATE agents SET hosts = $hosts WHERE row = $row");
SQL(SQL_FIND_PERSON, "SELECT row, id FROM people WHERE name = $name AND disabled_at IS NULL");
SQL(SQL_FIND_AGENT, "SELECT row, id FROM agents WHERE name = $name AND disabled_at IS NULL");
/* whether the person is still who the password was checked against */
SQL(SQL_PERSON_STANDS, "SELECT count(*) FROM people"
                       " WHERE row = $row AND disabled_at IS NULL AND password IS $password"
                       " AND code IS $code");
SQL(SQL_DROP_SESSIONS,
    "DELETE FROM credentials WHERE kind = 2 AND (expires_at <= $now OR id IN"
    " (SELECT id FROM credentials WHERE kind = 2 AND person = $person"
    "  ORDER BY id DESC LIMIT -1 OFFSET $keep))");
SQL(SQL_DROP_SESSION, "DELETE FROM credentials WHERE id = $id AND kind = 2");

/* The prefix says at a glance, also to secret scanners, what was found lying about. */
static const struct str prefixes[] = {
    [CREDENTIAL_AGENT_KEY] = STR("fka_"),
    [CREDENTIAL_TOKEN] = STR("fkr_"),
    [CREDENTIAL_SESSION] = STR("fkc_"),
    [CREDENTIAL_LINK] = STR("fkl_"),
    [CREDENTIAL_SERVICE] = STR("fks_"),
};

_Static_assert(CREDENTIAL_SESSION == 2, "the statements above say kind = 2 for sessions");
_Static_assert(4 + (SECRET_BYTES * 4 + 2) / 3 + 1 == SECRET_TEXT_SIZE, "room for prefix, 43 and NUL");

/* prefix + random bytes as text, NUL-ended. */
enum fm_err people_make_secret(struct ctx *ctx, struct str prefix, size_t bytes,
                               void (*encode)(struct buf *buf, struct str bytes),
                               char out[SECRET_TEXT_SIZE])
{
    AUTO(buf_done) struct buf text = BUF_INIT(SECRET_TEXT_SIZE - 1);
    char random[SECRET_BYTES];

    random_bytes(random, bytes);
    buf_add(&text, prefix);
    encode(&text, (struct str){random, bytes});
    crypto_wipe(random, sizeof(random));
    if (!buf_ok(&text)) {
        return fail_memory(ctx);
    }
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    crypto_wipe(text.p, text.n);
    return FM_OK;
}

/* A credential to be: of an agent or of a person, 0 for the other. */
struct new_credential {
    enum credential_kind kind;
    int64_t agent, person; /* rows */
    int64_t expires_at_us; /* 0: never */
    struct actor by;
    struct str service;
    unsigned scopes;
};

/* Makes the secret and the id, and stores the secret's hash. */
static enum fm_err add_credential(struct ctx *ctx, struct store_conn *conn,
                                  struct new_credential fresh, struct id *id,
                                  char secret[SECRET_TEXT_SIZE])
{
    struct hash hash;

    TRY(people_make_secret(ctx, prefixes[fresh.kind], SECRET_BYTES, buf_add_base64url, secret));
    *id = id_new();
    hash = sha256(str_of(secret));
    directory_outdated();
    return store_exec(ctx, conn, &SQL_ADD_CREDENTIAL,
                      ARGS(A_BLOB("$hash", hash_str(&hash)), A_ID("$id", id),
                           A_INT("$kind", fresh.kind), A_OPT("$agent", fresh.agent),
                           A_OPT("$person", fresh.person), A_INT("$now", clock_now_us()),
                           A_OPT("$expires", fresh.expires_at_us), A_BY("$by", fresh.by),
                           A_TEXT("$service", fresh.service), A_OPT("$scopes", fresh.scopes)));
}

/* The row and id behind a name, by one of the two statements above. */
static enum fm_err find_row(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                            const char *what, struct str name, int64_t *row, struct id *id)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, sql, ARGS(A_TEXT("$name", name)), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err != FM_OK ? ctx->err
                                 : fail(ctx, FM_E_NOT_FOUND, "there is no %s named %.*s", what,
                                        STR_ARG(name));
    }
    *row = rows_int(rows, 0);
    *id = rows_id(rows, 1);
    rows_done(rows);
    return FM_OK;
}

/* Journal -------------------------------------------------------------------------------------- */

enum fm_err people_record(struct ctx *ctx, struct store_conn *conn, enum journal_kind kind,
                          struct actor by, const struct buf *data, const struct buf *payload)
{
    uint64_t index;
    struct journal_event event = {
        .kind = kind,
        .by = by,
        .previous = -1,
        .at_us = clock_now_us(),
        .data = buf_str(data),
        .payload = payload ? buf_str(payload) : STR_NONE,
    };

    if (!buf_ok(data) || (payload && !buf_ok(payload))) {
        return fail_memory(ctx);
    }
    return journal_append(ctx, conn, &event, &index);
}

/* One leaf about a credential: whose it is, and its id. Members in sorted order. */
static enum fm_err record_credential(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                     const struct id *agent, struct id key, const struct id *person)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    struct json_out out = JSON_OUT(&data);

    if (agent) {
        jo_m_id(&out, "agent", ID_AGENT, *agent);
    }
    jo_m_id(&out, "key", ID_KEY, key);
    if (person) {
        jo_m_id(&out, "person", ID_PERSON, *person);
    }
    return people_record(ctx, conn, JOURNAL_KEY_CREATED, by, &data, NULL);
}

static enum fm_err record_session(struct ctx *ctx, struct store_conn *conn, enum journal_kind kind,
                                  struct id person, struct id session)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    struct json_out out = JSON_OUT(&data);

    jo_m_id(&out, "session", ID_SESSION, session);
    return people_record(ctx, conn, kind, (struct actor){ACTOR_REVIEWER, person}, &data, NULL);
}

/* People --------------------------------------------------------------------------------------- */

static enum fm_err record_person(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                 struct id person, struct str name, unsigned roles)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    AUTO(buf_done) struct buf payload = BUF_INIT(PAYLOAD_BYTES_MAX);
    struct json_out leaf = JSON_OUT(&data), erasable = JSON_OUT(&payload);

    jo_m_id(&leaf, "person", ID_PERSON, person);
    jo_key(&leaf, "roles");
    jo_array(&leaf);
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (roles & ROLE_BIT(role)) {
            jo_str(&leaf, str_of(role_name((enum role)role)));
        }
    }
    jo_array_end(&leaf);
    jo_object(&erasable);
    jo_m_str(&erasable, "name", name);
    jo_object_end(&erasable);
    return people_record(ctx, conn, JOURNAL_PERSON_ADDED, by, &data, &payload);
}

enum fm_err people_add_person(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str name,
                              unsigned roles, const char *password_encoded, struct id *out)
{
    enum fm_err err;

    TRY(people_check_name(ctx, name));
    if (roles == 0 || (roles & ~ROLES_KNOWN) != 0) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/roles"),
                       "a person needs at least one role: reviewer, lead, policy, auditor or admin");
    }
    *out = id_new();
    err = store_exec(ctx, conn, &SQL_ADD_PERSON,
                     ARGS(A_ID("$id", out), A_TEXT("$name", name), A_INT("$roles", roles),
                          A_TEXT("$password", str_of(password_encoded)),
                          A_INT("$now", clock_now_us()), A_BY("$by", by)));
    if (err == FM_E_EXISTS) {
        return fail(ctx, err, "there is a person named %.*s already", STR_ARG(name));
    }
    TRY(err);
    directory_outdated();
    return record_person(ctx, conn, by, *out, name, roles);
}

/* Agents --------------------------------------------------------------------------------------- */

static enum fm_err insert_agent(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                struct id id, struct str name, int64_t owner,
                                struct policy_list hosts, const char *webhook_secret, int64_t *row)
{
    AUTO(buf_done) struct buf text = BUF_INIT(PAYLOAD_BYTES_MAX);
    struct json_out out = JSON_OUT(&text);
    enum fm_err err;

    policy_list_write(&out, hosts);
    if (!buf_ok(&text)) {
        return fail_memory(ctx);
    }
    err =
        store_exec(ctx, conn, &SQL_ADD_AGENT,
                   ARGS(A_ID("$id", &id), A_TEXT("$name", name), A_INT("$owner", owner),
                        A_TEXT("$hosts", buf_str(&text)), A_TEXT("$secret", str_of(webhook_secret)),
                        A_INT("$now", clock_now_us()), A_BY("$by", by)));
    if (err == FM_E_EXISTS) {
        return fail(ctx, err, "there is an agent named %.*s already", STR_ARG(name));
    }
    TRY(err);
    *row = store_last_rowid(conn);
    return FM_OK;
}

static enum fm_err record_agent(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                struct id agent, struct str name, struct id owner,
                                struct policy_list hosts)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    AUTO(buf_done) struct buf payload = BUF_INIT(PAYLOAD_BYTES_MAX);
    struct json_out leaf = JSON_OUT(&data), erasable = JSON_OUT(&payload);

    jo_m_id(&leaf, "agent", ID_AGENT, agent);
    jo_m_id(&leaf, "owner", ID_PERSON, owner);
    jo_object(&erasable);
    jo_key(&erasable, "hosts");
    policy_list_write(&erasable, hosts);
    jo_m_str(&erasable, "name", name);
    jo_object_end(&erasable);
    return people_record(ctx, conn, JOURNAL_AGENT_ADDED, by, &data, &payload);
}

enum fm_err people_add_agent(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str name,
                             struct str owner, struct policy_list hosts, struct id *id,
                             char key[SECRET_TEXT_SIZE], char webhook_secret[SECRET_TEXT_SIZE])
{
    int64_t owner_row, row = 0;
    struct id owner_id, key_id;

    TRY(people_check_name(ctx, name));
    TRY(people_check_hosts(ctx, S("/hosts"), hosts));
    TRY(find_row(ctx, conn, &SQL_FIND_PERSON, "person", owner, &owner_row, &owner_id));
    TRY(people_make_secret(ctx, S("whsec_"), WEBHOOK_SECRET_BYTES, buf_add_base64, webhook_secret));
    *id = id_new();
    TRY(insert_agent(ctx, conn, by, *id, name, owner_row, hosts, webhook_secret, &row));
    TRY(record_agent(ctx, conn, by, *id, name, owner_id, hosts));
    TRY(add_credential(ctx, conn, (struct new_credential){CREDENTIAL_AGENT_KEY, row, .by = by},
                       &key_id, key));
    return record_credential(ctx, conn, by, id, key_id, NULL);
}

/* Each of them was promised to sign until its time: none is dropped for one more. */
static enum fm_err check_old_secrets(struct ctx *ctx, struct store_conn *conn, int64_t row)
{
    int64_t count = 0, first_us = 0;
    char at[CLOCK_TEXT_SIZE];

    TRY(store_exec(ctx, conn, &SQL_OLD_SECRETS_OVER, ARGS(A_INT("$now", clock_now_us()))));
    TRY(store_int(ctx, conn, &SQL_OLD_SECRETS, ARGS(A_INT("$row", row)), 0, &count));
    if (count < PEOPLE_OLD_SECRETS_MAX) {
        return FM_OK;
    }
    TRY(store_int(ctx, conn, &SQL_FIRST_OVER, ARGS(A_INT("$row", row)), 0, &first_us));
    clock_format(first_us, at);
    return fail(ctx, FM_E_ROTATED_TOO_OFTEN,
                "%d replaced secrets still sign for receivers that know only them: the next one "
                "can be made at %s",
                PEOPLE_OLD_SECRETS_MAX, at);
}

enum fm_err people_new_webhook_secret(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                      struct str agent, int64_t old_until_us,
                                      char webhook_secret[SECRET_TEXT_SIZE])
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    struct json_out leaf = JSON_OUT(&data);
    struct id id;
    int64_t row;

    TRY(find_row(ctx, conn, &SQL_FIND_AGENT, "agent", agent, &row, &id));
    TRY(check_old_secrets(ctx, conn, row));
    TRY(people_make_secret(ctx, S("whsec_"), WEBHOOK_SECRET_BYTES, buf_add_base64, webhook_secret));
    TRY(store_exec(ctx, conn, &SQL_OLD_SECRET,
                   ARGS(A_INT("$row", row), A_INT("$until", old_until_us))));
    TRY(store_exec(ctx, conn, &SQL_NEW_SECRET,
                   ARGS(A_INT("$row", row), A_TEXT("$secret", str_of(webhook_secret)))));
    jo_m_id(&leaf, "agent", ID_AGENT, id);
    return people_record(ctx, conn, JOURNAL_AGENT_SECRET_CHANGED, by, &data, NULL);
}

/* The agent's hosts as the store has them, in a list with room for `more`. */
static enum fm_err read_hosts(struct ctx *ctx, struct store_conn *conn, int64_t row, size_t more,
                              struct str **items, size_t *count)
{
    const struct json *hosts;
    struct store_rows *rows;
    struct str text = S("[]");

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_HOSTS, ARGS(A_INT("$row", row)), &rows));
    if (rows_next(ctx, rows)) {
        text = arena_copy(ctx->arena, rows_bytes(rows, 0));
        rows_done(rows);
    }
    TRY(ctx->err);
    TRY(text.p ? json_parse(ctx, text, &JSON_LIMITS_WIRE, &hosts) : fail_memory(ctx));
    *count = hosts->count;
    *items = arena_zalloc(ctx->arena, *count + more + 1, sizeof(**items));
    for (size_t i = 0; *items && i < *count; i++) {
        (*items)[i] = json_text(&hosts->as.items[i]);
    }
    return *items ? FM_OK : fail_memory(ctx);
}

/* Where `host` stands in the list; `count` when it does not. */
static size_t find_host(const struct str *items, size_t count, struct str host)
{
    size_t at = 0;

    while (at < count && !str_eq(items[at], host)) {
        at++;
    }
    return at;
}

/* Takes out and puts in; `*changed` says whether that made a difference. */
static enum fm_err apply_hosts(struct ctx *ctx, struct policy_list add, struct policy_list remove,
                               struct str *items, size_t *count, bool *changed)
{
    *changed = false;
    for (size_t i = 0; i < remove.count; i++) {
        size_t at = find_host(items, *count, remove.items[i]);
        if (at == *count) {
            return fail_at(ctx, FM_E_INVALID_ARGUMENT,
                           json_pointer_index(ctx->arena, S("/remove"), i),
                           "the host is not registered with this agent");
        }
        for (--*count; at < *count; at++) {
            items[at] = items[at + 1];
        }
        *changed = true;
    }
    for (size_t i = 0; i < add.count; i++) {
        if (find_host(items, *count, add.items[i]) == *count) {
            items[(*count)++] = add.items[i];
            *changed = true;
        }
    }
    return FM_OK;
}

static enum fm_err record_hosts(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                struct id agent, const struct buf *hosts)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    AUTO(buf_done) struct buf payload = BUF_INIT(PAYLOAD_BYTES_MAX);
    struct json_out leaf = JSON_OUT(&data), erasable = JSON_OUT(&payload);

    jo_m_id(&leaf, "agent", ID_AGENT, agent);
    jo_object(&erasable);
    jo_m_raw(&erasable, "hosts", buf_str(hosts));
    jo_object_end(&erasable);
    return people_record(ctx, conn, JOURNAL_AGENT_HOSTS_CHANGED, by, &data, &payload);
}

enum fm_err people_change_hosts(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                struct str agent, struct policy_list add, struct policy_list remove,
                                struct policy_list *hosts)
{
    AUTO(buf_done) struct buf text = BUF_INIT(PAYLOAD_BYTES_MAX);
    struct json_out out = JSON_OUT(&text);
    struct str *items;
    struct id id;
    int64_t row;
    bool changed;

    TRY(people_check_hosts(ctx, S("/add"), add));
    TRY(find_row(ctx, conn, &SQL_FIND_AGENT, "agent", agent, &row, &id));
    TRY(read_hosts(ctx, conn, row, add.count, &items, &hosts->count));
    TRY(apply_hosts(ctx, add, remove, items, &hosts->count, &changed));
    hosts->items = items;
    TRY(people_check_hosts(ctx, S("/add"), *hosts)); /* there may be too many now */
    if (!changed) {
        return FM_OK;
    }
    policy_list_write(&out, *hosts);
    if (!buf_ok(&text)) {
        return fail_memory(ctx);
    }
    TRY(store_exec(ctx, conn, &SQL_SET_HOSTS,
                   ARGS(A_INT("$row", row), A_TEXT("$hosts", buf_str(&text)))));
    directory_outdated();
    return record_hosts(ctx, conn, by, id, &text);
}

/* Credentials ---------------------------------------------------------------------------------- */

enum fm_err people_add_key(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str agent,
                           struct id *id, char key[SECRET_TEXT_SIZE])
{
    int64_t row;
    struct id agent_id;

    TRY(find_row(ctx, conn, &SQL_FIND_AGENT, "agent", agent, &row, &agent_id));
    TRY(add_credential(ctx, conn, (struct new_credential){CREDENTIAL_AGENT_KEY, row, .by = by}, id,
                       key));
    return record_credential(ctx, conn, by, &agent_id, *id, NULL);
}

enum fm_err people_add_token(struct ctx *ctx, struct store_conn *conn, struct actor by, struct str person,
                             struct id *id, char token[SECRET_TEXT_SIZE])
{
    int64_t row;
    struct id person_id;

    TRY(find_row(ctx, conn, &SQL_FIND_PERSON, "person", person, &row, &person_id));
    TRY(add_credential(ctx, conn, (struct new_credential){CREDENTIAL_TOKEN, 0, row, .by = by}, id,
                       token));
    return record_credential(ctx, conn, by, NULL, *id, &person_id);
}

enum fm_err people_add_link(struct ctx *ctx, struct store_conn *conn, struct actor by,
                            struct str person, struct id *id, char code[SECRET_TEXT_SIZE])
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    struct json_out out = JSON_OUT(&data);
    struct new_credential link = {
        CREDENTIAL_LINK, .expires_at_us = clock_now_us() + LINK_US, .by = by};
    struct id person_id;

    TRY(find_row(ctx, conn, &SQL_FIND_PERSON, "person", person, &link.person, &person_id));
    TRY(add_credential(ctx, conn, link, id, code));
    jo_m_id(&out, "key", ID_KEY, *id);
    jo_m_id(&out, "person", ID_PERSON, person_id);
    return people_record(ctx, conn, JOURNAL_LINK_CREATED, by, &data, NULL);
}

static enum fm_err record_service(struct ctx *ctx, struct store_conn *conn, struct actor by,
                                  struct id key, struct str service, unsigned scopes)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    AUTO(buf_done) struct buf payload = BUF_INIT(PAYLOAD_BYTES_MAX);
    struct json_out leaf = JSON_OUT(&data), erasable = JSON_OUT(&payload);

    jo_m_id(&leaf, "key", ID_KEY, key);
    jo_key(&leaf, "scopes");
    jo_array(&leaf);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (scopes >> scope & 1) {
            jo_str(&leaf, str_of(scope_name((enum service_scope)scope)));
        }
    }
    jo_array_end(&leaf);
    jo_object(&erasable);
    jo_m_str(&erasable, "service", service);
    jo_object_end(&erasable);
    return people_record(ctx, conn, JOURNAL_KEY_CREATED, by, &data, &payload);
}

enum fm_err people_service_until(struct ctx *ctx, int64_t lifetime_us, int64_t *until_us)
{
    if (lifetime_us == SERVICE_UNSAID) {
        lifetime_us = SERVICE_US;
    }
    if (lifetime_us < SECOND_US || lifetime_us > DURATION_MAX_US) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/expires_in"),
                       "1s to %dd; %dd where nothing is said", (int)(DURATION_MAX_US / DAY_US),
                       (int)(SERVICE_US / DAY_US));
    }
    *until_us = clock_now_us() + lifetime_us;
    return FM_OK;
}

enum fm_err people_add_service(struct ctx *ctx, struct store_conn *conn, struct actor by,
                               struct str service, unsigned scopes, int64_t expires_at_us,
                               struct id *id, char token[SECRET_TEXT_SIZE])
{
    TRY(people_check_name(ctx, service));
    if (scopes == 0 || scopes >> SCOPE_COUNT != 0) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/scopes"), "at least one of %s",
                       scope_names());
    }
    TRY(add_credential(ctx, conn,
                       (struct new_credential){CREDENTIAL_SERVICE, .expires_at_us = expires_at_us,
                                               .by = by, .service = service, .scopes = scopes},
                       id, token));
    return record_service(ctx, conn, by, *id, service, scopes);
}

enum fm_err people_revoke(struct ctx *ctx, struct store_conn *conn, struct actor by, struct id key,
                          const struct person *of)
{
    AUTO(buf_done) struct buf data = BUF_INIT(DATA_BYTES_MAX);
    struct json_out leaf = JSON_OUT(&data);
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_FIND_KEY,
                    ARGS(A_ID("$id", &key), A_INT("$person", of ? of->row : 0)), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err ? ctx->err : fail(ctx, FM_E_NOT_FOUND, "there is no such key or token");
    }
    rows_done(rows);
    TRY(store_exec(ctx, conn, &SQL_REVOKE, ARGS(A_INT("$now", clock_now_us()), A_ID("$id", &key))));
    directory_outdated();
    jo_m_id(&leaf, "key", ID_KEY, key);
    return people_record(ctx, conn, JOURNAL_KEY_REVOKED, by, &data, NULL);
}

enum fm_err people_sign_in(struct ctx *ctx, struct store_conn *conn, const struct person *person,
                           struct id *id, char cookie[SECRET_TEXT_SIZE])
{
    int64_t now = clock_now_us();
    int64_t stands;

    TRY(store_int(ctx, conn, &SQL_PERSON_STANDS,
                  ARGS(A_INT("$row", person->row), A_TEXT("$password", str_of(person->password)),
                       A_BLOB("$code", person->must_change ? hash_str(&person->code) : STR_NONE)),
                  0, &stands));
    if (!stands) {
        return fail(ctx, FM_E_UNAUTHENTICATED, "sign in again");
    }
    TRY(store_exec(ctx, conn, &SQL_DROP_SESSIONS,
                   ARGS(A_INT("$now", now), A_INT("$person", person->row),
                        A_INT("$keep", SESSIONS_PER_PERSON_MAX - 1))));
    TRY(add_credential(ctx, conn,
                       (struct new_credential){CREDENTIAL_SESSION, 0, person->row, now + SESSION_US,
                                               .by = {ACTOR_REVIEWER, person->id}},
                       id, cookie));
    TRY(store_exec(ctx, conn, &SQL_SIGNED_IN,
                   ARGS(A_INT("$now", now), A_INT("$row", person->row))));
    return record_session(ctx, conn, JOURNAL_PERSON_SIGNED_IN, person->id, *id);
}

enum fm_err people_sign_out(struct ctx *ctx, struct store_conn *conn, const struct credential *session)
{
    if (session->kind != CREDENTIAL_SESSION) {
        return fail(ctx, FM_E_FORBIDDEN, "only a session can be signed out");
    }
    TRY(store_exec(ctx, conn, &SQL_DROP_SESSION, ARGS(A_ID("$id", &session->id))));
    if (store_changed(conn) == 0) {
        return FM_OK; /* it has ended already: nothing to record */
    }
    directory_outdated();
    return record_session(ctx, conn, JOURNAL_PERSON_SIGNED_OUT, session->person->id, session->id);
}
