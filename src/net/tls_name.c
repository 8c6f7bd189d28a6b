/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a certificate names: the SIP domain identities of RFC 5922 §7.1, compared as §7.2 says.
 *
 * The certificate was verified before; here is only the question of whose it is. There is no
 * wildcard: "*.example.com" in a certificate is that text and matches nothing that one could
 * ask for, and a suffix is no match. OpenSSL's own check (X509_check_host) follows the rules of
 * HTTP, which are others.
 *
 * Numeric addresses are not SIP domains and the RFC is silent about them; a request to a
 * numeric address is compared with the addresses that the certificate lists (RFC 5280
 * §4.2.1.6), which is what the administrator who had them written in means.
 */
#include "net/tls_store.h"
#include "sip/uri.h"
#include <openssl/x509v3.h>

static struct str text_of(const ASN1_STRING *s)
{
    return str_make((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/** DNS names are the same with and without the dot of the root. */
static bool same_host(struct str a, struct str b)
{
    if (a.n > 1 && a.p[a.n - 1] == '.') {
        a.n--;
    }
    if (b.n > 1 && b.p[b.n - 1] == '.') {
        b.n--;
    }
    return a.n > 0 && str_ieq(a, b);
}

/** The domain that a URI of the subjectAltName stands for. @return false: for none */
static bool domain_of(struct str uri, struct str *host)
{
    struct sip_uri u;
    uint32_t at;
    if (sip_uri_parse(uri, 0, &u, &at) != 0 || u.scheme != SIP_SCHEME_SIP ||
        str_is_set(u.user)) {
        return false;
    }
    *host = u.host;
    return true;
}

static bool names_uri(const GENERAL_NAMES *all, struct str name, bool *any)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        struct str host;
        if (g->type == GEN_URI && domain_of(text_of(g->d.uniformResourceIdentifier), &host)) {
            *any = true;
            if (same_host(host, name)) {
                return true;
            }
        }
    }
    return false;
}

static bool names_dns(const GENERAL_NAMES *all, struct str name)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        if (g->type == GEN_DNS && same_host(text_of(g->d.dNSName), name)) {
            return true;
        }
    }
    return false;
}

static bool names_address(const GENERAL_NAMES *all, const struct addr *a)
{
    size_t len = a->family == ADDR_IP4 ? 4 : 16;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        if (g->type == GEN_IPADD && ASN1_STRING_length(g->d.iPAddress) == (int)len &&
            memcmp(ASN1_STRING_get0_data(g->d.iPAddress), a->ip, len) == 0) {
            return true;
        }
    }
    return false;
}

/** RFC 5922 §7.1 step 2, for certificates from before subjectAltName. */
static bool names_common(X509 *cert, struct str name)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) {
        return false;
    }
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, at);
    return same_host(text_of(X509_NAME_ENTRY_get_data(entry)), name);
}

bool tls_cert_names(X509 *cert, struct str name)
{
    struct addr numeric;
    bool ok, any = false;
    if (X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) < 0) {
        return !addr_parse_host(name, 0, &numeric) && names_common(cert, name);
    }
    GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    if (all == NULL) {
        return false; /* unreadable, or there are two: no name is sure */
    }
    if (addr_parse_host(name, 0, &numeric)) {
        ok = names_address(all, &numeric);
    } else {
        ok = names_uri(all, name, &any) || (!any && names_dns(all, name));
    }
    GENERAL_NAMES_free(all);
    return ok;
}
