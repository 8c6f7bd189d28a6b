/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the phone itself can do: its speaker, microphone, ringer and hookswitch (ECMA-269
 * §21; TR/87 8.4).
 *
 * A switch that bridges calls has no hand on these. So the request goes, as it came, to a
 * driver that speaks CSTA with the phone, and the phone's answer comes back as it is. A driver
 * that cannot at all leaves the function out, and the services are not known (request.c); one
 * that cannot for this device says CALL_UNSUPPORTED. Both are serviceNotSupported.
 */
#include "cti/serve.h"

#include <stddef.h>

/* All of them begin with the device. */
#define DEVICE_FIRST(type) \
    _Static_assert(offsetof(struct csta_##type, device) == 0, "the device comes first")
DEVICE_FIRST(get_hookswitch_status);
DEVICE_FIRST(set_hookswitch_status);
DEVICE_FIRST(get_microphone_mute);
DEVICE_FIRST(set_microphone_mute);
DEVICE_FIRST(get_ringer_status);
DEVICE_FIRST(set_ringer_status);
DEVICE_FIRST(get_speaker_mute);
DEVICE_FIRST(set_speaker_mute);
DEVICE_FIRST(get_speaker_volume);
DEVICE_FIRST(set_speaker_volume);

struct outcome service_phone(struct request *r)
{
    const struct csta_device_id *id = r->msg->body;
    const struct cti_driver *driver = r->cti->driver;
    enum call_error failed;
    struct pending *p;
    struct outcome err;
    struct device *d;

    if (!resolve_device(r, id, CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err)) {
        return err;
    }
    p = hold_on(r, NULL, &err);
    if (p == NULL) {
        return err;
    }
    failed = driver->phone(r->cti->driver_ctx, d, r->msg, pending_on_phone, p, r->now_ms);
    if (failed == CALL_OK) {
        return outcome_later();
    }
    pending_free(p);
    return failed == CALL_UNSUPPORTED ? not_for_this_device()
                                      : error_of_call(r->msg->id, failed, 0, r->cti->scratch);
}

/* ---- what is announced ---- */

/** A message, and the service of the phones that have it. */
struct row {
    uint16_t id, service;
};
static const struct row rows[] = {
    {CSTA_MSG_GET_HOOKSWITCH_STATUS, CSTA_MSG_GET_HOOKSWITCH_STATUS},
    {CSTA_MSG_SET_HOOKSWITCH_STATUS, CSTA_MSG_SET_HOOKSWITCH_STATUS},
    {CSTA_MSG_GET_MICROPHONE_MUTE, CSTA_MSG_GET_MICROPHONE_MUTE},
    {CSTA_MSG_SET_MICROPHONE_MUTE, CSTA_MSG_SET_MICROPHONE_MUTE},
    {CSTA_MSG_GET_RINGER_STATUS, CSTA_MSG_GET_RINGER_STATUS},
    {CSTA_MSG_SET_RINGER_STATUS, CSTA_MSG_SET_RINGER_STATUS},
    {CSTA_MSG_GET_SPEAKER_MUTE, CSTA_MSG_GET_SPEAKER_MUTE},
    {CSTA_MSG_SET_SPEAKER_MUTE, CSTA_MSG_SET_SPEAKER_MUTE},
    {CSTA_MSG_GET_SPEAKER_VOLUME, CSTA_MSG_GET_SPEAKER_VOLUME},
    {CSTA_MSG_SET_SPEAKER_VOLUME, CSTA_MSG_SET_SPEAKER_VOLUME},
    {CSTA_MSG_HOOKSWITCH_EVENT, CSTA_MSG_GET_HOOKSWITCH_STATUS},
    {CSTA_MSG_MICROPHONE_MUTE_EVENT, CSTA_MSG_GET_MICROPHONE_MUTE},
    {CSTA_MSG_RINGER_STATUS_EVENT, CSTA_MSG_GET_RINGER_STATUS},
    {CSTA_MSG_SPEAKER_MUTE_EVENT, CSTA_MSG_GET_SPEAKER_MUTE},
    {CSTA_MSG_SPEAKER_VOLUME_EVENT, CSTA_MSG_GET_SPEAKER_VOLUME},
};

static const struct row *row_of(enum csta_msg_id id)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].id == (unsigned)id) {
            return &rows[i];
        }
    }
    return NULL;
}

bool phone_has(const struct cti *c, const struct device *d, enum csta_msg_id id)
{
    const struct row *row = row_of(id);
    bool focus = c->driver->has_focus != NULL && c->driver->has_focus(c->driver_ctx);

    if (id == CSTA_MSG_CONFERENCE_CALL && !focus) { /* then the phone has to mix */
        return c->driver->has != NULL && c->driver->has(c->driver_ctx, d, id);
    }
    return row == NULL || (c->driver->has != NULL &&
                           c->driver->has(c->driver_ctx, d, (enum csta_msg_id)row->service));
}

static bool prune(const struct cti *c, const struct device *d, struct csta_feature_list *list)
{
    struct csta_feature *left = arena_alloc(c->scratch, (list->n + 1) * sizeof(*left));
    size_t n = 0;

    if (left == NULL) {
        return false;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (phone_has(c, d, list->item[i].id)) {
            left[n++] = list->item[i];
        }
    }
    *list = n > 0 ? (struct csta_feature_list){left, n} : (struct csta_feature_list){NULL, 0};
    return true;
}

bool phone_prune(const struct cti *c, const struct device *d,
                 struct csta_get_csta_features_response *all)
{
    struct csta_supported_services *services = arena_alloc(c->scratch, sizeof(*services));
    struct csta_supported_events *events = arena_alloc(c->scratch, sizeof(*events));

    if (services == NULL || events == NULL) {
        return false;
    }
    *services = *all->supported_services;
    *events = *all->supported_events;
    all->supported_services = services;
    all->supported_events = events;
    return prune(c, d, &services->phys_dev_serv_list) &&
           prune(c, d, &events->phys_dev_evts_list);
}
