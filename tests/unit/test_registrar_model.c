/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registrar against a naive model (an array that is sorted for each answer, no maps, no
 * timers), over random sequences of requests and time; and every allocation made to fail.
 */
#include "kit_registrar.h"
#include <stdlib.h>

enum { KEYS = 3, URIS = 6, CALLS = 3, LIMIT = 4 };

/* Spellings of one URI stand in one row. */
static const char *const uri_text[URIS][2] = {
    {"sip:b@h1", "sip:b@H1"},
    {"sip:b@h1:5070", "sip:%62@h1:5070"},
    {"sip:b@h1;transport=tcp", "sip:b@h1;Transport=TCP"},
    {"sip:b@h1:5080", "sip:b@H1:5080"},
    {"sip:h1", "sip:H1"},
    {"sip:b@[2001:db8::1]", "sip:b@[2001:DB8::1]"},
};

struct row {
    bool used;
    int key, uri, spelling, call, q; /* q: milli, -1 not given */
    unsigned cseq;
    uint64_t ends, order;
    uint32_t flow; /* 0: none or closed */
};

struct model {
    struct row row[KEYS * LIMIT];
    uint64_t order;
    unsigned appeared, vanished;
};

struct ask {
    int uri, spelling, q, expires; /* -1: not given */
};

static unsigned count_of(const struct model *m, int key)
{
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_LEN(m->row); i++) {
        n += m->row[i].used && m->row[i].key == key;
    }
    return n;
}

static struct row *row_of(struct model *m, int key, int uri)
{
    for (size_t i = 0; i < ARRAY_LEN(m->row); i++) {
        if (m->row[i].used && m->row[i].key == key && m->row[i].uri == uri) {
            return &m->row[i];
        }
    }
    return NULL;
}

static struct row *free_row(struct model *m)
{
    for (size_t i = 0; i < ARRAY_LEN(m->row); i++) {
        if (!m->row[i].used) {
            return &m->row[i];
        }
    }
    abort();
}

static void model_time(struct model *m, uint64_t now)
{
    for (int key = 0; key < KEYS; key++) {
        unsigned before = count_of(m, key);
        for (size_t i = 0; i < ARRAY_LEN(m->row); i++) {
            if (m->row[i].key == key && m->row[i].ends <= now) {
                m->row[i].used = false;
            }
        }
        m->vanished += before > 0 && count_of(m, key) == 0;
    }
}

static unsigned seconds_of(const struct ask *a, int header)
{
    int v = a->expires >= 0 ? a->expires : header >= 0 ? header : 3600;
    return v > 7200 ? 7200 : (unsigned)v;
}

/* What the RFC's text says, done on the array. @return the status */
static unsigned model_register(struct model *m, int key, int call, unsigned cseq, int header,
                               const struct ask *ask, int n, uint64_t now, uint32_t flow)
{
    unsigned had = count_of(m, key);
    unsigned after = had;
    unsigned added = 0;
    unsigned gone = 0;
    for (int i = 0; i < n; i++) { /* in the order in which faults are looked for */
        unsigned s = seconds_of(&ask[i], header);
        if (s > 0 && s < 60) {
            return 423;
        }
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
            if (ask[i].uri == ask[j].uri) {
                return 400;
            }
        }
    }
    for (int i = 0; i < n; i++) {
        const struct row *r = row_of(m, key, ask[i].uri);
        if (r != NULL && r->call == call && cseq <= r->cseq) {
            return 500;
        }
        added += r == NULL && seconds_of(&ask[i], header) > 0;
        gone += r != NULL && seconds_of(&ask[i], header) == 0;
    }
    after = had + added - gone;
    if (after > LIMIT && added > gone) {
        return 403;
    }
    for (int i = 0; i < n; i++) {
        struct row *r = row_of(m, key, ask[i].uri);
        if (r != NULL && seconds_of(&ask[i], header) == 0) {
            r->used = false;
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        unsigned s = seconds_of(&ask[i], header);
        if (s > 0) {
            struct row *r = row_of(m, key, ask[i].uri);
            r = r != NULL ? r : free_row(m);
            *r = (struct row){true,     key,  ask[i].uri,      ask[i].spelling, call,
                              ask[i].q, cseq, now + s * 1000u, ++m->order,      flow};
        }
    }
    after = count_of(m, key);
    m->appeared += had == 0 && after > 0;
    m->vanished += had > 0 && after == 0;
    return 200;
}

