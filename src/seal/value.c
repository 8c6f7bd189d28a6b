/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the `seal` of a package makes of a value. See value.h for the table.
 */
#include "seal/value.h"

#include "base/err.h"
#include "uui/shared.h"

static bool is_good(enum seal_result r, unsigned seal)
{
    return r == SEAL_OK || (r == SEAL_UNKNOWN_KEY && seal == UUI_SEAL_OPTIONAL);
}

struct seal_about seal_about_of(const struct uui_package *p, struct str package,
                                struct str content, enum seal_way way)
{
    bool given = content.n > 0 || p == NULL || p->content_n == 0;
    return (struct seal_about){
        .package = package, .content = given ? content : p->contents[0], .way = (uint8_t)way};
}

struct str seal_frame_in(struct arena *a, struct str octets)
{
    const uint8_t *p = (const uint8_t *)octets.p;
    if (octets.n < 5 || p[0] != 0 || p[1] != UUI_SHARED_ASAI || p[2] != octets.n - 3 ||
        (p[3] & 0xfe) != 0xb2) {
        return octets;
    }
    struct str part[] = {str_upto(octets, 1), str_from(octets, 3)};
    return arena_join(a, part, ARRAY_LEN(part));
}

enum seal_result seal_value(struct seal *s, const struct uui_packages *known,
                            struct uui_value *v, const struct seal_from *from, struct arena *a,
                            struct seal_opened *out)
{
    const struct uui_package *p = uui_package_of(known, v->package);
    *out = (struct seal_opened){0};
    if (v->verdict != UUI_VALID || p == NULL || p->seal == UUI_SEAL_OFF) {
        return SEAL_NOT_SEALED;
    }
    struct str frame = seal_frame_in(a, v->octets);
    if (v->octets.n > 0 && frame.n == 0) {
        return SEAL_FAILED;
    }
    if (!seal_is_sealed(frame)) {
        if (p->seal == UUI_SEAL_REQUIRED) {
            (void)uui_strike(v, UUI_R_NO_SEAL, 0);
        }
        return SEAL_NOT_SEALED;
    }
    struct seal_about about =
        seal_about_of(p, v->package, v->content, (enum seal_way)from->way);
    enum seal_result r = SEAL_UNKNOWN_KEY;
    if (s != NULL) {
        r = seal_open(s, &about, frame, from->message, from->wall_s, a, out);
    }
    if (r == SEAL_OK) {
        v->octets = out->plain;
    } else if (!is_good(r, p->seal)) {
        (void)uui_strike(v, UUI_R_BAD_SEAL, 0);
        v->octets = STR_NONE;
    }
    return r;
}

/* ---- writing ---- */

/** The frame around the octets. @return as seal_close */
static int close_it(struct seal *s, const struct uui_package *p, struct str octets,
                    enum seal_way way, uint64_t wall_s, struct arena *a, struct str *frame)
{
    struct seal_about about = seal_about_of(p, p->name, STR_NONE, way);
    size_t cap = octets.n + SEAL_OVERHEAD_MAX;
    size_t most = p->max_octets;
    char *buf = arena_alloc(a, cap);
    struct out o;
    if (s == NULL) {
        return E_NOTFOUND;
    }
    if (buf == NULL) {
        return E_NOMEM;
    }
    if (str_ieq(p->name, uui_isdn) && (most == 0 || most > UUI_ISDN_OCTETS)) {
        most = UUI_ISDN_OCTETS;
    }
    out_init(&o, buf, cap);
    int err = seal_close(s, p->seal_key, &about, octets, most, wall_s, &o);
    *frame = out_str_of(&o);
    return err;
}

int seal_write(struct seal *s, const struct uui_packages *known, struct str package,
               struct str octets, enum seal_way way, uint64_t wall_s, struct arena *a,
               struct str *value)
{
    const struct uui_package *p = uui_package_of(known, package);
    struct uui_format format = {.package = package};
    struct out o;
    int err = 0;
    *value = STR_NONE;
    if (p != NULL && p->seal_key != 0) {
        err = close_it(s, p, octets, way, wall_s, a, &octets);
    }
    size_t cap = 2 * octets.n + package.n + 64;
    char *buf = err != 0 ? NULL : arena_alloc(a, cap);
    if (buf == NULL) {
        return err != 0 ? err : E_NOMEM;
    }
    out_init(&o, buf, cap);
    err = uui_write(&o, octets, &format, NULL);
    if (err == 0) {
        *value = out_str_of(&o);
    }
    return err;
}
