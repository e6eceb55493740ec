/* SPDX-License-Identifier: Apache-2.0
 *
 * An evidence bundle as a page for people: to be read on a screen, printed, and filed. It is made
 * of the bundle alone and says nothing that the bundle does not.
 *
 * It must never hold a script, load anything, or show what an agent wrote as anything but text.
 */
#include "insights/html.h"
#include "insights/insights_internal.h"

#define HEAD                                                                                       \
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                      \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"                   \
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "        \
    "'unsafe-inline'; "                                                                            \
    "base-uri 'none'; form-action 'none'\">\n<style>\n"                                            \
    ":root{color-scheme:light}\n"                                                                  \
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:54rem;"       \
    "margin:2rem auto;padding:0 1.25rem}\n"                                                        \
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}\n"                                    \
    "h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid "                            \
    "#bbb;padding-bottom:.25rem}\n"                                                                \
    "h3{font-size:1rem;margin:1.25rem 0 .25rem}\n"                                                 \
    "pre,.text{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f5f3;border:1px solid "   \
    "#ddd;"                                                                                        \
    "border-radius:4px;padding:.5rem .75rem;margin:.25rem 0 .75rem}\n"                             \
    "pre,code,.mono{font:13px/1.45 ui-monospace,monospace}\n"                                      \
    "dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.2rem "                \
    "1rem;margin:.5rem 0}\n"                                                                       \
    "dt{color:#555}dd{margin:0;overflow-wrap:anywhere}\n"                                          \
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"          \
    "padding:.3rem .6rem .3rem 0;border-bottom:1px solid #ddd;overflow-wrap:anywhere}\n"           \
    "th{color:#555;font-weight:600;white-space:nowrap}td.n{white-space:nowrap}\n"                  \
    "mark{background:#ffd9d9;color:#8a0000;font-size:.85em;border-radius:3px;padding:0 .2em}\n"    \
    ".bad{border:2px solid #b00020;border-radius:4px;padding:.5rem 1rem;color:#8a0000}\n"          \
    ".said{color:#555;font-size:.9rem}\n"                                                          \
    "li{margin:.25rem 0}\n"                                                                        \
    "@media "                                                                                      \
    "print{body{font-size:10.5pt;margin:0;max-width:none;padding:0}h2,h3{break-after:avoid}"       \
    "tr,dl,li{break-inside:avoid}pre,.text{background:none}}\n"                                    \
    "@media (max-width:36rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}\n"             \
    "</style>\n"

/* The text of a member, a number too; absent when it is neither. */
static struct str value_text(const struct json *object, struct str name)
{
    const struct json *value = json_get(object, name);

    return value && value->kind == JSON_NUMBER ? value->as.text : json_text(value);
}

static void heading(struct buf *buf, const char *title)
{
    buf_printf(buf, "<h2>%s</h2>\n", title);
}

/* Text of an agent or of a person: named, and kept in its own lines. */
static void block(struct buf *buf, const char *title, struct str text)
{
    if (text.n > 0) {
        buf_printf(buf, "<h3>%s</h3>\n", title);
        html_element(buf, "div class=\"text\"", text);
    }
}

static void json_block(struct buf *buf, const char *title, const struct json *value)
{
    if (value && value->kind != JSON_NULL) {
        buf_printf(buf, "<h3>%s</h3>\n<pre>", title);
        html_json(buf, value);
        buf_lit(buf, "</pre>\n");
    }
}

static void title_part(struct buf *buf, const struct json *summary)
{
    const struct json *proposal = json_get(summary, S("proposal"));

    buf_lit(buf, "<title>Evidence ");
    html_text(buf, value_text(proposal, S("id")));
    buf_lit(buf, "</title>\n</head>\n<body>\n<main>\n<p class=\"said\">Evidence of one "
                 "proposal</p>\n<h1>");
    html_text(buf, value_text(proposal, S("action")));
    buf_lit(buf, ": ");
    html_text(buf, value_text(proposal, S("status")));
    buf_lit(buf, "</h1>\n");
}

static void findings_part(struct buf *buf, const struct json *findings)
{
    if (!findings || findings->kind != JSON_ARRAY || findings->count == 0) {
        return;
    }
    buf_lit(buf, "<div class=\"bad\"><strong>This does not fit together</strong>\n<ul>\n");
    for (uint32_t i = 0; i < findings->count; i++) {
        html_element(buf, "li", json_text(&findings->as.items[i]));
    }
    buf_lit(buf, "</ul></div>\n");
}

