/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SIP trace.
 *
 * A line is put together in one buffer, which grows to the longest there was; a message that
 * cannot be indexed is shown by its first line and its length.
 *
 * The CSTA part is read with the strict reader only: what that one declines is shown by its
 * length. Nested elements of the same name occur (a callID in each connection); the first one
 * is written, which is the connection that the message is about.
 */
#include "server/trace.h"
#include "base/arena.h"
#include "base/err.h"
#include "csta/xml.h"
#include "sdp/sdp.h"
#include "server/lines.h"
#include "server/log.h"
#include "sip/hdr.h"
#include <stdlib.h>

struct sip_trace {
    struct lines lines;
    const struct env *inner;
    struct env env;
    struct sip_limits limits;
    char *line;
    size_t line_cap;
    char *bytes; /**< a message that is sent in several runs */
    size_t bytes_cap;
};

struct sip_trace *sip_trace_new(const char *file, const struct sip_limits *limits)
{
    struct sip_trace *t = calloc(1, sizeof(*t));
    if (t == NULL || !lines_open(&t->lines, file)) {
        free(t);
        return NULL;
    }
    t->limits = *limits;
    return t;
}

void sip_trace_free(struct sip_trace *t)
{
    if (t == NULL) {
        return;
    }
    lines_close(&t->lines);
    free(t->line);
    free(t->bytes);
    free(t);
}

bool sip_trace_reopen(struct sip_trace *t)
{
    return lines_reopen(&t->lines);
}

/* ---- members ---- */

static void member(struct out *o, struct str name, struct str value)
{
    if (str_is_set(value)) {
        out_fmt(o, ",\"%.*s\":\"", STR_ARG(name));
        log_escape(o, value, true);
        out_ch(o, '"');
    }
}

static void member_addr(struct out *o, struct str name, const struct addr *a)
{
    char buf[64];
    struct out text;
    out_init(&text, buf, sizeof(buf));
    addr_write(&text, a);
    member(o, name, out_str_of(&text));
}

static void member_party(struct out *o, struct str name, const struct sip_msg *m,
                         enum sip_hdr_id id)
{
    struct sip_addr a;
    if (sip_msg_has(m, id) && sip_msg_addr(m, id, &a) == 0) {
        char buf[512];
        struct out text;
        out_init(&text, buf, sizeof(buf));
        log_blank(&text, a.uri_text, LOG_UUI_FULL);
        member(o, name, text.over ? STR_NONE : out_str_of(&text));
    }
}

static void members_uui(struct out *o, const struct sip_msg *m)
{
    const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_USER_TO_USER);
    if (h == NULL) {
        return;
    }
    out_c(o, ",\"uui\":[");
    for (const char *comma = "\""; h != NULL; h = sip_msg_next_line(m, h), comma = ",\"") {
        out_c(o, comma);
        log_escape(o, sip_hdr_value(m, h), true);
        out_ch(o, '"');
    }
    out_ch(o, ']');
}

/* ---- the body ---- */

/** What is shown of a CSTA message: leaves by name, and the leaf inside of those with data. */
static const struct {
    struct str name;
    bool data; /**< <userData><string>…</string></userData> */
} shown[] = {
    {STR_INIT("monitorCrossRefID"), false},
    {STR_INIT("callID"), false},
    {STR_INIT("deviceID"), false},
    {STR_INIT("callingDevice"), false},
    {STR_INIT("calledDirectoryNumber"), false},
    {STR_INIT("transferredTo"), false},
    {STR_INIT("newDestination"), false},
    {STR_INIT("localConnectionInfo"), false},
    {STR_INIT("cause"), false},
    {STR_INIT("systemStatus"), false},
    {STR_INIT("operation"), false},
    {STR_INIT("stateIncompatibility"), false},
    {STR_INIT("userData"), true},
    {STR_INIT("correlatorData"), true},
};

/** Index in `shown` + 1, or 0. */
static size_t shown_as(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        if (str_eq(name, shown[i].name)) {
            return i + 1;
        }
    }
    return 0;
}

/** Where the reader is: which of `shown` the next text belongs to. Indices + 1, 0: none. */
struct place {
    size_t leaf, data;
    unsigned depth, data_depth;
};

static void place_enter(struct place *at, struct str name)
{
    size_t i = shown_as(name);
    at->depth++;
    at->leaf = at->data != 0 ? at->data : i;
    if (at->data == 0 && i != 0 && shown[i - 1].data) {
        at->data = i;
        at->data_depth = at->depth;
        at->leaf = 0;
    }
}

