/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From captured frames to SIP messages: link layer, IP, fragments, UDP, TCP.
 *
 *   frame ──frame_read──► IP packet ──fragments──► datagram ──┬─ UDP: one message
 *                                                            └─ TCP: stream ──framer──►
 * messages
 *
 * Simple on purpose. A capture is read once, in its order; what is not IP, UDP or TCP, or was
 * cut short when it was captured, is counted and left alone. A stream whose beginning was not
 * captured, or that has a hole, is taken up again at the next line that begins a message. What
 * is encrypted stays so.
 *
 * Makes no system call but for memory, so that a fuzzer can drive it; uui_pcap.h reads files.
 *
 * BOUNDS. FRAMES_DATAGRAMS datagrams that wait for fragments, FRAMES_STREAMS directions of
 * connections, FRAMES_HELD segments of each that came early, FRAMES_BUFFER octets of each: the
 * oldest makes room. Checksums are not looked at: on the machine that sends they are wrong.
 */
#ifndef BATON_LINT_FRAMES_H
#define BATON_LINT_FRAMES_H

#include "base/addr.h"
#include "base/attr.h"
#include "sip/framer.h"

#define FRAMES_DATAGRAMS 16
#define FRAMES_STREAMS 128
#define FRAMES_HELD 16
#define FRAMES_BUFFER (256 * 1024)

/** Link types, with the numbers that files have (LINKTYPE_…). */
enum frame_link {
    FRAME_LOOPBACK = 0, /**< BSD: four octets of address family, in the byte order of whoever */
    FRAME_ETHERNET = 1,
    FRAME_RAW_BSD = 12, /**< what libpcap calls DLT_RAW on Linux */
    FRAME_RAW_OPENBSD = 14,
    FRAME_RAW = 101,
    FRAME_OPENBSD_LOOP = 108, /**< the same in network order */
    FRAME_LINUX_SLL = 113,
    FRAME_IP4 = 228,
    FRAME_IP6 = 229,
    FRAME_LINUX_SLL2 = 276,
};

/** Can frames of that link type be read? */
bool frame_link_known(int link);

enum frame_kind {
    FRAME_OTHER,    /**< neither UDP nor TCP over IP */
    FRAME_CUT,      /**< shorter than it says: not captured whole, or damaged */
    FRAME_FRAGMENT, /**< a part of a datagram: `payload` is what follows the IP header */
    FRAME_UDP,
    FRAME_TCP,
};

/** What is in a frame; slices of it. */
struct frame {
    struct addr from, to; /**< a fragment has no ports */
    struct str payload;
    uint32_t seq;       /**< TCP */
    bool syn, fin, rst; /**< TCP */
    uint8_t proto;      /**< of a fragment: what it is a part of */
    uint32_t id;        /**< of a fragment */
    uint32_t offset;
    bool more;
};

enum frame_kind frame_read(int link, struct str bytes, struct frame *out);

/** The same for what follows an IP header whose addresses are in *out. */
enum frame_kind frame_read_transport(uint8_t proto, struct str bytes, struct frame *out);

/** A SIP message as it was captured. */
struct frames_message {
    struct str bytes;
    const struct addr *from, *to;
    bool tcp;
};
typedef void (*frames_message_fn)(void *ctx, const struct frames_message *m);

struct datagram;
struct stream;

struct frames {
    frames_message_fn on_message;
    void *ctx;
    struct datagram *datagram[FRAMES_DATAGRAMS];
    struct stream *stream[FRAMES_STREAMS];
    uint64_t turn; /**< of the last use of any of them */
    /* counters */
    uint64_t seen, messages, other, cut, holes;
};

void frames_init(struct frames *f, frames_message_fn on_message, void *ctx);
void frames_fini(struct frames *f);

/** One frame. @return 0 or E_NOMEM */
int frames_input(struct frames *f, int link, struct str bytes) MUST_USE;

/** Does this line begin a SIP message: "INVITE sip:… SIP/2.0", "SIP/2.0 180 Ringing"? */
bool frames_is_start(struct str line);

/** Where in a line that goes to its end a start line begins, something else standing before it;
    line.n: there is none. */
size_t frames_find_start(struct str line);

/* ---- uui_fragment.c ---- */

/** One more fragment. @return the datagram, whole, until the next call; absent: not yet */
struct str fragment_input(struct frames *f, const struct frame *part, bool *no_memory);
void fragments_fini(struct frames *f);

/* ---- uui_stream.c ---- */

int stream_input(struct frames *f, const struct frame *segment) MUST_USE;
void streams_fini(struct frames *f);

#endif
