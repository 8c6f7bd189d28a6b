/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would whom a call goes to get the User-to-User that an application gives?
 *
 * What an ISDN cannot carry is left out on the way, and what a dialect cannot say is refused at
 * the border: of both an application would hear nothing, or too late. So it is asked here,
 * before anything is sent, and the service is refused.
 *
 * What is asked is the value as it would leave, under its seal. Of a number that is completed
 * later, and of whom a call is forwarded to, it cannot be asked beforehand.
 */
#include "call/parts.h"

static bool isdn_takes(const struct neighbour *n, const struct uui_value *v)
{
    size_t most = n->isdn_octets > 0 ? n->isdn_octets : UUI_ISDN_OCTETS;

    return !n->isdn || !v->isdn || v->octets.n <= most;
}

static bool far_takes(struct call_layer *l, const struct uui_far *far,
                      const struct uui_value *v)
{
    struct uui_dialect_text text;
    enum uui_rule why = UUI_R_NONE;

    if (far->dialect != NULL) {
        return uui_dialect_write(far, l->packages, v, l->scratch, &text, &why) == 0 ||
               why == UUI_R_NONE; /* no memory: the border will say so */
    }
    return far->max_octets == 0 || !v->isdn || v->octets.n <= far->max_octets + 1U;
}

bool context_fits(struct call_layer *l, const struct neighbour *n, const struct uui_far *far,
                  struct str values)
{
    struct uui_list list;

    if (values.n == 0 || uui_list_parse(&values, 1, l->packages, l->scratch, &list) != 0) {
        return true;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct uui_value *v = &list.v[i];
        if (!str_is_set(v->octets)) {
            continue;
        }
        if ((n != NULL && !isdn_takes(n, v)) || (far != NULL && !far_takes(l, far, v))) {
            return false;
        }
    }
    return true;
}
