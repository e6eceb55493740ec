/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a proposal: tables of members with their limits, then what no table can say.
 */
#include "intake/intake.h"

#include "base/panic.h"
#include "net/outgoing.h"

struct proposal_body {
    struct str action, agent_version, on_behalf_of, subject, session;
    const struct json *arguments, *brief, *domains, *labels, *callback;
    enum json_bool reversible;
    int64_t deadline_us;
    struct id supersedes;
};

#define FIELD(type_, member, name_) .name = (name_), .offset = offsetof(type_, member)
#define BODY(member) FIELD(struct proposal_body, member, #member)

static const struct json_field body_fields[] = {
    {BODY(action), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = ACTION_MAX},
    {BODY(arguments), .type = JSON_T_OBJECT, .flags = JSON_F_REQUIRED},
    {BODY(agent_version), .type = JSON_T_STR, .max = SHORT_TEXT_MAX},
    {BODY(on_behalf_of), .type = JSON_T_STR, .max = SHORT_TEXT_MAX},
    {BODY(subject), .type = JSON_T_STR, .max = SHORT_TEXT_MAX},
    {BODY(session), .type = JSON_T_STR, .max = SHORT_TEXT_MAX},
    {BODY(brief), .type = JSON_T_OBJECT},
    {BODY(domains), .type = JSON_T_ARRAY, .max = DOMAINS_MAX},
    {BODY(labels), .type = JSON_T_OBJECT, .max = LABELS_MAX},
    {BODY(reversible), .type = JSON_T_BOOL},
    {FIELD(struct proposal_body, deadline_us, "deadline"), .type = JSON_T_DURATION},
    {BODY(callback), .type = JSON_T_OBJECT},
    {BODY(supersedes), .type = JSON_T_ID, .id_kind = ID_PROPOSAL},
};

struct brief_body {
    struct str summary, request, recommendation, reasoning, case_against;
    double confidence;
    const struct json *evidence, *options, *draft;
};

#define BRIEF(member) FIELD(struct brief_body, member, #member)

static const struct json_field brief_fields[] = {
    {BRIEF(summary), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = SUMMARY_MAX},
    {BRIEF(request), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = BRIEF_TEXT_MAX},
    {BRIEF(recommendation), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = BRIEF_TEXT_MAX},
    {BRIEF(reasoning), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = BRIEF_TEXT_MAX},
    {BRIEF(case_against), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = BRIEF_TEXT_MAX},
    {BRIEF(confidence), .type = JSON_T_NUMBER, .min = 0, .max_number = 1},
    {BRIEF(evidence), .type = JSON_T_ARRAY, .max = EVIDENCE_MAX},
    {BRIEF(options), .type = JSON_T_ARRAY, .max = OPTIONS_MAX},
    {BRIEF(draft), .type = JSON_T_OBJECT},
};

struct evidence_body {
    struct str title, text, source, content_type, base64;
    const struct json *data;
};

#define EVIDENCE(member) FIELD(struct evidence_body, member, #member)

static const struct json_field evidence_fields[] = {
    {EVIDENCE(title), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = 1024},
    {EVIDENCE(text), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = BRIEF_TEXT_MAX},
    {EVIDENCE(source), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = 2048},
    {EVIDENCE(data), .type = JSON_T_ANY},
    {EVIDENCE(content_type), .type = JSON_T_STR, .max = 128},
    {EVIDENCE(base64), .type = JSON_T_STR, .flags = JSON_F_EMPTY},
};

struct option_body {
    struct str title, text;
    const struct json *pros, *cons, *arguments;
    enum json_bool recommended;
};

#define OPTION(member) FIELD(struct option_body, member, #member)

static const struct json_field option_fields[] = {
    {OPTION(title), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = 1024},
    {OPTION(text), .type = JSON_T_STR, .flags = JSON_F_EMPTY, .max = BRIEF_TEXT_MAX},
    {OPTION(pros), .type = JSON_T_ARRAY, .max = 50},
    {OPTION(cons), .type = JSON_T_ARRAY, .max = 50},
    {OPTION(arguments), .type = JSON_T_OBJECT},
    {OPTION(recommended), .type = JSON_T_BOOL},
};

struct draft_body {
    struct str pointer, format;
};

