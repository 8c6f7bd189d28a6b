/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of a call: User-to-User, kept as a header line. Which of the values of several
 * sources stay, uui_merge says.
 */
#include "base/err.h"
#include "call/parts.h"
#include "seal/value.h"

struct str call_uui_values(struct str line)
{
    return line.n == 0 ? STR_NONE : str_trim(str_from(line, sizeof("User-to-User:") - 1));
}

struct str call_uui_values_line(struct arena *a, struct str values)
{
    struct str part[] = {STR("User-to-User: "), values, STR("\r\n")};

    return values.n > 0 ? arena_join(a, part, ARRAY_LEN(part)) : STR_NONE;
}

struct str call_uui_line(struct arena *a, struct str octets)
{
    size_t cap = octets.n * 2 + 64;
    char *buf;
    struct out o;

    if (!str_is_set(octets) || octets.n == 0 || (buf = arena_alloc(a, cap)) == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "User-to-User: ");
    if (uui_write(&o, octets, &(struct uui_format){0}, NULL) != 0) {
        return STR_NONE;
    }
    out_c(&o, "\r\n");
    return o.over ? STR_NONE : out_str_of(&o);
}

/** Under the seal that isdn-uui is sent with, or as they are; absent: they may not be sent. */
static struct str sealed(struct call_layer *l, struct str octets, enum seal_way way)
{
    const struct uui_package *p = uui_package_of(l->packages, uui_isdn);
    struct seal_about about = seal_about_of(p, uui_isdn, STR_NONE, way);
    char frame[UUI_ISDN_OCTETS];
    struct out o;
    int err = E_NOTFOUND;

    if (p->seal_key == 0) {
        return octets;
    }
    out_init(&o, frame, sizeof(frame));
    if (l->seal != NULL) {
        size_t most =
            p->max_octets != 0 && p->max_octets < sizeof(frame) ? p->max_octets : sizeof(frame);
        err = seal_close(l->seal, p->seal_key, &about, octets, most,
                         l->env->wall_s(l->env->ctx), &o);
    }
    if (err != 0) {
        env_trace(l->env, TRACE_WARN, "call",
                  "User-to-User of %zu octets cannot be sealed with key %u: %s", octets.n,
                  p->seal_key, err_text(err));
        return STR_NONE;
    }
    return arena_dup(l->scratch, out_str_of(&o));
}

struct str call_uui_sealed_line(struct call_layer *l, struct str octets, enum seal_way way)
{
    return call_uui_line(l->scratch, octets.n > 0 ? sealed(l, octets, way) : octets);
}

struct seal_from context_came(const struct call_layer *l, enum seal_way way,
                              const struct dialog *d)
{
    const struct env *env = l->env;

    return (struct seal_from){
        .way = (uint8_t)way,
        .message = l->seal != NULL && d != NULL ? seal_message(l->seal, d->call_id) : 0,
        .wall_s = env->wall_s(env->ctx)};
}

void call_set_uui(struct call *c, struct str line)
{
    c->uui_came = context_came(c->layer, SEAL_FORWARD, NULL);
    c->uui_lines = line;
    c->uui_told = false;
    c->uui = call_uui_values(line);
}
