/* SPDX-License-Identifier: Apache-2.0 */
/* See appl.h. */
#include "csta/appl.h"

#include "csta/xml.h"

static const struct str names[] = {
    [CSTA_APPL_START] = STR_INIT("StartApplicationSession"),
    [CSTA_APPL_START_POS] = STR_INIT("StartApplicationSessionPosResponse"),
    [CSTA_APPL_START_NEG] = STR_INIT("StartApplicationSessionNegResponse"),
    [CSTA_APPL_RESET] = STR_INIT("ResetApplicationSessionTimer"),
    [CSTA_APPL_RESET_POS] = STR_INIT("ResetApplicationSessionTimerPosResponse"),
    [CSTA_APPL_RESET_NEG] = STR_INIT("ResetApplicationSessionTimerNegResponse"),
    [CSTA_APPL_STOP] = STR_INIT("StopApplicationSession"),
    [CSTA_APPL_STOP_POS] = STR_INIT("StopApplicationSessionPosResponse"),
    [CSTA_APPL_STOP_NEG] = STR_INIT("StopApplicationSessionNegResponse"),
    [CSTA_APPL_TERMINATED] = STR_INIT("ApplicationSessionTerminated"),
};

static const struct xml_limits limits = {.bytes = 65536, .depth = 16, .elements = 200};

/* ---- reading ---- */

struct reading {
    struct xml_reader r;
    struct arena *arena;
    struct csta_appl *out;
    bool specific; /**< inside of applicationSpecificInfo … */
    unsigned at;   /**< … which began at this depth */
};

static bool is_one_of(struct str name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (str_ieq(name, str_c(*list))) {
            return true;
        }
    }
    return false;
}

static int read_text(struct reading *d, struct str *out)
{
    int err = xml_text(&d->r, d->arena, out);

    if (err == 0) {
        *out = str_trim(*out);
    }
    return err;
}

static int read_seconds(struct reading *d)
{
    struct str text;
    int err = read_text(d, &text);

    return err == 0 && !str_to_u32(text, &d->out->duration_s) ? E_VALUE : err;
}

static int read_version(struct reading *d)
{
    struct str text;
    enum csta_edition edition;
    int err = read_text(d, &text);

    if (err == 0 && !str_is_set(d->out->version) && csta_edition_of_ns(text, &edition)) {
        d->out->version = text;
    }
    return err;
}

static int read_login(struct reading *d, struct str name)
{
    static const char *const user[] = {"userName", "user", "login", "loginName", NULL};
    static const char *const password[] = {"password", "passwd", "pwd", NULL};

    if (is_one_of(name, user) && !str_is_set(d->out->user)) {
        return read_text(d, &d->out->user);
    }
    if (is_one_of(name, password) && !str_is_set(d->out->password)) {
        return read_text(d, &d->out->password);
    }
    return 0; /* what is inside of it is looked at */
}

/** An element below the root has begun. */
static int read_element(struct reading *d)
{
    struct csta_appl *m = d->out;
    struct str name = d->r.name;

    if (d->specific) {
        return read_login(d, name);
    }
    if (str_eq(name, STR("applicationSpecificInfo"))) {
        d->specific = true;
        d->at = d->r.depth;
        return 0;
    }
    if (str_eq(name, STR("extensions"))) {
        return xml_skip(&d->r, NULL);
    }
    if (str_eq(name, STR("applicationID"))) {
        return read_text(d, &m->application_id);
    }
    if (str_eq(name, STR("sessionID"))) {
        return read_text(d, &m->session_id);
    }
    if (str_eq(name, STR("protocolVersion")) || str_eq(name, STR("actualProtocolVersion"))) {
        return read_version(d);
    }
    if (str_eq(name, STR("requestedSessionDuration")) ||
        str_eq(name, STR("actualSessionDuration"))) {
        return read_seconds(d);
    }
    if (str_starts(name, STR("defined")) || str_eq(name, STR("applError")) ||
        str_eq(name, STR("appEndReason")) || str_eq(name, STR("serverTermReason"))) {
        return read_text(d, &m->reason);
    }
    return 0;
}

static int read_all(struct reading *d)
{
    int got;

    while ((got = xml_next(&d->r)) > XML_END_OF_DOCUMENT) {
        if (got == XML_START) {
            int err = read_element(d);
            if (err != 0) {
                return err;
            }
        } else if (got == XML_END && d->specific && d->r.depth < d->at) {
            d->specific = false;
        }
    }
    return got;
}

