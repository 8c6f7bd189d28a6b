/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS, both ends: OpenSSL's own client against our listener, and one network layer against
 * another, with certificates made on the spot.
 */
#include "kit_tls.h"
#include "net/tls_store.h"
#include <sys/stat.h>

/** A server at `at` with the certificate of `p`. */
static struct addr serve(struct world *w, const struct pki *p, struct net_config config)
{
    world_init(w, config);
    load(w, &p->tls);
    return listen_at(w, TP_TLS);
}

static struct hop hop_to(const struct addr *at)
{
    return (struct hop){.transport = TP_TLS, .remote = *at};
}

static int send_text(struct world *w, const struct hop *hop, const char *text)
{
    struct str run = str_c(text);
    return w->env->send(w->env->ctx, hop, &run, 1);
}

/** Connect, say something. @return whether it came through */
static bool heard(struct world *w, struct tls_end *e, const struct addr *at)
{
    size_t before = w->inputs;
    uint64_t failed = stats(w).handshakes_failed;
    if (!tls_connect(w, e, at, NULL) || !tls_put(w, e, STR(MESSAGE))) {
        return false;
    }
    for (int i = 0;
         i < ROUNDS && w->inputs == before && stats(w).handshakes_failed == failed && !w->late;
         i++) {
        net_turn(w->net, true);
    }
    return w->inputs > before;
}

/* ---- the server ---- */

static void test_message_and_answer(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    w.echo = true;
    struct tls_end e = tls_client(&p.root);
    CHECK(tls_connect(&w, &e, &at, "example.com"));
    CHECK_STR(str_c(SSL_get_version(e.ssl)), "TLSv1.3");
    CHECK(tls_put(&w, &e, STR(MESSAGE)));
    char back[sizeof(MESSAGE)];
    CHECK_INT(tls_get(&w, &e, back, sizeof(MESSAGE) - 1), sizeof(MESSAGE) - 1);
    CHECK_BYTES(str_make(back, sizeof(MESSAGE) - 1), STR(MESSAGE));
    CHECK_INT(w.last.transport, TP_TLS);
    CHECK(!w.env->proves(w.env->ctx, &w.last, STR("example.com"))); /* nothing was shown */
    struct addr own;
    w.env->local(w.env->ctx, &w.last, &own);
    CHECK(addr_eq(&own, &at));
    CHECK_INT(stats(&w).handshakes, 1);
    CHECK_INT(stats(&w).half_open, 0);
    (void)SSL_shutdown(e.ssl); /* close_notify ends it, and is answered by one */
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(tls_get(&w, &e, back, 1), 0);
    CHECK_INT(SSL_get_shutdown(e.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    tls_end(&e);
    world_fini(&w);
    pki_fini(&p);
}

/** Records that come in pieces, and answers that are many records. */
static void test_large_and_octet_by_octet(void)
{
    struct pki p;
    struct world w;
    static char text[60000], back[60000];
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    w.echo = true;
    struct tls_end e = tls_client(&p.root);
    CHECK(tls_connect(&w, &e, &at, NULL));
    int n = snprintf(text, sizeof(text),
                     "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: %d\r\n\r\n", 59000);
    for (size_t i = (size_t)n; i < (size_t)n + 59000; i++) {
        text[i] = (char)('a' + i % 23);
    }
    struct str all = str_make(text, (size_t)n + 59000);
    for (size_t i = 0; i < 40; i++) { /* forty records of one octet */
        CHECK(tls_put(&w, &e, str_upto(str_from(all, i), 1)));
    }
    CHECK(tls_put(&w, &e, str_from(all, 40)));
    CHECK_INT(tls_get(&w, &e, back, all.n), all.n);
    CHECK(memcmp(back, text, all.n) == 0);
    CHECK_INT(w.inputs, 1);
    tls_end(&e);
    world_fini(&w);
    pki_fini(&p);
}

static void test_no_certificate_no_listener(void)
{
    struct pki p;
    struct world w;
    struct addr at;
    pki_init(&p, "DNS:example.com");
    world_init(&w, (struct net_config){0});
    CHECK(addr_parse(STR("127.0.0.1"), &at));
    CHECK_INT(net_listen(w.net, TP_TLS, &at, NULL), E_STATE);
    CHECK_INT(net_listen(w.net, TP_WSS, &at, NULL), E_STATE);
    struct hop hop = hop_to(&w.tcp);
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR("example.com")), E_UNSUPPORTED);
    p.tls.cert_count = 0;
    load(&w, &p.tls); /* enough to connect */
    CHECK_INT(net_listen(w.net, TP_TLS, &at, NULL), E_STATE);
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR("example.com")), 0);
    world_fini(&w);
    pki_fini(&p);
}

