/* SPDX-License-Identifier: Apache-2.0 */
/* The switch driver: the services of CSTA on the calls of the call layer. */
#include "cti/driver.h"

static enum call_error do_make(void *ctx, const struct call_make *args, struct connection **out,
                               uint64_t now_ms)
{
    return call_make(ctx, args, out, now_ms);
}

static enum call_error do_answer(void *ctx, struct connection *c, call_done_fn fn, void *owner,
                                 uint64_t now_ms)
{
    (void)ctx;
    return call_answer(c, fn, owner, now_ms);
}

static enum call_error do_clear(void *ctx, struct connection *c, struct str reason,
                                struct str uui, uint64_t now_ms)
{
    (void)ctx;
    return call_clear(c, reason, uui, now_ms);
}

static enum call_error do_deflect(void *ctx, struct connection *c, struct str to,
                                  struct str uui, uint64_t now_ms)
{
    (void)ctx;
    return call_deflect(c, to, uui, now_ms);
}

static enum call_error do_hold(void *ctx, struct connection *c, call_done_fn fn, void *owner,
                               uint64_t now_ms)
{
    (void)ctx;
    return call_hold(c, fn, owner, now_ms);
}

static enum call_error do_retrieve(void *ctx, struct connection *c, call_done_fn fn,
                                   void *owner, uint64_t now_ms)
{
    (void)ctx;
    return call_retrieve(c, fn, owner, now_ms);
}

static enum call_error do_transfer(void *ctx, struct connection *c, struct str to,
                                   struct str uui, call_done_fn fn, void *owner,
                                   uint64_t now_ms)
{
    (void)ctx;
    return call_transfer(c, to, uui, fn, owner, now_ms);
}

static unsigned do_services(void *ctx, const struct connection *c)
{
    (void)ctx;
    return call_services(c);
}

static void do_forget(void *ctx, void *owner)
{
    call_forget(ctx, owner);
}

const struct cti_driver cti_switch_driver = {
    .name = "switch",
    .make = do_make,
    .answer = do_answer,
    .clear = do_clear,
    .deflect = do_deflect,
    .hold = do_hold,
    .retrieve = do_retrieve,
    .transfer = do_transfer,
    .services = do_services,
    .forget = do_forget,
};
