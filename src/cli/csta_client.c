/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders one after the other: begin, answer, done.
 *
 * A call order with --watch goes through up to three requests: MonitorStart when the device is
 * not monitored, SnapshotDevice when the connection was given without callID (to know which
 * call to follow), then the request itself.
 */
#include "cli/csta_client.h"

#include "base/err.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ORDER_CHUNK = 16 * 1024, FILE_MAX = 1 << 20 };

/** How long the monitors may take to stop at the end. */
#define STOP_MS 2000u
/** How long a list of devices may take behind the answer. */
#define LIST_MS 10000u

struct line {
    struct list link;
    size_t n;
    char text[];
};

uint64_t csta_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- saying ---- */

void csta_client_refused(struct csta_client *c, struct str what, const struct csta_answer *a)
{
    struct csta_refusal r = a->refusal;

    r.what = what;
    if (a->ok && r.because == NULL) {
        r.because = "the answer is none to this request";
    }
    csta_print_refusal(&c->printer, csta_wall_ms(), &r);
}

static void complain(struct csta_client *c, struct str what, const char *because)
{
    csta_print_refusal(&c->printer, csta_wall_ms(),
                       &(struct csta_refusal){.what = what, .because = because});
}

bool csta_client_send(struct csta_client *c, const struct csta_msg *msg, csta_answer_fn fn,
                      void *owner)
{
    struct str body;
    int err = csta_body_write(msg, c->edition, &c->ua->scratch, &body);

    if (err == 0) {
        err = csta_session_send(&c->session, msg->id, body, fn, owner);
    }
    if (err != 0) {
        complain(c, csta_msg_name(msg->id), err_text(err));
    }
    return err == 0;
}

/* ---- orders ---- */

static void on_next_line(void *ctx);

void csta_client_done(struct csta_client *c, int code)
{
    enum csta_verb verb = c->order.verb;

    if (verb == CSTA_VERB_NONE) {
        return;
    }
    ua_after(c->ua, CSTA_SLOT_WAIT, 0, NULL, NULL);
    csta_watch_end(c);
    c->order = (struct csta_order){0};
    c->waited = verb == CSTA_VERB_WAIT;
    c->unanswered = 0;
    c->exit_code = code != EXIT_CODE_OK ? code : c->exit_code;
    if (!c->shell || (code != EXIT_CODE_OK && c->exit_on_error)) {
        csta_client_close(c);
        return;
    }
    /* the next line begins from the loop, not from inside of what has just ended */
    ua_after(c->ua, CSTA_SLOT_WAIT, 1, on_next_line, c);
}

static void on_list_timeout(void *ctx)
{
    struct csta_client *c = ctx;

    complain(c, csta_msg_name(c->order.msg.id), "the list did not come in time");
    csta_client_done(c, EXIT_CODE_FAILED);
}

static void on_request_answer(void *owner, const struct csta_answer *a)
{
    struct csta_client *c = owner;
    const struct csta_order *o = &c->order;
    bool ok = a->ok;

    c->call_pending = false;
    if (c->closing) {
        return;
    }
    if (!ok) {
        csta_client_refused(c, csta_msg_name(o->msg.id), a);
    } else {
        if (a->msg.body != NULL && a->msg.id == CSTA_MSG_MAKE_CALL_RESPONSE) {
            struct str id = a->msg.make_call_response->calling_device.call_id;
            csta_call_known(c, id);
            csta_watch_set_call(c, id);
        }
        if (o->verb == CSTA_VERB_STOP) {
            csta_monitor_forget(c, o->what);
        }
        csta_print_answer(&c->printer, csta_wall_ms(), o->msg.id, o->what, &a->msg, a->body);
    }
    csta_held_release(c);
    if (ok && o->verb == CSTA_VERB_DEVICES && !c->listed) {
        ua_after(c->ua, CSTA_SLOT_WAIT, LIST_MS, on_list_timeout, c);
        return;
    }
    if (!ok || !c->watch.on) {
        csta_client_done(c, ok ? EXIT_CODE_OK : EXIT_CODE_FAILED);
    } else {
        csta_watch_answered(c);
    }
}

static void send_request(struct csta_client *c)
{
    c->call_pending = c->order.verb == CSTA_VERB_MAKE_CALL;
    c->listed = false;
    if (!csta_client_send(c, &c->order.msg, on_request_answer, c)) {
        c->call_pending = false;
        csta_client_done(c, EXIT_CODE_FAILED);
    }
}

