/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of the journal, whatever the disk has made of it, as a CloudEvent. The first octet says
 * whether it is an event of CSTA, a fact or a gap. What comes out is JSON, and the event of
 * CSTA in it is read back.
 */
#include "base/attr.h"
#include "csta/json.h"
#include "csta/json_text.h"
#include "cti/cloud.h"
#include "cti/record.h"
#include "fuzz_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct csta_limits large = {.bytes = 1 << 22, .depth = 64, .elements = 100000};

/** Pass one value. */
static void pass(struct json_reader *j)
{
    int kind = json_value(j), more;
    MUST(kind >= 0);
    if (kind == JSON_OBJECT) {
        while ((more = json_next_member(j)) == 1) {
            pass(j);
        }
        MUST(more == 0);
    } else if (kind == JSON_ARRAY) {
        while ((more = json_next_item(j)) == 1) {
            pass(j);
        }
        MUST(more == 0);
    }
}

/** All of it is JSON, but for what others have put there. */
static void check_json(struct str text, struct arena *a)
{
    struct json_reader j;
    json_init(&j, text, 1000000, a);
    pass(&j);
}

/** The event of CSTA stands first in `data`, and its name before it. */
static void check_csta(struct str text, struct arena *a)
{
    struct str rest = str_from(text, str_find(text, STR("\"data\":{\"")) + 9);
    struct str name = str_upto(rest, str_index(rest, '"'));
    struct str body = str_from(rest, name.n + 2);
    size_t end = str_find(body, STR(",\"ids\":{"));
    struct csta_msg msg;
    enum csta_msg_id id = csta_msg_find(name);
    MUST(id != CSTA_MSG_NONE && end < body.n);
    /* a text may say the same: then more of it is looked at */
    while (csta_json_read_body(id, str_upto(body, end), &large, a, &msg, NULL) != 0) {
        size_t next = str_find(str_from(body, end + 1), STR(",\"ids\":{"));
        MUST(end + 1 + next < body.n);
        end += 1 + next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"DeliveredEvent", "org.baton.operation.v1", "gap"};
    struct fuzz_env f;
    struct arena a;
    struct cloud_event e;
    struct str key, keys;
    if (size == 0) {
        return 0;
    }
    unsigned kind = data[0] % ARRAY_LEN(names);
    fuzz_env_init(&f);
    arena_init(&a, &f.env.mem, 4096);
    struct store_event row = {.number = 1 + data[0],
                              .watched = STR(""),
                              .event = str_c(names[kind]),
                              .data = str_make((const char *)data + 1, size - 1)};
    if (cloud_event(&row, (int64_t)size * 1000000007, STR("/baton/fuzz"), &a, &e) == 0) {
        MUST(e.number >= row.number && e.type.n > 0 && e.gap == (kind == 2));
        if (kind != 1) {
            check_json(e.text, &a);
        }
        if (kind == 0) {
            check_csta(e.text, &a);
        }
        for (keys = e.audience; cloud_next_key(&keys, &key);) {
            MUST(key.p >= e.audience.p && key.n <= e.audience.n);
        }
    }
    arena_fini(&a);
    MUST(f.live == 0);
    return 0;
}
