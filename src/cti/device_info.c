/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetLogicalDeviceInformation and GetPhysicalDeviceInformation: what can be done with one
 * device (ECMA-269 §13; TR/87 9.4).
 *
 * Every device is a station with a logical element (the line: its calls, its features) and a
 * physical one (the phone), and both have the same identifier. The lists of services and events
 * come from the table of messages, as those of GetCSTAFeatures do: what is in a list is served
 * for this device.
 */
#include "cti/parts.h"

/** Which device is asked for? There is none that goes without saying. */
static bool device_of(const struct request *r, const struct csta_device_id *id,
                      struct device **out, struct outcome *err)
{
    if (id == NULL || id->value.n == 0) {
        *err = outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                             "the request names no device");
        return false;
    }
    return resolve_device(r, id, CSTA_OPERATION_INVALID_DEVICE_ID, out, err);
}

/** What the phone calls itself: the one that is tried first, if it is there. */
static struct str model(const struct request *r, const struct device *dev)
{
    const struct record *rec = registrar_find(r->cti->registrar, dev->key);

    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            const struct binding *b = list_entry(it, struct binding, link);
            if (b->user_agent.n > 0) {
                return b->user_agent;
            }
        }
    }
    return STR_NONE;
}

/** By which ways two calls can be joined: all of them, or it is not served at all. */
static const struct csta_trans_and_conf_setup *setup(const struct request *r)
{
    struct csta_trans_and_conf_setup *s = arena_zalloc(r->cti->scratch, sizeof(*s));

    if (s != NULL && csta_msg_is_supported(CSTA_MSG_TRANSFER_CALL)) {
        s->consultation_call = CSTA_TRUE;
        s->hold_call_make_call = CSTA_TRUE;
        s->alternate_call = CSTA_TRUE;
    }
    return s;
}

struct outcome service_get_logical_device_information(struct request *r)
{
    const struct csta_get_logical_device_information *asked =
        r->msg->get_logical_device_information;
    struct arena *a = r->cti->scratch;
    struct csta_get_logical_device_information_response *answer =
        arena_zalloc(a, sizeof(*answer));
    struct csta_log_dev_serv_list *services = arena_zalloc(a, sizeof(*services));
    struct csta_log_dev_evts_list *events = arena_zalloc(a, sizeof(*events));
    struct csta_get_csta_features_response all;
    struct outcome err;
    struct device *dev;

    if (!device_of(r, asked == NULL ? NULL : &asked->device, &dev, &err)) {
        return err;
    }
    if (answer == NULL || services == NULL || events == NULL ||
        csta_features_supported(a, &all) != 0 || !phone_prune(r->cti, dev, &all)) {
        return outcome_nomem();
    }
    services->call_control_serv_list = all.supported_services->call_control_serv_list;
    services->call_associated_serv_list = all.supported_services->call_associated_serv_list;
    services->logical_serv_list = all.supported_services->logical_serv_list;
    events->call_control_evts_list = all.supported_events->call_control_evts_list;
    events->call_associated_evts_list = all.supported_events->call_associated_evts_list;
    events->logical_evts_list = all.supported_events->logical_evts_list;
    *answer = (struct csta_get_logical_device_information_response){
        .device_category = CSTA_DEVICE_CATEGORY_STATION,
        .named_device_types = CSTA_NAMED_DEVICE_TYPES_STATION,
        .short_form_device_id = {.value = dev->number},
        .has_physical_element = CSTA_TRUE,
        .appearance_addressable = CSTA_FALSE,
        .appearance_type = CSTA_APPEARANCE_TYPE_SELECTED_STANDARD,
        .max_active_calls = {.value = r->cti->calls->config.max_device_calls, .set = true},
        .trans_and_conf_setup = setup(r),
        .routeing_serv_list = all.supported_services->routeing_serv_list,
        .log_dev_serv_list = services,
        .log_dev_evts_list = events,
        .device_maint_evts_list = all.supported_events->device_maint_evts_list,
    };
    return answer->trans_and_conf_setup == NULL ? outcome_nomem() : outcome_answer(r, answer);
}

struct outcome service_get_physical_device_information(struct request *r)
{
    const struct csta_get_physical_device_information *asked =
        r->msg->get_physical_device_information;
    struct arena *a = r->cti->scratch;
    struct csta_get_physical_device_information_response *answer =
        arena_zalloc(a, sizeof(*answer));
    struct csta_get_csta_features_response all;
    struct outcome err;
    struct device *dev;

    if (!device_of(r, asked == NULL ? NULL : &asked->device, &dev, &err)) {
        return err;
    }
    if (answer == NULL || csta_features_supported(a, &all) != 0 ||
        !phone_prune(r->cti, dev, &all)) {
        return outcome_nomem();
    }
    *answer = (struct csta_get_physical_device_information_response){
        .device_category = CSTA_DEVICE_CATEGORY_STATION,
        .named_device_types = CSTA_NAMED_DEVICE_TYPES_STATION,
        .has_logical_element = CSTA_TRUE,
        .device_model_name = model(r, dev),
        .phys_dev_serv_list = all.supported_services->phys_dev_serv_list,
        .phys_dev_evts_list = all.supported_events->phys_dev_evts_list,
    };
    return outcome_answer(r, answer);
}
