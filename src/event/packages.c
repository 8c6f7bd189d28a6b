/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packages that can be subscribed, and what their documents share. Adding a package is
 * adding a row here and in EVENT_ALLOW.
 */
#include "csta/xml.h"
#include "event/parts.h"

const struct event_package *const event_packages[] = {
    &event_dialog, &event_summary, &event_reg, &event_features, &event_refer, NULL};

bool event_render(struct event_layer *l, event_write_fn fn, const void *ctx, struct str *out)
{
    struct out o;
    char none[1];
    out_init(&o, none, 0);
    fn(ctx, &o);
    size_t size = o.need;
    char *buf = arena_alloc(l->scratch, size + 1);
    if (buf == NULL) {
        return false;
    }
    out_init(&o, buf, size);
    fn(ctx, &o);
    *out = out_str_of(&o);
    return !o.over;
}

void event_attr(struct out *o, const char *name, struct str value)
{
    out_ch(o, ' ');
    out_c(o, name);
    out_c(o, "=\"");
    xml_write(o, value, true);
    out_ch(o, '"');
}

bool event_is_self(const struct subscription *s)
{
    return s->subscriber != NULL && s->resource != NULL &&
           str_eq(s->subscriber->key, s->resource->device->key);
}
