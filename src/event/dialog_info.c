/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package dialog (RFC 4235): the calls of a device, for busy lamps and directed pick-up.
 *
 * An ITEM is one call of the watched device. It knows little: which call, which state was told,
 * and how it ended. All else (identities, Call-ID, tags) is looked up in the call when a
 * document is written, which is at the end of the input, when the dialogs of that moment exist.
 * Items live as long as somebody has not been told that the call is over.
 *
 *   caller      trying → (peer) proceeding → early → confirmed → terminated
 *   callee      early → confirmed → terminated
 *
 * DOCUMENTS are whole, so that phones which do not keep state between two of them have it
 * right; with `dialog_partial` a change is told by what has changed. A call that has ended
 * stands once more in the next document as terminated, since many lamps want to see it go; an
 * idle device is a document without dialogs (RFC 4235 §4.1).
 *
 * POINT OF VIEW (§4.1.2). local is the watched phone: local-tag is the phone's, remote-tag that
 * of the peer of its dialog, which is ours. Replaces with to-tag=remote-tag and
 * from-tag=local-tag therefore names our leg (RFC 3891 §3). Both tags and the Call-ID are shown
 * as `replaces` says, because who knows them can take the call over; the leg remembers that
 * others than its party know.
 *
 * PRIVACY. The other party is shown to the device itself, and to others if `dialog_identity`;
 * a caller who asked for privacy (RFC 3323) is shown to nobody.
 */
#include "csta/xml.h"
#include "event/parts.h"

enum item_state { ITEM_TRYING, ITEM_PROCEEDING, ITEM_EARLY, ITEM_CONFIRMED, ITEM_TERMINATED };

static const char *const state_names[] = {"trying", "proceeding", "early", "confirmed",
                                          "terminated"};

/** Calls of one device that are shown; further ones are not. */
enum { ITEMS_MAX = 64 };

struct item {
    struct list link;
    uint64_t rev;
    char call[CALL_ID_LEN + 1];
    uint8_t state; /**< enum item_state */
    bool initiator, held;
    const char *event; /**< how it ended (§4.1.1), or NULL */
    unsigned code;
};

struct lamp {
    struct list items;
    uint32_t count;
};

/* ---- items ---- */

static struct item *find_item(const struct lamp *lamp, const struct call *c)
{
    list_each(it, &lamp->items)
    {
        struct item *item = list_entry(it, struct item, link);
        if (memcmp(item->call, c->id, CALL_ID_LEN) == 0) {
            return item;
        }
    }
    return NULL;
}

static void drop_item(struct resource *r, struct item *item)
{
    struct lamp *lamp = r->state;
    list_remove(&item->link);
    lamp->count--;
    mem_free(&r->layer->env->mem, item);
}

static void prune(struct resource *r)
{
    struct lamp *lamp = r->state;
    uint64_t told = resource_told(r);
    list_each(it, &lamp->items)
    {
        struct item *item = list_entry(it, struct item, link);
        if (item->state == ITEM_TERMINATED && item->rev <= told) {
            drop_item(r, item);
        }
    }
}

static struct item *add_item(struct resource *r, const struct connection *conn)
{
    struct lamp *lamp = r->state;
    struct item *item;
    if (lamp->count >= ITEMS_MAX ||
        (item = mem_zalloc(&r->layer->env->mem, sizeof(*item))) == NULL) {
        return NULL;
    }
    memcpy(item->call, conn->call->id, sizeof(item->call));
    item->initiator = conn->originating;
    list_append(&lamp->items, &item->link);
    lamp->count++;
    return item;
}

static const struct connection *other_of(const struct connection *conn)
{
    const struct call *c = conn->call;
    return c->a == conn ? c->b : c->a;
}

/** State of a connection as a dialog has it. @return false: there is nothing to see yet */
static bool state_of(const struct connection *conn, uint8_t *out)
{
    const struct connection *other = other_of(conn);
    if (conn->ended || conn->state == CONN_FAIL) {
        *out = ITEM_TERMINATED;
    } else if (conn->state == CONN_QUEUED && conn->call->phase == CALL_ACTIVE) {
        *out = ITEM_CONFIRMED; /* it is parked there */
    } else if (conn->state == CONN_NULL || conn->state == CONN_QUEUED) {
        return false;
    } else if (conn->state == CONN_ALERTING) {
        *out = ITEM_EARLY;
    } else if (conn->state == CONN_INITIATED) {
        *out = ITEM_TRYING;
    } else if (conn->originating && conn->call->phase <= CALL_SETUP) {
        *out = other != NULL && other->alerted   ? ITEM_EARLY
               : other != NULL && other->reached ? ITEM_PROCEEDING
                                                 : ITEM_TRYING;
        if (other != NULL && other->established) {
            *out = ITEM_CONFIRMED; /* the event comes before the phase moves on */
        }
    } else {
        *out = ITEM_CONFIRMED;
    }
    return true;
}