static void test_old_versions_are_refused(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    static const struct {
        int version;
        bool only13, ok;
    } table[] = {{TLS1_1_VERSION, false, false},
                 {TLS1_2_VERSION, false, true},
                 {TLS1_2_VERSION, true, false},
                 {TLS1_3_VERSION, true, true}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        p.tls.only_tls13 = table[i].only13;
        load(&w, &p.tls);
        struct tls_end e = tls_client(&p.root);
        (void)SSL_CTX_set_min_proto_version(e.ctx, table[i].version);
        (void)SSL_CTX_set_max_proto_version(e.ctx, table[i].version);
        CHECK_INT(tls_connect(&w, &e, &at, NULL), table[i].ok);
        tls_end(&e);
    }
    CHECK_INT(stats(&w).handshakes_failed, 2);
    world_fini(&w);
    pki_fini(&p);
}

static void test_garbage_is_closed(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    int fd = client(SOCK_STREAM, &at);
    put(fd, STR(MESSAGE));
    CHECK(ends(&w, fd));
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.inputs, 0);
    CHECK_INT(stats(&w).handshakes_failed, 1);
    CHECK_INT(stats(&w).half_open, 0);
    close(fd);
    world_fini(&w);
    pki_fini(&p);
}

/** A handshake that goes on octet by octet is not for ever. */
static void test_slow_handshake_ends(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){.handshake_ms = 60});
    int fd = client(SOCK_STREAM, &at);
    static const unsigned char hello[] = {22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3};
    size_t n = 0;
    while (w.closed == 0 && !w.late && n < 10000) {
        unsigned char next = n < sizeof(hello) ? hello[n] : 7;
        (void)send(fd, &next, 1, MSG_NOSIGNAL);
        n++;
        w.ticks = 0;
        w.deadline = net_now(w.net) + 5;
        CHECK(until(&w, &w.ticks, 1));
    }
    CHECK(n < 10000);
    CHECK(strstr(w.logged, "no handshake within 60 ms") != NULL); /* not for what it said */
    CHECK_INT(stats(&w).handshakes_failed, 1);
    CHECK_INT(stats(&w).half_open, 0);
    close(fd);
    world_fini(&w);
    pki_fini(&p);
}

static void wait_for_half_open(struct world *w, uint64_t accepted)
{
    for (int i = 0; i < ROUNDS && stats(w).accepted < accepted && !w->late; i++) {
        net_turn(w->net, true);
    }
}

/** Too many unfinished ones: the oldest makes room, so that a new one always gets its turn. */
static void test_half_open_are_limited(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){.max_handshakes = 2});
    int fd[3];
    for (size_t i = 0; i < 3; i++) {
        fd[i] = client(SOCK_STREAM, &at);
        wait_for_half_open(&w, i + 1);
    }
    CHECK(ends(&w, fd[0]));
    CHECK_INT(stats(&w).half_open, 2);
    CHECK_INT(stats(&w).evicted, 1);
    struct tls_end e = tls_client(&p.root);
    CHECK(tls_connect(&w, &e, &at, NULL) && tls_put(&w, &e, STR(MESSAGE)));
    CHECK(until(&w, &w.inputs, 1));
    CHECK_INT(stats(&w).half_open, 1);
    CHECK_INT(stats(&w).connections, 2);
    tls_end(&e);
    for (size_t i = 0; i < 3; i++) {
        close(fd[i]);
    }
    world_fini(&w);
    pki_fini(&p);
}

