/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package reg (RFC 3680): the bindings of an address of record, with their GRUUs (RFC 5628).
 *
 * What is bound now is read from the registrar when a document is written. An ITEM remembers
 * what the registrar cannot say then: what happened to a binding last, and the Contact of one
 * that is gone, until all have been told. So the first document of a subscription is full, and
 * each further one partial: the contacts that have changed since the subscriber confirmed the
 * last.
 *
 *   <registration state>   active with a contact, terminated when the last one has just gone,
 *                          init when there was none
 */
#include "csta/xml.h"
#include "event/parts.h"

/** Contacts that are gone and remembered, at most; older ones are forgotten. */
enum { ITEMS_MAX = 64 };

static const struct {
    const char *name;
    bool active;
} events[] = {
    [BINDING_CREATED] = {"created", true},
    [BINDING_REFRESHED] = {"refreshed", true},
    [BINDING_SHORTENED] = {"shortened", true},
    [BINDING_EXPIRED] = {"expired", false},
    [BINDING_UNREGISTERED] = {"unregistered", false},
    [BINDING_DEACTIVATED] = {"deactivated", false},
};

struct item {
    struct list link;
    uint64_t rev, id; /**< id: of the binding */
    uint8_t event;    /**< enum binding_event */
    struct str uri;   /**< of a contact that is gone; owned */
};

struct registration {
    struct list items; /**< the oldest first */
    uint32_t count;
};

/* ---- items ---- */

static void drop_item(struct resource *r, struct item *item)
{
    struct registration *reg = r->state;
    const struct mem *mem = &r->layer->env->mem;
    list_remove(&item->link);
    reg->count--;
    mem_free(mem, (void *)(uintptr_t)item->uri.p);
    mem_free(mem, item);
}

static struct item *find_item(const struct registration *reg, uint64_t id)
{
    list_each(it, &reg->items)
    {
        struct item *item = list_entry(it, struct item, link);
        if (item->id == id) {
            return item;
        }
    }
    return NULL;
}

static void prune(struct resource *r)
{
    struct registration *reg = r->state;
    uint64_t told = resource_told(r);
    list_each(it, &reg->items)
    {
        struct item *item = list_entry(it, struct item, link);
        if (!events[item->event].active && (item->rev <= told || reg->count >= ITEMS_MAX)) {
            drop_item(r, item);
        }
    }
}

static struct item *get_item(struct resource *r, uint64_t id)
{
    struct registration *reg = r->state;
    struct item *item = find_item(reg, id);
    if (item == NULL && (item = mem_zalloc(&r->layer->env->mem, sizeof(*item))) != NULL) {
        item->id = id;
        list_append(&reg->items, &item->link);
        reg->count++;
    }
    return item;
}

void event_on_binding(struct event_layer *l, const struct record *record,
                      const struct binding *b, enum binding_event what)
{
    struct device *d = directory_device(l->directory, record->key);
    struct resource *r = d != NULL ? resource_find(l, &event_reg, d) : NULL;
    if (r == NULL) {
        return;
    }
    prune(r);
    struct item *item = get_item(r, b->id);
    if (item != NULL) {
        item->event = (uint8_t)what;
        item->rev = r->rev + 1; /* resource_changed makes it that */
        if (!events[what].active && item->uri.p == NULL &&
            mem_dup(&l->env->mem, b->contact, &item->uri) != 0) {
            drop_item(r, item);
            item = NULL;
        }
    }
    if (item == NULL) { /* without memory for what has changed everything is told */
        list_each(it, &r->subscriptions)
        {
            list_entry(it, struct subscription, of_resource)->full = true;
        }
    }
    resource_changed(r);
}

static int open_registration(struct resource *r, uint64_t now_ms)
{
    struct registration *reg = mem_zalloc(&r->layer->env->mem, sizeof(*reg));
    (void)now_ms;
    if (reg == NULL) {
        return E_NOMEM;
    }
    list_init(&reg->items);
    r->state = reg;
    return 0;
}

static void close_registration(struct resource *r)
{
    struct registration *reg = r->state;
    if (reg == NULL) {
        return;
    }
    list_each(it, &reg->items)
    {
        drop_item(r, list_entry(it, struct item, link));
    }
    mem_free(&r->layer->env->mem, reg);
}

/* ---- documents ---- */

struct view {
    const struct subscription *s;
    const struct record *record; /**< NULL: no binding */
    bool full;
    uint64_t now_ms;
};

static bool is_news(const struct view *v, const struct item *item)
{
    return item != NULL && item->rev > v->s->told_rev;
}

