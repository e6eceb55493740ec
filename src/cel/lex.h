/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens of an expression. The lexer is a cursor: the parser asks for one token after another.
 */
#ifndef FM_CEL_LEX_H
#define FM_CEL_LEX_H

#include "cel/inner.h"

enum token_kind {
    TOKEN_END,
    TOKEN_BAD,    /* a finding was added */
    TOKEN_NAME,   /* text */
    TOKEN_QUOTED, /* `text`: a member's name */
    TOKEN_VALUE,  /* a literal: value */
    TOKEN_SIGN    /* an operator or bracket: its text */
};

struct token {
    enum token_kind kind;
    uint32_t start, end;
    struct str text;
    struct cel_value value;
    bool number; /* an int or double literal, which may have a sign in front */
};

struct lexer {
    struct compiler *compiler;
    struct str text;
    uint32_t at;
};

/* Reads the next token. `negative`: an int literal may be one larger, and its value is negated. */
struct token cel_lex_next(struct lexer *lexer, bool negative);

/* The token of a string or bytes literal that begins at lexer->at with this prefix. */
struct token cel_lex_text(struct lexer *lexer, uint32_t start, bool raw, bool bytes);

#endif
