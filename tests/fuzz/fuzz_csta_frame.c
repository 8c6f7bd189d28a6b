/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of CSTA over TCP, and the application sessions in them: whatever comes, a frame lies
 * within its input and comes back when it is written, a beginning never turns from good to
 * bad without an octet of its own, and a message of ECMA-354 that could be read is written so
 * that it is read again.
 */
#include "csta/appl.h"
#include "csta/frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void appl(struct str xml, struct arena *a)
{
    struct csta_appl m, again;
    char buf[4096];
    struct out o;
    if (csta_appl_read(xml, 1, a, &m) != 0 || m.kind == CSTA_APPL_NONE) {
        return;
    }
    out_init(&o, buf, sizeof(buf));
    csta_appl_write(&m, &o);
    if (!o.over &&
        (csta_appl_read(out_str_of(&o), 1, a, &again) != 0 || again.kind != m.kind)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *)data, size);
    struct csta_frame f;
    struct arena a;
    size_t used;

    arena_init(&a, &mem_libc, 4096);
    while (csta_frame_next(bytes, &f, &used) == CSTA_FRAME_WHOLE) {
        char header[CSTA_FRAME_HEADER];
        if (used < CSTA_FRAME_HEADER || used > bytes.n ||
            f.xml.p != bytes.p + CSTA_FRAME_HEADER || f.xml.n + CSTA_FRAME_HEADER != used ||
            !csta_frame_header(header, f.invoke, f.xml.n) ||
            memcmp(header, bytes.p, sizeof(header)) != 0) {
            abort();
        }
        for (size_t n = 0; n < used && n < 64; n++) {
            struct csta_frame part;
            size_t ignored;
            if (csta_frame_next(str_upto(bytes, n), &part, &ignored) != CSTA_FRAME_MORE) {
                abort();
            }
        }
        appl(f.xml, &a);
        bytes = str_from(bytes, used);
    }
    appl(str_make((const char *)data, size), &a);
    arena_fini(&a);
    return 0;
}
