/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of people, agents, credentials, policies and pauses, held against the leaves about
 * them. Without this, somebody who writes to the store could give themselves a role, revive a
 * revoked key or put another policy in force, and leave the log untouched.
 *
 * 1. What a leaf made has one row, and each row was made by a leaf. Sessions and sign-in links
 *    end without a leaf: of these only the rows that are there need one.
 * 2. A payload that was erased tells nothing, and accuses nobody.
 */
#include "keep/standing.h"

#include "base/map.h"
#include "keep/chain.h"
#include "policy/policy.h"

#include <stdlib.h>

#define TOLD_MAX (1024 * MIB) /* a ceiling: some million keys */
#define ROW_MAX  (128 * MIB)  /* one policy, parsed */

SQL(SQL_TRANSIENT, "SELECT kind, id FROM credentials WHERE kind IN (2, 4)");
SQL(SQL_PEOPLE, "SELECT id, name, roles, disabled_at IS NOT NULL, created_by FROM people");
SQL(SQL_AGENTS, "SELECT a.id, a.name, p.id, a.hosts, a.disabled_at IS NOT NULL, a.created_by"
                " FROM agents a LEFT JOIN people p ON p.row = a.owner");
SQL(SQL_KEYS, "SELECT c.id, c.kind, a.id, p.id, c.scopes, c.service, c.revoked_at IS NOT NULL,"
              " c.created_by FROM credentials c LEFT JOIN agents a ON a.row = c.agent"
              " LEFT JOIN people p ON p.row = c.person");
SQL(SQL_POLICIES,
    "SELECT v.id, v.hash, v.canonical, v.source, v.state, v.road, v.alone, p.id, a.id, s.id,"
    " v.shadow_since IS NOT NULL FROM policies v LEFT JOIN people p ON p.row = v.proposed_by"
    " LEFT JOIN people a ON a.row = v.activated_by LEFT JOIN people s ON s.row = v.shadow_by");
SQL(SQL_PAUSES, "SELECT id, covers, name, reason, by, resume_by, resume_at IS NOT NULL, ended_by,"
                " ended_at IS NOT NULL FROM pauses");
SQL(SQL_COMMENTS, "SELECT c.leaf, p.id, r.id, e.entry FROM comments c"
                  " LEFT JOIN proposals p ON p.row = c.proposal"
                  " LEFT JOIN people r ON r.row = c.person"
                  " LEFT JOIN log_entries e ON e.idx = c.leaf ORDER BY c.leaf");
SQL(SQL_EPOCH, "SELECT value FROM meta WHERE name = 'epoch'");

_Static_assert(CREDENTIAL_SESSION == 2 && CREDENTIAL_LINK == 4, "the statement above says so");

/* As rows and leaves say them: flow.h numbers them, and is above this layer. */
static const char *const roads[] = {"file", "api", "console", "restore"};
static const char *const covers[] = {"everything", "agent", "action", "category"};
enum { CANDIDATE, ACTIVE, RETIRED };

/* What the leaves tell of one id. Which members count depends on what it is. */
struct told {
    bool is_made, is_met;    /* by a leaf; by a row */
    uint64_t leaf;           /* that made it */
    struct id by;            /* who made it; zero: the operator */
    struct str payload;      /* of the leaf that made it; absent: erased, or none */
    unsigned bits;           /* roles of a person, scopes of a service's token */
    bool is_over;            /* deactivated, revoked, ended */
    uint64_t tokens_until;   /* a person's tokens from before this leaf are revoked */
    int kind;                /* of a credential; what a pause covers */
    struct str hosts; /* payload of the leaf that last changed an agent's hosts; absent: erased */
    bool has_new_hosts;
    struct id agent, person; /* whose key it is; the owner of an agent */
    struct hash version;     /* of a policy, like all below */
    int road, state;
    bool is_alone, is_shadow;
    struct id activator, shadower;
    struct id asker, ender; /* of a pause: who asked to go on, and who ended it */
    bool is_asked;
};

