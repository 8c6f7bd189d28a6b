/* SPDX-License-Identifier: Apache-2.0 */
/* See focus.h. */
#include "focus.h"

#include <stdio.h>
#include <stdlib.h>

static struct focus *focus_of(struct station *s)
{
    return (struct focus *)s;
}

static struct focus_seat *seat_of(struct focus *f, const struct leg *leg)
{
    for (size_t i = 0; i < f->seats; i++) {
        if (f->seat[i].leg == leg) {
            return &f->seat[i];
        }
    }
    return NULL;
}

/** What this seat says; a higher version each time. */
static struct str sdp_of(struct focus *f, struct focus_seat *s, enum sdp_dir dir)
{
    static char text[512];
    s->version++;
    (void)snprintf(text, sizeof(text),
                   "v=0\r\no=focus %zu %u IN IP4 10.0.4.1\r\ns=-\r\nc=IN IP4 10.0.4.1\r\n"
                   "t=0 0\r\nm=audio %zu RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
                   "a=%s\r\n",
                   (size_t)(s - f->seat) + 7000, s->version, (size_t)(s - f->seat) * 2 + 20000,
                   sdp_dir_text(dir).p);
    return str_c(text);
}

/** Note the description in `m`. @return false: there is none */
static bool take(struct focus_seat *s, const struct sip_msg *m)
{
    struct str body = m == NULL ? STR_NONE : sip_msg_body(m);
    struct sdp view;
    struct str at;
    if (body.n == 0 || !CHECK(sdp_parse(body, &view, NULL) == 0)) {
        return false;
    }
    at = str_make(body.p + str_find(body, STR("c=IN IP4 ")), body.n);
    (void)sscanf(at.p, "c=IN IP4 %63[0-9.]", s->media);
    s->dir = view.media[0].dir;
    return true;
}

static struct leg_content content_of(struct str sdp)
{
    return (struct leg_content){.type = sdp.n > 0 ? STR("application/sdp") : STR_NONE,
                                .body = sdp};
}

static void on_call(struct station *st, struct leg *leg, const struct sip_msg *m)
{
    struct focus *f = focus_of(st);
    unsigned status = f->calls++ < f->good ? 200 : f->answer;
    struct focus_seat *s = &f->seat[f->seats];
    struct sip_addr from;
    struct sip_uri uri;
    uint32_t at;
    struct leg_content c = {0};
    if (!CHECK(f->seats < FOCUS_SEATS) || status == 0) {
        return;
    }
    if (f->redirects && str_istarts(sip_msg_ruri(m), STR("sip:factory@"))) {
        c.lines = STR("Contact: <sip:room-1@10.0.4.1>;isfocus\r\n");
        (void)leg_respond(leg, NULL, 302, STR_NONE, &c, station_now(st));
        return;
    }
    if (status >= 300) {
        (void)leg_respond(leg, NULL, status, STR_NONE, &c, station_now(st));
        return;
    }
    f->seats++;
    *s = (struct focus_seat){.leg = leg};
    if (CHECK(sip_msg_addr(m, SIP_HDR_FROM, &from) == 0)) {
        snprintf(s->who, sizeof(s->who), "%.*s", STR_ARG(from.uri.user));
    }
    if (CHECK(sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) == 0)) {
        snprintf(s->room, sizeof(s->room), "%.*s", STR_ARG(uri.user));
    }
    s->offering = !take(s, m);
    c = content_of(
        f->no_sdp
            ? STR_NONE
            : sdp_of(f, s, s->offering ? SDP_SENDRECV : sdp_dir_reverse((enum sdp_dir)s->dir)));
    CHECK_INT(leg_respond(leg, NULL, 200, STR_NONE, &c, station_now(st)), 0);
}

