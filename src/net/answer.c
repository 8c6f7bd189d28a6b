/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the octets of a DNS answer to records (struct dns_record) and the time that they may be
 * kept. c-ares takes the records apart; the TTL of SRV and NAPTR, which it does not tell, is
 * read here: the smallest of the answer section, so that an alias on the way counts too.
 *
 * One block holds the records and behind them their strings. Nobody may make us keep more than
 * ANSWER_MAX records of a name: what is beyond is left out.
 */
#include "base/err.h"
#include "net/net_int.h"
#include <ares.h>
#include <arpa/inet.h>
#include <stdlib.h>

#define ANSWER_MAX 32

/** A sequence of records that grows; `text` is what their strings take. */
struct gather {
    struct dns_record record[ANSWER_MAX];
    size_t n, text;
};

static struct dns_record *add(struct gather *g)
{
    if (g->n == ANSWER_MAX) {
        return NULL;
    }
    struct dns_record *r = &g->record[g->n++];
    memset(r, 0, sizeof *r);
    return r;
}

static struct str keep(struct gather *g, const char *text)
{
    struct str s = str_c(text != NULL ? text : "");
    g->text += s.n;
    return s;
}

static void put(struct str *s, char **at)
{
    if (s->n > 0) {
        memcpy(*at, s->p, s->n);
        s->p = *at;
        *at += s->n;
    } else {
        *s = STR("");
    }
}

/** Into a block of its own, before c-ares frees what the strings point to. */
static int finish(const struct gather *g, struct dns_record **records, size_t *n)
{
    size_t head = g->n * sizeof(struct dns_record);
    if (g->n == 0) {
        return E_NOTFOUND;
    }
    struct dns_record *block = malloc(head + g->text);
    if (block == NULL) {
        return E_NOMEM;
    }
    memcpy(block, g->record, head);
    char *at = (char *)block + head;
    for (size_t i = 0; i < g->n; i++) {
        struct str *all[] = {&block[i].target, &block[i].service, &block[i].flags,
                             &block[i].regexp};
        for (size_t k = 0; k < ARRAY_LEN(all); k++) {
            put(all[k], &at);
        }
    }
    *records = block;
    *n = g->n;
    return 0;
}

/* ---- TTL ---- */

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/** Octets of the name at `p`, 0: there is none. */
static size_t name_len(const unsigned char *p, const unsigned char *all, int n)
{
    char *name = NULL;
    long len = 0;
    if (p - all >= n || ares_expand_name(p, all, n, &name, &len) != ARES_SUCCESS) {
        return 0;
    }
    ares_free_string(name);
    return len > 0 ? (size_t)len : 0;
}

uint32_t answer_ttl(const unsigned char *all, int n)
{
    enum { HEADER = 12, QUESTION_TAIL = 4, RECORD_HEAD = 10 };
    uint32_t ttl = UINT32_MAX;
    if (n < HEADER) {
        return 0;
    }
    unsigned questions = (unsigned)all[4] << 8 | all[5],
             answers = (unsigned)all[6] << 8 | all[7];
    const unsigned char *p = all + HEADER, *end = all + n;
    for (; questions > 0; questions--) {
        size_t len = name_len(p, all, n);
        if (len == 0 || (size_t)(end - p) < len + QUESTION_TAIL) {
            return 0;
        }
        p += len + QUESTION_TAIL;
    }
    for (; answers > 0; answers--) {
        size_t len = name_len(p, all, n);
        if (len == 0 || (size_t)(end - p) < len + RECORD_HEAD) {
            return 0;
        }
        p += len;
        uint32_t own = get32(p + 4);
        size_t data = (size_t)p[8] << 8 | p[9];
        ttl = own < ttl ? own : ttl;
        p += RECORD_HEAD;
        if ((size_t)(end - p) < data) {
            return 0;
        }
        p += data;
    }
    return ttl == UINT32_MAX || ttl > INT32_MAX ? 0 : ttl; /* RFC 2181 §8 */
}

/* ---- the four types ---- */

static void add_ip(struct gather *g, uint8_t family, const void *ip)
{
    struct dns_record *r = add(g);
    if (r != NULL) {
        r->addr.family = family;
        memcpy(r->addr.ip, ip, family == ADDR_IP4 ? 4 : 16);
    }
}

static int read_a(struct gather *g, const unsigned char *all, int n)
{
    struct ares_addrttl list[ANSWER_MAX];
    int count = ANSWER_MAX;
    int err = ares_parse_a_reply(all, n, NULL, list, &count);
    for (int i = 0; err == ARES_SUCCESS && i < count; i++) {
        add_ip(g, ADDR_IP4, &list[i].ipaddr);
    }
    return err;
}

static int read_aaaa(struct gather *g, const unsigned char *all, int n)
{
    struct ares_addr6ttl list[ANSWER_MAX];
    int count = ANSWER_MAX;
    int err = ares_parse_aaaa_reply(all, n, NULL, list, &count);
    for (int i = 0; err == ARES_SUCCESS && i < count; i++) {
        add_ip(g, ADDR_IP6, &list[i].ip6addr);
    }
    return err;
}

static int read_srv(struct gather *g, const unsigned char *all, int n, void **list)
{
    struct ares_srv_reply *first = NULL;
    int err = ares_parse_srv_reply(all, n, &first);
    *list = first;
    for (const struct ares_srv_reply *it = first; it != NULL; it = it->next) {
        struct dns_record *r = add(g);
        if (r == NULL) {
            break;
        }
        r->priority = it->priority;
        r->weight = it->weight;
        r->port = it->port;
        r->target = keep(g, it->host);
    }
    return err;
}

static int read_naptr(struct gather *g, const unsigned char *all, int n, void **list)
{
    struct ares_naptr_reply *first = NULL;
    int err = ares_parse_naptr_reply(all, n, &first);
    *list = first;
    for (const struct ares_naptr_reply *it = first; it != NULL; it = it->next) {
        struct dns_record *r = add(g);
        if (r == NULL) {
            break;
        }
        r->priority = it->order;
        r->weight = it->preference;
        r->target = keep(g, it->replacement);
        r->service = keep(g, (const char *)it->service);
        r->flags = keep(g, (const char *)it->flags);
        r->regexp = keep(g, (const char *)it->regexp);
    }
    return err;
}

int answer_read(enum dns_type type, const unsigned char *all, int n,
                struct dns_record **records, size_t *count)
{
    struct gather g = {.n = 0};
    void *list = NULL;
    int status = ARES_ENODATA;
    switch (type) {
    case DNS_A:
        status = read_a(&g, all, n);
        break;
    case DNS_AAAA:
        status = read_aaaa(&g, all, n);
        break;
    case DNS_SRV:
        status = read_srv(&g, all, n, &list);
        break;
    case DNS_NAPTR:
        status = read_naptr(&g, all, n, &list);
        break;
    case DNS_TYPES:
        break;
    }
    int err = status == ARES_SUCCESS                               ? finish(&g, records, count)
              : status == ARES_ENODATA || status == ARES_ENOTFOUND ? E_NOTFOUND
                                                                   : E_IO;
    if (list != NULL) {
        ares_free_data(list);
    }
    return err;
}

int answer_of_host(const struct hostent *host, struct dns_record **records, size_t *count)
{
    struct gather g = {.n = 0};
    for (char **ip = host->h_addr_list; *ip != NULL; ip++) {
        add_ip(&g, host->h_addrtype == AF_INET6 ? ADDR_IP6 : ADDR_IP4, *ip);
    }
    return finish(&g, records, count);
}
