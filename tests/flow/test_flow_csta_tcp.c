/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications over TCP: frames, application sessions of ECMA-354 and implicit ones, against a
 * whole system. Clients stand at 10.0.44.x; what they hear is kept frame by frame.
 */
#include "keep.h"
#include "world.h"

#include "base/err.h"
#include "base/hop.h"
#include "csta/frame.h"
#include <stdio.h>
#include <stdlib.h>

#define ED(n) "http://www.ecma-international.org/standards/ecma-323/csta/ed" n
#define STATUS(n) "<RequestSystemStatus xmlns=\"" ED(n) "\"/>"
#define WATCH(n, device)                                                     \
    "<MonitorStart xmlns=\"" ED(n) "\"><monitorObject><deviceObject>" device \
                                   "</deviceObject></monitorObject></MonitorStart>"

enum { HEARD = 64, CLIENTS = 3 };

struct client {
    struct vnode node;
    struct hop hop;
    char *in;
    size_t n;
    struct {
        unsigned invoke;
        char *xml;
    } heard[HEARD];
    size_t first, last;
    bool closed;
};

static struct world w;
static struct client client[CLIENTS];
static struct application eltex, hosted;
static struct addr host;
static char wire[70000];
static struct keep keep;
static bool keeps;

/* ---- the client ---- */

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct client *c = ctx;
    struct csta_frame f;
    size_t used;
    (void)from;
    (void)now_ms;
    c->in = realloc(c->in, c->n + bytes.n + 1);
    memcpy(c->in + c->n, bytes.p, bytes.n);
    c->n += bytes.n;
    while (csta_frame_next(str_make(c->in, c->n), &f, &used) == CSTA_FRAME_WHOLE) {
        test_keep(f.xml);
        if (CHECK(c->last < HEARD)) {
            c->heard[c->last].invoke = f.invoke;
            c->heard[c->last++].xml = strndup(f.xml.p, f.xml.n);
        }
        c->n -= used;
        memmove(c->in, c->in + used, c->n);
    }
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct client *c = ctx;
    (void)now_ms;
    c->closed = c->closed || flow == c->hop.flow;
}

static const struct vnode_user user = {.receive = receive, .flow_closed = flow_closed};

static void send_octets(struct client *c, struct str bytes)
{
    (void)c->node.env.send(&c->node, &c->hop, &bytes, 1);
    world_run(&w, 50);
}

static struct str frame(unsigned invoke, const char *xml)
{
    size_t n = strlen(xml);
    CHECK(csta_frame_header(wire, invoke, n));
    memcpy(wire + CSTA_FRAME_HEADER, xml, n);
    return str_make(wire, n + CSTA_FRAME_HEADER);
}

static void ask(struct client *c, unsigned invoke, const char *xml)
{
    send_octets(c, frame(invoke, xml));
}

/** The next frame has this identifier and this in it. @return its text */
static const char *hear(struct client *c, unsigned invoke, const char *part)
{
    test_context(part);
    if (!CHECK(c->first < c->last)) {
        test_context(NULL);
        return "";
    }
    const char *xml = c->heard[c->first].xml;
    CHECK_INT(c->heard[c->first++].invoke, invoke);
    if (!CHECK(strstr(xml, part) != NULL)) {
        fprintf(stderr, "heard: %s\n", xml);
    }
    test_context(NULL);
    return xml;
}

static void hear_nothing(const struct client *c)
{
    CHECK_INT(c->last - c->first, 0);
}

static void connect(struct client *c)
{
    c->hop = vnet_hop(&w.node, TP_TCP);
    c->closed = false;
    CHECK_INT(c->node.env.open(&c->node, &c->hop, STR_NONE), 0);
}

