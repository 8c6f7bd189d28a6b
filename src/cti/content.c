/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request carries: CSTA alone, or as one part of several.
 *
 * Some SIP stacks cannot send an INVITE without a session description. They send both in one
 * multipart body, and Baton answers both (TR/87 4.2, S-3): the CSTA part is served as if it
 * were the body, and no media stream of the description is taken. The answer to the
 * description is made before the request is served, since that may take time; the session
 * keeps it, for only one offer of a dialog can be open (RFC 3264 §4). INFO makes no offer: a
 * description in one means nothing.
 *
 * A multipart body that has no CSTA is refused like any other type. One that is broken is
 * refused as a whole, even when its CSTA part could be read: what was lost may have been more.
 *
 * Legacy usage of INFO (RFC 6086 §2): the dialog itself says what INFO means. An INFO of an
 * Info Package is none of ours.
 */
#include "cti/sip.h"
#include "mime/multipart.h"

static bool is_type(struct str value, const char *type, const char *subtype)
{
    struct sip_media media;

    return sip_media_parse(value, &media) == 0 &&
           sip_media_is(&media, str_c(type), str_c(subtype));
}

static bool is_csta(struct str type)
{
    return is_type(type, "application", "csta+xml");
}

/** Are the octets of this part what its type says? */
static bool is_plain(const struct mime_part *part)
{
    static const char *const ok[] = {"identity", "7bit", "8bit", "binary"};
    static const struct str names[] = {STR_INIT("Content-Encoding"),
                                       STR_INIT("Content-Transfer-Encoding")};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str value = mime_header(part, names[i]);
        bool known = !str_is_set(value);
        for (size_t k = 0; k < ARRAY_LEN(ok); k++) {
            known = known || str_ieq(value, str_c(ok[k]));
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

/** The parts with CSTA (how many: *n) and SDP (the first). @return as multipart_next */
static int walk(const struct sip_msg *m, struct content *c, unsigned *n)
{
    struct multipart it;
    struct mime_part part;
    int got = multipart_begin(&it, sip_msg_value(m, SIP_HDR_CONTENT_TYPE), sip_msg_body(m));

    *n = 0;
    while (got >= 0 && (got = multipart_next(&it, &part)) > 0) {
        struct str type = mime_header(&part, STR("Content-Type"));
        if (!is_plain(&part)) {
            continue;
        }
        if (is_csta(type)) {
            c->csta = part.body;
            (*n)++;
        } else if (!str_is_set(c->sdp) && is_type(type, "application", "sdp")) {
            c->sdp = part.body;
        }
    }
    return got;
}

static void judge_csta(struct content *c)
{
    c->kind = str_trim(c->csta).n > 0 ? CONTENT_CSTA : CONTENT_EMPTY;
}

struct content content_of(const struct sip_msg *m)
{
    struct str encoding = sip_msg_value(m, SIP_HDR_CONTENT_ENCODING);
    struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);
    struct content c = {.kind = CONTENT_UNKNOWN};
    unsigned n = 0;

    if (m->method == SIP_METHOD_INFO && sip_msg_named(m, STR("Info-Package")) != NULL) {
        c.kind = CONTENT_PACKAGE;
    } else if (str_is_set(encoding) && !str_ieq(encoding, STR("identity"))) {
        c.kind = CONTENT_UNKNOWN;
    } else if (!sip_msg_has(m, SIP_HDR_CONTENT_TYPE)) {
        c.kind = sip_msg_body(m).n > 0 ? CONTENT_UNKNOWN : CONTENT_NONE;
    } else if (is_csta(type)) {
        c.csta = sip_msg_body(m);
        judge_csta(&c);
    } else if (mime_is_multipart(type)) {
        if (walk(m, &c, &n) != 0 || n > 1) {
            c.kind = CONTENT_BROKEN;
        } else if (n == 1) {
            judge_csta(&c);
        }
    }
    return c;
}

bool content_has_csta(const struct sip_msg *m)
{
    struct content c = {.kind = CONTENT_UNKNOWN};
    unsigned n = 0;

    if (is_csta(sip_msg_value(m, SIP_HDR_CONTENT_TYPE))) {
        return true;
    }
    (void)walk(m, &c, &n);
    return n > 0;
}

/* ---- the description that came with it ---- */

int content_answer_sdp(struct cti_session *s, struct str offer)
{
    const struct env *env = s->cti->env;
    struct sdp_local local = {0};
    struct addr addr = {0};
    struct out o, host;
    struct sdp view;
    char text[64];
    size_t cap = offer.n + 512;
    int err = sdp_parse(offer, &view, NULL);
    char *buf = err != 0 ? NULL : mem_alloc(&env->mem, cap);

    if (buf == NULL) {
        return err != 0 ? err : E_NOMEM;
    }
    s->sdp_id = s->sdp_id != 0 ? s->sdp_id : env_random64(env) >> 16;
    env->local(env->ctx, &s->leg->hop, &addr);
    out_init(&host, text, sizeof(text));
    addr_write_host(&host, &addr);
    local.address = out_str_of(&host);
    local.id = s->sdp_id;
    local.version = ++s->sdp_version;
    out_init(&o, buf, cap);
    err = sdp_write_rejection(&o, &local, &view);
    if (err != 0) {
        mem_free(&env->mem, buf);
        return err;
    }
    mem_free(&env->mem, (void *)(uintptr_t)s->sdp.p);
    s->sdp = out_str_of(&o);
    return 0;
}

int content_join(struct cti_session *s, struct str csta, struct str *type, struct str *body)
{
    struct arena *a = s->cti->scratch;
    size_t cap = csta.n + s->sdp.n + 512;
    struct str boundary, lines[2];
    struct out o;
    char *buf;

    if (!str_is_set(csta)) {
        *type = STR("application/sdp");
        *body = s->sdp;
        return 0;
    }
    buf = arena_alloc(a, cap);
    boundary = arena_fmt(a, "baton-%016llx", (unsigned long long)env_random64(s->cti->env));
    *type = arena_fmt(a, "multipart/mixed;boundary=%.*s", STR_ARG(boundary));
    lines[0] = STR("Content-Type: application/sdp\r\n");
    lines[1] = arena_fmt(a, "Content-Type: %.*s\r\n%.*s", STR_ARG(csta_type),
                         STR_ARG(csta_disposition));
    if (buf == NULL || boundary.n == 0 || type->n == 0 || lines[1].n == 0) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    multipart_write_part(&o, boundary, lines[0], s->sdp);
    multipart_write_part(&o, boundary, lines[1], csta);
    multipart_write_end(&o, boundary);
    *body = out_str_of(&o);
    return o.over ? E_NOMEM : 0;
}
