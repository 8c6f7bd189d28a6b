/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as shared UUI: walking ends, what fits fits and is in its order, and the digits of
 * a UCID are its octets. The first octet is the room that there is.
 */
#include "base/err.h"
#include "uui/shared.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_ucid(struct str octets)
{
    char digits[UUI_UCID_DIGITS + 1], back[UUI_UCID_OCTETS];
    if (uui_ucid_text(octets, digits)) {
        demand(uui_ucid_octets(str_c(digits), back));
        demand(str_eq(str_make(back, sizeof(back)), octets));
    }
}

/** Every item of `part` is one of `all`, in the same order. */
static bool is_part(struct str part, struct str all)
{
    struct uui_shared_item a, b;
    while (uui_shared_next(&part, &a)) {
        do {
            if (!uui_shared_next(&all, &b)) {
                return false;
            }
        } while (a.id != b.id || !str_eq(a.data, b.data));
    }
    return part.n == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct uui_shared_item item;
    struct uui_shared_fit fit;
    struct out o;
    size_t n = 0;
    if (size < 1) {
        return 0;
    }
    char *copy = malloc(size), *room = malloc(size);
    demand(copy != NULL && room != NULL);
    memcpy(copy, data + 1, size - 1);
    struct str info = str_make(copy, size - 1), rest = info;
    out_init(&o, room, size);
    while (uui_shared_next(&rest, &item)) {
        check_ucid(item.data);
        demand(uui_shared_write(&o, item.id, item.data) == 0);
        n++;
    }
    demand(str_eq(out_str_of(&o), str_upto(info, info.n - rest.n)));
    demand(!uui_shared_is(info) || (n > 0 && rest.n == 0));
    check_ucid(info);
    out_init(&o, room, size);
    if (uui_shared_is(info) && uui_shared_fit(info, data[0], NULL, &o, &fit) == 0) {
        demand(fit.kept + fit.dropped == n && o.n <= data[0]);
        demand(is_part(out_str_of(&o), info));
        demand(fit.dropped > 0 || str_eq(out_str_of(&o), info));
    }
    free(copy);
    free(room);
    return 0;
}
