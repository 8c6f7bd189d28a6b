/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages belong to a call: see story.h.
 *
 * The first pass finds exchanges (a request and its answer) of which one half names the call,
 * the second takes both halves. An exchange has a key: Call-ID and CSeq in SIP, connection and
 * invoke identifier in CSTA frames, a number in HTTP.
 */
#include "capture/story.h"
#include "base/err.h"
#include "sip/hdr.h"

enum {
    MESSAGES = 2000,
    BEFORE = 50000,           /**< messages before the call that are looked at … */
    BEFORE_US = 10 * 1000000, /**< … if they are not older */
    BEHIND_US = 40 * 1000000, /**< after its end: BYE may be repeated for 32 s */
};

struct key {
    struct map_node node;
    uint64_t value;
};

struct reading {
    struct story *story;
    struct capture *capture;
    const struct story_options *o;
    struct hash_key salt;
    struct map sip;     /**< Call-IDs of the legs */
    struct map taken;   /**< exchanges that name the call */
    struct map request; /**< CSTA: the newest request with that invoke identifier */
    bool taking;        /**< the second pass */
    bool failed;        /**< memory is out */
    int64_t from_us, to_us;
};

/* ---- keys ---- */

static struct key *key_find(const struct map *m, uint64_t hash)
{
    struct map_node *n = map_first(m, hash);
    return n != NULL ? container_of(n, struct key, node) : NULL;
}

static struct key *key_add(struct reading *r, struct map *m, uint64_t hash)
{
    struct key *k = key_find(m, hash);
    if (k == NULL) {
        k = arena_zalloc(&r->story->arena, sizeof(*k));
        if (k == NULL) {
            r->failed = true;
            return NULL;
        }
        map_add(m, &k->node, hash);
    }
    return k;
}

static uint64_t hash_of(const struct reading *r, struct str s)
{
    return hash_bytes(&r->salt, s);
}

/* ---- what a message is about ---- */

bool story_names(struct str text, struct str id)
{
    for (size_t at = 0; id.n > 0 && at < text.n;) {
        struct str rest = str_from(text, at);
        size_t i = str_find(rest, id);
        if (i == rest.n) {
            return false;
        }
        size_t end = at + i + id.n;
        bool open = at + i == 0 || strchr(">\"/= ", text.p[at + i - 1]) != NULL;
        bool close = end >= text.n || strchr("<\"/?& ", text.p[end]) != NULL;
        if (open && close) {
            return true;
        }
        at += i + 1;
    }
    return false;
}

bool story_has_call_id(struct str xml, struct str id)
{
    static const struct str open = STR_INIT("callID>");

    for (struct str rest = xml; rest.n > 0;) {
        size_t at = str_find(rest, open);
        rest = str_from(rest, at + open.n);
        if (str_starts(rest, id) && rest.n > id.n && rest.p[id.n] == '<') {
            return true;
        }
    }
    return false;
}

static bool names_call(const struct reading *r, struct str text)
{
    for (size_t i = 0; i < r->story->calls; i++) {
        if (story_names(text, r->story->family[i].id)) {
            return true;
        }
    }
    return false;
}

bool story_index(struct str bytes, struct sip_msg *m, struct sip_hdr hdr[SIP_HDR_MAX])
{
    static const struct sip_limits wide = {
        .message = UINT32_MAX, .headers = SIP_HDR_MAX - 1, .uri = 65536};
    struct sip_fault fault;

    *m = (struct sip_msg){.hdr = hdr};
    return sip_msg_index(m, bytes, true, &wide, &fault) == 0 || m->hdr_count > 0;
}

/** Is that of a CSTA session with a phone, and names the call as that phone does? */
static bool names_as_phone(const struct reading *r, struct str sip_call, struct str csta)
{
    for (size_t i = 0; i < r->story->calls; i++) {
        const struct capture_call *c = &r->story->family[i];
        for (size_t k = 0; k < c->legs; k++) {
            const struct capture_leg *l = &c->leg[k];
            if (l->named.n > 0 && str_eq(l->sip_call, sip_call) &&
                story_has_call_id(csta, l->named)) {
                return true;
            }
        }
    }
    return false;
}

