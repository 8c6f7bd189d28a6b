/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meaning of what the file says about neighbours: whom we trust with identities, and who is
 * told what about diversions and causes (src/history).
 */
#include "history/history.h"
#include "isdn/wrap.h"
#include "server/config_map.h"
#include "uui/dialect.h"

static const char *const histories[] = {
    [HISTORY_AUTO] = "auto",
    [HISTORY_WRITE] = "write",
    [HISTORY_PASS] = "pass",
    [HISTORY_STRIP] = "strip",
};

static const char *const diversions[] = {
    [DIVERSION_PASS] = "none",
    [DIVERSION_HISTORY] = "history-info",
    [DIVERSION_WRITE] = "diversion",
    [DIVERSION_BOTH] = "both",
};

/** Which of the words it is; absent or none of them: `otherwise`. */
static uint8_t word_of(const char *word, const char *const *words, size_t n, uint8_t otherwise)
{
    for (size_t i = 0; word != NULL && i < n; i++) {
        if (strcmp(word, words[i]) == 0) {
            return (uint8_t)i;
        }
    }
    return otherwise;
}

static struct neighbour neighbour_of(const char *history, const char *diversion,
                                     const struct neighbour *otherwise)
{
    return (struct neighbour){
        .history = word_of(history, histories, ARRAY_LEN(histories), otherwise->history),
        .diversion =
            word_of(diversion, diversions, ARRAY_LEN(diversions), otherwise->diversion)};
}

static uint8_t domain_of(const char *word)
{
    if (word == NULL || strcmp(word, "default") == 0) {
        return PEER_AS_TRUSTED;
    }
    return strcmp(word, "inside") == 0 ? PEER_INSIDE : PEER_OUTSIDE;
}

/** "+4930123456": global, as P-Asserted-Identity needs it without a phone-context. */
static bool is_global_number(struct str s)
{
    if (s.n < 3 || s.n > 16 || s.p[0] != '+') {
        return false;
    }
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool map_numbers(struct config_tree *t, struct config *c)
{
    for (size_t i = 0; i < c->device_count; i++) {
        const char *tel = c->raw->devices[i].tel;
        if (tel == NULL) {
            continue;
        }
        if (!is_global_number(str_c(tel))) {
            yaml_node_t *at = tree_entry(t, tree_key(t, tree_root(t), "devices"), i);
            return tree_fault(t, tree_key(t, at, "tel"),
                              "tel: + and 2 to 15 digits are wanted, e.g. +4930123456");
        }
        c->devices[i].tel = str_c(tel);
    }
    return true;
}

/** The schema has checked the word. */
static uint8_t version_of(const char *word)
{
    uint8_t i = 0;
    while (word != NULL && isup_version_name(i) != NULL &&
           strcmp(word, isup_version_name(i)) != 0) {
        i++;
    }
    return isup_version_name(i) != NULL ? i : 0;
}

/** A dialect whose values lie in GTD bodies is of a gateway that wants them there. */
static bool map_gtd(struct config_tree *t, size_t i, const struct raw_peer *raw,
                    struct neighbour *to)
{
    const struct uui_dialect *d =
        raw->uui_dialect != NULL ? uui_dialect_named(str_c(raw->uui_dialect)) : NULL;

    if (d == NULL || d->carrier[0].place != UUI_AT_BODY) {
        return true;
    }
    if (to->isup_create) {
        yaml_node_t *at = tree_entry(t, tree_key(t, tree_root(t), "peers"), i);
        return tree_fault(t, tree_key(t, at, "isup"),
                          "isup: ISUP is made for a gateway that reads it; this uui_dialect is "
                          "of one that reads GTD");
    }
    to->gtd_create = to->isup_body = to->isdn = true;
    return true;
}

bool config_map_policy(struct config_tree *t, struct config *c)
{
    static const struct neighbour plain = {.history = HISTORY_AUTO,
                                           .diversion = DIVERSION_PASS};
    struct neighbour *all = &c->engine.call.policy;
    *all = neighbour_of(c->raw->calls.history, c->raw->calls.diversion, &plain);
    for (size_t i = 0; i < c->peer_count; i++) {
        const struct raw_peer *raw = &c->raw->peers[i];
        struct peer *to = &c->peers[i];
        to->domain = domain_of(raw->identity);
        to->policy = neighbour_of(raw->history, raw->diversion, all);
        to->policy.remote_party_id = raw->remote_party_id;
        to->policy.q850 = raw->q850;
        to->policy.isup_create = raw->isup != NULL && strcmp(raw->isup, "create") == 0;
        to->policy.isup_version = version_of(raw->isup_version);
        to->policy.isup_body = raw->isup_body || to->policy.isup_create;
        to->policy.isdn = raw->isdn || to->policy.isup_body;
        to->policy.uui_in_failure = raw->uui_in_failure;
        if (!map_gtd(t, i, raw, &to->policy)) {
            return false;
        }
        to->policy.isdn_octets =
            raw->uui_max_octets > 0 && raw->uui_max_octets < UUI_ISDN_OCTETS - 1
                ? (uint16_t)(raw->uui_max_octets + 1)
                : UUI_ISDN_OCTETS;
        if (raw->uui_in_failure && !to->policy.isdn) {
            yaml_node_t *at = tree_entry(t, tree_key(t, tree_root(t), "peers"), i);
            return tree_fault(t, tree_key(t, at, "uui_in_failure"),
                              "uui_in_failure: is about a peer with isdn");
        }
    }
    return map_numbers(t, c);
}
