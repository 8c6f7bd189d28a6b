/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in the log: see counters.h. A line is begun anew where one part ends or it is full.
 */
#include "server/counters.h"

struct counters {
    struct log *log;
    const char *module;
    char buf[400];
    struct out out;
};

static void flush(struct counters *c)
{
    if (c->out.n > 0) {
        log_fmt(c->log, TRACE_INFO, c->module, "%.*s", STR_ARG(out_str_of(&c->out)));
    }
    out_init(&c->out, c->buf, sizeof(c->buf));
}

static void add(void *ctx, const char *module, const char *name, uint64_t value)
{
    struct counters *c = ctx;
    if (c->module == NULL || strcmp(c->module, module) != 0) {
        flush(c);
        c->module = module;
    }
    if (value == 0) {
        return;
    }
    if (c->out.n + strlen(name) + 24 > sizeof(c->buf)) {
        flush(c);
    }
    out_fmt(&c->out, "%s%s=%llu", c->out.n > 0 ? " " : "", name, (unsigned long long)value);
}

void counters_write(struct log *log, api_each_count each, void *ctx)
{
    struct counters c = {.log = log};
    out_init(&c.out, c.buf, sizeof(c.buf));
    each(ctx, add, &c);
    flush(&c);
}
