/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata backup` and `fermata restore`.
 */
#include "cli/cli.h"
#include "keep/keep.h"

#include <unistd.h>

static const struct cli_usage backup_usage = {
    .line = "backup DIR",
    .about = "Copies the store and its keys into the folder DIR (made if missing) while a server may be at\n"
             "work. The copy is one consistent state. It holds the signing keys: guard it like the store.",
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static const struct cli_usage restore_usage = {
    .line = "restore BACKUP",
    .about = "Makes the data folder (--data DIR, which must hold no store) from a backup. The log records a\n"
             "new epoch; permits that were not redeemed are void, so nothing approved runs twice.",
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static void print_progress(void *with, int done, int total)
{
    (void)with;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%d of %d pages", done, total);
        fputs(done >= total ? "\n" : "", stderr);
    }
}

int cli_backup(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct cli_common common = {0};
    struct ctx ctx;
    int words, code = cli_parse(&backup_usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    crypto_init();
    ctx_init(&ctx, arena);
    if (keep_backup(&ctx, common.dir, argv[1], common.json ? NULL : print_progress, NULL) != FM_OK) {
        return cli_failed(&common, &ctx);
    }
    if (common.json) {
        puts("{\"ok\":true}");
    } else {
        printf("copied to %s; check it with: fermata audit verify --data %s\n", argv[1], argv[1]);
    }
    return CLI_OK;
}

int cli_restore(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(64 * MIB);
    struct cli_common common = {0};
    struct ctx ctx;
    int64_t epoch = 0;
    int words, code = cli_parse(&restore_usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    crypto_init();
    ctx_init(&ctx, arena);
    if (keep_restore(&ctx, argv[1], common.dir, &epoch) != FM_OK) {
        return cli_failed(&common, &ctx);
    }
    if (common.json) {
        printf("{\"ok\":true,\"epoch\":%lld}\n", (long long)epoch);
    } else {
        printf("restored into %s as epoch %lld: permits that were not redeemed are void\n"
               "Everything is held for review until two people with the role policy have confirmed "
               "the "
               "policy:\nfermata policy list\n",
               common.dir, (long long)epoch);
    }
    return CLI_OK;
}
