/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a stream. The first four choose how it is cut into pieces. Demanded: the
 * pieces give what the whole gives (a ping in two halves is first a pong, so pongs do not
 * count), and the index agrees with the framer on where a message ends.
 */
#include "sip/framer.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 4096

struct events {
    size_t n;
    uint64_t what[EVENTS_MAX]; /* kind, and where in the stream it ended */
};

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void agree(struct str msg)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    if (sip_msg_index(&m, msg, false, &sip_limits_default, &fault) == 0) {
        demand(m.len == msg.n);
    }
}

/* @return false when the stream was given up */
static bool drain(struct sip_framer *f, struct str stream, size_t *base, size_t end,
                  struct events *ev)
{
    for (;;) {
        /* a block of its own, so that nothing behind it can be read */
        size_t n = end - *base;
        char *p = malloc(n + (n == 0));
        struct str msg;
        size_t used;
        struct sip_fault fault;
        demand(p != NULL);
        if (n > 0) {
            memcpy(p, stream.p + *base, n);
        }
        enum sip_frame what =
            sip_framer_next(f, str_make(p, n), &sip_limits_default, &msg, &used, &fault);
        demand(used <= n && fault.at <= n);
        *base += used;
        if (what == SIP_FRAME_MESSAGE) {
            agree(msg);
        }
        free(p);
        if (what == SIP_FRAME_MORE) {
            return true;
        }
        demand(used > 0);
        if (what != SIP_FRAME_PONG && ev->n < EVENTS_MAX) {
            /* a stream that is given up is dropped whole, and faults tell what was wrong */
            ev->what[ev->n++] =
                (uint64_t)what << 56 | (what == SIP_FRAME_BAD ? fault.status : *base);
        }
        if (what == SIP_FRAME_BAD) {
            return false;
        }
    }
}

static void run(struct str stream, uint32_t seed, struct events *ev)
{
    struct sip_framer f;
    size_t base = 0;
    size_t end = 0;
    bool open = true;
    ev->n = 0;
    sip_framer_init(&f);
    while (open && end < stream.n) {
        size_t left = stream.n - end;
        size_t step = left;
        if (seed != 0) {
            seed = seed * 1664525U + 1013904223U;
            step = 1 + (seed >> 24) % 64;
            step = step < left ? step : left;
        }
        end += step;
        open = drain(&f, stream, &base, end, ev);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct events whole;
    static struct events pieces;
    uint32_t seed;
    if (size < sizeof(seed) || size > 16384) {
        return 0;
    }
    memcpy(&seed, data, sizeof(seed));
    struct str stream = str_make((const char *)data + sizeof(seed), size - sizeof(seed));
    run(stream, 0, &whole);
    run(stream, seed | 1, &pieces);
    demand(whole.n == pieces.n);
    demand(memcmp(whole.what, pieces.what, whole.n * sizeof(whole.what[0])) == 0);
    return 0;
}
