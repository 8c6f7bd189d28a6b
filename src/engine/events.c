/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and the rest: SUBSCRIBE, PUBLISH and NOTIFY on their way to the event layer.
 *
 * The event layer answers by filling in a reply; here it is found out who asks, and the reply
 * is sent. What has no package is refused before anybody is asked who he is.
 */
#include "engine/parts.h"

static struct event_party party_of(const struct identity *who)
{
    return (struct event_party){who->device, who->application, who->peer};
}

void events_subscribe(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    struct txn_reply r = {0};
    struct identity who;

    if (!event_known(e->events, m, &r)) {
        dispatch_stranger(e, m, from, &r);
    } else if (identify(e, m, from, true, &who, now_ms)) {
        struct event_party party = party_of(&who);
        event_subscribe(e->events, m, from, &party, &r, now_ms);
        dispatch_reply(e, m, from, &r, now_ms);
    }
}

bool events_in_dialog(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    struct txn_reply r = {0};
    bool ours = event_on_request(e->events, m, from, &r, now_ms);

    if (ours) {
        dispatch_reply(e, m, from, &r, now_ms);
    }
    return ours;
}

void events_publish(struct engine *e, const struct sip_msg *m, const struct hop *from,
                    uint64_t now_ms)
{
    struct txn_reply r = {0};
    struct identity who;

    if (!event_publishes(e->events, m, &r)) {
        dispatch_stranger(e, m, from, &r);
    } else if (identify(e, m, from, true, &who, now_ms)) {
        struct event_party party = party_of(&who);
        event_publish(e->events, m, &party, &r, now_ms);
        dispatch_reply(e, m, from, &r, now_ms);
    }
}

/** The state of a mailbox from a voice mail system; all else has no subscription (481). */
void events_notify(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms)
{
    struct txn_reply r = {.status = 481};
    struct identity who;

    if (!event_is_notified(m)) {
        e->count.no_dialog++;
        dispatch_stranger(e, m, from, &r);
    } else if (identify(e, m, from, true, &who, now_ms)) {
        struct event_party party = party_of(&who);
        event_notified(e->events, m, &party, &r, now_ms);
        dispatch_reply(e, m, from, &r, now_ms);
    }
}
