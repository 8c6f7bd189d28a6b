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

static enum call_error do_consult(void *ctx, struct connection *c, const struct call_make *args,
                                  enum call_consult_for options, struct connection **out,
                                  call_done_fn fn, void *owner, uint64_t now_ms)
{
    (void)ctx;
    return call_consult(c, args, options, out, fn, owner, now_ms);
}

static enum call_error do_alternate(void *ctx, struct connection *held,
                                    struct connection *active, call_done_fn fn, void *owner,
                                    uint64_t now_ms)
{
    (void)ctx;
    return call_alternate(held, active, fn, owner, now_ms);
}

static enum call_error do_reconnect(void *ctx, struct connection *active,
                                    struct connection *held, call_done_fn fn, void *owner,
                                    uint64_t now_ms)
{
    (void)ctx;
    return call_reconnect(active, held, fn, owner, now_ms);
}

static enum call_error do_unite(void *ctx, struct connection *held, struct connection *active,
                                call_done_fn fn, void *owner, uint64_t now_ms)
{
    (void)ctx;
    return call_unite(held, active, fn, owner, now_ms);
}

static enum call_error do_digits(void *ctx, struct connection *c,
                                 const struct call_digits *args, call_done_fn fn, void *owner,
                                 uint64_t now_ms)
{
    (void)ctx;
    return call_send_digits(c, args, fn, owner, now_ms);
}

static enum call_error do_dial(void *ctx, struct connection *c, struct str digits,
                               struct str whole, uint64_t now_ms)
{
    (void)ctx;
    return call_dial(c, digits, whole, now_ms);
}

static enum call_error do_clear_all(void *ctx, struct connection *by, struct str reason,
                                    struct str uui, uint64_t now_ms)
{
    (void)ctx;
    return call_clear_all(by, reason, uui, now_ms);
}

static bool do_has_focus(void *ctx)
{
    return call_has_focus(ctx);
}

static enum call_error do_conference(void *ctx, struct connection *held,
                                     struct connection *active, struct connection **out,
                                     call_done_fn fn, void *owner, uint64_t now_ms)
{
    (void)ctx;
    return call_conference(held, active, out, fn, owner, now_ms);
}

static enum call_error do_invite(void *ctx, struct connection *c,
                                 const struct call_invite_args *args, struct connection **out,
                                 call_done_fn fn, void *owner, uint64_t now_ms)
{
    (void)ctx;
    return call_invite_party(c, args, out, fn, owner, now_ms);
}

static enum call_error do_pickup(void *ctx, struct connection *c,
                                 const struct call_pickup *args, struct connection **out,
                                 call_done_fn fn, void *owner, uint64_t now_ms)
{
    (void)ctx;
    return call_pickup(c, args, out, fn, owner, now_ms);
}

static enum call_error do_inform(void *ctx, struct connection *c, struct str uui,
                                 uint64_t now_ms)
{
    (void)ctx;
    return call_inform(c, uui, now_ms);
}

static enum call_error do_park(void *ctx, struct connection *c, struct str to,
                               struct connection **out, call_done_fn fn, void *owner,
                               uint64_t now_ms)
{
    (void)ctx;
    return call_park(c, to, out, fn, owner, now_ms);
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
    .consult = do_consult,
    .alternate = do_alternate,
    .reconnect = do_reconnect,
    .unite = do_unite,
    .digits = do_digits,
    .dial = do_dial,
    .clear_all = do_clear_all,
    .has_focus = do_has_focus,
    .conference = do_conference,
    .invite = do_invite,
    .pickup = do_pickup,
    .park = do_park,
    .inform = do_inform,
};
