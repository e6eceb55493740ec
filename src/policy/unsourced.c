/* SPDX-License-Identifier: Apache-2.0
 *
 * unsourced(args, brief.request): whether the arguments name somewhere to go to (an address, an
 * account, a number, a URL) that the request does not, and that nobody knows. An agent that was
 * talked into something by a text that it read got the address from there.
 *
 * Sources are the request, the requester's own address, what the policy lists, and what people
 * approved before. Never what the agent read: evidence, context and reasoning can hold the
 * injected text itself.
 *
 * It must never take silence for a source: without a request, everything is unsourced.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/panic.h"
#include "policy/recipients.h"

#define REQUEST_MAX 256 /* of the request; what stands behind is not looked up: stricter */
#define SUFFIX_MIN  7   /* digits that two spellings of a number must share at the end */
#define COUNTRY_MAX 3   /* digits before them that only one of the two may have */
#define HOST_MAX    255 /* bytes, as in the DNS */
#define DEPTH_MAX   64  /* of arguments, as on the wire */

struct walk {
    struct finder finder;
    struct cel_call *call; /* pays for the work; may be NULL */
    struct str pointer;    /* of what is being looked at */
    policy_recipient_fn *visit;
    void *with;
    bool alone; /* leave out what stands in the middle of a text */
    bool too_costly;
};

/* Records of one's own: a number in order_id or item_ids leads nowhere. What could be a way out (an
 * account, a recipient, a channel, a user) must never stand here. */
static const struct str records[] = {
    STR("order"),   STR("item"),  STR("product"),     STR("article"), STR("sku"),    STR("ticket"),
    STR("case"),    STR("issue"), STR("reservation"), STR("booking"), STR("event"),  STR("file"),
    STR("invoice"), STR("bill"),  STR("shipment"),    STR("return"),  STR("refund"),
};

static bool is_record(struct str word)
{
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        if (str_eq(word, records[i])) {
            return true;
        }
    }
    return false;
}

/* The text without its last word and the _ before it; that word. */
static struct str cut_last_word(struct str text, struct str *word)
{
    size_t from = text.n;

    while (from > 0 && text.p[from - 1] != '_') {
        from--;
    }
    *word = str_skip(text, from);
    return (struct str){text.p, from > 0 ? from - 1 : 0};
}

/* order_id, item_ids, new_item_ids: the last word but one names a record. */
static bool names_record(struct str name)
{
    struct str word, rest = cut_last_word(name, &word);

    if (!str_eq(word, S("id")) && !str_eq(word, S("ids"))) {
        return false;
    }
    (void)cut_last_word(rest, &word);
    return is_record(word);
}

static void visit_found(void *with, struct str text, struct str normal)
{
    struct walk *walk = with;

    walk->visit(walk->with, walk->pointer, text, normal);
}

static void walk_value(struct walk *walk, struct cel_value value, struct str pointer,
                       unsigned depth);

static bool only_places(struct walk *walk, struct str text);

static void walk_text(struct walk *walk, struct str text, struct str pointer)
{
    if (walk->call && !cel_charge(walk->call, 1 + text.n / 8)) {
        walk->too_costly = true;
        return;
    }
    walk->pointer = pointer;
    if (!walk->alone || only_places(walk, text)) {
        finder_text(&walk->finder, text);
    }
}

static void walk_number(struct walk *walk, struct cel_value value, struct str pointer)
{
    AUTO(buf_done) struct buf digits = BUF_INIT(64);

    cel_write_json(&digits, value);
    walk->pointer = pointer;
    finder_number(&walk->finder, arena_copy(walk->finder.arena, buf_str(&digits)));
}

/* Names can be places too: {"recipients": {"eve@evil.org": "to"}}. */
static void walk_members(struct walk *walk, struct cel_value value, struct str pointer,
                         unsigned depth)
{
    size_t count = cel_size(value);
    bool no_numbers = walk->finder.no_numbers;

    for (size_t i = 0; i < count && !walk->too_costly && !walk->finder.failed; i++) {
        struct str name = cel_key_at(value, i).as.text;
        struct str at = json_pointer_member(walk->finder.arena, pointer, name);
        walk->finder.failed = at.p == NULL;
        walk->finder.no_numbers = no_numbers;
        walk_text(walk, name, at);
        walk->finder.no_numbers = names_record(name);
        walk_value(walk, cel_value_at(value, i), at, depth + 1);
    }
    walk->finder.no_numbers = false;
}

/* Items are what the member is that holds the list. */
static void walk_items(struct walk *walk, struct cel_value value, struct str pointer,
                       unsigned depth)
{
    size_t count = cel_size(value);
    bool no_numbers = walk->finder.no_numbers;

    for (size_t i = 0; i < count && !walk->too_costly && !walk->finder.failed; i++) {
        struct str at = json_pointer_index(walk->finder.arena, pointer, i);
        walk->finder.failed = at.p == NULL;
        walk->finder.no_numbers = no_numbers;
        walk_value(walk, cel_item(value, i), at, depth + 1);
    }
}

