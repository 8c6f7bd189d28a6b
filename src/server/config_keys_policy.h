/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of `uui.rules`: a part of config_keys.h, which says what the letters mean. */
#ifndef BATON_SERVER_CONFIG_KEYS_POLICY_H
#define BATON_SERVER_CONFIG_KEYS_POLICY_H

#define CONFIG_UUI_MATCH(U, B, S, W, L, N, M, Q)                                              \
    L(from, "",                                                                               \
      "Who brought the value in: names of `peers`, `*` any of them, `device` anybody else, "  \
      "`baton` nobody: a rule, or an application.")                                           \
    L(to, "",                                                                                 \
      "Who gets it: names of `peers`, `*`, `device`. A rule with this is asked about values " \
      "that leave only.")                                                                     \
    W(direction, "both", "both in out",                                                       \
      "Asked when the value comes in, when it leaves, or both times.")                        \
    W(message, "any", "any request response", "In requests or responses.")                    \
    L(method, "", "Methods of the request; of a response those of what it answers.")          \
    L(package, "",                                                                            \
      "Packages such as `isdn-uui`; `*` at the end for beginnings, `?` when it cannot be "    \
      "told.")                                                                                \
    L(encoding, "", "Encodings as written; `hex` where none is.")                             \
    U(longer_than, 0, 0, 65535, "More octets than this, decoded.")                            \
    L(place, "",                                                                              \
      "Where it stands: `header`, `x-header`, `uri-header`, `uri-parameter`, `body`.")        \
    L(origin, "",                                                                             \
      "Who inserted it, as far as can be told: `originator`, `redirector`, `referrer`, "      \
      "`answerer`, `baton`, `withheld`, `unknown`.")                                          \
    L(verdict, "", "`valid`, `ignored` or `wrong`.")                                          \
    L(understood, "",                                                                         \
      "Does who it goes to understand its package: `no`, `unknown` or `yes`? Of values that " \
      "leave, to peers what `uui_tags` declares, or they have answered to OPTIONS; in "       \
      "requests to phones what they said when they registered.")                              \
    L(seal, "",                                                                               \
      "What its seal says: `not-sealed`, `ok`, `forged`, `replayed`, `stale`, "               \
      "`unknown-key`, `not-valid-now`, `wrong-package`, `malformed`.")                        \
    W(tls, "any", "any yes no", "Whether the hop has TLS.")

#define CONFIG_UUI_RULE(U, B, S, W, L, N, M, Q)                                               \
    S(name, "",                                                                               \
      "A name for notes, logs and `baton uui policy`; `rule 1` and so on unless "             \
      "given.")                                                                               \
    M(match, uui_match, "All that is given must hold; of a list, one entry.")                 \
    W(action, "pass", "pass strip replace refuse",                                            \
      "`pass`: no further rule is asked. `strip`: the message goes on without the value. "    \
      "`replace`: with `value` in its place. `refuse`: the request is answered; what cannot " \
      "be refused (responses, ACK, BYE, CANCEL, PRACK) goes on without the value.")           \
    S(value, "",                                                                              \
      "Replace: the element that comes instead, as RFC 7433 writes it: "                      \
      "`0448656C6C6F;encoding=hex;purpose=isdn-uui`.")                                        \
    U(status, 0, 0, 699, "Refuse: 400 to 699, 403 unless given.")                             \
    S(reason, "", "Refuse: the reason phrase.")

#endif
