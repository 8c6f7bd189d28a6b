/* SPDX-License-Identifier: Apache-2.0 */
/* The section "registrar": times that must fit each other, and the values of Service-Route. */
#include "server/config_map.h"
#include "server/config_tree.h"
#include "sip/hdr.h"

static bool is_route(struct str value)
{
    struct sip_addr a;
    struct str lr;
    uint32_t at;
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] < ' ') {
            return false; /* it is written as one line */
        }
    }
    return sip_addr_parse(value, &a, &at) == 0 && a.bracketed && !a.star &&
           (a.uri.scheme == SIP_SCHEME_SIP || a.uri.scheme == SIP_SCHEME_SIPS) &&
           sip_param(a.uri.params, STR("lr"), &lr);
}

static bool are_routes(struct str list)
{
    struct str value;
    size_t n = 0;
    while (sip_list_next(&list, &value)) {
        if (!is_route(value)) {
            return false;
        }
        n++;
    }
    return n > 0;
}

bool config_map_registrar(struct config_tree *t, struct config *c)
{
    const struct raw_registrar *raw = &c->raw->registrar;
    yaml_node_t *at = tree_key(t, tree_root(t), "registrar");
    if (raw->min_expires_s > raw->default_expires_s ||
        raw->default_expires_s > raw->max_expires_s) {
        return tree_fault(t, at,
                          "registrar: min_expires_s (%u), default_expires_s (%u) and "
                          "max_expires_s (%u) must not fall",
                          raw->min_expires_s, raw->default_expires_s, raw->max_expires_s);
    }
    if (raw->service_route != NULL && !are_routes(str_c(raw->service_route))) {
        return tree_fault(t, tree_key(t, at, "service_route"),
                          "service_route: one or several <sip:HOST;lr> are wanted");
    }
    c->engine.registrar = (struct registrar_config){
        .default_expires_s = raw->default_expires_s,
        .min_expires_s = raw->min_expires_s,
        .max_expires_s = raw->max_expires_s,
        .max_contacts = raw->max_contacts,
        .max_records = raw->max_records,
        .flow_timer_s = raw->flow_timer_s,
        .path_lenient = str_eq(str_c(raw->path), STR("lenient")),
        .service_route = str_c(raw->service_route),
    };
    return true;
}