static void walk_value(struct walk *walk, struct cel_value value, struct str pointer,
                       unsigned depth)
{
    if (depth > DEPTH_MAX || (walk->call && !cel_charge(walk->call, 1))) {
        walk->too_costly = true;
    } else if (value.kind == CEL_STRING) {
        walk_text(walk, value.as.text, pointer);
    } else if (value.kind == CEL_DOUBLE || value.kind == CEL_INT || value.kind == CEL_UINT) {
        walk_number(walk, value, pointer);
    } else if (value.kind == CEL_LIST) {
        walk_items(walk, value, pointer, depth);
    } else if (value.kind == CEL_MAP) {
        walk_members(walk, value, pointer, depth);
    }
}

/* What people approve when they approve arguments -------------------------------------------------
 * A place to go to is approved where it is a value of its own, or one of a list of such. In the
 * middle of a text it is something that was talked about: who lets a message pass that warns of a
 * URL does not want it opened. */

struct blanking {
    struct str of;
    char *left; /* the same, with blanks for what was found */
};

static void blank_found(void *with, struct str text, struct str normal)
{
    struct blanking *blanking = with;

    (void)normal;
    memset(blanking->left + (text.p - blanking->of.p), ' ', text.n);
}

/* Whether nothing but places, and what separates them, is in a text. */
static bool only_places(struct walk *walk, struct str text)
{
    struct blanking blanking = {text, (char *)arena_copy(walk->finder.arena, text).p};
    struct finder finder = {.arena = walk->finder.arena,
                            .visit = blank_found,
                            .with = &blanking,
                            .max = POLICY_RECIPIENTS_FOUND_MAX,
                            .no_numbers = walk->finder.no_numbers};
    bool only;

    if (!blanking.left) {
        walk->finder.failed = true;
        return false;
    }
    finder_text(&finder, text);
    only = finder.count > 0 && !finder.failed;
    for (size_t i = 0; only && i < text.n; i++) {
        only = !isalnum((unsigned char)blanking.left[i]) && (unsigned char)blanking.left[i] < 0x80;
    }
    walk->finder.failed = walk->finder.failed || finder.failed;
    return only;
}

bool policy_recipients(struct arena *arena, const struct json *arguments,
                       policy_recipient_fn *visit, void *with)
{
    struct walk walk = {.visit = visit, .with = with, .alone = true};

    walk.finder = (struct finder){
        .arena = arena, .visit = visit_found, .with = &walk, .max = POLICY_RECIPIENTS_FOUND_MAX};
    walk_value(&walk, cel_json(arguments), S(""), 0);
    return !walk.finder.failed;
}

/* The request --------------------------------------------------------------------------------- */

struct request {
    struct str normals[REQUEST_MAX];
    size_t count;
    struct str squeezed;  /* its letters and digits alone, in lower case */
    struct str requester; /* normal form of the address of who made it; absent: none */
};

static void keep_normal(void *with, struct str text, struct str normal)
{
    struct request *request = with;

    (void)text;
    if (request->count < REQUEST_MAX) {
        request->normals[request->count++] = normal;
    }
}

static bool squeeze(struct arena *arena, struct str text, struct str *out)
{
    char *p = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; p && i < text.n; i++) {
        char c = text.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) {
            p[n++] = c;
        } else if (c >= 'A' && c <= 'Z') {
            p[n++] = (char)(c - 'A' + 'a');
        }
    }
    *out = (struct str){p, n};
    return p != NULL;
}

static bool read_request(struct arena *arena, struct str text, struct request *out)
{
    struct finder finder = {.arena = arena, .visit = keep_normal, .with = out, .max = REQUEST_MAX};

    finder_text(&finder, text);
    return squeeze(arena, text, &out->squeezed) && !finder.failed;
}

static void keep_address(void *with, struct str text, struct str normal)
{
    struct str *address = with;

    (void)text;
    *address = normal.p[0] == 'e' ? normal : *address;
}

/* Who asks may be written to: an agent that answers its own user has not been talked into
 * anything. Only an e-mail address counts, and only that very one. */
static bool read_requester(struct arena *arena, struct str requester, struct str *out)
{
    struct finder finder = {.arena = arena, .visit = keep_address, .with = out, .max = 1};

    finder_text(&finder, requester);
    if (finder.count != 1) {
        *out = STR_NONE;
    }
    return !finder.failed;
}

static struct str host_of(struct str url)
{
    size_t end = url.n && url.p[0] == '[' ? str_find(url, ']') : 0;

    while (end < url.n && !strchr("/?#:", url.p[end])) {
        end++;
    }
    return (struct str){url.p, end};
}

static struct str domain_of_email(struct str email)
{
    return str_skip(email, str_find(email, '@') + 1);
}

static struct str without_zeros(struct str digits)
{
    while (digits.n && digits.p[0] == '0') {
        digits = str_skip(digits, 1);
    }
    return digits;
}

/* Whether one number is the other with a country's in front: +49 151 2345678 and 0151 2345678. */
static bool same_number(struct str a, struct str b)
{
    struct str x = without_zeros(a), y = without_zeros(b);
    size_t n = x.n < y.n ? x.n : y.n, more = x.n + y.n - 2 * n;

    return n >= SUFFIX_MIN && more <= COUNTRY_MAX && memcmp(x.p + x.n - n, y.p + y.n - n, n) == 0;
}

