/* SPDX-License-Identifier: Apache-2.0
 *
 * From YAML text to a tree with marks. A policy is read by people before it rules, so whatever
 * could look different to them than to the parser is refused: invisible and reordering characters,
 * line breaks that editors do not show, anchors, merges, tags, and keys that come twice.
 *
 * It must never decide what a word means: `off`, `no` and `1e3` stay the text that they are.
 *
 * 1. The text is well-formed UTF-8 whose only line breaks are \n and \r\n when libyaml sees it.
 * 2. Depth and number of nodes are bounded while reading, before memory is taken.
 */
#include <stdlib.h>
#include <yaml.h>

#include "policy/inner.h"

struct reader {
    struct load *load;
    struct str yaml;
    yaml_parser_t parser;
    yaml_event_t event; /* the newest */
    size_t node_count;
    size_t seen_index, seen_byte; /* where byte_at stands: characters and bytes from the start */
};

/* The text ------------------------------------------------------------------------------------- */

const char *tree_refusal(uint32_t code)
{
    if (code == '\n' || code == '\t') {
        return NULL;
    }
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) {
        return "a control character"; /* U+0085 among them: libyaml would break the line there */
    }
    if (code == 0x2028 || code == 0x2029) {
        return "a line separator that editors do not show";
    }
    if ((code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069)) {
        return "a character that reorders the text around it";
    }
    return code == 0xFEFF || code == 0xFFFE || code == 0xFFFF ? "a byte order mark or no character"
                                                              : NULL;
}

/* The bytes of `text` before the first that is not UTF-8. */
static struct str utf8_part(struct str text)
{
    size_t at = 0, n = 1;

    while (at < text.n && n <= 4) {
        for (n = 1; n <= 4; n++) {
            if (n <= text.n - at && str_is_utf8((struct str){text.p + at, n})) {
                at += n;
                break;
            }
        }
    }
    return (struct str){text.p, at};
}

/* Reports the first character that may not be in the file. */
static bool text_is_clean(struct load *load, struct str text)
{
    struct str good = str_is_utf8(text) ? text : utf8_part(text);
    struct mark mark = {1, 1};

    for (size_t at = 0; at < good.n;) {
        uint32_t code = str_next_code_point(good, &at);
        bool crlf = code == '\r' && at < good.n && good.p[at] == '\n';
        const char *why = crlf ? NULL : tree_refusal(code);
        if (why) {
            finding_error(load, mark,
                          "U+%04X is %s: write it as an escape in double quotes, or remove it",
                          (unsigned)code, why);
            return false;
        }
        mark = code == '\n' ? (struct mark){mark.line + 1, 1}
                            : (struct mark){mark.line, mark.column + 1};
    }
    if (good.n < text.n) {
        finding_error(load, mark, "the file is not UTF-8 from here on");
        return false;
    }
    return true;
}

/* Events --------------------------------------------------------------------------------------- */

static struct mark mark_of(yaml_mark_t mark)
{
    return (struct mark){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* The byte that a mark points at. libyaml counts characters, and its marks only move forward; so
 * does this, to stay linear. NUL at the end. */
static char byte_at(struct reader *r, yaml_mark_t mark)
{
    while (r->seen_index < mark.index && r->seen_byte < r->yaml.n) {
        (void)str_next_code_point(r->yaml, &r->seen_byte);
        r->seen_index++;
    }
    return r->seen_byte < r->yaml.n ? r->yaml.p[r->seen_byte] : '\0';
}

static void report_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem;

    if (p->error == YAML_MEMORY_ERROR || !problem) { /* libyaml names every other problem */
        r->load->memory_short = true;
    } else if (byte_at(r, p->problem_mark) == '\t') {
        finding_error(r->load, mark_of(p->problem_mark), "a tab cannot indent: use spaces");
    } else if (p->context && p->context_mark.line != p->problem_mark.line) {
        finding_error(r->load, mark_of(p->problem_mark),
                      "this is not YAML: %s, %s that began at %s", problem, p->context,
                      line_words(r->load, mark_of(p->context_mark)));
    } else {
        finding_error(r->load, mark_of(p->problem_mark), "this is not YAML: %s", problem);
    }
}

/* Moves to the next event; false on an error (reported). */
static bool next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event)) {
        return true;
    }
    report_syntax(r);
    return false;
}

