/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A description that takes a call and none of its media. RFC 3725 has it in third-party call
 * control, before two parties have been connected; it is also for one to whom nobody listens.
 *
 * It says 0.0.0.0 as well as inactive: the address also stops RTCP (RFC 3264 §8.4), the
 * attribute is what phones understand that no longer know the address. Its port is 9,
 * "discard", since 0 would refuse the stream.
 *
 * KEYS THAT NOBODY HAS. Who offers a stream with keys ends the call when the answer has none;
 * browsers take nothing else. So SDES (RFC 4568) gets one of the suites that were offered, with
 * random octets as key; DTLS (RFC 5763) a fingerprint of random octets and the role that waits;
 * ICE (RFC 8839) a name and a password, but no candidate, with the promise of trickle (RFC
 * 8838) that some may come. No handshake begins, and none could succeed. The description that
 * follows later has the partner's keys: then ICE starts again (RFC 8839 §4.4.1.1) and DTLS has
 * a new association (RFC 8842 §3.1), because name and fingerprint are others.
 *
 * The stream sections of one description share name, password and key; nothing is ever sent
 * with them.
 */
#include "base/base64url.h"
#include "base/err.h"
#include "sdp/build.h"
#include "sdp/line.h"

enum { DISCARD_PORT = 9 };

/** Where things lie in sdp_local.entropy. */
enum {
    KEY_AT = 0,
    KEY_MAX = 46,
    PRINT_N = 32,
    UFRAG_AT = 46,
    UFRAG_N = 3,
    PWD_AT = 49,
    PWD_N = 18
};

enum keys {
    KEYS_NONE, /**< RTP/AVP: no keys */
    KEYS_SDES,
    KEYS_DTLS,
    KEYS_STRANGE, /**< not RTP, or keys of a kind that is not known here */
};

struct suite {
    struct str name;
    size_t octets; /**< of master key and salt */
};

/** RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2 */
static const struct suite suites[] = {
    {STR_INIT("AES_CM_128_HMAC_SHA1_80"), 30}, {STR_INIT("AES_CM_128_HMAC_SHA1_32"), 30},
    {STR_INIT("F8_128_HMAC_SHA1_80"), 30},     {STR_INIT("AES_192_CM_HMAC_SHA1_80"), 38},
    {STR_INIT("AES_192_CM_HMAC_SHA1_32"), 38}, {STR_INIT("AES_256_CM_HMAC_SHA1_80"), 46},
    {STR_INIT("AES_256_CM_HMAC_SHA1_32"), 46}, {STR_INIT("AEAD_AES_128_GCM"), 28},
    {STR_INIT("AEAD_AES_256_GCM"), 44},
};

/* ---- what the offer says ---- */

static struct str session_of(const struct sdp *s)
{
    return s->media_count == 0 ? s->text
                               : str_upto(s->text, (size_t)(s->media[0].text.p - s->text.p));
}

/** An attribute of the section, or else of the session. */
static bool attribute(const struct sdp *s, const struct sdp_media *m, const char *name,
                      struct str *value)
{
    struct str rest = m->text;
    if (sdp_attr_next(&rest, str_c(name), value)) {
        return true;
    }
    rest = session_of(s);
    return sdp_attr_next(&rest, str_c(name), value);
}

/** The first a=crypto that can be answered: a suite that is known, without parameters of the
    session, which would have to be understood (RFC 4568 §5.1.2). */
static const struct suite *suite_of(const struct sdp_media *m, struct str *tag)
{
    struct str rest = m->text, value, name, key, more;
    while (sdp_attr_next(&rest, STR("crypto"), &value)) {
        if (!sdp_word_next(&value, tag) || !sdp_word_next(&value, &name) ||
            !sdp_word_next(&value, &key) || sdp_word_next(&value, &more)) {
            continue;
        }
        for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
            if (str_ieq(name, suites[i].name)) {
                return &suites[i];
            }
        }
    }
    return NULL;
}