static void on_learned(void *owner, const struct csta_answer *a)
{
    struct csta_client *c = owner;

    if (c->closing) {
        return;
    }
    if (a->ok) {
        csta_watch_learn(c, &a->msg);
    }
    if (c->session.state == CSTA_SESSION_UP) {
        send_request(c);
    } else {
        csta_client_refused(c, csta_msg_name(c->order.msg.id), a);
        csta_client_done(c, EXIT_CODE_FAILED);
    }
}

/** The device is monitored: find out which call it is, or ask at once. */
static void watch_ready(struct csta_client *c)
{
    struct csta_snapshot_device body = {.snapshot_object = {.value = c->watch.device}};
    const struct csta_msg msg = {.id = CSTA_MSG_SNAPSHOT_DEVICE, .snapshot_device = &body};

    if (c->order.verb == CSTA_VERB_MAKE_CALL || c->watch.call_id != NULL) {
        send_request(c);
    } else if (!csta_client_send(c, &msg, on_learned, c)) {
        csta_client_done(c, EXIT_CODE_FAILED);
    }
}

static void on_watch_timeout(void *ctx)
{
    struct csta_client *c = ctx;

    complain(c, csta_msg_name(c->order.msg.id), "the call has not ended in time");
    csta_client_done(c, EXIT_CODE_FAILED);
}

static void begin_watch(struct csta_client *c)
{
    const struct csta_order *o = &c->order;

    csta_watch_begin(c, o->subject.device_id.value, o->subject.call_id);
    c->session.persistent = true;
    if (o->timeout_ms > 0) {
        ua_after(c->ua, CSTA_SLOT_WAIT, o->timeout_ms, on_watch_timeout, c);
    }
    if (csta_monitor_find(c, o->subject.device_id.value) != NULL) {
        watch_ready(c);
        return;
    }
    c->unanswered = 1;
    if (!csta_monitor_start(c, o->subject.device_id.value, false, STR_NONE)) {
        csta_client_done(c, EXIT_CODE_FAILED);
    }
}

/* ---- monitor ---- */

static void on_monitor_timeout(void *ctx)
{
    struct csta_client *c = ctx;
    bool met = c->order.count == 0 && c->order.event == CSTA_MSG_NONE;

    if (!met) {
        complain(c, STR("monitor"), "the events that were waited for did not come in time");
    }
    csta_client_done(c, met ? EXIT_CODE_OK : EXIT_CODE_FAILED);
}

/** All MonitorStarts of the order are answered. */
static void monitors_stand(struct csta_client *c)
{
    bool any = false;

    list_each(it, &c->monitors)
    {
        any = any || list_entry(it, struct csta_monitor, link)->running;
    }
    if (c->shell) {
        csta_client_done(c, c->order_failed ? EXIT_CODE_FAILED : EXIT_CODE_OK);
    } else if (!any) {
        csta_client_done(c, EXIT_CODE_FAILED);
    } else {
        c->exit_code = c->order_failed ? EXIT_CODE_FAILED : c->exit_code;
        if (c->order.timeout_ms > 0) {
            ua_after(c->ua, CSTA_SLOT_WAIT, c->order.timeout_ms, on_monitor_timeout, c);
        }
    }
}

void csta_client_monitor_answered(struct csta_client *c, bool ok)
{
    if (c->order.verb == CSTA_VERB_NONE || c->unanswered == 0) {
        return;
    }
    c->unanswered--;
    if (c->order.verb != CSTA_VERB_MONITOR) {
        if (ok) {
            watch_ready(c);
        } else {
            csta_client_done(c, EXIT_CODE_FAILED);
        }
        return;
    }
    if (!ok) {
        c->order_failed = true;
    }
    if (c->unanswered == 0) {
        monitors_stand(c);
    }
}

static void begin_monitor(struct csta_client *c)
{
    const struct csta_order o = c->order;

    c->session.persistent = true;
    c->counted = 0;
    c->order_failed = false;
    c->unanswered = o.ndevice;
    for (size_t i = 0; i < o.ndevice; i++) {
        if (csta_monitor_find(c, o.device[i]) != NULL) {
            complain(c, o.device[i], "it is monitored already");
            csta_client_monitor_answered(c, false);
        } else if (!csta_monitor_start(c, o.device[i], o.calls, o.without)) {
            csta_client_monitor_answered(c, false);
        }
    }
}

