/* SPDX-License-Identifier: Apache-2.0 */
/* Reason values and Q.850 causes: see reason.h. */
#include "history/reason.h"

#include "base/err.h"
#include "sip/hdr.h"
#include "sip/uri.h"

int reason_parse(struct str value, struct reason *out)
{
    struct str params;
    struct str cause;
    *out = (struct reason){.protocol = sip_value_head(value, &params)};
    if (out->protocol.n == 0 || str_index(out->protocol, ' ') < out->protocol.n ||
        str_index(out->protocol, '"') < out->protocol.n) {
        return E_SYNTAX;
    }
    out->has_cause = sip_param(params, STR("cause"), &cause) && str_to_u32(cause, &out->cause);
    (void)sip_param(params, STR("text"), &out->text);
    return 0;
}

bool reason_find(const struct sip_msg *m, struct str protocol, struct reason *out)
{
    struct sip_values it = {0};
    struct str value;
    while (sip_msg_each(m, SIP_HDR_REASON, &it, &value)) {
        if (reason_parse(value, out) == 0 && out->has_cause &&
            str_ieq(out->protocol, protocol)) {
            return true;
        }
    }
    return false;
}

struct str reason_lines(struct arena *a, const struct sip_msg *m)
{
    const struct sip_hdr *first = m == NULL ? NULL : sip_msg_line(m, SIP_HDR_REASON);
    size_t cap = 0;
    struct out o;
    for (const struct sip_hdr *h = first; h != NULL; h = sip_msg_next_line(m, h)) {
        cap += h->val_len + sizeof("Reason: \r\n");
    }
    char *buf = first == NULL ? NULL : arena_alloc(a, cap);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    for (const struct sip_hdr *h = first; h != NULL; h = sip_msg_next_line(m, h)) {
        out_c(&o, "Reason: ");
        out_str(&o, sip_hdr_value(m, h));
        out_c(&o, "\r\n");
    }
    return out_str_of(&o);
}

/* ---- Q.850 ---- */

struct cause {
    uint16_t from, to;
};

static const struct cause by_status[] = {
    {400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63}, {406, 79},
    {407, 21},  {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79}, {416, 127},
    {420, 127}, {421, 127}, {423, 127}, {480, 18},  {481, 41},  {482, 25}, {483, 25},
    {484, 28},  {485, 1},   {486, 17},  {487, 0},   {500, 41},  {501, 79}, {502, 38},
    {503, 41},  {504, 102}, {505, 127}, {513, 127}, {600, 17},  {603, 21}, {604, 1},
};

static unsigned look_up(const struct cause *table, size_t n, unsigned from, unsigned otherwise)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].from == from) {
            return table[i].to;
        }
    }
    return otherwise;
}

uint32_t reason_q850_of_status(unsigned status)
{
    return status < 300 ? 0 : look_up(by_status, ARRAY_LEN(by_status), status, 31);
}

struct str reason_q850_line(struct arena *a, unsigned status, const struct sip_msg *m)
{
    struct reason known;
    uint32_t cause = reason_q850_of_status(status);
    if (cause == 0 || (m != NULL && reason_find(m, STR("Q.850"), &known))) {
        return STR_NONE;
    }
    return arena_fmt(a, "Reason: Q.850;cause=%u\r\n", cause);
}
