/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA messages as JSON (RFC 8259): another view of the same structs, led by the same tables as
 * XML. docs/json.md says which JSON belongs to which XML; in short, members have the names of
 * the elements of ECMA-323:
 *
 *     {"MakeCall":{"callingDevice":{"id":"sip:1001@pbx"},"autoOriginate":"doNotPrompt"}}
 *
 * WRITING allocates nothing and gives valid JSON whatever a struct holds: octets that are no
 * UTF-8 become U+FFFD, as in XML. A member name stands once in an object.
 *
 * READING is strict, because those who write JSON to us read our schemas, and a member that is
 * not known is a slip of theirs that is better told than passed over. The fault says where (RFC
 * 6901), why, and with which CSTA error to answer.
 *
 * JSON has no editions: everything that a struct holds is written. What has been read has the
 * edition CSTA_EDITION_NONE.
 */
#ifndef BATON_CSTA_JSON_H
#define BATON_CSTA_JSON_H

#include "csta/csta.h"

/** The longest pointer in a fault. */
#define CSTA_JSON_POINTER_MAX 512

struct csta_json_fault {
    /** As of XML: the place in the text, a reason, and what to answer. `element` is the member
        that is wrong, unknown or missing; it borrows from the text or the arena. */
    struct csta_fault why;
    /** The JSON pointer of the value at fault, of the object around one that is missing;
        `pointer_n` octets. "" is the whole text. */
    char pointer[CSTA_JSON_POINTER_MAX];
    size_t pointer_n;
};

/**
 * Write `{"NAME":{...}}`.
 * @return 0, E_SPACE (`out->need` tells how much), E_VALUE when a mandatory field is absent or
 * a value is out of its range, E_UNSUPPORTED for an id without body
 */
MUST_USE int csta_json_write(const struct csta_msg *msg, struct out *out);

/** Write what is inside of it, `{...}`, where the name stands elsewhere. As csta_json_write. */
MUST_USE int csta_json_write_body(const struct csta_msg *msg, struct out *out);

/**
 * Read `{"NAME":{...}}`.
 *
 * @param limits  as of XML; `elements` are values here. NULL: the default. The depth is that of
 *                the types, whatever is allowed.
 * @param fault   written on failure only; may be NULL
 * @return 0
 *         E_SYNTAX       no JSON
 *         E_TOOBIG, E_TOOMANY  a limit is passed
 *         E_UNSUPPORTED  a name that is not read here; `out` has id (CSTA_MSG_NONE when the
 * name is unknown too) and root_name E_VALUE        a member is unknown, missing, there twice,
 * or its value is wrong E_NOMEM
 *
 * The message lives in the arena and borrows from the text.
 */
MUST_USE int csta_json_read(struct str text, const struct csta_limits *limits,
                            struct arena *arena, struct csta_msg *out,
                            struct csta_json_fault *fault);

/** Read what is inside of it, `{...}`, of a message that is known to be `id`. */
MUST_USE int csta_json_read_body(enum csta_msg_id id, struct str text,
                                 const struct csta_limits *limits, struct arena *arena,
                                 struct csta_msg *out, struct csta_json_fault *fault);

/**
 * The fault as a sentence for people: `At /calledDevice/typeOfNumber: not one of the words that
 * can stand here (dialingNumber, deviceNumber, ...).`
 */
void csta_json_explain(const struct csta_json_fault *fault, struct out *out);

#endif
