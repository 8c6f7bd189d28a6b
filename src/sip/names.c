/* SPDX-License-Identifier: Apache-2.0 */
/* Names and flags of the vocabulary tables, for callers outside the module. */
#include "sip/msg.h"

#include "sip/names.h"

struct str sip_method_name(enum sip_method m)
{
    return (unsigned)m < SIP_METHOD_COUNT ? sip_vocab_method_text[m] : STR_NONE;
}

enum sip_method sip_method_of(struct str name)
{
    return name.n == 0 ? SIP_METHOD_OTHER
                       : (enum sip_method)sip_method_lookup(name.p, name.n, name.n);
}

struct str sip_hdr_id_name(enum sip_hdr_id id)
{
    return (unsigned)id < SIP_HDR_COUNT ? sip_vocab_hdr_text[id] : STR_NONE;
}

enum sip_hdr_id sip_hdr_id_of(struct str name)
{
    /* CR would fold to '-'. */
    if (name.n == 0 || name.n > SIP_VOCAB_NAME_CAP || memchr(name.p, '\r', name.n) != NULL) {
        return SIP_HDR_OTHER;
    }
    return (enum sip_hdr_id)sip_hdr_lookup(name.p, name.n, name.n);
}

unsigned sip_hdr_flags(enum sip_hdr_id id)
{
    return (unsigned)id < SIP_HDR_COUNT ? sip_vocab_hdr[id].flags : 0;
}
