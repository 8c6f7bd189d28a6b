/* SPDX-License-Identifier: Apache-2.0 */
/* Events as rows, answers as sentences, both as JSON. */
#include "cli/csta_print.h"

#include "base/utf8.h"
#include "cli/csta_about.h"
#include "cli/csta_feature.h"
#include "cli/csta_json.h"
#include "cli/csta_request.h"
#include "cli/json.h"
#include "cli/text.h"
#include "csta/xml.h"
#include <time.h>

/* ---- small parts ---- */

static void put(struct csta_printer *p, struct str s)
{
    text_put(s, p->out);
}

static void put_c(struct csta_printer *p, const char *s)
{
    fputs(s, p->out);
}

/** At least `width` columns and two blanks behind. */
static void column(struct csta_printer *p, struct str s, size_t width)
{
    size_t n = utf8_count(s);

    put(p, s);
    fprintf(p->out, "%*s", (int)(n < width ? width - n + 2 : 2), "");
}

static struct str dash(struct str s)
{
    return s.n > 0 ? s : STR("-");
}

static struct str connection_text(struct csta_printer *p, const struct csta_connection_id *c)
{
    struct str text;

    if (c == NULL || csta_connection_is_absent(c)) {
        return STR_NONE;
    }
    if (c->call_id.n == 0) {
        return c->device_id.value;
    }
    text = arena_fmt(p->scratch, "%.*s/%.*s", STR_ARG(c->call_id), STR_ARG(c->device_id.value));
    return str_is_set(text) ? text : c->call_id;
}

static struct str hex_of(struct csta_printer *p, struct str octets)
{
    char *buf = arena_alloc(p->scratch, octets.n * 2 + 1);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, octets.n * 2 + 1);
    out_hex(&o, octets, true);
    return out_str_of(&o);
}

static void put_clock(struct csta_printer *p, uint64_t wall_ms)
{
    time_t t = (time_t)(wall_ms / 1000);
    struct tm tm;
    char buf[16];

    if (localtime_r(&t, &tm) == NULL || strftime(buf, sizeof(buf), "%H:%M:%S", &tm) == 0) {
        buf[0] = '\0';
    }
    fprintf(p->out, "%s.%03u  ", buf, (unsigned)(wall_ms % 1000));
}

/** `{"time": "…Z", "kind": "…"`. */
static void open_object(struct csta_printer *p, uint64_t wall_ms, const char *kind)
{
    time_t t = (time_t)(wall_ms / 1000);
    struct tm tm;
    char buf[32];

    if (gmtime_r(&t, &tm) == NULL ||
        strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        buf[0] = '\0';
    }
    fprintf(p->out, "{\"time\": \"%s.%03uZ\", \"kind\": \"%s\"", buf,
            (unsigned)(wall_ms % 1000), kind);
}

static void close_object(struct csta_printer *p, struct str body)
{
    if (str_is_set(body)) {
        long before = 0;
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        if (f != NULL) {
            bool ok = csta_json_message(body, p->scratch, f);
            before = fclose(f);
            if (ok && before == 0) {
                fprintf(p->out, ", \"message\": %s", text);
            }
            mem_libc.free(mem_libc.ctx, text);
        }
    }
    put_c(p, "}\n");
    fflush(p->out);
}

static void member(struct csta_printer *p, const char *name, struct str value)
{
    if (value.n > 0) {
        json_print_member(name, value, false, p->out);
    }
}

static void member_connection(struct csta_printer *p, const char *name,
                              const struct csta_connection_id *c)
{
    if (c == NULL || csta_connection_is_absent(c)) {
        return;
    }
    fprintf(p->out, ", \"%s\": {", name);
    json_print_member("callID", c->call_id, true, p->out);
    json_print_member("deviceID", c->device_id.value, !str_is_set(c->call_id), p->out);
    fputc('}', p->out);
}

static void member_device(struct csta_printer *p, const char *name,
                          const struct csta_device_ref *ref)
{
    if (ref != NULL && ref->kind == CSTA_DEVICE_REF_ID) {
        member(p, name, ref->id.value);
    }
}

static void member_data(struct csta_printer *p, const char *name, const struct csta_data *data)
{
    struct str octets = data == NULL ? STR_NONE : csta_data_octets(data);

    if (str_is_set(octets)) {
        fprintf(p->out, ", \"%s\": {", name);
        json_print_member("hex", hex_of(p, octets), true, p->out);
        json_print_member("text", csta_data_text(data), false, p->out);
        fputc('}', p->out);
    }
}

