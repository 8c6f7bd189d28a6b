/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database.
 *
 *   events   the journal: `seq` is the number. `watched` is empty where an event is nobody's
 *            record but tells what happened; those carry the columns that history shows.
 *   rows     what stands, by kind and key
 *   history  a view: one line a call, made of the events that are nobody's
 *
 * VERSION. `user_version` says which steps below have been taken; what is missing is done at
 * start, in one transaction. A database of a later version is refused: an older program must
 * not guess.
 *
 * SOUND? `quick_check` runs at start. What does not pass is not opened: a journal with holes
 * that nobody knows of is worse than none.
 *
 * The file holds what was said in calls and keys: it is made readable by its owner only.
 */
#include "store/parts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char *const steps[] = {
    "CREATE TABLE events ("
    "  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, watched TEXT NOT NULL, call TEXT,"
    "  event TEXT NOT NULL, cause TEXT, subject TEXT, calling TEXT, called TEXT, other TEXT,"
    "  uui TEXT, data BLOB);"
    "CREATE INDEX events_of_call ON events (call, seq) WHERE watched = '' AND call NOT NULL;"
    "CREATE INDEX events_shared ON events (seq) WHERE watched = '';"
    "CREATE TABLE rows (kind INTEGER, key BLOB, value BLOB, PRIMARY KEY (kind, key))"
    "  WITHOUT ROWID;"
    "CREATE VIEW history AS SELECT call,"
    "  min(at) AS began,"
    "  (SELECT calling FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.calling NOT NULL ORDER BY f.seq LIMIT 1) AS calling,"
    "  (SELECT called FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.called NOT NULL ORDER BY f.seq LIMIT 1) AS called,"
    "  min(CASE WHEN event = 'EstablishedEvent' THEN at END) AS answered,"
    "  (SELECT subject FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event = 'EstablishedEvent' ORDER BY f.seq LIMIT 1) AS answered_by,"
    "  max(CASE WHEN event = 'CallClearedEvent' THEN at END) AS ended,"
    "  (SELECT cause FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event IN ('FailedEvent', 'ConnectionClearedEvent', 'CallClearedEvent')"
    "    ORDER BY CASE f.event WHEN 'FailedEvent' THEN 0 ELSE 1 END, f.seq LIMIT 1) AS cause,"
    "  (SELECT group_concat(g.step, ' ') FROM (SELECT CASE f.event WHEN 'DivertedEvent'"
    "    THEN 'diverted:' ELSE 'transferred:' END || ifnull(f.other, '') AS step"
    "    FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event IN ('DivertedEvent', 'TransferedEvent') ORDER BY f.seq) g) AS moves,"
    "  (SELECT uui FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.uui NOT NULL ORDER BY f.seq LIMIT 1) AS uui"
    "  FROM events e WHERE watched = '' AND call NOT NULL GROUP BY call;",
    "CREATE INDEX events_of_device ON events (watched, seq) WHERE watched <> '';"
    "CREATE INDEX events_gap ON events (seq) WHERE event = 'gap';",
    /* A call is found by its first event, and its columns by its own: the newest calls cost the
       same however many there were. */
    "DROP VIEW history;"
    "CREATE VIEW history AS SELECT call,"
    "  at AS began,"
    "  (SELECT calling FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.calling NOT NULL ORDER BY f.seq LIMIT 1) AS calling,"
    "  (SELECT called FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.called NOT NULL ORDER BY f.seq LIMIT 1) AS called,"
    "  (SELECT at FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event = 'EstablishedEvent' ORDER BY f.seq LIMIT 1) AS answered,"
    "  (SELECT subject FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event = 'EstablishedEvent' ORDER BY f.seq LIMIT 1) AS answered_by,"
    "  (SELECT at FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event = 'CallClearedEvent' ORDER BY f.seq DESC LIMIT 1) AS ended,"
    "  (SELECT cause FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event IN ('FailedEvent', 'ConnectionClearedEvent', 'CallClearedEvent')"
    "    ORDER BY CASE f.event WHEN 'FailedEvent' THEN 0 ELSE 1 END, f.seq LIMIT 1) AS cause,"
    "  (SELECT group_concat(g.step, ' ') FROM (SELECT CASE f.event WHEN 'DivertedEvent'"
    "    THEN 'diverted:' ELSE 'transferred:' END || ifnull(f.other, '') AS step"
    "    FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.event IN ('DivertedEvent', 'TransferedEvent') ORDER BY f.seq) g) AS moves,"
    "  (SELECT uui FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.uui NOT NULL ORDER BY f.seq LIMIT 1) AS uui,"
    "  seq AS first"
    "  FROM events e INDEXED BY events_shared WHERE watched = '' AND call NOT NULL"
    "  AND NOT EXISTS (SELECT 1 FROM events f WHERE f.watched = '' AND f.call = e.call"
    "    AND f.seq < e.seq);",
};

