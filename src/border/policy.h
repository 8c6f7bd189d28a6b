/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about User-to-User values that cross the border: who may tell what to whom.
 *
 * A rule is a row of constants: conditions and one action. A value is shown to the rules in
 * their order, and the first one that it fits decides; a value that fits none passes. It is
 * shown to them twice on its way through Baton: when the message that has it comes in, and for
 * each message in which it goes out.
 *
 *     in    `from` is who sent the message; rules with a `to` condition are not asked
 *     out   `to` is who gets the message; `from` is who brought the value in, if somebody did
 *
 * Empty conditions hold for everything. Rules are made by the configuration, which finds all
 * that can be wrong with them; nothing here fails. COST: the conditions of the rules, one after
 * another, most of them one comparison.
 */
#ifndef BATON_BORDER_POLICY_H
#define BATON_BORDER_POLICY_H

#include "auth/directory.h"
#include "base/out.h"
#include "uui/uui.h"

/** Where a value stands in a message. */
#define BORDER_PLACES(X)                                                             \
    X(HEADER, "header", "a User-to-User header")                                     \
    X(X_HEADER, "x-header", "a header of one maker, e.g. X-User-to-User")            \
    X(URI_HEADER, "uri-header", "a User-to-User header embedded in a URI")           \
    X(URI_PARAM, "uri-parameter", "a parameter of a URI: uui=, aai=, user-to-user=") \
    X(BODY, "body",                                                                  \
      "an ISUP or GTD part, a=cs-correlation of a description, or a quoted message")

enum border_place {
#define BORDER_PLACE_ENUM(name, word, text) BORDER_##name,
    BORDER_PLACES(BORDER_PLACE_ENUM)
#undef BORDER_PLACE_ENUM
        BORDER_PLACE_COUNT
};

/** What rules do, and behind REFUSE what the border does by itself, for notes. */
#define BORDER_ACTIONS(X)                                      \
    X(PASS, "pass", "it goes on")                              \
    X(STRIP, "strip", "the message goes on without it")        \
    X(REPLACE, "replace", "the message goes on with another")  \
    X(REFUSE, "refuse", "the message does not go on")          \
    X(DECODE, "decode", "out of the dialect of the neighbour") \
    X(ENCODE, "encode", "into the dialect of the neighbour")

enum border_action {
#define BORDER_ACTION_ENUM(name, word, text) BORDER_##name,
    BORDER_ACTIONS(BORDER_ACTION_ENUM)
#undef BORDER_ACTION_ENUM
};

/** When a rule is asked. */
enum border_direction { BORDER_BOTH, BORDER_IN, BORDER_OUT };

/** What a message has to be. */
enum border_kind { BORDER_ANY_KIND, BORDER_REQUEST, BORDER_RESPONSE };

/** Yes, no, or either. */
enum border_flag { BORDER_EITHER, BORDER_YES, BORDER_NO };

/** Does who it goes to understand the package? The words of enum understands (registrar). */
enum border_understood { BORDER_UNKNOWN, BORDER_NOT_UNDERSTOOD, BORDER_UNDERSTOOD };

struct border_rule {
    struct str name; /**< for notes and logs */
    unsigned line;   /**< in the file, 0: none */

    /* conditions; lists of zero length hold always */
    const struct str *from, *to; /**< names of peers; "*" any peer, "device" who is no peer,
                                      `from` also "baton": nobody brought it in */
    size_t from_count, to_count;
    const struct str *package; /**< names, or with '*' at the end; "?" when it cannot be told */
    size_t package_count;
    const struct str *encoding; /**< as written, "hex" when none is; any case */
    size_t encoding_count;
    uint32_t methods;     /**< bits of enum sip_method (of CSeq in responses); 0: all */
    uint32_t longer_than; /**< decoded octets; 0: any size */
    uint16_t origins;     /**< bits of enum uui_role; 0: all */
    uint16_t seals;       /**< bits of enum seal_result; 0: all */
    uint8_t places;       /**< bits of enum border_place; 0: all */
    uint8_t verdicts;     /**< bits of enum uui_verdict; 0: all */
    uint8_t direction;    /**< enum border_direction */
    uint8_t kind;         /**< enum border_kind */
    uint8_t secure;       /**< enum border_flag: does the hop have TLS */
    uint8_t understood;   /**< bits of enum border_understood; 0: all. Of values that leave */
    uint32_t allows;      /**< border_rule_ready: the simple conditions at once; 0: not made */

    uint8_t action;    /**< enum border_action */
    struct str value;  /**< REPLACE: the element that comes instead */
    uint16_t status;   /**< REFUSE: 400 to 699 */
    struct str reason; /**< REFUSE: reason phrase, or absent */
};

/** What happens to a request with a value that cannot be told to the next hop. */
struct border_policy {
    const struct border_rule *rule;
    size_t count;
    bool refuse_plain; /**< a package with tls_only meets a hop without TLS: refuse */
    bool strip_long;   /**< the neighbour takes less, or cannot be told: strip, not refuse */
};

/** Who somebody is, to a rule. */
struct border_party {
    const struct peer *peer; /**< NULL: … */
    bool device;             /**< … who is no peer, or Baton itself */
};

/** Everything that rules look at. */
struct border_question {
    enum border_direction direction; /**< IN or OUT */
    struct border_party from, to;    /**< `to` without meaning when IN */
    const struct uui_value *value;
    enum border_place place;
    uint8_t header; /**< enum sip_hdr_id of its line; no rule asks */
    uint8_t method; /**< enum sip_method */
    bool response;
    bool secure;
    /** Looked up when a rule wants them. */
    unsigned (*origin)(void *ctx);     /**< enum uui_role; NULL: nobody knows */
    unsigned (*seal)(void *ctx);       /**< enum seal_result; NULL: nobody knows */
    unsigned (*understood)(void *ctx); /**< enum border_understood; NULL: nobody knows */
    void *ctx;
};

/** Its conditions are complete: border_rule_find is quicker from now on. May be left out. */
void border_rule_ready(struct border_rule *r);

/** The first rule that holds, or NULL: it passes. */
const struct border_rule *border_rule_find(const struct border_policy *p,
                                           const struct border_question *q);

/** Does it hold? @param why  NULL, or where the first condition that does not is written */
bool border_rule_holds(const struct border_rule *r, const struct border_question *q,
                       struct out *why);

/** Does any rule of the table look at …? So that it need not be found out otherwise. */
bool border_policy_asks_source(const struct border_policy *p);

/** The same of values with these octets and this package: such as leave elsewhere, too. */
bool border_policy_asks_source_of(const struct border_policy *p, const struct uui_value *v);

const char *border_place_name(enum border_place place);
const char *border_action_name(enum border_action action);
/** By word, or -1; of the actions those of rules. */
int border_place_named(struct str word);
int border_action_named(struct str word);

/** "device", "baton", or the name of the peer. */
struct str border_party_name(const struct border_party *p);

#endif
