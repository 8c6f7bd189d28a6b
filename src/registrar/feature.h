/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature sets: what a phone says that it is and can do (RFC 3840), and whether that fits what
 * somebody wants (RFC 3841 §7.2.4, the part of RFC 2533 that these two need).
 *
 * A feature set is a list of parameters of a Contact, Accept-Contact or Reject-Contact value,
 * each one tag with the values that it may have:
 *
 *   audio                       TRUE                     methods="INVITE,BYE"  one of these
 * tokens mobility="!fixed"           anything but that        +x.n="#>=4,#1:2"      numbers
 *   +sip.instance="<urn:…>"     a string, compared with case; tokens are compared without
 *
 * Every tag stands once in a set, so two sets fit when for each tag that both have there is a
 * value that both allow; a tag that only one has says nothing about the other. All slices are
 * of the text that was read. Bounded: tags of a set and values of a tag; what is beyond is not
 * seen.
 */
#ifndef BATON_REGISTRAR_FEATURE_H
#define BATON_REGISTRAR_FEATURE_H

#include "base/str.h"

/** Tags of a set, and values of a tag, that are looked at. */
#define FEATURE_TAGS_MAX 32
#define FEATURE_VALUES_MAX 32

struct feature {
    struct str name;  /**< without '+', and without "sip." before a tag of RFC 3840 §9 */
    struct str value; /**< without quotes; absent: TRUE */
};

struct feature_set {
    struct feature tag[FEATURE_TAGS_MAX];
    size_t count;
};

/** Add one; a tag that is there already stays as it is. @return false: no room */
bool feature_add(struct feature_set *set, struct str name, struct str value);

/** The feature parameters in ";a=b;c" (or "a=b;c"); others are left out. @return false: too
 * many */
bool feature_read(struct feature_set *set, struct str params);

/** Is that the name of a feature parameter: a base tag (RFC 3840 §9), or one with '+'? */
bool feature_is(struct str param);

/** The value of that tag, or NULL. */
const struct feature *feature_find(const struct feature_set *set, struct str name);

/** May somebody be both? */
bool feature_fit(const struct feature_set *a, const struct feature_set *b);

/** How many tags of `want` stand in `has` too. */
size_t feature_common(const struct feature_set *want, const struct feature_set *has);

#endif