static unsigned model_star(struct model *m, int key, int call, unsigned cseq)
{
    unsigned had = count_of(m, key);
    for (size_t i = 0; i < ARRAY_LEN(m->row); i++) {
        const struct row *r = &m->row[i];
        if (r->used && r->key == key && r->call == call && cseq <= r->cseq) {
            return 500;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(m->row); i++) {
        m->row[i].used = m->row[i].used && m->row[i].key != key;
    }
    m->vanished += had > 0;
    return 200;
}

static int better(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a;
    const struct row *y = *(const struct row *const *)b;
    int qx = x->q < 0 ? 1000 : x->q;
    int qy = y->q < 0 ? 1000 : y->q;
    return qx != qy ? qy - qx : x->order > y->order ? -1 : 1;
}

static void model_answer(struct model *m, int key, uint64_t now, char *text, size_t size)
{
    const struct row *sorted[KEYS * LIMIT];
    size_t n = 0;
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(m->row); i++) {
        if (m->row[i].used && m->row[i].key == key) {
            sorted[n++] = &m->row[i];
        }
    }
    qsort(sorted, n, sizeof(sorted[0]), better);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char q[32] = "";
        if (sorted[i]->q >= 0) {
            snprintf(q, sizeof(q), ";q=%d.%03d", sorted[i]->q / 1000, sorted[i]->q % 1000);
        }
        at += (size_t)snprintf(text + at, size - at, "Contact: <%s>%s;expires=%u\r\n",
                               uri_text[sorted[i]->uri][sorted[i]->spelling], q,
                               (unsigned)((sorted[i]->ends - now + 999) / 1000));
    }
}

/* ---- random requests ---- */

static const int expires_choice[] = {-1, -1, 0, 0, 30, 60, 61, 100, 3600, 99999};
static const int q_choice[] = {-1, -1, 0, 500, 500, 1000};

static int pick(uint64_t *seed, const int *from, size_t n)
{
    return from[kit_next(seed) % n];
}

static unsigned below(uint64_t *seed, unsigned n)
{
    return (unsigned)(kit_next(seed) % n);
}

static void write_request(char *lines, size_t size, int call, unsigned cseq, int header,
                          const struct ask *ask, int n)
{
    size_t at =
        (size_t)snprintf(lines, size, "Call-ID: %d\r\nCSeq: %u REGISTER\r\n", call, cseq);
    if (header >= 0) {
        at += (size_t)snprintf(lines + at, size - at, "Expires: %d\r\n", header);
    }
    for (int i = 0; i < n; i++) {
        at += (size_t)snprintf(lines + at, size - at, "Contact: <%s>",
                               uri_text[ask[i].uri][ask[i].spelling]);
        if (ask[i].expires >= 0) {
            at += (size_t)snprintf(lines + at, size - at, ";expires=%d", ask[i].expires);
        }
        if (ask[i].q >= 0) {
            at += (size_t)snprintf(lines + at, size - at, ";q=%d.%03d", ask[i].q / 1000,
                                   ask[i].q % 1000);
        }
        at += (size_t)snprintf(lines + at, size - at, "\r\n");
    }
}

static void random_register(struct fixture *f, struct model *m, uint64_t *seed, const char *key,
                            int k)
{
    char lines[2000];
    struct ask ask[4];
    int n = (int)below(seed, 4);
    int call = (int)below(seed, CALLS);
    unsigned cseq = 1 + below(seed, 40) + (unsigned)(m->order / 8);
    int header = pick(seed, expires_choice, ARRAY_LEN(expires_choice));
    unsigned want;
    f->hop.transport = below(seed, 2) ? TP_TCP : TP_UDP;
    f->hop.flow = 1 + below(seed, 3);
    for (int i = 0; i < n; i++) {
        ask[i] = (struct ask){(int)below(seed, URIS), (int)below(seed, 2),
                              pick(seed, q_choice, ARRAY_LEN(q_choice)),
                              pick(seed, expires_choice, ARRAY_LEN(expires_choice))};
    }
    if (below(seed, 25) == 0) {
        snprintf(lines, sizeof(lines),
                 "Call-ID: %d\r\nCSeq: %u REGISTER\r\nContact: *\r\nExpires: 0\r\n", call,
                 cseq);
        want = model_star(m, k, call, cseq);
    } else {
        write_request(lines, sizeof(lines), call, cseq, header, ask, n);
        want = model_register(m, k, call, cseq, header, ask, n, f->now,
                              f->hop.transport == TP_TCP ? f->hop.flow : 0);
    }
    test_context(lines);
    CHECK_INT(put_for(f, key, lines), want);
    test_context(NULL);
}

