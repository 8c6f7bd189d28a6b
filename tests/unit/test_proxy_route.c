/* SPDX-License-Identifier: Apache-2.0 */
/* Record-Route, Route preprocessing, strict routers, requests inside dialogs, tokens. */
#include "kit_proxy.h"

/** The URIs of the Record-Route lines of the i-th sent message, top first. */
static size_t record_routes(struct px *x, size_t i, struct sip_uri *uri, size_t cap)
{
    struct sip_values it = {0};
    struct str value;
    size_t n = 0;
    bool loose = false;
    const struct sip_msg *m = px_sent(x, i);
    while (n < cap && sip_msg_each(m, SIP_HDR_RECORD_ROUTE, &it, &value)) {
        CHECK(proxy__route_uri(value, &uri[n++], &loose));
        CHECK(loose);
    }
    return n;
}

static char route[4][256]; /* values of our Record-Route lines, top first */

/** An INVITE through the proxy, answered; notes the Record-Routes. @return how many */
static size_t call(struct px *x, const struct sip_msg *invite, const struct hop *from)
{
    struct sip_uri uri[4];
    x->plan.record_route = true;
    px_in_from(x, invite, from);
    size_t n = record_routes(x, 0, uri, 4);
    for (size_t i = 0; i < n; i++) {
        snprintf(route[i], sizeof route[i], "<%.*s>", STR_ARG(uri[i].text));
    }
    px_answer(x, 0, 200, "tt");
    return n;
}

static const struct sip_msg *inside(struct fx_msg *m, const char *method, bool from_caller,
                                    const char *ruri, const char *lines)
{
    static unsigned cseq = 100;
    cseq++;
    return fx_parse(m,
                    "%s %s SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKin%u\n"
                    "Max-Forwards: 70\nFrom: <sip:a@h>;tag=%s\nTo: <sip:b@h>;tag=%s\n"
                    "Call-ID: call-1\nCSeq: %u %s\n%sContent-Length: 0\n\n",
                    method, ruri, cseq, from_caller ? "ft" : "tt", from_caller ? "tt" : "ft",
                    cseq, method, lines);
}

static const char *route_line(const char *values)
{
    static char line[1024];
    snprintf(line, sizeof line, "Route: %s\n", values);
    return line;
}

static void test_record_route_and_what_follows(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_UDP);
    CHECK_INT(call(&x, fx_request(&m, (struct fx_req){0}), &from), 1);
    CHECK_SENT(&x, 0, "INVITE 200");
    CHECK(px_has(&x, 0, "@192.0.2.1:5060;lr>\r\nVia: "));
    /* ACK, without state, and its repetition with the same branch */
    const struct sip_msg *ack =
        inside(&m, "ACK", true, "sip:b@203.0.113.1", route_line(route[0]));
    px_in(&x, ack);
    px_in(&x, ack);
    CHECK_SENT(&x, 2, "ACK ACK");
    CHECK_BYTES(x.fx.sent[2].bytes, x.fx.sent[3].bytes);
    CHECK(!px_has(&x, 2, "\r\nRoute:"));
    CHECK(px_has(&x, 2, "Max-Forwards: 69"));
    CHECK_INT(px_to(&x, 2), 1);
    CHECK_INT(x.p.stats.acks, 2);
    /* INFO from the caller, BYE from the callee */
    px_in(&x, inside(&m, "INFO", true, "sip:b@203.0.113.1", route_line(route[0])));
    px_answer(&x, 4, 200, "tt");
    px_in(&x, inside(&m, "BYE", false, "sip:a@192.0.2.9", route_line(route[0])));
    CHECK_INT(px_to(&x, 6), 9);
    px_answer(&x, 6, 200, "ft");
    CHECK_SENT(&x, 4, "INFO 200 BYE 200");
    CHECK(!px_has(&x, 6, "Record-Route"));
    px_end(&x);
}

