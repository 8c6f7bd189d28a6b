/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user information in bodies: ISUP and GTD, alone or as parts, and cs-correlation in
 * descriptions (isdn/body.h). To the rules it is a value like others, of isdn-uui.
 *
 * A body that somebody has signed is left as it is: multipart/signed (RFC 8551), under an
 * Identity header (RFC 4474 signs bodies), or under credentials with qop=auth-int (RFC 7616
 * §3.4.3).
 */
#include "isdn/body.h"
#include "base/err.h"
#include "border/border.h"
#include "border/find.h"
#include "sip/hdr.h"

/** The canonical element of octets. @return false: f->err */
static bool describe(struct border_found *f, struct str octets, struct border_value *b)
{
    static const struct uui_format hex = {0};
    enum uui_rule why;
    struct out o;
    size_t room = 2 * octets.n + 64;
    char *buf = arena_alloc(f->arena, room);
    if (buf == NULL) {
        f->err = E_NOMEM;
        return false;
    }
    out_init(&o, buf, room);
    if (uui_write(&o, octets, &hex, &why) != 0) {
        b->v = (struct uui_value){.text = STR(""), .package = uui_isdn, .isdn = true};
        return uui_strike(&b->v, UUI_R_NO_PD, 0) || true;
    }
    if (uui_parse(out_str_of(&o), f->packages, f->arena, &b->v) != 0) {
        f->err = E_NOMEM;
        return false;
    }
    return true;
}

void border__body(struct border_found *f)
{
    struct isdn_body body;
    if (f->err != 0 || !isdn_body_may(f->m)) {
        return;
    }
    int err = isdn_body_read(f->m, f->arena, &body);
    if (err == E_NOMEM) {
        f->err = err;
        return;
    }
    for (size_t i = 0; i < body.n && f->err == 0; i++) {
        struct border_value b = {.group = BORDER_NOWHERE,
                                 .place = BORDER_BODY,
                                 .header = SIP_HDR_OTHER,
                                 .body = body.v[i].place,
                                 .text = {.s = STR("")}};
        if (!str_is_set(body.v[i].octets) || !describe(f, body.v[i].octets, &b)) {
            continue;
        }
        struct border_value *at = border__push(f, &f->values, sizeof(*at));
        if (at != NULL) {
            *at = b;
        }
    }
}

bool border_body_is_signed(const struct sip_msg *m)
{
    static const enum sip_hdr_id credentials[] = {SIP_HDR_AUTHORIZATION,
                                                  SIP_HDR_PROXY_AUTHORIZATION};
    if (sip_msg_content_is(m, STR("multipart"), STR("signed")) ||
        sip_msg_named(m, STR("Identity")) != NULL || sip_msg_named(m, STR("y")) != NULL) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(credentials); i++) {
        for (const struct sip_hdr *h = sip_msg_line(m, credentials[i]); h != NULL;
             h = sip_msg_next_line(m, h)) {
            struct str v = sip_hdr_value(m, h);
            if (str_find(v, STR("auth-int")) < v.n) {
                return true;
            }
        }
    }
    return false;
}

static void cut_line(const struct sip_msg *m, struct border_patch *p, enum sip_hdr_id id)
{
    for (const struct sip_hdr *h = sip_msg_line(m, id); h != NULL;
         h = sip_msg_next_line(m, h)) {
        const struct sip_hdr *next = h + 1;
        border_patch_add(p, h->name_off,
                         next < m->hdr + m->hdr_count ? next->name_off : m->head_len - 2,
                         STR_NONE);
    }
}

static int put_body(const struct border_found *f, struct border_patch *p,
                    const struct isdn_edit *e)
{
    const struct sip_msg *m = f->m;
    const struct sip_hdr *type = sip_msg_line(m, SIP_HDR_CONTENT_TYPE);
    const struct sip_hdr *length = sip_msg_line(m, SIP_HDR_CONTENT_LENGTH);
    struct str n = arena_fmt(f->arena, "%zu", e->body.n);
    if (!str_is_set(n)) {
        return E_NOMEM;
    }
    if (!str_is_set(e->type)) {
        cut_line(m, p, SIP_HDR_CONTENT_TYPE);
        cut_line(m, p, SIP_HDR_CONTENT_DISPOSITION);
        cut_line(m, p, SIP_HDR_CONTENT_LANGUAGE);
    } else if (type != NULL && !str_eq(sip_hdr_value(m, type), e->type)) {
        border_patch_add(p, type->val_off, type->val_off + type->val_len, e->type);
    }
    if (length != NULL && !str_eq(sip_hdr_value(m, length), n)) {
        border_patch_add(p, length->val_off, length->val_off + length->val_len, n);
    }
    border_patch_add(p, m->head_len, m->len, e->body);
    return 0;
}

int border_apply_body(const struct border_found *f, struct border_patch *p)
{
    unsigned places = 0;
    bool gone = false;
    struct str octets = STR_NONE;
    struct isdn_edit e;
    for (uint32_t i = 0; i < f->values.n; i++) {
        const struct border_value *b = border_value_at(f, i);
        if (b->place == BORDER_BODY && b->body != 0 && (b->gone || str_is_set(b->put))) {
            places |= b->body;
            octets = b->v.octets;
            gone = gone || b->gone;
        }
    }
    if (places == 0) {
        return 0;
    }
    if (border_changes_fragment(f)) {
        return E_VALUE; /* one body with both: nobody was seen to send that */
    }
    int err = isdn_body_edit(f->m, f->arena, places, gone ? STR_NONE : octets, &e);
    if (err != 0) {
        return err == E_NOMEM ? err : E_VALUE;
    }
    if (e.left > 0) {
        return E_VALUE;
    }
    return e.changed ? put_body(f, p, &e) : 0;
}