static void compare(struct fixture *f, struct model *m, const char *key, int k)
{
    char want[2000];
    CHECK_INT(put_for(f, key, "Call-ID: q\r\nCSeq: 1 REGISTER\r\n"), 200);
    model_answer(m, k, f->now, want, sizeof(want));
    CHECK_STR(contacts(f), want);
    CHECK_INT(registrar_find(&f->r, str_c(key)) != NULL, want[0] != '\0');
    CHECK_INT(f->appeared, m->appeared);
    CHECK_INT(f->vanished, m->vanished);
    check_invariants(f);
}

static void check_flows(struct fixture *f, struct model *m, const char *const *keys)
{
    for (int k = 0; k < KEYS; k++) {
        const struct record *rec = registrar_find(&f->r, str_c(keys[k]));
        if (rec == NULL) {
            continue;
        }
        list_each(it, &rec->bindings)
        {
            const struct binding *b = list_entry(it, struct binding, link);
            for (int u = 0; u < URIS; u++) {
                const struct row *r = row_of(m, k, u);
                if (r != NULL && str_eq(b->contact, str_c(uri_text[u][r->spelling])) &&
                    b->hop.transport == TP_TCP) {
                    CHECK_INT(b->hop.flow, r->flow);
                }
            }
        }
    }
}

static void test_random_sequences(void)
{
    static const char *const keys[KEYS] = {"a@x", "b@x", "c@x"};
    for (uint64_t run = 1; run <= 12; run++) {
        struct fixture f;
        struct model m = {0};
        uint64_t seed = run;
        setup_with(&f,
                   &(struct registrar_config){.max_contacts = LIMIT, .max_expires_s = 7200});
        for (int step = 0; step < 400; step++) {
            int k = (int)below(&seed, KEYS);
            unsigned what = below(&seed, 10);
            if (what == 0) {
                pass(&f, below(&seed, 400000));
                model_time(&m, f.now);
            } else if (what == 1) {
                uint32_t flow = 1 + below(&seed, 3);
                registrar_on_flow_closed(&f.r, flow, f.now);
                for (size_t i = 0; i < ARRAY_LEN(m.row); i++) {
                    m.row[i].flow = m.row[i].flow == flow ? 0 : m.row[i].flow;
                }
            } else {
                random_register(&f, &m, &seed, keys[k], k);
            }
            compare(&f, &m, keys[k], k);
            check_flows(&f, &m, keys);
        }
        CHECK(f.r.registered > 50 && f.r.refreshed > 20 && f.r.removed > 20 &&
              f.r.expired > 10);
        teardown(&f);
    }
}

/* ---- memory ---- */

/* Like put, but on an arena without a warm chunk, so that it allocates as well. */
static unsigned put_cold(struct fixture *f, const char *lines, size_t fail_at, bool fail_on)
{
    struct arena arena;
    int n =
        snprintf(f->text, sizeof(f->text), "REGISTER sip:biloxi.com SIP/2.0\r\n%s\r\n", lines);
    if (!CHECK(n > 0) || !CHECK(kit_index(&f->msg, str_c(f->text)))) {
        return 0;
    }
    arena_init(&arena, &f->k.env.mem, 64);
    f->k.mem.calls = 0;
    f->k.mem.fail_at = fail_at;
    f->k.mem.fail_on = fail_on;
    registrar_register(&f->r, &f->msg.m, STR(KEY), &f->hop, f->now, &arena, &f->a);
    f->k.mem.fail_at = 0;
    unsigned status = f->a.status;
    if (status == 200 || status == 423) {
        CHECK(str_is_set(f->a.lines));
    }
    arena_fini(&arena);
    return status;
}

static void sweep(const char *first, const char *request, unsigned want)
{
    for (int fail_on = 0; fail_on < 2; fail_on++) {
        bool done = false;
        for (size_t at = 1; !done; at++) {
            struct fixture f;
            char before[4000];
            setup(&f);
            if (first[0] != '\0') {
                CHECK_INT(put(&f, first), 200);
            }
            CHECK_INT(put(&f, ID("q", 1)), 200);
            snprintf(before, sizeof(before), "%.*s", STR_ARG(contacts(&f)));
            unsigned told = f.appeared + f.vanished;
            unsigned status = put_cold(&f, request, at, fail_on != 0);
            done = f.k.mem.calls < at;
            CHECK(status == want || (!done && status == 503));
            if (status == 503) { /* nothing changed, nobody was told */
                CHECK_INT(f.appeared + f.vanished, told);
                CHECK_INT(put(&f, ID("q", 2)), 200);
                CHECK_STR(contacts(&f), before);
            }
            check_invariants(&f);
            CHECK_INT(put_cold(&f, request, 0, false),
                      status == 200 && want == 200 ? 500 : want);
            check_invariants(&f);
            teardown(&f);
            REQUIRE(at < 200);
        }
    }
}

