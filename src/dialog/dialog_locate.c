/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remote targets that are GRUUs of our own (RFC 5627 §6.1).
 *
 * A phone that registers here may give its GRUU as Contact. The host of that is our domain, so
 * a request sent there would come back to ourselves; where the phone is, the registrar knows.
 * It is asked before every request, since the phone may have come back over another flow
 * meanwhile, which is what the GRUU is for. Its contact takes the place of the GRUU in the
 * Request-URI.
 *
 * A phone without a GRUU whose flow has closed may come back, too: its registration shows over
 * which flow. Its remote target stays what it said.
 *
 * A dialog that is pinned to an open flow has no need of it. With a route set only the
 * Request-URI changes: the proxies of the set lead to the phone, and may not know what our
 * GRUUs mean. What was found lies in a block of its own, so that the dialog's strings stay what
 * they were.
 */
#include "dialog/dialog.h"
#include "sip/hdr.h"

static bool find(const struct dialog *d, const struct dialog_locator *locator,
                 struct dialog_place *out)
{
    struct sip_uri u;
    struct str gr;
    uint32_t at;

    if (sip_uri_parse(d->remote_target, 0, &u, &at) != 0) {
        return false;
    }
    if (sip_param(u.params, STR("gr"), &gr)) {
        return locator->find != NULL && locator->find(locator->ctx, &u, out);
    }
    return d->lost && d->route_set.n == 0 && locator->follow != NULL &&
           locator->follow(locator->ctx, d, out);
}

bool dialog_locate(struct dialog *d, const struct dialog_locator *locator,
                   const struct mem *mem)
{
    struct dialog_place place = {0};
    struct out o;
    char *block;
    size_t size;
    bool routed = d->route_set.n > 0;

    if (d->pinned || (routed && !str_eq(d->routes, d->route_set)) || /* a strict router */
        !find(d, locator, &place)) {
        return false;
    }
    if (routed) {
        place.routes = STR_NONE;
        place.target.host = STR_NONE;
    }
    size = place.request_uri.n + place.routes.n + place.target.host.n;
    block = mem_alloc(mem, size + 1);
    if (block == NULL) {
        return true; /* as it was: an earlier place, or the GRUU's host */
    }
    out_init(&o, block, size);
    out_str(&o, place.request_uri);
    out_str(&o, place.routes);
    out_str(&o, place.target.host);
    d->request_uri = str_make(block, place.request_uri.n);
    if (!routed) {
        d->routes = str_make(block + place.request_uri.n, place.routes.n);
        d->next = place.target;
    }
    if (place.target.host.n > 0) {
        d->next.host = str_make(block + size - place.target.host.n, place.target.host.n);
    }
    mem_free(mem, d->place);
    d->place = block;
    return true;
}
