/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who inserted it: see origin.h.
 *
 * First the one who would be it without any history, the sender or the referrer; then the
 * history speaks, in favour of somebody else, or against being sure; then the seal.
 */
#include "border/origin.h"

#include "base/err.h"
#include "history/entry.h"
#include "history/identity.h"
#include "sip/hdr.h"
#include "sip/uri.h"

/* ---- names ---- */

const char *uui_role_text(enum uui_role r)
{
    static const char *const text[] = {
#define UUI_ROLE_TEXT(name, text) [UUI_ROLE_##name] = (text),
        UUI_ROLE_LIST(UUI_ROLE_TEXT)
#undef UUI_ROLE_TEXT
    };
    return (unsigned)r < UUI_ROLE_COUNT ? text[r] : text[UUI_ROLE_UNKNOWN];
}

const char *uui_confidence_text(enum uui_confidence c)
{
    switch (c) {
    case UUI_CLAIMED:
        return "claimed";
    case UUI_TRUSTED:
        return "trusted";
    case UUI_PROVEN:
        return "proven";
    case UUI_NOBODY_SAYS:
        break;
    }
    return "none";
}

static const char *next_name(unsigned *bits, const char *const *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((*bits & 1u << i) != 0) {
            *bits &= ~(1u << i);
            return name[i];
        }
    }
    return NULL;
}

const char *uui_evidence_next(unsigned *bits)
{
    static const char *const name[] = {
#define UUI_EVIDENCE_NAME(name, text, bit) [bit] = (text),
        UUI_EVIDENCE_LIST(UUI_EVIDENCE_NAME)
#undef UUI_EVIDENCE_NAME
    };
    return next_name(bits, name, ARRAY_LEN(name));
}

const char *uui_conflict_next(unsigned *bits)
{
    static const char *const name[] = {
#define UUI_CONFLICT_NAME(name, text, bit) [bit] = (text),
        UUI_CONFLICT_LIST(UUI_CONFLICT_NAME)
#undef UUI_CONFLICT_NAME
    };
    return next_name(bits, name, ARRAY_LEN(name));
}

/* ---- identities ---- */

static bool is_anonymous(struct str uri)
{
    struct sip_uri u;
    uint32_t at;
    return sip_uri_parse(uri, 0, &u, &at) == 0 && str_ieq(u.host, STR("anonymous.invalid"));
}

/** Name that one, unless he is anonymous. */
static void name(struct uui_origin *o, struct str uri)
{
    o->anonymous = is_anonymous(uri);
    o->identity = o->anonymous || uri.n == 0 ? STR_NONE : uri;
}

/** The first P-Asserted-Identity, or absent. */
static struct str asserted(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct sip_addr addr;
    struct str value;
    uint32_t at;
    return sip_msg_each(m, SIP_HDR_P_ASSERTED_IDENTITY, &it, &value) &&
                   sip_addr_parse(value, &addr, &at) == 0
               ? addr.uri_text
               : STR_NONE;
}

/** Who sent the message: From of a request, To of a response, or who is asserted. */
static void blame_sender(const struct origin_args *q, struct uui_origin *o)
{
    struct str who = q->trusted ? asserted(q->m) : STR_NONE;
    struct sip_addr addr;
    o->role = sip_is_request(q->m) ? UUI_ROLE_ORIGINATOR : UUI_ROLE_ANSWERER;
    if (who.n > 0) {
        o->evidence = UUI_EVIDENCE_ASSERTED;
        o->confidence = UUI_TRUSTED;
    } else if (q->proven.n > 0) {
        who = q->proven;
        o->evidence = UUI_EVIDENCE_PROVEN;
        o->confidence = UUI_PROVEN;
    } else if (sip_msg_addr(q->m, sip_is_request(q->m) ? SIP_HDR_FROM : SIP_HDR_TO, &addr) ==
               0) {
        who = addr.uri_text;
        o->evidence = UUI_EVIDENCE_FROM;
        o->confidence = q->trusted ? UUI_TRUSTED : UUI_CLAIMED;
    }
    name(o, who);
}

