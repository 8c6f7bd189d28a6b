/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows and temporary GRUUs against a naive model, over random registrations, time, and
 * connections that close: which flows a phone has, which of them is called first, and which of
 * all GRUUs that were ever given out still lead to it (RFC 5626 §6, §7; RFC 5627 §3.2, §5.1).
 */
#include "kit_registrar.h"
#include "registrar/select.h"

enum { PHONES = 2, REG_IDS = 2, FLOWS = 4, MINTED = 400 };

struct flow_row {
    bool used;
    unsigned call;
    uint32_t flow;
    uint64_t ends, order;
};

struct minted {
    char uri[80];
    bool valid;
};

struct model {
    struct flow_row row[PHONES][REG_IDS];
    struct minted minted[PHONES][MINTED];
    unsigned count[PHONES];
    uint64_t order;
    unsigned cseq;
};

static unsigned below(uint64_t *seed, unsigned n)
{
    return (unsigned)(kit_next(seed) % n);
}

static unsigned flows_of(const struct model *m, unsigned p)
{
    unsigned n = 0;
    for (unsigned i = 0; i < REG_IDS; i++) {
        n += m->row[p][i].used;
    }
    return n;
}

/* What is left without a flow has no GRUU any more. */
static void model_settle(struct model *m)
{
    for (unsigned p = 0; p < PHONES; p++) {
        for (unsigned i = 0; i < m->count[p] && flows_of(m, p) == 0; i++) {
            m->minted[p][i].valid = false;
        }
    }
}

static void remember(struct fixture *f, struct model *m, unsigned p, unsigned id)
{
    char mark[60];
    struct str lines = f->a.lines;
    snprintf(mark, sizeof(mark), ";reg-id=%u;+sip.instance=\"<urn:p%u>\"", id + 1, p);
    size_t at = str_find(lines, str_c(mark));
    lines = str_from(lines, at);
    lines = str_from(lines, str_find(lines, STR(";temp-gruu=\"")) + 12);
    struct str uri = str_upto(lines, str_index(lines, '"'));
    REQUIRE(uri.n > 0 && uri.n < sizeof(m->minted[p][0].uri) && m->count[p] < MINTED);
    struct minted *it = &m->minted[p][m->count[p]++];
    memcpy(it->uri, uri.p, uri.n);
    it->valid = true;
}

static void do_register(struct fixture *f, struct model *m, uint64_t *seed)
{
    unsigned p = below(seed, PHONES);
    unsigned id = below(seed, REG_IDS);
    struct flow_row *row = &m->row[p][id];
    unsigned call = below(seed, 4) == 0 ? below(seed, 3) : row->call;
    unsigned expires = below(seed, 4) == 0 ? 0 : 60 + below(seed, 200);
    char lines[500];
    f->hop = (struct hop){
        .flow = 1 + below(seed, FLOWS), .transport = TP_TCP, .remote = f->hop.remote};
    snprintf(lines, sizeof(lines),
             "Call-ID: c%u\r\nCSeq: %u REGISTER\r\nSupported: outbound, gruu\r\n"
             "Contact: <sip:b@h%u>;reg-id=%u;+sip.instance=\"<urn:p%u>\";expires=%u\r\n",
             call, ++m->cseq, p, id + 1, p, expires);
    CHECK_INT(put(f, lines), 200);
    if (expires == 0) {
        row->used = false;
        model_settle(m);
        return;
    }
    for (unsigned i = 0; i < m->count[p] && row->used && row->call != call; i++) {
        m->minted[p][i].valid = false;
    }
    *row = (struct flow_row){true, call, f->hop.flow, f->now + expires * 1000u, ++m->order};
    remember(f, m, p, id);
}

static void do_close(struct fixture *f, struct model *m, uint32_t flow)
{
    registrar_on_flow_closed(&f->r, flow, f->now);
    for (unsigned i = 0; i < PHONES * REG_IDS; i++) {
        struct flow_row *row = &m->row[i / REG_IDS][i % REG_IDS];
        row->used = row->used && row->flow != flow;
    }
    model_settle(m);
}

static void do_pass(struct fixture *f, struct model *m, unsigned ms)
{
    pass(f, ms);
    for (unsigned i = 0; i < PHONES * REG_IDS; i++) {
        struct flow_row *row = &m->row[i / REG_IDS][i % REG_IDS];
        row->used = row->used && row->ends > f->now;
    }
    model_settle(m);
}

static void check_gruus(struct fixture *f, const struct model *m)
{
    for (unsigned p = 0; p < PHONES; p++) {
        for (unsigned i = 0; i < m->count[p]; i++) {
            const struct minted *it = &m->minted[p][i];
            struct binding *only;
            struct sip_uri u;
            uint32_t at;
            CHECK_INT(sip_uri_parse(str_c(it->uri), 0, &u, &at), 0);
            CHECK_INT(registrar_find_gruu(&f->r, &u, &only) != NULL, it->valid);
            CHECK(!it->valid || only->instance.p[6] == (char)('0' + p));
        }
    }
}

static unsigned latest(const struct model *m, unsigned p)
{
    unsigned best = 0;
    for (unsigned i = 1; i < REG_IDS; i++) {
        const struct flow_row *a = &m->row[p][i], *b = &m->row[p][best];
        best = a->used && (!b->used || a->order > b->order) ? i : best;
    }
    return best;
}

static void check_choice(struct fixture *f, const struct model *m)
{
    struct selected *at = NULL;
    unsigned status;
    unsigned phones = 0;
    for (unsigned p = 0; p < PHONES; p++) {
        phones += flows_of(m, p) > 0;
    }
    CHECK_INT(record_of(f) != NULL, phones > 0);
    if (record_of(f) == NULL) {
        return;
    }
    arena_reset(&f->arena);
    CHECK_INT(registrar_select(record_of(f), NULL, &f->arena, &at, &status), phones);
    for (unsigned i = 0; i < phones; i++) {
        unsigned p = (unsigned)(at[i].binding->instance.p[6] - '0');
        unsigned n = 0;
        CHECK_INT(at[i].binding->reg_id, latest(m, p) + 1);
        for (const struct selected *s = &at[i]; s != NULL; s = s->next_flow) {
            n++;
        }
        CHECK_INT(n, flows_of(m, p));
    }
}

static void test_random_flows(void)
{
    uint64_t lost = 0, expired = 0, removed = 0;
    for (uint64_t run = 1; run <= 8; run++) {
        struct fixture f;
        static struct model m;
        uint64_t seed = run;
        m = (struct model){0};
        setup(&f);
        for (int step = 0; step < 300; step++) {
            unsigned what = below(&seed, 8);
            if (what == 0) {
                do_pass(&f, &m, below(&seed, 90000));
            } else if (what == 1) {
                do_close(&f, &m, 1 + below(&seed, FLOWS));
            } else {
                do_register(&f, &m, &seed);
            }
            check_invariants(&f);
            check_choice(&f, &m);
            check_gruus(&f, &m);
        }
        lost += f.r.lost;
        expired += f.r.expired;
        removed += f.r.removed;
        teardown(&f);
    }
    CHECK(lost > 50 && expired > 20 && removed > 50); /* it was about something */
}

TEST_MAIN(T(test_random_flows))
