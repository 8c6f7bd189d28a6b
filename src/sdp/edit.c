/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewriting a session description that is somebody else's.
 *
 * The body is walked once to measure and once to write, by the same code: every line is
 * copied with its own line end, except the o= line and the direction attributes of
 * sections that have to change. A section that needs a direction and has none gets it
 * behind its last line; attributes are the last kind of line in a section (RFC 4566 §5).
 */
#include "base/err.h"
#include "sdp/line.h"
#include "sdp/sdp.h"

/** The direction that section `i` is to have. */
static enum sdp_dir target(const struct sdp *s, const struct sdp_edit *e, size_t i)
{
    enum sdp_dir dir = (enum sdp_dir)s->media[i].dir;
    const struct sdp_media *other =
        e->other && i < e->other->media_count ? &e->other->media[i] : NULL;
    if (s->media[i].port == 0) {
        return dir;
    }
    switch (e->aim) {
    case SDP_HOLD:
        return sdp_dir_hold(dir);
    case SDP_SILENCE:
        return SDP_INACTIVE;
    case SDP_RETRIEVE:
        return other && other->port != 0 ? (enum sdp_dir)other->dir : dir;
    case SDP_ANSWER:
        return other && other->port != 0 ? sdp_dir_answer((enum sdp_dir)other->dir, dir) : dir;
    default:
        return dir;
    }
}

/** A decimal number of any length, plus one. */
static void write_next(struct out *o, struct str number)
{
    size_t keep = number.n;
    while (keep > 0 && number.p[keep - 1] == '9') {
        keep--;
    }
    if (keep == 0) {
        out_ch(o, '1');
    } else {
        out_str(o, str_upto(number, keep - 1));
        out_ch(o, (char)(number.p[keep - 1] + 1));
    }
    for (size_t i = keep; i < number.n; i++) {
        out_ch(o, '0');
    }
}

static struct str either(struct str wanted, struct str own)
{
    return str_is_set(wanted) ? wanted : own;
}

static void write_origin(struct out *o, const struct sdp *s, const struct sdp_edit *e)
{
    const struct sdp_origin *w = e->origin;
    if (w) {
        out_str(o, either(w->username, s->username));
        out_ch(o, ' ');
        out_str(o, either(w->id, s->id));
        out_ch(o, ' ');
        out_u64(o, w->version);
        out_ch(o, ' ');
        out_str(o, either(w->net, s->net));
    } else if (e->bump) {
        size_t before = (size_t)(s->version.p - s->origin.p);
        out_str(o, str_upto(s->origin, before));
        write_next(o, s->version);
        out_str(o, str_from(s->origin, before + s->version.n));
    } else {
        out_str(o, s->origin);
    }
}

/** The line end that the body uses. */
static struct str line_end(const struct sdp *s)
{
    size_t lf = str_index(s->text, '\n');
    return lf > 0 && lf < s->text.n && s->text.p[lf - 1] != '\r' ? STR("\n") : STR("\r\n");
}

static void write_session(struct out *o, const struct sdp *s, const struct sdp_edit *e)
{
    const char *end = s->media_count > 0 ? s->media[0].text.p : s->text.p + s->text.n;
    const char *origin_end = s->origin.p + s->origin.n;
    out_str(o, str_make(s->text.p, (size_t)(s->origin.p - s->text.p)));
    write_origin(o, s, e);
    out_str(o, str_make(origin_end, (size_t)(end - origin_end)));
}

static void write_dir(struct out *o, enum sdp_dir dir)
{
    out_c(o, "a=");
    out_str(o, sdp_dir_text(dir));
}

/** Behind the last line of the section, before empty lines that end the body. */
static void write_section_with(struct out *o, const struct sdp *s, const struct sdp_media *m,
                               enum sdp_dir dir)
{
    size_t len = str_trim(m->text).n;
    size_t lf = str_index(str_from(m->text, len), '\n');
    bool open = len + lf == m->text.n; /* the last line has no end */
    size_t end = open ? m->text.n : len + lf + 1;
    out_str(o, str_upto(m->text, end));
    out_str(o, open ? line_end(s) : STR_NONE);
    write_dir(o, dir);
    out_str(o, open ? STR_NONE : line_end(s));
    out_str(o, str_from(m->text, end));
}

static void write_section(struct out *o, const struct sdp *s, const struct sdp_media *m,
                          enum sdp_dir dir)
{
    struct str rest = m->text;
    struct sdp_line line;
    uint8_t own;
    if (dir == m->dir) {
        out_str(o, m->text);
        return;
    }
    if (!m->has_dir) {
        write_section_with(o, s, m, dir);
        return;
    }
    while (sdp_line_next(&rest, &line)) {
        if (sdp_line_dir(&line, &own)) {
            write_dir(o, dir);
            out_str(o, str_from(line.whole, line.text.n));
        } else {
            out_str(o, line.whole);
        }
    }
}

static void write_body(struct out *o, const struct sdp *s, const struct sdp_edit *e)
{
    write_session(o, s, e);
    for (size_t i = 0; i < s->media_count; i++) {
        write_section(o, s, &s->media[i], target(s, e, i));
    }
}

static bool is_line(struct str s, bool spaces)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7F || (c == ' ' && !spaces)) {
            return false;
        }
    }
    return !str_is_set(s) || s.n > 0;
}

int sdp_rewrite(const struct sdp *s, const struct sdp_edit *e, struct arena *a, struct str *out)
{
    const struct sdp_origin *w = e->origin;
    *out = STR_NONE;
    if ((e->aim == SDP_RETRIEVE || e->aim == SDP_ANSWER) && !e->other) {
        return E_VALUE;
    }
    if (w &&
        (!is_line(w->username, false) || !is_line(w->id, false) || !is_line(w->net, true))) {
        return E_VALUE;
    }
    struct out o;
    out_init(&o, NULL, 0);
    write_body(&o, s, e);
    size_t n = o.need;
    char *buf = arena_alloc(a, n);
    if (!buf) {
        return E_NOMEM;
    }
    out_init(&o, buf, n);
    write_body(&o, s, e);
    *out = out_str_of(&o);
    return 0;
}
