/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the border share. */
#ifndef BATON_BORDER_PARTS_H
#define BATON_BORDER_PARTS_H

#include "border/border.h"
#include "border/find.h"

/** One message on its way through one of the two doors. */
struct crossing {
    struct border *b;
    const struct sip_msg *m;
    unsigned what; /**< bits of enum border_scan */
    const struct hop *hop;
    enum border_direction direction;
    struct border_party neighbour;
    const struct border_party *from; /**< who brought all of its values; NULL: see source.h */
    const struct uui_far *far;       /**< how he writes; zeros: as we do */
    bool secure;
    struct border_found found;
    struct border_patch patch;
    bool changed, refused;
    int err;
    struct border_result *out;
};

/** What is done about a value. */
struct border_event {
    const struct border_value *value;
    enum border_action action;
    const struct border_rule *rule; /**< NULL: `why` is the reason */
    const char *why;
};

/* ---- decide.c ---- */

/** Would all values leave as they are? Nothing is changed, noted or counted. */
bool border__all_pass(struct crossing *x);

/** Every value of the message: rules, package, dialect. Sets `changed`, `refused`, `err`. */
void border__decide(struct crossing *x);

/** Strip or refuse a value, as the event says. */
void border__drop(struct crossing *x, struct border_value *b, struct border_event e);
/** The header in which it stands is to have that name. */
void border__name_group(struct crossing *x, const struct border_value *b, struct str name);

/* ---- translate.c ---- */

/** Out of the neighbour's dialect. @return false: the value is gone, it repeats another */
bool border__decode(struct crossing *x, struct border_value *b);
/** Into the neighbour's dialect, or away with what he cannot take. */
void border__encode(struct crossing *x, struct border_value *b);

/* ---- note.c ---- */

/** Write it into the ring and the log. @return false: it repeats one that is there */
bool border__note(struct crossing *x, const struct border_event *e);

#endif