/** Any method passes inside, and so does a re-INVITE with its own ACK and CANCEL. */
static void test_other_requests_inside(void)
{
    static const char *const methods[] = {"PRACK", "UPDATE", "NOTIFY", "REFER", "FROBNICATE"};
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_UDP);
    call(&x, fx_request(&m, (struct fx_req){0}), &from);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        size_t n = x.fx.sent_n;
        px_in(&x, inside(&m, methods[i], true, "sip:b@203.0.113.1", route_line(route[0])));
        REQUIRE(x.fx.sent_n == n + 1);
        CHECK_STR(fx_sent_what(&x.fx, n), methods[i]);
        px_answer(&x, n, 202, "tt");
        CHECK_STR(fx_sent_what(&x.fx, n + 1), "202");
    }
    size_t n = x.fx.sent_n;
    px_in(&x, inside(&m, "INVITE", true, "sip:b@203.0.113.1", route_line(route[0])));
    px_answer(&x, n, 180, "tt");
    px_answer(&x, n, 488, "tt");
    CHECK_SENT(&x, n, "INVITE 180 ACK 488");
    px_end(&x);
}

static void test_only_who_has_the_token(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_UDP);
    call(&x, fx_request(&m, (struct fx_req){0}), &from);
    size_t n = x.fx.sent_n;
    char text[300];
    /* one character of the token wrong */
    for (size_t i = 5; i < 5 + 22; i++) {
        snprintf(text, sizeof text, "%s", route[0]);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", route_line(text)));
        CHECK(x.refused);
    }
    /* none, too short, too long */
    static const char *const bad[] = {"<sip:192.0.2.1;lr>", "<sip:x@192.0.2.1;lr>",
                                      "<sip:AAAAAAAAAAAAAAAAAAAAAA.AAAA@192.0.2.1;lr>",
                                      "<sip:elsewhere.org;lr>", "junk"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", route_line(bad[i])));
        CHECK(x.refused);
        px_in(&x, inside(&m, "ACK", true, "sip:b@203.0.113.1", route_line(bad[i])));
        CHECK(x.refused);
    }
    /* the right one in another dialog, or by somebody who is not in this one */
    px_in(&x, fx_parse(&m,
                       "BYE sip:b@203.0.113.1 SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\n"
                       "From: <sip:a@h>;tag=ft\nTo: <sip:b@h>;tag=tt\nCall-ID: call-2\n"
                       "CSeq: 8 BYE\n%s\n",
                       route_line(route[0])));
    CHECK(x.refused);
    px_in(&x, fx_parse(&m,
                       "BYE sip:b@203.0.113.1 SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKy\n"
                       "From: <sip:a@h>;tag=zz\nTo: <sip:b@h>;tag=tt\nCall-ID: call-1\n"
                       "CSeq: 9 BYE\n%s\n",
                       route_line(route[0])));
    CHECK(x.refused);
    CHECK_INT(x.fx.sent_n, n);
    CHECK(x.p.stats.forged > 0);
    px_end(&x);
}

static void test_trusted_peer_needs_no_token(void)
{
    struct px x;
    struct fx_msg m;
    struct peer peer = {.name = STR("pbx"), .addr = fx_addr("192.0.2.9:5060"), .trusted = true};
    px_init(&x);
    x.dir.peers = &peer;
    x.dir.peer_count = 1;
    px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", "Route: <sip:192.0.2.1;lr>\n"));
    px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", "Route: <sip:example.com;lr>\n"));
    CHECK_SENT(&x, 0, "BYE BYE");
    px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", "Route: <sip:192.0.2.7;lr>\n"));
    CHECK(x.refused);
    peer.trusted = false;
    px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", "Route: <sip:192.0.2.1;lr>\n"));
    CHECK(x.refused);
    px_end(&x);
}

