/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has access, as rows of the store and as the access review that an auditor asks for: every
 * active or deactivated person, every agent, every key and token that still opens something, with
 * its roles or scopes, made when and by whom, used when, good until when.
 *
 * It must never hold a secret, nor a cell that a spreadsheet would run.
 */
#include "people/people_internal.h"

SQL(SQL_PEOPLE,
    "SELECT id, created_by, reset_by, name, roles, password IS NOT NULL, code IS NOT NULL,"
    " created_at, signed_in_at, disabled_at, reset_at, row FROM people"
    " WHERE row > $after AND ($ended OR disabled_at IS NULL) ORDER BY row LIMIT $max");
SQL(SQL_AGENTS, "SELECT id, created_by, name, owner, created_at, hosts FROM agents"
                " WHERE disabled_at IS NULL ORDER BY row");
SQL(SQL_KEYS, "SELECT kind, id, created_by, agent, person, service, scopes, created_at, used_at,"
              " expires_at, revoked_at, hash FROM credentials WHERE kind NOT IN (2, 4)"
              " AND id > $after AND ($ended OR (revoked_at IS NULL"
              " AND (expires_at IS NULL OR expires_at > $now))) ORDER BY id LIMIT $max");
_Static_assert(CREDENTIAL_SESSION == 2 && CREDENTIAL_LINK == 4,
               "the statement above says so: neither is a key or token");

static const char *const kind_names[] = {
    [CREDENTIAL_AGENT_KEY] = "agent_key",
    [CREDENTIAL_TOKEN] = "personal_token",
    [CREDENTIAL_SESSION] = "session",
    [CREDENTIAL_SERVICE] = "service_token",
};

const char *credential_kind_name(enum credential_kind kind)
{
    return kind_names[kind];
}

static const char *const scopes[] = {
#define X(name, wire, what) wire,
    SERVICE_SCOPES(X)
#undef X
};

const char *scope_name(enum service_scope scope)
{
    return scopes[scope];
}

int scope_of_name(struct str name)
{
    for (int i = 0; i < SCOPE_COUNT; i++) {
        if (str_eq(name, str_of(scopes[i]))) {
            return i;
        }
    }
    return -1;
}

const char *scope_names(void)
{
    return ""
#define X(name, wire, what) wire " "
        SERVICE_SCOPES(X)
#undef X
            ;
}

/* --- rows ------------------------------------------------------------------------------------- */

enum fm_err people_rows(struct ctx *ctx, struct store_conn *conn, struct row_part part,
                        void (*visit)(void *with, const struct person_row *row), void *with)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_PEOPLE,
                    ARGS(A_INT("$after", part.after), A_INT("$ended", part.ended),
                         A_INT("$max", part.max)),
                    &rows));
    while (rows_next(ctx, rows)) {
        visit(with, &(struct person_row){.row = rows_int(rows, 11),
                                         .id = rows_id(rows, 0),
                                         .created_by = rows_id(rows, 1),
                                         .reset_by = rows_id(rows, 2),
                                         .name = rows_bytes(rows, 3),
                                         .roles = (unsigned)rows_int(rows, 4),
                                         .has_password = rows_int(rows, 5) != 0,
                                         .has_code = rows_int(rows, 6) != 0,
                                         .created_at_us = rows_int(rows, 7),
                                         .signed_in_at_us = rows_int(rows, 8),
                                         .deactivated_at_us = rows_int(rows, 9),
                                         .reset_at_us = rows_int(rows, 10)});
    }
    return ctx->err;
}

enum fm_err agent_rows(struct ctx *ctx, struct store_conn *conn,
                       void (*visit)(void *with, const struct agent_row *row), void *with)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_AGENTS, NO_ARGS, &rows));
    while (rows_next(ctx, rows)) {
        visit(with, &(struct agent_row){.id = rows_id(rows, 0),
                                        .created_by = rows_id(rows, 1),
                                        .name = rows_bytes(rows, 2),
                                        .owner = rows_int(rows, 3),
                                        .created_at_us = rows_int(rows, 4),
                                        .hosts = rows_bytes(rows, 5)});
    }
    return ctx->err;
}

