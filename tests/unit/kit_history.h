/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/history share: a request with some headers, and an arena. */
#ifndef BATON_TESTS_KIT_HISTORY_H
#define BATON_TESTS_KIT_HISTORY_H

#include "base/err.h"
#include "history/history.h"
#include "history/identity.h"
#include "kit_msg.h"

struct hist {
    struct test_mem mem;
    struct arena arena;
    struct kit_msg msg;
    char text[16384];
};

static inline void hist_init(struct hist *k)
{
    test_mem_init(&k->mem);
    arena_init(&k->arena, &k->mem.mem, 4096);
}

static inline void hist_fini(struct hist *k)
{
    arena_fini(&k->arena);
    CHECK_INT(k->mem.live, 0);
}

static inline const struct sip_msg *hist_text(struct hist *k, const char *start,
                                              const char *method, const char *lines)
{
    int n = snprintf(k->text, sizeof(k->text),
                     "%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                     "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 %s\r\n"
                     "%sContent-Length: 0\r\n\r\n",
                     start, method, lines);
    CHECK(n > 0 && (size_t)n < sizeof(k->text));
    CHECK(kit_index(&k->msg, str_make(k->text, (size_t)n)));
    return &k->msg.m;
}

static inline const struct sip_msg *hist_invite(struct hist *k, const char *uri,
                                                const char *lines)
{
    char start[256];
    (void)snprintf(start, sizeof(start), "INVITE %s SIP/2.0", uri);
    return hist_text(k, start, "INVITE", lines);
}

static inline bool hist_cuts(const struct history_out *out, enum sip_hdr_id id)
{
    for (const enum sip_hdr_id *p = out->cut; p != NULL && *p != SIP_HDR_OTHER; p++) {
        if (*p == id) {
            return true;
        }
    }
    return false;
}

/** How often `word` stands in `text`. */
static inline size_t hist_count(struct str text, const char *word)
{
    size_t n = 0;
    while (str_find(text, str_c(word)) < text.n) {
        text = str_from(text, str_find(text, str_c(word)) + 1);
        n++;
    }
    return n;
}

/** All entries of a list, each followed by a line feed. */
static inline struct str hist_list(struct hist *k, const struct hi_list *l)
{
    struct str all = STR("");
    for (uint32_t i = 0; i < l->count; i++) {
        const struct str part[] = {all, l->entry[i].text, STR("\n")};
        all = arena_join(&k->arena, part, 3);
    }
    return all;
}

#endif
