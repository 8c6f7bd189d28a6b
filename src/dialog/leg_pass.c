/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a message goes on in another dialog.
 *
 * Lines go by their flags in the header table: `hop` means something between neighbours only,
 * `own` is identity or ability of the side that wrote it; both are cut. All else, known or not,
 * stays byte for byte and in its order. Neighbouring lines are cut as one span, so that a
 * message with many Via or Record-Route lines costs one change of the edit.
 *
 * OPTION TAGS. Support for an extension is of the ends, or of the hop. The table below says
 * which; a Require with a tag that is not in it is refused with 420 (RFC 3261 §8.2.2.3),
 * because nobody can say whether it survives a back-to-back user agent. Supported passes tags
 * that we do not know: a peer that uses one after that must Require it, and hears 420.
 */
#include "dialog/leg_impl.h"

enum tag_kind { TAG_END, TAG_HOP, TAG_OWN };

static const struct {
    struct str name;
    enum tag_kind kind;
} option_tags[] = {
    {STR_INIT("100rel"), TAG_END},            /* RFC 3262 */
    {STR_INIT("199"), TAG_END},               /* RFC 6228 */
    {STR_INIT("answermode"), TAG_END},        /* RFC 5373 */
    {STR_INIT("early-session"), TAG_END},     /* RFC 3959 */
    {STR_INIT("eventlist"), TAG_END},         /* RFC 4662 */
    {STR_INIT("explicitsub"), TAG_END},       /* RFC 7614 */
    {STR_INIT("from-change"), TAG_END},       /* RFC 4916 */
    {STR_INIT("histinfo"), TAG_END},          /* RFC 7044 */
    {STR_INIT("ice"), TAG_END},               /* RFC 5768 */
    {STR_INIT("join"), TAG_HOP},              /* RFC 3911: names a dialog; nobody mixes here */
    {STR_INIT("norefersub"), TAG_END},        /* RFC 4488 */
    {STR_INIT("nosub"), TAG_END},             /* RFC 7614 */
    {STR_INIT("precondition"), TAG_END},      /* RFC 3312 */
    {STR_INIT("pref"), TAG_END},              /* RFC 3840 */
    {STR_INIT("privacy"), TAG_END},           /* RFC 3323 */
    {STR_INIT("replaces"), TAG_END},          /* RFC 3891 */
    {STR_INIT("resource-priority"), TAG_END}, /* RFC 4412 */
    {STR_INIT("sdp-anat"), TAG_END},          /* RFC 4092 */
    {STR_INIT("tdialog"), TAG_END},           /* RFC 4538 */
    {STR_INIT("trickle-ice"), TAG_END},       /* RFC 8840 */
    {STR_INIT("uui"), TAG_END},               /* RFC 7433 */
    {STR_INIT("gruu"), TAG_HOP},              /* RFC 5627 */
    {STR_INIT("outbound"), TAG_HOP},          /* RFC 5626 */
    {STR_INIT("path"), TAG_HOP},              /* RFC 3327 */
    {STR_INIT("sec-agree"), TAG_HOP},         /* RFC 3329 */
    {STR_INIT("timer"), TAG_OWN},             /* RFC 4028 */
};

/** @return false: not in the table */
static bool kind_of(struct str tag, enum tag_kind *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(option_tags); i++) {
        if (str_ieq(option_tags[i].name, tag)) {
            *kind = option_tags[i].kind;
            return true;
        }
    }
    return false;
}

static bool is_in(struct str list, struct str tag)
{
    struct str one;
    while (list.n > 0 && sip_list_next(&list, &one)) {
        if (str_ieq(str_trim(one), tag)) {
            return true;
        }
    }
    return false;
}

void leg_write_tags(struct out *o, const struct sip_msg *m, enum sip_hdr_id id, struct str own)
{
    struct sip_values it = {0};
    struct str tag;
    enum tag_kind kind;
    bool first = true;
    while (sip_msg_each(m, id, &it, &tag)) {
        if (tag.n == 0 || (kind_of(tag, &kind) && kind != TAG_END) || is_in(own, tag)) {
            continue;
        }
        out_c(o, first ? "" : ", ");
        out_str(o, tag);
        first = false;
    }
}

bool leg_unsupported(const struct leg_layer *l, const struct sip_msg *m, struct out *o)
{
    struct sip_values it = {0};
    struct str tag;
    enum tag_kind kind;
    bool any = false;
    while (sip_msg_each(m, SIP_HDR_REQUIRE, &it, &tag)) {
        if (tag.n == 0 ||
            (kind_of(tag, &kind) &&
             (kind == TAG_END || (kind == TAG_OWN && l->config.session_expires_s > 0)))) {
            continue;
        }
        out_c(o, any ? ", " : "Unsupported: ");
        out_str(o, tag);
        any = true;
    }
    out_c(o, any ? "\r\n" : "");
    return any;
}

/** Content-Length is ours too, but what it says stays true as long as the body stays. */
static bool is_cut(const struct sip_hdr *h, const enum sip_hdr_id *cut)
{
    if (h->id == SIP_HDR_OTHER || h->id == SIP_HDR_CONTENT_LENGTH) {
        return false;
    }
    if ((sip_hdr_flags((enum sip_hdr_id)h->id) & (SIP_HDRF_HOP | SIP_HDRF_OWN)) != 0) {
        return true;
    }
    for (; cut != NULL && *cut != SIP_HDR_OTHER; cut++) {
        if (*cut == (enum sip_hdr_id)h->id) {
            return true;
        }
    }
    return false;
}

void leg_edit_pass(struct sip_edit *e, const enum sip_hdr_id *cut)
{
    const struct sip_msg *m = e->m;
    for (uint32_t i = 0; i < m->hdr_count; i++) {
        uint32_t from = i;
        while (i < m->hdr_count && is_cut(&m->hdr[i], cut)) {
            i++;
        }
        if (i > from) {
            uint32_t start = m->hdr[from].name_off;
            uint32_t end = i < m->hdr_count ? m->hdr[i].name_off : m->head_len - 2;
            sip_edit_span(e, start, end - start, STR_NONE);
        }
    }
}

int leg_max_forwards(const struct sip_msg *m, uint32_t *out)
{
    uint32_t n = 0;
    if (sip_msg_number(m, SIP_HDR_MAX_FORWARDS, &n) != 0) {
        *out = 70; /* absent: RFC 3261 §16.6 step 3 */
        return 0;
    }
    if (n == 0) {
        return E_VALUE;
    }
    *out = n - 1;
    return 0;
}

/** Is it `name`, with white space behind it at most, and then a colon? */
static bool line_is(struct str line, struct str name)
{
    size_t at = name.n;
    if (line.n <= name.n || !str_istarts(line, name)) {
        return false;
    }
    while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t')) {
        at++;
    }
    return at < line.n && line.p[at] == ':';
}

bool leg_lines_have(struct str lines, struct str name)
{
    while (lines.n > name.n) {
        if (line_is(lines, name)) {
            return true;
        }
        lines = str_from(lines, str_index(lines, '\n') + 1);
    }
    return false;
}
