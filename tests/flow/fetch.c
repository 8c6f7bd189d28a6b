/* SPDX-License-Identifier: Apache-2.0 */
/* See fetch.h. */
#include "fetch.h"

#include "test.h"
#include <stdio.h>

struct fetched fetched;

static int fetch(void *ctx, struct str url, uint32_t timeout_ms, uint64_t tag)
{
    (void)ctx;
    CHECK(timeout_ms > 0);
    fetched.times++;
    fetched.tag = tag;
    (void)snprintf(fetched.url, sizeof(fetched.url), "%.*s", STR_ARG(url));
    return fetched.answer;
}

void fetch_keep(struct env *env)
{
    fetched = (struct fetched){0};
    env->fetch = fetch;
}
