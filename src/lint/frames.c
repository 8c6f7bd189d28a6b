/* SPDX-License-Identifier: Apache-2.0 */
/* From captured frames to SIP messages: link layer and IP; see uui_frames.h. */
#include "lint/frames.h"

#include "base/err.h"

enum {
    ETHER_IP4 = 0x0800,
    ETHER_IP6 = 0x86DD,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88A8,
    PROTO_HOP_BY_HOP = 0,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_AH = 51,
    PROTO_OPTIONS = 60,
    EXTENSIONS_MAX = 8, /**< headers of IPv6 between its own and the transport's */
};

static unsigned at8(struct str s, size_t i)
{
    return (unsigned char)s.p[i];
}

static unsigned at16(struct str s, size_t i)
{
    return at8(s, i) << 8 | at8(s, i + 1);
}

static uint32_t at32(struct str s, size_t i)
{
    return (uint32_t)at16(s, i) << 16 | at16(s, i + 2);
}

/* ---- transport ---- */

static enum frame_kind read_udp(struct str bytes, struct frame *out)
{
    if (bytes.n < 8) {
        return FRAME_CUT;
    }
    size_t len = at16(bytes, 4);
    out->from.port = (uint16_t)at16(bytes, 0);
    out->to.port = (uint16_t)at16(bytes, 2);
    if (len < 8 || len > bytes.n) {
        return FRAME_CUT;
    }
    out->payload = str_from(str_upto(bytes, len), 8);
    return FRAME_UDP;
}

static enum frame_kind read_tcp(struct str bytes, struct frame *out)
{
    if (bytes.n < 20) {
        return FRAME_CUT;
    }
    size_t head = (size_t)(at8(bytes, 12) >> 4) * 4;
    unsigned flags = at8(bytes, 13);
    out->from.port = (uint16_t)at16(bytes, 0);
    out->to.port = (uint16_t)at16(bytes, 2);
    out->seq = at32(bytes, 4);
    out->fin = (flags & 1) != 0;
    out->syn = (flags & 2) != 0;
    out->rst = (flags & 4) != 0;
    if (head < 20 || head > bytes.n) {
        return FRAME_CUT;
    }
    out->payload = str_from(bytes, head);
    return FRAME_TCP;
}

enum frame_kind frame_read_transport(uint8_t proto, struct str bytes, struct frame *out)
{
    return proto == PROTO_UDP   ? read_udp(bytes, out)
           : proto == PROTO_TCP ? read_tcp(bytes, out)
                                : FRAME_OTHER;
}

/* ---- IP ---- */

static enum frame_kind read_part(struct str bytes, uint8_t proto, struct frame *out)
{
    if (out->offset == 0 && !out->more) {
        return frame_read_transport(proto, bytes, out);
    }
    out->proto = proto;
    out->payload = bytes;
    return proto == PROTO_UDP || proto == PROTO_TCP ? FRAME_FRAGMENT : FRAME_OTHER;
}

static void set_ip(struct addr *a, struct str bytes, size_t at, uint8_t family)
{
    *a = (struct addr){.family = family};
    memcpy(a->ip, bytes.p + at, family == ADDR_IP4 ? 4 : 16);
}

static enum frame_kind read_ip4(struct str bytes, struct frame *out)
{
    if (bytes.n < 20) {
        return FRAME_CUT;
    }
    size_t head = (size_t)(at8(bytes, 0) & 15) * 4;
    size_t total = at16(bytes, 2);
    unsigned flags = at16(bytes, 6);
    total = total == 0 ? bytes.n : total; /* segmentation was left to the network card */
    if (head < 20 || total < head || total > bytes.n) {
        return FRAME_CUT;
    }
    set_ip(&out->from, bytes, 12, ADDR_IP4);
    set_ip(&out->to, bytes, 16, ADDR_IP4);
    out->id = at16(bytes, 4);
    out->offset = (flags & 0x1FFF) * 8;
    out->more = (flags & 0x2000) != 0;
    return read_part(str_from(str_upto(bytes, total), head), (uint8_t)at8(bytes, 9), out);
}

/** Behind the headers that may stand between IPv6 and the transport. @return false: cut */
static bool skip_extensions(struct str *bytes, unsigned *proto, struct frame *out)
{
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        bool ah = *proto == PROTO_AH;
        size_t len;
        if (!ah && *proto != PROTO_HOP_BY_HOP && *proto != PROTO_ROUTING &&
            *proto != PROTO_FRAGMENT && *proto != PROTO_OPTIONS) {
            return true;
        }
        if (bytes->n < 8) {
            return false;
        }
        len = *proto == PROTO_FRAGMENT ? 8
              : ah                     ? (at8(*bytes, 1) + 2) * 4
                                       : (at8(*bytes, 1) + 1) * 8;
        if (*proto == PROTO_FRAGMENT) {
            out->offset = at16(*bytes, 2) & 0xFFF8;
            out->more = (at16(*bytes, 2) & 1) != 0;
            out->id = at32(*bytes, 4);
        }
        *proto = at8(*bytes, 0);
        if (len > bytes->n) {
            return false;
        }
        *bytes = str_from(*bytes, len);
        if (out->offset > 0) {
            return true; /* what follows is the middle of something */
        }
    }
    return true;
}

static enum frame_kind read_ip6(struct str bytes, struct frame *out)
{
    if (bytes.n < 40) {
        return FRAME_CUT;
    }
    size_t len = at16(bytes, 4);
    unsigned proto = at8(bytes, 6);
    len = len == 0 ? bytes.n - 40 : len;
    if (len > bytes.n - 40) {
        return FRAME_CUT;
    }
    set_ip(&out->from, bytes, 8, ADDR_IP6);
    set_ip(&out->to, bytes, 24, ADDR_IP6);
    bytes = str_upto(str_from(bytes, 40), len);
    if (!skip_extensions(&bytes, &proto, out)) {
        return FRAME_CUT;
    }
    return read_part(bytes, (uint8_t)proto, out);
}

