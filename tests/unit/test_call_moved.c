/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call in its set-up that goes to somebody else, by forwarding, deflection or redirection:
 * the caller hears 181, the new party what happened, and nothing that a plan has changed is
 * lost. Devices 1001 to 1003 at 10.0.0.1 to .3.
 */
#include "fixture_call.h"
#include "history/history.h"

#include <stdio.h>

static struct trio w;

static void run(void)
{
    vnet_run_for(&w.net, 100);
}

/** All lines of a header in the last message that a station heard, " | " between. */
static const char *lines_of(unsigned i, enum sip_hdr_id id)
{
    static char text[2048];
    const struct sip_msg *m = &w.s[i].last->m;
    size_t n = 0;
    text[0] = '\0';
    for (const struct sip_hdr *h = sip_msg_line(m, id); h != NULL;
         h = sip_msg_next_line(m, h)) {
        struct str v = sip_hdr_value(m, h);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n > 0 ? " | " : "",
                              STR_ARG(v));
    }
    return text;
}

static void dial(const char *lines)
{
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, str_c(lines));
    run();
}

static void respond(unsigned i, unsigned status, const char *lines)
{
    REQUIRE(w.s[i].leg != NULL);
    CHECK_INT(leg_respond(w.s[i].leg, NULL, status, STR_NONE,
                          &(struct leg_content){.lines = str_c(lines)}, w.net.now_ms),
              0);
    run();
}

