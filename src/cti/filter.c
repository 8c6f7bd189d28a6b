/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monitor filters: which events a monitor is not told (ECMA-269 §12.2, TR/87 9.1 N-4).
 *
 * A filter lists the events that are kept back: `true` means "not this one", absent and `false`
 * mean that it is sent. All categories of the standard are understood, those too whose events
 * Baton never sends, so a client's filter can be honoured whole and is echoed as the actual
 * one. Of events without an element in a filter nothing can be kept back.
 *
 * A set of events is two words of bits; EVENTS gives each event that can be filtered its bit.
 */
#include "cti/parts.h"

/* EVENT, category in MonitorFilter, its struct, member there */
#define EVENTS(X)                                                                              \
    X(BRIDGED, call_control, call_control_events, bridged)                                     \
    X(CALL_CLEARED, call_control, call_control_events, call_cleared)                           \
    X(CONFERENCED, call_control, call_control_events, conferenced)                             \
    X(CONNECTION_CLEARED, call_control, call_control_events, connection_cleared)               \
    X(DELIVERED, call_control, call_control_events, delivered)                                 \
    X(DIGITS_DIALED, call_control, call_control_events, digits_dialed)                         \
    X(DIVERTED, call_control, call_control_events, diverted)                                   \
    X(ESTABLISHED, call_control, call_control_events, established)                             \
    X(FAILED, call_control, call_control_events, failed)                                       \
    X(HELD, call_control, call_control_events, held)                                           \
    X(NETWORK_CAPABILITIES_CHANGED, call_control, call_control_events,                         \
      network_capabilities_changed)                                                            \
    X(NETWORK_REACHED, call_control, call_control_events, network_reached)                     \
    X(OFFERED, call_control, call_control_events, offered)                                     \
    X(ORIGINATED, call_control, call_control_events, originated)                               \
    X(QUEUED, call_control, call_control_events, queued)                                       \
    X(RETRIEVED, call_control, call_control_events, retrieved)                                 \
    X(SERVICE_INITIATED, call_control, call_control_events, service_initiated)                 \
    X(TRANSFERRED, call_control, call_control_events, transferred)                             \
    X(CALL_INFORMATION, call_associated, call_associated_events, call_information)             \
    X(CHARGING, call_associated, call_associated_events, charging)                             \
    X(DIGITS_GENERATED, call_associated, call_associated_events, digits_generated)             \
    X(TELEPHONY_TONES_GENERATED, call_associated, call_associated_events,                      \
      telephony_tones_generated)                                                               \
    X(SERVICE_COMPLETION_FAILURE, call_associated, call_associated_events,                     \
      service_completion_failure)                                                              \
    X(MEDIA_ATTACHED, media_attachment, media_attachment_events, media_attached)               \
    X(MEDIA_DETACHED, media_attachment, media_attachment_events, media_detached)               \
    X(BUTTON_INFORMATION, physical_device_feature, physical_device_feature_events,             \
      button_information)                                                                      \
    X(BUTTON_PRESS, physical_device_feature, physical_device_feature_events, button_press)     \
    X(DISPLAY_UPDATED, physical_device_feature, physical_device_feature_events,                \
      display_updated)                                                                         \
    X(HOOKSWITCH, physical_device_feature, physical_device_feature_events, hookswitch)         \
    X(LAMP_MODE, physical_device_feature, physical_device_feature_events, lamp_mode)           \
    X(MESSAGE_WAITING, physical_device_feature, physical_device_feature_events,                \
      message_waiting)                                                                         \
    X(MICROPHONE_GAIN, physical_device_feature, physical_device_feature_events,                \
      microphone_gain)                                                                         \
    X(MICROPHONE_MUTE, physical_device_feature, physical_device_feature_events,                \
      microphone_mute)                                                                         \
    X(RINGER_STATUS, physical_device_feature, physical_device_feature_events, ringer_status)   \
    X(SPEAKER_MUTE, physical_device_feature, physical_device_feature_events, speaker_mute)     \
    X(SPEAKER_VOLUME, physical_device_feature, physical_device_feature_events, speaker_volume) \
    X(AGENT_BUSY, logical_device_feature, logical_device_feature_events, agent_busy)           \
    X(AGENT_LOGGED_ON, logical_device_feature, logical_device_feature_events, agent_logged_on) \
    X(AGENT_LOGGED_OFF, logical_device_feature, logical_device_feature_events,                 \
      agent_logged_off)                                                                        \
    X(AGENT_NOT_READY, logical_device_feature, logical_device_feature_events, agent_not_ready) \
    X(AGENT_READY, logical_device_feature, logical_device_feature_events, agent_ready)         \
    X(AGENT_WORKING_AFTER_CALL, logical_device_feature, logical_device_feature_events,         \
      agent_working_after_call)                                                                \
    X(AUTO_ANSWER, logical_device_feature, logical_device_feature_events, auto_answer)         \
    X(AUTO_WORK_MODE, logical_device_feature, logical_device_feature_events, auto_work_mode)   \
    X(CALL_BACK, logical_device_feature, logical_device_feature_events, call_back)             \
    X(CALL_BACK_MESSAGE, logical_device_feature, logical_device_feature_events,                \
      call_back_message)                                                                       \
    X(CALLER_ID_STATUS, logical_device_feature, logical_device_feature_events,                 \
      caller_id_status)                                                                        \
    X(DO_NOT_DISTURB, logical_device_feature, logical_device_feature_events, do_not_disturb)   \
    X(FORWARDING, logical_device_feature, logical_device_feature_events, forwarding)           \
    X(ROUTEING, logical_device_feature, logical_device_feature_events, routeing_mode)          \
    X(BACK_IN_SERVICE, maintenance, device_maintenance_events, back_in_service)                \
    X(DEVICE_CAPS_CHANGED, maintenance, device_maintenance_events, device_capability_changed)  \
    X(OUT_OF_SERVICE, maintenance, device_maintenance_events, out_of_service)                  \
    X(PARTIALLY_IN_SERVICE, maintenance, device_maintenance_events, partially_in_service)      \
    X(BOOKMARK_REACHED, voice, voice_events, bookmark_reached)                                 \
    X(COMPLETED, voice, voice_events, completed)                                               \
    X(DTMF_DETECTED, voice, voice_events, dtmf_detected)                                       \
    X(EMPTIED, voice, voice_events, emptied)                                                   \
    X(INTERRUPTION_DETECTED, voice, voice_events, interruption_detected)                       \
    X(NOT_RECOGNIZED, voice, voice_events, not_recognized)                                     \
    X(PLAY, voice, voice_events, play)                                                         \
    X(RECOGNIZED, voice, voice_events, recognized)                                             \
    X(RECORD, voice, voice_events, record)                                                     \
    X(REVIEW, voice, voice_events, review)                                                     \
    X(STARTED, voice, voice_events, started)                                                   \
    X(SILENCE_TIMEOUT_EXPIRED, voice, voice_events, silence_timeout_expired)                   \
    X(SPEECH_DETECTED, voice, voice_events, speech_detected)                                   \
    X(STOP, voice, voice_events, stop)                                                         \
    X(SUSPEND_PLAY, voice, voice_events, suspend_play)                                         \
    X(SUSPEND_RECORD, voice, voice_events, suspend_record)                                     \
    X(VOICE_ATTRIBUTE_CHANGED, voice, voice_events, voice_attributes_changed)                  \
    X(VOICE_ERROR_OCCURRED, voice, voice_events, voice_error_occurred)                         \
    X(PRIVATE, private, vendor_spec_events, private)

