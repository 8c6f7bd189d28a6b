/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings that outlive the process: rows, flows, GRUUs; rows that were cut; no memory. */
#include "kit_registrar.h"

#define PHONE(x) ";+sip.instance=\"<urn:uuid:" x ">\""
#define KNOWS "Supported: gruu, outbound, path\r\n"
#define ROWS 8

struct rows {
    struct {
        enum store_kind kind;
        char key[24], value[1024];
        size_t key_n, value_n;
    } row[ROWS];
    size_t n;
};

static size_t find_row(struct rows *s, enum store_kind kind, struct str key)
{
    size_t i = 0;
    while (i < s->n &&
           !(s->row[i].kind == kind && str_eq(str_make(s->row[i].key, s->row[i].key_n), key))) {
        i++;
    }
    return i;
}

static void on_put(void *ctx, enum store_kind kind, struct str key, struct str value)
{
    struct rows *s = ctx;
    size_t i = find_row(s, kind, key);
    CHECK(i < ROWS && key.n <= sizeof(s->row[i].key) && value.n <= sizeof(s->row[i].value));
    s->n += i == s->n ? 1 : 0;
    s->row[i].kind = kind;
    s->row[i].key_n = key.n;
    s->row[i].value_n = value.n;
    memcpy(s->row[i].key, key.p, key.n);
    memcpy(s->row[i].value, value.p, value.n);
}

static void on_drop(void *ctx, enum store_kind kind, struct str key)
{
    struct rows *s = ctx;
    size_t i = find_row(s, kind, key);
    CHECK(i < s->n);
    s->row[i] = s->row[--s->n];
}

/** 192.0.2.100 is our address for everybody who comes over flow 1, 192.0.2.200 over flow 2. */
static void on_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    CHECK(addr_parse(hop->flow == 2 ? STR("192.0.2.200:5060") : STR("192.0.2.100:5060"), out));
}

static uint32_t on_listener(void *ctx, const struct hop *hop, const struct addr *local)
{
    struct addr second;
    (void)ctx;
    CHECK(addr_parse(STR("192.0.2.200:5060"), &second));
    if (hop->transport !=
        TP_UDP) { /* connections of TCP were handed over, those of TLS cannot be */
        return hop->transport == TP_TCP ? 13 : 0;
    }
    return addr_eq(local, &second) ? 12 : 11; /* the numbers of another run */
}

static int on_open(void *ctx, struct hop *hop, struct str name)
{
    (void)ctx;
    (void)hop;
    (void)name;
    CHECK(false); /* the listener was found */
    return E_IO;
}

static void up(struct fixture *f, struct rows *s, struct store_ops *ops)
{
    setup(f);
    f->k.env.local = on_local;
    f->k.env.listener = on_listener;
    f->k.env.open = on_open;
    *ops = (struct store_ops){.ctx = s, .put = on_put, .drop = on_drop};
    f->r.store = ops;
}

static int restore(struct fixture *f, const struct rows *s, size_t i)
{
    struct str key = str_make(s->row[i].key, s->row[i].key_n);
    struct str value = str_make(s->row[i].value, s->row[i].value_n);
    return s->row[i].kind == STORE_SECRET ? registrar_restore_secret(&f->r, value)
                                          : registrar_restore(&f->r, key, value, f->now);
}

/** Another run: the secret first, as the engine has it. */
static void again(struct fixture *f, struct rows *s, struct store_ops *ops)
{
    teardown(f);
    up(f, s, ops);
    f->now += 5000; /* the clocks of two runs have nothing in common */
    for (int kind = 0; kind < STORE_KINDS; kind++) {
        for (size_t i = 0; i < s->n; i++) {
            if ((int)s->row[i].kind == kind) {
                CHECK_INT(restore(f, s, i), 0);
            }
        }
    }
}

static struct binding *at(struct fixture *f, size_t i)
{
    struct record *rec = registrar_find(&f->r, STR(KEY));
    if (rec == NULL) {
        return NULL;
    }
    list_each(it, &rec->bindings)
    {
        if (i-- == 0) {
            return list_entry(it, struct binding, link);
        }
    }
    return NULL;
}

