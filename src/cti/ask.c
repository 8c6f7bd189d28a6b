/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of ours to an application. Over SIP: INFO with CSTA, whose response is the body of
 * its 200 (TR/87 S-7); over TCP a frame, whose response repeats its invoke identifier.
 *
 *   waits ──INFO──► out ── 200 with the response, or none is due ──► ANSWERED
 *                   out ── CSTAErrorCode, or 300 and more ─────────► REFUSED
 *                   out ── 200 without a body ──► late ── INFO, or 5 s ──► ANSWERED
 *   waits, out      ── no answer, or the session is over ──────────► LOST
 *
 * LATE. Some clients answer 200 without a body and send the response as a request of their own
 * (S-11). For a service that has a response it is waited for; when it does not come, the empty
 * 2xx was the positive response (S-12).
 *
 * ORDER. Requests go out one after another and share the turn of events (deliver.c): what was
 * recorded before a request was asked is told before it, and what comes later behind it. So an
 * application hears of a call's beginning before it is asked where the call is to go.
 *
 * OWNERSHIP. A request is text from the beginning, one block that the session owns. `fn` is
 * called once, whatever happens, unless cti_ask_forget was called or the layer is freed; it may
 * be called with the session over, and may not end it.
 *
 * BOUNDS. ASKS_PER_SESSION of them, else E_TOOMANY: an application that answers nothing is
 * asked nothing more.
 */
#include "cti/parts.h"

enum { ASKS_PER_SESSION = 1024, LATE_MS = 5000, ANSWER_MS = 32000 };

struct ask {
    struct list link; /**< of the session, in the order in which they were asked */
    struct cti_session *session;
    cti_ask_fn fn; /**< NULL: nobody wants to know */
    void *owner;
    uintptr_t tag;             /**< of the link's, while it is out */
    struct timer timer;        /**< patience with its response */
    uint64_t after;            /**< number of the newest record when it was asked */
    enum csta_msg_id response; /**< CSTA_MSG_NONE: the service has none */
    enum { ASK_WAITS, ASK_OUT, ASK_LATE } state;
    size_t n;
    char text[];
};

static void ask_free(struct ask *a)
{
    struct cti_session *s = a->session;

    if (a->state == ASK_OUT) {
        s->via->forget(s, a->tag);
    }
    timer_stop(s->cti->wheel, &a->timer);
    list_remove(&a->link);
    s->ask_count--;
    mem_free(&s->cti->env->mem, a);
}

static void finish(struct ask *a, enum cti_ask_end end, const struct csta_msg *answer,
                   uint64_t now_ms)
{
    cti_ask_fn fn = a->fn;
    void *owner = a->owner;

    ask_free(a);
    if (fn != NULL) {
        fn(owner, end, answer, now_ms);
    }
}

static void on_late(struct timer *t, uint64_t now_ms)
{
    struct ask *a = container_of(t, struct ask, timer);

    finish(a, a->state == ASK_LATE ? CTI_ASK_ANSWERED : CTI_ASK_LOST, NULL, now_ms);
}

int cti_ask(struct cti_session *s, const struct csta_msg *msg, cti_ask_fn fn, void *owner,
            uint64_t now_ms)
{
    struct cti *c = s->cti;
    struct str text;
    struct ask *a;
    int err;

    if (s->over) {
        return E_STATE;
    }
    if (s->ask_count >= ASKS_PER_SESSION) {
        return E_TOOMANY;
    }
    err =
        csta_text(c, msg, msg->edition != CSTA_EDITION_NONE ? msg->edition : s->edition, &text);
    if (err != 0) {
        return err;
    }
    a = mem_zalloc(&c->env->mem, sizeof(*a) + text.n);
    if (a == NULL) {
        return E_NOMEM;
    }
    a->session = s;
    a->fn = fn;
    a->owner = owner;
    a->after = journal_head(c->journal);
    a->response = csta_msg_response(msg->id);
    a->n = text.n;
    memcpy(a->text, text.p, text.n);
    timer_init(&a->timer, on_late);
    list_append(&s->asks, &a->link);
    s->ask_count++;
    deliver_mark(s);
    cti_flush(c, now_ms);
    return 0;
}

