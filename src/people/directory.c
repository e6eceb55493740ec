/* SPDX-License-Identifier: Apache-2.0
 *
 * The directory: everybody who may call, as an immutable picture in memory. A request keeps the picture
 * that was current when it came; after a commit that changed somebody, a new picture takes its place.
 *
 * It must never show what is not committed, and never find who or what has been switched off.
 *
 * 1. A picture never changes after `current` points to it; the last one to drop it frees it.
 * 2. It is read from the store on the write connection between commits, so it never holds part of one.
 * 3. A reading that fails after a commit ends the process: a revoked key must not go on working.
 */
#include "people/people_internal.h"

#include "base/locks.h"
#include "base/map.h"
#include "base/panic.h"

#include <stdatomic.h>
#include <stdlib.h>

#define PICTURE_BYTES_MAX (512 * MIB) /* about 300 bytes for each person, agent and credential */
#define SCRATCH_BYTES_MAX (1 * MIB)

SQL(SQL_DIRECTORY_PEOPLE, "SELECT row, id, name, roles, password, disabled_at, code, code_until,"
                          " password_at, reset_at, reset_by FROM people ORDER BY row");
SQL(SQL_DIRECTORY_AGENTS, "SELECT row, id, name, owner, hosts FROM agents"
                          " WHERE disabled_at IS NULL ORDER BY row");
SQL(SQL_DIRECTORY_CREDENTIALS,
    "SELECT hash, id, kind, agent, person, expires_at, service, scopes, used_at FROM credentials"
    " WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $now)");

struct person_entry {
    struct person person;
    struct person_entry *next; /* in the order of rows: the order in which they were added */
};

struct agent_entry {
    struct agent agent;
    struct agent_entry *next;
};

/* People or agents under their three names. */
struct index {
    struct map *by_name, *by_row, *by_id;
};

struct directory {
    _Atomic size_t holders;
    struct arena *arena; /* all that the maps point to */
    struct index people, agents;
    struct person_entry *first_person;
    struct agent_entry *first_agent;
    struct map *credentials; /* by hash */
};

static struct lock lock = LOCK_INIT(LOCK_PEOPLE);
static struct directory *current; /* guarded by the lock; NULL before the first people_load */
static atomic_bool outdated;

static bool index_init(struct index *index)
{
    index->by_name = map_new();
    index->by_row = map_new();
    index->by_id = map_new();
    return index->by_name && index->by_row && index->by_id;
}

static void index_done(struct index *index)
{
    map_free(index->by_name);
    map_free(index->by_row);
    map_free(index->by_id);
}

static struct str row_key(const int64_t *row)
{
    return (struct str){(const char *)row, sizeof(*row)};
}

static bool index_put(struct index *index, struct str name, int64_t row, struct id id, void *value)
{
    return map_put(index->by_name, name, value) && map_put(index->by_row, row_key(&row), value) &&
           map_put(index->by_id, id_bytes(&id), value);
}

static void directory_free(struct directory *directory)
{
    index_done(&directory->people);
    index_done(&directory->agents);
    map_free(directory->credentials);
    arena_free(directory->arena);
    free(directory);
}

static struct directory *directory_new(void)
{
    struct directory *directory = calloc(1, sizeof(*directory));

    if (!directory) {
        return NULL;
    }
    atomic_init(&directory->holders, 1);
    directory->arena = arena_new(PICTURE_BYTES_MAX);
    directory->credentials = map_new();
    if (!index_init(&directory->people) || !index_init(&directory->agents) ||
        !directory->credentials || !directory->arena) {
        directory_free(directory);
        return NULL;
    }
    return directory;
}

const struct directory *directory_keep(void)
{
    struct directory *directory = NULL;

    LOCKED (&lock) {
        ASSERT(current != NULL);
        directory = current;
        atomic_fetch_add_explicit(&directory->holders, 1, memory_order_relaxed);
    }
    return directory;
}

void directory_drop(const struct directory *directory)
{
    struct directory *ours = (struct directory *)directory;

    if (ours && atomic_fetch_sub_explicit(&ours->holders, 1, memory_order_acq_rel) == 1) {
        directory_free(ours);
    }
}

/* Reading it from the store -------------------------------------------------------------------- */

static void rows_end(struct store_rows **rows)
{
    rows_done(*rows);
}

/* A text of the row the reader stands on, in the arena. */
static bool keep_text(struct arena *arena, struct str text, struct str *out)
{
    *out = arena_copy(arena, text);
    return out->p || !text.p;
}

