/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offer and answer, as far as a leg must know (RFC 3264 §4, RFC 3261 §13.2.1, RFC 3262 §5,
 * RFC 3311 §5): whose offer of a dialog waits for its answer, and what we said last.
 *
 *   carries SDP                       makes the offer     is answered by
 *   INVITE                            of its sender       reliable 1xx with SDP, or 2xx
 *   reliable 1xx, 2xx, none before    of the answerer     PRACK, ACK
 *   PRACK without an offer pending    of its sender       its 2xx
 *   UPDATE                            of its sender       its final answer
 *
 * An unreliable 1xx with SDP answers nothing; it only shows what the answer will be. A
 * multipart body counts as SDP, because what else it has (UUI, ISUP) comes with SDP in calls.
 *
 * The last description that we sent is kept to be repeated by a refreshing re-INVITE (RFC 4028
 * §7.4). An offer counts once it is accepted, an answer at once.
 */
#include "dialog/leg_impl.h"

static bool is_kept(struct str type)
{
    struct sip_media media;
    return sip_media_parse(type, &media) == 0 &&
           (sip_media_is(&media, STR("application"), STR("sdp")) ||
            sip_media_is(&media, STR("application"), STR("csta+xml")) ||
            str_ieq(media.type, STR("multipart")));
}

bool leg_type_is_offer(struct str type)
{
    struct sip_media media;
    return type.n > 0 && sip_media_parse(type, &media) == 0 &&
           (sip_media_is(&media, STR("application"), STR("sdp")) ||
            str_ieq(media.type, STR("multipart")));
}

bool leg_msg_has_offer(const struct sip_msg *m)
{
    return sip_msg_body(m).n > 0 && leg_type_is_offer(sip_msg_value(m, SIP_HDR_CONTENT_TYPE));
}

bool leg_is_reliable(const struct sip_msg *m, struct str lines)
{
    return (m != NULL && sip_msg_has(m, SIP_HDR_RSEQ)) || leg_lines_have(lines, STR("RSeq"));
}

void leg_remember(struct leg *leg, const struct leg_parts *p)
{
    const struct mem *mem = &leg->layer->env->mem;
    struct str type = p->sdp_n > 0 ? STR("application/sdp") : p->type;
    struct str body = p->sdp_n > 0 ? str_make(p->body.p + p->sdp_at, p->sdp_n) : p->body;
    size_t n = type.n + body.n;
    if (body.n == 0 || !leg_timer_is_on(leg) || !is_kept(type)) {
        return;
    }
    char *block = (char *)(uintptr_t)leg->last_type.p;
    if (n > leg->last_cap) {
        block = mem_alloc(mem, n);
        if (block == NULL) {
            return; /* a refresh then repeats the description before: the same session */
        }
        mem_free(mem, (void *)(uintptr_t)leg->last_type.p);
        leg->last_cap = n;
    }
    memcpy(block, type.p, type.n);
    memcpy(block + type.n, body.p, body.n);
    leg->last_type = str_make(block, type.n);
    leg->last_body = str_make(block + type.n, body.n);
}

static bool request_open(const struct leg *leg, enum sip_method method)
{
    list_each(it, &leg->requests)
    {
        struct leg_request *r = list_entry(it, struct leg_request, link);
        if (r->method == method && !r->done) {
            return true;
        }
    }
    return false;
}

static bool served_open(const struct leg *leg, enum sip_method method)
{
    list_each(it, &leg->served)
    {
        if (list_entry(it, struct leg_served, link)->method == method) {
            return true;
        }
    }
    return false;
}

bool leg_invite_pending(const struct leg *leg)
{
    return leg->unacked != NULL || request_open(leg, SIP_METHOD_INVITE) ||
           served_open(leg, SIP_METHOD_INVITE);
}

bool leg_update_pending(const struct leg *leg)
{
    return request_open(leg, SIP_METHOD_UPDATE) || served_open(leg, SIP_METHOD_UPDATE);
}

bool leg_can_offer(const struct leg *leg)
{
    if (leg->dialog == NULL || leg->dialog->offer != DIALOG_OFFER_NONE ||
        leg_update_pending(leg)) {
        return false;
    }
    return leg->state == LEG_EARLY || (leg->state == LEG_CONFIRMED && !leg_invite_pending(leg));
}

void leg_offer_on_response(struct leg_request *r, struct dialog *d, unsigned status,
                           const struct sip_msg *m)
{
    bool sdp = m != NULL && leg_msg_has_offer(m);
    bool success = status >= 200 && status < 300;
    if (r->method != SIP_METHOD_INVITE) {
        if (status >= 200 && r->offer && d->offer == DIALOG_OFFER_OURS) {
            d->offer = DIALOG_OFFER_NONE;
        }
    } else if (status < 200) {
        if (sdp && leg_is_reliable(m, STR_NONE)) {
            d->offer = d->offer == DIALOG_OFFER_OURS ? DIALOG_OFFER_NONE : DIALOG_OFFER_THEIRS;
        }
    } else if (success && !r->offer && sdp && d->offer == DIALOG_OFFER_NONE) {
        d->offer = DIALOG_OFFER_THEIRS;
    } else if (!success || d->offer == DIALOG_OFFER_OURS) {
        d->offer = DIALOG_OFFER_NONE;
    }
}

void leg_offer_on_answer(struct leg_served *s, struct dialog *d, unsigned status,
                         const struct leg_parts *p, bool reliable)
{
    bool sdp = p->body.n > 0 && leg_type_is_offer(p->type);
    bool success = status >= 200 && status < 300;
    if (s->method != SIP_METHOD_INVITE) {
        if (status >= 200 && s->offer && d->offer == DIALOG_OFFER_THEIRS) {
            d->offer = DIALOG_OFFER_NONE;
        }
    } else if (status < 200) {
        if (sdp && reliable) {
            d->offer = d->offer == DIALOG_OFFER_THEIRS ? DIALOG_OFFER_NONE : DIALOG_OFFER_OURS;
        }
    } else if (success && !s->offer && sdp && d->offer == DIALOG_OFFER_NONE) {
        d->offer = DIALOG_OFFER_OURS;
    } else if (!success || d->offer == DIALOG_OFFER_THEIRS) {
        d->offer = DIALOG_OFFER_NONE;
    }
}
