/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REQ-12 of call-control User-to-User: who inserted it; with somebody on the way who cuts
 * History-Info, forges an entry, names another, or makes the entry differ from the value.
 *
 * Seen from the terminator behind Baton, who believes Baton, and from an application: a value
 * has a role, an identity, and what contradicts it. A forgery is not believed where its sender
 * is not; nobody is blamed for what cannot be told.
 */
#include "hostile.h"

#define BRIDGE (1u << FLOW_BRIDGE)
#define DIRECT (1u << FLOW_BRIDGE | 1u << FLOW_PROXY)
#define MOVED (1u << FLOW_BRIDGE_MOVED | 1u << FLOW_PROXY_MOVED)
#define REFERRED (1u << FLOW_REFERRED)
#define FROM_GATEWAY (1u << FLOW_BRIDGE_GATEWAY | 1u << FLOW_PROXY_GATEWAY)
#define UUI(value) "User-to-User: " value "\r\n"
#define HELLO "0448656C6C6F;encoding=hex"
#define URI(hex) "User-to-User=" hex "%3Bencoding%3Dhex"
#define BOB "sip:1002@example.com"
#define ANN "sip:1001@example.com"
#define VICTIM "sip:victim@example.net"
#define RAW "sip:9000@10.0.2.1"
#define TO_CLEO .from = "baton", .to = "cleo", .pattern = "INVITE"
#define FROM_ANN .from = "ann", .to = "baton", .pattern = "INVITE"
#define BY_GATEWAY .from = "gateway", .to = "baton", .pattern = "INVITE"

/** An entry that says that somebody else put the value in. */
#define FORGED                                                                    \
    "History-Info: <sip:victim@example.net>;index=1, <sip:1002@example.com?" URI( \
        "0448656C6C6F") ">;index=2;mp=1\r\n"
#define OTHER_VALUE                                                               \
    "History-Info: <sip:victim@example.net>;index=1, <sip:1002@example.com?" URI( \
        "04CC") ">;index=2;mp=1\r\n"

static void stranger(struct world *w)
{
    w->peer[0].domain = PEER_OUTSIDE;
}

static const struct str outsiders[] = {STR_INIT("gateway")};
static const struct border_rule claims[] = {{.name = STR_INIT("claims of strangers"),
                                             .direction = BORDER_IN,
                                             .from = outsiders,
                                             .from_count = 1,
                                             .places = 1u << BORDER_URI_HEADER,
                                             .action = BORDER_STRIP}};
static const struct border_policy no_claims = {.rule = claims, .count = 1};

static void guarded(struct world *w)
{
    stranger(w);
    w->config.policy = &no_claims;
}

