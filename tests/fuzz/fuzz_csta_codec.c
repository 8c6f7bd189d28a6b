/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: what is read can be written in its edition, and reads back the same; what is not
 * read is answered with a reason, a place inside the input and an error that can be sent.
 */
#include "csta/csta.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 20 };

static char first[ROOM], second[ROOM];

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static struct str encode(const struct csta_msg *msg, char *buf)
{
    struct out o;
    out_init(&o, buf, ROOM);
    check(csta_encode(msg, msg->edition, &o) == 0);
    return out_str_of(&o);
}

static void check_fault(const struct csta_fault *fault, size_t size)
{
    const struct csta_msg answer = {.id = CSTA_MSG_ERROR_CODE, .error_code = &fault->error};
    struct out o;
    out_init(&o, first, ROOM);
    check(fault->offset <= size && fault->line > 0 && fault->column > 0);
    check(fault->reason != NULL && fault->reason[0] != '\0');
    check(csta_encode(&answer, CSTA_ED3, &o) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct csta_limits large = {.bytes = ROOM, .depth = 64, .elements = 10000};
    struct csta_fault fault = {0};
    struct csta_msg msg;
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    int err = csta_decode(str_make((const char *)data, size), NULL, &a, &msg, &fault);
    if (err) {
        check_fault(&fault, size);
        arena_fini(&a);
        return 0;
    }
    struct str once = encode(&msg, first);
    struct csta_msg again;
    check(csta_decode(once, &large, &a, &again, &fault) == 0);
    check(again.id == msg.id && again.edition == msg.edition);
    check(str_eq(encode(&again, second), once));
    arena_fini(&a);
    return 0;
}
