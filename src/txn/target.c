/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the owner of a URI is reached when nothing but the URI is known (RFC 3263 §4.1, as far
 * as the URI itself says): transport, host and port. Names stay names; who sends looks them up,
 * and finds out what the URI does not say.
 */
#include "txn/txn.h"

/** TP_NONE: the URI does not say. */
static enum transport transport_for(const struct sip_uri *u)
{
    struct str v;
    enum transport t = TP_NONE;

    if (sip_param(u->params, STR("transport"), &v)) {
        t = transport_of(v);
    }
    if (u->scheme == SIP_SCHEME_SIPS && t != TP_NONE) {
        t = t == TP_WS || t == TP_WSS ? TP_WSS : TP_TLS;
    }
    return t;
}

bool txn_target_of_uri(const struct sip_uri *u, struct txn_target *out)
{
    struct str host;

    if (u->scheme != SIP_SCHEME_SIP && u->scheme != SIP_SCHEME_SIPS) {
        return false;
    }
    *out = (struct txn_target){.hop = {.transport = (uint8_t)transport_for(u)},
                               .port = (uint16_t)u->port,
                               .sips = u->scheme == SIP_SCHEME_SIPS};
    if (!sip_param(u->params, STR("maddr"), &host) || !str_is_set(host)) {
        host = u->host;
    }
    if (addr_parse_host(host, sip_uri_port(u), &out->hop.remote)) {
        out->port = sip_uri_port(u);
        if (out->hop.transport == TP_NONE) {
            out->hop.transport = out->sips ? TP_TLS : TP_UDP;
        }
    } else {
        out->host = host;
    }
    return true;
}
