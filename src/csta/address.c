/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event, addressed to one of those who watch: a copy with that reader's reference, and with
 * devices spelt as he spells them.
 *
 * Only what stands directly in the event is looked at, which is where events about a device
 * name it. The rest is shared with the original.
 */
#include "csta/table.h"

/** The text of a device identifier: the first member of struct csta_device_id. */
static void respell(char *id, csta_spell_fn spell, const void *ctx)
{
    struct str text;

    memcpy(&text, id, sizeof(text));
    if (text.n > 0) {
        text = spell(ctx, text);
        memcpy(id, &text, sizeof(text));
    }
}

static void respell_field(const struct csta_field *f, char *at, csta_spell_fn spell,
                          const void *ctx)
{
    unsigned kind;

    if (f->type->kind == CSTA_K_TEXT) {
        respell(at, spell, ctx);
    } else if (f->type->kind == CSTA_K_CHOICE &&
               f->type->size == sizeof(struct csta_device_ref) && f->type->nfield > 0 &&
               f->type->field->kind == CSTA_DEVICE_REF_ID &&
               f->type->field->type->kind == CSTA_K_TEXT) {
        memcpy(&kind, at, sizeof(kind));
        if (kind == CSTA_DEVICE_REF_ID) {
            respell(at + f->type->field->offset, spell, ctx);
        }
    }
}

int csta_event_address(const struct csta_msg *event, struct str ref, csta_spell_fn spell,
                       const void *ctx, struct arena *arena, struct csta_msg *out)
{
    const struct csta_type *type =
        (unsigned)event->id < CSTA_MSG_COUNT ? csta_msg_infos[event->id].body : NULL;
    bool has_ref = false;
    char *body;

    if (type == NULL || type->kind != CSTA_K_STRUCT || event->body == NULL ||
        csta_msg_role(event->id) != CSTA_ROLE_EVENT) {
        return E_UNSUPPORTED;
    }
    body = arena_alloc(arena, type->size);
    if (body == NULL) {
        return E_NOMEM;
    }
    memcpy(body, event->body, type->size);
    for (size_t i = 0; i < type->nfield; i++) {
        const struct csta_field *f = &type->field[i];
        char *at = body + f->offset;
        if (str_eq(str_make(f->name, f->len), STR("monitorCrossRefID"))) {
            memcpy(at, &ref, sizeof(ref));
            has_ref = true;
        } else if ((f->flags & (CSTA_F_POINTER | CSTA_F_ALIAS)) == 0 && spell != NULL) {
            respell_field(f, at, spell, ctx);
        }
    }
    *out = (struct csta_msg){.id = event->id, .edition = event->edition, .body = body};
    return has_ref ? 0 : E_UNSUPPORTED;
}
