/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user of a device has switched on: do not disturb, and forwarding.
 *
 * The switches are the device's, whoever sets them: the phone's own keys
 * (event/feature_keys.c), and applications (cti/service_forwarding.c). They are kept as long as
 * the device is configured, over restarts where there is a store: one row a device.
 * Calls ask them in forward.c:
 *
 *   do not disturb         the call is refused (calls.dnd_status) or, when busy calls are
 *                          forwarded, goes there
 *   forward immediately    the device is not called at all
 *   forward busy           it answers 486 or 600
 *   forward no answer      it has rung for so many rings, says 408 or 480, or is not registered
 */
#ifndef BATON_CALL_FEATURES_H
#define BATON_CALL_FEATURES_H

#include "auth/directory.h"

enum forward_type { FORWARD_IMMEDIATE, FORWARD_BUSY, FORWARD_NO_ANSWER, FORWARD_COUNT };

/** The longest number that calls are forwarded to. */
#define FORWARD_TO_MAX 127

struct forward {
    bool on;
    uint32_t rings;   /**< no answer: after so many; 0: FORWARD_RINGS */
    uint32_t seconds; /**< no answer: after so long, whatever `rings` says; 0: none */
    char to[FORWARD_TO_MAX + 1]; /**< number or URI; kept while it is off */
};

/** Rings when nothing is said, and how long one is. */
#define FORWARD_RINGS 3
#define FORWARD_RING_MS 6000
/** The most that can be asked for. */
#define FORWARD_RINGS_MAX 100
#define FORWARD_SECONDS_MAX (FORWARD_RINGS_MAX * FORWARD_RING_MS / 1000)

struct device_features {
    struct list link; /**< of the call layer */
    struct device *device;
    bool dnd;
    struct forward forward[FORWARD_COUNT];
};

/** Which of them has changed: an enum forward_type, or this. */
#define FEATURE_DND FORWARD_COUNT

struct call_layer;

/** Someone set a switch, perhaps to what it was: then it has not `changed`. */
typedef void (*call_feature_fn)(void *ctx, struct device *d, unsigned which, bool changed,
                                uint64_t now_ms);

/** Never NULL: all off when nothing was ever set. */
const struct device_features *call_features(const struct device *d);

/** @return 0, E_NOMEM */
int call_set_dnd(struct call_layer *l, struct device *d, bool on, uint64_t now_ms);

/**
 * Switch a forwarding.
 * @param to     number or URI; absent: the one that was given before
 * @param rings  of FORWARD_NO_ANSWER; 0: as before
 * @return 0; E_NOMEM; E_TOOBIG; E_VALUE: on without a number, to nowhere, or to itself. After
 * an error nothing has changed
 */
int call_set_forward(struct call_layer *l, struct device *d, enum forward_type type, bool on,
                     struct str to, uint32_t rings, uint64_t now_ms);

/** What a forwarding is to be. */
struct forward_change {
    bool on;
    struct str to;    /**< as above */
    uint32_t rings;   /**< as above; after it `seconds` of before count no more */
    uint32_t seconds; /**< of FORWARD_NO_ANSWER, instead of rings; 0: as before */
};
/** The same, with all that there is. */
int call_change_forward(struct call_layer *l, struct device *d, enum forward_type type,
                        const struct forward_change *change, uint64_t now_ms);

/** How long a device rings before it is no answer, in ms, and in rings, at least one. */
uint32_t forward_ring_ms(const struct forward *f);
uint32_t forward_ring_count(const struct forward *f);

/** All off, numbers forgotten: it is no device any more. Nobody is told. */
void call_clear_features(struct call_layer *l, struct device *d);

/** Hand all of them to the store, whatever it has. */
void call_keep_features(const struct call_layer *l);
/**
 * Put a device's back, as it was; nobody is told.
 * @param key  the device's
 * @return 0; E_NOTFOUND: no such device; E_SYNTAX, E_VERSION, E_NOMEM. Nothing has changed then
 */
int call_restore_features(struct call_layer *l, struct str key, struct str value) MUST_USE;

#endif