/** @param key  out: of the exchange; 0: none. @return does it belong to the call by itself? */
static bool judge_sip(const struct reading *r, const struct capture_msg *m, uint64_t *key)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg s;
    struct str id, body;

    if (!story_index(m->bytes, &s, hdr)) {
        return false;
    }
    id = sip_msg_value(&s, SIP_HDR_CALL_ID);
    if (key_find(&r->sip, hash_of(r, id)) != NULL) {
        return true;
    }
    /* each side counts its own requests */
    *key = hash_mix(hash_mix(hash_of(r, id), hash_of(r, sip_msg_value(&s, SIP_HDR_CSEQ))),
                    m->sent == sip_is_request(&s));
    body = sip_msg_body(&s);
    return body.n > 0 && sip_msg_content_is(&s, STR("application"), STR("csta+xml")) &&
           (names_call(r, body) || names_as_phone(r, id, body));
}

static bool judge_csta(struct reading *r, const struct capture_msg *m, uint64_t *key)
{
    bool answer = story_is_answer(m->bytes);
    uint64_t who = hash_mix(hash_of(r, m->flow == 0 ? m->who : STR("")),
                            (uint64_t)m->flow << 32 | (uint64_t)m->invoke << 1 |
                                (uint64_t)(m->sent != answer));
    struct key *k = m->invoke == 9999 ? NULL : key_add(r, &r->request, who);

    if (k != NULL) {
        k->value = answer ? k->value : m->n;
        *key = hash_mix(who, k->value);
    }
    return names_call(r, m->bytes);
}

static bool judge(struct reading *r, const struct capture_msg *m, uint64_t *key)
{
    *key = 0;
    switch ((enum capture_kind)m->kind) {
    case CAPTURE_SIP:
        return judge_sip(r, m, key);
    case CAPTURE_CSTA:
        return judge_csta(r, m, key);
    case CAPTURE_NOTE:
        return key_find(&r->sip, hash_of(r, m->who)) != NULL;
    case CAPTURE_API:
    case CAPTURE_WEBHOOK:
        break;
    }
    *key = hash_mix(m->kind, m->exchange);
    return names_call(r, m->bytes);
}

/* ---- taking ---- */

/** A place more, in a list that doubles. */
static void *place(struct arena *a, void **list, size_t n, size_t *cap, size_t size)
{
    if (n == *cap) {
        size_t more = *cap == 0 ? 32 : *cap * 2;
        void *p = arena_zalloc(a, more * size);
        if (p == NULL) {
            return NULL;
        }
        if (n > 0) {
            memcpy(p, *list, n * size);
        }
        *list = p;
        *cap = more;
    }
    return (char *)*list + n * size;
}

static bool copy(struct arena *a, const struct capture_msg *from, struct capture_msg *to)
{
    *to = *from;
    to->who = arena_dup(a, from->who);
    to->about = arena_dup(a, from->about);
    to->bytes = arena_dup(a, from->bytes);
    return str_is_set(to->bytes) || from->bytes.n == 0;
}

static bool take(struct reading *r, const struct capture_msg *m)
{
    struct story *s = r->story;
    bool note = m->kind == CAPTURE_NOTE;
    size_t most = r->o->messages != 0 ? r->o->messages : MESSAGES;
    struct capture_msg *to;

    if (!note && s->count >= most) {
        s->truncated = true;
        return true;
    }
    if (note) {
        to = place(&s->arena, (void **)&s->note, s->notes, &s->note_cap, sizeof(*s->note));
        s->notes += to != NULL ? 1 : 0;
    } else {
        struct story_msg *msg =
            place(&s->arena, (void **)&s->msg, s->count, &s->cap, sizeof(*s->msg));
        s->count += msg != NULL ? 1 : 0;
        to = msg != NULL ? &msg->m : NULL;
    }
    return to != NULL && copy(&s->arena, m, to);
}

static void on_message(struct reading *r, const struct capture_msg *m)
{
    uint64_t key;
    bool mine = judge(r, m, &key);

    if (!r->taking) {
        if (mine && key != 0) {
            (void)key_add(r, &r->taken, key);
        }
    } else if (mine || (key != 0 && key_find(&r->taken, key) != NULL)) {
        r->failed = r->failed || !take(r, m);
    }
}

