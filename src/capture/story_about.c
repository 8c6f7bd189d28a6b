/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message is in a word, and between whom it went: see story.h.
 *
 * A lane of SIP is an address. It is called as the call layer calls the party of its leg; else
 * by From or To, whichever is not Baton.
 */
#include "capture/story.h"
#include "csta/xml.h"
#include "sdp/sdp.h"
#include "sip/hdr.h"

static const struct xml_limits xml_bounds = {.bytes = 1 << 20, .depth = 32, .elements = 8192};

struct str story_root(struct str xml)
{
    struct xml_reader r;

    if (xml.n == 0 || xml_init(&r, xml, &xml_bounds) != 0 || xml_next(&r) != XML_START) {
        return STR_NONE;
    }
    return r.name;
}

bool story_is_answer(struct str xml)
{
    struct str root = story_root(xml);
    return str_ends(root, STR("Response")) || str_eq(root, STR("CSTAErrorCode")) ||
           str_ends(root, STR("PosResponse")) || str_ends(root, STR("NegResponse"));
}

/* ---- summaries ---- */

/** Text of the elements that say most, in the order of the message. */
static void sum_csta(struct out *o, struct str xml, struct arena *a)
{
    static const struct str shown[] = {STR_INIT("monitorCrossRefID"),
                                       STR_INIT("callID"),
                                       STR_INIT("deviceID"),
                                       STR_INIT("callingDevice"),
                                       STR_INIT("calledDirectoryNumber"),
                                       STR_INIT("transferredTo"),
                                       STR_INIT("newDestination"),
                                       STR_INIT("localConnectionInfo"),
                                       STR_INIT("cause"),
                                       STR_INIT("systemStatus"),
                                       STR_INIT("operation"),
                                       STR_INIT("stateIncompatibility")};
    struct xml_reader r;
    unsigned done = 0;
    size_t leaf = ARRAY_LEN(shown);
    int event;

    if (xml_init(&r, xml, &xml_bounds) != 0) {
        return;
    }
    while ((event = xml_next(&r)) > XML_END_OF_DOCUMENT) {
        struct str text;
        if (event == XML_START) {
            for (leaf = 0; leaf < ARRAY_LEN(shown) && !str_eq(r.name, shown[leaf]); leaf++) {
            }
        } else if (event == XML_TEXT && leaf < ARRAY_LEN(shown) && !(done & 1u << leaf) &&
                   xml_text_of(&r.text, a, &text) == 0 && str_trim(text).n > 0) {
            out_c(o, o->n > 0 ? ", " : "");
            out_str(o, shown[leaf]);
            out_ch(o, ' ');
            out_str(o, str_upto(str_trim(text), 80));
            done |= 1u << leaf;
        }
    }
}

static void sum_party(struct out *o, const char *before, const struct sip_msg *s,
                      enum sip_hdr_id id)
{
    struct sip_addr a;

    if (sip_msg_addr(s, id, &a) == 0) {
        out_c(o, before);
        out_str(o, str_upto(str_upto(a.uri_text, str_index(a.uri_text, ';')), 80));
    }
}

static void sum_value(struct out *o, const char *name, const struct sip_msg *s,
                      enum sip_hdr_id id)
{
    if (sip_msg_has(s, id)) {
        out_c(o, ", ");
        out_c(o, name);
        out_ch(o, ' ');
        out_str(o, str_upto(sip_msg_value(s, id), 100));
    }
}

static bool has_csta(const struct sip_msg *s)
{
    return sip_msg_body(s).n > 0 && sip_msg_content_is(s, STR("application"), STR("csta+xml"));
}