/** The event attribute of a dialog that is over (§3.7.1). */
static const char *end_of(const struct item *item, const struct connection *conn,
                          const struct call_event *e)
{
    bool self = e->subject == conn && (e->by == NULL || e->by == conn);
    if (strcmp(e->cause, "networkSignal") == 0) {
        return "error";
    }
    if (item->state == ITEM_CONFIRMED) {
        return self ? "local-bye" : "remote-bye";
    }
    if (e->status == 408 || strcmp(e->cause, "timeout") == 0) {
        return "timeout";
    }
    if (strcmp(e->cause, "callCancelled") == 0) {
        return "cancelled";
    }
    return "rejected";
}

/** @return true: something that a watcher may see has changed */
static bool update(struct resource *r, const struct connection *conn,
                   const struct call_event *e)
{
    struct item *item = find_item(r->state, conn->call);
    bool held = conn->state == CONN_HOLD;
    uint8_t state;
    if (!state_of(conn, &state) || (item == NULL && state == ITEM_TERMINATED)) {
        return false;
    }
    if (item == NULL && (item = add_item(r, conn)) == NULL) {
        return false;
    }
    if (item->rev != 0 && item->state == state && item->held == held) {
        return false;
    }
    if (item->state == ITEM_TERMINATED) {
        return false;
    }
    if (state == ITEM_TERMINATED && e != NULL) {
        item->event = end_of(item, conn, e);
        item->code = e->status;
    }
    item->state = state;
    item->held = held;
    item->rev = r->rev + 1; /* resource_changed makes it that */
    return true;
}

void event_on_call(struct event_layer *l, const struct call_event *e)
{
    list_each(it, &e->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        struct resource *r =
            conn->device != NULL ? resource_find(l, &event_dialog, conn->device) : NULL;
        if (r == NULL) {
            continue;
        }
        prune(r);
        if (update(r, conn, e)) {
            resource_changed(r);
        }
    }
}

static int open_lamp(struct resource *r, uint64_t now_ms)
{
    struct lamp *lamp = mem_zalloc(&r->layer->env->mem, sizeof(*lamp));
    (void)now_ms;
    if (lamp == NULL) {
        return E_NOMEM;
    }
    list_init(&lamp->items);
    r->state = lamp;
    for (struct connection *conn = call_of_device(r->device, NULL); conn != NULL;
         conn = call_of_device(r->device, conn)) {
        (void)update(r, conn, NULL);
    }
    return 0;
}

static void close_lamp(struct resource *r)
{
    struct lamp *lamp = r->state;
    if (lamp == NULL) {
        return;
    }
    list_each(it, &lamp->items)
    {
        drop_item(r, list_entry(it, struct item, link));
    }
    mem_free(&r->layer->env->mem, lamp);
}

/* ---- documents ---- */

struct view {
    const struct subscription *s;
    bool full, self;
};

/** The dialog in which the phone speaks with us, as far as there is one. */
static const struct dialog *dialog_of(const struct connection *conn)
{
    const struct branch *b = conn->stem;
    list_each(it, &conn->branches)
    {
        const struct branch *other = list_entry(it, struct branch, link);
        if (b == NULL && other->leg != NULL && !other->refused &&
            !list_empty(&other->leg->dialogs)) {
            b = other;
        }
    }
    if (b == NULL || b->leg == NULL) {
        return NULL;
    }
    if (b->leg->dialog != NULL) {
        return b->leg->dialog;
    }
    return list_empty(&b->leg->dialogs) ? NULL
                                        : list_entry(b->leg->dialogs.next, struct dialog, link);
}

static bool shows_dialog(const struct view *v, const struct item *item)
{
    uint8_t how = v->s->layer->config.replaces;
    return v->self || how == EVENT_REPLACES_ALL ||
           (how == EVENT_REPLACES_EARLY && item->state == ITEM_EARLY);
}