static void place_leave(struct place *at)
{
    if (at->depth == at->data_depth) {
        at->data = at->data_depth = 0;
    }
    at->depth--;
    at->leaf = 0;
}

static void members_csta(struct out *o, struct str body, struct arena *scratch)
{
    static const struct xml_limits limits = {.bytes = 1 << 20, .depth = 32, .elements = 4096};
    struct xml_reader r;
    struct place at = {0};
    bool done[ARRAY_LEN(shown)] = {false};
    struct str text;
    int event;

    if (xml_init(&r, body, &limits) != 0 || xml_next(&r) != XML_START) {
        return;
    }
    out_c(o, ",\"csta\":{\"message\":\"");
    log_escape(o, r.name, true);
    out_ch(o, '"');
    while ((event = xml_next(&r)) > XML_END_OF_DOCUMENT) {
        if (event == XML_START) {
            place_enter(&at, r.name);
        } else if (event == XML_END) {
            place_leave(&at);
        } else if (at.leaf != 0 && !done[at.leaf - 1] &&
                   xml_text_of(&r.text, scratch, &text) == 0 && str_trim(text).n > 0) {
            member(o, shown[at.leaf - 1].name, str_trim(text));
            done[at.leaf - 1] = true;
        }
    }
    out_ch(o, '}');
}

/** Who sends media, as the author of the description sees it: of its first stream. */
static void member_sdp(struct out *o, struct str body)
{
    struct sdp s;
    if (sdp_parse(body, &s, NULL) == 0 && s.media_count > 0) {
        member(o, STR("sdp"), sdp_dir_text((enum sdp_dir)s.media[0].dir));
    }
}

static void members_body(struct out *o, const struct sip_msg *m)
{
    struct str body = sip_msg_body(m);
    struct arena scratch;

    if (body.n > 0 && sip_msg_content_is(m, STR("application"), STR("csta+xml"))) {
        arena_init(&scratch, &mem_libc, 4096);
        members_csta(o, body, &scratch);
        arena_fini(&scratch);
    } else if (body.n > 0 && sip_msg_content_is(m, STR("application"), STR("sdp"))) {
        member_sdp(o, body);
    }
    out_fmt(o, ",\"body\":%zu", body.n);
}

/* ---- the line ---- */

static struct str first_line(struct str bytes)
{
    return str_upto(bytes, str_index(bytes, '\r'));
}

static void write_start(struct out *o, struct str line)
{
    char buf[4096];
    struct out text;
    out_init(&text, buf, sizeof(buf));
    log_blank(&text, str_upto(line, sizeof(buf) / 4), LOG_UUI_FULL);
    member(o, STR("start"), out_str_of(&text));
}

void sip_trace_format(struct out *o, bool sent, const struct hop *hop, const struct addr *local,
                      struct str bytes, const struct sip_limits *limits, int err)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;

    out_fmt(o, "\"direction\":\"%s\",\"transport\":\"%s\"", sent ? "sent" : "received",
            transport_name(hop->transport));
    member_addr(o, STR("remote"), &hop->remote);
    member_addr(o, STR("local"), local);
    write_start(o, first_line(bytes));
    if (sip_msg_index(&m, bytes, true, limits, &fault) == 0) {
        member(o, STR("call_id"), sip_msg_value(&m, SIP_HDR_CALL_ID));
        member(o, STR("cseq"), sip_msg_value(&m, SIP_HDR_CSEQ));
        member_party(o, STR("from"), &m, SIP_HDR_FROM);
        member_party(o, STR("to"), &m, SIP_HDR_TO);
        members_uui(o, &m);
        member(o, STR("event"), sip_msg_value(&m, SIP_HDR_EVENT));
        members_body(o, &m);
    } else {
        out_fmt(o, ",\"malformed\":true,\"octets\":%zu", bytes.n);
    }
    if (err != 0) {
        member(o, STR("failed"), str_c(err_text(err)));
    }
    out_ch(o, '}');
}

/** Make `*buf` hold `n` octets. */
static bool grow(char **buf, size_t *cap, size_t n)
{
    if (n > *cap) {
        char *more = realloc(*buf, n * 2);
        if (more == NULL) {
            return false;
        }
        *buf = more;
        *cap = n * 2;
    }
    return true;
}

