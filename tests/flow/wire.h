/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that went over the virtual network, kept for questions, and rules that lose or
 * delay chosen packets.
 *
 * A PATTERN says which packet is meant: "INVITE" is a request of that method, "180 INVITE" a
 * response with that status and CSeq method, "18x INVITE" any of 180 to 189, "INFO<event>" a
 * request whose body has that text.
 */
#ifndef BATON_TESTS_WIRE_H
#define BATON_TESTS_WIRE_H

#include "fixture_net.h"

struct wire_packet {
    const struct vnode *from, *to; /**< to: NULL when nobody was there */
    uint64_t time_ms;
    bool lost;
    struct str bytes;   /**< as it was sent */
    struct str arrived; /**< absent: as it was sent; a box on the way may have changed it */
};

#define WIRE_RULES 8

struct wire_rule {
    const struct vnode *from, *to; /**< NULL: any */
    const char *pattern;
    unsigned skip, count; /**< leaves the first `skip` alone, acts on the next `count` */
    uint32_t delay_ms;    /**< 0: they are lost */
};

struct wire {
    struct vnet *net;
    struct wire_packet *packet;
    size_t n, cap;
    struct wire_rule rule[WIRE_RULES];
    size_t rules;
    void (*box)(void *ctx,
                struct vpacket *p); /**< sees each packet, may change it; hostile.h */
    void *box_ctx;
};

/** Becomes the tap of the net. */
void wire_up(struct wire *w, struct vnet *net);
void wire_down(struct wire *w);

bool wire_is(struct str bytes, const char *pattern);

/** Lose the packets of a rule, or hold them up. */
void wire_lose(struct wire *w, const struct vnode *from, const struct vnode *to,
               const char *pattern, unsigned skip, unsigned count);
void wire_delay(struct wire *w, const struct vnode *from, const struct vnode *to,
                const char *pattern, unsigned skip, unsigned count, uint32_t ms);

/** The nth (from 0) that matches, lost ones too; absent when there are fewer. */
struct str wire_find(const struct wire *w, const struct vnode *from, const struct vnode *to,
                     const char *pattern, size_t nth);
/** The same, as it arrived. */
struct str wire_arrived(const struct wire *w, const struct vnode *from, const struct vnode *to,
                        const char *pattern, size_t nth);
size_t wire_count(const struct wire *w, const struct vnode *from, const struct vnode *to,
                  const char *pattern);

/**
 * The nth line of a header as it stands in the message: what follows the colon, folds and all,
 * without the line end. Names are compared without case. Absent when there is none.
 */
struct str wire_raw(struct str bytes, const char *name, size_t nth);
struct str wire_body(struct str bytes);

#endif
