/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISUP messages (Q.763), as far as user-to-user information goes: where it lies, and how to put
 * it in or take it out without touching anything else.
 *
 *     type | mandatory fixed | pointers | mandatory variable … | optional … 00
 *                              `-- V1 … Vn, and O unless the message has no optional part
 *
 * A message begins with its type: routing label and circuit code stay with the MTP (RFC 3204
 * §3.1). A pointer counts from itself to the length octet of its parameter, O to the first
 * optional parameter; O = 0 means that there is none. Optional parameters are code, length,
 * contents, until a code of 0. How many fixed octets and pointers a type has is a table: it is
 * the part of Q.763 (and of ANSI T1.113, where IAM differs) that cannot be seen in a message.
 *
 * WHAT IS READ IS STRICT: parts lie behind the pointers, in the message, and do not overlap.
 * Otherwise a change of one would be a change of two, and the answer is E_SYNTAX. Octets behind
 * all parts are kept.
 *
 *     0x20  User-to-user information   PD and data, 1 to 129 octets; mandatory in USR
 *     0x2A  User-to-user indicators    which service is asked for, or given
 *
 * Implicit service 1 is 0x20 without 0x2A. Several 0x20 in one message: none counts.
 *
 * OWNERSHIP. A view borrows the octets. No memory.
 */
#ifndef BATON_ISDN_ISUP_H
#define BATON_ISDN_ISUP_H

#include "base/attr.h"
#include "base/out.h"
#include "base/str.h"
#include "isdn/q931.h"

enum isup_type {
    ISUP_IAM = 0x01,
    ISUP_ACM = 0x06,
    ISUP_CON = 0x07,
    ISUP_ANM = 0x09,
    ISUP_REL = 0x0C,
    ISUP_RLC = 0x10,
    ISUP_FAR = 0x1F,
    ISUP_FAA = 0x20,
    ISUP_FRJ = 0x21,
    ISUP_CPG = 0x2C,
    ISUP_USR = 0x2D,
    ISUP_SGM = 0x38,
};

enum isup_code {
    ISUP_USER_TO_USER = 0x20,
    ISUP_USER_TO_USER_INDICATORS = 0x2A,
};

/** Whose tables hold: Q.763, or ANSI T1.113 (also GR-317). */
enum isup_base { ISUP_ITU, ISUP_ANSI };

/** By the `base` or else the `version` of a Content-Type value (RFC 3204 §3.1, Table 1). */
enum isup_base isup_base_of(struct str content_type);

/** Mandatory variable parameters that a message may have. */
#define ISUP_VARIABLE_MAX 2

/** What a type looks like. */
struct isup_layout {
    uint8_t type;
    char name[4];     /**< "IAM" */
    uint8_t fixed;    /**< octets */
    uint8_t variable; /**< parameters, up to ISUP_VARIABLE_MAX */
    bool optional;    /**< it has an optional part */
    bool info;        /**< which may hold User-to-user information … */
    bool indicators;  /**< … and indicators */
};

struct isup_msg {
    struct str octets;
    const struct isup_layout *layout;
    struct str fixed;
    struct str variable[ISUP_VARIABLE_MAX]; /**< contents */
    struct str optional; /**< parameters without the 00 behind them; absent: O is 0 */
    size_t pointers;     /**< offset of the first one */
};

/** @return 0; E_SYNTAX; E_UNSUPPORTED: a type that is not in the table */
int isup_view(struct str octets, enum isup_base base, struct isup_msg *out) MUST_USE;

struct isup_param {
    uint8_t code;
    struct str content;
};

/** Cut the next one off *rest (first: m.optional). @return false at the end */
bool isup_param_next(struct str *rest, struct isup_param *out);

/**
 * The user-to-user information.
 * @return 0; E_NOTFOUND: none, or an empty one; E_TOOMANY: several; E_TOOBIG: more than
 *         ISDN_UUI_MAX. *octets is absent then
 */
int isup_uui_get(const struct isup_msg *m, struct str *octets) MUST_USE;

/**
 * Write the message with this user-to-user information instead of what it had; absent: with
 * none. It stands where the first one stood, else behind the other optional parameters.
 * @return 0; E_VALUE: set, and no octet; E_TOOBIG: more than ISDN_UUI_MAX, or a pointer cannot
 *         say it; E_UNSUPPORTED: the type may have none, or (USR) cannot be without; E_SPACE.
 *         What was written is of no use then
 */
int isup_uui_set(const struct isup_msg *m, struct str octets, struct out *o) MUST_USE;

/** What a request or response says of one service (Q.763 §3.60). */
enum isup_service {
    ISUP_UUS_NONE = 0,          /**< nothing */
    ISUP_UUS_NOT_PROVIDED = 1,  /**< response; spare in a request */
    ISUP_UUS_NOT_ESSENTIAL = 2, /**< request … */
    ISUP_UUS_PROVIDED = 2,      /**< … response */
    ISUP_UUS_ESSENTIAL = 3,     /**< request; spare in a response */
};

struct isup_indicators {
    bool response;
    uint8_t service[3]; /**< enum isup_service of service 1, 2, 3 */
    bool discarded;     /**< response: the network has thrown user-to-user information away */
};

/** @return 0; E_NOTFOUND; E_TOOMANY; E_SYNTAX: not one octet */
int isup_indicators_get(const struct isup_msg *m, struct isup_indicators *out) MUST_USE;

struct isup_indicators isup_indicators_of(uint8_t octet);
uint8_t isup_indicators_octet(const struct isup_indicators *i);

/** Write one optional parameter. @return 0, E_TOOBIG, E_SPACE */
int isup_param_write(struct out *o, uint8_t code, struct str content) MUST_USE;

#endif