static enum keys keys_of(const struct sdp *s, const struct sdp_media *m)
{
    struct str value;
    if (m->port == 0 || m->formats.n == 0) {
        return KEYS_STRANGE;
    }
    if (str_ieq(m->proto, STR("RTP/AVP")) || str_ieq(m->proto, STR("RTP/AVPF"))) {
        return KEYS_NONE;
    }
    if (str_ieq(m->proto, STR("RTP/SAVP")) || str_ieq(m->proto, STR("RTP/SAVPF"))) {
        return suite_of(m, &value) != NULL ? KEYS_SDES : KEYS_STRANGE;
    }
    if ((str_ieq(m->proto, STR("UDP/TLS/RTP/SAVP")) ||
         str_ieq(m->proto, STR("UDP/TLS/RTP/SAVPF"))) &&
        attribute(s, m, "fingerprint", &value)) {
        return KEYS_DTLS;
    }
    return KEYS_STRANGE;
}

static bool takes(const struct sdp_local *l, const struct sdp *s, const struct sdp_media *m)
{
    const enum keys keys = keys_of(s, m);
    return keys == KEYS_NONE || (keys != KEYS_STRANGE && l->entropy != NULL);
}

/* ---- what is written ---- */

static void write_attribute(struct out *o, const char *name, struct str value)
{
    out_c(o, "a=");
    out_c(o, name);
    if (str_is_set(value)) {
        out_ch(o, ':');
        out_str(o, value);
    }
    out_c(o, "\r\n");
}

/** Every a=NAME of the section, as it is there. */
static void copy_attributes(struct out *o, const struct sdp_media *m, const char *name)
{
    struct str rest = m->text, value;
    while (sdp_attr_next(&rest, str_c(name), &value)) {
        write_attribute(o, name, value);
    }
}

/** RFC 4648 §4 */
static void write_base64(struct out *o, const uint8_t *octets, size_t n)
{
    char text[BASE64URL_LEN(KEY_MAX) + 1];
    struct out plain;
    struct str s;

    out_init(&plain, text, sizeof(text));
    base64url_write(&plain, octets, n);
    s = out_str_of(&plain);
    for (size_t i = 0; i < s.n; i++) {
        out_ch(o, s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i]);
    }
    for (size_t i = s.n; i % 4 != 0; i++) {
        out_ch(o, '=');
    }
}

static void write_crypto(struct out *o, const struct sdp_local *l, const struct sdp_media *m)
{
    struct str tag;
    const struct suite *suite = suite_of(m, &tag);
    out_c(o, "a=crypto:");
    out_str(o, tag);
    out_ch(o, ' ');
    out_str(o, suite->name);
    out_c(o, " inline:");
    write_base64(o, l->entropy + KEY_AT, suite->octets);
    out_c(o, "\r\n");
}

static void write_ice(struct out *o, const struct sdp_local *l, const struct sdp *s,
                      const struct sdp_media *m)
{
    struct str value, word;
    if (!attribute(s, m, "ice-ufrag", &value)) {
        return;
    }
    out_c(o, "a=ice-ufrag:");
    write_base64(o, l->entropy + UFRAG_AT, UFRAG_N);
    out_c(o, "\r\na=ice-pwd:");
    write_base64(o, l->entropy + PWD_AT, PWD_N);
    out_c(o, "\r\n");
    value = STR_NONE;
    (void)attribute(s, m, "ice-options", &value);
    while (sdp_word_next(&value, &word)) {
        if (str_eq(word, STR("trickle"))) {
            write_attribute(o, "ice-options", word);
            return;
        }
    }
}

/** Who answers waits for the other's ClientHello; who offers leaves the choice (RFC 5763 §5).
 */
static const char *role_of(const struct sdp_local *l, const struct sdp *s,
                           const struct sdp_media *m)
{
    struct str value;
    if (l->offers) {
        return "actpass";
    }
    return attribute(s, m, "setup", &value) && str_ieq(value, STR("passive")) ? "active"
                                                                              : "passive";
}

