/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that were: see history.h. The view itself stands with the tables, in db.c. */
#include "store/history.h"
#include "store/parts.h"
#include <stdio.h>

static const char select_calls[] =
    "SELECT call, began, ifnull(answered, 0), ifnull(ended, 0), calling, called, answered_by,"
    " cause, moves, uui FROM history WHERE began >= ?1 AND (?2 = 0 OR began < ?2)"
    " AND (?3 IS NULL OR instr(ifnull(calling, ''), ?3) OR instr(ifnull(called, ''), ?3)"
    " OR instr(ifnull(answered_by, ''), ?3) OR instr(ifnull(moves, ''), ?3))"
    " ORDER BY began DESC, call LIMIT ?4";

static const char oldest_first[] = "SELECT * FROM (%s) ORDER BY 2, 1";

static bool fail(sqlite3 *db, sqlite3_stmt *s, const char *path, char *why, size_t cap)
{
    (void)snprintf(why, cap, "%s: %s", path, db != NULL ? sqlite3_errmsg(db) : "out of memory");
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(db);
    return false;
}

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

bool history_each(const char *path, const struct history_query *q,
                  void (*fn)(void *ctx, const struct history_call *c), void *ctx, char *why,
                  size_t cap)
{
    char sql[sizeof(select_calls) + sizeof(oldest_first)];
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int err;

    (void)snprintf(sql, sizeof(sql), oldest_first, select_calls);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_busy_timeout(db, 2000) != SQLITE_OK ||
        sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) {
        return fail(db, s, path, why, cap);
    }
    (void)sqlite3_bind_int64(s, 1, q->since_ms);
    (void)sqlite3_bind_int64(s, 2, q->until_ms);
    if (str_is_set(q->party)) {
        (void)sqlite3_bind_text(s, 3, q->party.p, (int)q->party.n, SQLITE_STATIC);
    }
    (void)sqlite3_bind_int64(s, 4, q->limit != 0 ? (sqlite3_int64)q->limit : -1);
    while ((err = sqlite3_step(s)) == SQLITE_ROW) {
        struct history_call c;
        read_call(s, &c);
        fn(ctx, &c);
    }
    if (err != SQLITE_DONE) {
        return fail(db, s, path, why, cap);
    }
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(db);
    return true;
}
