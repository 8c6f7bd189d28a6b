/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CSTA session over SIP (ECMA TR/87) that asks as fast as it is answered.
 *
 * The session is opened with digest. Then `count` INFO requests, each with SnapshotDevice of a
 * device that has no call, `window` of them under way, in one dialog with a growing CSeq. Each
 * must be answered by a 200 that carries SnapshotDeviceResponse.
 */
#include "auth/auth.h"
#include "load.h"
#include <stdlib.h>
#include <sys/random.h>

#define NS "http://www.ecma-international.org/standards/ecma-323/csta/ed3"

static struct {
    struct load_run *l;
    uint64_t base; /**< of the digits: no other run uses them */
    uint32_t cseq; /**< of the last request */
    char to[256], target[256];
    size_t to_n, target_n;
    char lines[1024]; /**< Authorization, or empty */
    size_t lines_n;
    uint64_t *sent_ms; /**< by number of the INFO, UINT64_MAX: answered */
    uint64_t request_octets, reply_octets;
    struct mould info;
} info;

static void random_octets(void *ctx, void *out, size_t n)
{
    (void)ctx;
    if (getrandom(out, n, 0) != (ssize_t)n) {
        abort();
    }
}

/* ---- the session ---- */

static void send_invite(void)
{
    struct load_run *l = info.l;
    char *room = port_room(&l->a);
    int n = snprintf(room, LOAD_OCTETS,
                     "INVITE sip:%s SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKs%016llx%u;rport\r\n"
                     "Max-Forwards: 70\r\n"
                     "From: <sip:%s@%s>;tag=s%016llx\r\nTo: <sip:%s>\r\n"
                     "Call-ID: %016llx@%s\r\nCSeq: %u INVITE\r\n"
                     "Contact: <sip:%s@%s:%u>\r\n%.*s"
                     "Accept: application/csta+xml\r\n"
                     "Content-Disposition: signal;handling=required\r\n"
                     "Content-Type: application/csta+xml\r\nContent-Length: %zu\r\n\r\n%s",
                     l->domain, l->ip, l->a.number, (unsigned long long)info.base, info.cseq,
                     l->user, l->domain, (unsigned long long)info.base, l->domain,
                     (unsigned long long)info.base, l->ip, info.cseq, l->user, l->ip,
                     l->a.number, (int)info.lines_n, info.lines,
                     strlen("<RequestSystemStatus xmlns=\"" NS "\"/>"),
                     "<RequestSystemStatus xmlns=\"" NS "\"/>");
    port_send(&l->a, (size_t)n, &l->server);
}

/** ACK with the branch of the INVITE, as one to a refusal needs; to a 200 a branch of its own.
 */
static void send_ack(bool refused)
{
    struct load_run *l = info.l;
    char *room = port_room(&l->a);
    int n = snprintf(room, LOAD_OCTETS,
                     "ACK %.*s SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bK%c%016llx%u;rport\r\n"
                     "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=s%016llx\r\nTo: %.*s\r\n"
                     "Call-ID: %016llx@%s\r\nCSeq: %u ACK\r\nContent-Length: 0\r\n\r\n",
                     (int)info.target_n, info.target, l->ip, l->a.number, refused ? 's' : 'k',
                     (unsigned long long)info.base, info.cseq, l->user, l->domain,
                     (unsigned long long)info.base, (int)info.to_n, info.to,
                     (unsigned long long)info.base, l->ip, info.cseq);
    port_send(&l->a, (size_t)n, &l->server);
}

static bool keep(char *to, size_t cap, size_t *n, struct str s)
{
    *n = s.n <= cap ? s.n : 0;
    memcpy(to, s.p, *n);
    return *n > 0;
}

