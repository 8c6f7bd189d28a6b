/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections `trace` and `hep` of the configuration: see config_keys.h.
 */
#ifndef BATON_SERVER_CONFIG_KEYS_TRACE_H
#define BATON_SERVER_CONFIG_KEYS_TRACE_H

#define CONFIG_TRACE(U, B, S, W, L, N, M, Q)                                                  \
    B(enabled, true,                                                                          \
      "Messages of recent calls are kept in memory, for `/v1/trace`: ladders, packets, "      \
      "what follows live. It costs a copy of each message.")                                  \
    U(memory_mb, 32, 1, 16384,                                                                \
      "For the messages. The oldest make room. A quarter of it is for what begins no call "   \
      "(REGISTER, OPTIONS, SUBSCRIBE, NOTIFY, PUBLISH, MESSAGE).")                            \
    U(messages, 0, 0, 100000000, "So many at most; 0: as many as fit.")                       \
    U(calls, 2000, 1, 1000000, "Calls of which is remembered which dialogs belong to them.")  \
    U(call_messages, 2000, 10, 100000, "Messages of one call that are shown.")                \
    W(uui, "full", "none length full",                                                        \
      "What a trace shows of User-to-User: nothing, how many octets it had, or all of it. An" \
      " administrator who asks for a raw trace sees all.")

#define CONFIG_HEP(U, B, S, W, L, N, M, Q)                                                 \
    S(to, "",                                                                              \
      "A collector of HEPv3 (Homer, sngrep) that gets a copy of each message: "            \
      "`udp:HOST:PORT`, `tcp:HOST:PORT` or `tls:HOST:PORT`. Nowhere unless given.")        \
    U(node_id, 2001, 0, 4294967295, "The number under which this server shows there.")     \
    S(node_name, "", "And the name.")                                                      \
    S(password, "", "What the collector wants to hear, in clear text.")                    \
    L(what, "[sip, csta]", "`sip`, `csta`: CSTA that comes in frames over TCP, as log.")   \
    B(calls_only, false, "Not what belongs to no call: registrations, probes.")            \
    B(credentials, false, "Authorization headers and passwords as they are, not blanked.") \
    W(uui, "full", "none full", "What of User-to-User is sent: nothing, or all of it.")    \
    S(ca_file, "",                                                                         \
      "`tls:`: whose certificates are believed, PEM, seen from this file's folder; the "   \
      "system's list unless given.")                                                       \
    B(verify, true, "`tls:`: the collector's certificate has to be one for its name.")

#endif