static const char *login(const char *name, const char *password, const char *edition,
                         unsigned duration)
{
    static char buf[2048];
    snprintf(buf, sizeof(buf),
             "<?xml version=\"1.0\"?>\n<StartApplicationSession "
             "xmlns=\"http://www.ecma-international.org/standards/ecma-354/appl_session\">"
             "<applicationInfo><applicationID>test</applicationID><applicationSpecificInfo>"
             "<x:SessionLoginInfo xmlns:x=\"urn:x\"><x:userName>%s</x:userName>"
             "<x:password>%s</x:password></x:SessionLoginInfo></applicationSpecificInfo>"
             "</applicationInfo><requestedProtocolVersions><protocolVersion>%s"
             "</protocolVersion></requestedProtocolVersions>"
             "<requestedSessionDuration>%u</requestedSessionDuration>"
             "</StartApplicationSession>",
             name, password, edition, duration);
    return buf;
}

/** What stands in <name>. */
static const char *value(const char *xml, const char *name)
{
    static char buf[128];
    char open[64];
    snprintf(open, sizeof(open), "<%s>", name);
    const char *at = strstr(xml, open);
    buf[0] = '\0';
    if (CHECK(at != NULL)) {
        snprintf(buf, sizeof(buf), "%.*s", (int)strcspn(at + strlen(open), "<"),
                 at + strlen(open));
    }
    return buf;
}

/** Connected, and with a session as crm. @return its sessionID */
static const char *start(struct client *c)
{
    static char id[64];
    connect(c);
    ask(c, 1, login("crm", "pwcrm", ED("3"), 300));
    snprintf(id, sizeof(id), "%s",
             value(hear(c, 1, "<StartApplicationSessionPosResponse "), "sessionID"));
    return id;
}

static const char *on_session(const char *what, const char *id, const char *more)
{
    static char buf[512];
    snprintf(buf, sizeof(buf),
             "<%s xmlns=\"http://www.ecma-international.org/standards/ecma-354/appl_session\">"
             "<sessionID>%s</sessionID>%s</%s>",
             what, id, more, what);
    return buf;
}

/* ---- the world ---- */

static void tweak(struct world *to)
{
    static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};
    eltex = (struct application){
        .name = STR("p.city"), .secret.password = STR("1234"), .scopes = all, .scope_count = 1};
    hosted = (struct application){.name = STR("recorder"),
                                  .scopes = all,
                                  .scope_count = 1,
                                  .max_sessions = 1,
                                  .hosts = &host,
                                  .host_count = 1};
    CHECK(addr_parse(STR("10.0.44.3"), &host));
    CHECK_INT(directory_add_application(&to->directory, &eltex), 0);
    CHECK_INT(directory_add_application(&to->directory, &hosted), 0);
    to->config.store = keeps ? &keep.ops : NULL;
    to->config.cti.max_unsent = 20;
    to->config.cti.back_in_service_on_monitor = false;
    to->config.cti.max_connections = 2;
}

static void up(void)
{
    static const char *const ip[CLIENTS] = {"10.0.44.1", "10.0.44.2", "10.0.44.3"};
    world_up(&w, &(struct world_options){.tweak = tweak, .no_apps = true});
    for (size_t i = 0; i < CLIENTS; i++) {
        client[i] = (struct client){0};
        vnet_add(&w.net, &client[i].node, "tcp-client", ip[i], &mem_libc, &user, &client[i]);
    }
}

static void down(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        vnet_close(&w.net, &client[i].node, &w.node);
    }
    world_run(&w, 100);
    CHECK_INT(world_stat(&w, "csta_connections"), 0);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    world_down(&w);
    for (size_t i = 0; i < CLIENTS; i++) {
        free(client[i].in);
        for (size_t k = 0; k < client[i].last; k++) {
            free(client[i].heard[k].xml);
        }
    }
}

/* ---- application sessions ---- */

static void test_start(void)
{
    struct client *c = &client[0];
    up();
    connect(c);
    ask(c, 17, login("crm", "pwcrm", ED("4"), 600));
    const char *xml = hear(c, 17, "<StartApplicationSessionPosResponse ");
    CHECK_STR(str_c(value(xml, "actualProtocolVersion")), ED("4"));
    CHECK_STR(str_c(value(xml, "actualSessionDuration")), "600");
    CHECK(strstr(xml, "xmlns=\"http://www.ecma-international.org/standards/ecma-354/"
                      "appl_session\"") != NULL);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    ask(c, 9998, STATUS("4"));
    xml = hear(c, 9998, "<RequestSystemStatusResponse xmlns=\"" ED("4") "\">");
    CHECK(strstr(xml, "<systemStatus>normal</systemStatus>") != NULL);
    /* one at a time */
    ask(c, 18, login("crm", "pwcrm", ED("3"), 600));
    hear(c, 18, "<definedError>maxNumberSessions</definedError>");
    hear_nothing(c);
    CHECK(!c->closed);
    down();
}

