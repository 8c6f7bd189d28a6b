/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Torture messages of our own, for a clone that has no others: one for each kind of trouble
 * that RFC 4475 and RFC 5118 describe, with the answers that those documents allow. \n stands
 * for CRLF; a body follows the empty line and Content-Length is written as it is.
 */
#ifndef BATON_TESTS_OWN_H
#define BATON_TESTS_OWN_H

struct own {
    const char *name;
    const char
        *codes; /**< acceptable answers, "none" for silence, "any-not-400" for all others */
    const char *text;
};

#define OWN_VIA "Via: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKown\n"
#define OWN_ID "From: <sip:t@example.com>;tag=f\nCall-ID: own@192.0.2.50\nMax-Forwards: 70\n"
#define OWN_TO "To: <sip:1001@example.com>\n"
#define OWN_OPTIONS "OPTIONS sip:1001@example.com SIP/2.0\n" OWN_VIA OWN_ID OWN_TO

static const struct own own_messages[] = {
    {"folded lines, compact names, odd case, empty list elements", "any-not-400",
     "OPTIONS sip:1001@example.com;x;y=%31 SIP/2.0\n"
     "v:\n  SIP  / 2.0\n /UDP\n\t192.0.2.50 ; branch = z9hG4bKown\n"
     "f   : \"J \\\" \\\\ R\"  <sip:t@example.com>\n ;\n  tag = f\n"
     "t:sip:1001@example.com\ni: own@192.0.2.50\nmAX-fORWARDS: 0070\nCSeq:\t 9\n  OPTIONS\n"
     "X-Unknown:  , ;;= \"\ns:\nl: 0\n\n"},
    {"every character a token may have", "405,501",
     "!i%*_-.+`'~ sip:1001@example.com SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 !i%*_-.+`'~\nContent-Length: 0\n\n"},
    {"an escape in a method is none", "405,501",
     "RE%47ISTER sip:example.com SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 RE%47ISTER\nContent-Length: 0\n\n"},
    {"octets behind the body", "any-not-400",
     OWN_OPTIONS "CSeq: 1 OPTIONS\nContent-Length: 2\n\nab BYE sip:x SIP/2.0\n\n"},
    {"a body shorter than Content-Length", "400",
     OWN_OPTIONS "CSeq: 1 OPTIONS\nContent-Length: 99\n\nab"},
    {"negative Content-Length", "400", OWN_OPTIONS "CSeq: 1 OPTIONS\nContent-Length: -1\n\n"},
    {"two Content-Lengths", "400",
     OWN_OPTIONS "CSeq: 1 OPTIONS\nContent-Length: 0\nl: 3\n\nabc"},
    {"two Call-IDs", "400",
     OWN_OPTIONS "i: another@192.0.2.50\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"CSeq beyond its range", "400",
     OWN_OPTIONS "CSeq: 4294967296 OPTIONS\nContent-Length: 0\n\n"},
    {"CSeq of another method", "400", OWN_OPTIONS "CSeq: 1 INVITE\nContent-Length: 0\n\n"},
    {"no From, To, Call-ID", "400,none",
     "OPTIONS sip:1001@example.com SIP/2.0\n" OWN_VIA "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"an open quote", "400",
     "OPTIONS sip:1001@example.com SIP/2.0\n" OWN_VIA OWN_ID
     "To: \"1001 <sip:1001@example.com>\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"Request-URI in brackets", "400",
     "OPTIONS <sip:1001@example.com> SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"white space in the Request-URI", "400",
     "OPTIONS sip:1001@example.com; lr SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"another version", "505",
     "OPTIONS sip:1001@example.com SIP/7.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"a scheme that nobody knows", "416",
     "OPTIONS nobody:knows SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"an extension that nobody knows", "420",
     OWN_OPTIONS "CSeq: 1 OPTIONS\nRequire: nothing-like-it\nContent-Length: 0\n\n"},
    {"a method that nobody knows", "405,501",
     "NEWMETHOD sip:1001@example.com SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 NEWMETHOD\nContent-Length: 0\n\n"},
    {"a dialog that nobody knows", "481",
     "BYE sip:1001@example.com SIP/2.0\n" OWN_VIA OWN_ID
     "To: <sip:1001@example.com>;tag=t\nCSeq: 1 BYE\nContent-Length: 0\n\n"},
    {"no branch, as RFC 2543 has it", "any-not-400",
     "OPTIONS sip:1001@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.50\n" OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"a response with a status beyond all", "none",
     "SIP/2.0 4294967301 Far\n" OWN_VIA OWN_ID OWN_TO "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"a response to nothing", "none",
     "SIP/2.0 200 \n" OWN_VIA OWN_ID OWN_TO "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"IPv6 references, a port outside", "any-not-400",
     "OPTIONS sip:[2001:db8::10]:5070 SIP/2.0\nVia: SIP/2.0/UDP [2001:db8::9]:5060;"
     "branch=z9hG4bKown;received=[2001:db8::9:255]\n" OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"three colons", "any-not-400",
     "OPTIONS sip:[2001:db8:::192.0.2.1] SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
    {"an address without brackets", "400",
     "OPTIONS sip:2001:db8::10 SIP/2.0\n" OWN_VIA OWN_ID OWN_TO
     "CSeq: 1 OPTIONS\nContent-Length: 0\n\n"},
};

#endif
