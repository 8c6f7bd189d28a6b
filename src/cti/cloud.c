/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as CloudEvents: see cloud.h. What an event says of its User-to-User is cloud_uui.c's.
 *
 * Texts are written twice: once to measure, once into the arena. Events are some hundred octets
 * and written once for all who follow.
 */
#include "cti/cloud.h"
#include "csta/json.h"
#include "csta/json_text.h"
#include "cti/cloud_uui.h"
#include "cti/parts.h"
#include "cti/record.h"

static const struct str nobody = STR_INIT("0");

/* ---- parts ---- */

static void put_member(struct out *o, const char *name, struct str value)
{
    if (str_is_set(value)) {
        out_fmt(o, ",\"%s\":", name);
        json_put_string(o, value);
    }
}

/** Days since 1970 as a date (the civil calendar, days counted from March on). */
static void put_time(struct out *o, int64_t at_ms)
{
    uint64_t ms = at_ms > 0 ? (uint64_t)at_ms : 0;
    uint64_t days = ms / 86400000, rest = ms % 86400000;
    uint64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint64_t month = mp < 10 ? mp + 3 : mp - 9;
    uint64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);

    out_fmt(o, "\"%04llu-%02llu-%02lluT%02llu:%02llu:%02llu.%03lluZ\"",
            (unsigned long long)year, (unsigned long long)month,
            (unsigned long long)(doy - (153 * mp + 2) / 5 + 1),
            (unsigned long long)(rest / 3600000), (unsigned long long)(rest / 60000 % 60),
            (unsigned long long)(rest / 1000 % 60), (unsigned long long)(rest % 1000));
}

static void put_event(struct out *o, const struct cloud_event *e, struct str source,
                      struct str data)
{
    out_fmt(o, "{\"specversion\":\"1.0\",\"id\":\"%llu\",\"source\":",
            (unsigned long long)e->number);
    json_put_string(o, source);
    put_member(o, "type", e->type);
    put_member(o, "subject", e->subject);
    out_c(o, ",\"time\":");
    put_time(o, e->at_ms);
    out_fmt(o, ",\"sequence\":\"%llu\"", (unsigned long long)e->number);
    put_member(o, "partition", e->call_id);
    out_c(o, ",\"datacontenttype\":\"application/json\",\"data\":");
    out_str(o, data);
    out_ch(o, '}');
}

int cloud_wrap(struct cloud_event *e, struct str source, struct str data, struct arena *a)
{
    struct out o;
    char *buf;

    out_init(&o, NULL, 0);
    put_event(&o, e, source, data);
    buf = arena_alloc(a, o.need);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, o.need);
    put_event(&o, e, source, data);
    e->text = out_str_of(&o);
    return 0;
}

bool cloud_next_key(struct str *audience, struct str *key)
{
    if (audience->n == 0) {
        return false;
    }
    *key = str_upto(*audience, str_index(*audience, ' '));
    *audience = str_from(*audience, key->n + 1);
    return true;
}

int cloud_gap(uint64_t from, uint64_t to, const char *reason, int64_t at_ms, struct str source,
              struct arena *a, struct cloud_event *out)
{
    struct str data = arena_fmt(a, "{\"from\":\"%llu\",\"to\":\"%llu\",\"reason\":\"%s\"}",
                                (unsigned long long)from, (unsigned long long)to, reason);

    *out = (struct cloud_event){
        .number = to, .at_ms = at_ms, .type = STR("org.baton.gap.v1"), .gap = true};
    return str_is_set(data) ? cloud_wrap(out, source, data, a) : E_NOMEM;
}

/* ---- events of CSTA ---- */

/** What becomes of one record. */
struct cooking {
    const struct journal_record *r;
    struct csta_msg msg;
    struct cloud_uui uui;
    struct cloud_resynced resynced;
};

static bool is_about_call(const struct journal_record *r)
{
    return r->call_id.n > 0;
}

/** A device that may be named. */
static struct str party_of(const struct journal_record *r, enum journal_party party)
{
    return r->identity[party] == JOURNAL_ID && r->party[party].n > 0 ? r->party[party]
                                                                     : STR_NONE;
}

static struct str device_of(const struct journal_record *r)
{
    return party_of(r, JOURNAL_SUBJECT);
}

