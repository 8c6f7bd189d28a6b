/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the registrar share. Internal to the module.
 *
 *   registrar.c  the table: records, bindings, timers, flows
 *   contact.c    one Contact value of a REGISTER: what it asks for, which binding it means
 *   contacts.c   which phone registered a contact
 *   gruu.c       GRUUs
 *   path.c       Path of a REGISTER
 *   register.c   one REGISTER: plan, then commit
 *   target.c     where a binding is reached
 *   select.c     which bindings a request goes to
 *   answer.c     the lines of a 200
 *   keep.c       what outlives the process
 */
#ifndef BATON_REGISTRAR_PARTS_H
#define BATON_REGISTRAR_PARTS_H

#include "registrar/registrar.h"

/** The most octets of text that one binding keeps (contact, parameters, Call-ID, User-Agent).
 */
#define REGISTRAR_TEXT_MAX 8192

/** Octets of option tags that a binding keeps; who has more has said nothing. */
#define REGISTRAR_SUPPORTED_MAX 512

/** What a malformed expires counts as (RFC 3261 §10.2.1.1). */
#define REGISTRAR_EXPIRES_MALFORMED 3600

/** One Contact value. Slices of the request, valid while it is processed. */
struct contact {
    struct sip_addr addr;
    struct str instance; /**< without quotes, or absent */
    uint32_t reg_id;
    uint32_t expires_s; /**< 0: remove */
    uint16_t q_milli;
    bool has_q;

    struct binding *match; /**< the binding of the record that it refreshes or removes */
    struct binding *fresh; /**< a binding prepared for it */
    void *block;           /**< strings prepared for it */
    struct str uri, params, call_id, user_agent, routes, supported; /**< slices of block */
};

/** Why a Contact value cannot be taken. */
struct contact_fault {
    unsigned status;
    const char *reason;
};

/**
 * Read one value. `expires` is what counts when it has no expires parameter.
 * @return false with *fault
 */
bool registrar_contact_parse(struct str value, uint32_t expires, struct contact *out,
                             struct contact_fault *fault);

/** Digits, cut to 2^32-1; REGISTRAR_EXPIRES_MALFORMED for anything else. */
uint32_t registrar_contact_expires(struct str text);

/** The same address (RFC 3261 §19.1.4), or the same flow of the same phone (RFC 5626 §6). */
bool registrar_contact_is(const struct contact *c, const struct binding *b);
/** The same phone and flow number, whatever its address is now. */
bool registrar_contact_same_phone(const struct contact *c, const struct binding *b);

/** The +sip.instance value in contact parameters without its quotes, or absent. */
struct str registrar_contact_instance(struct str params);

/** What the bindings of one request have in common. */
struct contact_origin {
    struct str call_id, user_agent, routes, supported;
};

/** Copy the strings that a binding keeps into a block. @return 0, E_NOMEM, E_TOOBIG */
int registrar_contact_prepare(struct contact *c, const struct mem *mem,
                              const struct contact_origin *origin) MUST_USE;

/** What its REGISTER says that the phone can do. */
uint32_t registrar_contact_methods(const struct contact *c, const struct sip_msg *m);

/* contacts.c */

void registrar_contact_link(struct binding *b);
/** Harmless when it is not linked. Before its contact changes. */
void registrar_contact_unlink(struct binding *b);

/* gruu.c */

/** @return 0 or E_NOMEM */
int registrar_gruu_init(struct registrar *r) MUST_USE;
void registrar_gruu_fini(struct registrar *r);
void registrar_gruu_link(struct binding *b);
void registrar_gruu_unlink(struct binding *b);
/** From now on temporary GRUUs are made and read with r->gruu_key. @return 0, E_NOMEM */
int registrar_gruu_take_key(struct registrar *r) MUST_USE;
/**
 * One more temporary GRUU for the instance of `b`, which is not in the record. The life that it
 * had, if any, goes on, or that of its siblings.
 * @param ends  that life is over, for all of them
 */
void registrar_gruu_renew(const struct record *rec, struct binding *b, bool ends);

/** The key of the record that a sip or sips URI would have: its user and host. */
void registrar_write_key(struct out *o, const struct sip_uri *u);

/* path.c */

/** Path of a REGISTER. Empty members: it has none. */
struct registrar_path {
    struct str routes;    /**< "Route: …" lines, in the arena */
    struct str answer;    /**< "Path: …" lines for the 200, in the arena */
    struct str first_hop; /**< the value of the phone's first proxy, a slice of the request */
};

/**
 * @param lenient  a phone that does not support it is no reason to refuse it (RFC 3327 §5.3)
 * @return false with *fault: 420 (the phone did not ask for it), 400, 403, 503
 */
bool registrar_path_read(const struct sip_msg *m, bool lenient, struct arena *arena,
                         struct registrar_path *out, struct contact_fault *fault);

/** Without CR and LF: a folded value on one line. */
void registrar_write_unfolded(struct out *o, struct str s);

/* registrar.c */

/** A record without bindings, in the map. NULL: limit or memory. */
struct record *registrar_add_record(struct registrar *r, struct str key);
/** Take a record without bindings out of the map. */
void registrar_hide_record(struct record *rec);
/** Free a record that was hidden. */
void registrar_free_record(struct record *rec);
/** Put a filled binding into its place in the record, on its flow and on the wheel. */
void registrar_link(struct record *rec, struct binding *b);
/** The opposite; its strings stay. */
void registrar_unlink(struct binding *b);
/** Unlink, tell on_binding, free. */
void registrar_drop(struct binding *b, enum binding_event why, uint64_t now_ms);
/** Tell on_binding. */
/** It was made, changed or (`gone`) goes: the store hears. */
void registrar_keep(const struct binding *b, bool gone, uint64_t now_ms);
void registrar_tell(const struct binding *b, enum binding_event what, uint64_t now_ms);
/** Drop what is due; a record that lost its last binding is told of and freed. */
void registrar_expire_due(struct record *rec, uint64_t now_ms);

/* answer.c */

/** What a 200 says besides the bindings. */
struct answer_form {
    bool gruu;       /**< the phone knows of GRUUs: show them */
    bool outbound;   /**< Require: outbound */
    bool flow_timer; /**< Flow-Timer, if there is one */
    struct str path; /**< lines */
};

/** Octets that the answer about the record needs at most, with `contacts` added. */
size_t registrar_answer_size(const struct registrar *r, const struct record *rec,
                             struct str key, const struct contact *c, size_t n,
                             const struct answer_form *form);
/** Contact lines for all bindings of the record (may be NULL), Date and the rest. */
void registrar_answer_write(const struct registrar *r, const struct record *rec,
                            const struct answer_form *form, uint64_t now_ms, struct out *o);

#endif