/* What was noted since the clock last wrote counts too. */
static int64_t last_use(const struct directory *directory, struct str hash, int64_t stored_us)
{
    struct hash key;
    const struct credential *credential =
        hash_from(hash, &key) ? directory_credential_by_hash(directory, key) : NULL;
    int64_t noted = credential && credential->used_us ? atomic_load(credential->used_us) : 0;

    return noted > stored_us ? noted : stored_us;
}

enum fm_err key_rows(struct ctx *ctx, struct store_conn *conn, struct row_part part,
                     void (*visit)(void *with, const struct key_row *row), void *with)
{
    const struct directory *directory = directory_keep();
    struct store_rows *rows;
    enum fm_err err;

    ctx->err = FM_OK;
    err = store_query(ctx, conn, &SQL_KEYS,
                      ARGS(A_ID("$after", &part.after_id), A_INT("$ended", part.ended),
                           A_INT("$now", clock_now_us()), A_INT("$max", part.max)),
                      &rows);
    while (err == FM_OK && rows_next(ctx, rows)) {
        visit(with, &(struct key_row){
                        .kind = (enum credential_kind)rows_int(rows, 0),
                        .id = rows_id(rows, 1),
                        .created_by = rows_id(rows, 2),
                        .agent = rows_int(rows, 3),
                        .person = rows_int(rows, 4),
                        .service = rows_bytes(rows, 5),
                        .scopes = (unsigned)rows_int(rows, 6),
                        .created_at_us = rows_int(rows, 7),
                        .used_at_us = last_use(directory, rows_bytes(rows, 11), rows_int(rows, 8)),
                        .expires_at_us = rows_int(rows, 9),
                        .revoked_at_us = rows_int(rows, 10)});
    }
    directory_drop(directory);
    return ctx->err;
}

/* --- the review ------------------------------------------------------------------------------- */

/* One line of the review, whoever it is about. */
struct line {
    const char *kind, *status;
    enum id_kind id_kind;
    struct id id, created_by;
    struct str name, holder; /* holder: an agent's owner, a key's agent, person or service */
    struct str hosts; /* of an agent: a JSON array of host names */
    unsigned roles, scopes;
    int64_t created_at_us, used_at_us, signed_in_at_us, expires_at_us;
};

/* 450 bytes each in JSON at most, as names have 64: within an answer of the API (24 MiB). */
#define REVIEW_LINES_MAX 50000

struct review {
    size_t lines;
    const struct directory *directory;
    int64_t now_us;
    bool keys_alone;
    void (*write)(struct review *review, const struct line *line);
    struct json_out *json;
    struct buf *csv;
};

static void write_line(struct review *review, const struct line *line)
{
    if (review->lines++ < REVIEW_LINES_MAX) {
        review->write(review, line);
    }
}

static struct str name_of_person(const struct directory *directory, int64_t row)
{
    const struct person *person = directory_person_by_row(directory, row);

    return person ? person->name : STR_NONE;
}

static void review_person(void *with, const struct person_row *row)
{
    struct review *review = with;

    write_line(review, &(struct line){.kind = "person",
                                         .status = row->deactivated_at_us ? "deactivated"
                                                   : row->has_code        ? "must set a password"
                                                   : row->has_password    ? "active"
                                                                          : "no password",
                                         .id_kind = ID_PERSON,
                                         .id = row->id,
                                         .created_by = row->created_by,
                                         .name = row->name,
                                         .roles = row->roles,
                                         .created_at_us = row->created_at_us,
                                         .signed_in_at_us = row->signed_in_at_us});
}