static void test_half_open_of_one_address(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){.max_handshakes_per_address = 2});
    struct tls_end done = tls_client(&p.root);
    CHECK(heard(&w, &done, &at)); /* this one counts no more */
    int fd[3];
    for (size_t i = 0; i < 3; i++) {
        fd[i] = client(SOCK_STREAM, &at);
    }
    CHECK(ends(&w, fd[2]));
    CHECK_INT(stats(&w).half_open, 2);
    CHECK_INT(stats(&w).refused, 1);
    for (size_t i = 0; i < 3; i++) {
        close(fd[i]);
    }
    tls_end(&done);
    world_fini(&w);
    pki_fini(&p);
}

static void test_renegotiation_is_refused(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    struct tls_end e = tls_client(&p.root);
    (void)SSL_CTX_set_max_proto_version(e.ctx, TLS1_2_VERSION);
    CHECK(tls_connect(&w, &e, &at, NULL));
    CHECK_INT(SSL_renegotiate(e.ssl), 1);
    CHECK(!tls_shake(&w, &e)); /* the alert "no renegotiation" */
    CHECK_INT(stats(&w).handshakes, 1);
    tls_end(&e);
    world_fini(&w);
    pki_fini(&p);
}

static void test_application_protocols(void)
{
    static const struct {
        const char *offer, *agreed;
    } table[] = {{"\x03sip", "sip"}, {"\x08http/1.1\x05sip/2", "sip/2"}, {"\x02h2", ""}};
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct tls_end e = tls_client(&p.root);
        (void)SSL_CTX_set_alpn_protos(e.ctx, (const unsigned char *)table[i].offer,
                                      (unsigned)strlen(table[i].offer));
        CHECK(tls_connect(&w, &e, &at, NULL));
        const unsigned char *got;
        unsigned n;
        SSL_get0_alpn_selected(e.ssl, &got, &n);
        CHECK_STR(str_make((const char *)got, n), table[i].agreed);
        tls_end(&e);
    }
    world_fini(&w);
    pki_fini(&p);
}

/* ---- which certificate ---- */