static void facts_part(struct buf *buf, const struct json *bundle, const struct json *summary)
{
    const struct json *proposal = json_get(summary, S("proposal"));
    const struct json *agent = json_get(proposal, S("agent")),
                      *policy = json_get(summary, S("policy"));

    buf_lit(buf, "<dl>\n");
    html_row(buf, "Proposal", value_text(proposal, S("id")));
    html_row(buf, "Category", value_text(proposal, S("category")));
    html_row(buf, "Proposed at", value_text(proposal, S("created_at")));
    html_row(buf, "Agent", value_text(agent, S("name")));
    html_row(buf, "Agent's id", value_text(agent, S("id")));
    html_row(buf, "Assessed as", value_text(proposal, S("assessed")));
    html_row(buf, "Policy", value_text(policy, S("id")));
    html_row(buf, "Policy version", value_text(policy, S("version")));
    html_row(buf, "Revision", value_text(proposal, S("revision")));
    html_row(buf, "Digest", value_text(proposal, S("digest")));
    html_row(buf, "This page made at", value_text(bundle, S("made_at")));
    buf_lit(buf, "</dl>\n");
}

/* --- decisions -------------------------------------------------------------------------------- */

static void roles_row(struct buf *buf, const struct json *by)
{
    const struct json *roles = json_get(by, S("roles"));

    buf_lit(buf, "<dt>Roles at that time</dt><dd>");
    for (uint32_t i = 0; roles && roles->kind == JSON_ARRAY && i < roles->count; i++) {
        buf_add(buf, i ? S(", ") : S(""));
        html_text(buf, json_text(&roles->as.items[i]));
    }
    if (!roles || roles->kind != JSON_ARRAY || roles->count == 0) {
        buf_lit(buf, "none that the log shows");
    }
    buf_lit(buf, "</dd>\n");
}

static void changes_part(struct buf *buf, const struct json *changed)
{
    if (!changed || changed->kind != JSON_ARRAY || changed->count == 0) {
        return;
    }
    buf_lit(buf, "<h3>Changed by this "
                 "person</h3>\n<table><tr><th>Where</th><th>From</th><th>To</th></tr>\n");
    for (uint32_t i = 0; i < changed->count; i++) {
        const struct json *row = &changed->as.items[i];
        buf_lit(buf, "<tr><td class=\"mono\">");
        html_text(buf, value_text(row, S("pointer")));
        buf_lit(buf, "</td><td class=\"mono\">");
        html_json(buf, json_get(row, S("from")));
        buf_lit(buf, "</td><td class=\"mono\">");
        html_json(buf, json_get(row, S("to")));
        buf_lit(buf, "</td></tr>\n");
    }
    buf_lit(buf, "</table>\n");
}

static void decision_part(struct buf *buf, const struct json *decision)
{
    const struct json *by = json_get(decision, S("by")), *stands = json_get(decision, S("stands"));
    struct str name = value_text(by, S("name"));

    buf_lit(buf, "<h3>");
    html_text(buf, value_text(decision, S("verdict")));
    buf_lit(buf, " by ");
    html_text(buf, name.p ? name : S("somebody whose name was erased"));
    buf_add(buf, stands && stands->kind == JSON_TRUE ? S("") : S(" (does not stand)"));
    buf_lit(buf, "</h3>\n<dl>\n");
    html_row(buf, "At", value_text(decision, S("at")));
    html_row(buf, "Person", value_text(by, S("id")));
    roles_row(buf, by);
    html_row(buf, "By way of", value_text(decision, S("via")));
    html_row(buf, "Decision", value_text(decision, S("id")));
    html_row(buf, "On revision", value_text(decision, S("revision")));
    html_row(buf, "Digest shown", value_text(decision, S("digest")));
    html_row(buf, "Severity", value_text(decision, S("severity")));
    html_row(buf, "Reason code", value_text(decision, S("reason_code")));
    html_row(buf, "Entry of the log", value_text(json_get(decision, S("log")), S("index")));
    buf_lit(buf, "</dl>\n");
    block(buf, "Reason", value_text(decision, S("reason")));
    changes_part(buf, json_get(decision, S("changed")));
    json_block(buf, "Final arguments", json_get(decision, S("arguments")));
}

static void decisions_part(struct buf *buf, const struct json *summary)
{
    const struct json *decisions = json_get(summary, S("decisions"));
    const struct json *by_policy = json_get(summary, S("approved_by_policy"));
    uint32_t count = decisions && decisions->kind == JSON_ARRAY ? decisions->count : 0;

    heading(buf, "Who decided");
    if (by_policy && by_policy->kind == JSON_TRUE) {
        buf_lit(buf, "<p>The policy let it go on: no person was asked.</p>\n");
    } else if (count == 0) {
        buf_lit(buf, "<p>No person has decided it.</p>\n");
    }
    for (uint32_t i = 0; i < count; i++) {
        decision_part(buf, &decisions->as.items[i]);
    }
}

