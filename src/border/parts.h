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
    const struct hop *hop;
    enum border_direction direction;
    struct border_party neighbour;
    bool secure;
    struct border_found found;
    struct border_patch patch;
    bool changed, refused;
    int err;
    struct border_result *out;
};

/* ---- decide.c ---- */

/** Every value of the message: rules, package, dialect. Sets `changed`, `refused`, `err`. */
void border__decide(struct crossing *x);

/* ---- note.c ---- */

struct border_event {
    const struct border_value *value;
    enum border_action action;
    const struct border_rule *rule; /**< NULL: `why` is the reason */
    const char *why;
};

/** Write it into the ring and the log. @return false: it repeats one that is there */
bool border__note(struct crossing *x, const struct border_event *e);

#endif
