/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key of the configuration file, once.
 *
 * From these lists come the structs that libcyaml fills (config_raw.h), its schema, the checks
 * with line numbers (config_check.c), the defaults, and docs/configuration.md (config_doc.c). A
 * key exists when it has a row here, and cannot exist without a sentence about it.
 *
 *   U(key, default, least, most, text)   unsigned number
 *   B(key, default, text)                true or false
 *   S(key, default, text)                string; default "" is: not set; text "" is refused
 *   W(key, default, words, text)         one of the words
 *   L(key, default, text)                list of strings; `default`: what an absent one means
 *   N(key, text)                         string that must be given
 *   M(key, section, text)                a section of its own
 *   Q(key, section, text)                list of sections
 */
#ifndef BATON_SERVER_CONFIG_KEYS_H
#define BATON_SERVER_CONFIG_KEYS_H

#include "server/config_keys_api.h"
#include "server/config_keys_route.h"
#include "server/config_keys_store.h"
#include "server/config_keys_trace.h"
#include "server/config_keys_uui.h"

#define CONFIG_SECRET(S)                                                                      \
    S(password, "", "The password in clear text. Anyone who can read this file can read it.") \
    S(password_file, "",                                                                      \
      "A file whose first line is the password, seen from this file's folder.")               \
    S(password_env, "", "The environment variable that holds the password.")                  \
    S(ha1_md5, "",                                                                            \
      "Instead of a password: MD5 of `user:realm:password`, 32 hexadecimal digits.")          \
    S(ha1_sha256, "",                                                                         \
      "Instead of a password: SHA-256 of `user:realm:password`, 64 hexadecimal digits. "      \
      "May stand next to `ha1_md5`.")

#define CONFIG_DEVICE(U, B, S, W, L, N, M, Q)                                              \
    N(number, "The user part of its address, and of its digest credentials: `\"1001\"`.")  \
    S(domain, "", "One of `domains`; the first one unless given.")                         \
    S(display, "", "A name that is shown with calls made on its behalf.")                  \
    S(tel, "",                                                                             \
      "Its number in the world, `+4930123456`: asserted to trusted peers as a tel URI "    \
      "besides its address (P-Asserted-Identity), and a name of it for applications.")     \
    S(phone_profile, "",                                                                   \
      "What its phones can be asked in CSTA, by the name of a profile (docs/phones.md), "  \
      "`none` for nothing. By their User-Agent unless given.")                             \
    W(phone, "default", "default on off",                                                  \
      "Whether Baton commands and watches its phones in CSTA: `on` those with a profile, " \
      "`off` none. By default when `phone_profile` or `phone_peer` is given, or "          \
      "`phones.driver` is `auto`.")                                                        \
    S(phone_peer, "",                                                                      \
      "A peer, by its name: the line lives there, and a session for it is opened through " \
      "that peer and not over a registration.")                                            \
    CONFIG_SECRET(S)

#define CONFIG_APPLICATION(U, B, S, W, L, N, M, Q)                                             \
    N(name, "The user name of its digest credentials.")                                        \
    L(grants, "",                                                                              \
      "The devices that it may control and observe: numbers, `number@domain`, or "             \
      "beginnings such as `10*`; `*` is all. Nothing is granted unless listed.")               \
    L(observe, "",                                                                             \
      "Further devices that it may observe, written in the same way: monitors, snapshots and " \
      "settings of them, but no command.")                                                     \
    L(hosts, "",                                                                               \
      "Numeric addresses from which it may use CSTA over TCP (`csta_tcp`) without a "          \
      "password. Nobody else on those machines may be able to connect.")                       \
    S(tls_name, "",                                                                            \
      "The same for who shows a certificate for this name, over TLS "                          \
      "(`tls.verify_client` must ask for it).")                                                \
    S(dial_plan, "",                                                                           \
      "The one of `dial_plans` by which it writes numbers: of whom it calls, and of devices "  \
      "that have a `tel`. Unless given, numbers are taken as they are.")                       \
    U(max_monitors, 0, 0, 1000000, "Most monitors at a time; 0: no limit of its own.")         \
    U(max_sessions, 0, 0, 100000, "Most CSTA sessions at a time; 0: `cti.max_app_sessions`.")  \
    CONFIG_SECRET(S)

#define CONFIG_CERTIFICATE(U, B, S, W, L, N, M, Q)                                           \
    N(cert,                                                                                  \
      "A PEM file, seen from this file's folder: the certificate, then those that lead to "  \
      "its root.")                                                                           \
    N(key, "A PEM file with its private key, without a pass phrase.")                        \
    L(names, "",                                                                             \
      "Server names (SNI) that it is for: `sip.example.com`, `*.example.com`. Those in the " \
      "certificate unless given.")