static void sum_sip(struct out *o, const struct sip_msg *s, struct arena *a)
{
    struct sdp d;
    struct str body = sip_msg_body(s);

    sum_party(o, "", s, SIP_HDR_FROM);
    sum_party(o, " to ", s, SIP_HDR_TO);
    sum_value(o, "CSeq", s, SIP_HDR_CSEQ);
    if (body.n > 0 && sip_msg_content_is(s, STR("application"), STR("sdp")) &&
        sdp_parse(body, &d, NULL) == 0 && d.media_count > 0) {
        out_c(o, ", SDP ");
        out_str(o, sdp_dir_text((enum sdp_dir)d.media[0].dir));
    }
    sum_value(o, "Reason", s, SIP_HDR_REASON);
    sum_value(o, "Refer-To", s, SIP_HDR_REFER_TO);
    sum_value(o, "Event", s, SIP_HDR_EVENT);
    if (has_csta(s)) {
        char buf[600];
        struct out csta;
        out_init(&csta, buf, sizeof(buf));
        sum_csta(&csta, body, a);
        out_c(o, csta.n > 0 ? ", " : "");
        out_str(o, out_str_of(&csta));
    }
}

/* ---- labels ---- */

static struct str label_sip(const struct sip_msg *s, struct arena *a)
{
    struct str root = has_csta(s) ? story_root(sip_msg_body(s)) : STR_NONE;
    const char *gap = root.n > 0 ? " " : "";

    if (sip_is_request(s)) {
        return arena_fmt(a, "%.*s%s%.*s", STR_ARG(str_upto(sip_msg_method(s), 32)), gap,
                         STR_ARG(str_upto(root, 60)));
    }
    return arena_fmt(a, "%u %.*s%s%.*s", s->status, STR_ARG(str_upto(sip_msg_reason(s), 60)),
                     gap, STR_ARG(str_upto(root, 60)));
}

/** "POST /v1/calls" or "202 Accepted". */
static struct str label_http(struct str bytes, struct arena *a)
{
    struct str line = str_trim(str_upto(bytes, str_index(bytes, '\n')));
    size_t space = str_index(line, ' ');

    if (str_starts(line, STR("HTTP/"))) {
        return arena_dup(a, str_upto(str_from(line, space + 1), 100));
    }
    if (str_ends(line, STR(" HTTP/1.1"))) {
        line = str_upto(line, line.n - 9);
    }
    return arena_dup(a, str_upto(line, 100));
}

static struct str body_of_http(struct str bytes)
{
    size_t at = str_find(bytes, STR("\r\n\r\n"));
    return str_from(bytes, at + 4);
}

static bool label_of_sip(struct arena *a, struct story_msg *m, struct out *sum)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg s;

    if (!story_index(m->m.bytes, &s, hdr)) {
        m->label = STR("malformed");
        return true;
    }
    m->status = s.status;
    m->csta = has_csta(&s);
    m->label = label_sip(&s, a);
    m->sip_call = sip_msg_value(&s, SIP_HDR_CALL_ID); /* slices of bytes that stay */
    m->method = sip_is_request(&s)
                    ? sip_msg_method(&s)
                    : str_trim(str_from(sip_msg_value(&s, SIP_HDR_CSEQ),
                                        str_index(sip_msg_value(&s, SIP_HDR_CSEQ), ' ')));
    sum_sip(sum, &s, a);
    return str_is_set(m->label);
}

bool story_label(struct arena *a, struct story_msg *m)
{
    char buf[1024];
    struct out sum;
    struct str root;
    bool ok = true;

    out_init(&sum, buf, sizeof(buf));
    switch ((enum capture_kind)m->m.kind) {
    case CAPTURE_SIP:
        ok = label_of_sip(a, m, &sum);
        break;
    case CAPTURE_CSTA:
        root = story_root(m->m.bytes);
        m->label = root.n > 0 ? arena_dup(a, root) : STR("CSTA");
        sum_csta(&sum, m->m.bytes, a);
        break;
    case CAPTURE_API:
    case CAPTURE_WEBHOOK:
        m->label = label_http(m->m.bytes, a);
        out_str(&sum, str_upto(body_of_http(m->m.bytes), 200));
        break;
    case CAPTURE_NOTE:
        m->label = STR("note");
        out_str(&sum, str_upto(m->m.bytes, sizeof(buf)));
        break;
    }
    m->summary = arena_dup(a, out_str_of(&sum));
    return ok && str_is_set(m->label);
}

