/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA messages (ECMA-323): XML in, structs out, and back.
 *
 * The structs of all messages are in the generated csta/vocab.h, made from gen/csta.txt;
 * here are the functions that work on any of them. In short:
 *
 *     struct csta_msg m;
 *     struct csta_fault fault;
 *     int err = csta_decode(body, NULL, arena, &m, &fault);
 *     if (!err && m.id == CSTA_MSG_MAKE_CALL) {
 *         use(m.make_call->calling_device.value);
 *     }
 *
 *     struct csta_make_call_response r = {
 *         .calling_device = {.call_id = STR("c1"), .device_id = {.value = STR("1001")}}};
 *     struct csta_msg answer = {.id = CSTA_MSG_MAKE_CALL_RESPONSE, .make_call_response = &r};
 *     err = csta_encode(&answer, m.edition, &out);
 *
 * READING is tolerant where real peers need it: any namespace prefix, any edition, elements
 * in any order, unknown elements and attributes, blanks around values, corrected spellings
 * of the schema's traps. It is strict where tolerance would guess: a value that is not what
 * its type says, an element twice, a mandatory element missing. Then `struct csta_fault`
 * says what, where, and with which CSTA error to answer.
 *
 * WRITING is strict: XML declaration, one default namespace, no prefix, schema order, and
 * nothing that the peer's edition does not know.
 *
 * OWNERSHIP. A decoded message lives in the arena and borrows from the input; it dies with
 * the first of them. Pointers in a message to be encoded are read only.
 */
#ifndef BATON_CSTA_CSTA_H
#define BATON_CSTA_CSTA_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/out.h"
#include "csta/vocab.h"

/** The edition of ECMA-323 that the namespace of a message names. */
enum csta_edition {
    CSTA_EDITION_NONE, /**< no namespace at all */
    CSTA_ED2,
    CSTA_ED3,
    CSTA_ED4,
    CSTA_ED5,
    CSTA_ED6,
};

enum csta_role {
    CSTA_ROLE_REQUEST,
    CSTA_ROLE_RESPONSE,
    CSTA_ROLE_EVENT,
};

struct csta_msg {
    enum csta_msg_id id;
    enum csta_edition edition; /**< set by decode: the edition to answer in */
    struct str root_name;      /**< set by decode, without prefix, as the peer spelt it */
    union {
        const void *body;
        CSTA_MSG_BODIES;
    };
};

/** Longest callID and device identifier, read and written (Rule I-1). */
#define CSTA_ID_MAX 1024

/** What a document may cost. All zero, or NULL in its place: the default. */
struct csta_limits {
    size_t bytes;      /**< 65536 */
    unsigned depth;    /**< 32, at most XML_DEPTH_MAX */
    unsigned elements; /**< 2000 */
    unsigned long
        hash_salt; /**< for expat's tables, random and secret when set; 0: a constant */
};

struct csta_type;

/** Why a message was refused. All positions belong to the input as it was given. */
struct csta_fault {
    size_t offset;         /**< octets from the start */
    unsigned line, column; /**< from 1; columns count octets */
    const char *reason;    /**< static English text */
    struct str element; /**< schema name of the element at fault; absent when it is not one */
    struct csta_error error;      /**< the answer, as a CSTAErrorCode */
    const struct csta_type *type; /**< of a value that is none of its type; else NULL */
};

/**
 * Read one message.
 *
 * @param fault  written on failure only; may be NULL
 * @return 0
 *         E_SYNTAX       not well-formed XML
 *         E_DENIED       it has a document type declaration
 *         E_TOOBIG, E_TOOMANY  a limit is passed
 *         E_UNSUPPORTED  the root is none that is read here; `out` has id (CSTA_MSG_NONE when
 *                        the name is unknown too), edition and root_name
 *         E_VALUE        a mandatory element is missing, or a value is wrong; `out` as above
 *         E_NOMEM        the arena has no memory
 *
 * Cost: one walk over the input; text without entities is not copied. ECMA-323, X-1 to X-9.
 */
MUST_USE int csta_decode(struct str xml, const struct csta_limits *limits, struct arena *arena,
                         struct csta_msg *out, struct csta_fault *fault);

/** Octets that csta_fault_allowed writes at most. */
#define CSTA_ALLOWED_MAX 208

/**
 * What could have stood in place of a wrong value, for people: `prompt, doNotPrompt`, `true,
 * false, 1 or 0`, `0 to 65535`. Many names end in `...`. Nothing when the fault is another.
 */
void csta_fault_allowed(const struct csta_fault *fault, struct out *out);

