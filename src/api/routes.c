/* SPDX-License-Identifier: Apache-2.0
 *
 * Every route in one table: method, path, who may call it, handler. docs/openapi.yaml says the rest, and
 * a test holds the two against each other.
 */
#include "api/api_internal.h"

#define SEES_PEOPLE (ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_LEAD) | ROLE_BIT(ROLE_AUDITOR))
#define ADMIN       ROLE_BIT(ROLE_ADMIN)
#define SEES_ACCESS (ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_AUDITOR))
/* What services may read. */
#define ANY_SERVICE     (SCOPE_BIT(SCOPE_COUNT) - SCOPE_BIT(0))
#define READS_PROPOSALS SCOPE_BIT(SCOPE_PROPOSALS)
#define READS_LOG       SCOPE_BIT(SCOPE_AUDIT)
#define READS_PEOPLE    SCOPE_BIT(SCOPE_PEOPLE)
#define PAUSES          (ROLE_BIT(ROLE_LEAD) | ROLE_BIT(ROLE_POLICY))
#define RUNS_CALLBACKS  (ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_LEAD))
#define OWNS_POLICY ROLE_BIT(ROLE_POLICY)
#define SEES_POLICY     (ROLE_BIT(ROLE_POLICY) | ROLE_BIT(ROLE_LEAD) | ROLE_BIT(ROLE_AUDITOR))
#define DECIDES (ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD))

#define AUDITS ROLE_BIT(ROLE_AUDITOR)