#define CONFIG_TLS(U, B, S, W, L, N, M, Q)                                                    \
    Q(certificates, certificate,                                                              \
      "Ours. The first one is shown to whoever asks for none of their names, and to servers " \
      "that want one of us. Read again on SIGHUP: if one is bad, all the old ones stay.")     \
    S(ca, "",                                                                                 \
      "A PEM file with the roots that we believe, of servers and of clients. The system's "   \
      "unless given.")                                                                        \
    W(verify_client, "none", "none request require",                                          \
      "Whether clients are asked for a certificate. `request`: one that cannot be verified "  \
      "is like none; `require`: no connection without a good one. Needs `ca`.")               \
    W(min_version, "1.2", "1.2 1.3", "The oldest version of TLS that is spoken.")             \
    S(ciphers, "",                                                                            \
      "Ciphers of TLS 1.2, as OpenSSL lists them; those with forward secrecy and "            \
      "authenticated encryption unless given.")

#define CONFIG_WEBSOCKET(U, B, S, W, L, N, M, Q)                                             \
    S(path, "", "The only path of the URL that is served, e.g. `/sip`; any unless given.")   \
    L(origins, "",                                                                           \
      "Pages that may connect, as browsers say it: `https://phone.example.com`. Any unless " \
      "given. Programs that are no browser say nothing, and may.")

#define CONFIG_PEER(U, B, S, W, L, N, M, Q)                                                   \
    N(name, "A name for logs.")                                                               \
    N(uri, "Where calls to it go: `sip:192.0.2.7:5060;transport=tcp`; also `transport=tls`.") \
    B(trusted, false,                                                                         \
      "Its requests need no digest. They are recognised by their source address, so the "     \
      "host in `uri` must be numeric; with `transport=udp` or none, a port in `uri` must be " \
      "their source port too. Over UDP a source address can be forged: trust only peers on "  \
      "a network that you control.")                                                          \
    S(tls_name, "",                                                                           \
      "The SIP domain that its certificate proves (RFC 5922). It is then known by that, on "  \
      "connections over TLS, and not by its address; `tls.verify_client` must ask for it.")   \
    L(numbers, "", "Called numbers that go there: `0*`, `+49*`, `*`.")                        \
    U(weight, 0, 0, 65535,                                                                    \
      "Of several peers that take a number, the first takes its calls while it is up and "    \
      "has room. If that one has a weight, calls are spread by chance over all such peers "   \
      "with a weight.")                                                                       \
    U(max_calls, 0, 0, 1000000,                                                               \
      "Calls at a time, out to it and in from it together; 0: no limit. A call out that has " \
      "no room goes to the next peer or target, else it is refused with 503; a call in is "   \
      "refused with 503 and Retry-After. What a rule proxies counts until its INVITE has "    \
      "its final response.")                                                                  \
    U(probe_s, 0, 0, 86400,                                                                   \
      "It is asked by OPTIONS in this interval whether it lives; 0: it is not. While it "     \
      "does not, no calls go to it.")                                                         \
    U(probe_failures, 2, 1, 100,                                                              \
      "So many unanswered probes in a row mean that it is down. Answering 503 means it at "   \
      "once.")                                                                                \
    L(uui_tags, "",                                                                           \
      "What it understands of User-to-User, for a peer that cannot be asked by OPTIONS: "     \
      "`uui` (RFC 7433), feature tags such as `+sip.uui-isdn`, names of packages such as "    \
      "`isdn-uui`; what is not there it does not understand. `none`: nothing. Unless given, " \
      "what it says in its answers counts.")                                                  \
    W(refer, "execute", "execute pass",                                                       \
      "REFER of somebody who talks to it: `execute` carries the transfer out here, `pass` "   \
      "hands it to the peer, which does.")                                                    \
    W(identity, "default", "default inside outside",                                          \
      "Does it belong to our trust domain (RFC 3325)? `inside`: its P-Asserted-Identity is "  \
      "believed, and it is told identities that are to be kept private; `outside`: neither. " \
      "By default it does when it is `trusted`.")                                             \
    B(remote_party_id, false,                                                                 \
      "It sends Remote-Party-ID, which stands for P-Asserted-Identity when it is inside.")    \
    W(history, "default", "default auto write pass strip",                                    \
      "History-Info (RFC 7044) in calls to it; `calls.history` by default.")                  \
    W(diversion, "default", "default none history-info diversion both",                       \
      "What it understands of diversions (RFC 7544); `calls.diversion` by default.")          \
    B(q850, false,                                                                            \
      "Refusals, BYE and CANCEL to it have a Reason with a Q.850 cause (RFC 3398).")          \
    B(isdn, false,                                                                            \
      "It is a gateway to the ISDN, or leads to one: User-to-User of isdn-uui keeps to RFC "  \
      "7434. It passes in calls whose INVITE had some, in no message in which an ISDN has "   \
      "none, and not when it is longer than 129 octets; else it is left out and the call "    \
      "goes on.")                                                                             \
    B(isup_body, false,                                                                       \
      "It has it in ISUP or GTD bodies too (SIP-I, SIP-T): from it these become a header, "   \
      "to it the header's octets are put into them. Implies `isdn`.")                         \
    W(isup, "edit", "edit create",                                                            \
      "What becomes of ISUP on the way to it: `edit` changes the messages that there are, "   \
      "`create` makes them for calls with User-to-User that have none, too. Implies "         \
      "`isup_body`.")                                                                         \
    W(isup_version, "itu-t92+", "itu-t92+ itu-t88 etsi121 etsi356 ansi88 ansi00 gr317",       \
      "Version and base of those that are made (RFC 3204).")                                  \
    B(uui_in_failure, false,                                                                  \
      "With `isdn`: it may stand in refusals (4xx to 6xx) from it and to it, which RFC "      \
      "7433 does not list and an ISDN can carry.")                                            \
    S(uui_dialect, "",                                                                        \
      "How it writes User-to-User and wants it written; docs/uui-dialects.md has the names. " \
      "Unless given, values pass as they are. `cisco-gtd` implies `isdn` and `isup_body`.")   \
    U(uui_max_octets, 0, 0, 65535,                                                            \
      "Octets of user information that it takes, without the protocol discriminator; more "   \
      "is refused here and not lost there. 0: what its dialect says.")                        \
    U(uui_pd, 256, 0, 256,                                                                    \
      "The protocol discriminator of what comes from it without one, and the only one that "  \
      "it can be sent when its dialect has no place for it. 256: what its dialect says.")     \
    W(uui_reading, "default", "default strict lenient",                                       \
      "Whether its User-to-User is read strictly; `uui.strict` by default.")                  \
    L(uui_items, "",                                                                          \
      "With a dialect of shared UUI, read leniently: identifiers of its items as two hex "    \
      "digits each, e.g. [FA, C8], at most eight. Where not all have room, the first is "     \
      "kept longest, and those that are not named go first. C8, FA unless given.")

