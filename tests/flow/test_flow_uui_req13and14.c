/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REQ-13 and REQ-14 of call-control User-to-User: its integrity, and its privacy from end to
 * end; with somebody on the way who changes, repeats, reflects, delays, cuts, relabels and
 * reads.
 *
 * The caller seals, and both Baton and the terminator have the keys to open. Each attack is
 * called by its name at both, when it happens before Baton, and at the terminator alone, when
 * it happens behind. Of the package `bank` a seal is required, of `soft` it is optional.
 */
#include "hostile.h"

#include "kit_seal.h"
#include "seal/value.h"

#define DIRECT (1u << FLOW_BRIDGE | 1u << FLOW_PROXY)
#define BRIDGE (1u << FLOW_BRIDGE)
#define PROXY (1u << FLOW_PROXY)
#define UUI(value) "User-to-User: " value "\r\n"
#define FROM_ANN .from = "ann", .to = "baton", .pattern = "INVITE"
#define TO_BOB .from = "baton", .to = "bob", .pattern = "INVITE"
#define BANK UUI("$;encoding=hex;purpose=bank")
#define SEALED(...) .sends = BANK, .plain = "acct 17", .package = "bank", __VA_ARGS__
#define GROUP "originator sip:group@example.com !sealDiffers"
#define ANN "originator sip:1001@example.com"

/* ---- REQ-13 ---- */

static const struct trial req13[] = {
    {.name = "nobody on the way",
     .told = "bank valid, originator sip:group@example.com !sealDiffers, seal=ok",
     .flows = BRIDGE,
     SEALED(.reads = "bank valid seal=ok 'acct 17', " GROUP, .reports = "seal_ok")},
    {.name = "nobody on the way, proxied",
     .flows = PROXY,
     SEALED(.reads = "bank valid seal=ok 'acct 17', " GROUP, .reports = "")},
    {.name = "signed",
     .told = "bank valid, originator sip:a@example.com !sealDiffers, seal=ok",
     .flows = BRIDGE,
     .key = SIGN_KEY,
     SEALED(.reads = "bank valid seal=ok 'acct 17', originator sip:a@example.com !sealDiffers",
            .reports = "seal_ok")},
    {.name = "boxed",
     .told = "bank valid, originator sip:a@example.com !sealDiffers, seal=ok",
     .flows = BRIDGE,
     .key = BOX_KEY,
     SEALED(.reads = "bank valid seal=ok 'acct 17', originator sip:a@example.com !sealDiffers",
            .reports = "seal_ok")},
    {.name = "small letters",
     .told = "bank valid, originator sip:group@example.com !sealDiffers, seal=ok",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_case}},
     SEALED(.reads = "bank valid seal=ok 'acct 17', " GROUP, .reports = "seal_ok")},
    {.name = "bit flip",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=forged",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_flip}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=forged, " ANN,
            .reports = "uui_wrong 1; seal_forged")},
    {.name = "bit flip in a signed one",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=forged",
     .flows = BRIDGE,
     .key = SIGN_KEY,
     .box = {{FROM_ANN, .attack = attack_flip}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=forged, " ANN,
            .reports = "uui_wrong 1; seal_forged")},
    {.name = "bit flip in a boxed one",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=forged",
     .flows = BRIDGE,
     .key = BOX_KEY,
     .box = {{FROM_ANN, .attack = attack_flip}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=forged, " ANN,
            .reports = "uui_wrong 1; seal_forged")},
    {.name = "bit flip behind Baton",
     .told = "bank valid, originator sip:group@example.com !sealDiffers, seal=ok",
     .flows = BRIDGE,
     .box = {{TO_BOB, .attack = attack_flip}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=forged, " ANN, .reports = "seal_ok")},
    {.name = "package swapped",
     .told = "soft wrong BAD_SEAL, originator sip:1001@example.com, seal=forged",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_text, .arg = "purpose=bank=>purpose=soft"}},
     SEALED(.reads = "soft wrong BAD_SEAL seal=forged, " ANN,
            .reports = "uui_wrong 1; seal_forged")},
    {.name = "content changed",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=forged",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_text, .arg = "purpose=bank=>purpose=bank;content=x"}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=forged, " ANN,
            .reports = "uui_wrong 1; seal_forged")},
    {.name = "truncated",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=forged",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_truncate, .arg = "66"}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=forged, " ANN,
            .reports = "uui_wrong 1; seal_forged")},
    {.name = "truncated to less than a frame",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=malformed",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_truncate, .arg = "12"}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=malformed, " ANN,
            .reports = "uui_wrong 1; seal_malformed")},
    {.name = "replayed in another call",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=replayed",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_keep}, {FROM_ANN, .attack = attack_put}},
     .twice = true,
     SEALED(.reads = "bank wrong BAD_SEAL seal=replayed, " ANN,
            .reports = "uui_wrong 1; seal_ok; seal_replayed")},
    {.name = "held back for five minutes",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=stale",
     .flows = BRIDGE,
     .age_ms = 300000,
     SEALED(.reads = "bank wrong BAD_SEAL seal=stale, " ANN,
            .reports = "uui_wrong 1; seal_stale")},
    {.name = "under another key id",
     .told = "bank wrong BAD_SEAL, originator sip:1001@example.com, seal=unknown-key",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_text,
              .arg = "User-to-User: 00B305=>User-to-User: 00B309"}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=unknown-key, " ANN,
            .reports = "uui_wrong 1; seal_unknown_key")},
    {.name = "a plain value in its place",
     .told = "bank ignored NO_SEAL, originator sip:1001@example.com",
     .flows = BRIDGE,
     .box = {{FROM_ANN, .attack = attack_drop, .arg = "User-to-User"},
             {FROM_ANN, .attack = attack_add, .arg = UUI("0448;encoding=hex;purpose=bank")}},
     SEALED(.reads = "bank ignored NO_SEAL, " ANN, .reports = "uui_ignored 1")},
    {.name = "a plain value of a package that may be plain",
     .told = "soft valid, originator sip:1001@example.com",
     .flows = BRIDGE,
     .sends = UUI("0448;encoding=hex;purpose=soft"),
     .reads = "soft valid, " ANN,
     .reports = ""},
    {.name = "a forged one is appended",
     .told =
         "bank valid, originator sip:group@example.com !sealDiffers, seal=ok; bank wrong BAD_SEAL, originator sip:1001@example.com, seal=forged",
     .flows = BRIDGE,
     .box =
         {{FROM_ANN, .attack = attack_add,
           .arg = UUI(
               "00B20565000000112233445566778899AABBCCDDEEFF0011;encoding=hex;purpose=bank")}},
     SEALED(.reads = "bank valid seal=ok 'acct 17', " GROUP
                     "; bank wrong BAD_SEAL seal=forged, " ANN,
            .reports = "uui_wrong 1; seal_ok; seal_forged")},
    {.name = "History-Info is cut: the seal still names who it was",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = "User-to-User=$%3Bencoding%3Dhex%3Bpurpose%3Dbank",
     .plain = "acct 17",
     .package = "bank",
     .key = SIGN_KEY,
     .box = {{.from = "baton",
              .to = "cleo",
              .pattern = "INVITE",
              .attack = attack_drop,
              .arg = "History-Info"}},
     .reads = "bank valid seal=ok 'acct 17', originator sip:a@example.com !sealDiffers",
     .reports = "seal_ok"},
    {.name = "flipped in a redirection",
     .told = "bank wrong BAD_SEAL, redirector sip:1002@example.com, seal=forged",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = "User-to-User=$%3Bencoding%3Dhex%3Bpurpose%3Dbank",
     .plain = "acct 17",
     .package = "bank",
     .box = {{.from = "bob", .to = "baton", .pattern = "302 INVITE", .attack = attack_flip}},
     .reads = "bank wrong BAD_SEAL seal=forged, redirector sip:1002@example.com",
     .reports = "uui_wrong 1; seal_forged"},
};

