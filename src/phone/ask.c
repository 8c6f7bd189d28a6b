/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of ours to a phone (TR/87 4.4): INFO after INFO, each answered in its 200.
 *
 *   phone_ask ──► waits its turn ──► INFO ──► 2xx with a response  ──► fn(response)
 *                     │                │        with CSTAErrorCode ──► fn(error)
 *                     │                │      empty 2xx            ──► fn(empty response),
 * S-12; │                │        where something must be said: a later INFO may │ │        say
 * it, for LATE_MS (S-11) │                │      3xx-6xx              ──► fn(error) └──
 * answer_ms ───┴──────────────────────────── ──► fn(NULL)
 *
 * One is out at a time: over UDP two could overtake each other, and phones are small. Who waits
 * hears after answer_ms at the latest; the INFO itself stays out until the transaction says
 * something, since a phone that is slow shall not be asked the next thing meanwhile. A
 * transaction that ends without any answer is the end of the session.
 *
 * OWNERSHIP. A request is a block of its own with its XML; the callback may ask again, and may
 * end the session, but the phone is not freed while it runs.
 */
#include "phone/parts.h"

enum { LATE_MS = 5000 };

struct phone_ask {
    struct list link;
    struct phone *phone;
    enum csta_msg_id service;
    phone_answer_fn fn; /**< NULL: nobody waits any more */
    void *owner;
    struct timer limit; /**< patience; then, while `late`, that with a late answer */
    size_t n;
    char xml[];
};

static void send_next(struct phone *f, uint64_t now_ms);

static struct phone_ask *first(const struct phone *f)
{
    return list_empty(&f->asks) ? NULL : list_entry(f->asks.next, struct phone_ask, link);
}

static bool is_out(const struct phone *f)
{
    return f->request != NULL || f->errand != NULL;
}

static void free_ask(struct phone_ask *a)
{
    struct phone *f = a->phone;

    timer_stop(f->phones->world.wheel, &a->limit);
    list_remove(&a->link);
    f->ask_count--;
    mem_free(&f->phones->env->mem, a);
}

/** It has its outcome. */
static void finish(struct phone_ask *a, const struct csta_msg *answer, uint64_t now_ms)
{
    struct phone *f = a->phone;
    phone_answer_fn fn = a->fn;
    void *owner = a->owner;
    enum csta_msg_id service = a->service;

    free_ask(a);
    if (answer == NULL) {
        f->phones->stats.unanswered++;
    } else if (answer->id == CSTA_MSG_ERROR_CODE) {
        const struct csta_error *e = answer->error_code;
        f->phones->stats.refusals++;
        if (e->kind == CSTA_ERROR_OPERATION &&
            e->value == CSTA_OPERATION_SERVICE_NOT_SUPPORTED) {
            phone_strike(f, service);
        }
    }
    if (fn != NULL) {
        fn(owner, f, answer, now_ms);
    }
}

/* ---- answers ---- */

/** Must something be said in the response? */
static bool needs_body(enum csta_msg_id service)
{
    switch (service) {
    case CSTA_MSG_MONITOR_START:
    case CSTA_MSG_MAKE_CALL:
    case CSTA_MSG_CONSULTATION_CALL:
    case CSTA_MSG_SNAPSHOT_DEVICE:
    case CSTA_MSG_GET_CSTA_FEATURES:
    case CSTA_MSG_GET_DO_NOT_DISTURB:
    case CSTA_MSG_GET_FORWARDING:
    case CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR:
    case CSTA_MSG_GET_SPEAKER_MUTE:
    case CSTA_MSG_GET_SPEAKER_VOLUME:
    case CSTA_MSG_GET_MICROPHONE_MUTE:
    case CSTA_MSG_GET_RINGER_STATUS:
    case CSTA_MSG_GET_HOOKSWITCH_STATUS:
        return true;
    default:
        return false;
    }
}

/** As an answer to `service`, what SIP says. */
static const struct csta_msg *refusal(unsigned status, struct csta_msg *msg,
                                      struct csta_error *error)
{
    bool unknown =
        status == 405 || status == 415 || status == 501 || status == 488 || status == 489;

    *error = unknown ? csta_error_of(CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED)
                     : csta_error_of(CSTA_ERROR_UNSPECIFIED, 0);
    *msg = (struct csta_msg){.id = CSTA_MSG_ERROR_CODE, .error_code = error};
    return msg;
}

/**
 * What the final response to that request says. @return NULL: nothing that could be understood
 */
static const struct csta_msg *read(struct phone *f, enum csta_msg_id service, unsigned status,
                                   struct str xml, struct csta_msg *msg,
                                   struct csta_error *error)
{
    /* as long as the longest response that has extensions only */
    static const struct csta_transfer_call_response nothing;
    int err = str_is_set(xml) ? phone_decode(f, xml, msg) : E_NOTFOUND;

    if (err == 0 && msg->id == CSTA_MSG_ERROR_CODE) {
        return msg;
    }
    if (status >= 300) {
        return refusal(status, msg, error);
    }
    if (err == 0 && msg->id == csta_msg_response(service)) {
        return msg;
    }
    if (str_is_set(xml)) {
        f->phones->stats.unread++;
        return refusal(500, msg, error);
    }
    *msg = (struct csta_msg){.id = csta_msg_response(service), .body = &nothing};
    return msg;
}

/** The same from a phone that has no session. */
static void on_errand(void *owner, unsigned status, struct str csta, uint64_t now_ms)
{
    struct phone *f = owner;
    struct phone_ask *a = first(f);
    struct csta_error error;
    struct csta_msg msg;

    f->errand = NULL;
    if (status == 408 || status == 503) {
        f->status = (uint16_t)status;
        phone_lost(f, PHONE_LOSS_SILENT, now_ms);
        return;
    }
    phone_heard(f, now_ms);
    finish(a, read(f, a->service, status, csta, &msg, &error), now_ms);
    send_next(f, now_ms);
}

