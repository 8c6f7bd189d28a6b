/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is calling, to whom this is told, and who is believed: P-Asserted-Identity (RFC 3325,
 * RFC 5876), P-Preferred-Identity and Privacy (RFC 3323) where a message passes from one side
 * of Baton to the other.
 *
 * TRUST. Each side is in our trust domain or is not; the configuration says which. What comes
 * from outside asserts nothing: its P-Asserted-Identity is cut, and in its place goes the
 * identity that Baton has proven itself (digest), when the other side is inside. What comes
 * from inside is believed. What goes out of the domain loses what its sender wants withheld:
 *
 *   id       P-Asserted-Identity (RFC 3325 §7)
 *   user     the From name and address, Subject, Call-Info, Organization, User-Agent,
 *            Reply-To, In-Reply-To (RFC 3323 §5.3)
 *   header   the same; Via, Contact and Record-Route are Baton's own on either side
 *   history  entries of our domain in History-Info (history.h)
 *   session  not possible: the addresses of the media go from phone to phone
 *   none     nothing is withheld, and nothing about it is changed
 *
 * What has been done is taken out of Privacy (RFC 3323 §5); with `critical` a request that
 * wants what is not possible is refused (500).
 */
#ifndef BATON_HISTORY_IDENTITY_H
#define BATON_HISTORY_IDENTITY_H

#include "history/change.h"

enum privacy {
    PRIVACY_HEADER = 1,
    PRIVACY_SESSION = 2,
    PRIVACY_USER = 4,
    PRIVACY_NONE = 8,
    PRIVACY_CRITICAL = 16,
    PRIVACY_ID = 32,
    PRIVACY_HISTORY = 64,
    PRIVACY_OTHER = 128, /**< a value that we do not know */
};

/** The values of Privacy, all lines together; commas count as semicolons, as some write them.
    `m` may be NULL. */
unsigned privacy_of(const struct sip_msg *m);

/** Does the sender want to be anonymous to those outside (id, user or header, and not none)? */
bool privacy_withholds(unsigned privacy);

struct identity_args {
    const struct sip_msg *m; /**< the message that passes on, request or response */
    bool from_trusted;       /**< its sender is in our trust domain */
    bool to_trusted;         /**< who gets it is */
    bool proxied;  /**< by a proxy, who may not touch From: `user` and `header` are not
                        done, and stay in Privacy for who can */
    bool withheld; /**< the sender has wanted that before, in the same call */
    bool rpid;     /**< with from_trusted and without P-Asserted-Identity: its
                        Remote-Party-ID stands for one */
    /* the sender, as far as Baton knows him by itself; absent: not */
    struct str uri;     /**< "sip:1001@example.com" */
    struct str tel;     /**< "+4930123", or absent */
    struct str display; /**< name without quotes, or absent */
};

/** The From value of whom nobody shall know (RFC 3323 §4.1.1.3), without a tag. */
extern const struct str identity_anonymous;

/** Must From be anonymous on the other side? With `user`; whoever asks for `id` alone shows in
    From what he likes. */
bool identity_is_anonymous(const struct identity_args *a);

/**
 * Add to `out` what changes. ACK and CANCEL carry no identity: there P-Asserted-Identity is
 * only ever cut. @return 0 or E_NOMEM
 */
int identity_pass(struct arena *arena, const struct identity_args *a, struct history_out *out);

/**
 * Can what the request wants be done? @return true; false: refuse with 500 and *reason, in the
 * arena, which names the values (RFC 3323 §5)
 */
bool privacy_is_possible(struct arena *arena, const struct sip_msg *m, bool to_trusted,
                         bool proxied, struct str *reason);

#endif