static bool authorize(struct str bytes)
{
    struct env env = {.mem = mem_libc, .random = random_octets};
    struct auth_client client = {.user = str_c(info.l->user),
                                 .password = str_c(info.l->password)};
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct out o;
    char uri[256];
    int n = snprintf(uri, sizeof(uri), "sip:%s", info.l->domain);
    out_init(&o, info.lines, sizeof(info.lines));
    if (sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) != 0 ||
        auth_client_answer(&client, &env, &m, STR("INVITE"), str_make(uri, (size_t)n), STR_NONE,
                           &o) != 0) {
        return false;
    }
    info.lines_n = o.n;
    return true;
}

/** @return 1: the session stands, 0: not yet, -1: refused */
static int on_session_answer(const struct seen *s, struct str bytes)
{
    struct str target = seen_uri(s->contact.p != NULL ? s->contact : STR("Contact: <sip:x>"));
    if (s->status < 200 || s->method != 'I' || s->cseq_number != info.cseq) {
        return 0;
    }
    if (!keep(info.to, sizeof(info.to), &info.to_n, seen_value(s->to)) ||
        !keep(info.target, sizeof(info.target), &info.target_n, target)) {
        load_fail(info.l, "the session's To or Contact is too long", str_trim(s->start));
        return -1;
    }
    send_ack(s->status >= 300);
    if (s->status == 200) {
        return 1;
    }
    if (s->status != 401 || info.cseq > 1 || !authorize(bytes)) {
        load_fail(info.l, "no CSTA session", str_trim(s->start));
        return -1;
    }
    info.cseq++;
    send_invite();
    return 0;
}

static bool open_session(void)
{
    struct load_run *l = info.l;
    info.cseq = 1;
    /* The Request-URI of an ACK to a refusal is the INVITE's; it does not matter here. */
    send_invite();
    for (int turns = 0; turns < 100 && l->failures == 0; turns++) {
        if (!load_wait(l, 100)) {
            break;
        }
        unsigned n = port_receive(&l->a);
        for (unsigned i = 0; i < n; i++) {
            struct seen s;
            int done = seen_read(&s, port_message(&l->a, i)) && s.status != 0
                           ? on_session_answer(&s, port_message(&l->a, i))
                           : 0;
            if (done != 0) {
                return done > 0;
            }
        }
    }
    load_fail(l, "no answer to the session's INVITE", STR_NONE);
    return false;
}

/* ---- requests in it ---- */

static void make_mould(struct load_run *l)
{
    char body[512];
    int n = snprintf(body, sizeof(body),
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
                     "<SnapshotDevice xmlns=\"" NS "\">"
                     "<snapshotObject>sip:%s@%s</snapshotObject></SnapshotDevice>",
                     l->device, l->domain);
    mould_make(&info.info,
               "INFO %.*s SIP/2.0\r\n"
               "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKn################;rport\r\n"
               "Max-Forwards: 70\r\n"
               "From: <sip:%s@%s>;tag=s%016llx\r\nTo: %.*s\r\n"
               "Call-ID: %016llx@%s\r\n"
               "Contact: <sip:%s@%s:%u>\r\n"
               "Content-Disposition: signal;handling=required\r\n"
               "Content-Type: application/csta+xml\r\nContent-Length: %d\r\n"
               "CSeq: ################ INFO\r\n\r\n%s",
               (int)info.target_n, info.target, l->ip, l->a.number, l->user, l->domain,
               (unsigned long long)info.base, (int)info.to_n, info.to,
               (unsigned long long)info.base, l->ip, l->user, l->ip, l->a.number, n, body);
}

/** The place of CSeq takes decimal digits, so it is written over. */
static void send_info(uint32_t number)
{
    struct load_run *l = info.l;
    char *room = port_room(&l->a);
    uint32_t cseq = info.cseq + 1 + number;
    char *at = room + info.info.at[1] + 15;
    (void)mould_pour(&info.info, room, info.base + number);
    memset(room + info.info.at[1], ' ', 16);
    for (; cseq > 0; cseq /= 10) {
        *at-- = (char)('0' + cseq % 10);
    }
    port_send(&l->a, info.info.n, &l->server);
    info.sent_ms[number] = load_now_ms();
}

