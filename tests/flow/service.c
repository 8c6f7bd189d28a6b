/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include "watcher.h"
#include <stdio.h>

/* ---- rules ---- */

void service_begin(struct service *s, enum role role)
{
    memset(s, 0, sizeof(*s));
    arena_init(&s->arena, &mem_libc, 4096);
    s->role = role;
}

const struct pattern *service_pattern(struct service *s, const char *text)
{
    struct pattern *p = arena_alloc(&s->arena, sizeof(*p));
    struct pattern_fault fault;
    CHECK_INT(pattern_compile(&s->arena, str_c(text), 0, p, &fault), 0);
    return p;
}

struct rule *service_rule(struct service *s, const char *to, enum rule_action action)
{
    char name[16];
    if (s->rules == SERVICE_RULES) {
        abort();
    }
    struct rule *r = &s->rule[s->rules];
    (void)snprintf(name, sizeof(name), "rule %zu", s->rules);
    *r = (struct rule){.name = arena_dup(&s->arena, str_c(name)),
                       .methods = 1u << SIP_METHOD_INVITE,
                       .percent = 100,
                       .action = (uint8_t)action,
                       .record_route = true,
                       .target = s->target[s->rules]};
    if (to != NULL) {
        r->to = service_pattern(s, to);
        r->to_count = 1;
    }
    s->rules++;
    return r;
}

void service_target(struct service *s, struct rule *r, enum rule_target_kind kind,
                    const char *text)
{
    s->target[r - s->rule][r->target_count++] = (struct rule_target){
        .kind = (uint8_t)kind, .text = str_c(text), .weight = 1, .q = RULE_NO_Q};
}

/* ---- the world ---- */

static void use_rules(struct world *world)
{
    struct service *s = container_of(world, struct service, w);
    if (s->role == ROLE_PROXY) {
        struct rule *r = service_rule(s, "8*", RULE_PROXY);
        r->methods = ~0u & ~(1u << SIP_METHOD_REGISTER);
        service_target(s, r, RULE_TO_PEER, "trunk");
        r = service_rule(s, NULL, RULE_PROXY);
        r->methods = ~0u & ~(1u << SIP_METHOD_REGISTER);
        r->parallel = true;
    }
    if (s->rules > 0) {
        CHECK_INT(rule_table_init(&s->table, &s->arena, s->rule, s->rules, NULL), 0);
        world->config.routes = &s->table;
    }
    if (s->tweak != NULL) {
        s->tweak(world);
    }
}

void service_up(struct service *s)
{
    world_up(&s->w,
             &(struct world_options){.no_apps = !s->apps, .phones = 5, .tweak = use_rules});
    s->ann = PHONE(&s->w, 0);
    s->bob = PHONE(&s->w, 1);
    s->cleo = PHONE(&s->w, 2);
    s->dan = PHONE(&s->w, 3);
    service_mark(s);
}

void service_watcher(struct service *s, struct watcher *who, const char *name, const char *ip,
                     const char *number, const char *password)
{
    watcher_up(who, &s->w.net, &s->w.node, name, ip, number, password, TP_UDP);
    s->watcher[s->watchers++] = who;
}

void service_down(struct service *s)
{
    for (size_t i = 0; i < s->w.phones; i++) {
        phone_hang_up(PHONE(&s->w, i), STR_NONE);
    }
    world_run(&s->w, 40000);
    CHECK_INT(world_stat(&s->w, "proxy_active"), 0);
    if (s->role == ROLE_PROXY) {
        CHECK_INT(world_stat(&s->w, "calls_made"), 0);
        CHECK_INT(world_stat(&s->w, "proxy_forged_routes"), 0);
    }
    for (size_t i = 0; i < s->watchers; i++) {
        CHECK(vnet_run_quiet(&s->w.net, 7200000));
    }
    world_down(&s->w);
    for (size_t i = 0; i < s->watchers; i++) {
        watcher_down(s->watcher[i]);
    }
    arena_fini(&s->arena);
}

void service_up_with_crm(struct service *s, void (*tweak)(struct world *w))
{
    service_begin(s, ROLE_BRIDGE);
    s->tweak = tweak;
    s->apps = true;
    service_up(s);
}

void service_down_with_crm(struct service *s)
{
    world_end(&s->w);
    app_check(&s->w.crm, true, NULL);
    service_down(s);
}

void service_run(struct service *s, uint64_t ms)
{
    world_run(&s->w, ms);
}

void service_talk(struct service *s, struct phone *from, struct phone *to)
{
    service_mark(s);
    REQUIRE(phone_call(from, to->number, true, STR("User-to-User: " SERVICE_UUI "\r\n")) !=
            NULL);
    world_run(&s->w, 200);
    CHECK_STR(service_to(s, &to->s.node, "INVITE", 0, "User-to-User"), SERVICE_UUI);
    CHECK_INT(phone_answer(to), 0);
    world_run(&s->w, 200);
    REQUIRE(phone_talks(from) && phone_talks(to));
    LADDER(s, from, ">INVITE <401 >ACK >INVITE <180 <200 >ACK");
    LADDER(s, to, "<INVITE >180 >200 <ACK");
    service_mark(s);
}