static const struct json_field draft_fields[] = {
    {FIELD(struct draft_body, pointer, "pointer"), .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .max = 1024},
    {FIELD(struct draft_body, format, "format"), .type = JSON_T_STR, .max = 128},
};

struct callback_body {
    struct str url;
};

static const struct json_field callback_fields[] = {
    {FIELD(struct callback_body, url, "url"), .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .max = OUTGOING_URL_MAX},
};

#define BIND(ctx, object, pointer, fields, into)                                                   \
    json_bind((ctx), (object), (pointer), (fields), COUNT_OF(fields), (into))

static bool is_action_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._/-", c)) || c == '\0') {
            return false;
        }
    }
    return name.n > 0;
}

/* Every item of an array is a string of at most `max` bytes. */
static enum fm_err check_texts(struct ctx *ctx, const struct json *array, struct str pointer, size_t max)
{
    for (uint32_t i = 0; array && i < array->count; i++) {
        const struct json *item = &array->as.items[i];
        struct str at = json_pointer_index(ctx->arena, pointer, i);
        if (item->kind != JSON_STRING) {
            return fail_at(ctx, FM_E_INVALID_ARGUMENT, at, "must be a string");
        }
        if (item->as.text.n > max) {
            return fail_at(ctx, FM_E_TOO_LARGE, at, "at most %zu bytes", max);
        }
    }
    return FM_OK;
}

static enum fm_err check_labels(struct ctx *ctx, const struct json *labels)
{
    for (uint32_t i = 0; labels && i < labels->count; i++) {
        const struct json_member *label = &labels->as.members[i];
        struct str at = json_pointer_member(ctx->arena, S("/labels"), label->name);
        if (label->name.n == 0 || label->name.n > LABEL_NAME_MAX) {
            return fail_at(ctx, FM_E_INVALID_ARGUMENT, at, "a label's name has 1 to %d bytes",
                           LABEL_NAME_MAX);
        }
        if (label->value.kind != JSON_STRING || label->value.as.text.n > LABEL_VALUE_MAX) {
            return fail_at(ctx, FM_E_INVALID_ARGUMENT, at,
                           "a label's value is a string of at most %d bytes", LABEL_VALUE_MAX);
        }
    }
    return FM_OK;
}

static enum fm_err check_evidence(struct ctx *ctx, const struct json *evidence)
{
    size_t attached = 0;

    for (uint32_t i = 0; evidence && i < evidence->count; i++) {
        struct evidence_body item = {0};
        struct str at = json_pointer_index(ctx->arena, S("/brief/evidence"), i), bytes;
        TRY(BIND(ctx, &evidence->as.items[i], at, evidence_fields, &item));
        if (!item.base64.p) {
            continue;
        }
        at = json_pointer_member(ctx->arena, at, S("base64"));
        if (!item.content_type.p) {
            return fail_at(ctx, FM_E_INVALID_ARGUMENT, at, "an attachment needs its content_type");
        }
        if (!base64_decode(ctx->arena, item.base64, &bytes)) {
            return fail_at(ctx, FM_E_INVALID_ARGUMENT, at, "is not base64 (RFC 4648, padded)");
        }
        attached += bytes.n;
        if (attached > ATTACHMENTS_MAX) {
            return fail_at(ctx, FM_E_TOO_LARGE, at, "attachments have at most 512 KiB together");
        }
    }
    return FM_OK;
}

static enum fm_err check_options(struct ctx *ctx, const struct json *options)
{
    for (uint32_t i = 0; options && i < options->count; i++) {
        struct option_body item = {0};
        struct str at = json_pointer_index(ctx->arena, S("/brief/options"), i);
        TRY(BIND(ctx, &options->as.items[i], at, option_fields, &item));
        TRY(check_texts(ctx, item.pros, json_pointer_member(ctx->arena, at, S("pros")), 4096));
        TRY(check_texts(ctx, item.cons, json_pointer_member(ctx->arena, at, S("cons")), 4096));
    }
    return FM_OK;
}

static enum fm_err check_draft(struct ctx *ctx, const struct json *draft, const struct json *arguments)
{
    struct draft_body body = {0};
    const struct json *text;