static int read_document(struct str xml, struct arena *a, struct csta_appl *out,
                         const struct xml_limits *most)
{
    struct reading d = {.arena = a, .out = out};
    int got;

    *out = (struct csta_appl){0};
    got = xml_init(&d.r, xml, most);
    if (got == 0) {
        got = xml_next(&d.r);
    }
    if (got < 0) {
        return got;
    }
    for (size_t i = 1; i < ARRAY_LEN(names); i++) {
        if (str_eq(d.r.name, names[i])) {
            out->kind = (enum csta_appl_kind)i;
        }
    }
    return out->kind == CSTA_APPL_NONE ? 0 : read_all(&d);
}

int csta_appl_read(struct str xml, unsigned long salt, struct arena *a, struct csta_appl *out)
{
    struct xml_limits most = limits;
    struct xml_recoded rec;
    const char *reason;
    size_t at;
    int err = read_document(xml, a, out, &most);

    if (err != E_UNSUPPORTED) {
        return err;
    }
    err = xml_recode(xml, &limits, salt, a, &rec, &at, &reason);
    most.any_name = true;
    most.bytes = SIZE_MAX;
    return err == 0 ? read_document(rec.doc, a, out, &most) : err;
}

/* ---- writing ---- */

static void write_leaf(struct out *o, const char *name, struct str text)
{
    if (str_is_set(text)) {
        out_fmt(o, "<%s>", name);
        xml_write(o, text, false);
        out_fmt(o, "</%s>", name);
    }
}

static void write_duration(struct out *o, const char *name, uint32_t seconds)
{
    if (seconds != 0) {
        out_fmt(o, "<%s>%u</%s>", name, seconds, name);
    }
}

static void write_reason(struct out *o, const struct csta_appl *m, const char *element,
                         const char *defined, const char *other)
{
    out_fmt(o, "<%s>", element);
    write_leaf(o, m->defined ? defined : other, m->reason);
    out_fmt(o, "</%s>", element);
}

static void write_start(struct out *o, const struct csta_appl *m)
{
    out_c(o, "<applicationInfo>");
    write_leaf(o, "applicationID", m->application_id);
    if (str_is_set(m->user)) {
        out_c(o, "<applicationSpecificInfo><SessionLoginInfo>");
        write_leaf(o, "userName", m->user);
        write_leaf(o, "password", m->password);
        out_c(o, "</SessionLoginInfo></applicationSpecificInfo>");
    }
    out_c(o, "</applicationInfo><requestedProtocolVersions>");
    write_leaf(o, "protocolVersion", m->version);
    out_c(o, "</requestedProtocolVersions>");
    write_duration(o, "requestedSessionDuration", m->duration_s);
}

void csta_appl_write(const struct csta_appl *m, struct out *o)
{
    out_fmt(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><%.*s xmlns=\"%s\">",
            STR_ARG(names[m->kind]), CSTA_APPL_NAMESPACE);
    write_leaf(o, "sessionID", m->session_id);
    switch (m->kind) {
    case CSTA_APPL_START:
        write_start(o, m);
        break;
    case CSTA_APPL_START_POS:
        write_leaf(o, "actualProtocolVersion", m->version);
        write_duration(o, "actualSessionDuration", m->duration_s);
        break;
    case CSTA_APPL_RESET:
        write_duration(o, "requestedSessionDuration", m->duration_s);
        break;
    case CSTA_APPL_RESET_POS:
        write_duration(o, "actualSessionDuration", m->duration_s);
        break;
    case CSTA_APPL_STOP:
        write_reason(o, m, "sessionEndReason", "definedEndReason", "appEndReason");
        break;
    case CSTA_APPL_TERMINATED:
        write_reason(o, m, "sessionTermReason", "definedTermReason", "serverTermReason");
        break;
    case CSTA_APPL_START_NEG:
    case CSTA_APPL_RESET_NEG:
    case CSTA_APPL_STOP_NEG:
        write_reason(o, m, "errorCode", "definedError", "applError");
        break;
    case CSTA_APPL_STOP_POS:
    case CSTA_APPL_NONE:
        break;
    }
    out_fmt(o, "</%.*s>", STR_ARG(names[m->kind]));
}
