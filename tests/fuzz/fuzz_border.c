/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as header lines and body of a message at both doors of the border, with every
 * dialect. Demanded: where the scan sees nothing there is nothing; what leaves can be read
 * again; when a rule takes out everything, nothing is found any more but in bodies that could
 * not be changed; and what a rule lets pass is the same message.
 *
 *     octet 0  dialect    octet 1  bits: response, signed, in or out, …    rest: lines
 */
#include "../unit/kit_border.h"
#include "border/find.h"
#include "border/scan.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static const struct border_rule strip = {.name = STR_INIT("all"), .action = BORDER_STRIP};
static const struct border_rule pass = {.name = STR_INIT("all"), .action = BORDER_PASS};
static const struct border_rule swap = {.name = STR_INIT("all"),
                                        .action = BORDER_REPLACE,
                                        .value = STR_INIT("0448656C6C6F;encoding=hex")};

static struct str message(struct kit_border *k, struct str rest, unsigned choice)
{
    size_t cut = str_find(rest, STR("\r\n\r\n"));
    const struct str parts[] = {choice & 1 ? STR("SIP/2.0 302 Moved\r\n")
                                           : STR("INVITE sip:b@example.com SIP/2.0\r\n"),
                                STR("Call-ID: c\r\nCSeq: 1 INVITE\r\n"), str_upto(rest, cut),
                                STR("\r\n\r\n"), str_from(rest, cut + 4)};
    return arena_join(&k->arena, parts, ARRAY_LEN(parts));
}

/** Values that are found in it; of bodies, when they count. */
static size_t values(struct kit_border *k, struct str bytes, bool bodies)
{
    static const struct uui_far canonical = {0};
    static struct kit_msg msg;
    struct border_found f;
    size_t n = 0;
    demand(kit_index(&msg, bytes));
    int err = border_find(&msg.m, ~0u, NULL, &canonical, &k->arena, &f);
    demand(err == 0 || err == E_TOOMANY);
    if (err != 0) {
        return 1;
    }
    for (uint32_t i = 0; i < f.values.n; i++) {
        n += bodies || border_value_at(&f, i)->place != BORDER_BODY ? 1 : 0;
    }
    unsigned must = 0;
    for (uint32_t i = 0; i < f.values.n; i++) {
        static const uint8_t bit[] = {[BORDER_HEADER] = BORDER_SCAN_HEADER,
                                      [BORDER_X_HEADER] = BORDER_SCAN_X,
                                      [BORDER_URI_HEADER] = BORDER_SCAN_URI,
                                      [BORDER_URI_PARAM] = BORDER_SCAN_URI,
                                      [BORDER_BODY] = BORDER_SCAN_BODY};
        must |= bit[border_value_at(&f, i)->place];
    }
    demand((must & ~border_scan_msg(&msg.m)) == 0);
    demand((must & ~border_scan_bytes(bytes)) == 0);
    return n;
}

static enum border_verdict go(struct kit_border *k, struct str bytes, bool in)
{
    static struct kit_msg msg;
    struct hop hop = kit_border_hop(2, TP_UDP);
    if (!in) {
        struct txn_leaving what = {.run = &bytes, .n = 1};
        return border_out(&k->border, &hop, &what, &k->result);
    }
    demand(kit_index(&msg, bytes));
    return border_in(&k->border, &msg.m, &hop, &k->result);
}

static void try_rule(struct kit_border *k, struct str bytes, const struct border_rule *rule,
                     bool in)
{
    k->policy.rule = rule;
    enum border_verdict v = go(k, bytes, in);
    if (v == BORDER_CHANGED) {
        static struct kit_msg msg;
        struct sip_limits wide = {1 << 24, SIP_HDR_MAX, 1 << 20};
        struct sip_fault fault;
        msg.m.hdr = msg.hdr;
        demand(sip_msg_index(&msg.m, k->result.bytes, true, &wide, &fault) == 0);
        demand(rule != &strip || values(k, k->result.bytes, false) == 0);
    } else if (v == BORDER_AS_IT_IS && rule == &strip) {
        demand(values(k, bytes, false) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kit_border k;
    static struct kit_msg msg;
    size_t dialects = 0;
    if (size < 2 || size > 16384) {
        return 0;
    }
    while (uui_dialect_at(dialects) != NULL) {
        dialects++;
    }
    k.kit = (struct kit){.seed = 1};
    k.kit.env =
        (struct env){.ctx = &k.kit, .mem = mem_libc, .random = kit_random, .wall_s = kit_wall};
    memset(k.peer, 0, sizeof(k.peer));
    demand(kit_border_up(&k, &pass, 1, NULL) == 0);
    k.peer[0].uui.dialect = uui_dialect_at(data[0] % (dialects + 1));
    struct str bytes = message(&k, str_make((const char *)data + 2, size - 2), data[1]);
    if (kit_index(&msg, bytes) && msg.m.buf == bytes.p) {
        bool in = (data[1] & 2) != 0;
        bytes = str_make(bytes.p, msg.m.len);
        (void)values(&k, bytes, true);
        try_rule(&k, bytes, &pass, in);
        try_rule(&k, bytes, &strip, in);
        try_rule(&k, bytes, &swap, in);
    }
    kit_border_down(&k);
    return 0;
}
