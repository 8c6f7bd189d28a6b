/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: against a model that keeps everything, and when memory is out. */
#include "base/attr.h"
#include "base/err.h"
#include "csta/csta.h"
#include "cti/journal.h"
#include "cti/record.h"
#include "test.h"

#include <stdio.h>

static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed += 0x9e3779b97f4a7c15ull;
    uint64_t z = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static void env_random_fn(void *ctx, void *out, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)out)[i] = (unsigned char)next_random();
    }
}

struct kit {
    struct test_mem mem;
    struct env env;
    struct journal *j;
};

static void up(struct kit *k, uint32_t records)
{
    test_mem_init(&k->mem);
    k->env = (struct env){.mem = k->mem.mem, .random = env_random_fn};
    k->j = journal_new(&k->env, records);
    CHECK(k->j != NULL);
}

static void down(struct kit *k)
{
    journal_free(k->j);
    CHECK_INT(k->mem.live, 0);
}

static uint64_t put(struct kit *k, const char *device, const char *call_id)
{
    struct journal_record r = {.device = str_c(device), .call_id = str_c(call_id), .event = 7};
    return journal_append(k->j, &r);
}

/** Device and callID of the next record, or "again", "gap". */
static void check_next(struct kit *k, struct journal_cursor *c, const char *call_id)
{
    const struct journal_record *r;
    switch (journal_peek(k->j, c, &r)) {
    case 0:
        CHECK_STR(r->call_id, call_id);
        journal_step(c, r);
        break;
    case E_AGAIN:
        CHECK_STR(STR("again"), call_id);
        break;
    default:
        CHECK_STR(STR("gap"), call_id);
    }
}

static void test_journal_keeps_all_of_a_record(void)
{
    struct kit k;
    struct journal_cursor c;
    const struct journal_record *r;
    char text[] = "c1-user-corr-sip:1-sip:2";
    up(&k, 4);
    struct journal_record in = {
        .device = str_make(text + 13, 5),
        .call_id = str_make(text, 2),
        .user_data = str_make(text + 3, 4),
        .correlator = str_make(text, 0),
        .body = str_make(text + 8, 4),
        .party =
            {[JOURNAL_SUBJECT] = str_make(text + 13, 5), [JOURNAL_TO] = str_make(text + 19, 5)},
        .identity = {[JOURNAL_SUBJECT] = JOURNAL_ID, [JOURNAL_TO] = JOURNAL_RESTRICTED},
        .local = 3,
        .event = 44,
        .cause = 55,
    };
    CHECK_INT(journal_open(k.j, in.device, 0, &c), 0);
    CHECK_INT(journal_append(k.j, &in), 1);
    memset(text, '#', sizeof(text)); /* it is a copy */
    if (CHECK_INT(journal_peek(k.j, &c, &r), 0)) {
        CHECK_INT(r->number, 1);
        CHECK_STR(r->device, "sip:1");
        CHECK_STR(r->call_id, "c1");
        CHECK_STR(r->user_data, "user");
        CHECK(str_is_set(r->correlator) && r->correlator.n == 0);
        CHECK_STR(r->body, "corr");
        CHECK_STR(r->party[JOURNAL_SUBJECT], "sip:1");
        CHECK_STR(r->party[JOURNAL_TO], "sip:2");
        CHECK(!str_is_set(r->party[JOURNAL_BY]));
        CHECK_INT(r->identity[JOURNAL_TO], JOURNAL_RESTRICTED);
        CHECK_INT(r->local, 3);
        CHECK_INT(r->event, 44);
        CHECK_INT(r->cause, 55);
    }
    journal_close(k.j, &c);
    down(&k);
}

