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
 * With a store it is nobody's record as well, once, whoever watches: that is what streams and
 * history are made of.
 *
 * When memory is out the event cannot be told, and nobody may believe that it did not happen:
 * the journal gets a gap in its place, and deliver.c does with it what it does with gaps.
 */
#include "cti/parts.h"

/** A reference in its place: the schema wants one. */
static const struct str nobody = STR_INIT("0");

/** Nobody's record of it. */
static void note(struct cti *c, const struct device *dev, const struct device *other,
                 struct journal_record r)
{
    r.party[JOURNAL_SUBJECT] = dev->uri;
    r.identity[JOURNAL_SUBJECT] = JOURNAL_ID;
    r.audience = other == NULL ? dev->key
                               : arena_join(c->scratch,
                                            (struct str[]){dev->key, STR(" "), other->key}, 3);
    journal_note(c->journal, &r);
}

static void tell_watch(struct cti *c, const struct device *dev, int err,
                       struct journal_record *r)
{
    if (dev == NULL || dev->cti == NULL) {
        return; /* nobody watches */
    }
    if (err == 0) {
        event_record(c, dev->cti, r);
    } else if (err == E_NOMEM) {
        watch_on_record(dev->cti, journal_miss(c->journal, dev->key));
    }
}

int cti_pair_event(struct cti *c, const struct device *dev, const struct device *other,
                   enum csta_msg_id event, const struct csta_msg *body, uint64_t now_ms)
{
    struct journal_record r = {.event = (uint16_t)event};
    struct csta_msg msg = *body;
    bool notes = journal_notes(c->journal);
    int err;

    if (dev->cti == NULL && (other == NULL || other->cti == NULL) && !notes) {
        return 0;
    }
    msg.id = event;
    err = csta_event_address(&msg, nobody, NULL, NULL, c->scratch, &msg);
    if (err == 0) {
        err = csta_text(c, &msg, CSTA_ED6, &r.body);
    }
    if (notes && err == 0) {
        note(c, dev, other, r);
    } else if (notes && err == E_NOMEM) {
        journal_note_missed(c->journal);
    }
    tell_watch(c, dev, err, &r);
    tell_watch(c, other, err, &r);
    cti_flush(c, now_ms);
    return err;
}

int cti_device_event(struct cti *c, const struct device *dev, enum csta_msg_id event,
                     const struct csta_msg *body, uint64_t now_ms)
{
    return cti_pair_event(c, dev, NULL, event, body, now_ms);
}
