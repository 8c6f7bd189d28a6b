/* SPDX-License-Identifier: Apache-2.0 */
/* GTD bodies of our own: see gtd_make.h. */
#include "isdn/gtd_make.h"
#include "base/err.h"
#include "isdn/gtd.h"

#define EOL "\r\n"

static const char *name_of(uint8_t type)
{
    switch (type) {
    case ISUP_IAM:
        return "IAM";
    case ISUP_ACM:
        return "ACM";
    case ISUP_CPG:
        return "CPG";
    case ISUP_ANM:
        return "ANM";
    case ISUP_REL:
        return "REL";
    default:
        return NULL;
    }
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n > 0;
}

/** All but the line of user-to-user information, in the order that gateways have. */
static void put_lines(struct out *o, const struct gtd_new *m)
{
    out_fmt(o, "%s," EOL "PRN,isdn*,,NET5*," EOL, name_of(m->type));
    if (m->type != ISUP_IAM) {
        return;
    }
    out_c(o, "USI,rate,c,s,c,1" EOL "TMR,00" EOL);
    if (is_digits(m->called)) {
        out_fmt(o, "CPN,00,,u,%.*s" EOL, STR_ARG(m->called));
    }
    out_c(o, "CPC,09" EOL "FCI,,,,,,,y," EOL);
}

int gtd_write(struct out *o, const struct gtd_new *m)
{
    char lines[GTD_MADE_MAX], whole[GTD_MADE_MAX];
    struct out text, with;
    int err;

    if (name_of(m->type) == NULL) {
        return E_UNSUPPORTED;
    }
    if (m->uui.n < 2 || (m->type == ISUP_IAM && m->call_id.n != GTD_CALL_ID_LEN)) {
        return E_VALUE;
    }
    if (m->uui.n > ISDN_UUI_MAX) {
        return E_TOOBIG;
    }
    out_init(&text, lines, sizeof(lines));
    put_lines(&text, m);
    out_init(&with, whole, sizeof(whole));
    err = text.over ? E_SPACE : gtd_uui_set(out_str_of(&text), m->uui, &with);
    if (err == 0 && m->type == ISUP_IAM) {
        out_c(&with, "GCI,");
        out_hex(&with, m->call_id, false);
        out_c(&with, EOL);
    }
    if (err == 0 && (with.over || with.n > o->cap - o->n)) {
        err = E_SPACE;
    }
    if (err == 0) {
        out_str(o, out_str_of(&with));
    }
    return err;
}
