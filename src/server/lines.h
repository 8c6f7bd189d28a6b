/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that whole lines are appended to, one write each, so that lines of several processes
 * in it do not mix, and that can be rotated: renamed by somebody else, then opened again.
 */
#ifndef BATON_SERVER_LINES_H
#define BATON_SERVER_LINES_H

#include "base/str.h"

struct lines {
    char *file; /**< NULL: standard error */
    int fd;
};

/** @param file  NULL: standard error. @return false with errno set; nothing to close then */
bool lines_open(struct lines *l, const char *file);
void lines_close(struct lines *l);

/** Open the file again by its name. @return false with errno set; the old one is kept then */
bool lines_reopen(struct lines *l);

/** Append `line`, which ends in a line feed. What cannot be written is lost in silence: there
   is nobody left to tell. */
void lines_write(const struct lines *l, struct str line);

#endif
