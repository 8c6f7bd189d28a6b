/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message from content.
 *
 * Every message of a leg is: a start line, a head that the leg writes (its identity in the
 * dialog, its own abilities, the user's lines), and the parts: what stays of a passed message,
 * or Content-Type and Content-Length of a body. The parts are runs of borrowed bytes, so that a
 * passed header or body is never copied on the way; they are kept as one block only when
 * the message may have to be sent again.
 *
 * INVARIANTS  The head ends with a whole line; the parts contain the empty line.
 *             Content-Length is always there and right. run[0] of a request is its start
 *             line alone (txn.h).
 * COST        Two arena allocations a message besides the runs; nothing on the heap.
 */
#include "dialog/leg_impl.h"

static bool passes_request(const struct leg_content *c)
{
    return c != NULL && c->pass != NULL && sip_is_request(c->pass);
}

static struct str tags_of(struct arena *arena, const struct sip_msg *m, enum sip_hdr_id id,
                          struct str own)
{
    struct out o;
    out_init(&o, NULL, 0);
    leg_write_tags(&o, m, id, own);
    char *buf = o.need > 0 ? arena_alloc(arena, o.need) : NULL;
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, o.need);
    leg_write_tags(&o, m, id, own);
    return out_str_of(&o);
}

/** A redirection is what its Contacts say (RFC 3261 §8.1.3.4), so these are not ours to write.
 */
static struct str contacts_of(struct arena *arena, const struct sip_msg *m, struct str lines)
{
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_CONTACT); h != NULL;
         h = sip_msg_next_line(m, h)) {
        const struct str part[] = {lines, STR("Contact: "), sip_hdr_value(m, h), STR("\r\n")};
        lines = arena_join(arena, part, ARRAY_LEN(part));
    }
    return lines;
}

/** Content-Type, Content-Length and the empty line. */
static struct str content_lines(struct arena *arena, struct str type, struct str disposition,
                                size_t body_n)
{
    size_t cap = type.n + disposition.n + 96;
    char *buf = arena_alloc(arena, cap);
    struct out o;
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "Content-Type: ");
    out_str(&o, type);
    if (disposition.n > 0) {
        out_c(&o, "\r\nContent-Disposition: ");
        out_str(&o, disposition);
    }
    out_c(&o, "\r\nContent-Length: ");
    out_u64(&o, body_n);
    out_c(&o, "\r\n\r\n");
    return out_str_of(&o);
}

static int made_parts(struct arena *arena, const struct leg_content *c, struct leg_parts *p)
{
    struct str *run = arena_alloc(arena, 2 * sizeof(*run));
    struct str type = c != NULL ? c->type : STR_NONE;
    struct str body = c != NULL && str_is_set(type) ? c->body : STR_NONE;
    if (run == NULL) {
        return E_NOMEM;
    }
    run[0] = body.n > 0 ? content_lines(arena, type, c->disposition, body.n)
                        : STR("Content-Length: 0\r\n\r\n");
    run[1] = body;
    p->run = run;
    p->n = 2;
    p->type = body.n > 0 ? type : STR_NONE;
    p->body = body;
    return run[0].p != NULL ? 0 : E_NOMEM;
}

