/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services on the phone itself: refused while nobody can ask it; with a driver that can, its
 * answer is what the application gets, once, whatever happens meanwhile.
 */
#include "fixture_cti.h"

struct puppet {
    enum call_error at_once;
    unsigned asked, forgotten;
    char device[64];
    enum csta_msg_id service;
    cti_phone_fn fn;
    void *owner;
};

static enum call_error puppet_phone(void *ctx, struct device *d, const struct csta_msg *request,
                                    cti_phone_fn fn, void *owner, uint64_t now_ms)
{
    struct puppet *p = ctx;
    (void)now_ms;
    p->asked++;
    p->service = request->id;
    snprintf(p->device, sizeof(p->device), "%.*s", STR_ARG(d->uri));
    if (p->at_once == CALL_OK) {
        p->fn = fn;
        p->owner = owner;
    }
    return p->at_once;
}

static void puppet_forget(void *ctx, void *owner)
{
    struct puppet *p = ctx;
    p->forgotten++;
    CHECK(owner == p->owner);
    p->owner = NULL;
}

static const struct cti_driver puppet_driver = {
    .name = "puppet", .phone = puppet_phone, .forget = puppet_forget};

static struct office *up(struct puppet *p)
{
    struct office *o = office_up(NULL, TP_UDP);
    office_register(o, 0, false, 3600);
    client_open(&o->client[0], "crm", STATUS_REQUEST);
    client_open(&o->client[1], "desk", STATUS_REQUEST);
    client_clear(&o->client[0]);
    client_clear(&o->client[1]);
    if (p != NULL) {
        *p = (struct puppet){0};
        o->cti->driver = &puppet_driver;
        o->cti->driver_ctx = p;
    }
    return o;
}

#define D1 "<device>1001</device>"

static void test_nobody_can_ask(void)
{
    static const struct {
        const char *root, *inside;
    } rows[] = {
        {"GetSpeakerMute", D1},
        {"SetSpeakerMute", D1 "<speakerMuteOn>true</speakerMuteOn>"},
        {"GetSpeakerVolume", D1},
        {"SetSpeakerVolume", D1 "<speakerVolume><volAbs>50</volAbs></speakerVolume>"},
        {"GetMicrophoneMute", D1},
        {"SetMicrophoneMute", D1 "<microphoneMuteOn>true</microphoneMuteOn>"},
        {"GetRingerStatus", D1},
        {"SetRingerStatus", D1 "<ringPattern>3</ringPattern>"},
        {"GetHookswitchStatus", D1},
        {"SetHookswitchStatus", D1 "<hookswitchOnhook>true</hookswitchOnhook>"},
    };
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        client_clear(c);
        client_ask(c, rows[i].root, rows[i].inside);
        CHECK_STR(str_c(c->log), "X:operation/serviceNotSupported");
    }
    client_clear(c);
    client_ask(c, "SetMicrophoneMute", D1); /* the service comes before its parameters */
    CHECK_STR(str_c(c->log), "X:operation/serviceNotSupported");
    office_down(o);
}

/** The phone is not asked for what is wrong before. */
static void test_refused(void)
{
    struct puppet p;
    struct office *o = up(&p);
    struct client *c = &o->client[0];
    client_ask(c, "GetSpeakerMute", "<device>1099</device>");
    CHECK_STR(str_c(c->log), "X:operation/invalidDeviceID");
    client_ask(&o->client[1], "GetSpeakerMute", "<device>1002</device>");
    CHECK_STR(str_c(o->client[1].log), "X:operation/privilegeViolationSpecifiedDevice");
    client_clear(c);
    client_ask(c, "SetMicrophoneMute", D1);
    CHECK_STR(str_c(c->log), "X:operation/invalidMicrophoneMute");
    client_clear(c);
    client_ask(c, "GetRingerStatus", ""); /* of no device */
    CHECK_STR(str_c(c->log), "X:operation/invalidDeviceID");
    CHECK_INT(p.asked, 0);
    o->cti->driver = &cti_switch_driver;
    o->cti->driver_ctx = &o->calls;
    office_down(o);
}

static void test_its_answer(void)
{
    static const struct csta_speaker_mute_item item = {.speaker_mute_on = CSTA_TRUE};
    static const struct csta_get_speaker_mute_response body = {.speaker_mute_list = {&item, 1}};
    static const struct csta_error error = {.kind = CSTA_ERROR_OPERATION,
                                            .value = CSTA_OPERATION_INVALID_FEATURE};
    static const struct csta_hold_call_response other;
    const struct csta_msg good = {.id = CSTA_MSG_GET_SPEAKER_MUTE_RESPONSE, .body = &body};
    const struct csta_msg bad = {.id = CSTA_MSG_ERROR_CODE, .error_code = &error};
    const struct csta_msg odd = {.id = CSTA_MSG_HOLD_CALL_RESPONSE, .body = &other};
    const struct {
        const struct csta_msg *answer;
        const char *want;
    } rows[] = {{&good, "A:GetSpeakerMuteResponse"},
                {&bad, "X:operation/invalidFeature"},
                {&odd, "X:unspecified/"},
                {NULL, "X:systemResourceAvailibility/resourceOutOfService"}};
    struct puppet p;
    struct office *o = up(&p);
    struct client *c = &o->client[0];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        client_clear(c);
        client_ask(c, "GetSpeakerMute", "<device>tel:1001</device>");
        CHECK_STR(str_c(c->log), ""); /* the phone is asked */
        CHECK_STR(str_c(p.device), "sip:1001@example.com");
        CHECK_INT(p.service, CSTA_MSG_GET_SPEAKER_MUTE);
        p.fn(p.owner, rows[i].answer, o->net.now_ms);
        office_run(o, 50);
        CHECK_STR(str_c(c->log), rows[i].want);
        CHECK_INT(o->cti->pending_pool.in_use, 0);
    }
    CHECK_INT(p.forgotten, 0);
    o->cti->driver = &cti_switch_driver;
    o->cti->driver_ctx = &o->calls;
    office_down(o);
}

static void test_no_answer(void)
{
    struct puppet p;
    struct office *o = up(&p);
    struct client *c = &o->client[0];
    p.at_once = CALL_UNSUPPORTED;
    client_ask(c, "GetSpeakerMute", D1);
    CHECK_STR(str_c(c->log), "X:operation/serviceNotSupported");
    p.at_once = CALL_NOT_REGISTERED;
    client_clear(c);
    client_ask(c, "GetSpeakerMute", D1);
    CHECK_STR(str_c(c->log), "X:systemResourceAvailibility/deviceOutOfService");
    p.at_once = CALL_OK;
    client_clear(c);
    client_ask(c, "GetSpeakerMute", D1);
    office_run(o, 29000); /* nothing comes */
    CHECK_STR(str_c(c->log), "X:systemResourceAvailibility/resourceOutOfService");
    CHECK_INT(p.forgotten, 1);
    client_clear(c);
    client_ask(c, "GetSpeakerMute", D1);
    client_bye(c); /* nobody waits any more */
    office_run(o, 100);
    CHECK_INT(p.forgotten, 2);
    CHECK_INT(o->cti->pending_pool.in_use, 0);
    o->cti->driver = &cti_switch_driver;
    o->cti->driver_ctx = &o->calls;
    office_down(o);
}

TEST_MAIN(T(test_nobody_can_ask), T(test_refused), T(test_its_answer), T(test_no_answer))