struct standing {
    struct ctx *ctx; /* for the report */
    struct ctx told; /* what was told: lives to the end */
    struct ctx row;  /* forgotten after each row */
    struct store_conn *conn;
    struct verify_report *report;
    struct map *ids; /* id as text -> struct told */
    struct told *active, *shadow;
    uint64_t comments;
    int64_t epoch;
    char id[ID_TEXT_MAX]; /* of the row at hand */
};

/* --- what leaves tell ------------------------------------------------------------------------- */

static struct id actor_of(const struct journal_leaf *leaf)
{
    struct id id;

    return leaf->by_id.p && id_parse(ID_PERSON, leaf->by_id, &id) ? id : (struct id){{0}};
}

static bool is_true(const struct json *value)
{
    return value && value->kind == JSON_TRUE;
}

static int index_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; name.p && i < count; i++) {
        if (str_eq(name, str_of(names[i]))) {
            return (int)i;
        }
    }
    return -1;
}

static unsigned bits_of(const struct json *names, int count, const char *(*name_of)(int bit))
{
    unsigned bits = 0;

    for (uint32_t i = 0; names && names->kind == JSON_ARRAY && i < names->count; i++) {
        for (int bit = 0; bit < count; bit++) {
            if (str_eq(json_text(&names->as.items[i]), str_of(name_of(bit)))) {
                bits |= 1u << bit;
            }
        }
    }
    return bits;
}

static const char *role_text(int bit)
{
    return role_name((enum role)bit);
}

static const char *scope_text(int bit)
{
    return scope_name((enum service_scope)bit);
}

static void tell_person(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    t->bits = bits_of(json_get(leaf->data, S("roles")), ROLE_COUNT, role_text);
}

static void tell_change(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    struct str change = json_text(json_get(leaf->data, S("change")));
    const struct json *roles = json_get(leaf->data, S("roles"));
    bool leaves = str_eq(change, S("deactivated"));

    (void)s;
    t->bits = roles ? bits_of(roles, ROLE_COUNT, role_text) : t->bits;
    t->is_over = leaves || (t->is_over && !str_eq(change, S("reactivated")));
    if (leaves || str_eq(change, S("password_reset"))) {
        t->tokens_until = leaf->index;
    }
}

static void tell_agent(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    t->person = chain_id(leaf->data, ID_PERSON, "owner");
}

static void tell_key(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    const struct json *scopes = json_get(leaf->data, S("scopes"));

    (void)s;
    t->agent = chain_id(leaf->data, ID_AGENT, "agent");
    t->person = chain_id(leaf->data, ID_PERSON, "person");
    t->bits = bits_of(scopes, SCOPE_COUNT, scope_text);
    t->kind = scopes                               ? CREDENTIAL_SERVICE
              : leaf->kind == JOURNAL_LINK_CREATED ? CREDENTIAL_LINK
              : id_is_zero(t->agent)               ? CREDENTIAL_TOKEN
                                                   : CREDENTIAL_AGENT_KEY;
}

static void tell_session(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    t->kind = CREDENTIAL_SESSION;
    t->person = actor_of(leaf);
}

static void tell_revoked(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    (void)leaf;
    t->is_over = true;
}

static void tell_version(struct told *t, const struct journal_leaf *leaf)
{
    struct str version = json_text(json_get(leaf->data, S("version")));

    t->road = index_of(json_text(json_get(leaf->data, S("road"))), roads, COUNT_OF(roads));
    t->is_alone = is_true(json_get(leaf->data, S("alone")));
    if (!str_starts(version, S("sha256:")) ||
        !hex_decode(str_skip(version, 7), t->version.bytes, SHA256_SIZE)) {
        t->version = (struct hash){{0}};
    }
}

/* Also the first of two people who stands for another's: as if they had proposed it. */
static void tell_proposed(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    tell_version(t, leaf);
    t->by = actor_of(leaf);
    t->state = CANDIDATE;
}

static void end_shadow(struct standing *s)
{
    if (s->shadow) {
        s->shadow->is_shadow = false;
        s->shadow->shadower = (struct id){{0}};
        s->shadow = NULL;
    }
}

