/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every machine in every state meets every event, over UDP and over a stream.
 *
 * A row says: in this state, on this event, the machine goes to that state, sends this, and
 * its user hears this. States are letters: R resolving, C calling or trying, P proceeding,
 * D completed (done), F confirmed, A accepted, T gone. A state that a stream does not have
 * is reached and left at once there, and its rows are for UDP only.
 */
#include "fixture_txn.h"

struct row {
    char from;
    const char *event;
    char to;
    const char *sent, *heard;
    char to_stream; /**< when a stream differs: its state; 0: the same; '-': no such state */
    const char *heard_stream;
    const char *sent_stream;
};

struct machine {
    enum txn_kind kind;
    const struct row *row;
    size_t n;
};

static char letter(const struct txn *t)
{
    return "RCPDFAT"[t->state];
}

static struct txn *make(struct fx *f, enum txn_kind kind, enum transport tp, char from)
{
    switch (kind) {
    case TXN_ICT:
    case TXN_NICT: {
        struct txn_target to = {.hop = fx_hop(tp)};
        if (from == 'R') {
            f->resolve_err = E_AGAIN;
            to = (struct txn_target){.hop = {.transport = (uint8_t)tp},
                                     .host = STR("phone.example.com"),
                                     .port = 5066};
        }
        enum sip_method method = kind == TXN_ICT ? SIP_METHOD_INVITE : SIP_METHOD_INFO;
        return fx_client_to(f, method, &to, &fx_user);
    }
    case TXN_IST:
        return fx_server(f, tp, (struct fx_req){0});
    case TXN_NIST:
        return fx_server(f, tp, (struct fx_req){.method = "INFO"});
    }
    return NULL;
}

/** Bring a fresh transaction into the state. */
static struct txn *arrange(struct fx *f, enum txn_kind kind, enum transport tp, char from)
{
    struct txn *t = make(f, kind, tp, from), *out;
    bool client = kind == TXN_ICT || kind == TXN_NICT;
    if (t == NULL) {
        abort();
    }
    if (client && from != 'R' && from != 'C') {
        CHECK(fx_answer(f, 0,
                        from == 'P'                       ? 180
                        : from == 'A' || kind == TXN_NICT ? 200
                                                          : 486,
                        "x"));
    } else if (kind == TXN_IST && from != 'P') {
        CHECK_INT(txn_reply_status(t, from == 'A' ? 200 : 486, f->now), 0);
        if (from == 'F') {
            CHECK_INT(fx_offer(f, tp, (struct fx_req){.method = "ACK"}, &out), TXN_IN_ABSORBED);
        }
    } else if (kind == TXN_NIST && from == 'P') {
        fx_run(f, 3500);
    } else if (kind == TXN_NIST && from == 'D') {
        CHECK_INT(txn_reply_status(t, 200, f->now), 0);
    }
    CHECK_INT(letter(t), from);
    return t;
}

/** Let a timer fire if it runs. */
static void fire(struct fx *f, const struct timer *timer)
{
    if (timer_running(timer)) {
        fx_run_until(f, timer->due_ms);
    }
}

static void happen_to_client(struct fx *f, struct txn *t, const char *event)
{
    unsigned status = (unsigned)strtoul(event, NULL, 10);
    if (status != 0 && f->sent_n > 0) {
        CHECK(fx_answer(f, 0, status, "x"));
    } else if (status != 0) { /* while resolving: somebody guessed the branch */
        struct fx_msg x;
        struct hop from = fx_hop(TP_UDP);
        CHECK(txn_on_response(&f->l,
                              fx_parse(&x,
                                       "SIP/2.0 %u X\nVia: SIP/2.0/UDP h;branch=%s\n"
                                       "CSeq: 1 %.*s\n\n",
                                       status, t->branch,
                                       STR_ARG(sip_method_name((enum sip_method)t->method))),
                              &from, f->now));
    } else if (strcmp(event, "cancel") == 0) {
        (void)txn_cancel(t, STR_NONE, f->now);
    } else if (strcmp(event, "resolved") == 0) {
        f->resolve_err = 0;
        txn_on_resolved(&f->l, f->now);
    } else {
        abort();
    }
}

