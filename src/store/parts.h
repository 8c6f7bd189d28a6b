/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share.
 *
 *   store.c    life; the engine's side
 *   keeper.c   the thread: groups, trouble, retention
 *   mail.c     changes as octets
 *   db.c       the database: schema, checks, one group in one transaction
 *   read.c     readers: recent events in memory, older ones from the database
 *   hold.c     nothing leaves before what it tells of is kept (hold.h)
 *   history.c  calls that were (history.h)
 *   copy.c     backups (copy.h)
 *
 * LOCK. `lock` guards `in`, `accepted`, `stop`, `reads`, `lost…`, `why` and `count`. The
 * database, `work`, the recent events and `oldest` belong to the thread once it runs; `local`
 * to the engine's. `done` and `broken` are read without the lock.
 */
#ifndef BATON_STORE_PARTS_H
#define BATON_STORE_PARTS_H

#include "base/list.h"
#include "base/pack.h"
#include "store/store.h"
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/** Changes, one behind the other. */
struct mail {
    char *p;
    size_t n, cap;
    uint64_t changes, batches;
    uint64_t first, last; /**< numbers of the events in it; 0: none */
};

/** Another octet string that grows. @return false: no memory, nothing has changed */
bool mail_room(struct mail *m, size_t n);
void mail_free(struct mail *m);
/** All of `from` behind `to`; `from` is empty then. @return false: no memory */
bool mail_join(struct mail *to, struct mail *from);

enum mail_kind { MAIL_EVENT = 1, MAIL_PUT, MAIL_DROP, MAIL_CLEAR };

bool mail_event(struct mail *m, const struct store_event *e, int64_t at_ms);
bool mail_put(struct mail *m, enum store_kind kind, struct str key, struct str value);
bool mail_drop(struct mail *m, enum store_kind kind, struct str key);
/** All rows go, whatever their kind. */
bool mail_clear(struct mail *m);

/** One change as it is read again. */
struct change {
    enum mail_kind what;
    struct store_row row;
    enum store_kind kind;
    struct str key, value;
};
/** The next change behind `u`. @return false: there is none */
bool mail_next(struct unpack *u, struct change *out);
/** The event of a row, as mail_event wrote it without its kind. */
bool mail_read_event(struct unpack *u, struct store_row *out);

enum {
    STMT_EVENT,
    STMT_PUT,
    STMT_DROP,
    STMT_CLEAR,
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_PAGE,
    STMT_PAGE_SHARED,
    STMT_PAGE_CALL,
    STMT_OLDEST,
    STMT_FORGET,
    STMT_USED,
    STMT_COUNT
};

struct db {
    sqlite3 *handle;
    sqlite3_stmt *stmt[STMT_COUNT];
    int lock_fd;
    char memory[64]; /**< its name when it is in memory, for readers in this process */
    enum store_uui uui;
};

/** What says in the file whose it is ("Bato"). */
enum { DB_APPLICATION = 0x4261746f };
/** Of the tables that this program writes. */
int64_t db_version(void);
/** A second process would write over the first one's shoulder: the lock beside the database,
    held until the descriptor is closed. @return -1 with *why */
int db_lock(const char *path, char *why, size_t cap);
/** @return false with *why */
bool db_open(struct db *db, const struct store_config *config, char *why, size_t cap);
void db_close(struct db *db);
/** All of it in one transaction. @return SQLITE_OK, or what the disk said; nothing is changed
    then */
int db_commit(struct db *db, const struct mail *work);
/** Number of the oldest event, 0: there is none. */
uint64_t db_oldest(struct db *db);
/** Events that are older than `before_ms`, or all when that is 0, but not the newest and at
    most `most`. @return how many went, or < 0 */
int db_forget(struct db *db, int64_t before_ms, uint32_t most);
/** Octets in use. */
uint64_t db_used(struct db *db);
/** The columns of a SELECT of events (EVENT_COLUMNS) as a row. */
void db_row(sqlite3_stmt *s, struct store_row *out);
/** A text or blob column; absent for NULL. */
struct str db_str(sqlite3_stmt *s, int column);

#define EVENT_COLUMNS \
    "seq, at, watched, call, event, cause, subject, calling, called, other, data "

struct read_request {
    struct list link;
    struct store_query q;
    store_page_fn fn;
    void *ctx;
    char call_id[]; /**< of q */
};

/** A recent event: a struct store_row and its strings in one block. */
struct recent {
    struct store_row **slot; /**< by number */
    uint32_t count;
    uint64_t first; /**< all from here to the newest are there; 0: none */
};

bool recent_init(struct recent *r, uint32_t count);
void recent_fini(struct recent *r);
/** The events of a group that was committed. @param last  number of the newest one before */
void recent_add(struct recent *r, const struct mail *work, uint64_t last);

struct store {
    struct store_config config;
    struct store_ops ops;
    struct db db;
    struct mail local, spare;
    pthread_t thread;
    bool running;
    struct {
        store_wake_fn fn;
        void *ctx;
    } listener[8];
    size_t listeners;

    pthread_mutex_t lock;
    pthread_cond_t news, room; /**< for the thread; for store_flush */
    struct mail in;
    uint64_t accepted;
    bool stop, flag_changed, flag_resync;
    uint64_t gap_from, gap_to; /**< events that were dropped and are not said yet; 0: none */
    uint64_t lost;
    struct list reads;
    uint32_t read_count;
    char why[256];
    struct store_stats count;
    _Atomic uint64_t done;
    _Atomic bool broken;

    /* the thread's */
    struct mail work;
    uint64_t work_upto;
    struct recent recent;
    uint64_t oldest, head;
    uint64_t retention_ms; /**< when it is due */
    uint64_t last_group_ms;
};

void *keeper_run(void *store);
/** Answer those who ask. In the thread. */
void read_serve(struct store *st);
/** Milliseconds of a clock that never jumps. */
uint64_t keeper_now(void);
struct timespec keeper_time(uint64_t ms);

#endif
