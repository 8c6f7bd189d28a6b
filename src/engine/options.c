/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OPTIONS: what we can do, and what a device can (RFC 3261 §11.2, RFC 3840 §8).
 *
 *   the server itself   our option tags, and a Contact with the feature tag of each package of
 *                       User-to-User that is received here (RFC 7434 §12)
 *   a device of ours    what its phones have said when they registered: `uui` only if one of
 *                       them supports it, and a Contact for each with its feature parameters.
 *                       The URI in it is the device's own: where its phones are is nobody's
 *                       business, and the way to them leads over us
 *
 * Who asks about a device has to say who he is, as for a call (§11.2). Who asks about the
 * server need not; over UDP he gets no more than a bare 200 when that would be larger than what
 * he sent (gate_modest), unless he is a trusted peer: those learn from it what we understand.
 */
#include "engine/parts.h"
#include "registrar/select.h"
#include "sip/hdr.h"
#include "uui/uui.h"

/** What is done here whatever the phones can. */
#define TAGS "timer, 100rel, replaces, norefersub, tdialog, histinfo"
#define FEATURES_MAX 1024

static void write_package(struct out *o, const struct uui_package *p)
{
    if (p->feature_tag.n > 0 && p->direction != UUI_OUT) {
        out_ch(o, ';');
        out_c(o, p->feature_tag.p[0] == '+' ? "" : "+");
        out_str(o, p->feature_tag);
    }
}

/** Absent: no memory, or more packages than fit: then they are not told. */
static struct str own_contact(struct engine *e, const struct sip_msg *m, const struct hop *from)
{
    const struct uui_packages *known = e->config.packages;
    char text[FEATURES_MAX];
    struct out o;
    struct str uri =
        dialog_own_contact(e->env, &e->scratch, STR_NONE, from, sip_msg_is_sips(m));

    out_init(&o, text, sizeof(text));
    write_package(&o, uui_package_of(known, uui_isdn));
    for (size_t i = 0; known != NULL && i < known->n; i++) {
        if (!str_ieq(known->row[i].name, uui_isdn)) {
            write_package(&o, &known->row[i]);
        }
    }
    out_c(&o, ";extensions=\"timer,100rel,uui,replaces,norefersub,tdialog,histinfo\"");
    if (!str_is_set(uri) || o.over) {
        return STR_NONE;
    }
    return arena_fmt(&e->scratch, "Contact: %.*s%.*s\r\n", STR_ARG(uri),
                     STR_ARG(out_str_of(&o)));
}

/** The feature parameters of a phone but those that say which one it is. */
static void write_features(struct out *o, struct str params)
{
    struct str name, value;

    params = str_from(params, 1);
    while (sip_param_next(&params, &name, &value)) {
        if (feature_is(name) && !str_ieq(name, STR("+sip.instance"))) {
            out_ch(o, ';');
            out_str(o, name);
            out_c(o, str_is_set(value) ? "=" : "");
            out_str(o, value);
        }
    }
}

static void write_contacts(struct out *o, const struct record *rec, const struct device *d)
{
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        out_c(o, "Contact: <");
        out_str(o, d->uri);
        out_ch(o, '>');
        write_features(o, b->params);
        out_c(o, "\r\n");
    }
}

/** Absent: no memory. */
static struct str device_contacts(struct engine *e, const struct record *rec,
                                  const struct device *d)
{
    struct out o;
    char *buf;

    out_init(&o, NULL, 0); /* once to measure, once to write */
    write_contacts(&o, rec, d);
    buf = arena_alloc(&e->scratch, o.need);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, o.need);
    write_contacts(&o, rec, d);
    return out_str_of(&o);
}

static struct str lines_of(struct engine *e, bool uui, struct str contacts)
{
    return arena_fmt(&e->scratch,
                     "Allow: %.*s\r\nAccept: %.*s\r\nSupported: " TAGS "%s\r\n"
                     "Allow-Events: " EVENT_ALLOW "\r\n%.*s",
                     STR_ARG(e->legs.config.allow), STR_ARG(e->legs.config.accept),
                     uui ? ", uui" : "", STR_ARG(contacts));
}

static void about_device(struct engine *e, const struct sip_msg *m, const struct hop *from,
                         const struct sip_uri *uri, uint64_t now_ms)
{
    struct device *d = directory_device_of_uri(e->config.directory, uri);
    struct txn_reply r = {.status = 200};
    const struct record *rec;
    struct identity who;

    if (!identify(e, m, from, true, &who, now_ms)) {
        return; /* which numbers there are is not for everybody */
    }
    rec = d != NULL ? registrar_find(&e->registrar, d->key) : NULL;
    if (rec == NULL) {
        r.status = d == NULL ? 404 : 480;
        r.lines = lines_of(e, true, STR_NONE);
    } else {
        r.lines = lines_of(e, record_option(rec, STR("uui")) == UNDERSTANDS_YES,
                           device_contacts(e, rec, d));
    }
    dispatch_reply(e, m, from, &r, now_ms);
}

void options_asked(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms)
{
    const struct peer *peer = directory_peer_from(e->config.directory, from);
    struct txn_reply r = {.status = 200};
    struct sip_uri uri;
    uint32_t at;

    if (sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) == 0 && uri.user.n > 0) {
        about_device(e, m, from, &uri, now_ms);
        return;
    }
    r.lines = lines_of(e, true, own_contact(e, m, from));
    if (peer != NULL && peer->trusted) {
        dispatch_reply(e, m, from, &r, now_ms);
        return;
    }
    if (gate_modest(m, from, &r).n == 0) {
        r.lines = lines_of(e, true, STR_NONE); /* for that his request may be large enough */
    }
    dispatch_stranger(e, m, from, &r);
}