static void test_req13_integrity(void)
{
    hostile_run(req13, ARRAY_LEN(req13));
}

/** What the caller sealed comes back to him in the answer: it is for the other direction. */
static void test_req13_reflected(void)
{
    static const struct trial t[] = {
        {.name = "reflected",
         .told = "bank valid, originator sip:group@example.com !sealDiffers, seal=ok",
         .flows = BRIDGE,
         .box = {{FROM_ANN, .attack = attack_keep},
                 {.from = "bob", .to = "baton", .pattern = "180 INVITE", .attack = attack_put}},
         SEALED(.reads = "bank valid seal=ok 'acct 17', " GROUP,
                .reports = "uui_wrong 1; seal_ok; seal_forged")}};
    hostile_run(t, ARRAY_LEN(t));
}

/** Nobody on the way, and no log line, sees what was sealed. */
static void nobody_reads(struct service *s, const struct trial *t)
{
    (void)t;
    for (size_t i = 0; i < s->w.wire.n; i++) {
        const struct wire_packet *p = &s->w.wire.packet[i];
        if (p->to != &s->w.crm.s.node && p->from != &s->w.crm.s.node) { /* who may know it */
            CHECK(str_find(p->bytes, STR("acct 17")) == p->bytes.n);
            CHECK(str_find(p->bytes, STR("61636374203137")) == p->bytes.n);
        }
    }
    CHECK(strstr(s->w.traced, "acct 17") == NULL);
}

/** Baton seals what an application gives. */
static const struct str content[] = {STR_INIT("isdn-uui")};
static const struct uui_package sealing[] = {{.name = STR_INIT("isdn-uui"),
                                              .contents = content,
                                              .content_n = 1,
                                              .max_count = 1,
                                              .seal = UUI_SEAL_OPTIONAL,
                                              .seal_key = SIV_KEY}};
static const struct uui_packages sealed_by_us = {.row = sealing, .n = 1};

static void seal_ours(struct world *w)
{
    w->config.packages = &sealed_by_us;
}

