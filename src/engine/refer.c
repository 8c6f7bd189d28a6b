/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REFER outside of any dialog (RFC 3515): a device of ours shall call somebody. Click-to-call
 * over plain SIP: the Request-URI is the device, Refer-To whom to call.
 *
 *   REFER sip:1001@example.com          ──► Baton calls 1001's phone, then 1002, as for
 * MakeCall Refer-To: <sip:1002@example.com?User-to-User=…>
 *
 * With Target-Dialog (RFC 4538) it is about a dialog of a call instead, as if it had been sent
 * there.
 *
 * WHO MAY: the device itself, an application that is granted it, a trusted peer. What became of
 * it is told by the event layer (package refer); 202 and then NOTIFY in a dialog of their own.
 * With Refer-Sub: false (RFC 4488) there is neither.
 *
 * OWNERSHIP. A reference lives from the 202 until its last status was told or the subscriber
 * has gone, whichever is first; it is in the engine's list.
 */
#include "engine/parts.h"

struct reference {
    struct list link;
    struct engine *engine;
    struct subscription *feed; /**< NULL: it has not been made yet */
};

static void reference_free(struct reference *r)
{
    list_remove(&r->link);
    mem_free(&r->engine->env->mem, r);
}

void refer_fini(struct engine *e)
{
    list_each(it, &e->references)
    {
        reference_free(list_entry(it, struct reference, link));
    }
}

/** The subscriber is gone; the call goes on (RFC 3515 §2.4.4). */
static void on_gone(void *owner, uint64_t now_ms)
{
    struct reference *r = owner;

    (void)now_ms;
    call_forget(&r->engine->calls, r);
    reference_free(r);
}

static void on_progress(void *owner, unsigned status, bool final, uint64_t now_ms)
{
    struct reference *r = owner;
    (void)now_ms;
    struct str body =
        arena_fmt(&r->engine->scratch, "SIP/2.0 %u %s\r\n", status, sip_reason(status));

    if (r->feed != NULL && status > 100) {
        (void)event_feed(r->feed, body, final); /* no memory: the next one tells it */
    }
    if (final) {
        reference_free(r);
    }
}

/** A subscription for it. @return NULL: no memory, or there are too many */
static struct reference *subscribe(struct engine *e, const struct sip_msg *m,
                                   const struct hop *from, const struct identity *who,
                                   uint64_t now_ms)
{
    struct event_party party = {who->device, who->application, who->peer};
    struct event_feed_args args = {.body = STR("SIP/2.0 100 Trying\r\n"), .expires_s = 180};
    struct reference *r = mem_zalloc(&e->env->mem, sizeof(*r));

    if (r == NULL) {
        return NULL;
    }
    r->engine = e;
    r->feed = event_feed_new(e->events, m, from, &party, &args, on_gone, r, now_ms);
    if (r->feed == NULL) {
        mem_free(&e->env->mem, r);
        return NULL;
    }
    list_append(&e->references, &r->link);
    return r;
}

static void accept(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   const struct reference *r, uint64_t now_ms)
{
    struct txn_reply reply = {.status = 200, .lines = STR("Refer-Sub: false\r\n")};

    if (r != NULL) {
        reply.status = 202;
        reply.to_tag = event_feed_tag(r->feed);
        reply.lines = event_feed_contact(r->feed);
        reply.record_route = true;
    }
    dispatch_reply(e, m, from, &reply, now_ms);
}

/** Status for why a call cannot be made. */
static unsigned status_of(enum call_error err)
{
    return err == CALL_OK                    ? 0
           : err == CALL_UNKNOWN_DESTINATION ? 404
           : err == CALL_NOT_REGISTERED      ? 480
                                             : 503;
}

static bool may(const struct identity *who, const struct device *d)
{
    return who->peer != NULL || who->device == d ||
           (who->application != NULL && directory_may_control(who->application, d));
}

/** The device shall call. @return 0 or a status */
static unsigned call_for(struct engine *e, struct device *d, const struct call_reference *ref,
                         struct reference *r, uint64_t now_ms)
{
    struct connection *conn;
    struct call_make make = {.from = d,
                             .to = ref->to,
                             .prompt = true,
                             .uui_values = ref->uui,
                             .uui_by = ref->by,
                             .lines = ref->lines,
                             .heard = {r != NULL ? on_progress : NULL, r}};

    return status_of(call_make(&e->calls, &make, &conn, now_ms));
}

static void refuse(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   unsigned status, struct str reason, uint64_t now_ms)
{
    dispatch_reply(e, m, from, &(struct txn_reply){.status = status, .reason = reason}, now_ms);
}

/** @return the device that is to call; NULL: *status says why none */
static struct device *caller_of(struct engine *e, const struct sip_msg *m,
                                const struct identity *who, unsigned *status)
{
    struct device *d = NULL;
    struct sip_uri uri;
    uint32_t at;

    if (sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) == 0) {
        d = directory_device_of_uri(e->config.directory, &uri);
    }
    *status = d == NULL ? 404 : may(who, d) ? 0 : 403;
    return *status == 0 ? d : NULL;
}

void refer_outside(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms)
{
    bool targeted = sip_msg_has(m, SIP_HDR_TARGET_DIALOG);
    struct call_reference ref;
    struct reference *r = NULL;
    struct device *d = NULL;
    struct identity who;
    struct str reason;
    unsigned status;

    if (!identify(e, m, from, true, &who, now_ms)) {
        return;
    }
    status = call_refer_read(&e->scratch, m, &ref, &reason);
    if (status == 0 && !targeted) {
        d = caller_of(e, m, &who, &status);
    }
    if (status == 0 && targeted && who.application != NULL) {
        status = 403; /* an application has CSTA for that */
    }
    if (status == 0 && !ref.quiet && (r = subscribe(e, m, from, &who, now_ms)) == NULL) {
        status = 503;
    }
    if (status != 0) {
        refuse(e, m, from, status, reason, now_ms);
        return;
    }
    accept(e, m, from, r, now_ms);
    if (targeted) {
        struct call_progress heard = {r != NULL ? on_progress : NULL, r};
        status = call_refer_target(&e->calls, m, who.device, &heard, now_ms);
    } else {
        status = call_for(e, d, &ref, r, now_ms);
    }
    if (status != 0 && r != NULL) {
        on_progress(r, status, true, now_ms);
    }
}
