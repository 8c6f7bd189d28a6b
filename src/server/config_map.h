/* SPDX-License-Identifier: Apache-2.0 */
/* From libcyaml's structs to those of the server, with the checks of meaning. */
#ifndef BATON_SERVER_CONFIG_MAP_H
#define BATON_SERVER_CONFIG_MAP_H

#include "server/config_tree.h"

/** Fill `c` from c->raw. @return false with the tree's error filled */
bool config_map(struct config_tree *t, struct config *c);

/** What `uui_tags` of a peer declares (config_support.c). @return as config_map */
bool config_map_support(struct config_tree *t, struct config *c, yaml_node_t *list,
                        char *const *words, size_t n, struct peer *to);

/** How peers are asked what they understand (config_support.c). */
void config_map_asking(struct config *c);

/** The section "registrar". @return false with the tree's error filled */
bool config_map_registrar(struct config_tree *t, struct config *c);

/** The section "conference"; after peers and calls. @return false with the tree's error filled
 */
bool config_map_conference(struct config_tree *t, struct config *c);

/** Listeners, advertised addresses, TLS, WebSocket. */
bool config_map_net(struct config_tree *t, struct config *c);

/**
 * A file that the configuration names, seen from its folder.
 * @return NULL with the tree's error filled
 */
const char *config_file_path(struct config_tree *t, struct config *c, yaml_node_t *at,
                             const char *name);

/** Borrowed strings for a list of libcyaml's, in the configuration's arena. NULL: no memory */
struct str *config_strings(struct config *c, char *const *list, size_t n);

/** '*' stands at the end of a pattern or nowhere. @return false with the tree's error filled */
bool config_check_patterns(struct config_tree *t, yaml_node_t *list, char *const *patterns,
                           size_t n, const char *name);

/** (Re)make c->domains: the configured ones and the addresses that c->listen shows. */
int config_map_domains(struct config *c);

/** Time zone, dialling plans and routes; after the devices and peers (config_route.c). */
bool config_map_routes(struct config_tree *t, struct config *c);

/** What neighbours are told and believed; after the devices, peers and numbers
    (config_policy.c). */
bool config_map_policy(struct config_tree *t, struct config *c);

/** What strangers may cost, and what is refused under load (config_guard.c). */
bool config_map_guard(struct config_tree *t, struct config *c);

/** Packages of User-to-User, and the dialects of peers; after the peers. @return as config_map
 */
bool config_map_packages(struct config_tree *t, struct config *c);

/** Keys for sealed User-to-User, and the memory of it; after the packages (config_seal.c). */
bool config_map_seal(struct config_tree *t, struct config *c);

/** Rules about User-to-User at the border; after the packages. @return as config_map */
bool config_map_border(struct config_tree *t, struct config *c);

/** Profiles of phones, after the devices (config_phones.c). @return as config_map */
bool config_map_phones(struct config_tree *t, struct config *c);

/** The section `uui` (config_uui.c). */
bool config_map_uui(struct config_tree *t, struct config *c);

/** The section `api`; after `tls`. @return as config_map */
bool config_map_api(struct config_tree *t, struct config *c);

/** The section `store`. @return as config_map */
bool config_map_store(struct config_tree *t, struct config *c);

/** The sections `trace` and `hep`. @return as config_map */
bool config_map_trace(struct config_tree *t, struct config *c);

/** The section `events`. @return as config_map */
bool config_map_events(struct config_tree *t, struct config *c);

/**
 * The secret of one device or application.
 * @param at   its mapping in the file
 * @param has  out: one was given
 */
struct raw_secret {
    const char *password, *password_file, *password_env, *ha1_md5, *ha1_sha256;
};
bool config_secret(struct config_tree *t, struct config *c, yaml_node_t *at,
                   const struct raw_secret *raw, struct auth_secret *out, bool *has);

#endif