static void test_journal_cursor_sees_its_device_only(void)
{
    struct kit k;
    struct journal_cursor a, b, late;
    up(&k, 16);
    CHECK_INT(journal_head(k.j), 0);
    CHECK_INT(journal_open(k.j, STR("a"), 0, &a), 0);
    CHECK_INT(journal_open(k.j, STR("b"), 0, &b), 0);
    CHECK_INT(put(&k, "a", "1"), 1);
    CHECK_INT(put(&k, "b", "2"), 2);
    CHECK_INT(put(&k, "a", "3"), 3);
    CHECK_INT(journal_open(k.j, STR("a"), journal_head(k.j), &late), 0);
    CHECK_INT(put(&k, "a", "4"), 4);
    check_next(&k, &a, "1");
    check_next(&k, &a, "3");
    check_next(&k, &a, "4");
    check_next(&k, &a, "again");
    check_next(&k, &b, "2");
    check_next(&k, &b, "again");
    check_next(&k, &late, "4");
    check_next(&k, &late, "again");
    put(&k, "a", "5");
    check_next(&k, &late, "5");
    journal_close(k.j, &a);
    journal_close(k.j, &b);
    journal_close(k.j, &late);
    down(&k);
}

static void test_journal_resumes(void)
{
    struct kit k;
    struct journal_cursor c;
    up(&k, 16);
    put(&k, "a", "1");
    put(&k, "b", "2");
    put(&k, "a", "3");
    put(&k, "b", "4");
    put(&k, "a", "5");
    for (unsigned after = 0; after <= 5; after++) {
        static const char *const want[] = {"1", "3", "3", "5", "5", "again"};
        CHECK_INT(journal_open(k.j, STR("a"), after, &c), 0);
        check_next(&k, &c, want[after]);
        journal_close(k.j, &c);
    }
    down(&k);
}

static void test_journal_gap(void)
{
    struct kit k;
    struct journal_cursor a, b;
    up(&k, 2);
    CHECK_INT(journal_open(k.j, STR("a"), 0, &a), 0);
    CHECK_INT(journal_open(k.j, STR("b"), 0, &b), 0);
    put(&k, "a", "1");
    put(&k, "b", "2");
    check_next(&k, &a, "1");
    put(&k, "b", "3"); /* drops 1, which a has read */
    check_next(&k, &a, "again");
    check_next(&k, &b, "2");
    put(&k, "b", "4"); /* drops 2 */
    check_next(&k, &b, "3");
    put(&k, "a", "5");
    check_next(&k, &a, "5");
    put(&k, "a", "6"); /* drops 4, which b has not read */
    check_next(&k, &b, "gap");
    check_next(&k, &b, "gap");
    check_next(&k, &a, "6");
    journal_close(k.j, &a);
    journal_close(k.j, &b);
    CHECK_INT(journal_open(k.j, STR("b"), journal_head(k.j), &b), 0);
    check_next(&k, &b, "again");
    journal_close(k.j, &b);
    down(&k);
}

/* Many devices, cursors opened and closed anywhere, a ring of any size. The model: an array. */
enum { DEVICES = 5, CURSORS = 12, STEPS = 20000 };

struct model {
    uint8_t device[STEPS + 1]; /* of each number */
    uint64_t head;
    uint32_t records;
};

static uint64_t model_next(const struct model *m, unsigned device, uint64_t after, bool *gap)
{
    uint64_t oldest = m->head > m->records ? m->head - m->records + 1 : 1;
    *gap = false;
    for (uint64_t n = after + 1; n <= m->head; n++) {
        if (m->device[n] == device) {
            *gap = n < oldest;
            return n;
        }
    }
    return 0;
}

struct reader {
    struct journal_cursor c;
    unsigned device;
    uint64_t after;
    bool open, from_head;
};

static void reader_turn(struct kit *k, const struct model *m, struct reader *rd)
{
    static const char *const names[DEVICES] = {"d0", "d1", "d2", "d3", "d4"};
    const struct journal_record *r;
    bool gap;
    if (!rd->open) {
        rd->device = (unsigned)(next_random() % DEVICES);
        rd->after =
            next_random() % 4 == 0 && m->head > 0 ? m->head - next_random() % m->head : m->head;
        rd->from_head = rd->after == m->head;
        rd->open =
            CHECK_INT(journal_open(k->j, str_c(names[rd->device]), rd->after, &rd->c), 0);
        return;
    }
    uint64_t want = model_next(m, rd->device, rd->after, &gap);
    int err = journal_peek(k->j, &rd->c, &r);
    if (!rd->from_head && err == E_NOTFOUND && rd->after + m->records < m->head) {
        gap = true; /* who comes with an old place is told of a gap when in doubt */
        want = 1;
    }
    if (!CHECK_INT(err, want == 0 ? E_AGAIN : gap ? E_NOTFOUND : 0)) {
        return;
    }
    if (err == 0 && CHECK_INT(r->number, want)) {
        journal_step(&rd->c, r);
        rd->after = want;
    }
    if (err == E_NOTFOUND || next_random() % 50 == 0) {
        journal_close(k->j, &rd->c);
        rd->open = false;
    }
}