static void pass(struct reading *r, uint64_t first)
{
    struct capture_cursor at = {0};
    struct capture_batch b = {0};
    bool behind = false;

    capture_from(r->capture, &at, first > BEFORE ? first - BEFORE : 0);
    while (!behind && !r->failed && capture_next(r->capture, &at, &b) > 0) {
        for (size_t i = 0; i < b.count && !behind && !r->failed; i++) {
            behind = r->to_us != 0 && b.msg[i].time_us > r->to_us;
            if (!behind && b.msg[i].time_us >= r->from_us) {
                on_message(r, &b.msg[i]);
            }
        }
    }
    capture_batch_fini(&b);
}

/** The legs and the time of the call. @return number of the message when it began */
static uint64_t gather(struct reading *r)
{
    struct story *s = r->story;
    uint64_t first = s->calls > 0 ? s->family[0].first : 0;
    bool open = s->calls == 0;

    for (size_t i = 0; i < s->calls; i++) {
        const struct capture_call *c = &s->family[i];
        first = c->first < first ? c->first : first;
        r->from_us = i == 0 || c->began_us < r->from_us ? c->began_us : r->from_us;
        r->to_us = c->ended_us > r->to_us ? c->ended_us : r->to_us;
        open = open || c->ended_us == 0;
        for (size_t k = 0; k < c->legs; k++) {
            if (c->leg[k].named.n == 0) {
                (void)key_add(r, &r->sip, hash_of(r, c->leg[k].sip_call));
            }
        }
    }
    if (s->calls == 0) {
        (void)key_add(r, &r->sip, hash_of(r, s->id));
    }
    r->from_us -= BEFORE_US;
    r->to_us = open ? 0 : r->to_us + BEHIND_US;
    return first;
}

static bool reading_init(struct reading *r)
{
    return map_init(&r->sip, &mem_libc, 16) == 0 && map_init(&r->taken, &mem_libc, 64) == 0 &&
           map_init(&r->request, &mem_libc, 64) == 0;
}

static void reading_fini(struct reading *r)
{
    map_fini(&r->sip);
    map_fini(&r->taken);
    map_fini(&r->request);
}

static bool explain(struct story *s, const struct story_options *o)
{
    s->lane[0] = (struct story_lane){
        .id = STR_INIT("baton"), .label = STR_INIT("Baton"), .kind = "baton"};
    s->lanes = 1;
    for (size_t i = 0; i < s->count; i++) {
        if (!story_about(s, &s->msg[i]) ||
            !story_find_uui(&s->arena, o->packages, story_dialect(s, &s->msg[i]), &s->msg[i])) {
            return false;
        }
    }
    if (!story_compare(s)) {
        return false;
    }
    for (size_t i = 0; i < s->count; i++) {
        story_blank(&s->msg[i], o);
    }
    return true;
}

/** Both are copies of the story's own. */
static void blank(struct str text, const struct story_options *o)
{
    if (!o->raw) {
        blank_secrets((char *)(uintptr_t)text.p, text.n);
    }
    if (!o->raw && o->uui != BLANK_UUI_FULL) {
        blank_uui((char *)(uintptr_t)text.p, text.n);
    }
}

void story_blank(struct story_msg *m, const struct story_options *o)
{
    blank(m->m.bytes, o);
    blank(m->summary, o);
}

int story_read(struct capture *c, struct str id, const struct story_options *o,
               struct story *out)
{
    struct reading r = {.story = out, .capture = c, .o = o};
    uint64_t first;

    *out = (struct story){0};
    arena_init(&out->arena, &mem_libc, 65536);
    out->id = arena_dup(&out->arena, id);
    out->calls = capture_family(c, id, &out->arena, &out->family);
    r.salt = (struct hash_key){(uint64_t)(uintptr_t)out, id.n};
    r.failed = !reading_init(&r);
    if (!r.failed) {
        first = gather(&r);
        pass(&r, first);
        r.taking = true;
        map_fini(&r.request); /* the same numbers again */
        r.failed = r.failed || map_init(&r.request, &mem_libc, 64) != 0;
        pass(&r, first);
    }
    reading_fini(&r);
    if (r.failed || !explain(out, o)) {
        story_fini(out);
        return E_NOMEM;
    }
    if (out->count == 0 && out->calls == 0) {
        story_fini(out);
        return E_NOTFOUND;
    }
    return 0;
}

void story_fini(struct story *s)
{
    arena_fini(&s->arena);
    *s = (struct story){0};
}