/** §16.4: a strict router in front of us has our URI in the Request-URI. */
static void test_strict_router_before_us(void)
{
    struct px x;
    struct fx_msg m;
    char ruri[256];
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_UDP);
    call(&x, fx_request(&m, (struct fx_req){0}), &from);
    snprintf(ruri, sizeof ruri, "%.*s", (int)strlen(route[0]) - 2, route[0] + 1);
    px_in(&x, inside(&m, "BYE", true, ruri, "Route: <sip:b@203.0.113.1>\n"));
    px_in(&x,
          inside(&m, "INFO", true, ruri,
                 "Route: <sip:203.0.113.5;lr>, <sip:203.0.113.6;lr> ,\t<sip:b@203.0.113.1>\n"));
    px_in(&x, inside(&m, "UPDATE", true, ruri,
                     "Route: <sip:203.0.113.5;lr>\nX: y\nRoute: <sip:b@203.0.113.1>\n"));
    CHECK_SENT(&x, 2, "BYE INFO UPDATE");
    CHECK(px_has(&x, 2, "BYE sip:b@203.0.113.1 SIP/2.0\r\n"));
    CHECK(!px_has(&x, 2, "\r\nRoute:"));
    CHECK_INT(px_to(&x, 2), 1);
    CHECK(px_has(&x, 3, "INFO sip:b@203.0.113.1 SIP/2.0\r\n"));
    CHECK(px_has(&x, 3, "\r\nRoute: <sip:203.0.113.5;lr>, <sip:203.0.113.6;lr>\r\n"));
    CHECK_INT(px_to(&x, 3), 5);
    CHECK(px_has(&x, 4, "\r\nRoute: <sip:203.0.113.5;lr>\r\nX: y\r\nContent"));
    px_end(&x);
}

/** §16.6 step 6: a strict router behind us. */
static void test_strict_router_behind_us(void)
{
    struct px x;
    struct fx_msg m;
    char line[512];
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_UDP);
    call(&x, fx_request(&m, (struct fx_req){0}), &from);
    snprintf(line, sizeof line, "Route: %s, <sip:203.0.113.5>, <sip:203.0.113.6;lr>\n",
             route[0]);
    px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", line));
    CHECK(px_has(&x, 2, "BYE sip:203.0.113.5 SIP/2.0\r\n"));
    CHECK(px_has(&x, 2,
                 "\r\nRoute: <sip:203.0.113.6;lr>\r\nRoute: <sip:b@203.0.113.1>\r\nContent"));
    CHECK_INT(px_to(&x, 2), 5);
    /* and the plan's */
    struct proxy_target *t = &x.target[0];
    t->routes = STR("Route: <sip:203.0.113.8>, <sip:203.0.113.9;lr>\r\n");
    px_offer(&x, (struct fx_req){.method = "MESSAGE",
                                 .call_id = "2",
                                 .via = "SIP/2.0/UDP h;branch=z9hG4bK22"});
    CHECK(px_has(&x, 3, "MESSAGE sip:203.0.113.8 SIP/2.0\r\n"));
    CHECK(px_has(&x, 3, "Route: <sip:203.0.113.9;lr>\r\nRoute: <sip:phone1@203.0.113.1>\r\n"));
    CHECK_INT(px_to(&x, 3), 8);
    t->routes = STR("Route: <sip:203.0.113.8>\r\n");
    px_offer(&x, (struct fx_req){.method = "MESSAGE",
                                 .call_id = "3",
                                 .via = "SIP/2.0/UDP h;branch=z9hG4bK23",
                                 .lines = "Route: <sip:203.0.113.4;lr>\n"});
    CHECK(px_has(&x, 4, "MESSAGE sip:203.0.113.8 SIP/2.0\r\n"));
    CHECK(px_has(&x, 4, "Route: <sip:203.0.113.4;lr>\r\nRoute: <sip:phone1@203.0.113.1>\r\n"));
    px_end(&x);
}

