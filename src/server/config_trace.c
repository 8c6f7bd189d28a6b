/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections `trace` and `hep`: what of the messages is kept in memory, and who gets a copy.
 */
#include "server/config_map.h"

static enum blank_uui uui_of(const char *word)
{
    return word == NULL || strcmp(word, "full") == 0 ? BLANK_UUI_FULL
           : strcmp(word, "length") == 0             ? BLANK_UUI_LENGTH
                                                     : BLANK_UUI_NONE;
}

static bool map_trace(struct config *c)
{
    const struct raw_trace *raw = &c->raw->trace;

    c->trace_enabled = raw->enabled;
    c->trace = (struct capture_config){
        .octets = (size_t)raw->memory_mb << 20, .messages = raw->messages, .calls = raw->calls};
    c->story = (struct story_options){.messages = raw->call_messages, .uui = uui_of(raw->uui)};
    return true;
}

/** "udp:HOST:PORT". */
static bool map_collector(struct config *c, struct str to)
{
    size_t first = str_index(to, ':'), last = to.n;
    struct str host;
    uint32_t port = 0;
    char *copy;

    while (last > 0 && to.p[last - 1] != ':') {
        last--;
    }
    c->hep.transport = (uint8_t)transport_of(str_upto(to, first));
    if ((c->hep.transport != TP_UDP && c->hep.transport != TP_TCP &&
         c->hep.transport != TP_TLS) ||
        last <= first + 2 || !str_to_u32(str_from(to, last), &port) || port == 0 ||
        port > 65535) {
        return false;
    }
    host = str_upto(str_from(to, first + 1), last - first - 2);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = str_make(host.p + 1, host.n - 2);
    }
    copy = arena_zalloc(&c->arena, host.n + 1);
    if (copy == NULL || host.n == 0) {
        return false;
    }
    memcpy(copy, host.p, host.n);
    c->hep.host = copy;
    c->hep.port = (uint16_t)port;
    return true;
}

/** @return false: there is another word */
static bool map_what(struct config *c, const struct raw_hep *raw)
{
    c->hep.sip = c->hep.csta = raw->what_count == 0;
    for (size_t i = 0; i < raw->what_count; i++) {
        bool sip = strcmp(raw->what[i], "sip") == 0;
        if (!sip && strcmp(raw->what[i], "csta") != 0) {
            return false;
        }
        *(sip ? &c->hep.sip : &c->hep.csta) = true;
    }
    return true;
}

bool config_map_trace(struct config_tree *t, struct config *c)
{
    const struct raw_hep *raw = &c->raw->hep;
    yaml_node_t *section = tree_key(t, tree_root(t), "hep");

    if (!map_trace(c) || raw->to == NULL) {
        return true;
    }
    c->hep = (struct hep_config){.node = {.id = raw->node_id,
                                          .name = str_c(raw->node_name),
                                          .key = str_c(raw->password)},
                                 .calls_only = raw->calls_only,
                                 .raw = raw->credentials,
                                 .uui = uui_of(raw->uui),
                                 .unverified = !raw->verify};
    if (!map_collector(c, str_c(raw->to))) {
        return tree_fault(t, tree_key(t, section, "to"),
                          "hep.to: `udp:HOST:PORT`, `tcp:HOST:PORT` or `tls:HOST:PORT`");
    }
    if (!map_what(c, raw)) {
        return tree_fault(t, tree_key(t, section, "what"), "hep.what: `sip` or `csta`");
    }
    if (raw->ca_file != NULL) {
        c->hep.ca_file = config_file_path(t, c, tree_key(t, section, "ca_file"), raw->ca_file);
        return c->hep.ca_file != NULL;
    }
    return true;
}