static void happen_to_server(struct fx *f, struct txn *t, enum transport tp, const char *event)
{
    const char *method = t->kind == TXN_IST ? "INVITE" : "INFO";
    unsigned status = (unsigned)strtoul(event, NULL, 10);
    struct txn *out;
    if (status != 0) {
        struct str line = STR("SIP/2.0 000 made by the user\r\n\r\n");
        char own[64];
        memcpy(own, line.p, line.n);
        memcpy(own + 8, event, 3);
        (void)txn_respond(t, status, &(struct str){own, line.n}, 1, f->now);
    } else if (strcmp(event, "request") == 0) {
        CHECK_INT(fx_offer(f, tp, (struct fx_req){.method = method}, &out), TXN_IN_ABSORBED);
        CHECK(out == t);
    } else if (strcmp(event, "ack") == 0) {
        enum txn_in in = fx_offer(f, tp, (struct fx_req){.method = "ACK"}, &out);
        CHECK_INT(in, t->kind == TXN_IST && t->state != TXN_ACCEPTED ? TXN_IN_ABSORBED
                                                                     : TXN_IN_ACK);
    } else if (strcmp(event, "resend") == 0) {
        (void)txn_resend(t);
    } else {
        abort();
    }
}

static void happen(struct fx *f, struct txn *t, enum transport tp, const char *event)
{
    bool broken = event[0] == '!'; /* the network fails while it happens */
    event += broken;
    f->send_err = broken ? E_TOOBIG : 0;
    if (strcmp(event, "timer") == 0) {
        fire(f, &t->retransmit); /* it is always before `expire` */
    } else if (strcmp(event, "expire") == 0) {
        if (timer_running(&t->expire)) {
            timer_stop(&f->wheel, &t->retransmit);
        }
        fire(f, &t->expire);
    } else if (strcmp(event, "closed") == 0) {
        txn_on_flow_closed(&f->l, fx_hop(tp).flow, f->now);
    } else if (strcmp(event, "detach") == 0) {
        txn_detach(t);
    } else if (t->kind == TXN_ICT || t->kind == TXN_NICT) {
        happen_to_client(f, t, event);
    } else {
        happen_to_server(f, t, tp, event);
    }
    fx_tick(f);
}

static void run_row(const struct machine *m, const struct row *r, enum transport tp)
{
    struct fx f;
    char context[80], sent[200], heard[200];
    bool stream = tp != TP_UDP;
    char to = stream && r->to_stream != 0 ? r->to_stream : r->to;
    const char *want_heard = stream && r->heard_stream ? r->heard_stream : r->heard;
    const char *want_sent = stream && r->sent_stream ? r->sent_stream : r->sent;
    if (to == '-') {
        return;
    }
    (void)snprintf(context, sizeof context, "machine %d, %s: %c on %s", (int)m->kind,
                   transport_name(tp), r->from, r->event);
    test_context(context);
    fx_init(&f);
    struct txn *t = arrange(&f, m->kind, tp, r->from);
    size_t sent_from = f.sent_n, heard_from = f.heard_n;
    happen(&f, t, tp, r->event);
    CHECK_STR(str_c(fx_sent_text(&f, sent_from, sent, sizeof sent)), want_sent);
    CHECK_STR(str_c(fx_heard_text(&f, heard_from, heard, sizeof heard)), want_heard);
    bool gone = f.heard_n > 0 && f.heard[f.heard_n - 1].what == 'g';
    CHECK_INT(gone ? 'T' : letter(t), to);
    f.send_err = 0;
    if (!gone && (m->kind == TXN_ICT || m->kind == TXN_IST)) {
        txn_detach(t); /* so that it cannot stay for ever */
    }
    fx_run(&f, 1000000);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
    test_context(NULL);
}

