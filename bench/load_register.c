/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices register: `count` of them from number `device` on, `rounds` times, the first round
 * making bindings and the others refreshing them. They come from a trusted address, so no
 * digest is computed, and from the port of the called end: there a registrar sends their calls.
 */
#include "load.h"
#include <stdlib.h>

static struct mould mould;
static uint32_t first;

static void make_mould(struct load_run *l)
{
    uint32_t n = 0;
    (void)str_to_u32(str_c(l->device), &n);
    first = n;
    mould_make(
        &mould,
        "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKr################;rport\r\n"
        "Max-Forwards: 70\r\n"
        "Call-ID: reg-################@%s\r\n"
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY\r\n"
        "User-Agent: Desk Phone 12.0\r\n"
        "Expires: 3600\r\n"
        "Content-Length: 0\r\n",
        l->ip, l->b.number, l->ip);
}

/** The branch tells the rounds apart, the Call-ID must not: it is cut out of the mould. */
static void send_register(struct load_run *l, uint32_t index, uint32_t cseq)
{
    char head[512];
    char *room = port_room(&l->b);
    uint32_t number = first + index;
    int n = snprintf(head, sizeof(head),
                     "REGISTER sip:%s SIP/2.0\r\n"
                     "From: <sip:%u@%s>;tag=%u\r\nTo: <sip:%u@%s>\r\n"
                     "CSeq: %u REGISTER\r\nContact: <sip:%u@%s:%u;transport=udp>\r\n",
                     l->domain, number, l->domain, number, number, l->domain, cseq, number,
                     l->ip, l->b.number);
    char *p = put(room, str_make(head, (size_t)n));
    char *tail = p;
    p = mould_pour(&mould, p, (uint64_t)index);
    hex16_write(tail + mould.at[0], (uint64_t)cseq << 32 | index);
    p = put(p, STR("\r\n"));
    port_send(&l->b, (size_t)(p - room), &l->server);
}

/** @return the number of the device whose 200 this is, UINT32_MAX: it is none */
static uint32_t answered(struct load_run *l, struct str msg)
{
    struct seen s;
    uint64_t id;
    if (!seen_read(&s, msg) || s.status == 0) {
        return UINT32_MAX;
    }
    if (s.status != 200) {
        load_fail(l, "REGISTER refused", str_trim(s.start));
        return UINT32_MAX;
    }
    return hex16_read(str_from(seen_value(s.call_id), 4), &id) ? (uint32_t)id : UINT32_MAX;
}

bool register_one(struct load_run *l, uint32_t number, uint32_t cseq)
{
    make_mould(l);
    first = number;
    for (int tries = 0; tries < LOAD_TRIES; tries++) {
        send_register(l, 0, cseq);
        if (!load_wait(l, LOAD_REPEAT_MS)) {
            break;
        }
        unsigned n = port_receive(&l->b);
        for (unsigned i = 0; i < n; i++) {
            if (answered(l, port_message(&l->b, i)) == 0) {
                return true;
            }
        }
        if (l->failures > 0) {
            return false;
        }
        l->repeats_sent++;
    }
    load_fail(l, "no answer to REGISTER", STR_NONE);
    return false;
}

/** `open`: when each was sent, 0 when none is or the answer has come. */
static bool run_round(struct load_run *l, uint32_t cseq, uint64_t *open)
{
    uint32_t sent = 0, done = 0;
    uint64_t begin = load_now_ms();
    while (done < l->count && l->failures == 0) {
        uint64_t allowed = load_allowed(l, begin);
        while (sent < l->count && sent < allowed && sent - done < l->window) {
            open[sent] = load_now_ns();
            send_register(l, sent++, cseq);
        }
        if (!load_wait(l, l->rate > 0 ? 1 : 100)) {
            load_fail(l, "REGISTER without an answer", STR_NONE);
            return false;
        }
        for (unsigned n; (n = port_receive(&l->b)) > 0;) {
            for (unsigned i = 0; i < n; i++) {
                uint32_t at = answered(l, port_message(&l->b, i));
                if (at < sent && open[at] != 0) {
                    load_answered(l, open[at]);
                    open[at] = 0;
                    done++;
                } else {
                    l->repeats_received++;
                }
            }
        }
    }
    return l->failures == 0;
}

int load_register(struct load_run *l)
{
    uint64_t *open = calloc(l->count, sizeof(*open));
    uint32_t base = (uint32_t)load_now_ms() & 0x3fffffff; /* grows from run to run */
    make_mould(l);
    for (uint32_t r = 0; open != NULL && r < l->rounds; r++) {
        if (!run_round(l, base + r, open)) {
            break;
        }
    }
    free(open);
    return l->failures > 0;
}
