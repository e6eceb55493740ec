/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing HTML with text from outside in it. Everything passes through html_text: there is no other
 * way for such text into a page.
 */
#ifndef FM_INSIGHTS_HTML_H
#define FM_INSIGHTS_HTML_H

#include "json/json.h"

/* Appends text: markup escaped, line feeds and tabs kept, and every other character that nobody
 * sees as a marked U+202E. */
void html_text(struct buf *buf, struct str text);

/* Appends a value as indented JSON, its strings as by html_text. */
void html_json(struct buf *buf, const struct json *value);

/* "<tag>text</tag>"; nothing when the text is absent or empty. `tag` may bring attributes. */
void html_element(struct buf *buf, const char *tag, struct str text);

/* A row of a definition list: "<dt>name</dt><dd>text</dd>"; nothing when the text is absent or
 * empty. */
void html_row(struct buf *buf, const char *name, struct str text);

#endif
