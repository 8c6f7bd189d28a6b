/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of `dial_plans` and `routes`: a part of config_keys.h, which says what the letters
 * mean. */
#ifndef BATON_SERVER_CONFIG_KEYS_ROUTE_H
#define BATON_SERVER_CONFIG_KEYS_ROUTE_H

#define CONFIG_PLAN(U, B, S, W, L, N, M, Q)                                      \
    N(name, "A name for it, used in `routes`.")                                  \
    N(country, "The country code: `49`.")                                        \
    S(area, "",                                                                  \
      "The area code without the trunk prefix: `30`. None where all dial whole " \
      "numbers.")                                                                \
    S(trunk, "", "Dialled before an area code: `0`. None where nothing is.")     \
    S(international, "", "Dialled before a country code: `00`.")                 \
    U(extension_digits, 0, 0, 15,                                                \
      "Numbers of at most so many digits are extensions and stay as they are.")

#define CONFIG_ROUTE_HEADER(U, B, S, W, L, N, M, Q)                                 \
    N(name, "The header's name.")                                                   \
    S(value, "",                                                                    \
      "A pattern that one of its lines must match, without regard to case. Unless " \
      "given, the header must be there.")                                           \
    B(absent, false, "The opposite: there is no such line.")

#define CONFIG_ROUTE_MATCH(U, B, S, W, L, N, M, Q)                                             \
    L(method, "INVITE",                                                                        \
      "Methods, or `*` for all but `REGISTER`. Only `INVITE` can be bridged.")                 \
    L(to, "", "Called numbers, patterns. One with an `@` is compared with number and domain.") \
    L(from, "", "Calling numbers, likewise: the device's, else the user part of From.")        \
    L(domain, "", "Domains of the Request-URI, patterns.")                                     \
    L(peer, "", "Names of `peers` that it comes from, `*` any of them, `none`: no peer.")      \
    L(device, "", "Devices that it comes from: patterns of numbers.")                          \
    L(called, "",                                                                              \
      "What the called number is: `registered` or `unregistered` (a device of "                \
      "ours), `device` (either), `other`.")                                                    \
    L(transport, "", "Transports that it came over: `udp`, `tcp`, `tls`, `ws`, `wss`.")        \
    L(wants, "",                                                                               \
      "Feature tags that its Accept-Contact asks for, all of them: `audio`, "                  \
      "`language=de`.")                                                                        \
    L(has, "",                                                                                 \
      "Feature tags of its own Contact, all of them: `+sip.instance`, `mobility=fixed`.")      \
    L(supported, "", "Option tags in its Supported or Require, all of them.")                  \
    Q(header, route_header, "Headers that it has or has not, all of them.")                    \
    L(uui, "", "User-to-User: `any`, `none`, or packages such as `isdn-uui`.")                 \
    L(time, "",                                                                                \
      "When: `mon-fri 08:00-18:00`, `sat,sun`, `12-24..12-26`, `2026-12-31 "                   \
      "12:00-24:00`, in `time_zone`.")                                                         \
    U(percent, 100, 0, 100, "Of the calls that come so far, this share, by Call-ID.")

#define CONFIG_ROUTE_NUMBER(U, B, S, W, L, N, M, Q)                            \
    S(rewrite, "",                                                             \
      "The number anew; `$1` to `$9` are the parts in parentheses of the "     \
      "pattern that matched, `$0` is the number, `$$` a dollar.")              \
    U(strip, 0, 0, 64, "Then so many characters are taken off the front.")     \
    S(prepend, "", "Then this is put in front.")                               \
    S(to_e164, "", "Then it is brought to E.164 by this one of `dial_plans`.") \
    S(from_e164, "", "Then from E.164 to what is dialled under this one of `dial_plans`.")

#define CONFIG_ROUTE_TARGET(U, B, S, W, L, N, M, Q)                                      \
    N(to, "`location` (where the called number is), `device:NUMBER`, `peer:NAME`, or a " \
          "`sip:`, `sips:` or `tel:` URI, in which `{number}` is the called number.")    \
    U(weight, 1, 0, 65535,                                                               \
      "Its share with `order: weight`; 0: only after those that have one.")              \
    S(q, "", "Redirect: the q value of its Contact, `0` to `1`.")

#define CONFIG_ROUTE_LINE(U, B, S, W, L, N, M, Q) \
    N(name, "The header's name.")                 \
    N(value, "Its value.")

#define CONFIG_ROUTE(U, B, S, W, L, N, M, Q)                                                   \
    S(name, "", "A name for logs and `baton route explain`; `rule 1` and so on unless given.") \
    M(match, route_match,                                                                      \
      "All that is given must hold; of a list, one entry unless it says "                      \
      "otherwise.")                                                                            \
    W(action, "bridge", "bridge proxy redirect refuse refer",                                  \
      "`bridge`: Baton is in the call, which can be controlled and watched. `proxy`: the "     \
      "request is forwarded. `redirect`: the caller is told where to go. `refuse`: that is "   \
      "the answer. `refer`: the caller is answered and told by REFER to call the target; "     \
      "one who does not know REFER is bridged to it.")                                         \
    M(called, route_number, "What becomes of the called number.")                              \
    M(calling, route_number, "What becomes of the calling number.")                            \
    Q(targets, route_target, "Where to; the called number's location unless given.")           \
    W(order, "sequence", "sequence weight",                                                    \
      "Targets one after another as they stand here, or drawn by their weights. A redirect "   \
      "names all of them in that order.")                                                      \
    U(ring_s, 0, 0, 3600, "Time for one target to answer; 0: `timers.ring_s`.")                \
    S(ask, "",                                                                                 \
      "Bridge: a device, as whose routing server an application has registered: it says "      \
      "where the call goes, and the targets are for when it does not.")                        \
    U(ask_s, 10, 1, 3600, "It is waited for so long, each time that it is asked.")             \
    L(next_on, "408, 480, 500, 502, 503, 504",                                                 \
      "Bridge: a target that answers so makes room for the next one.")                         \
    B(record_route, true, "Proxy: stay in the way of later requests of the dialog.")           \
    B(recurse, false, "Proxy: a 3xx is followed, not passed.")                                 \
    W(fork, "parallel", "parallel serial",                                                     \
      "Proxy: several contacts of equal q ring at once, or one after another.")                \
    U(status, 0, 0, 699,                                                                       \
      "Redirect: 300, 301, 302 (unless given), 305 or 380. Refuse: 400 to "                    \
      "699, 403 unless given.")                                                                \
    S(reason, "", "Refuse: the reason phrase.")                                                \
    Q(headers, route_line,                                                                     \
      "Header lines. Redirect and refer: embedded in each Contact or Refer-To, escaped. "      \
      "Refuse: of the answer (`Reason`, `Retry-After`). Else: added to "                       \
      "the request that goes out.")                                                            \
    S(uui, "",                                                                                 \
      "User-to-User to send along, as text; goes out as hex, after the "                       \
      "discriminator for IA5 characters when the package is isdn-uui, and sealed when the "    \
      "package has a `seal_key`. A request that has some of the package keeps that.")          \
    S(uui_hex, "", "The same as hexadecimal digits, complete.")                                \
    S(uui_package, "", "Its package; isdn-uui unless given.")

#endif
