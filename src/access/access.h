/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what.
 *
 * A PRINCIPAL is somebody who asks, by whatever face he came: the owner of a bearer token, of a
 * certificate, of the UNIX socket, or an application of the configuration. What he may do is
 * a list of SCOPES:
 *
 *   observe:PATTERN   see those devices, their calls and their events
 *   control:PATTERN   command them; whoever may command a device may observe it
 *   admin             everything, of every device, and the server itself
 *
 * A pattern is a number ("1001"), a device's key ("1001@example.com"), or the beginning of
 * either with '*' at the end ("10*"); "*" is every device. Applications have the same scopes
 * (auth/directory.h), and directory_may_observe and directory_may_control ask the functions
 * below, so that there is one answer for TR/87, CSTA over TCP, SIP requests and HTTP.
 *
 * WHERE IT IS CHECKED. The thread that has the HTTP connection knows principals but no
 * devices: it asks access_may_some, which says whether there is any device for which that is
 * allowed. The engine's thread knows which device a text means, and asks about that one.
 * Neither replaces the other.
 *
 * Nothing here is kept: scopes and principals borrow their texts. table.h owns those of
 * tokens. A principal may be read by any thread while somebody holds it; only its owner's
 * thread changes it.
 */
#ifndef BATON_ACCESS_ACCESS_H
#define BATON_ACCESS_ACCESS_H

#include "base/attr.h"
#include "base/out.h"

struct access_entry;

enum access_kind { ACCESS_OBSERVE, ACCESS_CONTROL, ACCESS_ADMIN };

struct access_scope {
    struct str pattern; /**< of devices; absent for ACCESS_ADMIN */
    uint8_t kind;       /**< enum access_kind */
};

/** Bounds of what may be written: octets of a pattern, and scopes of one principal. */
enum { ACCESS_PATTERN_MAX = 128, ACCESS_SCOPES_MAX = 64 };

/** Octets of the longest scope that is written. */
enum { ACCESS_SCOPE_TEXT = ACCESS_PATTERN_MAX + 16 };

struct access_principal {
    struct str name; /**< "token:crm-1", "browser:crm-1", "certificate:wall", "uid:0": what logs
                          and audit say; no secret */
    const struct access_scope *scopes;
    size_t count;
    uint64_t expires_ms;        /**< milliseconds since 1970; 0: never */
    bool admin;                 /**< one of the scopes is `admin` */
    bool gone;                  /**< revoked; what he began must end */
    struct access_entry *entry; /**< of table.h; NULL: he is in no table */
};

/* ---- what a list of scopes allows ---- */

/**
 * May the device be seen, may it be commanded?
 * @param device  its key, "1001@example.com", or its number, "1001". Patterns are compared
 *                with the whole and with what stands before '@'. None: only `admin` will do
 */
bool access_scopes_observe(const struct access_scope *scopes, size_t n, struct str device);
bool access_scopes_control(const struct access_scope *scopes, size_t n, struct str device);

/** Is one of them `admin`? */
bool access_scopes_admin(const struct access_scope *scopes, size_t n);

/** NULL may nothing; nor may one who is gone. Time is not looked at: access_alive. */
bool access_observe(const struct access_principal *p, struct str device);
bool access_control(const struct access_principal *p, struct str device);
bool access_is_admin(const struct access_principal *p);

/**
 * Is there any device for which he may do that? For ACCESS_ADMIN: is he one. False settles the
 * matter; true leaves it to access_observe or access_control of the device.
 */
bool access_may_some(const struct access_principal *p, enum access_kind kind);

/** Neither gone nor expired. @param now_ms  milliseconds since 1970 */
bool access_alive(const struct access_principal *p, uint64_t now_ms);

/* ---- scopes as text ---- */

/**
 * Read "observe:10*", "control:1001", "admin". The pattern is a slice of the text.
 * @return 0; E_SYNTAX: no such scope, or its pattern is empty, has a '*' that is not the last
 *         octet, or anything but printable ASCII without space, quotes and backslash; E_TOOBIG
 */
int access_scope_read(struct str text, struct access_scope *out) MUST_USE;

void access_scope_write(struct out *o, const struct access_scope *s);

/** "observe" or "control" or "admin" */
struct str access_kind_name(enum access_kind kind);

/**
 * The scope that would be enough, for the answer to who lacks it: "control:1001@example.com".
 * @param device  absent: just the kind
 */
void access_missing(struct out *o, enum access_kind kind, struct str device);

/**
 * Is everything that `asked` allows allowed by one of `have` too? So nobody hands on more than
 * he has.
 */
bool access_scopes_cover(const struct access_scope *have, size_t n,
                         const struct access_scope *asked);

/** "10*" matches what begins with "10"; without '*' only the same text. */
bool access_matches(struct str pattern, struct str text);

#endif
