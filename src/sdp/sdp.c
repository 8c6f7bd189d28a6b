/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Viewing a session description: one pass over its lines.
 *
 * The lines before the first m= belong to the session, the others to the section that they
 * follow; a section inherits direction and address from the session, which stands before
 * it, so both are known when its m= line is read.
 *
 * Tolerated: LF for CRLF, a last line without end, empty lines at the very end, several
 * spaces between words, an m= line without formats, no user name in o= or one with spaces. Not
 * tolerated is what would make an edit ambiguous: a second o= line, a version that is no
 * number. When a section has several direction attributes, the first one counts.
 */
#include "sdp/sdp.h"
#include "base/err.h"
#include "sdp/line.h"

static const struct str dir_texts[] = {
    [SDP_INACTIVE] = STR_INIT("inactive"),
    [SDP_SENDONLY] = STR_INIT("sendonly"),
    [SDP_RECVONLY] = STR_INIT("recvonly"),
    [SDP_SENDRECV] = STR_INIT("sendrecv"),
};

struct str sdp_dir_text(enum sdp_dir dir)
{
    return dir_texts[dir & SDP_SENDRECV];
}

enum sdp_dir sdp_dir_reverse(enum sdp_dir dir)
{
    unsigned back = dir & SDP_SENDONLY ? SDP_RECVONLY : 0;
    return (enum sdp_dir)(back | (dir & SDP_RECVONLY ? SDP_SENDONLY : 0));
}

enum sdp_dir sdp_dir_answer(enum sdp_dir offered, enum sdp_dir wanted)
{
    return (enum sdp_dir)(sdp_dir_reverse(offered) & wanted);
}

enum sdp_dir sdp_dir_hold(enum sdp_dir dir)
{
    return (enum sdp_dir)(dir & SDP_SENDONLY);
}

bool sdp_line_next(struct str *rest, struct sdp_line *out)
{
    struct str s = *rest;
    if (s.n == 0) {
        return false;
    }
    size_t end = str_index(s, '\n');
    *rest = str_from(s, end + 1);
    size_t len = end > 0 && end < s.n && s.p[end - 1] == '\r' ? end - 1 : end;
    out->text = str_upto(s, len);
    out->whole = str_upto(s, end + 1);
    bool typed = len >= 2 && s.p[1] == '=' && s.p[0] >= 'a' && s.p[0] <= 'z';
    out->type = typed ? s.p[0] : '\0';
    out->value = typed ? str_from(out->text, 2) : STR_NONE;
    return true;
}

bool sdp_word_next(struct str *rest, struct str *word)
{
    struct str s = *rest;
    size_t i = 0;
    while (i < s.n && s.p[i] == ' ') {
        i++;
    }
    s = str_from(s, i);
    *word = str_upto(s, str_index(s, ' '));
    *rest = str_from(s, word->n);
    return word->n > 0;
}

bool sdp_line_dir(const struct sdp_line *line, uint8_t *dir)
{
    if (line->type != 'a') {
        return false;
    }
    struct str name = str_trim(line->value);
    for (size_t d = 0; d < ARRAY_LEN(dir_texts); d++) {
        if (str_eq(name, dir_texts[d])) {
            *dir = (uint8_t)d;
            return true;
        }
    }
    return false;
}

/** Cut the last word off *s, which must have one more in front of it. */
static bool cut_last(struct str *s, struct str *word)
{
    struct str t = *s;
    while (t.n > 0 && t.p[t.n - 1] == ' ') {
        t.n--;
    }
    size_t begin = t.n;
    while (begin > 0 && t.p[begin - 1] != ' ') {
        begin--;
    }
    *word = str_from(t, begin);
    *s = str_upto(t, begin);
    return word->n > 0;
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n > 0;
}

/** Parts of o= from its end, because the user name may hold anything. */
static bool view_origin(struct sdp *s, struct str value)
{
    struct str rest = value;
    struct str address, addrtype, nettype;
    if (str_is_set(s->origin) || !cut_last(&rest, &address) || !cut_last(&rest, &addrtype) ||
        !cut_last(&rest, &nettype) || !cut_last(&rest, &s->version) ||
        !cut_last(&rest, &s->id)) {
        return false;
    }
    s->origin = value;
    s->username = str_trim(rest);
    s->net = str_make(nettype.p, (size_t)(address.p + address.n - nettype.p));
    return is_digits(s->version);
}

