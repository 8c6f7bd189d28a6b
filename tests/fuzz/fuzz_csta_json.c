/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as JSON. Taken as JSON: what is read is written, and reads back the same; what is
 * not is answered with a place inside the input. Taken as XML: what is read goes to JSON and
 * back, and gives the same XML.
 */
#include "csta/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 20 };

/* What has been read from JSON borrows from `first`. */
static char first[ROOM], second[ROOM], third[ROOM];
static const struct csta_limits large = {.bytes = ROOM, .depth = 64, .elements = 100000};

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static struct str to_json(const struct csta_msg *msg, char *buf)
{
    struct out o;
    out_init(&o, buf, ROOM);
    check(csta_json_write(msg, &o) == 0);
    return out_str_of(&o);
}

static struct str to_xml(const struct csta_msg *msg, char *buf)
{
    struct out o;
    out_init(&o, buf, ROOM);
    check(csta_encode(msg, CSTA_ED6, &o) == 0);
    return out_str_of(&o);
}

static void check_fault(const struct csta_json_fault *fault, size_t size)
{
    const struct csta_msg answer = {.id = CSTA_MSG_ERROR_CODE, .error_code = &fault->why.error};
    struct out o;
    check(fault->why.offset <= size && fault->why.line > 0 && fault->why.column > 0);
    check(fault->why.reason[0] != '\0' && fault->pointer_n <= CSTA_JSON_POINTER_MAX);
    (void)to_json(&answer, first);
    out_init(&o, first, ROOM);
    csta_json_explain(fault, &o);
    check(!o.over && o.n > 0);
}

/* JSON, struct, JSON: the same. */
static void check_same(const struct csta_msg *msg, struct csta_msg *again, struct arena *a)
{
    struct str once = to_json(msg, first);
    check(csta_json_read(once, &large, a, again, NULL) == 0);
    check(again->id == msg->id);
    check(str_eq(to_json(again, second), once));
}

static void as_json(struct str text, struct arena *a)
{
    struct csta_json_fault fault;
    struct csta_msg msg, again;
    int err = csta_json_read(text, NULL, a, &msg, &fault);
    if (err) {
        check_fault(&fault, text.n);
        return;
    }
    check_same(&msg, &again, a);
    check(str_eq(to_xml(&again, second), to_xml(&msg, third)));
}

/* XML may say a feature twice, and choose nothing where something is to be chosen; JSON has no
   place for either. */
static bool is_exact(struct str xml)
{
    static const struct str loose[] = {STR_INIT("ServList>"), STR_INIT("EvtsList>"),
                                       STR_INIT("LinkageID/>"), STR_INIT("numberUnits/>")};
    for (size_t i = 0; i < ARRAY_LEN(loose); i++) {
        if (str_find(xml, loose[i]) < xml.n) {
            return false;
        }
    }
    return true;
}

static void as_xml(struct str text, struct arena *a)
{
    struct csta_msg msg, again;
    if (csta_decode(text, NULL, a, &msg, NULL) != 0) {
        return;
    }
    check_same(&msg, &again, a);
    struct str xml = to_xml(&msg, third);
    check(!is_exact(xml) || str_eq(to_xml(&again, second), xml));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    as_json(text, &a);
    as_xml(text, &a);
    arena_fini(&a);
    return 0;
}
