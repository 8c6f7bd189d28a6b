/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request, from its first exchange to its answer.
 *
 *   go ──► exchange ──► answer ──────────────────────────► done
 *    ▲        │           └──► 202: look at the operation ──┐
 *    └─ wait ─┴── no server, or one that is too busy        │
 *    └──────────────────────────────────────────────────────┘
 *
 * Whatever is no GET has an Idempotency-Key, and repetitions have the same one: so an answer
 * that was lost is asked for again without anything being done again. A command that has begun
 * is looked at (GET, `Prefer: wait`) until it has ended or `wait_ms` have passed.
 */
#include "client/parts.h"
#include <stdio.h>
#include <stdlib.h>

enum { LIST_OCTETS = 256 << 20, LIST_PAGE = 1024 };
enum { WAIT_MS = 30000, PREFER_MS = 10000, KEY_OCTETS = 16, RETRY_AFTER_MOST_S = 30 };

struct ask {
    struct list link; /* of asks, or of those that have ended */
    struct baton_client *c;
    struct transfer t;
    struct later again;
    unsigned long id;
    baton_answer_fn fn;
    void *ctx;
    char *path, *body, *accept;
    char method[12];
    char key[96], if_match[128]; /* whole fields, or "" */
    uint64_t until_ms;           /* patience with this exchange */
    uint64_t wait_until_ms;      /* for the end of a command */
    unsigned tries;
    bool once, no_wait, looking, done;
    bool waited; /* for, by baton_ask: nobody is to be told */
    struct baton_answer answer;
};

static void free_ask(struct ask *a)
{
    transfer_fini(&a->t);
    later_stop(&a->again);
    list_remove(&a->link);
    baton_answer_free(&a->answer);
    free(a->path);
    free(a->body);
    free(a->accept);
    free(a);
}

void baton_answer_free(struct baton_answer *a)
{
    json_decref(a->json);
    free(a->text);
    *a = (struct baton_answer){0};
}

/* ---- its end ---- */

static void finish(struct ask *a, enum baton_result outcome)
{
    a->answer.outcome = outcome;
    a->done = true;
    later_stop(&a->again);
    list_remove(&a->link);
    list_append(&a->c->ended, &a->link);
}

/** The members of {"HoldCallResponse": {…}}. */
static const json_t *only_member(const json_t *object)
{
    return json_object_size(object) == 1
               ? json_object_iter_value(json_object_iter((json_t *)(uintptr_t)object))
               : NULL;
}

static const json_t *response_in(const json_t *json)
{
    const json_t *in = baton_at(json, "operation") != NULL ? baton_at(json, "result") : json;
    const char *name = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)in));
    size_t n = name != NULL ? strlen(name) : 0;

    return n > 8 && strcmp(name + n - 8, "Response") == 0 ? only_member(in) : NULL;
}

/** The text becomes that of the answer. */
static void take_body(struct ask *a)
{
    struct transfer *t = &a->t;

    baton_answer_free(&a->answer);
    a->answer.status = t->status;
    text_copy(a->answer.etag, sizeof(a->answer.etag), t->etag);
    a->answer.text = t->text;
    a->answer.text_len = t->text_len;
    t->text = NULL;
    t->text_len = 0;
    if (a->answer.text != NULL && strstr(t->type, "json") != NULL) {
        a->answer.json = json_loadb(a->answer.text, a->answer.text_len, JSON_ALLOW_NUL, NULL);
    }
}

/* ---- one exchange after the other ---- */

static void go(struct ask *a);

static void on_again(struct later *l)
{
    struct ask *a = container_of(l, struct ask, again);

    if (!a->done) { /* else it only has woken the loop, to be told */
        go(a);
    }
}

/** @return false: it is not to be asked again */
static bool repeat(struct ask *a)
{
    uint64_t now = client_now(), wait = client_backoff(a->c, a->tries);
    long asked = a->t.retry_after_s;

    if (asked > 0 && asked <= RETRY_AFTER_MOST_S && wait < (uint64_t)asked * 1000) {
        wait = (uint64_t)asked * 1000 + wait % 250; /* not all of us at once */
    }
    if (a->once || now + wait >= a->until_ms) {
        return false;
    }
    a->tries++;
    later_set(a->c, &a->again, now + wait);
    return true;
}

