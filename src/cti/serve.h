/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files with services on calls share: data that a request brings along, and the ways
 * to answer it, at once or later.
 */
#ifndef BATON_CTI_SERVE_H
#define BATON_CTI_SERVE_H

#include "cti/parts.h"

/** A bit of struct wanted.states. */
#define STATE(s) (1U << CONN_##s)

/** What a service on a call that stands carries. `before`: the call's correlatorData. */
struct data {
    struct str uui, correlator, before;
};

/** The octets of userData or correlatorData; absent: none. @return false: *err */
bool take_user_data(const struct request *r, const struct csta_data *data, struct str *out,
                    struct outcome *err);
bool take_correlator(const struct request *r, const struct csta_data *data, struct str *out,
                     struct outcome *err);
bool take_both(const struct request *r, const struct csta_data *user,
               const struct csta_data *correlator, struct data *out, struct outcome *err);

/** The call's correlatorData, from the events on that the service causes. @return false: *err
 */
bool correlate(const struct request *r, struct call *c, struct data *d, struct outcome *err);
/** The driver did not even begin: as it was. */
void uncorrelate(struct call *c, const struct data *d);

/** The answer of a service that is done at once. */
struct outcome answer_of(const struct request *r, const void *body,
                         const struct connection *conn, const struct data *data,
                         enum call_error failed);

/** The request on hold for `conn`; NULL and *err when there is no room. */
struct pending *hold_on(struct request *r, const struct connection *conn, struct outcome *err);
/** When the driver has taken it, `p` is no longer ours: the outcome may be known already. */
struct outcome begun(const struct request *r, struct pending *p, const struct connection *conn,
                     const struct data *data, enum call_error failed);
/** The driver of that device has no such service. */
struct outcome not_for_this_device(void);

#endif