static enum frame_kind read_ip(struct str bytes, struct frame *out)
{
    unsigned version = bytes.n > 0 ? at8(bytes, 0) >> 4 : 0;
    return version == 4   ? read_ip4(bytes, out)
           : version == 6 ? read_ip6(bytes, out)
                          : FRAME_OTHER;
}

/* ---- link ---- */

/** What follows a type field, VLAN tags skipped. */
static enum frame_kind read_typed(unsigned type, struct str bytes, struct frame *out)
{
    while ((type == ETHER_VLAN || type == ETHER_QINQ) && bytes.n >= 4) {
        type = at16(bytes, 2);
        bytes = str_from(bytes, 4);
    }
    return type == ETHER_IP4 || type == ETHER_IP6 ? read_ip(bytes, out) : FRAME_OTHER;
}

/** Octets before the IP packet; SIZE_MAX: not known. */
static size_t link_size(int link)
{
    switch (link) {
    case FRAME_ETHERNET:
        return 14;
    case FRAME_LINUX_SLL:
        return 16;
    case FRAME_LINUX_SLL2:
        return 20;
    case FRAME_LOOPBACK:
    case FRAME_OPENBSD_LOOP:
        return 4;
    case FRAME_RAW:
    case FRAME_RAW_BSD:
    case FRAME_RAW_OPENBSD:
    case FRAME_IP4:
    case FRAME_IP6:
        return 0;
    default:
        return SIZE_MAX;
    }
}

bool frame_link_known(int link)
{
    return link_size(link) != SIZE_MAX;
}

enum frame_kind frame_read(int link, struct str bytes, struct frame *out)
{
    size_t head = link_size(link);
    *out = (struct frame){0};
    if (head == SIZE_MAX) {
        return FRAME_OTHER;
    }
    if (bytes.n < head) {
        return FRAME_CUT;
    }
    struct str rest = str_from(bytes, head);
    switch (link) {
    case FRAME_ETHERNET:
        return read_typed(at16(bytes, 12), rest, out);
    case FRAME_LINUX_SLL:
        return read_typed(at16(bytes, 14), rest, out);
    case FRAME_LINUX_SLL2:
        return read_typed(at16(bytes, 0), rest, out);
    default: /* the version of the packet says what the family would */
        return read_ip(rest, out);
    }
}

/* ---- messages ---- */

bool frames_is_start(struct str line)
{
    size_t space = str_index(line, ' ');
    if (str_starts(line, STR("SIP/2.0 "))) {
        return line.n > 8 && line.p[8] >= '1' && line.p[8] <= '6';
    }
    if (space == 0 || space > 32 || !str_ends(line, STR(" SIP/2.0")) || line.n < space + 9) {
        return false;
    }
    for (size_t i = 0; i < space; i++) {
        if (line.p[i] < 'A' || line.p[i] > 'Z') {
            return false;
        }
    }
    return str_index(str_from(line, space), ':') + space < line.n;
}

/** A request line at the end: its method is the upper-case letters before the URI. */
static size_t find_request(struct str line)
{
    static const struct str schemes[] = {STR_INIT(" sip:"), STR_INIT(" sips:"),
                                         STR_INIT(" tel:")};
    if (!str_ends(line, STR(" SIP/2.0"))) {
        return line.n;
    }
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t at = str_find(line, schemes[i]);
        size_t begin = at;
        while (at < line.n && begin > 0 && line.p[begin - 1] >= 'A' &&
               line.p[begin - 1] <= 'Z') {
            begin--;
        }
        if (at < line.n && frames_is_start(str_from(line, begin))) {
            return begin;
        }
    }
    return line.n;
}

size_t frames_find_start(struct str line)
{
    size_t at = str_find(line, STR("SIP/2.0 "));
    return at < line.n && frames_is_start(str_from(line, at)) ? at : find_request(line);
}

static void datagram_input(struct frames *f, const struct frame *in)
{
    struct str line = str_upto(in->payload, str_index(in->payload, '\n'));
    if (frames_is_start(str_trim(line))) {
        f->messages++;
        f->on_message(f->ctx, &(struct frames_message){
                                  .bytes = in->payload, .from = &in->from, .to = &in->to});
    }
}

void frames_init(struct frames *f, frames_message_fn on_message, void *ctx)
{
    *f = (struct frames){.on_message = on_message, .ctx = ctx};
}

void frames_fini(struct frames *f)
{
    fragments_fini(f);
    streams_fini(f);
}

int frames_input(struct frames *f, int link, struct str bytes)
{
    struct frame in;
    enum frame_kind kind = frame_read(link, bytes, &in);
    f->seen++;
    f->turn++;
    if (kind == FRAME_FRAGMENT) {
        bool no_memory = false;
        struct str whole = fragment_input(f, &in, &no_memory);
        if (!str_is_set(whole)) {
            return no_memory ? E_NOMEM : 0;
        }
        kind = frame_read_transport(in.proto, whole, &in);
    }
    switch (kind) {
    case FRAME_UDP:
        datagram_input(f, &in);
        return 0;
    case FRAME_TCP:
        return stream_input(f, &in);
    case FRAME_CUT:
        f->cut++;
        return 0;
    case FRAME_FRAGMENT:
    case FRAME_OTHER:
        break;
    }
    f->other++;
    return 0;
}
