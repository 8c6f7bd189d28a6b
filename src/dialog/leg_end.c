/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a leg ends (RFC 3261 §15).
 *
 *   leg_end in        does                                        on_ended(LOCAL)
 *   CALLING, EARLY    UAC: CANCEL; a 2xx that wins: ACK, BYE      at the final answer
 *   INCOMING, EARLY   UAS: a final refusal                        at once
 *   ANSWERED          waits for the ACK or its time-out, BYE      at the answer to the BYE
 *   CONFIRMED         BYE (ACK first when that is owed)           at the answer to the BYE
 *
 * BYE of the peer: the user answers it; on_ended(BYE) follows at once. One that crosses ours is
 * answered 200 here and both end by their own answers. A BYE for one of several early dialogs
 * ends that dialog only; from the callee it is not allowed before the answer, is answered
 * and changes nothing but that.
 *
 * When the leg gives up on its peer (no ACK, session expired, lost) the user is told at
 * once; the BYE goes on its own.
 */
#include "dialog/leg_impl.h"

static size_t early_count(const struct leg *leg)
{
    size_t n = 0;
    list_each(it, &leg->dialogs)
    {
        n += list_entry(it, struct dialog, link)->state == DIALOG_EARLY;
    }
    return n;
}

static void end_early(struct leg *leg, struct dialog *d)
{
    leg_dialog_end(d);
    if (leg->dialog != d) {
        return;
    }
    leg->dialog = NULL;
    list_each(it, &leg->dialogs)
    {
        struct dialog *other = list_entry(it, struct dialog, link);
        if (other->state == DIALOG_EARLY && leg->dialog == NULL) {
            leg->dialog = other;
        }
    }
}

void leg_on_bye(struct leg_served *s, const struct sip_msg *m, uint64_t now_ms)
{
    struct leg *leg = s->leg;
    if (s->dialog->state == DIALOG_EARLY && (leg->uac || early_count(leg) > 1)) {
        struct dialog *d = s->dialog;
        leg_served_refuse(s, 200, now_ms);
        end_early(leg, d);
        return;
    }
    leg->state = LEG_ENDING;
    leg->user->on_bye(leg, s->txn, m, now_ms);
    leg_tell_ended(leg, LEG_END_BYE, now_ms);
}

void leg_bye_done(struct leg *leg, uint64_t now_ms)
{
    if (leg->state == LEG_ENDING) {
        leg_tell_ended(leg, LEG_END_LOCAL, now_ms);
    }
}

void leg_bye_now(struct leg *leg, uint64_t now_ms)
{
    const struct leg_parts *p = leg->bye.block != NULL ? &leg->bye : NULL;
    if (leg_send_bye(leg, leg->dialog, p, leg->bye_fn, leg->bye_owner, now_ms) == NULL &&
        leg->end_wanted) {
        leg_tell_ended(leg, LEG_END_LOCAL, now_ms); /* without memory: the peer finds out */
    }
}

void leg_give_up(struct leg *leg, enum leg_end why, bool bye, uint64_t now_ms)
{
    if (leg->state == LEG_ENDING || leg->state == LEG_ENDED) {
        return;
    }
    if (bye) {
        (void)leg_send_bye(leg, leg->dialog, NULL, NULL, NULL, now_ms); /* best effort */
    }
    leg_tell_ended(leg, why, now_ms);
}

/** What the BYE shall say when its time comes; without memory it says nothing. */
static void keep_bye(struct leg *leg, const struct leg_content *c, leg_response_fn fn,
                     void *owner)
{
    struct leg_parts p;
    struct str name = STR("BYE");
    leg->bye_fn = fn;
    leg->bye_owner = owner;
    if (c != NULL && leg_parts_make(leg, c, 0, &p) == 0) {
        (void)leg_parts_keep(&leg->layer->env->mem, &p, &name, &leg->bye);
    }
}

static void end_uas(struct leg *leg, unsigned status, const struct leg_content *c,
                    uint64_t now_ms)
{
    struct leg_content lines = {.lines = c != NULL ? c->lines : STR_NONE};
    if (leg_respond(leg, NULL, status != 0 ? status : 480, STR_NONE, &lines, now_ms) != 0) {
        leg_tell_ended(leg, LEG_END_LOCAL, now_ms); /* its 487 goes without lines */
    }
}

static void end_confirmed(struct leg *leg, const struct leg_content *c, leg_response_fn fn,
                          void *owner, uint64_t now_ms)
{
    struct leg_parts p;
    leg->state = LEG_ENDING;
    leg_timer_stop(leg);
    if (leg->unacked != NULL) {
        leg_ack_plain(leg->unacked, leg->dialog);
    }
    bool made = leg_parts_make(leg, c, 0, &p) == 0;
    if (leg_send_bye(leg, leg->dialog, made ? &p : NULL, fn, owner, now_ms) == NULL) {
        leg_tell_ended(leg, LEG_END_LOCAL, now_ms);
    }
}

void leg_end(struct leg *leg, unsigned status, const struct leg_content *c, leg_response_fn fn,
             void *owner, uint64_t now_ms)
{
    bool first = !leg->end_wanted;
    leg->end_wanted = true;
    switch ((enum leg_state)leg->state) {
    case LEG_CALLING:
    case LEG_INCOMING:
    case LEG_EARLY:
        if (!leg->uac) {
            end_uas(leg, status, c, now_ms);
            break;
        }
        keep_bye(leg, c, fn, owner);
        leg_cancel(leg, c != NULL ? c->lines : STR_NONE, now_ms);
        break;
    case LEG_ANSWERED:
        keep_bye(leg, c, fn, owner);
        leg_timer_stop(leg);
        leg->state = LEG_ENDING;
        break;
    case LEG_CONFIRMED:
        end_confirmed(leg, c, fn, owner, now_ms);
        break;
    case LEG_ENDING:
        if (first && leg->cancelled && !leg->answered) {
            keep_bye(leg, c, fn, owner); /* after leg_cancel: a 2xx may still win */
        }
        break;
    case LEG_ENDED:
        break;
    }
}
