/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proxy on the paper world of fixture_txn.h, dispatched to as the engine does: what matches
 * no transaction and has a To tag goes inside, else it is forwarded by the plan of the moment.
 *
 * The caller is at 192.0.2.9 (fx_hop); phones are at 203.0.113.N, so the target N of
 * kit_target.
 */
#ifndef BATON_TESTS_KIT_PROXY_H
#define BATON_TESTS_KIT_PROXY_H

#include "fixture_txn.h"
#include "proxy/priv.h"
#include "proxy/proxy.h"

struct px {
    struct fx fx;
    struct arena scratch;
    struct directory dir;
    struct proxy p;
    struct proxy_plan plan;
    struct proxy_target target[12];
    char uri[12][64];
    bool refused; /**< proxy_on_request did not want it */
};

static const struct str px_domains[] = {STR_INIT("example.com")};

static inline void px_init_with(struct px *x, const struct proxy_config *config)
{
    static const struct proxy_config usual = {0};
    memset(x, 0, sizeof *x);
    fx_init(&x->fx);
    arena_init(&x->scratch, &x->fx.env.mem, 4096);
    CHECK_INT(directory_init(&x->dir, &x->fx.env, px_domains, 1), 0);
    CHECK_INT(proxy_init(&x->p, &x->fx.env, &x->fx.wheel, &x->fx.l, &x->dir, &x->scratch,
                         config != NULL ? config : &usual),
              0);
    x->plan.target = x->target;
}

static inline void px_init(struct px *x)
{
    px_init_with(x, NULL);
}

static inline void px_fini(struct px *x)
{
    proxy_fini(&x->p);
    directory_fini(&x->dir);
    arena_fini(&x->scratch);
    fx_fini(&x->fx);
}

/** Everything ends by itself: nothing of the proxy may be left. */
static inline void px_end(struct px *x)
{
    fx_run(&x->fx, 400000);
    CHECK_INT(proxy_count(&x->p), 0);
    CHECK_INT(x->p.branches.in_use, 0);
    CHECK_INT(txn_count(&x->fx.l), 0);
    px_fini(x);
}

/** One more target: phone N at 203.0.113.N. */
static inline struct proxy_target *px_target(struct px *x, unsigned n, uint32_t group)
{
    size_t i = x->plan.count++;
    struct proxy_target *t = &x->target[i];
    snprintf(x->uri[i], sizeof x->uri[i], "sip:phone%u@203.0.113.%u", n, n);
    *t = (struct proxy_target){.request_uri = str_c(x->uri[i]), .group = group};
    return t;
}

static inline void px_in_from(struct px *x, const struct sip_msg *m, const struct hop *from)
{
    struct txn *t = NULL;
    if (!sip_is_request(m)) {
        (void)txn_on_response(&x->fx.l, m, from, x->fx.now);
        arena_reset(&x->scratch);
        return;
    }
    enum txn_in in = txn_on_request(&x->fx.l, m, from, x->fx.now, &t);
    bool spiral = in == TXN_IN_MERGED && proxy_owns(t);
    if (in == TXN_IN_CANCEL) {
        (void)proxy_on_cancel(&x->p, t, m, from, x->fx.now);
    } else if (in == TXN_IN_ACK ||
               ((in == TXN_IN_NEW || spiral) && str_is_set(sip_msg_tag(m, SIP_HDR_TO)))) {
        x->refused = !proxy_on_request(&x->p, m, from, x->fx.now);
    } else if (in == TXN_IN_NEW || spiral) {
        proxy_forward(&x->p, m, from, &x->plan, x->fx.now);
    }
    arena_reset(&x->scratch);
}

/** From the caller, over UDP. */
static inline void px_in(struct px *x, const struct sip_msg *m)
{
    struct hop from = fx_hop(TP_UDP);
    px_in_from(x, m, &from);
}

static inline void px_offer(struct px *x, struct fx_req r)
{
    static struct fx_msg msg;
    px_in(x, fx_request(&msg, r));
}

/** A response to the i-th sent message. */
static inline void px_answer(struct px *x, size_t i, unsigned status, const char *tag)
{
    static struct fx_msg msg;
    struct hop from = x->fx.sent[i].hop;
    px_in_from(x, fx_response(&msg, x->fx.sent[i].bytes, status, tag), &from);
}

/** The same with further header lines, \n at the end of each. */
static inline void px_answer_lines(struct px *x, size_t i, unsigned status, const char *tag,
                                   const char *lines)
{
    static struct fx_msg msg, whole;
    struct hop from = x->fx.sent[i].hop;
    const struct sip_msg *m = fx_response(&msg, x->fx.sent[i].bytes, status, tag);
    const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_CONTENT_LENGTH);
    size_t n = h->name_off;
    memcpy(whole.buf, m->buf, n);
    for (const char *p = lines; *p != '\0'; p++) {
        if (*p == '\n') {
            whole.buf[n++] = '\r';
        }
        whole.buf[n++] = *p;
    }
    memcpy(whole.buf + n, m->buf + h->name_off, m->len - h->name_off);
    px_in_from(x, fx_index(&whole, n + m->len - h->name_off), &from);
}

static inline const struct sip_msg *px_sent(struct px *x, size_t i)
{
    static struct fx_msg msg[4];
    static unsigned turn;
    return fx_sent_msg(&x->fx, i, &msg[turn++ % 4]);
}

/** Everything that was sent since `from`, as "INVITE 180". */
#define CHECK_SENT(x, from, want)                                                            \
    do {                                                                                     \
        char sent_text_[1024];                                                               \
        CHECK_STR(str_c(fx_sent_text(&(x)->fx, from, sent_text_, sizeof sent_text_)), want); \
    } while (0)

/** The last octet of the address to which the i-th message went. */
static inline unsigned px_to(const struct px *x, size_t i)
{
    return x->fx.sent[i].hop.remote.ip[3];
}

static inline bool px_has(const struct px *x, size_t i, const char *text)
{
    struct str s = x->fx.sent[i].bytes;
    return i < x->fx.sent_n && str_find(s, str_c(text)) < s.n;
}

#endif
