/* SPDX-License-Identifier: Apache-2.0 */
/* The isdn-uui that one message carries: see carried.h. */
#include "isdn/carried.h"
#include "base/err.h"

bool isdn_line_is_uui(struct str line)
{
    return str_istarts(line, STR("User-to-User:"));
}

struct str isdn_cut_line(struct str *rest)
{
    struct str line = str_upto(*rest, str_index(*rest, '\n') + 1);

    *rest = str_from(*rest, line.n);
    return line;
}

/** Values of lines that are added. @return how many */
static size_t added_values(struct str lines, struct str *value)
{
    size_t n = 0;

    while (lines.n > 0) {
        struct str line = isdn_cut_line(&lines);
        if (isdn_line_is_uui(line) && n < ISDN_LINES_MAX) {
            value[n++] = str_trim(str_from(line, sizeof("User-to-User:") - 1));
        }
    }
    return n;
}

static size_t message_values(const struct sip_msg *m, struct str *value)
{
    size_t n = 0;

    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_USER_TO_USER);
         h != NULL && n < ISDN_LINES_MAX; h = sip_msg_next_line(m, h)) {
        value[n++] = sip_hdr_value(m, h);
    }
    return n;
}

void isdn_gather(struct arena *a, const struct isdn_source *s, struct isdn_carried *out)
{
    struct str value[2 * ISDN_LINES_MAX];
    size_t n = added_values(s->lines, value);

    *out = (struct isdn_carried){0};
    if (s->m != NULL && s->header) {
        n += message_values(s->m, value + n);
    }
    out->crowded =
        n >= ISDN_LINES_MAX || uui_list_parse(value, n, s->known, a, &out->list) != 0;
    if (s->m != NULL && s->body && isdn_body_may(s->m)) {
        (void)!isdn_body_read(s->m, a, &out->body); /* what can be read of it counts */
    }
}

struct str isdn_in_header(const struct isdn_carried *c)
{
    return c->list.isdn != NULL ? c->list.isdn->octets : STR_NONE;
}

struct str isdn_in_body(const struct isdn_carried *c)
{
    return isdn_body_octets(&c->body, ISDN_ISUP | ISDN_GTD);
}

int isdn_body_fault(const struct isdn_carried *c)
{
    int fault = E_NOTFOUND;

    for (size_t i = 0; i < c->body.n; i++) {
        const struct isdn_found *f = &c->body.v[i];
        if ((f->place & (ISDN_ISUP | ISDN_GTD)) == 0) {
            continue;
        }
        if (f->err == 0) {
            return 0;
        }
        fault = f->err == E_TOOMANY || f->err == E_TOOBIG ? f->err : fault;
    }
    return fault;
}

bool isdn_carries(const struct isdn_carried *c)
{
    return c->crowded || c->list.isdn_seen > 0 || isdn_body_fault(c) != E_NOTFOUND;
}

enum isdn_unfit isdn_unfit(const struct isdn_carried *c, size_t limit)
{
    struct str octets = isdn_in_header(c);
    bool header = c->list.isdn_seen > 0;
    int fault = header ? 0 : isdn_body_fault(c);

    if (c->crowded || c->list.isdn_seen > 1 || fault == E_TOOMANY) {
        return ISDN_SEVERAL;
    }
    if (header && !str_is_set(octets)) {
        return ISDN_MALFORMED;
    }
    octets = header ? octets : isdn_in_body(c);
    return octets.n > limit || fault == E_TOOBIG ? ISDN_TOO_LONG : ISDN_FITS;
}

const char *isdn_unfit_text(enum isdn_unfit u)
{
    static const char *const text[] = {
        [ISDN_SEVERAL] = "several values, none counts",
        [ISDN_MALFORMED] = "not valid as isdn-uui",
        [ISDN_TOO_LONG] = "longer than an ISDN carries",
    };
    return text[u];
}

struct str isdn_element(struct arena *a, struct str octets)
{
    static const struct uui_format hex = {0};
    size_t cap = 2 * octets.n + 64;
    char *buf = octets.n > 0 ? arena_alloc(a, cap) : NULL;
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    return uui_write(&o, octets, &hex, NULL) == 0 ? out_str_of(&o) : STR_NONE;
}

struct str isdn_others(struct arena *a, const struct isdn_carried *c, struct str first)
{
    size_t cap = first.n + 2;
    struct out o;
    char *buf;

    for (size_t i = 0; i < c->list.n; i++) {
        cap += c->list.v[i].text.n + 2;
    }
    buf = arena_alloc(a, cap);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_str(&o, first);
    for (size_t i = 0; i < c->list.n; i++) {
        if (!c->list.v[i].isdn) {
            out_c(&o, o.n > 0 ? ", " : "");
            out_str(&o, c->list.v[i].text);
        }
    }
    return out_str_of(&o);
}

struct str isdn_with_values(struct arena *a, struct str lines, struct str values)
{
    size_t cap = lines.n + values.n + 32;
    char *buf = arena_alloc(a, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    while (lines.n > 0) {
        struct str line = isdn_cut_line(&lines);
        if (!isdn_line_is_uui(line)) {
            out_str(&o, line);
        }
    }
    if (values.n > 0) {
        out_c(&o, "User-to-User: ");
        out_str(&o, values);
        out_c(&o, "\r\n");
    }
    return out_str_of(&o);
}
