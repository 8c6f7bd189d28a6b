/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session descriptions of Baton's own: for a phone without media, and for third-party call
 * control before the two parties have been connected.
 *
 * The phone without media speaks PCMU, PCMA and telephone-event, which every SIP phone
 * does. An answer uses the payload numbers of the offer, in the offer's order, and repeats
 * its t= line (RFC 3264 §6). Streams that cannot be taken stay in their place with port 0.
 * What takes a call without media is in black_hole.c.
 */
#include "sdp/build.h"
#include "base/err.h"
#include "sdp/line.h"
#include "sdp/sdp.h"

/** Formats of one section that are looked at; what could be taken stands among the first. */
enum { FORMATS_MAX = 64 };

int sdp_build_end(struct out *o, const struct out *before, int err)
{
    if (err < 0) {
        *o = *before;
        return err;
    }
    return o->over ? E_SPACE : 0;
}

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7F) {
            return false;
        }
    }
    return s.n > 0;
}

bool sdp_local_check(const struct sdp_local *l, bool media)
{
    return is_word(l->address) && (!str_is_set(l->username) || is_word(l->username)) &&
           (!media || l->port != 0);
}

static void write_net(struct out *o, struct str address)
{
    if (str_starts(address, STR("[")) && str_ends(address, STR("]"))) {
        address = str_make(address.p + 1, address.n - 2);
    }
    out_c(o, str_index(address, ':') < address.n ? "IN IP6 " : "IN IP4 ");
    out_str(o, address);
    out_c(o, "\r\n");
}

void sdp_build_head(struct out *o, const struct sdp_local *l, struct str connection,
                    const struct sdp *offer)
{
    bool timed = false;
    out_c(o, "v=0\r\no=");
    out_str(o, str_is_set(l->username) ? l->username : STR("-"));
    out_ch(o, ' ');
    out_u64(o, l->id);
    out_ch(o, ' ');
    out_u64(o, l->version);
    out_ch(o, ' ');
    write_net(o, l->address);
    out_c(o, "s=-\r\n");
    out_c(o, "c=");
    write_net(o, connection);
    struct str rest = offer ? offer->text : STR_NONE;
    struct sdp_line line;
    while (sdp_line_next(&rest, &line) && line.type != 'm') {
        if (line.type == 't') {
            out_str(o, line.text);
            out_c(o, "\r\n");
            timed = true;
        }
    }
    out_c(o, timed ? "" : "t=0 0\r\n");
}

void sdp_build_audio(struct out *o, uint16_t port)
{
    out_c(o, "m=audio ");
    out_u64(o, port);
    out_c(o, " RTP/AVP 0 8 101\r\n"
             "a=rtpmap:0 PCMU/8000\r\n"
             "a=rtpmap:8 PCMA/8000\r\n"
             "a=rtpmap:101 telephone-event/8000\r\n"
             "a=fmtp:101 0-15\r\n");
}

void sdp_build_dir(struct out *o, enum sdp_dir dir)
{
    out_c(o, "a=");
    out_str(o, sdp_dir_text(dir));
    out_c(o, "\r\n");
}

int sdp_write_offer(struct out *o, const struct sdp_local *l)
{
    struct out before = *o;
    if (!sdp_local_check(l, true)) {
        return E_VALUE;
    }
    sdp_build_head(o, l, l->address, NULL);
    sdp_build_audio(o, l->port);
    sdp_build_dir(o, (enum sdp_dir)l->dir);
    return sdp_build_end(o, &before, 0);
}

/** "PCMU/8000" for a payload number of the section; static numbers need no rtpmap. */
static struct str encoding_of(const struct sdp_media *m, struct str payload)
{
    struct str rest = m->text, map;
    while (sdp_attr_next(&rest, STR("rtpmap"), &map)) {
        struct str number, encoding;
        if (sdp_word_next(&map, &number) && str_eq(number, payload) &&
            sdp_word_next(&map, &encoding)) {
            return encoding;
        }
    }
    return str_eq(payload, STR("0"))   ? STR("PCMU/8000")
           : str_eq(payload, STR("8")) ? STR("PCMA/8000")
                                       : STR_NONE;
}