/** A Route that the sender loaded: ours goes, the rest decides. */
static void test_preloaded_route(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    struct hop from = fx_hop(TP_UDP);
    const struct sip_msg *in = fx_request(
        &m, (struct fx_req){.ruri = "sip:bob@elsewhere.org",
                            .lines = "Route: <sip:192.0.2.1;lr>,\n <sip:203.0.113.5;lr>\n"});
    CHECK(proxy_has_route(&x.p, in, &from));
    px_in(&x, in);
    CHECK_SENT(&x, 0, "INVITE");
    CHECK(px_has(&x, 0, "INVITE sip:bob@elsewhere.org SIP/2.0\r\n"));
    CHECK(px_has(&x, 0, "\r\nRoute: <sip:203.0.113.5;lr>\r\n"));
    CHECK_INT(px_to(&x, 0), 5);
    in = fx_request(&m, (struct fx_req){.call_id = "2",
                                        .via = "SIP/2.0/UDP h;branch=z9hG4bK2",
                                        .ruri = "sip:bob@203.0.113.3",
                                        .lines = "Route: <sip:example.com;lr>\n"});
    CHECK(!proxy_has_route(&x.p, in, &from));
    px_in(&x, in);
    CHECK(!px_has(&x, 1, "\r\nRoute:"));
    CHECK_INT(px_to(&x, 1), 3);
    in = fx_request(&m, (struct fx_req){.call_id = "3"});
    CHECK(!proxy_has_route(&x.p, in, &from));
    px_end(&x);
}

static const char claims[] = "P-Asserted-Identity: <sip:boss@example.com>\n"
                             "Remote-Party-ID: <sip:boss@example.com>\n"
                             "P-Preferred-Identity: <sip:boss@example.com>\n";

static void check_claims(struct px *x, size_t i, bool pass)
{
    CHECK(px_has(x, i, "Asserted-Identity:") == pass);
    CHECK(px_has(x, i, "Remote-Party-ID:") == pass);
    CHECK(px_has(x, i, "Preferred-Identity:") == pass);
}

/** RFC 3325 §5: who is not in our trust domain asserts nothing, neither along a Route of his
 * own nor inside of a dialog. */
static void test_identities_are_not_taken_from_anybody(void)
{
    struct px x;
    struct fx_msg m;
    char lines[600];
    struct peer peer = {.name = STR("pbx"), .addr = fx_addr("192.0.2.9:5060"), .trusted = true};
    px_init(&x);
    struct hop from = fx_hop(TP_UDP);
    for (unsigned trusted = 0; trusted < 2; trusted++) {
        x.dir.peers = &peer;
        x.dir.peer_count = trusted;
        size_t n = x.fx.sent_n;
        (void)snprintf(lines, sizeof(lines), "%s%s", claims, "Route: <sip:203.0.113.5;lr>\n");
        px_in(&x,
              fx_request(&m, (struct fx_req){.call_id = trusted ? "a" : "b",
                                             .via = trusted ? "SIP/2.0/UDP h;branch=z9hG4bKa"
                                                            : "SIP/2.0/UDP h;branch=z9hG4bKb",
                                             .lines = lines}));
        check_claims(&x, n, trusted);
    }
    x.dir.peer_count = 0;
    size_t n = x.fx.sent_n;
    px_target(&x, 1, 0);
    x.plan.record_route = true;
    px_in_from(&x, fx_request(&m, (struct fx_req){0}), &from);
    struct sip_uri uri[4];
    CHECK_INT(record_routes(&x, n, uri, 4), 1);
    (void)snprintf(lines, sizeof(lines), "%sRoute: <%.*s>\n", claims, STR_ARG(uri[0].text));
    px_answer(&x, n, 200, "tt");
    for (unsigned trusted = 0; trusted < 2; trusted++) {
        x.dir.peer_count = trusted;
        n = x.fx.sent_n;
        px_in(&x, inside(&m, "UPDATE", true, "sip:b@203.0.113.1", lines));
        check_claims(&x, n, trusted);
    }
    (void)snprintf(lines + strlen(lines), 100, "Privacy: id\n");
    n = x.fx.sent_n;
    px_in(&x, inside(&m, "UPDATE", true, "sip:b@203.0.113.1", lines));
    check_claims(&x, n, false);
    px_end(&x);
}

