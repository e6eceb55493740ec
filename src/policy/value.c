/* SPDX-License-Identifier: Apache-2.0
 *
 * The readers of single values and of lists: from a node of the tree to a member of a struct. The
 * key says what is wanted, so `off`, `no` and `123` are names where a name is wanted, and only
 * `true` and `false` without quotes are truth values.
 *
 * A reader that meets something else reports it where it stands and leaves its target alone; the
 * load fails in the end, so a half-read struct is never seen.
 */
#include <stdlib.h>

#include "policy/inner.h"

/* Where the value goes. */
static void *target(const struct key *key, void *into)
{
    return (char *)into + key->offset;
}

struct str value_keep(struct load *load, struct str text)
{
    struct str copy = arena_copy(load->arena, text);

    load->memory_short |= text.p && !copy.p;
    return copy;
}

static size_t characters(struct str text)
{
    size_t n = 0;

    for (size_t at = 0; at < text.n; n++) {
        (void)str_next_code_point(text, &at);
    }
    return n;
}

/* The text of a value that is neither missing nor a list or map; absent when reported (or
 * refused). */
static struct str text_of(struct load *load, const struct node *value, const struct key *key,
                          const char *wanted)
{
    if (value->kind == NODE_REFUSED) {
        return STR_NONE;
    }
    if (value->kind != NODE_TEXT || node_is_nothing(value)) {
        finding_error(load, value->at, "%s wants %s, not %s", key->name, wanted,
                      value->kind == NODE_LIST  ? "a list"
                      : value->kind == NODE_MAP ? "a map"
                                                : "nothing");
        return STR_NONE;
    }
    return value->text;
}

/* Whether the value is a list (nothing is the empty one) of at most `max` items. */
bool value_is_list(struct load *load, const struct node *value, const struct key *key, size_t max)
{
    if (value->kind == NODE_REFUSED) {
        return false;
    }
    if (value->kind != NODE_LIST && !node_is_nothing(value)) {
        finding_error(load, value->at, "%s wants a list, such as [one, two]", key->name);
        return false;
    }
    if (value->count > max) {
        finding_error(load, value->at, "%s has more than %zu items", key->name, max);
        return false;
    }
    return true;
}

/* Choices -------------------------------------------------------------------------------------- */

/* "allow, earn, review, block": what is accepted. */
static struct str choice_names(struct load *load, const struct choice *choices)
{
    AUTO(buf_done) struct buf out = BUF_INIT(4 * KIB);
    struct str copy;

    for (const struct choice *row = choices; row->name; row++) {
        if (!row->refusal) {
            buf_add(&out, out.n ? S(", ") : S(""));
            buf_add(&out, str_of(row->name));
        }
    }
    copy = arena_copy(load->scratch, buf_str(&out));
    return copy.p ? copy : S("?");
}

/* The row of a word; NULL when reported. */
static const struct choice *choice_of(struct load *load, const struct node *value,
                                      const struct key *key)
{
    struct str text = text_of(load, value, key, "one word");
    struct nearest nearest = {.wanted = text};

    if (!text.p) {
        return NULL;
    }
    for (const struct choice *row = key->choices; row->name; row++) {
        if (!str_eq(text, str_of(row->name))) {
            nearest_offer(load, &nearest, row->refusal ? STR_NONE : str_of(row->name));
            continue;
        }
        if (row->refusal) {
            finding_error(load, value->at, "%s", row->refusal);
        }
        return row->refusal ? NULL : row;
    }
    finding_error(load, value->at, "%s is not a value of %s (%.*s)%s", quoted(load, text),
                  key->name, STR_ARG(choice_names(load, key->choices)),
                  nearest_hint(load, &nearest));
    return NULL;
}

/* Enums and sets are stored as unsigned; that they are the same is asserted in keys.c. */
void value_choice(struct load *load, const struct node *value, const struct key *key, void *into)
{
    const struct choice *row = choice_of(load, value, key);

    if (row) {
        *(unsigned *)target(key, into) = row->value;
    }
}

