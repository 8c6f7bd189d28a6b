/* SPDX-License-Identifier: Apache-2.0 */
/* See client.h. */
#include "client.h"

#include "csta/json.h"
#include "csta/json_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXTS = 8, TEXT = 256 * 1024 };

static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};
static const struct access_scope first[] = {{STR_INIT("1001"), ACCESS_CONTROL}};
static const struct access_scope looks[] = {{STR_INIT("100*"), ACCESS_OBSERVE}};
static const struct access_scope admin[] = {{STR_INIT(""), ACCESS_ADMIN}};

const struct access_principal client_all = {
    .name = STR_INIT("token:all"), .scopes = all, .count = 1};
const struct access_principal client_first = {
    .name = STR_INIT("token:first"), .scopes = first, .count = 1};
const struct access_principal client_looker = {
    .name = STR_INIT("token:looker"), .scopes = looks, .count = 1};
const struct access_principal client_admin = {
    .name = STR_INIT("uid:0"), .scopes = admin, .count = 1, .admin = true};

static char *room(void)
{
    static char *text[TEXTS];
    static unsigned next;
    char **at = &text[next++ % TEXTS];
    *at = *at != NULL ? *at : malloc(TEXT);
    if (*at == NULL) {
        abort();
    }
    (*at)[0] = '\0';
    return *at;
}

static char last[OPERATION_ID_LEN + 1];

const char *client_last(void)
{
    return last;
}

static void put_problem(char *buf, const char *what, const struct problem *p)
{
    unsigned status = p->status != 0 ? p->status : problem_status(p->error, p->sip);
    (void)snprintf(buf, TEXT, "%s %u %.*s", what, status, STR_ARG(problem_code(p)));
}

/** `"name":"value"` of a text; for tests only. */
static struct str member(struct str json, const char *name)
{
    char want[64];
    (void)snprintf(want, sizeof(want), "\"%s\":\"", name);
    struct str rest = str_from(json, str_find(json, str_c(want)));
    rest = str_from(rest, rest.n > 0 ? strlen(want) : 0);
    return str_upto(rest, str_index(rest, '"'));
}

static void put_operation(char *buf, const struct operation *op)
{
    static char json[TEXT];
    struct out o;
    out_init(&o, json, sizeof(json));
    operation_write(op, &o);
    struct str all_of_it = out_str_of(&o), state = member(all_of_it, "state");
    if (operation_state(op) == OPERATION_FAILED) {
        (void)snprintf(buf, TEXT, "failed %u %.*s", operation_status(op),
                       STR_ARG(member(all_of_it, "code")));
        return;
    }
    struct str rest = str_from(all_of_it, str_find(all_of_it, STR("\"result\":{\"")));
    rest = str_from(rest, rest.n > 0 ? strlen("\"result\":{\"") : 0);
    rest = str_upto(rest, str_index(rest, '"'));
    (void)snprintf(buf, TEXT, "%.*s%s%.*s", STR_ARG(state), rest.n > 0 ? " " : "",
                   STR_ARG(rest));
}

/** The message in `json`. @return false: a failed check */
static bool read_message(struct arena *a, const char *json, struct csta_msg *msg)
{
    struct csta_json_fault fault;
    char why[512];
    struct out o;
    if (csta_json_read(str_c(json), NULL, a, msg, &fault) == 0) {
        return true;
    }
    out_init(&o, why, sizeof(why) - 1);
    csta_json_explain(&fault, &o);
    why[o.n] = '\0';
    test_context(why);
    (void)test_check(false, "the message can be read", __FILE__, __LINE__);
    test_context(NULL);
    return false;
}

const char *client_do_keyed(struct world *w, const struct access_principal *who,
                            const char *key, const char *call_id, const char *json)
{
    struct csta_msg msg;
    struct operation *op = NULL;
    struct problem why = {.status = 0};
    struct arena a;
    char *buf = room();
    arena_init(&a, &mem_libc, 4096);
    last[0] = '\0';
    if (read_message(&a, json, &msg)) {
        struct operation_ask ask = {.who = who,
                                    .msg = &msg,
                                    .call_id = str_c(call_id),
                                    .key = str_c(key),
                                    .digest = str_upto(str_c(json), 32)};
        switch (operation_begin(w->engine, &ask, &a, &op, &why, w->net.now_ms)) {
        case OPERATION_NEW:
            put_operation(buf, op);
            break;
        case OPERATION_AGAIN:
            memcpy(buf, "again ", 6);
            put_operation(buf + 6, op);
            break;
        case OPERATION_REFUSED:
            put_problem(buf, "refused", &why);
            break;
        }
        if (op != NULL) {
            memcpy(last, operation_id(op).p, OPERATION_ID_LEN);
            last[OPERATION_ID_LEN] = '\0';
        }
    }
    arena_fini(&a);
    return buf;
}

