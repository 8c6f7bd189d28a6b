/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets for messages: see pcap.h.
 *
 * A connection begins with sequence number 1 in each direction; its opening is not made up.
 * Which numbers it has reached is kept in a table of CONNECTIONS for one file; a file with more
 * connections than that has later ones begin anew, which readers take for a gap.
 */
#include "capture/pcap.h"
#include "csta/frame.h"

enum {
    LINK_RAW = 101,
    SEGMENT = 1400,
    DATAGRAM_MAX = 65507,
    CONNECTIONS = 256,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    TCP_HEADER = 20,
    UDP_HEADER = 8,
};

struct connection_state {
    struct addr remote, local;
    uint32_t sent, received; /**< octets so far */
};

struct file {
    struct out *out;
    struct connection_state connection[CONNECTIONS];
    size_t connections;
};

/* ---- octets ---- */

static void put16(struct out *o, unsigned v)
{
    out_ch(o, (char)(v >> 8));
    out_ch(o, (char)v);
}

static void put32(struct out *o, uint32_t v)
{
    put16(o, v >> 16);
    put16(o, v & 0xFFFF);
}

/** As the machine that writes the file has it: readers know by its first word. */
static void put_native16(struct out *o, uint16_t v)
{
    out_str(o, str_make((const char *)&v, sizeof(v)));
}

static void put_native32(struct out *o, uint32_t v)
{
    out_str(o, str_make((const char *)&v, sizeof(v)));
}

static uint32_t sum(uint32_t so_far, struct str s)
{
    for (size_t i = 0; i + 1 < s.n; i += 2) {
        so_far += (uint32_t)(unsigned char)s.p[i] << 8 | (unsigned char)s.p[i + 1];
        so_far = (so_far & 0xFFFF) + (so_far >> 16);
    }
    if (s.n % 2 != 0) {
        so_far += (uint32_t)(unsigned char)s.p[s.n - 1] << 8;
        so_far = (so_far & 0xFFFF) + (so_far >> 16);
    }
    return so_far;
}

static unsigned folded(uint32_t so_far)
{
    while (so_far >> 16 != 0) {
        so_far = (so_far & 0xFFFF) + (so_far >> 16);
    }
    return ~so_far & 0xFFFF;
}

/* ---- IP ---- */

static struct str ip_of(const struct addr *a)
{
    return str_make((const char *)a->ip, a->family == ADDR_IP6 ? 16 : 4);
}

/** Both ends in one family: a name for what is not known is 0. */
static void align(struct addr *a, const struct addr *other)
{
    if (a->family != other->family) {
        uint16_t port = a->port;
        *a = (struct addr){.family = other->family, .port = port};
    }
}

/** @param n  octets behind this header. @return the sum over addresses, length and protocol */
static uint32_t put_ip(struct out *o, const struct addr *from, const struct addr *to,
                       unsigned protocol, size_t n)
{
    char head[20];
    struct out h;
    uint32_t s;

    if (from->family == ADDR_IP6) {
        put32(o, 0x60000000);
        put16(o, (unsigned)n);
        put16(o, protocol << 8 | 64);
    } else {
        out_init(&h, head, sizeof(head));
        put16(&h, 0x4500);
        put16(&h, (unsigned)(20 + n));
        put32(&h, 0x00004000); /* not in fragments */
        put16(&h, 64 << 8 | protocol);
        put16(&h, 0);
        out_str(&h, ip_of(from));
        out_str(&h, ip_of(to));
        s = folded(sum(0, out_str_of(&h)));
        head[10] = (char)(s >> 8);
        head[11] = (char)s;
        out_str(o, str_upto(out_str_of(&h), 12));
    }
    out_str(o, ip_of(from));
    out_str(o, ip_of(to));
    s = sum(sum(0, ip_of(from)), ip_of(to));
    return s + (uint32_t)n + protocol;
}

void pcap_datagram(const struct addr *from, const struct addr *to, struct str payload,
                   struct out *out)
{
    struct str data = str_upto(payload, DATAGRAM_MAX);
    size_t n = UDP_HEADER + data.n;
    uint32_t s = put_ip(out, from, to, PROTO_UDP, n);
    unsigned check;

    s += (uint32_t)from->port + to->port + (uint32_t)n;
    check = folded(sum(s, data));
    put16(out, from->port);
    put16(out, to->port);
    put16(out, (unsigned)n);
    put16(out, check == 0 ? 0xFFFF : check);
    out_str(out, data);
}

