/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of CSTA from JSON to XML and back, for who learns the protocol or debugs it: the
 * same readers and writers that every session uses. Nothing is done with the message.
 */
#include "api/handlers.h"
#include "api/request.h"
#include "base/err.h"
#include "csta/csta.h"
#include "csta/json.h"

enum { FIRST_GUESS = 4096 };

typedef int (*writer)(const struct csta_msg *m, struct out *o);

static int write_xml(const struct csta_msg *m, struct out *o)
{
    return csta_encode(m, CSTA_ED4, o);
}

/** Write it, into as much memory as it turns out to need, and answer. */
static void answer(struct api_request *r, const struct csta_msg *m, writer write,
                   const char *type)
{
    size_t cap = FIRST_GUESS;
    for (int again = 0; again < 2; again++) {
        char *p = arena_alloc(r->arena, cap);
        struct out o;
        if (p == NULL) {
            break;
        }
        out_init(&o, p, cap);
        int err = write(m, &o);
        if (err == 0) {
            api_reply(r, 200, type, out_str_of(&o), NULL, 0);
            return;
        }
        if (err != E_SPACE) {
            api_refuse(r, 400, "notWritable", "A message of this kind cannot be written.");
            return;
        }
        cap = o.need;
    }
    api_busy(r, E_NOMEM);
}

static void refuse(struct api_request *r, const struct csta_fault *why, struct str pointer,
                   struct str sentence)
{
    const struct api_fault fault = {
        .status = 400, .code = "invalidMessage", .pointer = pointer};
    if (sentence.n > 0) {
        api_problem(r, &fault, "%.*s", STR_ARG(sentence));
    } else {
        api_problem(r, &fault, "Line %u, column %u: %s.", why->line, why->column,
                    why->reason != NULL ? why->reason : "this is no message of CSTA");
    }
}

void api_post_csta_xml(struct api_request *r)
{
    struct csta_msg m;
    struct csta_json_fault fault = {0};
    char text[1024];
    struct out o;
    if (csta_json_read(r->body, NULL, r->arena, &m, &fault) != 0) {
        out_init(&o, text, sizeof(text));
        csta_json_explain(&fault, &o);
        refuse(r, &fault.why, str_make(fault.pointer, fault.pointer_n), out_str_of(&o));
        return;
    }
    answer(r, &m, write_xml, "application/xml");
}

void api_post_csta_json(struct api_request *r)
{
    struct csta_msg m;
    struct csta_fault fault = {0};
    if (csta_decode(r->body, NULL, r->arena, &m, &fault) != 0) {
        refuse(r, &fault, STR_NONE, STR_NONE);
        return;
    }
    answer(r, &m, csta_json_write, "application/json");
}
