/* SPDX-License-Identifier: Apache-2.0 */
/* The section `uui` of the configuration file; see config_keys.h for the letters. */
#ifndef BATON_SERVER_CONFIG_KEYS_UUI_H
#define BATON_SERVER_CONFIG_KEYS_UUI_H

#include "server/config_keys_moves.h"
#include "server/config_keys_policy.h"

#define CONFIG_UUI_PACKAGE(U, B, S, W, L, N, M, Q)                                             \
    N(name, "The `purpose` of its values. `isdn-uui` is there without being listed; a row of " \
            "that name can only ask for more than RFC 7434 does, unless `strict` is off.")     \
    L(contents, "",                                                                            \
      "Values of `content` that are understood, the default one first; any "                   \
      "unless given.")                                                                         \
    L(encodings, "hex",                                                                        \
      "Values of `encoding` that are understood, the default one first. "                      \
      "Of another one than hex the characters are the octets.")                                \
    U(max_octets, 0, 0, 65535,                                                                 \
      "Octets of one value, decoded; longer ones are ignored and "                             \
      "not sent. 0: any number.")                                                              \
    U(max_count, 1, 0, 64, "Values in one message; of more all are ignored. 0: any number.")   \
    W(direction, "both", "both in out",                                                        \
      "Seen from here: `in` is only received, `out` only sent.")                               \
    S(feature_tag, "",                                                                         \
      "The tag by which phones and gateways say in a Contact that they know it (RFC 3840): "   \
      "`+com.example.crm`. isdn-uui has `+sip.uui-isdn`.")                                     \
    B(tls_only, false, "Its values do not go over hops without TLS.")                          \
    W(seal, "off", "off optional required",                                                    \
      "The seal inside of the octets: not looked for; opened where there is one; or values "   \
      "without a good one are not delivered.")                                                 \
    U(seal_key, 0, 0, 32767,                                                                   \
      "Id of the key in `uui.keys` that seals what applications and route rules give; 0: not " \
      "sealed.")

#define CONFIG_UUI(U, B, S, W, L, N, M, Q)                                                     \
    CONFIG_UUI_MOVES(Q, W)                                                                     \
    B(strict, true,                                                                            \
      "Values that break a rule are wrong. Off: what can be read all the same (text that is "  \
      "labelled hex, values that are escaped twice, quotes where none belong, ...) is, and "   \
      "the rule that was broken is noted with it; and a row of `isdn-uui` in `packages` may "  \
      "take other contents, encodings and numbers than RFC 7434 has.")                         \
    U(ask_s, 0, 0, 604800,                                                                     \
      "Peers without `probe_s` and `uui_tags` are asked by OPTIONS in this interval what "     \
      "they understand (RFC 7433, RFC 3840); whether they live is not judged by it. 0: they "  \
      "are not asked. What peers say in answer to their probes is noted in any case.")         \
    U(keep_s, 3600, 1, 2592000,                                                                \
      "What a peer has said so counts so long, when it does not say it again.")                \
    U(keep_no_s, 300, 1, 2592000, "That an answer named no extension at all counts so long.")  \
    S(keys, "",                                                                                \
      "A file of keys for sealed values (docs/seal.md), seen from this file's folder. It "     \
      "has to belong to the server's user or to root, and be closed to everybody else.")       \
    U(replay_s, 120, 10, 86400,                                                                \
      "Seconds for which a sealed value is good, before and after the time in it.")            \
    U(replay_entries, 65536, 64, 16777216,                                                     \
      "Sealed values that are remembered, so that each is taken in one call only. When there " \
      "are more in `replay_s`, the oldest is forgotten, and what is older than it is stale.")  \
    U(replay_start_s, 10, 0, 3600,                                                             \
      "Sealed values do not count that were sealed before the start of the server or up to "   \
      "so many seconds after it: they may have been taken before it. As many as the clocks "   \
      "of sealers are ahead at most.")                                                         \
    Q(packages, uui_package, "Packages of User-to-User (RFC 7433) that are understood.")       \
    Q(rules, uui_rule,                                                                         \
      "What may cross the border: the first rule that a value fits decides, one that fits "    \
      "none passes. docs/uui-policy.md explains them.")                                        \
    W(tls_only, "withhold", "withhold refuse",                                                 \
      "A package with `tls_only` meets a hop without TLS: the message goes on without its "    \
      "values, or the request is refused.")                                                    \
    W(too_long, "refuse", "refuse strip",                                                      \
      "A value is longer than the peer takes, or cannot be told in its dialect: the request "  \
      "is refused, or goes on without the value.")

#endif