/* ---- ladders ---- */

void service_mark(struct service *s)
{
    s->mark = s->w.wire.n;
}

static void word(struct out *o, const struct wire_packet *p, bool sent)
{
    struct str line = str_upto(p->bytes, str_find(p->bytes, STR("\r\n")));
    struct str cseq = str_trim(wire_raw(p->bytes, "CSeq", 0));
    out_c(o, o->n > 0 ? " " : "");
    out_c(o, sent ? ">" : "<");
    if (!str_starts(line, STR("SIP/2.0 "))) {
        out_str(o, str_upto(line, str_index(line, ' ')));
        return;
    }
    out_str(o, str_upto(str_from(line, 8), 3));
    cseq = str_trim(str_from(cseq, str_index(cseq, ' ')));
    if (!str_eq(cseq, STR("INVITE"))) {
        out_c(o, ".");
        out_str(o, cseq);
    }
}

/** When the party sees it. */
static uint64_t seen_at(const struct service *s, const struct wire_packet *p,
                        const struct vnode *party)
{
    return p->time_ms + (p->to == party ? s->w.net.latency_ms : 0);
}

const char *service_ladder(const struct service *s, const struct vnode *party)
{
    static char text[8][1024];
    static unsigned next;
    const struct wire *wire = &s->w.wire;
    const struct wire_packet *order[128], *p;
    size_t n = 0;
    struct out o;
    out_init(&o, text[next % 8], sizeof(text[0]) - 1);
    for (size_t i = s->mark; i < wire->n && n < ARRAY_LEN(order); i++) {
        p = &wire->packet[i];
        if (p->from != party && (p->to != party || p->lost)) {
            continue;
        }
        size_t at = n++;
        while (at > 0 && seen_at(s, order[at - 1], party) > seen_at(s, p, party)) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = p;
    }
    for (size_t i = 0; i < n; i++) {
        word(&o, order[i], order[i]->from == party);
    }
    text[next % 8][o.n] = '\0';
    return text[next++ % 8];
}

static struct str find(const struct service *s, const struct vnode *from,
                       const struct vnode *to, const char *pattern, size_t nth,
                       const char *name)
{
    for (size_t i = s->mark; i < s->w.wire.n; i++) {
        const struct wire_packet *p = &s->w.wire.packet[i];
        if ((from == NULL || p->from == from) && (to == NULL || p->to == to) &&
            wire_is(p->bytes, pattern) && nth-- == 0) {
            return name == NULL ? p->bytes : str_trim(wire_raw(p->bytes, name, 0));
        }
    }
    return STR_NONE;
}

struct str service_to(const struct service *s, const struct vnode *party, const char *pattern,
                      size_t nth, const char *name)
{
    return find(s, NULL, party, pattern, nth, name);
}

struct str service_from(const struct service *s, const struct vnode *party, const char *pattern,
                        size_t nth, const char *name)
{
    return find(s, party, NULL, pattern, nth, name);
}

/* ---- lines ---- */

struct line line_keep(struct phone *p)
{
    struct line line = {p->s.leg, p->media, p->offerless};
    p->s.leg = NULL;
    return line;
}

void line_resume(struct phone *p, const struct line *line)
{
    p->s.leg = line->leg;
    p->media = line->media;
    p->offerless = line->offerless;
}

void service_send(struct service *s, struct phone *p, const char *method, const char *lines,
                  const char *type, const char *body)
{
    struct leg_content content = {
        .lines = str_c(lines), .type = str_c(type), .body = str_c(body)};
    REQUIRE(p->s.leg != NULL);
    CHECK_INT(leg_send(p->s.leg, NULL, str_c(method), &content, station_listen, &p->s, NULL,
                       station_now(&p->s)),
              0);
    world_run(&s->w, 200);
}

const char *service_replaces(const struct leg *leg)
{
    static char text[4][320];
    static unsigned next;
    char *out = text[next++ % 4];
    const struct dialog *d = leg->dialog;
    (void)snprintf(out, sizeof(text[0]), "Replaces=%.*s%%3Bto-tag%%3D%.*s%%3Bfrom-tag%%3D%.*s",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag));
    return out;
}

const char *service_replaces_line(const struct leg *leg, const char *params)
{
    static char text[4][320];
    static unsigned next;
    char *out = text[next++ % 4];
    const struct dialog *d = leg->dialog;
    (void)snprintf(out, sizeof(text[0]), "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s%s\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag), params);
    return out;
}
