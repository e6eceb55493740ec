/* SPDX-License-Identifier: Apache-2.0
 *
 * References between schemas: RFC 3986, the part of it that turns a base and a reference into a
 * URI. Nothing is fetched, so a URI is a name and no more; two spellings are two names.
 */
#include "json/schema_inner.h"

#define URI_MAX (8 * KIB)

struct uri {
    struct str scheme, authority, path, query,
        fragment; /* absent where there is none but for path */
};

static bool is_scheme(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || strchr("+-.", c)))) {
            return false;
        }
    }
    return text.n > 0;
}

/* The end of `text` from the first of `stops` on. */
static size_t span(struct str text, const char *stops)
{
    size_t at = 0;

    while (at < text.n && (text.p[at] == '\0' || !strchr(stops, text.p[at]))) {
        at++;
    }
    return at;
}

/*= RFC 3986, appendix B */
static struct uri uri_split(struct str text)
{
    struct uri uri = {.path = S("")};
    size_t n = span(text, ":/?#");

    if (n < text.n && text.p[n] == ':' && is_scheme((struct str){text.p, n})) {
        uri.scheme = (struct str){text.p, n};
        text = str_skip(text, n + 1);
    }
    if (str_starts(text, S("//"))) {
        text = str_skip(text, 2);
        n = span(text, "/?#");
        uri.authority = (struct str){text.p, n};
        text = str_skip(text, n);
    }
    n = span(text, "?#");
    uri.path = (struct str){text.p ? text.p : "", n};
    text = str_skip(text, n);
    if (str_starts(text, S("?"))) {
        n = span(text, "#");
        uri.query = (struct str){text.p + 1, n - 1};
        text = str_skip(text, n);
    }
    if (str_starts(text, S("#"))) {
        uri.fragment = str_skip(text, 1);
    }
    return uri;
}

/* Drops the last segment of what was appended from `start` on, with the slash before it. */
static void drop_segment(struct buf *out, size_t start)
{
    while (out->n > start && out->p[out->n - 1] != '/') {
        out->n--;
    }
    out->n -= out->n > start;
}

/*= RFC 3986 5.2.4: remove_dot_segments */
static void add_path(struct buf *out, struct str path)
{
    size_t start = out->n;

    while (path.n > 0) {
        if (str_starts(path, S("../"))) {
            path = str_skip(path, 3);
        } else if (str_starts(path, S("./"))) {
            path = str_skip(path, 2);
        } else if (str_starts(path, S("/./"))) {
            path = str_skip(path, 2);
        } else if (str_eq(path, S("/."))) {
            path = S("/");
        } else if (str_starts(path, S("/../"))) {
            path = str_skip(path, 3);
            drop_segment(out, start);
        } else if (str_eq(path, S("/.."))) {
            path = S("/");
            drop_segment(out, start);
        } else if (str_eq(path, S(".")) || str_eq(path, S(".."))) {
            path = S("");
        } else {
            size_t n = 1 + span(str_skip(path, 1), "/");
            n = n > path.n ? path.n : n;
            buf_add(out, (struct str){path.p, n});
            path = str_skip(path, n);
        }
        if (!buf_ok(out)) {
            return;
        }
    }
}

/* = RFC 3986 5.2.3: merge. `merged` becomes base's path without its last segment, and the
 * reference's */
static void merge_paths(struct buf *merged, const struct uri *base, struct str path)
{
    size_t n = base->path.n;

    if (base->authority.p && base->path.n == 0) {
        buf_lit(merged, "/");
    }
    while (n > 0 && base->path.p[n - 1] != '/') {
        n--;
    }
    buf_add(merged, (struct str){base->path.p, n});
    buf_add(merged, path);
}

/*= RFC 3986 5.2.2 */
static void transform(struct buf *merged, const struct uri *base, struct uri *r)
{
    if (r->scheme.p) {
        return;
    }
    r->scheme = base->scheme;
    if (r->authority.p) {
        return;
    }
    r->authority = base->authority;
    if (r->path.n == 0) {
        r->path = base->path;
        r->query = r->query.p ? r->query : base->query;
    } else if (r->path.p[0] != '/') {
        merge_paths(merged, base, r->path);
        r->path = buf_str(merged);
    }
}

/* Percent-encoding undone; what is none stays. */
static struct str decode(struct arena *arena, struct str text)
{
    char *bytes = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; bytes && i < text.n; i++) {
        int high = text.p[i] == '%' && i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
        bytes[n++] = low >= 0 ? (char)(high * 16 + low) : text.p[i];
        i += low >= 0 ? 2 : 0;
    }
    return (struct str){bytes, bytes ? n : 0};
}

struct str schema_uri_resolve(struct arena *arena, struct str base, struct str reference,
                              struct str *fragment)
{
    AUTO(buf_done) struct buf merged = BUF_INIT(URI_MAX), out = BUF_INIT(URI_MAX);
    struct uri b = uri_split(base), r = uri_split(reference);

    *fragment = r.fragment.p ? decode(arena, r.fragment) : STR_NONE;
    transform(&merged, &b, &r);
    if (r.scheme.p) {
        buf_add(&out, r.scheme);
        buf_lit(&out, ":");
    }
    if (r.authority.p) {
        buf_lit(&out, "//");
        buf_add(&out, r.authority);
    }
    add_path(&out, r.path);
    if (r.query.p) {
        buf_lit(&out, "?");
        buf_add(&out, r.query);
    }
    return arena_copy(arena, buf_str(&out));
}
