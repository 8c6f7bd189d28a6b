/* SPDX-License-Identifier: Apache-2.0 */
/* Identity and privacy at the boundary: see identity.h. */
#include "history/identity.h"

#include "base/err.h"
#include "sip/hdr.h"
#include "sip/uri.h"

const struct str identity_anonymous =
    STR_INIT("\"Anonymous\" <sip:anonymous@anonymous.invalid>");

/** Values that are done by cutting, so that they can be taken out of Privacy afterwards. */
#define DONE (PRIVACY_ID | PRIVACY_USER | PRIVACY_HEADER | PRIVACY_HISTORY)

/** What of that a proxy can do. */
#define DONE_PROXIED (PRIVACY_ID | PRIVACY_HISTORY)

/* ---- Privacy ---- */

static const struct {
    struct str name;
    enum privacy bit;
} values[] = {
    {STR_INIT("header"), PRIVACY_HEADER},     {STR_INIT("session"), PRIVACY_SESSION},
    {STR_INIT("user"), PRIVACY_USER},         {STR_INIT("none"), PRIVACY_NONE},
    {STR_INIT("critical"), PRIVACY_CRITICAL}, {STR_INIT("id"), PRIVACY_ID},
    {STR_INIT("history"), PRIVACY_HISTORY},
};

static enum privacy privacy_named(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (str_ieq(values[i].name, name)) {
            return values[i].bit;
        }
    }
    return PRIVACY_OTHER;
}

/** Cut the next value off *rest. */
static bool next_value(struct str *rest, struct str *value)
{
    while (rest->n > 0) {
        size_t end = 0;
        while (end < rest->n && rest->p[end] != ';' && rest->p[end] != ',') {
            end++;
        }
        *value = str_trim(str_upto(*rest, end));
        *rest = end < rest->n ? str_from(*rest, end + 1) : STR_NONE;
        if (value->n > 0) {
            return true;
        }
    }
    return false;
}

unsigned privacy_of(const struct sip_msg *m)
{
    unsigned all = 0;
    for (const struct sip_hdr *h = m == NULL ? NULL : sip_msg_line(m, SIP_HDR_PRIVACY);
         h != NULL; h = sip_msg_next_line(m, h)) {
        struct str rest = sip_hdr_value(m, h);
        struct str value;
        while (next_value(&rest, &value)) {
            all |= privacy_named(value);
        }
    }
    return all;
}

bool privacy_withholds(unsigned privacy)
{
    return (privacy & PRIVACY_NONE) == 0 &&
           (privacy & (PRIVACY_ID | PRIVACY_USER | PRIVACY_HEADER)) != 0;
}

/** The values that `keep` has not done, with ';' between. @return how many */
static unsigned write_values(struct out *o, const struct sip_msg *m, unsigned done)
{
    unsigned n = 0;
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_PRIVACY); h != NULL;
         h = sip_msg_next_line(m, h)) {
        struct str rest = sip_hdr_value(m, h);
        struct str value;
        while (next_value(&rest, &value)) {
            if ((privacy_named(value) & done) == 0) {
                out_c(o, n > 0 ? ";" : "");
                out_str(o, value);
                n++;
            }
        }
    }
    return n;
}

bool privacy_is_possible(struct arena *arena, const struct sip_msg *m, bool to_trusted,
                         bool proxied, struct str *reason)
{
    unsigned wanted = privacy_of(m);
    unsigned done = (proxied ? DONE_PROXIED : DONE) | PRIVACY_CRITICAL;
    struct out o;
    if (to_trusted || (wanted & PRIVACY_CRITICAL) == 0 || (wanted & PRIVACY_NONE) != 0 ||
        (wanted & ~done) == 0) {
        return true;
    }
    char *buf = arena_alloc(arena, m->head_len + 32u);
    *reason = STR("Privacy Not Possible");
    if (buf != NULL) {
        out_init(&o, buf, m->head_len + 32u);
        out_c(&o, "Privacy Not Possible: ");
        (void)write_values(&o, m, done);
        *reason = o.over ? *reason : out_str_of(&o);
    }
    return false;
}