static void on_request(struct focus *f, struct leg *leg)
{
    const struct sip_msg *m = &f->s.last->m;
    struct focus_seat *s = seat_of(f, leg);
    struct leg_content c = {0};
    unsigned status = 200;
    if (f->mute || s == NULL) {
        return;
    }
    if (m->method == SIP_METHOD_INVITE) {
        status = f->refuse_offers != 0 ? f->refuse_offers : 200;
    }
    if (m->method == SIP_METHOD_INVITE && status == 200) {
        s->offering = !take(s, m);
        c = content_of(
            sdp_of(f, s, s->offering ? SDP_SENDRECV : sdp_dir_reverse((enum sdp_dir)s->dir)));
    }
    (void)leg_answer(leg, f->s.request, status, STR_NONE, &c, station_now(&f->s));
}

static void hook(struct station *st, const char *what, struct leg *leg, uint64_t now_ms)
{
    struct focus *f = focus_of(st);
    struct focus_seat *s = seat_of(f, leg);
    if (strcmp(what, "acked") == 0 && s != NULL && s->offering) {
        (void)take(s, &st->last->m);
        s->offering = false;
    } else if (strcmp(what, "request") == 0) {
        on_request(f, leg);
    } else if (strcmp(what, "bye") == 0 && !f->mute) {
        (void)leg_answer(leg, st->bye, 200, STR_NONE, NULL, now_ms);
    } else if ((strcmp(what, "ended") == 0 || strcmp(what, "cancelled") == 0) && s != NULL) {
        s->leg = NULL;
    }
}

void focus_up(struct focus *f, struct vnet *net)
{
    static const struct leg_config config = {
        .contact_user = {"room-1", 6},
        .allow = {"INVITE, ACK, CANCEL, BYE, INFO, OPTIONS", 39}};
    *f = (struct focus){.answer = 200};
    station_up(&f->s, net, "focus", "10.0.4.1", &config);
    f->s.auto_ack = f->s.auto_answer = false;
    f->s.on_call = on_call;
    f->s.hook = hook;
}

void focus_down(struct focus *f)
{
    station_down(&f->s);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *focus_hears(const struct focus *f)
{
    static char text[1024];
    char who[FOCUS_SEATS][96];
    const char *room = f->seats == 0 ? "" : f->seat[f->seats - 1].room;
    size_t n = 0, len = 0;
    for (size_t i = 0; i < f->seats; i++) {
        const struct focus_seat *s = &f->seat[i];
        if (s->leg == NULL || s->leg->state != LEG_CONFIRMED ||
            (!f->factory && strcmp(s->room, room) != 0)) {
            continue;
        }
        snprintf(who[n++], sizeof(who[0]), "%s%s%s%s", s->media,
                 s->dir == SDP_SENDRECV ? "" : "(",
                 s->dir == SDP_SENDRECV ? "" : sdp_dir_text((enum sdp_dir)s->dir).p,
                 s->dir == SDP_SENDRECV ? "" : ")");
    }
    qsort(who, n, sizeof(who[0]), compare);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "", who[i]);
    }
    return text;
}

size_t focus_taken(const struct focus *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->seats; i++) {
        n += f->seat[i].leg != NULL;
    }
    return n;
}

struct focus_seat *focus_seat_of(struct focus *f, const char *number)
{
    for (size_t i = 0; i < f->seats; i++) {
        if (f->seat[i].leg != NULL && strcmp(f->seat[i].who, number) == 0) {
            return &f->seat[i];
        }
    }
    return NULL;
}

void focus_drop(struct focus *f, const char *number)
{
    struct focus_seat *s = focus_seat_of(f, number);
    if (CHECK(s != NULL)) {
        leg_end(s->leg, 0, NULL, NULL, NULL, station_now(&f->s));
    }
}

void focus_hang_up(struct focus *f)
{
    for (size_t i = 0; i < f->seats; i++) {
        if (f->seat[i].leg != NULL && f->seat[i].leg->state < LEG_ENDING) {
            leg_end(f->seat[i].leg, 0, NULL, NULL, NULL, station_now(&f->s));
        }
    }
}
