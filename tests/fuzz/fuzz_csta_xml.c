/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict XML reader against expat.
 *
 * What the reader accepts, expat accepts with the same names, attributes and text; what the
 * reader calls a syntax error, expat refuses too. What it declines goes to expat in the
 * product, so there the recoded document has to be one that the reader takes, and it has to
 * mean the same. Traces are compared: names and values with an octet between that neither
 * can contain.
 */
#include "base/out.h"
#include "csta/xml.h"
#include <expat.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 20, INPUT = 1 << 16 };

static char ours[ROOM], theirs[ROOM];

struct expat_trace {
    struct out o;
    bool in_text, doctype;
};

static void put(struct out *o, char mark, struct str s)
{
    out_ch(o, mark);
    out_str(o, s);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attr)
{
    struct expat_trace *t = ctx;
    put(&t->o, '\1', str_c(name));
    for (size_t i = 0; attr[i] != NULL; i += 2) {
        put(&t->o, '\2', str_c(attr[i]));
        put(&t->o, '\3', str_c(attr[i + 1]));
    }
    t->in_text = false;
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct expat_trace *t = ctx;
    put(&t->o, '\4', str_c(name));
    t->in_text = false;
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
    struct expat_trace *t = ctx;
    if (!t->in_text) {
        out_ch(&t->o, '\5');
    }
    t->in_text = true;
    out_str(&t->o, str_make(text, (size_t)n));
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid,
                       const XML_Char *pubid, int internal)
{
    struct expat_trace *t = ctx;
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)internal;
    t->doctype = true;
}

static bool expat_reads(struct str doc, struct expat_trace *t)
{
    XML_Parser p = XML_ParserCreate(NULL);
    if (p == NULL) {
        abort();
    }
    out_init(&t->o, theirs, sizeof(theirs));
    t->in_text = t->doctype = false;
    XML_SetUserData(p, t);
    XML_SetElementHandler(p, on_start, on_end);
    XML_SetCharacterDataHandler(p, on_text);
    XML_SetStartDoctypeDeclHandler(p, on_doctype);
    bool ok = XML_Parse(p, doc.p, (int)doc.n, XML_TRUE) == XML_STATUS_OK;
    XML_ParserFree(p);
    return ok;
}

static struct str decoded(const struct xml_raw *raw, struct arena *a, bool attr)
{
    struct str text;
    if ((attr ? xml_attr_of(raw, a, &text) : xml_text_of(raw, a, &text)) != 0) {
        abort();
    }
    return text;
}

/* @return XML_END_OF_DOCUMENT or an error */
static int reader_reads(struct str doc, bool any_name, struct arena *a, struct out *o)
{
    struct xml_limits limits = {SIZE_MAX, XML_DEPTH_MAX, 4000, any_name};
    struct xml_reader r;
    out_init(o, ours, sizeof(ours));
    int ev = xml_init(&r, doc, &limits);
    for (ev = ev < 0 ? ev : xml_next(&r); ev > 0; ev = xml_next(&r)) {
        if (ev == XML_START) {
            put(o, '\1', r.qname);
            for (unsigned i = 0; i < r.nattr; i++) {
                put(o, '\2', r.attr[i].qname);
                put(o, '\3', decoded(&r.attr[i].value, a, true));
            }
        } else if (ev == XML_END) {
            put(o, '\4', r.qname);
        } else {
            struct str text = decoded(&r.text, a, false);
            if (text.n > 0) {
                put(o, '\5', text);
            }
        }
    }
    return ev;
}

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* The way that a declined document goes; `t` is what expat read. */
static void check_recoded(struct str doc, const struct expat_trace *t, bool accepted,
                          struct arena *a)
{
    struct xml_limits limits = {SIZE_MAX, XML_DEPTH_MAX, 4000, false};
    struct xml_recoded rec;
    const char *reason;
    struct out o;
    size_t at;
    int err = xml_recode(doc, &limits, 0, a, &rec, &at, &reason);
    check(err != E_UNSUPPORTED && at <= doc.n);
    check(err != 0 || (accepted && !t->doctype));
    check(err != E_SYNTAX || !accepted || t->doctype);
    if (err == 0) {
        err = reader_reads(rec.doc, true, a, &o);
        /* two colons, or one at an end: refused in both forms */
        check(err == E_SYNTAX || err == E_TOOMANY || err == XML_END_OF_DOCUMENT);
        check(err != XML_END_OF_DOCUMENT || str_eq(out_str_of(&o), out_str_of(&t->o)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str doc = str_make((const char *)data, size);
    struct expat_trace t;
    struct arena a;
    struct out o;
    if (size > INPUT) {
        return 0;
    }
    arena_init(&a, &mem_libc, 65536);
    bool accepted = expat_reads(doc, &t);
    int err = reader_reads(doc, false, &a, &o);
    check(!o.over && !t.o.over);
    if (err == XML_END_OF_DOCUMENT) {
        check(accepted && str_eq(out_str_of(&o), out_str_of(&t.o)));
    } else if (err == E_SYNTAX) {
        check(!accepted);
    }
    check_recoded(doc, &t, accepted, &a);
    arena_fini(&a);
    return 0;
}
