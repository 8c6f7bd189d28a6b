/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs, options, messages.
 *
 * An option's value is taken as it stands, so `--user-text -x` is text that begins with a
 * hyphen; `--` ends the options. What the schema allows in a request and a person would want is
 * an option; everything else is what `raw` is for.
 */
#include "cli/csta_draft.h"

#include "base/mem.h"
#include "cli/csta_feature.h"
#include "cli/text.h"
#include "csta/xml.h"
#include "uui/uui.h"

enum option_bit {
    OPT_USER_DATA = 1,
    OPT_CORRELATOR = 2,
    OPT_PROMPT = 4,
    OPT_REASON = 8,
    OPT_WATCH = 16,
    OPT_COUNT = 32,
    OPT_UNTIL = 64,
    OPT_TIMEOUT = 128,
    OPT_CALLS = 256,
    OPT_WITHOUT = 512,
};

#define OPT_CALL (OPT_USER_DATA | OPT_CORRELATOR | OPT_WATCH | OPT_TIMEOUT)

struct verb {
    const char *name;
    enum csta_verb verb;
    size_t min, max; /**< arguments */
    unsigned options;
    const char *usage;
};

static const struct verb verbs[] = {
    {"make-call", CSTA_VERB_MAKE_CALL, 2, 2, OPT_CALL | OPT_PROMPT, "make-call FROM TO"},
    {"answer", CSTA_VERB_ANSWER, 1, 1, OPT_CALL, "answer CONNECTION"},
    {"clear", CSTA_VERB_CLEAR, 1, 1, OPT_CALL | OPT_REASON, "clear CONNECTION"},
    {"hold", CSTA_VERB_HOLD, 1, 1, OPT_WATCH | OPT_TIMEOUT, "hold CONNECTION"},
    {"retrieve", CSTA_VERB_RETRIEVE, 1, 1, OPT_WATCH | OPT_TIMEOUT, "retrieve CONNECTION"},
    {"deflect", CSTA_VERB_DEFLECT, 2, 2, OPT_CALL | OPT_REASON, "deflect CONNECTION TO"},
    {"transfer", CSTA_VERB_TRANSFER, 2, 2, OPT_CALL | OPT_REASON, "transfer CONNECTION TO"},
    {"consult", CSTA_VERB_CONSULT, 2, 2, OPT_CALL, "consult CONNECTION TO"},
    {"alternate", CSTA_VERB_ALTERNATE, 2, 2, OPT_WATCH | OPT_TIMEOUT, "alternate HELD ACTIVE"},
    {"reconnect", CSTA_VERB_RECONNECT, 1, 2, OPT_WATCH | OPT_TIMEOUT,
     "reconnect ACTIVE [HELD]"},
    {"join", CSTA_VERB_JOIN, 2, 2, OPT_WATCH | OPT_TIMEOUT, "join HELD ACTIVE"},
    {"digits", CSTA_VERB_DIGITS, 2, 2, OPT_WATCH | OPT_TIMEOUT, "digits CONNECTION DIGITS"},
    {"dial", CSTA_VERB_DIAL, 2, 2, OPT_WATCH | OPT_TIMEOUT, "dial CONNECTION DIGITS"},
    {"clear-call", CSTA_VERB_CLEAR_CALL, 1, 1, OPT_USER_DATA | OPT_WATCH | OPT_TIMEOUT,
     "clear-call CONNECTION"},
    {"associate", CSTA_VERB_ASSOCIATE, 1, 1, OPT_CORRELATOR | OPT_WATCH | OPT_TIMEOUT,
     "associate CONNECTION"},
    {"route-register", CSTA_VERB_ROUTE_REGISTER, 0, 1, 0, "route-register [DEVICE]"},
    {"route-cancel", CSTA_VERB_ROUTE_CANCEL, 1, 1, 0, "route-cancel REGISTRATION"},
    {"route", CSTA_VERB_ROUTE, 2, 10, OPT_USER_DATA | OPT_CORRELATOR, "route CROSSREF TO..."},
    {"route-end", CSTA_VERB_ROUTE_END, 1, 1, 0, "route-end CROSSREF"},
    {"route-reject", CSTA_VERB_ROUTE_REJECT, 1, 2, 0, "route-reject CROSSREF [CAUSE]"},
    {"conference", CSTA_VERB_FORM, 2, 2, 0, "conference HELD ACTIVE"},
    {"add", CSTA_VERB_FORM, 2, 2, OPT_USER_DATA | OPT_CORRELATOR, "add CONNECTION TO"},
    {"park", CSTA_VERB_FORM, 2, 2, OPT_CORRELATOR, "park CONNECTION AT"},
    {"pickup", CSTA_VERB_FORM, 2, 2, OPT_USER_DATA | OPT_CORRELATOR, "pickup CONNECTION BY"},
    {"group-pickup", CSTA_VERB_FORM, 1, 2, OPT_USER_DATA | OPT_CORRELATOR,
     "group-pickup BY [GROUP]"},
    {"call-back", CSTA_VERB_FORM, 1, 1, 0, "call-back CONNECTION"},
    {"cancel-call-back", CSTA_VERB_FORM, 2, 2, 0, "cancel-call-back FROM TO"},
    {"send", CSTA_VERB_FORM, 1, 1, OPT_USER_DATA, "send CONNECTION --user-data HEX"},
    {"snapshot-call", CSTA_VERB_FORM, 1, 1, 0, "snapshot-call CONNECTION"},
    {"capabilities", CSTA_VERB_FORM, 0, 0, 0, "capabilities"},
    {"line", CSTA_VERB_FORM, 1, 1, 0, "line DEVICE"},
    {"phone", CSTA_VERB_FORM, 1, 1, 0, "phone DEVICE"},
    {"devices", CSTA_VERB_DEVICES, 0, 1, 0, "devices [DEVICE]"},
    {"register", CSTA_VERB_FORM, 0, 0, 0, "register"},
    {"unregister", CSTA_VERB_FORM, 1, 1, 0, "unregister REGISTRATION"},
    {"request", CSTA_VERB_REQUEST, 1, CSTA_WORDS_MAX, 0, "request NAME [KEY=VALUE]..."},
    {"monitor", CSTA_VERB_MONITOR, 1, CSTA_WORDS_MAX,
     OPT_COUNT | OPT_UNTIL | OPT_TIMEOUT | OPT_CALLS | OPT_WITHOUT, "monitor DEVICE..."},
    {"filter", CSTA_VERB_FILTER, 1, CSTA_WORDS_MAX, 0, "filter CROSSREF [EVENT]..."},
    {"stop", CSTA_VERB_STOP, 1, 1, 0, "stop CROSSREF"},
    {"snapshot", CSTA_VERB_SNAPSHOT, 1, 1, 0, "snapshot DEVICE"},
    {"features", CSTA_VERB_FEATURES, 0, 1, 0, "features [DEVICE|peer:NAME|uui]"},
    {"status", CSTA_VERB_STATUS, 0, 0, 0, "status"},
    {"dnd", CSTA_VERB_DND, 1, 2, 0, "dnd DEVICE [on|off]"},
    {"forward", CSTA_VERB_FORWARD, 1, 5, 0,
     "forward DEVICE [immediate|busy|no-answer on|off [TO [RINGS|SECONDSs]]]"},
    {"waiting", CSTA_VERB_WAITING, 1, 3, 0, "waiting DEVICE [on|off [AT]]"},
    {"agent", CSTA_VERB_AGENT, 1, 3, 0,
     "agent DEVICE [loggedOn|loggedOff|ready|notReady|workingAfterCall [AGENT]]"},
    {"raw", CSTA_VERB_RAW, 1, 1, 0, "raw FILE|-"},
    {"shell", CSTA_VERB_SHELL, 0, 0, 0, "shell"},
    {"-", CSTA_VERB_SHELL, 0, 0, 0, "-"},
    {"wait", CSTA_VERB_WAIT, 1, 3, 0, "wait EVENT [DEVICE] [SECONDS]"},
    {"quit", CSTA_VERB_QUIT, 0, 0, 0, "quit"},
};