/* ---- raw ---- */

static void on_raw_answer(void *owner, const struct csta_answer *a)
{
    struct csta_client *c = owner;

    if (c->closing) {
        return;
    }
    if (a->status == 0) {
        csta_client_refused(c, STR("raw"), a);
    } else {
        csta_print_raw(&c->printer, csta_wall_ms(), a->status, a->body);
        if (!a->ok && !str_is_set(a->body)) {
            csta_client_refused(c, STR("raw"), a);
        }
    }
    csta_client_done(c, a->ok ? EXIT_CODE_OK : EXIT_CODE_FAILED);
}

/** Read the whole file to c->raw, in the order's arena. @return false after saying why not */
static bool read_file(struct csta_client *c, struct str name)
{
    bool input = str_eq(name, STR("-"));
    char *path = arena_alloc(&c->arena, name.n + 1);
    char *buf = arena_alloc(&c->arena, FILE_MAX);
    FILE *f = NULL;
    size_t n;

    if (path != NULL && buf != NULL && !(input && c->shell)) {
        memcpy(path, name.p, name.n);
        path[name.n] = '\0';
        f = input ? stdin : fopen(path, "rb");
    }
    if (f == NULL) {
        complain(c, STR("raw"), "the file cannot be opened");
        return false;
    }
    n = fread(buf, 1, FILE_MAX, f);
    if (!input) {
        fclose(f);
    }
    if (n == 0 || n == FILE_MAX) {
        complain(c, STR("raw"), n == 0 ? "the file is empty" : "the file is larger than 1 MiB");
        return false;
    }
    c->raw = str_make(buf, n);
    return true;
}

static void begin_raw(struct csta_client *c)
{
    if ((c->shell && !read_file(c, c->order.file)) ||
        csta_session_send(&c->session, CSTA_MSG_NONE, c->raw, on_raw_answer, c) != 0) {
        csta_client_done(c, EXIT_CODE_FAILED);
    }
}

/* ---- the shell ---- */

static void on_wait_timeout(void *ctx)
{
    struct csta_client *c = ctx;

    complain(c, arena_fmt(&c->ua->scratch, "wait %.*s", STR_ARG(c->order.what)),
             "the event did not come in time");
    csta_client_done(c, EXIT_CODE_FAILED);
}

static void begin_wait(struct csta_client *c)
{
    const struct csta_order *o = &c->order;

    if (csta_seen_take(c, o->event, o->wait_device)) {
        csta_client_done(c, EXIT_CODE_OK);
    } else {
        ua_after(c->ua, CSTA_SLOT_WAIT, o->timeout_ms, on_wait_timeout, c);
    }
}

static void add_line(struct csta_client *c, struct str text)
{
    struct line *l = malloc(sizeof(*l) + text.n);

    if (l == NULL) {
        complain(c, STR("the line"), "out of memory");
        return;
    }
    l->n = text.n;
    memcpy(l->text, text.p, text.n);
    list_append(&c->lines, &l->link);
}

static void next_line(struct csta_client *c);

static void on_line(void *ctx, struct str line)
{
    struct csta_client *c = ctx;

    if (!str_is_set(line)) {
        c->input_ended = true;
    } else {
        add_line(c, line);
    }
    next_line(c);
}

/** A file cannot be read by events: all of it at once. */
static void read_all_lines(struct csta_client *c)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;

    while ((n = getline(&line, &cap, stdin)) >= 0) {
        add_line(c, str_trim(str_make(line, (size_t)n)));
    }
    free(line);
    c->input_ended = true;
}

static void begin_shell(struct csta_client *c)
{
    struct stat st;

    c->shell = true;
    c->session.persistent = true;
    c->order = (struct csta_order){0};
    c->echo = !c->printer.json && isatty(STDIN_FILENO) == 0;
    if (c->echo && fstat(STDIN_FILENO, &st) == 0 && !S_ISFIFO(st.st_mode) &&
        !S_ISSOCK(st.st_mode)) {
        read_all_lines(c);
    } else if (ua_read_lines(c->ua, on_line, c) != 0) {
        complain(c, STR("shell"), "standard input cannot be read");
        c->input_ended = true;
    }
    next_line(c);
}

