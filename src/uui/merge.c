/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User from two sources: what a REFER or a redirection gives, and what the call had.
 *
 * Plain carriage (RFC 7433 §3, §5): what somebody put in arrives, and once. A package that is
 * given anew takes the place of the same package's older values, since a second value of
 * isdn-uui would make both void (RFC 7434 §8); a value of another package stays. A value of
 * which the package cannot be told stays as it is, unless it is given in the same octets.
 */
#include "base/attr.h"
#include "uui/uui.h"

static struct str package_of(struct str element)
{
    struct uui_value v;

    uui_view(element, &v);
    uui_judge(&v, NULL);
    return v.package;
}

/** Does one of the `given` values stand for this element? */
static bool is_given(struct str given, struct str element)
{
    struct str package = package_of(element), one;
    struct uui_cut it;

    uui_cut_begin(&it, given);
    while (given.n > 0 && uui_cut_next(&it, &one)) {
        if (str_eq(one, element) ||
            (str_is_set(package) && str_ieq(package_of(one), package))) {
            return true;
        }
    }
    return false;
}

struct str uui_merge(struct arena *a, struct str given, struct str had)
{
    struct str all = given, one;
    struct uui_cut it;

    uui_cut_begin(&it, had);
    while (had.n > 0 && uui_cut_next(&it, &one)) {
        if (is_given(given, one)) {
            continue;
        }
        struct str part[] = {all, all.n > 0 ? STR(", ") : STR(""), one};
        all = arena_join(a, part, ARRAY_LEN(part));
        if (!str_is_set(all)) {
            return STR_NONE;
        }
    }
    return all.n > 0 ? all : STR("");
}
