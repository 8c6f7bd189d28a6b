/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the section `uui` about calls that go to somebody else; see config_keys.h for the
   letters. */
#ifndef BATON_SERVER_CONFIG_KEYS_MOVES_H
#define BATON_SERVER_CONFIG_KEYS_MOVES_H

#define CONFIG_UUI_GROUP(U, B, S, W, L, N, M, Q) \
    L(domains, "", "Two or more: names, or addresses as they stand in URIs.")

#define CONFIG_UUI_MOVES(Q, W)                                                                  \
    Q(domain_groups, uui_group,                                                                 \
      "Domains of one administration. Ours, our devices and peers of our trust domain "         \
      "(`identity`) are one anyway; any other host is one of its own.")                         \
    W(redirects, "same-domain", "same-domain replace keep",                                     \
      "A 3xx that brings other User-to-User of a package than the call has: it may replace "    \
      "that when who redirects and who is called then are of one domain, always, or never; "    \
      "what may not is dropped. Values of other packages are added, equal ones are not.")       \
    W(blind_transfers, "replace", "same-domain replace keep",                                   \
      "The same for the Refer-To of a REFER.")                                                  \
    W(attended_transfers, "replace", "same-domain replace keep",                                \
      "The same for a Refer-To with Replaces.")                                                 \
    W(services, "replace", "same-domain replace keep",                                          \
      "The same for the `userData` of DeflectCall and SingleStepTransferCall, and for what "    \
      "the active call of a TransferCall has, correlatorData among it.")                        \
    W(isdn_redirect, "compat", "compat strict",                                                 \
      "`strict`: isdn-uui of a 3xx or REFER is dropped, as RFC 7434 has it, and none is put "   \
      "into our own 3xx. `compat`: it is taken like that of any package, as RFC 7433 shows it " \
      "and contact centres do it.")

#endif
