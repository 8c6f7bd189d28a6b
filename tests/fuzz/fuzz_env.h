/* SPDX-License-Identifier: Apache-2.0 */
/* For targets that hold a pure module: an environment that is the same in every run. */
#ifndef BATON_TESTS_FUZZ_ENV_H
#define BATON_TESTS_FUZZ_ENV_H

#include "base/env.h"
#include "sip/msg.h"
#include <stdlib.h>

/* A broken property ends the run, in every kind of build. */
#define MUST(cond)     \
    do {               \
        if (!(cond)) { \
            abort();   \
        }              \
    } while (0)

struct fuzz_env {
    struct env env;
    size_t live; /**< allocations that were not given back */
    uint64_t seed;
};

static inline void *fuzz_alloc(void *ctx, size_t n)
{
    ((struct fuzz_env *)ctx)->live++;
    void *p = malloc(n > 0 ? n : 1);
    MUST(p != NULL);
    return p;
}

static inline void fuzz_free(void *ctx, void *p)
{
    ((struct fuzz_env *)ctx)->live -= p != NULL;
    free(p);
}

static inline void fuzz_random(void *ctx, void *out, size_t n)
{
    struct fuzz_env *f = ctx;
    for (size_t i = 0; i < n; i++) {
        f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(f->seed >> 56);
    }
}

static inline uint64_t fuzz_wall(void *ctx)
{
    (void)ctx;
    return 1289690940;
}

static inline void fuzz_env_init(struct fuzz_env *f)
{
    *f = (struct fuzz_env){.seed = 1};
    f->env = (struct env){.ctx = f,
                          .mem = {fuzz_alloc, fuzz_free, f},
                          .random = fuzz_random,
                          .wall_s = fuzz_wall};
}

struct fuzz_msg {
    struct sip_msg m;
    struct sip_hdr hdr[SIP_HDR_MAX];
    char text[32768];
};

/** Start line, header lines and the empty line as one message. @return false: no message */
static inline bool fuzz_msg(struct fuzz_msg *f, const char *start, struct str lines)
{
    struct sip_fault fault;
    struct out o;
    out_init(&o, f->text, sizeof(f->text));
    out_c(&o, start);
    out_str(&o, lines);
    out_c(&o, "\r\n");
    f->m.hdr = f->hdr;
    return !o.over &&
           sip_msg_index(&f->m, out_str_of(&o), true, &sip_limits_default, &fault) == 0;
}

/** The answer to what is malformed repeats parts of it, for that is how it is matched. */
static inline bool fuzz_is_complaint(struct str bytes)
{
    static const char *const status[] = {"400", "413", "414", "416", "505", "513"};
    for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
        if (str_starts(bytes, STR("SIP/2.0 ")) &&
            str_starts(str_from(bytes, 8), str_c(status[i]))) {
            return true;
        }
    }
    return false;
}

/** What an engine sent MUST be right. @return false: a complaint that cannot be read itself */
static inline bool fuzz_sent(struct sip_msg *m, struct str bytes)
{
    struct sip_fault fault;
    if (fuzz_is_complaint(bytes)) {
        return sip_msg_index(m, bytes, true, &sip_limits_default, &fault) == 0;
    }
    MUST(sip_msg_index(m, bytes, true, &sip_limits_default, &fault) == 0);
    MUST(sip_msg_check(m, &sip_limits_default, &fault) == 0);
    return true;
}

#endif
