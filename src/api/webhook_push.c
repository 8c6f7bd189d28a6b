/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The push form of sipgate.io, which Zammad's generic CTI and many CRM take: three events of a
 * call, application/x-www-form-urlencoded.
 *
 *   newCall  from, to, direction (in, out), callId, user[]
 *   answer   from, to, direction, callId, user (of calls that come in), answeringNumber
 *   hangup   from, to, direction, callId, answeringNumber (if it was answered), and cause:
 *            normalClearing, busy, cancel, noAnswer, congestion, notFound, forwarded
 *
 * Who takes these keeps a list of calls, and makes an entry of `newCall` only: what is told of
 * another callId he refuses. So nothing is told of a call before that. One that finds its
 * device busy has it for what failed; one that is answered without ringing has it and `answer`
 * for the same event, one after the other (PUSH_FIRST); one that was given up before it
 * reached anybody is not told of.
 *
 * A call that is transferred keeps its callId: there is one more `answer`, with the number of
 * who has it now. The call in which he was asked beforehand ends as `forwarded`.
 *
 * `in` is a call that rings a device of ours, `out` one that leaves the house; numbers are what
 * stands before '@', without '+'. What stands in a call is remembered here, for CALLS at a
 * time; of one that was forgotten, or began before a restart, the journal knows
 * (webhook_past.c).
 *
 * UNDO. An event may come again, when its webhook is paused before it was taken. So what the
 * last one has changed can be taken back, once: `before` is that call as it was.
 */
#include "api/webhook.h"
#include "base/err.h"
#include <jansson.h>
#include <stdlib.h>

enum { CALLS = 1024, NUMBER_MAX = 64, CALL_MAX = PUSH_CALL_MAX };

struct push_call {
    char id[CALL_MAX], from[NUMBER_MAX], to[NUMBER_MAX], user[NUMBER_MAX], answered[NUMBER_MAX];
    const char *cause;
    bool out;
    bool told;    /**< newCall */
    bool begun;   /**< we have seen how it began, so what is not told is nothing to anybody */
    bool perhaps; /**< `answered` is who a call was transferred to, if he has answered it */
};

struct push {
    struct push_call call[CALLS];
    size_t next;
    struct push_call before;
    struct push_call *changed; /**< by the last event; NULL: none */
};

struct push *push_new(void)
{
    return calloc(1, sizeof(struct push));
}

void push_free(struct push *p)
{
    free(p);
}

static void keep(char *to, size_t cap, struct str s)
{
    s = str_upto(s, cap - 1);
    if (s.n > 0) {
        memcpy(to, s.p, s.n);
    }
    to[s.n] = '\0';
}

static struct push_call *find(struct push *p, struct str id)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (id.n > 0 && p->call[i].id[0] == id.p[0] && str_eq(str_c(p->call[i].id), id)) {
            return &p->call[i];
        }
    }
    return NULL;
}

/** That call is about to change. */
static struct push_call *change(struct push *p, struct push_call *c)
{
    p->before = *c;
    p->changed = c;
    return c;
}

static struct push_call *get(struct push *p, struct str id)
{
    struct push_call *c = find(p, id);

    if (c != NULL) {
        return change(p, c);
    }
    if (id.n == 0 || id.n >= CALL_MAX) {
        return NULL;
    }
    c = change(p, &p->call[p->next++ % CALLS]);
    *c = (struct push_call){.told = false};
    keep(c->id, sizeof(c->id), id);
    return c;
}

void push_undo(struct push *p)
{
    if (p != NULL && p->changed != NULL) {
        *p->changed = p->before;
        p->changed = NULL;
    }
}

/** "sip:+4930123@example.com" is "4930123". */
static struct str number_of(struct str id)
{
    size_t colon = str_index(id, ':');

    if (colon < id.n) {
        id = str_from(id, colon + 1);
    }
    id = str_upto(id, str_index(id, '@'));
    id = str_upto(id, str_index(id, ';'));
    return str_starts(id, STR("+")) ? str_from(id, 1) : id;
}

/** Is it one of the devices that hear of it, and so one of ours? */
static bool is_ours(const struct cloud_event *e, struct str id)
{
    struct str audience = e->audience, key;

    id = str_from(id, str_index(id, ':') + 1);
    while (id.n > 0 && cloud_next_key(&audience, &key)) {
        if (str_eq(key, id)) {
            return true;
        }
    }
    return false;
}

/* ---- writing ---- */

static void put_value(struct out *o, struct str s)
{
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (ch != '\0' && strchr(safe, ch) != NULL) {
            out_ch(o, ch);
        } else {
            out_fmt(o, "%%%02X", (unsigned)(uint8_t)ch);
        }
    }
}

static void put(struct out *o, const char *name, const char *value)
{
    out_fmt(o, "%s%s=", o->n > 0 ? "&" : "", name);
    put_value(o, str_c(value));
}