#define TWO "Contact: <sip:b@h1>;expires=900;q=0.5\r\nContact: <sip:b@h2>;x=\"y\"\r\n"
#define EDGE "Supported: path, gruu, outbound\r\nPath: <sip:e;lr;ob>\r\n"
#define PHONE ";+sip.instance=\"<urn:uuid:1>\""

static void test_no_memory_means_no_change(void)
{
    sweep("", ID("a", 1) TWO "User-Agent: x\r\n", 200);
    sweep(ID("a", 1) TWO, ID("a", 2) "Contact: <sip:b@h2>;q=0.1, <sip:b@h3>\r\n", 200);
    sweep(ID("a", 1) TWO, ID("a", 2) "Contact: <sip:b@h1>;q=0.1, <sip:b@h2>;q=0.2\r\n", 200);
    sweep(ID("a", 1) "Contact: <sip:b@h1>" PHONE ", <sip:b@h2>" PHONE "\r\n",
          ID("a", 2) "Contact: <sip:b@h3>" PHONE "\r\n", 200);
    sweep(ID("a", 1) TWO, ID("a", 2) EDGE "Contact: <sip:b@h2>;reg-id=1" PHONE "\r\n", 200);
    sweep(ID("b", 1) EDGE "Contact: <sip:b@h1>;reg-id=1" PHONE "\r\n",
          ID("a", 2) EDGE "Contact: <sip:b@h2>;reg-id=2" PHONE "\r\n", 200);
    sweep(ID("a", 1) TWO, ID("a", 2) "Path: <sip:e;lr>\r\nContact: <sip:b@h2>\r\n", 420);
    sweep(ID("a", 1) TWO, ID("a", 1) "Contact: <sip:b@h1>\r\n", 500);
    sweep(ID("a", 1) TWO, ID("a", 2) "Contact: <sip:b@h1>;expires=1\r\n", 423);
}

static void test_no_memory_for_init(void)
{
    for (size_t at = 1; at < 6; at++) {
        struct kit k;
        struct wheel w;
        struct registrar r;
        kit_init(&k);
        wheel_init(&w, 0);
        k.mem.fail_at = at;
        int err = registrar_init(&r, &k.env, &w, &(struct registrar_config){0});
        CHECK_INT(err, at <= 4 ? E_NOMEM : 0);
        registrar_fini(&r);
        CHECK_INT(k.mem.live, 0);
    }
}

/* Every prefix of a request and every octet replaced: whatever comes out, the books agree. */
static void test_mutations(void)
{
    static const char text[] =
        ID("a", 1) "Contact: \"x\" <sip:b@h1;p=1>;expires=900;q=0.5" PHONE
                   ", <sip:b@h2>\r\nExpires: 100\r\nAllow: INVITE\r\n\r\n";
    struct fixture f;
    char lines[sizeof(text)];
    setup(&f);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        static const char with[] = {'"', '<',  '>',  ';',  ',', '=',
                                    '*', '\\', '\r', '\n', '0', '%'};
        for (size_t j = 0; j <= sizeof(with); j++) {
            struct kit_msg msg;
            memcpy(lines, text, sizeof(text));
            size_t n = sizeof(text) - 1;
            if (j < sizeof(with)) {
                lines[i] = with[j];
            } else {
                n = i;
            }
            int len = snprintf(f.text, sizeof(f.text), "REGISTER sip:h SIP/2.0\r\n%.*s", (int)n,
                               lines);
            struct str guarded = test_guard(str_make(f.text, (size_t)len));
            if (kit_index(&msg, guarded)) {
                arena_reset(&f.arena);
                registrar_register(&f.r, &msg.m, STR(KEY), &f.hop, f.now, &f.arena, &f.a);
                CHECK(f.a.status == 200 || record_of(&f) == NULL);
                CHECK(f.a.status >= 200 && f.a.status <= 503);
            }
            test_guard_free(guarded);
            check_invariants(&f);
            CHECK_INT(put(&f, ID("z", 1) "Contact: *\r\nExpires: 0\r\n"), 200);
        }
    }
    teardown(&f);
}

TEST_MAIN(T(test_random_sequences), T(test_no_memory_means_no_change),
          T(test_no_memory_for_init), T(test_mutations))
