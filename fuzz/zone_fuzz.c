/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a file of time zones: they are refused, or every moment has an offset of less than 26 hours.
 */
#include "base/panic.h"
#include "cel/inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t moments[] = {MOMENT_MIN, -1, 0, 1, 1795773600, 4102444800, MOMENT_MAX};
    struct zone *zone = cel_zone_read((struct str){(const char *)data, size});

    for (size_t i = 0; zone && i < COUNT_OF(moments); i++) {
        int64_t offset = cel_zone_offset(zone, moments[i]);
        ASSERT(offset >= -27 * 3600 && offset <= 27 * 3600); /* summer may add its hour */
    }
    cel_zone_free(zone);
    return 0;
}
