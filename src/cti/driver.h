/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver: who carries out what an application asks of a device.
 *
 * The services of a call go through this table, and nothing above it knows how a call is held
 * or answered. The switch driver does it with the calls that Baton bridges. A driver that
 * speaks TR/87 to the phone itself can stand next to it.
 *
 * The functions mean what their namesakes in call/call.h mean. `fn` of a service that takes
 * time is called once, perhaps before the function returns, unless an error is returned.
 */
#ifndef BATON_CTI_DRIVER_H
#define BATON_CTI_DRIVER_H

#include "call/conference.h"
#include "call/services.h"
#include "csta/csta.h"

/** What the phone says to a service on itself: the response or a CSTAErrorCode, which die when
    this returns; NULL: it said nothing in time. */
typedef void (*cti_phone_fn)(void *owner, const struct csta_msg *answer, uint64_t now_ms);

struct cti_driver {
    const char *name;
    enum call_error (*make)(void *ctx, const struct call_make *args, struct connection **out,
                            uint64_t now_ms);
    enum call_error (*answer)(void *ctx, struct connection *c, call_done_fn fn, void *owner,
                              uint64_t now_ms);
    enum call_error (*clear)(void *ctx, struct connection *c, struct str reason, struct str uui,
                             uint64_t now_ms);
    enum call_error (*deflect)(void *ctx, struct connection *c, struct str to, struct str uui,
                               uint64_t now_ms);
    enum call_error (*hold)(void *ctx, struct connection *c, call_done_fn fn, void *owner,
                            uint64_t now_ms);
    enum call_error (*retrieve)(void *ctx, struct connection *c, call_done_fn fn, void *owner,
                                uint64_t now_ms);
    enum call_error (*transfer)(void *ctx, struct connection *c, struct str to, struct str uui,
                                call_done_fn fn, void *owner, uint64_t now_ms);
    /** Bits of enum call_service. */
    unsigned (*services)(void *ctx, const struct connection *c);
    /** The one who waits for an outcome is gone. */
    void (*forget)(void *ctx, void *owner);
    enum call_error (*consult)(void *ctx, struct connection *c, const struct call_make *args,
                               enum call_consult_for options, struct connection **out,
                               call_done_fn fn, void *owner, uint64_t now_ms);
    enum call_error (*alternate)(void *ctx, struct connection *held, struct connection *active,
                                 call_done_fn fn, void *owner, uint64_t now_ms);
    enum call_error (*reconnect)(void *ctx, struct connection *active, struct connection *held,
                                 call_done_fn fn, void *owner, uint64_t now_ms);
    enum call_error (*unite)(void *ctx, struct connection *held, struct connection *active,
                             call_done_fn fn, void *owner, uint64_t now_ms);
    enum call_error (*digits)(void *ctx, struct connection *c, const struct call_digits *args,
                              call_done_fn fn, void *owner, uint64_t now_ms);
    enum call_error (*dial)(void *ctx, struct connection *c, struct str digits,
                            struct str whole, uint64_t now_ms);
    enum call_error (*clear_all)(void *ctx, struct connection *by, struct str reason,
                                 struct str uui, uint64_t now_ms);
    /**
     * A service on the physical device: speaker, microphone, ringer, hookswitch. The phone is
     * asked with this very message, which dies when this returns. NULL: nobody can ask it.
     */
    enum call_error (*phone)(void *ctx, struct device *d, const struct csta_msg *request,
                             cti_phone_fn fn, void *owner, uint64_t now_ms);
    /** Are conferences possible at all? NULL: no; else the two after it are there. */
    bool (*has_focus)(void *ctx);
    enum call_error (*conference)(void *ctx, struct connection *held, struct connection *active,
                                  struct connection **out, call_done_fn fn, void *owner,
                                  uint64_t now_ms);
    enum call_error (*invite)(void *ctx, struct connection *c,
                              const struct call_invite_args *args, struct connection **out,
                              call_done_fn fn, void *owner, uint64_t now_ms);
    /** Has a phone of that device (NULL: of any) this service now? NULL: none has any. */
    bool (*has)(void *ctx, const struct device *d, enum csta_msg_id service);
    enum call_error (*pickup)(void *ctx, struct connection *c, const struct call_pickup *args,
                              struct connection **out, call_done_fn fn, void *owner,
                              uint64_t now_ms);
    enum call_error (*inform)(void *ctx, struct connection *c, struct str uui, uint64_t now_ms);
    enum call_error (*park)(void *ctx, struct connection *c, struct str to,
                            struct connection **out, call_done_fn fn, void *owner,
                            uint64_t now_ms);
};

/** Calls that Baton bridges; ctx: struct call_layer *. */
extern const struct cti_driver cti_switch_driver;

#endif
