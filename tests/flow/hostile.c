/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include "base/err.h"
#include "border/origin.h"
#include "kit_seal.h"
#include "seal/value.h"
#include "uui/message.h"
#include <ctype.h>
#include <stdio.h>

/* ---- attacks ---- */

static size_t head_end(struct str m)
{
    return str_find(m, STR("\r\n\r\n")) + 2;
}

static void put_cut(struct out *o, struct str m, size_t at, size_t n, struct str in_place)
{
    out_str(o, str_upto(m, at));
    out_str(o, in_place);
    out_str(o, str_from(m, at + n));
}

/** Where the data of the first value begin: behind a header's name, or in a URI. */
static bool find_data(struct str m, size_t *at, size_t *n)
{
    static const struct str names[] = {STR_INIT("\r\nUser-to-User: "),
                                       STR_INIT("User-to-User=")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t found = str_find(str_upto(m, head_end(m)), names[i]);
        if (found < head_end(m)) {
            *at = found + names[i].n;
            *n = 0;
            while (*at + *n < m.n && isxdigit((unsigned char)m.p[*at + *n])) {
                ++*n;
            }
            return true;
        }
    }
    return false;
}

bool attack_text(struct box *b, struct str m, struct out *o)
{
    struct str arg = str_c(b->arg), mark = STR("=>");
    struct str old = str_upto(arg, str_find(arg, mark));
    size_t at = str_find(str_upto(m, head_end(m)), old);
    if (at >= head_end(m)) {
        return false;
    }
    put_cut(o, m, at, old.n, str_from(arg, old.n + mark.n));
    return true;
}

bool attack_flip(struct box *b, struct str m, struct out *o)
{
    size_t at, n;
    (void)b;
    if (!find_data(m, &at, &n) || n == 0) {
        return false;
    }
    at += n / 2;
    /* the lowest bit of a digit, which stays one */
    char c = m.p[at], digit = (char)(isdigit((unsigned char)c) ? c ^ 1 : c == 'A' ? 'B' : 'A');
    put_cut(o, m, at, 1, str_make(&digit, 1));
    return true;
}

bool attack_truncate(struct box *b, struct str m, struct out *o)
{
    size_t at, n, keep = (size_t)strtoul(b->arg, NULL, 10);
    if (!find_data(m, &at, &n) || n <= keep) {
        return false;
    }
    put_cut(o, m, at + keep, n - keep, STR(""));
    return true;
}

bool attack_add(struct box *b, struct str m, struct out *o)
{
    put_cut(o, m, head_end(m), 0, str_c(b->arg));
    return true;
}

bool attack_body(struct box *b, struct str m, struct out *o)
{
    struct str length = wire_raw(m, "Content-Length", 0), line = str_c(b->arg);
    if (!str_is_set(length)) {
        return false;
    }
    size_t at = (size_t)(length.p - m.p);
    out_str(o, str_upto(m, at));
    out_fmt(o, " %zu", wire_body(m).n + line.n);
    out_str(o, str_from(m, at + length.n));
    out_str(o, line);
    return true;
}

bool attack_double(struct box *b, struct str m, struct out *o)
{
    struct str value = wire_raw(m, "User-to-User", 0);
    if (!str_is_set(value)) {
        return false;
    }
    out_str(o, str_upto(m, head_end(m)));
    out_c(o, "User-to-User: ");
    out_str(o, b->arg != NULL ? str_c(b->arg) : str_trim(value));
    out_c(o, "\r\n");
    out_str(o, str_from(m, head_end(m)));
    return true;
}

/** The head without the lines of a header; these go to `kept` when it is not NULL. */
static bool without(struct str m, const char *name, struct out *o, struct out *kept)
{
    bool any = false;
    struct str rest = m;
    while (rest.n > 0 && !str_starts(rest, STR("\r\n"))) {
        size_t n = str_find(rest, STR("\r\n")) + 2;
        struct str line = str_upto(rest, n);
        bool it = str_ieq(str_trim(str_upto(line, str_index(line, ':'))), str_c(name));
        if (!it) {
            out_str(o, line);
        } else if (kept != NULL) {
            out_str(kept, line);
        }
        any = any || it;
        rest = str_from(rest, n);
    }
    out_str(o, rest);
    return any;
}

