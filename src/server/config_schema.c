/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables made from config_keys.h: the schema of libcyaml, and that of our own checks.
 *
 * Each section gives two arrays, in the same order: SECTION_fields for libcyaml and
 * SECTION_keys with ranges, defaults and texts. Everything is optional to libcyaml;
 * config_check.c has looked for what is needed before, and can say where it is missing.
 */
#include "server/config_raw.h"
#include <cyaml/cyaml.h>

#define OPT CYAML_FLAG_OPTIONAL
#define OPT_PTR (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

static const cyaml_schema_value_t string_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

#define FIELD_U(key, def, least, most, text) CYAML_FIELD_UINT(#key, OPT, RAW, key),
#define FIELD_B(key, def, text) CYAML_FIELD_BOOL(#key, OPT, RAW, key),
#define FIELD_S(key, def, text) \
    CYAML_FIELD_STRING_PTR(#key, OPT_PTR, RAW, key, 0, CYAML_UNLIMITED),
#define FIELD_W(key, def, words, text) FIELD_S(key, def, text)
#define FIELD_N(key, text) FIELD_S(key, "", text)
#define FIELD_L(key, def, text)                                                        \
    CYAML_FIELD_SEQUENCE_COUNT(#key, OPT_PTR, RAW, key, key##_count, &string_entry, 0, \
                               CYAML_UNLIMITED),
#define FIELD_M(key, section, text) CYAML_FIELD_MAPPING(#key, OPT, RAW, key, section##_fields),
#define FIELD_Q(key, section, text)                                                       \
    CYAML_FIELD_SEQUENCE_COUNT(#key, OPT_PTR, RAW, key, key##_count, &section##_entry, 0, \
                               CYAML_UNLIMITED),

#define KEY_U(key, def_, least_, most_, text_) \
    {.name = #key,                             \
     .kind = KEY_NUMBER,                       \
     .offset = offsetof(RAW, key),             \
     .def = (def_),                            \
     .least = (least_),                        \
     .most = (most_),                          \
     .text = (text_)},
#define KEY_B(key, def_, text_)    \
    {.name = #key,                 \
     .kind = KEY_BOOL,             \
     .offset = offsetof(RAW, key), \
     .def = (def_),                \
     .text = (text_)},
#define KEY_S(key, def_, text_)    \
    {.name = #key,                 \
     .kind = KEY_STRING,           \
     .offset = offsetof(RAW, key), \
     .def_text = (def_),           \
     .text = (text_)},
#define KEY_W(key, def_, words_, text_) \
    {.name = #key,                      \
     .kind = KEY_WORD,                  \
     .offset = offsetof(RAW, key),      \
     .def_text = (def_),                \
     .words = (words_),                 \
     .text = (text_)},
#define KEY_N(key, text_) \
    {.name = #key, .kind = KEY_NEEDED, .offset = offsetof(RAW, key), .text = (text_)},
#define KEY_L(key, def_, text_)    \
    {.name = #key,                 \
     .kind = KEY_LIST,             \
     .offset = offsetof(RAW, key), \
     .def_text = (def_),           \
     .text = (text_)},
#define KEY_M(key, section_, text_) \
    {.name = #key,                  \
     .kind = KEY_SECTION,           \
     .offset = offsetof(RAW, key),  \
     .text = (text_),               \
     .section = &section_##_section},
#define KEY_Q(key, section_, text_) \
    {.name = #key,                  \
     .kind = KEY_SECTIONS,          \
     .offset = offsetof(RAW, key),  \
     .text = (text_),               \
     .section = &section_##_section},

#define SECTION(name_, LIST)                                                         \
    static const cyaml_schema_field_t name_##_fields[] = {                           \
        LIST(FIELD_U, FIELD_B, FIELD_S, FIELD_W, FIELD_L, FIELD_N, FIELD_M, FIELD_Q) \
            CYAML_FIELD_END};                                                        \
    static const struct config_key name_##_keys[] = {                                \
        LIST(KEY_U, KEY_B, KEY_S, KEY_W, KEY_L, KEY_N, KEY_M, KEY_Q){.name = NULL}};
#define SUBSECTION(name_, LIST) \
    SECTION(name_, LIST)        \
    static const struct config_section name_##_section = {#name_, sizeof(RAW), name_##_keys};
#define ENTRY(name_)                                    \
    static const cyaml_schema_value_t name_##_entry = { \
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, RAW, name_##_fields)};

#define RAW struct raw_device
SUBSECTION(device, CONFIG_DEVICE)
ENTRY(device)
#undef RAW
#define RAW struct raw_application
SUBSECTION(application, CONFIG_APPLICATION)
ENTRY(application)
#undef RAW
#define RAW struct raw_certificate
SUBSECTION(certificate, CONFIG_CERTIFICATE)
ENTRY(certificate)
#undef RAW
#define RAW struct raw_tls
SUBSECTION(tls, CONFIG_TLS)
#undef RAW
#define RAW struct raw_websocket
SUBSECTION(websocket, CONFIG_WEBSOCKET)
#undef RAW
#define RAW struct raw_peer
SUBSECTION(peer, CONFIG_PEER)
ENTRY(peer)
#undef RAW
#define RAW struct raw_plan
SUBSECTION(plan, CONFIG_PLAN)
ENTRY(plan)
#undef RAW
#define RAW struct raw_route_header
SUBSECTION(route_header, CONFIG_ROUTE_HEADER)
ENTRY(route_header)
#undef RAW
#define RAW struct raw_route_match
SUBSECTION(route_match, CONFIG_ROUTE_MATCH)
#undef RAW
#define RAW struct raw_route_number
SUBSECTION(route_number, CONFIG_ROUTE_NUMBER)
#undef RAW
#define RAW struct raw_route_target
SUBSECTION(route_target, CONFIG_ROUTE_TARGET)
ENTRY(route_target)
#undef RAW
#define RAW struct raw_route_line
SUBSECTION(route_line, CONFIG_ROUTE_LINE)
ENTRY(route_line)
#undef RAW
#define RAW struct raw_route
SUBSECTION(route, CONFIG_ROUTE)
ENTRY(route)
#undef RAW
#define RAW struct raw_limits
SUBSECTION(limits, CONFIG_LIMITS)
#undef RAW
#define RAW struct raw_network
SUBSECTION(network, CONFIG_NETWORK)
#undef RAW
#define RAW struct raw_timers
SUBSECTION(timers, CONFIG_TIMERS)
#undef RAW
#define RAW struct raw_registrar
SUBSECTION(registrar, CONFIG_REGISTRAR)
#undef RAW
#define RAW struct raw_calls
SUBSECTION(calls, CONFIG_CALLS)
#undef RAW
#define RAW struct raw_conference
SUBSECTION(conference, CONFIG_CONFERENCE)
#undef RAW
#define RAW struct raw_proxy
SUBSECTION(proxy, CONFIG_PROXY)
#undef RAW
#define RAW struct raw_uui_group
SUBSECTION(uui_group, CONFIG_UUI_GROUP)
ENTRY(uui_group)
#undef RAW
#define RAW struct raw_cti
SUBSECTION(cti, CONFIG_CTI)
#undef RAW
#define RAW struct raw_phones
SUBSECTION(phones, CONFIG_PHONES)
#undef RAW
#define RAW struct raw_group
SUBSECTION(group, CONFIG_GROUP)
ENTRY(group)
#undef RAW
#define RAW struct raw_watcher
SUBSECTION(watcher, CONFIG_WATCHER)
ENTRY(watcher)
#undef RAW
#define RAW struct raw_events
SUBSECTION(events, CONFIG_EVENTS)
#undef RAW
#define RAW struct raw_guard
SUBSECTION(guard, CONFIG_GUARD)
#undef RAW
#define RAW struct raw_overload
SUBSECTION(overload, CONFIG_OVERLOAD)
#undef RAW
#define RAW struct raw_store
SUBSECTION(store, CONFIG_STORE)
#undef RAW
#define RAW struct raw_api_client
SUBSECTION(api_client, CONFIG_API_CLIENT)
ENTRY(api_client)
#undef RAW
#define RAW struct raw_api
SUBSECTION(api, CONFIG_API)
#undef RAW
#define RAW struct raw_trace
SUBSECTION(trace, CONFIG_TRACE)
#undef RAW
#define RAW struct raw_hep
SUBSECTION(hep, CONFIG_HEP)
#undef RAW
#define RAW struct raw_log
SUBSECTION(log, CONFIG_LOG)
#undef RAW
#define RAW struct raw_uui_package
SUBSECTION(uui_package, CONFIG_UUI_PACKAGE)
ENTRY(uui_package)
#undef RAW
#define RAW struct raw_uui_match
SUBSECTION(uui_match, CONFIG_UUI_MATCH)
#undef RAW
#define RAW struct raw_uui_rule
SUBSECTION(uui_rule, CONFIG_UUI_RULE)
ENTRY(uui_rule)
#undef RAW
#define RAW struct raw_uui
SUBSECTION(uui, CONFIG_UUI)
#undef RAW
#define RAW struct raw_root
SECTION(root, CONFIG_ROOT)

const struct config_section config_root_section = {"", sizeof(RAW), root_keys};
const struct cyaml_schema_value config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, RAW, root_fields)};
