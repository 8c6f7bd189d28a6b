/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SendUserInformation: User-to-User while a call is being set up (ECMA-269 §18.1.5).
 *
 * RFC 7433 §4.1 lets the header stand in INVITE, in its 1xx and 2xx, in BYE and its responses,
 * and nowhere else: not in INFO, UPDATE or a re-INVITE. So one who is called, and rings or
 * waits, can say something to the caller, in a further provisional response; in all other
 * states there is no message that could carry it, and the service is refused: the caller's
 * chance was the INVITE (MakeCall), both ends' is the BYE (ClearConnection). User-to-user
 * services 2 and 3 of the ISDN, with messages of their own, are not mapped to SIP (RFC 7434
 * §3.1).
 *
 * Neither is a caller told whom Baton itself has called (he has had his last response), nor one
 * who wants provisional responses to be reliable, nor an ISDN that has not asked for the
 * service. Who watches the call hears CallInformation with the octets.
 */
#include "call/parts.h"

static bool can_be_told(const struct connection *to)
{
    const struct leg *leg = connection_leg(to);

    return leg != NULL && !leg->uac && leg->invite != NULL && leg->state <= LEG_EARLY &&
           !sip_msg_has_token(&leg->invite->req->m, SIP_HDR_REQUIRE, STR("100rel")) &&
           (!to->policy.isdn || to->uus_open);
}

/** The caller's dialog in which he has heard of this phone; NULL: none of its own. */
static struct dialog *heard_in(const struct connection *conn)
{
    list_each(it, &conn->branches)
    {
        const struct branch *b = list_entry(it, struct branch, link);
        if (b->leg == NULL || b->refused) {
            continue;
        }
        list_each(jt, &b->leg->dialogs)
        {
            struct dialog *d = list_entry(jt, struct dialog, link);
            if (d->owner != NULL) {
                return d->owner;
            }
        }
    }
    return NULL;
}

enum call_error call_inform(struct connection *conn, struct str uui, uint64_t now_ms)
{
    struct call *c = conn->call;
    struct leg *caller = connection_leg(c->a);
    bool rings = conn->state == CONN_ALERTING;
    struct leg_content content = {0};
    struct str line, values;
    enum call_error err;

    if (c->foreign) {
        return CALL_NO_SERVICE;
    }
    if (conn != c->b || c->phase != CALL_SETUP || (!rings && conn->state != CONN_QUEUED) ||
        conn->behalf != NULL || !can_be_told(c->a)) {
        return CALL_UNSUPPORTED;
    }
    err = call_uui_sealed_line(c->layer, uui, SEAL_BACKWARD, &line);
    if (err != CALL_OK) {
        return err;
    }
    values = call_uui_values(line);
    if (!context_mark(c, conn, values, UUI_ROLE_BATON, STR_NONE)) {
        return CALL_NO_RESOURCES;
    }
    if (caller->dialog == NULL) {
        c->spare = leg_fork(caller); /* the first one that rings answers in it */
    }
    content.lines = line;
    trail_response(c, NULL, &content);
    uus_pass(NULL, c->a, UUS_ANSWER, &content);
    if (leg_respond(caller, heard_in(conn), rings ? 180 : 182, STR_NONE, &content, now_ms) !=
        0) {
        return CALL_NO_RESOURCES;
    }
    connection_informs(conn, values, now_ms);
    return CALL_OK;
}
