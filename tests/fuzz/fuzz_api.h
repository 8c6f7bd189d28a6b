/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For targets that hold the HTTP API: it and an engine in one thread, reached over loopback as
 * clients do, by principals who are no administrators. Clocks stand still but for the loop's,
 * which nothing here waits for.
 *
 * An octet 1 in what is sent becomes the token of somebody who may command everything, 2 that
 * of one who may look at 1001; 3 ends a piece, so that the rest comes in another one.
 */
#ifndef BATON_TESTS_FUZZ_API_H
#define BATON_TESTS_FUZZ_API_H

#include "api/events.h"
#include "api/parts.h"
#include "base/err.h"
#include "engine/engine.h"
#include "fuzz_env.h"
#include "net/sockaddr.h"
#include "server/admin.h"
#include "store/store.h"
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FUZZ_ROUNDS = 20000, FUZZ_DEVICES = 3 };

struct fuzz_api {
    struct fuzz_env fe;
    struct env api_env;
    struct directory dir;
    struct device dev[FUZZ_DEVICES];
    struct keeping keeping;
    struct admin admin;
    struct store *store; /**< NULL: nothing is kept */
    struct engine *engine;
    struct api *api;
    struct addr at;
    struct access_fresh token[2];
    uint64_t now_ms;
    bool woken;
};

static inline int fuzz_api_send(void *ctx, const struct hop *hop, const struct str *run,
                                size_t n)
{
    (void)ctx;
    (void)hop;
    (void)run;
    (void)n;
    return 0;
}

static inline int fuzz_api_open(void *ctx, struct hop *hop, struct str name)
{
    (void)ctx;
    (void)name;
    hop->flow = 1;
    return 0;
}

static inline void fuzz_api_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    (void)addr_parse(STR("10.0.0.100:5060"), out);
}

static inline void fuzz_api_log(void *ctx, enum trace_level level, const char *module,
                                const struct trace_ids *ids, struct str text)
{
    (void)ctx;
    (void)level;
    (void)ids;
    MUST(module != NULL && text.n > 0);
}

static inline void fuzz_api_count(void *ctx, api_count_fn fn, void *to)
{
    (void)ctx;
    fn(to, "engine", "calls", 3);
}

static inline void fuzz_api_wake(void *ctx)
{
    ((struct fuzz_api *)ctx)->woken = true;
}

static inline void fuzz_api_listener(void *ctx, const struct api_listen *l)
{
    ((struct fuzz_api *)ctx)->at = l->at;
}

static inline void fuzz_api_devices(struct fuzz_api *f)
{
    static const struct str domain = STR_INIT("example.com");
    static const struct device all[FUZZ_DEVICES] = {{.number = STR_INIT("1001"),
                                                     .key = STR_INIT("1001@example.com"),
                                                     .uri = STR_INIT("sip:1001@example.com")},
                                                    {.number = STR_INIT("1002"),
                                                     .key = STR_INIT("1002@example.com"),
                                                     .uri = STR_INIT("sip:1002@example.com")},
                                                    {.number = STR_INIT("1003"),
                                                     .key = STR_INIT("1003@example.com"),
                                                     .uri = STR_INIT("sip:1003@example.com")}};
    MUST(directory_init(&f->dir, &f->fe.env, &domain, 1) == 0);
    for (size_t i = 0; i < FUZZ_DEVICES; i++) {
        f->dev[i] = all[i];
        MUST(directory_add_device(&f->dir, &f->dev[i]) == 0);
    }
}

static inline void fuzz_api_token(struct fuzz_api *f, unsigned i, const char *name,
                                  const struct access_scope *scope)
{
    const struct access_entry *e;
    const struct access_order order = {
        .name = str_c(name), .by = STR("fuzz"), .scopes = scope, .count = 1, .now_ms = 1};
    MUST(access_create(&f->api->access.table, &order, &f->token[i], &e) == 0);
}

/** It has no listeners; one for all runs. */
static inline struct net *fuzz_api_net(void)
{
    static struct net *net;
    static const struct net_config config = {0};
    if (net == NULL) {
        net = net_new(&config);
        MUST(net != NULL);
    }
    return net;
}

