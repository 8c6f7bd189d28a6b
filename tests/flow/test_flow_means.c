/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Means besides the session: NOTIFY with CSTA to a phone that takes it so, keys over HTTP, and
 * that every errand has one outcome, whatever becomes of it.
 */
#include "base/err.h"
#include "fetch.h"
#include "phone/means.h"
#include "uaphone.h"

#include <stdio.h>

static struct vnet net;
static struct station s; /**< where the carrier stands */
static struct uaphone u;
static struct phone_carrier c;
static struct phone_profile profile;

/** What came of the last errand. */
static struct {
    size_t times;
    unsigned status;
    char csta[2048];
} outcome;

static void heard(void *owner, unsigned status, struct str csta, uint64_t now_ms)
{
    CHECK(owner == &outcome);
    CHECK_INT(now_ms, net.now_ms);
    outcome.times++;
    outcome.status = status;
    (void)snprintf(outcome.csta, sizeof(outcome.csta), "%.*s", STR_ARG(csta));
}

static void up(const struct phone_profile *p, unsigned odd, uint32_t max)
{
    profile = *p;
    memset(&outcome, 0, sizeof(outcome));
    vnet_init(&net, 1);
    station_up(&s, &net, "server", "10.0.0.1", NULL);
    fetch_keep(&s.node.env);
    uaphone_up(&u, &net, &s.node, "u", "10.0.1.1", "1001", "pw1001", TP_UDP, &profile, NULL,
               odd);
    phone_carrier_init(&c, &s.node.env, &s.txn, &s.arena, STR("baton"), max);
}

static void down(void)
{
    vnet_run_quiet(&net, 200000);
    CHECK_INT(c.count, 0);
    phone_carrier_fini(&c);
    uaphone_down(&u);
    station_check_empty(&s);
    station_down(&s);
    vnet_fini(&net);
}

static struct phone_profile openstage(void)
{
    struct phone_profile p = phone_profile_generic;
    p.means = PHONE_MEANS_NOTIFY;
    p.own_events = false;
    p.name_form = PHONE_NAME_USER;
    p.quirks = PHONE_QUIRK_DEVICE_ONLY;
    return p;
}

static struct phone_way way_by(enum transport transport)
{
    static struct addr source;
    source = vnet_hop(&u.p.s.node, transport).remote;
    return (struct phone_way){.request_uri = STR("sip:1001@10.0.1.1"),
                              .routes = STR(""),
                              .uri = STR("sip:1001@example.com"),
                              .target = {.hop = vnet_hop(&u.p.s.node, transport)},
                              .source = &source};
}

/** @return of the means that takes it, or E_UNSUPPORTED */
static int send_by(const struct csta_msg *msg, enum transport transport,
                   struct phone_errand **out)
{
    const struct phone_means_ops *means = phone_means_for(&profile, msg);
    struct phone_way way = way_by(transport);
    char xml[2048];
    struct out o;
    if (means == NULL) {
        return E_UNSUPPORTED;
    }
    out_init(&o, xml, sizeof(xml));
    CHECK_INT(csta_encode(msg, profile.edition, &o), 0);
    int err =
        means->send(&c, &way, &profile, msg, out_str_of(&o), heard, &outcome, out, net.now_ms);
    arena_reset(&s.arena);
    return err;
}

static int answer_call(struct phone_errand **out)
{
    const struct csta_answer_call body = {
        .call_to_be_answered = {.call_id = STR(""), .device_id = {.value = STR("1001")}}};
    return send_by(&(struct csta_msg){.id = CSTA_MSG_ANSWER_CALL, .answer_call = &body}, TP_UDP,
                   out);
}

