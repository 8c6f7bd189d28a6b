/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explaining a route: a request is made from the command line, indexed like one from the wire,
 * and shown to the same table that the server asks.
 */
#include "base/err.h"
#include "cli/json.h"
#include "cli/route_cmd.h"
#include "sip/hdr.h"
#include <stdlib.h>
#include <time.h>

#define REQUEST_MAX 16384

struct explaining {
    const struct config *c;
    const struct route_ask *ask;
    FILE *out, *err;
    struct arena arena;
    struct directory directory;
    char text[REQUEST_MAX];
    struct sip_msg m;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct rule_query query;
    struct rule_verdict verdict;
};

/* ---- the request ---- */

static void no_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 7, n); /* keys of a table that nobody attacks */
}

/** A URI for what was typed. */
static void write_address(struct out *o, const struct explaining *x, const char *text)
{
    bool uri = strchr(text, ':') != NULL;
    bool host = strchr(text, '@') != NULL;
    if (uri) {
        out_c(o, text);
        return;
    }
    out_c(o, "sip:");
    if (host) {
        out_c(o, text);
        return;
    }
    rule_write_user(o, str_c(text));
    out_ch(o, '@');
    out_str(o, x->c->domains[0]);
}

static bool make_request(struct explaining *x)
{
    const struct route_ask *ask = x->ask;
    struct sip_fault fault;
    struct out o;
    out_init(&o, x->text, sizeof(x->text));
    out_fmt(&o, "%s ", ask->method);
    write_address(&o, x, ask->to);
    out_c(&o, " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKexplain\r\n"
              "Max-Forwards: 70\r\nFrom: <");
    write_address(&o, x, ask->from != NULL ? ask->from : "anonymous@anonymous.invalid");
    out_c(&o, ">;tag=1\r\nTo: <");
    write_address(&o, x, ask->to);
    out_fmt(&o, ">\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n", ask->call_id, ask->method);
    if (ask->uui != NULL) {
        out_fmt(&o, "User-to-User: %s\r\n", ask->uui);
    }
    for (size_t i = 0; i < ask->headers; i++) {
        out_fmt(&o, "%s\r\n", ask->header[i]);
    }
    out_c(&o, "Content-Length: 0\r\n\r\n");
    x->m.hdr = x->hdr;
    fault.reason = NULL;
    if (o.over ||
        sip_msg_index(&x->m, out_str_of(&o), true, &sip_limits_default, &fault) != 0 ||
        sip_msg_check(&x->m, &sip_limits_default, &fault) != 0) {
        fprintf(x->err, "baton route: that makes no request: %s\n",
                fault.reason != NULL ? fault.reason : "too long");
        return false;
    }
    return true;
}

/** "2026-11-20T09:00" on the clock of the zone. @return false: no time */
static bool read_time(const struct zone *zone, const char *text, int64_t *out)
{
    int year, month, day, hour = 0, minute = 0, used = 0;
    int n = sscanf(text, "%4d-%2d-%2d%n%*[T ]%2d:%2d%n", &year, &month, &day, &used, &hour,
                   &minute, &used);
    if ((n != 3 && n != 5) || text[used] != '\0' || year < 1970 || month < 1 || month > 12 ||
        day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59) {
        return false;
    }
    int64_t local = (int64_t)days_of_date(year, (unsigned)month, (unsigned)day) * 86400 +
                    hour * 3600 + minute * 60;
    int64_t guess = local - zone_offset(zone, local);
    *out = local - zone_offset(zone, guess);
    return true;
}

static const char *names_nobody(const struct explaining *x)
{
    const struct route_ask *ask = x->ask;
    if (ask->peer != NULL && directory_peer_named(&x->directory, str_c(ask->peer)) == NULL) {
        return "--peer: there is no such peer";
    }
    if (ask->device != NULL && directory_device(&x->directory, str_c(ask->device)) == NULL) {
        return "--device: there is no such device";
    }
    if (transport_of(str_c(ask->transport)) == TP_NONE) {
        return "--transport: udp, tcp, tls, ws or wss is wanted";
    }
    return NULL;
}