/* clang-format off */
enum place {
    AT_NONE,
#define X(EVENT, category, type, member) AT_##EVENT,
    EVENTS(X)
#undef X
    AT_COUNT
};

static const uint8_t places[CSTA_MSG_COUNT] = {
#define X(EVENT, category, type, member) [CSTA_MSG_##EVENT##_EVENT] = AT_##EVENT,
    EVENTS(X)
#undef X
};

/** Where the element of an event is in a filter. */
static const struct {
    uint16_t category, member;
} elements[AT_COUNT] = {
#define X(EVENT, category, type, member)                                       \
    [AT_##EVENT] = {offsetof(struct csta_monitor_filter, category),            \
                    offsetof(struct csta_##type, member)},
    EVENTS(X)
#undef X
};
/* clang-format on */

_Static_assert(AT_COUNT <= 128, "bits of a set");

static uint64_t bit(unsigned place)
{
    return 1ULL << (place % 64);
}

void filter_add(struct event_set *set, unsigned event)
{
    unsigned place = event < CSTA_MSG_COUNT ? places[event] : AT_NONE;

    if (place != AT_NONE) {
        set->bits[place / 64] |= bit(place);
    }
}

struct event_set filter_read(const struct csta_monitor_filter *f)
{
    struct event_set set = {{0, 0}};

    for (unsigned i = 1; f != NULL && i < AT_COUNT; i++) {
        const void *category;
        enum csta_bool value;
        memcpy(&category, (const char *)f + elements[i].category, sizeof(category));
        if (category == NULL) {
            continue;
        }
        memcpy(&value, (const char *)category + elements[i].member, sizeof(value));
        set.bits[i / 64] |= value == CSTA_TRUE ? bit(i) : 0;
    }
    return set;
}

bool filter_has(const struct event_set *set, unsigned event)
{
    unsigned place = event < CSTA_MSG_COUNT ? places[event] : AT_NONE;

    return place != AT_NONE && (set->bits[place / 64] & bit(place)) != 0;
}

bool monitor_hides(const struct monitor *m, const struct journal_record *r)
{
    return filter_has(&m->filter, r->event) ||
           (r->number <= m->filter_since && filter_has(&m->earlier, r->event));
}
