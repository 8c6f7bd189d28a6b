/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to be said about a device: a question in the private data of GetCSTAFeatures,
 * and its answer in those of the response (docs/csta-private.md).
 *
 *   <deviceReport xmlns="urn:x-baton:csta" device="1001"/>
 *
 * Asked by who has to find out why a phone does not do what it should. The content comes from
 * who knows of phones (cti_set_report): registrations, profile, session, and by which means
 * each service works. Only applications that are granted the device are told; where a phone
 * stands in the network is no more than the application's own monitors would show a recorder.
 */
#include "csta/xml.h"
#include "cti/parts.h"

void cti_set_report(struct cti *c, cti_report_fn fn, void *ctx)
{
    c->report = fn;
    c->report_ctx = ctx;
}

/** The device that is asked about. @return false: *err */
static bool find_device(struct request *r, const struct xml_reader *reader, struct device **out,
                        struct outcome *err)
{
    struct csta_device_id id = {.value = STR("")};

    for (unsigned i = 0; i < reader->nattr; i++) {
        const struct xml_attr *a = &reader->attr[i];
        if (str_eq(a->name, STR("device")) &&
            xml_attr_of(&a->value, r->cti->scratch, &id.value) != 0) {
            *err = outcome_nomem();
            return false;
        }
    }
    return resolve_device(r, &id, CSTA_OPERATION_INVALID_DEVICE_ID, out, err);
}

static void write_report(const struct request *r, const struct device *d, struct out *o)
{
    const struct cti *c = r->cti;

    out_c(o, "<deviceReport xmlns=\"" CSTA_PRIVATE_NAMESPACE "\" device=\"");
    xml_write(o, d->uri, true);
    out_fmt(o, "\" mayRegister=\"%s\">", d->has_secret ? "yes" : "no");
    c->report(c->report_ctx, d, o, r->now_ms);
    out_c(o, "</deviceReport>");
}

bool report_answer(struct request *r, const struct csta_common_arguments *asked,
                   const struct csta_common_arguments **out, struct outcome *err)
{
    static const struct xml_limits limits = {.bytes = 4096, .depth = 4, .elements = 4};
    struct csta_common_arguments *args;
    struct xml_reader reader;
    struct device *d;
    struct out o;
    char *buf;

    if (asked == NULL || asked->private_data.kind != CSTA_DATA_FOREIGN ||
        r->cti->report == NULL ||
        xml_init(&reader, str_trim(asked->private_data.foreign.body), &limits) != 0 ||
        xml_next(&reader) != XML_START || !str_eq(reader.name, STR("deviceReport"))) {
        return true;
    }
    if (!find_device(r, &reader, &d, err)) {
        return false;
    }
    out_init(&o, NULL, 0); /* once to measure, once to write */
    write_report(r, d, &o);
    args = arena_zalloc(r->cti->scratch, sizeof(*args));
    buf = arena_alloc(r->cti->scratch, o.need);
    if (args == NULL || buf == NULL) {
        *err = outcome_nomem();
        return false;
    }
    out_init(&o, buf, o.need);
    write_report(r, d, &o);
    args->private_data.kind = CSTA_DATA_FOREIGN;
    args->private_data.foreign.body = out_str_of(&o);
    *out = args;
    return true;
}
