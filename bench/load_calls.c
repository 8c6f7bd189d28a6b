/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from one end of the generator through the server to the other.
 *
 *   calling end   INVITE ──> 180, 200 ──> ACK, BYE ──> 200
 *   called end    INVITE ──> 180, 200     ACK  BYE ──> 200
 *
 * `redirect` is INVITE, 302 with a Contact, ACK at the calling end.
 *
 * With the 100 of the server these are 13 messages there. `hold` leaves out the BYE until a
 * line is read from standard input, and then clears all calls.
 *
 * A call lives in a slot; slot and a serial that no other run uses make the sixteen digits. A
 * call is over when the calling end has its answer to BYE and the called end had ACK and BYE.
 *
 * What is checked: each INVITE arrives with its User-to-User and a session description, each
 * 200 brings one back, nobody gets another final answer. Anything else is a failure. What stays
 * unanswered is sent again after half a second and counted.
 */
#include "load.h"
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum stage { FREE, CALLING, UP, CLEARING, CLEARED };

struct call {
    uint64_t id;
    uint64_t began_ns; /**< when its INVITE was sent first */
    uint64_t sent_ms;
    uint8_t stage; /**< of the calling end */
    uint8_t tries;
    bool provisional;
    bool invited, acked, ended; /**< at the called end */
    uint16_t to_n, target_n, answer_n, route_n;
    char to[256];      /**< value of To with the server's tag */
    char target[256];  /**< the server's Contact, or, behind a proxy, the called end's */
    char route[400];   /**< "Route: ..." lines, when it is a proxy that record-routes */
    char answer[1600]; /**< the called end's 200 */
    struct sockaddr_in answer_to;
};

static struct {
    struct load_run *l;
    struct call *call;
    uint32_t *free;
    uint32_t free_n, slots, under_way, up;
    uint64_t started, finished, serial;
    bool hold, redirect;
    struct mould invite, in_dialog[2], refused; /**< rest of ACK, of BYE; of an ACK to a 302 */
    char answer_rest[1024], ringing_rest[256];
    size_t answer_n, ringing_n;
} calls;

static const char sdp_body[] =
    "v=0\r\no=baton 3344112 3344112 IN IP4 192.0.2.44\r\ns=-\r\n"
    "c=IN IP4 192.0.2.44\r\nt=0 0\r\nm=audio 40102 RTP/AVP 9 8 101\r\n"
    "a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=sendrecv\r\n";

static void make_moulds(struct load_run *l)
{
    mould_make(
        &calls.invite,
        "INVITE sip:%s@%s SIP/2.0\r\n"
        "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKi################;rport\r\n"
        "Max-Forwards: 70\r\n"
        "From: \"Ada Byron\" <sip:2001@pbx.example.com>;tag=a################\r\n"
        "To: <sip:%s@%s>\r\n"
        "Call-ID: ################@%s\r\n"
        "CSeq: 1 INVITE\r\n"
        "Contact: <sip:2001@%s:%u;transport=udp>\r\n"
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY\r\n"
        "Supported: replaces, uui\r\n"
        "User-Agent: Desk Phone 12.0\r\n"
        "User-to-User: ################;encoding=hex\r\n"
        "Content-Type: application/sdp\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        l->device, l->domain, l->ip, l->a.number, l->device, l->domain, l->ip, l->ip,
        l->a.number, sizeof(sdp_body) - 1, sdp_body);
    for (int bye = 0; bye < 2; bye++) {
        mould_make(&calls.in_dialog[bye],
                   "\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bK%c################;rport\r\n"
                   "Max-Forwards: 70\r\n"
                   "From: \"Ada Byron\" <sip:2001@pbx.example.com>;tag=a################\r\n"
                   "Call-ID: ################@%s\r\n"
                   "CSeq: %d %s\r\nContent-Length: 0\r\n\r\n",
                   l->ip, l->a.number, bye ? 'b' : 'k', l->ip, bye ? 2 : 1,
                   bye ? "BYE" : "ACK");
    }
    mould_make(&calls.refused,
               "\r\nVia: SIP/2.0/UDP %s:%u;branch=z9hG4bKi################;rport\r\n"
               "Max-Forwards: 70\r\n"
               "From: \"Ada Byron\" <sip:2001@pbx.example.com>;tag=a################\r\n"
               "Call-ID: ################@%s\r\n"
               "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
               l->ip, l->a.number, l->ip);
    calls.ringing_n = (size_t)snprintf(calls.ringing_rest, sizeof(calls.ringing_rest),
                                       "Contact: <sip:%s@%s:%u>\r\nContent-Length: 0\r\n\r\n",
                                       l->device, l->ip, l->b.number);
    calls.answer_n = (size_t)snprintf(
        calls.answer_rest, sizeof(calls.answer_rest),
        "Contact: <sip:%s@%s:%u>\r\n"
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY\r\n"
        "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
        l->device, l->ip, l->b.number, sizeof(sdp_body) - 1, sdp_body);
}

