/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is known: tokens, and others to whom the API's thread gives principals.
 *
 *   TOKEN        made by an administrator, kept in the store as a row, named, may expire
 *   BROWSER      made by somebody who has scopes, for a page: at most his scopes, ten minutes
 * at most, for one origin, in memory only; dies with the token that asked for it CERTIFICATE
 * named in the configuration, proved by TLS LOCAL        who may open the UNIX socket: an
 * administrator by his uid
 *
 * One thread owns a table. ACCESS IS COUNTED: access_find and its like give a principal that is
 * held until access_release, so that a request or a stream may go on reading it after the token
 * was revoked; it is `gone` then and is allowed nothing. on_gone is told at that moment, and
 * ends what must end.
 *
 * PAGES. A page is called after the token that stands behind it, however many pages lie
 * between, and has a family with all that this token's pages have. Pages that may not the same
 * have different names: what belongs to a name (operations, questions, keys) is not for those
 * who may less.
 *
 * BOUNDS. `max_tokens` of those that are kept, `max_browser` of the others that come and go; a
 * page that asks for more takes the place of the browser token that expires first, of its own
 * family when that has half of them.
 *
 * COST: a look-up is one hash table and one SHA-256, for a wrong token too.
 */
#ifndef BATON_ACCESS_TABLE_H
#define BATON_ACCESS_TABLE_H

#include "access/access.h"
#include "access/token.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"

enum access_source { ACCESS_TOKEN, ACCESS_BROWSER, ACCESS_CERTIFICATE, ACCESS_LOCAL };

enum {
    ACCESS_NAME_MAX = 64,                  /**< octets of a token's name */
    ACCESS_ORIGIN_MAX = 256,               /**< of a page's origin */
    ACCESS_BROWSER_MAX_MS = 10 * 60 * 1000 /**< that a browser token lives */
};

/** One entry. Strings are in its own memory; read them, change nothing. */
struct access_entry {
    struct access_principal who;
    enum access_source source;
    struct str id;   /**< of a token: what list and revoke name; else who.name */
    struct str name; /**< "crm-1" */
    struct str
        family;    /**< who.name; of pages without what tells them apart: "browser:token:crm" */
    struct str by; /**< who made it: the name of a principal */
    struct str origin; /**< ACCESS_BROWSER: the page it is for */
    struct str
        parent; /**< ACCESS_BROWSER: id of whose token asked; absent: of nobody's token */
    uint64_t created_ms;
    uint64_t used_ms; /**< when it was last shown; 0: not since this process began */

    /* the table's own */
    struct map_node node;
    struct list link;
    struct access_table *table;
    uint32_t refs; /**< the table's own counts as one */
    uint8_t hash[ACCESS_HASH];
};

struct access_limits {
    uint32_t max_tokens;  /**< default 1000 */
    uint32_t max_browser; /**< default 1000 */
};

struct access_table {
    const struct env *env;
    struct access_limits limits;
    struct hash_key key;
    struct map by_id;
    struct list entries; /**< in the order in which they were made */
    uint32_t count[4];   /**< by enum access_source */
    uint64_t soonest_ms; /**< nothing expires before that */
    /** It may nothing any more. May be NULL. */
    void (*on_gone)(void *ctx, const struct access_entry *e);
    void *gone_ctx;
};

/** @return 0 or E_NOMEM */
int access_table_init(struct access_table *t, const struct env *env,
                      const struct access_limits *limits) MUST_USE;
/** All must have been released. Tells nobody. */
void access_table_fini(struct access_table *t);

/* ---- tokens ---- */

/** What a token is to be. Strings are copied. */
struct access_order {
    struct str name;
    struct str by;
    const struct access_scope *scopes;
    size_t count;
    uint64_t now_ms;     /**< milliseconds since 1970, as all times here */
    uint64_t expires_ms; /**< 0: never */
};

/**
 * @param text  out: what its owner is given, once
 * @return 0; E_VALUE: the name is empty, too long or not printable ASCII without quotes, there
 *         are no scopes or too many, or it is expired already; E_EXISTS: a token of that name
 *         is there; E_TOOMANY; E_NOMEM
 */
int access_create(struct access_table *t, const struct access_order *order,
                  struct access_fresh *text, const struct access_entry **out) MUST_USE;

/**
 * For a page of `origin`, on behalf of `asker`.
 * @param order  `name` and `by` are not looked at; expires_ms at most ten minutes from now, and
 *               not later than the asker's; 0: as late as may be. Without scopes it gets the
 *               asker's own
 * @return as access_create; E_DENIED: it asks for more than the asker may; E_VALUE also for an
 *         origin that is none
 */
int access_create_browser(struct access_table *t, const struct access_principal *asker,
                          struct str origin, const struct access_order *order,
                          struct access_fresh *text, const struct access_entry **out) MUST_USE;

/** By id, or by name when no id is like that. Browser tokens that it asked for go too.
    @return 0 or E_NOTFOUND */
int access_revoke(struct access_table *t, struct str id) MUST_USE;

/** The token of that id or name, or NULL. */
const struct access_entry *access_token(const struct access_table *t, struct str id);

/** All, in the order in which they were made: NULL to begin with. */
const struct access_entry *access_next(const struct access_table *t,
                                       const struct access_entry *e);

/* ---- who is it? ---- */

enum access_verdict {
    ACCESS_OK,
    ACCESS_UNKNOWN, /**< no token of ours, revoked, or the secret is wrong */
    ACCESS_EXPIRED,
    ACCESS_ELSEWHERE, /**< a browser token, from another origin than the one it is for */
};

/**
 * @param origin  of the request; a browser token is good for its own only
 * @param out     held: access_release. NULL unless ACCESS_OK
 */
enum access_verdict access_find(struct access_table *t, struct str text, struct str origin,
                                uint64_t now_ms, const struct access_principal **out) MUST_USE;

/** The administrator with that uid, held. NULL: no memory. */
const struct access_principal *access_local(struct access_table *t, uint32_t uid,
                                            uint64_t now_ms);

/** The owner of the certificate for that name, held; NULL: nobody. */
const struct access_principal *access_certificate(struct access_table *t, struct str name,
                                                  uint64_t now_ms);

/** One certificate of the configuration. */
struct access_client {
    struct str certificate;
    const struct access_scope *scopes;
    size_t count;
};
/** These and no others are known from now on; who is not the same any more is gone. @return 0
   or E_NOMEM: it stays as it was, but for those that are new */
int access_set_clients(struct access_table *t, const struct access_client *client, size_t n);

/** One more holder. Of a principal that is in no table both do nothing. */
void access_hold(const struct access_principal *p);
void access_release(const struct access_principal *p);

/** What is expired by now is gone. @return when that is to be asked again; UINT64_MAX: never */
uint64_t access_sweep(struct access_table *t, uint64_t now_ms);

/* ---- rows (base/pack.h) ---- */

/** The row of a token; its key is the id. */
void access_pack(struct out *o, const struct access_entry *e);
/** @return 0; E_SYNTAX, E_VERSION: it is no row of ours; E_EXISTS, E_TOOMANY, E_NOMEM */
int access_restore(struct access_table *t, struct str id, struct str row) MUST_USE;

#endif
