/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nobody asked to change leaves byte for byte, for random messages in odd spellings; and
 * every allocation fails once, at every place, and nothing is lost or left.
 */
#include "kit_proxy.h"

/* ---- byte identity ---- */

static uint64_t seed;

static unsigned dice(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void put_text(struct out *o, const char *from[], unsigned n)
{
    out_c(o, from[dice(n)]);
}

/** A header line that nobody here knows, or one that is none of a proxy's business. */
static void random_line(struct out *o)
{
    static const char *names[] = {"X-Odd",
                                  "x-ODD2",
                                  "s",
                                  "Subject",
                                  "SUPPORTED",
                                  "k",
                                  "Allow",
                                  "User-to-User",
                                  "USER-TO-USER",
                                  "P-Foo",
                                  "Accept",
                                  "Call-Info",
                                  "History-Info",
                                  "Content-Encoding",
                                  "e",
                                  "Session-Expires",
                                  "x",
                                  "Record-Route",
                                  "Contact",
                                  "m",
                                  "User-Agent",
                                  "Geolocation",
                                  "Reason",
                                  "Date"};
    static const char *colons[] = {":", ": ", " : ", "\t:\t", ":   ", ":\r\n "};
    static const char *parts[] = {"a",
                                  "b=c",
                                  "\"q,;\\\" x\"",
                                  "<sip:u@h;p=1?x=y>",
                                  ",",
                                  ", ",
                                  " ,\t",
                                  ";",
                                  ";p=\"\"",
                                  "\r\n\tfolded",
                                  "  ",
                                  "50;z",
                                  "%41",
                                  "\xc3\xa9",
                                  "{}",
                                  "~!'*",
                                  "1800",
                                  "56a3;encoding=hex"};
    put_text(o, names, ARRAY_LEN(names));
    put_text(o, colons, ARRAY_LEN(colons));
    for (unsigned i = dice(6) + 1; i > 0; i--) {
        put_text(o, parts, ARRAY_LEN(parts));
    }
    static const char *ends[] = {"", " ", "\t "};
    out_c(o, "z");
    put_text(o, ends, ARRAY_LEN(ends));
    out_c(o, "\r\n");
}

static void random_lines(struct out *o)
{
    for (unsigned i = dice(5); i > 0; i--) {
        random_line(o);
    }
}

static void put_body(struct out *o)
{
    unsigned n = dice(200);
    for (unsigned i = 0; i < n; i++) {
        out_ch(o, (char)dice(256));
    }
}

struct whole {
    char buf[16384];
    struct out o;
};

static const char *const via_spelling[] = {
    "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKsame%u\r\n",
    "v :SIP / 2.0 / UDP   192.0.2.9:5060 ; branch = z9hG4bKsame%u;x=\"y\"\r\n",
    "VIA:SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKsame%u , SIP/2.0/TCP far;branch=z9hG4bKq\r\n",
};

/** A request; `forwarded`: as it has to look behind the proxy, without our Via line. */
static void write_request(struct out *o, unsigned n, uint64_t from, bool forwarded)
{
    seed = from;
    random_lines(o);
    out_fmt(o, via_spelling[dice(3)], n);
    random_lines(o);
    out_fmt(o, "Max-Forwards:%s%u\r\n", dice(2) ? "  " : "\t", forwarded ? 16 : 17);
    random_lines(o);
    out_fmt(o, "f:  \"A , B\"  <sip:a@h>;tag=t%u\r\n", n);
    random_lines(o);
    out_c(o, dice(2) ? "To: sip:b@h\r\n" : "t:<sip:b@h;x>;y\r\n");
    out_fmt(o, "i:call%u\r\nCSEQ:%u   INVITE\r\n", n, n + 1);
    random_lines(o);
    if (forwarded) {
        out_c(o, "Max-Breadth: 60\r\n");
    }
    out_c(o, "\r\n");
    put_body(o);
}

static void write_response(struct out *o, unsigned n, uint64_t from, unsigned status,
                           struct str our_via)
{
    seed = from;
    out_fmt(o, "SIP/2.0 %u %s\r\n", status, dice(2) ? "" : "Wei\xc3\x9f nicht ");
    random_lines(o);
    if (str_is_set(our_via)) {
        out_fmt(o, "Via:%.*s\r\n", STR_ARG(our_via));
    }
    random_lines(o);
    out_fmt(o, via_spelling[dice(3)], n);
    random_lines(o);
    out_fmt(o, "f:  \"A , B\"  <sip:a@h>;tag=t%u\r\nt: <sip:b@h>;tag=x\r\n", n);
    out_fmt(o, "i:call%u\r\nCSEQ:%u   INVITE\r\n", n, n + 1);
    random_lines(o);
    out_c(o, "\r\n");
    put_body(o);
}

static const struct sip_msg *parse_whole(struct fx_msg *m, const struct out *o)
{
    memcpy(m->buf, o->p, o->n);
    return fx_index(m, o->n);
}

static void one_exchange(struct px *x, unsigned n)
{
    static const unsigned statuses[] = {180, 183, 200, 302, 404, 486, 500, 603};
    static struct whole in, want;
    static struct fx_msg m;
    uint64_t from = n * 7919 + 1;
    out_init(&in.o, in.buf, sizeof in.buf);
    out_c(&in.o, "INVITE sip:bob@example.com SIP/2.0\r\n");
    write_request(&in.o, n, from, false);
    size_t at = x->fx.sent_n;
    px_in(x, parse_whole(&m, &in.o));
    REQUIRE(x->fx.sent_n == at + 1);
    struct sip_via via;
    CHECK_INT(sip_msg_via(px_sent(x, at), &via), 0);
    out_init(&want.o, want.buf, sizeof want.buf);
    out_fmt(&want.o, "INVITE sip:phone1@203.0.113.1 SIP/2.0\r\nVia: %.*s\r\n",
            STR_ARG(via.text));
    write_request(&want.o, n, from, true);
    CHECK_BYTES(x->fx.sent[at].bytes, out_str_of(&want.o));

    unsigned status = statuses[n % ARRAY_LEN(statuses)];
    out_init(&in.o, in.buf, sizeof in.buf);
    out_init(&want.o, want.buf, sizeof want.buf);
    write_response(&in.o, n, from + 5, status, via.text);
    write_response(&want.o, n, from + 5, status, STR_NONE);
    px_in(x, parse_whole(&m, &in.o));
    CHECK_BYTES(x->fx.sent[x->fx.sent_n - 1].bytes, out_str_of(&want.o));
}

static void test_what_was_not_asked_for_stays(void)
{
    for (unsigned n = 0; n < 1500; n += 50) {
        struct px x;
        px_init(&x);
        px_target(&x, 1, 0);
        for (unsigned i = 0; i < 50; i++) {
            one_exchange(&x, n + i);
        }
        px_fini(&x);
    }
}

/* ---- memory that fails ---- */

/** Only the last octets matter: where the n-th request of one method went. */
static size_t find_sent(const struct px *x, const char *method, unsigned to)
{
    for (size_t i = 0; i < x->fx.sent_n; i++) {
        if (str_eq(fx_sent_what(&x->fx, i), str_c(method)) && px_to(x, i) == to) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void answer_from(struct px *x, unsigned phone, unsigned status, const char *lines)
{
    size_t i = find_sent(x, "INVITE", phone);
    if (i != SIZE_MAX) {
        char tag[8];
        snprintf(tag, sizeof tag, "p%u", phone);
        px_answer_lines(x, i, status, tag, lines);
    }
}

/** A redirection goes where it says, with its history. */
static size_t told(void *ctx, const struct sip_msg *m, const struct hop *from,
                   const struct sip_uri *u, struct proxy_target *out, size_t room)
{
    (void)ctx;
    (void)m;
    (void)from;
    out[0] = (struct proxy_target){.request_uri = str_upto(u->text, str_index(u->text, '?')),
                                   .tells = true};
    return room > 0 ? 1 : 0;
}

/** Nearly everything: groups, flows, 199, challenges, recursion, histories, a dialog, CANCEL.
 */
static void story(struct px *x, unsigned end)
{
    static const struct proxy_flow other = {.request_uri = STR_INIT("sip:phone3@203.0.113.5"),
                                            .binding = 8};
    px_target(x, 1, 0)->routes = STR("Route: <sip:203.0.113.1;lr>\r\n");
    px_target(x, 2, 0);
    px_target(x, 3, 1)->lines = STR("X-Line: 3\r\n");
    x->target[2].user = STR("sip:other@example.com");
    x->target[2].record = STR("1003@example.com");
    x->target[2].binding = 7;
    x->target[2].flows = &other;
    for (size_t i = 0; i < x->plan.count; i++) {
        x->target[i].tells = true;
    }
    x->p.places = told;
    x->plan.recurse = x->plan.record_route = true;
    px_offer(x,
             (struct fx_req){.lines = "Supported: 199, histinfo\nUser-to-User: 01;purpose=a\n"
                                      "History-Info: <sip:a@example.com>;index=1\n"});
    answer_from(x, 1, 180, "P-Asserted-Identity: <sip:secret@example.com>\n");
    answer_from(x, 2, 183, "");
    answer_from(x, 1, 407, "Proxy-Authenticate: Digest realm=\"a\"\n");
    answer_from(x, 2, 302, "Contact: <sip:r@203.0.113.4?User-to-User=02%3Bpurpose%3Db>\n");
    answer_from(x, 4, 401, "WWW-Authenticate: Digest realm=\"b\"\n");
    answer_from(x, 3, 430, "");
    answer_from(x, 5, 180, "");
    if (end == 0) {
        answer_from(x, 5, 200, "");
        answer_from(x, 5, 200, "");
    } else if (end == 1) {
        answer_from(x, 5, 486, "P-Asserted-Identity: <sip:secret@example.com>\n");
    } else {
        px_offer(x, (struct fx_req){.method = "CANCEL", .lines = "Reason: SIP;cause=1\n"});
        fx_run(&x->fx, 1000);
        answer_from(x, 5, 487, "");
    }
}

/** Has the caller heard what nobody proved? */
static bool leaked(const struct px *x)
{
    for (size_t i = 0; i < x->fx.sent_n; i++) {
        struct str bytes = x->fx.sent[i].bytes;
        if (px_to(x, i) == 9 && str_find(bytes, STR("secret")) < bytes.n) {
            return true;
        }
    }
    return false;
}

static unsigned finals(const struct px *x)
{
    unsigned n = 0;
    for (size_t i = 0; i < x->fx.sent_n; i++) {
        struct str what = fx_sent_what(&x->fx, i);
        n += px_to(x, i) == 9 && what.n == 3 && what.p[0] >= '2' && what.p[0] <= '6' &&
             str_find(x->fx.sent[i].bytes, STR("7 INVITE")) < x->fx.sent[i].bytes.n;
    }
    return n;
}

static void test_memory_fails(void)
{
    for (unsigned end = 0; end < 3; end++) {
        bool failed = true;
        for (size_t n = 1; failed && n < 500; n++) {
            for (int on = 0; on < 2; on++) {
                struct px x;
                px_init(&x);
                x.fx.tm.calls = 0;
                x.fx.tm.fail_at = n;
                x.fx.tm.fail_on = on != 0;
                story(&x, end);
                failed = x.fx.tm.calls >= n;
                x.fx.tm.fail_at = 0;
                x.fx.tm.fail_on = false;
                fx_run(&x.fx, 400000);
                /* The INVITE was answered, unless there was no memory for that either. */
                CHECK(on || finals(&x) > 0);
                CHECK(!leaked(&x));
                CHECK_INT(proxy_count(&x.p), 0);
                CHECK_INT(x.p.branches.in_use, 0);
                CHECK_INT(txn_count(&x.fx.l), 0);
                px_fini(&x);
            }
        }
        CHECK(!failed);
    }
}

/** Every prefix of the story, then the end of the world: nothing leaks. */
static void test_freed_in_the_middle(void)
{
    for (unsigned end = 0; end < 3; end++) {
        struct px x;
        px_init(&x);
        story(&x, end);
        px_fini(&x);
    }
}

/* ---- attacks ---- */

/**
 * RFC 5393 §3: two addresses that both lead to both, through us again and again. Without
 * bounds 2^70 requests; with them, what one request makes stays small, and it ends.
 */
static size_t attack_sent;
static struct px *attacked;
static char queue[4096][2048];
static size_t queue_n[4096], queue_in, queue_out;

static void carry(struct fx *f, const struct hop *hop, const struct str *run, size_t n)
{
    (void)f;
    size_t at = 0;
    attack_sent++;
    if (hop->remote.ip[3] != 1 || queue_in - queue_out == 4096) {
        return; /* an answer to the attacker, or lost */
    }
    char *to = queue[queue_in % 4096];
    for (size_t i = 0; i < n && at + run[i].n <= sizeof queue[0]; i++) {
        if (run[i].n > 0) {
            memcpy(to + at, run[i].p, run[i].n);
        }
        at += run[i].n;
    }
    queue_n[queue_in++ % 4096] = at <= sizeof queue[0] ? at : 0;
}

static void run_attack(const char *lines, size_t most)
{
    static struct px x;
    static struct fx_msg m;
    px_init(&x);
    attacked = &x;
    attack_sent = queue_in = queue_out = 0;
    x.fx.carry = carry;
    for (unsigned i = 0; i < 2; i++) {
        struct proxy_target *t = px_target(&x, i, 0);
        t->request_uri = i == 0 ? STR("sip:a@192.0.2.1") : STR("sip:b@192.0.2.1");
        t->to.hop = (struct hop){1, TP_UDP, fx_addr("192.0.2.1:5060")};
    }
    px_offer(&x, (struct fx_req){.ruri = "sip:a@192.0.2.1", .lines = lines});
    struct hop self = {1, TP_UDP, fx_addr("192.0.2.1:5060")};
    while (queue_out < queue_in && attack_sent < 100000) {
        size_t n = queue_n[queue_out % 4096];
        memcpy(m.buf, queue[queue_out++ % 4096], n);
        if (n > 0) {
            px_in_from(&x, fx_index(&m, n), &self);
        }
    }
    CHECK(attack_sent < most);
    CHECK(x.p.stats.loops > 0);
    x.fx.carry = NULL;
    fx_run(&x.fx, 400000);
    CHECK_INT(proxy_count(&x.p), 0);
    px_fini(&x);
}

static void test_forking_attack(void)
{
    run_attack("", 200);
    run_attack("Max-Breadth: 1\n", 100);
}

TEST_MAIN(T(test_what_was_not_asked_for_stays), T(test_memory_fails),
          T(test_freed_in_the_middle), T(test_forking_attack))