static void run_machine(const struct machine *m)
{
    for (size_t i = 0; i < m->n; i++) {
        run_row(m, &m->row[i], TP_UDP);
        run_row(m, &m->row[i], TP_TCP);
    }
}

static const struct row ict[] = {
    {'R', "180", 'R', "", "", 0, NULL, NULL},
    {'R', "200", 'R', "", "", 0, NULL, NULL},
    {'R', "486", 'R', "", "", 0, NULL, NULL},
    {'R', "timer", 'R', "", "", 0, NULL, NULL},
    {'R', "expire", 'T', "", "f2 g", 0, NULL, NULL},
    {'R', "closed", 'R', "", "", 0, NULL, NULL},
    {'R', "cancel", 'T', "", "f0 g", 0, NULL, NULL},
    {'R', "resolved", 'C', "INVITE", "", 0, NULL, NULL},
    {'R', "!resolved", 'T', "", "f1 g", 0, NULL, NULL},
    {'R', "detach", 'R', "", "", 0, NULL, NULL},
    {'C', "180", 'P', "", "r180", 0, NULL, NULL},
    {'C', "200", 'A', "", "r200", 0, NULL, NULL},
    {'C', "486", 'D', "ACK", "r486", 'T', "r486 g", NULL},
    {'C', "!486", 'T', "", "r486 g", 0, NULL, NULL},
    {'C', "timer", 'C', "INVITE", "", 0, NULL, ""},
    {'C', "!timer", 'T', "", "f1 g", 'C', "", NULL},
    {'C', "expire", 'T', "", "f0 g", 0, NULL, NULL},
    {'C', "closed", 'T', "", "f1 g", 0, NULL, NULL},
    {'C', "cancel", 'C', "", "", 0, NULL, NULL},
    {'C', "resolved", 'C', "", "", 0, NULL, NULL},
    {'C', "detach", 'C', "", "", 0, NULL, NULL},
    {'P', "100", 'P', "", "r100", 0, NULL, NULL},
    {'P', "180", 'P', "", "r180", 0, NULL, NULL},
    {'P', "200", 'A', "", "r200", 0, NULL, NULL},
    {'P', "300", 'D', "ACK", "r300", 'T', "r300 g", NULL},
    {'P', "!486", 'T', "", "r486 g", 0, NULL, NULL},
    {'P', "timer", 'P', "", "", 0, NULL, NULL},
    {'P', "expire", 'P', "", "", 0, NULL, NULL},
    {'P', "closed", 'T', "", "f1 g", 0, NULL, NULL},
    {'P', "cancel", 'P', "CANCEL", "", 0, NULL, NULL},
    {'P', "resolved", 'P', "", "", 0, NULL, NULL},
    {'P', "detach", 'P', "", "", 0, NULL, NULL},
    {'D', "180", 'D', "", "", '-', NULL, NULL},
    {'D', "200", 'D', "", "", '-', NULL, NULL},
    {'D', "486", 'D', "ACK", "", '-', NULL, NULL},
    {'D', "!486", 'T', "", "g", '-', NULL, NULL},
    {'D', "timer", 'D', "", "", '-', NULL, NULL},
    {'D', "expire", 'T', "", "g", '-', NULL, NULL},
    {'D', "closed", 'T', "", "g", '-', NULL, NULL},
    {'D', "cancel", 'D', "", "", '-', NULL, NULL},
    {'D', "resolved", 'D', "", "", '-', NULL, NULL},
    {'D', "detach", 'D', "", "", '-', NULL, NULL},
    {'A', "180", 'A', "", "", 0, NULL, NULL},
    {'A', "200", 'A', "", "r200", 0, NULL, NULL},
    {'A', "202", 'A', "", "r202", 0, NULL, NULL},
    {'A', "486", 'A', "", "", 0, NULL, NULL},
    {'A', "timer", 'A', "", "", 0, NULL, NULL},
    {'A', "expire", 'T', "", "g", 0, NULL, NULL},
    {'A', "closed", 'A', "", "", 0, NULL, NULL},
    {'A', "cancel", 'A', "", "", 0, NULL, NULL},
    {'A', "resolved", 'A', "", "", 0, NULL, NULL},
    {'A', "detach", 'A', "", "", 0, NULL, NULL},
};

