/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same work by sofia-sip: msg_make copies the octets and parses every header that its
 * table knows into structs.
 */
#include "../bench.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <string.h>

static size_t look(void *ctx, const char *p, size_t n)
{
    size_t sum = 0;
    (void)ctx;
    msg_t *m = msg_make(sip_default_mclass(), 0, p, (ssize_t)n);
    sip_t *sip = sip_object(m);
    if (sip != NULL && sip->sip_request != NULL && sip->sip_via != NULL &&
        sip->sip_from != NULL && sip->sip_to != NULL && sip->sip_cseq != NULL &&
        sip->sip_contact != NULL) {
        sum = strlen(sip->sip_request->rq_url->url_host) + strlen(sip->sip_via->v_branch) +
              strlen(sip->sip_from->a_tag) + strlen(sip->sip_to->a_url->url_user) +
              sip->sip_cseq->cs_seq + strlen(sip->sip_contact->m_url->url_host);
    }
    msg_destroy(m);
    return sum;
}

int main(int argc, char **argv)
{
    return bench_messages("sofia", argc, argv, look, NULL);
}
