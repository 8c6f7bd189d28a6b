/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a 200 to REGISTER (RFC 3261 §10.3 step 8): every current binding with the
 * seconds that it has left, and the date, from which a phone without a clock sets its own.
 *
 * Seconds are rounded up: a binding that is still there has at least one.
 */
#include "registrar/parts.h"

/* "Contact: <" ">;q=0.123" ";expires=4294967295" CRLF */
#define CONTACT_ROOM 48
/* ";pub-gruu=\"sip:" ";gr=" "\";temp-gruu=\"sip:" 22 characters "\"" */
#define GRUU_ROOM 80
/* Date, "Require: outbound", "Flow-Timer: 4294967295", "Service-Route: " */
#define REST_ROOM 128

/* Octets of the GRUUs of one contact: the key and the instance may be escaped. */
static size_t gruu_size(struct str key, struct str instance)
{
    return str_is_set(instance) ? GRUU_ROOM + 4 * key.n + 3 * instance.n : 0;
}

size_t registrar_answer_size(const struct registrar *r, const struct record *rec,
                             struct str key, const struct contact *c, size_t n,
                             const struct answer_form *form)
{
    size_t size = REST_ROOM + form->path.n + r->config.service_route.n;
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            const struct binding *b = list_entry(it, struct binding, link);
            size += CONTACT_ROOM + b->contact.n + b->params.n;
            size += form->gruu ? gruu_size(key, b->instance) : 0;
        }
    }
    for (size_t i = 0; i < n; i++) {
        size += CONTACT_ROOM + c[i].uri.n + c[i].params.n;
        size += form->gruu ? gruu_size(key, c[i].instance) : 0;
    }
    return size;
}

static void write_gruus(const struct binding *b, struct out *o)
{
    struct out temporary;
    char text[400];
    out_c(o, ";pub-gruu=\"");
    registrar_gruu_write_public(b, o);
    out_ch(o, '"');
    out_init(&temporary, text, sizeof(text));
    if (registrar_gruu_write_temporary(b, &temporary) && !temporary.over) {
        out_c(o, ";temp-gruu=\"");
        out_str(o, out_str_of(&temporary));
        out_ch(o, '"');
    }
}

static void write_contact(const struct binding *b, bool gruu, uint64_t now_ms, struct out *o)
{
    out_c(o, "Contact: <");
    out_str(o, b->contact);
    out_ch(o, '>');
    if (b->has_q) {
        out_fmt(o, ";q=%u.%03u", b->q_milli / 1000u, b->q_milli % 1000u);
    }
    out_c(o, ";expires=");
    out_u64(o, (b->expires_ms - now_ms + 999) / 1000);
    out_str(o, b->params);
    if (gruu && b->gruu_life != 0) {
        write_gruus(b, o);
    }
    out_c(o, "\r\n");
}

/*
 * "Date: Sat, 13 Nov 2010 23:29:00 GMT" (§20.17). Own arithmetic, because gmtime may read
 * the time zone database. Days are counted in eras of 400 years that begin on 1 March, so that
 * the leap day is the last of its year.
 */
static void write_date(uint64_t wall_s, struct out *o)
{
    static const char day_name[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char month_name[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t days = wall_s / 86400;
    unsigned second = (unsigned)(wall_s % 86400);
    uint64_t shifted = days + 719468; /* since 1 March of the year 0 */
    uint64_t era = shifted / 146097;
    unsigned day_of_era = (unsigned)(shifted % 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned from_march = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * from_march + 2) / 5 + 1;
    unsigned month = from_march < 10 ? from_march + 2 : from_march - 10; /* 0: January */
    uint64_t year = era * 400 + year_of_era + (month < 2 ? 1 : 0);
    out_fmt(o, "Date: %s, %02u %s %04u %02u:%02u:%02u GMT\r\n", day_name[days % 7], day,
            month_name[month], (unsigned)(year % 10000), second / 3600, second / 60 % 60,
            second % 60);
}

void registrar_answer_write(const struct registrar *r, const struct record *rec,
                            const struct answer_form *form, uint64_t now_ms, struct out *o)
{
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            write_contact(list_entry(it, struct binding, link), form->gruu, now_ms, o);
        }
    }
    write_date(r->env->wall_s(r->env->ctx), o);
    if (form->outbound) {
        out_c(o, "Require: outbound\r\n");
    }
    if (form->flow_timer && r->config.flow_timer_s > 0) {
        out_fmt(o, "Flow-Timer: %u\r\n", (unsigned)r->config.flow_timer_s);
    }
    if (r->config.service_route.n > 0) {
        out_c(o, "Service-Route: ");
        out_str(o, r->config.service_route);
        out_c(o, "\r\n");
    }
    out_str(o, form->path);
}