static void write_params(const struct binding *b, struct out *o)
{
    struct str rest = str_starts(b->params, STR(";")) ? str_from(b->params, 1) : b->params;
    struct str name, value;
    while (sip_param_next(&rest, &name, &value)) {
        out_c(o, "<unknown-param");
        event_attr(o, "name", name);
        if (value.n > 0) {
            out_ch(o, '>');
            xml_write(o, value, false);
            out_c(o, "</unknown-param>");
        } else {
            out_c(o, "/>");
        }
    }
}

/** RFC 5628 §5. A temporary GRUU comes with each REGISTER, so its first CSeq is the last one.
 */
static void write_gruus(const struct binding *b, struct out *o)
{
    char text[512];
    struct out uri;
    if (b->gruu_life == 0) {
        return;
    }
    out_init(&uri, text, sizeof(text));
    registrar_gruu_write_public(b, &uri);
    if (!uri.over) {
        out_c(o, "<gr:pub-gruu");
        event_attr(o, "uri", out_str_of(&uri));
        out_c(o, "/>");
    }
    out_init(&uri, text, sizeof(text));
    if (registrar_gruu_write_temporary(b, &uri) && !uri.over) {
        out_c(o, "<gr:temp-gruu");
        event_attr(o, "uri", out_str_of(&uri));
        out_fmt(o, " first-cseq=\"%u\"/>", (unsigned)b->cseq);
    }
}

static void write_contact(const struct view *v, const struct binding *b,
                          const struct item *item, struct out *o)
{
    enum binding_event what = item != NULL ? (enum binding_event)item->event : BINDING_CREATED;
    uint64_t left = b->expires_ms > v->now_ms ? (b->expires_ms - v->now_ms) / 1000 : 0;
    out_fmt(o, "<contact id=\"%llu\" state=\"active\" event=\"%s\"", (unsigned long long)b->id,
            events[what].name);
    out_fmt(o, " duration-registered=\"%llu\" expires=\"%llu\"",
            (unsigned long long)((v->now_ms - b->created_ms) / 1000), (unsigned long long)left);
    if (b->has_q) {
        out_fmt(o, " q=\"%u.%03u\"", b->q_milli / 1000U, b->q_milli % 1000U);
    }
    event_attr(o, "callid", b->call_id);
    out_fmt(o, " cseq=\"%u\"><uri>", (unsigned)b->cseq);
    xml_write(o, b->contact, false);
    out_c(o, "</uri>");
    write_params(b, o);
    write_gruus(b, o);
    out_c(o, "</contact>\n");
}

static void write_live(const struct view *v, struct out *o)
{
    const struct registration *reg = v->s->resource->state;
    if (v->record == NULL) {
        return;
    }
    list_each(it, &v->record->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        const struct item *item = find_item(reg, b->id);
        if (v->full || is_news(v, item)) {
            write_contact(v, b, item, o);
        }
    }
}

static void write_gone(const struct view *v, struct out *o)
{
    const struct registration *reg = v->s->resource->state;
    list_each(it, &reg->items)
    {
        const struct item *item = list_entry(it, struct item, link);
        if (events[item->event].active || !is_news(v, item)) {
            continue;
        }
        out_fmt(o, "<contact id=\"%llu\" state=\"terminated\" event=\"%s\"><uri>",
                (unsigned long long)item->id, events[item->event].name);
        xml_write(o, item->uri, false);
        out_c(o, "</uri></contact>\n");
    }
}

static const char *state_of(const struct view *v)
{
    const struct registration *reg = v->s->resource->state;
    if (v->record != NULL) {
        return "active";
    }
    list_each(it, &reg->items)
    {
        if (is_news(v, list_entry(it, struct item, link))) {
            return "terminated";
        }
    }
    return "init";
}

static void write_document(const void *ctx, struct out *o)
{
    const struct view *v = ctx;
    const struct resource *r = v->s->resource;
    out_c(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\""
             " xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\"");
    out_fmt(o, " version=\"%u\" state=\"%s\">\n<registration", (unsigned)v->s->version,
            v->full ? "full" : "partial");
    event_attr(o, "aor", r->device->uri);
    event_attr(o, "id", r->device->number);
    event_attr(o, "state", str_c(state_of(v)));
    out_c(o, ">\n");
    write_live(v, o);
    write_gone(v, o);
    out_c(o, "</registration>\n</reginfo>\n");
}

static bool write_registration(struct subscription *s, bool full, struct event_body *out,
                               uint64_t now_ms)
{
    struct view v = {s, registrar_find(s->layer->registrar, s->resource->device->key), full,
                     now_ms};
    out->type = s->package->type;
    return event_render(s->layer, write_document, &v, &out->body);
}

const struct event_package event_reg = {
    .name = STR_INIT("reg"),
    .type = STR_INIT("application/reginfo+xml"),
    .expires_s = 3761, /* RFC 3680 §4.4 */
    .interval_ms = 5000,
    .open = open_registration,
    .close = close_registration,
    .write = write_registration,
};