static void put_segment(struct out *o, const struct addr *from, const struct addr *to,
                        uint32_t seq, uint32_t ack, struct str data)
{
    enum { OFFSET_ACK_PUSH = 5 << 12 | 0x18, WINDOW = 65535 };
    uint32_t s = put_ip(o, from, to, PROTO_TCP, TCP_HEADER + data.n);

    s += (uint32_t)from->port + to->port + (seq >> 16) + (seq & 0xFFFF) + (ack >> 16) +
         (ack & 0xFFFF) + OFFSET_ACK_PUSH + WINDOW;
    put16(o, from->port);
    put16(o, to->port);
    put32(o, seq);
    put32(o, ack);
    put16(o, OFFSET_ACK_PUSH);
    put16(o, WINDOW);
    put16(o, folded(sum(s, data)));
    put16(o, 0);
    out_str(o, data);
}

/* ---- the file ---- */

static void put_record(struct out *o, int64_t time_us, size_t n)
{
    put_native32(o, (uint32_t)(time_us / 1000000));
    put_native32(o, (uint32_t)(time_us % 1000000));
    put_native32(o, (uint32_t)n);
    put_native32(o, (uint32_t)n);
}

static size_t ip_header(const struct addr *a)
{
    return a->family == ADDR_IP6 ? 40 : 20;
}

static struct connection_state *connection_of(struct file *f, const struct addr *remote,
                                              const struct addr *local)
{
    struct connection_state *c;

    for (size_t i = 0; i < f->connections; i++) {
        c = &f->connection[i];
        if (addr_eq(&c->remote, remote) && addr_eq(&c->local, local)) {
            return c;
        }
    }
    c = &f->connection[f->connections % CONNECTIONS];
    f->connections += f->connections < CONNECTIONS ? 1 : 0;
    *c = (struct connection_state){.remote = *remote, .local = *local};
    return c;
}

static void put_stream(struct file *f, const struct capture_msg *m, struct str bytes,
                       const struct addr *remote, const struct addr *local)
{
    struct connection_state *c = connection_of(f, remote, local);
    const struct addr *from = m->sent ? local : remote, *to = m->sent ? remote : local;
    uint32_t *mine = m->sent ? &c->sent : &c->received;
    uint32_t theirs = m->sent ? c->received : c->sent;

    for (size_t at = 0; at < bytes.n;) {
        struct str part = str_upto(str_from(bytes, at), SEGMENT);
        put_record(f->out, m->time_us, ip_header(from) + TCP_HEADER + part.n);
        put_segment(f->out, from, to, *mine + 1, theirs + 1, part);
        *mine += (uint32_t)part.n;
        at += part.n;
    }
}

static void put_message(struct file *f, const struct capture_msg *m)
{
    struct addr remote = m->remote, local = m->local;
    size_t n = m->bytes.n < DATAGRAM_MAX ? m->bytes.n : DATAGRAM_MAX;
    bool http = m->kind == CAPTURE_API || m->kind == CAPTURE_WEBHOOK;
    char head[CSTA_FRAME_HEADER];

    if (remote.family == ADDR_NONE) {
        return;
    }
    align(&local, &remote);
    if (http) {
        *(m->kind == CAPTURE_API ? &local.port : &remote.port) = 80;
    }
    if (m->kind == CAPTURE_CSTA && csta_frame_header(head, m->invoke, m->bytes.n)) {
        put_stream(f, m, str_make(head, sizeof(head)), &remote, &local);
    }
    if (http || m->kind == CAPTURE_CSTA || m->transport == TP_TCP) {
        put_stream(f, m, m->bytes, &remote, &local);
        return;
    }
    put_record(f->out, m->time_us, ip_header(&remote) + UDP_HEADER + n);
    pcap_datagram(m->sent ? &local : &remote, m->sent ? &remote : &local, m->bytes, f->out);
}

void pcap_write(const struct story *s, struct out *to)
{
    struct file f = {.out = to};

    put_native32(to, 0xA1B2C3D4);
    put_native16(to, 2);
    put_native16(to, 4);
    put_native32(to, 0);
    put_native32(to, 0);
    put_native32(to, 262144);
    put_native32(to, LINK_RAW);
    for (size_t i = 0; i < s->count; i++) {
        put_message(&f, &s->msg[i].m);
    }
}