/* ---- a call ---- */

static struct call *call_of(uint64_t id)
{
    uint32_t slot = (uint32_t)(id >> 48);
    struct call *c = slot < calls.slots ? &calls.call[slot] : NULL;
    return c != NULL && c->stage != FREE && c->id == id ? c : NULL;
}

static void call_over(struct call *c)
{
    calls.up -= c->stage == UP;
    c->stage = FREE;
    calls.free[calls.free_n++] = (uint32_t)(c - calls.call);
    calls.under_way--;
    calls.finished++;
}

static void call_failed(struct call *c, const char *what, struct str detail)
{
    load_fail(calls.l, what, detail);
    call_over(c);
}

static void check_over(struct call *c)
{
    if (c->stage == CLEARED && c->ended) {
        if (c->acked) {
            call_over(c);
        } else {
            call_failed(c, "the called end had no ACK", STR_NONE);
        }
    }
}

static void send_invite(struct call *c)
{
    char *room = port_room(&calls.l->a);
    char *end = mould_pour(&calls.invite, room, c->id);
    port_send(&calls.l->a, (size_t)(end - room), &calls.l->server);
    c->sent_ms = load_now_ms();
}

/** ACK or BYE: method and target, the rest of the mould with To in front. */
static void send_in_dialog(struct call *c, bool bye)
{
    char *room = port_room(&calls.l->a);
    char *p = put(room, bye ? STR("BYE ") : STR("ACK "));
    p = put(p, str_make(c->target, c->target_n));
    p = put(p, STR(" SIP/2.0\r\nTo: "));
    p = put(p, str_make(c->to, c->to_n));
    if (c->route_n > 0) {
        p = put(p, STR("\r\n"));
        p = put(p, str_make(c->route, c->route_n));
    }
    p = mould_pour(&calls.in_dialog[bye], p, c->id);
    port_send(&calls.l->a, (size_t)(p - room), &calls.l->server);
    c->sent_ms = load_now_ms();
}

static void start_call(void)
{
    struct call *c = &calls.call[calls.free[--calls.free_n]];
    uint64_t slot = (uint64_t)(c - calls.call);
    c->id = slot << 48 | (calls.serial++ & 0xffffffffffff);
    c->stage = CALLING;
    c->tries = 0;
    c->provisional = c->invited = c->acked = c->ended = false;
    calls.started++;
    calls.under_way++;
    c->began_ns = load_now_ns();
    send_invite(c);
}

static void clear_call(struct call *c)
{
    calls.up -= c->stage == UP;
    c->stage = CLEARING;
    c->tries = 0;
    send_in_dialog(c, true);
}

/* ---- the calling end ---- */

static bool keep(char *to, size_t cap, uint16_t *n, struct str s)
{
    if (s.n == 0 || s.n > cap) {
        return false;
    }
    memcpy(to, s.p, s.n);
    *n = (uint16_t)s.n;
    return true;
}

/** The Record-Route lines, the last one first, as Route lines without the last CRLF. */
static bool keep_routes(struct call *c, const struct seen *s)
{
    c->route_n = 0;
    for (unsigned i = s->record_routes; i-- > 0;) {
        struct str value = seen_value(s->record_route[i]);
        if (c->route_n + value.n + 9 > sizeof(c->route)) {
            return false;
        }
        char *p = c->route + c->route_n;
        p = put(p, c->route_n > 0 ? STR("\r\nRoute: ") : STR("Route: "));
        p = put(p, value);
        c->route_n = (uint16_t)(p - c->route);
    }
    return true;
}

static void on_answered(struct call *c, const struct seen *s)
{
    if (c->stage != CALLING) {
        calls.l->repeats_received++;
        send_in_dialog(c, false);
        return;
    }
    if (!keep(c->to, sizeof(c->to), &c->to_n, seen_value(s->to)) ||
        !keep(c->target, sizeof(c->target), &c->target_n, seen_uri(s->contact)) ||
        !keep_routes(c, s)) {
        call_failed(c, "200 without a usable To, Contact or Record-Route", str_trim(s->start));
        return;
    }
    if (str_find(s->body, STR("m=audio")) == s->body.n) {
        call_failed(c, "200 without a session description", str_trim(s->start));
        return;
    }
    load_answered(calls.l, c->began_ns);
    send_in_dialog(c, false);
    c->stage = UP;
    calls.up++;
    if (!calls.hold) {
        clear_call(c);
    }
}