static void test_journal_against_model(void)
{
    static struct model m;
    for (uint32_t records = 1; records <= 64; records *= 4) {
        struct reader reader[CURSORS] = {{.open = false}};
        struct kit k;
        char name[3] = "d0", call_id[24];
        m = (struct model){.records = records};
        up(&k, records);
        for (unsigned i = 0; i < STEPS / 4; i++) {
            unsigned device = (unsigned)(next_random() % DEVICES);
            if (next_random() % 3 == 0) {
                name[1] = (char)('0' + device);
                (void)snprintf(call_id, sizeof(call_id), "%u", i);
                CHECK_INT(put(&k, name, call_id), ++m.head);
                m.device[m.head] = (uint8_t)device;
            } else {
                reader_turn(&k, &m, &reader[next_random() % CURSORS]);
            }
        }
        for (unsigned i = 0; i < CURSORS; i++) {
            if (reader[i].open) {
                journal_close(k.j, &reader[i].c);
            }
        }
        down(&k);
    }
}

static void test_journal_without_memory(void)
{
    struct kit k;
    struct journal_cursor c, late;
    for (size_t i = 1; i < 5; i++) {
        test_mem_init(&k.mem);
        k.mem.fail_at = i;
        k.mem.fail_on = true;
        k.env = (struct env){.mem = k.mem.mem, .random = env_random_fn};
        k.j = journal_new(&k.env, 8);
        journal_free(k.j);
        CHECK_INT(k.mem.live, 0);
    }
    up(&k, 8);
    CHECK_INT(journal_open(k.j, STR("a"), 0, &c), 0);
    put(&k, "a", "1");
    k.mem.fail_at = k.mem.calls + 1;
    k.mem.fail_on = true;
    CHECK_INT(put(&k, "a", "2"), 2); /* the number is used up */
    CHECK_INT(journal_open(k.j, STR("b"), 0, &late), E_NOMEM);
    CHECK_INT(put(&k, "b", "3"), 3);
    check_next(&k, &c, "gap");
    k.mem.fail_at = 0;
    CHECK_INT(journal_open(k.j, STR("a"), journal_head(k.j), &late), 0);
    check_next(&k, &late, "again");
    put(&k, "a", "4");
    check_next(&k, &c, "gap");
    check_next(&k, &late, "4");
    check_next(&k, &late, "again");
    journal_close(k.j, &c);
    journal_close(k.j, &late);
    down(&k);
}

static void test_journal_warm_ring_reuses(void)
{
    struct kit k;
    struct journal_cursor c;
    up(&k, 8);
    CHECK_INT(journal_open(k.j, STR("a"), 0, &c), 0);
    for (unsigned i = 0; i < 8; i++) {
        put(&k, "a", "1");
    }
    size_t calls = k.mem.calls;
    for (unsigned i = 0; i < 100; i++) {
        put(&k, "a", "another one");
    }
    CHECK_INT(k.mem.calls, calls); /* no allocation once warm */
    journal_close(k.j, &c);
    down(&k);
}

