/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is to be said about the phones of a device, as XML (cti/report.c,
 * docs/csta-private.md): for each registration where it is and which profile it gets and why,
 * for each phone that is commanded how its session is, and by which means each service works
 * now.
 *
 * MEANS of a service, for calls that Baton carries and for those that it does not:
 *
 *   carried   `switch` what a switch can do itself; AnswerCall and the phone's body by whatever
 *             reaches the phone: `session`, `notify`, `talk`
 *   others    `session` or `notify`, when the phone serves it
 *
 * Nothing is asked of a phone for this: it is what is known.
 */
#include "csta/xml.h"
#include "phone/parts.h"

static void put_attr(struct out *o, const char *name, struct str value)
{
    if (str_is_set(value)) {
        out_fmt(o, " %s=\"", name);
        xml_write(o, value, true);
        out_ch(o, '"');
    }
}

static void put_lines(struct out *o, struct str lines)
{
    while (lines.n > 0) {
        size_t end = str_index(lines, '\n');
        out_c(o, "<setting>");
        xml_write(o, str_upto(lines, end), false);
        out_c(o, "</setting>");
        lines = str_from(lines, end + 1);
    }
}

/* ---- registrations ---- */

/** Does the contact say another address than its REGISTER came from? */
static bool behind_nat(const struct binding *b)
{
    struct sip_uri uri;
    struct addr said;
    uint32_t at;

    return sip_uri_parse(b->contact, 0, &uri, &at) == 0 && b->routes.n == 0 &&
           addr_parse_host(uri.host, 0, &said) && !addr_ip_eq(&said, &b->hop.remote);
}

static const char *why_of(enum phone_choice_why why)
{
    static const char *const names[] = {
        [PHONE_CHOICE_NAMED] = "configured",    [PHONE_CHOICE_AGENT] = "userAgent",
        [PHONE_CHOICE_UNKNOWN] = "unknownName", [PHONE_CHOICE_NO_AGENT] = "noUserAgent",
        [PHONE_CHOICE_NO_MATCH] = "noMatch",
    };
    return names[why];
}

static void put_registration(const struct phones *p, const struct device *d,
                             const struct binding *b, struct out *o, uint64_t now_ms)
{
    struct phone_choice c =
        phone_profile_choose(p->world.profiles, b->user_agent, d->phone_profile);
    char from[64];
    struct out at;

    out_init(&at, from, sizeof(from));
    addr_write(&at, &b->hop.remote);
    out_c(o, "<registration");
    put_attr(o, "contact", b->contact);
    put_attr(o, "transport", str_c(transport_name((enum transport)b->hop.transport)));
    put_attr(o, "from", out_str_of(&at));
    put_attr(o, "userAgent", b->user_agent);
    out_fmt(o, " expiresS=\"%llu\" nat=\"%s\" flow=\"%s\" talk=\"%s\" profileBy=\"%s\"",
            (unsigned long long)(b->expires_ms > now_ms ? (b->expires_ms - now_ms) / 1000 : 0),
            behind_nat(b) ? "yes" : "no",
            b->hop.flow == 0 ? "closed"
            : b->failed      ? "failed"
                             : "open",
            b->event_talk ? "yes" : "no", why_of(c.why));
    if (c.profile == NULL) {
        out_c(o, "/>");
        return;
    }
    put_attr(o, "profile", c.profile->name);
    put_attr(o, "pattern", c.pattern);
    put_attr(o, "means", phone_means_name(c.profile->means));
    out_c(o, ">");
    put_lines(o, c.profile->settings);
    out_c(o, "</registration>");
}

/* ---- phones that are commanded ---- */

struct reporting {
    struct out *o;
    uint64_t now_ms;
};

static void put_phone(void *ctx, const struct phone_about *a)
{
    static const char *const states[] = {[PHONE_WAITING] = "waiting",
                                         [PHONE_OPENING] = "opening",
                                         [PHONE_STARTING] = "starting",
                                         [PHONE_UP] = "up"};
    const struct reporting *r = ctx;
    struct out *o = r->o;

    out_c(o, "<session");
    put_attr(o, "phone", a->id);
    put_attr(o, "profile", a->profile != NULL ? a->profile->name : STR_NONE);
    put_attr(o, "state", str_c(states[a->state]));
    out_fmt(o, " monitored=\"%s\" attempts=\"%u\" calls=\"%u\"", a->monitored ? "yes" : "no",
            a->attempts, a->calls);
    if (a->status != 0) {
        out_fmt(o, " status=\"%u\"", a->status);
    }
    put_attr(o, "trouble", str_c(a->trouble));
    if (a->state == PHONE_WAITING && a->next_ms != WHEEL_NEVER) {
        out_fmt(
            o, " nextS=\"%llu\"",
            (unsigned long long)(a->next_ms > r->now_ms ? (a->next_ms - r->now_ms) / 1000 : 0));
    }
    if (a->profile == NULL || a->id.n > 0) { /* said with its registration */
        out_c(o, "/>");
        return;
    }
    out_c(o, ">");
    put_lines(o, a->profile->settings);
    out_c(o, "</session>");
}

