/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is left behind: callbacks that pull the ground away, memory that runs out at every
 * place, and two layers that talk over a bad network for a long time.
 */
#include "fixture_txn.h"

/* ---- callbacks ---- */

static void detach_it(struct fx *f, const struct fx_heard *h)
{
    (void)f;
    txn_detach(h->t);
}

static void test_detach_inside_callbacks(void)
{
    struct fx f;
    fx_init(&f);
    f.hook = detach_it;
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    CHECK(fx_client(&f, SIP_METHOD_INFO, TP_TCP) != NULL);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_TCP) != NULL);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    CHECK(fx_client(&f, SIP_METHOD_OPTIONS, TP_UDP) != NULL);
    CHECK(fx_answer(&f, 0, 486, "x"));
    CHECK(fx_answer(&f, 1, 200, "x"));
    CHECK(fx_answer(&f, 2, 180, "x"));
    CHECK(fx_answer(&f, 3, 200, "x"));
    CHECK(fx_answer(&f, 3, 200, "y"));
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(txn_reply_status(t, 486, f.now), 0);
    fx_run(&f, 1000000);
    CHECK_INT(f.heard_n, 6); /* each said one thing, and nothing after it was left */
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/** A user that does everything it may from every callback. */
static void busy_user(struct fx *f, const struct fx_heard *h)
{
    if (f->heard_n > 40) {
        return;
    }
    (void)txn_cancel(h->t, STR_NONE, f->now);
    (void)txn_reply_status(h->t, 200, f->now);
    (void)txn_resend(h->t);
    CHECK(fx_client(f, h->what == 'f' ? SIP_METHOD_INVITE : SIP_METHOD_INFO, TP_TCP) != NULL);
    txn_on_flow_closed(&f->l, 20, f->now);
    txn_on_resolved(&f->l, f->now);
    if (h->what == 'r') {
        txn_detach(h->t);
    }
}