bool attack_drop(struct box *b, struct str m, struct out *o)
{
    return without(m, b->arg, o, NULL);
}

/** What the boxes have kept, one for all. */
static char kept[4096];
static size_t kept_n;

bool attack_keep(struct box *b, struct str m, struct out *o)
{
    static char buf[65536];
    struct out keep, bare;
    (void)o;
    if (kept_n == 0) {
        out_init(&bare, buf, sizeof(buf));
        out_init(&keep, kept, sizeof(kept));
        (void)without(m, "User-to-User", &bare, &keep);
        kept_n = keep.n;
        b->done++;
    }
    return false;
}

bool attack_put(struct box *b, struct str m, struct out *o)
{
    static char buf[65536];
    struct out bare;
    (void)b;
    if (kept_n == 0) {
        return false;
    }
    out_init(&bare, buf, sizeof(buf));
    (void)without(m, "User-to-User", &bare, NULL);
    struct str head = out_str_of(&bare);
    put_cut(o, head, head_end(head), 0, str_make(kept, kept_n));
    return true;
}

bool attack_case(struct box *b, struct str m, struct out *o)
{
    size_t at, n;
    char text[512];
    (void)b;
    if (!find_data(m, &at, &n) || n > sizeof(text)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)tolower((unsigned char)m.p[at + i]);
    }
    put_cut(o, m, at, n, str_make(text, n));
    return true;
}

/* ---- boxes ---- */

static struct box boxes[HOSTILE_BOXES];

static bool is_at(const struct vnode *node, const char *name)
{
    return name == NULL || (node != NULL && strcmp(node->name, name) == 0);
}

static void pass_boxes(void *ctx, struct vpacket *p)
{
    static char text[2][65536];
    (void)ctx;
    for (size_t i = 0; i < HOSTILE_BOXES; i++) {
        struct box *b = &boxes[i];
        struct out o;
        out_init(&o, text[i % 2], sizeof(text[0]));
        if (b->attack == NULL || !is_at(p->from, b->from) || !is_at(p->to, b->to) ||
            !wire_is(p->bytes, b->pattern) || !b->attack(b, p->bytes, &o)) {
            continue;
        }
        CHECK(!o.over);
        p->bytes = out_str_of(&o);
        b->done++;
    }
}

void hostile_boxes(struct world *w, const struct box *box)
{
    memcpy(boxes, box, sizeof(boxes));
    kept_n = 0;
    w->wire.box = pass_boxes;
}

unsigned hostile_done(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < HOSTILE_BOXES; i++) {
        n += boxes[i].done;
    }
    return n;
}

/* ---- what is known ---- */

static const struct str hex_and_text[] = {STR_INIT("hex"), STR_INIT("text")};
static const struct str isdn_content[] = {STR_INIT("isdn-uui")};
static const struct uui_package rows[] = {
    {.name = STR_INIT("isdn-uui"),
     .contents = isdn_content,
     .content_n = 1,
     .max_count = 1,
     .seal = UUI_SEAL_OPTIONAL},
    {.name = STR_INIT("crm"), .encodings = hex_and_text, .encoding_n = 2, .max_octets = 64},
    {.name = STR_INIT("bank"), .seal = UUI_SEAL_REQUIRED},
    {.name = STR_INIT("soft"), .seal = UUI_SEAL_OPTIONAL},
    {.name = STR_INIT("vault"), .tls_only = true},
};
const struct uui_packages hostile_packages = {.row = rows, .n = ARRAY_LEN(rows)};

/** The ends of seals: A is who calls, B are Baton and who is called. */
static struct kit_end caller, baton, terminator;
static uint64_t now_s;

/* ---- what is said ---- */

