/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/history: calls that were (store/history.h), as pages of JSON, or all of them as a
 * stream of CSV or JSON lines.
 *
 * The database is read by the worker (work.h), a piece at a time: a piece of a stream is read
 * when the client has taken most of the one before. A long export holds its statement open and
 * nothing else; a client that takes nothing is closed like any other.
 *
 * WHO may see a call: who may observe one of its parties. An administrator sees all.
 *
 *   open ──► reading ──► writing ──► (full: waits for `writable`) ──► reading … ──► ended
 *
 * An export belongs to two: the request, until `closed`, and the worker while it reads. Who
 * leaves last frees it.
 */
#include "store/history.h"
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "api/work.h"
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    PIECE = API_STREAM_PART,
    ROW_MAX = 16 << 10,
    PAGE = 100,
    PAGE_MAX = 1000,
    EXPORT_MAX = 1000000
};

/* ---- who may see it ---- */

/** Scopes of the asker: a copy, since the worker looks at them. */
struct sight {
    struct access_scope *scope;
    size_t n;
    bool all;
};

static bool copy_sight(struct arena *a, const struct access_principal *who, struct sight *out)
{
    *out = (struct sight){.n = who->count, .all = who->admin};
    out->scope = arena_alloc(a, (who->count + 1) * sizeof(*out->scope));
    for (size_t i = 0; out->scope != NULL && i < who->count; i++) {
        out->scope[i] = who->scopes[i];
        out->scope[i].pattern = arena_dup(a, who->scopes[i].pattern);
    }
    return out->scope != NULL;
}

/** "sip:1001@example.com" is 1001@example.com; "tel:+49…" +49… */
static bool sees_party(const struct sight *s, struct str id)
{
    size_t colon = str_index(id, ':');
    struct str key = colon < id.n ? str_from(id, colon + 1) : id;

    key = str_upto(key, str_index(key, ';'));
    return key.n > 0 && access_scopes_observe(s->scope, s->n, key);
}

static bool sees(const struct sight *s, const struct history_call *c)
{
    return s->all || sees_party(s, c->calling) || sees_party(s, c->called) ||
           sees_party(s, c->answered_by);
}

/* ---- what was asked ---- */

/** ISO 8601, with or without time, seconds and their fraction. @return false: it is no time */
static bool read_time(struct str text, int64_t *out)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    char buf[48];
    struct tm t = {0};
    const char *end = NULL;
    int ms = 0, digits = 0;

    if (text.n >= sizeof(buf)) {
        return false;
    }
    (void)snprintf(buf, sizeof(buf), "%.*s", STR_ARG(text));
    for (size_t i = 0; i < ARRAY_LEN(forms) && end == NULL; i++) {
        t = (struct tm){0};
        end = strptime(buf, forms[i], &t);
    }
    if (end == NULL) {
        return false;
    }
    if (*end == '.') {
        for (end++; *end >= '0' && *end <= '9'; end++, digits++) {
            ms = digits < 3 ? ms * 10 + (*end - '0') : ms;
        }
        for (; digits < 3; digits++) {
            ms *= 10;
        }
    }
    *out = (int64_t)timegm(&t) * 1000 + ms;
    return *end == '\0' || strcmp(end, "Z") == 0;
}

static bool query_time(struct api_request *r, const char *name, int64_t *out)
{
    struct str text = api_query(r, name);

    if (str_is_set(text) && !read_time(text, out)) {
        api_refuse(r, 400, "invalidQuery", "%s is a time in UTC: 2026-11-20T12:00:00Z.", name);
        return false;
    }
    return true;
}

/** "MILLISECONDS.CALL" */
static bool query_after(struct api_request *r, struct history_query *q)
{
    struct str text = api_query(r, "after");
    size_t dot = str_index(text, '.');
    uint64_t ms = 0;

    if (!str_is_set(text)) {
        return true;
    }
    if (dot == text.n || !str_to_u64(str_upto(text, dot), INT64_MAX, &ms)) {
        api_refuse(r, 400, "invalidCursor", "after is the `next` of the page before.");
        return false;
    }
    q->after_ms = (int64_t)ms;
    q->after_call = str_from(text, dot + 1);
    return true;
}

enum form { FORM_JSON, FORM_CSV, FORM_LINES, FORMS };

static const struct {
    const char *name, *type, *full;
} forms[FORMS] = {
    [FORM_JSON] = {"json", "application/json", "application/json"},
    [FORM_CSV] = {"csv", "text/csv", "text/csv; charset=utf-8; header=present"},
    [FORM_LINES] = {"jsonl", "application/jsonl", "application/jsonl"},
};

static bool read_form(struct api_request *r, enum form *out)
{
    struct str wanted = api_query(r, "format");

    for (size_t i = 0; i < FORMS; i++) {
        if (str_is_set(wanted) ? str_eq(wanted, str_c(forms[i].name))
                               : api_accepts(r, forms[i].type)) {
            *out = (enum form)i;
            return true;
        }
    }
    api_refuse(r, str_is_set(wanted) ? 400 : 406, "unknownFormat",
               "There are json, csv and jsonl.");
    return false;
}