/** A request that a REFER has caused (RFC 3892): what it carries is the referrer's. */
static void blame_referrer(const struct origin_args *q, struct uui_origin *o)
{
    struct sip_addr addr;
    struct str cid;
    if (!sip_msg_has(q->m, SIP_HDR_REFERRED_BY) ||
        sip_msg_addr(q->m, SIP_HDR_REFERRED_BY, &addr) != 0) {
        return;
    }
    o->role = UUI_ROLE_REFERRER;
    o->evidence = UUI_EVIDENCE_REFERRED_BY;
    o->confidence = q->trusted ? UUI_TRUSTED : UUI_CLAIMED;
    if (sip_param(addr.params, STR("cid"), &cid)) {
        o->evidence |= UUI_EVIDENCE_TOKEN;
    }
    name(o, addr.uri_text);
}

/** Somebody, but nobody can say who. */
static void blame_nobody(struct uui_origin *o, enum uui_role role)
{
    o->role = (uint8_t)role;
    o->identity = STR_NONE;
    o->evidence = 0;
    o->confidence = UUI_NOBODY_SAYS;
    o->anonymous = role == UUI_ROLE_WITHHELD;
}

/* ---- the history ---- */

/** What an entry embeds, against the value that is asked for. */
enum embeds { EMBEDS_NONE, EMBEDS_OTHER, EMBEDS_SAME };

static bool is_same(const struct uui_value *a, const struct uui_value *b)
{
    return str_is_set(a->octets) && str_is_set(b->octets) ? str_eq(a->octets, b->octets)
                                                          : str_eq(a->text, b->text);
}

static int what_embeds(struct arena *a, const struct origin_args *q, const struct hi_entry *e,
                       enum embeds *out)
{
    struct uui_list list;
    *out = EMBEDS_NONE;
    if (e->headers.n == 0) {
        return 0;
    }
    int err = uui_list_parse_uri(e->headers, q->known, a, &list);
    if (err != 0) {
        return err == E_NOMEM ? err : 0;
    }
    for (size_t i = 0; i < list.n && *out != EMBEDS_SAME; i++) {
        const struct uui_value *v = &list.v[i];
        if (str_ieq(v->package, q->value->package)) {
            *out = is_same(v, q->value) ? EMBEDS_SAME : EMBEDS_OTHER;
        }
    }
    return 0;
}

/** Does that index say that entries are missing (RFC 7044 §10.3 rule 6, §11)? */
static bool has_gap(struct str index)
{
    while (index.n > 0) {
        struct str part = str_upto(index, str_index(index, '.'));
        if (str_eq(part, STR("0"))) {
            return true;
        }
        index = str_from(index, part.n + 1);
    }
    return false;
}

/** The entry that was retargeted to `i`: the one that it names, else the one before it; of a
    contact its user's. */
static const struct hi_entry *before(const struct hi_list *l, uint32_t i)
{
    const struct hi_entry *e = &l->entry[i], *by = i > 0 ? e - 1 : NULL;
    by = str_is_set(e->of) ? hi_list_find(l, e->of) : by;
    for (uint32_t n = 0; by != NULL && n < l->count; n++) {
        bool contact = by->target == HI_TARGET_RC || by->target == HI_TARGET_NP;
        const struct hi_entry *user = contact ? hi_list_find(l, by->of) : NULL;
        if (user == NULL) {
            break;
        }
        by = user; /* a contact answers for its user */
    }
    return by;
}

/** A sip URI without its parameters: a cause (RFC 4458) says nothing about who it is. */
static struct str bare(struct str uri)
{
    struct sip_uri u;
    uint32_t at;
    bool cut =
        sip_uri_parse(uri, 0, &u, &at) == 0 && u.scheme != SIP_SCHEME_TEL && u.params.n > 0;
    return cut ? str_upto(uri, (size_t)(u.params.p - uri.p) - 1) : uri;
}

/** Entry `i` embeds the value: whom it names as having been asked before, put it in. */
static void blame_redirector(const struct origin_args *q, const struct hi_list *l, uint32_t i,
                             struct uui_origin *o)
{
    const struct hi_entry *by = before(l, i);
    struct sip_addr addr;
    bool referred = by != NULL && sip_msg_has(q->m, SIP_HDR_REFERRED_BY) &&
                    sip_msg_addr(q->m, SIP_HDR_REFERRED_BY, &addr) == 0 &&
                    hi_same_target(by->uri, addr.uri_text);
    if (!referred) {
        *o = (struct uui_origin){.role = UUI_ROLE_REDIRECTOR, .conflicts = o->conflicts};
    }
    o->evidence |= UUI_EVIDENCE_HISTORY;
    o->confidence = UUI_TRUSTED;
    if (by == NULL) {
        o->conflicts |= UUI_CONFLICT_GAP;
        o->confidence = UUI_NOBODY_SAYS;
        return;
    }
    name(o, bare(by->uri));
    if (o->anonymous) {
        o->role = UUI_ROLE_WITHHELD;
    }
}

