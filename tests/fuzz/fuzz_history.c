/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as header lines of a request, through all that src/history makes of History-Info,
 * Diversion, P-Asserted-Identity, Privacy and Reason. Demanded: what is written is whole lines
 * without a stray line break, can be read again by the same parsers, and reading it again and
 * writing it changes nothing more.
 */
#include "../unit/kit_retarget.h"
#include "history/history.h"
#include "history/identity.h"
#include "history/reason.h"
#include "sip/hdr.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static bool ours(const void *ctx, struct str host)
{
    (void)ctx;
    return host.n % 2 == 0;
}

/** Read what was written as the header lines of a message of its own. */
static bool reads(struct arena *a, struct str lines, struct hi_list *l,
                  struct diversion_list *d)
{
    static struct sip_hdr hdr[SIP_HDR_MAX];
    const struct str part[] = {STR("INVITE sip:b@example.com SIP/2.0\r\n"), lines, STR("\r\n")};
    struct str text = arena_join(a, part, 3);
    struct sip_limits wide = {1 << 24, SIP_HDR_MAX, 1 << 20};
    struct sip_fault fault;
    struct sip_msg m = {.hdr = hdr};
    return sip_msg_index(&m, text, true, &wide, &fault) == 0 && hi_list_parse(a, &m, l) == 0 &&
           diversion_list_parse(a, &m, d) == 0;
}

static void retarget(struct arena *a, const struct sip_msg *m, unsigned choice)
{
    struct history_args args = {
        .rules = {.mode = (uint8_t)(choice % 4),
                  .diversion = (uint8_t)(choice / 4 % 4),
                  .leaves = choice / 16 % 2 != 0,
                  .ours = ours},
        .domain = STR("example.com"),
        .request_uri = STR("sip:b@192.0.2.1"),
    };
    struct history_out out = {0};
    struct hi_list l;
    struct diversion_list d;
    if (choice / 32 % 2 != 0) {
        args.user = STR("sip:c@example.com");
        args.cause = 302;
    }
    demand(history_retarget(a, m, &args, &out) == 0);
    if (out.lines.n > 0) {
        demand(str_ends(out.lines, STR("\r\n")));
        demand(reads(a, out.lines, &l, &d));
        demand(l.count > 0 || d.count > 0);
    }
}

static void identity(struct arena *a, const struct sip_msg *m, unsigned choice)
{
    struct identity_args args = {.m = m,
                                 .from_trusted = choice % 2 != 0,
                                 .to_trusted = choice / 2 % 2 != 0,
                                 .rpid = choice / 4 % 2 != 0,
                                 .uri = STR("sip:1001@example.com"),
                                 .tel = STR("+49301")};
    struct history_out out = {0};
    struct str why;
    demand(identity_pass(a, &args, &out) == 0);
    demand(out.lines.n == 0 || str_ends(out.lines, STR("\r\n")));
    (void)identity_is_anonymous(&args);
    demand(privacy_is_possible(a, m, args.to_trusted, choice % 2 == 0, &why) || why.n > 0);
}

static void reasons(struct arena *a, const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str value;
    struct reason r;
    while (sip_msg_each(m, SIP_HDR_REASON, &it, &value)) {
        demand(reason_parse(value, &r) != 0 || r.protocol.n > 0);
    }
    demand(reason_lines(a, m).n > 0 || !sip_msg_has(m, SIP_HDR_REASON));
    (void)reason_q850_line(a, 486, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sip_hdr hdr[SIP_HDR_MAX];
    struct arena a;
    struct sip_fault fault;
    struct sip_msg m = {.hdr = hdr};
    arena_init(&a, &mem_libc, 65536);
    const struct str part[] = {STR("INVITE sip:b@example.com SIP/2.0\r\n"),
                               str_make((const char *)data, size), STR("\r\n\r\n")};
    struct str text = arena_join(&a, part, 3);
    if (sip_msg_index(&m, text, true, &sip_limits_default, &fault) == 0) {
        for (unsigned i = 0; i < 64; i++) {
            retarget(&a, &m, i);
        }
        for (unsigned i = 0; i < 8; i++) {
            identity(&a, &m, i);
        }
        reasons(&a, &m);
    }
    arena_fini(&a);
    return 0;
}