static void put_bits(struct out *o, unsigned bits, const char *(*next)(unsigned *bits))
{
    for (const char *one = next(&bits); one != NULL; one = next(&bits)) {
        out_fmt(o, " !%s", one);
    }
}

static void put_value(struct out *o, const struct sip_msg *m, struct uui_value *v, bool trusts)
{
    struct seal_from from = {(uint8_t)seal_way_of(m), seal_message_of(&terminator.s, m), now_s};
    struct seal_opened opened;
    struct uui_origin by;
    enum seal_result r =
        seal_value(&terminator.s, &hostile_packages, v, &from, &terminator.a, &opened);
    struct origin_args q = {.m = m, .value = v, .trusted = trusts};
    CHECK_INT(origin_of(&terminator.a, &q, &by), 0);
    if (r == SEAL_OK) {
        origin_seal(&by, opened.identity);
    }
    out_c(o, o->n > 0 ? "; " : "");
    out_str(o, v->package.n > 0 ? v->package : STR("?"));
    out_fmt(o, " %s", uui_verdict_text((enum uui_verdict)v->verdict));
    if (v->rule != UUI_R_NONE) {
        out_fmt(o, " %s", uui_rule_name((enum uui_rule)v->rule));
    }
    if (r != SEAL_NOT_SEALED) {
        out_fmt(o, " seal=%s", seal_result_word(r));
        if (r == SEAL_OK) {
            out_c(o, " '");
            out_str(o, v->octets);
            out_c(o, "'");
        }
    }
    out_fmt(o, ", %s", uui_role_text((enum uui_role)by.role));
    out_c(o, by.identity.n > 0 ? " " : "");
    out_str(o, by.identity);
    put_bits(o, by.conflicts, uui_conflict_next);
}

const char *hostile_reads(struct str message, bool trusts)
{
    static char text[1024];
    static struct kit_msg k;
    struct uui_list list = {0};
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    if (!str_is_set(message)) {
        return "no message";
    }
    if (!kit_index(&k, message)) {
        return "no SIP";
    }
    CHECK_INT(uui_list_of_msg(&k.m, &hostile_packages, &terminator.a, &list), 0);
    for (size_t i = 0; i < list.n; i++) {
        put_value(&o, &k.m, &list.v[i], trusts);
    }
    text[o.n] = '\0';
    return text;
}

static void put_note(void *ctx, const struct border_note *n)
{
    struct out *o = ctx;
    out_c(o, o->n > 0 ? "; " : "");
    out_fmt(o, "%s %s %s %s of ", border_action_name((enum border_action)n->action),
            n->package[0] != '\0' ? n->package : "?",
            border_place_name((enum border_place)n->place),
            n->direction == BORDER_IN ? "in" : "out");
    out_str(o, n->peer);
    if (n->rule.n > 0) {
        out_c(o, " '");
        out_str(o, n->rule);
        out_c(o, "'");
    } else if (n->why != NULL) {
        out_fmt(o, " (%s)", n->why);
    }
}

const char *hostile_reports(const struct world *w)
{
    static char text[2048];
    static const char *const counted[] = {
        "uui_wrong",      "uui_ignored",       "uui_stripped",     "uui_replaced",
        "uui_refused",    "uui_withheld",      "uui_too_long",     "uui_left",
        "uui_failed",     "uui_move_replaced", "uui_move_refused", "uui_move_forbidden",
        "isdn_closed",    "isdn_too_long",     "isdn_several",     "isdn_malformed",
        "isdn_misplaced", "isdn_differed"};
    static const char *const seals[] = {
        "seal_ok",          "seal_forged",        "seal_replayed",      "seal_stale",
        "seal_unknown_key", "seal_not_valid_now", "seal_wrong_package", "seal_malformed",
        "seal_failed"};
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
        uint64_t n = world_stat(w, counted[i]);
        if (n > 0) {
            out_fmt(&o, "%s%s %u", o.n > 0 ? "; " : "", counted[i], (unsigned)n);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(seals); i++) { /* each question is counted */
        if (world_stat(w, seals[i]) > 0) {
            out_fmt(&o, "%s%s", o.n > 0 ? "; " : "", seals[i]);
        }
    }
    engine_each_note(w->engine, STR_NONE, put_note, &o);
    text[o.n] = '\0';
    return text;
}

