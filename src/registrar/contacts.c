/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a contact to the phone that registered it.
 *
 * Somebody who was told a contact (by a rule that redirects, by reg-event, in Refer-To) and
 * whose outbound proxy we are sends us a request for it. The phone behind it may have no other
 * way in than its flow, so the contact is looked up rather than sent to.
 *
 * WHOSE IT IS. A phone may register what it likes, so what it says of itself must not take
 * calls from others: only hosts that are addresses, or .invalid as browsers have it (RFC
 * 7118 §5), are looked up, never a name that somebody might dial; and what two devices claim
 * is nobody's.
 *
 * COST       one map entry a binding, by the contact's user and host. Phones that share both
 *            (flows of one phone, ports of one address) are one chain.
 * INVARIANT  a linked binding is in the map, unless its user and host are longer than
 *            ADDRESS_MAX; then nobody finds it.
 */
#include "registrar/parts.h"

#define ADDRESS_MAX 512

/** @return false: not a URI, or a long one */
static bool hash_of(const struct registrar *r, const struct sip_uri *u, uint64_t *hash)
{
    char text[ADDRESS_MAX];
    struct out o;

    out_init(&o, text, sizeof(text));
    registrar_write_key(&o, u);
    *hash = hash_bytes(&r->key, out_str_of(&o));
    return !o.over;
}

void registrar_contact_link(struct binding *b)
{
    struct registrar *r = b->record->registrar;
    struct sip_uri uri;
    uint64_t hash;
    uint32_t at;

    if (sip_uri_parse(b->contact, 0, &uri, &at) == 0 && hash_of(r, &uri, &hash)) {
        map_add(&r->contacts, &b->by_contact, hash);
    }
}

void registrar_contact_unlink(struct binding *b)
{
    map_remove(&b->record->registrar->contacts, &b->by_contact);
}

/** RFC 3261 §19.1.4, but that sip and sips are the same, as they are for who registers. */
static bool is_contact(const struct binding *b, const struct sip_uri *u)
{
    struct sip_uri uri;
    uint32_t at;

    if (sip_uri_parse(b->contact, 0, &uri, &at) != 0) {
        return false;
    }
    uri.scheme = u->scheme;
    return sip_uri_eq(&uri, u);
}

/** Is it the name of a machine, not of a place that people know? */
static bool is_machine(struct str host)
{
    static const struct str invalid = STR_INIT(".invalid");
    struct addr a;

    return addr_parse_host(host, 5060, &a) ||
           (host.n > invalid.n && str_ieq(str_from(host, host.n - invalid.n), invalid));
}

const struct binding *registrar_find_contact(const struct registrar *r, const struct sip_uri *u)
{
    const struct binding *found = NULL;
    uint64_t hash;

    if ((u->scheme != SIP_SCHEME_SIP && u->scheme != SIP_SCHEME_SIPS) || !is_machine(u->host) ||
        !hash_of(r, u, &hash)) {
        return NULL;
    }
    for (struct map_node *n = map_first(&r->contacts, hash); n != NULL; n = map_next(n)) {
        const struct binding *b = container_of(n, struct binding, by_contact);
        if (!is_contact(b, u)) {
            continue;
        }
        if (found != NULL && found->record != b->record) {
            return NULL;
        }
        if (found == NULL || b->serial > found->serial) {
            found = b;
        }
    }
    return found;
}
