/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a Q.931 message: elements lie in it, one behind the other, and what is read of
 * a User-user element is written as the same octets. The first octet chooses H.225.0.
 */
#include "base/err.h"
#include "fuzz_env.h"
#include "isdn/q931.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void element(struct str s)
{
    char buf[ISDN_UUI_MAX + 2];
    struct str octets;
    struct out o;

    if (q931_uui_read(s, &octets) != 0) {
        MUST(!str_is_set(octets));
        return;
    }
    out_init(&o, buf, sizeof(buf));
    MUST(q931_uui_write(&o, octets) == 0 && str_eq(out_str_of(&o), s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_make((const char *)data, size), octets;
    struct q931_walk it = {.h225 = size > 0 && (data[0] & 1) != 0};
    struct q931_element e;
    struct q931_msg m;
    const char *at;
    int got;

    all = str_from(all, 1);
    element(all);
    if (q931_view(all, &m) != 0) {
        return 0;
    }
    (void)q931_type_name(m.type);
    it.rest = m.elements;
    at = m.elements.p;
    while ((got = q931_next(&it, &e)) > 0) {
        MUST(e.whole.p == at && e.whole.n > 0 && e.codeset < 8);
        at += e.whole.n;
        element(e.whole);
    }
    MUST(got == 0 ? at == all.p + all.n : got == E_SYNTAX && q931_next(&it, &e) == 0);
    if (!it.h225 && q931_uui_find(&m, &octets) == 0) {
        MUST(octets.n > 0 && octets.n <= ISDN_UUI_MAX);
    }
    return 0;
}