static void put_data(struct csta_printer *p, const char *name, const struct csta_data *data)
{
    struct str octets = data == NULL ? STR_NONE : csta_data_octets(data);
    struct str text = csta_data_text(data);

    if (data != NULL && data->kind == CSTA_DATA_FOREIGN) {
        fprintf(p->out, "  %s (XML)", name);
    } else if (str_is_set(octets)) {
        fprintf(p->out, "  %s ", name);
        put(p, hex_of(p, octets));
        if (str_is_set(text)) {
            put_c(p, " \"");
            put(p, text);
            put_c(p, "\"");
        }
    }
}

/* ---- events ---- */

static const char *on_off(enum csta_bool b)
{
    return b == CSTA_TRUE ? "on" : "off";
}

static void put_volume(struct csta_printer *p, const struct csta_volume *v)
{
    if (v->kind == CSTA_VOLUME_VOL_ABS) {
        fprintf(p->out, "  volume %lld", (long long)v->vol_abs.value);
    } else if (v->kind == CSTA_VOLUME_VOL_INC) {
        put_c(p, "  volume ");
        put(p, csta_vol_inc_name(v->vol_inc));
    }
}

/** What an event has beyond the columns. */
static void put_details(struct csta_printer *p, const struct csta_msg *m)
{
    if (m->body == NULL) {
        return;
    }
    switch ((unsigned)m->id) {
    case CSTA_MSG_DO_NOT_DISTURB_EVENT:
        fprintf(p->out, "  %s", on_off(m->do_not_disturb_event->do_not_disturb_on));
        break;
    case CSTA_MSG_FORWARDING_EVENT:
        fprintf(p->out, "  %s", on_off(m->forwarding_event->forward_status));
        put_c(p, m->forwarding_event->forwarding_type != 0 ? " " : "");
        put(p, csta_forwarding_type_name(m->forwarding_event->forwarding_type));
        put_c(p, str_is_set(m->forwarding_event->forward_to.value) ? " to " : "");
        put(p, m->forwarding_event->forward_to.value);
        break;
    case CSTA_MSG_MESSAGE_WAITING_EVENT:
        fprintf(p->out, "  %s", on_off(m->message_waiting_event->message_waiting_on));
        break;
    case CSTA_MSG_MICROPHONE_MUTE_EVENT:
        fprintf(p->out, "  %s", on_off(m->microphone_mute_event->microphone_mute_on));
        break;
    case CSTA_MSG_SPEAKER_MUTE_EVENT:
        fprintf(p->out, "  %s", on_off(m->speaker_mute_event->speaker_mute_on));
        break;
    case CSTA_MSG_SPEAKER_VOLUME_EVENT:
        put_volume(p, &m->speaker_volume_event->speaker_volume);
        break;
    case CSTA_MSG_RINGER_STATUS_EVENT:
        put_c(p, "  ");
        put(p, csta_ring_mode_name(m->ringer_status_event->ring_mode));
        break;
    case CSTA_MSG_HOOKSWITCH_EVENT:
        fprintf(p->out, "  %s",
                m->hookswitch_event->hookswitch_on_hook == CSTA_TRUE ? "on hook" : "off hook");
        break;
    case CSTA_MSG_DIGITS_DIALED_EVENT:
        put_c(p, "  dialed ");
        put(p, m->digits_dialed_event->dialing_sequence.value);
        break;
    case CSTA_MSG_DIGITS_GENERATED_EVENT:
        put_c(p, "  digits ");
        put(p, m->digits_generated_event->digit_generated_list);
        break;
    default: {
        struct str text = csta_feature_text(m, p->scratch);
        put_c(p, text.n > 0 ? "  " : "");
        put(p, text);
        break;
    }
    }
}

static void put_parties(struct csta_printer *p, const struct csta_event_view *v)
{
    struct str calling = csta_device_ref_text(v->calling);
    struct str called = csta_device_ref_text(v->called);
    struct str target = csta_device_ref_text(v->target);

    if (calling.n > 0 || called.n > 0) {
        put(p, dash(calling));
        put_c(p, " -> ");
        put(p, dash(called));
    } else {
        struct str subject = csta_device_ref_text(v->subject);
        put_c(p, subject.n > 0 ? "by " : "-");
        put(p, subject);
    }
    if (target.n > 0) {
        put_c(p, "  to ");
        put(p, target);
    }
    if (v->redirection != NULL && v->redirection->kind == CSTA_DEVICE_REF_ID) {
        put_c(p, "  from ");
        put(p, v->redirection->id.value);
    }
}

