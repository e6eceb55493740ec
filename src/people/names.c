/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be a name, a password, a host. Each check proves the good case and repairs nothing: what is
 * stored is what was typed.
 *
 * A name must never pass for another one: only letters in lower case and composed form (NFC), of one
 * script, so that a Cyrillic letter cannot stand in a Latin name.
 */
#include "people/people_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

/* Names ---------------------------------------------------------------------------------------- */

static bool is_plain(uint32_t code)
{
    return (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9') || code == '.' ||
           code == '_' || code == '@' || code == '-';
}

static bool is_foreign_letter(uint32_t code)
{
    return code >= 0x80 && uc_is_general_category(code, UC_LETTER) && uc_tolower(code) == code;
}

/* Scripts that are written together (UTS 39 5.2, "highly restrictive"): these count as one. */
static bool mixes(const char *script)
{
    static const char *const together[] = {"Latin",    "Han",    "Hiragana",
                                           "Katakana", "Hangul", "Bopomofo"};

    for (size_t i = 0; i < COUNT_OF(together); i++) {
        if (strcmp(script, together[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether all letters may stand in one name. Digits, marks and signs belong to every script. */
static bool is_one_script(struct str name)
{
    const char *seen = NULL;

    for (size_t at = 0; at < name.n;) {
        const uc_script_t *script = uc_script(str_next_code_point(name, &at));
        if (!script || strcmp(script->name, "Common") == 0 || strcmp(script->name, "Inherited") == 0) {
            continue;
        }
        if (seen && strcmp(seen, script->name) != 0 && !(mixes(seen) && mixes(script->name))) {
            return false;
        }
        seen = script->name;
    }
    return true;
}

static bool is_composed(struct str name)
{
    uint8_t room[PEOPLE_NAME_MAX * 3]; /* NFC of UTF-8 grows at most threefold (UAX 15) */
    size_t n = sizeof(room);
    uint8_t *composed = u8_normalize(UNINORM_NFC, (const uint8_t *)name.p, name.n, room, &n);
    bool same = composed && str_eq(name, (struct str){(const char *)composed, n});

    if (composed != room) {
        free(composed);
    }
    return same;
}

static const char *name_problem(struct str name)
{
    if (name.n == 0 || name.n > PEOPLE_NAME_MAX) {
        return "a name has 1 to 64 bytes";
    }
    if (!str_is_utf8(name)) {
        return "a name is UTF-8";
    }
    for (size_t at = 0; at < name.n;) {
        uint32_t code = str_next_code_point(name, &at);
        if (!is_plain(code) && !is_foreign_letter(code)) {
            return "a name has letters in lower case, digits and . _ @ - only";
        }
    }
    if (strchr("._@-", name.p[0])) {
        return "a name begins with a letter or a digit";
    }
    if (!is_composed(name)) {
        return "a name is in composed form (Unicode NFC)";
    }
    return is_one_script(name) ? NULL : "a name has letters of one script only";
}

enum fm_err people_check_name(struct ctx *ctx, struct str name)
{
    const char *problem = name_problem(name);

    return problem ? fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/name"), "%s", problem) : FM_OK;
}

/* Passwords ------------------------------------------------------------------------------------ */

/* The commonest of at least PASSWORD_MIN characters, in lower case; runs such as 12345678 are found by
 * is_run. They are what a guesser tries in the few attempts that throttling leaves. */
static const struct str commonest[] = {
    STR("password"),     STR("password1"),    STR("password12"),  STR("password123"),
    STR("password1234"), STR("passw0rd"),     STR("p@ssw0rd"),    STR("p@ssword"),
    STR("p@ssword1"),    STR("passwort"),     STR("passwort1"),   STR("kennwort"),
    STR("motdepasse"),   STR("contraseña"),   STR("qwertyui"),    STR("qwertyuiop"),
    STR("qwerty12"),     STR("qwerty123"),    STR("qwerty1234"),  STR("qwertz123"),
    STR("qwertzui"),     STR("qwertzuiop"),   STR("azertyui"),    STR("azertyuiop"),
    STR("1q2w3e4r"),     STR("1q2w3e4r5t"),   STR("1qaz2wsx"),    STR("1qaz2wsx3edc"),
    STR("zaq12wsx"),     STR("zaq1zaq1"),     STR("q1w2e3r4"),    STR("qazwsxedc"),
    STR("asdfghjk"),     STR("asdfghjkl"),    STR("asdf1234"),    STR("zxcvbnm1"),
    STR("1234567890"),   STR("0987654321"),   STR("0123456789"),  STR("123123123"),
    STR("12341234"),     STR("1234qwer"),     STR("11223344"),    STR("12121212"),
    STR("123456789a"),   STR("12345678a"),    STR("a12345678"),   STR("a123456789"),
    STR("abc12345"),     STR("abcd1234"),     STR("abc123456"),   STR("1234abcd"),
    STR("iloveyou"),     STR("iloveyou1"),    STR("iloveyou2"),   STR("loveyou1"),
    STR("princess"),     STR("princess1"),    STR("sunshine"),    STR("sunshine1"),
    STR("football"),     STR("football1"),    STR("baseball"),    STR("baseball1"),
    STR("basketball"),   STR("superman"),     STR("superman1"),   STR("batman123"),
    STR("starwars"),     STR("trustno1"),     STR("whatever"),    STR("welcome1"),
    STR("welcome123"),   STR("welcome2"),     STR("letmein1"),    STR("letmein123"),
    STR("letmeinn"),     STR("changeme"),     STR("changeme1"),   STR("changeme123"),
    STR("administrator"), STR("admin123"),    STR("admin1234"),   STR("adminadmin"),
    STR("administrateur"), STR("root1234"),   STR("rootroot"),    STR("testtest"),
    STR("test1234"),     STR("temp1234"),     STR("default1"),    STR("secret123"),
    STR("mypassword"),   STR("computer"),     STR("internet"),    STR("michelle"),
    STR("jennifer"),     STR("jonathan"),     STR("charlie1"),    STR("michael1"),
    STR("jordan23"),     STR("liverpool"),    STR("chelsea1"),    STR("arsenal1"),
    STR("summer2024"),   STR("summer2025"),   STR("summer2026"),  STR("winter2024"),
    STR("winter2025"),   STR("winter2026"),   STR("corvette"),    STR("mercedes"),
    STR("maverick"),     STR("dragon123"),    STR("monkey123"),   STR("shadow123"),
    STR("master123"),    STR("hello123"),     STR("killer123"),   STR("freedom1"),
    STR("pokemon1"),     STR("samsung1"),     STR("fermata1"),    STR("fermata123"),
    STR("reviewer"),     STR("reviewer1"),
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Whether `text` holds `part` (in lower case) at `at`, ASCII letters of any case. */
static bool holds_at(struct str text, size_t at, struct str part)
{
    if (part.n > text.n - at) {
        return false;
    }
    for (size_t i = 0; i < part.n; i++) {
        if (lower(text.p[at + i]) != part.p[i]) {
            return false;
        }
    }
    return true;
}

static bool is_common(struct str password)
{
    for (size_t i = 0; i < COUNT_OF(commonest); i++) {
        if (password.n == commonest[i].n && holds_at(password, 0, commonest[i])) {
            return true;
        }
    }
    return false;
}

/* aaaaaaaa, 12345678, hgfedcba: one step from each byte to the next. */
static bool is_run(struct str password)
{
    int step = password.n > 1 ? password.p[1] - password.p[0] : 0;

    for (size_t i = 1; i < password.n; i++) {
        if (password.p[i] - password.p[i - 1] != step) {
            return false;
        }
    }
    return step >= -1 && step <= 1;
}

/* Parts of one or two bytes occur everywhere by chance. */
static bool contains(struct str password, struct str part)
{
    if (part.n < 3) {
        return false;
    }
    for (size_t at = 0; at < password.n; at++) {
        if (holds_at(password, at, part)) {
            return true;
        }
    }
    return false;
}

static size_t count_characters(struct str text)
{
    size_t count = 0;

    for (size_t at = 0; at < text.n; count++) {
        (void)str_next_code_point(text, &at);
    }
    return count;
}

static const char *password_problem(struct str password, struct str name)
{
    struct str rest = name;

    if (password.n > PASSWORD_MAX) {
        return "a password has at most 256 bytes";
    }
    if (!str_is_utf8(password)) {
        return "a password is UTF-8";
    }
    if (count_characters(password) < PASSWORD_MIN) {
        return "a password has at least 8 characters";
    }
    if (is_common(password) || is_run(password)) {
        return "this password is among the first that are guessed; four unrelated words make a good one";
    }
    if (contains(password, name) || contains(password, str_split(&rest, '@'))) {
        return "a password must not contain the name";
    }
    return NULL;
}

enum fm_err people_check_password(struct ctx *ctx, struct str password, struct str name)
{
    const char *problem = password_problem(password, name);

    return problem ? fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/password"), "%s", problem) : FM_OK;
}

/* Hosts ---------------------------------------------------------------------------------------- */

/* One label of RFC 1123 2.1: letters, digits and inner hyphens. */
static bool is_label(struct str label)
{
    if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.n; i++) {
        char c = label.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

static bool is_host_name(struct str host)
{
    struct str rest = host;

    while (rest.p) {
        if (!is_label(str_split(&rest, '.'))) {
            return false;
        }
    }
    return true;
}

static bool is_ipv6(struct str host)
{
    char text[HOST_TEXT_MAX + 1];
    struct in6_addr address;

    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return strlen(text) == host.n && inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_host(struct str host)
{
    return host.n > 0 && host.n <= HOST_TEXT_MAX && (is_host_name(host) || is_ipv6(host));
}

enum fm_err people_check_hosts(struct ctx *ctx, struct str pointer, struct policy_list hosts)
{
    if (hosts.count > HOSTS_PER_AGENT_MAX) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, pointer, "at most %d hosts",
                       HOSTS_PER_AGENT_MAX);
    }
    for (size_t i = 0; i < hosts.count; i++) {
        if (!is_host(hosts.items[i])) {
            return fail_at(ctx, FM_E_INVALID_ARGUMENT,
                           json_pointer_index(ctx->arena, pointer, i),
                           "a host is a name in lower case or an address, without scheme, port and path:"
                           " hooks.example.com");
        }
    }
    return FM_OK;
}
