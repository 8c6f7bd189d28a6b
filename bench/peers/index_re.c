/* SPDX-License-Identifier: Apache-2.0 */
/* The same work by libre: sip_msg_decode, and the two addresses that it leaves undecoded. */
#include "../bench.h"

/* libre declares the C99 types itself unless it is told that the compiler has them. */
#define HAVE_INTTYPES_H
#define HAVE_STDBOOL_H
#include <re/re.h>
#include <sys/socket.h>
#include <sys/types.h>

static size_t look(void *ctx, const char *p, size_t n)
{
    struct sip_msg *m = NULL;
    struct sip_addr contact;
    struct uri ruri;
    size_t sum = 0;
    struct mbuf *mb = ctx;
    mb->pos = 0;
    mb->end = 0;
    if (mbuf_write_mem(mb, (const uint8_t *)p, n) != 0) {
        return 0;
    }
    mb->pos = 0;
    if (sip_msg_decode(&m, mb) == 0) {
        const struct sip_hdr *h = sip_msg_hdr(m, SIP_HDR_CONTACT);
        if (h != NULL && sip_addr_decode(&contact, &h->val) == 0 &&
            uri_decode(&ruri, &m->ruri) == 0) {
            sum = ruri.host.l + m->via.branch.l + m->from.tag.l + m->to.uri.user.l +
                  m->cseq.num + contact.uri.host.l;
        }
    }
    mem_deref(m);
    return sum;
}

int main(int argc, char **argv)
{
    struct mbuf *mb = mbuf_alloc(65536);
    int err = libre_init() != 0 || mb == NULL || bench_messages("re", argc, argv, look, mb);
    mem_deref(mb);
    libre_close();
    return err;
}
