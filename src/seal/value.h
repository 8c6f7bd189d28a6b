/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals and packages: what the `seal` of a package (uui/uui.h: off, optional, required) makes
 * of a value, and sealing of what applications and rules give.
 *
 *     package    no seal            seal is whole   key not known     anything else
 *     off        as it is           as it is        as it is          as it is
 *     optional   valid              valid, opened   valid, as it is   wrong: BAD_SEAL
 *     required   ignored: NO_SEAL   valid, opened   wrong: BAD_SEAL   wrong: BAD_SEAL
 *
 * The verdict is about what the receiver does with it; what goes on to others is the border's
 * affair.
 */
#ifndef BATON_SEAL_VALUE_H
#define BATON_SEAL_VALUE_H

#include "seal/seal.h"
#include "uui/uui.h"

/** What a value of that package is for. `content` as written, or absent. */
struct seal_about seal_about_of(const struct uui_package *p, struct str package,
                                struct str content, enum seal_way way);

/**
 * The frame in these octets: they themselves or, where shared UUI wraps everything into items
 * (uui/shared.h), what is in the only item, ASAI user data: `00 C8 n B2 …`. In the arena then.
 * @return absent: memory is out
 */
struct str seal_frame_in(struct arena *a, struct str octets);

/** With which message a value came. */
struct seal_from {
    uint8_t way;      /**< enum seal_way: seal_way_of(), or SEAL_FORWARD out of a URI */
    uint64_t message; /**< seal_message_of() */
    uint64_t wall_s;  /**< when */
};

/** Of the header lines of a message that has just come. */
static inline struct seal_from seal_from_of(const struct seal *s, const struct sip_msg *m,
                                            uint64_t wall_s)
{
    return (struct seal_from){(uint8_t)seal_way_of(m), seal_message_of(s, m), wall_s};
}

/**
 * Open what a value has, if its package wants that. `v` was judged (uui_judge); a WRONG or
 * IGNORED one is left alone: SEAL_NOT_SEALED. Verdict and rule change as the table above says;
 * when opened, v->octets are the plain octets.
 * @param s  NULL: there are no keys; no key is known then
 */
enum seal_result seal_value(struct seal *s, const struct uui_packages *known,
                            struct uui_value *v, const struct seal_from *from, struct arena *a,
                            struct seal_opened *out);

/**
 * One value of a package as it stands in a header, as hex: sealed when the package says with
 * which key, else as it is.
 * @return 0; or what seal_close or uui_write say, and then it may not be sent at all: never in
 *         clear instead
 */
int seal_write(struct seal *s, const struct uui_packages *known, struct str package,
               struct str octets, enum seal_way way, uint64_t wall_s, struct arena *a,
               struct str *value) MUST_USE;

#endif
