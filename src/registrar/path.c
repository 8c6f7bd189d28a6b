/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path of a REGISTER (RFC 3327 §5.3): the proxies through which alone the phone is reached.
 *
 * A Path that the phone does not know of may have been put there by anybody, so it is refused
 * unless the phone says that it supports it, which is what the RFC recommends. What a binding
 * keeps are the lines as its requests carry them, in the same order, line folds taken out. A
 * value without ;lr is refused: it would ask of everybody who sends to the binding to be a
 * strict router's neighbour.
 */
#include "registrar/parts.h"

/** The most values; a request to the binding carries them all. */
#define PATH_MAX_VALUES 16

static bool fail(struct contact_fault *fault, unsigned status, const char *reason)
{
    *fault = (struct contact_fault){status, reason};
    return false;
}

static bool check_value(struct str value, struct contact_fault *fault)
{
    struct sip_addr a;
    uint32_t at;
    struct str lr;
    if (sip_addr_parse(value, &a, &at) < 0 || a.star || !a.bracketed ||
        (a.uri.scheme != SIP_SCHEME_SIP && a.uri.scheme != SIP_SCHEME_SIPS)) {
        return fail(fault, 400, "Bad Path");
    }
    if (!sip_param(a.uri.params, STR("lr"), &lr)) {
        return fail(fault, 400, "Path Needs lr");
    }
    return true;
}

void registrar_write_unfolded(struct out *o, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\r' && s.p[i] != '\n') {
            out_ch(o, s.p[i]);
        }
    }
}

static void write_lines(const struct sip_msg *m, const char *name, struct out *o)
{
    struct sip_values it = {0};
    struct str value;
    while (sip_msg_each(m, SIP_HDR_PATH, &it, &value)) {
        out_c(o, name);
        registrar_write_unfolded(o, value);
        out_c(o, "\r\n");
    }
}

static struct str lines(const struct sip_msg *m, const char *name, size_t size,
                        struct arena *arena)
{
    struct out o;
    char *buf = arena_alloc(arena, size);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, size);
    write_lines(m, name, &o);
    return o.over ? STR_NONE : out_str_of(&o);
}

bool registrar_path_read(const struct sip_msg *m, bool lenient, struct arena *arena,
                         struct registrar_path *out, struct contact_fault *fault)
{
    struct sip_values it = {0};
    struct str value;
    size_t n = 0;
    size_t size = 0;
    *out = (struct registrar_path){0};
    while (sip_msg_each(m, SIP_HDR_PATH, &it, &value)) {
        if (!check_value(value, fault)) {
            return false;
        }
        if (++n > PATH_MAX_VALUES) {
            return fail(fault, 403, "Path Too Long");
        }
        size += sizeof("Route: \r\n") + value.n;
        out->first_hop = value;
    }
    if (n == 0) {
        return true;
    }
    if (!lenient && !sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("path")) &&
        !sip_msg_has_token(m, SIP_HDR_REQUIRE, STR("path"))) {
        return fail(fault, 420, NULL);
    }
    out->routes = lines(m, "Route: ", size, arena);
    out->answer = lines(m, "Path: ", size, arena);
    return out->routes.n > 0 && out->answer.n > 0 ? true : fail(fault, 503, "Out Of Memory");
}