    if (!draft) {
        return FM_OK;
    }
    TRY(BIND(ctx, draft, S("/brief/draft"), draft_fields, &body));
    text = json_at(arguments, body.pointer);
    if (!text || text->kind != JSON_STRING) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/brief/draft/pointer"),
                       "must point to a text in `arguments`, such as /message");
    }
    if (text->as.text.n > BRIEF_TEXT_MAX) {
        return fail_at(ctx, FM_E_TOO_LARGE,
                       arena_printf(ctx->arena, "/arguments%.*s", STR_ARG(body.pointer)),
                       "a draft has at most %ld bytes", (long)BRIEF_TEXT_MAX);
    }
    return FM_OK;
}

static size_t count_characters(struct str text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.n; count++) {
        (void)str_next_code_point(text, &at);
    }
    return count;
}

static enum fm_err check_brief(struct ctx *ctx, const struct json *brief, const struct json *arguments,
                               struct brief_body *out)
{
    if (!brief) {
        return FM_OK;
    }
    TRY(BIND(ctx, brief, S("/brief"), brief_fields, out));
    if (count_characters(out->summary) > SUMMARY_CHARACTERS_MAX) {
        return fail_at(ctx, FM_E_TOO_LARGE, S("/brief/summary"), "at most %d characters",
                       SUMMARY_CHARACTERS_MAX);
    }
    TRY(check_evidence(ctx, out->evidence));
    TRY(check_options(ctx, out->options));
    return check_draft(ctx, out->draft, arguments);
}

static bool brief_has(const struct json *brief, enum brief_part part)
{
    const struct json *value = json_get(brief, str_of(brief_part_name(part)));

    if (!value) {
        return false;
    }
    switch (value->kind) {
    case JSON_STRING:
        return value->as.text.n > 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return value->count > 0;
    case JSON_NULL:
        return false;
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        return true;
    }
    return false;
}

enum fm_err intake_check_brief(struct ctx *ctx, const struct policy *policy, struct str name,
                               const struct json *brief)
{
    const struct policy_action *action = policy_action(policy, name);
    const struct json *evidence = json_get(brief, S("evidence"));
    enum fm_err err = FM_OK;

    if (!action) {
        return FM_OK;
    }
    for (unsigned part = 0; part < BRIEF_PART_COUNT; part++) {
        const char *member = brief_part_name((enum brief_part)part);
        if (action->brief_required >> part & 1 && !brief_has(brief, (enum brief_part)part)) {
            err = fail_at(ctx, FM_E_BRIEF_INCOMPLETE,
                          json_pointer_member(ctx->arena, S("/brief"), str_of(member)),
                          "the policy requires `%s` for %.*s", member, STR_ARG(action->name));
        }
    }
    if ((int64_t)(evidence && evidence->kind == JSON_ARRAY ? evidence->count : 0) <
        action->evidence_min) {
        err = fail_at(ctx, FM_E_BRIEF_INCOMPLETE, S("/brief/evidence"),
                      "the policy requires at least %lld items of evidence for %.*s",
                      (long long)action->evidence_min, STR_ARG(action->name));
    }
    return err;
}

/* The canonical form of a value, in the arena. */
static enum fm_err canonical_copy(struct ctx *ctx, const struct json *value, struct str *out)
{
    AUTO(buf_done) struct buf bytes = BUF_INIT(2 * MIB);

    json_write(&bytes, value);
    *out = buf_ok(&bytes) ? arena_copy(ctx->arena, buf_str(&bytes)) : STR_NONE;
    return out->p ? FM_OK : fail_memory(ctx);
}

enum fm_err intake_check_arguments(struct ctx *ctx, const struct json *arguments, struct hash *digest)
{
    AUTO(buf_done) struct buf bytes = BUF_INIT(2 * MIB);

    if (arguments->kind != JSON_OBJECT) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/arguments"), "must be an object");
    }
    json_write(&bytes, arguments);
    if (!buf_ok(&bytes)) {
        return fail_memory(ctx);
    }
    if (bytes.n > ARGUMENTS_MAX) {
        return fail_at(ctx, FM_E_TOO_LARGE, S("/arguments"), "at most 256 KiB");
    }
    *digest = sha256(buf_str(&bytes));
    return FM_OK;
}

enum fm_err intake_check_schema(struct ctx *ctx, const struct policy *policy, struct str action,
                                const struct json *arguments)
{
    const struct policy_action *found = policy_action(policy, action);

    if (!found || !found->schema) {
        return FM_OK;
    }
    return json_schema_require(ctx, found->schema, arguments, S("/arguments"));
}