/** Was the request for somebody else at first, in one domain? A contact's user may be any. */
static bool is_retargeted(const struct sip_msg *m)
{
    struct sip_addr to;
    struct sip_uri ruri;
    uint32_t at;
    if (sip_msg_has(m, SIP_HDR_DIVERSION)) {
        return true;
    }
    return sip_msg_addr(m, SIP_HDR_TO, &to) == 0 &&
           sip_uri_parse(sip_msg_ruri(m), 0, &ruri, &at) == 0 && ruri.user.n > 0 &&
           to.uri.user.n > 0 && str_ieq(ruri.host, to.uri.host) &&
           !str_eq(ruri.user, to.uri.user);
}

/** There is no history to look into. */
static void without_history(const struct origin_args *q, struct uui_origin *o)
{
    if ((privacy_of(q->m) & PRIVACY_HISTORY) != 0) {
        blame_nobody(o, UUI_ROLE_WITHHELD);
    } else if (o->role == UUI_ROLE_ORIGINATOR && is_retargeted(q->m)) {
        o->conflicts |= UUI_CONFLICT_LOST;
        blame_nobody(o, UUI_ROLE_UNKNOWN);
    }
}

static void with_doubt(struct uui_origin *o, unsigned conflict)
{
    o->conflicts |= (uint16_t)conflict;
    o->confidence = o->confidence > UUI_CLAIMED ? UUI_CLAIMED : o->confidence;
}

static int ask_history(struct arena *a, const struct origin_args *q, const struct hi_list *l,
                       struct uui_origin *o)
{
    bool hidden = false, differs = false, gap = false;
    for (uint32_t i = 0; i < l->count; i++) {
        enum embeds what;
        if (what_embeds(a, q, &l->entry[i], &what) != 0) {
            return E_NOMEM;
        }
        if (!q->trusted) {
            o->conflicts |= what == EMBEDS_NONE ? 0 : UUI_CONFLICT_UNTRUSTED;
        } else if (what == EMBEDS_SAME) {
            blame_redirector(q, l, i, o);
            return 0;
        }
        differs = differs || what == EMBEDS_OTHER;
        hidden = hidden || is_anonymous(l->entry[i].uri);
        gap = gap || has_gap(l->entry[i].index);
    }
    if (!q->trusted) {
        return 0;
    }
    if (differs) {
        with_doubt(o, UUI_CONFLICT_DIFFERS);
    } else if (hidden) {
        blame_nobody(o, UUI_ROLE_WITHHELD);
    }
    if (gap) {
        with_doubt(o, UUI_CONFLICT_GAP);
    }
    return 0;
}

void origin_seal(struct uui_origin *o, struct str sealed)
{
    if (o->identity.n > 0 && !hi_same_target(o->identity, sealed)) {
        o->conflicts |= UUI_CONFLICT_SEAL;
    }
    o->identity = sealed;
    o->evidence |= UUI_EVIDENCE_SEAL;
    o->confidence = UUI_PROVEN;
    o->anonymous = false;
}

int origin_of(struct arena *a, const struct origin_args *q, struct uui_origin *out)
{
    struct hi_list list = {0};
    int err = 0;
    *out = (struct uui_origin){0};
    blame_sender(q, out);
    if (sip_is_request(q->m)) {
        blame_referrer(q, out);
        err = hi_list_parse(a, q->m, &list);
        if (err == 0 && list.count > 0) {
            err = ask_history(a, q, &list, out);
        } else if (err == 0) {
            without_history(q, out);
        } else if (err != E_NOMEM) {
            with_doubt(out, UUI_CONFLICT_UNREADABLE);
            err = 0;
        }
    }
    if (err != 0) {
        *out = (struct uui_origin){0};
        return err;
    }
    if (q->sealed.n > 0) {
        origin_seal(out, q->sealed);
    }
    return 0;
}