static void test_server_name_picks(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:one.example");
    struct cert two = cert_make(&(struct cert_spec){
                    .by = &p.root, .cn = "two", .san = "DNS:two.example,DNS:*.two.example"}),
                three = cert_make(&(struct cert_spec){
                    .by = &p.root, .cn = "three", .san = "URI:sip:three.example"}),
                four = cert_make(
                    &(struct cert_spec){.by = &p.root, .cn = "four", .san = "DNS:x.example"});
    static const struct str names[] = {STR_INIT("four.example"), STR_INIT("*.four.example")};
    struct net_tls_cert list[] = {
        p.cert,
        {.cert_file = files_cert(&p.files, "2.pem", &two),
         .key_file = files_key(&p.files, "2.key", &two)},
        {.cert_file = files_cert(&p.files, "3.pem", &three),
         .key_file = files_key(&p.files, "3.key", &three)},
        {.cert_file = files_cert(&p.files, "4.pem", &four),
         .key_file = files_key(&p.files, "4.key", &four),
         .names = names,
         .name_count = 2},
    };
    p.tls.cert = list;
    p.tls.cert_count = 4;
    struct addr at = serve(&w, &p, (struct net_config){0});
    static const struct {
        const char *asked, *shown;
    } table[] = {
        {NULL, "leaf"},
        {"one.example", "leaf"},
        {"TWO.example", "two"},
        {"pbx.two.example", "two"},
        {"three.example", "three"},
        {"four.example", "four"},
        {"a.four.example", "four"},
        {"a.b.four.example", "leaf"},
        {"x.example", "leaf"}, /* its names were given instead of its own */
        {"unknown.example", "leaf"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char shown[64];
        struct tls_end e = tls_client(&p.root);
        test_context(table[i].asked);
        CHECK(tls_connect(&w, &e, &at, table[i].asked));
        CHECK_STR(tls_shown(&e, shown), table[i].shown);
        tls_end(&e);
    }
    test_context(NULL);
    world_fini(&w);
    cert_free(&two);
    cert_free(&three);
    cert_free(&four);
    pki_fini(&p);
}

static void test_reload(void)
{
    struct pki p;
    struct world w;
    char shown[64], back[sizeof(MESSAGE)];
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    w.echo = true;
    struct tls_end old = tls_client(&p.root);
    CHECK(tls_connect(&w, &old, &at, "example.com"));
    struct tls_end between = tls_client(&p.root);
    tls_begin(&between, &at, "example.com"); /* accepted, but has said nothing yet */
    wait_for_half_open(&w, 2);

    struct cert fresh =
        cert_make(&(struct cert_spec){.by = &p.root, .cn = "fresh", .san = "DNS:example.com"});
    (void)files_cert(&p.files, "leaf.pem", &fresh);
    (void)files_key(&p.files, "leaf.key", &fresh);
    load(&w, &p.tls);
    struct tls_end young = tls_client(&p.root);
    CHECK(tls_connect(&w, &young, &at, "example.com"));
    CHECK_STR(tls_shown(&young, shown), "fresh");
    CHECK(tls_shake(&w, &between));
    CHECK_STR(tls_shown(&between, shown), "fresh");
    CHECK(tls_put(&w, &old, STR(MESSAGE)));
    CHECK_INT(tls_get(&w, &old, back, sizeof(MESSAGE) - 1), sizeof(MESSAGE) - 1);
    CHECK_INT(w.closed, 0);
    tls_end(&old);
    tls_end(&between);
    tls_end(&young);
    world_fini(&w);
    cert_free(&fresh);
    pki_fini(&p);
}

/** A bad file among good ones changes nothing, and is named. */
static void test_bad_files_are_refused_whole(void)
{
    struct pki p;
    struct world w;
    char shown[64];
    pki_init(&p, "DNS:example.com");
    struct addr at = serve(&w, &p, (struct net_config){0});
    struct cert other = cert_make(&(struct cert_spec){.by = &p.root, .cn = "other"});
    const char *other_cert = files_cert(&p.files, "other.pem", &other);
    const char *other_key = files_key(&p.files, "other.key", &other);
    const char *junk = files_text(&p.files, "junk", "-----BEGIN JUNK-----\n");
    const char *locked = files_text(&p.files, "locked.key", "");
    FILE *f = fopen(locked, "w");
    CHECK(PEM_write_PrivateKey(f, other.key, EVP_aes_128_cbc(), (const unsigned char *)"x", 1,
                               NULL, NULL) == 1);
    (void)fclose(f);
    struct {
        const char *cert, *key, *ca, *ciphers, *says;
    } table[] = {
        {other_cert, other_key, junk, NULL, "junk: there is no certificate in PEM form in it"},
        {other_cert, other_key, "/nowhere/ca.pem", NULL, "/nowhere/ca.pem"},
        {"/nowhere/x.pem", other_key, NULL, NULL, "/nowhere/x.pem: No such file"},
        {junk, other_key, NULL, NULL, "junk: there is no certificate in PEM form in it"},
        {other_cert, junk, NULL, NULL, "junk: there is no private key"},
        {other_cert, locked, NULL, NULL,
         "locked.key: there is no private key in PEM form and "},
        {other_cert, p.cert.key_file, NULL, NULL, "mismatch"},
        {other_cert, other_key, NULL, "NO-SUCH-CIPHER", "NO-SUCH-CIPHER"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct net_tls_cert list[] = {{.cert_file = table[i].cert, .key_file = table[i].key},
                                      p.cert};
        struct net_tls bad = {
            .cert = list, .cert_count = 2, .ca_file = table[i].ca, .ciphers = table[i].ciphers};
        char why[256] = "";
        CHECK_INT(net_tls_load(w.net, &bad, why, sizeof(why)), E_SYNTAX);
        test_context(why);
        CHECK(strstr(why, table[i].says) != NULL);
        struct tls_end e = tls_client(&p.root);
        CHECK(tls_connect(&w, &e, &at, NULL));
        CHECK_STR(tls_shown(&e, shown), "leaf");
        tls_end(&e);
    }
    test_context(NULL);
    world_fini(&w);
    cert_free(&other);
    pki_fini(&p);
}

static void note(void *ctx, enum trace_level level, const char *module,
                 const struct trace_ids *ids, struct str text)
{
    (void)ids;
    char *all = ctx;
    (void)module;
    if (level == TRACE_WARN) {
        (void)snprintf(all + strlen(all), 512 - strlen(all), "%.*s\n", (int)text.n, text.p);
    }
}

/** Served all the same: who reads the log can do something about it. */
static void test_warnings(void)
{
    struct pki p;
    char warned[512] = "", why[256];
    pki_init(&p, "DNS:example.com");
    struct net_config config = {.handler = {.ctx = warned, .trace = note}};
    struct net *n = net_new(&config);
    CHECK_INT(chmod(p.cert.key_file, 0600), 0);
    CHECK_INT(net_tls_load(n, &p.tls, why, sizeof(why)), 0);
    CHECK_STR(str_c(warned), "");
    struct cert stale = cert_make(
        &(struct cert_spec){.by = &p.root, .cn = "stale", .from_s = -10 * DAY, .to_s = -DAY});
    (void)files_cert(&p.files, "leaf.pem", &stale);
    (void)files_key(&p.files, "leaf.key", &stale);
    CHECK_INT(chmod(p.cert.key_file, 0604), 0);
    CHECK_INT(net_tls_load(n, &p.tls, why, sizeof(why)), 0);
    CHECK(strstr(warned, "leaf.pem has expired\n") != NULL);
    CHECK(strstr(warned, "leaf.key can be read by everybody") != NULL);
    net_free(n);
    cert_free(&stale);
    pki_fini(&p);
}

/* ---- clients' certificates ---- */

static void show(struct tls_end *e, const struct cert *c)
{
    CHECK_INT(SSL_CTX_use_certificate(e->ctx, c->x), 1);
    CHECK_INT(SSL_CTX_use_PrivateKey(e->ctx, c->key), 1);
}

static void test_client_certificates(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct cert good = cert_make(&(struct cert_spec){
                    .by = &p.root, .cn = "peer", .san = "URI:sip:peer.example"}),
                stranger =
                    cert_make(&(struct cert_spec){.cn = "x", .san = "URI:sip:peer.example"}),
                stale = cert_make(&(struct cert_spec){.by = &p.root,
                                                      .cn = "peer",
                                                      .san = "URI:sip:peer.example",
                                                      .from_s = -10 * DAY,
                                                      .to_s = -DAY});
    const struct {
        enum net_tls_verify verify;
        const struct cert *shown;
        bool heard, proves;
    } table[] = {
        {NET_TLS_NO_CLIENT_CERT, &good, true, false},
        {NET_TLS_REQUEST, NULL, true, false},
        {NET_TLS_REQUEST, &good, true, true},
        {NET_TLS_REQUEST, &stranger, true, false},
        {NET_TLS_REQUEST, &stale, true, false},
        {NET_TLS_REQUIRE, NULL, false, false},
        {NET_TLS_REQUIRE, &good, true, true},
        {NET_TLS_REQUIRE, &stranger, false, false},
        {NET_TLS_REQUIRE, &stale, false, false},
    };
    struct addr at = serve(&w, &p, (struct net_config){0});
    char where[16];
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct tls_end e = tls_client(&p.root);
        p.tls.client_verify = table[i].verify;
        load(&w, &p.tls);
        if (table[i].shown != NULL) {
            show(&e, table[i].shown);
        }
        (void)snprintf(where, sizeof(where), "row %zu", i);
        test_context(where);
        CHECK_INT(heard(&w, &e, &at), table[i].heard);
        if (table[i].heard) {
            CHECK_INT(w.env->proves(w.env->ctx, &w.last, STR("PEER.example")), table[i].proves);
            CHECK(!w.env->proves(w.env->ctx, &w.last, STR("example")));
        }
        tls_end(&e);
    }
    test_context(NULL);
    world_fini(&w);
    cert_free(&good);
    cert_free(&stranger);
    cert_free(&stale);
    pki_fini(&p);
}

static SSL_SESSION *kept;

static int keep_session(SSL *ssl, SSL_SESSION *s)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = s;
    return 1;
}