/** @return true: one more request is answered */
static bool on_message(const struct seen *s, struct str bytes, const struct sockaddr_in *from)
{
    struct load_run *l = info.l;
    uint32_t number = s->cseq_number - info.cseq - 1;
    if (s->status == 0) {
        port_send(&l->a,
                  seen_answer(s, STR("SIP/2.0 200 OK\r\n"), STR("x"),
                              STR("Content-Length: 0\r\n\r\n"), port_room(&l->a)),
                  from);
        return false;
    }
    if (s->method != 'I' || number >= l->count || info.sent_ms[number] == UINT64_MAX) {
        l->repeats_received++;
        return false;
    }
    if (s->status != 200 || str_find(s->body, STR("<SnapshotDeviceResponse")) == s->body.n) {
        load_fail(l, "INFO was not answered with SnapshotDeviceResponse",
                  s->status != 200 ? str_trim(s->start) : s->body);
    }
    info.sent_ms[number] = UINT64_MAX;
    info.request_octets += info.info.n;
    info.reply_octets += bytes.n;
    return true;
}

/** What is older than half a second goes again. */
static void repeat(uint32_t from, uint32_t to)
{
    uint64_t now = load_now_ms();
    for (uint32_t i = from; i < to; i++) {
        if (info.sent_ms[i] != UINT64_MAX && now > info.sent_ms[i] + LOAD_REPEAT_MS) {
            send_info(i);
            info.l->repeats_sent++;
        }
    }
}

static void ask(struct load_run *l)
{
    uint32_t sent = 0, done = 0, oldest = 0;
    while (done < l->count && l->failures == 0) {
        while (sent < l->count && sent - done < l->window) {
            send_info(sent++);
        }
        if (!load_wait(l, 100)) {
            load_fail(l, "time is up with requests under way", STR_NONE);
            return;
        }
        for (unsigned n; (n = port_receive(&l->a)) > 0;) {
            for (unsigned i = 0; i < n; i++) {
                struct seen s;
                done += seen_read(&s, port_message(&l->a, i)) &&
                        on_message(&s, port_message(&l->a, i), &l->a.from[i]);
            }
        }
        while (oldest < sent && info.sent_ms[oldest] == UINT64_MAX) {
            oldest++;
        }
        repeat(oldest, sent);
    }
    l->request_octets = (uint32_t)(info.request_octets / l->count);
    l->reply_octets = (uint32_t)(info.reply_octets / l->count);
}

static void close_session(void)
{
    struct load_run *l = info.l;
    char *room = port_room(&l->a);
    int n = snprintf(room, LOAD_OCTETS,
                     "BYE %.*s SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP %s:%u;branch=z9hG4bKb%016llx;rport\r\n"
                     "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=s%016llx\r\nTo: %.*s\r\n"
                     "Call-ID: %016llx@%s\r\nCSeq: %u BYE\r\nContent-Length: 0\r\n\r\n",
                     (int)info.target_n, info.target, l->ip, l->a.number,
                     (unsigned long long)info.base, l->user, l->domain,
                     (unsigned long long)info.base, (int)info.to_n, info.to,
                     (unsigned long long)info.base, l->ip, info.cseq + l->count + 1);
    port_send(&l->a, (size_t)n, &l->server);
    (void)load_wait(l, 500);
    (void)port_receive(&l->a);
}

int load_info(struct load_run *l)
{
    info.l = l;
    random_octets(NULL, &info.base, sizeof(info.base));
    info.base >>= 8;
    info.target_n = (size_t)snprintf(info.target, sizeof(info.target), "sip:%s", l->domain);
    info.sent_ms = calloc(l->count, sizeof(*info.sent_ms));
    if (info.sent_ms != NULL && open_session()) {
        make_mould(l);
        ask(l);
        close_session();
    }
    free(info.sent_ms);
    return l->failures > 0;
}