/* Reports what may not stand before a value. The text decides, not libyaml's fields: those do not
 * tell a lone `!`. No plain or quoted value can begin with these bytes. */
static void check_prefix(struct reader *r)
{
    char byte = byte_at(r, r->event.start_mark);
    struct mark at = mark_of(r->event.start_mark);

    if (byte == '&') {
        finding_error(r->load, at, "anchors (&) are refused: write every value where it counts");
    } else if (byte == '!') {
        finding_error(r->load, at, "tags (!) are refused: the key says what its value is");
    }
}

/* Nodes ---------------------------------------------------------------------------------------- */

static struct node *node_new(struct reader *r, enum node_kind kind)
{
    struct node *node;

    if (++r->node_count > POLICY_NODES_MAX) {
        finding_error(r->load, mark_of(r->event.start_mark), "more than %d keys and values",
                      POLICY_NODES_MAX);
        return NULL;
    }
    node = arena_zalloc(r->load->scratch, 1, sizeof(*node));
    if (!node) {
        r->load->memory_short = true;
        return NULL;
    }
    node->kind = kind;
    node->at = mark_of(r->event.start_mark);
    return node;
}

static struct node *read_node(struct reader *r, unsigned depth);

static struct node *read_text(struct reader *r)
{
    struct str text = {(const char *)r->event.data.scalar.value, r->event.data.scalar.length};
    struct node *node = node_new(r, NODE_TEXT);

    if (!node) {
        return NULL;
    }
    node->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->style = node->plain ? '\0' : byte_at(r, r->event.start_mark);
    node->byte = r->seen_byte; /* check_prefix has been here */
    node->text = arena_copy(r->load->scratch, text);
    if (!node->text.p) {
        r->load->memory_short = true;
        return NULL;
    }
    if (str_find(text, '\0') < text.n) {
        finding_error(r->load, node->at, "U+0000 cannot be part of a text");
        node->kind = NODE_REFUSED;
    }
    return node;
}

static struct node *read_alias(struct reader *r)
{
    finding_error(r->load, mark_of(r->event.start_mark),
                  "aliases (*) are refused: write every value where it counts");
    return node_new(r, NODE_REFUSED);
}

static struct node *read_list(struct reader *r, unsigned depth)
{
    struct node *list = node_new(r, NODE_LIST);
    struct node **link;

    if (!list) {
        return NULL;
    }
    link = &list->first;
    while (next(r)) {
        struct node *item;
        if (r->event.type == YAML_SEQUENCE_END_EVENT) {
            return list;
        }
        item = read_node(r, depth);
        if (!item) {
            return NULL;
        }
        *link = item;
        link = &item->next;
        list->count++;
    }
    return NULL;
}

/* Whether a node can be a key; reports it if not. */
static bool is_key(struct reader *r, const struct node *key)
{
    if (key->kind == NODE_REFUSED) {
        return false;
    }
    if (key->kind != NODE_TEXT || node_is_nothing(key)) {
        finding_error(r->load, key->at, "a key is one word, followed by a colon");
        return false;
    }
    if (key->plain && str_eq(key->text, S("<<"))) {
        finding_error(r->load, key->at, "merge keys (<<) are refused: write the keys out");
        return false;
    }
    return true;
}

/* Reads `key: value`, the event standing at the key. NULL only on an error that ends the reading.
 * */
static struct node *read_entry(struct reader *r, unsigned depth)
{
    const struct node *key = read_node(r, depth);
    struct node *value;

    if (!key || !next(r)) {
        return NULL;
    }
    value = read_node(r, depth);
    if (!value) {
        return NULL;
    }
    if (!is_key(r, key)) {
        value->kind = NODE_REFUSED;
    }
    value->key = key->text.p ? key->text : S("");
    value->key_at = key->at;
    return value;
}

