/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACTION-URI: templates checked, requests written. See action.h.
 *
 * A template is cut once: scheme, {address}, port, and a path with query in which {key} stands
 * once. Everything else in it passes as it is, so it may have only what needs no escape.
 */
#include "phone/action.h"
#include "base/err.h"

static const struct str address_mark = STR_INIT("{address}");
static const struct str key_mark = STR_INIT("{key}");
static const struct str number_mark = STR_INIT("{number}");

static const char *const act_names[PHONE_ACT_COUNT] = {
    [PHONE_ACT_ANSWER] = "answer",   [PHONE_ACT_CLEAR] = "clear",
    [PHONE_ACT_HOLD] = "hold",       [PHONE_ACT_RETRIEVE] = "retrieve",
    [PHONE_ACT_MAKE] = "make",       [PHONE_ACT_DND_ON] = "dnd_on",
    [PHONE_ACT_DND_OFF] = "dnd_off",
};

const char *phone_act_name(enum phone_act act)
{
    return (unsigned)act < PHONE_ACT_COUNT ? act_names[act] : "";
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool phone_act_of(const struct csta_msg *msg, enum phone_act *act, struct str *number)
{
    struct csta_device_parts parts;

    *number = STR_NONE;
    switch ((unsigned)msg->id) {
    case CSTA_MSG_ANSWER_CALL:
        *act = PHONE_ACT_ANSWER;
        return true;
    case CSTA_MSG_CLEAR_CONNECTION:
        *act = PHONE_ACT_CLEAR;
        return true;
    case CSTA_MSG_HOLD_CALL:
        *act = PHONE_ACT_HOLD;
        return true;
    case CSTA_MSG_RETRIEVE_CALL:
        *act = PHONE_ACT_RETRIEVE;
        return true;
    case CSTA_MSG_SET_DO_NOT_DISTURB:
        *act = msg->body == NULL || msg->set_do_not_disturb->do_not_disturb_on == CSTA_TRUE
                   ? PHONE_ACT_DND_ON
                   : PHONE_ACT_DND_OFF;
        return true;
    case CSTA_MSG_MAKE_CALL:
        if (msg->body == NULL) {
            return false;
        }
        csta_device_split(msg->make_call->called_directory_number.value, &parts);
        *act = PHONE_ACT_MAKE;
        *number = parts.user;
        return parts.user.n > 0;
    default:
        return false;
    }
}

/** A character of a path or query (RFC 3986 §3.3, §3.4), escapes left to the author. */
static bool is_uri_char(char c)
{
    return is_plain(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/?%", c) != NULL);
}

static bool all_uri_chars(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_uri_char(s.p[i])) {
            return false;
        }
    }
    return true;
}

static bool no(const char **why, const char *text)
{
    *why = text;
    return false;
}

/** A template in its parts. */
struct cut {
    struct str scheme; /**< "http://" */
    struct str port;   /**< ":8080" or empty */
    struct str before; /**< of {key}: from the path on */
    struct str after;
};

static bool cut_template(struct str t, struct cut *out, const char **why)
{
    struct str rest;
    size_t key, path;
    uint32_t port = 1;

    out->scheme = str_istarts(t, STR("https://")) ? str_upto(t, 8) : str_upto(t, 7);
    if (!str_istarts(t, STR("http://")) && !str_istarts(t, STR("https://"))) {
        return no(why, "begins with http:// or https://");
    }
    rest = str_from(t, out->scheme.n);
    if (!str_starts(rest, address_mark)) {
        return no(why, "the host has to be {address}: the phone, and no other machine");
    }
    rest = str_from(rest, address_mark.n);
    path = str_index(rest, '/');
    out->port = str_upto(rest, path);
    if (out->port.n > 0 &&
        (out->port.p[0] != ':' || !str_to_u32(str_from(out->port, 1), &port) || port == 0 ||
         port > 65535)) {
        return no(why, "only a port may stand between {address} and the path");
    }
    rest = str_from(rest, path);
    key = str_find(rest, key_mark);
    out->before = str_upto(rest, key);
    out->after = str_from(rest, key + key_mark.n);
    if (key == rest.n || str_find(out->after, key_mark) < out->after.n) {
        return no(why, "{key} has to stand in the path or query, once");
    }
    return (all_uri_chars(out->before) && all_uri_chars(out->after)) ||
           no(why, "has a character that a URI cannot have");
}

