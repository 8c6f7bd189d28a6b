/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton phone`: a SIP phone without audio, for demonstrations and tests. It registers, takes
 * and places calls, answers by itself, by a key press or when it is asked to (NOTIFY talk,
 * Answer-Mode), holds, and shows User-to-User information at every step.
 */
#ifndef BATON_CLI_PHONE_H
#define BATON_CLI_PHONE_H

#include "cli/help.h"
#include "cli/ua.h"

extern const struct help help_phone;
int cmd_phone(int argc, char **argv);

enum { PHONE_CALLS = 8, PHONE_NUMBERS = 299 }; /* at the prompt more is a status, or octets */

struct phone;

/** One call of the phone. A slot is free when leg is NULL. */
struct phone_call {
    struct phone *phone;
    unsigned id; /**< 1, 2, … as shown to the user */
    struct leg *leg;
    bool incoming, answered, held;
    uint64_t sdp_version;
    char peer[256];
    char offer[4096]; /**< the session description that we have to answer */
    size_t offer_len;
};

struct phone_options {
    const char *aor; /**< "sip:1001@example.com" */
    const char *user, *password;
    const char *uui_ringing, *uui_answer, *uui_bye; /**< hex octets, or NULL */
    uint32_t expires_s;
    uint32_t answer_ms; /**< answer by itself after this */
    bool auto_answer, json, no_register, ignore_requests;
    uint32_t refuse; /**< refuse every call with this status; 0: no */
};

struct phone {
    struct ua *ua;
    struct phone_options opt;
    struct sip_uri aor;
    struct auth_client auth;
    struct phone_call call[PHONE_CALLS];
    unsigned last_number;
    bool quitting;
    bool typed;   /**< commands came */
    bool leaving; /**< and no more will: leave when the last call has ended */
    bool refused; /**< a call that we placed was */
    bool hinted;  /**< the user was told what a 401 means */
    /* registration */
    struct txn *reg;
    char reg_call_id[24];
    uint32_t reg_cseq;
    uint32_t reg_expires;       /**< of the request that is out */
    char reg_credentials[4096]; /**< lines of that request … */
    size_t reg_credentials_n;   /**< … and how many octets */
    bool registered;
    bool was_registered; /**< at least once */
    bool unregistered;   /**< it was refused, or not answered, at least once */
    char instance[40];
};

/* phone.c */
/** End calls, unregister, stop. */
void phone_quit(void *phone);
/** Quit when input has ended and no call is left. */
void phone_maybe_leave(struct phone *p);

/* phone_register.c */
void phone_register(struct phone *p, uint32_t expires_s);

/* phone_call.c */
extern const struct leg_user phone_user;
void phone_on_invite(void *phone, const struct sip_msg *m, const struct hop *from,
                     uint64_t now_ms);
/** For the next call: 1 to PHONE_NUMBERS, in turn, none that a call has. */
unsigned phone_number(struct phone *p);
void phone_dial(struct phone *p, struct str uri, struct str uui_hex);
void phone_answer(struct phone_call *c);
void phone_reject(struct phone_call *c, unsigned status);
void phone_hang_up(struct phone_call *c, struct str uui_hex);
void phone_hold(struct phone_call *c, bool hold);

/* phone_show.c */
/** One line of news: text for people, an object with --json. Strings may be absent. */
struct phone_news {
    const char *event;
    const struct phone_call *call;
    struct str peer, text;
    unsigned status;
    const struct sip_msg *uui_of; /**< show this message's User-to-User */
};
void phone_show(struct phone *p, const struct phone_news *n);

/** "User-to-User: …" CRLF for hex digits, in the scratch arena; absent when there are none. */
struct str phone_uui_line(struct phone *p, struct str hex);

#endif