/** "c1/1002 was c0/1002" for each connection of a transfer or a conference. */
static void put_connections(struct csta_printer *p, const struct csta_event_view *v)
{
    for (size_t i = 0; v->connections != NULL && i < v->connections->n; i++) {
        const struct csta_connection_list_item *c = &v->connections->item[i];
        put_c(p, "\n              ");
        put(p, dash(connection_text(p, &c->new_connection)));
        if (!csta_connection_is_absent(&c->old_connection)) {
            put_c(p, " was ");
            put(p, connection_text(p, &c->old_connection));
        }
        if (csta_device_ref_text(&c->endpoint).n > 0) {
            put_c(p, "  endpoint ");
            put(p, csta_device_ref_text(&c->endpoint));
        }
    }
}

static void event_row(struct csta_printer *p, uint64_t wall_ms, struct str device,
                      const struct csta_msg *m, const struct csta_event_view *v)
{
    struct str name = csta_event_name(m->id);

    if (!p->headed) {
        put_c(p,
              "TIME          DEVICE            EVENT              CONNECTION                  "
              "STATE      CAUSE               CALLING -> CALLED\n");
        p->headed = true;
    }
    put_clock(p, wall_ms);
    column(p, dash(device), 16);
    column(p, name.n > 0 ? name : m->root_name, 17);
    column(p, dash(connection_text(p, v->connection)), 26);
    column(p, v->local != 0 ? csta_local_connection_state_name(v->local) : STR("-"), 9);
    column(p, v->cause != 0 ? csta_event_cause_name(v->cause) : STR("-"), 18);
    put_parties(p, v);
    put_details(p, m);
    put_data(p, "userData", v->user_data);
    csta_about_print(p->out, v->extensions);
    put_data(p, "correlator", v->correlator);
    if (v->subject_of_call.n > 0) {
        put_c(p, "  subject \"");
        put(p, v->subject_of_call);
        put_c(p, "\"");
    }
    if (v->second != NULL && !csta_connection_is_absent(v->second)) {
        put_c(p, "  and ");
        put(p, connection_text(p, v->second));
    }
    put_connections(p, v);
    put_c(p, "\n");
    fflush(p->out);
}

static void event_object(struct csta_printer *p, uint64_t wall_ms, struct str device,
                         const struct csta_msg *m, const struct csta_event_view *v,
                         struct str body)
{
    struct str name = csta_event_name(m->id);

    open_object(p, wall_ms, "event");
    member(p, "event", name.n > 0 ? name : m->root_name);
    member(p, "device", device);
    member(p, "monitorCrossRefID", v->cross_ref);
    member_connection(p, "connection", v->connection);
    member_connection(p, "secondConnection", v->second);
    member_device(p, "subjectDevice", v->subject);
    member_device(p, "callingDevice", v->calling);
    member_device(p, "calledDevice", v->called);
    member_device(p, "lastRedirectionDevice", v->redirection);
    member_device(p, "targetDevice", v->target);
    member(p, "localConnectionInfo", csta_local_connection_state_name(v->local));
    member(p, "cause", csta_event_cause_name(v->cause));
    member_data(p, "userData", v->user_data);
    member_data(p, "correlatorData", v->correlator);
    member(p, "subjectOfCall", v->subject_of_call);
    close_object(p, body);
}

void csta_print_event(struct csta_printer *p, uint64_t wall_ms, struct str device,
                      const struct csta_msg *m, struct str body)
{
    struct csta_event_view v;

    (void)csta_event_view(m, &v);
    if (p->json) {
        event_object(p, wall_ms, device, m, &v, body);
    } else {
        event_row(p, wall_ms, device, m, &v);
    }
}

/* ---- answers ---- */

static struct str state_text(struct csta_printer *p, const struct csta_call_state *s)
{
    struct str text = STR("unknown");

