/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Contact value of a REGISTER: reading it, and telling which binding it means.
 *
 * IDENTITY  Without reg-id a contact is its URI, compared as RFC 3261 §19.1.4 says, but that
 *           sip and sips are the same (RFC 5630 §5.1.1.1: the later one replaces). Where both
 *           sides have instance and reg-id, these two alone decide (RFC 5626 §6). Instances
 *           are compared without regard to case: phones write urn:uuid, whose digits have none.
 * EXPIRES   The parameter, else the Expires header, else the default (§10.2.1.1). A value that
 *           is no number counts as 3600, one above 2^32-1 as that; q has no such rule and is
 *           an error when it is not a qvalue (§25.1).
 * OWNERSHIP A contact is a set of slices of the request until registrar_contact_prepare copies
 * what a binding keeps into one block, which passes to the binding at the commit.
 */
#include "base/err.h"
#include "registrar/parts.h"

/* The vocabulary of methods must fit the bits of binding.methods. */
_Static_assert(SIP_METHOD_COUNT <= 32, "more methods than bits");

uint32_t registrar_contact_expires(struct str text)
{
    uint64_t v = 0;
    text = str_trim(text);
    if (text.n == 0) {
        return REGISTRAR_EXPIRES_MALFORMED;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return REGISTRAR_EXPIRES_MALFORMED;
        }
        v = v * 10 + (uint64_t)(text.p[i] - '0');
        v = v > UINT32_MAX ? UINT32_MAX : v;
    }
    return (uint32_t)v;
}

static struct str without_quotes(struct str s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
        return str_make(s.p + 1, s.n - 2);
    }
    return s;
}

struct str registrar_contact_instance(struct str params)
{
    struct str value;
    if (!sip_param(params, STR("+sip.instance"), &value) || value.n == 0) {
        return STR_NONE;
    }
    value = without_quotes(value);
    return value.n > 0 ? value : STR_NONE;
}

static bool fail(struct contact_fault *fault, unsigned status, const char *reason)
{
    *fault = (struct contact_fault){status, reason};
    return false;
}

bool registrar_contact_parse(struct str value, uint32_t expires, struct contact *out,
                             struct contact_fault *fault)
{
    uint32_t at;
    struct str text;
    *out = (struct contact){.q_milli = 1000, .expires_s = expires};
    if (sip_addr_parse(value, &out->addr, &at) < 0) {
        return fail(fault, 400, "Bad Contact");
    }
    if (out->addr.star) {
        return fail(fault, 400, "Contact * Stands Alone");
    }
    if (out->addr.uri.scheme != SIP_SCHEME_SIP && out->addr.uri.scheme != SIP_SCHEME_SIPS) {
        return fail(fault, 403, "Only SIP Contacts Can Be Reached");
    }
    if (sip_param(out->addr.params, STR("expires"), &text)) {
        out->expires_s = registrar_contact_expires(text);
    }
    if (sip_param(out->addr.params, STR("q"), &text)) {
        if (!sip_q_parse(text, &out->q_milli)) {
            return fail(fault, 400, "Bad q In Contact");
        }
        out->has_q = true;
    }
    out->instance = registrar_contact_instance(out->addr.params);
    if (sip_param(out->addr.params, STR("reg-id"), &text)) {
        /* 1 to 2^31-1 (RFC 5626 §4.2) */
        if (!str_to_u32(text, &out->reg_id) || out->reg_id == 0 || out->reg_id > INT32_MAX) {
            return fail(fault, 400, "Bad reg-id In Contact");
        }
        if (!str_is_set(out->instance)) {
            out->reg_id = 0;
        }
    }
    return true;
}

bool registrar_contact_same_phone(const struct contact *c, const struct binding *b)
{
    return str_is_set(c->instance) && str_is_set(b->instance) && c->reg_id == b->reg_id &&
           str_ieq(c->instance, b->instance);
}

bool registrar_contact_is(const struct contact *c, const struct binding *b)
{
    struct sip_uri uri;
    uint32_t at;
    if (c->reg_id != 0 && b->reg_id != 0) {
        return registrar_contact_same_phone(c, b);
    }
    if (str_eq(c->addr.uri_text, b->contact)) {
        return true;
    }
    if (sip_uri_parse(b->contact, 0, &uri, &at) != 0) {
        return false;
    }
    uri.scheme = c->addr.uri.scheme;
    return sip_uri_eq(&c->addr.uri, &uri);
}

/* Those that we write ourselves are not (RFC 5627 §5.1: nobody provides his own GRUU). */
static bool is_kept(struct str name)
{
    return !str_ieq(name, STR("expires")) && !str_ieq(name, STR("q")) &&
           !str_ieq(name, STR("pub-gruu")) && !str_ieq(name, STR("temp-gruu"));
}

/* What the binding keeps of the parameters, each with its ';', line folds taken out. */
static void write_params(struct str params, struct out *o)
{
    struct str name;
    struct str value;
    while (sip_param_next(&params, &name, &value)) {
        if (name.n == 0 || !is_kept(name)) {
            continue;
        }
        out_ch(o, ';');
        out_str(o, name);
        if (str_is_set(value)) {
            out_ch(o, '=');
        }
        registrar_write_unfolded(o, value);
    }
}

static struct str put(struct out *o, struct str s)
{
    if (!str_is_set(s)) {
        return STR_NONE;
    }
    const char *p = o->p + o->n;
    out_str(o, s);
    return str_make(p, s.n);
}

int registrar_contact_prepare(struct contact *c, const struct mem *mem,
                              const struct contact_origin *origin)
{
    /* write_params adds at most the first ';' to what is there */
    size_t size = c->addr.uri_text.n + c->addr.params.n + 1 + origin->call_id.n +
                  origin->user_agent.n + origin->routes.n + origin->supported.n;
    if (size > REGISTRAR_TEXT_MAX) {
        return E_TOOBIG;
    }
    c->block = mem_alloc(mem, size);
    if (c->block == NULL) {
        return E_NOMEM;
    }
    struct out o;
    out_init(&o, c->block, size);
    c->uri = put(&o, c->addr.uri_text);
    size_t from = o.n;
    write_params(c->addr.params, &o);
    c->params = str_make(o.p + from, o.n - from);
    c->call_id = put(&o, origin->call_id);
    c->user_agent = put(&o, origin->user_agent);
    c->routes = put(&o, origin->routes);
    c->supported = put(&o, origin->supported);
    return 0;
}

static uint32_t method_bit(struct str name)
{
    enum sip_method id = sip_method_of(str_trim(name));
    return id == SIP_METHOD_OTHER ? 0 : UINT32_C(1) << id;
}

uint32_t registrar_contact_methods(const struct contact *c, const struct sip_msg *m)
{
    uint32_t methods = 0;
    struct str name;
    struct sip_values it = {0};
    while (sip_msg_each(m, SIP_HDR_ALLOW, &it, &name)) {
        methods |= method_bit(name);
    }
    struct str list;
    if (methods == 0 && sip_param(c->addr.params, STR("methods"), &list)) {
        list = without_quotes(list);
        while (sip_list_next(&list, &name)) {
            methods |= method_bit(name);
        }
    }
    return methods;
}
