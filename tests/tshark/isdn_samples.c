/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that the codecs of src/isdn have written, one a line, for somebody else to read:
 *
 *     q931 | isup | sip   TAB   octets   TAB   user-to-user octets, or "-" for none
 *
 * all in hex; an ISUP message has a circuit code in front, as on the wire.
 */
#include "base/err.h"
#include "isdn/body.h"
#include "isdn/wrap.h"
#include <stdio.h>
#include <stdlib.h>

static void put_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        printf("%02x", (unsigned)(uint8_t)s.p[i]);
    }
}

static void put(const char *kind, struct str front, struct str octets, struct str uui)
{
    printf("%s\t", kind);
    put_hex(front);
    put_hex(octets);
    printf("\t");
    put_hex(uui);
    printf("%s\n", str_is_set(uui) ? "" : "-");
}

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

/** `n` octets of which the first is the discriminator. */
static struct str octets_of(uint8_t pd, size_t n)
{
    static char octets[ISDN_UUI_MAX];

    for (size_t i = 0; i < n; i++) {
        octets[i] = (char)(i == 0 ? pd : '0' + i % 10);
    }
    return str_make(octets, n);
}

/** SETUP, CONNECT and RELEASE with the element behind others. */
static void q931(struct str uui)
{
    static const char head[3][8] = {"\x08\x01\x01\x05\xa1", "\x08\x01\x81\x07\xa1",
                                    "\x08\x01\x01\x4d\xa1"};
    char buf[160];
    struct out o;

    for (size_t i = 0; i < 3; i++) {
        out_init(&o, buf, sizeof(buf));
        demand(q931_uui_write(&o, uui) == 0);
        put("q931", str_make(head[i], 5), out_str_of(&o), uui);
    }
}

/* Each type that may have user-to-user information, with and without other parameters. */
static const struct {
    size_t n;
    const char *octets;
} plain[] = {
    {23, "\x01\x10\x20\x01\x0a\x00\x02\x0a\x08\x04\x10\x97\x00\x00\x00\x00\xf0\x0a\x02\x84\x11"
         "\x00"},
    {17, "\x01\x10\x20\x01\x0a\x00\x02\x00\x08\x04\x10\x97\x00\x00\x00\x00\xf0"},
    {4, "\x06\x01\x20\x00"},
    {8, "\x06\x01\x20\x01\x29\x01\x02\x00"},
    {4, "\x07\x01\x20\x00"},
    {2, "\x09\x00"},
    {6, "\x09\x01\x2a\x01\x05\x00"},
    {3, "\x2c\x02\x00"},
    {6, "\x0c\x02\x00\x02\x83\x9f"},
    {2, "\x38\x00"},
};

static void isup_one(struct str message, struct str uui)
{
    char with[512], without[512];
    struct isup_msg m;
    struct out o;

    demand(isup_view(message, ISUP_ITU, &m) == 0);
    out_init(&o, with, sizeof(with));
    demand(isup_uui_set(&m, uui, &o) == 0);
    put("isup", STR("\x0c\x0b"), out_str_of(&o), uui);
    demand(isup_view(out_str_of(&o), ISUP_ITU, &m) == 0);
    out_init(&o, without, sizeof(without));
    demand(isup_uui_set(&m, STR_NONE, &o) == 0);
    put("isup", STR("\x0c\x0b"), out_str_of(&o), STR_NONE);
}

static void isup(struct str uui)
{
    char usr[512];
    struct isup_msg m;
    struct out o;

    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        isup_one(str_make(plain[i].octets, plain[i].n - (i == 0 ? 1 : 0)), uui);
    }
    demand(isup_view(str_make("\x2d\x02\x00\x01\x04", 5), ISUP_ITU, &m) == 0);
    out_init(&o, usr, sizeof(usr));
    demand(isup_uui_set(&m, uui, &o) == 0);
    put("isup", STR("\x0c\x0b"), out_str_of(&o), uui);
}

