/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetSwitchingFunctionDevices: which devices an application may use (ECMA-269 §13; TR/87 9.4).
 *
 *   request ──► response with serviceCrossRefID
 *           ──► SwitchingFunctionDevices, segment 1 … n, the last one with lastSegment
 *
 * The segments are requests of ours that go out behind the response. A segment has as many
 * devices as fit a datagram, and more when there are so many devices that the number of
 * requests would grow too large. Only what the application is granted is listed. All devices
 * are stations; of any other category the list is empty.
 */
#include "cti/parts.h"

enum { SEGMENT_DEVICES = 6, SEGMENTS_MAX = 256 };

struct listing {
    struct request *r;
    const struct device *only; /**< NULL: all */
    bool none;                 /**< of a category that nobody here has */
    struct csta_listed_device *item;
    size_t n, room;     /**< in this segment */
    size_t listed, all; /**< devices so far; in all */
    struct str ref;
    int64_t segment;
};

static bool is_listed(const struct listing *l, const struct device *dev)
{
    return !l->none && (l->only == NULL || l->only == dev) &&
           directory_may_observe(l->r->from.session->app, dev);
}

static int send_segment(struct listing *l)
{
    struct csta_switching_function_devices body = {
        .service_cross_ref_id = l->ref,
        .segment_id = {.value = l->segment++, .set = true},
        .last_segment = l->listed == l->all ? CSTA_TRUE : CSTA_FALSE,
        .device_list = {l->item, l->n},
    };
    struct csta_msg msg = {.id = CSTA_MSG_SWITCHING_FUNCTION_DEVICES,
                           .edition = l->r->from.edition,
                           .switching_function_devices = &body};

    l->n = 0;
    return cti_ask(l->r->from.session, &msg, NULL, NULL, l->r->now_ms);
}

static int list_device(struct listing *l, const struct device *dev)
{
    l->item[l->n++] = (struct csta_listed_device){
        .device_id = {.value = session_spelling(l->r->from.session, dev->uri)},
        .device_category = CSTA_DEVICE_CATEGORY_STATION,
        .named_device_types = CSTA_NAMED_DEVICE_TYPES_STATION,
    };
    l->listed++;
    return l->n == l->room || l->listed == l->all ? send_segment(l) : 0;
}

/** Call `fn` (NULL: count only) for each device that is listed. */
static int each_device(struct listing *l, int (*fn)(struct listing *l, const struct device *))
{
    const struct directory *d = l->r->cti->directory;
    size_t slot = 0;
    int err = 0;

    for (struct map_node *n = map_walk(&d->devices, &slot, NULL); n != NULL && err == 0;
         n = map_walk(&d->devices, &slot, n)) {
        const struct device *dev = container_of(n, struct device, by_key);
        if (!is_listed(l, dev)) {
            continue;
        }
        if (fn == NULL) {
            l->all++;
        } else {
            err = fn(l, dev);
        }
    }
    return err;
}

static int send_all(struct listing *l)
{
    (void)each_device(l, NULL);
    l->room = l->all / SEGMENTS_MAX + SEGMENT_DEVICES;
    l->item = arena_alloc(l->r->cti->scratch, l->room * sizeof(*l->item));
    if (l->item == NULL || l->ref.n == 0) {
        return E_NOMEM;
    }
    if (asks_room(l->r->from.session) < l->all / l->room + 1) {
        return E_TOOMANY;
    }
    return l->all == 0 ? send_segment(l) : each_device(l, list_device);
}

struct outcome service_get_switching_function_devices(struct request *r)
{
    const struct csta_get_switching_function_devices *asked =
        r->msg->get_switching_function_devices;
    struct csta_get_switching_function_devices_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct listing l = {.r = r, .segment = 1};
    struct device *only = NULL;
    struct outcome err;

    if (asked != NULL && asked->requested_device_id.value.n > 0 &&
        !resolve_device(r, &asked->requested_device_id, CSTA_OPERATION_INVALID_DEVICE_ID, &only,
                        &err)) {
        return err;
    }
    l.only = only;
    l.none = asked != NULL &&
             asked->requested_device_category != CSTA_REQ_DEVICE_CATEGORY_ABSENT &&
             asked->requested_device_category != CSTA_REQ_DEVICE_CATEGORY_STATION;
    l.ref = arena_fmt(r->cti->scratch, "%u", ++r->from.session->last_system_ref);
    switch (answer == NULL ? E_NOMEM : send_all(&l)) {
    case 0:
        answer->service_cross_ref_id = l.ref;
        return outcome_answer(r, answer);
    case E_TOOMANY:
        return outcome_error(CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY,
                             CSTA_SUBSCRIBED_OUTSTANDING_REQ_LIMIT_EXCEEDED,
                             "too many requests to this session wait for an answer");
    default:
        return outcome_nomem();
    }
}