static void tell_activated(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    if (s->shadow == t) {
        end_shadow(s);
    }
    if (s->active) {
        s->active->state = RETIRED;
    }
    tell_version(t, leaf);
    t->state = ACTIVE;
    t->activator = actor_of(leaf);
    s->active = t;
}

static void tell_shadow(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    end_shadow(s);
    if (is_true(json_get(leaf->data, S("on")))) {
        t->is_shadow = true;
        t->shadower = actor_of(leaf);
        s->shadow = t;
    }
}

static void tell_paused(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    t->kind = index_of(json_text(json_get(leaf->data, S("covers"))), covers, COUNT_OF(covers));
}

static void tell_asked(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    t->is_asked = true;
    t->asker = actor_of(leaf);
}

static void tell_ended(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    (void)s;
    t->is_over = true;
    t->ender = actor_of(leaf);
}

/* Short of memory it reads as erased: what cannot be compared is no finding. */
static void tell_hosts(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    t->has_new_hosts = true;
    t->hosts = arena_copy(s->told.arena, leaf->payload);
}

/* How each kind of leaf names what it is about. Only what is in the map already is changed by one
 * that does not make anything. */
static const struct teller {
    enum id_kind id;
    const char *member;
    enum { CHANGES, MAKES, MAKES_TRANSIENT } how;
    void (*tell)(struct standing *s, struct told *t, const struct journal_leaf *leaf);
} tellers[JOURNAL_KIND_COUNT + 1] = {
    [JOURNAL_PERSON_ADDED] = {ID_PERSON, "person", MAKES, tell_person},
    [JOURNAL_PERSON_CHANGED] = {ID_PERSON, "person", CHANGES, tell_change},
    [JOURNAL_PERSON_SIGNED_IN] = {ID_SESSION, "session", MAKES_TRANSIENT, tell_session},
    [JOURNAL_AGENT_ADDED] = {ID_AGENT, "agent", MAKES, tell_agent},
    [JOURNAL_AGENT_HOSTS_CHANGED] = {ID_AGENT, "agent", CHANGES, tell_hosts},
    [JOURNAL_KEY_CREATED] = {ID_KEY, "key", MAKES, tell_key},
    [JOURNAL_KEY_REVOKED] = {ID_KEY, "key", CHANGES, tell_revoked},
    [JOURNAL_LINK_CREATED] = {ID_KEY, "key", MAKES_TRANSIENT, tell_key},
    [JOURNAL_POLICY_PROPOSED] = {ID_POLICY, "policy", MAKES, tell_proposed},
    [JOURNAL_POLICY_ACTIVATED] = {ID_POLICY, "policy", MAKES, tell_activated},
    [JOURNAL_POLICY_SHADOWED] = {ID_POLICY, "policy", CHANGES, tell_shadow},
    [JOURNAL_PAUSE_STARTED] = {ID_PAUSE, "pause", MAKES, tell_paused},
    [JOURNAL_PAUSE_RESUME_ASKED] = {ID_PAUSE, "pause", CHANGES, tell_asked},
    [JOURNAL_PAUSE_ENDED] = {ID_PAUSE, "pause", CHANGES, tell_ended},
};

static struct told *add(struct standing *s, struct str id)
{
    struct told *told = arena_zalloc(s->told.arena, 1, sizeof(*told));

    return told && map_put(s->ids, id, told) ? told : NULL;
}

static bool make(struct standing *s, struct told *t, const struct journal_leaf *leaf)
{
    if (t->is_made) {
        return true;
    }
    t->is_made = true;
    t->leaf = leaf->index;
    t->by = actor_of(leaf);
    t->payload = arena_copy(s->told.arena, leaf->payload);
    return !leaf->payload.p || t->payload.p;
}