    if (s->kind == CSTA_CALL_STATE_SIMPLE_CALL_STATE) {
        return csta_simple_call_state_name(s->simple_call_state);
    }
    if (s->kind == CSTA_CALL_STATE_COMPOUND_CALL_STATE) {
        const struct csta_local_connection_state_list *l =
            &s->compound_call_state.local_connection_state;
        for (size_t i = 0; i < l->n; i++) {
            struct str name = csta_local_connection_state_name(l->item[i]);
            text = i == 0 ? name
                          : arena_fmt(p->scratch, "%.*s,%.*s", STR_ARG(text), STR_ARG(name));
        }
    }
    return text;
}

static void put_state(struct csta_printer *p,
                      const struct csta_snapshot_device_response_info *i)
{
    struct str state = state_text(p, &i->local_call_state);
    struct str endpoint = csta_device_ref_text(&i->endpoint_device);

    if (endpoint.n == 0) {
        put(p, state);
    } else {
        column(p, state, 20);
        put(p, endpoint);
    }
}

static void put_snapshot(struct csta_printer *p, struct str what, const struct csta_msg *m)
{
    const struct csta_snapshot_device_response_info_list *l = csta_snapshot_calls(m);

    put_c(p, "SnapshotDevice: ");
    put(p, what);
    fprintf(p->out, l->n == 0 ? " has no calls" : " has %zu call%s", l->n,
            l->n == 1 ? "" : "s");
    for (size_t i = 0; i < l->n; i++) {
        put_c(p, "\n  ");
        column(p, connection_text(p, &l->item[i].connection_identifier), 24);
        put_state(p, &l->item[i]);
    }
    put_c(p, "\n");
}

static void members_of_snapshot(struct csta_printer *p, const struct csta_msg *m)
{
    const struct csta_snapshot_device_response_info_list *l = csta_snapshot_calls(m);

    put_c(p, ", \"calls\": [");
    for (size_t i = 0; i < l->n; i++) {
        put_c(p, i == 0 ? "{" : ", {");
        json_print_member("state", state_text(p, &l->item[i].local_call_state), true, p->out);
        member_connection(p, "connection", &l->item[i].connection_identifier);
        member_device(p, "endpointDevice", &l->item[i].endpoint_device);
        put_c(p, "}");
    }
    put_c(p, "]");
}

static const struct csta_feature_list *feature_list(const void *lists, size_t i)
{
    return (const struct csta_feature_list *)lists + i;
}

static void put_feature_lists(struct csta_printer *p, const char *title, const void *lists,
                              size_t size, bool events)
{
    size_t shown = 0, pad = 0;

    fprintf(p->out, p->json ? ", \"%s\": [" : "%s:", title);
    for (size_t i = 0; lists != NULL && i < size / sizeof(struct csta_feature_list); i++) {
        const struct csta_feature_list *l = feature_list(lists, i);
        for (size_t k = 0; k < l->n; k++, shown++) {
            struct str name =
                events ? csta_event_name(l->item[k].id) : csta_msg_name(l->item[k].id);
            if (p->json) {
                put_c(p, shown == 0 ? "" : ", ");
                json_print_string(name, p->out);
            } else {
                fprintf(p->out, shown % 3 == 0 ? "\n  " : "%*s", (int)pad, "");
                put(p, name);
                pad = name.n < 24 ? 26 - name.n : 2;
            }
        }
    }
    put_c(p, p->json ? "]" : (shown == 0 ? " none\n" : "\n"));
}

/** An attribute of an element in the answer about User-to-User. Absent: not there. */
static struct str attr_of(const struct xml_reader *x, struct str name)
{
    for (unsigned i = 0; i < x->nattr; i++) {
        if (str_eq(x->attr[i].name, name)) {
            return x->attr[i]
                .value.raw; /* names and words: nothing in them is to be replaced */
        }
    }
    return STR_NONE;
}

/** Who understands which User-to-User: `<uuiSupport>` of docs/csta-private.md. */
static void put_support(struct csta_printer *p, const struct csta_common_arguments *more)
{
    static const struct xml_limits limits = {.bytes = 65536, .depth = 4, .elements = 1000};
    struct xml_reader x;
    bool first = true;

    if (more == NULL || more->private_data.kind != CSTA_DATA_FOREIGN ||
        xml_init(&x, str_trim(more->private_data.foreign.body), &limits) != 0) {
        return;
    }
    for (int event = xml_next(&x); event > XML_END_OF_DOCUMENT; event = xml_next(&x)) {
        bool package = event == XML_START && str_eq(x.name, STR("package"));
        if (package && p->json) {
            put_c(p, first ? ", \"userToUser\": {" : ", ");
            json_print_string(attr_of(&x, STR("name")), p->out);
            put_c(p, ": ");
            json_print_string(attr_of(&x, STR("understood")), p->out);
        } else if (package) {
            put_c(p, first ? "User-to-User\n  " : "  ");
            put(p, attr_of(&x, STR("name")));
            put_c(p, ": ");
            put(p, attr_of(&x, STR("understood")));
            put_c(p, "\n");
        }
        first = first && !package;
    }
    put_c(p, p->json && !first ? "}" : "");
}

