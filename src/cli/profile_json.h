/* SPDX-License-Identifier: Apache-2.0 */
/* `baton profiles --json`: the same as without, for programs. */
#ifndef BATON_CLI_PROFILE_JSON_H
#define BATON_CLI_PROFILE_JSON_H

#include "phone/profile.h"
#include <jansson.h>

/** Its name, means and text: an entry of the list. NULL: memory is out, as below */
json_t *profile_json_entry(const struct phone_profile *p);
/** All of it. */
json_t *profile_json(const struct phone_profile *p);
/** Which one a User-Agent gets, why, and which others fit. */
json_t *profile_json_choice(const struct phone_profiles *all, const struct phone_choice *c,
                            struct str agent);

#endif