/** Over TCP too an application that may only observe is refused what commands. */
static void test_observe_only(void)
{
    static const struct access_scope sees[] = {{STR_INIT("*"), ACCESS_OBSERVE}};
    struct client *c = &client[0];
    up();
    eltex.scopes = sees;
    connect(c);
    ask(c, 1, login("p.city", "1234", ED("4"), 600));
    hear(c, 1, "PosResponse");
    ask(c, 2, WATCH("4", "1001"));
    hear(c, 2, "<MonitorStartResponse");
    ask(c, 3,
        "<MakeCall xmlns=\"" ED(
            "4") "\"><callingDevice>1001</callingDevice>"
                 "<calledDirectoryNumber>1002</calledDirectoryNumber></MakeCall>");
    hear(c, 3, "<operation>privilegeViolationSpecifiedDevice</operation>");
    hear_nothing(c);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    CHECK_STR(str_c(w.audited), "application:p.city sip:1001@example.com MakeCall over TCP: "
                                "operation/privilegeViolationSpecifiedDevice");
    down();
}

/** As Eltex writes it in its documentation, and an OpenScape client without a password. */
static void test_start_as_others_write_it(void)
{
    static const char eltex_start[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
        "<StartApplicationSession xmlns=\"http://www.ecma-international.org/standards/ecma-354/"
        "appl_session\" xmlns:ns1=\"http://www.eltex.org/csta\">\n    <applicationInfo>\n"
        "        <applicationID>Eltex ECSS-10 CSTA adapter</applicationID>\n"
        "        <applicationSpecificInfo>\n            <ns1:SessionLoginInfo "
        "xmlns:ns1=\"http://www.eltex.org/csta\">\n"
        "                <ns1:userName>p.city</ns1:userName>\n"
        "                <ns1:password>1234</ns1:password>\n            </ns1:SessionLoginInfo>\n"
        "        </applicationSpecificInfo>\n    </applicationInfo>\n"
        "    <requestedProtocolVersions>\n        <protocolVersion>" ED(
            "3") "</protocolVersion>\n    </requestedProtocolVersions>\n"
                 "    <requestedSessionDuration>300</requestedSessionDuration>\n"
                 "</StartApplicationSession>\n";
    static const char openscape[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<StartApplicationSession>\n"
        "   <applicationInfo>\n      <applicationID>pythontsm</applicationID>\n"
        "   </applicationInfo>\n   <requestedProtocolVersions>\n      <protocolVersion>" ED(
            "4") "</protocolVersion>\n   </requestedProtocolVersions>\n"
                 "   <requestedSessionDuration>600</requestedSessionDuration>\n"
                 "</StartApplicationSession>";
    up();
    connect(&client[0]);
    ask(&client[0], 1, eltex_start);
    CHECK_STR(str_c(value(hear(&client[0], 1, "PosResponse"), "actualSessionDuration")), "300");
    connect(&client[2]);
    ask(&client[2], 1, openscape);
    CHECK_STR(str_c(value(hear(&client[2], 1, "PosResponse"), "actualProtocolVersion")),
              ED("4"));
    vnet_close(&w.net, &client[2].node, &w.node);
    world_run(&w, 100);
    /* from elsewhere it needs a password */
    connect(&client[1]);
    ask(&client[1], 1, openscape);
    hear(&client[1], 1, "<definedError>invalidApplicationInfo</definedError>");
    CHECK(client[1].closed);
    down();
}

static void test_refused(void)
{
    static const struct {
        const char *name, *password, *version, *error;
        bool closed;
    } table[] = {
        {"crm", "pwCRM", ED("3"), "invalidApplicationInfo", true},
        {"crm", "", ED("3"), "invalidApplicationInfo", true},
        {"nobody", "pwcrm", ED("3"), "invalidApplicationInfo", true},
        {"1001", "pw1001", ED("3"), "invalidApplicationInfo", true},
        {"recorder", "nobody's one", ED("3"), "invalidApplicationInfo", true},
        {"crm", "pwcrm", "urn:other", "requestedProtocolVersionNotSupported", false},
    };
    up();
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct client *c = &client[0];
        connect(c);
        ask(c, 5, login(table[i].name, table[i].password, table[i].version, 300));
        hear(c, 5, "<StartApplicationSessionNegResponse ");
        c->first--;
        hear(c, 5, table[i].error);
        CHECK_INT(c->closed, table[i].closed);
        vnet_close(&w.net, &c->node, &w.node);
        world_run(&w, 20);
    }
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    CHECK_INT(world_stat(&w, "auth_failed"), 5);
    down();
}

static void test_reset_stop(void)
{
    struct client *c = &client[0];
    up();
    const char *id = start(c);
    ask(c, 2, on_session("ResetApplicationSessionTimer", "other", ""));
    hear(c, 2, "<ResetApplicationSessionTimerNegResponse ");
    world_run(&w, 290000);
    ask(c, 3,
        on_session("ResetApplicationSessionTimer", id,
                   "<requestedSessionDuration>60</requestedSessionDuration>"));
    CHECK_STR(str_c(value(hear(c, 3, "<ResetApplicationSessionTimerPosResponse "),
                          "actualSessionDuration")),
              "60");
    world_run(&w, 50000);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    ask(c, 4, on_session("StopApplicationSession", "x", ""));
    hear(c, 4, "<definedError>invalidSessionID</definedError>");
    ask(c, 5,
        on_session("StopApplicationSession", id,
                   "<sessionEndReason><definedEndReason>normal</definedEndReason>"
                   "</sessionEndReason>"));
    hear(c, 5, "<StopApplicationSessionPosResponse ");
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    /* the connection can be used again, for a while */
    ask(c, 6, login("crm", "pwcrm", ED("3"), 0));
    CHECK_STR(str_c(value(hear(c, 6, "PosResponse"), "actualSessionDuration")), "300");
    world_run(&w, 300000);
    hear(c, 9999, "<ApplicationSessionTerminated ");
    c->first--;
    hear(c, 9999, "<definedTermReason>sessionTimerExpired</definedTermReason>");
    CHECK(c->closed);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    down();
}

static void test_silence(void)
{
    up();
    connect(&client[0]);
    send_octets(&client[0], STR_NONE);
    send_octets(&client[0], str_make("\0\0", 2)); /* half a header */
    world_run(&w, 9000);
    CHECK(!client[0].closed);
    world_run(&w, 2000);
    CHECK(client[0].closed);
    down();
}

/* ---- implicit association ---- */

/** Known by its address, and under another one's name: that is nobody. */
static void test_no_other_name(void)
{
    static const char without[] =
        "<StartApplicationSession xmlns=\"http://www.ecma-international.org/standards/ecma-354/"
        "appl_session\"><applicationInfo><applicationID>x</applicationID>"
        "<applicationSpecificInfo><userName>%s</userName></applicationSpecificInfo>"
        "</applicationInfo><requestedProtocolVersions><protocolVersion>" ED(
            "3") "</protocolVersion></requestedProtocolVersions></StartApplicationSession>";
    char text[1024];
    up();
    connect(&client[2]);
    snprintf(text, sizeof(text), without, "recorder");
    ask(&client[2], 1, text);
    hear(&client[2], 1, "<StartApplicationSessionPosResponse ");
    vnet_close(&w.net, &client[2].node, &w.node);
    world_run(&w, 100);
    connect(&client[2]);
    snprintf(text, sizeof(text), without, "crm");
    ask(&client[2], 1, text);
    hear(&client[2], 1, "<definedError>invalidApplicationInfo</definedError>");
    CHECK(client[2].closed);
    down();
}

static void test_implicit(void)
{
    up();
    connect(&client[0]);
    ask(&client[0], 1, STATUS("3"));
    hear(&client[0], 1, "<operation>securityViolation</operation>");
    CHECK(client[0].closed);
    connect(&client[2]); /* whose address is known */
    ask(&client[2], 1, STATUS("5"));
    hear(&client[2], 1, "<RequestSystemStatusResponse xmlns=\"" ED("5") "\">");
    world_run(&w, 3600000); /* no timer */
    ask(&client[2], 2, WATCH("5", "1001"));
    hear(&client[2], 2, "<MonitorStartResponse ");
    CHECK(!client[2].closed);
    down();
}

/* ---- requests and events ---- */

static void test_events(void)
{
    static const char *const ns[] = {"http://www.ecma.ch/standards/ecma-323/csta/ed2", ED("3"),
                                     ED("4"), ED("5"), ED("6")};
    struct client *c = &client[0];
    char text[512];
    up();
    start(c);
    for (size_t i = 0; i < ARRAY_LEN(ns); i++) {
        snprintf(text, sizeof(text),
                 "<p:MonitorStart xmlns:p=\"%s\"><p:monitorObject><p:deviceObject>1001"
                 "</p:deviceObject></p:monitorObject></p:MonitorStart>",
                 ns[i]);
        ask(c, 10 + (unsigned)i, text);
        snprintf(text, sizeof(text), "<MonitorStartResponse xmlns=\"%s\">", ns[i]);
        hear(c, 10 + (unsigned)i, text);
    }
    CHECK(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    world_run(&w, 300);
    for (size_t i = 0; i < ARRAY_LEN(ns); i++) {
        snprintf(text, sizeof(text), "<DeliveredEvent xmlns=\"%s\">", ns[i]);
        hear(c, 9999, text);
    }
    hear_nothing(c);
    ask(c, 77,
        "<AnswerCall xmlns=\"" ED("3") "\"><callToBeAnswered><deviceID>1001</deviceID>"
                                       "</callToBeAnswered></AnswerCall>");
    world_run(&w, 500);
    size_t answers = 0;
    while (c->first < c->last) {
        answers += c->heard[c->first++].invoke == 77;
    }
    CHECK_INT(answers, 1);
    down();
}

static void test_make_call(void)
{
    struct client *c = &client[0];
    up();
    start(c);
    ask(c, 2, WATCH("3", "1001"));
    hear(c, 2, "MonitorStartResponse");
    ask(c, 3,
        "<MakeCall xmlns=\"" ED("3") "\"><callingDevice>1001</callingDevice>"
                                     "<calledDirectoryNumber>1002</calledDirectoryNumber>"
                                     "<autoOriginate>doNotPrompt</autoOriginate></MakeCall>");
    world_run(&w, 500);
    hear(c, 3, "<MakeCallResponse "); /* before its events */
    hear(c, 9999, "Event ");
    down();
}

static void test_wrong(void)
{
    struct client *c = &client[0];
    up();
    start(c);
    ask(c, 2, "<MakeCall");
    hear(c, 2, "<CSTAErrorCode xmlns=\"" ED("3") "\"><operation>generic</operation>");
    ask(c, 3, "<Nonsense xmlns=\"" ED("6") "\"/>");
    hear(c, 3, "<CSTAErrorCode xmlns=\"" ED("6") "\"><operation>serviceNotSupported<");
    ask(c, 4, "");
    hear(c, 4, "<CSTAErrorCode ");
    ask(c, 5, WATCH("3", "4711"));
    hear(c, 5, "<operation>invalidDeviceID</operation>");
    ask(c, 6, "<MonitorStopResponse xmlns=\"" ED("3") "\"/>"); /* nobody asked */
    hear_nothing(c);
    CHECK(!c->closed);
    send_octets(c, STR("INVITE sip:x SIP/2.0"));
    CHECK(c->closed);
    CHECK_INT(world_stat(&w, "csta_unframed"), 1);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    down();
}

/** However TCP cuts it. */
static void test_pieces(void)
{
    struct client *c = &client[0];
    char two[1024];
    up();
    start(c);
    struct str one = frame(2, STATUS("3"));
    size_t n = one.n;
    memcpy(two, one.p, n);
    memcpy(two + n, frame(3, STATUS("3")).p, n);
    for (size_t cut = 1; cut < 2 * n; cut += 7) {
        send_octets(c, str_make(two, cut));
        send_octets(c, str_make(two + cut, 2 * n - cut));
        hear(c, 2, "Response");
        hear(c, 3, "Response");
        for (size_t k = 0; k < c->last; k++) {
            free(c->heard[k].xml);
        }
        c->first = c->last = 0;
    }
    down();
}

/** Who does not read costs nothing but his place in the journal, and loses it in the end. */
static void test_slow_reader(void)
{
    struct client *c = &client[0];
    up();
    start(c);
    ask(c, 2, WATCH("3", "1001"));
    hear(c, 2, "MonitorStartResponse");
    w.node.queued = 100000;
    CHECK(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    hear_nothing(c);
    CHECK_INT(world_stat(&w, "csta_events_sent"), 0);
    w.node.queued = 0;
    world_run(&w, 200);
    hear(c, 9999, "<DeliveredEvent ");
    hear_nothing(c);
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 500);
    w.node.queued = 100000;
    for (size_t i = 0; i < 12 && !c->closed; i++) {
        CHECK(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
        world_run(&w, 500);
        phone_hang_up(PHONE(&w, 1), STR_NONE);
        world_run(&w, 500);
    }
    CHECK(c->closed);
    CHECK_INT(world_stat(&w, "csta_gaps"), 1);
    CHECK(strstr(c->heard[c->last - 1].xml, "<serverTermReason>messagesLost<") != NULL);
    w.node.queued = 0;
    down();
}

static void test_limits(void)
{
    up();
    start(&client[0]);
    connect(&client[2]);
    ask(&client[2], 1, STATUS("3"));
    hear(&client[2], 1, "Response");
    connect(&client[1]); /* one more than there may be */
    ask(&client[1], 1, login("crm", "pwcrm", ED("3"), 300));
    hear_nothing(&client[1]);
    CHECK(client[1].closed);
    vnet_close(&w.net, &client[0].node, &w.node);
    world_run(&w, 100);
    connect(&client[1]);
    ask(&client[1], 1, login("crm", "pwcrm", ED("3"), 300));
    hear(&client[1], 1, "PosResponse");
    down();
}

static void test_server_stops(void)
{
    up();
    start(&client[0]);
    connect(&client[2]);
    ask(&client[2], 1, STATUS("3"));
    hear(&client[2], 1, "Response");
    engine_stop(w.engine, w.net.now_ms);
    world_run(&w, 100);
    hear(&client[0], 9999, "<serverTermReason>serverStops</serverTermReason>");
    CHECK(client[0].closed && client[2].closed);
    down();
}

/** Whatever allocation fails, a request is answered or the connection ends. */
static void test_memory(void)
{
    struct client *c = &client[0];
    for (size_t at = 1; at < 120; at++) {
        up();
        start(c);
        size_t before = c->last;
        w.mem.fail_at = w.mem.calls + at;
        ask(c, 2, WATCH("3", "1001"));
        CHECK(c->last > before || c->closed);
        bool reached = w.mem.calls >= w.mem.fail_at;
        w.mem.fail_at = 0;
        down();
        if (!reached) {
            break;
        }
    }
}

/* ---- another process ---- */

/** A session with a monitor, handed over; the engine is gone. */
static void hand_over(void)
{
    keep_init(&keep);
    keeps = true;
    up();
    start(&client[0]);
    ask(&client[0], 2, WATCH("3", "1001"));
    hear(&client[0], 2, "MonitorStartResponse");
    CHECK_INT(keep_count(&keep, STORE_SESSION), 0); /* while it runs it costs nothing */
    engine_keep_connections(w.engine);
    CHECK_INT(keep_count(&keep, STORE_SESSION), 2);
    world_restart(&w);
    world_run(&w, 10);
    engine_restore_head(w.engine, 0,
                        keep.events > 0 ? keep.event[keep.events - 1].e.number : 0);
}

static void taken_over(void)
{
    down();
    keep_fini(&keep);
    keeps = false;
}

/** As the socket tells it there: the address as it stands in the row. Before that is given. */
static struct hop adopted(void)
{
    struct hop hop = {.flow = 77, .transport = TP_TCP};
    for (size_t i = 0; i < keep.rows; i++) {
        const struct kept_row *r = &keep.row[i];
        if (r->kind == STORE_SESSION && memchr(r->key, '/', r->key_n) == NULL) {
            struct unpack u = unpack_of(str_make(r->value, r->value_n));
            CHECK_INT(unpack_number(&u), 2);
            CHECK_STR(unpack_str(&u), "crm");
            unpack_addr(&u, &hop.remote);
        }
    }
    return hop;
}

static void test_sessions_go_on_with_their_connection(void)
{
    hand_over();
    struct hop hop = adopted();
    keep_give(&w, &keep);
    engine_adopted(w.engine, &hop);
    engine_restored(w.engine, w.net.now_ms);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    CHECK_INT(world_stat(&w, "csta_connections"), 1);
    CHECK_INT(keep_count(&keep, STORE_SESSION), 0); /* for once */
    engine_flow_closed(w.engine, 77, w.net.now_ms);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    taken_over();
}

/** No socket has come along, or another one: nothing is left of it. */
static void test_sessions_end_without_their_connection(void)
{
    for (int other = 0; other < 2; other++) {
        hand_over();
        struct hop hop = adopted();
        keep_give(&w, &keep);
        hop.remote.port++;
        if (other != 0) {
            engine_adopted(w.engine, &hop);
        }
        CHECK_INT(world_stat(&w, "csta_sessions"), 1);
        engine_restored(w.engine, w.net.now_ms);
        CHECK_INT(world_stat(&w, "csta_sessions"), 0);
        CHECK_INT(world_stat(&w, "csta_monitors"), 0);
        CHECK_INT(world_stat(&w, "csta_connections"), 0);
        CHECK_INT(keep_count(&keep, STORE_SESSION), 0);
        taken_over();
    }
}

/** Rows that were cut, and memory that is out: dropped, and nothing is left. */
static void test_sessions_from_bad_rows(void)
{
    hand_over();
    for (size_t i = 0; i < keep.rows; i++) {
        const struct kept_row *r = &keep.row[i];
        if (r->kind != STORE_SESSION || memchr(r->key, '/', r->key_n) != NULL) {
            continue;
        }
        struct str key = str_make(strndup(r->key, r->key_n), r->key_n);
        struct str row = str_make(test_guard(str_make(r->value, r->value_n)).p, r->value_n);
        for (size_t n = 0; n < row.n; n++) {
            struct str cut = test_guard(str_upto(row, n));
            engine_restore_row(w.engine, STORE_SESSION, key, cut, w.net.now_ms);
            test_guard_free(cut);
        }
        CHECK_INT(world_stat(&w, "store_not_restored"), row.n);
        CHECK_INT(world_stat(&w, "csta_connections"), 0);
        test_guard_free(row);
        free((void *)(uintptr_t)key.p);
        break;
    }
    engine_restored(w.engine, w.net.now_ms);
    taken_over();
    bool whole = false;
    for (size_t at = 1; at < 200 && !whole; at++) {
        hand_over();
        size_t before = w.mem.calls;
        w.mem.fail_at = before + at;
        struct hop hop = adopted();
        keep_give(&w, &keep);
        engine_adopted(w.engine, &hop);
        engine_restored(w.engine, w.net.now_ms);
        whole = w.mem.calls < w.mem.fail_at;
        w.mem.fail_at = 0;
        CHECK(!whole || world_stat(&w, "csta_monitors") == 1);
        engine_flow_closed(w.engine, 77, w.net.now_ms);
        taken_over();
    }
    CHECK(whole);
}

TEST_MAIN(T(test_sessions_go_on_with_their_connection),
          T(test_sessions_end_without_their_connection), T(test_sessions_from_bad_rows),
          T(test_start), T(test_observe_only), T(test_start_as_others_write_it),
          T(test_refused), T(test_reset_stop), T(test_silence), T(test_no_other_name),
          T(test_implicit), T(test_events), T(test_make_call), T(test_wrong), T(test_pieces),
          T(test_slow_reader), T(test_limits), T(test_server_stops), T(test_memory))