static int passed_parts(const struct leg_layer *l, const struct leg_content *c, unsigned status,
                        struct leg_parts *p)
{
    struct arena *arena = l->scratch;
    const struct sip_msg *m = c->pass;
    struct sip_edit *e = arena_alloc(arena, sizeof(*e));
    struct str *run = arena_alloc(arena, SIP_RUN_MAX * sizeof(*run));
    if (e == NULL || run == NULL) {
        return E_NOMEM;
    }
    sip_edit_init(e, m, arena);
    sip_edit_span(e, 0, m->hdr[0].name_off, STR_NONE);
    leg_edit_pass(e, c->cut);
    p->type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);
    p->body = sip_msg_body(m);
    if (str_is_set(c->type) || c->no_body) {
        p->type = c->no_body ? STR_NONE : c->type;
        p->body = c->no_body ? STR_NONE : c->body;
        sip_edit_body(e, p->type, p->body);
        if (str_is_set(p->type) && str_is_set(c->disposition)) {
            sip_edit_cut(e, SIP_HDR_CONTENT_DISPOSITION);
        }
        if (str_is_set(p->type) && c->disposition.n > 0) {
            sip_edit_append(e, STR("Content-Disposition"), c->disposition);
        }
    } else if (!sip_msg_has(m, SIP_HDR_CONTENT_LENGTH)) {
        struct str length = arena_fmt(arena, "%zu", p->body.n);
        sip_edit_append(e, STR("Content-Length"), length);
    }
    if (status >= 300) {
        p->lines = contacts_of(arena, m, p->lines);
    }
    p->supported = tags_of(arena, m, SIP_HDR_SUPPORTED, l->config.supported);
    p->require = tags_of(arena, m, SIP_HDR_REQUIRE, STR_NONE);
    p->accept = p->accept || sip_msg_has(m, SIP_HDR_ACCEPT);
    p->events = p->events || sip_msg_has(m, SIP_HDR_ALLOW_EVENTS);
    p->agent = p->agent || sip_msg_has(m, SIP_HDR_USER_AGENT);
    int n = sip_edit_emit(e, run);
    if (n < 0) {
        return n;
    }
    p->run = run;
    p->n = (size_t)n;
    return 0;
}

int leg_parts_make(struct leg *leg, const struct leg_content *c, unsigned status,
                   struct leg_parts *p)
{
    struct arena *arena = leg->layer->scratch;
    *p = (struct leg_parts){.max_forwards = leg->layer->config.max_forwards};
    if (passes_request(c) && leg_max_forwards(c->pass, &p->max_forwards) != 0) {
        return E_VALUE;
    }
    if (c != NULL) {
        p->lines = c->lines;
        p->sdp_at = c->sdp_at;
        p->sdp_n = str_is_set(c->type) ? c->sdp_n : 0;
        p->accept = leg_lines_have(c->lines, STR("Accept"));
        p->events = leg_lines_have(c->lines, STR("Allow-Events"));
        p->agent = leg_lines_have(c->lines, STR("User-Agent"));
    }
    return c != NULL && c->pass != NULL ? passed_parts(leg->layer, c, status, p)
                                        : made_parts(arena, c, p);
}

static struct str put(struct out *o, struct str s)
{
    size_t at = o->n;
    out_str(o, s);
    return str_make(o->p + at, o->n - at);
}

int leg_parts_keep(const struct mem *mem, const struct leg_parts *p, struct str *name,
                   struct leg_parts *out)
{
    /* what was kept before (a BYE that had to wait) is one run in its block */
    const struct str *run = p->block != NULL ? &p->kept : p->run;
    size_t tail = sip_runs_len(run, p->n);
    size_t size = name->n + p->lines.n + p->supported.n + p->require.n + p->type.n + tail;
    char *block = mem_alloc(mem, size + 1);
    struct out o;
    if (block == NULL) {
        return E_NOMEM;
    }
    out_init(&o, block, size);
    *out = *p;
    out->block = block;
    *name = put(&o, *name);
    out->lines = put(&o, p->lines);
    out->supported = put(&o, p->supported);
    out->require = put(&o, p->require);
    out->type = put(&o, p->type);
    size_t at = o.n;
    for (size_t i = 0; i < p->n; i++) {
        out_str(&o, run[i]);
    }
    out->kept = str_make(block + at, o.n - at);
    out->body = str_from(out->kept, out->kept.n - p->body.n);
    out->n = 1;
    out->run = NULL; /* the struct may move: leg_write_* uses `kept` when there is a block */
    return 0;
}

void leg_parts_clear(const struct mem *mem, struct leg_parts *p)
{
    mem_free(mem, p->block);
    *p = (struct leg_parts){0};
}

static void append_parts(struct leg_wire *w, const struct leg_parts *p)
{
    if (p->block != NULL) {
        w->run[w->n++] = p->kept;
        return;
    }
    memcpy(&w->run[w->n], p->run, p->n * sizeof(*p->run));
    w->n += p->n;
}

