/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do not disturb, forwarding, message lamp: switches that Baton and the phone both have, and
 * that are one fact to whoever looks (TR/87 8).
 *
 *   switched at the phone ──► its event ──► the switch here ──► told to all
 *   switched here         ──► the switch here ──► SetDoNotDisturb … to its phones
 *
 * The phone whose word is being taken (`telling`) needs not be told it. What was switched here
 * while there was no session is set at the phone when there is one; otherwise the phone's own
 * state counts when a session begins, since its user has it before his eyes.
 */
#include "phone/parts.h"

enum { PUSH_WAITING = FEATURE_DND + 1 };

static enum forward_type forward_type_of(enum csta_forwarding_type type, bool *known)
{
    *known = true;
    switch (type) {
    case CSTA_FORWARDING_TYPE_ABSENT:
    case CSTA_FORWARDING_TYPE_FORWARD_IMMEDIATE:
        return FORWARD_IMMEDIATE;
    case CSTA_FORWARDING_TYPE_FORWARD_BUSY:
        return FORWARD_BUSY;
    case CSTA_FORWARDING_TYPE_FORWARD_NO_ANS:
        return FORWARD_NO_ANSWER;
    default:
        *known = false;
        return FORWARD_IMMEDIATE;
    }
}

static bool pushes(const struct phone *f, unsigned which)
{
    return (f->push >> which & 1) != 0;
}

/* ---- the phone's word ---- */

static void take_dnd(struct phone *f, bool on, uint64_t now_ms)
{
    if (!pushes(f, FEATURE_DND) && call_features(f->device)->dnd != on) {
        f->phones->telling = f;
        (void)call_set_dnd(f->phones->world.calls, f->device, on, now_ms);
        f->phones->telling = NULL;
    }
}

static void take_forward(struct phone *f, enum csta_forwarding_type type, bool on,
                         struct str to, uint32_t rings, uint64_t now_ms)
{
    bool known;
    enum forward_type which = forward_type_of(type, &known);

    if (known && !pushes(f, which) && (on || call_features(f->device)->forward[which].on)) {
        f->phones->telling = f;
        (void)call_set_forward(f->phones->world.calls, f->device, which, on,
                               phone_party(f, str_trim(to)),
                               rings <= FORWARD_RINGS_MAX ? rings : 0, now_ms);
        f->phones->telling = NULL;
    }
}

static void take_waiting(struct phone *f, bool on, uint64_t now_ms)
{
    struct event_layer *events = f->phones->world.events;

    if (events != NULL && !pushes(f, PUSH_WAITING) &&
        event_waiting(events, f->device).on != on) {
        f->phones->telling = f;
        (void)event_set_waiting(events, f->device, on, STR_NONE, now_ms);
        f->phones->telling = NULL;
    }
}

static uint32_t rings_of(const struct csta_int *n)
{
    return n->set && n->value > 0 && n->value <= FORWARD_RINGS_MAX ? (uint32_t)n->value : 0;
}

bool phone_mirror(struct phone *f, const struct csta_msg *event, uint64_t now_ms)
{
    const struct csta_forwarding_event *e;

    switch (event->id) {
    case CSTA_MSG_DO_NOT_DISTURB_EVENT:
        take_dnd(f, event->do_not_disturb_event->do_not_disturb_on == CSTA_TRUE, now_ms);
        return true;
    case CSTA_MSG_FORWARDING_EVENT:
        e = event->forwarding_event;
        take_forward(f, e->forwarding_type, e->forward_status == CSTA_TRUE, e->forward_to.value,
                     rings_of(&e->ring_count), now_ms);
        return true;
    case CSTA_MSG_MESSAGE_WAITING_EVENT:
        take_waiting(f, event->message_waiting_event->message_waiting_on == CSTA_TRUE, now_ms);
        return true;
    default:
        return false;
    }
}

void phone_mirror_answer(struct phone *f, const struct csta_msg *answer, uint64_t now_ms)
{
    const struct csta_get_forwarding_response *list;

    if (answer->id == CSTA_MSG_GET_DO_NOT_DISTURB_RESPONSE) {
        take_dnd(f, answer->get_do_not_disturb_response->do_not_disturb_on == CSTA_TRUE,
                 now_ms);
    } else if (answer->id == CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR_RESPONSE &&
               answer->get_message_waiting_indicator_response->message_waiting_on ==
                   CSTA_TRUE) {
        take_waiting(f, true, now_ms);
    } else if (answer->id == CSTA_MSG_GET_FORWARDING_RESPONSE) {
        list = answer->get_forwarding_response;
        for (size_t i = 0; i < list->forwarding_list.n; i++) {
            const struct csta_forward_list_item *item = &list->forwarding_list.item[i];
            take_forward(f, item->forwarding_type, item->forward_status == CSTA_TRUE,
                         item->forward_dn.value, 0, now_ms);
        }
    }
}

