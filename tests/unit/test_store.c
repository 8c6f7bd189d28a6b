/* SPDX-License-Identifier: Apache-2.0 */
/* The store: what was handed over is there after the next start; trouble is told; pages. */
#include "base/attr.h"
#include "base/err.h"
#include "kit_store.h"
#include "store/parts.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void put(struct kit_store *k, enum store_kind kind, const char *key, const char *value)
{
    const struct store_ops *ops = store_ops(k->st);
    ops->put(ops->ctx, kind, str_c(key), str_c(value));
}

static void drop(struct kit_store *k, enum store_kind kind, const char *key)
{
    const struct store_ops *ops = store_ops(k->st);
    ops->drop(ops->ctx, kind, str_c(key));
}

/** "key=value key=value" */
struct text {
    char buf[512];
    size_t n;
};

static void add_row(void *ctx, struct str key, struct str value)
{
    struct text *t = ctx;
    t->n += (size_t)snprintf(t->buf + t->n, sizeof(t->buf) - t->n, "%s%.*s=%.*s",
                             t->n > 0 ? " " : "", STR_ARG(key), STR_ARG(value));
}

static void add_event(void *ctx, const struct store_event *e)
{
    struct text *t = ctx;
    t->n += (size_t)snprintf(t->buf + t->n, sizeof(t->buf) - t->n, "%s%llu:%.*s:%.*s",
                             t->n > 0 ? " " : "", (unsigned long long)e->number,
                             STR_ARG(e->watched), STR_ARG(e->data));
}

