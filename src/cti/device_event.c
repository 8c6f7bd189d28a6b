/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events about a device and no call: do not disturb, forwarding, message waiting, agents, and
 * whatever else has a device for its subject (ECMA-269 §21, §22; TR/87 8).
 *
 *   csta_msg ──► XML, addressed to nobody ──► journal ──► for each monitor: its reference,
 *                                                        its spelling, its edition
 *
 * The record holds the event as XML in the newest edition, which can say everything that an
 * older one can. So it needs nothing to be told later: the switch may have changed again, the
 * agent may have gone. It costs a reading for each monitor, which is far below what the INFO
 * costs that carries it.
 *
 * When memory is out the event cannot be told, and nobody may believe that it did not happen:
 * the journal gets a gap in its place, and deliver.c does with it what it does with gaps.
 */
#include "cti/parts.h"

/** A reference in its place: the schema wants one. */
static const struct str nobody = STR_INIT("0");

int cti_device_event(struct cti *c, const struct device *dev, enum csta_msg_id event,
                     const struct csta_msg *body, uint64_t now_ms)
{
    struct journal_record r = {.event = (uint16_t)event};
    struct csta_msg msg = *body;
    int err;

    if (dev->cti == NULL) {
        return 0; /* nobody watches */
    }
    msg.id = event;
    err = csta_event_address(&msg, nobody, NULL, NULL, c->scratch, &msg);
    if (err == 0) {
        err = csta_text(c, &msg, CSTA_ED6, &r.body);
    }
    if (err == 0) {
        event_record(c, dev->cti, &r);
    } else if (err == E_NOMEM) {
        watch_on_record(dev->cti, journal_miss(c->journal, dev->key));
    }
    cti_flush(c, now_ms);
    return err;
}

static struct str spell(const void *ctx, struct str id)
{
    return monitor_spelling(ctx, id);
}

int device_event_text(const struct monitor *m, const struct journal_record *r, struct str *out)
{
    struct cti *c = m->session->cti;
    struct csta_limits limits = {.hash_salt = c->xml_salt};
    struct str ref = arena_fmt(c->scratch, "%u", m->ref);
    struct csta_msg event;
    int err = ref.n == 0 ? E_NOMEM : csta_decode(r->body, &limits, c->scratch, &event, NULL);

    if (err == 0) {
        err = csta_event_address(&event, ref, spell, m, c->scratch, &event);
    }
    return err != 0 ? err : csta_text(c, &event, (enum csta_edition)m->edition, out);
}
