/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one call: all messages that belong to it, in their order, each with who said it
 * to whom, what it is in a word, and what User-to-User it carried.
 *
 *   who                      belongs to the call
 *   SIP                      by Call-ID: all legs of the call and of those it was joined with
 *   CSTA, in SIP or not      that names a callID of them, or, in the session with a phone, what
 *                            that phone calls them; and the request to such an answer,
 *   HTTP                     and the answer to such a request
 *
 * LANES are who talks: Baton, each address that SIP comes from, each application.
 *
 * USER-TO-USER is read as the standard has it, or in the dialect that the border has noted,
 * where it may stand: headers, those of dialects, inside of URIs, ISUP bodies, userData of
 * CSTA. A message that leaves is compared with the one that came in and led to it (the last of
 * the same kind); what is other than there is marked, and if the border has noted why (struct
 * env_note), that stands with it.
 *
 * COST. Two passes over what was captured during the call, in whatever thread asks. What is
 * found is copied: a story outlives the capture. BOUND: `messages`.
 */
#ifndef BATON_CAPTURE_STORY_H
#define BATON_CAPTURE_STORY_H

#include "capture/blank.h"
#include "capture/capture.h"
#include "sip/msg.h"
#include "uui/dialect.h"
#include "uui/uui.h"

struct story_options {
    uint32_t messages;                   /**< of one story; 0: 2000 */
    enum blank_uui uui;                  /**< what is shown of it */
    bool raw;                            /**< secrets and User-to-User as they were */
    const struct uui_packages *packages; /**< NULL: isdn-uui alone */
};

enum story_change {
    STORY_SAME,      /**< as at the hop before, or there was none */
    STORY_ADDED,     /**< the message before had none of that package */
    STORY_CHANGED,   /**< other octets: `was` */
    STORY_REMOVED,   /**< it stays behind here; `value` is what came */
    STORY_REWRITTEN, /**< the same octets in another header or form: `was` */
};

struct story_uui {
    struct uui_value value;      /**< canonical; of a dialect: what it means */
    struct str where;            /**< header, "userData", "ISUP" … */
    uint8_t change;              /**< enum story_change */
    const struct story_uui *was; /**< at the hop before; NULL: it is the same, or had none */
    struct str why;              /**< what the border says about it; absent: nothing */
};

struct story_msg {
    struct capture_msg m;
    uint32_t from, to; /**< lanes */
    struct str label;  /**< "INVITE", "180 Ringing", "INFO MakeCall", "DeliveredEvent" */
    struct str summary;
    struct str sip_call; /**< SIP: Call-ID */
    struct str method;   /**< SIP: also of a response */
    uint16_t status;     /**< SIP: 0: a request */
    bool csta;           /**< SIP that carries CSTA */
    struct story_uui *uui;
    size_t uuis;
};

struct story_lane {
    struct str id, label;
    const char *kind; /**< "baton", "phone", "peer", "application", "api", "webhook" */
    struct addr addr;
    uint8_t transport;
};

#define STORY_LANES_MAX 64

struct story {
    struct arena arena;
    struct str id; /**< as it was asked for */
    struct capture_call *family;
    size_t calls; /**< 0: `id` is a Call-ID of SIP */
    struct story_lane lane[STORY_LANES_MAX];
    size_t lanes;
    struct story_msg *msg;
    size_t count, cap;
    struct capture_msg *note;
    size_t notes, note_cap;
    bool truncated; /**< there were more messages */
};

/**
 * @param id  a callID, or a Call-ID of SIP
 * @return 0; E_NOTFOUND: there is nothing of it (any more); E_NOMEM. Only after 0 story_fini
 */
int story_read(struct capture *c, struct str id, const struct story_options *o,
               struct story *out) MUST_USE;
void story_fini(struct story *s);

const char *story_protocol(const struct story_msg *m); /**< "sip", "csta", "api", "webhook" */
const char *story_change_name(enum story_change c);
/** The characters behind the discriminator; absent: they are none. */
struct str story_uui_text(const struct uui_value *v);

/** The ladder as one JSON object; with the messages themselves if `bytes`. */
void story_json(const struct story *s, const struct story_options *o, bool bytes,
                struct out *to);
/** One message as a JSON object, for who follows live. @param call  absent: not known */
void story_json_msg(const struct story_msg *m, struct str call, bool bytes,
                    const struct story_options *o, struct out *to);
/** The ladder as a picture. */
void story_svg(const struct story *s, const struct story_options *o, struct out *to);

/** 2026-01-31T12:00:00.123456Z */
void story_time(int64_t us, struct out *to);

/* ---- within story*.c ---- */

/** A SIP message, indexed. @return false: it is none */
bool story_index(struct str bytes, struct sip_msg *m, struct sip_hdr hdr[SIP_HDR_MAX]);
/** Does `text` have `id` as a word of its own? */
bool story_names(struct str text, struct str id);
/** Has the text of CSTA an element callID with just that in it? */
bool story_has_call_id(struct str xml, struct str id);
/** Name of the root element; absent: that is no XML. */
struct str story_root(struct str xml);
/** Is that CSTA text an answer? */
bool story_is_answer(struct str xml);
/** Label, summary, lanes. @return false: no memory */
bool story_about(struct story *s, struct story_msg *m);
/** All User-to-User of a message into m->uui. @param dialect  of its headers; NULL: none is
    known. @return false: no memory */
bool story_find_uui(struct arena *a, const struct uui_packages *packages,
                    const struct uui_dialect *dialect, struct story_msg *m);
/** In which the border has read or written the message, by its notes; NULL: in none. */
const struct uui_dialect *story_dialect(const struct story *s, const struct story_msg *m);
/** What has changed on the way. @return false: no memory */
bool story_compare(struct story *s);
/** Label, summary and so on of a message, also outside of a story. */
bool story_label(struct arena *a, struct story_msg *m);
/** Cover what is not to be shown. Its octets are a copy of the caller's. */
void story_blank(struct story_msg *m, const struct story_options *o);

#endif