static const char *const statements[STMT_COUNT] = {
    [STMT_EVENT] = "INSERT OR REPLACE INTO events (" EVENT_COLUMNS ", uui) "
                   "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
    [STMT_PUT] = "INSERT OR REPLACE INTO rows (kind, key, value) VALUES (?,?,?)",
    [STMT_DROP] = "DELETE FROM rows WHERE kind = ? AND key = ?",
    [STMT_CLEAR] = "DELETE FROM rows",
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_PAGE] = "SELECT " EVENT_COLUMNS "FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
    [STMT_PAGE_SHARED] = "SELECT " EVENT_COLUMNS
                         "FROM events WHERE watched = '' AND seq > ? ORDER BY seq LIMIT ?",
    [STMT_PAGE_CALL] = "SELECT " EVENT_COLUMNS "FROM events "
                       "WHERE watched = '' AND call = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2",
    [STMT_OLDEST] = "SELECT ifnull(min(seq), 0), ifnull(max(seq), 0) FROM events",
    /* what is older than the first of the oldest few that is not: no look at the others */
    [STMT_FORGET] =
        "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq < ifnull("
        "(SELECT seq FROM (SELECT seq, at FROM events ORDER BY seq LIMIT ?2) WHERE at >= ?1 "
        "ORDER BY seq LIMIT 1), 9223372036854775807) "
        "AND seq < (SELECT max(seq) FROM events) ORDER BY seq LIMIT ?2)",
    [STMT_USED] = ("SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, "
                   "pragma_freelist_count, pragma_page_size"),
};

static bool fail(char *why, size_t cap, const char *path, const char *what, const char *more)
{
    (void)snprintf(why, cap, "%s: %s%s%s", path, what, more[0] != '\0' ? ": " : "", more);
    return false;
}

int64_t db_version(void)
{
    return (int64_t)ARRAY_LEN(steps);
}

int db_lock(const char *path, char *why, size_t cap)
{
    char name[4096];
    int n = snprintf(name, sizeof(name), "%s.lock", path), fd;

    if (n < 0 || (size_t)n >= sizeof(name)) {
        (void)fail(why, cap, path, "the name is too long", "");
        return -1;
    }
    fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)fail(why, cap, name, "cannot be made", strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)fail(why, cap, path, "another server writes to it", "");
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int64_t ask_number(struct db *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t v = -1;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW) {
        v = sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_finalize(s);
    return v;
}

static bool run(struct db *db, const char *sql)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool is_sound(struct db *db, const char *path, char *why, size_t cap)
{
    sqlite3_stmt *s = NULL;
    char text[160] = "";
    bool ok = false;

    if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW) {
        struct str said = db_str(s, 0);
        ok = str_eq(said, STR("ok"));
        (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(said));
    } else {
        (void)snprintf(text, sizeof(text), "%s", sqlite3_errmsg(db->handle));
    }
    (void)sqlite3_finalize(s);
    return ok ||
           fail(why, cap, path,
                "the database is damaged; move it away or put a backup in its place", text);
}

/** It was looked into, in vain: because of what it is, or of where it is. */
static bool no_use(const struct db *db, const char *path, char *why, size_t cap)
{
    int code = sqlite3_errcode(db->handle) & 0xff;
    bool alien = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;

    return fail(why, cap, path, alien ? "is no database" : "cannot be used",
                sqlite3_errmsg(db->handle));
}

static bool migrate(struct db *db, const char *path, char *why, size_t cap)
{
    int64_t version = ask_number(db, "PRAGMA user_version");
    int64_t whose = ask_number(db, "PRAGMA application_id");
    int64_t tables = ask_number(db, "SELECT count(*) FROM sqlite_master");
    char sql[96];

    if (version < 0 || whose < 0 || tables < 0) {
        return no_use(db, path, why, cap);
    }
    if (whose != DB_APPLICATION && tables > 0) {
        return fail(why, cap, path, "is a database of something else", "");
    }
    if (version > (int64_t)ARRAY_LEN(steps)) {
        return fail(why, cap, path, "was written by a later version of this program", "");
    }
    if (version == (int64_t)ARRAY_LEN(steps)) {
        return true;
    }
    bool ok = run(db, "BEGIN IMMEDIATE");
    for (int64_t i = version; ok && i < (int64_t)ARRAY_LEN(steps); i++) {
        ok = run(db, steps[i]);
    }
    (void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
                   DB_APPLICATION, ARRAY_LEN(steps));
    /* and it stands in the file itself, for store_look */
    ok = ok && run(db, sql) && run(db, "COMMIT") && run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    return ok || fail(why, cap, path, "cannot be brought to this version",
                      sqlite3_errmsg(db->handle));
}

