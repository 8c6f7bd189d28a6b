/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REFER that is passed on to a peer which carries it out itself (`refer: pass` of a peer): a
 * PBX that has both parties, a trunk that takes the call back (RFC 5589 §6, §7).
 *
 * A REFER of the other party then goes across like any request inside a dialog, and so do the
 * NOTIFYs that come back. Two things would mean something else on the far side and are put
 * right: Refer-To with Replaces names the dialog between that party and us, so it gets the
 * identifiers, and the address, of the dialog between us and the peer (RFC 3891); and Event's
 * id is the CSeq of the REFER, which has another one there (RFC 3515 §2.4.6).
 *
 * Executed here all the same: what names a dialog whose far end is not on a peer that does so.
 */
#include "base/err.h"
#include "call/referral.h"
#include "history/change.h"

/** The dialog with the peer that stands behind the one which Replaces names; NULL: none. */
static const struct dialog *far_dialog(const struct call_layer *l, struct str replaces)
{
    struct sip_replaces r;
    struct dialog *d = NULL;
    struct branch *b;
    struct connection *far;

    if (sip_replaces_parse(replaces, &r) == 0) {
        d = dialog_find_parts(l->legs, r.call_id, r.to_tag, r.from_tag);
    }
    b = d == NULL ? NULL : branch_of_leg(d->leg);
    far = b == NULL ? NULL : call_other(b->conn);
    if (far == NULL || !far->passes_refer || connection_leg(far) == NULL) {
        return NULL;
    }
    return connection_leg(far)->dialog;
}

/** What Refer-To embeds. @return false: it cannot be read */
static bool read_refer_to(struct arena *a, const struct sip_msg *m, struct sip_addr *to,
                          struct sip_embedded *e)
{
    return m->count[SIP_HDR_REFER_TO] == 1 && sip_msg_addr(m, SIP_HDR_REFER_TO, to) == 0 &&
           sip_embed(&to->uri, a, e) == 0;
}

bool refer_is_passed(const struct branch *from, const struct sip_msg *m)
{
    const struct call_layer *l = from->conn->call->layer;
    const struct connection *other = call_other(from->conn);
    struct sip_embedded e;
    struct sip_addr to;

    if (other == NULL || !other->passes_refer ||
        !read_refer_to(from->conn->call->layer->scratch, m, &to, &e)) {
        return false;
    }
    return !str_is_set(e.replaces) || far_dialog(l, e.replaces) != NULL;
}

static void write_escaped(struct out *o, const char *name, struct str value)
{
    out_c(o, name);
    sip_escape_header(o, value);
}

/** The far dialog in place of the near one; other headers of the URI stay as they are. */
static struct str mapped_refer_to(struct arena *a, const struct sip_addr *to,
                                  const struct sip_embedded *e, const struct dialog *d)
{
    struct str rest = to->uri.headers, name, value;
    size_t cap = d->remote_target.n + to->uri.headers.n +
                 3 * (d->call_id.n + d->remote_tag.n + d->local_tag.n) + 96;
    char *buf = arena_alloc(a, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "Refer-To: <");
    out_str(&o, d->remote_target);
    write_escaped(&o, "?Replaces=", d->call_id);
    write_escaped(&o, "%3Bto-tag%3D", d->remote_tag);
    write_escaped(&o, "%3Bfrom-tag%3D", d->local_tag);
    out_c(&o, str_find(e->replaces, STR("early-only")) < e->replaces.n ? "%3Bearly-only" : "");
    while (sip_uri_header_next(&rest, &name, &value)) {
        if (!str_ieq(name, STR("Replaces"))) {
            out_ch(&o, '&');
            out_str(&o, name);
            out_ch(&o, '=');
            out_str(&o, value);
        }
    }
    out_c(&o, ">\r\n");
    return o.over ? STR_NONE : out_str_of(&o);
}

/** `line` goes instead of header `id`. @return 0 or E_NOMEM */
static int put(struct arena *a, struct leg_content *c, enum sip_hdr_id id, struct str line)
{
    struct history_out out;

    if (!str_is_set(line) || change_begin(&out, a, c->lines, c->cut) != 0 ||
        change_cut(&out, a, id) != 0 || change_add(&out, a, line) != 0) {
        return E_NOMEM;
    }
    c->lines = out.lines;
    c->cut = out.cut;
    return 0;
}

static int map_event(const struct branch *from, const struct sip_msg *m, struct leg_content *c)
{
    struct arena *a = from->conn->call->layer->scratch;
    const struct connection *to = call_other(from->conn);
    struct str params, id;
    uint32_t n;

    (void)sip_value_head(sip_msg_value(m, SIP_HDR_EVENT), &params);
    if (to == NULL || to->stem == NULL || to->stem->passed_out == 0 ||
        !sip_param(params, STR("id"), &id) || !str_to_u32(id, &n) ||
        n != to->stem->passed_out) {
        return 0;
    }
    return put(a, c, SIP_HDR_EVENT,
               arena_fmt(a, "Event: refer;id=%u\r\n", to->stem->passed_in));
}

int refer_pass_edit(const struct branch *from, const struct sip_msg *m, struct leg_content *c)
{
    struct arena *a = from->conn->call->layer->scratch;
    struct sip_embedded e;
    struct sip_addr to;
    const struct dialog *d;

    if (m->method == SIP_METHOD_NOTIFY) {
        return map_event(from, m, c);
    }
    if (m->method != SIP_METHOD_REFER || !read_refer_to(a, m, &to, &e) ||
        !str_is_set(e.replaces)) {
        return 0;
    }
    d = far_dialog(from->conn->call->layer, e.replaces);
    return d == NULL ? 0 : put(a, c, SIP_HDR_REFER_TO, mapped_refer_to(a, &to, &e, d));
}
