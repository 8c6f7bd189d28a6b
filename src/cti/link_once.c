/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of CSTA outside of any session (TR/87 4.7, S-17): INFO without a dialog, or
 * NOTIFY of the package uaCSTA. Some senders know no sessions; a server takes their requests
 * when it is configured to (cti.out_of_dialog), from an application that has proved itself like
 * any other.
 *
 *   INFO, NOTIFY ──► a session for this request alone ──► 200 with the answer ──► gone
 *
 * What only means something in a session, because something would follow the answer, is
 * refused. The session counts among those of its application as long as the answer is due; the
 * request's transaction waits for it, which the limit of pending requests ends in time. When
 * the answer is given while others still look at the session, a timer frees it.
 */
#include "cti/sip.h"

/** Nothing comes out of it but the answer. */
static bool never(struct cti_session *s, uint64_t now_ms)
{
    (void)s;
    (void)now_ms;
    return false;
}

static int no_event(struct cti_session *s, struct str csta, uint64_t now_ms)
{
    (void)s;
    (void)csta;
    (void)now_ms;
    return E_STATE;
}

static int no_ask(struct cti_session *s, struct str csta, struct ask *a, uintptr_t *tag,
                  uint64_t now_ms)
{
    (void)a;
    (void)tag;
    return no_event(s, csta, now_ms);
}

static void forget(struct cti_session *s, uintptr_t tag)
{
    (void)s;
    (void)tag;
}

static void waited(struct cti_session *s, uint64_t now_ms)
{
    (void)s;
    (void)now_ms;
}

static void on_spent(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    session_free(container_of(t, struct cti_session, timer));
}

/** The answer is out, or there will be none. */
static void spend(struct cti_session *s, uint64_t now_ms)
{
    session_over(s, now_ms);
    timer_set(s->cti->wheel, &s->timer, now_ms + 1);
}

static void answer(const struct asker *to, const struct cti_reply *reply, uint64_t now_ms)
{
    struct cti *c = to->session->cti;
    struct str part[] = {str_is_set(reply->csta) ? csta_disposition : STR_NONE,
                         sip_warning(c, reply->why)};
    struct txn_reply r = {.status = reply->status,
                          .lines = arena_join(c->scratch, part, ARRAY_LEN(part))};

    if (str_is_set(reply->csta)) {
        r.type = csta_type;
        r.body = reply->csta;
    }
    if (part[0].n + part[1].n > 0 && r.lines.n == 0) {
        r = (struct txn_reply){.status = 503};
    }
    if (txn_reply(to->txn, &r, now_ms) == E_NOMEM) {
        (void)txn_reply(to->txn, &(struct txn_reply){.status = 503}, now_ms);
    }
    spend(to->session, now_ms);
}

/** The server stops: whoever waits is told. */
static void end(struct cti_session *s, enum cti_end why, uint64_t now_ms)
{
    (void)why;
    spend(s, now_ms);
}

static void drop(struct cti_session *s)
{
    timer_stop(s->cti->wheel, &s->timer);
}

const struct cti_link cti_link_once = {
    .name = "SIP, without a session",
    .answer = answer,
    .ready = never,
    .event = no_event,
    .ask = no_ask,
    .forget = forget,
    .waited = waited,
    .end = end,
    .drop = drop,
    .once = true,
};

static void refuse(struct cti *c, const struct sip_msg *m, const struct hop *from,
                   unsigned status, const char *lines, uint64_t now_ms)
{
    struct txn *t = txn_server_new(c->legs->txn, m, from, NULL, NULL, now_ms);
    struct txn_reply r = {.status = status, .lines = str_c(lines)};

    if (t == NULL) {
        (void)txn_reply_stateless(c->legs->txn, m, from, &r);
    } else {
        (void)txn_reply(t, &r, now_ms);
    }
}

bool cti_takes_once(const struct cti *c, const struct sip_msg *m)
{
    enum cti_out_of_dialog takes = c->config.out_of_dialog;

    return (m->method == SIP_METHOD_INFO && takes == CTI_OUT_OF_DIALOG_INFO &&
            content_has_csta(m)) ||
           (m->method == SIP_METHOD_NOTIFY && takes == CTI_OUT_OF_DIALOG_NOTIFY);
}

void cti_once(struct cti *c, const struct sip_msg *m, const struct hop *from,
              struct application *app, uint64_t now_ms)
{
    struct content content = content_of(m);
    struct asker asker = {.txn = NULL};
    struct cti_session *s;

    if (content.kind != CONTENT_CSTA) {
        refuse(c, m, from, content.kind == CONTENT_UNKNOWN ? 415 : 400,
               content.kind == CONTENT_UNKNOWN ? "Accept: application/csta+xml\r\n" : NULL,
               now_ms);
        return;
    }
    s = session_has_room(c, app) ? session_new(c, app, &cti_link_once) : NULL;
    if (s != NULL) {
        asker.txn = txn_server_new(c->legs->txn, m, from, NULL, NULL, now_ms);
    }
    if (asker.txn == NULL) {
        if (s != NULL) {
            session_free(s);
        }
        refuse(c, m, from, 503, "Retry-After: 30\r\n", now_ms);
        return;
    }
    timer_init(&s->timer, on_spent);
    asker.session = s;
    request_on_csta(&asker, content.csta, now_ms);
}
