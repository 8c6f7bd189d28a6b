/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registrations, monitors, sessions, peers and routings as JSON, and the diagnosis of a device:
 * see view.h and docs/api.md.
 *
 * THE DIAGNOSIS is the report that applications get in private data (docs/csta-private.md),
 * read again: each kind of element is an array, each attribute a member. `yes` and `no` are
 * true and false, digits are numbers.
 */
#include "base/err.h"
#include "csta/xml.h"
#include "engine/view_parts.h"
#include <stdio.h>

void view_put_record(const struct view *v, const struct record *rec)
{
    const struct device *d = directory_device(v->e->config.directory, rec->key);
    struct out *o = v->o;

    out_ch(o, '{');
    json_text(o, "record", rec->key);
    json_text(o, "deviceID", d != NULL ? d->uri : STR_NONE);
    view_put_bindings(v, rec->key);
    out_ch(o, '}');
}

void view_put_monitor(const struct view *v, const struct cti_monitor_about *m)
{
    struct out *o = v->o;

    out_ch(o, '{');
    json_key(o, "monitor");
    out_fmt(o, "\"%llu.%u\"", (unsigned long long)m->session, m->ref);
    json_long(o, "session", m->session);
    json_long(o, "monitorCrossRefID", m->ref);
    json_text(o, "application", m->application);
    json_text(o, "deviceID", m->device != NULL ? m->device->uri : STR_NONE);
    json_text(o, "callID", m->call != NULL ? str_make(m->call->id, CALL_ID_LEN) : STR_NONE);
    json_number(o, "unsent", m->unsent);
    json_flag(o, "ending", m->ending);
    out_ch(o, '}');
}

void view_put_session(const struct view *v, const struct cti_session_about *s)
{
    struct out *o = v->o;

    out_ch(o, '{');
    json_long(o, "session", s->id);
    json_text(o, "application", s->application);
    json_text(o, "link", str_c(s->link));
    json_number(o, "monitors", s->monitors);
    json_number(o, "unsent", s->unsent);
    json_number(o, "pending", s->pending);
    json_flag(o, "routes", s->routes);
    json_flag(o, "waiting", s->waits);
    out_ch(o, '}');
}

void view_put_peer(const struct view *v, const struct peer *p)
{
    const struct peer_state *state = p->state;
    struct out *o = v->o;

    out_ch(o, '{');
    json_text(o, "peer", p->name);
    json_text(o, "uri", p->uri);
    json_flag(o, "up", state == NULL || !state->down);
    json_flag(o, "probed", p->probe_s != 0);
    json_flag(o, "trusted", p->trusted);
    json_number(o, "calls", state != NULL ? state->calls : 0);
    if (p->max_calls != 0) {
        json_number(o, "maxCalls", p->max_calls);
    }
    json_key(o, "numbers");
    out_ch(o, '[');
    for (size_t i = 0; i < p->number_count; i++) {
        json_next(o);
        json_put_string(o, p->numbers[i]);
    }
    out_c(o, "]}");
}

void view_put_routing(const struct view *v, const struct cti_routing_about *a)
{
    const struct device *d =
        str_is_set(a->device) ? directory_device(v->e->config.directory, a->device) : NULL;
    struct out *o = v->o;

    out_ch(o, '{');
    json_long(o, "routeRegisterReqID", a->id);
    json_text(o, "application", a->application);
    json_text(o, "routeingDevice", d != NULL ? d->uri : STR_NONE);
    out_ch(o, '}');
}

/* ---- diagnosis ---- */

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n > 0 && s.n < 10 && (s.n == 1 || s.p[0] != '0');
}

static void put_attr(struct out *o, struct str name, struct str value)
{
    json_next(o);
    json_put_string(o, name);
    out_ch(o, ':');
    if (str_eq(value, STR("yes")) || str_eq(value, STR("no"))) {
        out_c(o, value.n == 3 ? "true" : "false");
    } else if (is_number(value)) {
        out_str(o, value);
    } else {
        json_put_string(o, value);
    }
}

/** One element, of which the head was read. @return 0 or an error */
static int put_element(struct xml_reader *r, struct arena *a, struct out *o)
{
    bool settings = false;
    struct str text;
    int kind, err;

    json_next(o);
    out_ch(o, '{');
    for (unsigned i = 0; i < r->nattr; i++) {
        err = xml_attr_of(&r->attr[i].value, a, &text);
        if (err != 0) {
            return err;
        }
        put_attr(o, r->attr[i].name, text);
    }
    while ((kind = xml_next(r)) != XML_END) {
        if (kind != XML_START) {
            return E_SYNTAX;
        }
        err = xml_text(r, a, &text);
        if (err != 0) {
            return err;
        }
        if (!settings) {
            json_key(o, "settings");
            out_ch(o, '[');
        }
        settings = true;
        json_next(o);
        json_put_string(o, text);
    }
    out_c(o, settings ? "]}" : "}");
    return 0;
}

static int put_elements(struct xml_reader *r, struct arena *a, struct out *o)
{
    char open[24] = "";
    int kind, err;

    while ((kind = xml_next(r)) == XML_START) {
        if (!str_eq(r->name, str_c(open))) {
            out_c(o, open[0] != '\0' ? "]" : "");
            (void)snprintf(open, sizeof(open), "%.*s", STR_ARG(r->name));
            json_next(o);
            out_fmt(o, "\"%ss\":[", open);
        }
        err = put_element(r, a, o);
        if (err != 0) {
            return err;
        }
    }
    out_c(o, open[0] != '\0' ? "]" : "");
    return kind == XML_END ? 0 : E_SYNTAX;
}

int view_diagnosis(struct engine *e, const struct access_principal *who, struct str device,
                   struct out *o, uint64_t now_ms)
{
    static const struct xml_limits limits = {
        .bytes = VIEW_ITEM_MAX, .depth = 4, .elements = 500};
    const struct device *d = view_find_device(e, who, device, false);
    struct xml_reader reader;
    struct out xml;
    char *buf;
    int err;

    if (d == NULL) {
        return E_NOTFOUND;
    }
    buf = arena_alloc(&e->scratch, VIEW_ITEM_MAX);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&xml, buf, VIEW_ITEM_MAX);
    out_c(&xml, "<r>");
    phones_report(e->phones, d, &xml, now_ms);
    out_c(&xml, "</r>");
    out_ch(o, '{');
    json_text(o, "deviceID", d->uri);
    json_flag(o, "mayRegister", d->has_secret);
    err = xml.over ? E_SPACE : xml_init(&reader, out_str_of(&xml), &limits);
    if (err == 0) {
        err = xml_next(&reader) == XML_START ? put_elements(&reader, &e->scratch, o) : E_SYNTAX;
    }
    json_long(o, "sequence", engine_head(e));
    out_ch(o, '}');
    arena_reset(&e->scratch);
    return err != 0 ? err : o->over ? E_SPACE : 0;
}
