/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file as libcyaml loads it: one struct per section, made from the lists of
 * config_keys.h, and the table by which the file is checked and documented.
 *
 * Private to the configuration: config.h has what the rest of the program sees.
 */
#ifndef BATON_SERVER_CONFIG_RAW_H
#define BATON_SERVER_CONFIG_RAW_H

#include "server/config_keys.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAW_U(key, def, least, most, text) uint32_t key;
#define RAW_B(key, def, text) bool key;
#define RAW_S(key, def, text) char *key;
#define RAW_W(key, def, words, text) char *key;
#define RAW_N(key, text) char *key;
#define RAW_L(key, def, text) \
    char **key;               \
    uint32_t key##_count;
#define RAW_M(key, section, text) struct raw_##section key;
#define RAW_Q(key, section, text) \
    struct raw_##section *key;    \
    uint32_t key##_count;
#define RAW_STRUCT(LIST) LIST(RAW_U, RAW_B, RAW_S, RAW_W, RAW_L, RAW_N, RAW_M, RAW_Q)

struct raw_device {
    RAW_STRUCT(CONFIG_DEVICE)
};
struct raw_application {
    RAW_STRUCT(CONFIG_APPLICATION)
};
struct raw_certificate {
    RAW_STRUCT(CONFIG_CERTIFICATE)
};
struct raw_tls {
    RAW_STRUCT(CONFIG_TLS)
};
struct raw_websocket {
    RAW_STRUCT(CONFIG_WEBSOCKET)
};
struct raw_peer {
    RAW_STRUCT(CONFIG_PEER)
};
struct raw_plan {
    RAW_STRUCT(CONFIG_PLAN)
};
struct raw_route_header {
    RAW_STRUCT(CONFIG_ROUTE_HEADER)
};
struct raw_route_match {
    RAW_STRUCT(CONFIG_ROUTE_MATCH)
};
struct raw_route_number {
    RAW_STRUCT(CONFIG_ROUTE_NUMBER)
};
struct raw_route_target {
    RAW_STRUCT(CONFIG_ROUTE_TARGET)
};
struct raw_route_line {
    RAW_STRUCT(CONFIG_ROUTE_LINE)
};
struct raw_route {
    RAW_STRUCT(CONFIG_ROUTE)
};
struct raw_limits {
    RAW_STRUCT(CONFIG_LIMITS)
};
struct raw_network {
    RAW_STRUCT(CONFIG_NETWORK)
};
struct raw_timers {
    RAW_STRUCT(CONFIG_TIMERS)
};
struct raw_registrar {
    RAW_STRUCT(CONFIG_REGISTRAR)
};
struct raw_calls {
    RAW_STRUCT(CONFIG_CALLS)
};
struct raw_conference {
    RAW_STRUCT(CONFIG_CONFERENCE)
};
struct raw_proxy {
    RAW_STRUCT(CONFIG_PROXY)
};
struct raw_uui_group {
    RAW_STRUCT(CONFIG_UUI_GROUP)
};
struct raw_cti {
    RAW_STRUCT(CONFIG_CTI)
};
struct raw_phones {
    RAW_STRUCT(CONFIG_PHONES)
};
struct raw_group {
    RAW_STRUCT(CONFIG_GROUP)
};
struct raw_watcher {
    RAW_STRUCT(CONFIG_WATCHER)
};
struct raw_events {
    RAW_STRUCT(CONFIG_EVENTS)
};
struct raw_guard {
    RAW_STRUCT(CONFIG_GUARD)
};
struct raw_overload {
    RAW_STRUCT(CONFIG_OVERLOAD)
};
struct raw_store {
    RAW_STRUCT(CONFIG_STORE)
};
struct raw_api_client {
    RAW_STRUCT(CONFIG_API_CLIENT)
};
struct raw_api {
    RAW_STRUCT(CONFIG_API)
};
struct raw_trace {
    RAW_STRUCT(CONFIG_TRACE)
};
struct raw_hep {
    RAW_STRUCT(CONFIG_HEP)
};
struct raw_log {
    RAW_STRUCT(CONFIG_LOG)
};
struct raw_uui_package {
    RAW_STRUCT(CONFIG_UUI_PACKAGE)
};
struct raw_uui_match {
    RAW_STRUCT(CONFIG_UUI_MATCH)
};
struct raw_uui_rule {
    RAW_STRUCT(CONFIG_UUI_RULE)
};
struct raw_uui {
    RAW_STRUCT(CONFIG_UUI)
};
struct raw_root {
    RAW_STRUCT(CONFIG_ROOT)
};

enum key_kind {
    KEY_NUMBER,
    KEY_BOOL,
    KEY_STRING,
    KEY_WORD,
    KEY_LIST,
    KEY_NEEDED, /**< a string that must be there */
    KEY_SECTION,
    KEY_SECTIONS,
};

struct config_section;

struct config_key {
    const char *name; /**< NULL ends a table */
    enum key_kind kind;
    size_t offset; /**< of the member in the section's struct */
    uint32_t def, least, most;
    const char *def_text, *words, *text;
    const struct config_section *section;
};

struct config_section {
    const char *name;
    size_t size; /**< of its struct */
    const struct config_key *keys;
};

extern const struct config_section config_root_section;

struct cyaml_schema_value;
extern const struct cyaml_schema_value config_schema;

#endif