uint32_t asks_room(const struct cti_session *s)
{
    return s->ask_count < ASKS_PER_SESSION ? ASKS_PER_SESSION - s->ask_count : 0;
}

void cti_ask_forget(struct cti_session *s, void *owner)
{
    list_each(it, &s->asks)
    {
        struct ask *a = list_entry(it, struct ask, link);
        if (a->owner == owner) {
            a->fn = NULL;
        }
    }
}

/* ---- its answer ---- */

static bool read_answer(const struct ask *a, struct str csta, struct csta_msg *out)
{
    struct cti *c = a->session->cti;
    struct csta_limits limits = {.hash_salt = c->xml_salt};

    *out = (struct csta_msg){.id = CSTA_MSG_NONE};
    return str_is_set(csta) && csta_decode(csta, &limits, c->scratch, out, NULL) == 0;
}

struct cti_session *ask_session(const struct ask *a)
{
    return a->session;
}

void ask_on_answer(struct ask *a, unsigned status, struct str csta, uint64_t now_ms)
{
    struct csta_msg msg;
    bool read = read_answer(a, csta, &msg);

    a->state = ASK_LATE; /* it is out no more */
    if (status == 0) {
        finish(a, CTI_ASK_LOST, NULL, now_ms);
    } else if (status >= 300 || (read && msg.id == CSTA_MSG_ERROR_CODE)) {
        finish(a, CTI_ASK_REFUSED, read ? &msg : NULL, now_ms);
    } else if (!read && a->response != CSTA_MSG_NONE) {
        timer_set(a->session->cti->wheel, &a->timer, now_ms + LATE_MS);
    } else {
        finish(a, CTI_ASK_ANSWERED, read ? &msg : NULL, now_ms);
    }
}

/** Is that message the response to this request? */
static bool is_response_to(const struct ask *a, const struct asker *from,
                           const struct csta_msg *msg)
{
    if (a->session->via->answers_apart) {
        return a->state == ASK_OUT && a->tag == from->invoke;
    }
    return a->state == ASK_LATE && (a->response == msg->id || msg->id == CSTA_MSG_ERROR_CODE);
}

bool ask_on_response(const struct asker *from, const struct csta_msg *msg, uint64_t now_ms)
{
    list_each(it, &from->session->asks)
    {
        struct ask *a = list_entry(it, struct ask, link);
        if (is_response_to(a, from, msg)) {
            finish(a, msg->id == CSTA_MSG_ERROR_CODE ? CTI_ASK_REFUSED : CTI_ASK_ANSWERED, msg,
                   now_ms);
            return true;
        }
    }
    return false;
}

/* ---- its turn ---- */

struct ask *ask_first(const struct cti_session *s)
{
    list_each(it, &s->asks)
    {
        struct ask *a = list_entry(it, struct ask, link);
        if (a->state == ASK_WAITS) {
            return a;
        }
    }
    return NULL;
}

uint64_t ask_after(const struct ask *a)
{
    return a->after;
}

int ask_send(struct ask *a, uint64_t now_ms)
{
    struct cti_session *s = a->session;
    int err;

    a->state = ASK_OUT; /* before it: the outcome may be known at once */
    err = s->via->ask(s, str_make(a->text, a->n), a, &a->tag, now_ms);
    if (err != 0) {
        a->state = ASK_WAITS;
    } else if (s->via->answers_apart) {
        timer_set(s->cti->wheel, &a->timer, now_ms + ANSWER_MS);
    }
    return err;
}

void ask_unsendable(struct ask *a, uint64_t now_ms)
{
    finish(a, CTI_ASK_LOST, NULL, now_ms);
}

void asks_drop(struct cti_session *s, bool tell, uint64_t now_ms)
{
    while (!list_empty(&s->asks)) {
        struct ask *a = list_entry(s->asks.next, struct ask, link);
        a->fn = tell ? a->fn : NULL;
        finish(a, CTI_ASK_LOST, NULL, now_ms);
    }
}