static void on_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct phone *f = r->owner;
    struct phone_ask *a = first(f);
    const struct csta_msg *answer;
    struct csta_error error;
    struct csta_msg msg;

    if (status < 200 || f->request != r) {
        return;
    }
    f->request = NULL;
    if (m == NULL) {
        phone_lost(f, PHONE_LOSS_SILENT, now_ms);
        return;
    }
    if (status == 481 || status == 408) {
        return; /* the leg ends, and with it all that waits */
    }
    phone_heard(f, now_ms);
    if (status < 300 && needs_body(a->service) && !str_is_set(phone_csta_of(m)) &&
        a->fn != NULL) {
        f->late = true;
        timer_set(f->phones->world.wheel, &a->limit, now_ms + LATE_MS);
        return;
    }
    answer = read(f, a->service, status, phone_csta_of(m), &msg, &error);
    finish(a, answer, now_ms);
    send_next(f, now_ms);
}

bool phone_ask_late(struct phone *f, const struct csta_msg *msg, uint64_t now_ms)
{
    struct phone_ask *a = first(f);

    if (!f->late || a == NULL ||
        (msg->id != csta_msg_response(a->service) && msg->id != CSTA_MSG_ERROR_CODE)) {
        return false;
    }
    f->late = false;
    finish(a, msg, now_ms);
    send_next(f, now_ms);
    return true;
}

/** Out of patience. */
static void on_limit(struct timer *t, uint64_t now_ms)
{
    struct phone_ask *a = container_of(t, struct phone_ask, limit);
    struct phone *f = a->phone;
    phone_answer_fn fn = a->fn;

    if (a == first(f) && is_out(f)) {
        a->fn = NULL; /* it keeps its turn until SIP has its answer */
        f->phones->stats.unanswered++;
        if (fn != NULL) {
            fn(a->owner, f, NULL, now_ms);
        }
        return;
    }
    if (a == first(f)) {
        f->late = false;
    }
    finish(a, NULL, now_ms);
    send_next(f, now_ms);
}

/* ---- sending ---- */

/** @return 0, or why it cannot be sent */
static int send_notify(struct phone *f, const struct phone_ask *a, uint64_t now_ms)
{
    const struct csta_msg msg = {.id = a->service};
    struct phone_path path;

    if (!phone_path(f, &path)) {
        return E_STATE;
    }
    struct phone_way way = {.request_uri = path.request_uri,
                            .routes = path.routes,
                            .uri = f->device->uri,
                            .target = path.target};
    return phone_means_notify.send(&f->phones->carrier, &way, f->profile, &msg,
                                   str_make(a->xml, a->n), on_errand, f, &f->errand, now_ms);
}

static int send_info(struct phone *f, const struct phone_ask *a, uint64_t now_ms)
{
    const struct leg_content content = {
        .lines = phone_csta_lines, .type = phone_csta_type, .body = str_make(a->xml, a->n)};

    return leg_send(f->leg, NULL, STR("INFO"), &content, on_response, f, &f->request, now_ms);
}

static void send_next(struct phone *f, uint64_t now_ms)
{
    struct phone_ask *a = first(f);
    bool notify = f->profile->means == PHONE_MEANS_NOTIFY;

    if (a == NULL || is_out(f) || f->late || (f->leg == NULL && !notify) ||
        f->state < PHONE_STARTING) {
        return;
    }
    f->phones->stats.requests++;
    if ((notify ? send_notify(f, a, now_ms) : send_info(f, a, now_ms)) != 0) {
        f->request = NULL;
        f->errand = NULL;
        timer_set(f->phones->world.wheel, &a->limit, now_ms); /* told when nobody is on the
                                                                 stack, and then the next */
    }
}

int phone_ask(struct phone *f, const struct csta_msg *msg, phone_answer_fn fn, void *owner,
              uint64_t now_ms)
{
    struct phones *p = f->phones;
    struct phone_ask *a;
    struct str xml;
    int err;

    if (f->state < PHONE_STARTING) {
        return E_STATE;
    }
    if (f->ask_count >= p->config.max_requests) {
        p->stats.full++;
        return E_TOOMANY;
    }
    err = phone_text(p, msg, f->profile->edition, &xml);
    if (err != 0) {
        return err;
    }
    a = mem_zalloc(&p->env->mem, sizeof(*a) + xml.n);
    if (a == NULL) {
        return E_NOMEM;
    }
    a->phone = f;
    a->service = msg->id;
    a->fn = fn;
    a->owner = owner;
    a->n = xml.n;
    memcpy(a->xml, xml.p, xml.n);
    timer_init(&a->limit, on_limit);
    timer_set(p->world.wheel, &a->limit, now_ms + p->config.answer_ms);
    list_append(&f->asks, &a->link);
    f->ask_count++;
    send_next(f, now_ms);
    return 0;
}

void phone_ask_forget(struct phone *f, const void *owner)
{
    list_each(it, &f->asks)
    {
        struct phone_ask *a = list_entry(it, struct phone_ask, link);
        if (a->owner == owner) {
            a->fn = NULL;
        }
    }
}

void phone_asks_drop(struct phone *f, bool tell, uint64_t now_ms)
{
    struct phone_ask *a;

    if (f->request != NULL) {
        leg_request_detach(f->request);
        f->request = NULL;
    }
    if (f->errand != NULL) {
        phone_errand_forget(f->errand);
        f->errand = NULL;
    }
    f->late = false;
    while ((a = first(f)) != NULL) {
        if (!tell) {
            a->fn = NULL;
        }
        finish(a, NULL, now_ms);
    }
}