static void test_anything_inside_callbacks(void)
{
    struct fx f;
    fx_init(&f);
    f.hook = busy_user;
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    CHECK(fx_answer(&f, 0, 180, "x"));
    CHECK(fx_answer(&f, 1, 486, "x"));
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(txn_reply_status(t, 486, f.now), 0);
    fx_run(&f, 1000000);
    CHECK(f.heard_n > 40);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

static void test_the_pointer_is_good_until_gone(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INFO, TP_TCP);
    CHECK(fx_answer(&f, 0, 200, "x"));
    CHECK_INT(t->state, TXN_TERMINATED); /* over, but still there */
    CHECK_INT(t->status, 200);
    CHECK_INT(f.heard_n, 1);
    txn_detach(t);
    fx_tick(&f);
    CHECK_INT(f.heard_n, 1);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

static void test_fini_calls_nobody(void)
{
    struct fx f;
    fx_init(&f);
    f.resolve_err = E_AGAIN;
    struct txn_target to = {.hop = {.transport = TP_UDP}, .host = STR("phone.example.com")};
    CHECK(fx_client_to(&f, SIP_METHOD_INVITE, &to, &fx_user) != NULL);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK_INT(txn_cancel(t, STR("Reason: x\r\n"), f.now), 0);
    CHECK(fx_client(&f, SIP_METHOD_INFO, TP_TCP) != NULL);
    CHECK(fx_answer(&f, 1, 200, "x")); /* dying */
    CHECK(fx_server(&f, TP_UDP, (struct fx_req){0}) != NULL);
    CHECK_INT(f.heard_n, 1);
    fx_fini(&f);
    CHECK_INT(f.heard_n, 1);
}

/* ---- memory ---- */

static void answer_if_sent(struct fx *f, size_t i, unsigned status)
{
    if (i < f->sent_n && !str_starts(f->sent[i].bytes, STR("SIP/2.0"))) {
        (void)fx_answer(f, i, status, "x");
    }
}

/** A little of everything, by someone who does not mind when it fails. */
static void everything(struct fx *f)
{
    struct fx_msg x;
    struct hop from = fx_hop(TP_UDP);
    static const char body[5000];
    struct txn_reply large = {.status = 200, .body = {body, sizeof body}};
    struct txn *out;
    f->resolve_err = E_AGAIN;
    struct txn_target to = {.hop = {.transport = TP_UDP}, .host = STR("phone.example.com")};
    (void)fx_client_to(f, SIP_METHOD_INVITE, &to, &fx_user);
    f->resolve_err = 0;
    txn_on_resolved(&f->l, f->now);
    answer_if_sent(f, 0, 404);
    answer_if_sent(f, 0, 404);
    size_t at = f->sent_n;
    struct txn *t = fx_client(f, SIP_METHOD_INVITE, TP_UDP);
    if (t != NULL) {
        (void)txn_cancel(t, STR("Reason: x\r\n"), f->now);
        answer_if_sent(f, at, 180);
        if (txn_cancel(t, STR("Reason: x\r\n"), f->now) != 0) {
            txn_detach(t); /* else it may ring for ever, as its user wants */
        }
    }
    for (int i = 0; i < 40; i++) { /* more than one slab */
        (void)fx_client(f, SIP_METHOD_INFO, TP_TCP);
    }
    const struct sip_msg *m = fx_request(&x, (struct fx_req){0});
    (void)txn_on_request(&f->l, m, &from, f->now, &out);
    t = txn_server_new(&f->l, m, &from, &fx_user, f, f->now);
    if (t != NULL) {
        fx_run(f, 300);
        (void)txn_reply(t, &large, f->now);
        txn_detach(t);
    } else {
        (void)txn_reply_stateless(&f->l, m, &from, &large);
    }
    fx_run(f, 1000000);
}

static void test_memory_runs_out_anywhere(void)
{
    static struct fx f;
    size_t calls = 1;
    for (size_t n = 1; n <= calls; n++) {
        for (int on = 0; on < 2; on++) {
            fx_init(&f);
            f.tm.calls = 0;
            f.tm.fail_at = n;
            f.tm.fail_on = on == 1;
            everything(&f);
            CHECK_INT(txn_count(&f.l), 0);
            if (on == 0 && f.tm.calls > calls) {
                calls = f.tm.calls;
            }
            fx_fini(&f);
        }
    }
    CHECK(calls > 50);
    for (size_t n = 1; n <= 2; n++) {
        struct txn_layer l;
        struct test_mem tm;
        test_mem_init(&tm);
        tm.fail_at = n;
        f.env.mem = tm.mem;
        CHECK_INT(txn_layer_init(&l, &f.env, &f.wheel, NULL, 0), E_NOMEM);
        CHECK_INT(tm.live, 0);
    }
}

static void test_no_memory_changes_nothing(void)
{
    struct fx f;
    struct str run = STR("SIP/2.0 486 No\r\n\r\n");
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    f.tm.fail_at = f.tm.calls + 1;
    f.tm.fail_on = true;
    CHECK_INT(txn_reply_status(t, 486, f.now), E_NOMEM);
    CHECK_INT(txn_respond(t, 486, &run, 1, f.now), E_NOMEM);
    CHECK_INT(t->state, TXN_PROCEEDING);
    CHECK(t->req != NULL);
    CHECK_INT(f.sent_n, 0);
    f.tm.fail_at = 0;
    CHECK_INT(txn_reply_status(t, 486, f.now), 0);
    fx_fini(&f);
}

/** The ACK goes out even when there is no memory to keep it, and again when asked for. */
static void test_ack_needs_no_memory(void)
{
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    f.tm.fail_at = f.tm.calls + 1;
    f.tm.fail_on = true;
    CHECK(fx_answer(&f, 0, 486, "x"));
    CHECK(fx_answer(&f, 0, 486, "x"));
    CHECK_INT(f.sent_n, 3);
    CHECK_STR(fx_sent_what(&f, 1), "ACK");
    CHECK_BYTES(f.sent[2].bytes, f.sent[1].bytes);
    fx_fini(&f);
}

/* ---- two layers and a bad network ---- */

#define PACKETS 4096
#define CALLS 600

struct packet {
    uint64_t at;
    struct fx *to;
    struct hop hop;
    size_t n;
    char *p;
};

/** What one client transaction of the long run has heard. */
struct record {
    struct txn *t;
    unsigned finals, failures, gone;
    bool detached, invite;
};

static struct world {
    struct fx client, server;
    struct packet packet[PACKETS];
    size_t packets;
    uint64_t seed;
    struct record record[CALLS];
    struct txn *pending[PACKETS]; /**< server transactions that may be answered */
    size_t pending_n, answered, delivered;
} w;

static uint32_t dice(uint32_t sides)
{
    w.seed = w.seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w.seed >> 33) % sides;
}