/** ' name="value"' in a tag. */
static struct str attribute(struct str tag, const char *name)
{
    char start[32];
    (void)snprintf(start, sizeof(start), " %s=\"", name);
    struct str v = str_from(tag, str_find(tag, str_c(start)) + strlen(start));
    return str_upto(v, str_index(v, '"'));
}

/** "isdn-uui valid, redirector sip:… !historyDiffers, seal=ok; strip crm" */
static void put_told(struct out *o, struct str about)
{
    static const struct {
        const char *tag, *before, *names[3];
    } kinds[] = {{"<value", "; ", {"package", "verdict", "rule"}},
                 {"<origin", ", ", {"role", "identity", NULL}},
                 {"<seal", ", seal=", {"result", NULL, NULL}},
                 {"<change", "; ", {"action", "package", NULL}}};
    while (about.n > 0) {
        struct str rest = str_from(about, str_index(about, '<'));
        struct str tag = str_upto(rest, str_index(rest, '>'));
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            if (!str_starts(tag, str_c(kinds[k].tag))) {
                continue;
            }
            out_c(o, o->n > 0 ? kinds[k].before : "");
            for (size_t i = 0; i < 3 && kinds[k].names[i] != NULL; i++) {
                struct str v = attribute(tag, kinds[k].names[i]);
                out_c(o, i > 0 && v.n > 0 ? " " : "");
                out_str(o, v);
            }
            struct str conflicts = attribute(tag, "conflicts");
            out_c(o, conflicts.n > 0 ? " !" : "");
            out_str(o, conflicts);
        }
        about = str_from(rest, tag.n);
    }
}

const char *hostile_told(const struct world *w)
{
    static char text[1024];
    struct str about = STR_NONE;
    struct out o;
    for (size_t i = 0; i < w->wire.n; i++) {
        const struct wire_packet *p = &w->wire.packet[i];
        size_t at = str_find(p->bytes, STR("<userToUser"));
        if (p->to == &w->crm.s.node && at < p->bytes.n) {
            about = str_from(p->bytes, at);
            about = str_upto(about, str_find(about, STR("</userToUser>")));
        }
    }
    out_init(&o, text, sizeof(text) - 1);
    put_told(&o, about);
    text[o.n] = '\0';
    return text;
}

/* ---- flows ---- */

static const char *const flow_name[FLOW_COUNT] = {
    "bridge",      "proxy",      "bridge, redirected", "proxy, redirected", "referred",
    "bridge, out", "proxy, out", "bridge, in",         "proxy, in",         "made"};

static struct service s;
static const struct trial *trying;

static bool is_proxied(enum flow f)
{
    return f == FLOW_PROXY || f == FLOW_PROXY_MOVED || f == FLOW_PROXY_TRUNK ||
           f == FLOW_PROXY_GATEWAY;
}

static bool is_moved(enum flow f)
{
    return f == FLOW_BRIDGE_MOVED || f == FLOW_PROXY_MOVED || f == FLOW_REFERRED;
}

static const struct vnode *terminator_of(enum flow f)
{
    return is_moved(f)                                       ? &s.cleo->s.node
           : f == FLOW_BRIDGE_TRUNK || f == FLOW_PROXY_TRUNK ? &s.w.trunk.node
                                                             : &s.bob->s.node;
}

static void configure(struct world *w)
{
    w->config.packages = &hostile_packages;
    w->config.seal_keys = baton.keys;
    if (trying->tweak != NULL) {
        trying->tweak(w);
    }
}