#define CONFIG_LIMITS(U, B, S, W, L, N, M, Q)                                                \
    U(message, 65536, 1024, 16777216, "Octets of one message, head and body.")               \
    U(headers, 256, 16, 256, "Header lines of one message.")                                 \
    U(uri, 4096, 64, 65536, "Octets of one URI.")                                            \
    U(transactions, 100000, 16, 100000000, "Transactions at a time.")                        \
    U(calls, 20000, 1, 10000000, "Calls at a time.")                                         \
    U(proxied, 100000, 1, 10000000, "Requests on their way through the proxy at a time.")    \
    U(connections, 10000, 1, 1000000, "TCP connections at a time, in and out.")              \
    U(per_address, 500, 1, 1000000, "TCP connections accepted from one address.")            \
    U(handshakes, 1000, 1, 1000000,                                                          \
      "Connections at a time on which TLS or WebSocket is not agreed on yet; one more, and " \
      "the oldest of them goes.")                                                            \
    U(handshakes_per_address, 100, 1, 1000000, "Those of one address.")                      \
    U(names, 1024, 1, 1000000, "DNS names and record types remembered with their answers.")  \
    U(peers, 256, 0, 10000, "Peers, those included that a reload may add.")                  \
    U(lookups, 256, 1, 65536, "DNS look-ups at a time.")                                     \
    U(late_answers, 100, 1, 100000,                                                          \
      "In a second, answers to calls of an earlier process (`timers.late_answer_s`) that "   \
      "are hung up on; others have to be repeated, as phones do.")

#define CONFIG_NETWORK(U, B, S, W, L, N, M, Q)                                               \
    U(write_queue, 1048576, 65536, 1073741824,                                               \
      "Octets that wait for one TCP peer; a peer that lets more pile up is disconnected.")   \
    U(udp_queue, 1024, 32, 100000, "Datagrams that wait per UDP listener.")                  \
    U(receive_buffer, 4194304, 65536, 1073741824,                                            \
      "Octets of socket buffer asked of the kernel per UDP listener (it grants at most "     \
      "`net.core.rmem_max`).")                                                               \
    U(connect_ms, 5000, 10, 120000, "Time for a TCP connection to stand.")                   \
    U(handshake_ms, 10000, 100, 120000,                                                      \
      "Time from there until TLS and WebSocket are agreed on.")                              \
    U(keepalive_s, 0, 0, 86400,                                                              \
      "A connection that we opened and that was silent for so long is asked by CRLF CRLF "   \
      "(RFC 5626) whether it lives, and closed when nothing comes within ten seconds. 0: "   \
      "never; peers that do not know this stay silent.")                                     \
    U(message_ms, 30000, 100, 600000, "Time for a message on TCP, once begun, to be whole.") \
    U(idle_s, 3900, 1, 4000000, "Silent TCP connections are closed after this.")             \
    U(evict_s, 60, 1, 4000000,                                                               \
      "When all connections are taken, one that was silent for so long makes room.")         \
    U(udp_max, 1300, 0, 65507,                                                               \
      "Requests of more octets go over TCP instead of UDP (RFC 3261 18.1.1), unless nobody " \
      "listens there or the address of a peer says `transport=udp`. 0: any size over UDP.")  \
    U(silent_ms, 4000, 0, 32000,                                                             \
      "A server of several, or one of a phone's flows, that has said nothing at all for so " \
      "long is left for the next one (RFC 3263 4.3); the last one has 64 times "             \
      "`timers.t1_ms`, and with 0 all have.")                                                \
    U(blacklist_s, 300, 0, 86400,                                                            \
      "A server of several that has failed is avoided for ten seconds, for longer when it "  \
      "fails again, and at most for so long. 0: not at all.")                                \
    L(dns_servers, "",                                                                       \
      "Name servers: `192.0.2.53`, `127.0.0.1:5353` or `[2001:db8::53]:53`, asked in this "  \
      "order. Those of `/etc/resolv.conf` unless given.")                                    \
    U(dns_timeout_ms, 2000, 10, 60000, "Time for the first answer of a name server.")        \
    U(dns_tries, 2, 1, 10, "How often each name server is asked, each time more patiently.") \
    U(resolve_min_s, 5, 1, 86400,                                                            \
      "DNS records are used at least so long, whatever their "                               \
      "TTL.")                                                                                \
    U(resolve_max_s, 86400, 1, 604800, "DNS records are used at most so long.")              \
    U(resolve_fail_s, 5, 1, 3600, "Failed look-ups are not repeated for so long.")           \
    U(resolve_stale_s, 3600, 0, 604800,                                                      \
      "DNS records are used for so long after their TTL while no name server answers.")

