/* SPDX-License-Identifier: Apache-2.0 */
/* The same work by libosip2: osip_message_parse, which parses what routing needs eagerly. */
#include "../bench.h"

#include <osipparser2/osip_parser.h>
#include <string.h>

/* the look-up takes no const */
static char branch_name[] = "branch";
static char tag_name[] = "tag";

static size_t look(void *ctx, const char *p, size_t n)
{
    osip_message_t *m = NULL;
    osip_contact_t *contact = NULL;
    osip_via_t *via = NULL;
    osip_generic_param_t *tag = NULL;
    osip_generic_param_t *branch = NULL;
    size_t sum = 0;
    (void)ctx;
    if (osip_message_init(&m) != 0) {
        return 0;
    }
    if (osip_message_parse(m, p, n) == 0 && osip_message_get_contact(m, 0, &contact) >= 0 &&
        osip_message_get_via(m, 0, &via) >= 0 &&
        osip_generic_param_get_byname(&m->from->gen_params, tag_name, &tag) == 0) {
        osip_via_param_get_byname(via, branch_name, &branch);
        sum = strlen(m->req_uri->host) + strlen(branch->gvalue) + strlen(tag->gvalue) +
              strlen(m->to->url->username) + strlen(m->cseq->number) +
              strlen(contact->url->host);
    }
    osip_message_free(m);
    return sum;
}

int main(int argc, char **argv)
{
    parser_init();
    return bench_messages("osip", argc, argv, look, NULL);
}