/* ---- services ---- */

/** Who carries it out in a call that Baton carries. */
enum by { BY_SWITCH, BY_TALK, BY_PHONE };

static const struct {
    enum csta_msg_id id;
    enum by by;
} rows[] = {
    {CSTA_MSG_MAKE_CALL, BY_SWITCH},
    {CSTA_MSG_ANSWER_CALL, BY_TALK},
    {CSTA_MSG_CLEAR_CONNECTION, BY_SWITCH},
    {CSTA_MSG_HOLD_CALL, BY_SWITCH},
    {CSTA_MSG_RETRIEVE_CALL, BY_SWITCH},
    {CSTA_MSG_DEFLECT_CALL, BY_SWITCH},
    {CSTA_MSG_CONSULTATION_CALL, BY_SWITCH},
    {CSTA_MSG_ALTERNATE_CALL, BY_SWITCH},
    {CSTA_MSG_RECONNECT_CALL, BY_SWITCH},
    {CSTA_MSG_TRANSFER_CALL, BY_SWITCH},
    {CSTA_MSG_SINGLE_STEP_TRANSFER_CALL, BY_SWITCH},
    {CSTA_MSG_GENERATE_DIGITS, BY_SWITCH},
    {CSTA_MSG_SET_DO_NOT_DISTURB, BY_SWITCH},
    {CSTA_MSG_SET_FORWARDING, BY_SWITCH},
    {CSTA_MSG_SET_MICROPHONE_MUTE, BY_PHONE},
    {CSTA_MSG_SET_SPEAKER_MUTE, BY_PHONE},
    {CSTA_MSG_SET_SPEAKER_VOLUME, BY_PHONE},
    {CSTA_MSG_SET_RINGER_STATUS, BY_PHONE},
    {CSTA_MSG_SET_HOOKSWITCH_STATUS, BY_PHONE},
};

/** A phone of the device that can be asked that now; NULL: none. */
static const struct phone *server_of(const struct phones *p, const struct device *d,
                                     enum csta_msg_id id)
{
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if (phone_serves(f, id)) {
            return f;
        }
    }
    return NULL;
}

static bool takes_talk(const struct phones *p, const struct device *d)
{
    const struct record *rec = registrar_find(p->world.registrar, d->key);

    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            const struct binding *b = list_entry(it, struct binding, link);
            if (b->event_talk || (p->world.calls->talks != NULL &&
                                  p->world.calls->talks(p->world.calls->phones, d, b))) {
                return true;
            }
        }
    }
    return false;
}

/** Is there a phone with a key for that? */
static bool presses(const struct phones *p, const struct device *d, enum csta_msg_id id)
{
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if (phone_has_key(f, id)) {
            return true;
        }
    }
    return false;
}

/** Is there one that tells of its calls now? */
static bool tells_calls(const struct phones *p, const struct device *d)
{
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if (f->monitored) {
            return true;
        }
    }
    return false;
}

static void put_service(const struct phones *p, const struct device *d, size_t row,
                        struct out *o)
{
    const struct phone *f = server_of(p, d, rows[row].id);
    struct str own = f != NULL ? phone_means_name(f->profile->means) : STR_NONE;
    struct str carried = rows[row].by == BY_SWITCH ? STR("switch") : own, others = own;
    bool keyed = presses(p, d, rows[row].id);

    if (rows[row].by == BY_TALK && !str_is_set(carried)) {
        carried = takes_talk(p, d) ? STR("talk") : keyed ? STR("key") : STR_NONE;
    }
    if (f == NULL) {
        others = keyed && tells_calls(p, d) ? STR("key") : STR_NONE;
    } else if (!f->profile->own_events && rows[row].by != BY_PHONE) {
        others = STR_NONE;
    }
    out_c(o, "<service");
    put_attr(o, "name", csta_msg_name(rows[row].id));
    put_attr(o, "carried", str_is_set(carried) ? carried : STR("none"));
    put_attr(o, "others", str_is_set(others) ? others : STR("none"));
    out_c(o, "/>");
}

void phones_report(void *ctx, const struct device *d, struct out *o, uint64_t now_ms)
{
    const struct phones *p = ctx;
    const struct record *rec = registrar_find(p->world.registrar, d->key);
    struct reporting r = {.o = o, .now_ms = now_ms};

    phone_report_names(p, d, o);
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            put_registration(p, d, list_entry(it, struct binding, link), o, now_ms);
        }
    }
    phones_each(p, d, put_phone, &r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put_service(p, d, i, o);
    }
}