static void test_all_of_a_binding_comes_back(void)
{
    struct fixture f;
    struct rows s = {.n = 0};
    struct store_ops ops;
    up(&f, &s, &ops);
    f.hop.flow = 2;
    CHECK_INT(put(&f, ID("a", 7) KNOWS "User-Agent: Snom/8\r\nAllow: INVITE, UPDATE\r\n"
                                       "Allow-Events: talk\r\n"
                                       "Contact: <sip:bob@h1>;q=0.5;x=y" PHONE("1") "\r\n"),
              200);
    f.hop.flow = 1;
    CHECK_INT(put(&f, ID("b", 1) "Contact: <sip:bob@h2>;expires=100\r\n"), 200);
    CHECK_INT(s.n, 2);
    again(&f, &s, &ops);
    CHECK_INT(f.appeared, 0); /* they have been there all the time */
    struct binding *b = at(&f, 1);
    REQUIRE(b != NULL && at(&f, 2) == NULL);
    CHECK_STR(b->contact, "sip:bob@h1");
    CHECK_INT(b->q_milli, 500);
    CHECK(b->has_q && b->event_talk);
    CHECK_STR(b->instance, "<urn:uuid:1>");
    CHECK_STR(b->call_id, "a");
    CHECK_INT(b->cseq, 7);
    CHECK_STR(b->user_agent, "Snom/8");
    CHECK_INT(b->methods, 1u << SIP_METHOD_INVITE | 1u << SIP_METHOD_UPDATE);
    CHECK_INT(b->hop.flow, 12);
    CHECK_INT(b->hop.remote.port, 5060);
    CHECK_INT(at(&f, 0)->hop.flow, 11);
    CHECK(at(&f, 0)->expires_ms <= f.now + 101000);
    CHECK(at(&f, 0)->id != b->id && at(&f, 0)->serial > b->serial);
    uint64_t id = b->id;
    /* an old REGISTER changes nothing, a new one refreshes, and the row follows */
    CHECK_INT(put(&f, ID("a", 7) "Contact: <sip:bob@h1>" PHONE("1") "\r\n"), 500);
    CHECK_INT(put(&f, ID("a", 8) "Contact: <sip:bob@h1>;expires=0" PHONE("1") "\r\n"), 200);
    CHECK_INT(s.n, 1);
    CHECK_INT(put(&f, ID("c", 1) "Contact: <sip:bob@h3>\r\n"), 200);
    CHECK_INT(s.n, 2);
    CHECK(at(&f, 0)->id > id);
    teardown(&f);
    CHECK_INT(s.n, 2); /* the end of the process is no end of a registration */
}

static void test_connections_are_gone(void)
{
    struct fixture f;
    struct rows s = {.n = 0};
    struct store_ops ops;
    struct txn_target to;
    up(&f, &s, &ops);
    f.hop.transport = TP_TLS;
    f.hop.flow = 77;
    CHECK_INT(put(&f, ID("a", 1) "Via: SIP/2.0/TLS h;branch=z9hG4bK1\r\n" KNOWS
                                 "Contact: <sip:bob@x.invalid>;reg-id=1" PHONE("1") "\r\n"),
              200);
    again(&f, &s, &ops);
    struct binding *b = at(&f, 0);
    REQUIRE(b != NULL);
    CHECK_INT(b->hop.flow, 0);
    CHECK_INT(b->reg_id, 1);
    CHECK(b->failed);
    CHECK(!binding_target(b, &to)); /* nowhere, until it is back */
    f.hop.transport = TP_TLS;
    f.hop.flow = 78;
    CHECK_INT(put(&f, ID("a", 2) "Via: SIP/2.0/TLS h;branch=z9hG4bK1\r\n" KNOWS
                                 "Contact: <sip:bob@x.invalid>;reg-id=1" PHONE("1") "\r\n"),
              200);
    b = at(&f, 0);
    REQUIRE(b != NULL && at(&f, 1) == NULL);
    CHECK_INT(b->hop.flow, 78);
    CHECK(!b->failed);
    teardown(&f);
}

static void test_connections_go_on_that_were_handed_over(void)
{
    struct fixture f;
    struct rows s = {.n = 0};
    struct store_ops ops;
    struct txn_target to;
    up(&f, &s, &ops);
    f.hop.transport = TP_TCP;
    f.hop.flow = 77;
    CHECK_INT(put(&f, ID("a", 1) "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\n" KNOWS
                                 "Contact: <sip:bob@x.invalid>;reg-id=1" PHONE("1") "\r\n"),
              200);
    again(&f, &s, &ops);
    struct binding *b = at(&f, 0);
    REQUIRE(b != NULL);
    CHECK_INT(b->hop.flow, 13);
    CHECK(!b->failed);
    CHECK(binding_target(b, &to));
    CHECK_INT(to.hop.flow, 13);
    registrar_on_flow_closed(&f.r, 13, f.now); /* the table of flows knows it */
    CHECK(at(&f, 0) == NULL || at(&f, 0)->failed);
    teardown(&f);
}