/** It has begun: from now on that is what we ask for. */
static void look(struct ask *a)
{
    char path[256];
    uint64_t now = client_now();

    (void)baton_path(path, sizeof(path), "/v1/operations/%s",
                     baton_text(a->answer.json, "operation"));
    if (now >= a->wait_until_ms) {
        problem_set(&a->answer.problem, "timeout", "No outcome yet",
                    "%s has begun, but has not ended in time; it is %s.",
                    baton_text(a->answer.json, "service"), path);
        finish(a, BATON_TIMEOUT);
        return;
    }
    free(a->path);
    a->path = text_dup(path);
    free(a->body);
    a->body = NULL;
    text_copy(a->method, sizeof(a->method), "GET");
    a->key[0] = a->if_match[0] = '\0';
    a->until_ms = now + a->c->patience_ms;
    a->tries = a->looking ? a->tries + 1 : 0;
    a->looking = true;
    /* the server waits with its answer; if it does not, we do */
    later_set(a->c, &a->again, now + (a->tries > 0 ? client_backoff(a->c, a->tries) : 0));
}

static void on_ended(struct transfer *t, CURLcode code)
{
    struct ask *a = container_of(t, struct ask, t);
    enum baton_result why = BATON_REFUSED;
    bool good;

    take_body(a);
    good = code == CURLE_OK && (t->status / 100 == 2 || t->status == 304);
    if (!good && problem_is_passing(t, code, a->answer.json) && repeat(a)) {
        return;
    }
    if (good && !a->no_wait && strcmp(baton_text(a->answer.json, "state"), "accepted") == 0 &&
        baton_text(a->answer.json, "operation")[0] != '\0') {
        look(a);
        return;
    }
    if (good) {
        a->answer.result = response_in(a->answer.json);
        finish(a, BATON_OK);
        return;
    }
    if (code != CURLE_OK) {
        why = problem_of_transfer(&a->answer.problem, t, code);
    } else {
        problem_of_answer(&a->answer.problem, t->status, a->answer.json);
    }
    finish(a, why);
}

static void go(struct ask *a)
{
    char prefer[32] = "";
    bool reads = strcmp(a->method, "GET") == 0;
    uint64_t now = client_now(), left = a->wait_until_ms > now ? a->wait_until_ms - now : 0;
    unsigned wait_ms = (unsigned)(left < PREFER_MS ? left : PREFER_MS) / 1000 * 1000;
    size_t n = 0;
    struct transfer_how how = {
        .method = a->method, .path = a->path, .body = a->body, .accept = a->accept};
    int err;

    if (a->no_wait || (reads && !a->looking)) {
        wait_ms = 0;
    }
    if (wait_ms > 0) {
        (void)snprintf(prefer, sizeof(prefer), "Prefer: wait=%u", wait_ms / 1000);
        how.extra[n++] = prefer;
    }
    if (a->key[0] != '\0') {
        how.extra[n++] = a->key;
    }
    if (a->if_match[0] != '\0') {
        how.extra[n++] = a->if_match;
    }
    how.silence_ms = a->c->silence_ms + wait_ms;
    err = a->path != NULL ? transfer_begin(&a->t, &how) : BATON_NOMEM;
    if (err == BATON_WRONG) {
        problem_set(&a->answer.problem, "wrong", "No such request",
                    "The path, the token or a header field cannot be sent as it is.");
    } else if (err != 0) {
        problem_set(&a->answer.problem, "memory", "Out of memory",
                    "There is no memory for it.");
    }
    if (err != 0) {
        finish(a, err);
    }
}

/* ---- its beginning ---- */

/** @return false: a field or a path is too long, or there is no memory */
static bool fill(struct ask *a, const struct baton_request *r)
{
    char chance[2 * KEY_OCTETS + 1];
    const char *key = r->key;
    const char *method = r->method != NULL ? r->method : r->body != NULL ? "POST" : "GET";
    int n = 0, m = 0;

    a->path = text_dup(r->path != NULL ? r->path : "");
    a->accept = text_dup(r->accept != NULL ? r->accept : "application/json");
    a->body = r->body != NULL ? json_dumps(r->body, JSON_COMPACT) : NULL;
    text_copy(a->method, sizeof(a->method), method);
    if (key == NULL && strcmp(method, "GET") != 0) {
        client_random(chance, KEY_OCTETS);
        key = chance;
    }
    if (key != NULL) {
        n = snprintf(a->key, sizeof(a->key), "Idempotency-Key: %s", key);
    }
    if (r->if_match != NULL) {
        m = snprintf(a->if_match, sizeof(a->if_match), "If-Match: %s", r->if_match);
    }
    return a->path != NULL && a->accept != NULL && (r->body == NULL || a->body != NULL) &&
           (size_t)n < sizeof(a->key) && (size_t)m < sizeof(a->if_match);
}

/** The body is given back in any case. @return NULL: see above; nothing is under way */
static struct ask *begin(struct baton_client *c, const struct baton_request *r)
{
    struct ask *a = c->closing ? NULL : calloc(1, sizeof(*a));
    uint64_t now = client_now();

