/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all events have in common, whatever the schema calls it there: one connection, the
 * device that acts, who calls whom, the state of the monitored device, cause, user data.
 */
#ifndef BATON_CLI_CSTA_VIEW_H
#define BATON_CLI_CSTA_VIEW_H

#include "csta/csta.h"

/** Pointers go into the message; NULL when that event has no such field. */
struct csta_event_view {
    enum csta_msg_id id;
    struct str cross_ref;
    const struct csta_connection_id *connection, *second;
    const struct csta_device_ref *subject; /**< alerting, answering, releasing … device */
    const struct csta_device_ref *calling, *called, *redirection;
    const struct csta_device_ref
        *target; /**< newDestination, transferredToDevice, addedParty */
    const struct csta_connection_list_item_list *connections; /**< of transfer, conference */
    enum csta_local_connection_state local;
    enum csta_event_cause cause;
    const struct csta_data *user_data, *correlator;
    const struct csta_common_arguments *extensions; /**< of events with user data */
    struct str subject_of_call;
};

/** @return false when `m` is no event that is read here: id alone is set */
bool csta_event_view(const struct csta_msg *m, struct csta_event_view *out);

/** The calls in a SnapshotDeviceResponse; an empty list in any other message. */
const struct csta_snapshot_device_response_info_list *
csta_snapshot_calls(const struct csta_msg *m);

/** The device's text, or what stands in its place: "(restricted)"; "" when absent. */
struct str csta_device_ref_text(const struct csta_device_ref *ref);

/**
 * User data as text: what follows the discriminator 04, or all of it when it is text without
 * one. Absent when it is neither.
 */
struct str csta_data_text(const struct csta_data *data);

/** One sentence on what an error means, without a full stop. */
const char *csta_error_meaning(struct csta_error error);

/** The monitored device's part in the call is over with this event (TR/87 digest 11.1). */
enum csta_call_over {
    CSTA_CALL_GOES_ON,
    CSTA_CALL_OVER,
    CSTA_CALL_MAYBE_OVER, /**< the other party has left; it is over unless something follows */
};
enum csta_call_over csta_event_ends_call(const struct csta_event_view *v, struct str device);

/** Same device, whatever the spelling of scheme, host and parameters. */
bool csta_device_same(struct str a, struct str b);

#endif