/* --- the request ------------------------------------------------------------------------------ */

static void evidence_part(struct buf *buf, const struct json *items)
{
    for (uint32_t i = 0; items && items->kind == JSON_ARRAY && i < items->count; i++) {
        const struct json *item = &items->as.items[i];
        struct str attached = value_text(item, S("base64"));

        buf_lit(buf, "<h3>Evidence: ");
        html_text(buf, value_text(item, S("title")));
        buf_lit(buf, "</h3>\n");
        html_element(buf, "p class=\"said\"", value_text(item, S("source")));
        html_element(buf, "div class=\"text\"", value_text(item, S("text")));
        if (attached.p) {
            buf_lit(buf, "<p class=\"said\">Attached: ");
            html_text(buf, value_text(item, S("content_type")));
            buf_printf(buf, ", about %zu bytes; in the bundle's JSON.</p>\n", attached.n / 4 * 3);
        }
        json_block(buf, "Its data", json_get(item, S("data")));
    }
}

/* A list of texts below its name; nothing when there is none. */
static void list_part(struct buf *buf, const char *name, const struct json *items)
{
    if (!items || items->kind != JSON_ARRAY || items->count == 0) {
        return;
    }
    buf_printf(buf, "<p class=\"said\">%s</p>\n<ul>\n", name);
    for (uint32_t i = 0; i < items->count; i++) {
        html_element(buf, "li", json_text(&items->as.items[i]));
    }
    buf_lit(buf, "</ul>\n");
}

static void options_part(struct buf *buf, const struct json *options)
{
    for (uint32_t i = 0; options && options->kind == JSON_ARRAY && i < options->count; i++) {
        const struct json *option = &options->as.items[i];
        const struct json *is_recommended = json_get(option, S("recommended"));

        buf_lit(buf, "<h3>Option: ");
        html_text(buf, value_text(option, S("title")));
        buf_add(buf,
                is_recommended && is_recommended->kind == JSON_TRUE ? S(" (recommended)") : S(""));
        buf_lit(buf, "</h3>\n");
        list_part(buf, "For it", json_get(option, S("pros")));
        list_part(buf, "Against it", json_get(option, S("cons")));
        json_block(buf, "Its arguments", json_get(option, S("arguments")));
    }
}

static void brief_part(struct buf *buf, const struct json *brief)
{
    static const struct {
        const char *title;
        struct str name;
    } texts[] = {
        {"Summary", STR("summary")},
        {"The request that started it", STR("request")},
        {"Recommendation", STR("recommendation")},
        {"Reasoning", STR("reasoning")},
        {"Case against", STR("case_against")},
        {"Confidence", STR("confidence")},
    };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        block(buf, texts[i].title, value_text(brief, texts[i].name));
    }
    evidence_part(buf, json_get(brief, S("evidence")));
    options_part(buf, json_get(brief, S("options")));
}

static void request_part(struct buf *buf, const struct json *summary)
{
    const struct json *request = json_get(summary, S("request"));

    heading(buf, "What the agent asked for");
    if (!request || request->kind != JSON_OBJECT) {
        buf_lit(buf, "<p>Its content was erased. The log still commits to it.</p>\n");
        return;
    }
    buf_lit(buf, "<p class=\"said\">All of this was written by the agent.</p>\n<dl>\n");
    html_row(buf, "On behalf of", value_text(request, S("on_behalf_of")));
    html_row(buf, "About", value_text(request, S("subject")));
    html_row(buf, "Agent's version", value_text(request, S("agent_version")));
    buf_lit(buf, "</dl>\n");
    json_block(buf, "Arguments", json_get(request, S("arguments")));
    brief_part(buf, json_get(request, S("brief")));
}

/* --- the rest --------------------------------------------------------------------------------- */

static void events_part(struct buf *buf, const struct json *events)
{
    heading(buf, "What happened, in the order of the log");
    buf_lit(buf, "<table><tr><th>Entry</th><th>At</th><th>Event</th></tr>\n");
    for (uint32_t i = 0; events && events->kind == JSON_ARRAY && i < events->count; i++) {
        const struct json *event = &events->as.items[i];
        struct str name = value_text(json_get(event, S("by")), S("name"));
        struct str note = value_text(event, S("text"));

        buf_lit(buf, "<tr><td class=\"n\">");
        html_text(buf, value_text(json_get(event, S("log")), S("index")));
        buf_lit(buf, "</td><td class=\"n\">");
        html_text(buf, value_text(event, S("at")));
        buf_lit(buf, "</td><td>");
        html_element(buf, "strong", name);
        html_text(buf, value_text(event, S("says")));
        html_element(buf, "div class=\"text\"", note);
        buf_lit(buf, "</td></tr>\n");
    }
    buf_lit(buf, "</table>\n");
}