static const char *rows(struct kit_store *k, enum store_kind kind)
{
    static struct text t;
    t = (struct text){.n = 0};
    CHECK(store_each_row(k->st, kind, add_row, &t));
    return t.buf;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

/* ---- life ---- */

static void test_what_was_handed_over_is_there_again(void)
{
    struct kit_store k;
    struct text t = {.n = 0};
    struct stat st;
    kit_store_make(&k);
    kit_store_up(&k);
    CHECK_INT(store_head(k.st), 0);
    CHECK(store_start(k.st));
    put(&k, STORE_BINDING, "b", "1");
    put(&k, STORE_BINDING, "a", "");
    put(&k, STORE_CALL, "b", "call");
    put(&k, STORE_BINDING, "c", "gone");
    put(&k, STORE_BINDING, "b", "2");
    drop(&k, STORE_BINDING, "c");
    kit_store_event(&k, 1, "1001@x");
    kit_store_note(&k, 2, "c1", "OriginatedEvent");
    kit_store_event(&k, 3, "1002@x");
    CHECK_INT(kit_store_down(&k), 0); /* nothing was flushed: closing does */

    kit_store_up(&k);
    CHECK_INT(store_head(k.st), 3);
    CHECK_STR(str_c(rows(&k, STORE_BINDING)), "a= b=2");
    CHECK_STR(str_c(rows(&k, STORE_CALL)), "b=call");
    CHECK_STR(str_c(rows(&k, STORE_SESSION)), "");
    CHECK_INT(store_reach(k.st), 0);
    CHECK(store_each_event(k.st, 10, add_event, &t));
    CHECK_STR(str_make(t.buf, t.n), "1:1001@x:data 3:1002@x:data");
    t.n = 0;
    CHECK(store_each_event(k.st, 1, add_event, &t)); /* of older ones the last of each device */
    CHECK_STR(str_make(t.buf, t.n), "1:1001@x:data 3:1002@x:data");
    CHECK(store_start(k.st));
    kit_store_event(&k, 4, "1001@x");
    kit_store_event(&k, 5, "1003@x");
    CHECK_INT(kit_store_down(&k), 0);

    kit_store_up(&k);
    t.n = 0;
    CHECK(store_each_event(k.st, 1, add_event, &t));
    CHECK_STR(str_make(t.buf, t.n), "3:1002@x:data 4:1001@x:data 5:1003@x:data");
    t.n = 0;
    CHECK(store_each_event(k.st, 10, add_event, &t));
    CHECK_STR(str_make(t.buf, t.n), "1:1001@x:data 3:1002@x:data 4:1001@x:data 5:1003@x:data");
    CHECK_INT(stat(k.path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/** What a process had committed is there when it is killed; what it only had in mind is not. */
static void test_it_survives_a_kill(void)
{
    struct kit_store k;
    int status = 0;
    kit_store_make(&k);
    pid_t child = fork();
    if (child == 0) {
        kit_store_up(&k);
        CHECK(store_start(k.st));
        put(&k, STORE_CALL, "kept", "1");
        kit_store_event(&k, 1, "d");
        kit_store_sync(&k);
        put(&k, STORE_CALL, "not", "1");
        (void)kill(getpid(), SIGKILL);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    kit_store_up(&k);
    CHECK_STR(str_c(rows(&k, STORE_CALL)), "kept=1");
    CHECK_INT(store_head(k.st), 1);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

static void check_refused(struct kit_store *k, const char *words)
{
    char why[512] = "";
    CHECK(!kit_store_open(k, why, sizeof(why)));
    if (k->st != NULL) {
        (void)kit_store_down(k);
    }
    CHECK(strstr(why, words) != NULL);
    CHECK(strstr(why, k->path) != NULL);
}

/** A look at the file says the same, and touches nothing. */
static void check_look(const struct kit_store *k, const char *text)
{
    char why[256] = "";
    CHECK_INT(store_look(k->path, why, sizeof(why)), text == NULL);
    CHECK(text == NULL || strstr(why, text) != NULL);
}

/** The database is right, and where it lies nothing can be written. */
static void test_a_place_where_it_cannot_be_used(void)
{
    struct kit_store k;
    char wal[128], why[512] = "";
    kit_store_make(&k);
    kit_store_up(&k);
    CHECK_INT(kit_store_down(&k), 0);
    (void)snprintf(wal, sizeof(wal), "%s-wal", k.path);
    CHECK_INT(mkdir(wal, 0700), 0);
    CHECK(!kit_store_open(&k, why, sizeof(why)));
    CHECK(strstr(why, "is no database") == NULL && strstr(why, "cannot be used: ") != NULL);
    CHECK_INT(rmdir(wal), 0);
    kit_store_up(&k); /* and nothing has happened to it */
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

static void test_what_is_not_opened(void)
{
    struct kit_store k, second;
    kit_store_make(&k);
    FILE *f = fopen(k.path, "w");
    fputs("this is no database, but a text that is long enough to be looked at as one", f);
    for (int i = 0; i < 200; i++) {
        fputs("0123456789", f);
    }
    fclose(f);
    check_refused(&k, "is no database");
    check_look(&k, "is no database");
    (void)unlink(k.path);
    check_look(&k, NULL); /* about to be made */

    run_sql(k.path, "CREATE TABLE mine (x)");
    check_refused(&k, "is a database of something else");
    check_look(&k, "is a database of something else");
    (void)unlink(k.path);

    kit_store_up(&k);
    second = k;
    second.st = NULL;
    check_refused(&second, "another server writes to it");
    check_look(&k, NULL); /* nobody is disturbed by it */
    CHECK_INT(kit_store_down(&k), 0);

    run_sql(k.path, "PRAGMA user_version = 99");
    check_refused(&k, "later version");
    check_look(&k, "later version");
    (void)unlink(k.path);
    k.config.path = "/nonexistent/folder/db";
    char why[256] = "";
    CHECK(!kit_store_open(&k, why, sizeof(why)));
    CHECK(strstr(why, "cannot be made") != NULL);
    kit_store_remove(&k);
}

static void test_a_damaged_database_is_told(void)
{
    struct kit_store k;
    kit_store_make(&k);
    kit_store_up(&k);
    CHECK(store_start(k.st));
    for (uint64_t i = 1; i <= 2000; i++) {
        kit_store_event(&k, i, "a device with a name that fills the pages");
    }
    CHECK_INT(kit_store_down(&k), 0);
    int fd = open(k.path, O_WRONLY);
    for (off_t at = 8192; at < 65536; at += 512) {
        CHECK(pwrite(fd, "garbage in the middle of a page", 31, at) == 31);
    }
    (void)close(fd);
    check_refused(&k, "damaged");
    kit_store_remove(&k);
}

/* ---- trouble ---- */

static void test_a_full_disk_is_told_and_nothing_waits_for_it(void)
{
    struct kit_store k;
    struct store_news news;
    struct store_stats stats;
    static char big[65536];
    kit_store_make(&k);
    k.config.max_pages = 40;
    kit_store_up(&k);
    CHECK(store_start(k.st));
    const struct store_ops *ops = store_ops(k.st);
    kit_store_event(&k, 1, "d");
    kit_store_sync(&k);
    CHECK(store_done(k.st) == store_mark(k.st));
    memset(big, 'x', sizeof(big));
    for (int i = 0; i < 4; i++) {
        char key[2] = {(char)('a' + i), '\0'};
        ops->put(ops->ctx, STORE_CALL, str_c(key), str_make(big, sizeof(big)));
    }
    kit_store_sync(&k); /* returns: nobody waits for a broken store */
    CHECK(store_done(k.st) == UINT64_MAX);
    store_poll(k.st, &news);
    CHECK(news.changed && news.broken && !news.resync);
    CHECK(strstr(news.why, "full") != NULL);
    store_poll(k.st, &news);
    CHECK(!news.changed && news.broken);
    store_stats(k.st, &stats);
    CHECK(stats.failed >= 1);
    CHECK_INT(kit_store_down(&k), 4); /* and who closes it is told, too */
    kit_store_up(&k);
    CHECK_STR(str_c(rows(&k, STORE_CALL)), "");
    CHECK_INT(store_head(k.st), 1);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/** More than the mailbox takes while the disk refuses: lost, counted, and said as a gap. */
static void test_lost_events_are_a_gap(void)
{
    struct kit_store k;
    struct store_news news;
    struct text t = {.n = 0};
    sqlite3 *other = NULL;
    static char big[65536];
    kit_store_make(&k);
    k.config.queue_bytes = 100000;
    kit_store_up(&k);
    CHECK(store_start(k.st));
    kit_store_event(&k, 1, "d");
    kit_store_sync(&k);
    /* somebody else holds the database, for longer than the store waits */
    CHECK_INT(sqlite3_open(k.path, &other), SQLITE_OK);
    CHECK_INT(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    memset(big, 'x', sizeof(big));
    const struct store_ops *ops = store_ops(k.st);
    kit_store_event(&k, 2, "d");
    kit_store_sync(&k); /* until it is broken */
    CHECK(store_done(k.st) == UINT64_MAX);
    ops->put(ops->ctx, STORE_CALL, STR("a"), str_make(big, sizeof(big)));
    store_flush(k.st);
    ops->put(ops->ctx, STORE_CALL, STR("b"), str_make(big, sizeof(big)));
    kit_store_event(&k, 3, "d");
    kit_store_event(&k, 4, "d");
    store_flush(k.st); /* no room */
    store_poll(k.st, &news);
    CHECK(news.broken && news.changed);
    CHECK_INT(news.lost, 3);
    CHECK_INT(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    pthread_mutex_lock(&k.lock);
    while (store_done(k.st) == UINT64_MAX || store_done(k.st) < store_mark(k.st)) {
        pthread_cond_wait(&k.woken, &k.lock);
    }
    pthread_mutex_unlock(&k.lock);
    store_poll(k.st, &news);
    CHECK(news.changed && !news.broken && news.resync);
    kit_store_event(&k, 5, "d");
    CHECK_INT(kit_store_down(&k), 3);
    kit_store_up(&k);
    CHECK(store_each_event(k.st, 10, add_event, &t));
    CHECK_STR(str_make(t.buf, t.n), "1:d:data 2:d:data 3::4 5:d:data");
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/** Rows whose drop was lost: who hands all over again clears them first. */
static void test_lost_drops_are_repaired(void)
{
    struct kit_store k;
    struct store_news news;
    static char big[4096];
    kit_store_make(&k);
    kit_store_up(&k);
    CHECK(store_start(k.st));
    put(&k, STORE_CALL, "over", "1");
    put(&k, STORE_CALL, "stands", "1");
    put(&k, STORE_BINDING, "gone", "1");
    CHECK_INT(kit_store_down(&k), 0);
    k.config.queue_bytes = 1000;
    kit_store_up(&k);
    const struct store_ops *ops = store_ops(k.st);
    memset(big, 'x', sizeof(big));
    drop(&k, STORE_CALL, "over");
    drop(&k, STORE_BINDING, "gone");
    ops->put(ops->ctx, STORE_CALL, STR("new"), str_make(big, sizeof(big)));
    store_flush(k.st); /* no room */
    store_poll(k.st, &news);
    CHECK(news.resync);
    CHECK_INT(news.lost, 3);
    CHECK(store_start(k.st));
    kit_store_event(&k, 1, "d");
    ops->clear(ops->ctx);
    put(&k, STORE_CALL, "stands", "2");
    put(&k, STORE_CALL, "new", "1");
    CHECK_INT(kit_store_down(&k), 3);
    kit_store_up(&k);
    CHECK_STR(str_c(rows(&k, STORE_CALL)), "new=1 stands=2");
    CHECK_STR(str_c(rows(&k, STORE_BINDING)), "");
    CHECK_INT(store_head(k.st), 1); /* events stay */
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/* ---- readers ---- */

struct got {
    struct kit_store *k;
    bool done, timed;
    int err;
    uint64_t gap_from, gap_to, after, head;
    char text[2048];
    size_t n;
};

static void on_page(void *ctx, const struct store_page *p)
{
    struct got *g = ctx;
    g->err = p->err;
    g->gap_from = p->gap_from;
    g->gap_to = p->gap_to;
    g->after = p->after;
    g->head = p->head;
    for (size_t i = 0; i < p->count; i++) {
        g->n += (size_t)snprintf(g->text + g->n, sizeof(g->text) - g->n, "%llu%.*s ",
                                 (unsigned long long)p->row[i].number,
                                 STR_ARG(p->row[i].event.watched));
        g->timed = g->timed && p->row[i].at_ms > 0;
    }
    pthread_mutex_lock(&g->k->lock);
    g->done = true;
    pthread_cond_broadcast(&g->k->woken);
    pthread_mutex_unlock(&g->k->lock);
}

/** From any thread, so without checks. */
static struct got fetch_query(struct kit_store *k, const struct store_query *q)
{
    struct got g = {.k = k, .timed = true};
    int err = store_read(k->st, q, on_page, &g);
    if (err != 0) {
        g.err = err;
        return g;
    }
    pthread_mutex_lock(&k->lock);
    while (!g.done) {
        pthread_cond_wait(&k->woken, &k->lock);
    }
    pthread_mutex_unlock(&k->lock);
    return g;
}

static struct got fetch(struct kit_store *k, uint64_t after, uint32_t limit, bool shared)
{
    return fetch_query(k,
                       &(struct store_query){.after = after, .limit = limit, .shared = shared});
}

static struct got page(struct kit_store *k, uint64_t after, uint32_t limit, bool shared)
{
    struct got g = fetch(k, after, limit, shared);
    CHECK_INT(g.err, 0);
    CHECK(g.timed);
    return g;
}

/** Pages from memory and from the database are the same. */
static void test_pages(void)
{
    struct kit_store k;
    struct got g;
    kit_store_make(&k);
    k.config.recent = 5;
    kit_store_up(&k);
    CHECK(store_start(k.st));
    for (uint64_t i = 1; i <= 20; i++) {
        if (i % 2 == 0) {
            kit_store_note(&k, i, "c", "HeldEvent");
        } else {
            kit_store_event(&k, i, "d");
        }
        if (i % 3 == 0) {
            kit_store_sync(&k);
        }
    }
    kit_store_sync(&k);
    g = page(&k, 0, 4, false);
    CHECK_STR(str_make(g.text, g.n), "1d 2 3d 4 ");
    CHECK_INT(g.after, 4);
    CHECK_INT(g.head, 20);
    CHECK_INT(g.gap_from, 0);
    g = page(&k, 4, 3, true);
    CHECK_STR(str_make(g.text, g.n), "6 8 10 ");
    g = page(&k, 14, 100, true); /* from the database: one is too old for memory */
    CHECK_STR(str_make(g.text, g.n), "16 18 20 ");
    CHECK_INT(g.after, 20);
    g = page(&k, 16, 2, false); /* from memory */
    CHECK_STR(str_make(g.text, g.n), "17d 18 ");
    CHECK_INT(g.after, 18);
    g = page(&k, 18, 100, true);
    CHECK_STR(str_make(g.text, g.n), "20 ");
    CHECK_INT(g.after, 20);
    g = page(&k, 20, 100, true);
    CHECK_INT(g.n, 0);
    CHECK_INT(g.after, 20);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/** Of one call: what is nobody's, from the database, by the index. */
static void test_pages_of_a_call(void)
{
    struct kit_store k;
    char call[] = "two";
    kit_store_make(&k);
    kit_store_up(&k);
    CHECK(store_start(k.st));
    for (uint64_t i = 1; i <= 12; i++) {
        if (i % 4 == 0) {
            kit_store_event(&k, i, "d");
        } else {
            kit_store_note(&k, i, i % 2 == 0 ? "two" : "one", "HeldEvent");
        }
    }
    kit_store_sync(&k);
    struct got g = fetch_query(&k, &(struct store_query){.limit = 2, .call_id = str_c(call)});
    CHECK_STR(str_make(g.text, g.n), "2 6 ");
    CHECK_INT(g.after, 6);
    g = fetch_query(&k, &(struct store_query){.after = 6, .limit = 9, .call_id = str_c(call)});
    CHECK_STR(str_make(g.text, g.n), "10 ");
    CHECK_INT(g.after, 12);
    g = fetch_query(&k, &(struct store_query){.limit = 9, .call_id = STR("nobody's")});
    CHECK_INT(g.n, 0);
    g = fetch_query(&k, &(struct store_query){.limit = 9, .call_id = STR("")});
    CHECK_INT(g.n, 0);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

static void test_a_reader_of_what_is_gone_is_told(void)
{
    struct kit_store k;
    struct got g;
    kit_store_make(&k);
    kit_store_up(&k);
    CHECK(store_start(k.st));
    for (uint64_t i = 1; i <= 10; i++) {
        kit_store_event(&k, i, "d");
    }
    CHECK_INT(kit_store_down(&k), 0);
    /* as old as the retention wants it, but the last one */
    run_sql(k.path, "UPDATE events SET at = at - 3 * 86400000 WHERE seq < 7");
    k.config.keep_days = 2;
    kit_store_up(&k);
    CHECK(store_start(k.st));
    kit_store_event(&k, 11, "d");
    kit_store_sync(&k);
    struct store_stats stats;
    do { /* retention comes behind the group */
        g = page(&k, 2, 3, false);
        store_stats(k.st, &stats);
    } while (stats.forgotten == 0);
    CHECK_INT(stats.forgotten, 6);
    g = page(&k, 2, 3, false);
    CHECK_INT(g.gap_from, 3);
    CHECK_INT(g.gap_to, 6);
    CHECK_STR(str_make(g.text, g.n), "7d 8d 9d ");
    g = page(&k, 6, 2, false);
    CHECK_INT(g.gap_from, 0);
    CHECK_STR(str_make(g.text, g.n), "7d 8d ");
    CHECK_INT(kit_store_down(&k), 0);

    run_sql(k.path, "UPDATE events SET at = 1"); /* all are old, and numbers go on */
    kit_store_up(&k);
    CHECK(store_start(k.st));
    do {
        g = page(&k, 0, 3, false);
    } while (g.gap_to < 10);
    CHECK_STR(str_make(g.text, g.n), "11d ");
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_up(&k);
    CHECK_INT(store_head(k.st), 11);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/** Only the oldest are looked at, however many there are; no hole is made. */
static void test_forgetting_is_cheap(void)
{
    enum { EVENTS = 20000, AT_ONCE = 100 };
    struct store_config config = {.path = NULL};
    struct kit_store k;
    struct mail m = {.n = 0};
    struct db db;
    char why[256];
    kit_store_make(&k);
    config.path = k.path;
    REQUIRE(db_open(&db, &config, why, sizeof(why)));
    for (uint64_t i = 1; i <= EVENTS; i++) {
        struct store_event e = {.number = i, .watched = STR("d"), .event = STR("HeldEvent")};
        /* the clock was set back once, behind number 250 */
        REQUIRE(mail_event(&m, &e, i > 250 && i < 260 ? 100 : (int64_t)i));
    }
    CHECK_INT(db_commit(&db, &m), SQLITE_OK);
    mail_free(&m);
    sqlite3_stmt *s = db.stmt[STMT_FORGET];
    CHECK_INT(db_forget(&db, 1, AT_ONCE), 0); /* the usual case: nothing is that old */
    CHECK(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1) < 20 * AT_ONCE);
    CHECK_INT(db_forget(&db, 251, AT_ONCE), AT_ONCE);
    CHECK_INT(db_forget(&db, 251, AT_ONCE), AT_ONCE);
    CHECK_INT(db_forget(&db, 240, AT_ONCE), 39);
    CHECK_INT(db_oldest(&db), 240);
    CHECK_INT(db_forget(&db, 240, AT_ONCE), 0); /* 251 is old, but not the oldest */
    CHECK_INT(db_forget(&db, 260, AT_ONCE), 20);
    CHECK_INT(db_oldest(&db), 260);
    CHECK_INT(db_forget(&db, 0, AT_ONCE), AT_ONCE); /* whatever their age */
    CHECK(sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1) < 400 * AT_ONCE);
    CHECK_INT(db_forget(&db, 0, EVENTS), EVENTS - 360); /* but the newest */
    db_close(&db);
    kit_store_remove(&k);
}

static void test_size_is_bounded(void)
{
    struct kit_store k;
    struct store_stats stats;
    kit_store_make(&k);
    k.config.keep_bytes = 200000;
    kit_store_up(&k);
    CHECK(store_start(k.st));
    for (uint64_t i = 1; i <= 5000; i++) {
        kit_store_event(&k, i, "a device with a name of some length, so that it fills pages");
    }
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_up(&k);
    CHECK(store_start(k.st));
    do {
        (void)page(&k, 0, 1, false);
        store_stats(k.st, &stats);
    } while (stats.forgotten < 1500);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/* ---- threads ---- */

struct reader {
    struct kit_store *k;
    uint64_t most;
    bool ok;
};

/** Follows the journal from its beginning to its end; each number once, in order. */
static void *follow(void *ctx)
{
    struct reader *r = ctx;
    uint64_t after = 0;
    while (after < r->most) {
        struct got g = fetch(r->k, after, 50, false);
        uint64_t want = after;
        for (char *at = g.text; *at != '\0'; at = strchr(at, ' ') + 1) {
            r->ok = r->ok && strtoull(at, NULL, 10) == ++want;
        }
        r->ok = r->ok && g.err == 0 && g.after == want && g.gap_to == 0;
        after = g.err == 0 ? g.after : r->most;
    }
    return NULL;
}

/** Writer, store and readers at once; for the thread sanitizer, and for the order. */
static void test_readers_follow_while_it_is_written(void)
{
    enum { EVENTS = 3000, READERS = 3 };
    struct kit_store k;
    struct reader r[READERS];
    pthread_t thread[READERS];
    kit_store_make(&k);
    k.config.recent = 100;
    k.config.group_ms = 1;
    kit_store_up(&k);
    CHECK(store_start(k.st));
    for (size_t i = 0; i < READERS; i++) {
        r[i] = (struct reader){.k = &k, .most = EVENTS, .ok = true};
        CHECK_INT(pthread_create(&thread[i], NULL, follow, &r[i]), 0);
    }
    for (uint64_t i = 1; i <= EVENTS; i++) {
        kit_store_event(&k, i, "d");
        put(&k, STORE_CALL, "c", "v");
        store_flush(k.st);
        CHECK(store_done(k.st) <= store_mark(k.st));
    }
    kit_store_sync(&k);
    for (size_t i = 0; i < READERS; i++) {
        CHECK_INT(pthread_join(thread[i], NULL), 0);
        CHECK(r[i].ok);
    }
    struct store_stats stats;
    store_stats(k.st, &stats);
    CHECK_INT(stats.events, EVENTS);
    CHECK_INT(stats.batches, EVENTS);
    CHECK(stats.groups < EVENTS);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/** Of pages that were asked for at once: the first brings something to write. */
struct turn {
    struct kit_store *k;
    unsigned pages;
    uint64_t mark;
    bool kept;
    bool over;
};

static void on_turn(void *ctx, const struct store_page *p)
{
    struct turn *t = ctx;
    (void)p;
    t->pages++;
    if (t->pages == 1) {
        put(t->k, STORE_CALL, "c", "v"); /* as the engine would, which waits for us here */
        store_flush(t->k->st);
        t->mark = store_mark(t->k->st);
    } else if (t->pages == 2) {
        t->kept = store_done(t->k->st) >= t->mark;
    }
    pthread_mutex_lock(&t->k->lock);
    t->over = t->pages == 8;
    pthread_cond_broadcast(&t->k->woken);
    pthread_mutex_unlock(&t->k->lock);
}

/** However many pages are asked for, what is to be written waits for one of them. */
static void test_a_commit_waits_for_one_page(void)
{
    struct kit_store k;
    struct turn t = {.k = &k};
    struct store_query q = {.after = 0, .limit = 1000};
    kit_store_make(&k);
    kit_store_up(&k);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_INT(store_read(k.st, &q, on_turn, &t), 0);
    }
    CHECK(store_start(k.st));
    pthread_mutex_lock(&k.lock);
    while (!t.over) {
        pthread_cond_wait(&k.woken, &k.lock);
    }
    pthread_mutex_unlock(&k.lock);
    CHECK(t.mark > 0 && t.kept);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

/** Without a file: the same, but nothing outlives it, and numbers never begin where they did
    before. */
static void test_in_memory(void)
{
    struct kit_store k;
    struct got g;
    char text[64];
    kit_store_make(&k);
    k.config.path = NULL;
    k.config.recent = 2;
    k.config.streams = true;
    kit_store_up(&k);
    CHECK(!store_lasts(k.st));
    CHECK(store_ops(k.st)->streams);
    uint64_t first = store_head(k.st) + 1;
    CHECK(first > 1700000000000000 && first < 1ull << 53); /* JavaScript can count it */
    CHECK_STR(str_c(rows(&k, STORE_CALL)), "");
    CHECK_INT(store_reach(k.st), first - 1);
    CHECK(store_start(k.st));
    put(&k, STORE_CALL, "a", "1");
    for (uint64_t i = 0; i < 4; i++) {
        kit_store_note(&k, first + i, "c", "HeldEvent");
    }
    kit_store_sync(&k);
    g = page(&k, first - 1, 3, true);
    (void)snprintf(text, sizeof(text), "%llu %llu %llu ", (unsigned long long)first,
                   (unsigned long long)first + 1, (unsigned long long)first + 2);
    CHECK_STR(str_make(g.text, g.n), text);
    CHECK_INT(g.gap_from, 0);
    g = page(&k, 17, 10, true); /* a number of an earlier run */
    CHECK_INT(g.gap_from, 18);
    CHECK_INT(g.gap_to, first - 1);
    CHECK_INT(g.after, first + 3);
    CHECK_INT(kit_store_down(&k), 0);
    CHECK(access("./:memory:", F_OK) != 0);
    kit_store_up(&k);
    CHECK_STR(str_c(rows(&k, STORE_CALL)), "");
    CHECK(store_head(k.st) >= first + 4);
    CHECK_INT(kit_store_down(&k), 0);
    kit_store_remove(&k);
}

TEST_MAIN(T(test_what_was_handed_over_is_there_again), T(test_it_survives_a_kill),
          T(test_what_is_not_opened), T(test_a_place_where_it_cannot_be_used),
          T(test_a_damaged_database_is_told),
          T(test_a_full_disk_is_told_and_nothing_waits_for_it), T(test_lost_events_are_a_gap),
          T(test_lost_drops_are_repaired), T(test_forgetting_is_cheap), T(test_pages),
          T(test_pages_of_a_call), T(test_in_memory), T(test_a_reader_of_what_is_gone_is_told),
          T(test_size_is_bounded), T(test_readers_follow_while_it_is_written),
          T(test_a_commit_waits_for_one_page))