struct option {
    const char *name;
    unsigned bit;
    bool has_value;
};

static const struct option options[] = {
    {"--user-data", OPT_USER_DATA, true},   {"--user-text", OPT_USER_DATA, true},
    {"--correlator", OPT_CORRELATOR, true}, {"--prompt", OPT_PROMPT, false},
    {"--reason", OPT_REASON, true},         {"--watch", OPT_WATCH, false},
    {"--count", OPT_COUNT, true},           {"--until", OPT_UNTIL, true},
    {"--timeout", OPT_TIMEOUT, true},       {"--calls", OPT_CALLS, false},
    {"--without", OPT_WITHOUT, true},
};

/** Default of `wait`. */
#define WAIT_MS 30000u
#define DAY_MS 86400000u

/* ---- words ---- */

/** Copy one word to `o`, quotes removed. @return octets read, 0: a quote is not closed */
static size_t read_word(struct str line, size_t at, char *to, size_t *n)
{
    char quote = 0;
    size_t i = at;

    for (; i < line.n; i++) {
        char c = line.p[i];
        if (quote == 0 && (c == ' ' || c == '\t')) {
            break;
        }
        if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == quote) {
            quote = 0;
        } else {
            if (c == '\\' && quote == '"' && i + 1 < line.n) {
                c = line.p[++i];
            }
            to[(*n)++] = c;
        }
    }
    return quote == 0 ? i - at : 0;
}

