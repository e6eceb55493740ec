/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes a tree of an expression: operators by precedence, members, calls, literals. Operators
 * become calls of functions named as in the specification ("_+_"), except && and ||, which take any
 * number of operands so that long chains stay flat, and ?:. Macros are expanded as soon as their
 * call is read.
 */
#include "cel/lex.h"

struct parser {
    struct compiler *compiler;
    struct lexer lexer;
    struct token token; /* the next one */
    uint32_t end;       /* of the one before */
};

struct nodes {
    struct node **items;
    size_t count, room;
};

static struct node *parse_expression(struct parser *parser, unsigned depth);

static const struct str reserved[] = {
    STR("as"),   STR("break"),    STR("const"),     STR("continue"), STR("else"),   STR("false"),
    STR("for"),  STR("function"), STR("if"),        STR("import"),   STR("in"),     STR("let"),
    STR("loop"), STR("package"),  STR("namespace"), STR("null"),     STR("return"), STR("true"),
    STR("var"),  STR("void"),     STR("while"),
};

/* Nodes ---------------------------------------------------------------------------------------- */

static uint8_t depth_below(struct node *const *args, size_t count)
{
    uint8_t depth = 0;

    for (size_t i = 0; i < count; i++) {
        depth = args[i] && args[i]->depth > depth ? args[i]->depth : depth;
    }
    return (uint8_t)(depth + 1);
}

struct node *cel_node_new(struct compiler *compiler, enum node_kind kind, uint32_t at,
                          struct node *const *args, size_t count)
{
    struct node *node = arena_zalloc(compiler->arena, 1, sizeof(*node));
    struct node **copies = arena_zalloc(compiler->arena, count ? count : 1, sizeof(*copies));

    if (!node || !copies) {
        compiler->full = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        copies[i] = args[i];
    }
    *node = (struct node){.kind = (uint8_t)kind,
                          .depth = depth_below(args, count),
                          .at = at,
                          .start = at,
                          .end = at,
                          .count = (uint32_t)count,
                          .args = copies,
                          .type = cel_type(CEL_T_DYN)};
    if (node->depth > CEL_DEPTH_MAX || ++compiler->node_count > CEL_NODES_MAX) {
        cel_compiler_found(compiler, at,
                           node->depth > CEL_DEPTH_MAX ? "nested too deeply; at most %u are allowed"
                                                       : "too long; at most %u parts are allowed",
                           node->depth > CEL_DEPTH_MAX ? CEL_DEPTH_MAX : CEL_NODES_MAX);
        return NULL;
    }
    return node;
}

static bool nodes_add(struct parser *parser, struct nodes *nodes, struct node *node)
{
    if (nodes->count == nodes->room) {
        size_t room = nodes->room ? nodes->room * 2 : 8;
        struct node **items = arena_zalloc(parser->compiler->arena, room, sizeof(*items));
        if (!items) {
            parser->compiler->full = true;
            return false;
        }
        for (size_t i = 0; i < nodes->count; i++) {
            items[i] = nodes->items[i];
        }
        nodes->items = items;
        nodes->room = room;
    }
    nodes->items[nodes->count++] = node;
    return true;
}

/* The node covers the text from `start` to what was read last. */
static struct node *spanned(struct parser *parser, struct node *node, uint32_t start)
{
    if (node) {
        node->start = start;
        node->end = parser->end;
    }
    return node;
}

static struct node *call_node(struct parser *parser, struct str name, uint32_t at,
                              struct node *const *args, size_t count)
{
    struct node *node = cel_node_new(parser->compiler, NODE_CALL, at, args, count);

    if (node) {
        node->name = name;
    }
    return node;
}

/* Tokens --------------------------------------------------------------------------------------- */

static void advance(struct parser *parser)
{
    parser->end = parser->token.end;
    parser->token = cel_lex_next(&parser->lexer, false);
}

static bool at_sign(const struct parser *parser, struct str sign)
{
    return parser->token.kind == TOKEN_SIGN && str_eq(parser->token.text, sign);
}

static bool at_name(const struct parser *parser, struct str name)
{
    return parser->token.kind == TOKEN_NAME && str_eq(parser->token.text, name);
}

static bool accept(struct parser *parser, struct str sign)
{
    if (!at_sign(parser, sign)) {
        return false;
    }
    advance(parser);
    return true;
}

/* Complains about the token that is there; NULL. */
static struct node *unexpected(struct parser *parser, const char *wanted)
{
    static const struct {
        struct str word, instead;
    } words[] = {{STR("and"), STR("&&")}, {STR("AND"), STR("&&")}, {STR("or"), STR("||")},
                 {STR("OR"), STR("||")},  {STR("is"), STR("==")},  {STR("not"), STR("!")}};
    const struct token *token = &parser->token;
    struct str suggestion = STR_NONE;