static void put_features(struct csta_printer *p, const struct csta_msg *m)
{
    const struct csta_get_csta_features_response *r = m->get_csta_features_response;

    put_feature_lists(p, p->json ? "services" : "Services", r->supported_services,
                      sizeof(*r->supported_services), false);
    put_feature_lists(p, p->json ? "events" : "Events", r->supported_events,
                      sizeof(*r->supported_events), true);
    put_support(p, r->extensions);
}

static const struct csta_connection_id *connection_of(const struct csta_msg *m)
{
    switch ((unsigned)m->id) {
    case CSTA_MSG_MAKE_CALL_RESPONSE:
        return &m->make_call_response->calling_device;
    case CSTA_MSG_CONSULTATION_CALL_RESPONSE:
        return &m->consultation_call_response->initiated_call;
    case CSTA_MSG_TRANSFER_CALL_RESPONSE:
        return &m->transfer_call_response->transferred_call;
    case CSTA_MSG_SINGLE_STEP_TRANSFER_CALL_RESPONSE:
        return &m->single_step_transfer_call_response->transferred_call;
    default:
        return NULL;
    }
}

/** Answers whose one identifier or value is in the sentence. */
static bool is_one_word(const struct csta_msg *m)
{
    return m->id == CSTA_MSG_MONITOR_START_RESPONSE ||
           m->id == CSTA_MSG_ROUTE_REGISTER_RESPONSE ||
           m->id == CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE;
}

static void put_sentence(struct csta_printer *p, enum csta_msg_id request, struct str what,
                         const struct csta_msg *m)
{
    struct str says = csta_feature_text(m, p->scratch);

    put(p, csta_msg_name(request));
    if (says.n > 0) {
        put_c(p, " ");
        put(p, what);
        put_c(p, ": ");
        put(p, says);
        put_c(p, "\n");
        return;
    }
    if (m->body == NULL || (connection_of(m) == NULL && !is_one_word(m))) {
        put_c(p, what.n > 0 ? " " : "");
        put(p, what);
        put_c(p, ": done\n");
        return;
    }
    put_c(p, ": ");
    if (connection_of(m) != NULL) {
        put(p, connection_text(p, connection_of(m)));
    } else if (m->id == CSTA_MSG_MONITOR_START_RESPONSE) {
        put(p, what);
        put_c(p, " is monitored as ");
        put(p, m->monitor_start_response->monitor_cross_ref_id);
    } else if (m->id == CSTA_MSG_ROUTE_REGISTER_RESPONSE) {
        put_c(p, "registration ");
        put(p, m->route_register_response->route_register_req_id);
    } else {
        put(p, csta_system_status_value_name(m->request_system_status_response->system_status));
    }
    put_c(p, "\n");
}

static void members_of_answer(struct csta_printer *p, const struct csta_msg *m)
{
    if (m->body == NULL) {
        return;
    }
    switch ((unsigned)m->id) {
    case CSTA_MSG_MONITOR_START_RESPONSE:
        member(p, "monitorCrossRefID", m->monitor_start_response->monitor_cross_ref_id);
        break;
    case CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE:
        member(p, "systemStatus",
               csta_system_status_value_name(m->request_system_status_response->system_status));
        break;
    case CSTA_MSG_SNAPSHOT_DEVICE_RESPONSE:
        members_of_snapshot(p, m);
        break;
    case CSTA_MSG_GET_CSTA_FEATURES_RESPONSE:
        put_features(p, m);
        break;
    default:
        member_connection(p, "connection", connection_of(m));
        break;
    }
}

