/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probing a peer by OPTIONS (RFC 3261 §11).
 *
 *   Idle ──timer──> Asking ──answer, failure, PEER_WAIT_MS──> Idle
 *
 * The timer runs in both states. One probe at a time; a late answer of one that was given up
 * does not count, the next one is under way. The first probes are spread over a second, so that
 * many peers are not asked in one burst. What the answer says beyond that is kept (learn.c); a
 * peer that is asked only for that sake is never called down.
 */
#include "peers/parts.h"

#define FIRST_MS 1000
#define AGAIN_MS 1000
#define REQUEST_MAX 2048

static const struct peer *peer_of(const struct peer_state *s)
{
    return s->peer;
}

static void say(const struct peer_state *s, const char *what)
{
    env_trace(s->peers->env, s->down ? TRACE_WARN : TRACE_INFO, "peers", "%.*s is %s: %s",
              STR_ARG(peer_of(s)->name), s->down ? "down" : "up", what);
}

/** Is it asked whether it lives, or only what it understands? */
static bool is_judged(const struct peer_state *s)
{
    return peer_of(s)->probe_s != 0;
}

static uint32_t interval_s(const struct peer_state *s)
{
    if (is_judged(s)) {
        return peer_of(s)->probe_s;
    }
    return peer_is_declared(peer_of(s)) ? 0 : s->peers->config.ask_s;
}

static void idle(struct peer_state *s, uint64_t now_ms)
{
    bool doubtful = s->failed > 0 && !s->down;
    uint64_t wait = doubtful ? AGAIN_MS : interval_s(s) * UINT64_C(1000);
    s->probe = NULL;
    timer_set(s->peers->wheel, &s->timer, now_ms + wait);
}

static void succeeded(struct peer_state *s, unsigned status, uint64_t now_ms)
{
    s->peers->answered++;
    s->failed = 0;
    if (s->down) {
        char what[32];
        struct out o;
        out_init(&o, what, sizeof what - 1);
        out_fmt(&o, "it answered %u", status);
        what[o.n] = '\0';
        s->down = false;
        say(s, what);
    }
    idle(s, now_ms);
}

/** @param certain  it said so itself: once is enough */
static void failed(struct peer_state *s, const char *what, bool certain, uint64_t now_ms)
{
    uint32_t most = peer_of(s)->probe_failures != 0 ? peer_of(s)->probe_failures : 1;
    if (!is_judged(s)) {
        idle(s, now_ms);
        return;
    }
    s->failed += s->failed < UINT32_MAX;
    if (!s->down && (certain || s->failed >= most)) {
        s->down = true;
        say(s, what);
    }
    idle(s, now_ms);
}

/* ---- the transaction ---- */

static void on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct peer_state *s = t->owner;
    (void)from;
    if (m->status < 200) {
        return;
    }
    txn_detach(t);
    peer_learn(s, m, now_ms);
    if (m->status == 503) {
        failed(s, "it answered 503", true, now_ms);
    } else if (m->status == 408) {
        failed(s, "it answered 408", false, now_ms);
    } else {
        succeeded(s, m->status, now_ms);
    }
}

static void on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    static const char *const text[] = {[TXN_TIMEOUT] = "it does not answer",
                                       [TXN_TRANSPORT] = "it cannot be reached",
                                       [TXN_UNRESOLVED] = "no address for its name"};
    struct peer_state *s = t->owner;
    txn_detach(t);
    s->peers->silent++;
    failed(s, text[why], false, now_ms);
}

static const struct txn_user probe_user = {.on_response = on_response,
                                           .on_failure = on_failure};

static void write_head(struct peer_state *s, struct out *o)
{
    const struct peers *p = s->peers;
    struct str domain = p->dir->domains[0];
    out_fmt(o, "Max-Forwards: 70\r\nFrom: <sip:%.*s>;tag=%s\r\nTo: <", STR_ARG(domain), s->tag);
    peer_write_uri(peer_of(s), STR_NONE, o);
    out_fmt(o,
            ">\r\nCall-ID: %s\r\nCSeq: %u OPTIONS\r\nAccept: application/sdp\r\n"
            "Supported: uui, histinfo\r\n",
            s->call_id, s->cseq);
    out_str(o, p->txn->user_agent_line);
    out_c(o, "Content-Length: 0\r\n\r\n");
}

static void ask(struct peer_state *s, uint64_t now_ms)
{
    struct peers *p = s->peers;
    struct txn_target to;
    char line[512], head[REQUEST_MAX];
    struct out l, h;
    peer_target(peer_of(s), &to);
    s->cseq++;
    out_init(&l, line, sizeof line);
    out_c(&l, "OPTIONS ");
    peer_write_uri(peer_of(s), STR_NONE, &l);
    out_c(&l, " SIP/2.0\r\n");
    out_init(&h, head, sizeof head);
    write_head(s, &h);
    struct str run[] = {out_str_of(&l), out_str_of(&h)};
    p->probes++;
    s->probe = l.over || h.over ? NULL
                                : txn_client_new(p->txn, SIP_METHOD_OPTIONS, &to, run, 2,
                                                 &probe_user, s, now_ms);
    if (s->probe == NULL) {
        idle(s, now_ms); /* our own want of room says nothing about the peer */
        return;
    }
    if (to.hop.remote.family != ADDR_NONE) {
        timer_set(p->wheel, &s->timer, now_ms + PEER_WAIT_MS);
    }
}

static void on_timer(struct timer *timer, uint64_t now_ms)
{
    struct peer_state *s = container_of(timer, struct peer_state, timer);
    if (s->probe == NULL) {
        ask(s, now_ms);
        return;
    }
    txn_detach(s->probe);
    s->peers->silent++;
    failed(s, "it does not answer", false, now_ms);
}

void probe_begin(struct peer_state *s)
{
    struct peers *p = s->peers;
    timer_init(&s->timer, on_timer);
    if (interval_s(s) == 0) {
        return;
    }
    env_random_token(p->env, s->call_id, sizeof s->call_id - 1);
    env_random_token(p->env, s->tag, sizeof s->tag - 1);
    timer_set(p->wheel, &s->timer, p->wheel->now_ms + env_random64(p->env) % FIRST_MS);
}

void probe_end(struct peer_state *s)
{
    timer_stop(s->peers->wheel, &s->timer);
    if (s->probe != NULL) {
        txn_detach(s->probe);
        s->probe = NULL;
    }
}
