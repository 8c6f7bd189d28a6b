/* SPDX-License-Identifier: Apache-2.0 */
/* Printing judged User-to-User values, for people and as JSON. */
#ifndef BATON_CLI_UUI_SHOW_H
#define BATON_CLI_UUI_SHOW_H

#include "uui/uui.h"
#include <stdio.h>

/** One value with its verdict and its octets, over several lines. `where` names the header
    that it stood in, or is absent. */
void uui_show_text(const struct uui_value *v, struct str where, FILE *to);

/** The same as one JSON object, without anything behind it. */
void uui_show_json(const struct uui_value *v, struct str where, FILE *to);

#endif
