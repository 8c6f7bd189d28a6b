/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of the API for people: lists as tables, single things as names and values.
 */
#ifndef BATON_CLI_VIEW_H
#define BATON_CLI_VIEW_H

#include "cli/table.h"
#include <jansson.h>

/** How a member is shown. */
enum view_kind {
    VIEW_TEXT,     /**< strings and numbers as they are, lists with commas, yes and no */
    VIEW_COUNT,    /**< how many a list has */
    VIEW_AGO,      /**< a time as what has passed since: "5 min" */
    VIEW_PARTIES,  /**< connections: "1001 connected, 1002 alerting" */
    VIEW_CONTACTS, /**< of bindings: "sip:1001@192.0.2.9, sip:1001@192.0.2.10;transport=tcp" */
    VIEW_CONTEXT,  /**< of a call, or one value: "isdn-uui=Order 7, crm=0A01" */
};

struct view_column {
    const char *title;  /**< NULL: the end */
    const char *member; /**< "a.b" is member b of object a; "": the item itself */
    enum view_kind kind;
};

/** The items of a list as a table. @param none  said when there are none */
void view_items(const json_t *items, const struct view_column *columns, const char *none,
                const struct table_style *style, FILE *to);

/**
 * Put the items into the order of one member: numbers of digits by their value and before all
 * other text. Those that are alike stay as they stand. Without memory nothing is sorted.
 */
void view_sort(json_t *items, const char *member);

/** An object, whatever its members: one a line, objects indented, lists of objects as tables.
 */
void view_object(const json_t *object, const struct table_style *style, size_t indent,
                 FILE *to);

/** One value on one line, into `buf`. */
struct str view_text(const json_t *value, enum view_kind kind, char *buf, size_t cap);

/** "12 s", "5 min", "3 h", "2 d" since an ISO 8601 time in UTC; not set: it is none. */
struct str view_ago(const char *time, int64_t now_s, char *buf, size_t cap);

#endif