/** An ACK to a refusal has the branch of its INVITE, and its Request-URI. */
static void send_ack_to_refusal(struct call *c, const struct seen *s)
{
    char *room = port_room(&calls.l->a);
    char *p =
        room + snprintf(room, LOAD_OCTETS, "ACK sip:%s@%s SIP/2.0\r\nTo: ", calls.l->device,
                        calls.l->domain);
    p = put(p, seen_value(s->to));
    p = mould_pour(&calls.refused, p, c->id);
    port_send(&calls.l->a, (size_t)(p - room), &calls.l->server);
}

static void on_refused(struct call *c, const struct seen *s)
{
    bool wanted = calls.redirect && s->status == 302 && seen_uri(s->contact).n > 0;
    if (c->stage != CALLING) {
        calls.l->repeats_received++;
        return;
    }
    send_ack_to_refusal(c, s);
    if (wanted) {
        call_over(c);
    } else {
        call_failed(c, "a call was refused", str_trim(s->start));
    }
}

static void answer_request(struct port *p, const struct seen *s, const struct sockaddr_in *to)
{
    port_send(p,
              seen_answer(s, STR("SIP/2.0 200 OK\r\n"), STR("x"),
                          STR("Content-Length: 0\r\n\r\n"), port_room(p)),
              to);
}

static void on_calling_end(const struct seen *s, const struct sockaddr_in *from)
{
    uint64_t id;
    struct call *c = hex16_read(seen_value(s->call_id), &id) ? call_of(id) : NULL;
    if (s->status == 0) {
        load_fail(calls.l, "a request at the calling end", str_trim(s->start));
        answer_request(&calls.l->a, s, from);
    } else if (c == NULL) {
        calls.l->repeats_received++;
    } else if (s->status < 200) {
        c->provisional = true;
    } else if (s->status >= 300) {
        on_refused(c, s);
    } else if (s->method == 'I') {
        on_answered(c, s);
    } else if (c->stage == CLEARING) {
        c->stage = CLEARED;
        check_over(c);
    } else {
        calls.l->repeats_received++;
    }
}

/* ---- the called end ---- */

static void send_answer(struct call *c)
{
    char *room = port_room(&calls.l->b);
    memcpy(room, c->answer, c->answer_n);
    port_send(&calls.l->b, c->answer_n, &c->answer_to);
}

static void on_invite(struct call *c, const struct seen *s, const struct sockaddr_in *from)
{
    struct port *p = &calls.l->b;
    char tag[16];
    if (c->invited) {
        calls.l->repeats_received++;
        send_answer(c);
        return;
    }
    if (str_find(s->body, STR("m=audio")) == s->body.n) {
        call_failed(c, "INVITE without a session description", str_trim(s->start));
        return;
    }
    hex16_write(tag, c->id);
    port_send(p,
              seen_answer(s, STR("SIP/2.0 180 Ringing\r\n"), str_make(tag, 16),
                          str_make(calls.ringing_rest, calls.ringing_n), port_room(p)),
              from);
    size_t n = seen_answer(s, STR("SIP/2.0 200 OK\r\n"), str_make(tag, 16),
                           str_make(calls.answer_rest, calls.answer_n), port_room(p));
    if (n > sizeof(c->answer)) {
        call_failed(c, "INVITE with too long a head", str_trim(s->start));
        return;
    }
    memcpy(c->answer, p->out_buf[p->queued], n);
    c->answer_n = (uint16_t)n;
    c->answer_to = *from;
    port_send(p, n, from);
    c->invited = true;
}

/** The call of an INVITE is named by its User-to-User, of anything later by our tag in To. */
static struct call *call_of_request(const struct seen *s)
{
    uint64_t id = 0;
    struct str tag = str_from(s->to, str_find(s->to, STR(";tag=")) + 5);
    if (s->method == 'I' && tag.n == 0) {
        return s->uui.p != NULL && hex16_read(seen_value(s->uui), &id) ? call_of(id) : NULL;
    }
    return hex16_read(tag, &id) ? call_of(id) : NULL;
}

static void on_called_end(const struct seen *s, const struct sockaddr_in *from)
{
    struct call *c = call_of_request(s);
    if (s->status != 0) {
        return;
    }
    if (c == NULL) {
        if (s->method == 'I') {
            load_fail(calls.l, "INVITE without its User-to-User", str_trim(s->start));
        }
        calls.l->repeats_received++;
        if (s->method == 'B') {
            answer_request(&calls.l->b, s, from);
        }
        return;
    }
    switch (s->method) {
    case 'I':
        on_invite(c, s, from);
        break;
    case 'A':
        calls.l->repeats_received += c->acked;
        c->acked = true;
        break;
    case 'B':
        answer_request(&calls.l->b, s, from);
        calls.l->repeats_received += c->ended;
        c->ended = true;
        check_over(c);
        break;
    default:
        answer_request(&calls.l->b, s, from);
        break;
    }
}