static int rewrite_privacy(struct arena *arena, const struct sip_msg *m, unsigned done,
                           struct history_out *out)
{
    unsigned wanted = privacy_of(m);
    size_t cap = m->head_len + 16u;
    struct out o;
    if ((wanted & PRIVACY_NONE) != 0 || (wanted & done) == 0) {
        return 0;
    }
    char *buf = arena_alloc(arena, cap);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    out_c(&o, "Privacy: ");
    unsigned left = write_values(&o, m, done);
    out_c(&o, "\r\n");
    int err = change_cut(out, arena, SIP_HDR_PRIVACY);
    if (left == 0 || (left == 1 && (wanted & PRIVACY_CRITICAL) != 0)) {
        return err; /* nothing is left that could be critical */
    }
    return err != 0 ? err : change_add(out, arena, out_str_of(&o));
}

/* ---- assertions ---- */

static bool may_assert(const struct sip_msg *m)
{
    return m->method != SIP_METHOD_ACK && m->method != SIP_METHOD_CANCEL &&
           m->method != SIP_METHOD_REGISTER; /* who registers says so in To */
}

static void write_name(struct out *o, struct str display)
{
    if (display.n > 0) {
        sip_quote(o, display);
        out_ch(o, ' ');
    }
}

static void write_line(struct out *o, struct str display, const char *scheme, struct str uri)
{
    out_c(o, "P-Asserted-Identity: ");
    write_name(o, display);
    out_ch(o, '<');
    out_c(o, scheme);
    out_str(o, uri);
    out_c(o, ">\r\n");
}

static bool is_tel(const struct sip_uri *u, struct str tel)
{
    return u->scheme == SIP_SCHEME_TEL && str_eq(u->user, tel);
}

/** What the phone would like to be known as, if that is himself: 's'ip, 't'el or 0. */
static char preferred(const struct identity_args *a)
{
    struct sip_values it = {0};
    struct sip_addr addr;
    struct sip_uri own;
    struct str value;
    uint32_t at;
    char which = 0;
    if (sip_uri_parse(a->uri, 0, &own, &at) != 0) {
        return 0;
    }
    while (sip_msg_each(a->m, SIP_HDR_P_PREFERRED_IDENTITY, &it, &value)) {
        if (sip_addr_parse(value, &addr, &at) != 0) {
            continue;
        }
        char one = sip_uri_eq(&addr.uri, &own)                       ? 's'
                   : str_is_set(a->tel) && is_tel(&addr.uri, a->tel) ? 't'
                                                                     : 0;
        if (one == 0 || (which != 0 && which != one)) {
            return 0; /* somebody else's, or both: there is nothing to choose */
        }
        which = one;
    }
    return which;
}

static int assert_own(struct arena *arena, const struct identity_args *a,
                      struct history_out *out)
{
    char which = preferred(a);
    size_t cap = 2 * (2 * a->display.n + 64) + a->uri.n + a->tel.n;
    struct out o;
    char *buf = arena_alloc(arena, cap);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    if (which != 't') {
        write_line(&o, a->display, "", a->uri);
    }
    if (which != 's' && a->tel.n > 0) {
        write_line(&o, a->display, "tel:", a->tel);
    }
    return o.over ? E_NOMEM : change_add(out, arena, out_str_of(&o));
}

/* ---- Remote-Party-ID (draft-ietf-sip-privacy-04) ---- */

struct rpid {
    struct sip_addr addr;
    bool withheld;
};

/** The value that speaks of the sender: party=calling in a request, called in a response. */
static bool rpid_of(const struct sip_msg *m, struct rpid *out)
{
    const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_REMOTE_PARTY_ID);
    struct str want = sip_is_request(m) ? STR("calling") : STR("called");
    struct str value;
    struct str party;
    uint32_t at;
    for (; h != NULL; h = sip_msg_next_line(m, h)) {
        struct str rest = sip_hdr_value(m, h);
        while (sip_list_next(&rest, &value)) {
            if (sip_addr_parse(value, &out->addr, &at) != 0 || out->addr.star ||
                (sip_param(out->addr.params, STR("party"), &party) && !str_ieq(party, want))) {
                continue;
            }
            out->withheld = sip_param(out->addr.params, STR("privacy"), &party) &&
                            (str_istarts(party, STR("full")) ||
                             str_istarts(party, STR("uri")) || str_istarts(party, STR("name")));
            return true;
        }
    }
    return false;
}