static inline void fuzz_api_up(struct fuzz_api *f, bool keeps)
{
    static const struct access_scope control = {STR_INIT("*"), ACCESS_CONTROL};
    static const struct access_scope look = {STR_INIT("1001"), ACCESS_OBSERVE};
    struct api_listen listen = {.face = API_FACE_TCP, .fd = -1};
    const struct store_config kept = {.streams = true};
    char why[256] = "";
    memset(f, 0, sizeof(*f));
    (void)signal(SIGPIPE, SIG_IGN);
    fuzz_env_init(&f->fe);
    f->fe.env.send = fuzz_api_send;
    f->fe.env.open = fuzz_api_open;
    f->fe.env.local = fuzz_api_local;
    f->now_ms = 1000;
    fuzz_api_devices(f);
    if (keeps) {
        f->store = store_open(&kept, why, sizeof(why));
        MUST(f->store != NULL);
    }
    const struct engine_config config = {
        .directory = &f->dir,
        .server_name = STR("Baton"),
        .leg.contact_user = STR("baton"),
        .leg.session_expires_s = 1800,
        .leg.min_se_s = 90,
        .leg.allow = STR("INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"),
        .leg.accept = STR("application/sdp"),
        .cti.journal_records = 128,
        .call.auto_answer = true,
        .store = f->store != NULL ? store_ops(f->store) : NULL,
    };
    f->engine = engine_new(&f->fe.env, &config, f->now_ms);
    MUST(f->engine != NULL && addr_parse(STR("127.0.0.1"), &listen.at));
    f->keeping.store = f->store;
    f->admin.keeping = &f->keeping;
    f->admin.net = fuzz_api_net();
    f->api_env = (struct env){.ctx = &f->fe, .wall_s = fuzz_wall, .random = fuzz_random};
    const struct api_config api = {.listen = &listen,
                                   .listen_count = 1,
                                   .requests_per_s = 1000000,
                                   .max_body = 16384,
                                   .client_buffer = 65536,
                                   .store = f->store,
                                   .env = &f->api_env,
                                   .log = fuzz_api_log,
                                   .each_count = fuzz_api_count,
                                   .host = &f->admin,
                                   .wake_engine = fuzz_api_wake,
                                   .wake_ctx = f};
    f->api = api_new(&api, why, sizeof(why));
    MUST(f->api != NULL);
    if (f->store != NULL) {
        engine_restore_head(f->engine, store_reach(f->store), store_head(f->store));
        MUST(store_start(f->store));
        engine_restored(f->engine, f->now_ms);
        events_begin(f->api->events);
    }
    api_each_listener(f->api, fuzz_api_listener, f);
    fuzz_api_token(f, 0, "all", &control);
    fuzz_api_token(f, 1, "one", &look);
}

static inline void fuzz_api_down(struct fuzz_api *f)
{
    engine_stop(f->engine, f->now_ms);
    engine_free(f->engine);
    api_stop(f->api, 0);
    if (f->store != NULL) {
        (void)store_close(f->store);
    }
    api_free(f->api);
    directory_fini(&f->dir);
    MUST(f->fe.live == 0);
}

/** What is to be done without waiting, on both sides. */
static inline void fuzz_api_turn(struct fuzz_api *f)
{
    for (int i = 0; i < 3; i++) {
        api_turn(f->api);
        if (f->woken) {
            f->woken = false;
            api_run_jobs(f->api, f->engine, f->now_ms);
            engine_tick(f->engine, f->now_ms);
        }
        if (f->store != NULL) {
            store_flush(f->store);
        }
        api_release(f->api, 0, UINT64_MAX);
    }
}

static inline int fuzz_api_connect(const struct fuzz_api *f)
{
    union net_sockaddr sa;
    socklen_t len = sockaddr_of(&f->at, &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int err = connect(fd, &sa.sa, len);
    while (err != 0 && (errno == EINTR || errno == EALREADY)) {
        err = connect(fd, &sa.sa, len);
    }
    MUST(fd >= 0 && (err == 0 || errno == EISCONN));
    return fd;
}

/** Send a piece, let it be worked on, and take what has come. @return octets in `out` */
static inline size_t fuzz_api_say(struct fuzz_api *f, int fd, struct str piece, char *out,
                                  size_t cap)
{
    size_t n = 0;
    ssize_t got;
    (void)send(fd, piece.p, piece.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    fuzz_api_turn(f);
    while (n < cap && (got = recv(fd, out + n, cap - n, MSG_DONTWAIT)) > 0) {
        n += (size_t)got;
        fuzz_api_turn(f);
    }
    return n;
}

/** The client is gone: nothing of it may be left, whatever it has begun. */
static inline void fuzz_api_leave(struct fuzz_api *f, int fd)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0}; /* leave no TIME_WAIT */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    for (int i = 0; i < FUZZ_ROUNDS && f->api->client_count > 0; i++) {
        fuzz_api_turn(f);
    }
    MUST(f->api->client_count == 0);
}

/** `text` with tokens in the places of 1 and 2, up to 3. @return octets of it that were used */
static inline size_t fuzz_api_piece(const struct fuzz_api *f, struct str text, struct out *o)
{
    size_t i = 0;
    for (; i < text.n && text.p[i] != 3; i++) {
        if (text.p[i] == 1 || text.p[i] == 2) {
            out_str(o, str_make(f->token[text.p[i] - 1].text, ACCESS_TEXT));
        } else {
            out_ch(o, text.p[i]);
        }
    }
    return i < text.n ? i + 1 : i;
}

#endif