/** An INVITE of a gateway (SIP-I), and what isdn_body_edit makes of it. */
static void sip(struct str uui)
{
    static const char iam[] = "\x01\x10\x20\x01\x0a\x00\x02\x00\x08\x04\x10\x97\0\0\0\0\xf0";
    char body[512], wire[2048], changed[4096];
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct isdn_edit e;
    struct arena arena;
    struct out o;

    out_init(&o, body, sizeof(body));
    out_c(&o, "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"
              "s=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n\r\n--b\r\n"
              "Content-Type: application/isup;version=itu-t92+;base=itu-t92+\r\n"
              "Content-Disposition: signal;handling=optional\r\n\r\n");
    out_str(&o, str_make(iam, sizeof(iam) - 1));
    out_c(&o, "\r\n--b--\r\n");
    struct str parts = out_str_of(&o);
    static const char head[] =
        "INVITE sip:1@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
        "From: <sip:a@example.com>;tag=1\r\nTo: <sip:1@example.com>\r\nCall-ID: 1\r\n"
        "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed;boundary=b\r\n";
    out_init(&o, wire, sizeof(wire));
    out_fmt(&o, "%sContent-Length: %zu\r\n\r\n", head, parts.n);
    out_str(&o, parts);
    demand(sip_msg_index(&m, out_str_of(&o), true, &sip_limits_default, &fault) == 0);
    arena_init(&arena, &mem_libc, 4096);
    demand(isdn_body_edit(&m, &arena, ISDN_ISUP, uui, &e) == 0 && e.changed);
    out_init(&o, changed, sizeof(changed));
    out_fmt(&o, "%sContent-Length: %zu\r\n\r\n", head, e.body.n);
    out_str(&o, e.body);
    put("sip", STR(""), out_str_of(&o), uui);
    arena_fini(&arena);
}

/* Messages of our own: those of RFC 3398, without and with user-to-user information. */
static const struct isup_new made[] = {
    {.type = ISUP_IAM, .called = STR_INIT("+4930123456"), .calling = STR_INIT("+15551234567")},
    {.type = ISUP_IAM,
     .called = STR_INIT("110"),
     .calling = STR_INIT("12"),
     .restricted = true},
    {.type = ISUP_IAM, .called = STR_INIT("*21#")},
    {.type = ISUP_ACM, .free = true},
    {.type = ISUP_ACM},
    {.type = ISUP_CPG, .event = ISUP_EVENT_ALERTING},
    {.type = ISUP_CPG, .event = ISUP_EVENT_IN_BAND},
    {.type = ISUP_CON},
    {.type = ISUP_ANM},
    {.type = ISUP_REL, .cause = 16},
    {.type = ISUP_REL, .cause = 102, .location = ISUP_BY_NETWORK},
};

static void put_made(const struct isup_new *m)
{
    char buf[ISUP_MADE_MAX];
    struct out o;

    out_init(&o, buf, sizeof(buf));
    demand(isup_write(&o, m) == 0);
    put("isup", STR("\x0c\x0b"), out_str_of(&o), m->uui);
}

/** An INVITE with a description, and what isdn_wrap makes of its body. */
static void wrapped(struct str uui)
{
    static const struct isdn_content had = {
        .type = STR_INIT("application/sdp"),
        .body = STR_INIT("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
                         "t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"),
    };
    struct isup_new m = made[0];
    char buf[ISUP_MADE_MAX], wire[4096];
    struct isdn_wrapped w;
    struct arena arena;
    struct out o;

    m.uui = uui;
    arena_init(&arena, &mem_libc, 4096);
    out_init(&o, buf, sizeof(buf));
    demand(isup_write(&o, &m) == 0);
    demand(isdn_wrap(&arena, &had, out_str_of(&o), 0, STR("baton-1"), &w) == 0);
    out_init(&o, wire, sizeof(wire));
    out_fmt(&o,
            "INVITE sip:1@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
            "From: <sip:a@example.com>;tag=1\r\nTo: <sip:1@example.com>\r\nCall-ID: 1\r\n"
            "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Type: %.*s\r\n"
            "Content-Length: %zu\r\n\r\n",
            STR_ARG(w.all.type), w.all.body.n);
    out_str(&o, w.all.body);
    put("sip", STR(""), out_str_of(&o), uui);
    arena_fini(&arena);
}

int main(void)
{
    static const size_t lengths[] = {1, 2, 9, 33, 128, ISDN_UUI_MAX};

    for (unsigned pd = 0; pd < 256; pd++) {
        q931(octets_of((uint8_t)pd, 1 + pd % ISDN_UUI_MAX));
    }
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        isup(octets_of(0x04, lengths[i]));
        isup(octets_of((uint8_t)(0x40 + i), lengths[i]));
        sip(octets_of(0x00, lengths[i]));
        wrapped(octets_of(0x04, lengths[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        struct isup_new m = made[i];
        put_made(&m);
        for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
            m.uui = octets_of(0x04, lengths[k]);
            put_made(&m);
        }
    }
    return 0;
}
