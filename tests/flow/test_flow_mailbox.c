/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message lamps: PUBLISH (RFC 3903) and NOTIFY of a voice mail system, and message-summary
 * (RFC 3842) for phones that subscribe and for those that do not.
 */
#include "watcher.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct watcher own, source; /* 1002's phone; 1003 */

#define TYPE "Content-Type: application/simple-message-summary\r\n"
#define SUMMARY "Event: message-summary\r\n" TYPE
#define NEW "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n"
#define NONE "Messages-Waiting: no\r\nVoice-Message: 0/8 (0/2)\r\n"

static void tweak(struct world *world)
{
    world->config.event.interval_ms = 1;
    world->config.event.max_publications = 3;
}

static void unsolicited(struct world *world)
{
    tweak(world);
    world->config.event.unsolicited_mwi = true;
}

static void up_with(void (*fn)(struct world *))
{
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = fn});
    watcher_up(&own, &w.net, &w.node, "own", "10.0.4.2", "1002", "pw1002", TP_UDP);
    watcher_up(&source, &w.net, &w.node, "source", "10.0.4.3", "1002", "pw1002", TP_UDP);
}

static void up(void)
{
    up_with(tweak);
}

static void down(void)
{
    CHECK(vnet_run_quiet(&w.net, 200000000));
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    CHECK_INT(world_stat(&w, "event_publications"), 0);
    world_down(&w);
    watcher_down(&own);
    watcher_down(&source);
}