    if (token->kind == TOKEN_BAD) {
        return NULL;
    }
    if (token->kind == TOKEN_END) {
        cel_compiler_found(parser->compiler, token->start, "the expression ends where %s is wanted",
                           wanted);
        return NULL;
    }
    for (size_t i = 0; i < COUNT_OF(words) && token->kind == TOKEN_NAME; i++) {
        suggestion = str_eq(token->text, words[i].word) ? words[i].instead : suggestion;
    }
    cel_compiler_found_near(parser->compiler, token->start, suggestion,
                            "%.*s stands where %s is wanted", (int)(token->end - token->start),
                            parser->lexer.text.p + token->start, wanted);
    return NULL;
}

static bool expect(struct parser *parser, struct str sign, const char *wanted)
{
    if (!at_sign(parser, sign)) {
        (void)unexpected(parser, wanted);
        return false;
    }
    advance(parser);
    return true;
}

/* Lists and maps ------------------------------------------------------------------------------- */

/* Reads items up to `close`, which is taken. An item may begin with ? where that is allowed. */
static bool parse_items(struct parser *parser, struct str close, bool optional, bool trailing,
                        struct nodes *nodes, unsigned depth)
{
    while (!at_sign(parser, close)) {
        bool maybe = optional && accept(parser, S("?"));
        struct node *item = parse_expression(parser, depth);
        if (!item || !nodes_add(parser, nodes, item)) {
            return false;
        }
        item->flags |= maybe ? NODE_F_OPTIONAL : 0;
        if (!at_sign(parser, S(","))) {
            break;
        }
        advance(parser);
        if (!trailing && at_sign(parser, close)) {
            break;
        }
    }
    return expect(parser, close, str_eq(close, S(")")) ? ", or )" : ", or ]");
}

static struct node *parse_list(struct parser *parser, unsigned depth)
{
    uint32_t start = parser->token.start;
    struct nodes nodes = {NULL, 0, 0};

    advance(parser);
    if (!parse_items(parser, S("]"), true, true, &nodes, depth)) {
        return NULL;
    }
    return spanned(
        parser, cel_node_new(parser->compiler, NODE_LIST, start, nodes.items, nodes.count), start);
}

static bool parse_entry(struct parser *parser, struct nodes *nodes, unsigned depth)
{
    bool maybe = accept(parser, S("?"));
    struct node *key = parse_expression(parser, depth), *value;

    if (!key || !expect(parser, S(":"), "a : and the value of this key")) {
        return false;
    }
    key->flags |= maybe ? NODE_F_OPTIONAL : 0;
    value = parse_expression(parser, depth);
    return value && nodes_add(parser, nodes, key) && nodes_add(parser, nodes, value);
}

static struct node *parse_map(struct parser *parser, unsigned depth)
{
    uint32_t start = parser->token.start;
    struct nodes nodes = {NULL, 0, 0};

    advance(parser);
    while (!at_sign(parser, S("}"))) {
        if (!parse_entry(parser, &nodes, depth)) {
            return NULL;
        }
        if (!accept(parser, S(","))) {
            break;
        }
    }
    if (!expect(parser, S("}"), ", or }")) {
        return NULL;
    }
    return spanned(
        parser, cel_node_new(parser->compiler, NODE_MAP, start, nodes.items, nodes.count), start);
}

/* Primaries ------------------------------------------------------------------------------------ */

static struct node *value_node(struct parser *parser, struct cel_value value)
{
    uint32_t start = parser->token.start;
    struct node *node = cel_node_new(parser->compiler, NODE_CONST, start, NULL, 0);

    if (node) {
        node->as.value = value;
    }
    advance(parser);
    return spanned(parser, node, start);
}

static bool is_reserved(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        if (str_eq(reserved[i], name)) {
            return true;
        }
    }
    return false;
}

/* The call of a function or method whose name has been read; the token is the opening bracket. */
static struct node *parse_call(struct parser *parser, struct node *target, struct str name,
                               uint32_t at, uint32_t start, unsigned depth)
{
    struct nodes nodes = {NULL, 0, 0};
    struct node *call;

    advance(parser);
    if (target && !nodes_add(parser, &nodes, target)) {
        return NULL;
    }
    if (!parse_items(parser, S(")"), false, false, &nodes, depth)) {
        return NULL;
    }
    call = spanned(parser, call_node(parser, name, at, nodes.items, nodes.count), start);
    if (!call) {
        return NULL;
    }
    call->flags |= target ? NODE_F_RECEIVER : 0;
    return spanned(parser, cel_macro_expand(parser->compiler, call), start);
}

