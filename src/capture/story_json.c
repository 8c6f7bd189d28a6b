/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story as JSON: see story.h, and docs/trace.md for what the members mean. What the policy
 * does not show of User-to-User is left out here, and blanked in the messages.
 */
#include "capture/story.h"
#include "csta/json_text.h"
#include <time.h>

void story_time(int64_t us, struct out *to)
{
    time_t s = (time_t)(us / 1000000);
    struct tm tm = {0};

    (void)gmtime_r(&s, &tm);
    out_fmt(to, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(us % 1000000));
}

static void member(struct out *o, const char *name, struct str value)
{
    if (str_is_set(value)) {
        out_fmt(o, ",\"%s\":", name);
        json_put_string(o, value);
    }
}

static void member_hex(struct out *o, const char *name, struct str octets)
{
    out_fmt(o, ",\"%s\":\"", name);
    out_hex(o, octets, true);
    out_ch(o, '"');
}

static void member_addr(struct out *o, const char *name, const struct addr *a)
{
    char buf[64];
    struct out text;

    if (a->family != ADDR_NONE) {
        out_init(&text, buf, sizeof(buf));
        addr_write(&text, a);
        member(o, name, out_str_of(&text));
    }
}

static void member_time(struct out *o, const char *name, int64_t us)
{
    out_fmt(o, ",\"%s\":\"", name);
    story_time(us, o);
    out_ch(o, '"');
}

/* ---- User-to-User ---- */

struct str story_uui_text(const struct uui_value *v)
{
    struct str rest = str_from(v->octets, uui_discriminator(v) >= 0 ? 1 : 0);
    return rest.n > 0 && uui_is_quotable(rest) ? rest : STR_NONE;
}

/** How it was at the hop before. */
static void put_was(struct out *o, const struct story_uui *was, enum blank_uui shown)
{
    if (shown == BLANK_UUI_FULL) {
        member_hex(o, "was", was->value.octets);
        member(o, "wasText", story_uui_text(&was->value));
        member(o, "wasValue", was->value.text);
    }
    member(o, "wasIn", was->where);
}

static void put_uui(struct out *o, const struct story_uui *u, enum blank_uui shown)
{
    const struct uui_value *v = &u->value;
    int pd = uui_discriminator(v);

    out_c(o, "{\"package\":");
    json_put_string(o, str_is_set(v->package) ? v->package : STR(""));
    member(o, "in", u->where);
    member(o, "encoding", v->encoding);
    member(o, "content", v->content);
    out_fmt(o, ",\"octets\":%zu", v->octets.n);
    if (shown == BLANK_UUI_FULL) {
        member_hex(o, "hex", v->octets);
        member(o, "text", story_uui_text(v));
        member(o, "value", v->text);
    }
    if (pd >= 0) {
        out_fmt(o, ",\"discriminator\":%d", pd);
        member(o, "discriminatorText", str_c(uui_pd_text((uint8_t)pd)));
    }
    member(o, "verdict", str_c(uui_verdict_text((enum uui_verdict)v->verdict)));
    if (v->rule != UUI_R_NONE) {
        member(o, "rule", str_c(uui_rule_name((enum uui_rule)v->rule)));
        member(o, "ruleText", str_c(uui_rule_text((enum uui_rule)v->rule)));
    }
    out_fmt(o, ",\"changed\":%s", u->change != STORY_SAME ? "true" : "false");
    member(o, "change", str_c(story_change_name((enum story_change)u->change)));
    if (u->was != NULL) {
        put_was(o, u->was, shown);
    }
    member(o, "why", u->why);
    out_ch(o, '}');
}

static void put_uuis(struct out *o, const struct story_msg *m, const struct story_options *opt)
{
    enum blank_uui shown = opt->raw ? BLANK_UUI_FULL : opt->uui;

    if (m->uuis == 0 || shown == BLANK_UUI_NONE) {
        return;
    }
    out_c(o, ",\"uui\":[");
    for (size_t i = 0; i < m->uuis; i++) {
        out_c(o, i > 0 ? "," : "");
        put_uui(o, &m->uui[i], shown);
    }
    out_ch(o, ']');
}

