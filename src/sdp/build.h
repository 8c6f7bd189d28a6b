/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of descriptions of Baton's own: shared by the files of this module that write them. */
#ifndef BATON_SDP_BUILD_H
#define BATON_SDP_BUILD_H

#include "sdp/sdp.h"

/** Is everything in *l one word, and, with `media`, its port one? */
bool sdp_local_check(const struct sdp_local *l, bool media);

/** v=, o=, s=, c= and the t= lines of the offer, or one for "always". */
void sdp_build_head(struct out *o, const struct sdp_local *l, struct str connection,
                    const struct sdp *offer);

/** "m=audio 9 RTP/AVP": up to its formats. */
void sdp_build_media(struct out *o, const struct sdp_media *m, uint16_t port);

/** The section in its place, with port 0. */
void sdp_build_rejected(struct out *o, const struct sdp_media *m);

/** One audio stream of the codecs that every phone has, without a direction. */
void sdp_build_audio(struct out *o, uint16_t port);

void sdp_build_dir(struct out *o, enum sdp_dir dir);

/** Only what is complete is written: on an error *o is as before. @return err, or E_SPACE */
int sdp_build_end(struct out *o, const struct out *before, int err);

#endif
