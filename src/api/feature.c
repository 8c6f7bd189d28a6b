/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Switches of a device, one by one: GET and PUT with an ETag.
 *
 * A switch is what its Get service of CSTA answers, and is set by its Set service; so there is
 * a table here and no code for any of them. GetForwarding answers with all three forwardings,
 * of which one is shown.
 *
 *   PUT ──► If-Match? ── no ──────────────────────────────► Set, as any command
 *              └─ yes ─► Get ─► is it what he has seen? ──► Set, or 412
 *
 * What the server knows itself is compared and set in one turn of the engine. What the phone
 * knows is asked for first; between that and the command somebody may press a key.
 */
#include "api/command.h"
#include "api/handlers.h"
#include "base/err.h"
#include "base/hash.h"
#include "csta/json.h"

static const struct feature_row {
    const char *name;
    enum csta_msg_id get, set;
    enum csta_forwarding_type type; /**< absent: none */
} features[] = {
    {"doNotDisturb", CSTA_MSG_GET_DO_NOT_DISTURB, CSTA_MSG_SET_DO_NOT_DISTURB,
     CSTA_FORWARDING_TYPE_ABSENT},
    {"forwardImmediate", CSTA_MSG_GET_FORWARDING, CSTA_MSG_SET_FORWARDING,
     CSTA_FORWARDING_TYPE_FORWARD_IMMEDIATE},
    {"forwardBusy", CSTA_MSG_GET_FORWARDING, CSTA_MSG_SET_FORWARDING,
     CSTA_FORWARDING_TYPE_FORWARD_BUSY},
    {"forwardNoAns", CSTA_MSG_GET_FORWARDING, CSTA_MSG_SET_FORWARDING,
     CSTA_FORWARDING_TYPE_FORWARD_NO_ANS},
    {"messageWaiting", CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR,
     CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR, CSTA_FORWARDING_TYPE_ABSENT},
    {"microphoneMute", CSTA_MSG_GET_MICROPHONE_MUTE, CSTA_MSG_SET_MICROPHONE_MUTE,
     CSTA_FORWARDING_TYPE_ABSENT},
    {"speakerMute", CSTA_MSG_GET_SPEAKER_MUTE, CSTA_MSG_SET_SPEAKER_MUTE,
     CSTA_FORWARDING_TYPE_ABSENT},
    {"speakerVolume", CSTA_MSG_GET_SPEAKER_VOLUME, CSTA_MSG_SET_SPEAKER_VOLUME,
     CSTA_FORWARDING_TYPE_ABSENT},
    {"ringerStatus", CSTA_MSG_GET_RINGER_STATUS, CSTA_MSG_SET_RINGER_STATUS,
     CSTA_FORWARDING_TYPE_ABSENT},
    {"hookswitch", CSTA_MSG_GET_HOOKSWITCH_STATUS, CSTA_MSG_SET_HOOKSWITCH_STATUS,
     CSTA_FORWARDING_TYPE_ABSENT},
};

enum { ETAG_LEN = 18 };

/** A switch that is being asked for. */
struct asking {
    struct command *get; /**< the question; its buffer has the answer */
    struct command *set; /**< PUT: what to do then; NULL: GET */
    const struct feature_row *of;
    struct cti_client_ask ask;
    struct api_request *r;
    struct str json; /**< of the switch; absent: there is none, it was answered */
    char etag[ETAG_LEN];
    bool inside, told;
};

static const struct feature_row *find(struct api_request *r)
{
    struct str name = api_param(r, "feature");

    for (size_t i = 0; i < ARRAY_LEN(features); i++) {
        if (str_eq(name, str_c(features[i].name))) {
            return &features[i];
        }
    }
    api_refuse(r, 404, "unknownFeature",
               "There is no such switch; docs/api.md lists those that there are.");
    return NULL;
}

/* ---- what it is ---- */

/** The one forwarding that was asked for, alone. */
static bool pick(const struct asking *a, struct csta_msg *msg,
                 struct csta_get_forwarding_response *room)
{
    const struct csta_forward_list_item_list *all =
        &msg->get_forwarding_response->forwarding_list;

    for (size_t i = 0; i < all->n; i++) {
        if (all->item[i].forwarding_type == a->of->type) {
            room->forwarding_list.item = &all->item[i];
            room->forwarding_list.n = 1;
            msg->get_forwarding_response = room;
            return true;
        }
    }
    return false;
}

/** The object of that one, out of `{"forwardingList":[{…}]}`. */
static struct str inner(struct str s)
{
    size_t from = str_index(s, '['), to = s.n;

    while (to > from && s.p[to - 1] != ']') {
        to--;
    }
    return to > from + 1 ? str_make(s.p + from + 1, to - from - 2) : STR("{}");
}

