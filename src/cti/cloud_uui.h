/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says of User-to-User, as JSON: the private data that about.c has made when the
 * event happened (docs/csta-private.md), read again, and the octets of the value that
 * applications are shown.
 *
 *     "uui":[{"package":"isdn-uui","encoding":"hex","octets":3,"discriminator":"04",
 *             "hex":"044142","text":"AB","verdict":"valid","userData":true,
 *             "origin":{"role":"originator","identity":"sip:…","confidence":"proven",
 *                       "evidence":["authenticated"]},
 *             "seal":{"result":"ok","key":7}}],
 *     "uuiChanges":[{"action":"strip","package":"crm",…}]
 */
#ifndef BATON_CTI_CLOUD_UUI_H
#define BATON_CTI_CLOUD_UUI_H

#include "base/arena.h"
#include "csta/csta.h"
#include "cti/journal.h"

enum { CLOUD_ATTRS = 12, CLOUD_VALUES = 8 };

/** An element and what stands in it. */
struct cloud_element {
    struct str name[CLOUD_ATTRS], value[CLOUD_ATTRS];
    size_t n;
};

struct cloud_value {
    struct cloud_element self, origin, seal;
    struct str octets; /**< or absent */
};

struct cloud_uui {
    struct cloud_value value[CLOUD_VALUES];
    size_t values;
    struct cloud_element change[CLOUD_VALUES];
    size_t changes;
};

/** @return 0, E_NOMEM; or the record is not as we write it */
int cloud_read_uui(const struct journal_record *r, struct arena *a,
                   struct cloud_uui *out) MUST_USE;
/** `,"uui":[…]`, and `,"uuiChanges":[…]`; nothing when there is nothing. */
void cloud_put_uui(struct out *o, const struct cloud_uui *u);

/** BackInService after the session with a phone was lost (phone/start.c). */
struct cloud_resynced {
    struct cloud_element self;
    bool there;
};
int cloud_read_resynced(const struct csta_msg *event, struct arena *a,
                        struct cloud_resynced *out) MUST_USE;
/** `,"resynced":{…}`, or nothing. */
void cloud_put_resynced(struct out *o, const struct cloud_resynced *r);

#endif