void csta_print_answer(struct csta_printer *p, uint64_t wall_ms, enum csta_msg_id request,
                       struct str what, const struct csta_msg *answer, struct str body)
{
    if (p->json) {
        open_object(p, wall_ms, "response");
        member(p, "request", csta_msg_name(request));
        member(p, "response", answer->root_name);
        member(p, "about", what);
        members_of_answer(p, answer);
        close_object(p, body);
        return;
    }
    if (answer->body != NULL && answer->id == CSTA_MSG_SNAPSHOT_DEVICE_RESPONSE) {
        put_snapshot(p, what, answer);
    } else if (answer->body != NULL && answer->id == CSTA_MSG_GET_CSTA_FEATURES_RESPONSE) {
        put_features(p, answer);
    } else {
        put_sentence(p, request, what, answer);
        if (csta_feature_text(answer, p->scratch).n == 0 && connection_of(answer) == NULL &&
            !is_one_word(answer)) {
            csta_put_leaves(body, p->scratch, p->out);
        }
    }
    fflush(p->out);
}

void csta_print_list(struct csta_printer *p, uint64_t wall_ms, const struct csta_msg *m,
                     struct str body)
{
    const struct csta_listed_device_list *l = &m->switching_function_devices->device_list;

    if (p->json) {
        open_object(p, wall_ms, "response");
        member(p, "request", csta_msg_name(m->id));
        close_object(p, body);
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        column(p, l->item[i].device_id.value, 32);
        put(p, csta_device_category_name(l->item[i].device_category));
        put_c(p, "\n");
    }
    fflush(p->out);
}

void csta_print_raw(struct csta_printer *p, uint64_t wall_ms, unsigned status, struct str body)
{
    if (p->json) {
        open_object(p, wall_ms, "response");
        member(p, "request", STR("raw"));
        fprintf(p->out, ", \"status\": %u", status);
        member(p, "body", body);
        close_object(p, body);
        return;
    }
    fwrite(body.p == NULL ? "" : body.p, 1, body.n, p->out);
    if (body.n > 0 && body.p[body.n - 1] != '\n') {
        fputc('\n', p->out);
    }
    fflush(p->out);
}

/* ---- refusals and news ---- */

static void refusal_object(struct csta_printer *p, uint64_t wall_ms,
                           const struct csta_refusal *r)
{
    open_object(p, wall_ms, "error");
    member(p, "request", r->what);
    if (r->status != 0) {
        fprintf(p->out, ", \"status\": %u", r->status);
        member(p, "reason", r->reason);
    }
    if (r->error.kind != CSTA_ERROR_ABSENT) {
        member(p, "category", csta_error_category_name(r->error.kind));
        member(p, "value", csta_error_value_name(r->error));
        member(p, "text", str_c(csta_error_meaning(r->error)));
    } else if (r->because != NULL) {
        member(p, "text", str_c(r->because));
    }
    member(p, "warning", r->warning);
    close_object(p, STR_NONE);
}

void csta_print_refusal(struct csta_printer *p, uint64_t wall_ms, const struct csta_refusal *r)
{
    struct csta_printer e = *p;
    struct str value = csta_error_value_name(r->error);

    if (p->json) {
        refusal_object(p, wall_ms, r);
        return;
    }
    fflush(p->out);
    e.out = p->err;
    put_c(&e, "baton csta: ");
    put(&e, r->what);
    put_c(&e, r->what.n > 0 ? " failed: " : "");
    if (r->error.kind != CSTA_ERROR_ABSENT) {
        put(&e, csta_error_category_name(r->error.kind));
        put_c(&e, value.n > 0 ? "/" : "");
        put(&e, value);
        fprintf(e.out, ": %s", csta_error_meaning(r->error));
    } else if (r->because != NULL) {
        put_c(&e, r->because);
    }
    if (r->status >= 300) {
        fprintf(e.out, "%sSIP %u ",
                r->error.kind != CSTA_ERROR_ABSENT || r->because != NULL ? "; " : "",
                r->status);
        put(&e, r->reason);
    }
    if (r->warning.n > 0) {
        put_c(&e, "\n  the server says: ");
        put(&e, r->warning);
    }
    put_c(&e, "\n");
    fflush(e.out);
}

void csta_print_news(struct csta_printer *p, uint64_t wall_ms, const char *state,
                     struct str text)
{
    struct csta_printer e = *p;

    if (p->json) {
        open_object(p, wall_ms, "session");
        member(p, "state", str_c(state));
        member(p, "text", text);
        close_object(p, STR_NONE);
        return;
    }
    fflush(p->out);
    e.out = p->err;
    put_c(&e, "baton csta: ");
    put(&e, text);
    put_c(&e, "\n");
    fflush(e.out);
}