/** A ticket saves the handshake, not the proof; and a reload makes it worthless. */
static void test_resumption(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    struct cert good = cert_make(
        &(struct cert_spec){.by = &p.root, .cn = "peer", .san = "URI:sip:peer.example"});
    p.tls.client_verify = NET_TLS_REQUIRE;
    struct addr at = serve(&w, &p, (struct net_config){0});
    for (int i = 0; i < 3; i++) {
        struct tls_end e = tls_client(&p.root);
        show(&e, &good);
        (void)SSL_CTX_set_session_cache_mode(e.ctx, SSL_SESS_CACHE_CLIENT |
                                                        SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(e.ctx, keep_session);
        if (i == 2) {
            load(&w, &p.tls);
        }
        tls_begin(&e, &at, NULL);
        if (kept != NULL) {

            (void)SSL_set_session(e.ssl, kept);
        }
        w.echo = true;
        CHECK(tls_shake(&w, &e));
        CHECK_INT(SSL_session_reused(e.ssl), i == 1);
        CHECK(tls_put(&w, &e, STR(MESSAGE)));
        char back[sizeof(MESSAGE)]; /* the ticket comes with it */
        CHECK_INT(tls_get(&w, &e, back, sizeof(MESSAGE) - 1), sizeof(MESSAGE) - 1);
        CHECK(w.env->proves(w.env->ctx, &w.last, STR("peer.example")));
        (void)SSL_shutdown(e.ssl);
        tls_end(&e);
    }
    SSL_SESSION_free(kept);
    kept = NULL;
    world_fini(&w);
    cert_free(&good);
    pki_fini(&p);
}

/* ---- connections that we open ---- */

static void test_open(void)
{
    struct pki p;
    struct world a, b;
    pki_init(&p, "DNS:example.com,DNS:example.net");
    p.tls.client_verify = NET_TLS_REQUEST;
    struct addr at = serve(&a, &p, (struct net_config){0});
    world_init(&b, (struct net_config){0});
    load(&b, &p.tls);
    a.echo = true;
    struct hop hop = hop_to(&at), again = hop, other = hop;
    CHECK_INT(b.env->open(b.env->ctx, &hop, STR("example.com")), 0);
    CHECK_INT(send_text(&b, &hop, MESSAGE), 0); /* waits for the handshake */
    CHECK_INT(send_text(&b, &hop, MESSAGE), 0);
    CHECK_INT(b.env->open(b.env->ctx, &again, STR("EXAMPLE.com")), 0);
    CHECK_INT(again.flow, hop.flow);
    CHECK_INT(b.env->open(b.env->ctx, &other, STR("example.net")), 0);
    CHECK(other.flow != hop.flow);
    CHECK(!b.env->proves(b.env->ctx, &hop, STR("example.com"))); /* not yet */
    CHECK(both_until(&a, &b, &b.inputs, 2));
    CHECK_BYTES(str_make(b.text, b.text_n), STR(MESSAGE MESSAGE));
    CHECK(b.env->proves(b.env->ctx, &hop, STR("example.com")));
    CHECK(b.env->proves(b.env->ctx, &hop, STR("example.net")));
    CHECK(!b.env->proves(b.env->ctx, &hop, STR("other.example")));
    CHECK(a.env->proves(a.env->ctx, &a.last, STR("example.com"))); /* ours was shown too */
    CHECK_INT(send_text(&b, &other, MESSAGE), 0);
    CHECK(both_until(&a, &b, &b.inputs, 3));

    /* RFC 5923: the other side may use the connection for whom it was proved to lead to */
    struct hop back = a.last;
    back.flow = 0;
    CHECK_INT(a.env->open(a.env->ctx, &back, STR("example.net")), 0);
    CHECK_INT(back.flow, a.last.flow);
    CHECK_INT(a.env->open(a.env->ctx, &back, STR("other.example")), 0);
    CHECK(back.flow != a.last.flow);
    world_fini(&b);
    world_fini(&a);
    pki_fini(&p);
}

/** Whose certificate is good for what. */
static void test_wrong_servers_are_refused(void)
{
    struct pki p;
    struct world a, b;
    pki_init(&p, "DNS:example.com");
    struct cert stale = cert_make(&(struct cert_spec){.by = &p.root,
                                                      .cn = "stale",
                                                      .san = "DNS:example.com",
                                                      .from_s = -10 * DAY,
                                                      .to_s = -DAY}),
                early = cert_make(&(struct cert_spec){.by = &p.root,
                                                      .cn = "early",
                                                      .san = "DNS:example.com",
                                                      .from_s = DAY,
                                                      .to_s = 2 * DAY}),
                own = cert_make(&(struct cert_spec){.cn = "own", .san = "DNS:example.com"});
    const struct {
        const struct cert *shown;
        const char *name;
        bool ok;
    } table[] = {
        {&p.leaf, "example.net", false},
        {&p.leaf, "www.example.com", false},
        {&p.leaf, "com", false},
        {&p.leaf, NULL, false}, /* the numeric address is not in it */
        {&stale, "example.com", false},
        {&early, "example.com", false},
        {&own, "example.com", false},
        {&p.leaf, "example.com", true}, /* the last one: it stays open for this name */
    };
    struct addr at = serve(&a, &p, (struct net_config){0});
    world_init(&b, (struct net_config){0});
    p.tls.cert_count = 0;
    load(&b, &p.tls);
    p.tls.cert_count = 1;
    a.echo = true;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        test_context(table[i].name);
        (void)files_cert(&p.files, "leaf.pem", table[i].shown);
        (void)files_key(&p.files, "leaf.key", table[i].shown);
        load(&a, &p.tls);
        struct hop hop = hop_to(&at);
        struct str name = table[i].name != NULL ? str_c(table[i].name) : STR_NONE;
        size_t inputs = b.inputs, closed = b.closed;
        CHECK_INT(b.env->open(b.env->ctx, &hop, name), 0);
        CHECK_INT(send_text(&b, &hop, MESSAGE), 0);
        if (table[i].ok) {
            CHECK(both_until(&a, &b, &b.inputs, inputs + 1));
        } else {
            CHECK(both_until(&a, &b, &b.closed, closed + 1));
            CHECK_INT(b.inputs, inputs);
            CHECK_INT(send_text(&b, &hop, MESSAGE), E_IO);
        }
    }
    test_context(NULL);
    CHECK_INT(a.inputs, 1); /* nobody else was told anything */
    CHECK_INT(stats(&b).handshakes, 1);
    CHECK_INT(stats(&b).handshakes_failed, 7);
    world_fini(&b);
    world_fini(&a);
    cert_free(&stale);
    cert_free(&early);
    cert_free(&own);
    pki_fini(&p);
}

