/* SPDX-License-Identifier: Apache-2.0 */
/* Index and views of src/sip, to be compared with peers/index_*.c. */
#include "bench.h"

#include "sip/hdr.h"
#include "sip/msg.h"

static size_t look(void *ctx, const char *p, size_t n)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m;
    struct sip_fault fault;
    struct sip_uri ruri;
    struct sip_via via;
    struct sip_addr from;
    struct sip_addr to;
    struct sip_addr contact;
    struct sip_cseq cseq;
    uint32_t at;
    (void)ctx;
    m.hdr = hdr;
    if (sip_msg_index(&m, str_make(p, n), true, &sip_limits_default, &fault) != 0 ||
        sip_uri_parse(sip_msg_ruri(&m), sip_limits_default.uri, &ruri, &at) != 0 ||
        sip_msg_via(&m, &via) != 0 || sip_msg_addr(&m, SIP_HDR_FROM, &from) != 0 ||
        sip_msg_addr(&m, SIP_HDR_TO, &to) != 0 || sip_msg_cseq(&m, &cseq) != 0 ||
        sip_msg_addr(&m, SIP_HDR_CONTACT, &contact) != 0) {
        return 0;
    }
    return ruri.host.n + via.branch.n + sip_addr_tag(&from).n + to.uri.user.n + cseq.number +
           contact.uri.host.n;
}

int main(int argc, char **argv)
{
    return bench_messages("baton", argc, argv, look, NULL);
}
