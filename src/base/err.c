/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the error numbers; the list itself is in the header. */
#include "base/err.h"

const char *err_text(int err)
{
    if (err >= 0) {
        return "no error";
    }
    switch (err) {
#define ERR_CASE(name, value, text) \
    case name:                      \
        return text;
        ERR_LIST(ERR_CASE)
#undef ERR_CASE
    default:
        return "unknown error";
    }
}