static const struct row nict[] = {
    {'R', "100", 'R', "", "", 0, NULL, NULL},
    {'R', "200", 'R', "", "", 0, NULL, NULL},
    {'R', "timer", 'R', "", "", 0, NULL, NULL},
    {'R', "expire", 'T', "", "f2 g", 0, NULL, NULL},
    {'R', "closed", 'R', "", "", 0, NULL, NULL},
    {'R', "cancel", 'R', "", "", 0, NULL, NULL},
    {'R', "resolved", 'C', "INFO", "", 0, NULL, NULL},
    {'R', "!resolved", 'T', "", "f1 g", 0, NULL, NULL},
    {'R', "detach", 'R', "", "", 0, NULL, NULL},
    {'C', "100", 'P', "", "r100", 0, NULL, NULL},
    {'C', "200", 'D', "", "r200", 'T', "r200 g", NULL},
    {'C', "481", 'D', "", "r481", 'T', "r481 g", NULL},
    {'C', "timer", 'C', "INFO", "", 0, NULL, ""},
    {'C', "!timer", 'T', "", "f1 g", 'C', "", NULL},
    {'C', "expire", 'T', "", "f0 g", 0, NULL, NULL},
    {'C', "closed", 'T', "", "f1 g", 0, NULL, NULL},
    {'C', "cancel", 'C', "", "", 0, NULL, NULL},
    {'C', "resolved", 'C', "", "", 0, NULL, NULL},
    {'C', "detach", 'C', "", "", 0, NULL, NULL},
    {'P', "100", 'P', "", "r100", 0, NULL, NULL},
    {'P', "200", 'D', "", "r200", 'T', "r200 g", NULL},
    {'P', "603", 'D', "", "r603", 'T', "r603 g", NULL},
    {'P', "timer", 'P', "INFO", "", 0, NULL, ""},
    {'P', "!timer", 'T', "", "f1 g", 'P', "", NULL},
    {'P', "expire", 'T', "", "f0 g", 0, NULL, NULL},
    {'P', "closed", 'T', "", "f1 g", 0, NULL, NULL},
    {'P', "cancel", 'P', "", "", 0, NULL, NULL},
    {'P', "resolved", 'P', "", "", 0, NULL, NULL},
    {'P', "detach", 'P', "", "", 0, NULL, NULL},
    {'D', "100", 'D', "", "", '-', NULL, NULL},
    {'D', "200", 'D', "", "", '-', NULL, NULL},
    {'D', "486", 'D', "", "", '-', NULL, NULL},
    {'D', "timer", 'D', "", "", '-', NULL, NULL},
    {'D', "expire", 'T', "", "g", '-', NULL, NULL},
    {'D', "closed", 'D', "", "", '-', NULL, NULL},
    {'D', "cancel", 'D', "", "", '-', NULL, NULL},
    {'D', "resolved", 'D', "", "", '-', NULL, NULL},
    {'D', "detach", 'D', "", "", '-', NULL, NULL},
};