/** A page is read on by a cursor, which only goes back in time. */
static bool read_order(struct api_request *r, enum form form, struct history_query *q)
{
    struct str order = api_query(r, "order");
    bool oldest = str_eq(order, STR("oldest"));

    if (str_is_set(order) &&
        ((oldest && form == FORM_JSON) || (!oldest && !str_eq(order, STR("newest"))))) {
        api_refuse(r, 400, "invalidQuery",
                   "order is newest, or in CSV and JSON lines oldest: which call comes first.");
        return false;
    }
    q->newest_first = !oldest;
    return true;
}

static bool read_query(struct api_request *r, enum form form, struct history_query *q)
{
    uint64_t most = form == FORM_JSON ? PAGE_MAX : EXPORT_MAX, limit = 0;

    if (!query_time(r, "from", &q->since_ms) || !query_time(r, "to", &q->until_ms) ||
        !query_after(r, q) || api_query_u64(r, "limit", 1, most, &limit) != 0 ||
        !read_order(r, form, q)) {
        return false;
    }
    q->party = api_query(r, "party");
    q->device = api_query(r, "device");
    q->cause = api_query(r, "cause");
    q->text = api_query(r, "text");
    q->limit = (uint32_t)limit;
    return true;
}

/* ---- pages ---- */

struct page {
    struct api_work work;
    struct api_request *r;
    const char *path;
    struct history_query q;
    struct sight sight;
    struct text text;
    bool failed;
};

static void add_item(struct page *p, const struct history_call *c, bool first)
{
    char *buf = arena_alloc(p->r->arena, ROW_MAX);
    struct out o;

    if (buf != NULL) {
        out_init(&o, buf, ROW_MAX);
        history_json(c, &o);
        text_c(&p->text, first ? "" : ",");
        text_add(&p->text, o.over ? STR("{}") : out_str_of(&o));
    }
}

static void read_page(struct api_work *w)
{
    struct page *p = container_of(w, struct page, work);
    uint32_t most = p->q.limit != 0 ? p->q.limit : PAGE, n = 0;
    struct history_reader *reader;
    struct history_call c;
    char why[256];
    int more;

    p->q.limit = 0; /* of those that he may see */
    p->q.over = work_over_flag(w);
    p->text = text_in(p->r->arena);
    reader = history_open(p->path, &p->q, why, sizeof(why));
    if (reader == NULL) {
        p->failed = true;
        return;
    }
    text_c(&p->text, "{\"items\":[");
    char *last = arena_zalloc(p->r->arena, 300);
    while ((more = history_next(reader, &c)) > 0 && n < most) {
        if (sees(&p->sight, &c)) {
            add_item(p, &c, n == 0);
            n++;
            (void)(last != NULL && snprintf(last, 300, "%lld.%.*s", (long long)c.began_ms,
                                            STR_ARG(str_upto(c.call, 256))));
        }
    }
    text_c(&p->text, "]");
    if (more > 0 && last != NULL) {
        text_member(&p->text, "next", str_c(last));
    }
    text_c(&p->text, "}");
    p->failed = more < 0;
    history_close(reader);
}

static void page_done(struct api_work *w)
{
    struct page *p = container_of(w, struct page, work);

    if (p->failed) {
        api_refuse(p->r, 503, "historyUnreadable", "The database cannot be read now.");
    } else {
        text_reply(p->r, &p->text);
    }
}

static void start_page(struct api_request *r, const char *path, const struct history_query *q)
{
    struct page *p = arena_zalloc(r->arena, sizeof(*p));

    if (p == NULL || !copy_sight(r->arena, r->who, &p->sight)) {
        api_busy(r, E_TOOMANY);
        return;
    }
    p->r = r;
    p->path = path;
    p->q = *q;
    p->work.payer = pace_payer(r);
    p->work.run = read_page;
    p->work.done = page_done;
    if (api_work(r->api, &p->work) != 0) {
        api_busy(r, E_TOOMANY);
    }
}

/* ---- exports ---- */

struct export
{
    struct api_work work;
    struct api_request *r; /**< NULL: closed */
    struct arena arena;    /**< of the query */
    const char *path;
    struct history_query q;
    struct sight sight;
    struct history_reader *reader;
    enum form form;
    bool begun, reading, over, failed;
    size_t n;
    char piece[PIECE];
};

static void export_free(struct export *x)
{
    history_close(x->reader);
    arena_fini(&x->arena);
    free(x);
}

