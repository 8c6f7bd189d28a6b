/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing and opening: the questions in the order in which they are asked.
 *
 * OPENING asks first what the octets are and which key they name, then whether the tag is
 * right, and only then what needs a true frame to mean anything: package, validity of the key,
 * time, replay. So FORGED is said of whatever was changed on the way, be it the time, and all
 * that is said after it is said of what the holder of the key really made.
 *
 * CLOSING keeps its frames apart. Equal octets that are sealed with aes-siv or ed25519 in one
 * second are one frame, which at the far end is a replay of itself. Where there is room they
 * get a salt; where there is none, the time is set back until the frame is new.
 */
#include "seal/seal.h"
#include "base/err.h"
#include "seal/parts.h"
#include "sip/msg.h"
#include <openssl/evp.h>

enum { WINDOW_S = 120, ENTRIES = 65536, STEPS_BACK = 30 };

int seal_init(struct seal *s, const struct env *env, const struct seal_config *c)
{
    *s = (struct seal){.env = env, .config = *c};
    s->config.window_s = or_default(c->window_s, WINDOW_S);
    s->config.max_entries = or_default(c->max_entries, ENTRIES);
    s->key = (struct hash_key){env_random64(env), env_random64(env)};
    s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->md = EVP_MD_CTX_new();
    int err = seal_replay_init(s);
    return s->sha256 == NULL || s->md == NULL ? E_NOMEM : err;
}

void seal_fini(struct seal *s)
{
    if (s->env == NULL) {
        return;
    }
    seal_replay_fini(s);
    EVP_MD_CTX_free(s->md);
    EVP_MD_free(s->sha256);
    *s = (struct seal){0};
}

void seal_set_keys(struct seal *s, struct seal_keys *keys)
{
    s->keys = keys;
}

uint64_t seal_message(const struct seal *s, struct str call_id)
{
    return hash_bytes(&s->key, call_id) | 1;
}

uint64_t seal_message_of(const struct seal *s, const struct sip_msg *m)
{
    return seal_message(s, sip_msg_value(m, SIP_HDR_CALL_ID));
}

/* ---- closing */

static bool close_with(const struct seal_job *j, struct str plain, char *to)
{
    switch ((enum seal_alg)j->row->alg) {
    case SEAL_AES_SIV:
        return seal_siv_close(j, plain, to);
    case SEAL_X25519:
        return seal_box_close(j, plain, to);
    default:
        return seal_sign_close(j, plain, to);
    }
}

/** One attempt: the frame at `to`. @return its octets; 0: E_NOMEM. *mark tells it */
static size_t make_frame(struct seal *s, struct seal_row *r, const struct seal_about *about,
                         struct str plain, bool salted, uint32_t time, char *to, uint8_t *mark)
{
    uint8_t salt[SEAL_SALT];
    char aad[SEAL_AAD_MAX];
    if (salted) {
        s->env->random(s->env->ctx, salt, sizeof(salt));
    }
    to[0] = 0;
    size_t n = seal_write_header((uint8_t *)to + 1, r->id, time, salted ? salt : NULL);
    struct str header = str_make(to + 1, n);
    char *rest = to + 1 + n;
    struct seal_job job = {.keys = s->keys,
                           .row = r,
                           .aad = {aad, seal_write_aad(aad, about, header)},
                           .time = to + 2 + (r->id > 0x7f ? 2 : 1)};
    if (r->alg == SEAL_X25519) {
        s->env->random(s->env->ctx, rest, SEAL_BOX_NONCE);
    }
    size_t size = plain.n + seal_alg_adds(r->alg);
    bool ok =
        close_with(&job, plain, rest) && seal_mark(s, job.aad, str_make(rest, size), mark);
    return ok ? 1 + n + size : 0;
}