/** RFC 5658: two Record-Routes where the sides differ; both go when the request comes back. */
static void test_double_record_route(void)
{
    struct px x;
    struct fx_msg m;
    char both[600];
    px_init(&x);
    px_target(&x, 1, 0)->to.hop =
        (struct hop){.transport = TP_TCP, .remote = fx_addr("203.0.113.1:5060")};
    struct hop from = fx_hop(TP_UDP);
    CHECK_INT(call(&x, fx_request(&m, (struct fx_req){0}), &from), 2);
    CHECK(strstr(route[0], "@192.0.2.1:5060;transport=tcp;lr>") != NULL);
    CHECK(strstr(route[1], "@192.0.2.1:5060;lr>") != NULL);
    snprintf(both, sizeof both, "%s,%s", route[1], route[0]); /* the caller's order */
    px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1;transport=tcp", route_line(both)));
    CHECK_INT(x.fx.sent[2].hop.transport, TP_TCP);
    CHECK(!px_has(&x, 2, "\r\nRoute:"));
    snprintf(both, sizeof both, "%s\nRoute: %s", route[0], route[1]); /* the callee's */
    px_in(&x, inside(&m, "BYE", false, "sip:a@192.0.2.9", route_line(both)));
    CHECK_INT(x.fx.sent[3].hop.transport, TP_UDP);
    CHECK(!px_has(&x, 3, "\r\nRoute:"));
    px_end(&x);
}

/** RFC 5626 §5.3: a caller behind NAT, or in a browser, is reached on his flow. */
static void test_flows_are_remembered(void)
{
    static const struct {
        enum transport transport;
        const char *contact;
        bool by_flow;
    } table[] = {
        {TP_UDP, "Contact: <sip:a@10.0.0.1>\n", true},
        {TP_UDP, "Contact: <sip:a@192.0.2.9:5062>\n", false},
        {TP_TCP, "Contact: <sip:a@10.0.0.1;transport=tcp>\n", true},
        {TP_WSS, "Contact: <sip:a@x.invalid;transport=ws>\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct px x;
        struct fx_msg m;
        char both[600];
        px_init(&x);
        px_target(&x, 1, 0);
        struct hop from = fx_hop(table[i].transport);
        from.remote.port = 34567;
        size_t n = call(&x, fx_request(&m, (struct fx_req){.lines = table[i].contact}), &from);
        CHECK_INT(n, table[i].transport == TP_UDP ? 1 : 2);
        snprintf(both, sizeof both, "%s%s%s", route[0], n > 1 ? "," : "",
                 n > 1 ? route[1] : "");
        px_in(&x, inside(&m, "BYE", false, "sip:a@192.0.2.9:5062", route_line(both)));
        REQUIRE(x.fx.sent_n == 3);
        CHECK_INT(x.fx.sent[2].hop.flow == from.flow && x.fx.sent[2].hop.remote.port == 34567,
                  table[i].by_flow);
        px_end(&x);
    }
}

/** A phone that is called on a flow because its address leads nowhere. */
static void test_flow_of_the_callee(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    struct proxy_target *t = px_target(&x, 1, 0);
    t->request_uri = STR("sip:phone1@10.0.0.7");
    t->to.hop = (struct hop){1, TP_UDP, fx_addr("203.0.113.1:40000")};
    struct hop from = fx_hop(TP_UDP);
    CHECK_INT(call(&x, fx_request(&m, (struct fx_req){0}), &from), 1);
    px_in(&x, inside(&m, "BYE", true, "sip:phone1@10.0.0.7", route_line(route[0])));
    REQUIRE(x.fx.sent_n == 3);
    CHECK_INT(x.fx.sent[2].hop.remote.port, 40000);
    px_end(&x);
}

/** RFC 5626 §5.3: the flow of the token is gone. */
static void test_flow_that_is_gone(void)
{
    struct px x;
    struct fx_msg m;
    char both[600];
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_WSS);
    CHECK_INT(call(&x, fx_request(&m, (struct fx_req){.lines = "Contact: <sip:a@x.invalid>\n"}),
                   &from),
              2);
    x.fx.dead = from.flow;
    snprintf(both, sizeof both, "%s,%s", route[0], route[1]);
    px_in(&x, inside(&m, "BYE", false, "sip:a@x.invalid", route_line(both)));
    fx_tick(&x.fx);
    CHECK_SENT(&x, 2, "430");
    px_end(&x);
}

