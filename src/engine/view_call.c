/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call and its connections as JSON, see view.h and docs/api.md.
 *
 * `services` of a connection are those that are possible now, of a device that he who looks may
 * command: an application greys out its buttons by them.
 */
#include "base/err.h"
#include "base/utf8.h"
#include "engine/view_parts.h"

static const struct {
    unsigned bit;
    enum csta_msg_id id;
} services[] = {
    {CALL_SVC_ANSWER, CSTA_MSG_ANSWER_CALL},
    {CALL_SVC_CLEAR, CSTA_MSG_CLEAR_CONNECTION},
    {CALL_SVC_CLEAR, CSTA_MSG_CLEAR_CALL},
    {CALL_SVC_DEFLECT, CSTA_MSG_DEFLECT_CALL},
    {CALL_SVC_HOLD, CSTA_MSG_HOLD_CALL},
    {CALL_SVC_RETRIEVE, CSTA_MSG_RETRIEVE_CALL},
    {CALL_SVC_TRANSFER, CSTA_MSG_SINGLE_STEP_TRANSFER_CALL},
    {CALL_SVC_CONSULT, CSTA_MSG_CONSULTATION_CALL},
    {CALL_SVC_ALTERNATE, CSTA_MSG_ALTERNATE_CALL},
    {CALL_SVC_RECONNECT, CSTA_MSG_RECONNECT_CALL},
    {CALL_SVC_UNITE, CSTA_MSG_TRANSFER_CALL},
    {CALL_SVC_CONFERENCE, CSTA_MSG_CONFERENCE_CALL},
    {CALL_SVC_INVITE, CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL},
    {CALL_SVC_DIGITS, CSTA_MSG_GENERATE_DIGITS},
    {CALL_SVC_DIAL, CSTA_MSG_DIAL_DIGITS},
    {CALL_SVC_PICKUP, CSTA_MSG_DIRECTED_PICKUP_CALL},
    {CALL_SVC_PARK, CSTA_MSG_PARK_CALL},
    {CALL_SVC_CALL_BACK, CSTA_MSG_CALL_BACK},
};

void view_put_connection_services(const struct view *v, const struct connection *conn)
{
    unsigned can = cti_connection_services(v->e->cti, conn);

    json_key(v->o, "services");
    out_ch(v->o, '[');
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        if ((can & services[i].bit) != 0 &&
            cti_device_serves(v->e->cti, NULL, services[i].id)) {
            json_next(v->o);
            json_put_string(v->o, csta_msg_name(services[i].id));
        }
    }
    out_ch(v->o, ']');
}

static struct str sip_call_id(const struct connection *conn)
{
    const struct leg *leg = conn->stem != NULL ? conn->stem->leg : NULL;

    return leg != NULL && leg->dialog != NULL ? leg->dialog->call_id : STR_NONE;
}

static struct str user_of(struct str id)
{
    struct csta_device_parts parts;

    csta_device_split(id, &parts);
    return parts.user;
}

/** Who it is, unless he does not want to be known. */
static void put_identity(const struct view *v, const struct connection *conn, unsigned place)
{
    char made_up[32];
    struct out id;

    if (!conn->restricted && conn->id.n > 0) {
        json_text(v->o, "deviceID", conn->id);
        json_text(v->o, "number", user_of(conn->id));
        if (conn->device != NULL && conn->device->display.n > 0) {
            json_text(v->o, "display", conn->device->display);
        } else if (conn->display.n > 0) {
            json_text(v->o, "display", conn->display);
        }
        return;
    }
    out_init(&id, made_up, sizeof(made_up)); /* as in SnapshotCall */
    out_fmt(&id, "%s%u", conn->restricted ? "restricted" : "unknown", place);
    json_text(v->o, "deviceID", out_str_of(&id));
    json_flag(v->o, "restricted", true);
}

static void put_connection(const struct view *v, const struct connection *conn, unsigned place)
{
    struct out *o = v->o;

    json_next(o);
    out_ch(o, '{');
    json_text(o, "callID", str_make(conn->call->id, CALL_ID_LEN));
    put_identity(v, conn, place);
    json_text(o, "localConnectionInfo", cti_connection_state(conn));
    json_flag(o, "originating", conn->originating);
    json_flag(o, "ours", conn->device != NULL);
    json_text(o, "sipCallID", sip_call_id(conn));
    if (conn->device != NULL && access_control(v->who, conn->device->key)) {
        view_put_connection_services(v, conn);
    }
    out_ch(o, '}');
}

/* ---- User-to-User ---- */

static bool is_text(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        size_t n = utf8_len(str_from(s, i));
        if (n == 0 || (unsigned char)s.p[i] < 0x20) {
            return false;
        }
        i += n;
    }
    return s.n > 0;
}

/** The octets as people read them: without the discriminator of IA5 characters. */
static struct str readable(const struct uui_value *u)
{
    struct str s = uui_discriminator(u) == UUI_PD_IA5 ? str_from(u->octets, 1) : u->octets;