/** Make a frame that was not made before, and remember it as ours. */
static int make_new_frame(struct seal *s, struct seal_row *r, const struct seal_about *about,
                          struct str plain, bool salted, uint64_t wall_s, char *to)
{
    uint8_t mark[SEAL_MARK];
    bool full;
    int err = E_AGAIN;
    for (uint32_t back = 0; err == E_AGAIN && back <= STEPS_BACK; back++) {
        uint32_t time = (uint32_t)wall_s - back;
        if (make_frame(s, r, about, plain, salted, time, to, mark) == 0) {
            err = E_NOMEM;
        } else if (seal_recall(s, mark) == NULL) {
            struct remembered *own = seal_remember(s, mark, time, wall_s, &full);
            err = full ? E_NOMEM : 0;
            if (own != NULL) {
                own->own = true;
            }
        }
    }
    return err;
}

static int may_seal(const struct seal_row *r, const struct seal_about *about, uint64_t wall_s)
{
    if (r == NULL) {
        return E_NOTFOUND;
    }
    return seal_row_closes(r) && seal_row_is_for(r, about->package) &&
                   seal_row_is_valid(r, wall_s)
               ? 0
               : E_DENIED;
}

int seal_close(struct seal *s, uint16_t key_id, const struct seal_about *about,
               struct str plain, size_t most, uint64_t wall_s, struct out *o)
{
    char aad[SEAL_AAD_MAX];
    struct seal_row *r = seal_row_find(s->keys, key_id);
    int err = may_seal(r, about, wall_s);
    if (err != 0) {
        return err;
    }
    if (plain.n == 0 || seal_write_aad(aad, about, STR_NONE) == 0) {
        return E_VALUE;
    }
    size_t size = 1 + 1 + (key_id > 0x7f ? 2 : 1) + 4 + plain.n + seal_alg_adds(r->alg);
    if (plain.n > SEAL_PLAIN_MAX || (most != 0 && size > most)) {
        return E_TOOBIG;
    }
    bool salted = r->alg != SEAL_X25519 && (most == 0 || size + SEAL_SALT <= most);
    size += salted ? SEAL_SALT : 0;
    if (o->over || size > o->cap - o->n) {
        o->need += size;
        o->over = true;
        return E_SPACE;
    }
    err = make_new_frame(s, r, about, plain, salted, wall_s, o->p + o->n);
    if (err == 0) {
        o->n += size;
        o->need += size;
        s->sealed++;
    }
    return err;
}

/* ---- opening */

/** A frame under examination. */
struct opening {
    struct seal *s;
    const struct seal_about *about;
    struct seal_frame frame;
    struct seal_job job;
    struct remembered *known; /**< it was here before */
    uint8_t mark[SEAL_MARK];
    uint64_t message, wall_s;
};

/** Is the tag right? Then the plain octets are at `to`. */
static bool verify(struct opening *x, char *to, bool *own)
{
    const struct seal_row *r = x->job.row;
    struct str rest = x->frame.rest;
    *own = x->known != NULL && x->known->own;
    if (r->alg == SEAL_AES_SIV) {
        return seal_siv_open(&x->job, rest, to);
    }
    if (r->alg == SEAL_X25519) {
        return !x->frame.salted && seal_box_open(&x->job, rest, to, own);
    }
    *own = *own || r->signs;
    if (x->known == NULL) {
        return seal_sign_open(&x->job, rest, to);
    }
    memcpy(to, rest.p, rest.n - SEAL_SIGN_ADDS); /* verified when it was remembered */
    return true;
}

/** The tag is right: is it also in time, and here for the first time? */
static enum seal_result judge(struct opening *x, bool own)
{
    struct seal *s = x->s;
    int32_t window = (int32_t)s->config.window_s;
    int32_t age = seal_age(x->frame.time, x->wall_s);
    bool full = false;
    if (!seal_row_is_for(x->job.row, x->about->package)) {
        return SEAL_WRONG_PACKAGE;
    }
    if (!seal_row_is_valid(x->job.row, x->wall_s)) {
        return SEAL_NOT_VALID_NOW;
    }
    if (age > window || age < -window) {
        return SEAL_STALE;
    }
    if (own || x->message == 0) {
        return SEAL_OK;
    }
    if (x->known != NULL) {
        return seal_has_message(x->known, x->message) ? SEAL_OK : SEAL_REPLAYED;
    }
    if (s->config.since_s != 0 && seal_age(x->frame.time, s->config.since_s) >= 0) {
        return SEAL_STALE; /* whoever remembered it is gone */
    }
    x->known = seal_remember(s, x->mark, x->frame.time, x->wall_s, &full);
    if (x->known == NULL) {
        return full ? SEAL_FAILED : SEAL_STALE;
    }
    (void)seal_add_message(x->known, x->message);
    return SEAL_OK;
}

