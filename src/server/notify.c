/* SPDX-License-Identifier: Apache-2.0
 *
 * The service manager's socket: a path, or a name in the abstract space when it begins with @.
 */
#include "server/notify.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_send(const char *state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path ? strlen(path) : 0;
    int fd;

    if (n == 0 || n >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}

void notify_reloading(void)
{
    char state[64];

    (void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)clock_monotonic_us());
    notify_send(state);
}

struct timespec notify_watchdog_pause(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    uint64_t us;

    if (!text || !str_to_u64(str_of(text), &us) || us > (uint64_t)DAY_US) {
        return (struct timespec){0, 0};
    }
    return (struct timespec){(time_t)(us / 2 / SECOND_US), (long)(us / 2 % SECOND_US) * 1000};
}
