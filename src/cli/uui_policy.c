/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explaining the border: a message is taken through the same two doors as in the server, and
 * what is asked and done there is printed: each value, each rule up to the one that holds, what
 * package, hop and dialect say, and what becomes of the message.
 *
 * A message may be written with LF alone, as people save them.
 */
#include "cli/uui_policy.h"

#include "base/err.h"
#include "cli/args.h"
#include "cli/uui_cmd.h"
#include "server/config.h"
#include <stdlib.h>
#include <time.h>

enum { MESSAGE_MAX = 1 << 18 };

/** A door: who is there, and over what. */
struct side {
    const char *who, *transport;
    struct hop hop;
    struct str name;
    const struct peer *peer;
};

struct explaining {
    const struct config *c;
    const char *file, *message;
    bool show;
    struct side from, to;
    FILE *out, *err;
    struct env env;
    struct arena arena;
    struct wheel wheel;
    struct directory directory;
    struct border border;
    uint64_t noted; /**< notes that were printed */
    struct sip_hdr hdr[SIP_HDR_MAX];
};

static void no_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 7, n); /* keys of tables that nobody attacks */
}

static uint64_t wall(void *ctx)
{
    (void)ctx;
    return (uint64_t)time(NULL);
}

/** The peers of the two doors are whom they are said to be. */
static bool proves(void *ctx, const struct hop *hop, struct str name)
{
    const struct explaining *x = ctx;
    const struct side *s = addr_eq(&hop->remote, &x->from.hop.remote) ? &x->from : &x->to;
    return s->peer != NULL && str_eq(s->peer->tls_name, name);
}

/* ---- the command line ---- */

static int read_options(struct explaining *x, int argc, char **argv)
{
    const struct {
        const char *alias, *name;
        const char **value;
    } table[] = {{"-c", "--config", &x->file},
                 {NULL, "--message", &x->message},
                 {NULL, "--from", &x->from.who},
                 {NULL, "--to", &x->to.who},
                 {NULL, "--from-transport", &x->from.transport},
                 {NULL, "--to-transport", &x->to.transport}};
    for (int i = 2; i < argc; i++) {
        bool known = args_is(argv[i], NULL, "--show");
        x->show = x->show || known;
        for (size_t k = 0; !known && k < ARRAY_LEN(table); k++) {
            known = args_value(table[k].alias, table[k].name, argc, argv, &i, table[k].value);
        }
        if (!known) {
            return help_usage_error(&help_uui, "%s: unknown, or its value is missing", argv[i]);
        }
    }
    if (x->file == NULL || x->message == NULL || (x->from.who == NULL && x->to.who == NULL)) {
        return help_usage_error(&help_uui,
                                "policy explain: -c FILE, --message FILE, and --from "
                                "or --to are wanted");
    }
    return 0;
}

/** @param last  of an address for who has none */
static bool find_side(struct explaining *x, struct side *s, const char *option, uint8_t last)
{
    struct str who = str_c(s->who);
    enum transport t;
    if (s->who == NULL) {
        return true;
    }
    s->peer = directory_peer_named(&x->directory, who);
    if (s->peer == NULL && !str_eq(who, STR("device"))) {
        fprintf(x->err, "baton uui: %s: there is no peer %s; its name or device is wanted\n",
                option, s->who);
        return false;
    }
    t = s->transport != NULL            ? transport_of(str_c(s->transport))
        : s->peer == NULL               ? TP_UDP
        : s->peer->transport != TP_NONE ? (enum transport)s->peer->transport
        : str_is_set(s->peer->tls_name) ? TP_TLS
                                        : TP_UDP;
    if (t == TP_NONE) {
        fprintf(x->err, "baton uui: %s: udp, tcp, tls, ws or wss is wanted\n", s->transport);
        return false;
    }
    s->hop = (struct hop){.flow = 1, .transport = (uint8_t)t};
    s->hop.remote = (struct addr){
        .ip = {198, 51, 100, last}, .port = transport_port(t), .family = ADDR_IP4};
    if (s->peer != NULL && s->peer->addr.family != ADDR_NONE) {
        s->hop.remote = s->peer->addr;
    } else if (s->peer != NULL && !str_is_set(s->peer->tls_name)) {
        s->name = s->peer->host; /* known by the name of the target … */
        ((struct peer *)(uintptr_t)s->peer)->addr = s->hop.remote; /* … or as if looked up */
    }
    return true;
}

