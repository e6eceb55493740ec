/* SPDX-License-Identifier: Apache-2.0
 *
 * Talking to the service manager (sd_notify's protocol: datagrams to NOTIFY_SOCKET). Without one,
 * nothing is sent and nothing fails.
 */
#ifndef FM_SERVER_NOTIFY_H
#define FM_SERVER_NOTIFY_H

#include <time.h>

/* Sends one state, "READY=1". Main thread. */
void notify_send(const char *state);
/* RELOADING=1 with the time at which it began, as the protocol wants it. */
void notify_reloading(void);
/* How often WATCHDOG=1 is due: half of what the manager waits (WATCHDOG_USEC); 0: it does not
 * watch. */
struct timespec notify_watchdog_pause(void);

#endif