static bool make_query(struct explaining *x)
{
    const struct route_ask *ask = x->ask;
    struct rule_query *q = &x->query;
    struct device *sender = NULL;
    struct sip_addr from;
    struct sip_uri uri;
    uint32_t at;
    const char *wrong = names_nobody(x);
    *q = (struct rule_query){.m = &x->m,
                             .scratch = &x->arena,
                             .transport = (uint8_t)transport_of(str_c(ask->transport)),
                             .peer = str_c(ask->peer),
                             .asserted = ask->peer != NULL,
                             .unix_s = (int64_t)time(NULL)};
    if (wrong == NULL && ask->at != NULL && !read_time(&x->c->zone, ask->at, &q->unix_s)) {
        wrong = "--at: 2026-11-20T09:00 is wanted";
    }
    if (wrong != NULL) {
        fprintf(x->err, "baton route: %s\n", wrong);
        return false;
    }
    if (ask->device != NULL) {
        sender = directory_device(&x->directory, str_c(ask->device));
    } else if (ask->peer == NULL && sip_msg_addr(&x->m, SIP_HDR_FROM, &from) == 0) {
        sender = directory_device_of_uri(&x->directory, &from.uri);
    }
    if (sender != NULL) {
        q->device = q->calling = sender->number;
    }
    bool ours = sip_uri_parse(sip_msg_ruri(&x->m), 0, &uri, &at) == 0 &&
                directory_device_of_uri(&x->directory, &uri) != NULL;
    q->called_state = !ours               ? RULE_CALLED_OTHER
                      : ask->unregistered ? RULE_CALLED_UNREGISTERED
                                          : RULE_CALLED_REGISTERED;
    return rule_query_read(q) == 0;
}

/* ---- words ---- */

/** The first one; of several with weights the server takes any that is up. */
static const struct peer *peer_that_takes(const struct directory *d, struct str number)
{
    for (size_t i = 0; i < d->peer_count; i++) {
        for (size_t k = 0; k < d->peers[i].number_count; k++) {
            if (access_matches(d->peers[i].numbers[k], number)) {
                return &d->peers[i];
            }
        }
    }
    return NULL;
}

/** What the called number means without a target of the rule. */
static void write_location(struct out *o, const struct explaining *x, struct str number)
{
    char key[400];
    struct out k;
    out_init(&k, key, sizeof(key));
    out_str(&k, number);
    out_ch(&k, '@');
    out_str(&k, x->query.domain);
    struct sip_uri called;
    uint32_t at;
    bool ours =
        x->query.domain.n == 0 || (sip_uri_parse(sip_msg_ruri(&x->m), 0, &called, &at) == 0 &&
                                   directory_is_ours(&x->directory, &called));
    const struct device *d = ours && x->query.domain.n > 0 && !k.over
                                 ? directory_device(&x->directory, out_str_of(&k))
                             : ours ? directory_device(&x->directory, number)
                                    : NULL;
    const struct peer *p = ours ? peer_that_takes(&x->directory, number) : NULL;
    if (d != NULL) {
        out_fmt(o, "device %.*s", STR_ARG(d->number));
    } else if (p != NULL) {
        out_fmt(o, "peer %.*s (%.*s), number %.*s", STR_ARG(p->name), STR_ARG(p->uri),
                STR_ARG(number));
    } else if (!ours) {
        out_fmt(o, "sip:%.*s@%.*s", STR_ARG(number), STR_ARG(x->query.domain));
    } else {
        out_fmt(o, "nowhere: no device and no peer has %.*s", STR_ARG(number));
    }
}

static struct str target_text(struct explaining *x, const struct rule_target *t)
{
    char *buf = arena_alloc(&x->arena, 2048);
    struct str number = x->verdict.called;
    const struct peer *p;
    struct out o;
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, 2048);
    switch ((enum rule_target_kind)t->kind) {
    case RULE_TO_LOCATION:
        write_location(&o, x, number);
        break;
    case RULE_TO_DEVICE:
        out_fmt(&o, "device %.*s", STR_ARG(t->text));
        break;
    case RULE_TO_PEER:
        p = directory_peer_named(&x->directory, t->text);
        out_fmt(&o, "peer %.*s (%.*s), number %.*s", STR_ARG(t->text),
                STR_ARG(p != NULL ? p->uri : STR_NONE), STR_ARG(number));
        break;
    case RULE_TO_URI:
        rule_write_uri(&o, t->text, number,
                       x->verdict.rule->action == RULE_REDIRECT ||
                               x->verdict.rule->action == RULE_REFER
                           ? x->verdict.rule
                           : NULL);
        break;
    }
    return out_str_of(&o);
}

