/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the phone itself can do: speaker, microphone, ringer, hookswitch (ECMA-269 §21).
 *
 * The request goes on as it came, but for the name of the device, which is written as the
 * phone wants it; the answer goes back as it comes. Of several phones of a device the first
 * that has the service is asked.
 */
#include "phone/parts.h"

/** The request with the device's name as the phone has it. NULL: no memory, or no such */
static const void *renamed(struct phone *f, const struct csta_msg *request)
{
    static const struct {
        uint16_t id, size;
    } sizes[] = {
        {CSTA_MSG_GET_HOOKSWITCH_STATUS, sizeof(struct csta_get_hookswitch_status)},
        {CSTA_MSG_SET_HOOKSWITCH_STATUS, sizeof(struct csta_set_hookswitch_status)},
        {CSTA_MSG_GET_MICROPHONE_MUTE, sizeof(struct csta_get_microphone_mute)},
        {CSTA_MSG_SET_MICROPHONE_MUTE, sizeof(struct csta_set_microphone_mute)},
        {CSTA_MSG_GET_RINGER_STATUS, sizeof(struct csta_get_ringer_status)},
        {CSTA_MSG_SET_RINGER_STATUS, sizeof(struct csta_set_ringer_status)},
        {CSTA_MSG_GET_SPEAKER_MUTE, sizeof(struct csta_get_speaker_mute)},
        {CSTA_MSG_SET_SPEAKER_MUTE, sizeof(struct csta_set_speaker_mute)},
        {CSTA_MSG_GET_SPEAKER_VOLUME, sizeof(struct csta_get_speaker_volume)},
        {CSTA_MSG_SET_SPEAKER_VOLUME, sizeof(struct csta_set_speaker_volume)},
    };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (sizes[i].id == (unsigned)request->id) {
            struct csta_device_id *body = arena_alloc(f->phones->world.scratch, sizes[i].size);
            if (body != NULL) { /* all of them begin with the device (cti/service_phone.c) */
                memcpy(body, request->body, sizes[i].size);
                *body = (struct csta_device_id){.value = phone_name(f)};
            }
            return body;
        }
    }
    return NULL;
}

static void on_answer(void *owner, struct phone *f, const struct csta_msg *answer,
                      uint64_t now_ms)
{
    struct act *act = owner;
    cti_phone_fn fn = act->phone_fn;
    void *who = act->owner;

    (void)f;
    act_free(act);
    if (fn != NULL) {
        fn(who, answer, now_ms);
    }
}

enum call_error phone_on_body(void *ctx, struct device *d, const struct csta_msg *request,
                              cti_phone_fn fn, void *owner, uint64_t now_ms)
{
    struct phones *p = ((struct call_layer *)ctx)->phones;
    enum call_error err = CALL_UNSUPPORTED;

    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        struct csta_msg msg = *request;
        struct act *act;
        if (!phone_profile_has(f->profile, request->id) ||
            phone_messages_has(&f->refused, request->id)) {
            continue;
        }
        err = CALL_NOT_REGISTERED; /* it would, and is not there now */
        if (f->state < PHONE_STARTING) {
            continue;
        }
        act = act_new(p, NULL, owner);
        msg.body = act == NULL ? NULL : renamed(f, request);
        if (msg.body == NULL) {
            act_free(act);
            return CALL_NO_RESOURCES;
        }
        act->phone_fn = fn;
        if (phone_ask(f, &msg, on_answer, act, now_ms) == 0) {
            return CALL_OK;
        }
        act_free(act);
        err = CALL_NO_RESOURCES;
    }
    return err;
}
