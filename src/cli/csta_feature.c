/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words to requests about a device's features, and their answers to words.
 *
 * A verb with a device alone asks, with more it sets. Words are taken as people say them
 * (`no-answer`, `20s`); where CSTA has names that people know too (`ready`, `loggedOn`), these.
 */
#include "cli/csta_feature.h"

#define COMPLAIN(...) (*complaint = arena_fmt(a, __VA_ARGS__), E_VALUE)

/** A body of type `struct csta_<type>` in `member` of the order's message. */
#define BODY(member, msg_id, type)                             \
    struct csta_##type *body = arena_zalloc(a, sizeof(*body)); \
    if (body == NULL) {                                        \
        return E_NOMEM;                                        \
    }                                                          \
    o->msg.id = (msg_id);                                      \
    o->msg.member = body;                                      \
    body->device.value = arg[0]

static bool read_switch(struct str word, enum csta_bool *out)
{
    bool on = str_ieq(word, STR("on"));

    *out = on ? CSTA_TRUE : CSTA_FALSE;
    return on || str_ieq(word, STR("off"));
}

static int build_dnd(struct csta_order *o, const struct str *arg, size_t narg, struct arena *a,
                     struct str *complaint)
{
    if (narg == 1) {
        BODY(get_do_not_disturb, CSTA_MSG_GET_DO_NOT_DISTURB, get_do_not_disturb);
        return 0;
    }
    BODY(set_do_not_disturb, CSTA_MSG_SET_DO_NOT_DISTURB, set_do_not_disturb);
    return read_switch(arg[1], &body->do_not_disturb_on)
               ? 0
               : COMPLAIN("do not disturb is on or off, not \"%.*s\"", STR_ARG(arg[1]));
}

static enum csta_forwarding_type read_type(struct str word)
{
    static const struct {
        const char *word;
        enum csta_forwarding_type type;
    } words[] = {
        {"immediate", CSTA_FORWARDING_TYPE_FORWARD_IMMEDIATE},
        {"busy", CSTA_FORWARDING_TYPE_FORWARD_BUSY},
        {"no-answer", CSTA_FORWARDING_TYPE_FORWARD_NO_ANS},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_ieq(word, str_c(words[i].word))) {
            return words[i].type;
        }
    }
    return csta_forwarding_type_find(word);
}

/** "3" rings or "20s". */
static bool read_patience(struct str word, struct csta_set_forwarding *body)
{
    bool seconds = str_ends(word, STR("s"));
    struct csta_int *to = seconds ? &body->ring_duration : &body->ring_count;
    uint32_t n;

    to->set = str_to_u32(seconds ? str_upto(word, word.n - 1) : word, &n);
    to->value = to->set ? n : 0;
    return to->set;
}

static int build_forward(struct csta_order *o, const struct str *arg, size_t narg,
                         struct arena *a, struct str *complaint)
{
    if (narg == 1) {
        BODY(get_forwarding, CSTA_MSG_GET_FORWARDING, get_forwarding);
        return 0;
    }
    BODY(set_forwarding, CSTA_MSG_SET_FORWARDING, set_forwarding);
    body->forwarding_type = read_type(arg[1]);
    if (body->forwarding_type == CSTA_FORWARDING_TYPE_ABSENT) {
        return COMPLAIN("\"%.*s\" is no forwarding: immediate, busy, no-answer, or a name of "
                        "CSTA",
                        STR_ARG(arg[1]));
    }
    if (narg < 3 || !read_switch(arg[2], &body->activate_forward)) {
        return COMPLAIN("a forwarding is switched on or off");
    }
    body->forward_dn.value = narg > 3 ? arg[3] : STR_NONE;
    if (narg > 4 && !read_patience(arg[4], body)) {
        return COMPLAIN("\"%.*s\" is no number of rings, nor of seconds such as 20s",
                        STR_ARG(arg[4]));
    }
    return 0;
}

static int build_waiting(struct csta_order *o, const struct str *arg, size_t narg,
                         struct arena *a, struct str *complaint)
{
    if (narg == 1) {
        BODY(get_message_waiting_indicator, CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR,
             get_message_waiting_indicator);
        return 0;
    }
    BODY(set_message_waiting_indicator, CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR,
         set_message_waiting_indicator);
    body->device_for_message.value = narg > 2 ? arg[2] : STR_NONE;
    return read_switch(arg[1], &body->message_waiting_on)
               ? 0
               : COMPLAIN("message waiting is on or off, not \"%.*s\"", STR_ARG(arg[1]));
}

static int build_agent(struct csta_order *o, const struct str *arg, size_t narg,
                       struct arena *a, struct str *complaint)
{
    if (narg == 1) {
        BODY(get_agent_state, CSTA_MSG_GET_AGENT_STATE, get_agent_state);
        return 0;
    }
    BODY(set_agent_state, CSTA_MSG_SET_AGENT_STATE, set_agent_state);
    body->requested_agent_state = csta_req_agent_state_find(arg[1]);
    body->agent_id = narg > 2 ? arg[2] : STR_NONE;
    return body->requested_agent_state != CSTA_REQ_AGENT_STATE_ABSENT
               ? 0
               : COMPLAIN("\"%.*s\" is nothing that an agent can be: loggedOn, loggedOff, "
                          "ready, notReady, workingAfterCall",
                          STR_ARG(arg[1]));
}

