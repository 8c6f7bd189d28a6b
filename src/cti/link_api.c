/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of clients in the process (client.h).
 *
 *   made ──cti_client_ask──► busy ──answer──► idle ── CTI_CLIENT_IDLE_MS ──► freed
 *                              └──────────── cti_client_drop, end ────────► freed
 *
 * There is no system call and no text here: a request is a decoded message, and so is its
 * answer. What Baton asks of an application (routing) is text already when it comes here
 * (ask.c keeps it so for the other links); it is read again and handed on as a message. It is
 * taken at once and for sure, because it then stands in the journal, which the client follows.
 *
 * OWNERSHIP. The table owns a client, which owns its application with all strings in one block;
 * when its scopes become others the block does, at its place in the struct: sessions and
 * watches point at the struct. Open requests are the caller's; each hears once.
 *
 * The struct outlives its session by the stack that runs: it is freed by a timer, because
 * whoever ends it may be inside of it.
 */
#include "cti/client.h"
#include "cti/parts.h"

struct cti_client {
    struct list link; /**< cti->clients */
    struct cti *cti;
    struct cti_session *session; /**< NULL: over */
    struct application app;      /**< strings in `block` */
    struct access_scope *block;
    struct list open; /**< struct cti_client_ask.link */
    struct timer idle;
};

/* ---- the link ---- */

/** Who asked, off the list: he hears once. */
static struct cti_client_ask *taken(const struct asker *to)
{
    struct cti_client_ask *a = to->ask;

    if (a != NULL) {
        list_remove(&a->link);
    }
    return a;
}

static void rest(struct cti_client *cl, uint64_t now_ms)
{
    timer_set(cl->cti->wheel, &cl->idle, now_ms + CTI_CLIENT_IDLE_MS);
}

static void tell(const struct asker *to, const struct cti_client_answer *answer,
                 uint64_t now_ms)
{
    struct cti_client_ask *a = taken(to);

    if (a != NULL) {
        rest(a->client, now_ms);
        a->fn(a, answer, now_ms);
    }
}

/** For who watches: only then is there a text. The number says which answer is to what. */
static void watched(struct cti_client *cl, const struct cti_client_ask *a,
                    const struct csta_msg *msg, bool sent)
{
    struct cti *c = cl->cti;
    const struct env_watch *w = c->env->watch;
    struct str xml;

    if (w != NULL && msg->id != CSTA_MSG_NONE && csta_text(c, msg, CSTA_ED6, &xml) == 0) {
        w->csta(w->ctx, &(struct env_csta){.sent = sent,
                                           .invoke = (uint16_t)((uintptr_t)a / 16 % 8192),
                                           .who = cl->app.name,
                                           .text = xml});
    }
}

/** No CSTA: what could not be served. An empty 200 is the answer of services without one. */
static void answer(const struct asker *to, const struct cti_reply *reply, uint64_t now_ms)
{
    static const struct csta_msg nothing = {.id = CSTA_MSG_NONE};
    struct cti_client_answer said = {.sip = reply->status, .why = reply->why};

    if (reply->status < 300) {
        said = (struct cti_client_answer){.msg = &nothing};
    }
    tell(to, &said, now_ms);
}

static void message(const struct asker *to, const struct csta_msg *msg, unsigned sip,
                    struct str why, uint64_t now_ms)
{
    struct cti_client_answer said = {.msg = msg};

    if (to->ask != NULL) {
        watched(to->ask->client, to->ask, msg, true);
    }
    if (msg->id == CSTA_MSG_ERROR_CODE) {
        said = (struct cti_client_answer){.error = *msg->error_code, .sip = sip, .why = why};
    }
    tell(to, &said, now_ms);
}

static bool ready(struct cti_session *s, uint64_t now_ms)
{
    (void)s;
    (void)now_ms;
    return true;
}

/** Without monitors there are none. */
static int event(struct cti_session *s, struct str csta, uint64_t now_ms)
{
    (void)s;
    (void)csta;
    (void)now_ms;
    return 0;
}

static int ask(struct cti_session *s, struct str csta, struct ask *a, uintptr_t *tag,
               uint64_t now_ms)
{
    struct cti *c = s->cti;
    struct csta_limits limits = {.hash_salt = c->xml_salt};
    struct csta_msg msg;
    int err = csta_decode(csta, &limits, c->scratch, &msg, NULL);

    if (err != 0) {
        return err;
    }
    if (c->asked == NULL || !c->asked(c->asked_ctx, s->app->name, &msg, now_ms)) {
        return E_STATE;
    }
    *tag = 0;
    ask_on_answer(a, 200, STR_NONE, now_ms);
    return 0;
}

static void forget(struct cti_session *s, uintptr_t tag)
{
    (void)s;
    (void)tag;
}

static void waited(struct cti_session *s, uint64_t now_ms)
{
    (void)s;
    (void)now_ms;
}

/** The session is over: whoever waits learns nothing more, and the client goes. */
static void leave(struct cti_client *cl, uint64_t now_ms)
{
    static const struct cti_client_answer lost = {.lost = true};

    while (!list_empty(&cl->open)) {
        struct cti_client_ask *a = list_entry(cl->open.next, struct cti_client_ask, link);
        list_remove(&a->link);
        a->fn(a, &lost, now_ms);
    }
    timer_set(cl->cti->wheel, &cl->idle, now_ms);
}