/* What became of it: released, redeemed, reported. */
static void end_part(struct buf *buf, const struct json *summary)
{
    const struct json *outcome = json_get(summary, S("outcome"));
    struct str released = value_text(json_get(summary, S("released")), S("at"));

    heading(buf, "What became of it");
    buf_lit(buf, "<dl>\n");
    html_row(buf, "Released to the agent", released.p ? released : S("never"));
    html_row(buf, "Permit redeemed", value_text(json_get(summary, S("redeemed")), S("at")));
    html_row(buf, "Outcome", json_text(json_at(outcome, S("/data/status"))));
    html_row(buf, "Outcome's detail", value_text(outcome, S("detail")));
    html_row(buf, "Reported at", value_text(outcome, S("at")));
    html_row(buf, "Reported by", json_text(json_at(outcome, S("/by/name"))));
    html_row(buf, "Ended", value_text(json_get(summary, S("ended")), S("kind")));
    html_row(buf, "Ended at", value_text(json_get(summary, S("ended")), S("at")));
    buf_lit(buf, "</dl>\n");
}

static void sentences_part(struct buf *buf, const char *title, const struct json *sentences)
{
    heading(buf, title);
    buf_lit(buf, "<ul>\n");
    for (uint32_t i = 0; sentences && sentences->kind == JSON_ARRAY && i < sentences->count; i++) {
        html_element(buf, "li", json_text(&sentences->as.items[i]));
    }
    buf_lit(buf, "</ul>\n");
}

static void log_part(struct buf *buf, const struct json *bundle)
{
    const struct json *log = json_get(bundle, S("log"));

    heading(buf, "How to check it");
    buf_lit(buf,
            "<p>This page is for reading. The same bundle as JSON is for checking, on any machine, "
            "with the log's key that you have kept:</p>\n<pre>fermata audit verify BUNDLE.json "
            "--key \"$(cat vkey.txt)\"</pre>\n<h3>The log's key</h3>\n");
    html_element(buf, "pre", value_text(log, S("vkey")));
    buf_lit(buf, "<h3>The signed checkpoint</h3>\n");
    html_element(buf, "pre", value_text(log, S("checkpoint")));
    json_block(buf, "Unproven: from the store's rows", json_get(bundle, S("unproven")));
}

static void entries_part(struct buf *buf, const char *title, const struct json *leaves)
{
    buf_printf(buf, "<h3>%s</h3>\n<table>\n", title);
    for (uint32_t i = 0; leaves && leaves->kind == JSON_ARRAY && i < leaves->count; i++) {
        const struct json *leaf = &leaves->as.items[i];
        buf_lit(buf, "<tr><td class=\"n\">");
        html_text(buf, value_text(leaf, S("index")));
        buf_lit(buf, "</td><td class=\"mono\">");
        html_text(buf, value_text(leaf, S("entry")));
        buf_lit(buf, "</td></tr>\n");
    }
    buf_lit(buf, "</table>\n");
}

enum fm_err insights_bundle_page(struct ctx *ctx, struct str bundle_json, struct buf *out)
{
    const struct json *bundle, *summary;

    TRY(json_parse(ctx, bundle_json, &INSIGHTS_BUNDLE_LIMITS, &bundle));
    summary = json_get(bundle, S("summary"));
    buf_add(out, (struct str)STR(HEAD));
    title_part(out, summary);
    findings_part(out, json_get(bundle, S("findings")));
    facts_part(out, bundle, summary);
    decisions_part(out, summary);
    request_part(out, summary);
    end_part(out, summary);
    events_part(out, json_get(summary, S("events")));
    sentences_part(out, "What this proves", json_get(bundle, S("proves")));
    sentences_part(out, "What this does not prove", json_get(bundle, S("does_not_prove")));
    log_part(out, bundle);
    entries_part(out, "The entries", json_get(bundle, S("leaves")));
    entries_part(out, "Entries about its people, agent and policy", json_get(bundle, S("context")));
    buf_lit(out, "</main>\n</body>\n</html>\n");
    return buf_ok(out) ? FM_OK
                       : fail(ctx, FM_E_TOO_LARGE, "the page is larger than %zu bytes", out->max);
}