bool standing_take(struct standing *s, const struct journal_leaf *leaf)
{
    const struct teller *teller = &tellers[leaf->kind];
    struct str id;
    struct told *told;

    s->comments += leaf->kind == JOURNAL_PROPOSAL_COMMENTED;
    if (leaf->kind == JOURNAL_EPOCH_OPENED) {
        s->epoch = (int64_t)json_number(json_get(leaf->data, S("epoch")));
    }
    id = teller->tell ? json_text(json_get(leaf->data, str_of(teller->member))) : STR_NONE;
    if (!id.n) {
        return true;
    }
    told = map_find(s->ids, id);
    if (!told && teller->how == MAKES) {
        told = add(s, id);
        if (!told) {
            return false;
        }
    }
    if (!told || (teller->how != CHANGES && !make(s, told, leaf))) {
        return !told;
    }
    teller->tell(s, told, leaf);
    return true;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void expect(struct standing *s, bool fits, const char *what)
{
    if (!fits) {
        verify_found(s->ctx, s->report, "the row of %s has another %s than its leaves tell", s->id,
                     what);
    }
}

/* A member of what the leaf commits to, as text; `fits` where it was erased. */
static bool fits_payload(struct standing *s, const struct told *t, const char *name,
                         struct str value)
{
    const struct json *payload;

    if (!t->payload.p || json_parse(&s->row, t->payload, &JSON_LIMITS_WIRE, &payload) != FM_OK) {
        return true;
    }
    return str_eq(json_text(json_get(payload, str_of(name))), value);
}

static bool fits_hosts(struct standing *s, const struct told *t, struct str value)
{
    const struct json *payload, *hosts;
    struct str told = t->has_new_hosts ? t->hosts : t->payload;

    if (!told.p || json_parse(&s->row, told, &JSON_LIMITS_WIRE, &payload) != FM_OK) {
        return true;
    }
    return json_parse(&s->row, value, &JSON_LIMITS_WIRE, &hosts) == FM_OK &&
           json_eq(hosts, json_get(payload, S("hosts")));
}

static void check_person(struct standing *s, struct store_rows *rows, const struct told *t)
{
    expect(s, fits_payload(s, t, "name", rows_bytes(rows, 1)), "name");
    expect(s, rows_int(rows, 2) == (int64_t)t->bits, "set of roles");
    expect(s, (rows_int(rows, 3) != 0) == t->is_over, "state (deactivated or not)");
    expect(s, id_eq(rows_id(rows, 4), t->by), "maker");
}

static void check_agent(struct standing *s, struct store_rows *rows, const struct told *t)
{
    expect(s, fits_payload(s, t, "name", rows_bytes(rows, 1)), "name");
    expect(s, id_eq(rows_id(rows, 2), t->person), "owner");
    expect(s, fits_hosts(s, t, rows_bytes(rows, 3)), "list of hosts");
    expect(s, rows_int(rows, 4) == 0, "state (deactivated or not)");
    expect(s, id_eq(rows_id(rows, 5), t->by), "maker");
}

/* Tokens end with a deactivation and a reset, which have one leaf for all of it. */
static bool is_revoked(const struct standing *s, const struct told *t)
{
    char text[ID_TEXT_MAX];
    const struct told *person = t->kind == CREDENTIAL_TOKEN
                                    ? map_find(s->ids, id_format(ID_PERSON, t->person, text))
                                    : NULL;

    return t->is_over || (person && t->leaf < person->tokens_until);
}

static void check_key(struct standing *s, struct store_rows *rows, const struct told *t)
{
    expect(s, rows_int(rows, 1) == t->kind, "kind");
    expect(s, id_eq(rows_id(rows, 2), t->agent) && id_eq(rows_id(rows, 3), t->person), "holder");
    expect(s, rows_int(rows, 4) == (int64_t)t->bits, "set of scopes");
    expect(s, t->kind != CREDENTIAL_SERVICE || fits_payload(s, t, "service", rows_bytes(rows, 5)),
           "service");
    expect(s, (rows_int(rows, 6) != 0) == is_revoked(s, t), "state (revoked or not)");
    expect(s, id_eq(rows_id(rows, 7), t->by), "maker");
}

/* The text that the server reads at start, against the version that the leaf names. */
static bool is_text_of(struct standing *s, struct str text, struct hash version)
{
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    const struct policy *policy;
    size_t count;
    bool is;

    if (policy_parse_untested(&s->row, S("policy"), text, findings, &count, &policy) != FM_OK) {
        return false;
    }
    is = hash_eq(policy->version, version);
    policy_drop(policy);
    return is;
}

static void check_policy(struct standing *s, struct store_rows *rows, const struct told *t)
{
    struct str canonical = rows_bytes(rows, 2), source = rows_bytes(rows, 3);

    expect(s, str_eq(rows_bytes(rows, 1), hash_str(&t->version)), "version");
    expect(s, hash_eq(sha256(canonical), t->version), "canonical text");
    expect(s, !source.p || is_text_of(s, source, t->version), "text");
    expect(s, rows_int(rows, 4) == t->state, "state (candidate, active or retired)");
    expect(s, t->road < 0 || rows_int(rows, 5) == t->road, "road");
    expect(s, (rows_int(rows, 6) != 0) == t->is_alone, "mark of one person alone");
    expect(s, id_eq(rows_id(rows, 7), t->by), "proposer");
    expect(s, id_eq(rows_id(rows, 8), t->activator), "person who activated it");
    expect(s, id_eq(rows_id(rows, 9), t->shadower) && (rows_int(rows, 10) != 0) == t->is_shadow,
           "place as shadow");
}

static void check_pause(struct standing *s, struct store_rows *rows, const struct told *t)
{
    expect(s, rows_int(rows, 1) == t->kind, "reach");
    expect(s, fits_payload(s, t, "name", rows_bytes(rows, 2)), "name");
    expect(s, fits_payload(s, t, "reason", rows_bytes(rows, 3)), "reason");
    expect(s, id_eq(rows_id(rows, 4), t->by), "maker");
    expect(s, id_eq(rows_id(rows, 5), t->asker) && (rows_int(rows, 6) != 0) == t->is_asked,
           "wish to go on");
    expect(s, id_eq(rows_id(rows, 7), t->ender) && (rows_int(rows, 8) != 0) == t->is_over,
           "state (ended or not)");
}

static const struct table {
    const char *name;
    const struct sql *sql;
    enum id_kind id; /* of the first column; of keys, sessions have another */
    void (*check)(struct standing *s, struct store_rows *rows, const struct told *t);
} tables[] = {
    {"people", &SQL_PEOPLE, ID_PERSON, check_person},
    {"agents", &SQL_AGENTS, ID_AGENT, check_agent},
    {"credentials", &SQL_KEYS, ID_KEY, check_key},
    {"policies", &SQL_POLICIES, ID_POLICY, check_policy},
    {"pauses", &SQL_PAUSES, ID_PAUSE, check_pause},
};

static void check_row(struct standing *s, const struct table *table, struct store_rows *rows)
{
    bool is_session = table->id == ID_KEY && rows_int(rows, 1) == CREDENTIAL_SESSION;
    struct told *t;

    arena_reset(s->row.arena);
    ctx_clear(&s->row);
    t = map_find(s->ids, id_format(is_session ? ID_SESSION : table->id, rows_id(rows, 0), s->id));
    if (!t || !t->is_made) {
        verify_found(s->ctx, s->report, "the table %s has %s, of which no leaf tells", table->name,
                     s->id);
        return;
    }
    if (t->is_met) {
        verify_found(s->ctx, s->report, "the table %s has %s twice", table->name, s->id);
        return;
    }
    t->is_met = true;
    table->check(s, rows, t);
}

static enum fm_err check_table(struct standing *s, const struct table *table)
{
    struct store_rows *rows;

    s->ctx->err = FM_OK;
    TRY(store_query(s->ctx, s->conn, table->sql, NO_ARGS, &rows));
    while (rows_next(s->ctx, rows)) {
        check_row(s, table, rows);
    }
    return s->ctx->err;
}

static void report_unmet(void *with, struct str id, void *value)
{
    struct standing *s = with;
    const struct told *t = value;

    if (t->is_made && !t->is_met) {
        verify_found(s->ctx, s->report, "leaf %llu made %.*s, which has no row",
                     (unsigned long long)t->leaf, STR_ARG(id));
    }
}

/* A comment's words are those of its leaf; its row says whose they are, and about what. */
static bool is_its_leaf(struct standing *s, struct store_rows *rows)
{
    struct journal_leaf leaf;

    arena_reset(s->row.arena);
    ctx_clear(&s->row);
    return journal_leaf_parse(&s->row, (uint64_t)rows_int(rows, 0), rows_bytes(rows, 3), &leaf) ==
               FM_OK &&
           leaf.kind == JOURNAL_PROPOSAL_COMMENTED && id_eq(leaf.proposal, rows_id(rows, 1)) &&
           id_eq(actor_of(&leaf), rows_id(rows, 2));
}

static enum fm_err check_comments(struct standing *s)
{
    struct store_rows *rows;
    uint64_t count = 0;
    int64_t last = -1;

    s->ctx->err = FM_OK;
    TRY(store_query(s->ctx, s->conn, &SQL_COMMENTS, NO_ARGS, &rows));
    for (; rows_next(s->ctx, rows); count++) {
        if (rows_int(rows, 0) == last || !is_its_leaf(s, rows)) {
            verify_found(s->ctx, s->report, "a row of comments is not that of leaf %lld",
                         (long long)rows_int(rows, 0));
        }
        last = rows_int(rows, 0);
    }
    if (count != s->comments) {
        verify_found(s->ctx, s->report, "%llu leaves are comments, the table has %llu",
                     (unsigned long long)s->comments, (unsigned long long)count);
    }
    return s->ctx->err;
}

enum fm_err standing_check(struct standing *s)
{
    int64_t epoch;

    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        TRY(check_table(s, &tables[i]));
    }
    map_each(s->ids, report_unmet, s);
    TRY(check_comments(s));
    TRY(store_int(s->ctx, s->conn, &SQL_EPOCH, NO_ARGS, 1, &epoch));
    if (epoch != s->epoch) {
        verify_found(s->ctx, s->report, "the store is in epoch %lld, its leaves tell of %lld",
                     (long long)epoch, (long long)s->epoch);
    }
    return FM_OK;
}

