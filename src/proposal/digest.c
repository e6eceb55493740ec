/* SPDX-License-Identifier: Apache-2.0
 *
 * The digest of a proposal: what a decision names (invariant 4) and what makes sure that what is shown,
 * hashed, approved and released is one byte string (invariant 3).
 */
#include "proposal/proposal.h"

/* The request's members that enter the digest; with id, revision, agent and v in RFC 8785 order:
 * every name is ASCII, so sorted bytes are sorted UTF-16. */
static void write_digest_form(struct json_out *out, const struct json *request, struct id id,
                              int64_t revision, struct id agent)
{
    static const struct {
        const char *name;
        enum { FROM_REQUEST, THE_AGENT, THE_ID, THE_REVISION, THE_VERSION } source;
    } members[] = {
        {"action", FROM_REQUEST},       {"agent", THE_AGENT},
        {"agent_version", FROM_REQUEST}, {"arguments", FROM_REQUEST},
        {"brief", FROM_REQUEST},        {"id", THE_ID},
        {"on_behalf_of", FROM_REQUEST}, {"revision", THE_REVISION},
        {"subject", FROM_REQUEST},      {"tool_digest", FROM_REQUEST},
        {"v", THE_VERSION},
    };

    jo_object(out);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const struct json *value;
        switch (members[i].source) {
        case FROM_REQUEST:
            value = json_get(request, str_of(members[i].name));
            if (value) {
                jo_key(out, members[i].name);
                jo_value(out, value);
            }
            break;
        case THE_AGENT:
            jo_m_id(out, members[i].name, ID_AGENT, agent);
            break;
        case THE_ID:
            jo_m_id(out, members[i].name, ID_PROPOSAL, id);
            break;
        case THE_REVISION:
            jo_m_int(out, members[i].name, revision);
            break;
        case THE_VERSION:
            jo_m_int(out, members[i].name, 1);
            break;
        }
    }
    jo_object_end(out);
}

enum fm_err proposal_digest(struct ctx *ctx, const struct json *request, struct id id, int64_t revision,
                            struct id agent, struct hash *out)
{
    AUTO(buf_done) struct buf form = BUF_INIT(2 * MIB);
    struct json_out writer = JSON_OUT(&form);

    write_digest_form(&writer, request, id, revision, agent);
    if (!buf_ok(&form)) {
        return fail_memory(ctx);
    }
    *out = sha256(buf_str(&form));
    return FM_OK;
}