/** What waits for a handshake that never ends is bounded, and given up with it. */
static void test_early_output_is_bounded(void)
{
    struct pki p;
    struct world w;
    struct addr at;
    static char block[30000];
    pki_init(&p, "DNS:example.com");
    world_init(&w, (struct net_config){.write_queue = 100000, .handshake_ms = 40});
    load(&w, &p.tls);
    int fd = listener(&at, 5); /* accepts by the kernel alone, and never speaks */
    struct hop hop = hop_to(&at);
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR("example.com")), 0);
    struct str run = str_make(block, sizeof(block));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(w.env->send(w.env->ctx, &hop, &run, 1), 0);
    }
    CHECK_INT(w.env->send(w.env->ctx, &hop, &run, 1), E_TOOBIG);
    CHECK(until(&w, &w.closed, 1));
    hop.flow = 0;
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR("example.com")), 0);
    CHECK_INT(w.env->send(w.env->ctx, &hop, &run, 1), 0);
    for (int i = 0; i < ROUNDS && stats(&w).connected < 1 && !w.late; i++) {
        net_turn(w.net, true);
    }
    CHECK_INT(stats(&w).half_open, 0); /* that bound is for those who come in */
    CHECK(until(&w, &w.closed, 2));    /* no handshake within its time */
    CHECK_INT(w.closed_flow[1], hop.flow);
    close(fd);
    world_fini(&w);
    pki_fini(&p);
}

