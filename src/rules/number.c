/* SPDX-License-Identifier: Apache-2.0 */
/* E.164 and back: see number.h. The way back tries its forms and keeps the first that returns.
 */
#include "rules/number.h"

static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ';
}

/** Digits with at most a '+' in front, separators left out. @return false: no number */
static bool digits_of(struct str number, struct out *o)
{
    size_t digits = 0;
    for (size_t i = 0; i < number.n; i++) {
        char c = number.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !is_separator(c) && !(c == '+' && i == 0)) {
            return false;
        }
        if (!is_separator(c)) {
            out_ch(o, c);
        }
        digits += digit;
    }
    return digits > 0 && !o->over;
}

void number_plain(struct out *o, struct str number)
{
    char buf[NUMBER_MAX];
    struct out plain;
    out_init(&plain, buf, sizeof(buf));
    out_str(o, digits_of(number, &plain) ? out_str_of(&plain) : number);
}

static bool begins(struct str s, struct str prefix)
{
    return prefix.n > 0 && str_starts(s, prefix);
}

/** `n` is digits. */
static void to_e164(struct out *o, const struct dial_plan *p, struct str n)
{
    if (n.p[0] == '+' || n.n <= p->extension_digits) {
        out_str(o, n);
    } else if (begins(n, p->international)) {
        out_ch(o, '+');
        out_str(o, str_from(n, p->international.n));
    } else {
        bool trunk = begins(n, p->trunk);
        out_ch(o, '+');
        out_str(o, p->country);
        out_str(o, trunk ? STR("") : p->area);
        out_str(o, str_from(n, trunk ? p->trunk.n : 0));
    }
}

void number_to_e164(struct out *o, const struct dial_plan *plan, struct str number)
{
    char buf[NUMBER_MAX];
    struct out plain;
    out_init(&plain, buf, sizeof(buf));
    if (digits_of(number, &plain)) {
        to_e164(o, plan, out_str_of(&plain));
    } else {
        out_str(o, number);
    }
}

/** Does `prefix` `rest`, as dialled, lead to `whole`? Then it is in `form`. */
static bool leads_to(const struct dial_plan *p, struct str prefix, struct str rest,
                     struct str whole, struct out *form)
{
    char buf[2 * NUMBER_MAX];
    struct out back;
    form->n = 0;
    form->over = false;
    out_str(form, prefix);
    out_str(form, rest);
    if (form->over || form->n == 0) {
        return false;
    }
    out_init(&back, buf, sizeof(buf));
    to_e164(&back, p, out_str_of(form));
    return !back.over && str_eq(out_str_of(&back), whole);
}

void number_from_e164(struct out *o, const struct dial_plan *plan, struct str number)
{
    char buf[NUMBER_MAX], dialled[2 * NUMBER_MAX];
    struct out plain, form;
    out_init(&plain, buf, sizeof(buf));
    out_init(&form, dialled, sizeof(dialled));
    if (!digits_of(number, &plain) || buf[0] != '+') {
        out_str(o, number);
        return;
    }
    struct str whole = out_str_of(&plain), digits = str_from(whole, 1);
    if (begins(digits, plan->country)) {
        struct str national = str_from(digits, plan->country.n);
        bool here = plan->area.n == 0 || str_starts(national, plan->area);
        if ((here && leads_to(plan, STR(""), str_from(national, plan->area.n), whole, &form)) ||
            (plan->trunk.n > 0 && leads_to(plan, plan->trunk, national, whole, &form))) {
            out_str(o, out_str_of(&form));
            return;
        }
    }
    bool abroad =
        plan->international.n > 0 && leads_to(plan, plan->international, digits, whole, &form);
    out_str(o, abroad ? out_str_of(&form) : whole);
}
