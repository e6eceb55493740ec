/* SPDX-License-Identifier: Apache-2.0
 *
 * mentions(text, lexicon): whether a text holds one of a list of words, whatever their case, their
 * punctuation and the kind of white space between them.
 *
 * Text and words are folded the same way: Unicode case folding and compatibility forms (NFKC),
 * then every run of what is neither letter, mark nor digit becomes one space; invisible characters
 * vanish; a character of a script without spaces is a word of its own. Both begin and end with a
 * space, so that only whole words match. All words of a lexicon are then looked for at once
 * (Aho-Corasick).
 *
 * 1. The time is linear in the text, whatever the words.
 */
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>

#include "base/panic.h"
#include "policy/inner.h"

/* A node of the automaton: the words' bytes as a tree. Node 0 is the root, node 1 the space that
 * every word begins with. */
struct lexicon_node {
    uint32_t child, sibling; /* 0: none */
    uint32_t fail;           /* the longest proper suffix that is in the tree too */
    uint8_t byte;
    bool word; /* a word ends here, or at one of the suffixes */
};

struct lexicon {
    const struct lexicon_node *nodes;
    uint32_t starts[256]; /* the children of node 1, of which there may be many */
};

#define ROOT  0u
#define SPACE 1u

/* Folding -------------------------------------------------------------------------------------- */

enum letter { LETTER_PART, LETTER_ALONE, LETTER_GAP, LETTER_NOTHING };

/* Scripts that are written without spaces. */
static bool stands_alone(uint32_t code)
{
    return (code >= 0x0E00 && code < 0x0F00) || /* Thai, Lao */
           (code >= 0x1780 && code < 0x1800) || /* Khmer */
           (code >= 0x3040 && code < 0x3100) || /* kana */
           (code >= 0x3400 && code < 0xA000) || /* ideographs */
           (code >= 0xF900 && code < 0xFB00) || (code >= 0x20000 && code < 0x40000);
}