/* ---- ours ---- */

static int push_dnd(struct phone *f, uint64_t now_ms)
{
    const struct csta_set_do_not_disturb body = {
        .device = {.value = phone_name(f)},
        .do_not_disturb_on = call_features(f->device)->dnd ? CSTA_TRUE : CSTA_FALSE,
    };
    const struct csta_msg msg = {.id = CSTA_MSG_SET_DO_NOT_DISTURB,
                                 .set_do_not_disturb = &body};

    return phone_serves(f, msg.id) ? phone_ask(f, &msg, NULL, NULL, now_ms)
                                   : phone_press_dnd(f, &msg, now_ms);
}

static int push_forward(struct phone *f, enum forward_type type, uint64_t now_ms)
{
    static const uint8_t types[] = {
        [FORWARD_IMMEDIATE] = CSTA_FORWARDING_TYPE_FORWARD_IMMEDIATE,
        [FORWARD_BUSY] = CSTA_FORWARDING_TYPE_FORWARD_BUSY,
        [FORWARD_NO_ANSWER] = CSTA_FORWARDING_TYPE_FORWARD_NO_ANS,
    };
    const struct forward *now = &call_features(f->device)->forward[type];
    struct csta_set_forwarding body = {
        .device = {.value = phone_name(f)},
        .forwarding_type = (enum csta_forwarding_type)types[type],
        .activate_forward = now->on ? CSTA_TRUE : CSTA_FALSE,
        .forward_dn = {.value = now->on && now->to[0] != '\0' ? str_c(now->to) : STR_NONE},
    };
    const struct csta_msg msg = {.id = CSTA_MSG_SET_FORWARDING, .set_forwarding = &body};

    if (type == FORWARD_NO_ANSWER && now->on && now->rings > 0) {
        body.ring_count = (struct csta_int){.value = now->rings, .set = true};
    }
    return phone_serves(f, msg.id) ? phone_ask(f, &msg, NULL, NULL, now_ms) : 0;
}

static int push_waiting(struct phone *f, uint64_t now_ms)
{
    const struct csta_set_message_waiting_indicator body = {
        .device = {.value = phone_name(f)},
        .message_waiting_on =
            event_waiting(f->phones->world.events, f->device).on ? CSTA_TRUE : CSTA_FALSE,
    };
    const struct csta_msg msg = {.id = CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR,
                                 .set_message_waiting_indicator = &body};

    return phone_serves(f, msg.id) ? phone_ask(f, &msg, NULL, NULL, now_ms) : 0;
}

static bool is_subscribed(const struct phone *f)
{
    const struct event_layer *events = f->phones->world.events;

    return events != NULL && event_features_watched(events, f->device);
}

void phone_mirror_push(struct phone *f, uint64_t now_ms)
{
    for (unsigned which = 0; which <= PUSH_WAITING; which++) {
        int err = 0;
        if (!pushes(f, which) || f->state != PHONE_UP) {
            continue;
        }
        if (which == PUSH_WAITING) {
            err = push_waiting(f, now_ms);
        } else if (f->profile->feature_event && is_subscribed(f)) {
            err = 0; /* told in another way (event/feature_keys.c) */
        } else if (which == FEATURE_DND) {
            err = push_dnd(f, now_ms);
        } else {
            err = push_forward(f, (enum forward_type)which, now_ms);
        }
        if (err == 0) {
            f->push &= (uint8_t) ~(1U << which);
        }
    }
}

static void switched(struct phones *p, const struct device *d, unsigned which, uint64_t now_ms)
{
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if (f != p->telling) {
            f->push |= (uint8_t)(1U << which);
            phone_mirror_push(f, now_ms);
        }
    }
}

void phones_on_feature(struct phones *p, struct device *d, unsigned which, uint64_t now_ms)
{
    switched(p, d, which, now_ms);
}

void phones_on_waiting(struct phones *p, struct device *d, uint64_t now_ms)
{
    switched(p, d, PUSH_WAITING, now_ms);
}
