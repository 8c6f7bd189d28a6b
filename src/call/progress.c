/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The implicit subscription of a REFER (RFC 3515 §2.4.4 to §2.4.7, RFC 6665): NOTIFY with the
 * status line of what the reference led to.
 *
 * One NOTIFY is under way at a time, so that they arrive in their order; what happens
 * meanwhile is told next, and only the newest of it, since each is a complete statement. The
 * body is one status line and nothing else of the far side's response: the one who refers has
 * no claim on its headers (§5). The last one says terminated;reason=noresource.
 *
 * A NOTIFY that is refused or not answered ends the subscription; the reference goes on
 * (§2.4.4). When the dialog is gone nobody is told: over a bridge there is no other way to
 * that party.
 */
#include "base/err.h"
#include "call/referral.h"

static void send_now(struct referral *r, uint64_t now_ms);

unsigned progress_left_s(const struct referral *r, uint64_t now_ms)
{
    return r->expires_ms > now_ms ? (unsigned)((r->expires_ms - now_ms + 999) / 1000) : 0;
}

static void on_notified(struct leg_request *req, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct referral *r = req->owner;

    (void)m;
    if (status < 200) {
        return;
    }
    r->notify = NULL;
    if (status >= 300 || (r->final && !r->dirty)) {
        r->leg = NULL;
    }
    send_now(r, now_ms);
    referral_settle(r);
}

static struct str lines_of(const struct referral *r, struct arena *a, uint64_t now_ms)
{
    struct str id = r->with_id ? arena_fmt(a, ";id=%u", r->id) : STR("");
    struct str state = r->final ? arena_fmt(a, "terminated;reason=%s", r->reason)
                                : arena_fmt(a, "active;expires=%u", progress_left_s(r, now_ms));

    return arena_fmt(a, "Event: refer%.*s\r\nSubscription-State: %.*s\r\n", STR_ARG(id),
                     STR_ARG(state));
}

static void send_now(struct referral *r, uint64_t now_ms)
{
    struct arena *a = r->call->layer->scratch;
    struct leg_content content = {.type = STR("message/sipfrag;version=2.0")};

    if (r->leg == NULL || r->notify != NULL || !r->dirty) {
        return;
    }
    content.lines = lines_of(r, a, now_ms);
    content.body = arena_fmt(a, "SIP/2.0 %u %s\r\n", r->status, sip_reason(r->status));
    r->dirty = false;
    if (content.lines.n == 0 || content.body.n == 0 ||
        leg_send(r->leg, r->dialog, STR("NOTIFY"), &content, on_notified, r, &r->notify,
                 now_ms) != 0) {
        r->leg = r->final ? NULL : r->leg; /* what comes next is told, this is not */
    }
}

void progress_tell(struct referral *r, unsigned status, bool final, uint64_t now_ms)
{
    if (r->final || (status == r->status && !final)) {
        return;
    }
    r->status = (uint16_t)status;
    r->final = final;
    r->dirty = true;
    if (r->heard.fn != NULL) {
        r->heard.fn(r->heard.owner, status, final, now_ms);
    }
    send_now(r, now_ms);
}

void progress_repeat(struct referral *r, uint64_t now_ms)
{
    r->dirty = true;
    send_now(r, now_ms);
}

void progress_stop(struct referral *r)
{
    if (r->notify != NULL) {
        leg_request_detach(r->notify);
        r->notify = NULL;
    }
    r->leg = NULL;
}