static void deflect(void)
{
    respond(1, 180, "");
    CHECK_INT(call_deflect(exchange_connection(&w.x, 1), STR("1003"), STR_NONE, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    run();
}

static void forward(unsigned type)
{
    CHECK_INT(call_set_forward(&w.x.calls, &w.x.device[1], (enum forward_type)type, true,
                               STR("1003"), 0, w.net.now_ms),
              0);
}

static void redirect(const char *headers)
{
    char line[1024];
    (void)snprintf(line, sizeof(line), "Contact: <sip:1003@example.com%s>\r\n", headers);
    respond(1, 302, line);
}

static void down(void)
{
    w.x.plan = NULL;
    call_clear_features(&w.x.calls, &w.x.device[1]);
    for (int i = 0; i < 3; i++) {
        if (w.s[i].leg != NULL) {
            leg_end(w.s[i].leg, 0, NULL, NULL, NULL, w.net.now_ms);
        }
        run();
    }
    trio_down(&w);
}

/* ---- 181 ---- */

static void test_immediately(void)
{
    trio_up(&w, 1);
    forward(FORWARD_IMMEDIATE);
    dial("");
    CHECK(strstr(w.s[1].log, "call") == NULL);
    CHECK_STR(str_c(w.s[0].log), "181");
    char *text = strdup(lines_of(2, SIP_HDR_HISTORY_INFO));
    CHECK(str_starts(str_c(text), STR("<sip:1002@example.com>;index=1 | "
                                      "<sip:1003@example.com;cause=302>;index=1.1;mp=1 | ")));
    free(text);
    /* who rings answers in the dialog that the 181 began */
    struct str tag = sip_msg_tag(&w.s[0].last->m, SIP_HDR_TO);
    char first[64];
    (void)snprintf(first, sizeof(first), "%.*s", STR_ARG(tag));
    trio_ring_and_answer(&w, 2, SDP_B);
    CHECK_STR(sip_msg_tag(&w.s[0].last->m, SIP_HDR_TO), first);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    down();
}

static void test_busy_with_history(void)
{
    trio_up(&w, 2);
    forward(FORWARD_BUSY);
    dial("Supported: histinfo\r\n");
    respond(1, 486, "");
    CHECK_INT(w.s[0].last->m.status, 181);
    const char *text = lines_of(0, SIP_HDR_HISTORY_INFO);
    CHECK_INT(test_count(text, "?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1 | "), 1);
    CHECK(str_ends(str_c(text), STR("<sip:1003@example.com;cause=486>;index=1.2;mp=1")));
    down();
}

static void test_deflected_and_redirected(void)
{
    trio_up(&w, 3);
    dial("");
    deflect();
    CHECK_STR(str_c(w.s[0].log), "180 181");
    respond(2, 180, "");
    CHECK_STR(str_c(w.s[0].log), "180 181 180");
    down();
    trio_up(&w, 4);
    dial("");
    redirect("");
    CHECK_STR(str_c(w.s[0].log), "181");
    down();
}

/** One who wants every provisional response acknowledged gets none that is not. */
static void test_only_reliable(void)
{
    trio_up(&w, 5);
    forward(FORWARD_IMMEDIATE);
    dial("Require: 100rel\r\n");
    REQUIRE(w.s[2].leg != NULL);
    CHECK_STR(str_c(w.s[0].log), "");
    down();
}

/* ---- what a plan has changed ---- */

static void test_plan_is_kept(void)
{
    const struct destination to = {
        .device = &w.x.device[1], .id = STR("sip:1002@example.com"), .number = STR("1002")};
    const struct call_plan plan = {.to = &to,
                                   .count = 1,
                                   .from = STR("<sip:+49301001@example.com>"),
                                   .lines = STR("X-Tenant: blue\r\n")};
    for (unsigned how = 0; how < 4; how++) {
        trio_up(&w, 10 + how);
        if (how >= 2) {
            forward(how == 2 ? FORWARD_IMMEDIATE : FORWARD_BUSY);
        }
        w.x.plan = &plan;
        dial("");
        w.x.plan = NULL;
        if (how == 0) {
            deflect();
        } else if (how == 1) {
            redirect("?Subject=new");
            CHECK_STR(str_c(lines_of(2, SIP_HDR_SUBJECT)), "new");
        } else if (how == 3) {
            respond(1, 486, "");
        }
        REQUIRE(w.s[2].leg != NULL);
        CHECK(str_starts(sip_msg_value(&w.s[2].last->m, SIP_HDR_FROM),
                         STR("<sip:+49301001@example.com>;tag=")));
        CHECK_STR(station_last(&w.s[2], "X-Tenant"), "blue");
        down();
    }
}

/* ---- calls that Baton makes ---- */

static void make(void)
{
    struct connection *conn;
    CHECK_INT(call_make(&w.x.calls,
                        &(struct call_make){.from = &w.x.device[0], .to = STR("1002")}, &conn,
                        w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    run();
    CHECK_STR(str_c(lines_of(0, SIP_HDR_HISTORY_INFO)), ""); /* not to whom it comes from */
    CHECK_INT(station_respond(&w.s[0], 200, SDP_A), 0);
    run();
}

/** Its history begins with whom it was for. */
static void test_made_and_moved(void)
{
    static const struct {
        const char *entry;
        const char *reason;
    } rows[] = {
        {"<sip:1003@example.com;cause=487>;index=1.1;mp=1 | ", ""},
        {"<sip:1003@example.com;cause=302>;index=1.1 | ", ""},
        {"<sip:1003@example.com;cause=302>;index=1.1;mp=1 | ", ""},
        {"<sip:1003@example.com;cause=486>;index=1.1;mp=1 | ", ""},
    };
    for (unsigned how = 0; how < ARRAY_LEN(rows); how++) {
        trio_up(&w, 20 + how);
        if (how >= 2) {
            forward(how == 2 ? FORWARD_IMMEDIATE : FORWARD_BUSY);
        }
        make();
        if (how == 0) {
            deflect();
        } else if (how == 1) {
            redirect("");
        } else if (how == 3) {
            respond(1, 486, "");
        }
        REQUIRE(w.s[2].leg != NULL);
        const char *text = lines_of(2, SIP_HDR_HISTORY_INFO);
        CHECK(str_starts(str_c(text), STR("<sip:1002@example.com>;index=1 | ")));
        CHECK_INT(test_count(text, rows[how].entry), 1);
        CHECK(str_ends(str_c(text), STR(">;index=1.1.1;rc=1.1")));
        down();
    }
}

/** Where every request is to have one: with the attempt that was refused, and why. */
static void test_made_with_history(void)
{
    trio_up(&w, 30);
    w.x.calls.config.policy.history = HISTORY_WRITE;
    forward(FORWARD_BUSY);
    make();
    CHECK_INT(test_count(lines_of(1, SIP_HDR_HISTORY_INFO), ";index="), 2);
    respond(1, 486, "");
    REQUIRE(w.s[2].leg != NULL);
    const char *text = lines_of(2, SIP_HDR_HISTORY_INFO);
    CHECK_INT(test_count(text, "?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1 | "), 1);
    CHECK_INT(test_count(text, "<sip:1003@example.com;cause=486>;index=1.2;mp=1 | "), 1);
    down();
}

/* ---- what others write into URIs ---- */

/** A URI asserts nobody, takes no privacy back, and does not tell where the call has been. */
static void test_embedded_identities(void)
{
    static const char evil[] =
        "?P-Asserted-Identity=%3Csip:boss%40example.com%3E"
        "&P-Preferred-Identity=%3Csip:boss%40example.com%3E&Privacy=none"
        "&Remote-Party-ID=%3Csip:boss%40example.com%3E&P-Asserted-Service=x&Identity=y"
        "&History-Info=%3Csip:boss%40example.com%3E%3Bindex%3D1"
        "&Diversion=%3Csip:boss%40example.com%3E&Subject=ok";
    char line[1024];
    trio_up(&w, 40);
    w.x.calls.config.policy.diversion = DIVERSION_PASS;
    dial("Privacy: id\r\n");
    redirect(evil);
    REQUIRE(w.s[2].leg != NULL);
    CHECK_STR(str_c(lines_of(2, SIP_HDR_SUBJECT)), "ok");
    CHECK(str_find(str_make(w.s[2].last->m.buf, w.s[2].last->m.head_len), STR("boss")) ==
          w.s[2].last->m.head_len);
    down();
    trio_up(&w, 41);
    CHECK(trio_talk(&w));
    (void)snprintf(line, sizeof(line), "Refer-To: <sip:1003@example.com%s>\r\n", evil);
    struct leg_content content = {.lines = str_c(line)};
    CHECK_INT(leg_send(w.s[1].leg, NULL, STR("REFER"), &content, station_listen, &w.s[1], NULL,
                       w.net.now_ms),
              0);
    run();
    CHECK_INT(w.s[1].last_status, 202);
    REQUIRE(w.s[2].leg != NULL);
    CHECK_STR(str_c(lines_of(2, SIP_HDR_SUBJECT)), "ok");
    CHECK_STR(str_c(lines_of(2, SIP_HDR_PRIVACY)), "");
    CHECK(str_find(str_make(w.s[2].last->m.buf, w.s[2].last->m.head_len), STR("boss")) ==
          w.s[2].last->m.head_len);
    down();
}

TEST_MAIN(T(test_immediately), T(test_busy_with_history), T(test_deflected_and_redirected),
          T(test_only_reliable), T(test_plan_is_kept), T(test_made_and_moved),
          T(test_made_with_history), T(test_embedded_identities))
