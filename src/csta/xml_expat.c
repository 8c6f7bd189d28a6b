/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents that the strict reader declines, read by expat and written again for it.
 *
 * So there is one decoder, over one kind of event, and this path needs no second set of
 * rules: what comes out is an ordinary document, in which foreign XML can be sliced as in
 * any other. Positions are kept by remembering where each element start came from.
 *
 * LEFT OUT  comments, processing instructions and the declaration: they mean nothing here.
 * COST      several times that of the reader, plus expat's own allocations (xml.h says why
 *           they come from the C library). Real CSTA hardly ever comes this way.
 */
#include "csta/xml.h"
#include "csta/xml_char.h"
#include <expat.h>
#include <limits.h>

/* A value that is neither secret nor zero, for callers without randomness. */
#define SALT 0x5bd1e995UL

struct recode {
    XML_Parser parser;
    struct arena *arena;
    const struct xml_limits *limits;
    char *p;
    size_t n, cap;
    struct xml_place *place;
    size_t nplace, capplace;
    unsigned depth;
    int err;
    const char *reason;
};

static void stop(struct recode *rc, int err, const char *reason)
{
    if (rc->err == 0) {
        rc->err = err;
        rc->reason = reason;
        (void)XML_StopParser(rc->parser, XML_FALSE); /* fails only when stopped already */
    }
}

/* Room for `more` octets; the arena keeps the old ones until it is reset. */
static bool reserve(struct recode *rc, size_t more)
{
    if (rc->err == 0 && more > rc->cap - rc->n) {
        size_t cap = 2 * (rc->n + more) + 256;
        char *p = arena_alloc(rc->arena, cap);
        if (p == NULL) {
            stop(rc, E_NOMEM, "out of memory");
            return false;
        }
        if (rc->n > 0) {
            memcpy(p, rc->p, rc->n);
        }
        rc->p = p;
        rc->cap = cap;
    }
    return rc->err == 0;
}

static void put(struct recode *rc, struct str s)
{
    if (s.n > 0 && reserve(rc, s.n)) {
        memcpy(rc->p + rc->n, s.p, s.n);
        rc->n += s.n;
    }
}

/* expat gives legal UTF-8 only, so nothing else is to be looked after. */
static void put_escaped(struct recode *rc, struct str s, bool attr)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        struct str other = xml_escape(s.p[i], attr);
        if (str_is_set(other)) {
            put(rc, str_make(s.p + from, i - from));
            put(rc, other);
            from = i + 1;
        }
    }
    put(rc, str_from(s, from));
}

static void add_place(struct recode *rc)
{
    if (rc->nplace == rc->capplace) {
        size_t cap = rc->capplace > 0 ? 2 * rc->capplace : 32;
        struct xml_place *place = arena_alloc(rc->arena, cap * sizeof(*place));
        if (place == NULL) {
            stop(rc, E_NOMEM, "out of memory");
            return;
        }
        if (rc->nplace > 0) {
            memcpy(place, rc->place, rc->nplace * sizeof(*place));
        }
        rc->place = place;
        rc->capplace = cap;
    }
    XML_Index at = XML_GetCurrentByteIndex(rc->parser);
    rc->place[rc->nplace++] = (struct xml_place){rc->n, at > 0 ? (size_t)at : 0};
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attr)
{
    struct recode *rc = ctx;
    if (rc->err != 0) {
        return;
    }
    if (++rc->depth > rc->limits->depth || rc->nplace >= rc->limits->elements) {
        stop(rc, E_TOOMANY, "too many elements, or nested too deep");
        return;
    }
    add_place(rc);
    put(rc, STR("<"));
    put(rc, str_c(name));
    for (size_t i = 0; attr[i] != NULL; i += 2) {
        put(rc, STR(" "));
        put(rc, str_c(attr[i]));
        put(rc, STR("=\""));
        put_escaped(rc, str_c(attr[i + 1]), true);
        put(rc, STR("\""));
    }
    put(rc, STR(">"));
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct recode *rc = ctx;
    if (rc->err != 0) {
        return;
    }
    rc->depth--;
    put(rc, STR("</"));
    put(rc, str_c(name));
    put(rc, STR(">"));
}

static void on_text(void *ctx, const XML_Char *text, int n)
{
    struct recode *rc = ctx;
    if (rc->err == 0) {
        put_escaped(rc, str_make(text, (size_t)n), false);
    }
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid,
                       const XML_Char *pubid, int has_internal_subset)
{
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_internal_subset;
    stop(ctx, E_DENIED, "a document type is not accepted");
}

/* expat's verdict, when it is its own and not a handler's. */
static void take_error(struct recode *rc)
{
    if (rc->err == 0) {
        enum XML_Error code = XML_GetErrorCode(rc->parser);
        rc->err = code == XML_ERROR_NO_MEMORY ? E_NOMEM : E_SYNTAX;
        rc->reason = XML_ErrorString(code);
    }
}

int xml_recode(struct str doc, const struct xml_limits *limits, unsigned long salt,
               struct arena *a, struct xml_recoded *out, size_t *at, const char **reason)
{
    *at = 0;
    if (doc.n > limits->bytes || doc.n > INT_MAX) {
        *reason = "the document is too large";
        return E_TOOBIG;
    }
    struct recode rc = {.arena = a, .limits = limits};
    rc.parser = XML_ParserCreate(NULL);
    if (rc.parser == NULL) {
        *reason = "out of memory";
        return E_NOMEM;
    }
    XML_SetHashSalt(rc.parser, salt != 0 ? salt : SALT);
    XML_SetUserData(rc.parser, &rc);
    XML_SetElementHandler(rc.parser, on_start, on_end);
    XML_SetCharacterDataHandler(rc.parser, on_text);
    XML_SetStartDoctypeDeclHandler(rc.parser, on_doctype);
    if (XML_Parse(rc.parser, doc.p, (int)doc.n, XML_TRUE) != XML_STATUS_OK) {
        take_error(&rc);
    }
    if (rc.err != 0) {
        XML_Index index = XML_GetCurrentByteIndex(rc.parser);
        *at = index > 0 ? (size_t)index : 0;
        *reason = rc.reason;
    }
    XML_ParserFree(rc.parser);
    *out = (struct xml_recoded){str_make(rc.p, rc.n), rc.place, rc.nplace};
    return rc.err;
}

size_t xml_recoded_from(const struct xml_recoded *rec, size_t offset)
{
    size_t lo = 0;
    size_t hi = rec->nplace;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (rec->place[mid].to <= offset) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo > 0 ? rec->place[lo - 1].from : 0;
}
