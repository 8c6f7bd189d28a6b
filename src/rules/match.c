/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the program of a pattern over a text, all ways at once.
 *
 * `now` is the list of steps that wait for the next octet, the preferred one first; each
 * step is on it at most once, so the list is no longer than the program. An octet turns it
 * into `next`. Each entry has the offsets of the kept parts by which it was reached; the first
 * one that reaches OP_END with the text used up is the match. A pattern that keeps nothing
 * copies nothing.
 *
 * COST. At most steps × octets; about 25 KiB of stack.
 */
#include "rules/pattern_impl.h"

enum { OFFSETS = 2 * (PATTERN_GROUPS + 1), NOWHERE = UINT16_MAX };

struct way {
    uint16_t step;
    uint16_t offset[OFFSETS];
};

struct ways {
    size_t n;
    struct way way[PATTERN_OPS_MAX];
};

struct run {
    const struct pattern *p;
    struct ways *next;
    uint16_t at;                    /**< octets of the text behind us */
    uint16_t stamp;                 /**< `at` + 1 … */
    uint16_t seen[PATTERN_OPS_MAX]; /**< … where a step is on `next` already */
    size_t offsets;                 /**< that are copied: none without groups */
};

/**
 * Follow the steps that take no octet. A stack of its own: the one that is preferred is
 * done first, and what it saved is undone before the other.
 */
static void add(struct run *r, uint16_t step, uint16_t *offset)
{
    struct {
        uint16_t step, undo;
        uint8_t slot; /**< OFFSETS: a step to follow; else `undo` goes back into it */
    } todo[2 * PATTERN_OPS_MAX];
    size_t n = 0;

    todo[n].step = step;
    todo[n++].slot = OFFSETS;
    while (n > 0) {
        n--;
        if (todo[n].slot != OFFSETS) {
            offset[todo[n].slot] = todo[n].undo;
            continue;
        }
        uint16_t pc = todo[n].step;
        const struct pattern_op *op = &r->p->op[pc];
        if (r->seen[pc] == r->stamp) {
            continue;
        }
        r->seen[pc] = r->stamp;
        switch (op->kind) {
        case OP_SPLIT:
            todo[n].step = (uint16_t)(pc + op->b);
            todo[n++].slot = OFFSETS;
            todo[n].step = (uint16_t)(pc + op->a); /* on top: it is done first */
            todo[n++].slot = OFFSETS;
            break;
        case OP_JUMP:
            todo[n].step = (uint16_t)(pc + op->a);
            todo[n++].slot = OFFSETS;
            break;
        case OP_SAVE:
            todo[n].slot = op->ch;
            todo[n++].undo = offset[op->ch];
            offset[op->ch] = r->at;
            todo[n].step = (uint16_t)(pc + 1);
            todo[n++].slot = OFFSETS;
            break;
        default: {
            struct way *w = &r->next->way[r->next->n++];
            w->step = pc;
            memcpy(w->offset, offset, r->offsets * sizeof(*offset));
            break;
        }
        }
    }
}

static bool takes(const struct pattern *p, const struct pattern_op *op, char ch)
{
    unsigned char c = (unsigned char)ch;
    switch (op->kind) {
    case OP_CHAR:
        return ((p->flags & PATTERN_NO_CASE) != 0 ? (unsigned char)ascii_lower(ch) : c) ==
               op->ch;
    case OP_ANY:
        return true;
    case OP_SET:
        return (p->set[op->ch].bits[c >> 6] >> (c & 63) & 1) != 0;
    default:
        return false;
    }
}

static void tell(const struct pattern *p, struct str text, const struct way *w,
                 struct pattern_match *m)
{
    for (size_t i = 1; i <= p->groups; i++) {
        uint16_t from = w->offset[2 * i], to = w->offset[2 * i + 1];
        if (from != NOWHERE && to != NOWHERE && from <= to) {
            m->part[i] = str_upto(str_from(text, from), (size_t)(to - from));
        }
    }
}

static bool run(const struct pattern *p, struct str text, struct pattern_match *m)
{
    struct ways list[2];
    struct run r = {.p = p, .offsets = p->groups > 0 ? OFFSETS : 0};
    struct ways *now = &list[0];
    uint16_t start[OFFSETS];

    memset(start, 0xff, sizeof(start));
    now->n = 0;
    r.next = now;
    r.stamp = 1;
    add(&r, 0, start);
    for (size_t i = 0; i < text.n && now->n > 0; i++) {
        r.next = now == &list[0] ? &list[1] : &list[0];
        r.next->n = 0;
        r.at = (uint16_t)(i + 1);
        r.stamp = (uint16_t)(i + 2);
        for (size_t k = 0; k < now->n; k++) {
            if (takes(p, &p->op[now->way[k].step], text.p[i])) {
                add(&r, (uint16_t)(now->way[k].step + 1), now->way[k].offset);
            }
        }
        now = r.next;
    }
    for (size_t k = 0; k < now->n; k++) {
        if (p->op[now->way[k].step].kind == OP_END) {
            if (m != NULL) {
                tell(p, text, &now->way[k], m);
            }
            return true;
        }
    }
    return false;
}

bool pattern_matches(const struct pattern *p, struct str text, struct pattern_match *m)
{
    bool no_case = (p->flags & PATTERN_NO_CASE) != 0;
    if (m != NULL) {
        *m = (struct pattern_match){{text}};
    }
    if (!(no_case ? str_istarts(text, p->literal) : str_starts(text, p->literal))) {
        return false;
    }
    switch (p->kind) {
    case PATTERN_PLAIN:
        return text.n == p->literal.n;
    case PATTERN_BEGIN:
        return true;
    default:
        return text.n <= PATTERN_SUBJECT_MAX && run(p, text, m);
    }
}
