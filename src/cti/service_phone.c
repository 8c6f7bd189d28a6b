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