/* ---- the message ---- */

static FILE *open_message(const struct explaining *x, FILE *in)
{
    return strcmp(x->message, "-") == 0 ? in : fopen(x->message, "re");
}

/** All of it, with CRLF at the end of lines that lack it. Absent: said why. */
static struct str read_message(struct explaining *x, FILE *in)
{
    FILE *f = open_message(x, in);
    char *raw = arena_alloc(&x->arena, MESSAGE_MAX);
    char *buf = arena_alloc(&x->arena, 2 * MESSAGE_MAX);
    size_t n = f != NULL && raw != NULL ? fread(raw, 1, MESSAGE_MAX, f) : 0, used = 0;
    if (f != NULL && f != in) {
        (void)fclose(f);
    }
    if (n == 0 || n == MESSAGE_MAX || buf == NULL) {
        fprintf(x->err, "baton uui: %s: cannot be read, is empty, or too long\n", x->message);
        return STR_NONE;
    }
    for (size_t i = 0; i < n; i++) {
        if (raw[i] == '\n' && (i == 0 || raw[i - 1] != '\r')) {
            buf[used++] = '\r';
        }
        buf[used++] = raw[i];
    }
    return str_make(buf, used);
}

/* ---- what is said ---- */

static void hear_question(void *ctx, const struct border_question *q,
                          const struct border_rule *found)
{
    struct explaining *x = ctx;
    const struct border_policy *p = &x->c->policy;
    const struct uui_value *v = q->value;
    struct str package = v->package.n > 0 ? v->package : STR("unknown package");
    struct str header =
        q->header != SIP_HDR_OTHER ? sip_hdr_id_name((enum sip_hdr_id)q->header) : STR("");
    struct str from = border_party_name(&q->from);
    fprintf(x->out, "  %.*s, %zu octets, %s%s%s, in a %s%s%.*s", STR_ARG(package), v->octets.n,
            uui_verdict_text((enum uui_verdict)v->verdict), v->rule != UUI_R_NONE ? ": " : "",
            v->rule != UUI_R_NONE ? uui_rule_text((enum uui_rule)v->rule) : "",
            border_place_name(q->place), header.n > 0 ? " of " : "", STR_ARG(header));
    if (q->direction == BORDER_OUT && border_policy_asks_source_of(p, v)) {
        fprintf(x->out, ", brought by %.*s", STR_ARG(from));
    }
    fputc('\n', x->out);
    for (size_t i = 0; i < p->count; i++) {
        const struct border_rule *r = &p->rule[i];
        char why[100];
        struct out o;
        out_init(&o, why, sizeof(why));
        if (r == found) {
            fprintf(x->out, "    %.*s (line %u): holds: %s\n", STR_ARG(r->name), r->line,
                    border_action_name((enum border_action)r->action));
            return;
        }
        (void)border_rule_holds(r, q, &o);
        fprintf(x->out, "    %.*s (line %u): no, %.*s\n", STR_ARG(r->name), r->line, (int)o.n,
                why);
    }
    fputs("    no rule holds: it passes\n", x->out);
}

static void print_notes(struct explaining *x)
{
    for (; x->noted < x->border.noted; x->noted++) {
        const struct border_note *n = &x->border.note[x->noted % BORDER_NOTES];
        fprintf(x->out, "  -> %s %s", border_action_name((enum border_action)n->action),
                n->package[0] != '\0' ? n->package : "unknown package");
        if (n->rule.n > 0) {
            fprintf(x->out, ": rule %.*s", STR_ARG(n->rule));
        }
        fprintf(x->out, "%s%s\n", n->why != NULL ? ": " : "", n->why != NULL ? n->why : "");
    }
}