static struct binding *by_gruu(struct fixture *f, struct str text)
{
    struct sip_uri u;
    struct binding *only = NULL;
    uint32_t where;
    CHECK_INT(sip_uri_parse(text, 0, &u, &where), 0);
    return registrar_find_gruu(&f->r, &u, &only) != NULL ? only : NULL;
}

static void test_gruus_stay_valid(void)
{
    char old[256], later[256];
    struct fixture f;
    struct rows s = {.n = 0};
    struct store_ops ops;
    struct out o;
    up(&f, &s, &ops);
    registrar_keep_secret(&f.r);
    CHECK_INT(put(&f, ID("a", 1) KNOWS "Contact: <sip:bob@h1>" PHONE("1") "\r\n"), 200);
    out_init(&o, old, sizeof(old));
    CHECK(registrar_gruu_write_temporary(at(&f, 0), &o));
    struct str gruu = out_str_of(&o);
    uint64_t life = at(&f, 0)->gruu_life;
    again(&f, &s, &ops);
    CHECK(by_gruu(&f, gruu) == at(&f, 0));
    CHECK(by_gruu(&f, STR("sip:bob@biloxi.com;gr=urn:uuid:1")) == at(&f, 0));
    /* another phone begins a life that nobody has had */
    CHECK_INT(put(&f, ID("b", 1) KNOWS "Contact: <sip:bob@h2>" PHONE("2") "\r\n"), 200);
    CHECK(at(&f, 0)->gruu_life > life + 1);
    out_init(&o, later, sizeof(later));
    CHECK(registrar_gruu_write_temporary(at(&f, 0), &o));
    CHECK(by_gruu(&f, out_str_of(&o)) == at(&f, 0));
    /* its owner starts anew: the old life is over */
    CHECK_INT(put(&f, ID("z", 1) KNOWS "Contact: <sip:bob@h1>" PHONE("1") "\r\n"), 200);
    CHECK(by_gruu(&f, gruu) == NULL);
    again(&f, &s, &ops);
    CHECK(by_gruu(&f, gruu) == NULL);
    teardown(&f);
}

static void test_what_does_not_come_back(void)
{
    struct fixture f;
    struct rows s = {.n = 0};
    struct store_ops ops;
    up(&f, &s, &ops);
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sip:bob@h1>;expires=100\r\n"), 200);
    registrar_keep_secret(&f.r);
    teardown(&f);
    up(&f, &s, &ops);
    for (size_t i = 0; i < s.n; i++) {
        struct str whole = str_make(s.row[i].value, s.row[i].value_n);
        struct str key = str_make(s.row[i].key, s.row[i].key_n);
        for (size_t n = 0; n < whole.n; n++) {
            struct str cut = test_guard(str_upto(whole, n));
            CHECK_INT(s.row[i].kind == STORE_SECRET ? registrar_restore_secret(&f.r, cut)
                                                    : registrar_restore(&f.r, key, cut, f.now),
                      E_SYNTAX);
            test_guard_free(cut);
        }
    }
    CHECK_INT(registrar_restore(&f.r, STR("1"), STR("\x63"), f.now), E_VERSION);
    CHECK_INT(
        registrar_restore(&f.r, STR("x"), str_make(s.row[0].value, s.row[0].value_n), f.now),
        E_SYNTAX);
    CHECK(!str_is_set(registrar_row_key(STR("\x63"))));
    CHECK_STR(registrar_row_key(str_make(s.row[0].value, s.row[0].value_n)), KEY);
    /* and without memory nothing is left of it */
    for (size_t fail = 1; fail < 20; fail++) {
        f.k.mem.fail_at = f.k.mem.calls + fail;
        int err = registrar_restore(&f.r, STR("1"), str_make(s.row[0].value, s.row[0].value_n),
                                    f.now);
        f.k.mem.fail_at = 0;
        if (err == 0) {
            break;
        }
        CHECK_INT(err, E_NOMEM);
    }
    CHECK(at(&f, 0) != NULL);
    teardown(&f);
}

TEST_MAIN(T(test_all_of_a_binding_comes_back), T(test_connections_are_gone),
          T(test_connections_go_on_that_were_handed_over), T(test_gruus_stay_valid),
          T(test_what_does_not_come_back))