static void end(struct cti_session *s, enum cti_end why, uint64_t now_ms)
{
    (void)why;
    leave(s->client, now_ms);
}

/** cti_free: nobody is told. */
static void drop(struct cti_session *s)
{
    s->client->session = NULL;
}

const struct cti_link cti_link_api = {
    .name = "API",
    .answer = answer,
    .message = message,
    .ready = ready,
    .event = event,
    .ask = ask,
    .forget = forget,
    .waited = waited,
    .end = end,
    .drop = drop,
    .pending_max = CTI_CLIENT_OPEN,
    .unmonitored = true,
};

/* ---- clients ---- */

static struct str put(char **at, struct str s)
{
    struct str out = str_make(*at, s.n);

    if (s.n > 0) {
        memcpy(*at, s.p, s.n);
        *at += s.n;
    }
    return out;
}

/** Its scopes are these. @return false: no memory, they are what they were */
static bool grant(struct cti_client *cl, const struct access_principal *who)
{
    size_t octets = who->count * sizeof(*who->scopes) + who->name.n + 1;
    struct access_scope *scope;
    char *at;

    for (size_t i = 0; i < who->count; i++) {
        octets += who->scopes[i].pattern.n;
    }
    scope = mem_alloc(&cl->cti->env->mem, octets);
    if (scope == NULL) {
        return false;
    }
    at = (char *)(scope + who->count);
    for (size_t i = 0; i < who->count; i++) {
        scope[i] = who->scopes[i];
        scope[i].pattern = put(&at, who->scopes[i].pattern);
    }
    cl->app.name = put(&at, who->name);
    cl->app.scopes = scope;
    cl->app.scope_count = who->count;
    mem_free(&cl->cti->env->mem, cl->block);
    cl->block = scope;
    return true;
}

static bool has_scopes(const struct cti_client *cl, const struct access_principal *who)
{
    for (size_t i = 0; cl->app.scope_count == who->count && i < who->count; i++) {
        if (cl->app.scopes[i].kind != who->scopes[i].kind ||
            !str_eq(cl->app.scopes[i].pattern, who->scopes[i].pattern)) {
            return false;
        }
    }
    return cl->app.scope_count == who->count;
}

static void client_free(struct cti_client *cl)
{
    struct cti *c = cl->cti;

    timer_stop(c->wheel, &cl->idle);
    list_remove(&cl->link);
    mem_free(&c->env->mem, cl->block);
    mem_free(&c->env->mem, cl);
}

static void on_idle(struct timer *t, uint64_t now_ms)
{
    struct cti_client *cl = container_of(t, struct cti_client, idle);

    if (!cl->session->over && (!list_empty(&cl->open) || session_is_routing(cl->session))) {
        rest(cl, now_ms);
        return;
    }
    session_free(cl->session);
    client_free(cl);
}

static struct cti_client *find(const struct cti *c, struct str name)
{
    list_each(it, &c->clients)
    {
        struct cti_client *cl = list_entry(it, struct cti_client, link);
        if (!cl->session->over && str_eq(cl->app.name, name)) {
            return cl;
        }
    }
    return NULL;
}

static struct cti_client *client_new(struct cti *c, const struct access_principal *who)
{
    struct cti_client *cl = mem_zalloc(&c->env->mem, sizeof(*cl));

    if (cl == NULL) {
        return NULL;
    }
    cl->cti = c;
    list_init(&cl->open);
    timer_init(&cl->idle, on_idle);
    cl->session = grant(cl, who) && session_has_room(c, &cl->app)
                      ? session_new(c, &cl->app, &cti_link_api)
                      : NULL;
    if (cl->session == NULL) {
        client_free(cl);
        return NULL;
    }
    cl->session->client = cl;
    cl->session->edition = CSTA_ED6;
    list_append(&c->clients, &cl->link);
    return cl;
}

struct cti_client *cti_client_of(struct cti *c, const struct access_principal *who,
                                 uint64_t now_ms)
{
    struct cti_client *cl = find(c, who->name);

    if (cl == NULL) {
        cl = client_new(c, who);
    } else if (!has_scopes(cl, who) && !grant(cl, who)) {
        return NULL;
    }
    if (cl != NULL) {
        rest(cl, now_ms);
    }
    return cl;
}

void cti_client_ask(struct cti_client *cl, const struct csta_msg *msg, struct str call_id,
                    struct cti_client_ask *a, uint64_t now_ms)
{
    struct asker from = {
        .session = cl->session, .edition = CSTA_ED6, .ask = a, .call_id = call_id};

    a->client = cl;
    list_append(&cl->open, &a->link);
    watched(cl, a, msg, false);
    request_on_message(&from, msg, now_ms);
}

void cti_client_forget(struct cti_client_ask *a)
{
    if (list_linked(&a->link)) {
        list_remove(&a->link);
        pending_forget(a->client->session, a);
    }
}

void cti_client_drop(struct cti *c, struct str name, uint64_t now_ms)
{
    struct cti_client *cl = find(c, name);

    if (cl != NULL) {
        session_end(cl->session, CTI_END_PLAIN, now_ms);
    }
}

void clients_free(struct cti *c)
{
    while (!list_empty(&c->clients)) {
        client_free(list_entry(c->clients.next, struct cti_client, link));
    }
}

void cti_set_asked(struct cti *c, cti_asked_fn fn, void *ctx)
{
    c->asked = fn;
    c->asked_ctx = ctx;
}