/* A list of words into a set of bits: each row's value is its bit. `min` words at least. */
void value_choices(struct load *load, const struct node *value, const struct key *key, void *into)
{
    unsigned set = 0;

    if (!value_is_list(load, value, key, POLICY_MEMBERS_MAX)) {
        return;
    }
    if (value->count < (size_t)key->min) {
        finding_error(load, value->at, "%s needs at least one of %.*s", key->name,
                      STR_ARG(choice_names(load, key->choices)));
    }
    for (const struct node *item = value->first; item; item = item->next) {
        const struct choice *row = choice_of(load, item, key);
        if (row && (set & row->value)) {
            finding_warning(load, item->at, "%s stands twice in %s", quoted(load, item->text),
                            key->name);
        }
        set |= row ? row->value : 0;
    }
    *(unsigned *)target(key, into) = set;
}

/* Truth, numbers, times ------------------------------------------------------------------------ */

void value_bool(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str text = text_of(load, value, key, "true or false");
    bool yes = str_eq(text, S("true"));

    if (!text.p) {
        return;
    }
    if (!value->plain || (!yes && !str_eq(text, S("false")))) {
        finding_error(load, value->at, "%s wants true or false, without quotes", key->name);
        return;
    }
    *(enum json_bool *)target(key, into) = yes ? JSON_YES : JSON_NO;
}

void value_int(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str text = text_of(load, value, key, "a whole number");
    uint64_t number;

    if (!text.p) {
        return;
    }
    bool padded = text.n > 1 && text.p[0] == '0'; /* 010 is 8 to some readers of YAML */
    if (!value->plain || padded || !str_to_u64(text, &number) || number > INT64_MAX ||
        (int64_t)number < key->min || (int64_t)number > key->max) {
        finding_error(load, value->at, "%s wants a whole number from %lld to %lld", key->name,
                      (long long)key->min, (long long)key->max);
        return;
    }
    *(int64_t *)target(key, into) = (int64_t)number;
}

void value_duration(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str text = text_of(load, value, key, "a duration such as 15m");
    int64_t us;

    if (!text.p) {
        return;
    }
    if (!duration_parse(text, &us)) {
        finding_error(
            load, value->at,
            "%s is not a duration: digits and one of s, m, h, d, w, at most 3650d, such as 15m",
            quoted(load, text));
        return;
    }
    if (us < key->min) {
        finding_error(load, value->at, "%s must be at least %llds", key->name,
                      (long long)(key->min / SECOND_US));
        return;
    }
    *(int64_t *)target(key, into) = us;
}

/* A decimal number that is not negative, in millionths. */
void value_decimal(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str text = text_of(load, value, key, "a number such as 5000 or 49.95");
    size_t point = str_find(text, '.');
    int64_t micros;

    if (!text.p) {
        return;
    }
    if (!value->plain || !canonical_is_number(load, text) || text.n - point > 7 ||
        !policy_micros(text, &micros)) {
        finding_error(
            load, value->at,
            "%s wants a number from 0 to 9000000000000 with at most six decimals, such as "
            "5000 or 49.95",
            key->name);
        return;
    }
    *(int64_t *)target(key, into) = micros;
}

/* Expressions ---------------------------------------------------------------------------------- */

/* The key's max says what the expression must give (enum cel_want), its min whether it is evaluated
 * before the committer has counted anything. It is compiled when the whole file was read. */
void value_expr(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str text = text_of(load, value, key, "an expression, in quotes");
    struct pending_expr *pending;
    struct policy_expr *expr = target(key, into);

    if (!text.p) {
        return;
    }
    if (text.n == 0 || text.n > POLICY_EXPRESSION_MAX) {
        finding_error(load, value->at, "%s wants an expression of 1 to %zu bytes", key->name,
                      POLICY_EXPRESSION_MAX);
        return;
    }
    load->expr_bytes += text.n;
    if (load->expr_bytes > POLICY_EXPRESSIONS_MAX) {
        finding_error(load, value->at, "all expressions together have at most %zu KiB",
                      POLICY_EXPRESSIONS_MAX / KIB);
        return;
    }
    pending = arena_zalloc(load->scratch, 1, sizeof(*pending));
    if (!pending) {
        load->memory_short = true;
        return;
    }
    expr->text = value_keep(load, text);
    *pending = (struct pending_expr){load->exprs,  expr, value, key->name, (enum cel_want)key->max,
                                     key->min != 0};
    load->exprs = pending;
}

