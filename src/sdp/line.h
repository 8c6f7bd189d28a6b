/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and words of a session description: shared by the files of this module. */
#ifndef BATON_SDP_LINE_H
#define BATON_SDP_LINE_H

#include "base/str.h"

struct sdp_line {
    struct str text;  /**< without its line end */
    struct str whole; /**< with it */
    char type;        /**< 'v', 'm', ...; 0: not of the form "x=" */
    struct str value; /**< behind "x=" */
};

/** Cut the next line off *rest. @return false at the end */
bool sdp_line_next(struct str *rest, struct sdp_line *out);

/** Cut the next word off *rest; words are separated by spaces. @return false at the end */
bool sdp_word_next(struct str *rest, struct str *word);

/** Is the line one of the four direction attributes? */
bool sdp_line_dir(const struct sdp_line *line, uint8_t *dir);

#endif
