/* SPDX-License-Identifier: Apache-2.0
 *
 * The one file of C++: RE2 has no C interface in Debian. No exception leaves it.
 */
#include "regex/inner.h"

#include <new>

#include <re2/re2.h>

struct regex {
    re2::RE2 re2;
    regex(re2::StringPiece pattern, const re2::RE2::Options &options) : re2(pattern, options) {}
};

extern "C" struct regex *shim_new(const char *pattern, size_t n, size_t memory_max)
{
    re2::RE2::Options options;

    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(static_cast<int64_t>(memory_max));
    try {
        return new regex(re2::StringPiece(pattern, n), options);
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" void shim_free(struct regex *regex)
{
    delete regex;
}

extern "C" const char *shim_error(const struct regex *regex)
{
    if (regex->re2.ok()) {
        return nullptr;
    }
    return regex->re2.error_code() == re2::RE2::ErrorPatternTooLarge
               ? "it needs too much memory; make its repetitions smaller"
               : regex->re2.error().c_str();
}

extern "C" bool shim_matches(const struct regex *regex, const char *text, size_t n)
{
    return regex->re2.Match(re2::StringPiece(text, n), 0, n, re2::RE2::UNANCHORED, nullptr, 0);
}

extern "C" size_t shim_size(const struct regex *regex)
{
    int size = regex->re2.ProgramSize();

    return size < 0 ? 0 : static_cast<size_t>(size);
}