/** An event that could not be written down is a gap where it belongs, and only there. */
static void test_journal_miss(void)
{
    struct journal_cursor a, b, behind;
    struct kit k;
    up(&k, 8);
    CHECK_INT(journal_open(k.j, STR("a"), 0, &a), 0);
    CHECK_INT(journal_open(k.j, STR("b"), 0, &b), 0);
    put(&k, "a", "1");
    put(&k, "b", "2");
    CHECK_INT(journal_miss(k.j, STR("a")), 3);
    CHECK_INT(journal_miss(k.j, STR("nobody")), 4);
    check_next(&k, &a, "gap");
    check_next(&k, &b, "2");
    check_next(&k, &b, "again");
    CHECK_INT(journal_open(k.j, STR("a"), journal_head(k.j), &behind), 0);
    check_next(&k, &behind, "again");
    put(&k, "a", "5");
    check_next(&k, &behind, "5");
    for (unsigned i = 0; i < 20; i++) { /* round the ring, with nothing in it */
        (void)journal_miss(k.j, STR("a"));
    }
    check_next(&k, &behind, "gap");
    journal_close(k.j, &a);
    journal_close(k.j, &b);
    journal_close(k.j, &behind);
    down(&k);
}

/* ---- what outlives the process ---- */

struct kept {
    struct store_event e[16];
    char data[16][256], name[16][16];
    size_t n;
};

static void on_store(void *ctx, const struct store_event *e)
{
    struct kept *s = ctx;
    size_t i = s->n++;
    CHECK(i < ARRAY_LEN(s->e));
    CHECK(e->data.n <= sizeof(s->data[i]) && e->watched.n <= sizeof(s->name[i]));
    s->e[i] = (struct store_event){.number = e->number};
    s->e[i].watched = str_make(s->name[i], e->watched.n);
    if (e->watched.n > 0) {
        memcpy(s->name[i], e->watched.p, e->watched.n);
    }
    s->e[i].event = str_eq(e->event, STORE_GAP) ? STORE_GAP : STR("x");
    if (str_is_set(e->data)) {
        memcpy(s->data[i], e->data.p, e->data.n);
        s->e[i].data = str_make(s->data[i], e->data.n);
    }
}

/** Records of one run are read in the next; numbers go on; what is not kept is a gap. */
static void test_journal_goes_on_after_a_restart(void)
{
    struct kept kept = {.n = 0};
    struct store_ops ops = {.ctx = &kept, .event = on_store};
    struct journal_record full = {.device = STR("a"),
                                  .call_id = STR("2"),
                                  .user_data = STR("\0\1x"),
                                  .correlator = STR("c"),
                                  .about = STR("<x/>"),
                                  .digits = STR("1#"),
                                  .tone_ms = 100,
                                  .pause_ms = 50,
                                  .local = CSTA_STATE_HOLD,
                                  .event = CSTA_MSG_HELD_EVENT,
                                  .cause = CSTA_CAUSE_NORMAL};
    const struct journal_record *r;
    struct journal_cursor old, mid, b, fresh;
    struct kit k;
    full.party[JOURNAL_SUBJECT] = STR("sip:a");
    full.identity[JOURNAL_SUBJECT] = JOURNAL_ID;
    up(&k, 8);
    CHECK(!journal_notes(k.j));
    journal_set_store(k.j, &ops);
    CHECK(journal_notes(k.j));
    put(&k, "a", "1");
    CHECK_INT(journal_append(k.j, &full), 2);
    journal_note(k.j, &full);
    put(&k, "b", "4");
    CHECK_INT(journal_miss(k.j, STR("b")), 5);
    put(&k, "a", "6");
    CHECK_INT(kept.n, 6);
    CHECK_INT(kept.e[2].watched.n, 0);
    CHECK(str_find(kept.e[1].data, full.user_data) < kept.e[1].data.n);
    CHECK(str_find(kept.e[2].data, full.user_data) == kept.e[2].data.n);
    down(&k);

    up(&k, 8);
    journal_restore_head(k.j, 1, 6);
    CHECK_INT(journal_head(k.j), 6);
    for (size_t i = 1; i < kept.n; i++) { /* the first one was forgotten */
        if (kept.e[i].watched.n > 0) {
            journal_restore(k.j, &kept.e[i]);
        }
    }
    CHECK_INT(journal_open(k.j, STR("a"), 0, &old), 0);
    CHECK_INT(journal_open(k.j, STR("a"), 1, &mid), 0);
    CHECK_INT(journal_open(k.j, STR("b"), 3, &b), 0);
    CHECK_INT(journal_open(k.j, STR("c"), 6, &fresh), 0);
    check_next(&k, &old, "gap");
    CHECK_INT(journal_peek(k.j, &mid, &r), 0);
    CHECK_INT(r->number, 2);
    CHECK_INT(r->event, CSTA_MSG_HELD_EVENT);
    CHECK_INT(r->cause, CSTA_CAUSE_NORMAL);
    CHECK_INT(r->local, CSTA_STATE_HOLD);
    CHECK_BYTES(r->user_data, full.user_data);
    CHECK_STR(r->correlator, "c");
    CHECK_STR(r->about, "<x/>");
    CHECK_STR(r->digits, "1#");
    CHECK_INT(r->tone_ms, 100);
    CHECK_INT(r->pause_ms, 50);
    CHECK_STR(r->party[JOURNAL_SUBJECT], "sip:a");
    CHECK_INT(r->identity[JOURNAL_SUBJECT], JOURNAL_ID);
    CHECK(!str_is_set(r->secondary) && !str_is_set(r->body));
    check_next(&k, &mid, "2");
    check_next(&k, &mid, "6");
    check_next(&k, &mid, "again");
    check_next(&k, &b, "gap");
    check_next(&k, &fresh, "again");
    CHECK_INT(put(&k, "c", "7"), 7);
    check_next(&k, &fresh, "7");
    journal_close(k.j, &old);
    journal_close(k.j, &mid);
    journal_close(k.j, &b);
    journal_close(k.j, &fresh);
    down(&k);
}