/** The frame and its row. @return SEAL_OK, or what is to be answered */
static enum seal_result look(struct opening *x, struct str octets, char *aad,
                             struct seal_opened *out)
{
    enum seal_result r = seal_peek(octets, &x->frame);
    if (r == SEAL_NOT_SEALED) {
        return r;
    }
    out->key_id = x->frame.key_id;
    out->sealed_s = x->wall_s - (uint64_t)(int64_t)seal_age(x->frame.time, x->wall_s);
    if (r != SEAL_OK) {
        return r;
    }
    x->job.keys = x->s->keys;
    x->job.row = seal_row_find(x->s->keys, x->frame.key_id);
    if (x->job.row == NULL) {
        return SEAL_UNKNOWN_KEY;
    }
    out->alg = x->job.row->alg;
    x->job.time = x->frame.header.p + (x->frame.key_id > 0x7f ? 3 : 2);
    x->job.aad = str_make(aad, seal_write_aad(aad, x->about, x->frame.header));
    if (x->job.aad.n == 0 || x->frame.rest.n <= seal_alg_adds(out->alg) ||
        x->frame.rest.n > seal_alg_adds(out->alg) + SEAL_PLAIN_MAX) {
        return SEAL_MALFORMED;
    }
    if (!seal_mark(x->s, x->job.aad, x->frame.rest, x->mark)) {
        return SEAL_FAILED;
    }
    x->known = seal_recall(x->s, x->mark);
    bool own = x->known != NULL && x->known->own;
    return x->job.row->use != SEAL_USE_SEAL || own ? SEAL_OK : SEAL_UNKNOWN_KEY;
}

static enum seal_result open_frame(struct opening *x, struct str octets, struct arena *a,
                                   struct seal_opened *out)
{
    char aad[SEAL_AAD_MAX];
    enum seal_result result = look(x, octets, aad, out);
    if (result != SEAL_OK) {
        return result;
    }
    const struct seal_row *r = x->job.row;
    size_t n = x->frame.rest.n - seal_alg_adds(r->alg);
    char *plain = arena_alloc(a, n);
    if (plain == NULL) {
        return SEAL_FAILED;
    }
    if (!verify(x, plain, &out->own)) {
        out->own = false;
        return SEAL_FORGED;
    }
    bool other = r->alg == SEAL_X25519 && out->own; /* the identity is the other party's */
    out->identity = other ? STR_NONE : arena_dup(a, r->identity);
    if (!other && r->identity.n > 0 && out->identity.p == NULL) {
        return SEAL_FAILED;
    }
    result = judge(x, out->own);
    if (result == SEAL_OK) {
        out->plain = str_make(plain, n);
    } else {
        memset(plain, 0, n);
    }
    return result;
}

enum seal_result seal_open(struct seal *s, const struct seal_about *about, struct str octets,
                           uint64_t message, uint64_t wall_s, struct arena *a,
                           struct seal_opened *out)
{
    struct opening x = {.s = s, .about = about, .message = message, .wall_s = wall_s};
    *out = (struct seal_opened){0};
    enum seal_result result = open_frame(&x, octets, a, out);
    s->seen[result]++;
    return result;
}

void seal_passes_on(struct seal *s, const struct seal_about *about, struct str octets,
                    uint64_t message)
{
    char aad[SEAL_AAD_MAX];
    uint8_t mark[SEAL_MARK];
    struct seal_frame f;
    if (seal_peek(octets, &f) != SEAL_OK) {
        return;
    }
    struct str with = str_make(aad, seal_write_aad(aad, about, f.header));
    struct remembered *known = NULL;
    if (with.n > 0 && seal_mark(s, with, f.rest, mark)) {
        known = seal_recall(s, mark);
    }
    if (known != NULL && !seal_has_message(known, message)) {
        (void)seal_add_message(known, message);
    }
}