static void write_line(struct sip_trace *t, bool sent, const struct hop *hop, struct str bytes,
                       int err)
{
    struct addr local = {0};
    struct out o;

    t->inner->local(t->inner->ctx, hop, &local);
    do {
        out_init(&o, t->line, t->line_cap);
        out_c(&o, "{\"time\":\"");
        log_time(&o);
        out_c(&o, "\",");
        sip_trace_format(&o, sent, hop, &local, bytes, &t->limits, err);
        out_ch(&o, '\n');
    } while (o.over && grow(&t->line, &t->line_cap, o.need));
    if (!o.over) {
        lines_write(&t->lines, out_str_of(&o));
    }
}

void sip_trace_received(struct sip_trace *t, const struct hop *from, struct str bytes)
{
    while (bytes.n > 0 && (bytes.p[0] == '\r' || bytes.p[0] == '\n')) {
        bytes = str_from(bytes, 1);
    }
    if (bytes.n > 0) { /* else a keep-alive */
        write_line(t, false, from, bytes, 0);
    }
}

/* ---- the environment ---- */

static int traced_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct sip_trace *t = ctx;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        len += run[i].n;
    }
    bool whole = len > 2 && grow(&t->bytes, &t->bytes_cap, len);
    for (size_t i = 0, at = 0; whole && i < n; at += run[i++].n) {
        if (run[i].n > 0) {
            memcpy(t->bytes + at, run[i].p, run[i].n);
        }
    }
    int err = t->inner->send(t->inner->ctx, hop, run, n);
    if (whole) {
        write_line(t, true, hop, str_make(t->bytes, len), err);
    }
    return err;
}

static void traced_random(void *ctx, void *out, size_t n)
{
    struct sip_trace *t = ctx;
    t->inner->random(t->inner->ctx, out, n);
}

static uint64_t traced_wall_s(void *ctx)
{
    struct sip_trace *t = ctx;
    return t->inner->wall_s(t->inner->ctx);
}

static int traced_open(void *ctx, struct hop *hop, struct str name)
{
    struct sip_trace *t = ctx;
    return t->inner->open(t->inner->ctx, hop, name);
}

static bool traced_proves(void *ctx, const struct hop *hop, struct str name)
{
    struct sip_trace *t = ctx;
    return t->inner->proves(t->inner->ctx, hop, name);
}

static int traced_query(void *ctx, enum dns_type type, struct str name,
                        const struct dns_record **records, size_t *n)
{
    struct sip_trace *t = ctx;
    return t->inner->query(t->inner->ctx, type, name, records, n);
}

static bool traced_reaches(void *ctx, const struct hop *hop)
{
    struct sip_trace *t = ctx;
    return t->inner->reaches == NULL || t->inner->reaches(t->inner->ctx, hop);
}

static void traced_local(void *ctx, const struct hop *hop, struct addr *out)
{
    struct sip_trace *t = ctx;
    t->inner->local(t->inner->ctx, hop, out);
}

static void traced_close(void *ctx, uint32_t flow)
{
    struct sip_trace *t = ctx;
    t->inner->close(t->inner->ctx, flow);
}

static uint32_t traced_listener(void *ctx, const struct hop *hop, const struct addr *local)
{
    struct sip_trace *t = ctx;
    return t->inner->listener(t->inner->ctx, hop, local);
}

static size_t traced_queued(void *ctx, uint32_t flow)
{
    struct sip_trace *t = ctx;
    return t->inner->queued(t->inner->ctx, flow);
}

static void traced_trace(void *ctx, enum trace_level level, const char *module,
                         const struct trace_ids *ids, struct str text)
{
    struct sip_trace *t = ctx;
    t->inner->trace(t->inner->ctx, level, module, ids, text);
}

const struct env *sip_trace_env(struct sip_trace *t, const struct env *inner)
{
    t->inner = inner;
    t->env = (struct env){.ctx = t,
                          .mem = inner->mem,
                          .watch = inner->watch,
                          .random = traced_random,
                          .wall_s = traced_wall_s,
                          .send = traced_send,
                          .open = traced_open,
                          .proves = inner->proves != NULL ? traced_proves : NULL,
                          .query = traced_query,
                          .reaches = traced_reaches,
                          .local = traced_local,
                          .close = inner->close != NULL ? traced_close : NULL,
                          .listener = inner->listener != NULL ? traced_listener : NULL,
                          .queued = inner->queued != NULL ? traced_queued : NULL,
                          .trace = inner->trace != NULL ? traced_trace : NULL};
    return &t->env;
}