/* One who was deactivated is found by what they did, and may do nothing: no name, no roles. */
static bool put_person(struct directory *directory, struct person *person)
{
    struct index *people = &directory->people;

    if (!person->deactivated) {
        return index_put(people, person->name, person->row, person->id, person);
    }
    person->roles = 0;
    return map_put(people->by_row, row_key(&person->row), person) &&
           map_put(people->by_id, id_bytes(&person->id), person);
}

static void read_account(struct store_rows *row, struct person *out)
{
    out->deactivated = !rows_is_null(row, 5);
    out->must_change = hash_from(rows_bytes(row, 6), &out->code);
    out->code_until_us = rows_int(row, 7);
    out->password_at_us = rows_int(row, 8);
    out->reset_at_us = rows_int(row, 9);
    out->reset_by = rows_id(row, 10);
}

static bool add_person(struct directory *directory, struct store_rows *row,
                       struct person_entry ***end)
{
    struct person_entry *entry = arena_zalloc(directory->arena, 1, sizeof(*entry));
    struct str password;

    if (!entry || !keep_text(directory->arena, rows_bytes(row, 2), &entry->person.name) ||
        !keep_text(directory->arena, rows_bytes(row, 4), &password)) {
        return false;
    }
    entry->person.row = rows_int(row, 0);
    entry->person.id = rows_id(row, 1);
    entry->person.roles = (unsigned)rows_int(row, 3) & ROLES_KNOWN;
    entry->person.password = password.p;
    read_account(row, &entry->person);
    if (!entry->person.deactivated) {
        **end = entry;
        *end = &entry->next;
    }
    return put_person(directory, &entry->person);
}

static enum fm_err read_people(struct ctx *ctx, struct store_conn *conn, struct directory *directory)
{
    AUTO(rows_end) struct store_rows *rows = NULL;
    struct person_entry **end = &directory->first_person;

    TRY(store_query(ctx, conn, &SQL_DIRECTORY_PEOPLE, NO_ARGS, &rows));
    while (rows_next(ctx, rows)) {
        if (!add_person(directory, rows, &end)) {
            return fail_memory(ctx);
        }
    }
    return ctx->err;
}

static bool add_agent(struct directory *directory, struct store_rows *row, struct agent_entry ***end)
{
    struct agent_entry *entry = arena_zalloc(directory->arena, 1, sizeof(*entry));

    if (!entry || !keep_text(directory->arena, rows_bytes(row, 2), &entry->agent.name) ||
        !keep_text(directory->arena, rows_bytes(row, 4), &entry->agent.hosts)) {
        return false;
    }
    entry->agent.row = rows_int(row, 0);
    entry->agent.id = rows_id(row, 1);
    entry->agent.owner = rows_int(row, 3);
    **end = entry;
    *end = &entry->next;
    return index_put(&directory->agents, entry->agent.name, entry->agent.row, entry->agent.id,
                     &entry->agent);
}

static enum fm_err read_agents(struct ctx *ctx, struct store_conn *conn, struct directory *directory)
{
    AUTO(rows_end) struct store_rows *rows = NULL;
    struct agent_entry **end = &directory->first_agent;

    TRY(store_query(ctx, conn, &SQL_DIRECTORY_AGENTS, NO_ARGS, &rows));
    while (rows_next(ctx, rows)) {
        if (!add_agent(directory, rows, &end)) {
            return fail_memory(ctx);
        }
    }
    return ctx->err;
}

/* Fills `out`. False for one that nobody may use: a kind that this program does not know, or whose
 * person or agent is switched off. */
static bool read_credential(const struct directory *directory, struct store_rows *row,
                            struct credential *out)
{
    *out = (struct credential){.id = rows_id(row, 1), .expires_at_us = rows_int(row, 5)};
    if (!hash_from(rows_bytes(row, 0), &out->hash)) {
        return false;
    }
    switch (rows_int(row, 2)) {
    case CREDENTIAL_AGENT_KEY:
        out->kind = CREDENTIAL_AGENT_KEY;
        out->agent = directory_agent_by_row(directory, rows_int(row, 3));
        return out->agent != NULL;
    case CREDENTIAL_TOKEN:
    case CREDENTIAL_SESSION:
        out->kind = (enum credential_kind)rows_int(row, 2);
        out->person = directory_person_by_row(directory, rows_int(row, 4));
        return out->person != NULL && !out->person->deactivated;
    case CREDENTIAL_SERVICE:
        out->kind = CREDENTIAL_SERVICE;
        out->scopes = (unsigned)rows_int(row, 7);
        return keep_text(directory->arena, rows_bytes(row, 6), &out->service) && out->service.p;
    default:
        return false;
    }
}