/** Numbers of nobody stand between those of devices: what is older than the ring has places is
    not put back, as a ring that is out of order ends in circles. */
static void test_journal_restores_what_has_a_place(void)
{
    struct kept kept = {.n = 0};
    struct store_ops ops = {.ctx = &kept, .event = on_store};
    struct journal_record nobody = {.call_id = STR("n"), .event = 7};
    struct journal_cursor a;
    struct kit k;
    up(&k, 4);
    journal_set_store(k.j, &ops);
    put(&k, "a", "1");
    put(&k, "a", "2");
    put(&k, "a", "3");
    journal_note(k.j, &nobody);
    journal_note(k.j, &nobody);
    put(&k, "a", "6");
    down(&k);

    up(&k, 4);
    journal_restore_head(k.j, 2, 6);
    for (size_t i = 0; i < kept.n; i++) {
        journal_restore(k.j, &kept.e[i]);
    }
    CHECK_INT(journal_open(k.j, STR("a"), 1, &a), 0);
    check_next(&k, &a, "gap");
    journal_close(k.j, &a);
    CHECK_INT(journal_open(k.j, STR("a"), 2, &a), 0);
    check_next(&k, &a, "3");
    check_next(&k, &a, "6");
    check_next(&k, &a, "again");
    journal_close(k.j, &a);
    put(&k, "a", "7");
    put(&k, "a", "8");
    put(&k, "a", "9");
    CHECK_INT(journal_open(k.j, STR("a"), 5, &a), 0);
    check_next(&k, &a, "6");
    check_next(&k, &a, "7");
    check_next(&k, &a, "8");
    check_next(&k, &a, "9");
    check_next(&k, &a, "again");
    journal_close(k.j, &a);
    down(&k);
}

/** A device that was quiet while others filled the ring has missed nothing. */
static void test_journal_restores_quiet_devices(void)
{
    struct kept kept = {.n = 0};
    struct store_ops ops = {.ctx = &kept, .event = on_store};
    struct journal_cursor a, b, c;
    struct kit k;
    up(&k, 2);
    journal_set_store(k.j, &ops);
    put(&k, "a", "1");
    put(&k, "quiet", "2");
    put(&k, "a", "3");
    put(&k, "a", "4");
    put(&k, "a", "5");
    down(&k);

    up(&k, 2);
    journal_restore_head(k.j, 0, 5);
    for (size_t i = 0; i < kept.n; i++) {
        journal_restore(k.j, &kept.e[i]);
    }
    CHECK_INT(journal_open(k.j, STR("quiet"), 2, &a), 0);
    CHECK_INT(journal_open(k.j, STR("quiet"), 1, &b), 0);
    CHECK_INT(journal_open(k.j, STR("never"), 0, &c), 0);
    journal_restored(k.j);
    check_next(&k, &a, "again");
    check_next(&k, &b, "gap");
    check_next(&k, &c, "again");
    put(&k, "quiet", "6");
    check_next(&k, &a, "6");
    journal_close(k.j, &a);
    journal_close(k.j, &b);
    journal_close(k.j, &c);
    down(&k);
}