bool phone_action_check(struct str template, const char **why)
{
    struct cut c;
    if (template.n > PHONE_ACTION_MAX) {
        return no(why, "is too long");
    }
    return cut_template(template, &c, why);
}

bool phone_action_key_check(enum phone_act act, struct str key, const char **why)
{
    size_t at = str_find(key, number_mark);
    struct str before = str_upto(key, at), after = str_from(key, at + number_mark.n);
    bool has = at < key.n;

    if (key.n == 0 || key.n > PHONE_ACTION_MAX) {
        return no(why, "is empty or too long");
    }
    if (has != (act == PHONE_ACT_MAKE)) {
        return no(why,
                  act == PHONE_ACT_MAKE ? "{number} is missing" : "has no {number} to call");
    }
    return (all_uri_chars(before) && all_uri_chars(after)) ||
           no(why, "has a character that a URI cannot have");
}

static void write_escaped(struct out *o, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_plain((char)c)) {
            out_ch(o, (char)c);
        } else {
            out_ch(o, '%');
            out_ch(o, digits[c >> 4]);
            out_ch(o, digits[c & 15]);
        }
    }
}

/* ---- where to ---- */

/** Does Baton serve this machine alone? */
static bool is_alone(const struct directory *here)
{
    size_t i = 0;

    while (here != NULL && i < here->own_count && addr_is_loopback(&here->own[i])) {
        i++;
    }
    return here != NULL && here->own_count > 0 && i == here->own_count;
}

static bool is_ours(const struct directory *here, const struct addr *at)
{
    char text[64];
    struct out o;

    for (size_t i = 0; here != NULL && i < here->own_count; i++) {
        if (addr_ip_eq(&here->own[i], at)) {
            return true;
        }
    }
    /* of a listener at the wildcard the domains have the addresses of all interfaces */
    out_init(&o, text, sizeof(text));
    addr_write_host(&o, at);
    return here != NULL && directory_is_domain(here, out_str_of(&o));
}

/**
 * Can it be the address of one machine? Not: a wildcard or another of "this network" (RFC 1122
 * §3.2.1.3), multicast, reserved and broadcast, link-local.
 */
static bool is_host(const struct addr *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, none[16];
    bool is_mapped = a->family == ADDR_IP6 && memcmp(a->ip, mapped, sizeof(mapped)) == 0;

    if (a->family == ADDR_IP4 || is_mapped) {
        const uint8_t *ip = is_mapped ? a->ip + sizeof(mapped) : a->ip;
        return ip[0] != 0 && ip[0] < 224 && !(ip[0] == 169 && ip[1] == 254);
    }
    return a->family == ADDR_IP6 && memcmp(a->ip, none, sizeof(none)) != 0 &&
           a->ip[0] != 0xff && !(a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80);
}

/** May that address be asked for anything? */
static bool is_phones(const struct directory *here, const struct addr *at)
{
    if (addr_is_loopback(at)) {
        return is_alone(here);
    }
    return is_host(at) && !is_ours(here, at);
}

int phone_action_write(const struct phone_profile *p, enum phone_act act, const struct addr *at,
                       const struct directory *here, struct str number, struct out *out)
{
    struct str key = (unsigned)act < PHONE_ACT_COUNT ? p->action_key[act] : STR_NONE;
    size_t mark = str_find(key, number_mark);
    const char *why;
    struct cut c;

    if (!str_is_set(key) || !cut_template(p->action_uri, &c, &why)) {
        return E_UNSUPPORTED;
    }
    if (!is_phones(here, at) || (act == PHONE_ACT_MAKE && number.n == 0)) {
        return E_VALUE;
    }
    out_str(out, c.scheme);
    addr_write_host(out, at);
    out_str(out, c.port);
    out_str(out, c.before);
    out_str(out, str_upto(key, mark));
    if (mark < key.n) {
        write_escaped(out, number);
        out_str(out, str_from(key, mark + number_mark.n));
    }
    out_str(out, c.after);
    return out->over ? E_SPACE : 0;
}
