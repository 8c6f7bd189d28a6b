/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device names and dialled numbers as an application writes them.
 *
 * What names a device of ours names it for everybody: "1001", a URI, its number in the world
 * (auth/named.h). An application with a dialling plan may besides write numbers as they are
 * dialled at its place: of a device that has such a number in the world, and of whom it calls.
 *
 *     plan: country 49, area 30, trunk 0      tel of 1001: +493012341001
 *     0301234-1001, tel:12341001;phone-context=dialstring  ──►  1001
 *     calledDirectoryNumber 0891234           ──►  +49891234, which rules and peers see
 *
 * A name that is known goes before a number that could be meant, and what a plan leaves as it
 * is, an extension or a code, stays so. A number in a URI of somebody else's domain is that
 * domain's business. In responses and events a device has the spelling of the request, as ever
 * (session_spelling).
 */
#include "cti/parts.h"

#include "auth/named.h"
#include "rules/number.h"

/**
 * The number of the world that `text` means where the application is.
 * @param n  what it is made of; borrows `buf`
 * @return in `world`; absent: none, or it is one already
 */
static struct str in_the_world(const struct request *r, struct str text, char buf[NAMED_MAX],
                               struct named *n, char world[NAMED_MAX])
{
    const struct dial_plan *plan = r->from.session->app->dial_plan;
    const struct directory *d = r->cti->directory;
    struct out o;

    if (plan == NULL || !named_read(text, buf, n) || n->world ||
        (str_is_set(n->host) && !directory_is_domain(d, n->host))) {
        return STR_NONE;
    }
    out_init(&o, world, NAMED_MAX);
    number_to_e164(&o, plan, n->number);
    return o.over || str_eq(out_str_of(&o), n->number) ? STR_NONE : out_str_of(&o);
}

struct device *device_named(const struct request *r, struct str text)
{
    struct device *dev = directory_device_named(r->cti->directory, text);
    char buf[NAMED_MAX], world[NAMED_MAX];
    struct named n;
    struct str number;

    if (dev != NULL) {
        return dev;
    }
    number = in_the_world(r, text, buf, &n, world);
    return str_is_set(number) ? directory_device_of_tel(r->cti->directory, number) : NULL;
}

struct str number_dialled(const struct request *r, struct str text)
{
    struct arena *a = r->cti->scratch;
    char buf[NAMED_MAX], world[NAMED_MAX];
    struct named n;
    struct str number;

    if (directory_device_named(r->cti->directory, text) != NULL ||
        str_ends(str_trim(text), STR(";"))) { /* the rest of the number comes by DialDigits */
        return text;
    }
    number = in_the_world(r, text, buf, &n, world);
    if (!str_is_set(number)) {
        return text;
    }
    if (str_is_set(n.host)) {
        return arena_fmt(a, "%.*s:%.*s@%.*s", STR_ARG(n.scheme), STR_ARG(number),
                         STR_ARG(n.host));
    }
    return str_is_set(n.scheme) ? arena_fmt(a, "%.*s:%.*s", STR_ARG(n.scheme), STR_ARG(number))
                                : arena_dup(a, number);
}
