/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the push form has to know of a call and does not: it began before a restart, before the
 * webhook was made, or so many calls ago that it was forgotten (webhook_push.c). The journal
 * has it: the events of that call, by an index of the database, are read before the next one of
 * it is written, and only those that the webhook was given or would have been, and how the call
 * began, of which nothing is told.
 *
 * So nothing besides the cursor has to be kept.
 *
 * COST. A question to the store's thread for each call of which nothing is known, new ones
 * among them, while the webhook stands. It is a look into an index, some 4 us; at 500 calls a
 * second that thread took 95 us a call with no webhook, the same with one, and 110 to 130 us
 * with ten, which is what ten webhooks in the form of CloudEvents take, who ask nothing: most
 * of it is reading what is brought. A webhook asks one question at a time and waits for the
 * answer, so what is to be kept never stands behind more of them than there are webhooks
 * (api.max_webhooks).
 */
#include "api/parts.h"
#include "api/webhook.h"

enum { PAST_PAGE = 100 };

static bool ask(struct webhook *w, uint64_t after);

static bool is_for(const struct webhook *w, const struct cloud_event *e)
{
    return feed_wants(&w->reader.filter, e) && w->reader.sink->may(&w->reader, e);
}

/** @return false: there is no more that counts */
static bool learn(struct webhook *w, const struct store_page *page)
{
    struct feed *f = events_feed(webhooks_events(w->all));
    struct arena a;
    struct cloud_event e;
    bool more = page->count == PAST_PAGE;

    arena_init(&a, &mem_libc, 4096);
    for (size_t i = 0; i < page->count; i++) {
        if (page->row[i].number >= w->past_upto) {
            more = false;
            break;
        }
        arena_reset(&a);
        if (feed_make(f, &page->row[i], &a, &e) == 0 && (push_begins(&e) || is_for(w, &e))) {
            push_learn(w->push, &e);
        }
    }
    arena_fini(&a);
    return more;
}

static void on_past(struct feed_ask *asked, const struct store_page *page)
{
    struct webhook *w = container_of(asked, struct webhook, past);

    if (page->err == 0 && learn(w, page) && ask(w, page->row[page->count - 1].number)) {
        return;
    }
    push_know(w->push, str_c(w->past_call)); /* as far as it can be known */
    feed_go(&w->reader, api_now(webhooks_api(w->all)));
}

static bool ask(struct webhook *w, uint64_t after)
{
    w->past = (struct feed_ask){
        .after = after, .limit = PAST_PAGE, .call_id = str_c(w->past_call), .done = on_past};
    return feed_read(events_feed(webhooks_events(w->all)), &w->past) == 0;
}

bool webhook_waits_for_past(struct webhook *w, const struct cloud_event *e)
{
    if (w->push == NULL || w->past.page != NULL) {
        return w->push != NULL;
    }
    if (!push_lacks(w->push, e, w->past_call)) {
        return false;
    }
    w->past_upto = e->number;
    (void)ask(w, 0); /* else the tick has the event come again */
    return true;
}
