/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of HTTP over one connection, with all routes that are not the administrator's behind
 * them, down to the engine. MUST hold: what comes back is answers of HTTP and nothing else, as
 * another parser reads them; what is said to be JSON is; nothing is left of a client that is
 * gone, and no memory in the end.
 */
#include "fuzz_api.h"
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 65536, ANSWERS = 1 << 20 };

static char sent[MOST], heard[ANSWERS];

struct reading {
    bool json, field_is_type;
    char body[ANSWERS];
    size_t n;
};

static struct reading reading;

static int on_field(http_parser *p, const char *at, size_t n)
{
    (void)p;
    reading.field_is_type = str_ieq(str_make(at, n), STR("Content-Type"));
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct str value = str_make(at, n);
    (void)p;
    if (reading.field_is_type) {
        reading.json = str_eq(value, STR("application/json")) ||
                       str_eq(value, STR("application/problem+json"));
    }
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t n)
{
    (void)p;
    MUST(reading.n + n <= sizeof(reading.body));
    memcpy(reading.body + reading.n, at, n);
    reading.n += n;
    return 0;
}

static int on_complete(http_parser *p)
{
    MUST(p->status_code >= 100 && p->status_code < 600 && p->status_code != 500);
    if (reading.json) {
        json_t *v = json_loadb(reading.body, reading.n, JSON_DECODE_ANY, NULL);
        MUST(v != NULL);
        json_decref(v);
    }
    reading.n = 0;
    reading.json = false;
    return 0;
}

/** A request of HEAD is answered without a body, and a WebSocket with frames: then only the
    beginning is looked at. */
static void check_answers(struct str asked, struct str all)
{
    static const http_parser_settings settings = {.on_header_field = on_field,
                                                  .on_header_value = on_value,
                                                  .on_body = on_body,
                                                  .on_message_complete = on_complete};
    http_parser p;
    if (all.n == 0) {
        return;
    }
    MUST(str_starts(all, STR("HTTP/1.1 ")));
    if (str_find(asked, STR("HEAD")) < asked.n || str_find(asked, STR("pgrade")) < asked.n) {
        return;
    }
    reading.n = 0;
    reading.json = false;
    http_parser_init(&p, HTTP_RESPONSE);
    size_t used = http_parser_execute(&p, &settings, all.p, all.n);
    MUST(HTTP_PARSER_ERRNO(&p) == HPE_OK && used == all.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_api f;
    struct str rest = str_make((const char *)data, size), asked = rest;
    size_t n = 0;
    if (size > 8192) {
        return 0;
    }
    fuzz_api_up(&f, false);
    int fd = fuzz_api_connect(&f);
    while (rest.n > 0) {
        struct out o;
        out_init(&o, sent, sizeof(sent));
        rest = str_from(rest, fuzz_api_piece(&f, rest, &o));
        n += fuzz_api_say(&f, fd, out_str_of(&o), heard + n, sizeof(heard) - n);
    }
    (void)shutdown(fd, SHUT_WR);
    n += fuzz_api_say(&f, fd, STR(""), heard + n, sizeof(heard) - n);
    check_answers(asked, str_make(heard, n));
    fuzz_api_leave(&f, fd);
    fuzz_api_down(&f);
    return 0;
}
