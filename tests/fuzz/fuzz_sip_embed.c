/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as the URI of a Refer-To or of a Contact in a 3xx, and what it asks of the INVITE.
 * Demanded: no line that was taken has a control character in it but its own end, none is
 * dangerous, the bare URI is one, and Replaces and User-to-User have no line break.
 */
#include "base/err.h"
#include "sip/embed.h"
#include "sip/hdr.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        demand((unsigned char)s.p[i] >= 0x20 || s.p[i] == '\t');
    }
}

static void check_line(struct str line)
{
    size_t colon = str_index(line, ':');
    enum sip_hdr_id id = sip_hdr_id_of(str_upto(line, colon));
    demand(colon > 0 && colon < line.n);
    clean(line);
    demand((sip_hdr_flags(id) & (SIP_HDRF_HOP | SIP_HDRF_OWN)) == 0);
    demand(id != SIP_HDR_USER_AGENT && id != SIP_HDR_CONTENT_TYPE && id != SIP_HDR_REFERRED_BY);
}

static void check_lines(struct str lines)
{
    while (lines.n > 0) {
        size_t end = str_find(lines, STR("\r\n"));
        demand(end < lines.n);
        check_line(str_upto(lines, end));
        lines = str_from(lines, end + 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct sip_embedded e;
    struct sip_replaces r;
    struct sip_uri u, bare;
    struct arena arena;
    uint32_t at;

    if (sip_uri_parse(text, 0, &u, &at) != 0) {
        return 0;
    }
    arena_init(&arena, &mem_libc, 4096);
    if (sip_embed(&u, &arena, &e) == 0) {
        check_lines(e.lines);
        clean(e.uui);
        clean(e.replaces);
        clean(e.require);
        demand(sip_uri_parse(e.uri, 0, &bare, &at) == 0);
        demand(u.scheme == SIP_SCHEME_OTHER || !str_is_set(bare.headers));
        (void)sip_replaces_parse(e.replaces, &r);
    }
    arena_fini(&arena);
    return 0;
}