static void print_number(struct explaining *x, const char *what, struct str was, struct str is)
{
    if (!str_eq(was, is)) {
        fprintf(x->out, "    %s %.*s -> %.*s\n", what, STR_ARG(was), STR_ARG(is));
    }
}

static void print_verdict(struct explaining *x)
{
    const struct rule *r = x->verdict.rule;
    print_number(x, "called number ", x->query.called, x->verdict.called);
    print_number(x, "calling number", x->query.calling, x->verdict.calling);
    if (r->action == RULE_REFUSE) {
        fprintf(x->out, "    answer: %u %s\n", r->status,
                r->reason.n > 0 ? r->reason.p : sip_reason(r->status));
    } else {
        if (r->ask.n > 0) {
            fprintf(x->out, "    asked: the application that routes for %.*s, %u s; else\n",
                    STR_ARG(r->ask), r->ask_s);
        }
        if (r->action == RULE_REFER) {
            fprintf(x->out, "    answered and sent by REFER to, or else bridged to:\n");
        }
        if (r->action == RULE_REDIRECT) {
            fprintf(x->out, "    answer: %u %s\n", r->status, sip_reason(r->status));
        }
        for (size_t i = 0; i < x->verdict.target_count; i++) {
            struct str t = target_text(x, x->verdict.target[i]);
            fprintf(x->out, "    %zu. %.*s\n", i + 1, STR_ARG(t));
        }
    }
    for (size_t i = 0; i < r->header_lines; i++) {
        fprintf(x->out, "    header %.*s: %.*s\n", STR_ARG(r->headers[i].name),
                STR_ARG(r->headers[i].value));
    }
    if (r->uui_value.n > 0) {
        fprintf(x->out, "    User-to-User: %.*s%s\n", STR_ARG(r->uui_value),
                sip_msg_has(&x->m, SIP_HDR_USER_TO_USER) && r->action != RULE_REDIRECT &&
                        r->action != RULE_REFER
                    ? " (not sent: the request has its own)"
                    : "");
    }
}

/** What happens when no rule matches. */
static struct str default_text(struct explaining *x)
{
    char *buf = arena_alloc(&x->arena, 1024);
    struct out o;
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, 1024);
    if (x->m.method == SIP_METHOD_INVITE) {
        out_c(&o, "bridge to ");
        write_location(&o, x, x->query.called);
    } else {
        out_c(&o, "as the server does with that method");
    }
    return out_str_of(&o);
}

static void print_text(struct explaining *x)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    struct local_time t;
    local_time_of(&x->c->zone, x->query.unix_s, &t);
    fprintf(x->out, "%.*s %.*s from %.*s, %s %04d-%02u-%02u %02u:%02u\n",
            STR_ARG(sip_msg_method(&x->m)), STR_ARG(sip_msg_ruri(&x->m)),
            STR_ARG(x->query.calling), days[t.week_day], (int)t.year, t.month, t.month_day,
            t.minute / 60u, t.minute % 60u);
    for (size_t i = 0; i < x->c->routes.count; i++) {
        const struct rule *r = &x->c->routes.rule[i];
        char why[600];
        struct out o;
        out_init(&o, why, sizeof(why));
        bool holds = rule_holds(r, &x->c->zone, &x->query, &o);
        fprintf(x->out, "  %.*s (line %u): ", STR_ARG(r->name), r->line);
        if (holds) {
            fprintf(x->out, "matches: %s\n", rule_action_name(r->action));
            print_verdict(x);
            return;
        }
        fprintf(x->out, "no, %.*s\n", STR_ARG(out_str_of(&o)));
    }
    struct str by_default = default_text(x);
    fprintf(x->out, "  no rule matches: %.*s\n", STR_ARG(by_default));
}

