/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is different about a message when it goes on: headers that are cut and lines that are
 * put in their place. The functions of this module add to one such list in turn; whoever
 * forwards (leg_content, proxy_target) takes `lines` and `cut`.
 */
#ifndef BATON_HISTORY_CHANGE_H
#define BATON_HISTORY_CHANGE_H

#include "base/arena.h"
#include "sip/msg.h"

/** Different headers that one change can cut: more than a URI can embed, and the module's. */
#define CHANGE_CUT_MAX 48

/** Zero it. Everything lies in the arena that the functions were given. */
struct history_out {
    struct str lines;           /**< header lines, each with CRLF; absent: none */
    const enum sip_hdr_id *cut; /**< ends with SIP_HDR_OTHER; NULL: none */
    /* the rest is the module's own */
    enum sip_hdr_id *list;
    uint32_t cuts;
};

/** Cut that header; once is enough. @return 0 or E_NOMEM */
int change_cut(struct history_out *c, struct arena *a, enum sip_hdr_id id);

/** Begin with lines and cuts that there are already. @return 0 or E_NOMEM */
int change_begin(struct history_out *c, struct arena *a, struct str lines,
                 const enum sip_hdr_id *cut);

/** Add whole lines. @return 0 or E_NOMEM */
int change_add(struct history_out *c, struct arena *a, struct str lines);

#endif