int csta_words_split(struct str line, struct arena *a, struct str *word, size_t *n)
{
    char *buf = arena_alloc(a, line.n + 1);
    size_t at = 0;

    *n = 0;
    if (buf == NULL) {
        return E_NOMEM;
    }
    for (;;) {
        size_t len = 0, used;
        while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t')) {
            at++;
        }
        if (at == line.n || line.p[at] == '#') {
            return 0;
        }
        used = read_word(line, at, buf, &len);
        if (used == 0) {
            return E_SYNTAX;
        }
        if (*n == CSTA_WORDS_MAX) {
            return E_TOOMANY;
        }
        word[(*n)++] = str_make(buf, len);
        buf += len;
        at += used;
    }
}

/* ---- values ---- */

bool csta_option_takes_value(struct str option)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (str_eq(option, str_c(options[i].name))) {
            return options[i].has_value;
        }
    }
    return false;
}

bool csta_option_known(struct str option)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (str_eq(str_upto(option, str_index(option, '=')), str_c(options[i].name))) {
            return true;
        }
    }
    return false;
}

struct csta_connection_id csta_connection_parse(struct str text)
{
    struct csta_connection_id c = {0};
    size_t slash = text.n;

    while (slash > 0 && text.p[slash - 1] != '/') {
        slash--;
    }
    if (slash == 0) {
        c.device_id.value = text;
        return c;
    }
    if (slash > 1) {
        c.call_id = str_upto(text, slash - 1);
    }
    if (slash < text.n) {
        c.device_id.value = str_from(text, slash);
    }
    return c;
}

struct str csta_event_name(enum csta_msg_id id)
{
    struct str name = csta_msg_name(id);

    if (id == CSTA_MSG_TRANSFERRED_EVENT) {
        return STR("Transferred");
    }
    return str_ends(name, STR("Event")) ? str_upto(name, name.n - 5) : STR("");
}

