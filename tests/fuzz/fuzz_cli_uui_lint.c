/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `baton uui lint` reads: logs, and the frames of captures.
 *
 * The first octet says which: 'T' a text, 'D' one in the dialect of that number, 'P' frames. A
 * frame is its link type and its length, two octets each, and its octets. Whatever it is: what
 * is found is judged, counted, and lies within what was given, and all that was held is freed.
 */
#include "cli/uui_lint.h"
#include "lint/frames.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void on_report(struct lint *l, const struct lint_report *r)
{
    (void)l;
    demand(r->value != NULL || str_is_set(r->where));
    demand(r->findings <= LINT_FINDINGS_MAX);
    demand(r->value == NULL || r->value->rule == UUI_R_NONE || r->findings > 0);
    for (size_t i = 0; i < r->findings; i++) {
        demand(r->finding[i].text[0] != '\0' && r->finding[i].rule[0] != '\0');
        demand(r->finding[i].at == SIZE_MAX || r->finding[i].at <= r->value->text.n);
    }
}

static void on_message(void *ctx, const struct frames_message *m)
{
    demand(m->bytes.n > 0 && m->from->family == m->to->family);
    lint_bytes(ctx, m->bytes, &(struct lint_place){.file = "x", .packet = 1});
}

static void read_text(struct lint *l, struct str text)
{
    struct lint_place place = {.file = "x"};
    (void)lint_whole(l, text, &place);
    while (text.n > 0) {
        size_t end = str_index(text, '\n');
        place.line++;
        lint_text_line(l, str_upto(text, end), &place);
        text = str_from(text, end + 1);
    }
    lint_text_end(l);
}

static unsigned at16(struct str s, size_t i)
{
    return (unsigned)(unsigned char)s.p[i] << 8 | (unsigned char)s.p[i + 1];
}

static void read_frames(struct lint *l, struct str rest)
{
    struct frames f;
    frames_init(&f, on_message, l);
    while (rest.n >= 4) {
        struct str frame = str_upto(str_from(rest, 4), at16(rest, 2));
        /* a block of its own, so that reading beyond it is seen */
        char *copy = malloc(frame.n + 1);
        demand(copy != NULL);
        memcpy(copy, frame.p, frame.n);
        demand(frames_input(&f, (int)at16(rest, 0), str_make(copy, frame.n)) == 0);
        free(copy);
        rest = str_from(rest, 4 + frame.n);
    }
    demand(f.messages == l->messages);
    frames_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = str_make((const char *)data, size);
    struct lint l;
    demand(lint_init(&l, on_report, NULL) == 0);
    if (size > 0 && data[0] == 'T') {
        read_text(&l, str_from(all, 1));
    } else if (size > 1 && data[0] == 'D') {
        l.far.dialect = uui_dialect_at(data[1] % 32); /* none behind the last */
        read_text(&l, str_from(all, 2));
    } else if (size > 0 && data[0] == 'P') {
        read_frames(&l, str_from(all, 1));
    }
    lint_fini(&l);
    return 0;
}