    return is_text(s) ? s : STR_NONE;
}

static bool is_restricted(const struct call *c, struct str identity)
{
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->restricted && str_eq(conn->id, identity)) {
            return true;
        }
    }
    return false;
}

/** Whose values are written. */
struct valued {
    const struct view *v;
    const struct call *call;
};

static void put_origin(const struct valued *x, const struct uui_origin *by)
{
    struct out *o = x->v->o;
    bool hidden = by->anonymous || is_restricted(x->call, by->identity);

    json_key(o, "origin");
    out_ch(o, '{');
    json_text(o, "role", str_c(uui_role_text((enum uui_role)by->role)));
    json_text(o, "identity", hidden ? STR_NONE : by->identity);
    json_text(o, "confidence", str_c(uui_confidence_text((enum uui_confidence)by->confidence)));
    if (hidden) {
        json_flag(o, "withheld", true);
    }
    out_ch(o, '}');
}

static void put_value(void *ctx, const struct cti_value *said)
{
    const struct valued *x = ctx;
    const struct uui_value *u = said->value;
    struct out *o = x->v->o;

    json_next(o);
    out_ch(o, '{');
    json_text(o, "package", u->package);
    json_text(o, "content", u->content);
    json_hex(o, "hex", u->octets);
    json_text(o, "text", readable(u));
    json_text(o, "verdict", str_c(uui_verdict_text((enum uui_verdict)u->verdict)));
    if (u->rule != UUI_R_NONE) {
        json_text(o, "rule", str_c(uui_rule_name((enum uui_rule)u->rule)));
        json_text(o, "why", str_c(uui_rule_text((enum uui_rule)u->rule)));
    }
    if (said->mark != NULL) {
        put_origin(x, &said->mark->origin);
    }
    if (said->seal != NULL) {
        json_key(o, "seal");
        out_ch(o, '{');
        json_text(o, "result", str_c(said->seal));
        json_text(o, "identity", said->sealed_by);
        out_ch(o, '}');
    }
    out_ch(o, '}');
}

static void put_octets(struct out *o, const char *name, struct str octets)
{
    if (octets.n > 0) {
        json_key(o, name);
        out_ch(o, '{');
        json_hex(o, "string", octets);
        out_ch(o, '}');
    }
}

static void put_context(const struct view *v, const struct call *c)
{
    struct valued x = {v, c};

    put_octets(v->o, "correlatorData", c->correlator);
    put_octets(v->o, "userData", cti_user_data(v->e->cti, c));
    if (c->uui.n > 0) {
        json_key(v->o, "uui");
        out_ch(v->o, '[');
        cti_each_value(v->e->cti, c, put_value, &x);
        out_ch(v->o, ']');
    }
}

/* ---- the call ---- */

static void put_sip_call_ids(const struct view *v, const struct call *c)
{
    json_key(v->o, "sipCallIDs");
    out_ch(v->o, '[');
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (cti_connection_is_live(conn) && str_is_set(sip_call_id(conn))) {
            json_next(v->o);
            json_put_string(v->o, sip_call_id(conn));
        }
    }
    out_ch(v->o, ']');
}

void view_put_call(const struct view *v, const struct call *c)
{
    struct out *o = v->o;
    unsigned place = 0;

    out_ch(o, '{');
    json_text(o, "callID", str_make(c->id, CALL_ID_LEN));
    json_second(o, "created", c->began_s);
    json_second(o, "answered", c->answered_s);
    json_text(o, "calledDevice", c->called.n > 0 ? c->called : STR_NONE);
    json_flag(o, "foreign", c->foreign);
    json_key(o, "connections");
    out_ch(o, '[');
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        place++;
        if (cti_connection_is_live(conn)) {
            put_connection(v, conn, place);
        }
    }
    out_ch(o, ']');
    put_context(v, c);
    put_sip_call_ids(v, c);
    out_ch(o, '}');
}

int view_connection(struct engine *e, const struct access_principal *who, struct str call_id,
                    struct str device, struct out *o, uint64_t now_ms)
{
    struct view v = {.e = e, .who = who, .o = o, .now_ms = now_ms};
    const struct call *c = call_find(&e->calls, call_id);
    const struct device *d = directory_device_named(e->config.directory, device);
    unsigned place = 0;

    if (c == NULL || !view_sees_call(&v, c)) {
        return E_NOTFOUND;
    }
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        place++;
        if (cti_connection_is_live(conn) && !conn->restricted &&
            (d != NULL ? conn->device == d : str_eq(conn->id, device))) {
            put_connection(&v, conn, place);
            if (!o->over) {
                o->n--; /* once more open */
                json_long(o, "sequence", engine_head(e));
                out_ch(o, '}');
            }
            return o->over ? E_SPACE : 0;
        }
    }
    return E_NOTFOUND;
}
