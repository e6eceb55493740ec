/* SPDX-License-Identifier: Apache-2.0
 *
 * Every route in one table: method, path, who may call it, handler. docs/openapi.yaml says the rest, and
 * a test holds the two against each other.
 */
#include "api/api_internal.h"

#define SEES_PEOPLE (ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_LEAD) | ROLE_BIT(ROLE_AUDITOR))
#define DECIDES (ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD))

#define AUDITS ROLE_BIT(ROLE_AUDITOR)

#define P "/v1/proposals"
const struct route api_routes[] = {
    {HTTP_POST, P, WHO_AGENT, 0, proposals_create},
    {HTTP_GET, P "/{id}", WHO_ANY, 0, proposals_get},
    {HTTP_POST, P "/{id}/decision", WHO_PERSON, DECIDES, review_decision},
    {HTTP_POST, "/v1/permits/redeem", WHO_AGENT, 0, permits_redeem},
    {HTTP_POST, P "/{id}/outcome", WHO_AGENT, 0, proposals_outcome},
    {HTTP_GET, P, WHO_ANY, 0, proposals_list},
    {HTTP_GET, P "/{id}/attachments/{n}", WHO_ANY, 0, proposals_attachment},
    {HTTP_POST, P "/{id}/revise", WHO_AGENT, 0, proposals_revise},
    {HTTP_POST, P "/{id}/withdraw", WHO_AGENT, 0, proposals_withdraw},
    {HTTP_POST, P "/{id}/claim", WHO_PERSON, DECIDES, review_claim_call},
    {HTTP_POST, P "/{id}/unclaim", WHO_PERSON, DECIDES, review_unclaim_call},
    {HTTP_POST, P "/{id}/undo", WHO_PERSON, DECIDES, review_undo_call},
    {HTTP_POST, P "/{id}/comment", WHO_PERSON, DECIDES, review_comment_call},
    {HTTP_GET, "/v1/inbox", WHO_PERSON, DECIDES, review_inbox},
    {HTTP_GET, "/v1/stream", WHO_PERSON, 0, stream_open},
    {HTTP_POST, "/v1/session", WHO_PUBLIC, 0, session_create},
    {HTTP_DELETE, "/v1/session", WHO_PERSON, 0, session_delete},
    {HTTP_GET, "/v1/me", WHO_ANY, 0, me_get},
    {HTTP_GET, "/v1/categories", WHO_PERSON, 0, categories_list},
    {HTTP_GET, "/v1/queues", WHO_PERSON, 0, queues_list},
    {HTTP_GET, "/v1/agents", WHO_PERSON, SEES_PEOPLE, agents_list},
    {HTTP_POST, "/v1/agents", WHO_PERSON, ROLE_BIT(ROLE_ADMIN), agents_create},
    {HTTP_GET, "/v1/people", WHO_PERSON, SEES_PEOPLE, people_list},
    {HTTP_GET, "/log/checkpoint", WHO_PUBLIC, 0, log_checkpoint},
    {HTTP_GET, "/log/vkey", WHO_PUBLIC, 0, log_vkey},
    {HTTP_GET, "/log/tile/entries/{tile}", WHO_PERSON, AUDITS, log_entries_tile},
    {HTTP_GET, "/log/tile/{level}/{tile}", WHO_PUBLIC, 0, log_tile},
    {HTTP_GET, "/v1/audit/entries", WHO_PERSON, AUDITS, audit_entries},
    {HTTP_GET, "/v1/audit/proofs/{n}", WHO_PERSON, AUDITS, audit_proof},
    {HTTP_GET, "/v1/audit/bundle/{id}", WHO_PERSON, AUDITS, audit_bundle},
    {HTTP_GET, "/v1/audit/completeness", WHO_PERSON, AUDITS, audit_completeness},
    {HTTP_GET, "/.well-known/jwks.json", WHO_PUBLIC, 0, jwks_get},
    {HTTP_GET, "/healthz", WHO_PUBLIC, 0, health_get},
    {HTTP_GET, "/readyz", WHO_PUBLIC, 0, ready_get},
    {HTTP_GET, "/metrics", WHO_PERSON, SEES_PEOPLE, metrics_get},
    {HTTP_GET, "/openapi.json", WHO_PUBLIC, 0, openapi_get},
    {HTTP_GET, "/debug/commit-to-send", WHO_PERSON, 0, commit_to_send_get},
};
const size_t api_route_count = COUNT_OF(api_routes);
