/* SPDX-License-Identifier: Apache-2.0
 *
 * jansson beside our own reader: both have enumerators JSON_OBJECT and so on, so jansson's become
 * JANSSON_OBJECT. Include it instead of jansson.h, and compare json_typeof() with them: jansson's
 * macros json_is_object() and so on would name ours. Nothing of the product uses jansson.
 */
#ifndef FM_JANSSON_APART_H
#define FM_JANSSON_APART_H

#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_REAL JANSSON_REAL
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_REAL
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#endif