static struct str address_of(struct str connection)
{
    struct str net, type, address;
    if (!sdp_word_next(&connection, &net) || !sdp_word_next(&connection, &type) ||
        !sdp_word_next(&connection, &address)) {
        return STR_NONE;
    }
    return str_upto(address, str_index(address, '/'));
}

static bool is_black_hole(struct str address)
{
    return str_eq(address, STR("0.0.0.0")) || str_eq(address, STR("::")) ||
           str_ends(address, STR(".invalid"));
}

static bool view_media(struct sdp *s, struct str value)
{
    struct sdp_media *m = &s->media[s->media_count++];
    struct str port;
    uint64_t number;
    *m = (struct sdp_media){.dir = s->dir, .address = s->address};
    if (!sdp_word_next(&value, &m->kind) || !sdp_word_next(&value, &port) ||
        !sdp_word_next(&value, &m->proto)) {
        return false;
    }
    if (!str_to_u64(str_upto(port, str_index(port, '/')), UINT16_MAX, &number)) {
        return false;
    }
    m->port = (uint16_t)number;
    m->formats = str_trim(value);
    return true;
}

static int view_line(struct sdp *s, const struct sdp_line *line)
{
    struct sdp_media *m = s->media_count > 0 ? &s->media[s->media_count - 1] : NULL;
    uint8_t dir;
    switch (line->type) {
    case '\0':
        return E_SYNTAX;
    case 'o':
        return !m && view_origin(s, line->value) ? 0 : E_SYNTAX;
    case 'c':
        if (m && m->address.p == s->address.p) {
            m->address = address_of(line->value);
        } else if (!m) {
            s->address = address_of(line->value);
        }
        return 0;
    case 'm':
        if (s->media_count == SDP_MEDIA_MAX) {
            return E_TOOMANY;
        }
        return view_media(s, line->value) ? 0 : E_SYNTAX;
    default:
        break;
    }
    if (sdp_line_dir(line, &dir)) {
        if (!m) {
            s->dir = dir;
        } else if (!m->has_dir) {
            m->dir = dir;
            m->has_dir = true;
        }
    }
    return 0;
}

static int check_version(struct str body)
{
    struct sdp_line line;
    if (!sdp_line_next(&body, &line) || line.type != 'v') {
        return E_SYNTAX;
    }
    return str_eq(str_trim(line.value), STR("0")) ? 0 : E_VERSION;
}

static void close_sections(struct sdp *s)
{
    for (size_t i = 0; i < s->media_count; i++) {
        struct sdp_media *m = &s->media[i];
        const char *end =
            i + 1 < s->media_count ? s->media[i + 1].text.p : s->text.p + s->text.n;
        m->text.n = (size_t)(end - m->text.p);
        m->black_hole = is_black_hole(m->address);
    }
}

int sdp_parse(struct str body, struct sdp *out, size_t *at)
{
    size_t where = 0;
    struct str content = str_trim(body); /* without the empty lines at the end */
    struct str rest =
        str_upto(body, content.n == 0 ? 0 : (size_t)(content.p + content.n - body.p));
    struct sdp_line line;
    *out = (struct sdp){.text = body, .dir = SDP_SENDRECV};
    int err = check_version(body);
    while (err == 0 && sdp_line_next(&rest, &line)) {
        where = (size_t)(line.text.p - body.p);
        size_t before = out->media_count;
        err = view_line(out, &line);
        if (out->media_count > before) {
            out->media[before].text = line.whole;
        }
    }
    if (err == 0 && !str_is_set(out->origin)) {
        where = body.n;
        err = E_SYNTAX;
    }
    if (err == 0) {
        close_sections(out);
    } else {
        out->media_count = 0;
    }
    if (at) {
        *at = where;
    }
    return err;
}

bool sdp_is_held(const struct sdp *s)
{
    bool used = false;
    for (size_t i = 0; i < s->media_count; i++) {
        const struct sdp_media *m = &s->media[i];
        if (m->port != 0 && (m->dir & SDP_RECVONLY) && !m->black_hole) {
            return false;
        }
        used = used || m->port != 0;
    }
    return used;
}

bool sdp_attr_next(struct str *rest, struct str name, struct str *value)
{
    struct sdp_line line;
    while (sdp_line_next(rest, &line)) {
        size_t colon = str_index(line.value, ':');
        if (line.type == 'a' && str_eq(str_upto(line.value, colon), name)) {
            *value = colon < line.value.n ? str_from(line.value, colon + 1) : STR_NONE;
            return true;
        }
    }
    return false;
}
