/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as one message: index, check, every view of every line, an edit, a copy.
 * Demanded: the index stays within the octets; a copy judges and reads the same; an edit
 * that changes nothing gives the same octets, and the values of an edited message are the
 * ones that were set.
 */
#include "base/err.h"
#include "sip/edit.h"
#include "sip/hdr.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void index_is_sound(const struct sip_msg *m, size_t size)
{
    unsigned lines[SIP_HDR_COUNT] = {0};
    demand(m->len <= size && m->head_len <= m->len);
    demand(m->ruri_off + m->ruri_len <= m->head_len && m->method_len <= m->head_len);
    for (unsigned i = 0; i < m->hdr_count; i++) {
        const struct sip_hdr *h = &m->hdr[i];
        demand(h->name_off + h->name_len < h->val_off + 1);
        demand(h->val_off + h->val_len <= m->head_len && h->id < SIP_HDR_COUNT);
        demand(sip_hdr_id_of(sip_hdr_name(m, h)) == (enum sip_hdr_id)h->id);
        lines[h->id]++;
        demand(h->next == 0 || (h->next > i && m->hdr[h->next].id == h->id));
    }
    for (unsigned id = 1; id < SIP_HDR_COUNT; id++) {
        unsigned n = 0;
        for (const struct sip_hdr *h = sip_msg_line(m, (enum sip_hdr_id)id); h != NULL;
             h = sip_msg_next_line(m, h)) {
            n++;
        }
        demand(n == lines[id] && m->count[id] == (n < UINT8_MAX ? n : UINT8_MAX));
    }
}

static size_t view_all(const struct sip_msg *m)
{
    size_t sum = sip_msg_body(m).n;
    uint32_t at;
    for (unsigned i = 0; i < m->hdr_count; i++) {
        struct str v = sip_hdr_value(m, &m->hdr[i]);
        struct str element;
        while (sip_list_next(&v, &element)) {
            struct sip_via via;
            struct sip_addr addr;
            struct sip_cseq cseq;
            struct sip_media media;
            sum += (size_t)(sip_via_parse(element, &via, &at) == 0);
            sum += (size_t)(sip_cseq_parse(element, &cseq, &at) == 0);
            sum += (size_t)(sip_media_parse(element, &media) == 0);
            if (sip_addr_parse(element, &addr, &at) == 0) {
                sum += sip_addr_tag(&addr).n;
                demand(addr.star || sip_uri_eq(&addr.uri, &addr.uri));
            }
        }
    }
    return sum + sip_msg_tag(m, SIP_HDR_FROM).n + sip_msg_tag(m, SIP_HDR_TO).n;
}

static void copy_agrees(const struct sip_msg *m, int verdict)
{
    struct sip_fault fault;
    struct sip_msg_own *own = sip_msg_dup(&mem_libc, m);
    demand(own != NULL);
    demand(sip_msg_check(&own->m, &sip_limits_default, &fault) == verdict);
    demand(view_all(&own->m) == view_all(m));
    mem_free(&mem_libc, own);
}

static struct str emit(struct sip_edit *e)
{
    struct str run[SIP_RUN_MAX];
    int n = sip_edit_emit(e, run);
    demand(n >= 0);
    return sip_runs_flatten(&mem_libc, run, (size_t)n);
}

static void edit_agrees(const struct sip_msg *m)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg changed = {.hdr = hdr};
    struct sip_fault fault;
    struct arena arena;
    struct sip_edit e;
    /* up to three lines are added, and an edit holds so many changes */
    if (m->hdr_count > SIP_EDIT_MAX - 16) {
        return;
    }
    arena_init(&arena, &mem_libc, 4096);
    sip_edit_init(&e, m, &arena);
    struct str same = emit(&e);
    demand(str_eq(same, str_make(m->buf, m->len)));
    mem_free(&mem_libc, (void *)(uintptr_t)same.p);

    sip_edit_set(&e, SIP_HDR_MAX_FORWARDS, STR("17"));
    sip_edit_prepend(&e, SIP_HDR_VIA, STR("SIP/2.0/UDP new"));
    sip_edit_cut(&e, SIP_HDR_ROUTE);
    sip_edit_body(&e, STR("text/plain"), STR("new body"));
    struct str text = emit(&e);
    demand(sip_msg_index(&changed, text, false,
                         &(struct sip_limits){1 << 20, SIP_HDR_MAX, 1 << 20}, &fault) == 0);
    demand(str_eq(sip_msg_value(&changed, SIP_HDR_MAX_FORWARDS), STR("17")));
    demand(changed.count[SIP_HDR_MAX_FORWARDS] == 1);
    demand(str_eq(sip_msg_value(&changed, SIP_HDR_VIA), STR("SIP/2.0/UDP new")));
    demand(changed.count[SIP_HDR_VIA] == m->count[SIP_HDR_VIA] + 1);
    demand(!sip_msg_has(&changed, SIP_HDR_ROUTE));
    demand(str_eq(sip_msg_body(&changed), STR("new body")));
    demand(str_eq(sip_msg_value(&changed, SIP_HDR_CALL_ID), sip_msg_value(m, SIP_HDR_CALL_ID)));
    mem_free(&mem_libc, (void *)(uintptr_t)text.p);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct str bytes = str_make((const char *)data, size);
    int err = sip_msg_index(&m, bytes, true, &sip_limits_default, &fault);
    index_is_sound(&m, size);
    demand(err == 0 || (fault.reason != NULL && fault.at <= size));
    if (err != 0) {
        (void)view_all(&m);
        return 0;
    }
    err = sip_msg_check(&m, &sip_limits_default, &fault);
    demand(err == 0 || (fault.reason != NULL && fault.at <= m.len));
    demand(err == 0 || sip_is_request(&m) || fault.status == 0);
    copy_agrees(&m, err);
    edit_agrees(&m);
    return 0;
}
