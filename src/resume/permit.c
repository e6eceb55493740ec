/* SPDX-License-Identifier: Apache-2.0
 *
 * Permits: what an executor shows to prove that exactly these arguments were approved.
 */
#include "resume/resume.h"

#define PERMIT_TYPE "fermata-permit+jwt"

/* Members in sorted order: the payload is canonical, and reading it back refuses anything else. */
static void write_claims(struct json_out *out, struct str issuer, const struct permit_claims *claims)
{
    jo_object(out);
    jo_m_str(out, "action", claims->action);
    jo_m_hex(out, "arguments_sha256", hash_str(&claims->arguments));
    jo_m_str(out, "aud", claims->audience);
    jo_m_id(out, "decision", ID_DECISION, claims->decision);
    jo_m_int(out, "epoch", claims->epoch);
    jo_m_int(out, "exp", claims->expires_at / SECOND_US);
    jo_m_int(out, "iat", claims->issued_at / SECOND_US);
    jo_m_str(out, "iss", issuer);
    jo_m_id(out, "jti", ID_PERMIT, claims->permit);
    jo_m_id(out, "proposal", ID_PROPOSAL, claims->proposal);
    jo_m_int(out, "revision", claims->revision);
    jo_m_id(out, "sub", ID_AGENT, claims->agent);
    jo_object_end(out);
}

void permit_issue(struct buf *buf, const struct permit_issuer *issuer, const struct proposal *proposal,
                  struct id agent, struct str audience, struct hash arguments, int64_t now_us)
{
    AUTO(buf_done) struct buf payload = BUF_INIT(PERMIT_BYTES_MAX);
    struct json_out out = JSON_OUT(&payload);
    char agent_text[ID_TEXT_MAX];
    int64_t end = now_us + PERMIT_US;
    struct permit_claims claims = {
        .agent = agent,
        .permit = proposal->permit,
        .proposal = proposal->id,
        .decision = proposal->decision,
        .audience = audience.p ? audience : id_format(ID_AGENT, agent, agent_text),
        .action = proposal->action,
        .issued_at = now_us,
        .expires_at = end < proposal->approved_until ? end : proposal->approved_until,
        .revision = proposal->revision,
        .epoch = issuer->epoch,
        .arguments = arguments,
    };

    write_claims(&out, issuer->issuer, &claims);
    jws_sign(buf, &issuer->key, str_of(issuer->kid), S(PERMIT_TYPE), buf_str(&payload));
}

struct claims_body {
    struct str action, arguments_sha256, aud, iss;
    struct id decision, jti, proposal, sub;
    int64_t epoch, exp, iat, revision;
};

#define CLAIM(member, type_, ...)                                                                  \
    {.name = #member, .offset = offsetof(struct claims_body, member), .type = type_,               \
     .flags = JSON_F_REQUIRED, __VA_ARGS__}
#define CLAIM_INT(member) CLAIM(member, JSON_T_INT, .min = 0, .max_number = 9007199254740991.0)

static const struct json_field claim_fields[] = {
    CLAIM(action, JSON_T_STR, .max = 128),
    CLAIM(arguments_sha256, JSON_T_STR, .max = 64),
    CLAIM(aud, JSON_T_STR, .max = 256),
    CLAIM(iss, JSON_T_STR, .max = 512),
    CLAIM(decision, JSON_T_ID, .id_kind = ID_DECISION),
    CLAIM(jti, JSON_T_ID, .id_kind = ID_PERMIT),
    CLAIM(proposal, JSON_T_ID, .id_kind = ID_PROPOSAL),
    CLAIM(sub, JSON_T_ID, .id_kind = ID_AGENT),
    CLAIM_INT(epoch),
    CLAIM_INT(exp),
    CLAIM_INT(iat),
    CLAIM_INT(revision),
};

static enum fm_err not_ours(struct ctx *ctx)
{
    return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/permit"),
                   "this is no permit of this server: read the proposal again for a current one");
}

enum fm_err permit_read(struct ctx *ctx, const struct permit_issuer *issuer, struct str permit,
                        struct permit_claims *out)
{
    struct str payload;
    const struct json *tree;
    struct claims_body body = {0};

    if (permit.n > PERMIT_BYTES_MAX ||
        !jws_verify(ctx->arena, issuer->key.public_key, str_of(issuer->kid), S(PERMIT_TYPE), permit,
                    &payload)) {
        return not_ours(ctx);
    }
    TRY(json_parse(ctx, payload, &JSON_LIMITS_WIRE, &tree));
    TRY(json_bind(ctx, tree, S("/permit"), claim_fields, COUNT_OF(claim_fields), &body));
    *out = (struct permit_claims){
        .agent = body.sub,
        .permit = body.jti,
        .proposal = body.proposal,
        .decision = body.decision,
        .audience = body.aud,
        .action = body.action,
        .issued_at = body.iat * SECOND_US,
        .expires_at = body.exp * SECOND_US,
        .revision = body.revision,
        .epoch = body.epoch,
    };
    return hex_decode(body.arguments_sha256, out->arguments.bytes, SHA256_SIZE) ? FM_OK : not_ours(ctx);
}