static bool add_row(struct export *x, const struct history_call *c)
{
    struct out o;

    out_init(&o, x->piece + x->n, sizeof(x->piece) - x->n);
    if (x->form == FORM_CSV) {
        history_csv(c, &o);
    } else {
        history_json(c, &o);
        out_ch(&o, '\n');
    }
    x->n += o.over ? 0 : o.n;
    return sizeof(x->piece) - x->n >= ROW_MAX;
}

/** The next piece. A row is shorter than ROW_MAX, or is left out. */
static void read_piece(struct api_work *w)
{
    struct export *x = container_of(w, struct export, work);
    struct history_call c;
    struct out o;
    char why[256];
    int more = 0;
    bool room = true;

    x->n = 0;
    if (x->reader == NULL) {
        x->q.over = work_over_flag(w);
        x->reader = history_open(x->path, &x->q, why, sizeof(why));
        out_init(&o, x->piece, sizeof(x->piece));
        if (x->form == FORM_CSV) {
            history_csv_head(&o);
        }
        x->n = o.n;
    }
    while (x->reader != NULL && room && (more = history_next(x->reader, &c)) > 0) {
        room = !sees(&x->sight, &c) || add_row(x, &c);
    }
    x->failed = x->reader == NULL || more < 0;
    x->over = x->failed || more == 0;
}

static void read_on(struct export *x);

static void write_piece(struct export *x)
{
    int err = api_stream_write(x->r, str_make(x->piece, x->n));

    if (err == E_SPACE) {
        return; /* on_writable */
    }
    x->n = 0;
    if (err == 0 && !x->over) {
        read_on(x);
    } else {
        (err != 0 || x->failed ? api_stream_cut : api_stream_end)(x->r);
    }
}

static void on_writable(struct api_request *r)
{
    struct export *x = r->ctx;

    if (!x->reading && x->n > 0) {
        write_piece(x);
    }
}

static void on_closed(struct api_request *r)
{
    struct export *x = r->ctx;

    x->r = NULL;
    if (!x->reading) {
        export_free(x);
    }
}

static const struct api_stream_ops ops = {
    .whole = true, .writable = on_writable, .closed = on_closed};

static void on_piece(struct api_work *w)
{
    struct export *x = container_of(w, struct export, work);
    struct api_header file = {"Content-Disposition",
                              x->form == FORM_CSV
                                  ? STR("attachment; filename=\"history.csv\"")
                                  : STR("attachment; filename=\"history.jsonl\"")};

    x->reading = false;
    if (x->r == NULL) {
        export_free(x);
        return;
    }
    if (!x->begun && x->failed) {
        api_refuse(x->r, 503, "historyUnreadable", "The database cannot be read now.");
        export_free(x);
        return;
    }
    if (!x->begun && !api_may_still(x->r)) {
        export_free(x);
        return;
    }
    if (!x->begun) {
        x->begun = true;
        api_stream_begin(x->r, 200, forms[x->form].full, &file, 1, &ops);
    }
    write_piece(x);
}

/** The server has stopped while it was read; the request has gone, or will not come back. */
static void on_left(struct api_work *w)
{
    export_free(container_of(w, struct export, work));
}

static void read_on(struct export *x)
{
    x->reading = true;
    x->work.run = read_piece;
    x->work.done = on_piece;
    x->work.abandon = on_left;
    if (api_work(x->r->api, &x->work) != 0) {
        x->reading = false;
        if (x->begun) {
            api_stream_cut(x->r);
        } else {
            api_busy(x->r, E_TOOMANY);
            export_free(x);
        }
    }
}

static void start_export(struct api_request *r, const char *path, const struct history_query *q,
                         enum form form)
{
    struct export *x;

    if (!pace_stream(r)) {
        return;
    }
    x = calloc(1, sizeof(*x));
    if (x == NULL) {
        api_busy(r, E_TOOMANY);
        return;
    }
    arena_init(&x->arena, &mem_libc, 1024);
    x->r = r;
    x->path = path;
    x->form = form;
    x->q = *q;
    x->q.party = arena_dup(&x->arena, q->party);
    x->q.device = arena_dup(&x->arena, q->device);
    x->q.cause = arena_dup(&x->arena, q->cause);
    x->q.text = arena_dup(&x->arena, q->text);
    x->q.after_call = arena_dup(&x->arena, q->after_call);
    r->ctx = x;
    x->work.payer = pace_payer(r);
    if (!copy_sight(&x->arena, r->who, &x->sight)) {
        export_free(x);
        api_busy(r, E_TOOMANY);
        return;
    }
    read_on(x);
}

void api_get_history(struct api_request *r)
{
    struct history_query q = {0};
    enum form form;

    if (r->api->config.database == NULL) {
        api_refuse(r, 409, "noHistory",
                   "Nothing is kept: set store.path in the configuration.");
        return;
    }
    if (!read_form(r, &form) || !read_query(r, form, &q)) {
        return;
    }
    if (form == FORM_JSON) {
        start_page(r, r->api->config.database, &q);
    } else {
        start_export(r, r->api->config.database, &q, form);
    }
}