static void begin(struct csta_client *c)
{
    if (c->waited && c->order.verb != CSTA_VERB_WAIT) {
        csta_seen_clear(c);
        c->waited = false;
    }
    switch (c->order.verb) {
    case CSTA_VERB_NONE:
        break;
    case CSTA_VERB_MONITOR:
        begin_monitor(c);
        break;
    case CSTA_VERB_RAW:
        begin_raw(c);
        break;
    case CSTA_VERB_WAIT:
        begin_wait(c);
        break;
    case CSTA_VERB_SHELL:
        begin_shell(c);
        break;
    case CSTA_VERB_QUIT:
        csta_client_close(c);
        break;
    default:
        if (c->order.watch) {
            begin_watch(c);
        } else {
            send_request(c);
        }
        break;
    }
}

/** A shell has no use for what only a command line can mean. */
static const char *misplaced(const struct csta_order *o)
{
    if (o->verb == CSTA_VERB_SHELL) {
        return "this is the shell";
    }
    if (o->verb == CSTA_VERB_MONITOR &&
        (o->count > 0 || o->event != CSTA_MSG_NONE || o->timeout_ms > 0)) {
        return "in the shell, use wait";
    }
    return NULL;
}

static void run_line(struct csta_client *c, struct str text)
{
    struct str word[CSTA_WORDS_MAX], complaint = STR_NONE;
    size_t n = 0;
    int err;

    arena_reset(&c->arena);
    text = arena_dup(&c->arena, text);
    err = csta_words_split(text, &c->arena, word, &n);
    if (err == 0 && n == 0) {
        return;
    }
    if (c->echo) {
        fprintf(c->printer.out, "> %.*s\n", STR_ARG(text));
        fflush(c->printer.out);
    }
    if (err == 0) {
        err = csta_order_parse(word, n, &c->arena, &c->order, &complaint);
    }
    if (err == 0 && misplaced(&c->order) != NULL) {
        complaint = str_c(misplaced(&c->order));
        err = E_VALUE;
    }
    if (err != 0) {
        complain(c, n > 0 ? word[0] : text,
                 str_is_set(complaint) ? complaint.p
                 : err == E_SYNTAX     ? "a quote is not closed"
                                       : err_text(err));
        c->order = (struct csta_order){0};
        c->exit_code = EXIT_CODE_FAILED;
        if (c->exit_on_error) {
            csta_client_close(c);
        }
        return;
    }
    begin(c);
}

static void next_line(struct csta_client *c)
{
    while (c->shell && !c->closing && c->order.verb == CSTA_VERB_NONE &&
           c->session.state == CSTA_SESSION_UP) {
        struct line *l;
        if (list_empty(&c->lines)) {
            if (c->input_ended) {
                csta_client_close(c);
            }
            return;
        }
        l = list_entry(c->lines.next, struct line, link);
        list_remove(&l->link);
        run_line(c, str_make(l->text, l->n));
        free(l);
    }
}

static void on_next_line(void *ctx)
{
    next_line(ctx);
}

/* ---- the session's news ---- */

static void on_up(void *ctx)
{
    struct csta_client *c = ctx;

    if (c->order.verb == CSTA_VERB_SHELL) {
        begin(c);
        return;
    }
    if (c->session.persistent) {
        csta_print_news(&c->printer, csta_wall_ms(), "up", STR("the session is up again"));
        csta_monitors_again(c);
        next_line(c);
        return;
    }
    begin(c);
}

static void on_down(void *ctx, const struct csta_refusal *why, uint64_t retry_ms)
{
    struct csta_client *c = ctx;
    struct csta_refusal r = *why;

    c->call_pending = false;
    csta_held_release(c);
    csta_print_refusal(&c->printer, csta_wall_ms(), &r);
    if (retry_ms > 0) {
        csta_print_news(&c->printer, csta_wall_ms(), "lost",
                        arena_fmt(&c->ua->scratch, "the next attempt is in %u s",
                                  (unsigned)(retry_ms / 1000)));
    } else {
        c->exit_code = EXIT_CODE_FAILED;
    }
}

static void on_closed(void *ctx)
{
    struct csta_client *c = ctx;

    c->closing = true;
    ua_after(c->ua, CSTA_SLOT_WAIT, 0, NULL, NULL);
    ua_after(c->ua, CSTA_SLOT_GONE, 0, NULL, NULL);
    ua_stop(c->ua);
}