#define CONFIG_TIMERS(U, B, S, W, L, N, M, Q)                                                   \
    U(t1_ms, 500, 10, 60000, "T1 of RFC 3261: the round-trip estimate.")                        \
    U(t2_ms, 4000, 10, 60000, "T2: the longest interval of repetition.")                        \
    U(t4_ms, 5000, 10, 60000, "T4: how long a message stays in the network.")                   \
    U(session_expires_s, 1800, 0, 86400,                                                        \
      "Session timer (RFC 4028) offered and accepted at most. A phone without it is asked "     \
      "by OPTIONS every half of this whether it is still in the call. 0: neither.")             \
    U(min_se_s, 90, 90, 86400, "Shortest session timer accepted.")                              \
    U(flow_lost_s, 60, 0, 3600,                                                                 \
      "A phone in a call whose connection has closed is asked after this whether it is "        \
      "still there; if it cannot be reached, the call ends. 0: not asked.")                     \
    U(late_answer_s, 600, 1, 86400,                                                             \
      "With a `store`: who rings over a restart and is answered within this hears BYE, since "  \
      "the call is none any more. It holds for what the eight processes before had sent.")      \
    U(ring_s, 120, 1, 3600, "Unanswered calls end after this.")                                 \
    U(prompt_s, 30, 1, 3600, "MakeCall: time for the caller's phone to be answered.")           \
    U(step_s, 20, 1, 3600, "Time for a hold, a retrieval or a transfer.")                       \
    U(nonce_s, 300, 1, 86400, "Life of a digest nonce.")                                        \
    U(stop_s, 10, 0, 600, "Time to end calls and sessions at shutdown.")                        \
    U(upgrade_s, 10, 0, 600,                                                                    \
      "So long an upgrade waits for a moment in which no call is being set up. Those that are " \
      "after it end; calls that stand go on.")

#define CONFIG_REGISTRAR(U, B, S, W, L, N, M, Q)                                                   \
    U(default_expires_s, 3600, 60, 86400, "Life of a registration that asks for none.")            \
    U(min_expires_s, 60, 1, 86400, "Shorter ones are refused (423).")                              \
    U(max_expires_s, 86400, 60, 604800, "Longer ones are cut to this.")                            \
    U(max_contacts, 10, 1, 1000, "Contacts of one device.")                                        \
    U(max_records, 100000, 1, 10000000, "Devices registered at a time.")                           \
    U(flow_timer_s, 0, 0, 86400,                                                                   \
      "Flow-Timer (RFC 5626) told to phones that register with outbound: how often they should "   \
      "send keep-alives. 0: not told.")                                                            \
    W(path, "strict", "strict lenient",                                                            \
      "A Path (RFC 3327) that a proxy put on the REGISTER of a phone without `path` in its "       \
      "Supported: refused with 420, as the RFC recommends, or used all the same, which most "      \
      "phones need behind an edge proxy of yours.")                                                \
    S(service_route, "",                                                                           \
      "Service-Route (RFC 3608) told to phones: the proxies through which their calls are to go, " \
      "`<sip:orig.example.com;lr>`, several with commas between.")

