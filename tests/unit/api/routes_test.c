/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of routes: no two for one request, and none that lets an agent decide.
 */
#include "../check.h"

#include "api/api_internal.h"

static struct str last_segment(const char *path)
{
    const char *slash = strrchr(path, '/');

    return str_of(slash ? slash + 1 : path);
}

/* Invariant 10: these are people's alone, whatever the table of routes says elsewhere. */
static const char *const peoples[] = {
    "decision",   "claim",  "unclaim", "undo",   "comment", "inbox",        "stream",
    "categories", "queues", "agents",  "people", "entries", "completeness",
};

static void test_peoples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(peoples); i++) {
        size_t found = 0;
        for (size_t k = 0; k < api_route_count; k++) {
            if (str_eq(last_segment(api_routes[k].path), str_of(peoples[i]))) {
                EXPECT(api_routes[k].who == WHO_PERSON, "%s", api_routes[k].path);
                found++;
            }
        }
        EXPECT(found > 0, "no route /%s", peoples[i]);
    }
}

/* What anybody may read without signing in, and the ways of signing in and setting up. */
static const struct {
    enum http_method method;
    const char *path;
} public[] = {
    {HTTP_POST, "/v1/session"},
    {HTTP_POST, "/v1/session/link"},
    {HTTP_POST, "/v1/setup"},
    {HTTP_GET, "/log/checkpoint"},
    {HTTP_GET, "/log/vkey"},
    {HTTP_GET, "/.well-known/jwks.json"},
    {HTTP_GET, "/healthz"},
    {HTTP_GET, "/readyz"},
    {HTTP_GET, "/openapi.json"},
    {HTTP_GET, "/log/tile/{level}/{tile}"},
};

static void test_public(void **state)
{
    size_t found = 0;

    (void)state;
    for (size_t k = 0; k < api_route_count; k++) {
        bool listed = false;
        for (size_t i = 0; i < COUNT_OF(public); i++) {
            listed = listed || (api_routes[k].method == public[i].method &&
                                strcmp(api_routes[k].path, public[i].path) == 0);
        }
        EXPECT((api_routes[k].who == WHO_PUBLIC) == listed, "%s", api_routes[k].path);
        found += listed;
    }
    EXPECT(found == COUNT_OF(public), "all of them are there");
}

static void test_sound(void **state)
{
    (void)state;
    for (size_t a = 0; a < api_route_count; a++) {
        const struct route *route = &api_routes[a];
        EXPECT(route->path[0] == '/' && route->handle, "%s", route->path);
        EXPECT(route->roles % SCOPE_BIT(0) == 0 || route->who == WHO_PERSON, "%s: roles are people's",
               route->path);
        EXPECT(route->roles < SCOPE_BIT(0) || route->method == HTTP_GET, "%s: services only read",
               route->path);
        EXPECT(route->roles < SCOPE_BIT(0) || route->who == WHO_ANY || route->who == WHO_PERSON,
               "%s: what agents do, and what is open, needs no scope", route->path);
        EXPECT(route->method == HTTP_GET || route->who != WHO_ANY,
               "%s: a change is by one kind of caller", route->path);
        for (size_t b = 0; b < a; b++) {
            EXPECT(api_routes[b].method != route->method ||
                       strcmp(api_routes[b].path, route->path) != 0,
                   "%s twice", route->path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peoples),
        cmocka_unit_test(test_public),
        cmocka_unit_test(test_sound),
    };

    return CHECK_RUN(tests);
}
