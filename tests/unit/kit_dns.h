/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone in a table: what a name server would say.
 *
 *     kit_dns_add(&zone, "_sip._udp.example.com", "SRV 10 60 5060 a.example.com");
 *     kit_dns_add(&zone, "a.example.com", "A 192.0.2.1");
 *     kit_dns_add(&zone, "example.com", "NAPTR 50 10 s SIP+D2T _sip._tcp.example.com");
 *     kit_dns_add(&zone, "b.example.com", "A failed");      the name servers are silent
 *     kit_dns_add(&zone, "c.example.com", "A wait");        the look-up runs
 */
#ifndef BATON_TESTS_KIT_DNS_H
#define BATON_TESTS_KIT_DNS_H

#include "base/env.h"
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIT_RECORDS 64

struct kit_record {
    char name[256], target[256], service[16], flags[8];
    enum dns_type type;
    int err;
    struct dns_record r;
};

struct kit_zone {
    size_t n, asked;
    struct kit_record record[KIT_RECORDS];
    struct dns_record out[KIT_RECORDS]; /**< the last answer */
};

static inline struct kit_record *kit_dns_add(struct kit_zone *z, const char *name,
                                             const char *text)
{
    struct kit_record *k = &z->record[z->n++];
    unsigned a = 0, b = 0, port = 0;
    char type[8] = "", what[256] = "";
    if (z->n > KIT_RECORDS || strlen(name) >= sizeof k->name ||
        sscanf(text, "%7s %255s", type, what) != 2) {
        abort();
    }
    memset(k, 0, sizeof *k);
    memcpy(k->name, name, strlen(name) + 1);
    k->err = strcmp(what, "failed") == 0 ? E_IO : strcmp(what, "wait") == 0 ? E_AGAIN : 0;
    k->type = type[0] == 'S'   ? DNS_SRV
              : type[0] == 'N' ? DNS_NAPTR
              : type[1]        ? DNS_AAAA
                               : DNS_A;
    if (k->err != 0) {
        return k;
    }
    bool ok = k->type == DNS_SRV
                  ? sscanf(text, "%*s %u %u %u %255s", &a, &b, &port, k->target) == 4
              : k->type == DNS_NAPTR ? sscanf(text, "%*s %u %u %7s %15s %255s", &a, &b,
                                              k->flags, k->service, k->target) == 5
                                     : addr_parse_host(str_c(what), 0, &k->r.addr);
    if (!ok) {
        abort();
    }
    k->r.priority = (uint16_t)a;
    k->r.weight = (uint16_t)b;
    k->r.port = (uint16_t)port;
    return k;
}

static inline int kit_dns_query(struct kit_zone *z, enum dns_type type, struct str name,
                                const struct dns_record **records, size_t *n)
{
    size_t found = 0;
    z->asked++;
    memset(z->out, 0x5a, sizeof z->out); /* the last answer is good no longer */
    for (size_t i = 0; i < z->n; i++) {
        struct kit_record *k = &z->record[i];
        if (k->type != type || !str_ieq(str_c(k->name), name)) {
            continue;
        }
        if (k->err != 0) {
            return k->err;
        }
        k->r.target = str_c(k->target);
        k->r.service = str_c(k->service);
        k->r.flags = str_c(k->flags);
        z->out[found++] = k->r;
    }
    *records = z->out;
    *n = found;
    return found > 0 ? 0 : E_NOTFOUND;
}

#endif