#define CONFIG_CALLS(U, B, S, W, L, N, M, Q)                                                            \
    U(dnd_status, 486, 400, 699,                                                                        \
      "SIP status for calls to a device whose user has switched on do not disturb.")                    \
    U(decline_status, 603, 400, 699,                                                                    \
      "SIP status when an application clears an alerting call without a reason.")                       \
    U(per_device, 100, 1, 10000000, "Calls at a time that one device has begun.")                       \
    W(history, "auto", "auto write pass strip",                                                         \
      "History-Info (RFC 7044). `auto`: entries are added where a request has some, "                   \
      "its sender supports `histinfo`, or the call was diverted here; `write`: to "                     \
      "every call; `pass`: never, what comes passes; `strip`: removed.")                                \
    W(untrusted_history, "pass", "pass strip",                                                          \
      "History-Info and Diversion of phones and of peers outside of our trust domain: passed on, as "   \
      "RFC 7044 has it, though Baton itself believes none of it; or taken out when they come in.")      \
    W(diversion, "none", "none history-info diversion both",                                            \
      "`history-info`: Diversion (RFC 5806) becomes History-Info; `diversion`: the "                    \
      "other way; `both`: both say the same; `none`: Diversion passes as it came.")                     \
    U(group_s, 20, 1, 3600,                                                                             \
      "When the contacts of a device have different q values, those with a lower one ring after this, " \
      "if nobody has answered.")                                                                        \
    B(auto_answer, true,                                                                                \
      "MakeCall without prompting asks the phone to answer by itself (Answer-Mode, "                    \
      "Call-Info, Alert-Info).")                                                                        \
    W(redirect, "follow", "follow pass",                                                                \
      "What becomes of 300, 301 and 302 of who is called: `follow` calls the best of its Contacts "     \
      "that leads somewhere, `pass` hands it to the caller.")                                           \
    U(redirects, 5, 1, 20, "Redirections that one call follows.")                                       \
    W(redirect_asked, "trusted", "nobody trusted all",                                                  \
      "Who is told the contacts of a device's phones when he asks to be redirected (RFC 3841 "          \
      "`Request-Disposition: redirect`) instead of being put through: `trusted` is a peer of the "      \
      "trust domain, `all` whoever may call at all. He can then call past this server.")                \
    U(max_reroutes, 10, 1, 1000,                                                                        \
      "So often an application is asked anew where a call goes, when its last answer led nowhere.")     \
    U(queue_s, 180, 0, 3600,                                                                            \
      "A caller who wants to wait for a busy device (RFC 3841 `Request-Disposition: queue`) "           \
      "waits at most so long; 0: he does not.")                                                         \
    U(queue_max, 100, 1, 1000000, "Callers that wait at a time.")                                       \
    U(queue_per_device, 10, 1, 1000000, "Those for one device.")                                        \
    U(park_s, 180, 0, 86400,                                                                            \
      "A parked call (ParkCall) that nobody takes comes back to who parked it after this; 0: it does "  \
      "not.")                                                                                           \
    U(park_max, 100, 1, 1000000, "Calls that are parked at a time.")                                    \
    U(callback_s, 3600, 1, 604800,                                                                      \
      "Call back (CallBack, CallBackNonCallRelated) is given up after this.")                           \
    U(callback_max, 1000, 1, 1000000,                                                                   \
      "Call backs that are set at a time; of one device at most 16.")                                   \
    B(pickup, true,                                                                                     \
      "A device may take a call that rings elsewhere, with an INVITE whose Replaces "                   \
      "names the ringing dialog. Off: only who was referred by its owner.")

#define CONFIG_CONFERENCE(U, B, S, W, L, N, M, Q)                                            \
    S(focus, "",                                                                             \
      "Who mixes: a sip URI, or the name of a peer. Without `room` it is a conference "      \
      "factory (RFC 4579): the Contact of its answer is the room. Conferences are possible " \
      "when it is set.")                                                                     \
    S(room, "",                                                                              \
      "User part of a room there, with `%s` for a random number of twelve digits: "          \
      "`conf-%s`, for a focus that makes a room when somebody calls it. Without `%s` it is " \
      "the user part of the factory, which a peer needs.")                                   \
    S(silent_room, "",                                                                       \
      "The same for a party that hears the others and is heard by nobody "                   \
      "(SingleStepConferenceCall, silent). Unless given, that is refused.")                  \
    U(max_parties, 10, 3, 1000, "Parties of one conference.")

#define CONFIG_PROXY(U, B, S, W, L, N, M, Q)                                                   \
    U(branches, 32, 1, 1000, "Targets of one request, those of redirections included.")        \
    U(breadth, 60, 1, 1000,                                                                    \
      "Branches that one request may have at a time, here and behind us (Max-Breadth, RFC "    \
      "5393).")                                                                                \
    U(ring_s, 181, 1, 86400,                                                                   \
      "A phone that only rings is given up after this (Timer C). RFC 3261 wants more than "    \
      "three minutes.")                                                                        \
    U(min_se_s, 0, 0, 86400, "Shortest session timer that is let through (RFC 4028); 0: any.") \
    S(secret, "",                                                                              \
      "What the Record-Route addresses are protected with. Random at each start unless "       \
      "given; then proxied calls that stand at a restart cannot be ended or changed.")