static enum fm_err check_callback(struct ctx *ctx, const struct json *callback, struct str *url)
{
    struct callback_body body = {0};
    struct outgoing_url parts;
    const char *wrong;

    if (!callback) {
        return FM_OK;
    }
    TRY(BIND(ctx, callback, S("/callback"), callback_fields, &body));
    wrong = outgoing_url_parse(body.url, &parts);
    if (wrong) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/callback/url"), "%s", wrong);
    }
    *url = body.url;
    return FM_OK;
}

enum fm_err intake_read(struct ctx *ctx, const struct policy *policy, const struct json *body,
                        struct submission *out)
{
    struct proposal_body top = {0};
    struct brief_body brief = {0};

    TRY(BIND(ctx, body, S(""), body_fields, &top));
    if (!is_action_name(top.action)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/action"),
                       "an action's name consists of a-z, 0-9, '.', '_', '/' and '-'");
    }
    *out = (struct submission){.request = body,
                               .arguments = top.arguments,
                               .brief = top.brief,
                               .action = top.action,
                               .deadline_us = top.deadline_us,
                               .supersedes = top.supersedes};
    if (top.deadline_us == 0 && json_get(body, S("deadline"))) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/deadline"), "at least 1s");
    }
    TRY(check_texts(ctx, top.domains, S("/domains"), 128));
    TRY(check_labels(ctx, top.labels));
    TRY(check_callback(ctx, top.callback, &out->callback_url));
    TRY(intake_check_arguments(ctx, top.arguments, &out->arguments_digest));
    TRY(intake_check_schema(ctx, policy, top.action, top.arguments));
    TRY(check_brief(ctx, top.brief, top.arguments, &brief));
    TRY(intake_check_brief(ctx, policy, top.action, top.brief));
    return canonical_copy(ctx, body, &out->canonical);
}

struct revise_body {
    const struct json *arguments, *brief;
};

static const struct json_field revise_fields[] = {
    {FIELD(struct revise_body, arguments, "arguments"), .type = JSON_T_OBJECT},
    {FIELD(struct revise_body, brief, "brief"), .type = JSON_T_OBJECT},
};

/* The old request with its arguments and brief replaced; `supersedes` was for its time only. */
static enum fm_err merge(struct ctx *ctx, const struct json *old, const struct revise_body *revised,
                         struct str *out)
{
    AUTO(buf_done) struct buf bytes = BUF_INIT(2 * MIB);
    struct json_out writer = JSON_OUT(&bytes);
    const struct json *brief = revised->brief ? revised->brief : json_get(old, S("brief"));
    bool wrote_brief = false;

    jo_object(&writer);
    for (uint32_t i = 0; i < old->count; i++) {
        const struct json_member *member = &old->as.members[i];
        const struct json *value = &member->value;
        if (str_eq(member->name, S("supersedes"))) {
            continue;
        }
        if (str_eq(member->name, S("arguments")) && revised->arguments) {
            value = revised->arguments;
        }
        if (str_eq(member->name, S("brief"))) {
            value = brief;
            wrote_brief = true;
        }
        jo_key_str(&writer, member->name);
        jo_value(&writer, value);
    }
    if (brief && !wrote_brief) {
        jo_key(&writer, "brief");
        jo_value(&writer, brief);
    }
    jo_object_end(&writer);
    *out = buf_ok(&bytes) ? arena_copy(ctx->arena, buf_str(&bytes)) : STR_NONE;
    return out->p ? FM_OK : fail_memory(ctx);
}

enum fm_err intake_revise(struct ctx *ctx, const struct policy *policy, struct str request,
                          const struct json *body, struct submission *out)
{
    struct revise_body revised = {0};
    const struct json *old, *merged;
    struct str text;

    TRY(BIND(ctx, body, S(""), revise_fields, &revised));
    if (!revised.arguments && !revised.brief) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "send `arguments`, `brief` or both");
    }
    TRY(json_parse(ctx, request, &JSON_LIMITS_WIRE, &old));
    TRY(merge(ctx, old, &revised, &text));
    TRY(json_parse(ctx, text, &JSON_LIMITS_WIRE, &merged));
    return intake_read(ctx, policy, merged, out);
}