static const struct row ist[] = {
    {'P', "request", 'P', "", "", 0, NULL, NULL},
    {'P', "ack", 'P', "", "", 0, NULL, NULL},
    {'P', "100", 'P', "100", "", 0, NULL, NULL},
    {'P', "180", 'P', "180", "", 0, NULL, NULL},
    {'P', "!180", 'P', "", "f1", 0, NULL, NULL},
    {'P', "200", 'A', "200", "", 0, NULL, NULL},
    {'P', "!200", 'A', "", "f1", 0, NULL, NULL},
    {'P', "302", 'D', "302", "", 0, NULL, NULL},
    {'P', "!302", 'D', "", "f1", 0, NULL, NULL},
    {'P', "resend", 'P', "", "", 0, NULL, NULL},
    {'P', "timer", 'P', "100", "", 0, NULL, NULL},
    {'P', "!timer", 'P', "", "f1", 0, NULL, NULL},
    {'P', "expire", 'P', "", "", 0, NULL, NULL},
    {'P', "closed", 'P', "", "", 0, NULL, NULL},
    {'P', "detach", 'P', "", "", 0, NULL, NULL},
    {'D', "request", 'D', "486", "", 0, NULL, NULL},
    {'D', "!request", 'D', "", "f1", 0, NULL, NULL},
    {'D', "ack", 'F', "", "", 'T', "g", NULL},
    {'D', "180", 'D', "", "", 0, NULL, NULL},
    {'D', "200", 'D', "", "", 0, NULL, NULL},
    {'D', "603", 'D', "", "", 0, NULL, NULL},
    {'D', "resend", 'D', "", "", 0, NULL, NULL},
    {'D', "timer", 'D', "486", "", 0, NULL, ""},
    {'D', "!timer", 'D', "", "f1", 0, "", NULL},
    {'D', "expire", 'T', "", "f0 g", 0, NULL, NULL},
    {'D', "closed", 'D', "", "", 0, NULL, NULL},
    {'D', "detach", 'D', "", "", 0, NULL, NULL},
    {'F', "request", 'F', "", "", '-', NULL, NULL},
    {'F', "ack", 'F', "", "", '-', NULL, NULL},
    {'F', "180", 'F', "", "", '-', NULL, NULL},
    {'F', "200", 'F', "", "", '-', NULL, NULL},
    {'F', "603", 'F', "", "", '-', NULL, NULL},
    {'F', "resend", 'F', "", "", '-', NULL, NULL},
    {'F', "timer", 'F', "", "", '-', NULL, NULL},
    {'F', "expire", 'T', "", "g", '-', NULL, NULL},
    {'F', "closed", 'F', "", "", '-', NULL, NULL},
    {'F', "detach", 'F', "", "", '-', NULL, NULL},
    {'A', "request", 'A', "", "", 0, NULL, NULL},
    {'A', "ack", 'A', "", "", 0, NULL, NULL},
    {'A', "180", 'A', "", "", 0, NULL, NULL},
    {'A', "200", 'A', "200", "", 0, NULL, NULL},
    {'A', "!200", 'A', "", "f1", 0, NULL, NULL},
    {'A', "603", 'A', "", "", 0, NULL, NULL},
    {'A', "resend", 'A', "200", "", 0, NULL, NULL},
    {'A', "!resend", 'A', "", "f1", 0, NULL, NULL},
    {'A', "timer", 'A', "", "", 0, NULL, NULL},
    {'A', "expire", 'T', "", "g", 0, NULL, NULL},
    {'A', "closed", 'A', "", "", 0, NULL, NULL},
    {'A', "detach", 'A', "", "", 0, NULL, NULL},
};