/* --- begin and end ---------------------------------------------------------------------------- */

/* Sessions and links that are there: only their leaves are looked out for. */
static bool expect_transient(struct standing *s)
{
    struct store_rows *rows;
    bool is_enough = true;

    if (store_query(s->ctx, s->conn, &SQL_TRANSIENT, NO_ARGS, &rows) != FM_OK) {
        return false;
    }
    while (is_enough && rows_next(s->ctx, rows)) {
        enum id_kind kind = rows_int(rows, 0) == CREDENTIAL_SESSION ? ID_SESSION : ID_KEY;
        struct str id = id_format(kind, rows_id(rows, 1), s->id);
        is_enough = map_find(s->ids, id) || add(s, id);
    }
    rows_done(rows);
    return is_enough && s->ctx->err == FM_OK;
}

struct standing *standing_new(struct ctx *ctx, struct store_conn *conn,
                              struct verify_report *report)
{
    struct standing *s = calloc(1, sizeof(*s));

    if (!s) {
        return NULL;
    }
    *s =
        (struct standing){.ctx = ctx, .conn = conn, .report = report, .ids = map_new(), .epoch = 1};
    ctx_init(&s->told, arena_new(TOLD_MAX));
    ctx_init(&s->row, arena_new(ROW_MAX));
    if (!s->ids || !s->told.arena || !s->row.arena || !expect_transient(s)) {
        standing_free(s);
        return NULL;
    }
    return s;
}

void standing_free(struct standing *s)
{
    if (s) {
        arena_free(s->told.arena);
        arena_free(s->row.arena);
        map_free(s->ids);
        free(s);
    }
}
