/* SPDX-License-Identifier: Apache-2.0 */
/* Private data about User-to-User, for people: see csta_about.h. */
#include "cli/csta_about.h"

#include "cli/text.h"
#include "csta/xml.h"

/** An attribute as it stands, references and all; absent when there is none. */
static struct str attr(const struct xml_reader *r, const char *name)
{
    for (unsigned i = 0; i < r->nattr; i++) {
        if (str_eq(r->attr[i].name, str_c(name))) {
            return r->attr[i].value.raw;
        }
    }
    return STR_NONE;
}

static void put(FILE *out, const char *before, struct str s, const char *behind)
{
    if (s.n > 0) {
        fputs(before, out);
        text_put(s, out);
        fputs(behind, out);
    }
}

static void put_value(FILE *out, const struct xml_reader *r)
{
    struct str package = attr(r, "package"), verdict = attr(r, "verdict");

    put(out, "  ", package.n > 0 ? package : STR("(no package)"), "");
    if (!str_eq(verdict, STR("valid"))) {
        put(out, " ", verdict, "");
        put(out, " (", attr(r, "rule"), ")");
    }
    put(out, " ", attr(r, "data"), "");
}

static void put_origin(FILE *out, const struct xml_reader *r)
{
    bool withheld = str_eq(attr(r, "withheld"), STR("true"));

    put(out, " by ", attr(r, "role"), "");
    put(out, " ", attr(r, "identity"), "");
    fputs(withheld ? " (withheld)" : "", out);
    put(out, " (", attr(r, "confidence"), ")");
    put(out, " but ", attr(r, "conflicts"), "");
}

static void put_change(FILE *out, const struct xml_reader *r)
{
    put(out, "  ", attr(r, "action"), " of ");
    put(out, "", attr(r, "package"), " ");
    put(out, "", attr(r, "direction"), " ");
    put(out, "", attr(r, "neighbour"), "");
    put(out, " by rule ", attr(r, "rule"), "");
    put(out, ": ", attr(r, "reason"), "");
}

void csta_about_print(FILE *out, const struct csta_common_arguments *args)
{
    static const struct xml_limits limits = {.bytes = 65536, .depth = 8, .elements = 256};
    struct xml_reader r;
    bool ours = false;
    int event;

    if (args == NULL || args->private_data.kind != CSTA_DATA_FOREIGN ||
        xml_init(&r, str_trim(args->private_data.foreign.body), &limits) != 0) {
        return;
    }
    while ((event = xml_next(&r)) > XML_END_OF_DOCUMENT) {
        if (event != XML_START) {
            continue;
        }
        ours = ours || (str_eq(r.name, STR("userToUser")) &&
                        str_eq(attr(&r, "xmlns"), STR(CSTA_PRIVATE_NAMESPACE)));
        if (!ours) {
            return;
        }
        if (str_eq(r.name, STR("userToUser"))) {
            put(out, "  replaced ", attr(&r, "replaced"), "");
            put(out, "  refused ", attr(&r, "refused"), "");
            put(out, "  forbidden ", attr(&r, "forbidden"), "");
        } else if (str_eq(r.name, STR("value"))) {
            put_value(out, &r);
        } else if (str_eq(r.name, STR("origin"))) {
            put_origin(out, &r);
        } else if (str_eq(r.name, STR("seal"))) {
            put(out, " seal ", attr(&r, "result"), "");
            put(out, " key ", attr(&r, "key"), "");
            put(out, " ", attr(&r, "identity"), "");
        } else if (str_eq(r.name, STR("change"))) {
            put_change(out, &r);
        }
    }
}
