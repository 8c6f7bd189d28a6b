/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of the tables in the generated csta/vocab.c, which the decoder, the encoder and
 * other views of a message (JSON) walk. Private to src/csta.
 *
 * A `struct csta_type` says how a value looks in XML and in C, a `struct csta_field` where
 * such a value stands in a struct. For a choice the fields are the alternatives, for a list
 * the one field is its item. Structs, choices and bodies are reached by offset from their
 * start; a field with CSTA_F_POINTER is a pointer to the value, NULL when absent.
 */
#ifndef BATON_CSTA_TABLE_H
#define BATON_CSTA_TABLE_H

#include "csta/csta.h"

enum csta_kind {
    CSTA_K_BOOL,   /**< enum csta_bool */
    CSTA_K_INT,    /**< struct csta_int, in min..max */
    CSTA_K_ENUM,   /**< an enum, 0 absent */
    CSTA_K_STR,    /**< struct str, blanks kept */
    CSTA_K_ID,     /**< struct str, blanks at both ends not part of it, bounded */
    CSTA_K_HEX,    /**< struct str of octets, hexBinary in XML */
    CSTA_K_XML,    /**< struct csta_xml */
    CSTA_K_EMPTY,  /**< nothing: an alternative that has no content */
    CSTA_K_TARGET, /**< struct csta_device_id; in edition 6 a list of `device` */
    CSTA_K_TEXT,   /**< struct csta_device_id: text (its first member) and attributes */
    CSTA_K_STRUCT,
    CSTA_K_CHOICE, /**< first member: its kind */
    CSTA_K_LIST,   /**< {item, n} */
    CSTA_K_CAPS,   /**< struct csta_feature_list */
};

enum {
    CSTA_F_MANDATORY = 1, /**< refused when missing, in both directions */
    CSTA_F_EXPECTED = 2,  /**< mandatory in the schema, forgiven */
    CSTA_F_ED6 = 4,       /**< written from edition 6 on */
    CSTA_F_PRE4 = 8,      /**< written before edition 4 */
    CSTA_F_POINTER = 16,
    CSTA_F_REPEATED = 32, /**< a list whose items stand in place, without an element around */
    CSTA_F_ALIAS = 64,    /**< another spelling of the field above; never written */
    CSTA_F_ED4 = 128,     /**< written from edition 4 on */
};

enum {
    CSTA_T_ANY = 1,   /**< at least one field is there */
    CSTA_T_PLAIN = 2, /**< text in place of the first alternative is forgiven */
};

struct csta_type;

struct csta_field {
    const char *name;
    uint8_t len;
    uint8_t flags;
    uint16_t offset;
    uint16_t
        error; /**< enum csta_operation_errors for a wrong value, 0: by the kind of fault */
    const struct csta_type *type;
    uint16_t kind; /**< the value of the kind member that stands for this alternative */
};

struct csta_name {
    const char *name;
    uint8_t len;
    uint16_t value;
};

struct csta_enum {
    const struct str *name;       /**< by value, [0] is "" */
    const struct csta_name *find; /**< sorted by length, then octets */
    const uint16_t *before6; /**< by value: what to write before edition 6; NULL: the same */
    uint16_t n;              /**< the largest value */
    uint16_t nfind;
    uint16_t lax; /**< what an unknown name reads as; 0: refused */
};

struct csta_cap {
    struct str name;
    enum csta_msg_id id;
    bool supported;
    const struct csta_feature_bit *bit;
    size_t nbit;
};

struct csta_type {
    const char *name; /**< in the schema */
    enum csta_kind kind;
    uint8_t flags;
    uint16_t lax; /**< kind of a choice that an unknown alternative reads as; 0: refused */
    uint16_t nfield, ncap;
    size_t size, item_size;
    const struct csta_field *field;
    const struct csta_enum *names;
    const struct csta_cap *caps;
    int64_t min, max;
    const struct csta_type *more; /**< attributes held in a struct of their own */
    size_t more_offset;
};

struct csta_msg_info {
    struct str name;
    enum csta_role role;
    bool supported;
    enum csta_edition since; /**< the first one that has it; NONE: all have */
    enum csta_msg_id response;
    const struct csta_type *body; /**< NULL: known by name only */
};

extern const struct csta_msg_info csta_msg_infos[CSTA_MSG_COUNT];
extern const struct csta_name csta_roots[];
extern const size_t csta_nroot;
extern const struct csta_type *const csta_type_supported_services;
extern const struct csta_type *const csta_type_supported_events;

/** The value of `name` in a table sorted by length and octets, 0 when it is not there. */
unsigned csta_name_find(const struct csta_name *table, size_t n, struct str name);

struct str csta_enum_name(const struct csta_enum *e, unsigned value);
unsigned csta_enum_find(const struct csta_enum *e, struct str name);

/** Whether the value at `p`, of a field that is not a pointer, is there at all. */
bool csta_is_present(const struct csta_type *type, const void *p);

/** The same for a field, pointer or not. */
bool csta_field_is_present(const struct csta_field *f, const void *p);

/** What every generated list struct looks like; copied in and out, never aliased. */
struct csta_any_list {
    void *item;
    size_t n;
};

/** Where the items of an empty list are: a list that is there has items that are not NULL. */
void *csta_no_items(void);

/**
 * Text to a value of one of the kinds BOOL to HEX.
 * @return 0, E_SYNTAX (not of that type), E_VALUE (a number out of range), E_TOOBIG (an id),
 *         E_NOMEM; *reason is set on all but the first and the last
 */
MUST_USE int csta_value_parse(const struct csta_type *type, struct str text,
                              struct arena *arena, void *p, const char **reason);

/** Whether `name` can be the name of a capability bit: an ASCII name without colon. */
bool csta_is_bit_name(struct str name);

#endif
