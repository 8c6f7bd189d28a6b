/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story as a picture: lanes from left to right, time from top to bottom, an arrow for each
 * message, User-to-User below its arrow and what has changed in a colour and with a word, and
 * what it was before.
 *
 * It stands alone: no font, script or image from elsewhere. Its colours are variables of CSS
 * with values for light and dark, so that a page it is put into may have its own. For those who
 * hear it: a title, a description, and each message a list item with a title of its own.
 * Nothing is told by colour alone.
 */
#include "capture/story.h"
#include "csta/xml.h"

enum {
    LEFT = 110, /**< the time */
    LANE = 210,
    TOP = 70,
    ROW = 34,
    LINE = 16, /**< of User-to-User */
    CHARS = 48,
    UUI_CHARS = 32, /**< of a value of User-to-User … */
    OCTETS = 20,    /**< … or so many of its octets */
};

static const char style[] =
    "<style>"
    ":root{color-scheme:light dark}"
    "svg{--bg:#ffffff;--fg:#1b1f24;--dim:#57606a;--line:#c4ccd4;--sip:#0a5cad;--csta:#8250df;"
    "--api:#0b6b3a;--hook:#9a4b00;--mark:#b3261e;background:var(--bg)}"
    "@media (prefers-color-scheme:dark){svg{--bg:#0d1117;--fg:#e6edf3;--dim:#9aa4af;"
    "--line:#3d444d;--sip:#6cb6ff;--csta:#c297ff;--api:#57d08f;--hook:#f0a35e;--mark:#ff8a80}}"
    "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:var(--fg)}"
    ".t{font:11px ui-monospace,monospace;fill:var(--dim)}"
    ".u{font:11px ui-monospace,monospace;fill:var(--dim)}"
    ".x{fill:var(--mark);font-weight:bold}"
    ".l{stroke:var(--line);stroke-dasharray:3 4}"
    ".h{font-weight:bold}.s{fill:var(--dim);font-size:11px}"
    ".a{stroke-width:1.5;fill:none}.e{stroke-dasharray:6 3}"
    ".sip{stroke:var(--sip)}.csta{stroke:var(--csta)}.api{stroke:var(--api)}"
    ".webhook{stroke:var(--hook)}"
    ".p-sip{fill:var(--sip)}.p-csta{fill:var(--csta)}.p-api{fill:var(--api)}"
    ".p-webhook{fill:var(--hook)}"
    "</style>";

static void put_text(struct out *o, int x, int y, const char *css, const char *anchor,
                     struct str text)
{
    out_fmt(o, "<text x=\"%d\" y=\"%d\" class=\"%s\" text-anchor=\"%s\">", x, y, css, anchor);
    xml_write(o, text, false);
    out_c(o, "</text>");
}

static int lane_x(uint32_t lane)
{
    return LEFT + LANE / 2 + (int)lane * LANE;
}

/** At most so many octets of it, of CHARS at most. */
static struct str shorten(struct str s, size_t n, char buf[CHARS + 4])
{
    if (s.n <= n) {
        return s;
    }
    while (n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80) {
        n--; /* not within a character */
    }
    memcpy(buf, s.p, n);
    memcpy(buf + n, "...", 3);
    return str_make(buf, n + 3);
}

static bool shows_uui(const struct story_options *o)
{
    return o->raw || o->uui != BLANK_UUI_NONE;
}

/** A line for the value, and one for what it was before. */
static int lines_of(const struct story_uui *u)
{
    return u->change == STORY_CHANGED || u->change == STORY_REWRITTEN ? 2 : 1;
}

static int row_height(const struct story_msg *m, const struct story_options *o)
{
    int height = ROW;

    for (size_t i = 0; i < m->uuis && shows_uui(o); i++) {
        height += lines_of(&m->uui[i]) * LINE;
    }
    return height;
}

/** As a word of its own: what is written from right to left turns nothing around it. */
static void put_quoted(struct out *t, struct str text)
{
    char buf[CHARS + 4];

    text = shorten(text, UUI_CHARS, buf);
    out_fmt(t, "\"\xE2\x81\xA8%.*s\xE2\x81\xA9\"", STR_ARG(text));
}

/** "case 4711", or 04C804, or 3 octets. */
static void put_value(struct out *t, const struct uui_value *v, const struct story_options *o)
{
    struct str text = story_uui_text(v), octets = str_upto(v->octets, OCTETS);

    if (!o->raw && o->uui != BLANK_UUI_FULL) {
        out_fmt(t, "%zu octets", v->octets.n);
    } else if (text.n > 0) {
        put_quoted(t, text);
    } else {
        out_hex(t, octets, true);
        out_c(t, octets.n < v->octets.n ? "..." : "");
    }
}

/** "isdn-uui "case 4711" - changed". */
static struct str uui_text(const struct story_uui *u, const struct story_options *o, char *buf,
                           size_t cap)
{
    struct out t;

    out_init(&t, buf, cap);
    out_str(&t, str_upto(u->value.package, 24));
    out_ch(&t, ' ');
    put_value(&t, &u->value, o);
    if (u->change != STORY_SAME) {
        out_fmt(&t, " - %s", story_change_name((enum story_change)u->change));
    }
    return out_str_of(&t);
}

