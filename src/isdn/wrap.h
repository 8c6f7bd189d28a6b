/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that has an ISUP message besides what it had (RFC 3204, RFC 3372 §5.1), or a GTD text,
 * which Cisco's gateways have in the same place.
 *
 *     nothing             → the message
 *     a description       → multipart/mixed: the description, octet by octet, and the message
 *     multipart/mixed     → one part more, behind the others
 *     anything else       → E_UNSUPPORTED: nobody knows what a recipient makes of it then
 *
 * Its disposition is `signal;handling=optional`: the header says the same, so who does not know
 * the type may go on without it.
 *
 * OWNERSHIP. What is made lies in the arena or is what was given. Linear.
 */
#ifndef BATON_ISDN_WRAP_H
#define BATON_ISDN_WRAP_H

#include "base/arena.h"
#include "isdn/make.h"

/** Values of `version` and `base` that are written (RFC 3204 Table 1); the first by default. */
#define ISUP_VERSIONS(X) \
    X("itu-t92+", ITU)   \
    X("itu-t88", ITU)    \
    X("etsi121", ITU)    \
    X("etsi356", ITU)    \
    X("ansi88", ANSI)    \
    X("ansi00", ANSI)    \
    X("gr317", ANSI)

/** Its name, NULL behind the last; and whose tables hold. */
const char *isup_version_name(unsigned version);
enum isup_base isup_version_base(unsigned version);

struct isdn_content {
    struct str type; /**< Content-Type; absent: there is no body */
    struct str body;
    struct str disposition; /**< Content-Disposition of all of it; absent: none */
};

struct isdn_wrapped {
    struct isdn_content all;
    size_t sdp_at,
        sdp_n; /**< where the description stands in all.body; sdp_n 0: there is none */
};

/** What a body gets. */
struct isdn_part {
    struct str type; /**< Content-Type */
    struct str body;
};

/**
 * @param token  unlike anything that stands in the body: becomes the boundary
 * @return 0; E_UNSUPPORTED; E_VALUE: what comes out would not be read as these parts; E_NOMEM
 */
int isdn_wrap_part(struct arena *a, const struct isdn_content *had,
                   const struct isdn_part *part, struct str token,
                   struct isdn_wrapped *out) MUST_USE;

/** The same with an ISUP message of that version. */
int isdn_wrap(struct arena *a, const struct isdn_content *had, struct str isup,
              unsigned version, struct str token, struct isdn_wrapped *out) MUST_USE;

#endif