/* ---- messages ---- */

/** Everything but from and to, without braces. */
static void put_msg(struct out *o, const struct story_msg *m, bool bytes,
                    const struct story_options *opt)
{
    out_fmt(o, "\"n\":%llu", (unsigned long long)m->m.n);
    member_time(o, "time", m->m.time_us);
    member(o, "protocol", str_c(story_protocol(m)));
    member(o, "direction", m->m.sent ? STR("sent") : STR("received"));
    if (m->m.transport != TP_NONE) {
        member(o, "transport", str_c(transport_name((enum transport)m->m.transport)));
    }
    member_addr(o, "remote", &m->m.remote);
    member_addr(o, "local", &m->m.local);
    member(o, "label", m->label);
    member(o, "summary", m->summary);
    if (m->sip_call.n > 0) {
        member(o, "sipCallID", m->sip_call);
    }
    if (m->m.failed) {
        out_c(o, ",\"failed\":true");
    }
    if (m->m.cut) {
        out_c(o, ",\"cut\":true");
    }
    out_fmt(o, ",\"octets\":%zu", m->m.bytes.n);
    if (bytes) {
        member(o, "bytes", m->m.bytes);
    }
    put_uuis(o, m, opt);
}

void story_json_msg(const struct story_msg *m, struct str call, bool bytes,
                    const struct story_options *o, struct out *to)
{
    out_ch(to, '{');
    put_msg(to, m, bytes, o);
    member(to, "who", m->m.who);
    member(to, "callID", call);
    out_ch(to, '}');
}

static void put_lanes(const struct story *s, struct out *o)
{
    out_c(o, ",\"lanes\":[");
    for (size_t i = 0; i < s->lanes; i++) {
        const struct story_lane *l = &s->lane[i];
        out_c(o, i > 0 ? ",{\"id\":" : "{\"id\":");
        json_put_string(o, l->id);
        member(o, "label", l->label);
        member(o, "kind", str_c(l->kind));
        member_addr(o, "address", &l->addr);
        if (l->transport != TP_NONE) {
            member(o, "transport", str_c(transport_name((enum transport)l->transport)));
        }
        out_ch(o, '}');
    }
    out_ch(o, ']');
}

static void put_family(const struct story *s, struct out *o)
{
    const char *comma = "";

    if (s->calls == 0) {
        return;
    }
    member_time(o, "began", s->family[0].began_us);
    if (s->family[0].ended_us != 0) {
        member_time(o, "ended", s->family[0].ended_us);
    }
    out_c(o, ",\"calls\":[");
    for (size_t i = 0; i < s->calls; i++) {
        out_c(o, i > 0 ? "," : "");
        json_put_string(o, s->family[i].id);
    }
    out_c(o, "],\"legs\":[");
    for (size_t i = 0; i < s->calls; i++) {
        for (size_t k = 0; k < s->family[i].legs; k++) {
            const struct capture_leg *l = &s->family[i].leg[k];
            if (l->named.n > 0) {
                continue; /* the session of a phone is of other calls as well */
            }
            out_fmt(o, "%s{\"callID\":", comma);
            json_put_string(o, s->family[i].id);
            member(o, "sipCallID", l->sip_call);
            member(o, "deviceID", l->party);
            out_ch(o, '}');
            comma = ",";
        }
    }
    out_ch(o, ']');
}

void story_json(const struct story *s, const struct story_options *o, bool bytes,
                struct out *to)
{
    out_c(to, s->calls > 0 ? "{\"callID\":" : "{\"sipCallID\":");
    json_put_string(to, s->id);
    put_family(s, to);
    put_lanes(s, to);
    out_c(to, ",\"messages\":[");
    for (size_t i = 0; i < s->count; i++) {
        out_c(to, i > 0 ? ",{" : "{");
        put_msg(to, &s->msg[i], bytes, o);
        member(to, "from", s->lane[s->msg[i].from].id);
        member(to, "to", s->lane[s->msg[i].to].id);
        out_ch(to, '}');
    }
    out_fmt(to, "],\"truncated\":%s}", s->truncated ? "true" : "false");
}