    if (a != NULL && !fill(a, r)) {
        free_ask(a);
        a = NULL;
    }
    json_decref(r->body);
    if (a == NULL) {
        return NULL;
    }
    a->c = c;
    a->id = ++c->asked;
    a->once = r->once;
    a->no_wait = r->no_wait;
    a->until_ms = now + c->patience_ms;
    a->wait_until_ms = now + or_default(r->wait_ms, WAIT_MS);
    a->again.fn = on_again;
    a->t.c = c;
    a->t.ended = on_ended;
    list_append(&c->asks, &a->link);
    go(a);
    return a;
}

unsigned long baton_send(struct baton_client *c, const struct baton_request *r,
                         baton_answer_fn fn, void *ctx)
{
    struct ask *a = begin(c, r);

    if (a == NULL) {
        return 0;
    }
    a->fn = fn;
    a->ctx = ctx;
    if (a->done) {
        later_set(c, &a->again, client_now()); /* so that a loop wakes up for it */
    }
    return a->id;
}

int baton_ask(struct baton_client *c, const struct baton_request *r, struct baton_answer *out)
{
    struct ask *a = begin(c, r);

    if (a == NULL) {
        *out = (struct baton_answer){.outcome = BATON_NOMEM};
        problem_set(&out->problem, "memory", "Out of memory",
                    "There is no memory for it, or a header field is too long.");
        return out->outcome;
    }
    a->waited = true;
    while (!a->done) {
        client_step(c, -1);
    }
    *out = a->answer;
    a->answer = (struct baton_answer){0};
    free_ask(a);
    return out->outcome;
}

/* ---- functions of the user ---- */

bool ask_tell(struct baton_client *c)
{
    list_each(it, &c->ended)
    {
        struct ask *a = list_entry(it, struct ask, link);
        if (!a->waited) {
            list_remove(&a->link);
            if (a->fn != NULL) {
                a->fn(a->ctx, &a->answer);
            }
            free_ask(a);
            return true;
        }
    }
    return false;
}

static void cancel(struct ask *a)
{
    transfer_stop(&a->t);
    baton_answer_free(&a->answer);
    problem_set(&a->answer.problem, "cancelled", "Cancelled", "It is not waited for any more.");
    finish(a, BATON_CANCELLED);
}

void baton_cancel(struct baton_client *c, unsigned long request)
{
    list_each(it, &c->asks)
    {
        struct ask *a = list_entry(it, struct ask, link);
        if (a->id == request) {
            cancel(a);
            later_set(c, &a->again, client_now());
            return;
        }
    }
}

void ask_cancel_all(struct baton_client *c)
{
    while (!list_empty(&c->asks)) {
        cancel(list_entry(c->asks.next, struct ask, link));
    }
    while (ask_tell(c)) {
        continue;
    }
}

/* ---- lists ---- */

json_t *baton_list(struct baton_client *c, const char *path, struct baton_problem *why)
{
    json_t *items = json_array();
    const char *sign = strchr(path, '?') != NULL ? "&" : "?";
    char after[1024] = "", before[1024], *whole;
    int outcome = items != NULL ? BATON_OK : BATON_NOMEM;
    size_t octets = 0;
    struct baton_answer a;

    do {
        const char *next;
        whole = NULL;
        if (outcome != BATON_OK ||
            asprintf(&whole, "%s%s%s", path, after[0] != '\0' ? sign : "", after) < 0) {
            break;
        }
        outcome = baton_ask(c, &(struct baton_request){.path = whole}, &a);
        free(whole);
        (void)json_array_extend(items, (json_t *)(uintptr_t)baton_at(a.json, "items"));
        next = baton_text(a.json, "next");
        text_copy(before, sizeof(before), after);
        after[0] = '\0';
        if (next[0] != '\0') {
            (void)baton_path(after, sizeof(after), "after=%s", next);
        }
        octets += LIST_PAGE + a.text_len; /* an empty page costs something, too */
        if (outcome == BATON_OK && after[0] != '\0' &&
            (octets > LIST_OCTETS || strcmp(before, after) == 0)) {
            problem_set(&a.problem, "tooLong", "No end", "The list is too long, or endless.");
            outcome = BATON_REFUSED;
        }
        if (outcome != BATON_OK && why != NULL) {
            *why = a.problem;
        }
        baton_answer_free(&a);
    } while (outcome == BATON_OK && after[0] != '\0');
    if (outcome != BATON_OK) {
        json_decref(items);
        return NULL;
    }
    return items;
}
