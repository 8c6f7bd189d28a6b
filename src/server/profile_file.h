/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of phones, read from files: one YAML file each (docs/phones.md), checked as strictly
 * as the configuration, with line and column of the first thing that is wrong.
 *
 * The files of a user go before those that came with Baton: one of a name that was there
 * already takes its place. Two files of a user with one name are a mistake, and told.
 */
#ifndef BATON_SERVER_PROFILE_FILE_H
#define BATON_SERVER_PROFILE_FILE_H

#include "base/arena.h"
#include "phone/profile.h"
#include "server/config.h"

/** Profiles that a set holds. */
#define PROFILES_MAX 256

/** A set while it is being filled, and the strings of it. Zeros and profile_set_init: empty. */
struct profile_set {
    struct arena arena;
    struct phone_profile item[PROFILES_MAX];
    bool shipped[PROFILES_MAX];     /**< came with Baton */
    struct phone_profiles profiles; /**< of `item` */
};

void profile_set_init(struct profile_set *s);
void profile_set_fini(struct profile_set *s);
/** The same on the heap. @return NULL: no memory */
struct profile_set *profile_set_new(void);
/** NULL is allowed. */
void profile_set_free(struct profile_set *s);

/**
 * Add a file, or every *.yaml of a folder in the order of their names.
 * @param shipped  it came with Baton: a name that is there already is passed over
 * @return false with *error filled; its file name lives as long as the set
 */
bool profile_set_add(struct profile_set *s, const char *path, bool shipped,
                     struct config_error *error);

/** The same for the text of one file; `path` names it. */
bool profile_set_read(struct profile_set *s, const char *path, struct str text, bool shipped,
                      struct config_error *error);

/** Where the profiles that came with Baton are installed. */
extern const char profile_folder[];

#endif