static void test_notify(void)
{
    struct phone_profile p = openstage();
    up(&p, 0, 0);
    (void)uaphone_rings(&u, "4711");
    CHECK_INT(answer_call(NULL), 0);
    CHECK_INT(outcome.times, 0); /* never from inside */
    vnet_run_for(&net, 100);
    CHECK_INT(outcome.times, 1);
    CHECK_INT(outcome.status, 200);
    CHECK(strstr(outcome.csta, "<AnswerCallResponse") != NULL);
    CHECK(uaphone_find(&u, UACALL_TALKING) != NULL);

    CHECK_INT(answer_call(NULL), 0); /* there is none to be answered any more */
    vnet_run_for(&net, 100);
    CHECK_INT(outcome.status, 200);
    CHECK(strstr(outcome.csta, "<operation>invalidConnectionID</operation>") != NULL);
    CHECK_INT(c.sent, 2);
    CHECK_INT(c.answered, 2);
    CHECK_STR(str_c(u.heard), "AnswerCall AnswerCall");
    down();
}

static void test_silence_and_refusal(void)
{
    struct phone_profile p = openstage();
    up(&p, UAPHONE_MUTE, 0);
    CHECK_INT(answer_call(NULL), 0);
    vnet_run_for(&net, 31000);
    CHECK_INT(outcome.times, 0);
    vnet_run_for(&net, 2000);
    CHECK_INT(outcome.times, 1);
    CHECK_INT(outcome.status, 408);
    CHECK_STR(str_c(outcome.csta), "");
    CHECK_INT(c.failed, 1);
    down();

    up(&p, 0, 0);
    struct phone_profile other = phone_profile_generic; /* it was taken for another phone */
    u.profile = &other;
    CHECK_INT(answer_call(NULL), 0);
    vnet_run_for(&net, 100);
    CHECK_INT(outcome.status, 489);
    down();
}

static void test_over_tls_only(void)
{
    struct phone_profile p = openstage();
    const struct csta_get_do_not_disturb body = {.device = {.value = STR("1001")}};
    const struct csta_msg msg = {.id = CSTA_MSG_GET_DO_NOT_DISTURB,
                                 .get_do_not_disturb = &body};
    p.quirks = PHONE_QUIRK_TLS_ONLY;
    up(&p, 0, 0);
    CHECK_INT(send_by(&msg, TP_UDP, NULL), E_STATE);
    CHECK_INT(send_by(&msg, TP_TCP, NULL), E_STATE);
    CHECK_INT(c.refused, 2);
    CHECK_INT(send_by(&msg, TP_TLS, NULL), 0);
    vnet_run_for(&net, 200);
    CHECK_INT(outcome.status, 200);
    CHECK(strstr(outcome.csta, "<doNotDisturbOn>false") != NULL);
    down();
}

static void test_forgotten_and_ended(void)
{
    struct phone_errand *e = NULL;
    struct phone_profile p = openstage();
    up(&p, 0, 2);
    CHECK_INT(answer_call(&e), 0);
    REQUIRE(e != NULL);
    phone_errand_forget(e);
    CHECK_INT(answer_call(NULL), 0);
    CHECK_INT(answer_call(NULL), E_TOOMANY);
    vnet_run_for(&net, 100);
    CHECK_INT(outcome.times, 1);
    CHECK_INT(answer_call(NULL), 0);
    phone_carrier_fini(&c); /* the layer goes while one is out */
    vnet_run_for(&net, 100);
    CHECK_INT(outcome.times, 1);
    down();
}

static void test_every_allocation_fails(void)
{
    struct phone_profile p = openstage();
    for (size_t n = 1; n < 40; n++) {
        up(&p, 0, 0);
        s.mem.calls = 0;
        s.mem.fail_at = n;
        s.mem.fail_on = true;
        int err = answer_call(NULL);
        s.mem.fail_at = 0;
        CHECK(err == 0 || err == E_NOMEM);
        CHECK_INT(c.count, err == 0 ? 1 : 0);
        vnet_run_for(&net, 100);
        CHECK_INT(outcome.times, err == 0 ? 1 : 0);
        down();
        if (err == 0) {
            return;
        }
    }
    CHECK(false);
}