enum csta_msg_id csta_event_find(struct str name)
{
    if (name.n > 5 && str_ieq(str_from(name, name.n - 5), STR("Event"))) {
        name = str_upto(name, name.n - 5);
    }
    if (str_ieq(name, STR("Transfered"))) {
        return CSTA_MSG_TRANSFERRED_EVENT;
    }
    for (unsigned id = CSTA_MSG_NONE + 1; id < CSTA_MSG_COUNT; id++) {
        struct str have = csta_event_name((enum csta_msg_id)id);
        if (have.n > 0 && str_ieq(name, have)) {
            return (enum csta_msg_id)id;
        }
    }
    return CSTA_MSG_NONE;
}

bool csta_seconds_parse(struct str text, uint64_t *ms)
{
    size_t dot;
    uint64_t whole, part = 0;

    if (str_ends(text, STR("s"))) {
        text = str_upto(text, text.n - 1);
    }
    dot = str_index(text, '.');
    if (!str_to_u64(str_upto(text, dot), DAY_MS / 1000, &whole)) {
        return false;
    }
    if (dot < text.n) {
        struct str digits = str_from(text, dot + 1);
        if (digits.n > 3 || !str_to_u64(digits, 999, &part)) {
            return false;
        }
        for (size_t i = digits.n; i < 3; i++) {
            part *= 10;
        }
    }
    *ms = whole * 1000 + part;
    return *ms <= DAY_MS;
}

enum csta_edition csta_edition_find(struct str name)
{
    if (name.n == 3 && str_istarts(name, STR("ed")) && name.p[2] >= '2' && name.p[2] <= '6') {
        return (enum csta_edition)(CSTA_ED2 + (name.p[2] - '2'));
    }
    return CSTA_EDITION_NONE;
}

/** Hex digits, blanks and colons between octets allowed, to octets in the arena. */
static int read_hex(struct draft *d, struct str option, struct str text, struct csta_data *out)
{
    struct str octets;
    int err = text_hex(text, d->arena, &octets);

    if (err == E_SYNTAX) {
        return COMPLAIN(d, "%.*s takes pairs of hex digits", STR_ARG(option));
    }
    if (err == 0 && octets.n == 0) {
        return COMPLAIN(d, "%.*s takes at least one octet", STR_ARG(option));
    }
    *out = (struct csta_data){.kind = CSTA_DATA_STRING, .string = octets};
    return err;
}

static int read_text(struct draft *d, struct str text)
{
    char *to = arena_alloc(d->arena, text.n + 1);

    if (to == NULL) {
        return E_NOMEM;
    }
    to[0] = UUI_PD_IA5;
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] > 0x7F) {
            return COMPLAIN(d, "--user-text takes IA5 characters (ASCII) only; give other text "
                               "as octets with --user-data");
        }
        to[i + 1] = text.p[i];
    }
    d->user_data =
        (struct csta_data){.kind = CSTA_DATA_STRING, .string = str_make(to, text.n + 1)};
    return 0;
}

/* ---- options ---- */

static const struct verb *verb_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (str_eq(name, str_c(verbs[i].name))) {
            return &verbs[i];
        }
    }
    return NULL;
}

static const struct option *option_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (str_eq(name, str_c(options[i].name))) {
            return &options[i];
        }
    }
    return NULL;
}

static int read_user_data(struct draft *d, struct str name, struct str value)
{
    if (d->user_data.kind != CSTA_DATA_ABSENT) {
        return COMPLAIN(d, "--user-data and --user-text are given more than once");
    }
    return str_eq(name, STR("--user-text")) ? read_text(d, value)
                                            : read_hex(d, name, value, &d->user_data);
}

static int read_reason(struct draft *d, struct str value)
{
    d->reason = csta_event_cause_find(value);
    if (d->reason == CSTA_CAUSE_ABSENT) {
        return COMPLAIN(d,
                        "\"%.*s\" is no cause of CSTA, such as busy, normalClearing or "
                        "doNotDisturb",
                        STR_ARG(value));
    }
    return 0;
}

static int read_without(struct draft *d, struct str value)
{
    const struct csta_monitor_filter *filter;
    struct str wrong;
    int err = csta_filter_read(value, d->arena, &filter, &wrong);

    d->order->without = value;
    return err == E_VALUE ? COMPLAIN(d, "\"%.*s\" is no event of CSTA", STR_ARG(wrong)) : err;
}