/** §16.4: a maddr that is ours. */
static void test_maddr(void)
{
    struct px x;
    px_init(&x);
    px_offer(&x, (struct fx_req){
                     .ruri = "sip:bob@203.0.113.4:5060;maddr=192.0.2.1;transport=udp;x=y"});
    px_offer(&x, (struct fx_req){.call_id = "2",
                                 .via = "SIP/2.0/UDP h;branch=z9hG4bK2",
                                 .ruri = "sip:bob@h;maddr=203.0.113.6"});
    CHECK_SENT(&x, 0, "INVITE INVITE");
    CHECK(px_has(&x, 0, "INVITE sip:bob@203.0.113.4;x=y SIP/2.0\r\n"));
    CHECK_INT(px_to(&x, 0), 4);
    CHECK(px_has(&x, 1, "INVITE sip:bob@h;maddr=203.0.113.6 SIP/2.0\r\n"));
    CHECK_INT(px_to(&x, 1), 6);
    px_end(&x);
}

/** The same secret, another run: dialogs go on. Another secret: they do not. */
static void test_tokens_outlive_a_restart(void)
{
    static const char *const secrets[] = {"s3cret", "other", ""};
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        struct px x;
        struct fx_msg m;
        px_init_with(&x, &(struct proxy_config){.secret = STR("s3cret")});
        px_target(&x, 1, 0);
        struct hop from = fx_hop(TP_UDP);
        call(&x, fx_request(&m, (struct fx_req){0}), &from);
        px_end(&x);
        px_init_with(&x, &(struct proxy_config){.secret = str_c(secrets[i])});
        px_in(&x, inside(&m, "BYE", true, "sip:b@203.0.113.1", route_line(route[0])));
        CHECK_INT(x.refused, i > 0);
        px_end(&x);
    }
}

static void test_no_record_route_where_no_dialog_begins(void)
{
    static const char *const methods[] = {"MESSAGE", "OPTIONS", "PUBLISH", "REGISTER"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct px x;
        px_init(&x);
        px_target(&x, 1, 0);
        x.plan.record_route = true;
        px_offer(&x, (struct fx_req){.method = methods[i]});
        CHECK(!px_has(&x, 0, "Record-Route"));
        px_end(&x);
    }
}

/* Phone 5 is registered behind 203.0.113.8; its GRUU is ;gr=five. */
static bool find_five(void *ctx, const struct sip_uri *gruu, struct dialog_place *out)
{
    struct str gr;
    unsigned *asked = ctx;
    (*asked)++;
    if (!sip_param(gruu->params, STR("gr"), &gr) || !str_eq(gr, STR("five"))) {
        return false;
    }
    out->request_uri = STR("sip:five@10.9.9.9");
    out->routes = STR("Route: <sip:203.0.113.8;lr>\r\n");
    out->target.hop = (struct hop){1, TP_UDP, fx_addr("203.0.113.8:5060")};
    return true;
}

/** A GRUU of ours as Contact: the request goes to the phone's registration, through its Path,
    and so does an ACK; a GRUU that leads nowhere, and one behind another Route, do not. */
static void test_gruu_as_remote_target(void)
{
    static const char gruu[] = "sip:b@example.com;gr=five";
    struct px x;
    struct fx_msg m;
    char two[512];
    unsigned asked = 0;
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_UDP);
    call(&x, fx_request(&m, (struct fx_req){0}), &from);
    x.p.locator = (struct dialog_locator){.find = find_five, .ctx = &asked};
    px_in(&x, inside(&m, "ACK", true, gruu, route_line(route[0])));
    px_in(&x, inside(&m, "BYE", true, gruu, route_line(route[0])));
    CHECK_SENT(&x, 2, "ACK BYE");
    for (size_t i = 2; i < 4; i++) {
        CHECK(px_has(&x, i, " sip:five@10.9.9.9 SIP/2.0\r\n"));
        CHECK(px_has(&x, i, "\r\nRoute: <sip:203.0.113.8;lr>\r\n"));
        CHECK_INT(px_to(&x, i), 8);
    }
    px_answer(&x, 3, 200, "tt");
    CHECK_SENT(&x, 4, "200");
    snprintf(two, sizeof two, "%s, <sip:203.0.113.4;lr>", route[0]);
    px_in(&x, inside(&m, "INFO", true, gruu, route_line(two)));
    CHECK_INT(px_to(&x, 5), 4);
    CHECK(px_has(&x, 5, "INFO sip:b@example.com;gr=five SIP/2.0\r\n"));
    CHECK_INT(asked, 2);
    px_in(&x, inside(&m, "INFO", true, "sip:b@203.0.113.1;gr=six", route_line(route[0])));
    CHECK_INT(px_to(&x, 6), 1);
    px_end(&x);
}

