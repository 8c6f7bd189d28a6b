/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver that stands in front of the switch's: each command goes to whoever can carry it
 * out (cti/driver.h).
 *
 *   a foreign call         its phone
 *   a bridged call         the switch; AnswerCall first the phone, if one has it
 *   MakeCall               the switch; the phone, when its line lives on a peer
 *   two calls of a device  both foreign and of one phone, or both bridged: else bad state
 *   the phone's body       device.c
 *
 * The table is the switch's with ours put over it, and both have one ctx, the call layer:
 * services that only the switch has need nothing here.
 */
#include "phone/parts.h"

static const struct cti_driver *const below = &cti_switch_driver;

static struct phones *phones_of(void *ctx)
{
    return ((struct call_layer *)ctx)->phones;
}

/** How the phone names the connection; absent: it is gone. */
static struct csta_connection_id id_of(const struct connection *c)
{
    struct phone_call *pc;
    struct phone *f = phone_of_call(c, &pc);

    return f == NULL ? (struct csta_connection_id){.call_id = STR("")}
                     : phone_connection(f, pc);
}

#define MESSAGE(upper, lower, ...)                  \
    const struct csta_##lower body = {__VA_ARGS__}; \
    const struct csta_msg msg = {.id = CSTA_MSG_##upper, .lower = &body}

static struct csta_data data_of(struct str octets)
{
    return octets.n > 0 ? (struct csta_data){.kind = CSTA_DATA_STRING, .string = octets}
                        : (struct csta_data){0};
}

/** Of a foreign call: do the rules let it go there? */
static bool may_go(const struct connection *c, struct str to)
{
    struct phone_call *pc;
    struct phone *f = c->call->foreign ? phone_of_call(c, &pc) : NULL;

    return f == NULL || phone_may_call(f, to);
}

/* ---- one call ---- */

static enum call_error do_clear(void *ctx, struct connection *c, struct str reason,
                                struct str uui, uint64_t now_ms)
{
    MESSAGE(CLEAR_CONNECTION, clear_connection, .connection_to_be_cleared = id_of(c),
            .user_data = data_of(uui),
            .reason = reason.n > 0 ? csta_event_cause_find(reason) : CSTA_CAUSE_ABSENT);

    return c->call->foreign ? phone_command(c, &msg, NULL, NULL, now_ms)
                            : below->clear(ctx, c, reason, uui, now_ms);
}

static enum call_error do_clear_all(void *ctx, struct connection *by, struct str reason,
                                    struct str uui, uint64_t now_ms)
{
    return by->call->foreign ? do_clear(ctx, by, reason, uui, now_ms)
                             : below->clear_all(ctx, by, reason, uui, now_ms);
}

static enum call_error do_deflect(void *ctx, struct connection *c, struct str to,
                                  struct str uui, uint64_t now_ms)
{
    MESSAGE(DEFLECT_CALL, deflect_call, .call_to_be_diverted = id_of(c),
            .new_destination = {.value = to}, .user_data = data_of(uui));

    if (c->call->foreign && c->state != CONN_ALERTING) {
        return CALL_BAD_STATE;
    }
    if (!may_go(c, to)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    return c->call->foreign ? phone_command(c, &msg, NULL, NULL, now_ms)
                            : below->deflect(ctx, c, to, uui, now_ms);
}

static enum call_error do_hold(void *ctx, struct connection *c, call_done_fn fn, void *owner,
                               uint64_t now_ms)
{
    MESSAGE(HOLD_CALL, hold_call, .call_to_be_held = id_of(c));

    if (c->call->foreign && c->state != CONN_CONNECTED) {
        return CALL_BAD_STATE;
    }
    return c->call->foreign ? phone_command(c, &msg, fn, owner, now_ms)
                            : below->hold(ctx, c, fn, owner, now_ms);
}

static enum call_error do_retrieve(void *ctx, struct connection *c, call_done_fn fn,
                                   void *owner, uint64_t now_ms)
{
    MESSAGE(RETRIEVE_CALL, retrieve_call, .call_to_be_retrieved = id_of(c));

    if (c->call->foreign && c->state != CONN_HOLD) {
        return CALL_BAD_STATE;
    }
    return c->call->foreign ? phone_command(c, &msg, fn, owner, now_ms)
                            : below->retrieve(ctx, c, fn, owner, now_ms);
}

static enum call_error do_transfer(void *ctx, struct connection *c, struct str to,
                                   struct str uui, call_done_fn fn, void *owner,
                                   uint64_t now_ms)
{
    MESSAGE(SINGLE_STEP_TRANSFER_CALL, single_step_transfer_call, .active_call = id_of(c),
            .transferred_to = {.value = to}, .user_data = data_of(uui));

    if (c->call->foreign && c->state != CONN_CONNECTED) {
        return CALL_BAD_STATE;
    }
    if (!may_go(c, to)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    return c->call->foreign ? phone_command(c, &msg, fn, owner, now_ms)
                            : below->transfer(ctx, c, to, uui, fn, owner, now_ms);
}

static enum call_error do_digits(void *ctx, struct connection *c,
                                 const struct call_digits *args, call_done_fn fn, void *owner,
                                 uint64_t now_ms)
{
    MESSAGE(GENERATE_DIGITS, generate_digits, .connection_to_send_digits = id_of(c),
            .characters_to_send = args->digits,
            .tone_duration = {.value = args->tone_ms, .set = args->tone_ms > 0},
            .pause_duration = {.value = args->pause_ms, .set = args->pause_ms > 0});

    if (c->call->foreign && c->state != CONN_CONNECTED) {
        return CALL_BAD_STATE;
    }
    return c->call->foreign ? phone_command(c, &msg, fn, owner, now_ms)
                            : below->digits(ctx, c, args, fn, owner, now_ms);
}

static enum call_error do_dial(void *ctx, struct connection *c, struct str digits,
                               struct str whole, uint64_t now_ms)
{
    MESSAGE(DIAL_DIGITS, dial_digits, .dialling_connection = id_of(c),
            .dialling_sequence = {.value = digits});
    struct phone_call *pc;
    struct phone *f = c->call->foreign ? phone_of_call(c, &pc) : NULL;

    if (c->call->foreign && c->state != CONN_INITIATED &&
        (c->state != CONN_CONNECTED || c != c->call->a || c->call->b->established)) {
        return CALL_BAD_STATE;
    }
    if (f != NULL && !phone_may_dial(f, pc, digits)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    return c->call->foreign ? phone_command(c, &msg, NULL, NULL, now_ms)
                            : below->dial(ctx, c, digits, whole, now_ms);
}

/* ---- two calls ---- */

/** Sets of states, by bit. */
#define IN(state) (1U << CONN_##state)

/** May a phone be asked for something about two calls in these states (TR/87 7.0, V-4)? */
static bool are_in(const struct connection *one, unsigned states,
                   const struct connection *other, unsigned others)
{
    return (1U << one->state & states) != 0 && (1U << other->state & others) != 0;
}

static bool may_alternate(const struct connection *held, const struct connection *active)
{
    return are_in(held, IN(HOLD) | IN(ALERTING) | IN(QUEUED), active, IN(CONNECTED));
}

static bool may_reconnect(const struct connection *active, const struct connection *held)
{
    return are_in(held, IN(HOLD), active,
                  IN(ALERTING) | IN(CONNECTED) | IN(FAIL) | IN(INITIATED) | IN(QUEUED));
}

static bool may_meet(const struct connection *held, const struct connection *active)
{
    return are_in(held, IN(HOLD) | IN(CONNECTED), active, IN(CONNECTED) | IN(HOLD));
}

/** Are both foreign, and of one phone? @return CALL_OK: ask it, in those states;
   CALL_UNSUPPORTED: the switch */
static enum call_error pair_of(const struct connection *a, const struct connection *b,
                               bool possible)
{
    struct phone_call *pa, *pb;

    if (!a->call->foreign && !b->call->foreign) {
        return CALL_UNSUPPORTED;
    }
    return possible && a->call != b->call && a->call->foreign && b->call->foreign &&
                   phone_of_call(a, &pa) == phone_of_call(b, &pb)
               ? CALL_OK
               : CALL_BAD_STATE;
}

static enum call_error do_alternate(void *ctx, struct connection *held,
                                    struct connection *active, call_done_fn fn, void *owner,
                                    uint64_t now_ms)
{
    enum call_error pair = pair_of(held, active, may_alternate(held, active));
    MESSAGE(ALTERNATE_CALL, alternate_call, .held_call = id_of(held),
            .active_call = id_of(active));

    return pair == CALL_OK          ? phone_command(active, &msg, fn, owner, now_ms)
           : pair == CALL_BAD_STATE ? pair
                                    : below->alternate(ctx, held, active, fn, owner, now_ms);
}

static enum call_error do_reconnect(void *ctx, struct connection *active,
                                    struct connection *held, call_done_fn fn, void *owner,
                                    uint64_t now_ms)
{
    enum call_error pair = pair_of(held, active, may_reconnect(active, held));
    MESSAGE(RECONNECT_CALL, reconnect_call, .active_call = id_of(active),
            .held_call = id_of(held));

    return pair == CALL_OK          ? phone_command(active, &msg, fn, owner, now_ms)
           : pair == CALL_BAD_STATE ? pair
                                    : below->reconnect(ctx, active, held, fn, owner, now_ms);
}

static enum call_error do_unite(void *ctx, struct connection *held, struct connection *active,
                                call_done_fn fn, void *owner, uint64_t now_ms)
{
    enum call_error pair = pair_of(held, active, may_meet(held, active));
    MESSAGE(TRANSFER_CALL, transfer_call, .held_call = id_of(held),
            .active_call = id_of(active));

    return pair == CALL_OK          ? phone_command(active, &msg, fn, owner, now_ms)
           : pair == CALL_BAD_STATE ? pair
                                    : below->unite(ctx, held, active, fn, owner, now_ms);
}

/* ---- conferences: at the focus with calls that Baton carries, in the phone with its own ----
 */

static enum call_error do_conference(void *ctx, struct connection *held,
                                     struct connection *active, struct connection **out,
                                     call_done_fn fn, void *owner, uint64_t now_ms)
{
    enum call_error pair = pair_of(held, active, may_meet(held, active));
    MESSAGE(CONFERENCE_CALL, conference_call, .held_call = id_of(held),
            .active_call = id_of(active));

    if (pair == CALL_OK) {
        *out = held;
        return phone_command(active, &msg, fn, owner, now_ms);
    }
    if (pair == CALL_UNSUPPORTED && !below->has_focus(ctx)) {
        return CALL_NO_SERVICE;
    }
    return pair == CALL_BAD_STATE
               ? pair
               : below->conference(ctx, held, active, out, fn, owner, now_ms);
}

static enum call_error do_invite(void *ctx, struct connection *c,
                                 const struct call_invite_args *args, struct connection **out,
                                 call_done_fn fn, void *owner, uint64_t now_ms)
{
    return c->call->foreign ? CALL_NO_SERVICE
                            : below->invite(ctx, c, args, out, fn, owner, now_ms);
}

/* ---- answer ---- */

/** The switch asks it in its own way, if it can. */
static enum call_error answer_below(void *ctx, struct connection *c, call_done_fn fn,
                                    void *owner, uint64_t now_ms)
{
    enum call_error err = below->answer(ctx, c, fn, owner, now_ms);

    return err == CALL_UNSUPPORTED ? phone_press_answer(c, fn, owner, now_ms) : err;
}

/** The phone could not: the switch asks it in its own way, if it can. */
static void answer_by_switch(struct act *a, enum call_error why, uint64_t now_ms)
{
    struct call_layer *l = a->phones->world.calls;
    struct call *call = call_find(l, str_c(a->call));
    struct connection *c = call == NULL ? NULL : call_connection(call, a->device);
    call_done_fn fn = a->fn;
    void *owner = a->owner;
    enum call_error err = CALL_GONE;

    act_free(a);
    if (fn == NULL) {
        return;
    }
    if (c != NULL) {
        err = answer_below(l, c, fn, owner, now_ms);
    }
    if (err != CALL_OK) {
        fn(owner, why, 0, now_ms);
    }
}

static void on_answer(void *owner, struct phone *f, const struct csta_msg *answer,
                      uint64_t now_ms)
{
    struct act *a = owner;
    enum call_error err = phone_error_of(answer);
    call_done_fn fn = a->fn;
    void *who = a->owner;

    (void)f;
    if (err != CALL_OK && a->by_switch) {
        answer_by_switch(a, err, now_ms);
        return;
    }
    if (err == CALL_NO_SERVICE && phone_press_instead(a, now_ms)) {
        return;
    }
    act_free(a);
    if (fn != NULL) {
        fn(who, err, 0, now_ms);
    }
}

/** The phone that rings, as far as it says so; else any of the device that can answer. */
static struct phone *phone_to_answer(const struct connection *c, struct phone_call **pc)
{
    struct phone *any = NULL;
    struct phones *p = c->call->layer->phones;

    *pc = NULL;
    for (struct phone *f = NULL; (f = phone_of_device(p, c->device, f)) != NULL;) {
        if (!phone_serves(f, CSTA_MSG_ANSWER_CALL)) {
            continue;
        }
        *pc = phone_call_of(f, c);
        if (*pc != NULL) {
            return f;
        }
        /* one that tells of calls and has not told of this one does not ring */
        any = any == NULL && !f->monitored ? f : any;
    }
    return any;
}

static enum call_error do_answer(void *ctx, struct connection *c, call_done_fn fn, void *owner,
                                 uint64_t now_ms)
{
    struct phone_call *pc = NULL;
    struct phone *f = c->device == NULL || c->ended ? NULL : phone_to_answer(c, &pc);
    const struct csta_answer_call body = {
        .call_to_be_answered = f != NULL ? phone_connection(f, pc)
                                         : (struct csta_connection_id){.call_id = STR("")}};
    const struct csta_msg msg = {.id = CSTA_MSG_ANSWER_CALL, .answer_call = &body};
    struct act *a;

    if (c->call->foreign && c->state != CONN_ALERTING && c->state != CONN_INITIATED) {
        return CALL_BAD_STATE;
    }
    if (f == NULL) {
        return c->call->foreign ? phone_command(c, &msg, fn, owner, now_ms)
                                : answer_below(ctx, c, fn, owner, now_ms);
    }
    if (c->state != CONN_ALERTING && c->state != CONN_INITIATED) {
        return answer_below(ctx, c, fn, owner, now_ms);
    }
    a = act_new(f->phones, fn, owner);
    if (a == NULL || phone_ask(f, &msg, on_answer, a, now_ms) != 0) {
        act_free(a);
        return c->call->foreign ? CALL_NO_RESOURCES : answer_below(ctx, c, fn, owner, now_ms);
    }
    a->by_switch = !c->call->foreign;
    a->service = CSTA_MSG_ANSWER_CALL;
    a->device = c->device;
    memcpy(a->call, c->call->id, CALL_ID_LEN);
    return CALL_OK;
}

/* ---- calls that begin ---- */

/** The call that was asked for, if it is still there. */
static struct phone_call *call_made(struct phone *f, const struct act *a)
{
    list_each(it, &f->calls)
    {
        struct phone_call *pc = list_entry(it, struct phone_call, link);
        if (str_eq(str_c(pc->call), str_c(a->made))) {
            return pc;
        }
    }
    return NULL;
}

static void take_id(struct phone_call *pc, struct str id)
{
    id = str_trim(id);
    pc->making = false;
    if (pc->id[0] == '\0' && id.n <= PHONE_CALL_ID_MAX) {
        memcpy(pc->id, id.p != NULL ? id.p : "", id.n);
        pc->id[id.n] = '\0';
    }
}

/** MakeCall and ConsultationCall. */
static void on_made(void *owner, struct phone *f, const struct csta_msg *answer,
                    uint64_t now_ms)
{
    struct act *a = owner;
    enum call_error err = phone_error_of(answer);
    struct phone_call *pc = call_made(f, a);
    struct connection *own = pc == NULL ? NULL : phone_call_own(pc);
    call_done_fn fn = a->fn;
    void *who = a->owner;
    bool told = a->service == CSTA_MSG_MAKE_CALL;

    act_free(a);
    if (err == CALL_OK && pc != NULL) {
        take_id(pc, answer->id == CSTA_MSG_MAKE_CALL_RESPONSE
                        ? answer->make_call_response->calling_device.call_id
                        : answer->consultation_call_response->initiated_call.call_id);
    } else if (own != NULL && told) {
        call_foreign_tell(call_other(own), CALL_EV_FAILED, "destNotObtainable", now_ms);
        call_foreign_over(own->call, own, "normalClearing", now_ms);
        phone_call_free(pc);
    } else if (own != NULL) {
        call_foreign_forget(own->call);
        phone_call_free(pc);
    }
    if (fn != NULL) {
        fn(who, own == NULL && err == CALL_OK ? CALL_GONE : err, 0, now_ms);
    }
}

/** A foreign call that the phone is asked to begin. */
static enum call_error begin_at(struct phone *f, const struct csta_msg *msg, struct str to,
                                call_done_fn fn, void *owner, struct connection **out,
                                uint64_t now_ms)
{
    struct phones *p = f->phones;
    struct csta_device_parts parts;
    struct phone_call *pc = phone_call_new(f, STR(""));
    struct act *a = act_new(p, fn, owner);
    struct connection *own =
        pc == NULL || a == NULL ? NULL : phone_call_begin(pc, true, phone_party(f, to), false);

    if (own == NULL) {
        act_free(a);
        if (pc != NULL) {
            phone_call_free(pc);
        }
        return CALL_NO_RESOURCES;
    }
    pc->making = true;
    csta_device_split(to, &parts);
    if (parts.user.n > 0 && parts.user.n <= PHONE_DIALLED_MAX) {
        memcpy(pc->dialled, parts.user.p, parts.user.n); /* digits may follow */
    }
    a->service = msg->id;
    memcpy(a->made, own->call->id, CALL_ID_LEN);
    if (phone_ask(f, msg, on_made, a, now_ms) != 0) {
        act_free(a);
        call_foreign_forget(own->call);
        phone_call_free(pc);
        return CALL_NO_RESOURCES;
    }
    *out = own;
    return CALL_OK;
}

/** What to have it dial. */
static struct str dialled(const struct phone *f, struct str to)
{
    struct str name = phone_name(f);
    size_t at = str_index(name, '@');

    if ((f->profile->quirks & PHONE_QUIRK_DIAL_URI) != 0 && str_index(to, '@') == to.n &&
        at < name.n) {
        return arena_fmt(f->phones->world.scratch, "sip:%.*s%.*s", STR_ARG(to),
                         STR_ARG(str_from(name, at)));
    }
    return to;
}

/** The phone by which its calls are made: its line is not here, so Baton cannot. */
static struct phone *phone_to_call(struct phones *p, const struct device *d)
{
    bool here = registrar_find(p->world.registrar, d->key) != NULL;

    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if ((f->id.n == 0 || !here) && phone_serves(f, CSTA_MSG_MAKE_CALL)) {
            return f;
        }
    }
    return NULL;
}

static enum call_error do_make(void *ctx, const struct call_make *args, struct connection **out,
                               uint64_t now_ms)
{
    struct phones *p = phones_of(ctx);
    struct phone *f = args->heard.fn != NULL ? NULL : phone_to_call(p, args->from);
    enum call_error err;

    if (f == NULL) {
        return below->make(ctx, args, out, now_ms);
    }
    if (!phone_may_call(f, args->to)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    MESSAGE(MAKE_CALL, make_call, .calling_device = {.value = phone_name(f)},
            .called_directory_number = {.value = dialled(f, args->to)},
            .auto_originate =
                args->prompt ? CSTA_AUTO_ORIGINATE_PROMPT : CSTA_AUTO_ORIGINATE_DO_NOT_PROMPT,
            .user_data = data_of(args->uui));
    err = begin_at(f, &msg, args->to, NULL, NULL, out, now_ms);
    if (err == CALL_OK) {
        /* no room for that: the call has none */
        (void)!call_set_correlator((*out)->call, args->correlator);
        call_foreign_tell(*out, CALL_EV_SERVICE_INITIATED, "makeCall", now_ms);
    }
    return err;
}

static enum call_error do_consult(void *ctx, struct connection *c, const struct call_make *args,
                                  enum call_consult_for options, struct connection **out,
                                  call_done_fn fn, void *owner, uint64_t now_ms)
{
    static const uint8_t words[] = {
        [CALL_CONSULT_ANY] = CSTA_CONSULT_OPTIONS_ABSENT,
        [CALL_CONSULT_ONLY] = CSTA_CONSULT_OPTIONS_CONSULT_ONLY,
        [CALL_CONSULT_TRANSFER] = CSTA_CONSULT_OPTIONS_TRANSFER_ONLY,
        [CALL_CONSULT_CONFERENCE] = CSTA_CONSULT_OPTIONS_CONFERENCE_ONLY,
    };
    struct phone_call *pc;
    struct phone *f = c->call->foreign ? phone_of_call(c, &pc) : NULL;

    if (!c->call->foreign) {
        return below->consult(ctx, c, args, options, out, fn, owner, now_ms);
    }
    if (f == NULL || f->state < PHONE_STARTING) {
        return CALL_NOT_REGISTERED;
    }
    if (!phone_serves(f, CSTA_MSG_CONSULTATION_CALL)) {
        return CALL_NO_SERVICE;
    }
    if (c->state != CONN_CONNECTED) {
        return CALL_BAD_STATE;
    }
    if (!phone_may_call(f, args->to)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    MESSAGE(CONSULTATION_CALL, consultation_call, .existing_call = phone_connection(f, pc),
            .consulted_device = {.value = dialled(f, args->to)},
            .consult_options = (enum csta_consult_options)words[options],
            .user_data = data_of(args->uui));
    return begin_at(f, &msg, args->to, fn, owner, out, now_ms);
}

/* ---- what is possible ---- */

static bool is_served(const struct phone *f, const struct connection *c,
                      enum csta_msg_id service)
{
    return phone_serves(f, service) || phone_can_press(c, service);
}

static unsigned on_one(const struct phone *f, const struct connection *c)
{
    static const struct {
        uint16_t state, service;
        unsigned bit;
    } rows[] = {
        {CONN_ALERTING, CSTA_MSG_ANSWER_CALL, CALL_SVC_ANSWER},
        {CONN_INITIATED, CSTA_MSG_ANSWER_CALL, CALL_SVC_ANSWER},
        {CONN_INITIATED, CSTA_MSG_DIAL_DIGITS, CALL_SVC_DIAL},
        {CONN_ALERTING, CSTA_MSG_DEFLECT_CALL, CALL_SVC_DEFLECT},
        {CONN_CONNECTED, CSTA_MSG_HOLD_CALL, CALL_SVC_HOLD},
        {CONN_HOLD, CSTA_MSG_RETRIEVE_CALL, CALL_SVC_RETRIEVE},
        {CONN_CONNECTED, CSTA_MSG_SINGLE_STEP_TRANSFER_CALL, CALL_SVC_TRANSFER},
        {CONN_CONNECTED, CSTA_MSG_CONSULTATION_CALL, CALL_SVC_CONSULT},
        {CONN_CONNECTED, CSTA_MSG_GENERATE_DIGITS, CALL_SVC_DIGITS},
    };
    unsigned can = is_served(f, c, CSTA_MSG_CLEAR_CONNECTION) ? CALL_SVC_CLEAR : 0U;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (c->state == rows[i].state && is_served(f, c, (enum csta_msg_id)rows[i].service)) {
            can |= rows[i].bit;
        }
    }
    return can;
}

static unsigned on_two(struct phone *f, const struct connection *c)
{
    unsigned can = 0;

    list_each(it, &f->calls)
    {
        const struct connection *o = phone_call_own(list_entry(it, struct phone_call, link));
        if (o == NULL || o == c) {
            continue;
        }
        if (may_alternate(c, o) || may_alternate(o, c)) {
            can |= phone_serves(f, CSTA_MSG_ALTERNATE_CALL) ? CALL_SVC_ALTERNATE : 0U;
        }
        if (may_meet(c, o)) {
            can |= phone_serves(f, CSTA_MSG_TRANSFER_CALL) ? CALL_SVC_UNITE : 0U;
            can |= phone_serves(f, CSTA_MSG_CONFERENCE_CALL) ? CALL_SVC_CONFERENCE : 0U;
        }
        if (may_reconnect(c, o)) {
            can |= phone_serves(f, CSTA_MSG_RECONNECT_CALL) ? CALL_SVC_RECONNECT : 0U;
        }
    }
    return can;
}

static unsigned do_services(void *ctx, const struct connection *c)
{
    struct phone_call *pc;
    struct phone *f;
    unsigned can;

    if (c->call->foreign) {
        f = c->ended ? NULL : phone_of_call(c, &pc);
        return f == NULL ? 0 : on_one(f, c) | on_two(f, c);
    }
    can = below->services(ctx, c);
    if (c->device != NULL && c->state == CONN_ALERTING &&
        (phone_to_answer(c, &pc) != NULL || phone_has_answer_key(c))) {
        can |= CALL_SVC_ANSWER;
    }
    return can;
}

static bool do_has(void *ctx, const struct device *d, enum csta_msg_id service)
{
    struct phones *p = phones_of(ctx);

    if (d != NULL) {
        return phones_serve(p, d, service);
    }
    list_each(it, &p->phones)
    {
        const struct phone *f = list_entry(it, struct phone, link);
        if (f->state == PHONE_UP && phone_serves(f, service)) {
            return true;
        }
    }
    return false;
}

static void do_forget(void *ctx, void *owner)
{
    struct phones *p = phones_of(ctx);

    list_each(it, &p->acts)
    {
        struct act *a = list_entry(it, struct act, link);
        if (a->owner == owner) {
            a->fn = NULL;
            a->phone_fn = NULL;
            a->owner = NULL;
        }
    }
    below->forget(ctx, owner);
}

void phones_driver_init(struct phones *p)
{
    struct cti_driver *d = &p->driver;

    pool_init(&p->act_pool, &p->env->mem, sizeof(struct act), 8, 0);
    *d = cti_switch_driver;
    d->name = "switch and phones";
    d->make = do_make;
    d->answer = do_answer;
    d->clear = do_clear;
    d->deflect = do_deflect;
    d->hold = do_hold;
    d->retrieve = do_retrieve;
    d->transfer = do_transfer;
    d->services = do_services;
    d->forget = do_forget;
    d->consult = do_consult;
    d->alternate = do_alternate;
    d->reconnect = do_reconnect;
    d->unite = do_unite;
    d->digits = do_digits;
    d->dial = do_dial;
    d->clear_all = do_clear_all;
    d->conference = do_conference;
    d->invite = do_invite;
    d->phone = phone_on_body;
    d->has = do_has;
    p->world.calls->phones = p;
    cti_set_driver(p->world.cti, d);
}

void phones_driver_fini(struct phones *p)
{
    cti_set_driver(p->world.cti, &cti_switch_driver);
    p->world.calls->phones = NULL;
    list_each(it, &p->acts)
    {
        act_free(list_entry(it, struct act, link));
    }
    pool_fini(&p->act_pool);
}