static const struct trial req12[] = {
    {
        .name = "direct",
        .told = "isdn-uui valid, originator sip:1001@example.com",
        .flows = DIRECT,
        .sends = UUI(HELLO),
        .reads = "isdn-uui valid, originator " ANN,
    },
    {.name = "redirected",
     .told = "isdn-uui valid, redirector sip:1002@example.com",
     .flows = MOVED,
     .moves = URI("04BB"),
     .reads = "isdn-uui valid, redirector " BOB},
    {.name = "redirected, and the value is the caller's",
     .told = "isdn-uui valid, originator sip:1001@example.com",
     .flows = MOVED,
     .sends = UUI(HELLO),
     .reads = "isdn-uui valid, originator " ANN},
    {.name = "referred",
     .told = "isdn-uui valid, referrer sip:1002@example.com",
     .flows = REFERRED,
     .moves = URI("04BB"),
     .reads = "isdn-uui valid, referrer " BOB},
    {.name = "History-Info is cut behind Baton",
     .told = "isdn-uui valid, redirector sip:1002@example.com",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = URI("04BB"),
     .box = {{TO_CLEO, .attack = attack_drop, .arg = "History-Info"}},
     .reads = "isdn-uui valid, originator " ANN},
    {.name = "the entry is made to differ",
     .told = "isdn-uui valid, redirector sip:1002@example.com",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = URI("04BB"),
     .box = {{TO_CLEO, .attack = attack_text, .arg = "User-to-User=04BB=>User-to-User=04CC"}},
     .reads = "isdn-uui valid, originator " ANN " !historyDiffers"},
    {.name = "the value is made to differ from its entry",
     .told = "isdn-uui valid, redirector sip:1002@example.com",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = URI("04BB"),
     .box = {{TO_CLEO, .attack = attack_text, .arg = "User-to-User: 04BB=>User-to-User: 04CC"}},
     .reads = "isdn-uui valid, originator " ANN " !historyDiffers"},
    {.name = "a phone forges an entry: what it claims goes on as it is (RFC 7044 §9)",
     .told = "isdn-uui valid, originator sip:1001@example.com !historyUntrusted",
     .flows = BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_add, .arg = FORGED}},
     .reads = "isdn-uui valid, redirector " VICTIM},
    {.name = "a stranger forges one",
     .told = "isdn-uui valid, originator sip:9000@10.0.2.1 !historyUntrusted",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO),
     .box = {{BY_GATEWAY, .attack = attack_add, .arg = FORGED}},
     .tweak = stranger,
     .reads = "isdn-uui valid, redirector " VICTIM},
    {.name = "a stranger forges one, and a rule takes from strangers what stands in URIs",
     .told = "isdn-uui valid, originator sip:9000@10.0.2.1",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO),
     .box = {{BY_GATEWAY, .attack = attack_add, .arg = FORGED}},
     .tweak = guarded,
     .arrives = HELLO,
     .reads = "isdn-uui valid, originator " RAW},
    {.name = "one of ours says so",
     .told = "isdn-uui valid, redirector sip:victim@example.net",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO) FORGED,
     .reads = "isdn-uui valid, redirector " VICTIM},
    {.name = "one of ours says so of another value",
     .told = "isdn-uui valid, originator sip:9000@10.0.2.1 !historyDiffers",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO) OTHER_VALUE,
     .reads = "isdn-uui valid, originator " RAW " !historyDiffers"},
    {.name = "the history is withheld",
     .told = "isdn-uui valid, withheld",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO) "Privacy: history\r\nHistory-Info: "
                         "<sip:anonymous@anonymous.invalid>;index=1, "
                         "<sip:1002@example.com>;index=2;mp=1\r\n",
     .reads = "isdn-uui valid, withheld"},
    {.name = "an entry is missing",
     .told = "isdn-uui valid, originator sip:9000@10.0.2.1 !historyGap",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO) "History-Info: <sip:1@example.net>;index=1, "
                         "<sip:1002@example.com>;index=0.1.1;mp=1\r\n",
     .reads = "isdn-uui valid, originator " RAW " !historyGap"},
    {.name = "somebody else is asserted",
     .told = "isdn-uui valid, originator sip:boss@example.com",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO),
     .box = {{BY_GATEWAY, .attack = attack_add,
              .arg = "P-Asserted-Identity: <sip:boss@example.com>\r\n"}},
     .reads = "isdn-uui valid, originator sip:boss@example.com"},
    {.name = "somebody else is asserted by a stranger",
     .told = "isdn-uui valid, originator sip:9000@10.0.2.1",
     .flows = FROM_GATEWAY,
     .sends = UUI(HELLO),
     .box = {{BY_GATEWAY, .attack = attack_add,
              .arg = "P-Asserted-Identity: <sip:boss@example.com>\r\n"}},
     .tweak = stranger,
     .reads = "isdn-uui valid, originator " RAW},
    {.name = "a Referred-By is forged",
     .told = "isdn-uui valid, redirector sip:1002@example.com",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = URI("04BB"),
     .box = {{TO_CLEO, .attack = attack_add,
              .arg = "Referred-By: <sip:victim@example.net>\r\n"}},
     .reads = "isdn-uui valid, redirector " BOB},
};

static void test_req12_who_inserted_it(void)
{
    hostile_run(req12, ARRAY_LEN(req12));
}

TEST_MAIN(T(test_req12_who_inserted_it))
