/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User in bodies: ISUP and GTD parts, and cs-correlation in descriptions; see
 * lint.h.
 *
 * Of captured messages every body is read as the server reads it (isdn/body.h). Logs have text
 * only: there a GTD line and an SDP line are taken where they stand by themselves.
 */
#include "isdn/body.h"
#include "base/err.h"
#include "lint/lint.h"

/** "application/isup IAM" */
static struct str name_of(struct lint *l, const struct isdn_found *f)
{
    return f->place == ISDN_GTD   ? STR("application/gtd")
           : f->place == ISDN_SDP ? STR("application/sdp cs-correlation")
           : str_is_set(f->isup)
               ? arena_fmt(&l->arena, "application/isup %.*s", STR_ARG(f->isup))
               : STR("application/isup");
}

/** The octets as the element that they would be in a header. @return false: no memory */
static bool value_of(struct lint *l, struct str octets, struct uui_value *v)
{
    static const struct uui_format hex = {0};
    size_t room = 2 * octets.n + 64;
    char *buf = arena_alloc(&l->arena, room);
    struct out o;
    if (buf == NULL) {
        return false;
    }
    out_init(&o, buf, room);
    return uui_write(&o, octets, &hex, NULL) == 0 &&
           uui_parse(out_str_of(&o), l->packages, &l->arena, v) == 0;
}

/** What a reader said about a place without octets. */
static enum lint_rule rule_of(int err)
{
    return err == 0 || err == E_NOTFOUND ? LINT_R_NONE
           : err == E_TOOMANY            ? LINT_R_BODY_MANY
           : err == E_TOOBIG             ? LINT_R_BODY_LONG
           : err == E_UNSUPPORTED        ? LINT_R_BODY_UNREAD
                                         : LINT_R_BODY_FORM;
}

static void tell(struct lint *l, const struct isdn_found *f, struct str header,
                 const struct lint_place *place)
{
    struct uui_value v;
    bool differs = f->place != ISDN_SDP && str_is_set(header) && !str_eq(header, f->octets);
    if (str_is_set(f->octets) && value_of(l, f->octets, &v)) {
        lint_found(l, &v, name_of(l, f), STR_NONE, differs ? LINT_R_BODY_DIFFERS : LINT_R_NONE,
                   place);
    } else if (rule_of(f->err) != LINT_R_NONE) {
        lint_found(l, NULL, name_of(l, f), STR(""), rule_of(f->err), place);
    }
}

void lint_body(struct lint *l, const struct isdn_body *body, int err, struct str header,
               const struct lint_place *place)
{
    for (size_t i = 0; i < body->n; i++) {
        tell(l, &body->v[i], header, place);
    }
    if (err != 0 && err != E_NOMEM) {
        lint_found(l, NULL, STR("body"), STR(""), rule_of(err), place);
    }
}

bool lint_body_line(struct lint *l, struct str line, const struct lint_place *place)
{
    struct isdn_found f = {.place = str_starts(line, STR("UUS,"))                 ? ISDN_GTD
                                    : str_istarts(line, STR("a=cs-correlation:")) ? ISDN_SDP
                                                                                  : 0};
    if (f.place == 0) {
        return false;
    }
    f.err = f.place == ISDN_GTD ? gtd_uui_get(line, &l->arena, &f.octets)
                                : correlation_get(line, &l->arena, &f.octets);
    tell(l, &f, STR_NONE, place);
    return true;
}
