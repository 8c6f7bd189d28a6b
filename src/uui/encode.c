/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octets to a User-to-User element.
 *
 * The parameters come in the order of the examples in RFC 7433 §4.1: encoding, purpose,
 * content. For isdn-uui the purpose is always written, because RFC 7434 §7 says SHOULD, and
 * the encoding too, because receivers that do not know the package's default exist; the
 * content only when asked for.
 *
 * What would have to be ignored or called wrong by a receiver that reads this codec's own
 * rules is refused before it is sent. One thing is not refused: isdn-uui longer than an
 * ISDN carries is legal in SIP (RFC 7434 §6), and only the sender knows its way.
 *
 * In a quoted-string control characters could be escaped, but hardly any receiver takes
 * them; text that has some is to be sent as hex.
 */
#include "base/err.h"
#include "uui/parts.h"

static int refuse(enum uui_rule *why, enum uui_rule rule)
{
    if (why) {
        *why = rule;
    }
    return E_VALUE;
}

static int check_format(const struct uui_format *f, bool isdn, enum uui_rule *why)
{
    if (str_is_set(f->package) && !uui_is_token(f->package)) {
        return refuse(why, UUI_R_PURPOSE_FORM);
    }
    if (str_is_set(f->content) && !uui_is_token(f->content)) {
        return refuse(why, UUI_R_CONTENT_FORM);
    }
    if (str_is_set(f->encoding) && !uui_is_token(f->encoding)) {
        return refuse(why, UUI_R_ENCODING_FORM);
    }
    if (str_is_set(f->package) && str_ieq(f->package, STR("isdn-interwork"))) {
        return refuse(why, UUI_R_PACKAGE);
    }
    if (isdn && str_is_set(f->content) && !str_ieq(f->content, uui_isdn)) {
        return refuse(why, UUI_R_CONTENT);
    }
    if (isdn && str_is_set(f->encoding) && !str_ieq(f->encoding, STR("hex"))) {
        return refuse(why, UUI_R_ENCODING);
    }
    return 0;
}

bool uui_write_text(struct out *o, struct str s, bool quotes)
{
    if (uui_is_token(s)) {
        out_str(o, s);
        return true;
    }
    if (!quotes || !uui_is_quotable(s)) {
        return false;
    }
    out_ch(o, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\') {
            out_ch(o, '\\');
        }
        out_ch(o, s.p[i]);
    }
    out_ch(o, '"');
    return true;
}

static void write_param(struct out *o, const char *name, struct str value)
{
    if (str_is_set(value)) {
        out_ch(o, ';');
        out_c(o, name);
        out_ch(o, '=');
        out_str(o, value);
    }
}

int uui_write(struct out *o, struct str octets, const struct uui_format *f, enum uui_rule *why)
{
    struct str package = str_is_set(f->package) ? f->package : uui_isdn;
    struct str encoding = str_is_set(f->encoding) ? f->encoding : STR("hex");
    bool isdn = str_ieq(package, uui_isdn);
    const struct str pd = {(const char *)&f->pd, f->has_pd ? 1 : 0};
    int err = check_format(f, isdn, why);
    if (err < 0) {
        return err;
    }
    if (isdn && pd.n + octets.n == 0) {
        return refuse(why, UUI_R_NO_PD);
    }
    struct out before = *o;
    if (str_ieq(encoding, STR("hex"))) {
        if (pd.n + octets.n == 0) {
            out_c(o, "\"\"");
        }
        out_hex(o, pd, true);
        out_hex(o, octets, true);
    } else if (pd.n > 0) {
        return refuse(why, UUI_R_ENCODING);
    } else if (!uui_write_text(o, octets, true)) {
        err = refuse(why, UUI_R_QUOTE_CHAR);
    }
    write_param(o, "encoding", encoding);
    write_param(o, "purpose", package);
    write_param(o, "content", f->content);
    if (err < 0) {
        *o = before;
        return err;
    }
    return o->over ? E_SPACE : 0;
}
