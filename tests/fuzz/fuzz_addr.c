/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: whatever is accepted is written so that it reads back as the same address. */
#include "base/addr.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[48];
    struct addr a;
    struct addr b;
    struct out o;
    if (!addr_parse(str_make((const char *)data, size), &a)) {
        return 0;
    }
    out_init(&o, text, sizeof(text));
    addr_write(&o, &a);
    if (o.over || !addr_parse(out_str_of(&o), &b) || !addr_eq(&a, &b)) {
        abort();
    }
    return 0;
}
