/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading test data that is not part of the tree: the folder comes from the environment variable
 * FERMATA_TESTDATA (see its README for origins and licences). Files ending in .gz go through gzip.
 */
#ifndef FM_DATA_H
#define FM_DATA_H

#include "../unit/check.h"

#include "base/buf.h"

#include <stdlib.h>

struct data {
    FILE *file;
    bool pipe;
    char *line; /* of getline */
    size_t room;
};

/* Opens $FERMATA_TESTDATA/`path`; false when there is no such folder or file. */
static inline bool data_open(struct data *data, const char *path)
{
    const char *folder = getenv("FERMATA_TESTDATA");
    size_t n = strlen(path);
    char name[1024], command[1100];

    *data = (struct data){.pipe = n > 3 && strcmp(path + n - 3, ".gz") == 0};
    (void)snprintf(name, sizeof(name), "%s/%s", folder ? folder : "", path);
    data->file = folder ? fopen(name, "re") : NULL;
    if (data->file && data->pipe) {
        (void)fclose(data->file);
        (void)snprintf(command, sizeof(command), "gzip -dc '%s'", name);
        data->file = popen(command, "re");
    }
    return data->file != NULL;
}

/* The next line without its end, borrowed until the next call; absent at the end. */
static inline struct str data_line(struct data *data)
{
    ssize_t n = getline(&data->line, &data->room, data->file);

    if (n < 0) {
        return STR_NONE;
    }
    return (struct str){data->line, (size_t)n - (data->line[n - 1] == '\n')};
}

static inline void data_close(struct data *data)
{
    if (data->file) {
        (void)(data->pipe ? pclose(data->file) : fclose(data->file));
    }
    free(data->line);
    *data = (struct data){.file = NULL};
}

/* Opens a data file or skips the test. */
#define DATA_OPEN(data, path)                                                                      \
    do {                                                                                           \
        if (!data_open((data), (path))) {                                                          \
            CHECK_SKIP("FERMATA_TESTDATA has no %s", (path));                                      \
        }                                                                                          \
    } while (0)

/* Appends the bytes that standard base64 stands for; false if it is none. */
static inline bool data_base64(struct buf *buf, struct str text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < text.n && text.p[i] != '='; i++) {
        const char *hit = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;
        if (!hit) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(hit - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_add_char(buf, (char)(bits >> count & 0xFF));
        }
    }
    return true;
}

#endif
