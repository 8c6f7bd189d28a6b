/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/disposition.h"

#include "sip/hdr.h"

static const struct {
    struct str word;
    uint8_t at; /* offset of the member */
    uint8_t says;
} words[] = {
    {STR_INIT("proxy"), offsetof(struct disposition, proxy), DIRECTIVE_YES},
    {STR_INIT("redirect"), offsetof(struct disposition, proxy), DIRECTIVE_NO},
    {STR_INIT("cancel"), offsetof(struct disposition, cancel), DIRECTIVE_YES},
    {STR_INIT("no-cancel"), offsetof(struct disposition, cancel), DIRECTIVE_NO},
    {STR_INIT("fork"), offsetof(struct disposition, fork), DIRECTIVE_YES},
    {STR_INIT("no-fork"), offsetof(struct disposition, fork), DIRECTIVE_NO},
    {STR_INIT("recurse"), offsetof(struct disposition, recurse), DIRECTIVE_YES},
    {STR_INIT("no-recurse"), offsetof(struct disposition, recurse), DIRECTIVE_NO},
    {STR_INIT("parallel"), offsetof(struct disposition, parallel), DIRECTIVE_YES},
    {STR_INIT("sequential"), offsetof(struct disposition, parallel), DIRECTIVE_NO},
    {STR_INIT("queue"), offsetof(struct disposition, queue), DIRECTIVE_YES},
    {STR_INIT("no-queue"), offsetof(struct disposition, queue), DIRECTIVE_NO},
};

void disposition_read(const struct sip_msg *m, struct disposition *out)
{
    struct sip_values it = {0};
    struct str v;
    *out = (struct disposition){0};
    while (sip_msg_each(m, SIP_HDR_REQUEST_DISPOSITION, &it, &v)) {
        for (size_t i = 0; i < ARRAY_LEN(words); i++) {
            uint8_t *member = (uint8_t *)out + words[i].at;
            if (*member == DIRECTIVE_NONE && str_ieq(str_trim(v), words[i].word)) {
                *member = words[i].says;
            }
        }
    }
    if (out->proxy == DIRECTIVE_NO) {
        out->fork = out->recurse = out->parallel = DIRECTIVE_NONE;
    }
}