static void put_call(struct out *o, const char *event, const struct push_call *c)
{
    put(o, "event", event);
    put(o, "from", c->from[0] != '\0' ? c->from : "anonymous");
    if (c->to[0] != '\0') {
        put(o, "to", c->to);
    }
    put(o, "direction", c->out ? "out" : "in");
    put(o, "callId", c->id);
}

static void put_user(struct out *o, const char *name, const struct push_call *c)
{
    if (c->user[0] != '\0') {
        put(o, name, c->user);
    }
}

static const char *word_of(struct str cause)
{
    static const struct {
        const char *cause, *word;
    } all[] = {
        {"busy", "busy"},
        {"doNotDisturb", "noAnswer"},
        {"noAnswer", "noAnswer"},
        {"callNotAnswered", "noAnswer"},
        {"timeout", "noAnswer"},
        {"callCancelled", "cancel"},
        {"invalidNumber", "notFound"},
        {"destNotObtainable", "notFound"},
        {"networkNotObtainable", "congestion"},
        {"networkCongestion", "congestion"},
        {"resourcesNotAvailable", "congestion"},
        {"blocked", "noAnswer"},
        {"transfer", "forwarded"},
        {"singleStepTransfer", "forwarded"},
        {"conference", "forwarded"},
        {"redirected", "forwarded"},
        {"callForward", "forwarded"},
        {"callForwardImmediate", "forwarded"},
        {"callForwardBusy", "forwarded"},
        {"callForwardNoAnswer", "forwarded"},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (str_eq(cause, str_c(all[i].cause))) {
            return all[i].word;
        }
    }
    return NULL;
}

/* ---- events ---- */

static void note_parties(struct push_call *c, const struct cloud_event *e, bool leaves)
{
    c->out = leaves || !is_ours(e, e->device);
    keep(c->from, sizeof(c->from), number_of(e->calling));
    keep(c->to, sizeof(c->to), number_of(e->called));
    keep(c->user, sizeof(c->user), c->out ? number_of(e->calling) : number_of(e->device));
}

static void tell_new(struct push_call *c, const struct cloud_event *e, bool leaves,
                     struct out *o)
{
    c->told = true;
    note_parties(c, e, leaves);
    put_call(o, "newCall", c);
    put_user(o, "user%5B%5D", c);
}

static enum push_told on_ringing(struct push *p, const struct cloud_event *e, bool leaves,
                                 struct out *o)
{
    struct push_call *c = get(p, e->call_id);

    if (c == NULL || c->told) {
        return PUSH_NOTHING; /* it rings at another one, too */
    }
    tell_new(c, e, leaves, o);
    return PUSH_ALL;
}

static enum push_told has_it_now(struct push_call *c, struct str device, struct out *o)
{
    if (device.n == 0 || str_eq(str_c(c->answered), device)) {
        return PUSH_NOTHING;
    }
    keep(c->answered, sizeof(c->answered), device);
    if (!c->out) {
        keep(c->user, sizeof(c->user), device);
    }
    put_call(o, "answer", c);
    if (!c->out) {
        put_user(o, "user", c);
    }
    put(o, "answeringNumber", c->answered);
    return PUSH_ALL;
}

static enum push_told on_answered(struct push *p, const struct cloud_event *e, struct out *o)
{
    struct push_call *c = get(p, e->call_id);

    if (c == NULL) {
        return PUSH_NOTHING;
    }
    if (!c->told) { /* many gateways and machines answer without ringing */
        tell_new(c, e, false, o);
        return PUSH_FIRST;
    }
    if (c->perhaps) {
        c->perhaps = false; /* he had not, or it was transferred once more */
        c->answered[0] = '\0';
    }
    return has_it_now(c, number_of(e->device), o);
}

/** The text of a member, by its path. */
static struct str member(const json_t *v, const char *const *path)
{
    for (; *path != NULL; path++) {
        v = json_object_get(v, *path);
    }
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NONE;
}

/** In which somebody was asked before a transfer. */
static const char *const asked_call[] = {"data", "TransferedEvent", "secondaryOldCall",
                                         "callID", NULL};

/** Who was asked beforehand, and has answered, has the call now; of another one it is told when
    he answers. Of a transfer of the past nobody knows the call in which he was asked: he has
    answered, unless it is told after it that he does. */
static enum push_told on_transfer(struct push *p, const struct cloud_event *e, struct out *o)
{
    static const char *const to[] = {
        "data", "TransferedEvent", "transferredToDevice", "deviceIdentifier", "id", NULL};
    json_t *all = json_loadb(e->text.p, e->text.n, 0, NULL);
    struct str asked = member(all, asked_call);
    struct push_call *second = find(p, asked), *c = find(p, e->call_id);
    enum push_told told = PUSH_NOTHING;

    if (c != NULL && asked.n > 0 && (second == NULL || second->answered[0] != '\0')) {
        told = has_it_now(change(p, c), number_of(member(all, to)), o);
    }
    if (told != PUSH_NOTHING) {
        c->perhaps = second == NULL;
    }
    json_decref(all);
    return told;
}

