/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an engine is given back after a restart, whatever the disk has made of it: records
 * `KIND LENGTH(2) OCTETS` one behind the other, KIND a row's (its highest bit a monitor's, or
 * the other secret) or 0x7f for an event's. Then calls and sessions are settled, time passes,
 * everything is handed over again and ends. Rows that an engine wrote itself, in that last
 * round, must be read by another one.
 */
#include "base/attr.h"
#include "base/err.h"
#include "engine/engine.h"
#include "fuzz_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENT 0x7f /**< the kind of a record that is an event */
#define ROWS 64
#define ROW_MAX 65536

struct row {
    enum store_kind kind;
    struct str key, value; /* in memory of their own */
};

struct run {
    struct fuzz_env f;
    struct store_ops ops;
    struct directory directory;
    struct device device[3];
    struct application app;
    struct engine *engine;
    struct row row[ROWS]; /* that it handed over */
    size_t rows;
};

static const struct str domains[] = {STR_INIT("example.com"), STR_INIT("10.0.0.100")};
static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};

static int on_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    (void)ctx;
    (void)hop;
    (void)run;
    (void)n;
    return 0;
}

static int on_open(void *ctx, struct hop *hop, struct str name)
{
    (void)ctx;
    (void)name;
    hop->flow = hop->transport == TP_UDP ? 1 : 0;
    return hop->transport == TP_UDP ? 0 : E_UNSUPPORTED;
}

static int on_query(void *ctx, enum dns_type type, struct str name,
                    const struct dns_record **records, size_t *n)
{
    (void)ctx;
    (void)type;
    (void)name;
    (void)records;
    (void)n;
    return E_NOTFOUND;
}

static void on_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    (void)addr_parse(STR("10.0.0.100:5060"), out);
}

static void on_event(void *ctx, const struct store_event *e)
{
    (void)ctx;
    MUST(e->number > 0 && e->event.n > 0);
}

static struct str copy_of(struct str s)
{
    char *p = malloc(s.n + 1);
    MUST(p != NULL);
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    return str_make(p, s.n);
}

static struct row *row_of(struct run *r, enum store_kind kind, struct str key)
{
    for (size_t i = 0; i < r->rows; i++) {
        if (r->row[i].kind == kind && str_eq(r->row[i].key, key)) {
            return &r->row[i];
        }
    }
    return NULL;
}

static void row_free(struct row *row)
{
    free((void *)(uintptr_t)row->key.p);
    free((void *)(uintptr_t)row->value.p);
}

static void on_drop(void *ctx, enum store_kind kind, struct str key)
{
    struct run *r = ctx;
    struct row *row = row_of(r, kind, key);
    if (row != NULL) {
        row_free(row);
        *row = r->row[--r->rows];
    }
}

static void on_clear(void *ctx)
{
    (void)ctx; /* nobody hands all over again here */
}

static void on_put(void *ctx, enum store_kind kind, struct str key, struct str value)
{
    struct run *r = ctx;
    MUST(key.n > 0 && value.n > 0);
    on_drop(ctx, kind, key);
    if (r->rows < ROWS && value.n <= ROW_MAX) {
        r->row[r->rows++] =
            (struct row){.kind = kind, .key = copy_of(key), .value = copy_of(value)};
    }
}

static void up(struct run *r)
{
    static const char *const names[] = {"1001", "1002", "1003"};
    static const char *const keys[] = {"1001@example.com", "1002@example.com",
                                       "1003@example.com"};
    static const char *const uris[] = {"sip:1001@example.com", "sip:1002@example.com",
                                       "sip:1003@example.com"};
    *r = (struct run){.rows = 0};
    fuzz_env_init(&r->f);
    r->f.env.send = on_send;
    r->f.env.open = on_open;
    r->f.env.query = on_query;
    r->f.env.local = on_local;
    r->ops = (struct store_ops){
        .ctx = r, .event = on_event, .put = on_put, .drop = on_drop, .clear = on_clear};
    MUST(directory_init(&r->directory, &r->f.env, domains, 2) == 0);
    for (size_t i = 0; i < ARRAY_LEN(r->device); i++) {
        r->device[i] = (struct device){
            .number = str_c(names[i]), .key = str_c(keys[i]), .uri = str_c(uris[i])};
        MUST(directory_add_device(&r->directory, &r->device[i]) == 0);
    }
    r->app = (struct application){.name = STR("crm"), .scopes = all, .scope_count = 1};
    MUST(directory_add_application(&r->directory, &r->app) == 0);
    struct engine_config config = {.directory = &r->directory,
                                   .leg.session_expires_s = 1800,
                                   .leg.contact_user = STR("baton"),
                                   .cti.journal_records = 64,
                                   .store = &r->ops};
    r->engine = engine_new(&r->f.env, &config, 1000);
    MUST(r->engine != NULL);
}

