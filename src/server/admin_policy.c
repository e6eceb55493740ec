/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about versions of the policy. Whoever may use the socket is the operator; a personal
 * token says which person with the role policy acts.
 */
#include "server/admin_internal.h"

#define LIST_MAX 200

/* A change of the policy under way to the committer and back. */
struct change {
    struct store_cmd cmd; /* first: the change is found from it */
    struct flow *flow;
    struct policy_proposal proposal;
    struct id id; /* to activate; zero: to propose */
    struct policy_version version;
};

static enum fm_err run_change(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return id_is_zero(change->id) ? flow_propose_policy(change->flow, cmd->ctx, conn,
                                                        &change->proposal, &change->version)
                                  : flow_activate_version(change->flow, cmd->ctx, conn, change->id,
                                                          &change->proposal, &change->version);
}

static void close_reader(struct store_conn **reader)
{
    store_reader_close(*reader);
}

static void drop_policy(const struct policy **policy)
{
    policy_drop(*policy);
}

static void drop_directory(const struct directory **directory)
{
    directory_drop(*directory);
}

/* Who acts: the person of a token with the role policy, or the operator without one. */
static enum fm_err find_person(struct ctx *ctx, const struct directory *directory, struct str token,
                               const struct person **out)
{
    const struct credential *credential = token.p ? directory_credential(directory, token) : NULL;

    *out = NULL;
    if (!token.p) {
        return FM_OK;
    }
    if (!credential || !credential->person) {
        return fail(ctx, FM_E_UNAUTHENTICATED, "this is no valid personal token");
    }
    if (!(credential->person->roles & ROLE_BIT(ROLE_POLICY))) {
        return fail(ctx, FM_E_FORBIDDEN, "%.*s has not the role policy",
                    STR_ARG(credential->person->name));
    }
    *out = credential->person;
    return FM_OK;
}

static void write_person(struct json_out *out, const char *name, const struct directory *directory,
                         int64_t row)
{
    const struct person *person = directory_person_by_row(directory, row);

    jo_m_str(out, name, row == 0 ? S("operator") : person ? person->name : STR_NONE);
}

static void write_version(struct json_out *out, const struct directory *directory,
                          const struct policy_version *v)
{
    bool activated = v->state != POLICY_CANDIDATE;

    jo_m_id(out, "id", ID_POLICY, v->id);
    jo_m_digest(out, "version", hash_str(&v->version));
    jo_m_str(out, "state", str_of(policy_state_name(v->state)));
    jo_m_str(out, "road", str_of(policy_road_name(v->road)));
    jo_m_time(out, "proposed_at", v->proposed_at);
    write_person(out, "proposed_by", directory, v->proposed_by);
    jo_m_time(out, "activated_at", v->activated_at);
    if (activated) {
        write_person(out, "activated_by", directory, v->activated_by);
    } else {
        jo_m_null(out, "activated_by");
    }
    jo_m_bool(out, "alone", v->alone);
    jo_m_raw(out, "loosened", v->loosened);
}

/* List --------------------------------------------------------------------------------------- */

struct listing {
    struct json_out *out;
    const struct directory *directory;
};

static void write_row(void *with, const struct policy_version *version)
{
    const struct listing *listing = with;

    jo_object(listing->out);
    write_version(listing->out, listing->directory, version);
    jo_object_end(listing->out);
}

enum fm_err admin_policy_list(struct ctx *ctx, struct instance *instance,
                              const struct json *arguments, struct json_out *answer)
{
    AUTO(close_reader) struct store_conn *reader = NULL;
    AUTO(drop_directory) const struct directory *directory = directory_keep();
    struct listing listing = {answer, directory};

    TRY(json_bind(ctx, arguments, S(""), NULL, 0, NULL));
    TRY(store_reader(ctx, instance->store, &reader));
    jo_key(answer, "policies");
    jo_array(answer);
    TRY(flow_version_each(ctx, reader, INT64_MAX, LIST_MAX, write_row, &listing));
    jo_array_end(answer);
    return FM_OK;
}

/* Propose and activate ----------------------------------------------------------------------- */