/** A text of the trial, with what is sealed now in place of its '$'. */
static const char *with_seal(const struct trial *t, const char *pattern)
{
    static char text[4096], hex[1024];
    struct out o;
    const char *dollar = pattern == NULL ? NULL : strchr(pattern, '$');
    if (dollar == NULL || t->plain == NULL) {
        return pattern != NULL ? pattern : "";
    }
    caller.k.wall_s = now_s = 1700000000u + s.w.net.now_ms / 1000;
    caller.k.wall_s -= t->age_ms / 1000;
    terminator.k.wall_s = now_s;
    struct seal_about about = kit_about();
    if (t->package != NULL) {
        about = (struct seal_about){.package = str_c(t->package)};
    }
    struct out frame;
    out_init(&frame, caller.frame, sizeof(caller.frame));
    CHECK_INT(seal_close(&caller.s, t->key != 0 ? t->key : SIV_KEY, &about, str_c(t->plain), 0,
                         caller.k.wall_s, &frame),
              0);
    out_init(&o, hex, sizeof(hex) - 1);
    out_hex(&o, out_str_of(&frame), true);
    hex[o.n] = '\0';
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(dollar - pattern), pattern, hex,
                   dollar + 1);
    return text;
}

/** raw_send wants \n alone. */
static const char *unix_lines(const char *lines)
{
    static char text[4096];
    size_t n = 0;
    for (; *lines != '\0' && n < sizeof(text) - 1; lines++) {
        if (*lines != '\r') {
            text[n++] = *lines;
        }
    }
    text[n] = '\0';
    return text;
}

static void call(const struct trial *t, enum flow f, const char *id)
{
    if (f == FLOW_MADE) {
        s.ann->obeys_auto = true;
        (void)app_make_call(&s.w.crm, "1001", "1002", false, t->plain);
        service_run(&s, 300);
        return;
    }
    bool out = f == FLOW_BRIDGE_TRUNK || f == FLOW_PROXY_TRUNK;
    const char *lines = with_seal(t, t->sends);
    if (f == FLOW_BRIDGE_GATEWAY || f == FLOW_PROXY_GATEWAY) {
        world_raw_invite(&s.w, &s.w.gateway, id, "1002", unix_lines(lines), world_sdp);
    } else {
        REQUIRE(phone_call(s.ann, out ? "8555" : "1002", true, str_c(lines)) != NULL);
    }
    service_run(&s, 300);
}

static void set_moves(const struct trial *t, enum flow f)
{
    static char text[1024];
    (void)snprintf(text, sizeof(text), "Contact: <sip:1003@example.com%s%s>\r\n",
                   t->moves != NULL ? "?" : "", with_seal(t, t->moves));
    if (f != FLOW_REFERRED && is_moved(f)) {
        s.bob->on_call = 302;
        s.bob->answer_lines = str_c(text);
    }
}

static void refer(const struct trial *t)
{
    static char text[1024];
    (void)snprintf(text, sizeof(text),
                   "Refer-To: <sip:1003@example.com%s%s>\r\n"
                   "Referred-By: <sip:1002@example.com>\r\n",
                   t->moves != NULL ? "?" : "", with_seal(t, t->moves));
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    service_send(&s, s.bob, "REFER", text, NULL, NULL);
    service_run(&s, 300);
}

/** What the trunk got is refused, the gateway's calls are cancelled: nothing is left. */
static void finish(enum flow f)
{
    if (f == FLOW_BRIDGE_TRUNK || f == FLOW_PROXY_TRUNK) {
        for (struct text_msg m = raw_take(&s.w.trunk); m.m != NULL; m = raw_take(&s.w.trunk)) {
            struct hop back = raw_from(&s.w.trunk);
            if (sip_is_request(m.m) && m.m->method == SIP_METHOD_INVITE) {
                raw_reply(&s.w.trunk, &back, m.m, "486 Busy Here", "t", "", "");
            }
            text_free(&m);
        }
        service_run(&s, 200);
    } else {
        for (size_t i = 0; i < s.w.phones; i++) {
            phone_hang_up(PHONE(&s.w, i), STR_NONE);
        }
        service_run(&s, 1000);
        while (s.w.gateway.taken < s.w.gateway.in_n) {
            struct text_msg m = raw_take(&s.w.gateway);
            text_free(&m);
        }
    }
}