/* Names ---------------------------------------------------------------------------------------- */

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool value_is_word(struct str name, size_t max_bytes)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!is_lower_or_digit(c) && c != '.' && c != '_' && c != '/' && c != '-') {
            return false;
        }
    }
    return name.n > 0 && name.n <= max_bytes;
}

/* People and agents: also capitals, @ and letters beyond ASCII; never a colon, which marks a role.
 * */
static bool is_person(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool mark = c == '.' || c == '_' || c == '-' || c == '@';
        if (!is_lower_or_digit(name.p[i]) && !(c >= 'A' && c <= 'Z') && !mark && c < 0x80) {
            return false;
        }
    }
    return name.n > 0 && name.n <= POLICY_WORD_MAX;
}

/* A word that is well formed; absent when reported. */
static struct str word_of(struct load *load, const struct node *value, const struct key *key)
{
    struct str text = text_of(load, value, key, "one word");

    if (text.p && !value_is_word(text, POLICY_WORD_MAX)) {
        finding_error(load, value->at, "%s is not a name: 1 to %d characters of a-z 0-9 . _ / -",
                      quoted(load, text), POLICY_WORD_MAX);
        return STR_NONE;
    }
    return text;
}

void value_word(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str word = word_of(load, value, key);

    if (word.p) {
        *(struct str *)target(key, into) = value_keep(load, word);
    }
}

void value_queue(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str word = word_of(load, value, key);
    struct reference *reference;

    if (!word.p) {
        return;
    }
    reference = arena_zalloc(load->scratch, 1, sizeof(*reference));
    if (!reference) {
        load->memory_short = true;
        return;
    }
    word = value_keep(load, word);
    *reference = (struct reference){load->references, word, value->at};
    load->references = reference;
    *(struct str *)target(key, into) = word;
}

static struct str person_of(struct load *load, const struct node *value, const struct key *key)
{
    struct str text = text_of(load, value, key, "a name");

    if (text.p && !is_person(text)) {
        finding_error(load, value->at,
                      "%s is not a name: 1 to %d bytes of letters, digits and . _ - @",
                      quoted(load, text), POLICY_WORD_MAX);
        return STR_NONE;
    }
    return text;
}

void value_person(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str name = person_of(load, value, key);

    if (name.p) {
        *(struct str *)target(key, into) = value_keep(load, name);
    }
}

struct str value_person_name(struct load *load, const struct node *child)
{
    if (child->kind != NODE_REFUSED && !is_person(child->key)) {
        finding_error(load, child->key_at,
                      "%s cannot name an agent: 1 to %d bytes of letters, digits and . _ - @",
                      quoted(load, child->key), POLICY_WORD_MAX);
    }
    return value_keep(load, child->key);
}

/* Lists ---------------------------------------------------------------------------------------- */

/* Room for the items of a list in the policy's arena; NULL when memory is short. */
static struct str *list_room(struct load *load, const struct node *list)
{
    struct str *items = arena_zalloc(load->arena, list->count + 1, sizeof(*items));

    load->memory_short |= items == NULL;
    return items;
}

void value_words(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str *items;
    size_t n = 0;

    if (!value_is_list(load, value, key, (size_t)key->max) || !(items = list_room(load, value))) {
        return;
    }
    for (const struct node *item = value->first; item; item = item->next) {
        struct str word = word_of(load, item, key);
        items[n++] = value_keep(load, word);
    }
    *(struct policy_list *)target(key, into) = (struct policy_list){items, n};
}