static bool configure(struct db *db, const struct store_config *config)
{
    char sql[64];

    (void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %u", config->max_pages);
    return run(db, "PRAGMA journal_mode = WAL") &&
           run(db, config->sync_full ? "PRAGMA synchronous = FULL"
                                     : "PRAGMA synchronous = NORMAL") &&
           run(db, "PRAGMA temp_store = MEMORY") && (config->max_pages == 0 || run(db, sql));
}

static bool prepare(struct db *db)
{
    for (size_t i = 0; i < STMT_COUNT; i++) {
        if (sqlite3_prepare_v3(db->handle, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->stmt[i], NULL) != SQLITE_OK) {
            return false;
        }
    }
    return true;
}

/** Four octets of the file's head, the highest first (fileformat2.html §1.3). */
static uint32_t head_number(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool store_look(const char *path, char *why, size_t cap)
{
    enum { HEAD = 100, VERSION_AT = 60, APPLICATION_AT = 68 };
    unsigned char head[HEAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT || fail(why, cap, path, "cannot be opened", strerror(errno));
    }
    ssize_t n = read(fd, head, sizeof(head));
    (void)close(fd);
    if (n == 0) {
        return true; /* about to be made */
    }
    if (n != HEAD || memcmp(head, "SQLite format 3", 16) != 0) {
        return fail(why, cap, path, "is no database", "");
    }
    if (head_number(head + APPLICATION_AT) != DB_APPLICATION) {
        return fail(why, cap, path, "is a database of something else", "");
    }
    return head_number(head + VERSION_AT) <= ARRAY_LEN(steps) ||
           fail(why, cap, path, "was written by a later version of this program", "");
}

/** The lock, and a file that only its owner may read. */
static bool make_file(struct db *db, const char *path, char *why, size_t cap)
{
    int fd;

    db->lock_fd = db_lock(path, why, cap);
    if (db->lock_fd < 0) {
        return false;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* the others take its rights over */
    if (fd < 0) {
        return fail(why, cap, path, "cannot be opened", strerror(errno));
    }
    (void)close(fd);
    return true;
}

/** A database in memory that readers of this process find by its name. */
static void name_memory(struct db *db)
{
    static atomic_uint number;
    (void)snprintf(db->memory, sizeof(db->memory), "file:baton-%u?mode=memory&cache=shared",
                   atomic_fetch_add(&number, 1));
}

bool db_open(struct db *db, const struct store_config *config, char *why, size_t cap)
{
    const char *path = config->path;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

    *db = (struct db){.lock_fd = -1, .uui = config->history_uui};
    if (path == NULL) {
        name_memory(db);
        path = db->memory;
        flags |= SQLITE_OPEN_URI;
    } else if (!make_file(db, path, why, cap)) {
        return false;
    }
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        return fail(why, cap, path, "cannot be opened",
                    db->handle != NULL ? sqlite3_errmsg(db->handle) : "out of memory");
    }
    (void)sqlite3_busy_timeout(db->handle, 500);
    (void)sqlite3_extended_result_codes(db->handle, 1);
    if (ask_number(db, "SELECT count(*) FROM sqlite_master") < 0) {
        return no_use(db, path, why, cap);
    }
    if (!is_sound(db, path, why, cap)) {
        return false;
    }
    if (!migrate(db, path, why, cap)) {
        return false;
    }
    if (!configure(db, config) || !prepare(db)) {
        return fail(why, cap, path, "cannot be used", sqlite3_errmsg(db->handle));
    }
    return true;
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(db->stmt[i]);
    }
    (void)sqlite3_close(db->handle);
    if (db->lock_fd >= 0) {
        (void)close(db->lock_fd);
    }
    *db = (struct db){.lock_fd = -1};
}

/* ---- writing ---- */

static void bind_text(sqlite3_stmt *s, int column, struct str text)
{
    if (str_is_set(text)) {
        (void)sqlite3_bind_text(s, column, text.p, (int)text.n, SQLITE_STATIC);
    } else {
        (void)sqlite3_bind_null(s, column);
    }
}

static void bind_blob(sqlite3_stmt *s, int column, struct str octets)
{
    if (str_is_set(octets)) {
        (void)sqlite3_bind_blob(s, column, octets.p, (int)octets.n, SQLITE_STATIC);
    } else {
        (void)sqlite3_bind_null(s, column);
    }
}

static int step(sqlite3_stmt *s)
{
    int err = sqlite3_step(s);
    (void)sqlite3_reset(s);
    return err == SQLITE_DONE || err == SQLITE_ROW ? SQLITE_OK : err;
}

/** What history shows of User-to-User, by the policy. */
static struct str uui_text(const struct db *db, struct str octets, struct out *o)
{
    if (!str_is_set(octets) || db->uui == STORE_UUI_NONE) {
        return STR_NONE;
    }
    if (db->uui == STORE_UUI_LENGTH) {
        out_fmt(o, "%zu octets", octets.n);
    } else {
        out_hex(o, octets, false);
    }
    return out_str_of(o);
}

static int write_event(struct db *db, const struct store_row *row)
{
    sqlite3_stmt *s = db->stmt[STMT_EVENT];
    const struct store_event *e = &row->event;
    char text[8192];
    struct out o;

    out_init(&o, text, sizeof(text));
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)row->number);
    (void)sqlite3_bind_int64(s, 2, row->at_ms);
    bind_text(s, 3, str_is_set(e->watched) ? e->watched : STR(""));
    bind_text(s, 4, e->call_id);
    bind_text(s, 5, e->event);
    bind_text(s, 6, e->cause);
    bind_text(s, 7, e->subject);
    bind_text(s, 8, e->calling);
    bind_text(s, 9, e->called);
    bind_text(s, 10, e->other);
    bind_blob(s, 11, e->data);
    bind_text(s, 12, uui_text(db, e->user_data, &o));
    return step(s);
}

