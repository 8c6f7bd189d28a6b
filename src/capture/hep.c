/* SPDX-License-Identifier: Apache-2.0 */
/* A message as a packet of HEPv3: see hep.h. */
#include "capture/hep.h"

enum {
    FAMILY = 1,
    PROTOCOL = 2,
    FROM_IP4 = 3,
    TO_IP4 = 4,
    FROM_IP6 = 5,
    TO_IP6 = 6,
    FROM_PORT = 7,
    TO_PORT = 8,
    SECONDS = 9,
    MICROSECONDS = 10,
    TYPE = 11,
    NODE_ID = 12,
    KEY = 14,
    PAYLOAD = 15,
    CORRELATION = 17,
    NODE_NAME = 19,
    CHUNK_HEADER = 6,
};

static void put16(struct out *o, unsigned v)
{
    out_ch(o, (char)(v >> 8));
    out_ch(o, (char)v);
}

static void chunk(struct out *o, unsigned type, struct str data)
{
    put16(o, 0);
    put16(o, type);
    put16(o, (unsigned)(CHUNK_HEADER + data.n));
    out_str(o, data);
}

static void chunk8(struct out *o, unsigned type, unsigned v)
{
    char data = (char)v;
    chunk(o, type, str_make(&data, 1));
}

static void chunk16(struct out *o, unsigned type, unsigned v)
{
    char data[2] = {(char)(v >> 8), (char)v};
    chunk(o, type, str_make(data, sizeof(data)));
}

static void chunk32(struct out *o, unsigned type, uint32_t v)
{
    char data[4] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
    chunk(o, type, str_make(data, sizeof(data)));
}

static void chunk_ends(struct out *o, const struct addr *from, const struct addr *to)
{
    bool six = from->family == ADDR_IP6;
    size_t n = six ? 16 : 4;

    chunk8(o, FAMILY, six ? 10 : 2);
    chunk(o, six ? FROM_IP6 : FROM_IP4, str_make((const char *)from->ip, n));
    chunk(o, six ? TO_IP6 : TO_IP4, str_make((const char *)to->ip, n));
    chunk16(o, FROM_PORT, from->port);
    chunk16(o, TO_PORT, to->port);
}

bool hep_write(const struct hep_node *node, const struct capture_msg *m, struct str call,
               struct out *o)
{
    struct addr remote = m->remote, local = m->local;
    size_t start = o->n, n;
    bool tcp = m->transport != TP_UDP && m->transport != TP_NONE;

    if (remote.family == ADDR_NONE) {
        return false;
    }
    if (local.family != remote.family) {
        local = (struct addr){.family = remote.family, .port = local.port};
    }
    out_c(o, "HEP3");
    put16(o, 0);
    chunk8(o, PROTOCOL, tcp ? 6 : 17);
    chunk_ends(o, m->sent ? &local : &remote, m->sent ? &remote : &local);
    chunk32(o, SECONDS, (uint32_t)(m->time_us / 1000000));
    chunk32(o, MICROSECONDS, (uint32_t)(m->time_us % 1000000));
    chunk8(o, TYPE, m->kind == CAPTURE_SIP ? HEP_SIP : HEP_LOG);
    chunk32(o, NODE_ID, node->id);
    if (node->name.n > 0) {
        chunk(o, NODE_NAME, node->name);
    }
    if (node->key.n > 0) {
        chunk(o, KEY, node->key);
    }
    if (call.n > 0) {
        chunk(o, CORRELATION, call);
    }
    /* The last one: Kamailio takes all behind the length of the others for it, and key and
       correlation to end at the octet 0 with which the next chunk begins. */
    chunk(o, PAYLOAD, m->bytes);
    n = o->n - start;
    if (o->over || n > HEP_MAX) {
        return false;
    }
    o->p[start + 4] = (char)(n >> 8);
    o->p[start + 5] = (char)n;
    return true;
}
