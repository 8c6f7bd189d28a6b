/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which packages of User-to-User somebody understands: a question in the private data of
 * GetCSTAFeatures, and its answer in those of the response (RFC 6567 REQ-7;
 * docs/csta-private.md).
 *
 *   <uuiSupport xmlns="urn:x-baton:csta" device="1002"/>      a device that the session may use
 *   <uuiSupport xmlns="urn:x-baton:csta" peer="pbx"/>         a peer, by its name
 *   <uuiSupport xmlns="urn:x-baton:csta"/>                    Baton itself
 *
 * The answer repeats whom it is about and names isdn-uui and every package of the
 * configuration. "unknown" is an answer: nobody has asked, or it has not said.
 *
 * Private data of others, and anything that is not this question, is passed over.
 */
#include "csta/xml.h"
#include "cti/parts.h"
#include "peers/peers.h"
#include "registrar/select.h"
#include "uui/uui.h"

/** Whom a question is about; neither: Baton itself. */
struct subject {
    const struct device *device;
    const struct peer *peer;
};

/** @return true: it is the question; *reader stands behind its start tag */
static bool is_question(struct str body, struct xml_reader *reader)
{
    static const struct xml_limits limits = {.bytes = 4096, .depth = 4, .elements = 4};

    return xml_init(reader, str_trim(body), &limits) == 0 && xml_next(reader) == XML_START &&
           str_eq(reader->name, STR("uuiSupport"));
}

static bool find_subject(struct request *r, const struct xml_reader *reader,
                         struct subject *out, struct outcome *err)
{
    struct csta_device_id id = {0};
    struct device *d = NULL;
    struct str value;

    for (unsigned i = 0; i < reader->nattr; i++) {
        const struct xml_attr *a = &reader->attr[i];
        if (xml_attr_of(&a->value, r->cti->scratch, &value) != 0) {
            *err = outcome_nomem();
            return false;
        }
        if (str_eq(a->name, STR("device"))) {
            id.value = value;
            if (!resolve_device(r, &id, CSTA_OPERATION_INVALID_DEVICE_ID, &d, err)) {
                return false;
            }
            out->device = d;
        } else if (str_eq(a->name, STR("peer"))) {
            out->peer = directory_peer_named(r->cti->directory, value);
            if (out->peer == NULL) {
                *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_DEVICE_ID,
                                     "there is no such peer");
                return false;
            }
        }
    }
    return true;
}

static enum understands understands(const struct request *r, const struct subject *s,
                                    const struct uui_package *p)
{
    if (s->device != NULL) {
        return record_understands(registrar_find(r->cti->registrar, s->device->key), p->name,
                                  p->feature_tag);
    }
    if (s->peer != NULL) {
        return peer_understands(s->peer, p->name, p->feature_tag);
    }
    return p->direction == UUI_OUT ? UNDERSTANDS_NO : UNDERSTANDS_YES;
}

static enum understands has_option(const struct request *r, const struct subject *s)
{
    struct support said = {.supported = STR("uui")};

    if (s->device != NULL) {
        return record_option(registrar_find(r->cti->registrar, s->device->key), STR("uui"));
    }
    if (s->peer != NULL) {
        said = peer_support(s->peer);
    }
    return support_option(&said, STR("uui"));
}

static void write_attr(struct out *o, const char *name, struct str value)
{
    out_fmt(o, " %s=\"", name);
    xml_write(o, value, true);
    out_ch(o, '"');
}

static void write_package(struct out *o, const struct request *r, const struct subject *s,
                          const struct uui_package *p)
{
    out_c(o, "<package");
    write_attr(o, "name", p->name);
    write_attr(o, "understood", str_c(understands_text(understands(r, s, p))));
    out_c(o, "/>");
}

static void write_answer(struct out *o, const struct request *r, const struct subject *s)
{
    const struct uui_packages *known = r->cti->packages;

    out_c(o, "<uuiSupport xmlns=\"" CSTA_PRIVATE_NAMESPACE "\"");
    if (s->device != NULL) {
        write_attr(o, "device", s->device->uri);
    } else if (s->peer != NULL) {
        write_attr(o, "peer", s->peer->name);
    }
    write_attr(o, "optionTag", str_c(understands_text(has_option(r, s))));
    out_c(o, ">");
    write_package(o, r, s, uui_package_of(known, uui_isdn));
    for (size_t i = 0; known != NULL && i < known->n; i++) {
        if (!str_ieq(known->row[i].name, uui_isdn)) {
            write_package(o, r, s, &known->row[i]);
        }
    }
    out_c(o, "</uuiSupport>");
}

bool support_answer(struct request *r, const struct csta_common_arguments *asked,
                    const struct csta_common_arguments **out, struct outcome *err)
{
    struct arena *a = r->cti->scratch;
    struct csta_common_arguments *args;
    struct xml_reader reader;
    struct subject s = {0};
    struct out o;
    char *buf;

    if (asked == NULL || asked->private_data.kind != CSTA_DATA_FOREIGN ||
        !is_question(asked->private_data.foreign.body, &reader)) {
        return true;
    }
    if (!find_subject(r, &reader, &s, err)) {
        return false;
    }
    out_init(&o, NULL, 0); /* once to measure, once to write */
    write_answer(&o, r, &s);
    args = arena_zalloc(a, sizeof(*args));
    buf = arena_alloc(a, o.need);
    if (args == NULL || buf == NULL) {
        *err = outcome_nomem();
        return false;
    }
    out_init(&o, buf, o.need);
    write_answer(&o, r, &s);
    args->private_data.kind = CSTA_DATA_FOREIGN;
    args->private_data.foreign.body = out_str_of(&o);
    *out = args;
    return true;
}
