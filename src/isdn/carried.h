/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The isdn-uui that one message carries, in whatever places, seen as an ISDN does (RFC 7434):
 * at most one value, with a discriminator, no longer than the ISDN takes. Who bridges calls and
 * who forwards messages both ask here, and then each does with the answer what it can.
 *
 * OWNERSHIP. All lies in the arena or in what was given. COST: linear in lines and body; of a
 * message without any of them some tests.
 */
#ifndef BATON_ISDN_CARRIED_H
#define BATON_ISDN_CARRIED_H

#include "isdn/body.h"
#include "uui/uui.h"

/** Header lines of one source that are looked at; more cannot be one value. */
#define ISDN_LINES_MAX 16

/** Where it may stand. */
struct isdn_source {
    const struct sip_msg *m;          /**< NULL: there is none … */
    bool header, body;                /**< … and whether its header, its bodies count */
    struct str lines;                 /**< further header lines with CRLF; may be empty */
    const struct uui_packages *known; /**< NULL: isdn-uui alone */
};

struct isdn_carried {
    struct uui_list list;  /**< of the header, with other packages */
    struct isdn_body body; /**< empty when bodies do not count */
    bool crowded;          /**< more than can be judged: nothing counts */
};

void isdn_gather(struct arena *a, const struct isdn_source *s, struct isdn_carried *out);

/** The one value of the header that counts; absent: none. */
struct str isdn_in_header(const struct isdn_carried *c);
/** The one of an ISUP or GTD body; absent: none. */
struct str isdn_in_body(const struct isdn_carried *c);
/** What is wrong with those of the bodies: 0, E_TOOMANY, E_TOOBIG; E_NOTFOUND: there is none */
int isdn_body_fault(const struct isdn_carried *c);
/** Is anything of it ISDN's at all? */
bool isdn_carries(const struct isdn_carried *c);

/** Why there is nothing that an ISDN would take. */
enum isdn_unfit {
    ISDN_FITS, /**< there is, or there is nothing at all */
    ISDN_SEVERAL,
    ISDN_MALFORMED,
    ISDN_TOO_LONG,
};

/** @param limit  octets that it takes, the discriminator included */
enum isdn_unfit isdn_unfit(const struct isdn_carried *c, size_t limit);
/** In words, for notes; NULL: it fits. */
const char *isdn_unfit_text(enum isdn_unfit u);

/** "0448…;encoding=hex;purpose=isdn-uui"; absent: no octets, or no memory. */
struct str isdn_element(struct arena *a, struct str octets);
/** Elements of other packages as one list, behind `first` (may be absent). Empty: none;
    absent: no memory */
struct str isdn_others(struct arena *a, const struct isdn_carried *c, struct str first);

/** `lines` without User-to-User, and these values (may be empty) instead; absent: no memory. */
struct str isdn_with_values(struct arena *a, struct str lines, struct str values);

/** Is this line a User-to-User header? */
bool isdn_line_is_uui(struct str line);
/** The first line of *rest with its end, cut off. */
struct str isdn_cut_line(struct str *rest);

#endif