static void put_ids(struct out *o, const struct journal_record *r)
{
    struct str device = device_of(r);
    bool first = true;
    const struct {
        const char *name;
        struct str value;
    } all[] = {{"callID", is_about_call(r) ? r->call_id : STR_NONE},
               {"deviceID", device.n > 0 ? device : STR_NONE},
               {"sipCallID", r->sip_call_id.n > 0 ? r->sip_call_id : STR_NONE}};

    out_c(o, ",\"ids\":{");
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (str_is_set(all[i].value)) {
            out_fmt(o, "%s\"%s\":", first ? "" : ",", all[i].name);
            json_put_string(o, all[i].value);
            first = false;
        }
    }
    out_ch(o, '}');
}

static int put_data(struct out *o, const struct cooking *k)
{
    int err;

    out_ch(o, '{');
    out_ch(o, '"');
    out_str(o, csta_msg_name(k->msg.id));
    out_c(o, "\":");
    err = csta_json_write_body(&k->msg, o);
    put_ids(o, k->r);
    cloud_put_uui(o, &k->uui);
    cloud_put_resynced(o, &k->resynced);
    out_ch(o, '}');
    return err == E_SPACE ? 0 : err;
}

/** "org.baton.csta.delivered.v1" of "DeliveredEvent". */
static struct str type_of(struct str name, struct arena *a)
{
    struct str stem = str_ends(name, STR("Event")) ? str_upto(name, name.n - 5) : name;
    char first = stem.n > 0 ? stem.p[0] : 'x';

    if (first >= 'A' && first <= 'Z') {
        first = (char)(first - 'A' + 'a');
    }
    return arena_fmt(a, "org.baton.csta.%c%.*s.v1", first, STR_ARG(str_from(stem, 1)));
}

static int data_text(const struct cooking *k, struct arena *a, struct str *out)
{
    struct out o;
    char *buf;
    int err;

    out_init(&o, NULL, 0);
    err = put_data(&o, k);
    if (err != 0) {
        return err;
    }
    buf = arena_alloc(a, o.need);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, o.need);
    err = put_data(&o, k);
    *out = out_str_of(&o);
    return err;
}

static int csta_event(const struct store_event *row, struct str source, struct arena *a,
                      struct cloud_event *out)
{
    struct event_reader who = {.ref = nobody, .arena = a};
    struct journal_record r;
    struct cooking k = {.r = &r};
    struct str data;
    int err = record_read(row->data, &r);

    if (err != 0) {
        return err;
    }
    err = cloud_read_uui(&r, a, &k.uui);
    r.about = STR_NONE;
    if (err == 0) {
        err = event_message(&who, &r, &k.msg);
    }
    if (err == 0) {
        err = cloud_read_resynced(&k.msg, a, &k.resynced);
    }
    if (err == 0) {
        err = data_text(&k, a, &data);
    }
    if (err != 0) {
        return err;
    }
    out->type =
        k.resynced.there ? STR("org.baton.resynced.v1") : type_of(csta_msg_name(k.msg.id), a);
    out->call_id = is_about_call(&r) ? r.call_id : STR_NONE;
    out->subject = is_about_call(&r) ? r.call_id : device_of(&r);
    out->audience = r.audience;
    out->device = device_of(&r);
    out->calling = party_of(&r, JOURNAL_CALLING);
    out->called = party_of(&r, JOURNAL_CALLED);
    out->cause = csta_event_cause_name((enum csta_event_cause)r.cause);
    return str_is_set(out->type) ? cloud_wrap(out, source, data, a) : E_NOMEM;
}

/* ---- others ---- */

static int fact_event(const struct store_event *row, struct str source, struct arena *a,
                      struct cloud_event *out)
{
    struct journal_fact f;
    int err = fact_read(row->event, row->data, &f);

    if (err != 0) {
        return err;
    }
    out->type = f.type;
    out->subject = f.subject.n > 0 ? f.subject : STR_NONE;
    out->call_id = f.call_id.n > 0 ? f.call_id : STR_NONE;
    out->audience = f.audience;
    out->owner = f.owner;
    return cloud_wrap(out, source, f.data.n > 0 ? f.data : STR("{}"), a);
}

int cloud_event(const struct store_event *row, int64_t at_ms, struct str source,
                struct arena *a, struct cloud_event *out)
{
    uint64_t last = row->number;

    *out = (struct cloud_event){.number = row->number, .at_ms = at_ms};
    if (str_eq(row->event, STORE_GAP)) {
        (void)str_to_u64(row->data, UINT64_MAX, &last);
        return cloud_gap(row->number, last < row->number ? row->number : last, "lost", at_ms,
                         source, a, out);
    }
    return fact_is(row->event) ? fact_event(row, source, a, out)
                               : csta_event(row, source, a, out);
}