#define CONFIG_CTI(U, B, S, W, L, N, M, Q)                                                 \
    U(max_sessions, 1000, 1, 100000, "Application sessions at a time.")                    \
    U(max_connections, 1000, 1, 100000, "Connections to `csta_tcp` at a time.")            \
    U(max_app_sessions, 0, 0, 100000,                                                      \
      "Sessions of one application at a time; 0: a quarter of `max_sessions`.")            \
    U(max_monitors, 10000, 1, 1000000, "Monitors of all sessions.")                        \
    U(max_session_monitors, 1000, 1, 1000000, "Monitors of one session.")                  \
    U(max_agents, 10000, 1, 1000000, "Agents logged on at all devices.")                   \
    U(journal_records, 65536, 16, 16777216, "Events kept for sessions that are behind.")   \
    U(max_unsent, 4096, 1, 16777216,                                                       \
      "Events that a session may be behind before it is told of a gap.")                   \
    W(out_of_dialog, "off", "off info notify",                                             \
      "Which requests of CSTA without a session are served, from an application that "     \
      "proves itself: in INFO outside of a dialog, in NOTIFY with `Event: uaCSTA`, or "    \
      "none. Monitors and whatever else goes on need a session.")                          \
    B(back_in_service_on_monitor, true,                                                    \
      "MonitorStart on a registered device is followed by a BackInService event, which "   \
      "existing TR/87 clients wait for.")                                                  \
    B(private_data, true,                                                                  \
      "Events that have User-to-User say in private data of which package it is, who put " \
      "it in, what is wrong with it, and what became of it at the border "                 \
      "(docs/csta-private.md).")                                                           \
    B(failed_local_fail, false,                                                            \
      "localConnectionInfo of a Failed event is `fail`; otherwise `connected`.")

/** Bounds of `groups`. */
#define CONFIG_GROUPS_MAX 1000
#define CONFIG_GROUP_MEMBERS_MAX 1000

#define CONFIG_GROUP(U, B, S, W, L, N, M, Q)                \
    N(name, "What GroupPickupCall calls it (`pickGroup`).") \
    L(members, "", "Its devices: numbers, `number@domain`, or beginnings as in `10*`.")

#define CONFIG_WATCHER(U, B, S, W, L, N, M, Q)                                           \
    L(who, "",                                                                           \
      "Who may: numbers, `number@domain`, beginnings such as `10*`, or `peer:NAME` for " \
      "what a trusted peer subscribes.")                                                 \
    L(devices, "", "Whom they may watch: numbers, `number@domain`, beginnings, `*`.")    \
    L(packages, "", "`dialog`, `reg`, `message-summary`, `as-feature-event`; all unless given.")

#define CONFIG_EVENTS(U, B, S, W, L, N, M, Q)                                                \
    U(max_subscriptions, 10000, 1, 10000000, "Subscriptions at a time.")                     \
    U(max_per_subscriber, 200, 1, 1000000,                                                   \
      "Subscriptions of one device, application or peer.")                                   \
    U(max_per_resource, 200, 1, 1000000, "Subscriptions for one device and package.")        \
    U(max_publications, 10000, 1, 10000000, "Publications (PUBLISH) at a time.")             \
    U(min_expires_s, 60, 1, 86400, "Shorter ones are refused (423).")                        \
    U(max_expires_s, 86400, 60, 604800, "Longer ones are cut to this.")                      \
    U(interval_ms, 0, 0, 60000,                                                              \
      "Least time between two NOTIFYs of a subscription; changes meanwhile are told "        \
      "together. 0: what the package recommends (`dialog` 1 s, `reg` 5 s).")                 \
    B(dialog_partial, false,                                                                 \
      "Changes of calls are told as partial documents. Otherwise each document is whole, "   \
      "which all busy lamps understand.")                                                    \
    B(dialog_identity, false,                                                                \
      "Watchers of a device see with whom it speaks. The device itself always does.")        \
    W(dialog_replaces, "early", "early none all",                                            \
      "When watchers see the identifiers of a call, with which a phone can take it "         \
      "(directed pick-up): while it rings, never, or always.")                               \
    B(unsolicited_mwi, false,                                                                \
      "Phones that have not subscribed are sent NOTIFY when messages wait for them.")        \
    Q(watchers, watcher,                                                                     \
      "Who may watch whom. Without any, devices of one domain may watch each other's calls " \
      "and a trusted peer everything. A device may always watch itself, an application "     \
      "what it is granted.")

