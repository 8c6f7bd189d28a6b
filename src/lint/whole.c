/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that is one message from its first octet to its last, as somebody saved it: then its
 * bodies can be read as bodies, ISUP and parts included. See lint.h.
 *
 * Editors write LF for CRLF. Content-Length is right for neither then, so in such a text the
 * body is what follows the head. In one with CRLF nothing but white space may follow the body.
 * Where a second message begins it is a log, and the lines are all that is looked at.
 */
#include "base/err.h"
#include "lint/frames.h"
#include "lint/lint.h"
#include "sip/msg.h"

static struct str cut_line(struct str *rest)
{
    size_t n = str_index(*rest, '\n');
    struct str line = str_upto(*rest, n);

    *rest = str_from(*rest, n + 1);
    return line;
}

/** A line as it is looked at: without the CR. */
static struct str without_cr(struct str line)
{
    return str_ends(line, STR("\r")) ? str_upto(line, line.n - 1) : line;
}

static bool is_length(struct str line)
{
    struct str name = str_trim(str_upto(line, str_index(line, ':')));

    return str_ieq(name, STR("Content-Length")) || str_ieq(name, STR("l"));
}

/** With CRLF for each LF, and no Content-Length. Absent: memory is out */
static struct str with_crlf(struct arena *a, struct str text)
{
    char *p = arena_alloc(a, 2 * text.n + 2);
    bool head = true;
    struct out o;

    if (p == NULL) {
        return STR_NONE;
    }
    out_init(&o, p, 2 * text.n + 2);
    while (text.n > 0) {
        struct str line = cut_line(&text);
        head = head && line.n > 0;
        if (!head || !is_length(line)) {
            out_str(&o, line);
            out_c(&o, "\r\n");
        }
    }
    return out_str_of(&o);
}

static bool begins_another(struct str body)
{
    while (body.n > 0) {
        struct str line = without_cr(cut_line(&body));
        if (frames_find_start(line) < line.n) {
            return true;
        }
    }
    return false;
}

bool lint_whole(struct lint *l, struct str text, const struct lint_place *place)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    bool lf = str_index(text, '\r') == text.n, ours;
    struct str first = without_cr(str_upto(text, str_index(text, '\n')));

    if (first.n == 0 || frames_find_start(first) != 0) {
        return false;
    }
    text = lf ? with_crlf(&l->arena, text) : text;
    ours = str_is_set(text) &&
           sip_msg_index(&m, text, true, &sip_limits_default, &fault) == 0 &&
           isdn_body_may(&m) && str_trim(str_from(text, m.len)).n == 0 &&
           !begins_another(sip_msg_body(&m));
    if (ours) {
        lint_bytes(l, text, place);
    }
    arena_reset(&l->arena);
    return ours;
}