static void print_json_rules(struct explaining *x)
{
    fputs("{\"rules\": [", x->out);
    for (size_t i = 0; i < x->c->routes.count; i++) {
        const struct rule *r = &x->c->routes.rule[i];
        char why[600];
        struct out o;
        out_init(&o, why, sizeof(why));
        bool holds = rule_holds(r, &x->c->zone, &x->query, &o);
        fputs(i > 0 ? ", {" : "{", x->out);
        json_print_member("name", r->name, true, x->out);
        fprintf(x->out, ", \"line\": %u, \"matches\": %s", r->line, holds ? "true" : "false");
        json_print_member("why", holds ? STR_NONE : out_str_of(&o), false, x->out);
        fputc('}', x->out);
        if (holds) {
            break;
        }
    }
    fputc(']', x->out);
}

static void print_json(struct explaining *x)
{
    const struct rule *r = x->verdict.rule;
    print_json_rules(x);
    if (r == NULL) {
        json_print_member("default", default_text(x), false, x->out);
        fputs("}\n", x->out);
        return;
    }
    json_print_member("rule", r->name, false, x->out);
    json_print_member("action", str_c(rule_action_name(r->action)), false, x->out);
    json_print_member("called", x->verdict.called, false, x->out);
    json_print_member("calling", x->verdict.calling, false, x->out);
    if (r->action == RULE_REFUSE || r->action == RULE_REDIRECT) {
        fprintf(x->out, ", \"status\": %u", r->status);
    }
    if (r->action != RULE_REFUSE) {
        fputs(", \"targets\": [", x->out);
        for (size_t i = 0; i < x->verdict.target_count; i++) {
            fputs(i > 0 ? ", " : "", x->out);
            json_print_string(target_text(x, x->verdict.target[i]), x->out);
        }
        fputc(']', x->out);
    }
    json_print_member("uui", r->uui_value, false, x->out);
    fputs("}\n", x->out);
}

int route_explain(const struct config *c, const struct route_ask *ask, FILE *out, FILE *err)
{
    static const struct env env = {.random = no_random};
    struct env own = env;
    struct explaining *x = calloc(1, sizeof(*x));
    int code = EXIT_CODE_USAGE;
    own.mem = mem_libc;
    if (x == NULL || directory_init(&x->directory, &own, c->domains, c->domain_count) != 0) {
        fprintf(err, "baton route: out of memory\n");
        free(x);
        return EXIT_CODE_FAILED;
    }
    x->c = c;
    x->ask = ask;
    x->out = out;
    x->err = err;
    arena_init(&x->arena, &mem_libc, 8192);
    (void)config_fill_directory((struct config *)(uintptr_t)c, &x->directory);
    if (make_request(x) && make_query(x) &&
        rule_find(&c->routes, &x->query, &x->verdict) == 0) {
        code = EXIT_CODE_OK;
        if (ask->json) {
            print_json(x);
        } else {
            print_text(x);
        }
    }
    directory_fini(&x->directory);
    arena_fini(&x->arena);
    free(x);
    return code;
}

/* ---- the list ---- */

static void print_patterns(const char *what, const struct pattern *p, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%s%.*s", i == 0 ? what : ", ", STR_ARG(p[i].text));
    }
}

void route_list(const struct config *c, FILE *out)
{
    for (size_t i = 0; i < c->routes.count; i++) {
        const struct rule *r = &c->routes.rule[i];
        fprintf(out, "%zu. %.*s (line %u): %s", i + 1, STR_ARG(r->name), r->line,
                rule_action_name(r->action));
        print_patterns("; to ", r->to, r->to_count, out);
        print_patterns("; from ", r->from, r->from_count, out);
        for (size_t k = 0; k < r->time_count; k++) {
            fprintf(out, "%s%.*s", k == 0 ? "; at " : ", ", STR_ARG(r->time_text[k]));
        }
        if (r->percent < 100) {
            fprintf(out, "; %u percent", r->percent);
        }
        for (size_t k = 0; k < r->target_count; k++) {
            static const char *const kinds[] = {"", "device:", "peer:", ""};
            fprintf(out, "%s%s%.*s", k == 0 ? " -> " : ", ", kinds[r->target[k].kind],
                    STR_ARG(r->target[k].text));
        }
        fputc('\n', out);
    }
}
