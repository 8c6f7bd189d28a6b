/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of the torture messages in each role: from a trusted peer, to a proxy that sends
 * everything on, a redirect server, the registrar.
 *
 * 400, 505 and silence are as in EXPECTED_*.tsv, for every element has to look at what these
 * messages have wrong. A proxy lets through what is none of its business (RFC 3261 §16.3): an
 * unknown method (intmeth), a body that it cannot read (invut), a Date that is none (baddate).
 * 481 are those with a To tag, for they belong to a dialog that nobody has, 404 the
 * registration of an address that is not ours (escnull: %00 is a character as good as another,
 * and no end of a string). Registrations go to the registrar in every role.
 */
#ifndef BATON_TESTS_OUTCOMES_H
#define BATON_TESTS_OUTCOMES_H

static const struct outcome outcomes[] = {
    {"badaspec.dat", {"400", "400", NULL}},
    {"baddate.dat", {"forwarded", "302", NULL}},
    {"baddn.dat", {"400", "400", NULL}},
    {"badvers.dat", {"505", "505", NULL}},
    {"bcast.dat", {"none", "none", NULL}},
    {"bigcode.dat", {"none", "none", NULL}},
    {"clerr.dat", {"400", "400", NULL}},
    {"cparam02.dat", {"200", "200", "200"}},
    {"dblreq.dat", {"200", "200", "200"}},
    {"esc02.dat", {"forwarded", "302", NULL}},
    {"escnull.dat", {"404", "404", "404"}},
    {"insuf.dat", {"none", "none", NULL}},
    {"intmeth.dat", {"forwarded", "302", NULL}},
    {"invut.dat", {"forwarded", "302", NULL}},
    {"ipv4-mapped-ipv6.sip", {"forwarded", "302", NULL}},
    {"ipv6-bug-abnf-3-colons.sip", {"forwarded", "302", NULL}},
    {"ipv6-correct-abnf-2-colons.sip", {"forwarded", "302", NULL}},
    {"ipv6-in-sdp.sip", {"forwarded", "302", NULL}},
    {"longreq.dat", {"forwarded", "302", NULL}},
    {"lwsdisp.dat", {"forwarded", "302", NULL}},
    {"lwsruri.dat", {"400", "400", NULL}},
    {"mcl01.dat", {"400", "400", NULL}},
    {"mismatch01.dat", {"400", "400", NULL}},
    {"mpart01.dat", {"forwarded", "302", NULL}},
    {"mult-ip-in-header.sip", {"481", "481", NULL}},
    {"multi01.dat", {"400", "400", NULL}},
    {"noreason.dat", {"none", "none", NULL}},
    {"novelsc.dat", {"416", "416", NULL}},
    {"port-ambiguous.sip", {"200", "200", "200"}},
    {"port-unambiguous.sip", {"200", "200", "200"}},
    {"regaut01.dat", {"200", "200", "200"}},
    {"regbadct.dat", {"400", "400", "400"}},
    {"scalar02.dat", {"400", "400", "400"}},
    {"scalarlg.dat", {"none", "none", NULL}},
    {"semiuri.dat", {"forwarded", "302", NULL}},
    {"test.dat", {"none", "none", NULL}},
    {"trws.dat", {"400", "400", NULL}},
    {"unkscm.dat", {"416", "416", NULL}},
    {"unreason.dat", {"none", "none", NULL}},
    {"via-received-param-with-delim.sip", {"481", "481", NULL}},
    {"wsinv.dat", {"481", "481", NULL}},
};

#endif
