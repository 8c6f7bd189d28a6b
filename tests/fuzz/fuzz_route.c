/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding servers over records that somebody else has written: the input says what is looked
 * for and answers every question. What comes out is bounded, without repetitions, possible to
 * send to, and asked for as it may be; then the blacklist puts it in order.
 *
 * Octets: flags (port, sips, transport), which hops are in reach, then for each question how
 * many records, and for each record priority, weight, port, and what its name and service are.
 */
#include "base/err.h"
#include "fuzz_env.h"
#include "route/black.h"

struct input {
    struct fuzz_env fe; /**< in front: the context of all functions is both */
    const uint8_t *p;
    size_t n;
    struct dns_record record[40];
    char text[64][300];
    unsigned texts, questions;
    uint8_t reach;
};

static uint8_t next(struct input *in)
{
    if (in->n == 0) {
        return 0;
    }
    in->n--;
    return *in->p++;
}

static struct str name(struct input *in)
{
    static const char *const some[] = {"a.example",   "b.example", "_sip._udp.example",
                                       "_sip._tcp.x", "",          ".",
                                       "192.0.2.1",   "[::1]",     "c.example."};
    uint8_t kind = next(in);
    if (kind < 200 || in->texts == ARRAY_LEN(in->text)) {
        return str_c(some[kind % ARRAY_LEN(some)]);
    }
    char *p = in->text[in->texts++];
    size_t len = next(in) + (kind & 31u);
    memset(p, 'a' + kind % 26, len);
    return str_make(p, len);
}

static struct str service(struct input *in)
{
    static const char *const some[] = {"SIP+D2U",  "SIP+D2T", "SIPS+D2T", "sip+d2w",
                                       "SIPS+D2W", "E2U+sip", ""};
    return str_c(some[next(in) % ARRAY_LEN(some)]);
}

static int query(void *ctx, enum dns_type type, struct str asked,
                 const struct dns_record **records, size_t *n)
{
    struct input *in = ctx;
    static const int errs[] = {0, 0, 0, 0, E_NOTFOUND, E_NOTFOUND, E_IO, E_AGAIN};
    MUST(type < DNS_TYPES && asked.n > 0 && asked.n <= 253 + 11);
    MUST(++in->questions < 200);
    uint8_t head = next(in);
    memset(in->record, 0xa5, sizeof in->record); /* what was given before is good no longer */
    in->texts = 0;
    *n = (head >> 3) + 1u;
    for (size_t i = 0; i < *n; i++) {
        struct dns_record *r = &in->record[i];
        *r = (struct dns_record){.priority = (uint16_t)(next(in) & 3)};
        r->weight = (uint16_t)(next(in) << (r->priority * 3));
        r->port = (uint16_t)(5000 + (next(in) & 7));
        if (type == DNS_A || type == DNS_AAAA) {
            r->addr.family = type == DNS_A ? ADDR_IP4 : ADDR_IP6;
            r->addr.ip[0] = (uint8_t)(next(in) & 15);
        } else {
            r->target = name(in);
            r->service = service(in);
            r->flags = next(in) & 1 ? STR("s") : STR("S");
        }
    }
    *records = in->record;
    return errs[head & 7];
}

static bool reaches(void *ctx, const struct hop *hop)
{
    const struct input *in = ctx;
    unsigned bit = (hop->transport % 4u) * 2 + (hop->remote.family == ADDR_IP6);
    return (in->reach >> bit & 1) == 0;
}

static void check(const struct input *in, const struct route_hops *hops, bool sips)
{
    MUST(hops->n > 0 && hops->n <= ROUTE_HOPS);
    for (size_t i = 0; i < hops->n; i++) {
        const struct hop *h = &hops->hop[i];
        MUST(h->flow == 0 && h->remote.port != 0);
        MUST(!sips || h->transport == TP_TLS);
        MUST(h->transport != TP_WS && h->transport != TP_WSS);
        MUST(reaches((void *)(uintptr_t)in, h));
        for (size_t k = 0; k < i; k++) {
            MUST(h->transport != hops->hop[k].transport ||
                 !addr_eq(&h->remote, &hops->hop[k].remote));
        }
    }
}

/** Some have failed: they go to the end, and nothing is lost. */
static void order(struct input *in, struct route_hops *hops)
{
    struct route_black b;
    struct route_hops before = *hops;
    bool blocked = false;
    MUST(route_black_init(&b, &in->fe.env, 5) == 0);
    for (size_t i = 0; i < hops->n; i++) {
        if (next(in) & 1) {
            route_black_add(&b, &hops->hop[i], STR_NONE, next(in) * 1000u, 1000);
        }
    }
    uint64_t now = 1000 + next(in) * UINT64_C(2000);
    route_black_use(&b, &hops->hop[0], STR_NONE, now);
    route_black_sort(&b, hops, STR_NONE, now);
    MUST(hops->n == before.n && route_black_count(&b) <= 5);
    for (size_t i = 0; i < hops->n; i++) {
        bool own = route_black_until(&b, &hops->hop[i], STR_NONE, now) != 0;
        MUST(own || !blocked);
        blocked = own;
        size_t found = 0;
        for (size_t k = 0; k < before.n; k++) {
            found += before.hop[k].transport == hops->hop[i].transport &&
                     addr_eq(&before.hop[k].remote, &hops->hop[i].remote);
        }
        MUST(found == 1);
        route_black_clear(&b, &hops->hop[i], STR_NONE);
    }
    route_black_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;
    struct route_hops hops;
    in = (struct input){.p = data, .n = size};
    fuzz_env_init(&in.fe);
    in.fe.seed = next(&in);
    in.fe.env.query = query;
    in.fe.env.reaches = reaches;
    uint8_t flags = next(&in);
    in.reach = next(&in);
    struct route_want want = {.host = STR("a.example"),
                              .port = flags & 1 ? 5099 : 0,
                              .sips = (flags & 2) != 0,
                              .transport = (enum transport)((flags >> 2) % TP_COUNT)};
    int err = route_locate(&in.fe.env, &want, &hops);
    MUST(err == 0 || err == E_AGAIN || err == E_NOTFOUND || err == E_IO ||
         err == E_UNSUPPORTED);
    if (err == 0) {
        check(&in, &hops, want.sips);
        order(&in, &hops);
        MUST(in.fe.live == 0);
    }
    return 0;
}