static struct node *parse_name(struct parser *parser, unsigned depth)
{
    uint32_t start = parser->token.start, at;
    bool rooted = accept(parser, S("."));
    struct str name = parser->token.text;
    struct node *node;

    at = parser->token.start;
    if (parser->token.kind != TOKEN_NAME) {
        return unexpected(parser, "a name");
    }
    if (is_reserved(name)) {
        cel_compiler_found(parser->compiler, at,
                           "%.*s is a reserved word and cannot be a name here", STR_ARG(name));
        return NULL;
    }
    advance(parser);
    if (at_sign(parser, S("("))) {
        node = parse_call(parser, NULL, name, at, start, depth);
    } else {
        node = spanned(parser, cel_node_new(parser->compiler, NODE_IDENT, at, NULL, 0), start);
        if (node) {
            node->name = name;
        }
    }
    if (node && rooted) {
        node->flags |= NODE_F_ROOTED;
    }
    return node;
}

static struct node *parse_parentheses(struct parser *parser, unsigned depth)
{
    uint32_t start = parser->token.start;
    struct node *node;

    advance(parser);
    node = parse_expression(parser, depth);
    if (!node || !expect(parser, S(")"), "a closing )")) {
        return NULL;
    }
    node->flags |= NODE_F_PARENTHESES;
    return spanned(parser, node, start);
}

static struct node *parse_primary(struct parser *parser, unsigned depth)
{
    if (parser->token.kind == TOKEN_VALUE) {
        return value_node(parser, parser->token.value);
    }
    if (at_name(parser, S("true")) || at_name(parser, S("false"))) {
        return value_node(parser, cel_bool(at_name(parser, S("true"))));
    }
    if (at_name(parser, S("null"))) {
        return value_node(parser, cel_null());
    }
    if (parser->token.kind == TOKEN_NAME || at_sign(parser, S("."))) {
        return parse_name(parser, depth);
    }
    if (at_sign(parser, S("("))) {
        return parse_parentheses(parser, depth);
    }
    if (at_sign(parser, S("["))) {
        return parse_list(parser, depth);
    }
    return at_sign(parser, S("{")) ? parse_map(parser, depth)
                                   : unexpected(parser, "a value, a name or (");
}

/* Members -------------------------------------------------------------------------------------- */

static struct node *parse_select(struct parser *parser, struct node *of, unsigned depth)
{
    bool maybe;
    struct str name;
    uint32_t at, start = of->start;
    struct node *node;

    advance(parser);
    maybe = accept(parser, S("?"));
    name = parser->token.text;
    at = parser->token.start;
    if (parser->token.kind != TOKEN_NAME && parser->token.kind != TOKEN_QUOTED) {
        return unexpected(parser, "a member's name");
    }
    advance(parser);
    if (!maybe && at_sign(parser, S("("))) {
        return parse_call(parser, of, name, at, start, depth);
    }
    node = cel_node_new(parser->compiler, maybe ? NODE_OPT_SELECT : NODE_SELECT, at, &of, 1);
    if (node) {
        node->name = name;
    }
    return spanned(parser, node, start);
}

static struct node *parse_index(struct parser *parser, struct node *of, unsigned depth)
{
    uint32_t at = parser->token.start, start = of->start;
    struct node *index;
    bool maybe;

    advance(parser);
    maybe = accept(parser, S("?"));
    index = parse_expression(parser, depth);
    if (!index || !expect(parser, S("]"), "a closing ]")) {
        return NULL;
    }
    return spanned(parser,
                   cel_node_new(parser->compiler, maybe ? NODE_OPT_INDEX : NODE_INDEX, at,
                                (struct node *[]){of, index}, 2),
                   start);
}

static struct node *parse_member(struct parser *parser, unsigned depth)
{
    struct node *node = parse_primary(parser, depth);

    while (node) {
        if (at_sign(parser, S("."))) {
            node = parse_select(parser, node, depth);
        } else if (at_sign(parser, S("["))) {
            node = parse_index(parser, node, depth);
        } else if (at_sign(parser, S("{")) &&
                   (node->kind == NODE_IDENT || node->kind == NODE_SELECT)) {
            cel_compiler_found(parser->compiler, parser->token.start,
                               "messages of protocol buffers are not known here; a map is written "
                               "{'name': value}");
            return NULL;
        } else {
            break;
        }
    }
    return node;
}

/* Operators ------------------------------------------------------------------------------------ */

/* Moves over the signs, all the same; returns how many. A literal takes the last minus for itself,
 * so that the smallest int can be written. */
static size_t skip_unary(struct parser *parser, struct str sign)
{
    bool minus = sign.p[0] == '-';
    size_t count = 0;

    while (at_sign(parser, sign)) {
        parser->end = parser->token.end;
        parser->token = cel_lex_next(&parser->lexer, minus);
        count++;
    }
    return minus && parser->token.number ? count - 1 : count;
}

