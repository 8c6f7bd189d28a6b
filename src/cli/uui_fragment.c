/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP fragments of captured datagrams (RFC 791 §3.2, RFC 8200 §4.5), for uui_frames.h.
 *
 * A datagram that waits has a buffer and a bit for each eight octets. Fragments come in any
 * order and more than once; one that does not end at a multiple of eight and is not the last,
 * or that reaches beyond the end, is left out. Nothing is timed: the oldest makes room.
 */
#include "base/err.h"
#include "lint/frames.h"
#include <stdlib.h>

enum { DATAGRAM_MAX = 65536 };

struct datagram {
    struct addr from, to;
    uint32_t id;
    uint8_t proto;
    bool done; /**< handed out: to be used again */
    uint64_t turn;
    size_t end;   /**< 0: the last fragment has not come */
    size_t there; /**< blocks that have come */
    uint8_t seen[DATAGRAM_MAX / 64];
    char bytes[DATAGRAM_MAX];
};

static void begin(struct datagram *d, const struct frame *part)
{
    d->from = part->from;
    d->to = part->to;
    d->id = part->id;
    d->proto = part->proto;
    d->done = false;
    d->end = d->there = 0;
    memset(d->seen, 0, sizeof(d->seen));
}

static bool is_of(const struct datagram *d, const struct frame *part)
{
    return !d->done && d->id == part->id && d->proto == part->proto &&
           addr_ip_eq(&d->from, &part->from) && addr_ip_eq(&d->to, &part->to);
}

/** The one that the fragment belongs to, a new one, or the oldest begun anew. NULL: no memory
 */
static struct datagram *find(struct frames *f, const struct frame *part)
{
    struct datagram **oldest = &f->datagram[0];
    for (size_t i = 0; i < FRAMES_DATAGRAMS; i++) {
        struct datagram **d = &f->datagram[i];
        if (*d != NULL && is_of(*d, part)) {
            return *d;
        }
        if (*oldest != NULL && (*d == NULL || (*d)->turn < (*oldest)->turn)) {
            oldest = d;
        }
    }
    if (*oldest == NULL) {
        *oldest = malloc(sizeof(**oldest));
    }
    if (*oldest != NULL) {
        begin(*oldest, part);
    }
    return *oldest;
}

static void put(struct datagram *d, const struct frame *part)
{
    size_t first = part->offset / 8;
    size_t blocks = (part->payload.n + 7) / 8;
    memcpy(d->bytes + part->offset, part->payload.p, part->payload.n);
    for (size_t i = first; i < first + blocks; i++) {
        uint8_t bit = (uint8_t)(1U << i % 8);
        d->there += (d->seen[i / 8] & bit) == 0;
        d->seen[i / 8] |= bit;
    }
    if (!part->more) {
        d->end = part->offset + part->payload.n;
    }
}

struct str fragment_input(struct frames *f, const struct frame *part, bool *no_memory)
{
    size_t end = part->offset + part->payload.n;
    if (part->payload.n == 0 || end > DATAGRAM_MAX - 8 ||
        (part->more && part->payload.n % 8 != 0)) {
        f->cut++;
        return STR_NONE;
    }
    struct datagram *d = find(f, part);
    if (d == NULL) {
        *no_memory = true;
        return STR_NONE;
    }
    d->turn = f->turn;
    if (d->end != 0 && end > d->end) {
        f->cut++;
        return STR_NONE;
    }
    put(d, part);
    if (d->end == 0 || d->there != (d->end + 7) / 8) {
        return STR_NONE;
    }
    d->done = true;
    d->turn = 0;
    return str_make(d->bytes, d->end);
}

void fragments_fini(struct frames *f)
{
    for (size_t i = 0; i < FRAMES_DATAGRAMS; i++) {
        free(f->datagram[i]);
        f->datagram[i] = NULL;
    }
}
