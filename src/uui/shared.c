/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared UUI, see shared.h.
 *
 * uui_shared_fit looks at the items once for each rank of the order: their number is limited,
 * and what fits is decided greedily, most important first, as the switches do. A less important
 * item that is short may so be kept where a longer, more important one is not.
 */
#include "uui/shared.h"
#include "base/err.h"

/** Items of one value that are weighed against each other. */
enum { ITEMS_MAX = 64 };

static const uint8_t default_ids[] = {UUI_SHARED_ASAI, UUI_SHARED_UCID};
static const struct uui_shared_order default_order = {default_ids, ARRAY_LEN(default_ids)};

bool uui_shared_next(struct str *rest, struct uui_shared_item *out)
{
    if (rest->n < 2 || (unsigned char)rest->p[1] > rest->n - 2) {
        return false;
    }
    size_t n = (unsigned char)rest->p[1];
    *out = (struct uui_shared_item){(uint8_t)rest->p[0], str_make(rest->p + 2, n)};
    *rest = str_from(*rest, 2 + n);
    return true;
}

bool uui_shared_is(struct str info)
{
    struct uui_shared_item item;
    size_t n = 0;
    while (uui_shared_next(&info, &item)) {
        if (item.id < 0x80) {
            return false;
        }
        n++;
    }
    return n > 0 && info.n == 0;
}

bool uui_shared_begins(struct str info)
{
    if (info.n < 2) {
        return false;
    }
    uint8_t id = (uint8_t)info.p[0];
    return id == UUI_SHARED_UCID || id == UUI_SHARED_ASAI;
}

struct str uui_shared_find(struct str info, uint8_t id)
{
    struct uui_shared_item item;
    while (uui_shared_next(&info, &item)) {
        if (item.id == id) {
            return item.data;
        }
    }
    return STR_NONE;
}

const char *uui_shared_name(uint8_t id)
{
    return id == UUI_SHARED_UCID   ? "UCID, universal call identifier"
           : id == UUI_SHARED_ASAI ? "ASAI user data"
                                   : "";
}

int uui_shared_write(struct out *o, uint8_t id, struct str data)
{
    if (data.n > UUI_SHARED_ITEM_MAX) {
        return E_TOOBIG;
    }
    const char head[] = {(char)id, (char)(unsigned char)data.n};
    out_str(o, str_make(head, 2));
    out_str(o, data);
    return o->over ? E_SPACE : 0;
}

static size_t rank_of(uint8_t id, const struct uui_shared_order *order)
{
    size_t i = 0;
    while (i < order->n && order->id[i] != id) {
        i++;
    }
    return i;
}

/** Which of the items stay. @return octets of them */
static size_t choose(const struct uui_shared_item *item, size_t n, size_t limit,
                     const struct uui_shared_order *order, bool *kept,
                     struct uui_shared_fit *out)
{
    size_t used = 0;
    for (size_t rank = 0; rank <= order->n; rank++) {
        for (size_t i = 0; i < n; i++) {
            if (rank_of(item[i].id, order) != rank) {
                continue;
            }
            kept[i] = item[i].data.n + 2 <= limit - used;
            used += kept[i] ? item[i].data.n + 2 : 0;
            if (!kept[i] && out->dropped++ == 0) {
                out->first = item[i].id;
            }
            out->kept += kept[i] ? 1 : 0;
        }
    }
    return used;
}

int uui_shared_fit(struct str info, size_t limit, const struct uui_shared_order *order,
                   struct out *o, struct uui_shared_fit *out)
{
    struct uui_shared_item item[ITEMS_MAX];
    bool kept[ITEMS_MAX];
    size_t n = 0;
    *out = (struct uui_shared_fit){0};
    while (n < ITEMS_MAX && uui_shared_next(&info, &item[n])) {
        n++;
    }
    if (info.n > 0) {
        return E_TOOMANY;
    }
    if (choose(item, n, limit, order ? order : &default_order, kept, out) == 0 && n > 0) {
        return E_TOOBIG;
    }
    for (size_t i = 0; i < n; i++) {
        int err = kept[i] ? uui_shared_write(o, item[i].id, item[i].data) : 0;
        if (err < 0) {
            return err;
        }
    }
    return 0;
}

static uint32_t number_of(struct str octets)
{
    uint32_t n = 0;
    for (size_t i = 0; i < octets.n; i++) {
        n = n << 8 | (unsigned char)octets.p[i];
    }
    return n;
}

/** The parts of a UCID: octets, and digits. */
static const struct {
    uint8_t octets, digits;
} parts[] = {{2, 5}, {2, 5}, {4, 10}};

bool uui_ucid_text(struct str octets, char text[UUI_UCID_DIGITS + 1])
{
    if (octets.n != UUI_UCID_OCTETS) {
        return false;
    }
    char *end = text;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        uint32_t n = number_of(str_upto(octets, parts[i].octets));
        octets = str_from(octets, parts[i].octets);
        end += parts[i].digits;
        for (size_t k = 1; k <= parts[i].digits; k++, n /= 10) {
            end[-(ptrdiff_t)k] = (char)('0' + n % 10);
        }
    }
    *end = '\0';
    return true;
}

bool uui_ucid_octets(struct str digits, char octets[UUI_UCID_OCTETS])
{
    if (digits.n != UUI_UCID_DIGITS) {
        return false;
    }
    char *at = octets;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        uint64_t n, most = parts[i].octets == 2 ? UINT16_MAX : UINT32_MAX;
        if (!str_to_u64(str_upto(digits, parts[i].digits), most, &n)) {
            return false;
        }
        digits = str_from(digits, parts[i].digits);
        for (size_t k = parts[i].octets; k > 0; k--, n >>= 8) {
            at[k - 1] = (char)(unsigned char)n;
        }
        at += parts[i].octets;
    }
    return true;
}