static void line(struct out *o, const char *name, struct str value)
{
    if (value.n > 0) {
        out_c(o, name);
        out_c(o, ": ");
        out_str(o, value);
        out_c(o, "\r\n");
    }
}

/** One header of option tags: timer, ours, and those that pass. */
static void tags(struct out *o, const char *name, bool timer, struct str own, struct str more)
{
    const struct str part[] = {timer ? STR("timer") : STR_NONE, own, more};
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        if (part[i].n > 0) {
            out_c(o, any ? ", " : name);
            out_c(o, any ? "" : ": ");
            out_str(o, part[i]);
            any = true;
        }
    }
    out_c(o, any ? "\r\n" : "");
}

static size_t own_size(const struct leg_layer *l, const struct leg_parts *p)
{
    return l->config.allow.n + l->config.supported.n + l->config.accept.n +
           l->config.allow_events.n + l->txn->server_line.n + l->txn->user_agent_line.n +
           p->lines.n + p->supported.n + p->require.n + 384;
}

static void abilities(struct out *o, const struct leg_layer *l, const struct leg_parts *p)
{
    line(o, "Allow", l->config.allow);
    line(o, "Accept", p->accept ? STR_NONE : l->config.accept);
    line(o, "Allow-Events", p->events ? STR_NONE : l->config.allow_events);
}

static bool has_contact(enum sip_method m)
{
    return m == SIP_METHOD_INVITE || m == SIP_METHOD_UPDATE || m == SIP_METHOD_REFER ||
           m == SIP_METHOD_SUBSCRIBE || m == SIP_METHOD_NOTIFY;
}

/** Which way the request goes, and so our address there, comes out when it is sent. */
static bool is_name(const struct txn_target *to)
{
    return to->hop.flow == 0 && to->hop.remote.family == ADDR_NONE;
}

static void request_lines(struct out *o, const struct leg_request *r, const struct leg_parts *p,
                          enum sip_method method)
{
    const struct leg *leg = r->leg;
    bool session = method == SIP_METHOD_INVITE || method == SIP_METHOD_UPDATE;
    if (session) {
        abilities(o, leg->layer, p);
    }
    tags(o, "Supported", session && leg_timer_is_on(leg),
         session ? leg->layer->config.supported : STR_NONE, p->supported);
    tags(o, "Require", false, STR_NONE, p->require);
    if (session) {
        leg_timer_write_request(leg, r->initial, o);
    }
    if (!p->agent) {
        out_str(o, leg->layer->txn->user_agent_line);
    }
    out_str(o, r->credentials);
    out_str(o, p->lines);
}

int leg_write_request(struct leg_request *r, const struct dialog *d, struct str name,
                      enum sip_method method, const struct leg_parts *p, struct leg_wire *w)
{
    struct leg *leg = r->leg;
    struct str contact = STR_NONE;
    r->late_contact = has_contact(method) && is_name(&d->next);
    if (has_contact(method) && !r->late_contact) {
        contact = leg_contact(leg, &d->next.hop, d->secure);
        if (contact.p == NULL) {
            return E_NOMEM;
        }
    }
    size_t cap = 2 * name.n + d->request_uri.n + dialog_head_size(d) + contact.n +
                 r->credentials.n + own_size(leg->layer, p);
    char *buf = arena_alloc(leg->layer->scratch, cap);
    struct out o;
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    out_str(&o, name);
    out_ch(&o, ' ');
    out_str(&o, d->request_uri);
    out_c(&o, " SIP/2.0\r\n");
    w->run[0] = out_str_of(&o);
    dialog_write_head(d, &o, name, r->cseq, p->max_forwards, contact);
    request_lines(&o, r, p, method);
    w->run[1] = str_from(out_str_of(&o), w->run[0].n);
    w->n = 2;
    append_parts(w, p);
    return o.over ? E_NOMEM : 0;
}

/* ---- responses ---- */

static void status_line(struct out *o, const struct leg_answer_args *a)
{
    const struct sip_msg *pass = a->content != NULL ? a->content->pass : NULL;
    struct str reason = a->reason;
    if (!str_is_set(reason)) {
        reason = pass != NULL && pass->status == a->status ? sip_msg_reason(pass)
                                                           : str_c(sip_reason(a->status));
    }
    out_c(o, "SIP/2.0 ");
    out_u64(o, a->status);
    out_ch(o, ' ');
    out_str(o, reason);
    out_c(o, "\r\n");
}

