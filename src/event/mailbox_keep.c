/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mailboxes that outlive the process: a lamp that somebody has switched on stays on.
 *
 * What is known of the messages for a device is one row under its key: what each source has
 * said, the newest last, with the entity-tag and the time of what was published. So a voice
 * mail system refreshes what it has published as if nothing had been (RFC 3903 §4.4), and one
 * that says everything once needs not say it again. What has run out meanwhile stays away.
 *
 * The row is written with each change and dropped with the last publication. Whoever watches
 * hears of the state after a restart by his subscription (keep.c).
 */
#include "base/hop.h"
#include "event/parts.h"

enum { VERSION = 1, TEXT_MAX = 16384 };

static void write_mailbox(struct out *o, const void *what, uint64_t now_ms)
{
    const struct mailbox *box = what;
    const struct list *all = &box->publications;
    uint64_t n = 0;

    for (const struct list *it = all->next; it != all; it = it->next) {
        n++;
    }
    pack_number(o, VERSION);
    pack_number(o, n);
    for (const struct list *it = all->next; it != all; it = it->next) {
        const struct publication *p =
            list_entry((struct list *)(uintptr_t)it, struct publication, link);
        bool ends = p->sender == 0;
        pack_number(o, p->sender);
        pack_str(o, ends ? str_make(p->etag, ETAG_LEN) : STR_NONE);
        pack_date(o, p->layer->env, ends ? p->expire.due_ms : UINT64_MAX, now_ms);
        pack_str(o, p->text);
    }
}

void mailbox_keep(struct event_layer *l, const struct device *d, uint64_t now_ms)
{
    const struct mailbox *box = mailbox_find(l, d);
    struct str row;

    if (l->store == NULL) {
        return;
    }
    if (box == NULL) {
        l->store->drop(l->store->ctx, STORE_MAILBOX, d->key);
        return;
    }
    row = pack_in(&l->room, write_mailbox, box, now_ms);
    if (row.n > 0) { /* without memory the next change writes it */
        l->store->put(l->store->ctx, STORE_MAILBOX, d->key, row);
    }
}

void mailbox_keep_all(struct event_layer *l, uint64_t now_ms)
{
    size_t slot = 0;

    for (struct map_node *n = map_walk(&l->mailboxes, &slot, NULL); n != NULL;
         n = map_walk(&l->mailboxes, &slot, n)) {
        mailbox_keep(l, container_of(n, struct mailbox, node)->device, now_ms);
    }
}

/* ---- putting back ---- */

static bool is_summary_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n') {
            return false;
        }
    }
    return s.n > 0 && s.n <= TEXT_MAX;
}

/** @return 0, also for one that has run out; E_SYNTAX, E_NOMEM */
static int read_publication(struct event_layer *l, struct device *d, struct unpack *u,
                            uint64_t now_ms)
{
    uint64_t sender = unpack_number(u);
    struct str tag = unpack_str(u);
    uint64_t expires_ms = unpack_date(u, l->env, now_ms);
    struct str text = unpack_str(u), copy;
    struct publication *p;

    if (u->bad || !is_summary_text(text) ||
        (sender == 0 && (tag.n != ETAG_LEN || expires_ms == UINT64_MAX))) {
        return E_SYNTAX;
    }
    if (expires_ms <= now_ms) {
        return 0;
    }
    if (mem_dup(&l->env->mem, text, &copy) != 0) {
        return E_NOMEM;
    }
    p = publication_new(l, d);
    if (p == NULL) {
        mem_free(&l->env->mem, (void *)(uintptr_t)copy.p);
        return E_NOMEM;
    }
    p->sender = sender;
    p->text = copy;
    if (sender == 0) {
        memcpy(p->etag, tag.p, ETAG_LEN);
        publication_tagged(l, p);
        timer_set(l->wheel, &p->expire, expires_ms);
    }
    return 0;
}

int event_restore_mailbox(struct event_layer *l, struct str key, struct str value,
                          uint64_t now_ms)
{
    struct unpack u = unpack_of(value);
    uint64_t version = unpack_number(&u), n = unpack_number(&u);
    struct device *d = directory_device(l->directory, key);
    struct mailbox *box;
    int err = 0;

    if (version != VERSION || u.bad) {
        return version == VERSION || value.n == 0 ? E_SYNTAX : E_VERSION;
    }
    if (d == NULL) {
        return E_NOTFOUND;
    }
    if (mailbox_find(l, d) != NULL) {
        return E_EXISTS;
    }
    for (uint64_t i = 0; i < n && err == 0; i++) {
        err = read_publication(l, d, &u, now_ms);
    }
    box = mailbox_find(l, d);
    if (err != 0 && box != NULL) {
        mailbox_free(l, box);
    }
    return err != 0 ? err : box == NULL ? E_NOTFOUND : 0;
}