/** Events that the store itself has lost are a gap for everybody who has not passed them. */
static void test_journal_restores_gaps_of_the_store(void)
{
    struct kept kept = {.n = 0};
    struct store_ops ops = {.ctx = &kept, .event = on_store};
    struct store_event lost = {
        .number = 2, .watched = STR(""), .event = STORE_GAP, .data = STR("3")};
    struct journal_cursor before, behind, other;
    struct kit k;
    up(&k, 8);
    journal_set_store(k.j, &ops);
    for (unsigned i = 1; i <= 4; i++) {
        put(&k, "a", i == 4 ? "4" : "x");
    }
    down(&k);
    up(&k, 8);
    journal_restore_head(k.j, 0, 4);
    journal_restore(k.j, &kept.e[0]);
    journal_restore(k.j, &lost);
    journal_restore(k.j, &kept.e[3]);
    CHECK_INT(journal_open(k.j, STR("a"), 1, &before), 0);
    CHECK_INT(journal_open(k.j, STR("a"), 3, &behind), 0);
    CHECK_INT(journal_open(k.j, STR("other"), 1, &other), 0);
    check_next(&k, &before, "gap");
    check_next(&k, &behind, "4");
    check_next(&k, &other, "gap");
    journal_close(k.j, &before);
    journal_close(k.j, &behind);
    journal_close(k.j, &other);
    down(&k);
}

/** A row that was cut anywhere is no record, and a gap in its place. */
static void test_journal_row_is_cut(void)
{
    struct kept kept = {.n = 0};
    struct store_ops ops = {.ctx = &kept, .event = on_store};
    struct journal_record r;
    struct kit k;
    up(&k, 8);
    journal_set_store(k.j, &ops);
    struct journal_record full = {.device = STR("a"),
                                  .call_id = STR("1"),
                                  .event = CSTA_MSG_HELD_EVENT,
                                  .cause = CSTA_CAUSE_NORMAL};
    CHECK_INT(journal_append(k.j, &full), 1);
    down(&k);
    CHECK_INT(record_read(kept.e[0].data, &r), 0);
    for (size_t n = 0; n < kept.e[0].data.n; n++) {
        struct str cut = test_guard(str_upto(kept.e[0].data, n));
        CHECK_INT(record_read(cut, &r), E_SYNTAX);
        test_guard_free(cut);
    }
    CHECK_INT(record_read(STR("\x7f"), &r), E_VERSION);
    up(&k, 8);
    struct journal_cursor c;
    struct store_event bad = {
        .number = 5, .watched = STR("a"), .event = STR("x"), .data = STR("\x7f")};
    journal_restore_head(k.j, 0, 5);
    journal_restore(k.j, &bad);
    CHECK_INT(journal_open(k.j, STR("a"), 4, &c), 0);
    check_next(&k, &c, "gap");
    journal_close(k.j, &c);
    down(&k);
}

TEST_MAIN(T(test_journal_keeps_all_of_a_record), T(test_journal_cursor_sees_its_device_only),
          T(test_journal_resumes), T(test_journal_gap), T(test_journal_miss),
          T(test_journal_against_model), T(test_journal_without_memory),
          T(test_journal_warm_ring_reuses), T(test_journal_goes_on_after_a_restart),
          T(test_journal_restores_what_has_a_place), T(test_journal_restores_gaps_of_the_store),
          T(test_journal_restores_quiet_devices), T(test_journal_row_is_cut))
