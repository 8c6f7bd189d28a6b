/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers over the environment's functions. */
#include "base/env.h"
#include "base/attr.h"
#include <stdarg.h>
#include <stdio.h>

static void trace_line(const struct env *env, enum trace_level level, const char *module,
                       const struct trace_ids *ids, const char *fmt, va_list args)
{
    static const struct trace_ids nobody = {0};
    char text[512];
    int len = vsnprintf(text, sizeof(text), fmt, args);
    if (len < 0) {
        return;
    }
    size_t n = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    env->trace(env->ctx, level, module, ids != NULL ? ids : &nobody, str_make(text, n));
}

void env_trace(const struct env *env, enum trace_level level, const char *module,
               const char *fmt, ...)
{
    va_list args;
    if (env->trace == NULL || level < env->trace_from) {
        return;
    }
    va_start(args, fmt);
    trace_line(env, level, module, NULL, fmt, args);
    va_end(args);
}

void env_trace_of(const struct env *env, enum trace_level level, const char *module,
                  const struct trace_ids *ids, const char *fmt, ...)
{
    va_list args;
    if (env->trace == NULL || level < env->trace_from) {
        return;
    }
    va_start(args, fmt);
    trace_line(env, level, module, ids, fmt, args);
    va_end(args);
}

uint64_t env_random64(const struct env *env)
{
    uint64_t v;
    env->random(env->ctx, &v, sizeof(v));
    return v;
}

void env_random_token(const struct env *env, char *out, size_t n)
{
    /* Eight characters of one 64-bit number: 36^8 is so far below 2^64 that the unevenness
       (1 in 10^7) is of no use to anyone, and no loop depends on what the source gives. */
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 8 == 0) {
            v = env_random64(env);
        }
        out[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[v % 36];
        v /= 36;
    }
}