static bool add_credential(struct directory *directory, struct store_rows *row)
{
    struct credential read;
    struct credential *kept;

    if (!read_credential(directory, row, &read)) {
        return true;
    }
    kept = arena_alloc(directory->arena, sizeof(*kept));
    if (!kept) {
        return false;
    }
    *kept = read;
    if (kept->kind != CREDENTIAL_SESSION) {
        kept->used_us = use_cell(kept->hash, rows_int(row, 8));
    }
    return map_put(directory->credentials, hash_str(&kept->hash), kept);
}

static enum fm_err read_credentials(struct ctx *ctx, struct store_conn *conn,
                                    struct directory *directory)
{
    AUTO(rows_end) struct store_rows *rows = NULL;

    TRY(store_query(ctx, conn, &SQL_DIRECTORY_CREDENTIALS, ARGS(A_INT("$now", clock_now_us())),
                    &rows));
    while (rows_next(ctx, rows)) {
        if (!add_credential(directory, rows)) {
            return fail_memory(ctx);
        }
    }
    return ctx->err;
}

static enum fm_err read_all(struct ctx *ctx, struct store_conn *conn, struct directory *directory)
{
    ctx->err = FM_OK; /* the readers tell the end of the rows from an error by it */
    TRY(read_people(ctx, conn, directory));
    TRY(read_agents(ctx, conn, directory));
    return read_credentials(ctx, conn, directory); /* last: they point to the others */
}

enum fm_err people_load(struct ctx *ctx, struct store_conn *conn)
{
    struct directory *fresh = directory_new();
    struct directory *old = NULL;
    enum fm_err err;

    if (!fresh) {
        return fail_memory(ctx);
    }
    err = read_all(ctx, conn, fresh);
    if (err != FM_OK) {
        directory_free(fresh);
        return err;
    }
    LOCKED (&lock) {
        old = current;
        current = fresh;
    }
    directory_drop(old);
    return FM_OK;
}

void directory_outdated(void)
{
    atomic_store(&outdated, true);
}

void people_after_commit(struct store_conn *conn)
{
    struct arena *arena;
    struct ctx ctx;

    if (!atomic_exchange(&outdated, false)) {
        return;
    }
    arena = arena_new(SCRATCH_BYTES_MAX);
    if (!arena) {
        PANIC("out of memory for reading the directory");
    }
    ctx_init(&ctx, arena);
    if (people_load(&ctx, conn) != FM_OK) { /* invariant 3 */
        PANIC("the directory of people cannot be read: %s", ctx.detail);
    }
    arena_free(arena);
}

/* Lookups -------------------------------------------------------------------------------------- */

const struct credential *directory_credential(const struct directory *directory, struct str secret)
{
    return directory_credential_by_hash(directory, sha256(secret));
}

const struct credential *directory_credential_by_hash(const struct directory *directory,
                                                      struct hash hash)
{
    const struct credential *found = map_find(directory->credentials, hash_str(&hash));

    if (found && found->expires_at_us && found->expires_at_us <= clock_now_us()) {
        return NULL;
    }
    return found;
}

const struct person *directory_person(const struct directory *directory, struct str name)
{
    return map_find(directory->people.by_name, name);
}

const struct person *directory_person_by_row(const struct directory *directory, int64_t row)
{
    return map_find(directory->people.by_row, row_key(&row));
}

const struct person *directory_person_by_id(const struct directory *directory, struct id id)
{
    return map_find(directory->people.by_id, id_bytes(&id));
}

const struct agent *directory_agent(const struct directory *directory, struct str name)
{
    return map_find(directory->agents.by_name, name);
}

const struct agent *directory_agent_by_row(const struct directory *directory, int64_t row)
{
    return map_find(directory->agents.by_row, row_key(&row));
}

const struct agent *directory_agent_by_id(const struct directory *directory, struct id id)
{
    return map_find(directory->agents.by_id, id_bytes(&id));
}

void directory_each_person(const struct directory *directory,
                           void (*visit)(void *with, const struct person *person), void *with)
{
    for (const struct person_entry *at = directory->first_person; at; at = at->next) {
        visit(with, &at->person);
    }
}

void directory_each_agent(const struct directory *directory,
                          void (*visit)(void *with, const struct agent *agent), void *with)
{
    for (const struct agent_entry *at = directory->first_agent; at; at = at->next) {
        visit(with, &at->agent);
    }
}
