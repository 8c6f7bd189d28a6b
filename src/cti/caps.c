/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetSwitchingFunctionCaps: what kind of switch this is, and which profiles it has whole
 * (ECMA-269 §13; TR/87 8, 9.4).
 *
 * A profile is claimed when every service and event of it is supported in the table of
 * messages, so it appears by itself when the last one does. Where public readings of a profile
 * differ, all that any of them counts in is asked for (rule P-1): a client that believes the
 * claim is not disappointed.
 */
#include "cti/parts.h"

#define EVENT(name) CSTA_MSG_##name##_EVENT

static const uint16_t minimal[] = {CSTA_MSG_MAKE_CALL,
                                   CSTA_MSG_ANSWER_CALL,
                                   CSTA_MSG_CLEAR_CONNECTION,
                                   CSTA_MSG_MONITOR_START,
                                   CSTA_MSG_MONITOR_STOP,
                                   CSTA_MSG_REQUEST_SYSTEM_STATUS,
                                   CSTA_MSG_SYSTEM_STATUS,
                                   EVENT(CONNECTION_CLEARED),
                                   EVENT(DELIVERED),
                                   EVENT(ESTABLISHED),
                                   EVENT(FAILED),
                                   EVENT(NETWORK_REACHED),
                                   EVENT(ORIGINATED),
                                   EVENT(SERVICE_INITIATED),
                                   CSTA_MSG_NONE};

static const uint16_t basic[] = {CSTA_MSG_DEFLECT_CALL,
                                 CSTA_MSG_HOLD_CALL,
                                 CSTA_MSG_RETRIEVE_CALL,
                                 CSTA_MSG_SINGLE_STEP_TRANSFER_CALL,
                                 CSTA_MSG_ALTERNATE_CALL,
                                 CSTA_MSG_CONSULTATION_CALL,
                                 CSTA_MSG_RECONNECT_CALL,
                                 CSTA_MSG_TRANSFER_CALL,
                                 CSTA_MSG_GET_FORWARDING,
                                 CSTA_MSG_SET_FORWARDING,
                                 CSTA_MSG_CONFERENCE_CALL,
                                 CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL,
                                 CSTA_MSG_GET_SWITCHING_FUNCTION_DEVICES,
                                 CSTA_MSG_SWITCHING_FUNCTION_DEVICES,
                                 EVENT(DIVERTED),
                                 EVENT(HELD),
                                 EVENT(RETRIEVED),
                                 EVENT(TRANSFERRED),
                                 EVENT(BACK_IN_SERVICE),
                                 EVENT(OUT_OF_SERVICE),
                                 CSTA_MSG_NONE};

static const uint16_t advanced[] = {CSTA_MSG_GENERATE_DIGITS, CSTA_MSG_SNAPSHOT_DEVICE,
                                    CSTA_MSG_GET_CSTA_FEATURES, CSTA_MSG_NONE};

static const uint16_t conferencing[] = {CSTA_MSG_CONFERENCE_CALL,
                                        CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL,
                                        EVENT(CONFERENCED), CSTA_MSG_NONE};

static const uint16_t device_feature[] = {CSTA_MSG_GET_DO_NOT_DISTURB,
                                          CSTA_MSG_SET_DO_NOT_DISTURB,
                                          CSTA_MSG_GET_FORWARDING,
                                          CSTA_MSG_SET_FORWARDING,
                                          CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR,
                                          CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR,
                                          EVENT(DO_NOT_DISTURB),
                                          EVENT(FORWARDING),
                                          EVENT(MESSAGE_WAITING),
                                          CSTA_MSG_NONE};

static const uint16_t speaker[] = {CSTA_MSG_GET_SPEAKER_MUTE,
                                   CSTA_MSG_SET_SPEAKER_MUTE,
                                   CSTA_MSG_GET_SPEAKER_VOLUME,
                                   CSTA_MSG_SET_SPEAKER_VOLUME,
                                   EVENT(SPEAKER_MUTE),
                                   EVENT(SPEAKER_VOLUME),
                                   CSTA_MSG_NONE};

static bool is_whole(const uint16_t *profile)
{
    for (; *profile != CSTA_MSG_NONE; profile++) {
        if (!csta_msg_is_supported((enum csta_msg_id) * profile)) {
            return false;
        }
    }
    return true;
}

static enum csta_bool claim(bool whole)
{
    return whole ? CSTA_TRUE : CSTA_FALSE;
}

/** Both spellings: an edition is told those that it knows. */
static void fill_profiles(struct csta_profiles *p)
{
    bool has_minimal = is_whole(minimal), has_basic = has_minimal && is_whole(basic);
    bool has_advanced = has_basic && is_whole(advanced);

    p->minimal_endpoint_call_control_profile = claim(has_minimal);
    p->basic_endpoint_call_control_profile = claim(has_basic);
    p->advanced_endpoint_call_control_profile = claim(has_advanced);
    p->conferencing_endpoint_call_control_profile = claim(is_whole(conferencing));
    p->basic_endpoint_device_profile = claim(is_whole(device_feature));
    p->advanced_endpoint_device_profile = claim(is_whole(speaker));
    p->minimal_uacsta_call_control_profile = p->minimal_endpoint_call_control_profile;
    p->basic_uacsta_call_control_profile = p->basic_endpoint_call_control_profile;
    p->advanced_uacsta_call_control_profile = p->advanced_endpoint_call_control_profile;
    p->conferencing_uacsta_call_control_profile = p->conferencing_endpoint_call_control_profile;
    p->basic_uacsta_device_feature_profile = p->basic_endpoint_device_profile;
    p->speaker_uacsta_device_feature_profile = p->advanced_endpoint_device_profile;
}

struct outcome service_get_switching_function_caps(struct request *r)
{
    struct arena *a = r->cti->scratch;
    struct csta_get_switching_function_caps_response *answer = arena_zalloc(a, sizeof(*answer));
    struct csta_profiles *profiles = arena_zalloc(a, sizeof(*profiles));

    if (answer == NULL || profiles == NULL) {
        return outcome_nomem();
    }
    fill_profiles(profiles);
    *answer = (struct csta_get_switching_function_caps_response){
        .switching_sub_domain_name = r->cti->directory->domains[0],
        .manufacturer_name = STR("Baton"),
        .profiles = profiles,
        .ignore_unsupported_parameters = CSTA_IGNORE_UNSUPPORTED_PARAMETERS_IGNORE_PARAMETERS,
        .correlator_data_supported = CSTA_TRUE,
        .connection_view = CSTA_CONNECTION_VIEW_FIXED,
    };
    return outcome_answer(r, answer);
}