static void write_dialog_ids(const struct view *v, const struct item *item,
                             const struct connection *conn, struct out *o)
{
    const struct dialog *d = conn != NULL && shows_dialog(v, item) ? dialog_of(conn) : NULL;
    if (d != NULL && d->local_tag.n > 0 && d->remote_tag.n > 0) {
        event_attr(o, "call-id", d->call_id);
        event_attr(o, "local-tag", d->remote_tag);
        event_attr(o, "remote-tag", d->local_tag);
        if (!v->self) {
            leg_tell(d->leg);
        }
    }
}

static void write_party(struct out *o, const char *side, struct str uri, struct str display,
                        struct str target, bool held)
{
    out_fmt(o, "<%s>", side);
    if (uri.n > 0) {
        out_c(o, "<identity");
        if (display.n > 0) {
            event_attr(o, "display", display);
        }
        out_ch(o, '>');
        xml_write(o, uri, false);
        out_c(o, "</identity>");
    }
    out_c(o, "<target");
    event_attr(o, "uri", target);
    out_c(o, held ? "><param pname=\"+sip.rendering\" pval=\"no\"/></target>" : "/>");
    out_fmt(o, "</%s>", side);
}

static void write_parties(const struct view *v, const struct item *item,
                          const struct connection *conn, struct out *o)
{
    const struct device *d = v->s->resource->device;
    const struct connection *other = conn != NULL ? other_of(conn) : NULL;
    bool shown = v->self || v->s->layer->config.dialog_identity;
    write_party(o, "local", d->uri, d->display, d->uri, item->held);
    if (other == NULL) {
        return;
    }
    if (!shown || other->restricted) { /* a call with Replaces finds its leg by that alone */
        write_party(o, "remote", STR_NONE, STR_NONE, d->uri, false);
    } else {
        struct str name = other->device != NULL && other->display.n == 0
                              ? other->device->display
                              : other->display;
        write_party(o, "remote", other->id, name, other->id, false);
    }
}

static void write_item(const struct view *v, const struct item *item, struct out *o)
{
    const struct event_layer *l = v->s->layer;
    const struct call *c = item->state == ITEM_TERMINATED
                               ? NULL
                               : call_find(l->calls, str_make(item->call, CALL_ID_LEN));
    const struct connection *conn =
        c != NULL ? call_connection(c, v->s->resource->device) : NULL;
    out_c(o, "<dialog");
    event_attr(o, "id", str_make(item->call, CALL_ID_LEN));
    write_dialog_ids(v, item, conn, o);
    event_attr(o, "direction", item->initiator ? STR("initiator") : STR("recipient"));
    out_c(o, "><state");
    if (item->event != NULL) {
        event_attr(o, "event", str_c(item->event));
    }
    if (item->code >= 300 && item->event != NULL && strcmp(item->event, "rejected") == 0) {
        out_fmt(o, " code=\"%u\"", item->code);
    }
    out_fmt(o, ">%s</state>", state_names[item->state]);
    if (conn != NULL) {
        write_parties(v, item, conn, o);
    }
    out_c(o, "</dialog>\n");
}

static void write_document(const void *ctx, struct out *o)
{
    const struct view *v = ctx;
    const struct lamp *lamp = v->s->resource->state;
    out_c(o, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"");
    out_fmt(o, " version=\"%u\" state=\"%s\"", (unsigned)v->s->version,
            v->full ? "full" : "partial");
    event_attr(o, "entity", v->s->resource->device->uri);
    out_c(o, ">\n");
    list_each(it, &lamp->items)
    {
        const struct item *item = list_entry(it, struct item, link);
        bool news = item->rev > v->s->told_rev;
        if (news || (v->full && item->state != ITEM_TERMINATED)) {
            write_item(v, item, o);
        }
    }
    out_c(o, "</dialog-info>\n");
}

static bool write_lamp(struct subscription *s, bool full, struct event_body *out,
                       uint64_t now_ms)
{
    struct view v = {s, full || !s->layer->config.dialog_partial, event_is_self(s)};
    (void)now_ms;
    out->type = s->package->type;
    return event_render(s->layer, write_document, &v, &out->body);
}

const struct event_package event_dialog = {
    .name = STR_INIT("dialog"),
    .type = STR_INIT("application/dialog-info+xml"),
    .expires_s = 3600,
    .interval_ms = 1000,
    .open_to_domain = true,
    .open = open_lamp,
    .close = close_lamp,
    .write = write_lamp,
};
