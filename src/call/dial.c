/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DialDigits: a number that comes in parts (ECMA-269 §12.3.11, §17.1; TR/87 7.13).
 *
 * SIP phones dial en bloc, and so does Baton; but an application may begin a call with an
 * incomplete number, which CSTA marks by ';' at its end, or with none at all: then MakeCall
 * calls the device's phone, and when it is picked up its user hears silence where other
 * switches play a dial tone. The connection is `initiated`. Each DialDigits appends; one
 * without
 * ';' at its end completes the number, and the call sets out (Originated) at once, or when the
 * phone is picked up if that has not happened yet. Digits that were taken are told
 * (DigitsDialed), before what comes of them.
 *
 * A number that leads nowhere is refused, and the digits of that DialDigits are forgotten, so
 * that the application can correct itself. Who does not dial for `timers.prompt_s` is
 * disconnected, as one who does not pick up is. Digits that the user presses on the phone are
 * in the media, or go nowhere: there is no other end yet.
 */
#include "call/parts.h"

enum { NUMBER_MAX = 256 };

struct str dial_number(struct str text, bool *more)
{
    text = str_trim(text);
    *more = text.n == 0 || text.p[text.n - 1] == ';';
    if (text.n == 0) {
        return STR("");
    }
    return *more ? str_make(text.p, text.n - 1) : text;
}

enum call_error call_dial(struct connection *conn, struct str digits, struct str whole,
                          uint64_t now_ms)
{
    struct call *c = conn->call;
    struct arena *a = c->layer->scratch;
    struct destination to;
    struct str number, part;
    bool more;

    if (conn != c->a || conn->ended || !c->dialling || c->phase != CALL_PROMPTING) {
        return CALL_BAD_STATE;
    }
    part = dial_number(digits, &more);
    number = arena_fmt(a, "%.*s%.*s", STR_ARG(c->called), STR_ARG(part));
    if (number.n > NUMBER_MAX) {
        return CALL_UNKNOWN_DESTINATION;
    }
    if (number.p == NULL) {
        return CALL_NO_RESOURCES;
    }
    if (!more) {
        number = str_is_set(whole) ? whole : number;
        if (!destination_of_text(c->layer, number, &to) || to.device == conn->device ||
            !destination_permitted(c->layer, conn->device, &to)) {
            return CALL_UNKNOWN_DESTINATION;
        }
        if (!context_fits_peer(c->layer, to.peer, c->uui)) {
            return CALL_UNFIT_DATA;
        }
        number = to.id;
    }
    if (part.n > 0) { /* else the same again: no need for more memory */
        number = arena_dup(&c->arena, number);
        if (number.p == NULL) {
            return CALL_NO_RESOURCES;
        }
        c->called = number;
    }
    if (connection_leg(conn) != NULL) {
        call_set_timer(c, c->layer->config.prompt_s * 1000, now_ms);
    }
    if (part.n > 0) {
        connection_dialed(conn, part, "normal", now_ms);
    }
    if (!more) {
        c->dialling = false;
        c->called_gr = arena_dup(&c->arena, to.gr);
        c->sips = to.sips;
        if (connection_leg(conn) != NULL) {
            call_set_out(c, "makeCall", now_ms);
        }
    }
    return CALL_OK;
}