static struct node *parse_unary(struct parser *parser, unsigned depth)
{
    uint32_t start = parser->token.start;
    struct str sign = parser->token.text;
    struct node *node;
    size_t count;

    if (!at_sign(parser, S("!")) && !at_sign(parser, S("-"))) {
        return parse_member(parser, depth);
    }
    count = skip_unary(parser, sign);
    node = spanned(parser, parse_member(parser, depth), start);
    for (; node && count > 0; count--) {
        struct str name = sign.p[0] == '-' ? S("-_") : S("!_");
        node = spanned(parser, call_node(parser, name, start, &node, 1), start);
    }
    return node;
}

static const struct operator_row {
    struct str sign, name;
    unsigned level; /* binds tighter the higher */
} operators[] = {
    {STR("||"), STR("_||_"), 1}, {STR("&&"), STR("_&&_"), 2}, {STR("=="), STR("_==_"), 3},
    {STR("!="), STR("_!=_"), 3}, {STR("<"), STR("_<_"), 3},   {STR("<="), STR("_<=_"), 3},
    {STR(">"), STR("_>_"), 3},   {STR(">="), STR("_>=_"), 3}, {STR("in"), STR("@in"), 3},
    {STR("+"), STR("_+_"), 4},   {STR("-"), STR("_-_"), 4},   {STR("*"), STR("_*_"), 5},
    {STR("/"), STR("_/_"), 5},   {STR("%"), STR("_%_"), 5},
};

/* The operator that stands here and binds at least as tight as `level`, or NULL. */
static const struct operator_row *at_operator(const struct parser *parser, unsigned level)
{
    if (parser->token.kind != TOKEN_SIGN && parser->token.kind != TOKEN_NAME) {
        return NULL;
    }
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        if (operators[i].level >= level && str_eq(parser->token.text, operators[i].sign)) {
            return &operators[i];
        }
    }
    return NULL;
}

static struct node *parse_binary(struct parser *parser, unsigned level, unsigned depth);

/* a && b && c: one node with all operands; `first` has been read. */
static struct node *parse_chain(struct parser *parser, const struct operator_row *row,
                                struct node *first, unsigned depth)
{
    uint32_t at = parser->token.start, start = first->start;
    struct nodes nodes = {NULL, 0, 0};
    struct node *operand = first;

    while (operand && nodes_add(parser, &nodes, operand)) {
        if (!accept(parser, row->sign)) {
            return spanned(parser,
                           cel_node_new(parser->compiler, row->level == 1 ? NODE_OR : NODE_AND, at,
                                        nodes.items, nodes.count),
                           start);
        }
        operand = parse_binary(parser, row->level + 1, depth);
    }
    return NULL;
}

static struct node *parse_binary(struct parser *parser, unsigned level, unsigned depth)
{
    struct node *left = parse_unary(parser, depth), *right;
    const struct operator_row *row;

    for (row = at_operator(parser, level); left && row; row = at_operator(parser, level)) {
        uint32_t at = parser->token.start;
        if (row->level <= 2) {
            left = parse_chain(parser, row, left, depth);
            continue;
        }
        advance(parser);
        right = parse_binary(parser, row->level + 1, depth);
        if (!right) {
            return NULL;
        }
        left = spanned(parser, call_node(parser, row->name, at, (struct node *[]){left, right}, 2),
                       left->start);
    }
    return left;
}

static struct node *parse_expression(struct parser *parser, unsigned depth)
{
    struct node *condition, *yes, *no;
    uint32_t at;

    if (depth == 0) {
        cel_compiler_found(parser->compiler, parser->token.start,
                           "nested too deeply; at most %u levels are allowed", CEL_DEPTH_MAX);
        return NULL;
    }
    condition = parse_binary(parser, 1, depth - 1);
    at = parser->token.start;
    if (!condition || !accept(parser, S("?"))) {
        return condition;
    }
    yes = parse_binary(parser, 1, depth - 1);
    if (!yes || !expect(parser, S(":"), "a : and what holds otherwise")) {
        return NULL;
    }
    no = parse_expression(parser, depth - 1);
    return no ? spanned(parser,
                        cel_node_new(parser->compiler, NODE_COND, at,
                                     (struct node *[]){condition, yes, no}, 3),
                        condition->start)
              : NULL;
}

struct node *cel_parse(struct compiler *compiler)
{
    struct parser parser = {.compiler = compiler, .lexer = {compiler, compiler->text, 0}};
    struct node *node;

    advance(&parser);
    node = parse_expression(&parser, CEL_DEPTH_MAX);
    if (node && parser.token.kind != TOKEN_END) {
        return unexpected(&parser, "an operator or the end");
    }
    return node;
}