/* ---- whom a certificate names ---- */

static void test_names_of_a_certificate(void)
{
    static const struct {
        const char *cn, *san, *name;
        bool ok;
    } table[] = {
        {"x", "URI:sip:example.com,DNS:other.example", "example.com", true},
        {"x", "URI:sip:example.com,DNS:other.example", "other.example", false},
        {"x", "URI:SIP:Example.COM;transport=tls", "example.com", true},
        {"x", "URI:sip:example.com:5061", "example.com", true},
        {"x", "URI:sips:example.com,DNS:other.example", "example.com", false},
        {"x", "URI:sips:example.com,DNS:other.example", "other.example", true},
        {"x", "URI:sip:alice@example.com,DNS:other.example", "example.com", false},
        {"x", "URI:sip:alice@example.com,DNS:other.example", "other.example", true},
        {"x", "DNS:a.example,DNS:b.example", "B.EXAMPLE", true},
        {"x", "DNS:a.example", "a.example.", true},
        {"x", "DNS:*.example.com", "a.example.com", false},
        {"x", "DNS:*.example.com", "*.example.com", true},
        {"x", "DNS:.example.com", "a.example.com", false},
        {"x", "DNS:example.com", "a.example.com", false},
        {"x", "DNS:a.example.com", "example.com", false},
        {"example.com", NULL, "example.com", true},
        {"example.com", NULL, "example.net", false},
        {"example.com", "DNS:other.example", "example.com", false},
        {"example.com", "email:a@example.com", "example.com", false},
        {"x", "IP:192.0.2.1,IP:2001:db8::1", "192.0.2.1", true},
        {"x", "IP:192.0.2.1,IP:2001:db8::1", "[2001:db8::1]", true},
        {"x", "IP:192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "DNS:192.0.2.1,URI:sip:192.0.2.1", "192.0.2.1", false},
        {"192.0.2.1", NULL, "192.0.2.1", false},
        {"x", "DNS:example.com", "", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cert c = cert_make(&(struct cert_spec){.cn = table[i].cn, .san = table[i].san});
        struct str name = test_guard(str_c(table[i].name));
        test_context(table[i].san);
        CHECK_INT(tls_cert_names(c.x, name), table[i].ok);
        test_guard_free(name);
        cert_free(&c);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_message_and_answer), T(test_large_and_octet_by_octet),
          T(test_no_certificate_no_listener), T(test_old_versions_are_refused),
          T(test_garbage_is_closed), T(test_slow_handshake_ends), T(test_half_open_are_limited),
          T(test_half_open_of_one_address), T(test_renegotiation_is_refused),
          T(test_application_protocols), T(test_server_name_picks), T(test_reload),
          T(test_bad_files_are_refused_whole), T(test_warnings), T(test_client_certificates),
          T(test_resumption), T(test_open), T(test_wrong_servers_are_refused),
          T(test_early_output_is_bounded), T(test_names_of_a_certificate))