/* ---- lanes ---- */

static const struct capture_leg *leg_of(const struct story *s, struct str sip_call)
{
    for (size_t i = 0; i < s->calls; i++) {
        for (size_t k = 0; k < s->family[i].legs; k++) {
            if (str_eq(s->family[i].leg[k].sip_call, sip_call)) {
                return &s->family[i].leg[k];
            }
        }
    }
    return NULL;
}

/** From or To of a SIP message, whichever is not ours. */
static struct str far_party(const struct story *s, const struct story_msg *m, const char **kind)
{
    const struct capture_leg *leg = leg_of(s, m->sip_call);
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg sip;
    struct sip_addr a;

    if (leg != NULL) {
        *kind = leg->device ? "phone" : "peer";
        return leg->party;
    }
    *kind = m->csta ? "application" : "sip";
    if (story_index(m->m.bytes, &sip, hdr) &&
        sip_msg_addr(&sip, m->m.sent == sip_is_request(&sip) ? SIP_HDR_TO : SIP_HDR_FROM, &a) ==
            0) {
        return str_upto(a.uri_text, str_index(a.uri_text, ';'));
    }
    return STR_NONE;
}

static struct str default_label(struct story *s, const struct capture_msg *m)
{
    char buf[64];
    struct out o;

    out_init(&o, buf, sizeof(buf));
    addr_write(&o, &m->remote);
    return arena_dup(&s->arena, m->remote.family != ADDR_NONE ? out_str_of(&o) : STR("client"));
}

static bool is_lane(const struct story_lane *l, const struct capture_msg *m, const char *kind,
                    struct str label)
{
    bool http = m->kind == CAPTURE_API || m->kind == CAPTURE_WEBHOOK;

    if (http || m->remote.family == ADDR_NONE) {
        return strcmp(l->kind, kind) == 0 && str_eq(l->label, label);
    }
    return l->addr.family != ADDR_NONE && l->transport == m->transport &&
           addr_eq(&l->addr, &m->remote);
}

static uint32_t lane_of(struct story *s, const struct capture_msg *m, const char *kind,
                        struct str label)
{
    struct story_lane *l;

    for (uint32_t i = 1; i < s->lanes; i++) {
        if (is_lane(&s->lane[i], m, kind, label)) {
            return i;
        }
    }
    if (s->lanes == STORY_LANES_MAX) {
        return STORY_LANES_MAX - 1;
    }
    l = &s->lane[s->lanes];
    *l = (struct story_lane){.id = arena_fmt(&s->arena, "l%zu", s->lanes),
                             .label = arena_dup(&s->arena, label),
                             .kind = kind,
                             .transport = m->transport};
    if (m->kind == CAPTURE_SIP || m->kind == CAPTURE_CSTA) {
        l->addr = m->remote;
    }
    return (uint32_t)s->lanes++;
}

bool story_about(struct story *s, struct story_msg *m)
{
    const char *kind = "application";
    struct str label = m->m.who;
    uint32_t lane;

    if (!story_label(&s->arena, m)) {
        return false;
    }
    if (m->m.kind == CAPTURE_SIP) {
        label = far_party(s, m, &kind);
    } else if (m->m.kind != CAPTURE_CSTA) {
        kind = m->m.kind == CAPTURE_API ? "api" : "webhook";
    }
    if (label.n == 0) {
        label = default_label(s, &m->m);
    }
    lane = lane_of(s, &m->m, kind, label);
    m->from = m->m.sent ? 0 : lane;
    m->to = m->m.sent ? lane : 0;
    return str_is_set(m->summary) || m->summary.n == 0;
}

const char *story_protocol(const struct story_msg *m)
{
    static const char *const names[] = {"sip", "csta", "api", "webhook", "note"};
    return names[m->m.kind];
}
