/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From decisions about values to changes of the message.
 *
 * What is left of a list keeps its separators: with an element the comma behind it goes, with
 * the last ones the comma in front of them. The same holds for the headers of a URI and '&'.
 * When all are gone the line goes, or the '?'.
 */
#include "border/find.h"

/** Elements of a list, in their order. */
struct row {
    uint32_t from, to;
    bool gone;
};

typedef struct row (*row_fn)(const struct border_found *f, uint32_t i);

/** Cut those of [first, first+n) that are gone, of which not all are. */
static void cut_rows(const struct border_found *f, struct border_patch *p, row_fn row,
                     uint32_t first, uint32_t n)
{
    uint32_t kept_end = 0, gone_from = 0, gone_to = 0;
    bool kept = false, gone = false;
    for (uint32_t i = first; i < first + n; i++) {
        struct row r = row(f, i);
        if (r.gone) {
            gone_from = gone ? gone_from : r.from;
            gone_to = r.to;
            gone = true;
            continue;
        }
        if (gone) { /* behind a kept one its separator goes, before the first that of ours */
            border_patch_add(p, kept ? kept_end : gone_from, kept ? gone_to : r.from, STR_NONE);
        }
        kept = true;
        gone = false;
        kept_end = r.to;
    }
    if (gone) {
        border_patch_add(p, kept_end, gone_to, STR_NONE);
    }
}

static struct row value_row(const struct border_found *f, uint32_t i)
{
    const struct border_value *b = border_value_at(f, i);
    return (struct row){border_text_at(&b->text, 0), border_text_at(&b->text, b->text.s.n),
                        b->gone};
}

static bool is_gone(const struct border_found *f, uint32_t group)
{
    const struct border_group *g = border_group_at(f, group);
    for (uint32_t i = g->first; i < g->first + g->n; i++) {
        if (!border_value_at(f, i)->gone) {
            return false;
        }
    }
    return true;
}

static struct row part_row(const struct border_found *f, uint32_t i)
{
    const struct border_part *part = (const struct border_part *)f->parts.at + i;
    return (struct row){part->from, part->to,
                        part->group != BORDER_NOWHERE && is_gone(f, part->group)};
}

static void put_values(const struct border_found *f, struct border_patch *p,
                       const struct border_group *g)
{
    for (uint32_t i = g->first; i < g->first + g->n; i++) {
        const struct border_value *b = border_value_at(f, i);
        if (b->gone || !str_is_set(b->put)) {
            continue;
        }
        struct str put = border_text_escape(f->arena, b->put, b->text.depth);
        struct row r = value_row(f, i);
        p->failed = p->failed || !str_is_set(put);
        border_patch_add(p, r.from, r.to, put);
    }
}

static void apply_group(const struct border_found *f, struct border_patch *p, uint32_t group)
{
    const struct border_group *g = border_group_at(f, group);
    if (!is_gone(f, group)) {
        cut_rows(f, p, value_row, g->first, g->n);
        put_values(f, p, g);
        if (str_is_set(g->name)) {
            border_patch_add(p, g->name_from, g->name_to, g->name);
        }
    } else if (g->to > g->from) {
        border_patch_add(p, g->from, g->to, STR_NONE);
    }
}

static void apply_uri(const struct border_found *f, struct border_patch *p,
                      const struct border_uri *u)
{
    uint32_t gone = 0;
    for (uint32_t i = u->first; i < u->first + u->n; i++) {
        gone += part_row(f, i).gone ? 1 : 0;
    }
    if (gone == u->n) {
        border_patch_add(p, u->mark, part_row(f, u->first + u->n - 1).to, STR_NONE);
    } else if (gone > 0) {
        cut_rows(f, p, part_row, u->first, u->n);
    }
}

void border_apply(const struct border_found *f, struct border_patch *p)
{
    for (uint32_t i = 0; i < f->groups.n; i++) {
        apply_group(f, p, i);
    }
    for (uint32_t i = 0; i < f->uris.n; i++) {
        apply_uri(f, p, (const struct border_uri *)f->uris.at + i);
    }
}
