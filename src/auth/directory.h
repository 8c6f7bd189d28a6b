/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: who there is. Our domains, the devices that may register and be called,
 * the applications that may command and watch them, and the peers (PBX, trunk, gateway) that
 * are trusted by address.
 *
 * Filled from the configuration before the engine starts and not changed while it is in use
 * (a reload builds a new one). All strings are borrowed from the configuration; the
 * directory owns only its tables. Look-ups are O(1), except peers and scopes, which are few.
 */
#ifndef BATON_AUTH_DIRECTORY_H
#define BATON_AUTH_DIRECTORY_H

#include "access/access.h"
#include "auth/auth.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "sip/uri.h"
#include "uui/dialect.h"

/** What the configuration says about commanding the phones of a device. */
enum device_phone { DEVICE_PHONE_DEFAULT, DEVICE_PHONE_OFF, DEVICE_PHONE_ON };

struct device {
    struct map_node by_key;
    struct map_node by_tel; /**< when tel is set */
    struct str number;      /**< the user part: "1001" */
    struct str uri; /**< "sip:1001@example.com": the device identifier shown to applications */
    struct str key; /**< "1001@example.com": canonical address of record */
    struct str display; /**< name for From of calls made on its behalf, or absent */
    struct auth_secret secret;
    struct str
        tel; /**< its number in the world, "+4930123456", or absent: asserted as tel URI */
    uint8_t phone; /**< enum device_phone: is its phone commanded by CSTA (phone/phone.h)? */
    struct str phone_profile; /**< the profile of its phones, or absent: by User-Agent */
    struct str phone_peer;    /**< its line lives on that peer, which leads to the phone */
    bool has_secret;          /**< false: this device may not register (it is only a name) */
    void *cti;                /**< the CTI layer's: monitors of this device */
    struct list calls; /**< the call layer's: connections of this device; zeros: none yet */
    struct device_features *features; /**< the call layer's: do not disturb, forwarding; NULL:
                                           never set */
};

struct dial_plan;

struct application {
    struct map_node by_name;
    struct str name; /**< the user name of its digest credentials */
    struct auth_secret secret;
    const struct access_scope *scopes; /**< which devices it may observe and control */
    size_t scope_count;
    uint32_t max_monitors; /**< 0: no limit of its own */
    uint32_t max_sessions; /**< CSTA sessions at a time; 0: as others */
    /** CSTA over TCP from these addresses needs no password; ports do not count. */
    const struct addr *hosts;
    size_t host_count;
    struct str tls_name; /**< nor does one whose certificate is for this name; or absent */
    const struct dial_plan *dial_plan; /**< how numbers are dialled where it is; NULL: none */
};

/** What a neighbour is told about identities, diversions and causes, and what he is believed.
 */
struct neighbour {
    uint8_t history;      /**< enum history_mode of history/history.h */
    uint8_t diversion;    /**< enum diversion_mode */
    bool remote_party_id; /**< his Remote-Party-ID stands for a P-Asserted-Identity */
    bool q850;            /**< refusals and BYE to him have a Q.850 cause */
    bool isdn;      /**< a gateway to the ISDN: RFC 7434 holds for its legs (call/uus.c) … */
    bool isup_body; /**< … and it has User-to-User in ISUP bodies too; isdn is set then */
    bool uui_in_failure; /**< … and in refusals */
    bool isup_create;    /**< with isup_body: where there is no ISUP message, one is made … */
    uint8_t isup_version; /**< … in that version: index of isdn/wrap.h */
    bool gtd_create;      /**< with isup_body: the same with GTD, if it has User-to-User */
    uint16_t isdn_octets; /**< that it takes, discriminator included; 0: as ISDNs do, 129 */
};

/** Does a peer belong to our trust domain (RFC 3324)? */
enum peer_domain { PEER_AS_TRUSTED, PEER_INSIDE, PEER_OUTSIDE };