static int read_option(struct draft *d, const struct option *opt, struct str value)
{
    struct csta_order *o = d->order;
    struct str name = str_c(opt->name);

    switch ((enum option_bit)opt->bit) {
    case OPT_USER_DATA:
        return read_user_data(d, name, value);
    case OPT_CORRELATOR:
        return read_hex(d, name, value, &d->correlator);
    case OPT_PROMPT:
        d->prompt = true;
        return 0;
    case OPT_REASON:
        return read_reason(d, value);
    case OPT_WATCH:
        o->watch = true;
        return 0;
    case OPT_CALLS:
        o->calls = true;
        return 0;
    case OPT_WITHOUT:
        return read_without(d, value);
    case OPT_COUNT:
        if (!str_to_u32(value, &o->count) || o->count == 0) {
            return COMPLAIN(d, "--count takes a number of events");
        }
        return 0;
    case OPT_UNTIL:
        o->event = csta_event_find(value);
        return o->event != CSTA_MSG_NONE
                   ? 0
                   : COMPLAIN(d, "\"%.*s\" is no event of CSTA", STR_ARG(value));
    case OPT_TIMEOUT:
        break;
    }
    if (!csta_seconds_parse(value, &o->timeout_ms) || o->timeout_ms == 0) {
        return COMPLAIN(d, "--timeout takes seconds, at most a day");
    }
    return 0;
}