static struct str party_text(const struct csta_device_ref *d)
{
    return d->kind == CSTA_DEVICE_REF_ID           ? d->id.value
           : d->kind == CSTA_DEVICE_REF_RESTRICTED ? STR("somebody")
                                                   : STR("somebody unknown");
}

/** What the server asks or says about routes; absent: it is about something else. */
static struct str route_text(const struct csta_msg *m, struct arena *a)
{
    if (m->id == CSTA_MSG_ROUTE_REQUEST) {
        const struct csta_route_request *q = m->route_request;
        struct str own =
            q->extensions != NULL && q->extensions->private_data.kind == CSTA_DATA_FOREIGN
                ? q->extensions->private_data.foreign.body
                : STR("");
        return arena_fmt(
            a, "route %.*s: %.*s calls %.*s, %.*s/%.*s; where to? %.*s",
            STR_ARG(q->cross_ref_identifier), STR_ARG(party_text(&q->calling_device)),
            STR_ARG(party_text(&q->current_route)), STR_ARG(q->routed_call.call_id),
            STR_ARG(q->routed_call.device_id.value), STR_ARG(own));
    }
    if (m->id == CSTA_MSG_RE_ROUTE) {
        return arena_fmt(a, "route %.*s: it did not get through; where to?",
                         STR_ARG(m->re_route->cross_ref_identifier));
    }
    if (m->id == CSTA_MSG_ROUTE_USED) {
        return arena_fmt(a, "route %.*s: %.*s has answered",
                         STR_ARG(m->route_used->cross_ref_identifier),
                         STR_ARG(party_text(&m->route_used->route_used)));
    }
    if (m->id == CSTA_MSG_ROUTE_END) {
        struct csta_error e = m->route_end->error_value;
        return arena_fmt(
            a, "route %.*s: over%s%.*s", STR_ARG(m->route_end->cross_ref_identifier),
            e.kind != CSTA_ERROR_ABSENT ? ", " : "",
            STR_ARG(e.kind != CSTA_ERROR_ABSENT ? csta_error_value_name(e) : STR("")));
    }
    return m->id == CSTA_MSG_ROUTE_REGISTER_ABORT
               ? arena_fmt(a, "registration %.*s is over",
                           STR_ARG(m->route_register_abort->route_register_req_id))
               : STR_NONE;
}

/** A part of the list of devices, with or without having been asked. */
static void on_list(struct csta_client *c, const struct csta_msg *m, struct str body)
{
    csta_print_list(&c->printer, csta_wall_ms(), m, body);
    if (m->switching_function_devices->last_segment != CSTA_TRUE) {
        return;
    }
    c->listed = true;
    if (c->order.verb == CSTA_VERB_DEVICES && !csta_session_is_asking(&c->session)) {
        csta_client_done(c, EXIT_CODE_OK);
    }
}

static void on_request(void *ctx, const struct csta_msg *m, struct str body)
{
    struct csta_client *c = ctx;
    struct arena *a = &c->ua->scratch;
    struct str text = arena_fmt(a, "the server asks: %.*s", STR_ARG(m->root_name));

    if (m->body != NULL && m->id == CSTA_MSG_SWITCHING_FUNCTION_DEVICES) {
        on_list(c, m, body);
        return;
    }
    if (m->body != NULL && m->id == CSTA_MSG_MONITOR_STOP) {
        struct str ref = m->monitor_stop->monitor_cross_ref_id;
        text = arena_fmt(a, "the server has ended the monitor %.*s", STR_ARG(ref));
        csta_monitor_forget(c, ref);
    } else if (m->body != NULL && m->id == CSTA_MSG_SYSTEM_STATUS) {
        struct str status = csta_system_status_value_name(m->system_status->system_status);
        text = arena_fmt(a, "the server's system status is %.*s", STR_ARG(status));
    } else if (m->id == CSTA_MSG_SW_FUNCTION_DEVICES_CHANGED) {
        text = STR("the devices that may be used are others now");
    } else if (m->id == CSTA_MSG_REQUEST_SYSTEM_STATUS) {
        return; /* a keep-alive */
    } else if (m->body != NULL && str_is_set(route_text(m, a))) {
        text = route_text(m, a);
    }
    csta_print_news(&c->printer, csta_wall_ms(), "server", text);
    if (c->order.verb == CSTA_VERB_MONITOR && !c->shell && c->unanswered == 0 &&
        list_empty(&c->monitors)) {
        csta_client_done(c, EXIT_CODE_FAILED);
    }
}

