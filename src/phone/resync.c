/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that a phone has, compared with those that are known: after a session was lost
 * nobody has told what happened meanwhile (TR/87 4.3, 9.2).
 *
 *   known, and the phone has it   its state, when it is another one
 *   known, and it has not         it is over
 *   not known                     it begins, in the state in which it is
 *   bridged by Baton              nothing: the switch knows
 *
 * A phone that has begun anew, and one that numbers its calls again then, has none of its old
 * ones, whatever their callIDs say. One that cannot be asked is taken to have none: a call
 * that goes on shows itself with its next event, and one that hangs for ever does not.
 */
#include "phone/parts.h"

static enum csta_local_connection_state state_of(const struct csta_call_state *s,
                                                 enum csta_local_connection_state *far)
{
    *far = CSTA_STATE_ABSENT;
    if (s->kind == CSTA_CALL_STATE_COMPOUND_CALL_STATE) {
        const struct csta_local_connection_state_list *list =
            &s->compound_call_state.local_connection_state;
        *far = list->n > 1 ? list->item[1] : CSTA_STATE_ABSENT;
        return list->n > 0 ? list->item[0] : CSTA_STATE_ABSENT;
    }
    if (s->kind != CSTA_CALL_STATE_SIMPLE_CALL_STATE) {
        return CSTA_STATE_ABSENT;
    }
    switch (s->simple_call_state) {
    case CSTA_SIMPLE_CALL_STATE_CALL_PENDING:
        return CSTA_STATE_INITIATED;
    case CSTA_SIMPLE_CALL_STATE_CALL_ORIGINATED:
        return CSTA_STATE_CONNECTED;
    case CSTA_SIMPLE_CALL_STATE_CALL_DELIVERED:
        *far = CSTA_STATE_ALERTING;
        return CSTA_STATE_CONNECTED;
    case CSTA_SIMPLE_CALL_STATE_CALL_RECEIVED:
        *far = CSTA_STATE_CONNECTED;
        return CSTA_STATE_ALERTING;
    case CSTA_SIMPLE_CALL_STATE_CALL_ESTABLISHED:
        *far = CSTA_STATE_CONNECTED;
        return CSTA_STATE_CONNECTED;
    case CSTA_SIMPLE_CALL_STATE_CALL_ESTABLISHED_ON_HOLD:
    case CSTA_SIMPLE_CALL_STATE_CALL_RECEIVED_ON_HOLD:
        *far = CSTA_STATE_CONNECTED;
        return CSTA_STATE_HOLD;
    case CSTA_SIMPLE_CALL_STATE_CALL_FAILED:
        *far = CSTA_STATE_FAIL;
        return CSTA_STATE_CONNECTED;
    default:
        return CSTA_STATE_ABSENT;
    }
}

/** What brings the call to that state, told. */
static void bring(struct phone *f, struct connection *own, enum csta_local_connection_state to,
                  enum csta_local_connection_state far, uint64_t now_ms)
{
    struct call *c = own->call;
    uint8_t before = own->state;
    bool was_up = c->b->established;

    if (to == CSTA_STATE_INITIATED && own->state == CONN_NULL) {
        call_foreign_tell(own, CALL_EV_SERVICE_INITIATED, "normal", now_ms);
    } else if (to == CSTA_STATE_ALERTING && !own->originating) {
        call_foreign_tell(own, CALL_EV_DELIVERED, "normal", now_ms);
    } else if (to == CSTA_STATE_CONNECTED || to == CSTA_STATE_HOLD) {
        if (own->originating) {
            call_foreign_tell(own, CALL_EV_ORIGINATED, "normal", now_ms);
        }
        if (far == CSTA_STATE_ALERTING) {
            call_foreign_tell(call_other(own), CALL_EV_DELIVERED, "normal", now_ms);
        } else if (far != CSTA_STATE_FAIL) {
            call_foreign_tell(c->b, CALL_EV_ESTABLISHED, "normal", now_ms);
        }
        call_foreign_tell(own, to == CSTA_STATE_HOLD ? CALL_EV_HELD : CALL_EV_RETRIEVED,
                          "normal", now_ms);
    }
    f->changes += before != own->state || was_up != c->b->established;
}

static void take(struct phone *f, const struct csta_snapshot_device_response_info *info,
                 uint64_t now_ms)
{
    struct phone_call *pc = phone_call_find(f, info->connection_identifier.call_id);
    struct str other = info->endpoint_device.kind == CSTA_DEVICE_REF_ID
                           ? phone_party(f, info->endpoint_device.id.value)
                           : STR_NONE;
    enum csta_local_connection_state far, state = state_of(&info->local_call_state, &far);
    bool outgoing = state != CSTA_STATE_ALERTING;
    struct connection *own;

    if (state == CSTA_STATE_ABSENT || state == CSTA_STATE_NULL) {
        return;
    }
    if (pc == NULL) {
        pc = phone_call_new(f, info->connection_identifier.call_id);
        if (pc == NULL) {
            return;
        }
        own = phone_anchor(f, str_c(pc->id), outgoing, other);
        if (own == NULL && outgoing) { /* who has begun it is not told */
            own = phone_anchor(f, str_c(pc->id), false, other);
        }
        if (own != NULL) {
            memcpy(pc->call, own->call->id, CALL_ID_LEN);
            phone_call_watched(pc);
            pc->anchored = true;
        } else if (phone_call_begin(pc, outgoing, other,
                                    info->endpoint_device.kind == CSTA_DEVICE_REF_RESTRICTED) ==
                   NULL) {
            phone_call_free(pc);
            return;
        }
    }
    pc->seen = true;
    own = phone_call_own(pc);
    if (own != NULL) {
        bring(f, own, state, far, now_ms);
    }
}

/** Nobody has told its end. */
static void drop_unseen(struct phone *f, uint64_t now_ms)
{
    list_each(it, &f->calls)
    {
        struct phone_call *pc = list_entry(it, struct phone_call, link);
        struct connection *own = phone_call_own(pc);
        if (pc->seen || pc->making) {
            continue;
        }
        if (own != NULL) {
            f->changes++;
            call_foreign_over(own->call, NULL, "normal", now_ms);
        }
        phone_call_free(pc);
    }
}

void phone_resync(struct phone *f, const struct csta_snapshot_device_response *answer,
                  uint64_t now_ms)
{
    const struct csta_snapshot_device_data_list *data =
        answer != NULL && answer->content.kind == CSTA_SNAPSHOT_CONTENT_SNAPSHOT_DATA
            ? answer->content.snapshot_data
            : NULL;
    bool anew = f->loss == PHONE_LOSS_RESTART ||
                (f->loss == PHONE_LOSS_UNKNOWN &&
                 (f->profile->quirks & PHONE_QUIRK_CALL_ID_COUNTS) != 0);

    list_each(it, &f->calls)
    {
        list_entry(it, struct phone_call, link)->seen = false;
    }
    if (anew) {
        drop_unseen(f, now_ms);
    }
    for (size_t i = 0; data != NULL && i < data->snapshot_device_response_info.n; i++) {
        take(f, &data->snapshot_device_response_info.item[i], now_ms);
    }
    drop_unseen(f, now_ms);
}
