/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: see directory.h for what it is and whose the memory is.
 *
 * A device is kept under one key, "user@host" with the host in lower case. Every spelling of a
 * device that applications and phones use is first brought to (user, host) and then looked up
 * under that key, so that there is one place, `lookup`, which decides what a host means:
 *
 *   none of ours            → nobody
 *   ours, with devices      → the device of that domain
 *   ours, without devices   → another name of the default domain (numeric addresses mostly)
 *
 * Two domains that both have devices never answer for each other.
 */
#include "auth/directory.h"
#include "auth/named.h"
#include "base/err.h"

/** The longest "user@host" that can be a device. */
#define KEY_MAX 320

int directory_init(struct directory *d, const struct env *env, const struct str *domains,
                   size_t domain_count)
{
    memset(d, 0, sizeof(*d));
    d->env = env;
    d->key.k0 = env_random64(env);
    d->key.k1 = env_random64(env);
    d->domains = domains;
    d->domain_count = domain_count;
    int err = map_init(&d->devices, &env->mem, 64);
    if (err == 0) {
        err = map_init(&d->applications, &env->mem, 16);
    }
    if (err == 0) {
        err = map_init(&d->tels, &env->mem, 16);
    }
    if (err != 0) {
        directory_fini(d);
    }
    return err;
}

void directory_fini(struct directory *d)
{
    map_fini(&d->devices);
    map_fini(&d->applications);
    map_fini(&d->tels);
}

/** Index of the domain, or domain_count. */
static size_t domain_index(const struct directory *d, struct str host)
{
    size_t i = 0;
    while (i < d->domain_count && !str_ieq(d->domains[i], host)) {
        i++;
    }
    return i;
}

bool directory_is_domain(const struct directory *d, struct str host)
{
    return domain_index(d, host) < d->domain_count;
}

static bool is_wildcard(const struct addr *a)
{
    uint8_t all = 0;
    for (size_t i = 0; i < (a->family == ADDR_IP6 ? 16 : 4); i++) {
        all |= a->ip[i];
    }
    return all == 0;
}

static bool listens(const struct directory *d, struct str host, uint16_t port)
{
    struct addr a;
    if (d->own_count == 0 || !addr_parse_host(host, port, &a)) {
        return true;
    }
    for (size_t i = 0; i < d->own_count; i++) {
        const struct addr *o = &d->own[i];
        if (o->port == port &&
            (addr_ip_eq(o, &a) || (is_wildcard(o) && o->family == a.family))) {
            return true;
        }
    }
    return false;
}

bool directory_is_ours(const struct directory *d, const struct sip_uri *u)
{
    return directory_is_domain(d, u->host) &&
           (u->port == 0 || listens(d, u->host, (uint16_t)u->port));
}

bool directory_is_here(const struct directory *d, const struct sip_uri *u)
{
    return directory_is_domain(d, u->host) && listens(d, u->host, sip_uri_port(u));
}

static struct device *find_key(const struct directory *d, struct str key)
{
    struct map_node *n = map_first(&d->devices, hash_bytes(&d->key, key));
    for (; n != NULL; n = map_next(n)) {
        struct device *dev = container_of(n, struct device, by_key);
        if (str_eq(dev->key, key)) {
            return dev;
        }
    }
    return NULL;
}

void directory_know_tel(struct directory *d, struct device *dev)
{
    if (str_is_set(dev->tel)) {
        map_add(&d->tels, &dev->by_tel, hash_bytes(&d->key, dev->tel));
    }
}

void directory_forget_tel(struct directory *d, struct device *dev)
{
    if (str_is_set(dev->tel)) {
        map_remove(&d->tels, &dev->by_tel);
    }
}

struct device *directory_device_of_tel(const struct directory *d, struct str number)
{
    struct map_node *n = map_first(&d->tels, hash_bytes(&d->key, number));
    for (; n != NULL; n = map_next(n)) {
        struct device *dev = container_of(n, struct device, by_tel);
        if (str_eq(dev->tel, number)) {
            return dev;
        }
    }
    return NULL;
}

int directory_add_device(struct directory *d, struct device *dev)
{
    if (find_key(d, dev->key) != NULL) {
        return E_EXISTS;
    }
    size_t domain = domain_index(d, str_from(dev->key, str_index(dev->key, '@') + 1));
    if (domain < 64) {
        d->peopled |= 1ull << domain;
    }
    map_add(&d->devices, &dev->by_key, hash_bytes(&d->key, dev->key));
    directory_know_tel(d, dev);
    return 0;
}

int directory_add_application(struct directory *d, struct application *app)
{
    if (directory_application(d, app->name) != NULL) {
        return E_EXISTS;
    }
    map_add(&d->applications, &app->by_name, hash_bytes(&d->key, app->name));
    return 0;
}

void directory_remove_device(struct directory *d, struct device *dev)
{
    map_remove(&d->devices, &dev->by_key);
    directory_forget_tel(d, dev);
}

void directory_remove_application(struct directory *d, struct application *app)
{
    map_remove(&d->applications, &app->by_name);
}

struct application *directory_application(const struct directory *d, struct str name)
{
    struct map_node *n = map_first(&d->applications, hash_bytes(&d->key, name));
    for (; n != NULL; n = map_next(n)) {
        struct application *app = container_of(n, struct application, by_name);
        if (str_eq(app->name, name)) {
            return app;
        }
    }
    return NULL;
}

static bool is_from(const struct application *app, const struct env *env,
                    const struct hop *from)
{
    if (str_is_set(app->tls_name) && env->proves != NULL &&
        env->proves(env->ctx, from, app->tls_name)) {
        return true;
    }
    for (size_t i = 0; i < app->host_count; i++) {
        if (addr_ip_eq(&app->hosts[i], &from->remote)) {
            return true;
        }
    }
    return false;
}