static int node_cmp(const void *left, const void *right)
{
    const struct node *a = *(struct node *const *)left, *b = *(struct node *const *)right;
    int order = str_cmp(a->key, b->key);

    if (order != 0) {
        return order;
    }
    if (a->key_at.line != b->key_at.line) {
        return a->key_at.line < b->key_at.line ? -1 : 1;
    }
    return a->key_at.column < b->key_at.column ? -1 : a->key_at.column > b->key_at.column;
}

bool tree_close(struct load *load, struct node *map)
{
    size_t n = 0;

    map->sorted = arena_zalloc(load->scratch, map->count + 1, sizeof(struct node *));
    if (!map->sorted) {
        load->memory_short = true;
        return false;
    }
    for (struct node *child = map->first; child; child = child->next) {
        map->sorted[n++] = child;
    }
    qsort(map->sorted, n, sizeof(struct node *), node_cmp);
    for (size_t i = 1; i < n; i++) {
        struct node *child = map->sorted[i];
        const struct node *first = map->sorted[i - 1];
        if (child->kind != NODE_REFUSED && str_eq(child->key, first->key)) {
            finding_error(load, child->key_at, "the key %s stands here a second time, after %s",
                          quoted(load, child->key), line_words(load, first->key_at));
            child->kind = NODE_REFUSED;
        }
    }
    return true;
}

static struct node *read_map(struct reader *r, unsigned depth)
{
    struct node *map = node_new(r, NODE_MAP);
    struct node **link;

    if (!map) {
        return NULL;
    }
    link = &map->first;
    while (next(r)) {
        struct node *entry;
        if (r->event.type == YAML_MAPPING_END_EVENT) {
            return tree_close(r->load, map) ? map : NULL;
        }
        entry = read_entry(r, depth);
        if (!entry) {
            return NULL;
        }
        *link = entry;
        link = &entry->next;
        map->count++;
    }
    return NULL;
}

/* Reads the node that the event begins; afterwards the event is its last one. `depth` is how many
 * more levels may follow. NULL on an error that ends the reading. */
static struct node *read_node(struct reader *r, unsigned depth)
{
    if (depth == 0) {
        finding_error(r->load, mark_of(r->event.start_mark), "nested deeper than %d levels",
                      POLICY_DEPTH_MAX);
        return NULL;
    }
    check_prefix(r);
    if (r->event.type == YAML_ALIAS_EVENT) {
        return read_alias(r);
    }
    if (r->event.type == YAML_SEQUENCE_START_EVENT) {
        return read_list(r, depth - 1);
    }
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        return read_map(r, depth - 1);
    }
    return read_text(r);
}

/* The file ------------------------------------------------------------------------------------- */

/* Reads the document that the event begins; afterwards the event is its end. */
static struct node *read_document(struct reader *r)
{
    const yaml_tag_directive_t *tags = r->event.data.document_start.tag_directives.start;
    struct node *root;

    if (tags != r->event.data.document_start.tag_directives.end) {
        finding_error(r->load, mark_of(r->event.start_mark), "tag directives (%%TAG) are refused");
    }
    root = next(r) ? read_node(r, POLICY_DEPTH_MAX) : NULL;
    return root && next(r) ? root : NULL;
}

/* Reads the documents behind the first, and joins them to it. */
static const struct node *read_parts(struct reader *r, struct node *root)
{
    struct node *parts[POLICY_INCLUDES_MAX + 1];
    size_t count = 0;

    while (next(r)) {
        if (r->event.type == YAML_STREAM_END_EVENT || count > POLICY_INCLUDES_MAX) {
            return tree_join(r->load, root, parts, count) ? root : NULL;
        }
        parts[count] = read_document(r);
        if (!parts[count]) {
            return NULL;
        }
        count++;
    }
    return NULL;
}

static const struct node *read_stream(struct reader *r)
{
    struct node *root;

    if (!next(r) || !next(r)) { /* the stream's start, the first document's */
        return NULL;
    }
    if (r->event.type == YAML_STREAM_END_EVENT) {
        finding_error(r->load, (struct mark){1, 1},
                      "the file is empty%s", r->load->policy ? ": begin it with `version: 1`" : "");
        return NULL;
    }
    root = read_document(r);
    return root && !r->load->peeks ? read_parts(r, root) : root;
}