const char *client_do(struct world *w, const struct access_principal *who, const char *fmt, ...)
{
    char json[4096];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(json, sizeof(json), fmt, args);
    va_end(args);
    return client_do_keyed(w, who, NULL, NULL, json);
}

const char *client_state(struct world *w, const struct access_principal *who, const char *id)
{
    const struct operation *op = operation_find(w->engine, who, str_c(id));
    char *buf = room();
    if (op == NULL) {
        return "none";
    }
    put_operation(buf, op);
    return buf;
}

const char *client_json(struct world *w, const struct access_principal *who, const char *id)
{
    const struct operation *op = operation_find(w->engine, who, str_c(id));
    char *buf = room();
    struct out o;
    out_init(&o, buf, TEXT - 1);
    if (op != NULL) {
        operation_write(op, &o);
    }
    buf[o.n] = '\0';
    return buf;
}

/* ---- questions ---- */

struct question {
    struct cti_client_ask ask;
    char *buf;
};

static void on_answer(struct cti_client_ask *a, const struct cti_client_answer *said,
                      uint64_t now_ms)
{
    struct question *q = (struct question *)(void *)a;
    struct problem p = {.error = said->error, .sip = said->sip};
    struct out o;
    (void)now_ms;
    if (said->msg == NULL) {
        put_problem(q->buf, "refused", &p);
        return;
    }
    out_init(&o, q->buf, TEXT - 1);
    CHECK_INT(csta_json_write(said->msg, &o), 0);
    q->buf[o.n] = '\0';
}

const char *client_ask(struct world *w, const struct access_principal *who, const char *json)
{
    struct question q = {.ask.fn = on_answer, .buf = room()};
    struct csta_msg msg;
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    if (read_message(&a, json, &msg)) {
        CHECK(operation_query(w->engine, who, &msg, &q.ask, w->net.now_ms));
        if (q.buf[0] == '\0') {
            world_run(w, 2000);
        }
        CHECK(q.buf[0] != '\0');
    }
    arena_fini(&a);
    return q.buf;
}

/* ---- views ---- */

static int skip_value(struct json_reader *r, int kind)
{
    int more;
    if (kind == JSON_OBJECT) {
        while ((more = json_next_member(r)) == 1) {
            if ((more = skip_value(r, json_value(r))) != 0) {
                return more;
            }
        }
        return more;
    }
    if (kind == JSON_ARRAY) {
        while ((more = json_next_item(r)) == 1) {
            if ((more = skip_value(r, json_value(r))) != 0) {
                return more;
            }
        }
        return more;
    }
    return kind < 0 ? kind : 0;
}

bool client_is_json(const char *text)
{
    struct json_reader r;
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    json_init(&r, str_c(text), 1000000, &a);
    bool ok = skip_value(&r, json_value(&r)) == 0 && json_end(&r) == 0;
    arena_fini(&a);
    return CHECK(ok);
}

const char *client_list(struct world *w, const struct access_principal *who,
                        enum view_list what, uint32_t limit, size_t *pages)
{
    static char page[TEXT];
    char after[VIEW_CURSOR_MAX] = "", *buf = room();
    size_t n = 0, count = 0;
    do {
        struct view_ask ask = {.who = who, .after = str_c(after), .limit = limit};
        struct out o;
        out_init(&o, page, sizeof(page) - 1);
        ask.after = after[0] != '\0' ? ask.after : STR_NONE;
        if (!CHECK_INT(view_list(w->engine, what, &ask, &o, w->net.now_ms), 0)) {
            break;
        }
        page[o.n] = '\0';
        CHECK(client_is_json(page));
        const char *items = strchr(page, '[') + 1, *end = strrchr(page, ']');
        n += (size_t)snprintf(buf + n, TEXT - n, "%s%.*s", n > 0 && end > items ? "," : "",
                              (int)(end - items), items);
        struct str next = member(str_c(end), "next");
        (void)snprintf(after, sizeof(after), "%.*s", STR_ARG(next));
        count++;
    } while (after[0] != '\0' && count < 1000);
    if (pages != NULL) {
        *pages = count;
    }
    return buf;
}

const char *client_call_of(struct world *w, unsigned phone)
{
    const struct connection *conn = call_of_device(&w->device[phone], NULL);
    char *buf = room();
    if (conn != NULL) {
        memcpy(buf, conn->call->id, CALL_ID_LEN + 1);
    }
    return buf;
}

size_t client_ends(const struct keep *k, const char *id)
{
    size_t n = 0;
    for (size_t i = 0; i < k->events; i++) {
        const struct store_event *e = &k->event[i].e;
        n += str_eq(e->event, STR("org.baton.operation.v1")) &&
                     (id == NULL || str_find(e->data, str_c(id)) < e->data.n)
                 ? 1
                 : 0;
    }
    return n;
}