static void carry(struct fx *f, const struct hop *hop, const struct str *run, size_t n)
{
    bool stream = transport_is_reliable((enum transport)hop->transport);
    unsigned copies = stream ? 1 : dice(10) < 3 ? 0 : dice(10) < 2 ? 2 : 1;
    for (; copies > 0; copies--) {
        if (w.packets == PACKETS) {
            abort();
        }
        struct packet *p = &w.packet[w.packets++];
        *p = (struct packet){.at = f->now + (stream ? 5 : dice(300)),
                             .to = f == &w.client ? &w.server : &w.client,
                             .hop = *hop};
        for (size_t i = 0; i < n; i++) {
            p->n += run[i].n;
        }
        p->p = malloc(p->n + 1);
        for (size_t i = 0, at = 0; i < n; at += run[i].n, i++) {
            if (run[i].n > 0) {
                memcpy(p->p + at, run[i].p, run[i].n);
            }
        }
    }
}

static void client_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                            uint64_t now_ms)
{
    struct record *r = t->owner;
    (void)from;
    if (m->status >= 200) {
        r->finals++;
    } else if (dice(4) == 0) {
        CHECK(txn_cancel(t, STR_NONE, now_ms) == (r->invite ? 0 : E_STATE));
    }
    if (dice(20) == 0) {
        r->detached = true;
        r->t = NULL;
        txn_detach(t);
    }
}

static void client_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    struct record *r = t->owner;
    (void)why;
    (void)now_ms;
    r->failures++;
}

static void client_gone(struct txn *t)
{
    struct record *r = t->owner;
    r->gone++;
    r->t = NULL;
}

static void server_gone(struct txn *t)
{
    for (size_t i = 0; i < w.pending_n; i++) {
        if (w.pending[i] == t) {
            w.pending[i] = w.pending[--w.pending_n];
        }
    }
}

static const struct txn_user client_user = {
    .on_response = client_response, .on_failure = client_failure, .on_gone = client_gone};
static const struct txn_user server_user = {.on_gone = server_gone};

static void serve(const struct sip_msg *m, const struct hop *from, uint64_t now)
{
    struct txn *t;
    switch (txn_on_request(&w.server.l, m, from, now, &t)) {
    case TXN_IN_NEW:
        t = txn_server_new(&w.server.l, m, from, &server_user, NULL, now);
        CHECK(t != NULL);
        w.pending[w.pending_n++] = t;
        break;
    case TXN_IN_CANCEL: {
        struct txn *c = txn_server_new(&w.server.l, m, from, NULL, NULL, now);
        CHECK_INT(txn_reply_status(c, 200, now), 0);
        if (t->state == TXN_PROCEEDING) {
            CHECK_INT(txn_reply_status(t, 487, now), 0);
        }
        break;
    }
    case TXN_IN_MERGED:
        CHECK(false); /* nothing forks here */
        break;
    case TXN_IN_ABSORBED:
    case TXN_IN_ACK:
        break;
    }
}

static void deliver(struct packet p)
{
    struct fx_msg x;
    w.delivered++;
    memcpy(x.buf, p.p, p.n);
    free(p.p);
    const struct sip_msg *m = fx_index(&x, p.n);
    if (!sip_is_request(m)) {
        (void)txn_on_response(&p.to->l, m, &p.hop, p.to->now);
    } else if (p.to == &w.server) {
        serve(m, &p.hop, p.to->now);
    }
}

static void answer_one(unsigned status)
{
    if (w.pending_n == 0) {
        return;
    }
    size_t i = dice((uint32_t)w.pending_n);
    struct txn *t = w.pending[i];
    int err = txn_reply_status(t, status, w.server.now);
    if (err == 0 && status >= 200) {
        w.answered++;
        w.pending[i] = w.pending[--w.pending_n];
        if (dice(3) == 0 && t->kind == TXN_IST && status < 300) {
            CHECK_INT(txn_resend(t), 0);
        }
        txn_detach(t);
    }
}