const struct node *tree_read(struct load *load, struct str yaml)
{
    struct reader r = {.load = load};
    const struct node *root;

    if (yaml.n > POLICY_BYTES_MAX) {
        finding_error(load, (struct mark){1, 1}, "the file is larger than %zu MiB",
                      POLICY_BYTES_MAX / MIB);
        return NULL;
    }
    r.yaml = str_starts(yaml, BYTE_ORDER_MARK) ? str_skip(yaml, 3) : yaml;
    load->yaml = r.yaml;
    if (!text_is_clean(load, r.yaml)) {
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        load->memory_short = true;
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(r.yaml.p ? r.yaml.p : ""),
                                 r.yaml.n);
    root = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return root;
}

/* Looking at nodes ----------------------------------------------------------------------------- */

/* The depth is that of the tree, which tree_read bounds. */
bool node_has_refused(const struct node *node)
{
    for (const struct node *child = node->first; child; child = child->next) {
        if (node_has_refused(child)) {
            return true;
        }
    }
    return node->kind == NODE_REFUSED;
}

const struct node *node_find(const struct node *map, struct str key)
{
    size_t low = 0, count = map && map->kind == NODE_MAP ? map->count : 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(map->sorted[middle]->key, key) < 0) {
            low = middle + 1;
        } else {
            high =
                middle; /* so that of equal keys the first is found, which is the one that counts */
        }
    }
    return low < count && str_eq(map->sorted[low]->key, key) ? map->sorted[low] : NULL;
}

/* The place of a byte of a text that stands in one line as it is, but for the quotes around it. */
static struct mark place_in_line(const struct load *load, const struct node *node, size_t offset)
{
    size_t from = node->byte + (node->style ? 1 : 0);
    struct str head = {node->text.p, offset};
    struct mark at = {node->at.line, node->at.column + (node->style ? 1 : 0)};

    if (from + offset > load->yaml.n || memcmp(load->yaml.p + from, head.p, offset) != 0) {
        return node->at; /* escapes and folded lines in between */
    }
    for (size_t i = 0; i < offset; at.column++) {
        (void)str_next_code_point(head, &i);
    }
    return at;
}

/* How far the lines of a literal block are indented: as its first line that is not empty. `rest`
 * begins behind the line of the `|`. */
static unsigned block_indent(struct str rest)
{
    while (rest.p) {
        struct str line = str_split(&rest, '\n');
        unsigned indent = 0;
        while (indent < line.n && line.p[indent] == ' ') {
            indent++;
        }
        if (indent < line.n && line.p[indent] != '\r') {
            return indent;
        }
    }
    return 0;
}

/* The place of a byte of a literal block: its lines stand below the `|`. */
static struct mark place_in_block(const struct load *load, const struct node *node, size_t offset)
{
    struct str rest = str_skip(load->yaml, node->byte);
    struct mark at = {node->at.line + 1, 1};
    size_t line_start = 0;

    (void)str_split(&rest, '\n');
    for (size_t i = 0; i < offset; i++) {
        if (node->text.p[i] == '\n') {
            at.line++;
            line_start = i + 1;
        }
    }
    at.column += block_indent(rest);
    for (size_t i = line_start; i < offset; at.column++) {
        (void)str_next_code_point(node->text, &i);
    }
    return at;
}

struct mark node_place(const struct load *load, const struct node *node, size_t offset)
{
    size_t end = offset < node->text.n ? offset : node->text.n;

    if (node->kind != NODE_TEXT) {
        return node->at;
    }
    return node->style == '|' ? place_in_block(load, node, end) : place_in_line(load, node, end);
}

bool node_is_nothing(const struct node *node)
{
    return node->kind == NODE_TEXT && node->plain &&
           (node->text.n == 0 || str_eq(node->text, S("~")) || str_eq(node->text, S("null")));
}

bool node_is_empty(const struct node *node)
{
    return node_is_nothing(node) ||
           ((node->kind == NODE_LIST || node->kind == NODE_MAP) && node->count == 0);
}