static struct str uui_lines(struct str m)
{
    static char text[4096];
    struct out o;
    struct str v;
    out_init(&o, text, sizeof(text));
    for (size_t i = 0; str_is_set(v = wire_raw(m, "User-to-User", i)); i++) {
        out_c(&o, i > 0 ? " | " : "");
        out_str(&o, str_trim(v));
    }
    return str_is_set(m) ? out_str_of(&o) : STR("no INVITE");
}

static void look(const struct trial *t, enum flow f)
{
    const struct vnode *at = terminator_of(f);
    size_t last = wire_count(&s.w.wire, &s.w.node, at, "INVITE");
    struct str got = wire_arrived(&s.w.wire, &s.w.node, at, "INVITE", last - (last > 0));
    now_s = 1700000000u + s.w.net.now_ms / 1000;
    for (size_t i = 0; i + 1 < last; i++) { /* a terminator remembers what it has read */
        (void)hostile_reads(wire_arrived(&s.w.wire, &s.w.node, at, "INVITE", i), true);
    }
    if (t->arrives != NULL) {
        CHECK_STR(uui_lines(got), t->arrives);
    }
    if (t->reads != NULL) {
        CHECK_STR(str_c(hostile_reads(got, true)), t->reads);
    }
    if (t->reports != NULL) {
        struct str reports = str_c(hostile_reports(&s.w));
        if (str_starts(str_c(t->reports), STR("…"))) {
            size_t n = strlen(t->reports) - strlen("…");
            reports = str_from(reports, reports.n > n ? reports.n - n : 0);
            CHECK_STR(reports, t->reports + strlen("…"));
        } else {
            CHECK_STR(reports, t->reports);
        }
    }
    if (t->told != NULL && s.apps) { /* who watches sees calls, and those of a proxy are none */
        CHECK_STR(str_c(hostile_told(&s.w)), t->told);
    }
}

static void run(const struct trial *t, enum flow f)
{
    char where[160];
    (void)snprintf(where, sizeof(where), "%s (%s)", t->name, flow_name[f]);
    test_context(where);
    trying = t;
    kit_end_init(&caller, true, &(struct seal_config){0});
    kit_end_init(&baton, false, &(struct seal_config){0});
    kit_end_init(&terminator, false, &(struct seal_config){0});
    service_begin(&s, is_proxied(f) ? ROLE_PROXY : ROLE_BRIDGE);
    s.tweak = configure;
    s.apps = !is_proxied(f);
    if (f == FLOW_PROXY_MOVED) {
        for (const char *const *n = (const char *const[]){"1002", "1003", NULL}; *n != NULL;
             n++) {
            struct rule *r = service_rule(&s, *n, RULE_PROXY);
            r->recurse = r->parallel = true;
        }
    }
    service_up(&s);
    if (s.apps) {
        (void)world_monitor(&s.w, &s.w.crm, "1002");
        (void)world_monitor(&s.w, &s.w.crm, "1003");
    }
    test_context(where);
    hostile_boxes(&s.w, t->box);
    set_moves(t, f);
    call(t, f, "h1");
    if (t->twice) {
        finish(f);
        call(t, f, "h2");
    }
    if (f == FLOW_REFERRED) {
        refer(t);
    }
    look(t, f);
    if (t->then != NULL) {
        t->then(&s, t);
    }
    for (size_t i = 0; i < HOSTILE_BOXES; i++) {
        CHECK(boxes[i].attack == NULL || boxes[i].done > 0); /* it had something to do */
    }
    finish(f);
    service_down(&s);
    test_context(NULL);
    kit_end_fini(&caller);
    kit_end_fini(&baton);
    kit_end_fini(&terminator);
}

void hostile_run(const struct trial *trials, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (unsigned f = 0; f < FLOW_COUNT; f++) {
            if ((trials[i].flows & 1u << f) != 0) {
                run(&trials[i], (enum flow)f);
            }
        }
    }
}