static void watch(void)
{
    watcher_subscribe(&own, "1002", "message-summary", 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(own.status, 200);
}

/** PUBLISH; `match`: the etag, or NULL. @return its status */
static unsigned publish(const char *target, const char *match, int expires, const char *body)
{
    char lines[256];
    (void)snprintf(lines, sizeof(lines), "Event: message-summary\r\nExpires: %d\r\n%s%s%s%s",
                   expires, match != NULL ? "SIP-If-Match: " : "", match != NULL ? match : "",
                   match != NULL ? "\r\n" : "", body[0] != '\0' ? TYPE : "");
    watcher_send_out(&source, "PUBLISH", target, lines, body);
    world_run(&w, 100);
    return source.status;
}

static const char *etag(void)
{
    static char text[2][64];
    static unsigned n;
    char *out = text[n++ % 2];
    struct str tag = watcher_answer(&source, "SIP-ETag");
    (void)snprintf(out, sizeof(text[0]), "%.*s", STR_ARG(tag));
    return out;
}

static void test_publish(void)
{
    up();
    watch();
    CHECK_STR(str_c(watcher_last(&own)->type), "application/simple-message-summary");
    CHECK_STR(str_c(watcher_last(&own)->body),
              "Messages-Waiting: no\r\nMessage-Account: sip:1002@example.com\r\n");
    CHECK_INT(publish("1002", NULL, 600, NEW), 200);
    CHECK_STR(watcher_answer(&source, "Expires"), "600");
    CHECK_INT(own.notes, 2);
    CHECK_STR(str_c(watcher_last(&own)->body), NEW);
    const char *tag = etag();
    CHECK_INT(publish("1002", tag, 600, ""), 200); /* refresh: no news */
    CHECK_INT(own.notes, 2);
    CHECK_INT(publish("1002", tag, 600, ""), 412); /* the old tag is over */
    CHECK_INT(publish("1002", NULL, 600, NEW), 200);
    tag = etag();
    CHECK_INT(publish("1002", tag, 600, NONE), 200); /* change */
    CHECK_STR(str_c(watcher_last(&own)->body), NONE);
    tag = etag();
    CHECK_INT(publish("1001", tag, 600, NONE), 403); /* another's */
    CHECK_INT(publish("1002", tag, 0, ""), 200);     /* removed: what was before counts */
    CHECK_STR(watcher_answer(&source, "Expires"), "0");
    CHECK_STR(str_c(watcher_last(&own)->body), NEW);
    CHECK_INT(world_stat(&w, "event_publications"), 1);
    world_run(&w, 600000); /* expired */
    CHECK_INT(world_stat(&w, "event_publications"), 0);
    CHECK(watcher_has(&own, "Messages-Waiting: no\r\nMessage-Account"));
    down();
}

static void test_publish_refused(void)
{
    up();
    CHECK_INT(publish("1002", NULL, 600, ""), 400);
    CHECK_INT(publish("1002", "nosuch", 600, NEW), 412);
    CHECK_INT(publish("1002", NULL, 10, NEW), 423);
    CHECK_STR(watcher_answer(&source, "Min-Expires"), "60");
    CHECK_INT(publish("1001", NULL, 600, NEW), 403);
    CHECK_INT(publish("4711", NULL, 600, NEW), 404);
    CHECK_INT(publish("1002", NULL, 600, "Hello: yes\r\n"), 400);
    CHECK_INT(publish("1002", NULL, 600, "Messages-Waiting: maybe\r\n"), 400);
    CHECK_INT(publish("1002", NULL, 600, "Messages-Waiting: yes\r\nVoice Message: 1\r\n"), 400);
    CHECK_INT(publish("1002", NULL, 600, "Messages-Waiting: yes\r\nVoice-Message: \x01\r\n"),
              400);
    watcher_send_out(&source, "PUBLISH", "1002", "Event: dialog\r\n", "x");
    world_run(&w, 100);
    CHECK_INT(source.status, 489);
    watcher_send_out(&source, "PUBLISH", "1002",
                     "Event: message-summary\r\nContent-Type: text/plain\r\n", NEW);
    world_run(&w, 100);
    CHECK_INT(source.status, 415);
    CHECK_INT(world_stat(&w, "event_publications"), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(publish("1002", NULL, 600, NEW), 200);
    }
    CHECK_INT(publish("1002", NULL, 600, NEW), 503);
    down();
}

/** Bare line feeds and headers of messages (RFC 3842 §5.2) are tidied. */
static void test_text(void)
{
    up();
    watch();
    CHECK_INT(publish("1002", NULL, 600,
                      "messages-waiting : YES\nVoice-Message:  1/0\n\nTo: <sip:a@b>\nx\n"),
              200);
    CHECK_STR(str_c(watcher_last(&own)->body),
              "messages-waiting: YES\r\nVoice-Message: 1/0\r\n");
    down();
}

static void notify_from_peer(const char *target, const char *event, const char *body)
{
    static unsigned n;
    struct hop to = vnet_hop(&w.node, TP_UDP);
    n++;
    raw_sendf(
        &w.gateway, &to,
        "NOTIFY sip:%s@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-n%u\n"
        "Max-Forwards: 70\nFrom: <sip:voicemail@10.0.2.1>;tag=v%u\n"
        "To: <sip:%s@example.com>\nCall-ID: n%u\nCSeq: 1 NOTIFY\n"
        "Contact: <sip:voicemail@10.0.2.1>\nEvent: %s\nSubscription-State: active\n"
        "Content-Type: application/simple-message-summary\n\n%s",
        target, n, n, target, n, event, body);
    world_run(&w, 100);
}

static unsigned peer_says(const char *target, const char *event, const char *body)
{
    notify_from_peer(target, event, body);
    struct text_msg t = raw_take(&w.gateway);
    unsigned status = t.m != NULL ? t.m->status : 0;
    text_free(&t);
    return status;
}

static void test_voice_mail_system(void)
{
    up();
    watch();
    CHECK_INT(peer_says("1002", "message-summary", NEW), 200);
    CHECK_STR(str_c(watcher_last(&own)->body), NEW);
    CHECK_INT(own.notes, 2);
    CHECK_INT(peer_says("1002", "message-summary", NEW), 200);
    CHECK_INT(own.notes, 2); /* the same again */
    CHECK_INT(peer_says("1002", "message-summary", NONE), 200);
    CHECK_INT(own.notes, 3);
    CHECK_INT(world_stat(&w, "event_publications"), 1);
    CHECK_INT(peer_says("1002", "message-summary", "rubbish"), 400);
    CHECK_INT(peer_says("4711", "message-summary", NEW), 404);
    CHECK_INT(peer_says("1002", "dialog", NEW), 481);
    /* a device may not speak for another */
    watcher_send_out(&source, "NOTIFY", "1001", SUMMARY "Subscription-State: active\r\n", NEW);
    world_run(&w, 100);
    CHECK_INT(source.status, 403);
    engine_forget_device(w.engine, &w.device[1], w.net.now_ms);
    down();
}

static void test_unsolicited(void)
{
    up_with(unsolicited);
    struct vnode *bob = PHONE_NODE(&w, 1);
    CHECK_INT(peer_says("1002", "message-summary", NEW), 200);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), bob, "NOTIFY"), 1);
    struct str n = wire_find(&w.wire, ENGINE(&w), bob, "NOTIFY", 0);
    CHECK_STR(str_trim(wire_raw(n, "Event", 0)), "message-summary");
    CHECK_STR(str_trim(wire_raw(n, "To", 0)), "<sip:1002@example.com>");
    CHECK_STR(wire_body(n), NEW);
    CHECK_INT(peer_says("1002", "message-summary", NEW), 200); /* the same */
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), bob, "NOTIFY"), 1);
    phone_register(PHONE(&w, 1), 0);
    world_run(&w, 100);
    phone_register(PHONE(&w, 1), 3600); /* it was away */
    world_run(&w, 100);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), bob, "NOTIFY"), 2);
    watch(); /* it subscribes: then that is the way */
    CHECK_INT(peer_says("1002", "message-summary", NONE), 200);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), bob, "NOTIFY"), 2);
    CHECK_STR(str_c(watcher_last(&own)->body), NONE);
    engine_forget_device(w.engine, &w.device[1], w.net.now_ms);
    down();
}

TEST_MAIN(T(test_publish), T(test_publish_refused), T(test_text), T(test_voice_mail_system),
          T(test_unsolicited))
