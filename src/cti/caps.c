/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetSwitchingFunctionCaps: what kind of switch this is, and which profiles it has whole
 * (ECMA-269 §13; TR/87 8, 9.4).
 *
 * A profile is claimed when every service and event of it is supported in the table of
 * messages, so it appears by itself when the last one does; conferences want a focus besides.
 * Where public readings of a profile differ, all that any of them counts in is asked for (rule
 * P-1): a client that believes the claim is not disappointed. The speaker
 * profile is the phones': it is claimed while one of them has it (phone/phone.h).
 */
#include "cti/parts.h"

/** Basic, too, has conferences in the larger reading. */
static enum csta_bool claim(const struct cti *c, enum csta_profile profile)
{
    bool confers = profile == CSTA_PROFILE_BASIC || profile == CSTA_PROFILE_ADVANCED ||
                   profile == CSTA_PROFILE_CONFERENCING;

    return csta_profile_is_whole(profile) &&
                   (!confers || cti_has(c, CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL))
               ? CSTA_TRUE
               : CSTA_FALSE;
}

/** The speaker is a phone's: some phone has to have all of it now. */
static enum csta_bool claim_speaker(const struct cti *c)
{
    static const uint16_t parts[] = {CSTA_MSG_GET_SPEAKER_MUTE, CSTA_MSG_SET_SPEAKER_MUTE,
                                     CSTA_MSG_GET_SPEAKER_VOLUME, CSTA_MSG_SET_SPEAKER_VOLUME};
    bool whole = csta_profile_is_whole(CSTA_PROFILE_SPEAKER);

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        whole = whole && phone_has(c, NULL, (enum csta_msg_id)parts[i]);
    }
    return whole ? CSTA_TRUE : CSTA_FALSE;
}

/** Both spellings: an edition is told those that it knows. */
static void fill_profiles(const struct cti *c, struct csta_profiles *p)
{
    p->minimal_endpoint_call_control_profile = claim(c, CSTA_PROFILE_MINIMAL);
    p->basic_endpoint_call_control_profile = claim(c, CSTA_PROFILE_BASIC);
    p->advanced_endpoint_call_control_profile = claim(c, CSTA_PROFILE_ADVANCED);
    p->conferencing_endpoint_call_control_profile = claim(c, CSTA_PROFILE_CONFERENCING);
    p->basic_endpoint_device_profile = claim(c, CSTA_PROFILE_DEVICE_FEATURE);
    p->advanced_endpoint_device_profile = claim_speaker(c);
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
    fill_profiles(r->cti, profiles);
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
