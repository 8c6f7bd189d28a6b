/* SPDX-License-Identifier: Apache-2.0 */
/* A webhook as a row of the store: see base/pack.h. Its key is its id. */
#include "api/webhook.h"
#include "base/err.h"
#include <stdio.h>

enum { VERSION = 1 };

void webhook_pack(struct out *o, const struct webhook *w)
{
    const struct feed_filter *f = &w->reader.filter;

    pack_number(o, VERSION);
    pack_str(o, w->url);
    pack_str(o, w->secret);
    pack_str(o, w->owner);
    pack_number(o, w->form);
    pack_number(o, w->created_ms);
    pack_bool(o, w->paused);
    pack_str(o, str_c(w->why));
    pack_number(o, w->cursor);
    pack_number(o, f->devices);
    for (size_t i = 0; i < f->devices; i++) {
        pack_str(o, f->device[i].pattern);
    }
    pack_number(o, f->types);
    for (size_t i = 0; i < f->types; i++) {
        pack_str(o, f->type[i]);
    }
    pack_str(o, f->call_id);
}

static int unpack_filter(struct webhook *w, struct unpack *u)
{
    struct feed_filter *f = &w->reader.filter;
    struct access_scope *device = arena_zalloc(&w->arena, CHOICE_ITEMS * sizeof(*device));
    struct str *type = arena_zalloc(&w->arena, CHOICE_ITEMS * sizeof(*type));

    if (device == NULL || type == NULL) {
        return E_NOMEM;
    }
    f->device = device;
    f->type = type;
    f->devices = (size_t)unpack_upto(u, CHOICE_ITEMS);
    for (size_t i = 0; i < f->devices; i++) {
        device[i] = (struct access_scope){arena_dup(&w->arena, unpack_str(u)), ACCESS_OBSERVE};
    }
    f->types = (size_t)unpack_upto(u, CHOICE_ITEMS);
    for (size_t i = 0; i < f->types; i++) {
        type[i] = arena_dup(&w->arena, unpack_str(u));
    }
    f->call_id = arena_dup(&w->arena, unpack_str(u));
    return u->bad ? E_SYNTAX : 0;
}

int webhook_unpack(struct webhook *w, struct str id, struct str row)
{
    struct unpack u = unpack_of(row);
    uint64_t version = unpack_number(&u);
    struct str why;

    if (u.bad || version != VERSION || id.n == 0 || id.n >= WEBHOOK_ID_MAX) {
        return u.bad || version == VERSION ? E_SYNTAX : E_VERSION;
    }
    (void)snprintf(w->id, sizeof(w->id), "%.*s", STR_ARG(id));
    w->url = arena_dup(&w->arena, unpack_str(&u));
    w->secret = arena_dup(&w->arena, unpack_str(&u));
    w->owner = arena_dup(&w->arena, unpack_str(&u));
    if (!webhook_set_form(w, (enum webhook_form)unpack_upto(&u, WEBHOOK_PUSH))) {
        return E_NOMEM;
    }
    w->created_ms = unpack_number(&u);
    w->paused = unpack_bool(&u);
    why = unpack_str(&u);
    (void)snprintf(w->why, sizeof(w->why), "%.*s", STR_ARG(why));
    w->cursor = w->saved = unpack_number(&u);
    if (unpack_filter(w, &u) == E_NOMEM || !str_is_set(w->url) || !str_is_set(w->secret)) {
        return u.bad ? E_SYNTAX : E_NOMEM;
    }
    return u.bad ? E_SYNTAX : 0;
}
