/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By what a call is found: its callID, whose connection a line is about, and the Call-ID of the
 * SIP dialog that this connection has.
 */
#include "call/parts.h"

/** Of the dialog; before there is one, of the INVITE. */
static struct str sip_call_of(const struct leg *leg)
{
    if (leg == NULL) {
        return STR_NONE;
    }
    if (leg->dialog != NULL) {
        return leg->dialog->call_id;
    }
    if (leg->seed != NULL) {
        return leg->seed->call_id;
    }
    return leg->invite != NULL && leg->invite->req != NULL
               ? sip_msg_value(&leg->invite->req->m, SIP_HDR_CALL_ID)
               : STR_NONE;
}

static const struct leg *leg_of(const struct connection *conn)
{
    if (conn->stem != NULL) {
        return conn->stem->leg;
    }
    return list_empty(&conn->branches)
               ? NULL
               : list_entry(conn->branches.next, struct branch, link)->leg;
}

struct trace_ids call_trace_ids(const struct call *c, const struct connection *conn)
{
    struct trace_ids ids = {.call = str_c(c->id)};

    if (conn != NULL) {
        ids.device = conn->id;
        ids.sip_call = sip_call_of(leg_of(conn));
    }
    list_each(it, &c->connections)
    {
        if (!str_is_set(ids.sip_call)) {
            ids.sip_call = sip_call_of(leg_of(list_entry(it, struct connection, link)));
        }
    }
    return ids;
}