static int write_row(struct db *db, const struct change *c)
{
    sqlite3_stmt *s = db->stmt[c->what == MAIL_PUT ? STMT_PUT : STMT_DROP];

    (void)sqlite3_bind_int(s, 1, (int)c->kind);
    bind_blob(s, 2, c->key);
    if (c->what == MAIL_PUT) {
        bind_blob(s, 3, str_is_set(c->value) ? c->value : STR(""));
    }
    return step(s);
}

static int write_change(struct db *db, const struct change *c)
{
    switch (c->what) {
    case MAIL_EVENT:
        return write_event(db, &c->row);
    case MAIL_CLEAR:
        return step(db->stmt[STMT_CLEAR]);
    case MAIL_PUT:
    case MAIL_DROP:
        break;
    }
    return write_row(db, c);
}

int db_commit(struct db *db, const struct mail *work)
{
    struct unpack u = unpack_of(str_make(work->p, work->n));
    struct change c;
    int err = step(db->stmt[STMT_BEGIN]);

    if (err != SQLITE_OK) {
        return err;
    }
    while (err == SQLITE_OK && mail_next(&u, &c)) {
        err = write_change(db, &c);
    }
    if (err == SQLITE_OK) {
        err = step(db->stmt[STMT_COMMIT]);
    }
    if (err != SQLITE_OK && sqlite3_get_autocommit(db->handle) == 0) {
        (void)step(db->stmt[STMT_ROLLBACK]);
    }
    return err;
}

/* ---- reading ---- */

struct str db_str(sqlite3_stmt *s, int column)
{
    const void *p;

    if (sqlite3_column_type(s, column) == SQLITE_NULL) {
        return STR_NONE;
    }
    p = sqlite3_column_blob(s, column);
    return str_make(p != NULL ? p : "", (size_t)sqlite3_column_bytes(s, column));
}

void db_row(sqlite3_stmt *s, struct store_row *out)
{
    *out = (struct store_row){.number = (uint64_t)sqlite3_column_int64(s, 0),
                              .at_ms = sqlite3_column_int64(s, 1),
                              .event = {.number = (uint64_t)sqlite3_column_int64(s, 0),
                                        .watched = db_str(s, 2),
                                        .call_id = db_str(s, 3),
                                        .event = db_str(s, 4),
                                        .cause = db_str(s, 5),
                                        .subject = db_str(s, 6),
                                        .calling = db_str(s, 7),
                                        .called = db_str(s, 8),
                                        .other = db_str(s, 9),
                                        .data = db_str(s, 10)}};
}

uint64_t db_oldest(struct db *db)
{
    sqlite3_stmt *s = db->stmt[STMT_OLDEST];
    uint64_t v = sqlite3_step(s) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;

    (void)sqlite3_reset(s);
    return v;
}

int db_forget(struct db *db, int64_t before_ms, uint32_t most)
{
    sqlite3_stmt *s = db->stmt[STMT_FORGET];

    (void)sqlite3_bind_int64(s, 1, before_ms != 0 ? before_ms : INT64_MAX);
    (void)sqlite3_bind_int64(s, 2, most);
    return step(s) == SQLITE_OK ? sqlite3_changes(db->handle) : -1;
}

uint64_t db_used(struct db *db)
{
    sqlite3_stmt *s = db->stmt[STMT_USED];
    uint64_t v = sqlite3_step(s) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;

    (void)sqlite3_reset(s);
    return v;
}