static const struct row nist[] = {
    {'C', "request", 'C', "", "", 0, NULL, NULL},
    {'C', "ack", 'C', "", "", 0, NULL, NULL},
    {'C', "100", 'C', "", "", 'P', NULL, "100"},
    {'C', "180", 'C', "", "", 0, NULL, NULL},
    {'C', "200", 'D', "200", "", 'T', "g", NULL},
    {'C', "!200", 'T', "", "f1 g", 0, NULL, NULL},
    {'C', "403", 'D', "403", "", 'T', "g", NULL},
    {'C', "408", 'C', "", "", 0, NULL, NULL},
    {'C', "resend", 'C', "", "", 0, NULL, NULL},
    {'C', "timer", 'P', "100", "", 0, NULL, NULL},
    {'C', "!timer", 'T', "", "f1 g", 0, NULL, NULL},
    {'C', "expire", 'T', "", "f0 g", 0, NULL, NULL},
    {'C', "closed", 'C', "", "", 0, NULL, NULL},
    {'C', "detach", 'C', "", "", 0, NULL, NULL},
    {'P', "request", 'P', "100", "", 0, NULL, NULL},
    {'P', "!request", 'T', "", "f1 g", 0, NULL, NULL},
    {'P', "ack", 'P', "", "", 0, NULL, NULL},
    {'P', "100", 'P', "100", "", 0, NULL, NULL},
    {'P', "200", 'D', "200", "", 'T', "g", NULL},
    {'P', "!200", 'T', "", "f1 g", 0, NULL, NULL},
    {'P', "500", 'D', "500", "", 'T', "g", NULL},
    {'P', "resend", 'P', "", "", 0, NULL, NULL},
    {'P', "timer", 'P', "", "", 0, NULL, NULL},
    {'P', "expire", 'T', "", "f0 g", 0, NULL, NULL},
    {'P', "closed", 'P', "", "", 0, NULL, NULL},
    {'P', "detach", 'P', "", "", 0, NULL, NULL},
    {'D', "request", 'D', "200", "", '-', NULL, NULL},
    {'D', "!request", 'T', "", "f1 g", '-', NULL, NULL},
    {'D', "ack", 'D', "", "", '-', NULL, NULL},
    {'D', "100", 'D', "", "", '-', NULL, NULL},
    {'D', "200", 'D', "", "", '-', NULL, NULL},
    {'D', "500", 'D', "", "", '-', NULL, NULL},
    {'D', "resend", 'D', "", "", '-', NULL, NULL},
    {'D', "timer", 'D', "", "", '-', NULL, NULL},
    {'D', "expire", 'T', "", "g", '-', NULL, NULL},
    {'D', "closed", 'D', "", "", '-', NULL, NULL},
    {'D', "detach", 'D', "", "", '-', NULL, NULL},
};

static void test_invite_client(void)
{
    run_machine(&(struct machine){TXN_ICT, ict, ARRAY_LEN(ict)});
}

static void test_other_client(void)
{
    run_machine(&(struct machine){TXN_NICT, nict, ARRAY_LEN(nict)});
}

static void test_invite_server(void)
{
    run_machine(&(struct machine){TXN_IST, ist, ARRAY_LEN(ist)});
}

static void test_other_server(void)
{
    run_machine(&(struct machine){TXN_NIST, nist, ARRAY_LEN(nist)});
}

/** The tables above are whole: each state of a machine meets the same events. */
static bool has(const struct row *row, size_t n, char from, const char *event)
{
    for (size_t i = 0; i < n; i++) {
        if (row[i].from == from && strcmp(row[i].event, event) == 0) {
            return true;
        }
    }
    return false;
}

static void test_tables_are_whole(void)
{
    static const char *const client[] = {"timer",  "expire",   "closed",
                                         "cancel", "resolved", "detach"};
    static const char *const server[] = {"request", "ack",    "timer", "expire",
                                         "closed",  "resend", "detach"};
    for (size_t e = 0; e < ARRAY_LEN(client); e++) {
        for (const char *s = "CPD"; *s != '\0'; s++) {
            CHECK(has(ict, ARRAY_LEN(ict), *s, client[e]));
            CHECK(has(nict, ARRAY_LEN(nict), *s, client[e]));
        }
        CHECK(has(ict, ARRAY_LEN(ict), 'A', client[e]));
    }
    for (size_t e = 0; e < ARRAY_LEN(server); e++) {
        for (const char *s = "PDFA"; *s != '\0'; s++) {
            CHECK(has(ist, ARRAY_LEN(ist), *s, server[e]));
        }
        for (const char *s = "CPD"; *s != '\0'; s++) {
            CHECK(has(nist, ARRAY_LEN(nist), *s, server[e]));
        }
    }
}

TEST_MAIN(T(test_invite_client), T(test_other_client), T(test_invite_server),
          T(test_other_server), T(test_tables_are_whole))