/** A neighbour that is known by address: its requests need no digest. */
struct peer {
    struct str name;
    struct str uri;    /**< "sip:192.0.2.7:5060;transport=tcp": where calls to it go */
    struct addr addr;  /**< numeric address of that, port 0: any source port */
    struct str host;   /**< of the URI; a name is looked up for each call (RFC 3263) */
    uint16_t port;     /**< 0: a name without one */
    uint8_t transport; /**< TP_NONE: a name without one */
    bool fixed;        /**< the URI says the transport: no other for large requests */
    const struct str
        *numbers; /**< called numbers that go there: patterns with '*' at the end */
    size_t number_count;
    bool takes_refer;    /**< REFER of who talks to it is passed to it */
    bool trusted;        /**< may call in without digest */
    struct str tls_name; /**< known by a certificate for this SIP domain, not by address */
    /**
     * What it understands of User-to-User, declared: the two texts that `uui_tags` of the
     * configuration comes to, option tags and package names separated by commas, and feature
     * parameters. Both absent: nothing is declared.
     */
    struct str uui_option, uui_features;
    uint32_t probe_s;         /**< it is asked whether it lives in this interval; 0: not */
    uint32_t probe_failures;  /**< unanswered ones in a row after which it is down; 0: one */
    uint32_t weight;          /**< share of calls among the peers of a number; 0: none */
    uint32_t max_calls;       /**< at a time, out to it and in; 0: no limit */
    struct peer_state *state; /**< of the layer that watches peers; NULL: nobody does */
    uint8_t domain;           /**< enum peer_domain */
    struct neighbour policy;
    struct uui_far uui; /**< how it writes User-to-User */
};

/** Is its word about identities believed, and is it told those that are to be kept private? */
static inline bool peer_is_inside(const struct peer *p)
{
    return p->domain == PEER_INSIDE || (p->domain == PEER_AS_TRUSTED && p->trusted);
}

struct directory {
    const struct env *env;
    struct hash_key key;
    const struct str *domains; /**< the first one is the default; at least one */
    size_t domain_count;
    const struct addr *own; /**< where we listen, wildcards too; the caller's */
    size_t own_count;       /**< 0: nobody knows, so a numeric domain is ours on any port */
    uint64_t peopled; /**< bit i: devices were added to domain i; all others mean the default */
    struct map devices, applications, tels;
    struct peer *peers;
    size_t peer_count; /**< places in use; one without a name is empty */
    size_t peer_room;  /**< places that there are in all; 0: no more than that */
};

/** @return 0 or E_NOMEM. The domains stay the caller's. */
int directory_init(struct directory *d, const struct env *env, const struct str *domains,
                   size_t domain_count);
void directory_fini(struct directory *d);

/** Add the caller's struct. @return 0, E_EXISTS */
int directory_add_device(struct directory *d, struct device *dev);
int directory_add_application(struct directory *d, struct application *app);

/** Take it out: it is not found any more. Its struct stays the caller's. */
void directory_remove_device(struct directory *d, struct device *dev);
void directory_remove_application(struct directory *d, struct application *app);

bool directory_is_domain(const struct directory *d, struct str host);

/**
 * Does a URI lead here? Its host is one of our domains; if that is an address, and the URI has
 * a port, it must be one on which we listen there: another port is another program. Without a
 * port an address is the name of a domain, as phones write it.
 */
bool directory_is_ours(const struct directory *d, const struct sip_uri *u);

/** The same for a URI in the configuration, where no port means the default one (RFC 3261
    §19.1.2). */
bool directory_is_here(const struct directory *d, const struct sip_uri *u);

/** By canonical key, by number in the default domain, or NULL. */
struct device *directory_device(const struct directory *d, struct str key);

/** Its `tel` is about to change (before), or has changed (after). */
void directory_forget_tel(struct directory *d, struct device *dev);
void directory_know_tel(struct directory *d, struct device *dev);

/** The device whose number in the world that is ("+4930123456"), or NULL. */
struct device *directory_device_of_tel(const struct directory *d, struct str number);

/**
 * Any spelling of a device identifier of ours: "1001", "sip:1001@example.com",
 * "<sip:1001@…>;tag=…", "tel:1001;phone-context=…", "N<1001>Name;…" (spec of CSTA
 * device numbers), host of ours, none, or a numeric address of ours. Its number in the world
 * before that, in any of these forms (named.h). NULL when unknown.
 */
struct device *directory_device_named(const struct directory *d, struct str text);

/**
 * The device that a URI (Request-URI, To, From) means, or NULL. A domain of ours without any
 * device of its own, e.g. a numeric address, is another name of the default domain. A port of
 * somebody else's (directory_is_ours) means nobody of us.
 */
struct device *directory_device_of_uri(const struct directory *d, const struct sip_uri *u);

struct application *directory_application(const struct directory *d, struct str name);

/** The application that is known by its certificate or its address, or NULL. */
struct application *directory_application_from(const struct directory *d,
                                               const struct hop *from);

/** May this application see this device, may it command it? Whoever may command may see. */
bool directory_may_observe(const struct application *app, const struct device *dev);
bool directory_may_control(const struct application *app, const struct device *dev);

/**
 * The trusted or plain peer from whom this hop leads here, or NULL: one whose `tls_name` the
 * other end has proved (env->proves), else the one with that source address (the same port,
 * else one of any port).
 */
const struct peer *directory_peer_from(const struct directory *d, const struct hop *from);

const struct peer *directory_peer_named(const struct directory *d, struct str name);

#endif
