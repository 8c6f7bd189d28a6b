/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caller preferences: see prefs.h. The steps and names are those of RFC 3841 §7.2.
 *
 * A rule without any feature ("Accept-Contact: *") wants nothing and is left out: it has no
 * score, and as a Reject-Contact it would reject everybody.
 */
#include "registrar/prefs.h"

#include "base/err.h"
#include "sip/hdr.h"

/* ---- reading ---- */

static size_t count_values(const struct sip_msg *m, enum sip_hdr_id id)
{
    struct sip_values it = {0};
    struct str v;
    size_t n = 0;
    while (n <= PREFS_RULES_MAX && sip_msg_each(m, id, &it, &v)) {
        n++;
    }
    return n;
}

static bool read_rules(const struct sip_msg *m, enum sip_hdr_id id, struct prefs *p)
{
    struct sip_values it = {0};
    struct str v, value;
    while (sip_msg_each(m, id, &it, &v)) {
        struct prefs_rule *rule = &p->rule[p->count];
        struct str params;
        (void)sip_value_head(v, &params);
        *rule = (struct prefs_rule){.reject = id == SIP_HDR_REJECT_CONTACT};
        if (!feature_read(&rule->want, params)) {
            return false;
        }
        rule->require = sip_param(params, STR("require"), &value);
        rule->explicit_ = sip_param(params, STR("explicit"), &value);
        p->count += rule->want.count > 0;
    }
    return true;
}

/** §7.2.2: methods, and for SUBSCRIBE events. */
static void read_implicit(const struct sip_msg *m, struct prefs *p)
{
    struct prefs_rule *rule = &p->rule[0];
    struct str event = sip_msg_value(m, SIP_HDR_EVENT);
    *rule = (struct prefs_rule){.require = true};
    (void)feature_add(&rule->want, STR("methods"), sip_msg_method(m));
    if (m->method == SIP_METHOD_SUBSCRIBE && event.n > 0) {
        (void)feature_add(&rule->want, STR("events"), sip_value_head(event, NULL));
    }
    p->count = 1;
    p->implicit = true;
}

int prefs_read(const struct sip_msg *m, struct arena *arena, struct prefs *out)
{
    size_t n =
        count_values(m, SIP_HDR_ACCEPT_CONTACT) + count_values(m, SIP_HDR_REJECT_CONTACT);
    *out = (struct prefs){0};
    if (n > PREFS_RULES_MAX) {
        return E_TOOMANY;
    }
    out->rule = arena_alloc(arena, (n > 0 ? n : 1) * sizeof(*out->rule));
    if (out->rule == NULL) {
        return E_NOMEM;
    }
    if (n == 0) {
        read_implicit(m, out);
        return 0;
    }
    bool ok = read_rules(m, SIP_HDR_REJECT_CONTACT, out) &&
              read_rules(m, SIP_HDR_ACCEPT_CONTACT, out);
    return ok ? 0 : E_TOOMANY;
}

/* ---- matching ---- */

/** Reject-Contact counts only where the contact speaks of everything that the rule names. */
static bool rejects(const struct prefs_rule *rule, const struct feature_set *has)
{
    return feature_common(&rule->want, has) == rule->want.count &&
           feature_fit(&rule->want, has);
}

/** Figure 1. @return false: drop the contact; *score < 0: the rule leaves the matching set */
static bool apply(const struct prefs_rule *rule, const struct feature_set *has, double *score)
{
    *score = -1;
    if (!feature_fit(&rule->want, has)) {
        return !rule->require;
    }
    *score = (double)feature_common(&rule->want, has) / (double)rule->want.count;
    if (*score < 1 && rule->explicit_) {
        *score = 0;
        return !rule->require;
    }
    return true;
}

bool prefs_score(const struct prefs *prefs, struct str params, uint32_t *qa_milli)
{
    struct feature_set has;
    double sum = 0;
    size_t accepts = 0;
    size_t matching = 0;
    *qa_milli = 1000;
    (void)feature_read(&has, params);
    if (has.count == 0) {
        return true;
    }
    for (size_t i = 0; i < prefs->count; i++) {
        const struct prefs_rule *rule = &prefs->rule[i];
        double score;
        if (rule->reject) {
            if (rejects(rule, &has)) {
                return false;
            }
            continue;
        }
        accepts++;
        if (!apply(rule, &has, &score)) {
            return false;
        }
        if (score >= 0) {
            sum += score;
            matching++;
        }
    }
    if (accepts > 0) {
        *qa_milli = matching > 0 ? (uint32_t)(sum * 1000 / (double)matching + 0.5) : 0;
    }
    return true;
}
