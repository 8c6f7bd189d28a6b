/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `api` of the configuration: see config_keys.h.
 */
#ifndef BATON_SERVER_CONFIG_KEYS_API_H
#define BATON_SERVER_CONFIG_KEYS_API_H

#define CONFIG_API_CLIENT(U, B, S, W, L, N, M, Q)                                             \
    N(certificate,                                                                            \
      "A name that his certificate proves (a DNS name in it, or its common name). "           \
      "`api.verify_client` must ask for one.")                                                \
    L(scopes, "",                                                                             \
      "What he may: `observe:PATTERN`, `control:PATTERN`, `admin` (docs/access.md). Nothing " \
      "unless listed.")

#define CONFIG_API(U, B, S, W, L, N, M, Q)                                                       \
    L(listen, "",                                                                                \
      "Where the HTTP API listens: `tcp:127.0.0.1:8080`, `tls:10.0.0.5:8443`, "                  \
      "`unix:/run/baton/control` (a path is seen from this file's folder; that one is where "    \
      "the commands of `baton` look); `tcp:8080` "                                               \
      "listens on 127.0.0.1. Tokens come as they are over `tcp:`: use `tls:`, with the "         \
      "certificates of `tls`, beyond this machine. Nowhere unless given.")                       \
    W(verify_client, "none", "none request require",                                             \
      "Whether clients over TLS are asked for a certificate; as `tls.verify_client`, with "      \
      "the roots of `tls.ca`.")                                                                  \
    Q(clients, api_client, "Who needs no token, because TLS says who he is.")                    \
    L(origins, "",                                                                               \
      "Pages of other servers that may ask, and may show ours in a frame, as browsers say it: "  \
      "`https://crm.example.com`. There is no wildcard.")                                        \
    L(hosts, "",                                                                                 \
      "Names by which clients on this machine may call it, beside `localhost` and addresses: "   \
      "others are refused on 127.0.0.1 and ::1, because a foreign page can give them to "        \
      "itself.")                                                                                 \
    B(metrics_open, false,                                                                       \
      "`GET /metrics` takes no token: for a Prometheus on a network that you control.")          \
    S(web_root, "", "A folder whose files are served in the place of the built-in pages.")       \
    U(max_clients, 1000, 1, 100000,                                                              \
      "Connections at a time. When there are more, the one that has been idle longest is "       \
      "closed; if none is idle, the new one gets 503. The UNIX socket has as many of its own.")  \
    U(max_per_address, 100, 1, 100000,                                                           \
      "Connections from one address at a time; loopback and the UNIX socket do not count.")      \
    U(max_jobs, 1000, 1, 100000,                                                                 \
      "Requests that wait for the server's core at a time; more get 503 with Retry-After. The "  \
      "UNIX socket has as many of its own.")                                                     \
    U(requests_per_s, 500, 1, 1000000,                                                           \
      "What one token, page or certificate may ask in a second, messages of a WebSocket "        \
      "included, after a pause two seconds' worth at once; more get 429 with Retry-After. "      \
      "The UNIX socket is not limited.")                                                         \
    U(max_streams, 500, 1, 100000,                                                               \
      "Streams of events, traces and exports that one token may hold open, and answers that it " \
      "waits for (`Prefer: wait`, beyond that they come at once); another one gets "             \
      "429. Pages that were given tokens by one token share what it may.")                       \
    U(max_operations, 10000, 1, 1000000,                                                         \
      "Commands that are remembered with what became of them. The oldest that has ended makes "  \
      "room, of whoever has half of them his own; when all of them run, more get 429.")          \
    U(operation_keep_s, 3600, 1, 604800,                                                         \
      "So long after its end a command can be asked for, and its Idempotency-Key stands for "    \
      "it.")                                                                                     \
    U(max_body_kb, 256, 1, 65536,                                                                \
      "The longest body of a request, and message of a WebSocket.")                              \
    U(client_buffer_kb, 1024, 64, 1048576, "What may wait for one client to take it.")           \
    U(request_s, 20, 1, 3600, "For a whole request to come; then 408.")                          \
    U(idle_s, 60, 1, 86400, "A connection without a request is closed after it.")                \
    U(stalled_s, 30, 1, 3600, "A client that takes nothing for so long is closed.")              \
    U(max_webhooks, 100, 1, 10000, "Webhooks that there may be; half of them of one owner.")     \
    B(webhook_private, false,                                                                    \
      "Webhooks may go to this machine and to private addresses. Whoever may make one can "      \
      "then reach what is behind the firewall.")

#endif
