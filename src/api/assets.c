/* SPDX-License-Identifier: Apache-2.0
 *
 * The page: files embedded in the binary (the build lists them in a generated table) and the headers
 * that keep it to itself. The page's own routes all answer index.html.
 */
#include "api/assets.h"

#include "api/api_internal.h"

#define CSP                                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " \
    "font-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; "                    \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

static const struct str page_routes[] = {
    STR("/"),          STR("/done"),   STR("/categories"), STR("/me"),    STR("/people"),
    STR("/callbacks"), STR("/pauses"), STR("/policy"),     STR("/setup"), STR("/start"),
    STR("/proposals"),
};

static const struct asset *find_asset(struct str path)
{
    for (size_t i = 0; i < asset_count; i++) {
        if (str_eq(str_of(assets[i].path), path)) {
            return &assets[i];
        }
    }
    return NULL;
}

static bool is_page_route(struct str path)
{
    for (size_t i = 0; i < COUNT_OF(page_routes); i++) {
        if (str_eq(path, page_routes[i])) {
            return true;
        }
    }
    return str_starts(path, S("/p/"));
}

static bool accepts_gzip(const struct http_request *request)
{
    struct str encodings = http_header(request, "Accept-Encoding");

    return encodings.p && memmem(encodings.p, encodings.n, "gzip", 4) != NULL;
}

static void serve(struct api *api, struct http_request *request, const struct asset *asset)
{
    bool index = str_eq(str_of(asset->path), S("/"));
    bool gzip = accepts_gzip(request);
    struct http_header_line headers[12] = {
        {"Content-Type", str_of(asset->type)},
        {"Cache-Control", index ? S("no-store") : S("public, max-age=31536000, immutable")},
        {"X-Content-Type-Options", S("nosniff")},
        {"Content-Security-Policy", S(CSP)},
        {"Referrer-Policy", S("no-referrer")},
        {"Cross-Origin-Opener-Policy", S("same-origin")},
        {"Cross-Origin-Resource-Policy", S("same-origin")},
        {"Permissions-Policy", S("publickey-credentials-get=(self)")},
        {"Vary", S("Accept-Encoding")},
    };
    size_t count = 9;

    if (gzip) {
        headers[count++] = (struct http_header_line){"Content-Encoding", S("gzip")};
    }
    if (api->secure) {
        headers[count++] = (struct http_header_line){"Strict-Transport-Security",
                                                     S("max-age=31536000; includeSubDomains")};
    }
    http_answer_static(request, 200, headers, count, gzip ? *asset->gzip : *asset->plain);
}

bool assets_has(struct str path)
{
    return is_page_route(path) || find_asset(path) != NULL;
}

bool assets_serve(struct api *api, struct http_request *request)
{
    enum http_method method = http_method(request);
    struct str path = http_path(request);
    const struct asset *asset;

    if (method != HTTP_GET && method != HTTP_HEAD) {
        return false;
    }
    asset = find_asset(is_page_route(path) ? S("/") : path);
    if (!asset) {
        return false;
    }
    serve(api, request, asset);
    return true;
}

struct str asset_openapi(void)
{
    return *asset_openapi_json;
}