static void review_agent(void *with, const struct agent_row *row)
{
    struct review *review = with;

    write_line(review, &(struct line){.kind = "agent",
                                         .status = "active",
                                         .id_kind = ID_AGENT,
                                         .id = row->id,
                                         .created_by = row->created_by,
                                         .name = row->name,
                                         .hosts = row->hosts,
                                         .holder = name_of_person(review->directory, row->owner),
                                         .created_at_us = row->created_at_us});
}

static struct str name_of_holder(const struct review *review, const struct key_row *row)
{
    const struct agent *agent =
        row->agent ? directory_agent_by_row(review->directory, row->agent) : NULL;

    return agent            ? agent->name
           : row->service.p ? row->service
                            : name_of_person(review->directory, row->person);
}

/* What was revoked or has expired opens nothing. */
static void review_key(void *with, const struct key_row *row)
{
    struct review *review = with;
    const struct person *person = directory_person_by_row(review->directory, row->person);

    if (row->revoked_at_us || (row->expires_at_us && row->expires_at_us <= review->now_us)) {
        return;
    }
    write_line(review, &(struct line){.kind = kind_names[row->kind],
                                         .status = "active",
                                         .id_kind = ID_KEY,
                                         .id = row->id,
                                         .created_by = row->created_by,
                                         .holder = name_of_holder(review, row),
                                         .roles = person ? person->roles : 0,
                                         .scopes = row->scopes,
                                         .created_at_us = row->created_at_us,
                                         .used_at_us = row->used_at_us,
                                         .expires_at_us = row->expires_at_us});
}

static enum fm_err review_all(struct ctx *ctx, struct store_conn *conn, struct review *review)
{
    enum fm_err err = FM_OK;

    review->directory = directory_keep();
    review->now_us = clock_now_us();
    if (!review->keys_alone) {
        err = people_rows(ctx, conn, ROWS_ALL, review_person, review);
        err = err == FM_OK ? agent_rows(ctx, conn, review_agent, review) : err;
    }
    err = err == FM_OK ? key_rows(ctx, conn, ROWS_ALL, review_key, review) : err;
    directory_drop(review->directory);
    if (err == FM_OK && review->lines > REVIEW_LINES_MAX) {
        return fail(ctx, FM_E_TOO_LARGE,
                    "the review has %zu lines; the limit is %d: read /v1/people, /v1/agents and "
                    "/v1/keys page by page",
                    review->lines, REVIEW_LINES_MAX);
    }
    return err;
}

static struct str name_of_maker(const struct review *review, struct id by)
{
    const struct person *person =
        id_is_zero(by) ? NULL : directory_person_by_id(review->directory, by);

    return person ? person->name : id_is_zero(by) ? S("operator") : S("unknown");
}

static void write_json_line(struct review *review, const struct line *line)
{
    struct json_out *out = review->json;

    jo_object(out);
    jo_m_str(out, "kind", str_of(line->kind));
    jo_m_id(out, "id", line->id_kind, line->id);
    jo_m_str(out, "name", line->name);
    jo_m_str(out, "holder", line->holder);
    jo_m_str(out, "status", str_of(line->status));
    jo_key(out, "roles");
    jo_array(out);
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (line->roles & ROLE_BIT(role)) {
            jo_str(out, str_of(role_name((enum role)role)));
        }
    }
    jo_array_end(out);
    jo_key(out, "scopes");
    jo_array(out);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (line->scopes >> scope & 1) {
            jo_str(out, str_of(scopes[scope]));
        }
    }
    jo_array_end(out);
    jo_m_time(out, "created_at", line->created_at_us);
    jo_m_str(out, "created_by", name_of_maker(review, line->created_by));
    jo_m_time(out, "last_sign_in_at", line->signed_in_at_us);
    jo_m_time(out, "last_used_at", line->used_at_us);
    jo_m_time(out, "expires_at", line->expires_at_us);
    jo_m_raw(out, "hosts", line->hosts.n ? line->hosts : S("[]"));
    jo_object_end(out);
}

enum fm_err access_review_json(struct ctx *ctx, struct store_conn *conn, struct json_out *out)
{
    struct review review = {.write = write_json_line, .json = out};