/* Adds the role of a member "role:R". */
static void member_role(struct load *load, const struct node *item, unsigned *roles)
{
    struct str name = str_skip(item->text, sizeof("role:") - 1);
    struct nearest nearest = {.wanted = name};
    int role = role_of_name(name);

    if (role >= 0) {
        *roles |= ROLE_BIT((unsigned)role);
        return;
    }
    for (int i = 0; i < ROLE_COUNT; i++) {
        nearest_offer(load, &nearest, str_of(role_name((enum role)i)));
    }
    finding_error(load, item->at, "there is no role %s%s", quoted(load, name),
                  nearest_hint(load, &nearest));
}

static int str_order(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

/* People by name, and role:R for all people of a role. `into` is the queue. */
void value_members(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct policy_queue *queue = into;
    struct str *people;
    size_t n = 0;

    if (!value_is_list(load, value, key, POLICY_MEMBERS_MAX) ||
        !(people = list_room(load, value))) {
        return;
    }
    for (const struct node *item = value->first; item; item = item->next) {
        struct str name;
        if (item->kind == NODE_TEXT && str_starts(item->text, S("role:"))) {
            member_role(load, item, &queue->roles);
            continue;
        }
        name = person_of(load, item, key);
        if (name.p) {
            people[n++] = value_keep(load, name);
        }
    }
    qsort(people, n, sizeof(*people), str_order); /* policy_queue_has searches by halves */
    queue->people = (struct policy_list){people, n};
}

/* Texts ---------------------------------------------------------------------------------------- */

/* A text of 1 to key->max characters; absent when reported. */
static struct str bounded_text(struct load *load, const struct node *value, const struct key *key)
{
    struct str text = text_of(load, value, key, "a text");

    if (text.p && (text.n == 0 || characters(text) > (size_t)key->max)) {
        finding_error(load, value->at, "%s wants 1 to %lld characters", key->name,
                      (long long)key->max);
        return STR_NONE;
    }
    return text;
}

void value_text(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str text = bounded_text(load, value, key);

    if (text.p) {
        *(struct str *)target(key, into) = value_keep(load, text);
    }
}

/* Whether every brace belongs to a hole {member} with a name in it. */
static bool holes_are_good(struct str title)
{
    while (title.n > 0) {
        size_t open = str_find(title, '{');
        struct str hole = str_skip(title, open + 1);
        size_t close = str_find(hole, '}');
        if (str_find((struct str){title.p, open}, '}') < open) {
            return false;
        }
        if (open == title.n) {
            return true;
        }
        if (close == hole.n || close == 0 || close > POLICY_HOLE_MAX ||
            str_find(hole, '{') < close) {
            return false;
        }
        title = str_skip(hole, close + 1);
    }
    return true;
}

void value_title(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str title = bounded_text(load, value, key);

    if (!title.p) {
        return;
    }
    if (!holes_are_good(title)) {
        finding_error(load, value->at,
                      "every { of a title begins a hole such as {amount}, the name of an "
                      "argument, and ends with }");
        return;
    }
    *(struct str *)target(key, into) = value_keep(load, title);
}

/*= RFC 6901 3: json-pointer = *( "/" reference-token ); "~" only as "~0" or "~1" */
static bool is_pointer(struct str text)
{
    if (text.n > POLICY_POINTER_MAX || (text.n > 0 && text.p[0] != '/')) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        bool escape = i + 1 < text.n && (text.p[i + 1] == '0' || text.p[i + 1] == '1');
        if (text.p[i] == '~' && !escape) {
            return false;
        }
    }
    return true;
}

void value_pointers(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct str *items;
    size_t n = 0;

    if (!value_is_list(load, value, key, POLICY_CRITICAL_MAX) ||
        !(items = list_room(load, value))) {
        return;
    }
    for (const struct node *item = value->first; item; item = item->next) {
        struct str text = text_of(load, item, key, "a JSON pointer such as /amount");
        if (text.p && !is_pointer(text)) {
            finding_error(load, item->at, "%s is not a JSON pointer (RFC 6901), such as /amount",
                          quoted(load, text));
        }
        items[n++] = value_keep(load, text);
    }
    *(struct policy_list *)target(key, into) = (struct policy_list){items, n};
}