static void copied_lines(struct out *o, const struct leg_answer_args *a)
{
    const struct sip_msg *m = a->req;
    txn_write_vias(o, m, a->hop);
    for (const struct sip_hdr *h = a->record_route ? sip_msg_line(m, SIP_HDR_RECORD_ROUTE)
                                                   : NULL;
         h != NULL; h = sip_msg_next_line(m, h)) {
        line(o, "Record-Route", sip_hdr_value(m, h));
    }
    line(o, "From", sip_msg_value(m, SIP_HDR_FROM));
    out_c(o, "To: ");
    out_str(o, sip_msg_value(m, SIP_HDR_TO));
    if (a->to_tag.n > 0 && sip_msg_tag(m, SIP_HDR_TO).n == 0) {
        out_c(o, ";tag=");
        out_str(o, a->to_tag);
    }
    out_c(o, "\r\n");
    line(o, "Call-ID", sip_msg_value(m, SIP_HDR_CALL_ID));
    line(o, "CSeq", sip_msg_value(m, SIP_HDR_CSEQ));
}

static void session_line(struct out *o, const struct leg_session *s)
{
    if (s != NULL && s->interval_s > 0) {
        out_fmt(o, "Session-Expires: %u;refresher=%s\r\n", s->interval_s,
                s->we_refresh ? "uas" : "uac");
    }
}

static void response_lines(struct out *o, const struct leg *leg,
                           const struct leg_answer_args *a)
{
    const struct leg_layer *l = leg->layer;
    const struct leg_parts *p = a->parts;
    bool success = a->status >= 200 && a->status < 300;
    bool session = a->method == SIP_METHOD_INVITE || a->method == SIP_METHOD_UPDATE ||
                   a->method == SIP_METHOD_OPTIONS;
    if (success && session) {
        abilities(o, l, p);
    } else if (a->status == 405 || (a->method == SIP_METHOD_INVITE && a->status < 200)) {
        line(o, "Allow", l->config.allow);
    } else if (a->status == 415) {
        line(o, "Accept", p->accept ? STR_NONE : l->config.accept);
    }
    tags(o, "Supported", success && session && leg_timer_is_on(leg),
         success && session ? l->config.supported : STR_NONE, p->supported);
    tags(o, "Require", a->session != NULL && a->session->require, STR_NONE, p->require);
    session_line(o, a->session);
    out_str(o, l->txn->server_line);
    out_str(o, p->lines);
}

int leg_write_response(struct leg *leg, const struct leg_answer_args *a, struct leg_wire *w)
{
    struct arena *arena = leg->layer->scratch;
    struct str contact = STR_NONE;
    bool success = a->status >= 200 && a->status < 300;
    if (has_contact(a->method) &&
        (success || (a->method == SIP_METHOD_INVITE && a->status > 100 && a->status < 200))) {
        contact = leg_contact(leg, a->hop, a->secure);
        if (contact.p == NULL) {
            return E_NOMEM;
        }
    }
    size_t cap =
        a->reason.n + a->req->head_len + a->req->hdr_count * 16u + contact.n +
        (a->content != NULL && a->content->pass != NULL ? sip_msg_reason(a->content->pass).n
                                                        : 0) +
        own_size(leg->layer, a->parts) + 256;
    struct out o = {.over = true};
    /* Compact names and lists of Via grow when they are written out: then once more. */
    for (int i = 0; i < 2 && o.over; i++, cap = o.need) {
        char *buf = arena_alloc(arena, cap);
        if (buf == NULL) {
            return E_NOMEM;
        }
        out_init(&o, buf, cap);
        status_line(&o, a);
        copied_lines(&o, a);
        line(&o, "Contact", contact);
        response_lines(&o, leg, a);
    }
    w->run[0] = out_str_of(&o);
    w->n = 1;
    append_parts(w, a->parts);
    return o.over ? E_NOMEM : 0;
}