/* Whether a URL of the request stands for one of the arguments: the same; or its host alone,
 * which names all below it; or the arguments name no more than a host that the request does. */
static bool same_place(struct str wanted, struct str named)
{
    struct str host = host_of(wanted), other = host_of(named);

    return str_eq(wanted, named) ||
           (str_eq(host, other) && (other.n == named.n || host.n == wanted.n));
}

static bool sourced_by(struct str normal, struct str other)
{
    struct str a = str_skip(normal, 2), b = str_skip(other, 2);

    if (normal.p[0] == 'u' && other.p[0] == 'e') {
        return str_eq(a, domain_of_email(b));
    }
    if (normal.p[0] != other.p[0]) {
        return false;
    }
    return normal.p[0] == 'n'   ? same_number(a, b)
           : normal.p[0] == 'u' ? same_place(a, b)
                                : str_eq(a, b);
}

static bool contains(struct str text, struct str part)
{
    return part.n <= text.n && memmem(text.p, text.n, part.p, part.n) != NULL;
}

static bool is_sourced(const struct request *request, struct str normal)
{
    if (request->requester.n && str_eq(request->requester, normal)) {
        return true;
    }
    if (normal.p[0] == 'n' && contains(request->squeezed, str_skip(normal, 2))) {
        return true; /* grouped in a way that no finder knows */
    }
    for (size_t i = 0; i < request->count; i++) {
        if (sourced_by(normal, request->normals[i])) {
            return true;
        }
    }
    return false;
}

/* Whom one knows ------------------------------------------------------------------------------ */

static int str_order(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

static bool is_listed(const struct policy *policy, struct str normal)
{
    return policy->recipients.count > 0 &&
           bsearch(&normal, policy->recipients.items, policy->recipients.count, sizeof(struct str),
                   str_order) != NULL;
}

/* The host, or one of the domains that it is below, is listed. */
static bool domain_is_listed(struct arena *arena, const struct policy *policy, struct str host)
{
    while (host.n > 0 && host.n <= HOST_MAX) {
        struct str normal = arena_printf(arena, "d:%.*s", STR_ARG(host));
        size_t dot = str_find(host, '.');
        if (!normal.p || is_listed(policy, normal)) {
            return normal.p != NULL;
        }
        host = str_skip(host, dot + 1);
    }
    return false;
}

static bool is_known(struct arena *arena, const struct policy_scope *scope, struct str normal)
{
    struct str bare = str_skip(normal, 2);
    struct str host = normal.p[0] == 'e'   ? domain_of_email(bare)
                      : normal.p[0] == 'u' ? host_of(bare)
                                           : STR_NONE;

    return is_listed(scope->policy, normal) || domain_is_listed(arena, scope->policy, host) ||
           (scope->is_known && scope->is_known(scope->with, normal));
}

/* The function -------------------------------------------------------------------------------- */

struct search {
    struct arena *arena;
    struct policy_scope *scope;
    const struct request *request;
    struct policy_unsourced **end;
    bool failed;
};

static void note_unsourced(struct search *search, struct str pointer, struct str text)
{
    struct policy_unsourced *row = arena_zalloc(search->arena, 1, sizeof(*row));

    if (!row) {
        search->failed = true;
        return;
    }
    *row = (struct policy_unsourced){search->scope->unsourced, pointer, text};
    search->scope->unsourced = row;
}

static void judge(void *with, struct str pointer, struct str text, struct str normal)
{
    struct search *search = with;

    if (!is_sourced(search->request, normal) && !is_known(search->arena, search->scope, normal)) {
        note_unsourced(search, pointer, text);
    }
}

struct cel_value call_unsourced(struct cel_call *call, void *with, const struct cel_value *args,
                                size_t count)
{
    struct policy_scope *scope = call->of_activation;
    struct request *request = arena_zalloc(call->arena, 1, sizeof(*request));
    struct search search = {.arena = call->arena, .scope = scope, .request = request};
    struct walk walk = {.call = call, .visit = judge, .with = &search};

    (void)with, (void)count;
    scope->unsourced = NULL;
    if (!cel_charge(call, 1 + args[1].as.text.n / 8)) {
        return cel_fail(call, "the request is too long");
    }
    if (!request || !read_request(call->arena, args[1].as.text, request) ||
        !read_requester(call->arena, scope->requester, &request->requester)) {
        return cel_fail(call, "out of memory");
    }
    walk.finder = (struct finder){.arena = call->arena,
                                  .visit = visit_found,
                                  .with = &walk,
                                  .max = POLICY_RECIPIENTS_FOUND_MAX};
    walk_value(&walk, args[0], S(""), 0);
    if (walk.too_costly || walk.finder.failed || search.failed) {
        return cel_fail(call, "the arguments are too large to be searched");
    }
    if (walk.finder.count > POLICY_RECIPIENTS_FOUND_MAX) {
        note_unsourced(&search, S(""), S("more addresses and numbers than are looked up"));
    }
    return cel_bool(scope->unsourced != NULL);
}