static void test_req13_and_req14_made_calls(void)
{
    static const struct trial t[] = {
        {.name = "an application's value leaves sealed",
         .told = "isdn-uui valid, baton sip:group@example.com, seal=ok",
         .flows = 1u << FLOW_MADE,
         .plain = "acct 17",
         .tweak = seal_ours,
         .then = nobody_reads,
         .reads = "isdn-uui valid seal=ok 'acct 17', " GROUP},
        {.name = "and is flipped",
         .told = "isdn-uui valid, baton sip:group@example.com, seal=ok",
         .flows = 1u << FLOW_MADE,
         .plain = "acct 17",
         .box = {{TO_BOB, .attack = attack_flip}},
         .tweak = seal_ours,
         .reads = "isdn-uui wrong BAD_SEAL seal=forged, " ANN}};
    hostile_run(t, ARRAY_LEN(t));
}

/* ---- what the border makes of seals ---- */

static const struct str bank[] = {STR_INIT("bank")};
static const struct border_rule broken[] = {{.name = STR_INIT("broken seals"),
                                             .package = bank,
                                             .package_count = 1,
                                             .direction = BORDER_IN,
                                             .seals = 1u << SEAL_FORGED | 1u << SEAL_REPLAYED |
                                                      1u << SEAL_STALE | 1u << SEAL_NOT_SEALED,
                                             .action = BORDER_STRIP}};
static const struct border_policy no_broken = {.rule = broken, .count = 1};

static void strip_broken(struct world *w)
{
    w->config.policy = &no_broken;
}

#define TAKEN "strip bank header in of device 'broken seals'"

static const struct trial border[] = {
    {.name = "whole ones pass",
     .told = "bank valid, originator sip:group@example.com !sealDiffers, seal=ok",
     .flows = DIRECT,
     .tweak = strip_broken,
     SEALED(.reads = "bank valid seal=ok 'acct 17', " GROUP, .reports = "seal_ok")},
    {.name = "a flipped one does not",
     .told = "",
     .flows = DIRECT,
     .tweak = strip_broken,
     .box = {{FROM_ANN, .attack = attack_flip}},
     SEALED(.arrives = "", .reads = "",
            .reports = "uui_stripped 2; seal_forged; " TAKEN "; " TAKEN)},
    {.name = "an old one does not",
     .told = "",
     .flows = DIRECT,
     .tweak = strip_broken,
     .age_ms = 300000,
     SEALED(.arrives = "", .reads = "",
            .reports = "uui_stripped 2; seal_stale; " TAKEN "; " TAKEN)},
};

static void test_req13_at_the_border(void)
{
    hostile_run(border, ARRAY_LEN(border));
}

/* ---- REQ-14 ---- */

#define WITHHELD "strip vault header out of device (not over a hop without TLS)"
#define REFUSED "refuse vault header out of device (not over a hop without TLS)"

static const struct border_policy refusing = {.refuse_plain = true};

static void refuse_plain(struct world *w)
{
    w->config.policy = &refusing;
}

static const struct trial req14[] = {
    {.name = "sealed, aes-siv",
     .told = "bank valid, originator sip:group@example.com !sealDiffers, seal=ok",
     .flows = DIRECT,
     .then = nobody_reads,
     SEALED(.reads = "bank valid seal=ok 'acct 17', " GROUP)},
    {.name = "sealed, x25519",
     .told = "bank valid, originator sip:a@example.com !sealDiffers, seal=ok",
     .flows = DIRECT,
     .key = BOX_KEY,
     .then = nobody_reads,
     SEALED(.reads =
                "bank valid seal=ok 'acct 17', originator sip:a@example.com !sealDiffers")},
    {.name = "under the key id of another algorithm",
     .told = "bank valid, originator sip:group@example.com !sealDiffers, seal=ok",
     .flows = DIRECT,
     .then = nobody_reads,
     .box = {{TO_BOB, .attack = attack_text,
              .arg = "User-to-User: 00B305=>User-to-User: 00B306"}},
     SEALED(.reads = "bank wrong BAD_SEAL seal=malformed, " ANN)},
    {.name = "a package for TLS stays behind where there is none",
     .told =
         "isdn-uui valid, originator sip:1001@example.com; vault valid, originator sip:1001@example.com",
     .flows = DIRECT,
     .sends = UUI("0448;encoding=hex, 61636374203137;encoding=hex;purpose=vault"),
     .arrives = "0448;encoding=hex",
     .reports = "…uui_stripped 1; uui_withheld 1; " WITHHELD},
    {.name = "or the call does",
     .told = "",
     .flows = DIRECT,
     .sends = UUI("61636374203137;encoding=hex;purpose=vault"),
     .arrives = "no INVITE",
     .reports = "…uui_refused 1; uui_withheld 1; " REFUSED,
     .tweak = refuse_plain},
};

static void test_req14_privacy(void)
{
    hostile_run(req14, ARRAY_LEN(req14));
}

TEST_MAIN(T(test_req13_integrity), T(test_req13_reflected), T(test_req13_and_req14_made_calls),
          T(test_req13_at_the_border), T(test_req14_privacy))