static void write_dtls(struct out *o, const struct sdp_local *l, const struct sdp *s,
                       const struct sdp_media *m)
{
    static const char hex[] = "0123456789ABCDEF";
    copy_attributes(o, m, "mid");
    copy_attributes(o, m, "rtcp-mux");
    write_ice(o, l, s, m);
    out_c(o, "a=fingerprint:sha-256 ");
    for (size_t i = 0; i < PRINT_N; i++) {
        uint8_t octet = l->entropy[KEY_AT + i];
        out_c(o, i > 0 ? ":" : "");
        out_ch(o, hex[octet >> 4]);
        out_ch(o, hex[octet & 15]);
    }
    out_c(o, "\r\n");
    write_attribute(o, "setup", str_c(role_of(l, s, m)));
}

/** The section with all its formats, in use and inactive. */
static void write_swallowed(struct out *o, const struct sdp_local *l, const struct sdp *s,
                            const struct sdp_media *m)
{
    const enum keys keys = keys_of(s, m);
    sdp_build_media(o, m, DISCARD_PORT);
    out_ch(o, ' ');
    out_str(o, m->formats);
    out_c(o, "\r\n");
    copy_attributes(o, m, "rtpmap");
    copy_attributes(o, m, "fmtp");
    if (keys == KEYS_SDES) {
        write_crypto(o, l, m);
    } else if (keys == KEYS_DTLS) {
        write_dtls(o, l, s, m);
    }
    sdp_build_dir(o, SDP_INACTIVE);
}

/** Is there a section of that name that is taken? */
static bool takes_mid(const struct sdp_local *l, const struct sdp *s, struct str mid)
{
    for (size_t i = 0; i < s->media_count; i++) {
        struct str rest = s->media[i].text, value;
        if (sdp_attr_next(&rest, STR("mid"), &value) && str_eq(value, mid)) {
            return keys_of(s, &s->media[i]) == KEYS_DTLS && takes(l, s, &s->media[i]);
        }
    }
    return false;
}

/** Sections that share one transport do so here, as far as they are taken (RFC 9143 §7.3): the
    first group of that kind, and no more names than there can be sections. */
static void write_bundle(struct out *o, const struct sdp_local *l, const struct sdp *s)
{
    struct str rest = session_of(s), value = STR_NONE, word;
    bool begun = false;
    while (sdp_attr_next(&rest, STR("group"), &value)) {
        if (sdp_word_next(&value, &word) && str_eq(word, STR("BUNDLE"))) {
            break;
        }
        value = STR_NONE;
    }
    for (size_t i = 0; i < SDP_MEDIA_MAX && sdp_word_next(&value, &word); i++) {
        if (takes_mid(l, s, word)) {
            out_c(o, begun ? " " : "a=group:BUNDLE ");
            out_str(o, word);
            begun = true;
        }
    }
    out_c(o, begun ? "\r\n" : "");
}

int sdp_write_black_hole(struct out *o, const struct sdp_local *l, const struct sdp *offer)
{
    struct out before = *o;
    bool taken = offer == NULL;
    if (!sdp_local_check(l, false)) {
        return E_VALUE;
    }
    sdp_build_head(o, l, STR("0.0.0.0"), offer);
    if (!offer) {
        sdp_build_audio(o, DISCARD_PORT);
        sdp_build_dir(o, SDP_INACTIVE);
    } else {
        write_bundle(o, l, offer);
    }
    for (size_t i = 0; offer && i < offer->media_count; i++) {
        const struct sdp_media *m = &offer->media[i];
        if (takes(l, offer, m)) {
            write_swallowed(o, l, offer, m);
            taken = true;
        } else {
            sdp_build_rejected(o, m);
        }
    }
    return sdp_build_end(o, &before, taken ? 0 : E_UNSUPPORTED);
}