/** @return false: the message does not go on */
static bool print_verdict(struct explaining *x, enum border_verdict v,
                          const struct border_result *r, struct str *bytes)
{
    print_notes(x);
    switch (v) {
    case BORDER_AS_IT_IS:
        fputs("  the message goes on as it is\n", x->out);
        return true;
    case BORDER_CHANGED:
        fprintf(x->out, "  the message goes on changed, %zu octets in place of %zu\n",
                r->bytes.n, bytes->n);
        *bytes = r->bytes;
        return true;
    case BORDER_REFUSED:
        fprintf(x->out, "  refused: %u %.*s\n  %.*s", r->refusal.status,
                STR_ARG(str_is_set(r->refusal.reason) ? r->refusal.reason
                                                      : str_c(sip_reason(r->refusal.status))),
                STR_ARG(r->refusal.lines));
        return false;
    case BORDER_NO_MEMORY:
        break;
    }
    fputs("  it cannot be looked at, and does not go on\n", x->out);
    return false;
}

static void print_door(const struct explaining *x, const char *way, const struct side *s)
{
    fprintf(x->out, "%s %s over %s\n", way, s->who,
            transport_name((enum transport)s->hop.transport));
}

static int explain(struct explaining *x, struct str bytes)
{
    struct sip_msg m = {.hdr = x->hdr};
    struct sip_fault fault = {0};
    struct border_result r;
    bool on = true;
    if (sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) != 0) {
        fprintf(x->err, "baton uui: %s: %s, at octet %u\n", x->message,
                fault.reason != NULL ? fault.reason : "no SIP message", fault.at);
        return EXIT_CODE_USAGE;
    }
    bytes = str_make(m.buf, m.len);
    if (x->from.who != NULL) {
        print_door(x, "in, from", &x->from);
        enum border_verdict v = border_in(&x->border, &m, &x->from.hop, &r);
        on = print_verdict(x, v, &r, &bytes);
    }
    if (on && x->to.who != NULL) {
        print_door(x, "out, to", &x->to);
        enum border_verdict v =
            border_out(&x->border, &x->to.hop,
                       &(struct txn_leaving){.name = x->to.name, .run = &bytes, .n = 1}, &r);
        on = print_verdict(x, v, &r, &bytes);
    }
    if (on && x->show) {
        fputc('\n', x->out);
        (void)fwrite(bytes.p, 1, bytes.n, x->out);
    }
    return on ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

static int explain_with(struct explaining *x, struct config *c, FILE *in)
{
    int code = EXIT_CODE_USAGE;
    x->c = c;
    x->env = (struct env){
        .ctx = x, .mem = mem_libc, .random = no_random, .wall_s = wall, .proves = proves};
    arena_init(&x->arena, &mem_libc, 65536);
    wheel_init(&x->wheel, 0);
    if (directory_init(&x->directory, &x->env, c->domains, c->domain_count) != 0) {
        arena_fini(&x->arena);
        return EXIT_CODE_FAILED;
    }
    (void)config_fill_directory(c, &x->directory);
    if (border_init(&x->border, &x->env, &x->wheel, &x->directory, &x->arena) == 0 &&
        find_side(x, &x->from, "--from", 77) && find_side(x, &x->to, "--to", 78) &&
        border_refresh(&x->border, &c->policy, c->engine.packages) == 0) {
        x->border.asked = hear_question;
        x->border.ctx = x;
        struct str bytes = read_message(x, in);
        code = str_is_set(bytes) ? explain(x, bytes) : EXIT_CODE_USAGE;
    }
    border_fini(&x->border);
    directory_fini(&x->directory);
    arena_fini(&x->arena);
    return code;
}

int uui_policy_run(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    struct config_error error;
    if (argc < 2 || strcmp(argv[1], "explain") != 0) {
        return help_usage_error(&help_uui, "policy explain?");
    }
    struct explaining *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        fprintf(err, "baton uui: out of memory\n");
        return EXIT_CODE_FAILED;
    }
    x->out = out;
    x->err = err;
    int code = read_options(x, argc, argv);
    if (code == 0) {
        struct config *c = config_look(x->file, &error);
        if (c == NULL) {
            config_error_print(&error, err);
            code = EXIT_CODE_USAGE;
        } else {
            code = explain_with(x, c, in);
            config_free(c);
        }
    }
    free(x);
    return code;
}
