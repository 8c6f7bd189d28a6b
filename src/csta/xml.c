/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict pull reader.
 *
 * One pointer walks over the document. Between two tags it looks at every octet once, by a
 * class table for ASCII and a validating step for the rest, so that the text that is handed
 * out is known to be legal and its owner has only to replace what `plain` says is there.
 *
 * STATES      depth 0 and no root yet: prolog; depth > 0: content; depth 0 behind the root:
 *             epilog. `empty_tag` stands for the end tag that `<a/>` does not have.
 * INVARIANTS  start <= p <= end; open[0..depth) are the names of the open elements.
 * DECLINED    what may be well-formed but is not read here (decline below). In the mode
 *             `any_name`, in which documents come from xml_recode, that is a plain error.
 */
#include "csta/xml.h"
#include "csta/xml_char.h"

static int fail(struct xml_reader *r, int err, const char *at, const char *reason)
{
    r->at = at;
    r->reason = reason;
    r->p = r->end;
    return err;
}

static int decline(struct xml_reader *r, const char *at, const char *reason)
{
    return fail(r, r->limits.any_name ? E_SYNTAX : E_UNSUPPORTED, at, reason);
}

static bool starts(const char *p, const char *end, struct str what)
{
    return (size_t)(end - p) >= what.n && memcmp(p, what.p, what.n) == 0;
}

static const char *skip_space(const char *p, const char *end)
{
    return xml_scan(p, end, XML_C_SPACE);
}

/* The rest of a name at `p`, where an octet is that is no plain name character. */
static int read_odd_name(struct xml_reader *r, const char **pp, const char **colon)
{
    const char *p = *pp;
    while (p < r->end) {
        size_t n = 1;
        if (*p == ':') {
            if (*colon != NULL) {
                return decline(r, p, "two colons in a name");
            }
            *colon = p;
        } else if ((unsigned char)*p >= 0x80) {
            n = r->limits.any_name ? xml_utf8_len(p, r->end) : 0;
            if (n == 0) {
                return decline(r, p, "a character in a name");
            }
        } else if (!xml_is(*p, XML_C_NAME)) {
            break;
        }
        p += n;
    }
    *pp = p;
    return 0;
}

/* A name at *pp, split at its one colon. */
static int read_name(struct xml_reader *r, const char **pp, struct str *qname, struct str *name)
{
    const char *from = *pp;
    const char *colon = NULL;
    if (from < r->end && !xml_is(*from, XML_C_START) && (unsigned char)*from < 0x80) {
        return fail(r, E_SYNTAX, from, "a name is expected");
    }
    const char *p = xml_scan(from, r->end, XML_C_NAME);
    if (p < r->end && (*p == ':' || (unsigned char)*p >= 0x80)) {
        int err = read_odd_name(r, &p, &colon);
        if (err) {
            return err;
        }
    }
    if (p == r->end || p == from) {
        return fail(r, E_SYNTAX, p, "the document ends in a tag");
    }
    *qname = *name = str_make(from, (size_t)(p - from));
    if (colon != NULL) {
        if (colon == from || colon + 1 == p) {
            return decline(r, colon, "a name begins or ends with a colon");
        }
        *name = str_make(colon + 1, (size_t)(p - colon - 1));
    }
    *pp = p;
    return 0;
}

/* One octet or reference that the class tables do not know as plain; 0 when it is illegal. */
static size_t special_len(const char *p, const char *end, bool *plain)
{
    uint32_t cp;
    if (*p == '&') {
        *plain = false;
        return xml_ref_len(p, end, &cp);
    }
    if (*p == '\r' || *p == '\n' || *p == '\t') {
        *plain = false;
        return 1;
    }
    return (unsigned char)*p >= 0x80 ? xml_utf8_len(p, end) : 0;
}

static int read_attr_value(struct xml_reader *r, const char **pp, struct xml_raw *out)
{
    const char *p = *pp;
    char quote = p < r->end ? *p : '\0';
    if (quote != '"' && quote != '\'') {
        return fail(r, E_SYNTAX, p, "an attribute without a quoted value");
    }
    const char *from = ++p;
    out->plain = true;
    for (;;) {
        p = xml_scan(p, r->end, XML_C_ATTR);
        if (p == r->end || *p == quote) {
            break;
        }
        if (*p == '"' || *p == '\'') {
            p++;
            continue;
        }
        size_t n = *p == '<' ? 0 : special_len(p, r->end, &out->plain);
        if (n == 0) {
            return fail(r, E_SYNTAX, p, "an illegal character or reference");
        }
        p += n;
    }
    if (p == r->end) {
        return fail(r, E_SYNTAX, from - 1, "an attribute value does not end");
    }
    out->raw = str_make(from, (size_t)(p - from));
    *pp = p + 1;
    return 0;
}

