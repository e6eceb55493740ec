/* SPDX-License-Identifier: Apache-2.0
 *
 * Which program this is: `fermata version`, and the build's label among the metrics.
 */
#ifndef FM_BASE_VERSION_H
#define FM_BASE_VERSION_H

#define FERMATA_VERSION "0.1.0"

#endif