int csta_feature_build(struct csta_order *o, const struct str *arg, size_t narg,
                       struct arena *a, struct str *complaint)
{
    switch (o->verb) {
    case CSTA_VERB_DND:
        return build_dnd(o, arg, narg, a, complaint);
    case CSTA_VERB_FORWARD:
        return build_forward(o, arg, narg, a, complaint);
    case CSTA_VERB_WAITING:
        return build_waiting(o, arg, narg, a, complaint);
    default:
        return build_agent(o, arg, narg, a, complaint);
    }
}

/* ---- as text ---- */

static void put_pair(struct out *o, const char *label, struct str s)
{
    if (s.n > 0) {
        out_c(o, o->n > 0 ? " " : "");
        out_c(o, label);
        out_str(o, s);
    }
}

static void put_switch(struct out *o, enum csta_bool on)
{
    put_pair(o, "", on == CSTA_TRUE ? STR("on") : STR("off"));
}

static void put_number(struct out *o, const struct csta_int *n, const char *unit)
{
    if (n->set) {
        out_fmt(o, " %d %s", (int)n->value, unit);
    }
}

static void put_forwardings(struct out *o, const struct csta_forward_list_item_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct csta_forward_list_item *f = &l->item[i];
        out_c(o, i > 0 ? "," : "");
        put_pair(o, "", csta_forwarding_type_name(f->forwarding_type));
        put_switch(o, f->forward_status);
        put_pair(o, "to ", f->forward_dn.value);
        put_number(o, &f->ring_count, "rings");
        put_number(o, &f->ring_duration, "s");
    }
}

static void put_agents(struct out *o, const struct csta_agent_state_entry_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct csta_agent_info_list *info = &l->item[i].agent_info;
        out_c(o, i > 0 ? "," : "");
        put_pair(o, "", l->item[i].agent_id);
        for (size_t k = 0; k < info->n; k++) {
            put_pair(o, "", csta_agent_state_name(info->item[k].agent_state));
            put_pair(o, "then ",
                     csta_pending_agent_state_name(info->item[k].pending_agent_state));
        }
    }
    out_c(o, l->n == 0 ? "nobody is logged on" : "");
}

static void write_text(const struct csta_msg *m, struct out *o)
{
    switch ((unsigned)m->id) {
    case CSTA_MSG_GET_DO_NOT_DISTURB_RESPONSE:
        put_switch(o, m->get_do_not_disturb_response->do_not_disturb_on);
        break;
    case CSTA_MSG_GET_FORWARDING_RESPONSE:
        put_forwardings(o, &m->get_forwarding_response->forwarding_list);
        break;
    case CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR_RESPONSE:
        put_switch(o, m->get_message_waiting_indicator_response->message_waiting_on);
        put_pair(o, "at ", m->get_message_waiting_indicator_response->device_for_message.value);
        break;
    case CSTA_MSG_GET_AGENT_STATE_RESPONSE:
        put_agents(o, &m->get_agent_state_response->agent_state_list);
        break;
    case CSTA_MSG_SET_AGENT_STATE_RESPONSE:
        put_pair(
            o, "after the call: ",
            csta_pending_agent_state_name(m->set_agent_state_response->pending_agent_state));
        break;
    case CSTA_MSG_AGENT_BUSY_EVENT:
        put_pair(o, "", m->agent_busy_event->agent_id);
        put_pair(o, "then ",
                 csta_pending_agent_state_name(m->agent_busy_event->pending_agent_state));
        break;
    case CSTA_MSG_AGENT_LOGGED_OFF_EVENT:
        put_pair(o, "", m->agent_logged_off_event->agent_id);
        break;
    case CSTA_MSG_AGENT_LOGGED_ON_EVENT:
        put_pair(o, "", m->agent_logged_on_event->agent_id);
        break;
    case CSTA_MSG_AGENT_NOT_READY_EVENT:
        put_pair(o, "", m->agent_not_ready_event->agent_id);
        break;
    case CSTA_MSG_AGENT_READY_EVENT:
        put_pair(o, "", m->agent_ready_event->agent_id);
        break;
    case CSTA_MSG_AGENT_WORKING_AFTER_CALL_EVENT:
        put_pair(o, "", m->agent_working_after_call_event->agent_id);
        break;
    default:
        break;
    }
}

struct str csta_feature_text(const struct csta_msg *m, struct arena *a)
{
    size_t cap = 512;
    struct out o;

    if (m->body == NULL) {
        return STR_NONE;
    }
    do {
        char *buf = arena_alloc(a, cap);
        if (buf == NULL) {
            return STR_NONE;
        }
        out_init(&o, buf, cap);
        write_text(m, &o);
        cap *= 4;
    } while (o.over && cap < (1U << 20));
    return o.over ? STR_NONE : out_str_of(&o);
}