#define CONFIG_GUARD(U, B, S, W, L, N, M, Q)                                                    \
    U(rate, 100, 0, 1000000,                                                                    \
      "Requests a second that begin something and come from one address (one /64 in IPv6); "    \
      "what is more is dropped, over TCP and the like answered 503. 0: no limit.")              \
    U(burst, 400, 1, 10000000, "And so many at once.")                                          \
    U(ban_after, 30, 0, 1000000,                                                                \
      "An address from which so many messages that cannot be read, wrong credentials or "       \
      "scanners' requests come in `window_s` is ignored for `ban_s`, and twice as long each "   \
      "time. Trusted peers never are. 0: nobody is.")                                           \
    U(window_s, 60, 1, 86400, "See `ban_after`.")                                               \
    U(ban_s, 60, 1, 86400, "See `ban_after`.")                                                  \
    U(max_ban_s, 3600, 1, 604800, "The longest time to be ignored.")                            \
    U(slow_after, 6, 0, 255,                                                                    \
      "After so many wrong credentials in a row, of one address or for one user, further ones " \
      "are not looked at for `slow_s`, and twice as long each time. A phone is let in from "    \
      "where it has proven who it is. 0: never.")                                               \
    U(slow_s, 1, 1, 3600, "See `slow_after`.")                                                  \
    U(max_slow_s, 60, 1, 86400, "The longest time that credentials are not looked at.")         \
    U(sources, 16384, 16, 10000000, "Addresses, and users, that are remembered.")               \
    B(loopback, false, "Requests from this machine are judged as well.")                        \
    L(scanners, "friendly-scanner, sipvicious, sipcli, VaxSIPUserAgent, sip-scan, sundayddr",   \
      "Requests whose User-Agent holds one of these are dropped.")                              \
    L(scanner_users, "sipvicious, friendly-scanner",                                            \
      "So are those whose From or To has one of these as user.")

#define CONFIG_OVERLOAD(U, B, S, W, L, N, M, Q)                                             \
    U(high_percent, 80, 0, 100,                                                             \
      "When so much of `limits.transactions` or `limits.calls` is taken, new calls and "    \
      "subscriptions are refused (503 with Retry-After). 0: only when nothing is left.")    \
    U(full_percent, 95, 1, 100, "And registrations as well.")                               \
    U(lag_ms, 500, 0, 60000,                                                                \
      "New calls are refused when the server is so late with its timers, and again within " \
      "a second; registrations when it is four times as late. Late once is a machine that " \
      "stood still. 0: it does not matter.")                                                \
    U(retry_s, 5, 1, 3600, "Retry-After is this to twice this.")                            \
    L(emergency, "110, 112, 911",                                                           \
      "Called numbers that are never refused so; `*` at the end for beginnings.")

#define CONFIG_LOG(U, B, S, W, L, N, M, Q)                                                 \
    W(level, "info", "error warn info debug", "What is logged: this and what is graver.")  \
    W(format, "text", "text json", "Lines of text, or one JSON object per line.")          \
    W(uui, "redact", "redact length full",                                                 \
      "What lines show of values of User-to-User that they quote: nothing, how many "      \
      "octets they have, or all of them. `sip_trace` shows them all.")                     \
    S(file, "", "Appended to; reopened on SIGHUP. Standard error unless given.")           \
    S(sip_trace, "",                                                                       \
      "A file for the SIP trace: one JSON object per message sent or received, with its "  \
      "start line, Call-ID, CSeq, User-to-User and what CSTA it carries; no credentials. " \
      "Appended to; reopened on SIGHUP. None unless given; `serve --sip-trace` overrides " \
      "it.")

#define CONFIG_PHONES(U, B, S, W, L, N, M, Q)                                                 \
    W(driver, "off", "off auto",                                                              \
      "Phones of which devices are commanded and watched in CSTA: `off` of those that say "   \
      "so, `auto` of all whose phones have a User-Agent for which there is a profile.")       \
    U(max_phones, 10000, 1, 1000000, "Phones at a time, each with a session of its own.")     \
    U(max_requests, 32, 1, 1000, "Requests that wait for one phone; one is out at a time.")   \
    U(max_calls, 16, 1, 1000, "Calls of one phone that do not pass here, and are followed.")  \
    U(refresh_s, 120, 10, 86400,                                                              \
      "A phone that has said nothing for so long is asked whether it is still there.")        \
    U(answer_ms, 8000, 100, 27000, "Patience with the answer to a request.")                  \
    U(retry_ms, 500, 50, 60000,                                                               \
      "A session that was lost is opened anew after this, after twice as long when that "     \
      "fails, and so on …")                                                                   \
    U(retry_max_s, 60, 1, 86400, "… up to this.")                                             \
    U(refused_s, 1800, 10, 604800,                                                            \
      "A phone that refuses CSTA for good (403, 415, 488 …) is tried again after this, or " \
      "when it begins anew.")                                                                 \
    U(unanchored_ms, 500, 0, 10000,                                                           \
      "A call of a registered phone that has not come here so long after the phone told of "  \
      "it is one that does not come here.")                                                   \
    L(profiles, "",                                                                           \
      "Files and folders with profiles of your own (docs/phones.md), seen from this file's "  \
      "folder. One with the name of a profile that came with Baton takes its place.")         \
    S(profile_folder, "",                                                                     \
      "The folder of the profiles that came with Baton; where they were installed unless "    \
      "given.")

