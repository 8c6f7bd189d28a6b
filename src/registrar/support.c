/* SPDX-License-Identifier: Apache-2.0 */
/* What a neighbour supports and a request demands: see support.h. */
#include "registrar/support.h"

#include "base/err.h"
#include "sip/hdr.h"
#include "uui/uui.h"

const char *understands_text(enum understands u)
{
    return u == UNDERSTANDS_YES ? "yes" : u == UNDERSTANDS_NO ? "no" : "unknown";
}

/* ---- option tags ---- */

/** Is it in the list? @return YES, NO for "!tag", UNKNOWN when it is not there */
static enum understands look_up(struct str list, struct str tag)
{
    struct str it;
    enum understands found = UNDERSTANDS_UNKNOWN;
    while (sip_list_next(&list, &it)) {
        it = str_trim(it);
        if (str_ieq(it, tag)) {
            return UNDERSTANDS_YES;
        }
        if (it.n > 1 && it.p[0] == '!' && str_ieq(str_from(it, 1), tag)) {
            found = UNDERSTANDS_NO;
        }
    }
    return found;
}

enum understands support_option(const struct support *s, struct str option_tag)
{
    struct feature_set has;
    (void)feature_read(&has, s->features);
    const struct feature *extensions = feature_find(&has, STR("extensions"));
    enum understands in = look_up(s->supported, option_tag);
    if (in == UNDERSTANDS_UNKNOWN && extensions != NULL) {
        in = look_up(extensions->value, option_tag);
    }
    if (in != UNDERSTANDS_UNKNOWN) {
        return in;
    }
    return s->declared || str_is_set(s->supported) || extensions != NULL ? UNDERSTANDS_NO
                                                                         : UNDERSTANDS_UNKNOWN;
}

int support_tags_of(const struct sip_msg *m, struct arena *arena, struct str *out)
{
    size_t n = 0;
    *out = STR_NONE;
    if (!sip_msg_has(m, SIP_HDR_SUPPORTED)) {
        return 0;
    }
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_SUPPORTED); h != NULL;
         h = sip_msg_next_line(m, h)) {
        n += h->val_len + 1U;
    }
    char *buf = arena_alloc(arena, n);
    struct out o;
    if (buf == NULL) {
        return E_NOMEM;
    }
    struct sip_values it = {0};
    struct str tag;
    out_init(&o, buf, n);
    while (sip_msg_each(m, SIP_HDR_SUPPORTED, &it, &tag)) {
        out_c(&o, o.n > 0 ? "," : "");
        out_str(&o, tag);
    }
    *out = out_str_of(&o);
    return 0;
}

/* ---- packages ---- */

static enum understands by_feature(const struct feature *f)
{
    bool no = str_is_set(f->value) &&
              (str_ieq(f->value, STR("FALSE")) || str_ieq(f->value, STR("!TRUE")));
    return no ? UNDERSTANDS_NO : UNDERSTANDS_YES;
}

/** Has it named any package of User-to-User by its feature tag? Then it names all that it has.
 */
static bool names_packages(const struct feature_set *has)
{
    for (size_t i = 0; i < has->count; i++) {
        if (str_istarts(has->tag[i].name, STR("sip.uui-"))) {
            return true;
        }
    }
    return false;
}

enum understands support_package(const struct support *s, struct str package,
                                 struct str feature_tag)
{
    bool isdn = str_ieq(package, uui_isdn);
    struct str tag = isdn ? STR("sip.uui-isdn") : feature_tag;
    struct feature_set has;
    const struct feature *f = NULL;
    (void)feature_read(&has, s->features);
    if (tag.n > 0) {
        f = feature_find(&has, tag.p[0] == '+' ? str_from(tag, 1) : tag);
    }
    if (f != NULL) {
        return by_feature(f);
    }
    if (s->declared) {
        return look_up(s->supported, package) == UNDERSTANDS_YES ? UNDERSTANDS_YES
                                                                 : UNDERSTANDS_NO;
    }
    if (isdn) {
        return UNDERSTANDS_UNKNOWN; /* whatever it says of the option tag */
    }
    if (support_option(s, STR("uui")) == UNDERSTANDS_NO ||
        (tag.n > 0 && names_packages(&has))) {
        return UNDERSTANDS_NO;
    }
    return UNDERSTANDS_UNKNOWN;
}

/* ---- what a request demands ---- */

int demand_read(const struct sip_msg *m, struct arena *arena, struct demand *out)
{
    *out = (struct demand){.uui = sip_msg_has_token(m, SIP_HDR_REQUIRE, STR("uui")),
                           .prefers = sip_msg_has(m, SIP_HDR_ACCEPT_CONTACT) ||
                                      sip_msg_has(m, SIP_HDR_REJECT_CONTACT)};
    return out->prefers ? prefs_read(m, arena, &out->prefs) : 0;
}

static enum fit of_understands(enum understands u)
{
    return u == UNDERSTANDS_YES ? FIT_YES : u == UNDERSTANDS_NO ? FIT_NO_OPTION : FIT_UNKNOWN;
}

enum fit demand_fit(const struct demand *w, const struct support *s)
{
    enum fit f = w->uui ? of_understands(support_option(s, STR("uui"))) : FIT_YES;
    uint32_t qa;
    if (!w->prefers || f == FIT_NO_OPTION) {
        return f;
    }
    if (!prefs_score(&w->prefs, s->features, &qa)) {
        return FIT_NO_FEATURE;
    }
    /* without features it is immune (RFC 3841 §7.2.3): nobody knows */
    return s->features.n == 0 || qa < 1000 ? FIT_UNKNOWN : f;
}

unsigned fit_status(enum fit best, const char **line)
{
    *line = best == FIT_NO_OPTION ? UNSUPPORTED_UUI : NULL;
    return best == FIT_NO_OPTION ? 420 : 480;
}
