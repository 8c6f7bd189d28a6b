/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain part of a frame, and the octets that are sealed with it (docs/seal.md).
 *
 *     00  1011vvvs  id           time         salt
 *         seal      1 or 2       4            8, when s
 *
 * A key id up to 127 is one octet; above, two, of which the first has its top bit set. There is
 * one way of writing each: 80 05 is no key id.
 *
 * Numbers in results and ways stand in frames, in logs and in other people's programs: they are
 * appended to, never changed.
 */
#include "seal/parts.h"
#include "sip/msg.h"

static const struct {
    const char *word, *text;
} results[] = {
#define RESULT_ROW(name, word, text) {word, text},
    SEAL_RESULT_LIST(RESULT_ROW)
#undef RESULT_ROW
};

const char *seal_result_word(enum seal_result r)
{
    return (unsigned)r < SEAL_RESULT_COUNT ? results[r].word : "";
}

const char *seal_result_text(enum seal_result r)
{
    return (unsigned)r < SEAL_RESULT_COUNT ? results[r].text : "";
}

enum seal_way seal_way_of(const struct sip_msg *m)
{
    if (m->method == SIP_METHOD_BYE) {
        return SEAL_END;
    }
    return sip_is_request(m) ? SEAL_FORWARD : SEAL_BACKWARD;
}

enum seal_result seal_peek(struct str octets, struct seal_frame *out)
{
    const uint8_t *p = (const uint8_t *)octets.p;
    *out = (struct seal_frame){0};
    if (!seal_is_sealed(octets)) {
        return SEAL_NOT_SEALED;
    }
    bool wide = octets.n > 2 && p[2] >= 0x80;
    size_t at = wide ? 4 : 3; /* behind the key id */
    out->salted = (p[1] & 1) != 0;
    size_t end = at + 4 + (out->salted ? SEAL_SALT : 0);
    if (octets.n <= end + SEAL_SIV_ADDS || octets.n > end + SEAL_PLAIN_MAX + SEAL_SIGN_ADDS) {
        return SEAL_MALFORMED;
    }
    out->key_id = (uint16_t)(wide ? (p[2] & 0x7f) << 8 | p[3] : p[2]);
    if (out->key_id == 0 || (wide && out->key_id < 0x80)) {
        return SEAL_MALFORMED;
    }
    out->time = (uint32_t)p[at] << 24 | (uint32_t)p[at + 1] << 16 | (uint32_t)p[at + 2] << 8 |
                p[at + 3];
    out->header = str_make(octets.p + 1, end - 1);
    out->rest = str_from(octets, end);
    return SEAL_OK;
}

size_t seal_write_header(uint8_t *to, uint16_t key_id, uint32_t time, const uint8_t *salt)
{
    size_t n = 0;
    to[n++] = (uint8_t)(SEAL_FORM | (salt != NULL));
    if (key_id >= 0x80) {
        to[n++] = (uint8_t)(0x80 | key_id >> 8);
    }
    to[n++] = (uint8_t)key_id;
    for (int shift = 24; shift >= 0; shift -= 8) {
        to[n++] = (uint8_t)(time >> shift);
    }
    if (salt != NULL) {
        memcpy(to + n, salt, SEAL_SALT);
        n += SEAL_SALT;
    }
    return n;
}

/** A length and the name in lower case: names have no case (RFC 3261 §7.3.1). */
static void write_name(struct out *o, struct str name)
{
    out_ch(o, (char)name.n);
    for (size_t i = 0; i < name.n; i++) {
        out_ch(o, ascii_lower(name.p[i]));
    }
}

size_t seal_write_aad(char *to, const struct seal_about *about, struct str header)
{
    struct out o;
    if (about->package.n == 0 || about->package.n > 255 || about->content.n > 255 ||
        about->way > SEAL_END) {
        return 0;
    }
    out_init(&o, to, SEAL_AAD_MAX);
    out_c(&o, SEAL_LABEL);
    write_name(&o, about->package);
    write_name(&o, about->content);
    out_ch(&o, 0); /* the protocol discriminator, first octet of the frame */
    out_ch(&o, (char)about->way);
    out_str(&o, header);
    return o.n;
}