struct policy_arguments {
    struct str file, policy, token;
    enum json_bool alone;
};

#define ARGUMENT(member, text) .name = text, .offset = offsetof(struct policy_arguments, member)

static const struct json_field propose_fields[] = {
    {ARGUMENT(file, "file"), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = 4096},
    {ARGUMENT(token, "token"), .type = JSON_T_STR, .max = SECRET_TEXT_SIZE},
    {ARGUMENT(alone, "alone"), .type = JSON_T_BOOL},
};

static const struct json_field activate_fields[] = {
    {ARGUMENT(policy, "policy"), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = ID_TEXT_MAX},
    {ARGUMENT(token, "token"), .type = JSON_T_STR, .max = SECRET_TEXT_SIZE},
    {ARGUMENT(alone, "alone"), .type = JSON_T_BOOL},
};

/* Without a server nothing is in force in this process: the active version is read from the
 * store. */
static enum fm_err read_active(struct ctx *ctx, struct instance *instance,
                               struct store_conn *reader, const struct policy **out)
{
    struct policy_version version;

    *out = NULL;
    if (atomic_load(&instance->flow)) {
        return FM_OK;
    }
    TRY(flow_version_active(ctx, reader, &version));
    return version.row ? flow_version_parse(ctx, reader, &version, out) : FM_OK;
}

static enum fm_err carry_out(struct ctx *ctx, struct instance *instance, struct store_conn *reader,
                             struct change *change, const struct policy_arguments *in,
                             struct json_out *answer)
{
    AUTO(drop_policy) const struct policy *active = NULL;
    AUTO(drop_directory) const struct directory *directory = directory_keep();

    TRY(find_person(ctx, directory, in->token, &change->proposal.by));
    TRY(read_active(ctx, instance, reader, &active));
    change->cmd.run = run_change;
    change->cmd.ctx = ctx;
    change->flow = atomic_load(&instance->flow);
    change->proposal.active = active;
    change->proposal.road = ROAD_CONSOLE;
    change->proposal.alone = in->alone == JSON_YES;
    TRY(committer_call(instance->committer, &change->cmd));
    write_version(answer, directory, &change->version);
    return FM_OK;
}

enum fm_err admin_policy_propose(struct ctx *ctx, struct instance *instance,
                                 const struct json *arguments, struct json_out *answer)
{
    AUTO(close_reader) struct store_conn *reader = NULL;
    AUTO(drop_policy) const struct policy *policy = NULL;
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct policy_arguments in = {0};
    struct change change = {0};
    struct str path;
    size_t count;

    TRY(json_bind(ctx, arguments, S(""), propose_fields, COUNT_OF(propose_fields), &in));
    path = arena_copy(ctx->arena, in.file); /* with a NUL behind it */
    if (!path.p) {
        return fail_memory(ctx);
    }
    TRY(store_reader(ctx, instance->store, &reader));
    TRY(policy_load(ctx, path.p, findings, &count, &policy));
    change.proposal.policy = policy;
    return carry_out(ctx, instance, reader, &change, &in, answer);
}

enum fm_err admin_policy_activate(struct ctx *ctx, struct instance *instance,
                                  const struct json *arguments, struct json_out *answer)
{
    AUTO(close_reader) struct store_conn *reader = NULL;
    AUTO(drop_policy) const struct policy *policy = NULL;
    struct policy_arguments in = {0};
    struct policy_version version;
    struct change change = {0};

    TRY(json_bind(ctx, arguments, S(""), activate_fields, COUNT_OF(activate_fields), &in));
    if (!id_parse(ID_POLICY, in.policy, &change.id)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "%.*s is no version's id, such as pol_01J...: see "
                    "`fermata policy list`",
                    STR_ARG(in.policy));
    }
    TRY(store_reader(ctx, instance->store, &reader));
    TRY(flow_version_find(ctx, reader, change.id, &version));
    TRY(flow_version_parse(ctx, reader, &version, &policy));
    change.proposal.policy = policy;
    return carry_out(ctx, instance, reader, &change, &in, answer);
}