static int read_attr(struct xml_reader *r, const char **pp)
{
    if (r->nattr == XML_ATTR_MAX) {
        return fail(r, E_TOOMANY, *pp, "too many attributes");
    }
    struct xml_attr *a = &r->attr[r->nattr];
    const char *at = *pp;
    int err = read_name(r, pp, &a->qname, &a->name);
    if (err) {
        return err;
    }
    const char *p = skip_space(*pp, r->end);
    if (p == r->end || *p != '=') {
        return fail(r, E_SYNTAX, p, "an attribute without a value");
    }
    *pp = skip_space(p + 1, r->end);
    err = read_attr_value(r, pp, &a->value);
    if (err) {
        return err;
    }
    for (unsigned i = 0; i < r->nattr; i++) {
        if (str_eq(r->attr[i].qname, a->qname)) {
            return fail(r, E_SYNTAX, at, "an attribute twice");
        }
    }
    r->nattr++;
    return 0;
}

/* Attributes up to `>` or `/`; in a fragment the end of the input is an end too. */
static int read_attrs(struct xml_reader *r, const char **pp)
{
    const char *p = *pp;
    r->nattr = 0;
    r->attrs = str_make(p, 0);
    for (;;) {
        const char *next = skip_space(p, r->end);
        if (next == r->end) {
            *pp = next;
            return r->fragment ? 0 : fail(r, E_SYNTAX, next, "the document ends in a tag");
        }
        if (*next == '>' || *next == '/') {
            *pp = next;
            return 0;
        }
        if (next == p) {
            return fail(r, E_SYNTAX, p, "a blank is missing before an attribute");
        }
        p = next;
        int err = read_attr(r, &p);
        if (err) {
            return err;
        }
        r->attrs.n = (size_t)(p - r->attrs.p);
    }
}

static int read_start(struct xml_reader *r, const char *p)
{
    r->at = p++;
    int err = read_name(r, &p, &r->qname, &r->name);
    if (err) {
        return err;
    }
    if (*p == '>') { /* the usual case, short */
        r->nattr = 0;
        r->attrs = str_make(p, 0);
    } else if ((err = read_attrs(r, &p)) != 0) {
        return err;
    }
    if (p == r->end) {
        return fail(r, E_SYNTAX, p, "the document ends in a tag");
    }
    if (*p == '/') {
        p++;
        if (p == r->end || *p != '>') {
            return fail(r, E_SYNTAX, p, "a tag does not end");
        }
        r->empty_tag = true;
    }
    if (r->depth >= r->limits.depth) {
        return fail(r, E_TOOMANY, r->at, "elements are nested too deep");
    }
    if (r->elements >= r->limits.elements) {
        return fail(r, E_TOOMANY, r->at, "too many elements");
    }
    r->elements++;
    r->open[r->depth++] = r->qname;
    r->seen_root = true;
    r->p = p + 1;
    return XML_START;
}

static int read_end(struct xml_reader *r, const char *p)
{
    struct str want = r->open[r->depth - 1];
    const char *name = p + 2;
    r->at = p;
    if ((r->fragment && r->depth == 1) || (size_t)(r->end - name) <= want.n ||
        !xml_same(name, want.p, want.n)) {
        return fail(r, E_SYNTAX, p, "an end tag that does not match");
    }
    p = name + want.n;
    p = *p == '>' ? p : skip_space(p, r->end);
    if (p == r->end || *p != '>') {
        return fail(r, E_SYNTAX, r->at, "an end tag that does not match");
    }
    r->qname = want;
    r->depth--;
    r->p = p + 1;
    return XML_END;
}

/* Behind `<!--` or `<![CDATA[`: the end of it, NULL when it is not legal. */
static const char *skip_until(const char *p, const char *end, struct str close)
{
    while (p < end && !starts(p, end, close)) {
        bool plain;
        bool text = xml_is(*p, XML_C_TEXT) || *p == '<' || *p == '&' || *p == ']';
        size_t n = text ? 1 : special_len(p, end, &plain);
        if (n == 0) {
            return NULL;
        }
        p += n;
    }
    return p < end ? p + close.n : NULL;
}

