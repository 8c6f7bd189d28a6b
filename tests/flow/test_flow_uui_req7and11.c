/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REQ-7 and REQ-11 of call-control User-to-User: interworking with the ISDN, and 128 octets
 * behind a discriminator; with somebody on the way who makes it longer, shorter, doubles it,
 * swaps the package, or changes one of two copies.
 *
 * The trunk is a gateway to the ISDN, and with a body in ISUP where the row says so.
 */
#include "hostile.h"

#include "isdn/body.h"
#include "isdn/isup.h"
#include "sip/edit.h"
#include <stdio.h>
#include <stdlib.h>

#define OUT (1u << FLOW_BRIDGE_TRUNK)
#define ANY \
    (1u << FLOW_BRIDGE | 1u << FLOW_PROXY | 1u << FLOW_BRIDGE_TRUNK | 1u << FLOW_PROXY_TRUNK)
#define UUI(value) "User-to-User: " value "\r\n"
#define HELLO "0448656C6C6F;encoding=hex;purpose=isdn-uui"
#define ANN "originator sip:1001@example.com"
#define FROM_ANN .from = "ann", .to = "baton", .pattern = "INVITE"

static void gateway(struct world *w)
{
    w->peer[1].policy.isdn = true;
}

/* ---- REQ-7 ---- */

static const struct trial req7[] = {
    {.name = "nobody on the way",
     .flows = OUT,
     .sends = UUI(HELLO),
     .arrives = HELLO,
     .reads = "isdn-uui valid, " ANN,
     .reports = ""},
    {.name = "doubled: the ISDN gets none",
     .flows = OUT,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_double}},
     .arrives = "",
     .reports = "uui_ignored 2; isdn_several 1"},
    {.name = "truncated within an octet: none",
     .flows = OUT,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_truncate, .arg = "5"}},
     .arrives = "",
     .reports = "uui_wrong 1; isdn_malformed 1"},
    {.name = "of another package: that passes by the ISDN",
     .flows = OUT,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_text, .arg = "purpose=isdn-uui=>purpose=crm"}},
     .arrives = "0448656C6C6F;encoding=hex;purpose=crm",
     .reads = "crm valid, " ANN,
     .reports = ""},
    {.name = "bit flip in the discriminator: it is not looked at",
     .flows = OUT,
     .sends = UUI("04;encoding=hex"),
     .box = {{FROM_ANN, .attack = attack_flip}},
     .arrives = "05;encoding=hex",
     .reads = "isdn-uui valid, " ANN,
     .reports = ""},
};

/** What is counted under another name when values are shown to nobody. */
static void test_req7_isdn(void)
{
    for (size_t i = 0; i < ARRAY_LEN(req7); i++) {
        struct trial t = req7[i];
        t.tweak = gateway;
        hostile_run(&t, 1);
    }
}

/** 0 to 130 octets, all discriminators: IE of Q.931, parameter of Q.763, and the header say the
    same; the call completes whatever the length is. */
static void test_req7_every_length(void)
{
    static char sends[1100], arrives[1024];
    for (unsigned n = 1; n <= 131; n = n < 3 || n > 126 ? n + 1 : n + 41) {
        struct out o;
        out_init(&o, arrives, sizeof(arrives) - 1);
        for (unsigned i = 0; i < n; i++) {
            out_fmt(&o, "%02X", i == 0 ? n * 2 & 0xff : i);
        }
        out_c(&o, ";encoding=hex");
        arrives[o.n] = '\0';
        (void)snprintf(sends, sizeof(sends), "User-to-User: %s\r\n", arrives);
        bool fits = n <= UUI_ISDN_OCTETS;
        struct trial t = {.name = "length",
                          .flows = OUT,
                          .sends = sends,
                          .arrives = fits ? arrives : "",
                          .reads = fits ? "isdn-uui valid, " ANN : "",
                          .reports = fits ? "" : "isdn_too_long 1",
                          .tweak = gateway};
        hostile_run(&t, 1);
    }
}

/* ---- REQ-11 ---- */

static void fill(char *text, size_t cap, unsigned octets)
{
    struct out o;
    out_init(&o, text, cap - 1);
    for (unsigned i = 0; i < octets; i++) {
        out_fmt(&o, "%02X", (i * 7 + 4) & 0xff);
    }
    out_c(&o, ";encoding=hex");
    text[o.n] = '\0';
}

static void sized(const char *name, unsigned octets, const struct box *box, unsigned left,
                  const char *reads)
{
    static char value[4096], sends[4200], arrives[4096];
    struct trial t = {
        .name = name, .flows = ANY, .sends = sends, .reads = reads, .reports = ""};
    fill(value, sizeof(value), octets);
    fill(arrives, sizeof(arrives), left);
    (void)snprintf(sends, sizeof(sends), "User-to-User: %s\r\n", value);
    t.arrives = arrives;
    if (box != NULL) {
        t.box[0] = *box;
    }
    hostile_run(&t, 1);
}

static void test_req11_octets(void)
{
    static const struct box cut = {FROM_ANN, .attack = attack_truncate, .arg = "256"};
    sized("128 and a discriminator", 129, NULL, 129, "isdn-uui valid, " ANN);
    sized("one", 1, NULL, 1, "isdn-uui valid, " ANN);
    sized("more than an ISDN has", 130, NULL, 130, "isdn-uui valid, " ANN);
    sized("1000", 1000, NULL, 1000, "isdn-uui valid, " ANN);
    sized("a box cuts the last octet off: that cannot be told", 129, &cut, 128,
          "isdn-uui valid, " ANN);
}

TEST_MAIN(T(test_req7_isdn), T(test_req7_every_length), T(test_req11_octets))