/** Sort the words behind the verb into arguments and options. */
static int sort_words(struct draft *d, const struct verb *v, const struct str *word, size_t n)
{
    bool only_arguments = false;

    for (size_t i = 1; i < n; i++) {
        struct str name = word[i], value = STR_NONE;
        const struct option *opt;
        size_t eq;
        int err;

        if (!only_arguments && str_eq(name, STR("--"))) {
            only_arguments = true;
            continue;
        }
        if (only_arguments || !str_starts(name, STR("-")) || name.n == 1) {
            d->arg[d->narg++] = name;
            continue;
        }
        eq = str_index(name, '=');
        if (eq < name.n) {
            value = str_from(name, eq + 1);
            name = str_upto(name, eq);
        }
        opt = option_find(name);
        if (opt == NULL || (v->options & opt->bit) == 0) {
            return COMPLAIN(d, "%s has no option \"%.*s\"", v->name, STR_ARG(name));
        }
        if (opt->has_value && !str_is_set(value)) {
            if (i + 1 == n) {
                return COMPLAIN(d, "%s takes a value", opt->name);
            }
            value = word[++i];
        } else if (!opt->has_value && str_is_set(value)) {
            return COMPLAIN(d, "%s takes no value", opt->name);
        }
        err = read_option(d, opt, value);
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

/* ---- messages ---- */

static int build_stop(struct draft *d)
{
    BODY(d, monitor_stop, CSTA_MSG_MONITOR_STOP, monitor_stop);
    body->monitor_cross_ref_id = d->arg[0];
    return 0;
}

static int build_snapshot(struct draft *d)
{
    BODY(d, snapshot_device, CSTA_MSG_SNAPSHOT_DEVICE, snapshot_device);
    body->snapshot_object.value = d->arg[0];
    return 0;
}

/** Which User-to-User does that device or peer understand, or the server ("uui")? */
static int ask_for_support(struct draft *d, const struct csta_common_arguments **out)
{
    struct csta_common_arguments *args = arena_zalloc(d->arena, sizeof(*args));
    struct str whom = d->arg[0];
    bool peer = str_istarts(whom, STR("peer:"));
    bool server = str_ieq(whom, STR("uui"));
    struct out o;

    whom = peer ? str_from(whom, 5) : whom;
    size_t cap = 6 * whom.n + 96; /* a reference has at most six octets */
    char *buf = arena_alloc(d->arena, cap);
    if (args == NULL || buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    out_c(&o, "<uuiSupport xmlns=\"" CSTA_PRIVATE_NAMESPACE "\"");
    if (!server) {
        out_c(&o, peer ? " peer=\"" : " device=\"");
        xml_write(&o, whom, true);
        out_c(&o, "\"");
    }
    out_c(&o, "/>");
    args->private_data.kind = CSTA_DATA_FOREIGN;
    args->private_data.foreign.body = out_str_of(&o);
    *out = args;
    return o.over ? E_SPACE : 0;
}

static int build_features(struct draft *d)
{
    BODY(d, get_csta_features, CSTA_MSG_GET_CSTA_FEATURES, get_csta_features);
    return d->narg > 0 ? ask_for_support(d, &body->extensions) : 0;
}

static int build_status(struct draft *d)
{
    BODY(d, request_system_status, CSTA_MSG_REQUEST_SYSTEM_STATUS, request_system_status);
    (void)body;
    return 0;
}

static int build_monitor(struct draft *d)
{
    struct str *list = arena_alloc(d->arena, d->narg * sizeof(*list));

    if (list == NULL) {
        return E_NOMEM;
    }
    memcpy(list, d->arg, d->narg * sizeof(*list));
    d->order->device = list;
    d->order->ndevice = d->narg;
    return 0;
}

/** `wait EVENT [DEVICE] [SECONDS]`: a last argument like "5s" is a time wherever it stands. */
static int build_wait(struct draft *d)
{
    struct csta_order *o = d->order;

    o->event = csta_event_find(d->arg[0]);
    if (o->event == CSTA_MSG_NONE) {
        return COMPLAIN(d, "\"%.*s\" is no event of CSTA", STR_ARG(d->arg[0]));
    }
    o->timeout_ms = WAIT_MS;
    if (d->narg == 2 && str_ends(d->arg[1], STR("s")) &&
        csta_seconds_parse(d->arg[1], &o->timeout_ms)) {
        return 0;
    }
    if (d->narg > 1 && !str_eq(d->arg[1], STR("*"))) {
        o->wait_device = d->arg[1];
    }
    if (d->narg > 2 && (!csta_seconds_parse(d->arg[2], &o->timeout_ms) || o->timeout_ms == 0)) {
        return COMPLAIN(d, "\"%.*s\" is no time in seconds", STR_ARG(d->arg[2]));
    }
    return 0;
}

static int build(struct draft *d, const struct verb *v)
{
    switch (d->order->verb) {
    case CSTA_VERB_REQUEST:
        d->order->what = STR_NONE;
        return csta_build_any(d);
    case CSTA_VERB_FORM:
    case CSTA_VERB_DEVICES:
        return csta_build_form(d, v->name);
    case CSTA_VERB_FILTER:
        return csta_build_filter(d);
    case CSTA_VERB_MAKE_CALL:
    case CSTA_VERB_ANSWER:
    case CSTA_VERB_CLEAR:
    case CSTA_VERB_HOLD:
    case CSTA_VERB_RETRIEVE:
    case CSTA_VERB_DEFLECT:
    case CSTA_VERB_CONSULT:
    case CSTA_VERB_ALTERNATE:
    case CSTA_VERB_RECONNECT:
    case CSTA_VERB_JOIN:
    case CSTA_VERB_DIGITS:
    case CSTA_VERB_DIAL:
    case CSTA_VERB_CLEAR_CALL:
    case CSTA_VERB_ASSOCIATE:
    case CSTA_VERB_TRANSFER:
        return csta_build_call(d);
    case CSTA_VERB_ROUTE_REGISTER:
    case CSTA_VERB_ROUTE_CANCEL:
    case CSTA_VERB_ROUTE:
    case CSTA_VERB_ROUTE_END:
    case CSTA_VERB_ROUTE_REJECT:
        return csta_build_route(d);
    case CSTA_VERB_MONITOR:
        return build_monitor(d);
    case CSTA_VERB_STOP:
        return build_stop(d);
    case CSTA_VERB_SNAPSHOT:
        return build_snapshot(d);
    case CSTA_VERB_FEATURES:
        return build_features(d);
    case CSTA_VERB_STATUS:
        return build_status(d);
    case CSTA_VERB_DND:
    case CSTA_VERB_FORWARD:
    case CSTA_VERB_WAITING:
    case CSTA_VERB_AGENT:
        return csta_feature_build(d->order, d->arg, d->narg, d->arena, d->complaint);
    case CSTA_VERB_RAW:
        d->order->file = d->arg[0];
        return 0;
    case CSTA_VERB_WAIT:
        return build_wait(d);
    case CSTA_VERB_SHELL:
    case CSTA_VERB_QUIT:
    case CSTA_VERB_NONE:
        break;
    }
    return 0;
}

/** The verbs whose first argument is a connection. */
static bool is_about_a_call(enum csta_verb v)
{
    return v >= CSTA_VERB_ANSWER && v <= CSTA_VERB_TRANSFER;
}

static int check(struct draft *d, const struct verb *v)
{
    struct csta_order *o = d->order;

    if (d->narg < v->min || d->narg > v->max) {
        return COMPLAIN(d, "it is \"%s\"", v->usage);
    }
    for (size_t i = 0; i < d->narg; i++) {
        if (d->arg[i].n == 0) {
            return COMPLAIN(d, "an argument of %s is empty", v->name);
        }
    }
    o->what = d->narg > 0 ? d->arg[0] : STR_NONE;
    if (is_about_a_call(v->verb)) {
        o->subject = csta_connection_parse(d->arg[0]);
        if (csta_connection_is_absent(&o->subject)) {
            return COMPLAIN(d, "\"%.*s\" is no connection: callID/deviceID, or a device",
                            STR_ARG(d->arg[0]));
        }
    }
    if (o->watch && o->subject.device_id.value.n == 0 && v->verb != CSTA_VERB_MAKE_CALL) {
        return COMPLAIN(d, "--watch needs a device in the connection");
    }
    if (o->timeout_ms > 0 && !o->watch && v->verb != CSTA_VERB_MONITOR) {
        return COMPLAIN(d, "--timeout goes with --watch");
    }
    return 0;
}

int csta_order_parse(const struct str *word, size_t n, struct arena *a, struct csta_order *out,
                     struct str *complaint)
{
    struct draft *d = arena_zalloc(a, sizeof(*d));
    const struct verb *v;
    int err;

    *out = (struct csta_order){0};
    *complaint = STR_NONE;
    if (d == NULL) {
        return E_NOMEM;
    }
    *d = (struct draft){.arena = a, .order = out, .complaint = complaint};
    if (n == 0 || n > CSTA_WORDS_MAX) {
        return COMPLAIN(d, n == 0 ? "a command is needed" : "too many words");
    }
    v = verb_find(word[0]);
    if (v == NULL) {
        return COMPLAIN(d, "there is no command \"%.*s\"", STR_ARG(word[0]));
    }
    out->verb = v->verb;
    err = sort_words(d, v, word, n);
    err = err == 0 ? check(d, v) : err;
    err = err == 0 ? build(d, v) : err;
    return err == E_VALUE && !str_is_set(*complaint) ? E_NOMEM : err;
}

int csta_body_write(const struct csta_msg *msg, enum csta_edition edition, struct arena *a,
                    struct str *out)
{
    size_t cap = 1024;

    for (;;) {
        struct out o;
        char *buf = arena_alloc(a, cap);
        int err;

        if (buf == NULL) {
            return E_NOMEM;
        }
        out_init(&o, buf, cap);
        err = csta_encode(msg, edition, &o);
        if (err != E_SPACE) {
            *out = err == 0 ? out_str_of(&o) : STR_NONE;
            return err;
        }
        cap = o.need + 1;
    }
}