/* A comment: `--` in it is its end. */
static const char *skip_comment(const char *p, const char *end)
{
    p = skip_until(p + 4, end, STR("--"));
    return p != NULL && p < end && *p == '>' ? p + 1 : NULL;
}

static int read_text(struct xml_reader *r, const char **pp)
{
    const char *p = r->p;
    const char *end = r->end;
    bool plain = true;
    for (;;) {
        p = xml_scan(p, end, XML_C_TEXT);
        if (p == end) {
            break;
        }
        if (*p == ']') {
            if (starts(p, end, STR("]]>"))) {
                return fail(r, E_SYNTAX, p, "\"]]>\" in text");
            }
            p++;
            continue;
        }
        const char *next;
        if (*p != '<') {
            size_t n = special_len(p, end, &plain);
            next = n > 0 ? p + n : NULL;
        } else if (starts(p, end, STR("<!--"))) {
            plain = false;
            next = skip_comment(p, end);
        } else if (starts(p, end, STR("<![CDATA["))) {
            plain = false;
            next = skip_until(p + 9, end, STR("]]>"));
        } else {
            break;
        }
        if (next == NULL) {
            return fail(r, E_SYNTAX, p, "an illegal character, reference or section");
        }
        p = next;
    }
    r->text.raw = str_make(r->p, (size_t)(p - r->p));
    r->text.plain = plain;
    *pp = p;
    return 0;
}

/* Outside of the root element: comments, and the root itself. */
static int read_outside(struct xml_reader *r)
{
    for (;;) {
        const char *p = skip_space(r->p, r->end);
        if (p == r->end) {
            return r->seen_root ? XML_END_OF_DOCUMENT
                                : fail(r, E_SYNTAX, p, "there is no element");
        }
        if (starts(p, r->end, STR("<!--"))) {
            const char *next = skip_comment(p, r->end);
            if (next == NULL) {
                return fail(r, E_SYNTAX, p, "a comment is not well-formed");
            }
            r->p = next;
            continue;
        }
        if (starts(p, r->end, STR("<!DOCTYPE"))) {
            return fail(r, E_DENIED, p, "a document type is not accepted");
        }
        if (starts(p, r->end, STR("<?"))) {
            return decline(r, p, "a processing instruction");
        }
        if (*p != '<') {
            bool other = !r->seen_root && ((unsigned char)*p >= 0x80 || *p == '\0');
            return other ? decline(r, p, "another encoding")
                         : fail(r, E_SYNTAX, p, "text outside of the root element");
        }
        if (p + 1 < r->end && p[1] == '\0') {
            return decline(r, p, "another encoding");
        }
        if (r->seen_root) {
            return fail(r, E_SYNTAX, p, "something behind the root element");
        }
        return read_start(r, p);
    }
}

int xml_next(struct xml_reader *r)
{
    if (r->empty_tag) {
        r->empty_tag = false;
        r->depth--;
        return XML_END;
    }
    if (r->depth == 0) {
        return read_outside(r);
    }
    const char *p = r->p;
    bool tag = r->end - p > 1 && *p == '<' && p[1] != '!';
    int err = tag ? 0 : read_text(r, &p);
    if (err) {
        return err;
    }
    if (p > r->p) {
        if (p == r->end && !r->fragment) {
            return fail(r, E_SYNTAX, p, "the document ends in an element");
        }
        r->at = r->p;
        r->p = p;
        return XML_TEXT;
    }
    if (p == r->end) {
        return r->fragment && r->depth == 1
                   ? XML_END_OF_DOCUMENT
                   : fail(r, E_SYNTAX, p, "the document ends in an element");
    }
    if (p + 1 < r->end && p[1] == '/') {
        return read_end(r, p);
    }
    if (p + 1 < r->end && p[1] == '?') {
        return decline(r, p, "a processing instruction");
    }
    return read_start(r, p);
}

/* `name = "value"` of the XML declaration at *pp, led by blanks. */
static bool pseudo_attr(const char **pp, const char *end, struct str name, struct str *value)
{
    const char *p = skip_space(*pp, end);
    if (p == *pp || !starts(p, end, name)) {
        return false;
    }
    p = skip_space(p + name.n, end);
    if (p == end || *p != '=') {
        return false;
    }
    p = skip_space(p + 1, end);
    if (p == end || (*p != '"' && *p != '\'')) {
        return false;
    }
    const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
    if (close == NULL) {
        return false;
    }
    *value = str_make(p + 1, (size_t)(close - p - 1));
    *pp = close + 1;
    return true;
}