/**
 * Write one message into `out`.
 *
 * Octets that XML cannot carry (control characters, text that is no UTF-8) are written as
 * U+FFFD, because a caller's display name must not keep an event from being sent.
 *
 * @param edition  the peer's. CSTA_EDITION_NONE writes no namespace.
 * @return 0, E_SPACE (`out->over`, and `out->need` tells how much), E_VALUE when a mandatory
 *         field is absent or a value is out of its range, E_UNSUPPORTED for an id without body
 */
MUST_USE int csta_encode(const struct csta_msg *msg, enum csta_edition edition,
                         struct out *out);

/** The edition that a namespace names; ED3 for one that is not known. @return false: the
    namespace is none of CSTA's */
bool csta_edition_of_ns(struct str ns, enum csta_edition *out);

/** How a reader spells the device with this identifier. */
typedef struct str (*csta_spell_fn)(const void *ctx, struct str id);

/**
 * A copy of an event for one reader: with his monitorCrossRefID and his spelling of the devices
 * that stand directly in the event. What is below them is shared with the original.
 * @param spell  NULL: as they are
 * @return 0, E_NOMEM, E_UNSUPPORTED (no event with a monitorCrossRefID)
 */
MUST_USE int csta_event_address(const struct csta_msg *event, struct str ref,
                                csta_spell_fn spell, const void *ctx, struct arena *arena,
                                struct csta_msg *out);

/** Shorthand for the usual refusals: category and value, e.g. CSTA_ERROR_OPERATION and
    CSTA_OPERATION_INVALID_DEVICE_ID. */
static inline struct csta_error csta_error_of(enum csta_error_kind kind, unsigned value)
{
    return (struct csta_error){.kind = kind, .value = value};
}

/** "operation", "stateIncompatibility" ...; "" when absent. */
struct str csta_error_category_name(enum csta_error_kind kind);
/** "invalidDeviceID" ...; the text of a private code; "" for unspecified and absent. */
struct str csta_error_value_name(struct csta_error error);

/** By the name of the root element, traps and corrected spellings alike; CSTA_MSG_NONE. */
enum csta_msg_id csta_msg_find(struct str root);
/** The schema's name of the root element; "" for CSTA_MSG_NONE. */
struct str csta_msg_name(enum csta_msg_id id);
enum csta_role csta_msg_role(enum csta_msg_id id);
/** Whether the server serves or sends it; what GetCSTAFeatures and the coverage page say. */
bool csta_msg_is_supported(enum csta_msg_id id);
/** The positive response to a request; CSTA_MSG_NONE when there is none. */
enum csta_msg_id csta_msg_response(enum csta_msg_id request);

/** The namespace of an edition; absent for CSTA_EDITION_NONE. */
struct str csta_edition_ns(enum csta_edition edition);

/**
 * Fill supportedServices and supportedEvents with all that the table marks as supported.
 * @return 0 or E_NOMEM
 */
MUST_USE int csta_features_supported(struct arena *arena,
                                     struct csta_get_csta_features_response *out);

/**
 * A device identifier taken apart, for comparison (Rule I-2): without scheme, display text,
 * brackets (`N<+17867100001>Line1;noa=nk`), URI parameters, password and port.
 */
struct csta_device_parts {
    struct str user; /**< percent escapes as they came; of `sip:pbx` and `sip:1001` all of it */
    struct str host; /**< absent in these, in `1001` and in `tel:` */
};

/** Take `id` apart; never fails, a text that is nothing else is all user. */
void csta_device_split(struct str id, struct csta_device_parts *out);

/** Neither callID nor deviceID. */
bool csta_connection_is_absent(const struct csta_connection_id *c);

/** A device reference that is known: `{.kind = CSTA_DEVICE_REF_ID, .id.value = value}`. */
static inline struct csta_device_ref csta_device_ref_of(struct str value)
{
    return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_ID, .id = {.value = value}};
}

/** The namespace of what Baton puts into private data (docs/csta-private.md). */
#define CSTA_PRIVATE_NAMESPACE "urn:x-baton:csta"

/**
 * User data in private data, for messages that have no place of their own for it
 * (docs/csta-private.md). In the arena; *out stays NULL when there are no octets.
 * @return 0, E_NOMEM
 */
MUST_USE int csta_private_user_data(struct arena *arena, struct str octets,
                                    const struct csta_common_arguments **out);

/** The text of a user data or correlator data in octets; absent when it is foreign XML. */
static inline struct str csta_data_octets(const struct csta_data *data)
{
    return data->kind == CSTA_DATA_STRING ? data->string : STR_NONE;
}

#endif
