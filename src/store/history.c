/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that were: see history.h. The view itself stands with the tables, in db.c.
 *
 * A reader is a statement that runs as it is asked, so a long answer costs no more memory than
 * a short one. Behind a cursor (`after_ms`, `after_call`) a query begins where another ended;
 * when that call has been forgotten, so has what lay behind it.
 *
 * COST: the newest calls first are found from the journal's end, so a page costs what it shows
 * and what a filter leaves out: some 10 us a call. How the calls are ordered is when they
 * began.
 */
#include "store/history.h"
#include "store/parts.h"
#include <stdio.h>
#include <stdlib.h>

#define IN_ANY(test)                                                                  \
    "(" test("calling") " OR " test("called") " OR " test("answered_by") " OR " test( \
        "moves") ")"
#define HAS_PARTY(column) "instr(ifnull(" column ", ''), ?3)"
#define HAS_TEXT(column) "instr(lower(ifnull(" column ", '')), lower(?7))"
#define IS_DEVICE(column)                                                             \
    "(" column " = ?5 OR " column " LIKE 'sip:' || ?8 || '@%' ESCAPE '\\' OR " column \
    " LIKE 'sips:' || ?8 || '@%' ESCAPE '\\' OR " column " = 'tel:' || ?5)"

static const char select_calls[] =
    "SELECT call, began, ifnull(answered, 0), ifnull(ended, 0), calling, called, answered_by,"
    " cause, moves, uui, first FROM history WHERE began >= ?1 AND (?2 = 0 OR began < ?2)"
    " AND (?3 IS NULL OR " IN_ANY(
        HAS_PARTY) ")"
                   " AND (?5 IS NULL OR " IS_DEVICE("calling") " OR " IS_DEVICE("called") " OR " IS_DEVICE(
                       "answered_by") ")"
                                      " AND (?6 IS NULL OR (ended NOT NULL AND cause = ?6))"
                                      " AND (?7 IS NULL OR " IN_ANY(HAS_TEXT) " OR " HAS_TEXT("call") " OR " HAS_TEXT(
                                          "cause") " OR " HAS_TEXT("uui") ")"
                                                                          " AND (?10 IS NULL OR (began <= ?9 AND first < (SELECT min(seq) FROM events"
                                                                          " WHERE watched = '' AND call = ?10)))"
                                                                          " ORDER BY first DESC LIMIT ?4";

static const char oldest_first[] = "SELECT * FROM (%s) ORDER BY first";

enum { PROGRESS_STEPS = 10000 }; /* of SQLite's machine: less than a millisecond */

struct history_reader {
    sqlite3 *db;
    sqlite3_stmt *s;
    const char *path;
    char why[512];
};

static void read_call(sqlite3_stmt *s, struct history_call *c)
{
    *c = (struct history_call){.call = db_str(s, 0),
                               .began_ms = sqlite3_column_int64(s, 1),
                               .answered_ms = sqlite3_column_int64(s, 2),
                               .ended_ms = sqlite3_column_int64(s, 3),
                               .calling = db_str(s, 4),
                               .called = db_str(s, 5),
                               .answered_by = db_str(s, 6),
                               .cause = db_str(s, 7),
                               .moves = db_str(s, 8),
                               .uui = db_str(s, 9)};
    if (c->ended_ms == 0) {
        c->cause = STR_NONE; /* one party may have gone, the call goes on */
    }
}

static void bind(sqlite3_stmt *s, int at, struct str value)
{
    if (str_is_set(value)) {
        (void)sqlite3_bind_text(s, at, value.p, (int)value.n, SQLITE_TRANSIENT);
    }
}

/** A value that LIKE takes as it is. */
static void bind_plain(sqlite3_stmt *s, int at, struct str value)
{
    char buf[512];
    struct out o;

    out_init(&o, buf, sizeof(buf));
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '%' || value.p[i] == '_' || value.p[i] == '\\') {
            out_ch(&o, '\\');
        }
        out_ch(&o, value.p[i]);
    }
    if (str_is_set(value)) {
        bind(s, at, o.over ? STR("") : out_str_of(&o));
    }
}

/** Called while the database works. @return not 0: it is to end */
static int on_progress(void *over)
{
    return atomic_load((const atomic_bool *)over);
}

/** Of a database in memory, which has no log beside it: who reads it keeps no writer waiting.
 */
static bool wait_for_nobody(sqlite3 *db)
{
    return sqlite3_exec(db, "PRAGMA read_uncommitted = true", NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(struct history_reader *r, const struct history_query *q)
{
    char sql[sizeof(select_calls) + sizeof(oldest_first)];

    (void)snprintf(sql, sizeof(sql), q->newest_first ? "%s" : oldest_first, select_calls);
    if (sqlite3_open_v2(r->path, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) !=
            SQLITE_OK ||
        sqlite3_busy_timeout(r->db, 2000) != SQLITE_OK || !wait_for_nobody(r->db) ||
        sqlite3_prepare_v2(r->db, sql, -1, &r->s, NULL) != SQLITE_OK) {
        return false;
    }
    if (q->over != NULL) {
        sqlite3_progress_handler(r->db, PROGRESS_STEPS, on_progress,
                                 (void *)(uintptr_t)q->over);
    }
    (void)sqlite3_bind_int64(r->s, 1, q->since_ms);
    (void)sqlite3_bind_int64(r->s, 2, q->until_ms);
    bind(r->s, 3, q->party);
    (void)sqlite3_bind_int64(r->s, 4, q->limit != 0 ? (sqlite3_int64)q->limit : -1);
    bind(r->s, 5, q->device);
    bind(r->s, 6, q->cause);
    bind(r->s, 7, q->text);
    bind_plain(r->s, 8, q->device);
    (void)sqlite3_bind_int64(r->s, 9, q->after_ms);
    bind(r->s, 10, q->after_call);
    return true;
}

static void say_why(struct history_reader *r)
{
    (void)snprintf(r->why, sizeof(r->why), "%s: %s", r->path,
                   r->db != NULL ? sqlite3_errmsg(r->db) : "out of memory");
}

struct history_reader *history_open(const char *path, const struct history_query *q, char *why,
                                    size_t cap)
{
    struct history_reader *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        (void)snprintf(why, cap, "%s: out of memory", path);
        return NULL;
    }
    r->path = path;
    if (!prepare(r, q)) {
        say_why(r);
        (void)snprintf(why, cap, "%s", r->why);
        history_close(r);
        return NULL;
    }
    return r;
}

int history_next(struct history_reader *r, struct history_call *c)
{
    int err = sqlite3_step(r->s);

    if (err == SQLITE_ROW) {
        read_call(r->s, c);
        return 1;
    }
    if (err != SQLITE_DONE) {
        say_why(r);
        return -1;
    }
    return 0;
}

const char *history_why(const struct history_reader *r)
{
    return r->why;
}

void history_close(struct history_reader *r)
{
    if (r != NULL) {
        (void)sqlite3_finalize(r->s);
        (void)sqlite3_close(r->db);
        free(r);
    }
}

bool history_each(const char *path, const struct history_query *q,
                  void (*fn)(void *ctx, const struct history_call *c), void *ctx, char *why,
                  size_t cap)
{
    struct history_reader *r = history_open(path, q, why, cap);
    struct history_call c;
    int more;

    if (r == NULL) {
        return false;
    }
    while ((more = history_next(r, &c)) > 0) {
        fn(ctx, &c);
    }
    if (more < 0) {
        (void)snprintf(why, cap, "%s", r->why);
    }
    history_close(r);
    return more == 0;
}