/** Everything ends. */
static void down(struct run *r, uint64_t now_ms)
{
    static const char *const empty[] = {"calls_active", "dialog_legs",   "dialogs",
                                        "txn_active",   "csta_sessions", "csta_monitors"};
    engine_stop(r->engine, now_ms);
    for (int i = 0; i < 40 && !engine_idle(r->engine); i++) {
        now_ms += 60000;
        engine_tick(r->engine, now_ms);
    }
    for (int i = 0; i < 30; i++) {
        now_ms += 600000;
        engine_tick(r->engine, now_ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
        MUST(engine_stat(r->engine, empty[i]) == 0);
    }
    engine_free(r->engine);
    directory_fini(&r->directory);
    MUST(r->f.live == 0);
    for (size_t i = 0; i < r->rows; i++) {
        row_free(&r->row[i]);
    }
}

/** Keys as the modules write them; the call's is its own row's first octets, or nearly so. */
static struct str key_for(enum store_kind kind, bool part, unsigned n, char *buf)
{
    struct out o;
    out_init(&o, buf, 32);
    switch (kind) {
    case STORE_SECRET:
        return part ? LEG_MARKS_ROW : STR("registrar");
    case STORE_CALL:
        out_fmt(&o, "%020u", n % 4);
        break;
    case STORE_SESSION:
        out_c(&o, "1");
        if (part) {
            out_fmt(&o, "/%u", n);
        }
        break;
    case STORE_OPERATION:
        out_fmt(&o, "op_%020u", n);
        break;
    case STORE_FEATURES:
    case STORE_MAILBOX:
    case STORE_AGENTS:
        out_fmt(&o, "100%u@example.com", n % 4);
        break;
    case STORE_BINDING:
    case STORE_SUBSCRIPTION:
    case STORE_TOKEN:
    case STORE_WEBHOOK:
    case STORE_CALLBACK:
    case STORE_KINDS:
        out_u64(&o, n + 1);
        break;
    }
    return out_str_of(&o);
}

static void give(struct run *r, const uint8_t *data, size_t size)
{
    char key[32];
    uint64_t number = 0;
    engine_restore_head(r->engine, 0, 100);
    for (unsigned n = 0; size >= 3 && n < 50; n++) {
        unsigned kind = data[0] & 0x7f;
        size_t len = (size_t)data[1] << 8 | data[2];
        len = len < size - 3 ? len : size - 3;
        struct str value = str_make((const char *)data + 3, len);
        if (kind != EVENT) {
            enum store_kind row = (enum store_kind)(kind % STORE_KINDS);
            engine_restore_row(r->engine, row, key_for(row, (data[0] & 0x80) != 0, n, key),
                               value, 1000);
        } else if (++number <= 100) {
            struct store_event e = {.number = number,
                                    .watched = STR("1001@example.com"),
                                    .event = STR("x"),
                                    .data = value};
            engine_restore_event(r->engine, &e);
        }
        data += 3 + len;
        size -= 3 + len;
    }
    engine_restored(r->engine, 1000);
}

/** What one engine has written another one reads. */
static void again(struct run *first)
{
    static struct run second;
    up(&second);
    engine_restore_head(second.engine, 0, 200);
    for (int kind = 0; kind < STORE_KINDS; kind++) {
        for (size_t i = 0; i < first->rows; i++) {
            const struct row *row = &first->row[i];
            if ((int)row->kind == kind) {
                engine_restore_row(second.engine, row->kind, row->key, row->value, 5000);
            }
        }
    }
    engine_restored(second.engine, 5000);
    down(&second, 5000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run r;
    up(&r);
    give(&r, data, size);
    for (uint64_t now_ms = 1000; now_ms < 8000; now_ms += 500) {
        engine_tick(r.engine, now_ms);
    }
    engine_store_all(r.engine, 8000);
    again(&r);
    down(&r, 8000);
    return 0;
}