struct application *directory_application_from(const struct directory *d,
                                               const struct hop *from)
{
    size_t slot = 0;

    for (struct map_node *n = map_walk(&d->applications, &slot, NULL); n != NULL;
         n = map_walk(&d->applications, &slot, n)) {
        struct application *app = container_of(n, struct application, by_name);
        if (is_from(app, d->env, from)) {
            return app;
        }
    }
    return NULL;
}

/** The device `user` in the domain `host`; absent host: the default domain. */
static struct device *lookup(const struct directory *d, struct str user, struct str host)
{
    size_t domain = str_is_set(host) ? domain_index(d, host) : 0;
    if (domain >= d->domain_count || user.n == 0) {
        return NULL;
    }
    bool peopled = domain >= 64 || (d->peopled >> domain & 1) != 0;
    struct str name = d->domains[peopled ? domain : 0];
    char buf[KEY_MAX];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    out_str(&o, user);
    out_ch(&o, '@');
    for (size_t i = 0; i < name.n; i++) {
        out_ch(&o, ascii_lower(name.p[i]));
    }
    return o.over ? NULL : find_key(d, out_str_of(&o));
}

struct device *directory_device(const struct directory *d, struct str key)
{
    size_t at = str_index(key, '@');
    if (at == key.n) {
        return lookup(d, key, STR_NONE);
    }
    return lookup(d, str_upto(key, at), str_from(key, at + 1));
}

/** RFC 3966 §3: visual separators mean nothing. */
static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

struct device *directory_device_of_uri(const struct directory *d, const struct sip_uri *u)
{
    if (u->scheme == SIP_SCHEME_OTHER || !str_is_set(u->user) ||
        (u->scheme != SIP_SCHEME_TEL && !directory_is_ours(d, u))) {
        return NULL;
    }
    /* Telephone parameters inside a user part ("1001;phone-context=x") are not its name. */
    struct str user = str_upto(u->user, str_index(u->user, ';'));
    char buf[KEY_MAX];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    if (u->scheme == SIP_SCHEME_TEL) {
        for (size_t i = 0; i < user.n; i++) {
            if (!is_separator(user.p[i])) {
                out_ch(&o, user.p[i]);
            }
        }
    } else {
        sip_unescape(&o, user);
    }
    if (o.over) {
        return NULL;
    }
    return lookup(d, out_str_of(&o), u->scheme == SIP_SCHEME_TEL ? STR_NONE : u->host);
}

/** As a name of this place: the user part, or the number without separators. */
static struct device *named_here(const struct directory *d, struct str text)
{
    text = named_unwrap(text);
    if (named_has_scheme(text)) {
        struct sip_uri u;
        uint32_t at;
        return sip_uri_parse(text, 0, &u, &at) == 0 ? directory_device_of_uri(d, &u) : NULL;
    }
    /* A bare number, perhaps with "&sub-address" or ";extension" of the CSTA number format. */
    text = str_upto(text, str_index(text, ';'));
    text = str_upto(text, str_index(text, '&'));
    return directory_device(d, text);
}

/** By its number in the world; NULL also when there is none in the text. */
static struct device *named_in_the_world(const struct directory *d, struct str text)
{
    char buf[NAMED_MAX];
    struct named n;

    if (d->tels.count == 0 || !named_read(text, buf, &n) || !n.world ||
        (str_is_set(n.host) && !directory_is_domain(d, n.host))) {
        return NULL;
    }
    return directory_device_of_tel(d, n.number);
}

struct device *directory_device_named(const struct directory *d, struct str text)
{
    struct device *dev = named_in_the_world(d, text);
    return dev != NULL ? dev : named_here(d, text);
}

bool directory_may_observe(const struct application *app, const struct device *dev)
{
    return access_scopes_observe(app->scopes, app->scope_count, dev->key);
}

bool directory_may_control(const struct application *app, const struct device *dev)
{
    return access_scopes_control(app->scopes, app->scope_count, dev->key);
}

static const struct peer *proven_peer(const struct directory *d, const struct hop *from)
{
    const struct env *env = d->env;
    if (env->proves == NULL || (from->transport != TP_TLS && from->transport != TP_WSS)) {
        return NULL;
    }
    for (size_t i = 0; i < d->peer_count; i++) {
        const struct peer *p = &d->peers[i];
        if (str_is_set(p->tls_name) && env->proves(env->ctx, from, p->tls_name)) {
            return p;
        }
    }
    return NULL;
}

static const struct peer *peer_at(const struct directory *d, const struct addr *from)
{
    const struct peer *any_port = NULL;
    for (size_t i = 0; i < d->peer_count; i++) {
        const struct peer *p = &d->peers[i];
        if (str_is_set(p->tls_name) || p->addr.family == ADDR_NONE ||
            !addr_ip_eq(&p->addr, from)) {
            continue;
        }
        if (p->addr.port == from->port) {
            return p;
        }
        if (p->addr.port == 0 && any_port == NULL) {
            any_port = p;
        }
    }
    return any_port;
}

const struct peer *directory_peer_from(const struct directory *d, const struct hop *from)
{
    const struct peer *p = proven_peer(d, from);
    return p != NULL ? p : peer_at(d, &from->remote);
}

const struct peer *directory_peer_named(const struct directory *d, struct str name)
{
    for (size_t i = 0; i < d->peer_count; i++) {
        if (str_eq(d->peers[i].name, name)) {
            return &d->peers[i];
        }
    }
    return NULL;
}