#define P "/v1/proposals"
const struct route api_routes[] = {
    {HTTP_POST, P, WHO_AGENT, 0, proposals_create},
    {HTTP_GET, P "/{id}", WHO_ANY, READS_PROPOSALS, proposals_get},
    {HTTP_POST, P "/{id}/decision", WHO_PERSON, DECIDES, review_decision},
    {HTTP_POST, "/v1/permits/redeem", WHO_AGENT, 0, permits_redeem},
    {HTTP_POST, P "/{id}/outcome", WHO_AGENT, 0, proposals_outcome},
    {HTTP_POST, P "/batch", WHO_AGENT, 0, proposals_batch},
    {HTTP_POST, "/v1/decisions/batch", WHO_PERSON, DECIDES, decisions_batch},
    {HTTP_GET, P, WHO_ANY, READS_PROPOSALS, proposals_list},
    {HTTP_GET, P "/{id}/attachments/{n}", WHO_ANY, READS_PROPOSALS, proposals_attachment},
    {HTTP_GET, P "/{id}/events", WHO_ANY, READS_PROPOSALS, proposals_events},
    {HTTP_POST, P "/{id}/revise", WHO_AGENT, 0, proposals_revise},
    {HTTP_POST, P "/{id}/withdraw", WHO_AGENT, 0, proposals_withdraw},
    {HTTP_POST, P "/{id}/claim", WHO_PERSON, DECIDES, review_claim_call},
    {HTTP_POST, P "/{id}/unclaim", WHO_PERSON, DECIDES, review_unclaim_call},
    {HTTP_POST, P "/{id}/undo", WHO_PERSON, DECIDES, review_undo_call},
    {HTTP_POST, P "/{id}/comment", WHO_PERSON, DECIDES, review_comment_call},
    {HTTP_GET, "/v1/inbox", WHO_PERSON, DECIDES, review_inbox},
    {HTTP_GET, "/v1/stream", WHO_PERSON, 0, stream_open},
    {HTTP_POST, "/v1/session", WHO_PUBLIC, 0, session_create},
    {HTTP_POST, "/v1/session/link", WHO_PUBLIC, 0, session_link},
    {HTTP_DELETE, "/v1/session", WHO_PERSON, 0, session_delete},
    {HTTP_GET, "/v1/me", WHO_ANY, ANY_SERVICE, me_get},
    {HTTP_POST, "/v1/me/password", WHO_PERSON, 0, me_password},
    {HTTP_POST, "/v1/setup", WHO_PUBLIC, 0, setup_create},
    {HTTP_GET, "/v1/categories", WHO_PERSON, READS_PROPOSALS, categories_list},
    {HTTP_GET, "/v1/queues", WHO_PERSON, READS_PROPOSALS, queues_list},
    {HTTP_GET, "/v1/agents", WHO_PERSON, SEES_PEOPLE | READS_PEOPLE, agents_list},
    {HTTP_POST, "/v1/agents", WHO_PERSON, ADMIN, agents_create},
    {HTTP_POST, "/v1/agents/{agent}/webhook-secret", WHO_PERSON, ADMIN, agents_webhook_secret},
    {HTTP_POST, "/v1/agents/{agent}/hosts", WHO_PERSON, ADMIN, agents_hosts},
    {HTTP_GET, "/v1/people", WHO_PERSON, SEES_PEOPLE | READS_PEOPLE, people_list},
    {HTTP_POST, "/v1/people", WHO_PERSON, ADMIN, people_create},
    {HTTP_GET, "/v1/people/access-review", WHO_PERSON, SEES_ACCESS | READS_PEOPLE, access_review},
    {HTTP_POST, "/v1/people/{person}/roles", WHO_PERSON, ADMIN, people_roles},
    {HTTP_POST, "/v1/people/{person}/deactivate", WHO_PERSON, ADMIN, people_deactivate_call},
    {HTTP_POST, "/v1/people/{person}/reactivate", WHO_PERSON, ADMIN, people_reactivate_call},
    {HTTP_POST, "/v1/people/{person}/password-reset", WHO_PERSON, ADMIN, people_reset_call},
    {HTTP_GET, "/v1/keys", WHO_PERSON, SEES_ACCESS | READS_PEOPLE, keys_list},
    {HTTP_POST, "/v1/keys", WHO_PERSON, ADMIN, keys_create},
    {HTTP_DELETE, "/v1/keys/{key}", WHO_PERSON, 0, keys_delete},
    {HTTP_GET, "/v1/pauses", WHO_PERSON, READS_PROPOSALS, pauses_list},
    {HTTP_POST, "/v1/pauses", WHO_PERSON, PAUSES, pauses_create},
    {HTTP_DELETE, "/v1/pauses/{pause}", WHO_PERSON, PAUSES, pauses_delete},
    {HTTP_GET, "/v1/webhooks", WHO_PERSON, RUNS_CALLBACKS, webhooks_list},
    {HTTP_POST, "/v1/webhooks/{event}/resend", WHO_PERSON, RUNS_CALLBACKS, webhooks_resend},
    {HTTP_GET, "/v1/policies", WHO_PERSON, 0, policies_list},
    {HTTP_POST, "/v1/policies", WHO_PERSON, OWNS_POLICY, policies_create},
    {HTTP_GET, "/v1/policies/{policy}", WHO_PERSON, 0, policies_get},
    {HTTP_POST, "/v1/policies/{policy}/activate", WHO_PERSON, OWNS_POLICY, policies_activate},
    {HTTP_POST, "/v1/policies/check", WHO_PERSON, OWNS_POLICY, policies_check},
    {HTTP_POST, "/v1/policies/backtest", WHO_PERSON, OWNS_POLICY, policies_backtest},
    {HTTP_GET, "/v1/policies/backtests/{backtest}", WHO_PERSON, SEES_POLICY, backtests_get},
    {HTTP_DELETE, "/v1/policies/backtests/{backtest}", WHO_PERSON, OWNS_POLICY, backtest_end},
    {HTTP_POST, "/v1/policies/{policy}/shadow", WHO_PERSON, OWNS_POLICY, shadow_set},
    {HTTP_GET, "/v1/policies/{policy}/shadow", WHO_PERSON, SEES_POLICY, shadow_get},
    {HTTP_DELETE, "/v1/policies/{policy}/shadow", WHO_PERSON, OWNS_POLICY, shadow_delete},
    {HTTP_GET, "/v1/insights/coverage", WHO_PERSON, SEES_POLICY, insights_coverage_get},
    {HTTP_GET, "/v1/insights/edge-cases", WHO_PERSON, SEES_POLICY, insights_edge_cases_get},
    {HTTP_GET, "/log/checkpoint", WHO_PUBLIC, 0, log_checkpoint},
    {HTTP_GET, "/log/vkey", WHO_PUBLIC, 0, log_vkey},
    {HTTP_GET, "/log/tile/entries/{tile}", WHO_PERSON, AUDITS | READS_LOG, log_entries_tile},
    {HTTP_GET, "/log/tile/{level}/{tile}", WHO_PUBLIC, 0, log_tile},
    {HTTP_GET, "/v1/audit/entries", WHO_PERSON, AUDITS | READS_LOG, audit_entries},
    {HTTP_GET, "/v1/audit/proofs/{n}", WHO_PERSON, AUDITS | READS_LOG, audit_proof},
    {HTTP_GET, "/v1/audit/bundle/{id}", WHO_PERSON, AUDITS | READS_LOG, audit_bundle},
    {HTTP_GET, "/v1/audit/completeness", WHO_PERSON, AUDITS | READS_LOG, audit_completeness},
    {HTTP_GET, "/.well-known/jwks.json", WHO_PUBLIC, 0, jwks_get},
    {HTTP_GET, "/healthz", WHO_PUBLIC, 0, health_get},
    {HTTP_GET, "/readyz", WHO_PUBLIC, 0, ready_get},
    {HTTP_GET, "/metrics", WHO_PERSON, SEES_PEOPLE | SCOPE_BIT(SCOPE_METRICS), metrics_get},
    {HTTP_GET, "/openapi.json", WHO_PUBLIC, 0, openapi_get},
    {HTTP_GET, "/debug/commit-to-send", WHO_PERSON, SCOPE_BIT(SCOPE_METRICS), commit_to_send_get},
};
const size_t api_route_count = COUNT_OF(api_routes);