/** §16.6 step 4: our URI is sips when the request is. */
static void test_sips(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0)->request_uri = STR("sips:p@203.0.113.1");
    struct hop from = fx_hop(TP_TLS);
    CHECK_INT(call(&x, fx_request(&m, (struct fx_req){.ruri = "sips:bob@example.com"}), &from),
              1);
    CHECK(strncmp(route[0], "<sips:", 6) == 0);
    CHECK_INT(x.fx.sent[0].hop.transport, TP_TLS);
    px_end(&x);
}

/** RFC 5630 §5.3: a sips request leaves over TLS, whatever a Route says, or not at all. */
static void test_sips_is_not_left(void)
{
    struct px x;
    struct fx_msg m;
    struct hop from = fx_hop(TP_TLS);
    px_init(&x);
    px_in_from(&x,
               fx_request(&m, (struct fx_req){.method = "MESSAGE",
                                              .ruri = "sips:bob@203.0.113.1",
                                              .lines = "Route: <sip:203.0.113.5;"
                                                       "transport=tcp;lr>\n"}),
               &from);
    CHECK_SENT(&x, 0, "MESSAGE");
    CHECK_INT(x.fx.sent[0].hop.transport, TP_TLS);
    struct proxy_target *t = px_target(&x, 1, 0);
    t->request_uri = STR("sips:p@203.0.113.1");
    t->to.hop = (struct hop){1, TP_UDP, fx_addr("203.0.113.1:5060")};
    px_in_from(&x,
               fx_request(&m, (struct fx_req){.method = "MESSAGE",
                                              .ruri = "sips:bob@example.com",
                                              .call_id = "2",
                                              .via = "SIP/2.0/TLS h;branch=z9hG4bK2"}),
               &from);
    CHECK_SENT(&x, 1, "480");
    CHECK(px_has(&x, 1, "Warning: 380 baton \"SIPS Not Allowed\""));
    px_end(&x);
}

/** Max-Forwards and loops count inside dialogs too; an ACK is dropped without a word. */
static void test_hops_inside(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_UDP);
    call(&x, fx_request(&m, (struct fx_req){0}), &from);
    for (int ack = 0; ack < 2; ack++) {
        const char *method = ack ? "ACK" : "BYE";
        px_in(&x,
              fx_parse(&m,
                       "%s sip:b@203.0.113.1 SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bKm%d\n"
                       "Max-Forwards: 0\nFrom: <sip:a@h>;tag=ft\nTo: <sip:b@h>;tag=tt\n"
                       "Call-ID: call-1\nCSeq: 9 %s\n%s\n",
                       method, ack, method, route_line(route[0])));
        CHECK(!x.refused);
    }
    CHECK_SENT(&x, 2, "483");
    px_end(&x);
}

TEST_MAIN(T(test_record_route_and_what_follows), T(test_other_requests_inside),
          T(test_only_who_has_the_token), T(test_trusted_peer_needs_no_token),
          T(test_strict_router_before_us), T(test_strict_router_behind_us),
          T(test_preloaded_route), T(test_double_record_route), T(test_flows_are_remembered),
          T(test_flow_of_the_callee), T(test_flow_that_is_gone), T(test_maddr),
          T(test_tokens_outlive_a_restart), T(test_no_record_route_where_no_dialog_begins),
          T(test_gruu_as_remote_target), T(test_sips), T(test_sips_is_not_left),
          T(test_hops_inside), T(test_identities_are_not_taken_from_anybody))