#define CONFIG_ROOT(U, B, S, W, L, N, M, Q)                                                   \
    L(listen, "udp:127.0.0.1:5060, tcp:127.0.0.1:5060",                                       \
      "Where Baton listens: `udp:ADDRESS:PORT`, also `tcp:`, `tls:`, `ws:` and `wss:` "       \
      "(WebSocket), IPv6 in brackets, any number of each. With "                              \
      "` as ADDRESS` or ` as ADDRESS:PORT` behind it others are shown that instead: "         \
      "`tls:10.0.0.5:5061 as 198.51.100.7`. "                                                 \
      "Nothing beyond this machine unless an address says so; `0.0.0.0` and `[::]` are all "  \
      "addresses of a family.")                                                               \
    L(advertise, "",                                                                          \
      "The address that others reach us at, when it is not the one that we listen on "        \
      "(behind NAT): `198.51.100.7` or `198.51.100.7:5060`, at most one per family; a "       \
      "listener's own counts more.")                                                          \
    L(domains, "localhost",                                                                   \
      "Our SIP domains, the default one first. The addresses that Baton listens on count "    \
      "as other names of the default domain, with the ports that it listens on; without a "   \
      "port as well, but in a route's target that means the default port.")                   \
    S(realm, "", "The realm of digest challenges; the first domain unless given.")            \
    W(digest, "md5", "md5 sha-256 both",                                                      \
      "Digest algorithms that a challenge offers. Many phones give up when they see one "     \
      "that they do not know, even if MD5 stands beside it; where all know SHA-256 use "      \
      "`sha-256`.")                                                                           \
    S(server_name, "",                                                                        \
      "Value of Server and User-Agent; `Baton` with its version unless given, `none`: "       \
      "neither field is sent.")                                                               \
    Q(devices, device,                                                                        \
      "The phones. A device without a secret can be called and named, but cannot "            \
      "register or call.")                                                                    \
    Q(groups, group,                                                                          \
      "Groups of devices whose users take each other's calls (GroupPickupCall), at most "     \
      "1000 with 1000 members each.")                                                         \
    Q(applications, application, "Programs that control and watch devices.")                  \
    Q(peers, peer,                                                                            \
      "PBX, trunk, gateway: neighbours that are known by address or certificate.")            \
    Q(dial_plans, plan,                                                                       \
      "How numbers are dialled at a place, for bringing them to E.164 and back.")             \
    Q(routes, route,                                                                          \
      "What becomes of a request that begins something. The first rule that matches counts; " \
      "docs/routing.md explains them. Without one: calls to devices and to numbers that "     \
      "peers take are bridged, others refused.")                                              \
    S(time_zone, "UTC",                                                                       \
      "Of times in `routes`: a name such as `Europe/Berlin`, an offset such as `+01:00`, or " \
      "a POSIX rule such as `CET-1CEST,M3.5.0,M10.5.0/3`.")                                   \
    S(pid_file, "",                                                                           \
      "The process number is written here and the file kept locked, for `baton reload`.")     \
    L(csta_tcp, "",                                                                           \
      "Where Baton listens for applications that send CSTA XML over TCP instead of SIP "      \
      "(ECMA-323 Annex J.2, sessions of ECMA-354): `tcp:ADDRESS:PORT` or "                    \
      "`tls:ADDRESS:PORT`; `tcp:PORT` and `tls:PORT` listen on 127.0.0.1. Passwords come as " \
      "they are: use `tls:` beyond this machine. Nowhere unless given.")                      \
    M(uui, uui, "User-to-User Information: docs/uui-dialects.md.")                            \
    M(limits, limits, "Bounds.")                                                              \
    M(tls, tls, "TLS: for `tls:` and `wss:` listeners, and for connections to peers.")        \
    M(websocket, websocket, "SIP over WebSocket (RFC 7118), for browsers.")                   \
    M(network, network, "Sockets.")                                                           \
    M(timers, timers, "Times.")                                                               \
    M(registrar, registrar, "Registrations.")                                                 \
    M(calls, calls, "Call control.")                                                          \
    M(conference, conference, "Conferences: docs/conferences.md.")                            \
    M(proxy, proxy, "Requests that are passed on.")                                           \
    M(cti, cti, "Application sessions.")                                                      \
    M(phones, phones, "Phones that speak CSTA themselves: docs/phones.md.")                   \
    M(guard, guard, "Strangers.")                                                             \
    M(overload, overload, "What is refused before nothing works any more.")                   \
    M(events, events, "Subscriptions: busy lamps and other things that phones watch.")        \
    M(store, store, "What outlives the process: docs/store.md.")                              \
    M(api, api, "The HTTP API: docs/api.md.")                                                 \
    M(trace, trace, "Messages of recent calls, kept to be looked at: docs/trace.md.")         \
    M(hep, hep, "Copies of messages for Homer or sngrep: docs/trace.md.")                     \
    M(log, log, "The log.")

#endif