/** Move both worlds to `until`, one thing at a time. */
static void run_world(uint64_t until)
{
    for (;;) {
        size_t first = w.packets;
        uint64_t at = wheel_next(&w.client.wheel);
        at = wheel_next(&w.server.wheel) < at ? wheel_next(&w.server.wheel) : at;
        for (size_t i = 0; i < w.packets; i++) {
            if (w.packet[i].at < at) {
                at = w.packet[i].at;
                first = i;
            }
        }
        if (at > until) {
            break;
        }
        w.client.now = w.server.now = at > w.client.now ? at : w.client.now;
        if (first < w.packets) {
            struct packet p = w.packet[first];
            w.packet[first] = w.packet[--w.packets];
            deliver(p);
        }
        (void)wheel_advance(&w.client.wheel, w.client.now);
        (void)wheel_advance(&w.server.wheel, w.server.now);
    }
    w.client.now = w.server.now = until;
}

static void call(size_t i)
{
    static const enum transport tps[] = {TP_UDP, TP_UDP, TP_TCP};
    bool invite = dice(2) == 0;
    char head[300];
    int n = snprintf(head, sizeof head,
                     "Max-Forwards: 9\r\nFrom: <sip:a@h>;tag=%zu\r\nTo: <sip:b@h>\r\n"
                     "Call-ID: %zu\r\nCSeq: 1 %s\r\n\r\n",
                     i, i, invite ? "INVITE" : "INFO");
    struct str run[] = {invite ? STR("INVITE sip:b@h SIP/2.0\r\n")
                               : STR("INFO sip:b@h SIP/2.0\r\n"),
                        {head, (size_t)n}};
    struct txn_target to = {.hop = fx_hop(tps[dice(3)])};
    struct record *r = &w.record[i];
    r->invite = invite;
    r->t = txn_client_new(&w.client.l, invite ? SIP_METHOD_INVITE : SIP_METHOD_INFO, &to, run,
                          2, &client_user, r, w.client.now);
    CHECK(r->t != NULL);
}

static void test_a_long_run_over_a_bad_network(void)
{
    static const unsigned answers[] = {180, 180, 183, 200, 200, 486, 302, 503};
    memset(&w, 0, sizeof w);
    w.seed = 7;
    fx_init(&w.client);
    fx_init(&w.server);
    w.client.carry = w.server.carry = carry;
    for (size_t i = 0; i < CALLS; i++) {
        call(i);
        for (uint32_t k = dice(4); k > 0; k--) {
            run_world(w.client.now + dice(400));
            answer_one(answers[dice(ARRAY_LEN(answers))]);
        }
    }
    while (w.pending_n > 0) {
        answer_one(486);
        run_world(w.client.now + 10);
    }
    for (size_t i = 0; i < CALLS; i++) {
        if (w.record[i].t != NULL) { /* ringing for ever, because its 200 was lost */
            (void)txn_cancel(w.record[i].t, STR_NONE, w.client.now);
        }
    }
    run_world(w.client.now + 400000);
    CHECK_INT(w.packets, 0);
    CHECK_INT(txn_count(&w.client.l), 0);
    CHECK_INT(txn_count(&w.server.l), 0);
    CHECK_INT(w.client.wheel.count, 0);
    CHECK_INT(w.server.wheel.count, 0);
    CHECK(w.client.l.stats.retransmitted > 100);
    CHECK(w.server.l.stats.absorbed > 100);
    CHECK(w.answered > CALLS / 2);
    for (size_t i = 0; i < CALLS; i++) {
        const struct record *r = &w.record[i];
        CHECK(r->gone == (r->detached ? 0 : 1));
        CHECK(r->detached || r->finals + r->failures == 1 || (r->invite && r->failures == 0));
        CHECK(r->detached || r->finals + r->failures >= 1);
    }
    fx_fini(&w.client);
    fx_fini(&w.server);
}

TEST_MAIN(T(test_detach_inside_callbacks), T(test_anything_inside_callbacks),
          T(test_the_pointer_is_good_until_gone), T(test_fini_calls_nobody),
          T(test_memory_runs_out_anywhere), T(test_no_memory_changes_nothing),
          T(test_ack_needs_no_memory), T(test_a_long_run_over_a_bad_network))
