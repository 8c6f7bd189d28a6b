/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference focus: a station that keeps rooms, offers in its 2xx when it was asked without
 * an offer, and knows whose media each seat has.
 *
 * Rooms are the user parts that are called; a factory's (`factory`) are named by the Contact of
 * its 2xx. Who sits in a room is told by the addresses in the descriptions that its seats got:
 * what a phone would hear there, not what Baton says.
 */
#ifndef BATON_TESTS_FOCUS_H
#define BATON_TESTS_FOCUS_H

#include "fixture_leg.h"
#include "sdp/sdp.h"

#define FOCUS_SEATS 32

struct focus_seat {
    struct leg *leg; /**< NULL: left */
    char room[64], who[64];
    char media[64]; /**< address that its media goes to, or empty */
    uint8_t dir;    /**< of theirs: enum sdp_dir */
    bool offering;
    unsigned version;
};

struct focus {
    struct station s;
    bool factory;    /**< one room, that Contact names … */
    bool redirects;  /**< … in a 302, to who calls "factory" */
    unsigned answer; /**< to an INVITE: 200; 0: says nothing */
    size_t good;     /**< so many INVITEs are answered 200 before `answer` counts */
    bool no_sdp;     /**< its 2xx has none */
    unsigned refuse_offers;
    bool mute; /**< answers nothing inside dialogs */
    size_t calls;
    struct focus_seat seat[FOCUS_SEATS];
    size_t seats;
};

/** At 10.0.4.1. */
void focus_up(struct focus *f, struct vnet *net);
void focus_down(struct focus *f);
/** "10.0.1.1 10.0.1.2(sendonly)": whose media is in the room that was made last, in order of
    addresses; a direction other than sendrecv behind it. Static text. */
const char *focus_hears(const struct focus *f);
/** How many seats have a dialog. */
size_t focus_taken(const struct focus *f);
/** The seat that this number calls from, or NULL. */
struct focus_seat *focus_seat_of(struct focus *f, const char *number);
/** BYE to it. */
void focus_drop(struct focus *f, const char *number);
/** BYE to all seats, also to those that the other side knows nothing of any more. */
void focus_hang_up(struct focus *f);

#endif