static void on_silence(void *ctx)
{
    struct csta_client *c = ctx;

    csta_print_news(&c->printer, csta_wall_ms(), "waiting",
                    arena_fmt(&c->ua->scratch,
                              "no answer from %s yet; it is waited for, half a minute at most",
                              c->ua->config.server.host));
}

static const struct csta_session_user session_user = {.on_up = on_up,
                                                      .on_silence = on_silence,
                                                      .on_event = csta_client_on_event,
                                                      .on_request = on_request,
                                                      .on_down = on_down,
                                                      .on_closed = on_closed};

/* ---- life ---- */

void csta_client_init(struct csta_client *c, FILE *out, FILE *err, bool json)
{
    *c = (struct csta_client){0};
    c->printer = (struct csta_printer){.out = out, .err = err, .json = json};
    arena_init(&c->arena, &mem_libc, ORDER_CHUNK);
    list_init(&c->monitors);
    list_init(&c->calls);
    list_init(&c->held);
    list_init(&c->seen);
    list_init(&c->lines);
}

void csta_client_fini(struct csta_client *c)
{
    if (c->ua != NULL) {
        csta_session_fini(&c->session);
        csta_watch_fini(c);
    }
    while (!list_empty(&c->lines)) {
        struct line *l = list_entry(c->lines.next, struct line, link);
        list_remove(&l->link);
        free(l);
    }
    arena_fini(&c->arena);
}

int csta_client_start(struct csta_client *c, struct ua *ua,
                      const struct csta_session_config *config, const struct csta_order *order)
{
    c->ua = ua;
    c->printer.scratch = &ua->scratch;
    c->edition = config->edition;
    c->order = *order;
    csta_session_init(&c->session, c->ua, config, &session_user, c);
    if (order->verb == CSTA_VERB_RAW && !read_file(c, order->file)) {
        return EXIT_CODE_USAGE;
    }
    csta_session_open(&c->session);
    return c->session.state == CSTA_SESSION_CLOSED ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

static void on_stopped(void *owner, const struct csta_answer *a)
{
    struct csta_client *c = owner;

    (void)a;
    c->unanswered--;
    if (c->unanswered == 0) {
        csta_session_close(&c->session);
    }
}

static void on_stop_timeout(void *ctx)
{
    struct csta_client *c = ctx;

    csta_session_close(&c->session);
}

static void stop_monitors(struct csta_client *c)
{
    c->unanswered = 1; /* ours, until all are sent */
    list_each(it, &c->monitors)
    {
        struct csta_monitor *m = list_entry(it, struct csta_monitor, link);
        struct csta_monitor_stop body = {.monitor_cross_ref_id = str_c(m->cross_ref)};
        const struct csta_msg msg = {.id = CSTA_MSG_MONITOR_STOP, .monitor_stop = &body};
        c->unanswered += m->running ? 1 : 0;
        if (m->running && !csta_client_send(c, &msg, on_stopped, c)) {
            c->unanswered--;
        }
    }
    c->unanswered--;
}

void csta_client_close(struct csta_client *c)
{
    if (c->closing) {
        return;
    }
    c->closing = true;
    c->order = (struct csta_order){0};
    csta_watch_end(c);
    if (c->session.state == CSTA_SESSION_UP) {
        stop_monitors(c);
    }
    if (c->session.state == CSTA_SESSION_UP && c->unanswered > 0) {
        ua_after(c->ua, CSTA_SLOT_WAIT, STOP_MS, on_stop_timeout, c);
    } else {
        csta_session_close(&c->session);
    }
}

void csta_client_flow_closed(void *client)
{
    struct csta_client *c = client;

    if (c->ua != NULL && !c->closing) {
        csta_session_flow_closed(&c->session);
    }
}

void csta_client_interrupt(void *client)
{
    struct csta_client *c = client;
    const struct csta_order *o = &c->order;
    bool endless = o->verb == CSTA_VERB_MONITOR && o->count == 0 && o->event == CSTA_MSG_NONE;

    if (o->verb != CSTA_VERB_NONE && o->verb != CSTA_VERB_SHELL && !endless) {
        c->exit_code = EXIT_CODE_FAILED;
    }
    csta_client_close(c);
}