static void test_what_it_takes(void)
{
    struct phone_profile p = openstage();
    const struct csta_clear_call body = {.call_to_be_cleared = {.call_id = STR("1")}};
    up(&p, 0, 0);
    CHECK_INT(send_by(&(struct csta_msg){.id = CSTA_MSG_CLEAR_CALL, .clear_call = &body},
                      TP_UDP, NULL),
              E_UNSUPPORTED);
    profile.means = PHONE_MEANS_SESSION;
    CHECK_INT(answer_call(NULL), E_UNSUPPORTED);
    CHECK_INT(c.sent, 0);
    down();
}

/* ---- keys over HTTP ---- */

static struct phone_profile yealink(void)
{
    struct phone_profile p = {
        .action_uri = STR_INIT("http://{address}/servlet?key={key}"),
        .action_key = {[PHONE_ACT_ANSWER] = STR_INIT("OK"),
                       [PHONE_ACT_MAKE] = STR_INIT("number={number}"),
                       [PHONE_ACT_DND_ON] = STR_INIT("DNDOn")},
    };
    return p;
}

static void test_action(void)
{
    struct phone_profile p = yealink();
    const struct csta_make_call make = {
        .calling_device = {.value = STR("1001")},
        .called_directory_number = {.value = STR("sip:47#11@example.com")}};
    const struct csta_set_do_not_disturb off = {.device = {.value = STR("1001")},
                                                .do_not_disturb_on = CSTA_FALSE};
    up(&p, 0, 0);
    CHECK_INT(answer_call(NULL), 0);
    CHECK_STR(str_c(fetched.url), "http://10.0.1.1/servlet?key=OK");
    CHECK_INT(outcome.times, 0);
    phone_carrier_fetched(&c, fetched.tag + 1, 200, net.now_ms); /* nobody's */
    CHECK_INT(outcome.times, 0);
    phone_carrier_fetched(&c, fetched.tag, 200, net.now_ms);
    CHECK_INT(outcome.times, 1);
    CHECK_INT(outcome.status, 200);

    CHECK_INT(
        send_by(&(struct csta_msg){.id = CSTA_MSG_MAKE_CALL, .make_call = &make}, TP_UDP, NULL),
        0);
    CHECK_STR(str_c(fetched.url), "http://10.0.1.1/servlet?key=number=47%2311");
    phone_carrier_fetched(&c, fetched.tag, 0, net.now_ms); /* nobody answered */
    CHECK_INT(outcome.status, 408);
    CHECK_INT(c.failed, 1);

    CHECK_INT(send_by(&(struct csta_msg){.id = CSTA_MSG_SET_DO_NOT_DISTURB,
                                         .set_do_not_disturb = &off},
                      TP_UDP, NULL),
              E_UNSUPPORTED); /* the profile has no key for that */
    CHECK_INT(fetched.times, 2);
    down();
}

static void test_action_refused(void)
{
    struct phone_profile p = yealink();
    up(&p, 0, 0);
    fetched.answer = E_TOOMANY;
    CHECK_INT(answer_call(NULL), E_TOOMANY);
    CHECK_INT(c.count, 0);
    fetched.answer = 0;
    struct phone_way way = way_by(TP_UDP);
    const struct csta_answer_call body = {.call_to_be_answered = {.call_id = STR("")}};
    const struct csta_msg msg = {.id = CSTA_MSG_ANSWER_CALL, .answer_call = &body};
    way.source =
        NULL; /* nobody knows from where it registers: what the target says is no way */
    CHECK_INT(phone_means_action.send(&c, &way, &profile, &msg, STR_NONE, heard, &outcome, NULL,
                                      net.now_ms),
              E_VALUE);
    CHECK_INT(fetched.times, 1);
    s.node.env.fetch = NULL;
    CHECK_INT(answer_call(NULL), E_UNSUPPORTED);
    CHECK_INT(outcome.times, 0);
    down();
}

TEST_MAIN(T(test_notify), T(test_silence_and_refusal), T(test_over_tls_only),
          T(test_forgotten_and_ended), T(test_every_allocation_fails), T(test_what_it_takes),
          T(test_action), T(test_action_refused))