/* ---- the loop ---- */

static void receive(struct port *p, void (*fn)(const struct seen *, const struct sockaddr_in *))
{
    for (unsigned n; (n = port_receive(p)) > 0;) {
        for (unsigned i = 0; i < n; i++) {
            struct seen s;
            if (seen_read(&s, port_message(p, i))) {
                fn(&s, &p->from[i]);
            } else {
                load_fail(calls.l, "a message that is none", STR_NONE);
            }
        }
        if (n < LOAD_BATCH) {
            return;
        }
    }
}

static void repeat_one(struct call *c, uint64_t now)
{
    bool called_waits = c->invited && !c->acked;
    if (c->stage == FREE || c->stage == UP || now < c->sent_ms + LOAD_REPEAT_MS) {
        return;
    }
    if (++c->tries > LOAD_TRIES) {
        call_failed(c, "a call did not go on", STR_NONE);
        return;
    }
    c->sent_ms = now;
    if (called_waits) {
        send_answer(c);
    } else if (c->stage == CALLING && !c->provisional) {
        send_invite(c);
    } else if (c->stage == CLEARING) {
        send_in_dialog(c, true);
    } else {
        return;
    }
    calls.l->repeats_sent++;
}

static void repeat_all(void)
{
    static uint64_t next;
    uint64_t now = load_now_ms();
    if (now < next) {
        return;
    }
    next = now + 100;
    for (uint32_t i = 0; i < calls.slots; i++) {
        repeat_one(&calls.call[i], now);
    }
}

static bool turn(void)
{
    if (!load_wait(calls.l, calls.l->rate > 0 ? 1 : 50)) {
        load_fail(calls.l, "time is up with calls under way", STR_NONE);
        return false;
    }
    receive(&calls.l->a, on_calling_end);
    receive(&calls.l->b, on_called_end);
    repeat_all();
    return calls.l->failures == 0;
}

static bool run_calls(struct load_run *l)
{
    uint64_t begin = load_now_ms();
    while (calls.finished < l->count) {
        uint64_t allowed = load_allowed(l, begin);
        while (calls.started < l->count && calls.started < allowed && calls.free_n > 0) {
            start_call();
        }
        if (!turn()) {
            return false;
        }
    }
    return true;
}

static bool stdin_has_line(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char buf[64];
    return poll(&p, 1, 0) > 0 && read(STDIN_FILENO, buf, sizeof(buf)) >= 0;
}

/** All up, wait, all cleared; never more than `window` on the way up or down. */
static bool run_hold(struct load_run *l)
{
    uint64_t begin = load_now_ms();
    while (calls.up < l->count) {
        uint64_t allowed = load_allowed(l, begin);
        while (calls.started < l->count && calls.started < allowed &&
               calls.under_way - calls.up < l->window) {
            start_call();
        }
        if (!turn()) {
            return false;
        }
    }
    printf("holding %u\n", calls.up);
    (void)fflush(stdout);
    while (!stdin_has_line()) {
        if (!turn()) {
            return false;
        }
    }
    for (uint32_t i = 0; calls.under_way > 0;) {
        for (; i < calls.slots && calls.under_way - calls.up < l->window; i++) {
            if (calls.call[i].stage == UP) {
                clear_call(&calls.call[i]);
            }
        }
        if (!turn()) {
            return false;
        }
    }
    return true;
}

int load_calls(struct load_run *l, enum load_calls_kind kind)
{
    bool hold = kind == LOAD_HOLD;
    struct timespec t;
    uint32_t number = 0;
    clock_gettime(CLOCK_REALTIME, &t);
    calls.l = l;
    calls.hold = hold;
    calls.redirect = kind == LOAD_REDIRECT;
    calls.serial = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
    calls.slots = hold ? l->count : l->window;
    calls.call = calloc(calls.slots, sizeof(*calls.call));
    calls.free = calloc(calls.slots, sizeof(*calls.free));
    if (calls.call == NULL || calls.free == NULL || calls.slots > 65535) {
        load_fail(l, "more calls at a time than fit", STR_NONE);
        return 1;
    }
    for (uint32_t i = 0; i < calls.slots; i++) {
        calls.free[calls.free_n++] = calls.slots - 1 - i;
    }
    make_moulds(l);
    bool ok = true;
    if (l->registers) {
        ok = str_to_u32(str_c(l->device), &number) &&
             register_one(l, number, (uint32_t)load_now_ms() & 0x3fffffff);
    }
    ok = ok && (hold ? run_hold(l) : run_calls(l));
    free(calls.call);
    free(calls.free);
    return !ok || l->failures > 0;
}