static enum push_told on_over(struct push *p, const struct cloud_event *e, struct out *o)
{
    struct push_call *c = get(p, e->call_id);
    const char *word = word_of(e->cause);
    bool forwarded = word != NULL && strcmp(word, "forwarded") == 0;

    if (c == NULL) {
        return PUSH_NOTHING;
    }
    if (c->begun && !c->told) {
        c->id[0] = '\0';
        return PUSH_NOTHING;
    }
    put_call(o, "hangup", c);
    put(o, "cause",
        c->answered[0] != '\0' && !forwarded ? "normalClearing"
        : word != NULL                       ? word
        : c->cause != NULL                   ? c->cause
                                             : "cancel");
    if (c->answered[0] != '\0') {
        put(o, "answeringNumber", c->answered);
    }
    c->id[0] = '\0';
    return PUSH_ALL;
}

/** Why it is not answered; what is last is what the caller has heard. */
static enum push_told on_dropped(struct push *p, const struct cloud_event *e)
{
    struct push_call *c = find(p, e->call_id);
    const char *word = word_of(e->cause);

    if (c != NULL && word != NULL) {
        change(p, c)->cause = word;
    }
    return PUSH_NOTHING;
}

/** The first that is heard of a call may be that nobody there can take it. That the caller's
    own phone did not go along is nobody's call. */
static enum push_told on_failed(struct push *p, const struct cloud_event *e, struct out *o)
{
    struct push_call *c = find(p, e->call_id);

    if ((c != NULL && c->told) || e->device.n == 0 || str_eq(e->device, e->calling)) {
        return on_dropped(p, e);
    }
    c = get(p, e->call_id);
    if (c == NULL) {
        return PUSH_NOTHING;
    }
    c->cause = word_of(e->cause);
    tell_new(c, e, false, o);
    return PUSH_ALL;
}

static enum push_told on_begun(struct push *p, const struct cloud_event *e)
{
    struct push_call *c = get(p, e->call_id);

    if (c != NULL) {
        c->begun = true;
    }
    return PUSH_NOTHING;
}

/* ---- what was before ---- */

static bool lacks(const struct push *p, struct str id, char call[PUSH_CALL_MAX])
{
    if (id.n == 0 || id.n >= CALL_MAX || find((struct push *)(uintptr_t)p, id) != NULL) {
        return false;
    }
    keep(call, CALL_MAX, id);
    return true;
}

/** Of the other call of a transfer. */
static bool lacks_second(const struct push *p, const struct cloud_event *e,
                         char call[PUSH_CALL_MAX])
{
    json_t *all = json_loadb(e->text.p, e->text.n, 0, NULL);
    bool any = lacks(p, member(all, asked_call), call);

    json_decref(all);
    return any;
}

bool push_lacks(const struct push *p, const struct cloud_event *e, char call[PUSH_CALL_MAX])
{
    static const struct str types[] = {STR_INIT("delivered"), STR_INIT("networkReached"),
                                       STR_INIT("established"), STR_INIT("failed"),
                                       STR_INIT("callCleared")};

    if (feed_type_matches(STR("transfered"), e->type)) {
        return lacks(p, e->call_id, call) || lacks_second(p, e, call);
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (feed_type_matches(types[i], e->type)) {
            return lacks(p, e->call_id, call);
        }
    }
    return false;
}

void push_learn(struct push *p, const struct cloud_event *e)
{
    char room[2048];
    struct out o;

    out_init(&o, room, sizeof(room));
    if (push_write(p, e, &o) == PUSH_FIRST) {
        (void)push_write(p, e, &o);
    }
    p->changed = NULL;
}

void push_know(struct push *p, struct str call)
{
    (void)get(p, call);
    p->changed = NULL;
}

/* ---- as it happens ---- */

bool push_begins(const struct cloud_event *e)
{
    return feed_type_matches(STR("originated"), e->type) ||
           feed_type_matches(STR("serviceInitiated"), e->type);
}

enum push_told push_write(struct push *p, const struct cloud_event *e, struct out *o)
{
    p->changed = NULL;
    if (e->call_id.n == 0) {
        return PUSH_NOTHING;
    }
    if (push_begins(e)) {
        return on_begun(p, e);
    }
    if (feed_type_matches(STR("delivered"), e->type)) {
        return on_ringing(p, e, false, o);
    }
    if (feed_type_matches(STR("networkReached"), e->type)) {
        return on_ringing(p, e, true, o);
    }
    if (feed_type_matches(STR("established"), e->type)) {
        return on_answered(p, e, o);
    }
    if (feed_type_matches(STR("transfered"), e->type)) {
        return on_transfer(p, e, o);
    }
    if (feed_type_matches(STR("callCleared"), e->type)) {
        return on_over(p, e, o);
    }
    if (feed_type_matches(STR("failed"), e->type)) {
        return on_failed(p, e, o);
    }
    if (feed_type_matches(STR("connectionCleared"), e->type)) {
        return on_dropped(p, e);
    }
    return PUSH_NOTHING;
}