/** @return false: it cannot be said */
static bool write_switch(struct asking *a, const struct csta_msg *said)
{
    static const struct hash_key fixed = {UINT64_C(0x6261746f6e), UINT64_C(0x65746167)};
    struct csta_get_forwarding_response one = {.extensions = NULL};
    struct csta_msg msg = *said;
    struct out o, tag;

    if (a->of->type != CSTA_FORWARDING_TYPE_ABSENT && !pick(a, &msg, &one)) {
        return false;
    }
    out_init(&o, a->get->buf, COMMAND_ANSWER_MAX);
    if (csta_json_write_body(&msg, &o) != 0) {
        return false;
    }
    a->json =
        a->of->type != CSTA_FORWARDING_TYPE_ABSENT ? inner(out_str_of(&o)) : out_str_of(&o);
    out_init(&tag, a->etag, sizeof(a->etag));
    out_fmt(&tag, "\"%016llx\"", (unsigned long long)hash_mac(&fixed, a->json));
    return !tag.over;
}

/** Does a list of entity tags (RFC 9110 §13.1.1) have it? */
static bool matches(struct str list, struct str etag)
{
    while (list.n > 0) {
        size_t comma = str_index(list, ',');
        struct str one = str_trim(str_upto(list, comma));
        if (str_eq(one, etag) || str_eq(one, STR("*"))) {
            return true;
        }
        list = str_from(list, comma < list.n ? comma + 1 : comma);
    }
    return false;
}

static void show(struct asking *a)
{
    struct api_header *etag = arena_zalloc(a->r->arena, sizeof(*etag));

    if (etag == NULL) {
        api_busy(a->r, E_TOOMANY);
        return;
    }
    *etag = (struct api_header){"ETag", str_make(a->etag, sizeof(a->etag))};
    api_reply(a->r, 200, "application/json", a->json, etag, 1);
}

/** PUT: is it what he has seen? @return false: answered */
static bool is_unchanged(struct asking *a)
{
    if (matches(a->r->field[API_IF_MATCH], str_make(a->etag, sizeof(a->etag)))) {
        return true;
    }
    api_refuse(a->r, 412, "preconditionFailed",
               "The switch is another one than If-Match says; get it again.");
    return false;
}

/* ---- the question ---- */

static void on_answer(struct cti_client_ask *ask, const struct cti_client_answer *said,
                      uint64_t now_ms)
{
    struct asking *a = container_of(ask, struct asking, ask);
    struct problem p = {.error = said->error, .sip = said->sip, .detail = said->why};

    (void)now_ms;
    a->told = true;
    if (said->msg == NULL) {
        if (said->lost) {
            api_busy(a->r, E_STATE);
        } else {
            command_refuse(a->r, &p);
        }
    } else if (!write_switch(a, said->msg)) {
        api_refuse(a->r, 502, "badAnswer", "The phone has said nothing about this switch.");
        a->json = STR_NONE;
    } else if (a->set == NULL) {
        show(a);
    }
    if (!a->inside) {
        api_answered(a->r);
    }
}

static bool run_get(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct asking *a = r->ctx;

    a->ask.fn = on_answer;
    a->inside = true;
    if (!operation_query(e, r->who, &a->get->msg, &a->ask, now_ms)) {
        api_busy(r, E_TOOMANY);
        return false;
    }
    a->inside = false;
    if (a->told && a->set != NULL && str_is_set(a->json) && is_unchanged(a)) {
        r->ctx = a->set;
        return command_run(r, e, now_ms);
    }
    return !a->told;
}

/** Back in the API's thread: a phone has answered, and nothing was said to the client yet. */
static void got(struct api_request *r)
{
    struct asking *a = r->ctx;

    if (is_unchanged(a)) {
        command_send(a->set);
    }
}

/* ---- handlers ---- */

static struct asking *asking_new(struct api_request *r, const struct feature_row *f)
{
    struct command_fill device = {"device", command_quote(r, api_param(r, "device"))};
    struct asking *a = arena_zalloc(r->arena, sizeof(*a));
    struct command *get = a != NULL ? command_read(r, f->get, STR(""), &device, 1) : NULL;

    if (get == NULL) {
        if (a == NULL) {
            api_busy(r, E_TOOMANY);
        }
        return NULL;
    }
    a->get = get;
    a->of = f;
    a->r = r;
    r->ctx = a;
    return a;
}

void api_get_feature(struct api_request *r)
{
    const struct feature_row *f = find(r);
    struct asking *a = f != NULL ? asking_new(r, f) : NULL;

    if (a != NULL) {
        api_ask(r, run_get, NULL);
    }
}

void api_put_feature(struct api_request *r)
{
    const struct feature_row *f = find(r);
    struct command_fill fill[2];
    struct command *set;
    struct asking *a;

    if (f == NULL) {
        return;
    }
    fill[0] = (struct command_fill){"device", command_quote(r, api_param(r, "device"))};
    fill[1] = (struct command_fill){"forwardingType",
                                    command_quote(r, csta_forwarding_type_name(f->type))};
    set =
        command_read(r, f->set, r->body, fill, f->type != CSTA_FORWARDING_TYPE_ABSENT ? 2 : 1);
    if (set == NULL) {
        return;
    }
    if (!str_is_set(r->field[API_IF_MATCH])) {
        command_send(set);
        return;
    }
    a = asking_new(r, f);
    if (a != NULL) {
        a->set = set;
        api_ask(r, run_get, got);
    }
}