static int assert_rpid(struct arena *arena, const struct identity_args *a, const struct rpid *r,
                       struct history_out *out)
{
    const struct sip_addr *addr = &r->addr;
    bool tell = r->withheld && !sip_msg_has(a->m, SIP_HDR_PRIVACY);
    const struct str part[] = {
        STR("P-Asserted-Identity: "),
        addr->bracketed ? str_upto(addr->text, (size_t)(addr->uri_text.p - addr->text.p) - 1)
                        : STR_NONE,
        STR("<"),
        addr->uri_text,
        STR(">\r\n"),
        tell ? STR("Privacy: id\r\n") : STR_NONE};
    if (r->withheld && !a->to_trusted) {
        return 0;
    }
    struct str lines = arena_join(arena, part, ARRAY_LEN(part));
    return str_is_set(lines) ? change_add(out, arena, lines) : E_NOMEM;
}

/* ---- all of it ---- */

/** Does what this message says, or its sender has said before, keep him anonymous there? */
static bool is_secret(const struct identity_args *a)
{
    unsigned wanted = privacy_of(a->m);
    struct rpid r;
    if (a->to_trusted || (wanted & PRIVACY_NONE) != 0) {
        return false;
    }
    return a->withheld || privacy_withholds(wanted) ||
           (a->from_trusted && a->rpid && !sip_msg_has(a->m, SIP_HDR_P_ASSERTED_IDENTITY) &&
            rpid_of(a->m, &r) && r.withheld);
}

bool identity_is_anonymous(const struct identity_args *a)
{
    struct rpid r;
    bool hidden = a->from_trusted && a->rpid && rpid_of(a->m, &r) && r.withheld;
    return is_secret(a) && (hidden || (privacy_of(a->m) & PRIVACY_USER) != 0);
}

static int cut_user(struct arena *arena, struct history_out *out)
{
    static const enum sip_hdr_id personal[] = {SIP_HDR_SUBJECT,      SIP_HDR_CALL_INFO,
                                               SIP_HDR_ORGANIZATION, SIP_HDR_USER_AGENT,
                                               SIP_HDR_REPLY_TO,     SIP_HDR_IN_REPLY_TO};
    int err = 0;
    for (size_t i = 0; i < ARRAY_LEN(personal) && err == 0; i++) {
        err = change_cut(out, arena, personal[i]);
    }
    return err;
}

/** What is asserted in place of what was cut. */
static int put_assertion(struct arena *arena, const struct identity_args *a,
                         struct history_out *out)
{
    struct rpid r;
    if (!may_assert(a->m)) {
        return 0;
    }
    if (!a->from_trusted) {
        return a->to_trusted && a->uri.n > 0 ? assert_own(arena, a, out) : 0;
    }
    if (a->rpid && !sip_msg_has(a->m, SIP_HDR_P_ASSERTED_IDENTITY) && rpid_of(a->m, &r)) {
        int err = change_cut(out, arena, SIP_HDR_REMOTE_PARTY_ID);
        return err != 0 ? err : assert_rpid(arena, a, &r, out);
    }
    return 0;
}

int identity_pass(struct arena *arena, const struct identity_args *a, struct history_out *out)
{
    bool secret = is_secret(a);
    unsigned wanted = privacy_of(a->m);
    int err = change_cut(out, arena, SIP_HDR_P_PREFERRED_IDENTITY);
    if (err == 0 && (!a->from_trusted || secret)) {
        err = change_cut(out, arena, SIP_HDR_P_ASSERTED_IDENTITY);
        err = err != 0 ? err : change_cut(out, arena, SIP_HDR_REMOTE_PARTY_ID);
    }
    if (err == 0 && !secret) {
        err = put_assertion(arena, a, out);
    }
    if (err == 0 && secret && !a->proxied && (wanted & (PRIVACY_USER | PRIVACY_HEADER)) != 0) {
        err = cut_user(arena, out);
    }
    if (err == 0 && !a->to_trusted) {
        err = rewrite_privacy(arena, a->m, a->proxied ? DONE_PROXIED : DONE, out);
    }
    return err;
}