static enum letter letter_of(uint32_t code)
{
    if (code < 0x80) {
        bool part = (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z');
        return part ? LETTER_PART : LETTER_GAP;
    }
    if (stands_alone(code)) {
        return LETTER_ALONE;
    }
    if (uc_is_general_category_withtable(code, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                   UC_CATEGORY_MASK_N)) {
        return LETTER_PART;
    }
    return uc_is_general_category_withtable(code, UC_CATEGORY_MASK_Cf) ? LETTER_NOTHING
                                                                       : LETTER_GAP;
}

static void add_gap(struct buf *out)
{
    if (out->n == 0 || out->p[out->n - 1] != ' ') {
        buf_add_char(out, ' ');
    }
}

/* `text` is case folded. */
static void add_words(struct buf *out, struct str text)
{
    add_gap(out);
    for (size_t at = 0; at < text.n && buf_ok(out);) {
        size_t from = at;
        enum letter letter = letter_of(str_next_code_point(text, &at));
        if (letter == LETTER_GAP || letter == LETTER_ALONE) {
            add_gap(out);
        }
        if (letter == LETTER_PART || letter == LETTER_ALONE) {
            buf_add(out, (struct str){text.p + from, at - from});
        }
        if (letter == LETTER_ALONE) {
            add_gap(out);
        }
    }
    if (buf_ok(out)) {
        add_gap(out);
    }
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static void fold_ascii(struct buf *out, struct str text)
{
    add_gap(out);
    if (!buf_reserve(out, text.n + 1)) {
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (letter_of((unsigned char)c) == LETTER_PART) {
            buf_add_char(out, c);
        } else {
            add_gap(out);
        }
    }
    add_gap(out);
}

static void free_text(uint8_t **text)
{
    free(*text);
}

/* The folded form; the buffer is broken when memory is short. */
static void fold(struct buf *out, struct str text)
{
    AUTO(free_text) uint8_t *folded = NULL;
    size_t n = 0;

    if (is_ascii(text)) {
        fold_ascii(out, text);
        return;
    }
    folded = u8_casefold((const uint8_t *)text.p, text.n, NULL, UNINORM_NFKC, NULL, &n);
    if (folded) {
        add_words(out, (struct str){(const char *)folded, n});
    } else {
        buf_done(out);
        out->broken = true;
    }
}

/* Building ------------------------------------------------------------------------------------- */

struct builder {
    struct lexicon_node *nodes;
    uint32_t count;
};

static uint32_t find_child(const struct lexicon_node *nodes, uint32_t node, uint8_t byte)
{
    uint32_t child = nodes[node].child;

    while (child && nodes[child].byte != byte) {
        child = nodes[child].sibling;
    }
    return child;
}

static void add_word(struct builder *b, struct str word)
{
    uint32_t node = ROOT;

    for (size_t i = 0; i < word.n; i++) {
        uint8_t byte = (uint8_t)word.p[i];
        uint32_t child = find_child(b->nodes, node, byte);
        if (!child) {
            child = b->count++;
            b->nodes[child] = (struct lexicon_node){.sibling = b->nodes[node].child, .byte = byte};
            b->nodes[node].child = child;
        }
        node = child;
    }
    b->nodes[node].word = true;
}

/* The node that `byte` leads to from `node` or from the longest of its suffixes that has such a
 * child. */
static uint32_t follow(const struct lexicon_node *nodes, uint32_t node, uint8_t byte)
{
    uint32_t child = find_child(nodes, node, byte);

    while (!child && node != ROOT) {
        node = nodes[node].fail;
        child = find_child(nodes, node, byte);
    }
    return child;
}

/* Breadth first, so that a node's suffixes are done before it. `order` has room for all nodes. */
static void link_suffixes(struct builder *b, uint32_t *order)
{
    uint32_t done = 0, known = 1;

    order[0] = ROOT;
    while (done < known) {
        uint32_t node = order[done++];
        for (uint32_t child = b->nodes[node].child; child; child = b->nodes[child].sibling) {
            struct lexicon_node *row = &b->nodes[child];
            row->fail = node == ROOT ? ROOT : follow(b->nodes, b->nodes[node].fail, row->byte);
            row->word = row->word || b->nodes[row->fail].word;
            order[known++] = child;
        }
    }
}

/* Folds all words into one text, one behind the other, each with its length in `lengths`. */
static void fold_words(struct load *load, struct policy_list words, struct mark at, struct buf *all,
                       size_t *lengths)
{
    AUTO(buf_done) struct buf one = BUF_INIT(64 * KIB);

    for (size_t i = 0; i < words.count; i++) {
        buf_reset(&one);
        fold(&one, words.items[i]);
        lengths[i] = one.n;
        if (buf_ok(&one) && one.n < 2) {
            finding_error(load, at, "%s has no letter and no digit: nothing could mention it",
                          quoted(load, words.items[i]));
        }
        load->memory_short |= !buf_ok(&one);
        buf_add(all, buf_str(&one));
    }
}

static const struct lexicon *build(struct load *load, struct str all, const size_t *lengths,
                                   size_t count)
{
    struct lexicon *lexicon = arena_zalloc(load->arena, 1, sizeof(*lexicon));
    struct builder b = {arena_zalloc(load->arena, all.n + 2, sizeof(*b.nodes)), 2};
    uint32_t *order = arena_zalloc(load->scratch, all.n + 2, sizeof(*order));

    if (!lexicon || !b.nodes || !order) {
        load->memory_short = true;
        return NULL;
    }
    b.nodes[ROOT].child = SPACE;
    b.nodes[SPACE].byte = ' ';
    for (size_t i = 0, from = 0; i < count; from += lengths[i++]) {
        if (lengths[i] >= 2) {
            add_word(&b, (struct str){all.p + from, lengths[i]});
        }
    }
    link_suffixes(&b, order);
    for (uint32_t child = b.nodes[SPACE].child; child; child = b.nodes[child].sibling) {
        lexicon->starts[b.nodes[child].byte] = child;
    }
    lexicon->nodes = b.nodes;
    return lexicon;
}

const struct lexicon *lexicon_new(struct load *load, struct policy_list words, struct mark at,
                                  size_t *bytes)
{
    AUTO(buf_done) struct buf all = BUF_INIT(2 * POLICY_LEXICON_BYTES_MAX);
    size_t *lengths = arena_zalloc(load->scratch, words.count + 1, sizeof(*lengths));

    if (!lengths) {
        load->memory_short = true;
        return NULL;
    }
    fold_words(load, words, at, &all, lengths);
    *bytes += buf_ok(&all) ? all.n : 2 * POLICY_LEXICON_BYTES_MAX;
    if (*bytes > POLICY_LEXICON_BYTES_MAX || load->memory_short) {
        return NULL;
    }
    return build(load, buf_str(&all), lengths, words.count);
}

/* Searching ------------------------------------------------------------------------------------ */

/* One step of the automaton. */
static uint32_t step(const struct lexicon *lexicon, uint32_t node, uint8_t byte)
{
    const struct lexicon_node *nodes = lexicon->nodes;

    for (;;) {
        uint32_t child = node == SPACE ? lexicon->starts[byte] : find_child(nodes, node, byte);
        if (child || node == ROOT) {
            return child;
        }
        node = nodes[node].fail;
    }
}

static bool search(const struct lexicon *lexicon, struct str folded)
{
    uint32_t node = ROOT;

    for (size_t i = 0; i < folded.n; i++) {
        node = step(lexicon, node, (uint8_t)folded.p[i]);
        if (lexicon->nodes[node].word) {
            return true;
        }
    }
    return false;
}

static bool fold_copy(struct arena *arena, struct str text, struct str *out)
{
    AUTO(buf_done) struct buf folded = BUF_INIT(32 * MIB);

    fold(&folded, text);
    *out = arena_copy(arena, buf_str(&folded));
    return out->p != NULL;
}

bool policy_mentions(struct arena *arena, const struct policy_lexicon *lexicon, struct str text,
                     bool *out)
{
    struct str folded;

    if (!fold_copy(arena, text, &folded)) {
        return false;
    }
    *out = search(lexicon->matcher, folded);
    return true;
}

struct cel_value call_mentions(struct cel_call *call, void *with, const struct cel_value *args,
                               size_t count)
{
    struct policy_scope *scope = call->of_activation;
    const struct policy_lexicon *lexicon = policy_lexicon(with, args[1].as.text);
    struct str text = args[0].as.text;

    (void)count;
    if (!lexicon) {
        return cel_fail(call, "there is no lexicon %.*s", STR_ARG(args[1].as.text));
    }
    if (!cel_charge(call, 1 + text.n / 16)) {
        return cel_fail(call, "the text is too long");
    }
    if (scope->folded_of.p != text.p || scope->folded_of.n != text.n || !scope->folded.p) {
        if (!fold_copy(call->arena, text, &scope->folded)) {
            return cel_fail(call, "out of memory");
        }
        scope->folded_of = text; /* often the next rule asks about the same text */
    }
    return cel_bool(search(lexicon->matcher, scope->folded));
}
