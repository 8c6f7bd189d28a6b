/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the module: what the files of the public interface share. */
#ifndef BATON_UUI_API_H
#define BATON_UUI_API_H

#include "baton/uui.h"
#include "uui/uui.h"

/** A value in the public form; the slices stay where they are. */
void uui_export_value(const struct uui_value *v, struct baton_uui_value *out);

#endif