static bool is_voice(struct str encoding)
{
    return str_ieq(encoding, STR("PCMU/8000")) || str_ieq(encoding, STR("PCMA/8000")) ||
           str_ieq(encoding, STR("PCMU/8000/1")) || str_ieq(encoding, STR("PCMA/8000/1"));
}

static bool is_known(struct str encoding)
{
    return is_voice(encoding) || str_ieq(encoding, STR("telephone-event/8000"));
}

static bool is_rtp(const struct sdp_media *m)
{
    return m->port != 0 && str_ieq(m->proto, STR("RTP/AVP"));
}

/** The first formats of a section: looking one up costs a walk over its lines. */
static struct str first_formats(const struct sdp_media *m)
{
    struct str rest = m->formats, payload;
    unsigned n = 0;
    while (n < FORMATS_MAX && sdp_word_next(&rest, &payload)) {
        n++;
    }
    return str_upto(m->formats, m->formats.n - rest.n);
}

static bool can_take(const struct sdp_media *m)
{
    struct str rest = first_formats(m), payload;
    if (!is_rtp(m) || !str_eq(m->kind, STR("audio"))) {
        return false;
    }
    while (sdp_word_next(&rest, &payload)) {
        if (is_voice(encoding_of(m, payload))) {
            return true;
        }
    }
    return false;
}

void sdp_build_media(struct out *o, const struct sdp_media *m, uint16_t port)
{
    out_c(o, "m=");
    out_str(o, m->kind);
    out_ch(o, ' ');
    out_u64(o, port);
    out_ch(o, ' ');
    out_str(o, m->proto);
}

void sdp_build_rejected(struct out *o, const struct sdp_media *m)
{
    sdp_build_media(o, m, 0);
    out_ch(o, ' ');
    out_str(o, m->formats.n > 0 ? m->formats : STR("0"));
    out_c(o, "\r\n");
}

/** The m= line with the formats that are known, and an rtpmap for each. */
static void write_taken(struct out *o, const struct sdp_media *m, const struct sdp_local *l)
{
    const struct str formats = first_formats(m);
    struct str rest = formats, payload;
    sdp_build_media(o, m, l->port);
    while (sdp_word_next(&rest, &payload)) {
        if (is_known(encoding_of(m, payload))) {
            out_ch(o, ' ');
            out_str(o, payload);
        }
    }
    out_c(o, "\r\n");
    rest = formats;
    while (sdp_word_next(&rest, &payload)) {
        struct str encoding = encoding_of(m, payload);
        if (!is_known(encoding)) {
            continue;
        }
        out_c(o, "a=rtpmap:");
        out_str(o, payload);
        out_ch(o, ' ');
        out_str(o, encoding);
        out_c(o, "\r\n");
        if (!is_voice(encoding)) {
            out_c(o, "a=fmtp:");
            out_str(o, payload);
            out_c(o, " 0-15\r\n");
        }
    }
    sdp_build_dir(o, sdp_dir_answer((enum sdp_dir)m->dir, (enum sdp_dir)l->dir));
}

int sdp_write_answer(struct out *o, const struct sdp_local *l, const struct sdp *offer)
{
    struct out before = *o;
    bool taken = false;
    if (!sdp_local_check(l, true)) {
        return E_VALUE;
    }
    sdp_build_head(o, l, l->address, offer);
    for (size_t i = 0; i < offer->media_count; i++) {
        const struct sdp_media *m = &offer->media[i];
        if (!taken && can_take(m)) {
            write_taken(o, m, l);
            taken = true;
        } else {
            sdp_build_rejected(o, m);
        }
    }
    return sdp_build_end(o, &before, taken ? 0 : E_UNSUPPORTED);
}

int sdp_write_rejection(struct out *o, const struct sdp_local *l, const struct sdp *offer)
{
    struct out before = *o;
    if (!sdp_local_check(l, false)) {
        return E_VALUE;
    }
    sdp_build_head(o, l, l->address, offer);
    for (size_t i = 0; i < offer->media_count; i++) {
        sdp_build_rejected(o, &offer->media[i]);
    }
    return sdp_build_end(o, &before, 0);
}