/* The declaration, when it is one of version 1.0 in UTF-8; otherwise declined. */
static int read_declaration(struct xml_reader *r)
{
    const char *p = r->p + 5;
    struct str value;
    if (!pseudo_attr(&p, r->end, STR("version"), &value) || !str_eq(value, STR("1.0"))) {
        return decline(r, p, "the XML declaration");
    }
    if (pseudo_attr(&p, r->end, STR("encoding"), &value) && !str_ieq(value, STR("UTF-8"))) {
        return decline(r, p, "another encoding");
    }
    if (pseudo_attr(&p, r->end, STR("standalone"), &value) && !str_eq(value, STR("yes")) &&
        !str_eq(value, STR("no"))) {
        return decline(r, p, "the XML declaration");
    }
    p = skip_space(p, r->end);
    if (!starts(p, r->end, STR("?>"))) {
        return decline(r, p, "the XML declaration");
    }
    r->p = p + 2;
    return 0;
}

static void begin(struct xml_reader *r, struct str doc, const struct xml_limits *limits)
{
    r->limits = *limits;
    if (r->limits.depth > XML_DEPTH_MAX) {
        r->limits.depth = XML_DEPTH_MAX;
    }
    r->start = r->p = r->at = str_is_set(doc) ? doc.p : "";
    r->end = r->p + doc.n;
    r->reason = "";
    r->nattr = r->depth = r->elements = 0;
    r->empty_tag = r->seen_root = r->fragment = false;
}

int xml_init(struct xml_reader *r, struct str doc, const struct xml_limits *limits)
{
    begin(r, doc, limits);
    if (doc.n > limits->bytes) {
        return fail(r, E_TOOBIG, r->start, "the document is too large");
    }
    if (starts(r->p, r->end, STR("\xEF\xBB\xBF"))) {
        r->p += 3;
    }
    if (starts(r->p, r->end, STR("<?xml")) && r->p + 5 < r->end &&
        xml_is(r->p[5], XML_C_SPACE)) {
        return read_declaration(r);
    }
    return 0;
}

int xml_text(struct xml_reader *r, struct arena *a, struct str *out)
{
    struct xml_raw text = {STR_INIT(""), true};
    const char *p = xml_scan(r->p, r->end, XML_C_TEXT);
    if (!r->empty_tag && r->end - p > 2 && *p == '<' && p[1] == '/') {
        *out = str_make(r->p, (size_t)(p - r->p)); /* the usual case: nothing to replace */
        int err = read_end(r, p);
        return err < 0 ? err : 0;
    }
    int ev = xml_next(r);
    if (ev == XML_TEXT) {
        text = r->text;
        ev = xml_next(r);
    }
    if (ev == XML_START) {
        r->reason = "an element where a value is expected";
        return E_VALUE;
    }
    return ev < 0 ? ev : xml_text_of(&text, a, out);
}

int xml_skip(struct xml_reader *r, struct str *raw)
{
    const char *from = r->p;
    unsigned depth = r->depth;
    bool empty = r->empty_tag;
    do {
        int ev = xml_next(r);
        if (ev < 0) {
            return ev;
        }
    } while (r->depth >= depth);
    if (raw != NULL) {
        *raw = str_make(from, empty ? 0 : (size_t)(r->at - from));
    }
    return 0;
}

static const struct xml_limits fragment_limits = {
    .bytes = SIZE_MAX, .depth = XML_DEPTH_MAX, .elements = UINT32_MAX, .any_name = true};

bool xml_is_content(struct str body)
{
    struct xml_reader r;
    begin(&r, body, &fragment_limits);
    r.fragment = true;
    r.depth = 1;
    r.open[0] = STR("");
    int ev;
    do {
        ev = xml_next(&r);
    } while (ev > XML_END_OF_DOCUMENT);
    return ev == XML_END_OF_DOCUMENT;
}

bool xml_is_attrs(struct str attrs)
{
    struct xml_reader r;
    begin(&r, attrs, &fragment_limits);
    r.fragment = true;
    const char *p = r.p;
    return read_attrs(&r, &p) == 0 && p == r.end;
}