    jo_m_time(out, "at", clock_now_us());
    jo_key(out, "items");
    jo_array(out);
    TRY(review_all(ctx, conn, &review));
    jo_array_end(out);
    return FM_OK;
}

enum fm_err access_keys_json(struct ctx *ctx, struct store_conn *conn, struct json_out *out)
{
    struct review review = {.write = write_json_line, .json = out, .keys_alone = true};

    jo_key(out, "items");
    jo_array(out);
    TRY(review_all(ctx, conn, &review));
    jo_array_end(out);
    return FM_OK;
}

/* --- CSV -------------------------------------------------------------------------------------- */

/* What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection). */
static bool is_formula(struct str text)
{
    return text.n > 0 && strchr("=+-@\t\r", text.p[0]) != NULL;
}

/* RFC 4180: quoted, quotes doubled; a formula becomes a text by an apostrophe in front. */
static void csv_cell(struct buf *csv, struct str text)
{
    buf_lit(csv, "\"");
    if (is_formula(text)) {
        buf_lit(csv, "'");
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"') {
            buf_lit(csv, "\"");
        }
        buf_add_char(csv, text.p[i]);
    }
    buf_lit(csv, "\"");
}

static void csv_time(struct buf *csv, int64_t at_us)
{
    buf_lit(csv, ",\"");
    if (at_us) {
        buf_add_time(csv, at_us);
    }
    buf_lit(csv, "\"");
}

static void csv_set(struct buf *csv, unsigned bits, int count, const char *(*name)(int bit))
{
    bool first = true;

    buf_lit(csv, ",\"");
    for (int bit = 0; bit < count; bit++) {
        if (bits >> bit & 1) {
            buf_printf(csv, "%s%s", first ? "" : " ", name(bit));
            first = false;
        }
    }
    buf_lit(csv, "\"");
}

static const char *role_of_bit(int bit)
{
    return role_name((enum role)bit);
}

static const char *scope_of_bit(int bit)
{
    return scopes[bit];
}

/* One cell, blanks between them. No host holds a quote or a blank: people_check_hosts. */
static void csv_hosts(struct buf *csv, struct str hosts)
{
    bool first = true;

    buf_lit(csv, ",\"");
    (void)str_split(&hosts, '"');
    while (hosts.p) {
        buf_add(csv, first ? S("") : S(" "));
        buf_add(csv, str_split(&hosts, '"'));
        (void)str_split(&hosts, '"'); /* what is between two of them */
        first = false;
    }
    buf_lit(csv, "\"");
}

static void write_csv_line(struct review *review, const struct line *line)
{
    struct buf *csv = review->csv;
    char id[ID_TEXT_MAX];
    const struct str cells[] = {str_of(line->kind), id_format(line->id_kind, line->id, id),
                                line->name, line->holder, str_of(line->status)};

    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        buf_add(csv, i ? S(",") : S(""));
        csv_cell(csv, cells[i]);
    }
    csv_set(csv, line->roles, ROLE_COUNT, role_of_bit);
    csv_set(csv, line->scopes, SCOPE_COUNT, scope_of_bit);
    csv_time(csv, line->created_at_us);
    buf_lit(csv, ",");
    csv_cell(csv, name_of_maker(review, line->created_by));
    csv_time(csv, line->signed_in_at_us);
    csv_time(csv, line->used_at_us);
    csv_time(csv, line->expires_at_us);
    csv_hosts(csv, line->hosts);
    buf_lit(csv, "\r\n");
}

enum fm_err access_review_csv(struct ctx *ctx, struct store_conn *conn, struct buf *out)
{
    struct review review = {.write = write_csv_line, .csv = out};

    buf_lit(out, "kind,id,name,holder,status,roles,scopes,created_at,created_by,last_sign_in_at,"
                 "last_used_at,expires_at,hosts\r\n");
    TRY(review_all(ctx, conn, &review));
    return buf_ok(out) ? FM_OK : fail_memory(ctx);
}
