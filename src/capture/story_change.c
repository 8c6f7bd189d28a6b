/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of User-to-User from hop to hop, and why: see story.h.
 *
 * What a message that leaves is compared with: the last one that came in with the same method
 * and status; for what Baton sends on behalf of an application, the request of CSTA that gave
 * the value. Values say the same when package and octets are the same; the same octets in
 * another header or in another form are told apart as such, because a neighbour's dialect is
 * what people look for when a value does not arrive.
 */
#include "capture/story.h"
#include "uui/dialect.h"

static bool gives_value(const struct story_msg *m)
{
    return !m->m.sent && m->uuis > 0 && (m->m.kind == CAPTURE_CSTA || m->csta);
}

/** What led to a message that leaves: before it, of the same kind. NULL: nothing did. */
static const struct story_msg *hop_before(const struct story *s, size_t i)
{
    const struct story_msg *m = &s->msg[i];

    if (!m->m.sent || m->m.kind != CAPTURE_SIP || m->csta) {
        return NULL;
    }
    while (i-- > 0) {
        const struct story_msg *p = &s->msg[i];
        if (gives_value(p) && m->status == 0 && m->uuis > 0) {
            return p;
        }
        if (!p->m.sent && p->m.kind == CAPTURE_SIP && !p->csta && p->status == m->status &&
            str_eq(p->method, m->method)) {
            return p;
        }
    }
    return NULL;
}

static struct str package_of(const struct story_uui *u)
{
    return str_is_set(u->value.package) ? u->value.package : STR("");
}

/** userData has no protocol discriminator: the text behind it is the same value. */
static bool same_value(const struct story_uui *a, const struct story_uui *b)
{
    bool data = str_eq(a->where, STR("userData"));

    return str_eq(package_of(a), package_of(b)) &&
           (str_eq(a->value.octets, b->value.octets) ||
            (data && str_eq(a->value.octets, str_from(b->value.octets, 1))));
}

static const struct story_uui *with_package(const struct story_msg *m,
                                            const struct story_uui *like, bool exactly)
{
    for (size_t i = 0; i < m->uuis; i++) {
        if (exactly ? same_value(&m->uui[i], like)
                    : str_eq(package_of(&m->uui[i]), package_of(like))) {
            return &m->uui[i];
        }
    }
    return NULL;
}

/** The three words of a note: method, package (may be empty), dialect (may be absent). */
static void note_words(struct str about, struct str *package, struct str *dialect)
{
    struct str rest = str_from(about, str_index(about, ' ') + 1);
    size_t n = str_index(rest, ' ');

    *package = str_upto(rest, n);
    *dialect = str_from(rest, n + 1);
}

static bool is_of(const struct capture_msg *note, const struct story_msg *m)
{
    return note->sent == m->m.sent && note->status == m->status &&
           str_eq(note->who, m->sip_call) && str_starts(note->about, m->method);
}

const struct uui_dialect *story_dialect(const struct story *s, const struct story_msg *m)
{
    struct str package, dialect, best = STR_NONE;

    for (size_t i = 0; i < s->notes && m->m.kind == CAPTURE_SIP; i++) {
        const struct capture_msg *n = &s->note[i];
        if (is_of(n, m) && (m->m.sent ? n->n < m->m.n : best.n == 0 && n->n > m->m.n)) {
            note_words(n->about, &package, &dialect);
            best = dialect.n > 0 ? dialect : best;
        }
    }
    return best.n > 0 ? uui_dialect_named(best) : NULL;
}

/** What the border has noted about a value of that package between the two messages. */
static struct str why(const struct story *s, const struct story_msg *before,
                      const struct story_msg *m, const struct story_uui *u)
{
    for (size_t i = 0; i < s->notes; i++) {
        const struct capture_msg *n = &s->note[i];
        const struct story_msg *of = n->sent ? m : before;
        struct str package, dialect;

        note_words(n->about, &package, &dialect);
        if (of != NULL && is_of(n, of) && n->n < m->m.n + 1000 &&
            (before == NULL || n->n > before->m.n) &&
            (package.n == 0 || str_ieq(package, package_of(u)))) {
            return n->bytes;
        }
    }
    return STR_NONE;
}

/** The same octets: do they stand elsewhere, or otherwise? userData has a form of its own. */
static bool is_rewritten(const struct story_uui *was, const struct story_uui *u)
{
    static const struct str data = STR_INIT("userData");

    return !str_eq(was->where, data) && !str_eq(u->where, data) &&
           (!str_ieq(was->where, u->where) || !str_eq(was->value.text, u->value.text));
}

static void mark(const struct story *s, const struct story_msg *before, struct story_msg *m)
{
    for (size_t i = 0; i < m->uuis; i++) {
        struct story_uui *u = &m->uui[i];
        const struct story_uui *was = with_package(before, u, true);
        if (was != NULL) {
            u->change = is_rewritten(was, u) ? STORY_REWRITTEN : STORY_SAME;
        } else {
            was = with_package(before, u, false);
            u->change = was != NULL ? STORY_CHANGED : STORY_ADDED;
        }
        u->was = u->change != STORY_SAME ? was : NULL;
        u->why = why(s, before, m, u);
    }
}

/** Those of the message before that are not in this one, as removed. */
static bool mark_removed(struct story *s, const struct story_msg *before, struct story_msg *m)
{
    size_t room = m->uuis + before->uuis;
    struct story_uui *list;

    if (before->uuis == 0 || before->csta || before->m.kind != CAPTURE_SIP) {
        return true; /* an application's value is used once, and not in each message */
    }
    list = arena_zalloc(&s->arena, room * sizeof(*list));
    if (list == NULL) {
        return false;
    }
    if (m->uuis > 0) {
        memcpy(list, m->uui, m->uuis * sizeof(*list));
    }
    m->uui = list;
    for (size_t i = 0, n = m->uuis; i < before->uuis; i++) {
        struct story_uui *u = &list[m->uuis];
        bool changed = false;
        if (with_package(m, &before->uui[i], true) != NULL) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            changed = changed || (list[k].change == STORY_CHANGED &&
                                  str_eq(package_of(&list[k]), package_of(&before->uui[i])));
        }
        if (!changed) {
            *u = before->uui[i];
            u->change = STORY_REMOVED;
            u->was = &before->uui[i];
            u->why = why(s, before, m, u);
            m->uuis++;
        }
    }
    return true;
}

bool story_compare(struct story *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct story_msg *m = &s->msg[i];
        const struct story_msg *before = hop_before(s, i);

        if (before != NULL) {
            mark(s, before, m);
            if (!mark_removed(s, before, m)) {
                return false;
            }
        }
        for (size_t k = 0; k < m->uuis && before == NULL && !m->m.sent; k++) {
            m->uui[k].why = why(s, m, m, &m->uui[k]);
        }
    }
    return true;
}

const char *story_change_name(enum story_change c)
{
    static const char *const names[] = {"same", "added", "changed", "removed", "rewritten"};
    return names[c];
}