/** "was "case 12"", or in which header it was, if it says the same. */
static struct str was_text(const struct story_uui *u, const struct story_options *o, char *buf,
                           size_t cap)
{
    struct out t;

    out_init(&t, buf, cap);
    out_c(&t, "was ");
    if (u->change == STORY_CHANGED) {
        put_value(&t, &u->was->value, o);
    } else if (o->raw || o->uui == BLANK_UUI_FULL) {
        char cut[CHARS + 4];
        out_str(&t, shorten(u->was->value.text, UUI_CHARS, cut));
    } else {
        out_str(&t, str_upto(u->was->where, UUI_CHARS));
    }
    return out_str_of(&t);
}

static void put_uuis(const struct story_msg *m, const struct story_options *opt, int x, int y,
                     struct out *o)
{
    char buf[256];

    for (size_t i = 0; i < m->uuis && shows_uui(opt); i++) {
        const struct story_uui *u = &m->uui[i];
        out_c(o, "<g><title>");
        xml_write(o, str_is_set(u->why) ? u->why : u->where, false);
        out_c(o, "</title>");
        y += LINE;
        put_text(o, x, y, u->change != STORY_SAME ? "u x" : "u", "middle",
                 uui_text(u, opt, buf, sizeof(buf)));
        if (lines_of(u) == 2) {
            y += LINE;
            put_text(o, x, y, "u", "middle", was_text(u, opt, buf, sizeof(buf)));
        }
        out_c(o, "</g>");
    }
}

static void put_title(const struct story *s, const struct story_msg *m, struct out *o)
{
    out_c(o, "<title>");
    story_time(m->m.time_us, o);
    out_fmt(o, " %s: ", story_protocol(m));
    xml_write(o, m->label, false);
    out_c(o, " from ");
    xml_write(o, s->lane[m->from].label, false);
    out_c(o, " to ");
    xml_write(o, s->lane[m->to].label, false);
    if (m->summary.n > 0) {
        out_c(o, ". ");
        xml_write(o, m->summary, false);
    }
    out_c(o, m->m.failed ? ". It could not be sent</title>" : "</title>");
}

static void put_arrow(const struct story *s, const struct story_msg *m, int y,
                      const struct story_options *opt, struct out *o)
{
    const char *protocol = story_protocol(m);
    int from = lane_x(m->from), to = lane_x(m->to), tip = to > from ? -8 : 8;
    char buf[CHARS + 4], clock[40];
    struct out when;

    out_c(o, "<g role=\"listitem\">");
    put_title(s, m, o);
    out_init(&when, clock, sizeof(clock));
    story_time(m->m.time_us, &when);
    put_text(o, 8, y, "t", "start", str_upto(str_from(out_str_of(&when), 11), 12));
    out_fmt(o, "<path class=\"a %s%s\" d=\"M%d %dH%d\"/>", protocol, m->m.failed ? " e" : "",
            from, y, to);
    out_fmt(o, "<path class=\"p-%s\" d=\"M%d %dl%d -4v8z\"/>", protocol, to, y, tip);
    put_text(o, (from + to) / 2, y - 5, "", "middle", shorten(m->label, CHARS, buf));
    put_uuis(m, opt, (from + to) / 2, y, o);
    out_c(o, "</g>\n");
}

static void put_lane(const struct story_lane *l, uint32_t i, int bottom, struct out *o)
{
    char buf[CHARS + 4], where[80];
    struct out addr;
    int x = lane_x(i);

    out_fmt(o, "<path class=\"l\" d=\"M%d %dV%d\"/>", x, TOP - 14, bottom);
    put_text(o, x, 24, "h", "middle", shorten(l->label, CHARS, buf));
    out_init(&addr, where, sizeof(where));
    out_c(&addr, l->kind);
    if (l->addr.family != ADDR_NONE) {
        out_ch(&addr, ' ');
        addr_write(&addr, &l->addr);
        out_fmt(&addr, " %s", transport_name((enum transport)l->transport));
    }
    put_text(o, x, 42, "s", "middle", out_str_of(&addr));
}

void story_svg(const struct story *s, const struct story_options *o, struct out *to)
{
    int height = TOP + ROW, width = lane_x((uint32_t)s->lanes) - LANE / 2 + 20, y = TOP + 20;

    for (size_t i = 0; i < s->count; i++) {
        height += row_height(&s->msg[i], o);
    }
    out_fmt(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">"
            "Messages of call ",
            width, height, width, height);
    xml_write(to, s->id, false);
    out_fmt(to,
            "</title>\n<desc id=\"desc\">%zu messages between %zu parties, from top to bottom "
            "in the order of time.%s</desc>\n",
            s->count, s->lanes, s->truncated ? " More were not shown." : "");
    out_c(to, style);
    out_fmt(to, "<rect width=\"%d\" height=\"%d\" fill=\"var(--bg)\"/>\n", width, height);
    for (uint32_t i = 0; i < s->lanes; i++) {
        put_lane(&s->lane[i], i, height - 10, to);
    }
    out_c(to, "\n<g role=\"list\">\n");
    for (size_t i = 0; i < s->count; i++) {
        put_arrow(s, &s->msg[i], y, o, to);
        y += row_height(&s->msg[i], o);
    }
    out_c(to, "</g>\n</svg>\n");
}
